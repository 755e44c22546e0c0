package survey

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// csat is n answers of which k are satisfied.
func csat(k, n int64) Tally {
	t := Tally{Metric: CSAT}
	t.Counts[5], t.Counts[1] = k, n-k
	return t
}

func nps(good, middle, bad int64) Tally {
	t := Tally{Metric: NPS}
	t.Counts[10], t.Counts[7], t.Counts[0] = good, middle, bad
	return t
}

// TestLess: golden values of Newcombe 1998, table II (56/70 and 48/80, 9/10 and 3/10, 10/10
// and 0/20), and a Welch test.
func TestLess(t *testing.T) {
	for _, c := range []struct {
		a, b         Tally
		value        float64
		low, high, p float64
	}{
		{csat(56, 70), csat(48, 80), 20, 5.24, 33.39, .00804},
		{csat(9, 10), csat(3, 10), 60, 17.05, 80.90, .0062},
		{csat(10, 10), csat(0, 20), 100, 67.91, 100, 0},
	} {
		d, err := c.a.Less(c.b)
		require.NoError(t, err)
		require.InDelta(t, c.value, d.Value, 1e-9)
		require.InDelta(t, c.low, d.Interval.Low, .006, "%+v", d)
		require.InDelta(t, c.high, d.Interval.High, .006, "%+v", d)
		require.InDelta(t, c.p, d.P, 1e-4, "%+v", d)
	}
	a, b := Tally{Metric: CES}, Tally{Metric: CES}
	for _, v := range []int{7, 6, 7, 5, 6, 7, 4} {
		a.Counts[v]++
	}
	for _, v := range []int{3, 5, 4, 6, 2} {
		b.Counts[v]++
	}
	d, err := a.Less(b)
	require.NoError(t, err)
	require.InDelta(t, 2, d.Value, 1e-9)
	require.InDelta(t, 0.04721062167782893, d.P, 1e-9) // by integration of the density of t with 6.9552 degrees of freedom

	d, err = nps(50, 30, 20).Less(nps(50, 30, 20))
	require.NoError(t, err)
	require.Zero(t, d.Value)
	require.InDelta(t, 1, d.P, 1e-12)
	d, err = nps(0, 0, 0).Less(nps(50, 30, 20))
	require.NoError(t, err)
	require.Equal(t, Difference{Metric: NPS, Than: 100, Interval: Interval{-200, 200}, P: 1}, d)
	_, err = nps(1, 1, 1).Less(csat(1, 2))
	require.ErrorIs(t, err, ErrMixedMetrics)
}

// TestDifferenceCovers: the interval of a difference of two NPS holds the true one in 92 of
// 100 samples and more, by enumeration of all samples.
func TestDifferenceCovers(t *testing.T) {
	type sample struct {
		t Tally
		p float64
	}
	all := func(n int64, p, d float64) (out []sample) {
		ln, _ := math.Lgamma(float64(n + 1))
		for g := int64(0); g <= n; g++ {
			for b := int64(0); g+b <= n; b++ {
				lg, _ := math.Lgamma(float64(g + 1))
				lb, _ := math.Lgamma(float64(b + 1))
				lm, _ := math.Lgamma(float64(n - g - b + 1))
				w := math.Exp(ln - lg - lb - lm + float64(g)*math.Log(p) + float64(b)*math.Log(d) + float64(n-g-b)*math.Log(1-p-d))
				out = append(out, sample{nps(g, n-g-b, b), w})
			}
		}
		return out
	}
	for _, n := range [][2]int64{{5, 5}, {5, 20}, {12, 10}} {
		for _, mix := range [][4]float64{{.5, .2, .5, .2}, {.85, .03, .7, .1}, {.33, .33, .85, .03}} {
			held := 0.0
			truth := 100 * (mix[0] - mix[1] - mix[2] + mix[3])
			others := all(n[1], mix[2], mix[3])
			for _, a := range all(n[0], mix[0], mix[1]) {
				for _, b := range others {
					d, err := a.t.Less(b.t)
					require.NoError(t, err)
					if d.Interval.Low <= truth && truth <= d.Interval.High {
						held += a.p * b.p
					}
				}
			}
			require.GreaterOrEqual(t, held, .92, "%v %v", n, mix)
			require.LessOrEqual(t, held, .998, "%v %v", n, mix)
		}
	}
}

