package value

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGGomNBDGolden: on the sample of the papers the rate of leaving does not grow, so that the model becomes
// Pareto/NBD; CLVTools stops at b = 1e-5 with -9594.976.
func TestGGomNBDGolden(t *testing.T) {
	s := condensed(t, cdnow(t))
	m, fit, err := FitGGomNBD(t.Context(), s)
	var bound *BoundaryError
	require.ErrorAs(t, err, &bound)
	require.Subset(t, []string{"b", "beta"}, bound.Params)
	require.InDelta(t, -9594.974, fit.LogLikelihood, .01)
	pareto := goldenPareto(t)
	require.InEpsilon(t, pareto.R, m.R, 1e-3)
	require.InEpsilon(t, pareto.Alpha, m.Alpha, 1e-3)
	require.InEpsilon(t, pareto.S, m.S, 1e-2)
	require.InEpsilon(t, pareto.Beta, m.Beta/m.B, 1e-2)
	for _, p := range cdnow(t)[:200] {
		require.InDelta(t, pareto.Alive(p), m.Alive(p), 1e-3)
		require.InEpsilon(t, pareto.ExpectAfter(p, 39), m.ExpectAfter(p, 39), 1e-2)
	}
}

// TestGGomNBDBecomesPareto: with b near 0 all is as Pareto/NBD says.
func TestGGomNBDBecomesPareto(t *testing.T) {
	const b = 1e-9
	pareto := ParetoNBD{.55, 10.6, .6, 11.7}
	m := GGomNBD{pareto.R, pareto.Alpha, b, pareto.S, pareto.Beta * b}
	for _, p := range []Purchases{{}, {Age: 30}, {2, 30, 38}, {40, 2, 40}} {
		require.InEpsilon(t, pareto.Alive(p), m.Alive(p), 1e-6, p)
		require.InEpsilon(t, pareto.AliveAfter(p, 20), m.AliveAfter(p, 20), 1e-6, p)
		require.InEpsilon(t, pareto.ExpectAfter(p, 20), m.ExpectAfter(p, 20), 1e-6, p)
		require.InEpsilon(t, pareto.ProbabilityAfter(p, 2, 20), m.ProbabilityAfter(p, 2, 20), 1e-6, p)
	}
	s := condensed(t, cdnow(t))
	require.InDelta(t, pareto.LogLikelihood(s), m.LogLikelihood(s), 1e-3)
}

// TestGGomNBDHeavy: of who buys very often the probability of a few purchases more is that of having left between them.
func TestGGomNBDHeavy(t *testing.T) {
	// Integrated by SciPy 1.17 at 48,000 points of the logarithm of time.
	m := GGomNBD{1.1956427686216837, .5707742359640241, 1.0438460759266899, .1435681907637046, 3.836727879894086}
	require.InEpsilon(t, .003288268131588785, m.ProbabilityAfter(Purchases{7596, 174.25829072290517, 174.29934327308357}, 8, 103.06448234917963), 1e-9)
	require.InEpsilon(t, .00017808781725024386, GGomNBD{1.2, .57, .05, .14, 3.8}.ProbabilityAfter(Purchases{1200, 40, 40}, 50, 3), 1e-9)
}

// TestDerivatives compares those of every likelihood with differences of it, at parameters that are
// no optimum.
func TestDerivatives(t *testing.T) {
	s := condensed(t, []Purchases{{0, 0, 30}, {1, 3, 20}, {5, 19, 20}, {5, 2, 38}, {60, 10, 31}, {0, 0, 2}, {2, 8, 8}})
	for name, f := range map[string]likelihood{"BG/NBD": betaGeometric(s, 0), "MBG/NBD": betaGeometric(s, 1), "Pareto/NBD": paretoNBD(s), "GGom/NBD": ggomNBD(s)} {
		for _, at := range [][maxParams]float64{{.7, 4, 1.2, 2.5, .3}, {.3, 9, .2, .4, 6}, {2, .5, 3, 8, 20}} {
			n := ggomParams
			if name != "GGom/NBD" {
				n = 4
			}
			var d derivatives
			f(&at, &d)
			for i := range n {
				h := 1e-5 * at[i]
				var up, down derivatives
				more, less := at, at
				more[i] += h
				less[i] -= h
				rise := f(&more, &up) - f(&less, &down)
				require.InDelta(t, rise/(2*h), d.first[i], 1e-5*(1+max(d.first[i], -d.first[i])), "%s %v by %d", name, at, i)
				for j := range i + 1 {
					require.InDelta(t, (up.first[j]-down.first[j])/(2*h), d.second[i][j], 1e-5*(1+max(d.second[i][j], -d.second[i][j])), "%s %v by %d and %d", name, at, i, j)
				}
			}
		}
	}
}
