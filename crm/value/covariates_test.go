package value

import (
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// known is a customer of the tests.
type known struct {
	p Purchases
	z []float64
}

func all(customers []known) iter.Seq2[Purchases, []float64] {
	return func(yield func(Purchases, []float64) bool) {
		for _, c := range customers {
			if !yield(c.p, c.z) {
				return
			}
		}
	}
}

// club simulates customers of whom some are members and whose ages differ: what is true of them.
func club(r *rand.Rand, n int, base ParetoNBD, buying, leaving []float64) (out []known) {
	for range n {
		z := []float64{float64(r.IntN(2)), math.Round(r.NormFloat64() * 10)}
		m, err := ParetoNBDEffects{base, Effects{[]string{"member", "age"}, buying, leaving}}.Of(z)
		if err != nil {
			panic(err)
		}
		rate, gone := gammaDraw(r, m.R)/m.Alpha, r.ExpFloat64()/(gammaDraw(r, m.S)/m.Beta)
		p := Purchases{Age: 20 + math.Floor(r.Float64()*140)/7}
		for t := r.ExpFloat64() / rate; t < min(p.Age, gone); t += r.ExpFloat64() / rate {
			p.Repeats++
			p.Last = t
		}
		out = append(out, known{p, z})
	}
	return out
}

// TestCovariateDerivatives compares with differences.
func TestCovariateDerivatives(t *testing.T) {
	c, err := CondenseCovariates([]string{"a", "b"}, all([]known{{Purchases{0, 0, 30}, []float64{1, -.5}}, {Purchases{3, 9, 20}, []float64{0, 2}}, {Purchases{5, 19, 20}, []float64{1, 0}}, {Purchases{7, 2, 38}, []float64{0, 0}}, {Purchases{0, 0, 30}, []float64{1, -.5}}}))
	require.NoError(t, err)
	require.Equal(t, 5, c.Customers())
	require.Len(t, c.groups, 4)
	for name, f := range map[string]likelihood{
		"Pareto/NBD": c.likelihood(paretoNBD, moves{[4]float64{1: -1}, [4]float64{3: -1}}),
		"BG/NBD":     c.likelihood(func(s *Sample) likelihood { return betaGeometric(s, 0) }, moves{[4]float64{1: -1}, [4]float64{2: 1, 3: 1}}),
	} {
		at := [maxParams]float64{.7, 4, 1.2, 2.5, .3, -.2, .4, .1}
		var d derivatives
		f(&at, &d)
		for i := range 8 {
			const h = 1e-5
			var up, down derivatives
			more, less := at, at
			more[i] += h
			less[i] -= h
			rise := f(&more, &up) - f(&less, &down)
			require.InDelta(t, rise/(2*h), d.first[i], 1e-5*(1+math.Abs(d.first[i])), "%s by %d", name, i)
			for j := range i + 1 {
				require.InDelta(t, (up.first[j]-down.first[j])/(2*h), d.second[i][j], 1e-5*(1+math.Abs(d.second[i][j])), "%s by %d and %d", name, i, j)
			}
		}
	}
}

// TestCovariatesAreFound: what customers were simulated with lies within four standard errors, and
// the errors are those of repeated samples.
func TestCovariatesAreFound(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 9))
	truth := []float64{1, 6, 1, 15, .6, .02, -.8, .03}
	var chi2 float64
	const samples = 6
	for range samples {
		customers := club(r, 2500, ParetoNBD{1, 6, 1, 15}, truth[4:6], truth[6:8])
		c, err := CondenseCovariates([]string{"member", "age"}, all(customers))
		require.NoError(t, err)
		m, fit, err := FitParetoNBDEffects(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, []string{"trans.member", "trans.age", "life.member", "life.age"}, []string{fit.Params[4].Name, fit.Params[5].Name, fit.Params[6].Name, fit.Params[7].Name})
		for i, p := range fit.Params {
			off := (p.Value - truth[i]) / p.StdErr
			require.Less(t, math.Abs(off), 4.0, "%+v, and is %v", p, truth[i])
			if i >= 4 {
				chi2 += off * off
				require.InEpsilon(t, p.StdErr, math.Sqrt(fit.Covariance[i][i]), 1e-9)
			}
		}
		require.Less(t, fit.Gradient, 1e-6)
		of, err := m.Of([]float64{1, 10})
		require.NoError(t, err)
		require.InEpsilon(t, m.Base.Alpha*math.Exp(-m.Buying[0]-10*m.Buying[1]), of.Alpha, 1e-12)
		require.InEpsilon(t, m.Base.Beta*math.Exp(-m.Leaving[0]-10*m.Leaving[1]), of.Beta, 1e-12)
	}
	require.InDelta(t, 4*samples, chi2, 4*math.Sqrt(2*4*samples), "errors of the coefficients")
}