// TestLeague: who stands out is found, who has few answers is not put on top, and small
// groups stay hidden.
func TestLeague(t *testing.T) {
	g := &Groups[string]{}
	for i := range 20 {
		require.NoError(t, g.addTally(fmt.Sprintf("s%02d", i), nps(50, 30, 20)))
	}
	require.NoError(t, g.addTally("bad", nps(30, 30, 60)))
	require.NoError(t, g.addTally("few", nps(1, 2, 3)))
	require.NoError(t, g.addTally("tiny1", nps(0, 0, 2)))
	require.NoError(t, g.addTally("tiny2", nps(3, 0, 0)))
	list := League(g, 0)
	require.Len(t, list, 24)
	require.Equal(t, "bad", list[0].Key)
	require.Less(t, list[0].Q, .001)
	require.True(t, list[22].Suppressed && list[23].Suppressed)
	require.Zero(t, list[23].Result)
	for _, s := range list[:22] {
		mean := g.Total().Result().Value
		require.True(t, min(s.Result.Value, mean)-2 <= s.Shrunk && s.Shrunk <= max(s.Result.Value, mean)+2, "%+v", s)
		require.True(t, s.Weight > 0 && s.Weight < 1)
		switch s.Key {
		case "few":
			require.Less(t, s.Weight, list[0].Weight, "few answers weigh less")
			require.Less(t, s.Funnel.Low, -25., "their funnel is wide")
		case "bad":
			require.Less(t, s.Result.Value, s.Funnel.Low)
		default:
			require.Greater(t, s.Q, .05, s.Key)
			require.True(t, s.Funnel.Low <= s.Result.Value && s.Result.Value <= s.Funnel.High)
		}
	}
	alone := &Groups[string]{}
	require.NoError(t, alone.addTally("one", nps(5, 5, 5)))
	require.InDelta(t, 1, League(alone, 0)[0].P, 1e-12)
	require.Empty(t, League(&Groups[string]{}, 0))
}

func TestBetweenGroups(t *testing.T) {
	require.InDelta(t, .75, betweenGroups([]float64{1, 2, 3}, []float64{.5, .5, .5}), 1e-12) // Q 8, (8-2)/(12-4)
	require.Zero(t, betweenGroups([]float64{1, 1.1, .9}, []float64{.5, .5, .5}), "chance")
	require.Zero(t, betweenGroups([]float64{1}, []float64{.5}))
}

// TestLeagueFalseDiscoveries: where all stores are alike, one league in twenty at most points
// at one; where some are worse, of the stores that are said to be below the others one in
// twenty at most is not.
func TestLeagueFalseDiscoveries(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 12))
	draw := func(n int, p, d float64) Tally {
		var good, bad int64
		for range n {
			switch x := r.Float64(); {
			case x < p:
				good++
			case x < p+d:
				bad++
			}
		}
		return nps(good, int64(n)-good-bad, bad)
	}
	const leagues = 400
	for _, worse := range []int{0, 10} {
		share, found, pointed := 0.0, 0, 0
		for range leagues {
			g := &Groups[int]{}
			for i := range 60 {
				p, d := .5, .2
				if i < worse {
					p, d = .35, .35
				}
				require.NoError(t, g.addTally(i, draw(10+r.IntN(100), p, d)))
			}
			mean, wrong, all, any := g.Total().Result().Value, 0, 0, false
			for _, s := range League(g, 0) {
				any = any || s.Q <= .05
				if s.Q <= .05 && s.Result.Value < mean {
					all++
					if s.Key >= worse {
						wrong++
					}
				}
			}
			if any {
				pointed++
			}
			share += float64(wrong) / float64(max(all, 1))
			found += all - wrong
		}
		t.Logf("%d worse: false %.4f, pointed at one in %d of %d, found %d of %d", worse, share/leagues, pointed, leagues, found, worse*leagues)
		require.LessOrEqual(t, share/leagues, .06)
		if worse == 0 {
			require.LessOrEqual(t, pointed, leagues*7/100)
		} else {
			require.Greater(t, found, worse*leagues/4)
		}
	}
}

