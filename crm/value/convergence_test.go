package value

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// simulated returns customers of the process that a model describes: who may leave at any time at a rate,
// or after a purchase with a probability.
func simulated(r *rand.Rand, n int, shape, scale, leave1, leave2, longest float64, anyTime bool) (all []Purchases) {
	for range n {
		p := Purchases{Age: longest * r.Float64()}
		rate := gammaDraw(r, shape) / scale
		until := p.Age
		chance := 0.0
		if anyTime {
			until = min(until, r.ExpFloat64()/(gammaDraw(r, leave1)/leave2))
		} else {
			a, b := gammaDraw(r, leave1), gammaDraw(r, leave2)
			chance = a / (a + b)
		}
		for at := r.ExpFloat64() / rate; at < until && p.Repeats < 20_000; at += r.ExpFloat64() / rate {
			p.Repeats++
			p.Last = at
			if r.Float64() < chance {
				break
			}
		}
		all = append(all, p)
	}
	return all
}

// gammaDraw draws from the gamma distribution with scale 1 (Marsaglia and Tsang 2000).
func gammaDraw(r *rand.Rand, shape float64) float64 {
	boost := 1.0
	if shape < 1 {
		boost = math.Pow(1-r.Float64(), 1/shape)
		shape++
	}
	d := shape - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return max(d*v*boost, 1e-300)
		}
	}
}

// strange are samples of shapes that other programs stop at: lifetimes#258, #259, #262, #332, #396
// and #419 are about data with one kind of customer, without repeats, of other units, with large numbers.
func strange(r *rand.Rand) map[string][]Purchases {
	every := func(n int, f func(i int) Purchases) (all []Purchases) {
		for i := range n {
			all = append(all, f(i))
		}
		return all
	}
	unit := math.Exp(r.Float64()*30 - 15)
	base := simulated(r, 300, .5, 5, .8, 2, 40, false)
	return map[string][]Purchases{
		"one, never again":      {{0, 0, 10}},
		"one, once more":        {{1, 5, 10}},
		"one, of today":         {{0, 0, 0}},
		"nobody again":          every(200, func(i int) Purchases { return Purchases{Age: float64(i)} }),
		"all alike":             every(200, func(int) Purchases { return Purchases{3, 7, 9} }),
		"all on their last day": every(200, func(i int) Purchases { return Purchases{1 + i%5, 30, 30} }),
		"all on their first":    every(200, func(i int) Purchases { return Purchases{1, 1e-9, 30} }),
		"one buys very much":    append(base[:len(base):len(base)], Purchases{10_000, 9999, 10_000}),
		"all buy very much":     every(100, func(i int) Purchases { return Purchases{5000 + i, 390, 400} }),
		"regular as clocks":     every(300, func(i int) Purchases { n := 1 + i%50; return Purchases{n, float64(n), float64(n) + .5} }),
		"another unit":          every(300, func(i int) Purchases { return Purchases{base[i].Repeats, base[i].Last * unit, base[i].Age * unit} }),
		"no age":                every(50, func(i int) Purchases { return Purchases{Repeats: i % 2} }),
		"two kinds":             every(400, func(i int) Purchases { return []Purchases{{0, 0, 100}, {200, 99.9, 100}}[i%2] }),
	}
}

