package value

import (
	"bufio"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/internal/retailtest"
)

// heldOut returns the customers of the sample with what they bought in the 39 weeks after the 39 in which they are
// looked at, the week in which each began, and all repeats by week.
func heldOut(t testing.TB) (all []Observed, begins []float64, weekly [78]int) {
	days := map[string]map[int]bool{}
	in := bufio.NewScanner(retailtest.Open(t, "cdnow/CDNOW_sample.txt"))
	start := time.Date(1997, 1, 1, 0, 0, 0, 0, time.UTC)
	for in.Scan() {
		f := strings.Fields(in.Text())
		if len(f) < 3 {
			continue
		}
		day, err := time.Parse("20060102", f[2])
		require.NoError(t, err)
		if days[f[1]] == nil {
			days[f[1]] = map[int]bool{}
		}
		days[f[1]][int(day.Sub(start).Hours()/24)] = true
	}
	const end = 273 // 1 October
	for _, on := range days {
		var d []int
		for day := range on {
			d = append(d, day)
		}
		slices.Sort(d)
		o := Observed{Purchases: Purchases{Age: float64(end-1-d[0]) / 7}}
		for _, day := range d[1:] {
			if day < end {
				o.Repeats++
				o.Last = float64(day-d[0]) / 7
			} else {
				o.After++
			}
			weekly[min(day/7, 77)]++
		}
		all, begins = append(all, o), append(begins, float64(d[0])/7)
	}
	return all, begins, weekly
}

// TestHoldout fits 39 weeks of CDNOW and compares with the next 39.
func TestHoldout(t *testing.T) {
	all, begins, weekly := heldOut(t)
	histories := make([]Purchases, len(all))
	actual := 0
	for i, o := range all {
		histories[i] = o.Purchases
		actual += o.After
	}
	require.Equal(t, 1882, actual)
	s := condensed(t, histories)
	bg, _, err := FitBGNBD(t.Context(), s)
	require.NoError(t, err)
	require.InDelta(t, .243, bg.R, .0005)
	pareto, _, err := FitParetoNBD(t.Context(), s)
	require.NoError(t, err)
	var total [78]int
	for i := range total {
		if total[i] = weekly[i]; i > 0 {
			total[i] += total[i-1]
		}
	}
	for name, m := range map[string]Model{"BG/NBD": bg, "Pareto/NBD": pareto} {
		groups, err := Calibrate(m, slices.Values(all), 39, 7)
		require.NoError(t, err)
		require.Len(t, groups, 8)
		var n int
		var sum float64
		for _, g := range groups {
			n += g.Customers
			sum += g.Expected * float64(g.Customers)
			require.InDelta(t, g.Actual, g.Expected, .25+.2*g.Actual, "%s: %+v", name, g)
		}
		require.Equal(t, 2357, n)
		weeks := make([]float64, 78)
		for i := range weeks {
			weeks[i] = float64(i + 1)
		}
		line := Track(m, slices.Values(begins), weeks...)
		worst := 0.0
		for i := 39; i < 78; i++ {
			worst = max(worst, math.Abs(line[i]/float64(total[i])-1))
		}
		t.Logf("%s: %.1f of 1,882 expected; the line of all repeats is off by %.1f %% at most in the weeks held out, by %.1f %% at the end", name, sum, 100*worst, 100*(line[77]/float64(total[77])-1))
		require.Less(t, worst, .05, name)
		reversed := slices.Clone(all)
		slices.Reverse(reversed)
		again, err := Calibrate(m, slices.Values(reversed), 39, 7)
		require.NoError(t, err)
		require.Equal(t, groups, again)
	}
	spread, err := Calibrate(bg, slices.Values([]Observed{{After: 2}, {After: 0}, {After: 4}, {Purchases: Purchases{Repeats: 1, Last: 1, Age: 2}, After: 3}}), 39, 7)
	require.NoError(t, err)
	require.Equal(t, []float64{2, 0}, []float64{spread[0].Deviation, spread[1].Deviation})
	_, err = Calibrate(bg, slices.Values([]Observed{{}, {After: -1}}), 39, 7)
	require.ErrorContains(t, err, "customer 1: After is -1")
}