func TestOutcomes(t *testing.T) {
	o := Outcomes{Complete: 300, Partial: 50, Refused: 100, NonContact: 350, Other: 10, Unknown: 190, Ineligible: 77}
	for name, c := range map[string]struct {
		got  Rate
		k, n int64
	}{
		"RR1": {o.RR1(), 300, 1000}, "RR2": {o.RR2(), 350, 1000}, "RR5": {o.RR5(), 300, 810}, "RR6": {o.RR6(), 350, 810},
		"COOP2": {o.COOP2(), 350, 460}, "REF1": {o.REF1(), 100, 1000}, "CON1": {o.CON1(), 460, 1000}, "break-off": {o.BreakOff(), 50, 350},
	} {
		require.Equal(t, NewRate(c.k, c.n), c.got, name)
		require.InDelta(t, 100*float64(c.k)/float64(c.n), c.got.Value, 1e-12, name)
		require.True(t, c.got.Interval.Low < c.got.Value && c.got.Value < c.got.Interval.High, name)
	}
	var twice Outcomes
	twice.Merge(o)
	twice.Merge(o)
	require.Equal(t, NewRate(600, 2000), twice.RR1())
	require.Equal(t, Rate{Interval: Interval{0, 100}}, Outcomes{}.RR1())

	loss := BreakOffs([]string{"a", "b", "c"}, map[string]int64{"a": 100, "b": 80}, map[string]int64{"a": 20, "b": 10})
	require.Equal(t, NewRate(20, 100), loss[0].Rate)
	require.Equal(t, NewRate(10, 80), loss[1].Rate)
	require.Zero(t, loss[2].Rate.N)
}

func TestTrend(t *testing.T) {
	for x, want := range map[[2]float64]float64{{3.841458820694124, 1}: .05, {18.307038053275146, 10}: .05, {2, 10}: .9963401531726563, {60, 10}: 3.6e-9} {
		require.InDelta(t, want, upperChi(x[0], x[1]), 1e-9)
	}
	up := []Tally{nps(40, 30, 30), nps(45, 30, 25), {Metric: NPS}, nps(55, 30, 15), nps(60, 30, 10)}
	tr, err := NewTrend(up)
	require.NoError(t, err)
	require.InDelta(t, 10, tr.Slope, 1)
	require.Less(t, tr.P, .001)
	require.Greater(t, tr.Steady, .5)
	require.Equal(t, 4, tr.Periods)
	require.EqualValues(t, 400, tr.N)
	jump, err := NewTrend([]Tally{nps(400, 300, 300), nps(800, 100, 100), nps(400, 300, 300)})
	require.NoError(t, err)
	require.Less(t, jump.Steady, 1e-6)
	one, err := NewTrend([]Tally{nps(1, 1, 1)})
	require.NoError(t, err)
	require.InDelta(t, 1, one.P, 0)
	require.True(t, math.IsInf(one.Interval.High, 1))
	_, err = NewTrend([]Tally{nps(1, 1, 1), csat(1, 2)})
	require.ErrorIs(t, err, ErrMixedMetrics)
}

// TestVariants: each as likely, the same one each time, independent experiments, and p
// values that are true: of experiments without a difference one in twenty at most finds one.
func TestVariants(t *testing.T) {
	count := map[string]int{}
	same := 0
	for i := range 30000 {
		key := fmt.Sprint("invitation ", i)
		v := Variant("wording", key, "a", "b", "c")
		require.Equal(t, v, Variant("wording", key, "a", "b", "c"))
		count[v]++
		if v == Variant("order", key, "a", "b", "c") {
			same++
		}
	}
	for _, n := range append([]int{same}, count["a"], count["b"], count["c"]) {
		require.InDelta(t, 10000, n, 400)
	}
	require.Empty(t, Variant("x", "y"))

	r := rand.New(rand.NewPCG(20, 1))
	const experiments = 2000
	found := 0
	for range experiments {
		arms := make([]Tally, 3)
		for i := range arms {
			arms[i].Metric = CSAT
			for range 80 {
				if r.Float64() < .8 {
					arms[i].Counts[5]++
				} else {
					arms[i].Counts[1]++
				}
			}
		}
		ds, err := Versus(arms[0], arms[1:]...)
		require.NoError(t, err)
		if ds[0].P <= .05 || ds[1].P <= .05 {
			found++
		}
	}
	t.Logf("%d of %d", found, experiments)
	require.LessOrEqual(t, float64(found)/experiments, .06)
	_, err := Versus(csat(1, 2), nps(1, 1, 1))
	require.ErrorIs(t, err, ErrMixedMetrics)
}