// TestCovariatesBetween: the likelihood is above that without covariates, below that of a model for each
// group, and the same in any order.
func TestCovariatesBetween(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 10))
	customers := club(r, 1500, ParetoNBD{1, 6, 1, 15}, []float64{.6, 0}, []float64{-.8, 0})
	var member, other []Purchases
	for i := range customers {
		c := &customers[i]
		if c.z = c.z[:1]; c.z[0] == 1 {
			member = append(member, c.p)
		} else {
			other = append(other, c.p)
		}
	}
	c, err := CondenseCovariates([]string{"member"}, all(customers))
	require.NoError(t, err)
	slices.Reverse(customers)
	back, err := CondenseCovariates([]string{"member"}, all(customers))
	require.NoError(t, err)
	require.Equal(t, c, back)
	pooled, err := c.pooled()
	require.NoError(t, err)
	_, with, err := FitParetoNBDEffects(t.Context(), c)
	require.NoError(t, err)
	_, without, err := FitParetoNBD(t.Context(), pooled)
	require.NoError(t, err)
	_, a, err := FitParetoNBD(t.Context(), condensed(t, member))
	require.NoError(t, err)
	_, b, err := FitParetoNBD(t.Context(), condensed(t, other))
	require.NoError(t, err)
	require.Greater(t, with.LogLikelihood, without.LogLikelihood+10)
	require.Less(t, with.LogLikelihood, a.LogLikelihood+b.LogLikelihood)
	bg, with, err := FitBGNBDEffects(t.Context(), c)
	require.NoError(t, err)
	_, without, err = FitBGNBD(t.Context(), pooled)
	require.NoError(t, err)
	require.Greater(t, with.LogLikelihood, without.LogLikelihood+10)
	of, err := bg.Of([]float64{1})
	require.NoError(t, err)
	require.InEpsilon(t, bg.Base.A/bg.Base.B, of.A/of.B, 1e-12)
	require.InEpsilon(t, bg.Base.B*math.Exp(bg.Leaving[0]), of.B, 1e-12)
}

// TestCovariatesThatTellNothing: the same for all, or of customers who never came back.
func TestCovariatesThatTellNothing(t *testing.T) {
	customers := club(rand.New(rand.NewPCG(4, 11)), 600, ParetoNBD{1, 6, 1, 15}, []float64{0, 0}, []float64{0, 0})
	fit := func(z func(i int) float64) (ParetoNBDEffects, *BoundaryError) {
		for i := range customers {
			customers[i].z = []float64{z(i)}
		}
		c, err := CondenseCovariates([]string{"x"}, all(customers))
		require.NoError(t, err)
		m, f, err := FitParetoNBDEffects(t.Context(), c)
		for _, p := range f.Params {
			require.False(t, math.IsNaN(p.Value) || math.IsNaN(p.StdErr), p)
		}
		var bound *BoundaryError
		require.True(t, err == nil || errors.As(err, &bound), err)
		return m, bound
	}
	for _, v := range []float64{0, 1} {
		_, bound := fit(func(int) float64 { return v })
		require.NotNil(t, bound)
		require.Contains(t, bound.Params, "trans.x")
		require.Contains(t, bound.Params, "life.x")
	}
	m, bound := fit(func(i int) float64 {
		if customers[i].p.Repeats == 0 {
			return 1
		}
		return 0
	})
	require.NotNil(t, bound)
	require.Contains(t, bound.Error(), ".x at ")
	of, err := m.Of([]float64{1})
	require.NoError(t, err)
	require.Less(t, of.ExpectAfter(Purchases{Age: 30}, 10), 0.01, "who never came back is not expected to")
}

func TestBadCovariates(t *testing.T) {
	for _, names := range [][]string{nil, {""}, {"a", "a"}, {"a", "b", "c", "d", "e", "f", "g"}} {
		_, err := CondenseCovariates(names, all(nil))
		require.ErrorIs(t, err, ErrData)
	}
	_, err := CondenseCovariates([]string{"a"}, all(nil))
	require.ErrorIs(t, err, ErrData)
	for want, c := range map[string]known{
		"customer 1: covariates are 0, not 1": {Purchases{0, 0, 1}, nil},
		"customer 1: a is NaN":                {Purchases{0, 0, 1}, []float64{math.NaN()}},
		"customer 1: a is -Inf":               {Purchases{0, 0, 1}, []float64{math.Inf(-1)}},
		"customer 1: Last is 2":               {Purchases{0, 2, 3}, []float64{1}},
	} {
		_, err := CondenseCovariates([]string{"a"}, all([]known{{Purchases{0, 0, 1}, []float64{1}}, c}))
		require.ErrorContains(t, err, want)
		var data *DataError
		require.ErrorAs(t, err, &data)
	}
	_, err = BGNBDEffects{}.Of([]float64{1})
	require.ErrorIs(t, err, ErrData)
	_, err = ParetoNBDEffects{Effects: Effects{[]string{"a"}, []float64{1}, []float64{1}}}.Of([]float64{math.Inf(1)})
	require.ErrorIs(t, err, ErrData)
}
