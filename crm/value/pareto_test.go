package value

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func goldenPareto(t testing.TB) ParetoNBD {
	p := goldenOf(t, "pnbd").Params
	return ParetoNBD{p["r"], p["alpha"], p["s"], p["beta"]}
}

func TestParetoNBDGolden(t *testing.T) {
	s := condensed(t, cdnow(t))
	m, fit, err := FitParetoNBD(t.Context(), s)
	require.NoError(t, err)
	want := goldenOf(t, "pnbd")
	want.SE = map[string]float64{"r": .0476, "alpha": .8427, "s": .1873, "beta": 6.2105} // CLVTools
	requireFit(t, want, fit, 1e-5)
	require.InDelta(t, fit.LogLikelihood, m.LogLikelihood(s), 1e-9)
}

func TestParetoNBDPoints(t *testing.T) {
	m := goldenPareto(t)
	perCustomer(t, 7, m.Alive)
	perCustomer(t, 8, func(p Purchases) float64 { return m.ExpectAfter(p, 39) })
	btyd := ParetoNBD{.5533971, 10.5801985, .6060625, 11.6562237}
	often := Purchases{Repeats: 26, Last: 30.86, Age: 31}
	require.InEpsilon(t, 1.473113, btyd.Expect(52), 1e-5)
	require.InEpsilon(t, 25.45532, btyd.ExpectAfter(often, 52), 1e-5)
	require.InEpsilon(t, .9979179, btyd.Alive(often), 1e-6)
	for i, want := range []float64{.0952467, 3.915618, 32.43761, 39.13119} {
		p := Purchases{Repeats: 10 + i, Last: []float64{12, 22, 34, 38}[i], Age: 38.86}
		require.InEpsilon(t, want, btyd.Residual(p, .0027), 1e-5, p)
	}
}

// TestParetoNBDHostile are histories that other programs overflow at.
func TestParetoNBDHostile(t *testing.T) {
	m := ParetoNBD{10.465, .00798565, 3.0516, 2.820} // lifetimes, test_overflow_error
	for _, p := range []Purchases{{400, 5, 6}, {500, 1, 37}, {500, 4, 37}} {
		s := condensed(t, []Purchases{p})
		ll := m.LogLikelihood(s)
		require.False(t, ll != ll || ll < -1e300, p)
		require.True(t, m.Alive(p) >= 0 && m.Alive(p) <= 1, "%v: %v", p, m.Alive(p))
	}
	m = ParetoNBD{.5143, 2.8845, .2856, 14.1087} // CLVTools
	for i, x := range []int{221, 254, 161, 204} {
		p := Purchases{x, []float64{103.42857, 97.14286, 94.71429, 98.57143}[i], []float64{103.57143, 97.28571, 98, 99.42857}[i]}
		require.True(t, m.Alive(p) > 0 && m.Alive(p) <= 1, "%v: %v", p, m.Alive(p))
	}
}
