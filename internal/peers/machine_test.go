package peers

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/crm/warning"
)

// figures returns answers and those of which no package of Python was asked.
func figures(t *testing.T) map[string][]float64 {
	out := answers(t)
	say := func(name string, v ...float64) { out["ours/"+name] = append(out["ours/"+name], v...) }
	var all []value.Purchases
	for _, four := range chunks(out["duckdb/purchases"], 4) {
		all = append(all, value.Purchases{Repeats: int(four[0]), Last: four[1], Age: four[2]})
	}
	s, err := value.Condense(slices.Values(all))
	require.NoError(t, err)
	fitted := func(name string, f value.Fit) {
		for _, p := range f.Params {
			say("errors of "+name, p.StdErr)
		}
		say("maximum of "+name, f.LogLikelihood)
	}
	bg, f, err := value.FitBGNBD(t.Context(), s)
	require.NoError(t, err)
	fitted("bgnbd", f)
	total, err := value.PredictAll(bg, f, s, 26, 0.9)
	require.NoError(t, err)
	say("all", total.Expected, total.Low, total.High)
	pareto, f, err := value.FitParetoNBD(t.Context(), s)
	require.NoError(t, err)
	fitted("paretonbd", f)
	terms := value.Terms{Periods: 12, Length: 4.345, Discount: 0.01, Costs: 0.6, PerPurchase: 3, PerPeriod: 1}
	forecast, err := value.NewForecast(bg, terms)
	require.NoError(t, err)
	gompertz := value.GGomNBD{R: 0.55, Alpha: 10.5, B: 0.02, S: 0.6, Beta: 0.4}
	for _, p := range all {
		say("worth", forecast.Worth(p, 20), terms.Worth(bg, p, 20))
		say("residual", pareto.Residual(p, 0.003), pareto.AliveAfter(p, 13), bg.AliveAfter(p, 13))
		say("gompertz", gompertz.Alive(p), gompertz.ExpectAfter(p, 26))
	}
	for n := range 12 {
		say("probabilities", pareto.Probability(n, 40), pareto.ProbabilityAfter(all[0], n, 40), bg.ProbabilityAfter(all[0], n, 40))
	}
	_, f, err = value.FitSBG(t.Context(), 1000, 869, 743, 653, 593, 551, 517, 491)
	require.NoError(t, err)
	fitted("sbg", f)
	donors := map[value.Chances]int{} // of Fader, Hardie and Shang 2010
	for _, d := range [][3]int{{0, 0, 3464}, {1, 1, 1091}, {1, 2, 277}, {1, 3, 129}, {1, 4, 78}, {1, 5, 119}, {1, 6, 129}, {2, 2, 613}, {2, 3, 255}, {2, 4, 155}, {2, 5, 173}, {2, 6, 234}, {3, 3, 322}, {3, 4, 181}, {3, 5, 225}, {3, 6, 357}, {4, 4, 240}, {4, 5, 284}, {4, 6, 512}, {5, 5, 335}, {5, 6, 728}, {6, 6, 1203}} {
		donors[value.Chances{Taken: d[0], Last: d[1], Offered: 6}] = d[2]
	}
	_, f, err = value.FitBGBB(t.Context(), maps.All(donors))
	require.NoError(t, err)
	fitted("bgbb", f)

	cusum, err := warning.NewCUSUM(0.8, 300)
	require.NoError(t, err)
	ewma, err := warning.NewEWMA(0.2, 300)
	require.NoError(t, err)
	say("charts", cusum.Run(0), cusum.Run(1), ewma.Limit(), ewma.Run(0), ewma.Run(1))
	var series []float64
	for i := range 60 {
		series = append(series, 100+float64(i)+20*math.Sin(float64(i)/2)+float64(i*i%7))
	}
	points, accuracy, err := warning.Forecast(series, 12, 12, 0.9)
	require.NoError(t, err)
	say("forecast", accuracy.Scaled, accuracy.Percent)
	for _, p := range points {
		say("forecast", p.Value, p.Low, p.High)
	}
	effect, err := warning.DifferenceInDifferences([]warning.Change{{Before: 100, After: 130}, {Before: 80, After: 95}}, []warning.Change{{Before: 90, After: 91}, {Before: 120, After: 118}, {Before: 70, After: 74}}, true)
	require.NoError(t, err)
	say("effect", effect.Effect, effect.Low, effect.High, effect.P)
	for _, days := range [][]int{{0, 30, 61, 90, 122, 150}, {0, 1, 2, 80, 81, 200}} {
		r := lifecycle.Regular(days)
		say("regular", r.Mean, r.Shape, r.P)
	}
	shifts, err := lifecycle.Shifts([]int{3, 4, 2, 3, 5, 9, 11, 10, 12, 9, 8}, 12, 0.05)
	require.NoError(t, err)
	for _, s := range shifts {
		say("shifts", float64(s.At), s.Before, s.After, s.P)
	}
	return out
}

func chunks(v []float64, n int) (out [][]float64) {
	for c := range slices.Chunk(v, n) {
		out = append(out, c)
	}
	return out
}

// TestAnyMachine: every figure is the same on every machine, to 1e-12 of it. testdata/machine.json has them
// from amd64. arm64 fuses multiplications with additions (FMADD), and its exponential is another; where one has
// an emulator, .ci/long runs this test on it, and on an amd64 that fuses.
func TestAnyMachine(t *testing.T) {
	const path = "testdata/machine.json"
	if *update && runtime.GOARCH == "amd64" {
		write(t, path, figures(t))
	}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var there map[string][]float64
	require.NoError(t, json.Unmarshal(raw, &there))
	here := figures(t)
	require.Len(t, here, len(there))
	values, worst, whose := 0, 0.0, ""
	for name, list := range there {
		require.Len(t, here[name], len(list), name)
		for i, v := range list {
			off := math.Abs(here[name][i] - v)
			if v != 0 {
				off /= math.Abs(v)
			}
			require.LessOrEqual(t, off, 1e-12, "%s: value %d is %v on amd64 and %v here", name, i, v, here[name][i])
			if off > worst {
				worst, whose = off, name
			}
			values++
		}
	}
	t.Logf("%s: %d figures, the largest difference from amd64's is %.2g %s", runtime.GOARCH, values, worst, whose)
}
