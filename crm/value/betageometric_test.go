package value

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBGNBDGolden(t *testing.T) {
	s := condensed(t, cdnow(t))
	require.Equal(t, 2357, s.Customers())
	m, fit, err := FitBGNBD(t.Context(), s)
	require.NoError(t, err)
	requireFit(t, goldenOf(t, "bgnbd"), fit, 1e-5)
	require.InDelta(t, fit.LogLikelihood, m.LogLikelihood(s), 1e-9)
}

func TestMBGNBDGolden(t *testing.T) {
	_, fit, err := FitMBGNBD(t.Context(), condensed(t, cdnow(t)))
	require.NoError(t, err)
	requireFit(t, goldenOf(t, "mbgnbd"), fit, 1e-5)
}

// paperBG are the rounded parameters of Fader, Hardie and Lee 2005.
var paperBG = BGNBD{R: 0.243, Alpha: 4.414, A: 0.793, B: 2.426}

func goldenBG(t testing.TB) BGNBD {
	p := goldenOf(t, "bgnbd").Params
	return BGNBD{p["r"], p["alpha"], p["a"], p["b"]}
}

// TestBGNBDPoints are the values of the paper and of lifetimes.
func TestBGNBDPoints(t *testing.T) {
	m := goldenBG(t)
	for at, want := range map[float64]float64{0.1429: .00781607, 1: .05318474, 3: .15063193, 31.8571: 1.04049431, 32: 1.04373723, 78: 1.85797178} {
		require.InEpsilon(t, want, m.Expect(at), 1e-6, at)
	}
	p := Purchases{Repeats: 2, Last: 30.43, Age: 38.86}
	require.InEpsilon(t, 1.2259104, m.ExpectAfter(p, 39), 1e-7)
	require.InEpsilon(t, .7266091, m.Alive(p), 1e-7)
	require.InEpsilon(t, 1.446051, paperBG.Expect(52), 1e-6)
	often := Purchases{Repeats: 26, Last: 30.86, Age: 31}
	require.InEpsilon(t, 25.7582, paperBG.ExpectAfter(often, 52), 1e-5)
	require.InEpsilon(t, .9689156, paperBG.Alive(often), 1e-7)
	require.InEpsilon(t, 1.07869e-7, paperBG.Probability(10, 2), 1e-5)
	require.InEpsilon(t, .5737864, paperBG.Probability(0, 39), 1e-6)
	var want map[string]float64
	require.NoError(t, json.Unmarshal(golden(t)["bg_pmf_rounded_params"], &want))
	for n := 11; n <= 20; n++ {
		require.InEpsilon(t, want[fmt.Sprintf("P(X(30)=%d)", n)], paperBG.Probability(n, 30), 1e-9, n)
	}
}

// perCustomer compares a column of the golden values of each customer.
func perCustomer(t testing.TB, column int, f func(Purchases) float64) {
	t.Helper()
	for _, r := range rows(t, "golden/cdnow_per_customer.csv.gz") {
		p := Purchases{Repeats: int(number(t, r[1])), Last: number(t, r[2]), Age: number(t, r[3])}
		require.InEpsilon(t, number(t, r[column]), f(p), 1e-9, "customer %s: %+v", r[0], p)
	}
}

func TestBetaGeometricPerCustomer(t *testing.T) {
	m := goldenBG(t)
	perCustomer(t, 5, m.Alive)
	perCustomer(t, 6, func(p Purchases) float64 { return m.ExpectAfter(p, 39) })
	p := goldenOf(t, "mbgnbd").Params
	perCustomer(t, 9, MBGNBD{p["r"], p["alpha"], p["a"], p["b"]}.Alive)
}

// TestMomentsAgree holds expectations, probabilities and survival together, which are computed in
// ways that have nothing in common: the mean of the distribution is the expectation, the
// probabilities add up to 1, an expectation grows by who is alive. Parameters also where a is 1,
// where a+b is below 1, and far from those of papers.
func TestMomentsAgree(t *testing.T) {
	for _, m := range []Model{
		paperBG, BGNBD{0.5, 6, 1, 1.5}, BGNBD{0.5, 6, 1.00004, 1.5}, BGNBD{2, 3, 0.3, 0.4}, BGNBD{1.5, 10, 4, 9}, BGNBD{0.2, 1, 0.05, 0.5}, BGNBD{3, 0.5, 8, 0.7}, BGNBD{60, 40, 50, 200}, BGNBD{300, 200, 3, 5},
		ParetoNBD{.553, 10.58, .606, 11.67}, ParetoNBD{2, 3, 1, 4}, ParetoNBD{.3, 20, 4, 1}, ParetoNBD{1, .5, .1, 50},
		GGomNBD{.55, 10, .02, .6, .5}, GGomNBD{.55, 3, .2, 2, 4},
		MBGNBD{0.525, 6.183, 0.891, 1.614}, MBGNBD{0.5, 6, 1, 1.5}, MBGNBD{2, 3, 0.3, 0.4}, MBGNBD{1.5, 10, 4, 9}, MBGNBD{0.2, 1, 0.05, 0.5},
	} {
		for _, horizon := range []float64{0, 0.2, 5, 30} {
			for _, p := range []Purchases{{}, {Age: 20}, {Repeats: 1, Last: 3, Age: 20}, {Repeats: 30, Last: 19, Age: 20}, {Repeats: 5, Last: 5, Age: 5}} {
				name := fmt.Sprintf("%T%v %+v in %v", m, m, p, horizon)
				var sum, mean float64
				for n := 0; n < 5000 && sum < 1-1e-13; n++ {
					q := m.ProbabilityAfter(p, n, horizon)
					require.True(t, q >= 0 && q <= 1+1e-12, "%s: P(%d) is %v", name, n, q)
					sum += q
					mean += q * float64(n)
				}
				require.InDelta(t, 1, sum, 1e-9, name)
				require.InDelta(t, m.ExpectAfter(p, horizon), mean, 1e-8*(1+mean), name)
				alive := m.AliveAfter(p, horizon)
				require.True(t, alive >= 0 && alive <= m.Alive(p)+1e-12, "%s: alive %v", name, alive)
			}
		}
	}
}

// TestAlike: customers who all leave with nearly the same probability p buy as a model says in which it is p exactly. The
// density is then a needle, which the quadrature must find.
func TestAlike(t *testing.T) {
	for _, p := range []float64{.01, .13, .5, .87, .999} {
		m := BGNBD{1.7, 4.7, p * 1e6, (1 - p) * 1e6}
		for _, until := range []float64{.1, 4, 52, 1e4} {
			alive := func(p float64) float64 { return math.Exp(-m.R * math.Log1p(p*until/m.Alpha)) }
			require.InEpsilon(t, alive(p), betaMean(m.A, m.B, m.Alpha/until, alive), 10/m.A, "alive after %v with %v", until, m)
			require.InEpsilon(t, -math.Expm1(-m.R*math.Log1p(p*until/m.Alpha))/p, m.Expect(until), 10/m.A, "expected until %v with %v", until, m)
		}
	}
}