// TestConvergence fits samples of every shape: a stationary point or the names of the parameters that the
// data do not tell, and predictions that are numbers. VEFA_VALUE_SAMPLES says how many, 1,000 with .ci/long.
func TestConvergence(t *testing.T) {
	samples := 5
	if v, err := strconv.Atoi(os.Getenv("VEFA_VALUE_SAMPLES")); err == nil {
		samples = v
	}
	r := rand.New(rand.NewPCG(1, 2))
	fits, bounds, most := 0, 0, 0
	bySize, sizes := map[int]int{}, map[int]int{}
	try := func(name string, all []Purchases) {
		s := condensed(t, all)
		for model, fit := range map[string]func() (Model, Fit, error){
			"BG/NBD":     func() (Model, Fit, error) { return FitBGNBD(t.Context(), s) },
			"MBG/NBD":    func() (Model, Fit, error) { return FitMBGNBD(t.Context(), s) },
			"Pareto/NBD": func() (Model, Fit, error) { return FitParetoNBD(t.Context(), s) },
			"GGom/NBD":   func() (Model, Fit, error) { return FitGGomNBD(t.Context(), s) },
		} {
			m, got, err := fit()
			fits++
			sizes[len(all)]++
			most = max(most, got.Iterations)
			var bound *BoundaryError
			if errors.As(err, &bound) {
				bounds++
				bySize[len(all)]++
			} else {
				require.NoError(t, err, "%s: %s: %+v", name, model, got)
				require.Less(t, got.Gradient, 1e-6*math.Abs(got.LogLikelihood)+1e-6, "%s: %s: %+v", name, model, got)
			}
			for i, p := range []Purchases{all[0], all[len(all)/2], all[len(all)-1], {}, {Age: 10_000}, {10_000, 9_999, 10_000}, {1, 0, 10_000}} {
				if i > 2 && s.age > 1e4 {
					break // of another unit
				}
				for _, v := range []float64{m.Alive(p), m.AliveAfter(p, s.age), m.Expect(s.age), m.ExpectAfter(p, s.age), m.ProbabilityAfter(p, 1, s.age)} {
					require.False(t, math.IsNaN(v) || math.IsInf(v, 0) || v < -1e-9, "%s: %s: %+v: %+v: %v", name, model, m, p, v)
				}
			}
		}
	}
	for i := range samples {
		one := func(lo, hi float64) float64 { return math.Exp(lo + (hi-lo)*r.Float64()) }
		n := []int{3, 20, 200, 2000}[i%4]
		try(fmt.Sprint("sample ", i), simulated(r, n, one(-3, 2), one(-2, 4), one(-3, 2), one(-2, 3), one(1, 5), i%2 == 0))
		if i%len(strange(r)) == 0 {
			for name, all := range strange(r) {
				try(name, all)
			}
		}
	}
	t.Logf("%d fits, %d with a parameter at a boundary, %d iterations at most; of %v customers in each sample: %v", fits, bounds, most, sizes, bySize)
}

// TestUnits: customers of another unit of time or money, as large or small as is accepted, are fitted as those of the usual one;
// beyond that they are refused.
func TestUnits(t *testing.T) {
	base := simulated(rand.New(rand.NewPCG(5, 5)), 300, .5, 5, .8, 2, 40, false)
	in := func(unit float64) (*Sample, error) {
		var all []Purchases
		for _, p := range base {
			all = append(all, Purchases{p.Repeats, p.Last * unit, p.Age * unit})
		}
		return Condense(slices.Values(all))
	}
	weeks, err := in(1)
	require.NoError(t, err)
	want, _, err := FitBGNBD(t.Context(), weeks)
	require.NoError(t, err)
	for _, unit := range []float64{1e-98, 1e98} {
		s, err := in(unit)
		require.NoError(t, err)
		got, _, err := FitBGNBD(t.Context(), s)
		require.NoError(t, err)
		require.InEpsilonSlice(t, []float64{want.R, want.Alpha, want.A, want.B}, []float64{got.R, got.Alpha / unit, got.A, got.B}, 1e-6)
		m, _, err := FitGammaGamma(t.Context(), slices.Values([]Spending{{1, 3 * unit}, {5, 4 * unit}, {2, 9 * unit}, {3, unit}, {7, 2 * unit}}))
		if bound := (*BoundaryError)(nil); !errors.As(err, &bound) {
			require.NoError(t, err)
		}
		require.InDelta(t, 4, m.Expect(Spending{2, 4 * unit})/unit, 2)
	}
	for _, unit := range []float64{1e-110, 1e110} {
		_, err := in(unit)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, "Age is ")
		_, _, err = FitGammaGamma(t.Context(), slices.Values([]Spending{{1, unit}}))
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, "Mean is ")
	}
}

// TestEqualMeans: customers who spend nearly the same are told apart by little, along a curved ridge of the likelihood
// on which damped steps took more than 500.
func TestEqualMeans(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		var all []Spending
		for range 20_000 {
			all = append(all, Spending{1 + int(seed%5), float64(5000 + r.IntN(1+int(100*(seed+1))))})
		}
		m, fit, err := FitGammaGamma(t.Context(), slices.Values(all))
		var boundary *BoundaryError
		if err != nil && !errors.As(err, &boundary) {
			require.NoError(t, err, seed)
		}
		require.Less(t, fit.Iterations, 200, seed)
		mean := 5000 + 50*float64(seed+1)
		require.InEpsilon(t, mean, m.Expect(Spending{}), 0.01, seed)
	}
}
