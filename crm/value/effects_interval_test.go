package value

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPredictAllEffects: expectation and chance are those of the groups, each by its own model; what parameters add is
// what the slopes of the sum say, by two points here.
func TestPredictAllEffects(t *testing.T) {
	names := []string{"member", "age"}
	var customers []known
	r := rand.New(rand.NewPCG(5, 12))
	for range 60 {
		p := Purchases{Repeats: r.IntN(6), Age: 30}
		if p.Repeats > 0 {
			p.Last = 30 * r.Float64()
		}
		customers = append(customers, known{p, []float64{float64(r.IntN(2)), float64(10 * r.IntN(2))}})
	}
	c, err := CondenseCovariates(names, all(customers))
	require.NoError(t, err)
	for name, m := range map[string]interface {
		PredictAll(Fit, *Covariates, float64, float64) (Interval, error)
	}{
		"Pareto/NBD": ParetoNBDEffects{ParetoNBD{1, 6, 1, 15}, Effects{names, []float64{.6, .02}, []float64{-.8, .03}}},
		"BG/NBD":     BGNBDEffects{BGNBD{.7, 5, .8, 2.5}, Effects{names, []float64{.6, .02}, []float64{-.8, .03}}},
	} {
		sum := func(at []float64) (mean float64, models []Model) {
			e := Effects{names, at[4:6], at[6:8]}
			for _, k := range customers {
				var m Model
				if name == "BG/NBD" {
					m, err = BGNBDEffects{BGNBD{at[0], at[1], at[2], at[3]}, e}.Of(k.z)
				} else {
					m, err = ParetoNBDEffects{ParetoNBD{at[0], at[1], at[2], at[3]}, e}.Of(k.z)
				}
				require.NoError(t, err)
				mean += m.ExpectAfter(k.p, 20)
				models = append(models, m)
			}
			return mean, models
		}
		at := []float64{1, 6, 1, 15, .6, .02, -.8, .03}
		if name == "BG/NBD" {
			at = []float64{.7, 5, .8, 2.5, .6, .02, -.8, .03}
		}
		mean, models := sum(at)
		chance := 0.0
		for i, k := range customers {
			one, err := PredictAll(models[i], Fit{}, condensed(t, []Purchases{k.p}), 20, .9)
			require.NoError(t, err)
			chance += math.Pow(one.High-one.Expected, 2)
		}
		got, err := m.PredictAll(Fit{}, c, 20, .9)
		require.NoError(t, err)
		require.InEpsilon(t, mean, got.Expected, 1e-12, name)
		require.InEpsilon(t, math.Sqrt(chance), got.High-mean, 1e-9, name)

		fit := Fit{Covariance: make([][]float64, 8)}
		added := 0.0
		for i := range 8 {
			fit.Covariance[i] = make([]float64, 8)
			se := .1
			if i == 5 || i == 7 {
				se = .01
			}
			fit.Covariance[i][i] = se * se
			const h = 1e-4
			up, down := slices.Clone(at), slices.Clone(at)
			if i < 4 {
				up[i], down[i] = at[i]*math.Exp(h), at[i]*math.Exp(-h)
			} else {
				up[i], down[i] = at[i]+h, at[i]-h
			}
			a, _ := sum(up)
			b, _ := sum(down)
			added += math.Pow((a-b)/(2*h)*se, 2)
		}
		with, err := m.PredictAll(fit, c, 20, .9)
		require.NoError(t, err)
		z := math.Sqrt2 * math.Erfinv(.9)
		require.InEpsilon(t, math.Sqrt(chance+z*z*added), with.High-mean, 1e-5, name)

		_, err = m.PredictAll(Fit{Covariance: make([][]float64, 4)}, c, 20, .9)
		require.ErrorContains(t, err, "fit is of another model")
		other, err := CondenseCovariates([]string{"member", "height"}, all(customers))
		require.NoError(t, err)
		_, err = m.PredictAll(Fit{}, other, 20, .9)
		require.ErrorContains(t, err, `covariates ["member" "age"], the customers ["member" "height"]`)
		_, err = m.PredictAll(Fit{}, c, -1, .9)
		require.ErrorIs(t, err, ErrData)
	}
}
