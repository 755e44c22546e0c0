package value

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// spenders returns the repeat buyers of the sample.
func spenders(t testing.TB) (all []Spending) {
	for _, r := range rows(t, "cdnow/cdnow_customers_summary_with_transactions.csv") {
		if s := (Spending{int(number(t, r[1])), number(t, r[4])}); s.Purchases > 0 {
			all = append(all, s)
		}
	}
	return all
}

func TestGammaGammaGolden(t *testing.T) {
	all := spenders(t)
	_, fit, err := FitGammaGamma(t.Context(), slices.Values(all))
	require.NoError(t, err)
	want := goldenOf(t, "gamma_gamma")
	want.Params["gamma"] = want.Params["v"]
	delete(want.Params, "v")
	requireFit(t, want, fit, 1e-5)
	require.Equal(t, 946, fit.Customers)
	m := GammaGamma{want.Params["p"], want.Params["q"], want.Params["gamma"]}
	mean := map[string]string{}
	for _, r := range rows(t, "golden/cdnow_per_customer.csv.gz") {
		mean[r[0]] = r[10]
	}
	for _, r := range rows(t, "cdnow/cdnow_customers_summary_with_transactions.csv") {
		s := Spending{int(number(t, r[1])), number(t, r[4])}
		require.InEpsilon(t, number(t, mean[r[0]]), m.Expect(s), 1e-9, r[0])
	}
	paper := GammaGamma{6.25, 3.74, 15.44}
	for i, want := range []float64{24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17} {
		r := rows(t, "cdnow/cdnow_customers_summary_with_transactions.csv")[i]
		require.InDelta(t, want, paper.Expect(Spending{int(number(t, r[1])), number(t, r[4])}), .1)
	}
}

func donors(t testing.TB) map[Chances]int {
	out := map[Chances]int{}
	for _, r := range rows(t, "cdnow/donations.csv") {
		out[Chances{int(number(t, r[0])), int(number(t, r[1])), int(number(t, r[2]))}] = int(number(t, r[3]))
	}
	return out
}

func TestBGBBGolden(t *testing.T) {
	cells := donors(t)
	m, fit, err := FitBGBB(t.Context(), maps.All(cells))
	require.NoError(t, err)
	requireFit(t, goldenOf(t, "bgbb_donations"), fit, 1e-5)
	require.Equal(t, 11104, fit.Customers)
	for c, want := range map[Chances]float64{{0, 0, 6}: .11, {2, 4, 6}: .59, {6, 6, 6}: .93} {
		require.InDelta(t, want, m.Alive(c), .005, c)
	}
	var next float64
	for c, n := range cells {
		next += float64(n) * m.ExpectAfter(c, 5)
	}
	require.InDelta(t, 12884.2, next, .1)
	require.InDelta(t, 3454.9, 11104*m.Probability(0, 6), .1)
	require.InDelta(t, 1253.1, 11104*m.Probability(6, 6), .1)
	var sum float64
	for k := range 7 {
		sum += m.Probability(k, 6)
	}
	require.InDelta(t, 1, sum, 1e-12)
}

// TestSBG is the example of the paper: of 1,000 "high end" customers so many are left each year.
func TestSBG(t *testing.T) {
	m, fit, err := FitSBG(t.Context(), 1000, 869, 743, 653, 593, 551, 517, 491)
	require.NoError(t, err)
	require.InDelta(t, .668, m.Alpha, .0005)
	require.InDelta(t, 3.806, m.Beta, .0005)
	require.InDelta(t, -1611.2, fit.LogLikelihood, .05)
	require.InDelta(t, 1, m.Surviving(0), 1e-15)
	kept := 1.0
	for i := range 12 {
		kept *= m.Retention(i)
		require.InDelta(t, kept, m.Surviving(i+1), 1e-12)
	}
	_, _, err = FitSBG(t.Context(), 5, 6)
	require.ErrorIs(t, err, ErrData)
}
