package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// binomial draws how many of n succeed.
func binomial(r *rand.Rand, n int, p float64) (k int64) {
	for range n {
		if r.Float64() < p {
			k++
		}
	}
	return k
}

// TestHillstrom holds a published e-mail test to the figures of reference/domain.md 3.5: its
// raw rows are not shipped, the sums suffice.
func TestHillstrom(t *testing.T) {
	arm := func(n int64, sum, variance float64) sample {
		return sample{n, sum / float64(n), variance * float64(n-1)}
	}
	control := arm(21306, 13908.33, 134.2863718530356)
	for _, x := range []struct {
		arm              sample
		diff, half, sum  float64
		visits, bought   int64
		visited, bought1 float64
	}{
		{arm(21307, 30311.69, 315.2117988656214), .7698272, (1.0545 - .4851) / 2, 16402.71, 3894, 267, .0765896, .0068050},
		{arm(21387, 23038.11, 228.49667483464316), .4244122, 1.959964 * .1303329, 9076.90, 3238, 189, .0452331, .0031111},
	} {
		z, err := quantile(0.95)
		require.NoError(t, err)
		e := welch(x.arm, control, z)
		require.InDelta(t, x.diff, e.Difference, 1e-7)
		require.InDelta(t, x.half, (e.Interval.Hi-e.Interval.Lo)/2, 1e-4)
		r, err := Earned(e, x.arm.n, 0.4, 1000)
		require.NoError(t, err)
		require.InDelta(t, x.sum, r.Revenue, 0.01)
		require.InDelta(t, 0.4*x.sum-1000, r.Profit, 0.01)
		require.InDelta(t, (0.4*x.sum-1000)/1000, r.ROI, 1e-5)
		require.InDelta(t, 0.4*float64(x.arm.n)*e.Interval.Lo-1000, r.ProfitInterval.Lo, 1e-6)
		for k, want := range map[int64]float64{x.visits: x.visited, x.bought: x.bought1} {
			base := map[int64]int64{x.visits: 2262, x.bought: 122}[k]
			got, err := Evaluate(Counts{Assigned: x.arm.n, Converted: k, HeldOut: 21306, HeldOutConverted: base}, 0.5, 0)
			require.NoError(t, err)
			require.InDelta(t, want, got.Incremental.Difference, 1e-7)
			require.Equal(t, Better, got.Result)
			s, err := Anytime(got.Counts, 42_000, 0)
			require.NoError(t, err)
			require.Equal(t, Better, s.Result, "it would have been seen at any look")
			require.Less(t, s.P, 0.05)
		}
	}
}

// runs is how many campaigns a simulation has: a number of its own, or
// VEFA_EXPERIMENT_RUNS, as .ci/long sets it.
func runs(t *testing.T, few int) int {
	if s := os.Getenv("VEFA_EXPERIMENT_RUNS"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	return few
}

// TestEqualCampaigns: of campaigns that change nothing, looked at once when they are over,
// about 5 in 100 are called different.
func TestEqualCampaigns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	n, called := runs(t, 3000), 0
	for range n {
		rep, err := Evaluate(Counts{Assigned: 4000, Converted: binomial(r, 4000, .05), HeldOut: 2000, HeldOutConverted: binomial(r, 2000, .05)}, 2./6, 0)
		require.NoError(t, err)
		called += count(rep.Result != Inconclusive)
	}
	rate := float64(called) / float64(n)
	t.Logf("%d equal campaigns: %.2f %% called different at the one look", n, 100*rate)
	require.InDelta(t, .05, rate, .005+2*math.Sqrt(.05*.95/float64(n)))
}

// TestSequenceKeepsItsPromise: of campaigns that change nothing, looked at twenty times each,
// at most 5 in 100 are ever called different, by the interval and by the p value, of
// conversions and of amounts; a fixed test calls a quarter. And a difference is found.
func TestSequenceKeepsItsPromise(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const looks, step = 20, 500
	for _, x := range []struct {
		base, lift float64
		runs       int
		most       float64 // of runs that are ever called different
		least      float64
	}{{.05, 0, runs(t, 1500), .05, 0}, {.02, 0, runs(t, 1500), .05, 0}, {.05, .01, 300, 1, .60}} {
		called, byP, fixed := 0, 0, 0
		for range x.runs {
			var c Counts
			seen, seenP, seenFixed := false, false, false
			for range looks {
				c.Assigned, c.HeldOut = c.Assigned+step, c.HeldOut+step
				c.Converted += binomial(r, step, x.base+x.lift)
				c.HeldOutConverted += binomial(r, step, x.base)
				s, err := Anytime(c, 2*looks*step, 0)
				require.NoError(t, err)
				seen, seenP = seen || s.Result != Inconclusive, seenP || s.P < 0.05
				require.Equal(t, s.P < 0.05, s.Result != Inconclusive, "the two are one")
				_, p, err := twoProportions(c.Converted, c.Assigned, c.HeldOutConverted, c.HeldOut)
				require.NoError(t, err)
				seenFixed = seenFixed || p < 0.05
			}
			called += count(seen)
			byP += count(seenP)
			fixed += count(seenFixed)
		}
		rate := float64(called) / float64(x.runs)
		t.Logf("%d campaigns, base %v, difference %v: called different at any of %d looks %.2f %%, by a fixed test %.2f %%", x.runs, x.base, x.lift, looks, 100*rate, 100*float64(fixed)/float64(x.runs))
		require.LessOrEqual(t, rate, x.most)
		require.GreaterOrEqual(t, rate, x.least)
		require.Equal(t, called, byP)
		if x.lift == 0 {
			require.Greater(t, float64(fixed)/float64(x.runs), .15, "it is looked at too often for that")
		}
	}
	const runs = 400
	called := 0
	for range runs {
		var arms [2]Spend
		seen := false
		for range looks {
			for i := range arms {
				for range 200 {
					spent := 0.0
					if r.Float64() < .2 {
						spent = 500 * r.ExpFloat64()
					}
					arms[i].Add(int64(spent))
				}
			}
			s, err := AnytimeSpend(arms[0], arms[1], 2*looks*200, 0)
			require.NoError(t, err)
			seen = seen || s.Result != Inconclusive
		}
		called += count(seen)
	}
	require.LessOrEqual(t, float64(called)/runs, .05)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestSequenceEdges(t *testing.T) {
	s, err := Anytime(Counts{}, 0, 0)
	require.NoError(t, err)
	require.Equal(t, Sequence{Interval: Interval{-1, 1}, P: 1, Result: Unmeasured}, s)
	s, err = Anytime(Counts{Assigned: 10, Converted: 10, HeldOut: 10}, 0, 0)
	require.NoError(t, err)
	require.Equal(t, Sequence{Difference: 1, Interval: Interval{-1, 1}, P: 1, Result: Inconclusive}, s, "too few to say")
	_, err = Anytime(Counts{Assigned: 1, Converted: 2}, 0, 0)
	require.ErrorIs(t, err, ErrInput)
	_, err = Anytime(Counts{}, -1, 2)
	require.ErrorIs(t, err, ErrInput)
	sp, err := AnytimeSpend(Spend{}, Spend{}, 0, 0)
	require.NoError(t, err)
	require.True(t, math.IsInf(sp.Interval.Lo, -1))
}

// The values of statsmodels.stats.multitest.multipletests(method="holm").
func TestHolm(t *testing.T) {
	got, err := Holm(0.01, 0.04, 0.03, 0.005)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 0.02}, got, 1e-12)
	got, err = Holm()
	require.NoError(t, err)
	require.Empty(t, got)
	for _, bad := range []float64{-1, 2, math.NaN()} {
		_, err = Holm(0.1, bad)
		require.ErrorIs(t, err, ErrInput)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 8).Draw(t, "p")
		got, err := Holm(p...)
		require.NoError(t, err)
		for i := range p {
			require.GreaterOrEqual(t, got[i], p[i])
			require.LessOrEqual(t, got[i], min(1, p[i]*float64(len(p)))+1e-15, "Bonferroni is no better")
		}
	})
}

// TestAdjustedCovers: what units spent before makes the interval narrower, and it holds the
// truth as often.
func TestAdjustedCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	const runs, truth = 800, 50.0
	held, width, plain := 0, 0.0, 0.0
	for range runs {
		var arms [2]Before
		for i := range arms {
			for range 300 {
				habit := 1000 * r.ExpFloat64()
				now := habit*(.5+r.Float64()) + truth*float64(1-i)
				arms[i].Add(int64(now), int64(habit*(.5+r.Float64())))
			}
		}
		a, err := CompareAdjusted(arms[0], arms[1], 0)
		require.NoError(t, err)
		e, err := CompareSpend(arms[0].now, arms[1].now, 0)
		require.NoError(t, err)
		held += count(a.Interval.Lo <= truth && truth <= a.Interval.Hi)
		width += a.Interval.Hi - a.Interval.Lo
		plain += e.Interval.Hi - e.Interval.Lo
		require.InDelta(t, math.Sqrt(1-a.Reduction), (a.Interval.Hi-a.Interval.Lo)/(e.Interval.Hi-e.Interval.Lo), .05)
	}
	require.InDelta(t, .95, float64(held)/runs, .02)
	require.Less(t, width/plain, .6)
	var same Before
	same.Add(5, 0)
	same.Add(5, 0)
	a, err := CompareAdjusted(same, same, 0)
	require.NoError(t, err)
	require.Equal(t, Adjusted{Extra: Extra{Treated: 5, HeldOut: 5}}, a)
	_, err = CompareAdjusted(same, Before{}, 0)
	require.ErrorIs(t, err, ErrInput)
	_, err = CompareAdjusted(same, same, 3)
	require.ErrorIs(t, err, ErrInput)
}

// TestPoolCovers: many small campaigns of unlike bases, none of which says anything, find
// what they have in common, as often as the confidence says.
func TestPoolCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	const runs, truth = 1200, .01
	held, found, unlike := 0, 0, 0
	for range runs {
		var all []Counts
		for i := range 12 {
			base := .02 + .01*float64(i%5)
			n1, n0 := 400+100*(i%3), 50+10*(i%4)
			all = append(all, Counts{Assigned: int64(n1), HeldOut: int64(n0), Converted: binomial(r, n1, base+truth), HeldOutConverted: binomial(r, n0, base)})
		}
		p, err := Pool(0, append(all, Counts{Assigned: 10})...)
		require.NoError(t, err)
		held += count(p.Interval.Lo <= truth && truth <= p.Interval.Hi)
		found += count(p.Result == Better)
		unlike += count(p.Unlike < .05)
	}
	require.InDelta(t, .95, float64(held)/runs, .02)
	require.Greater(t, found, runs/10)
	require.Less(t, float64(unlike)/runs, .08, "they have one difference")
	p, err := Pool(0, Counts{Assigned: 1000, Converted: 100, HeldOut: 1000, HeldOutConverted: 50})
	require.NoError(t, err)
	require.InDelta(t, .05, p.Difference, 1e-12, "one campaign is its own pool")
	require.InDelta(t, 50, p.Conversions, 1e-9)
	require.InDelta(t, 1.959964*math.Sqrt(.1*.9/1000+.05*.95/1000), p.Interval.Hi-.05, 1e-5)
	require.EqualValues(t, 1, p.Unlike)
	p, err = Pool(0, Counts{Assigned: 1000, Converted: 300, HeldOut: 1000, HeldOutConverted: 50}, Counts{Assigned: 1000, Converted: 50, HeldOut: 1000, HeldOutConverted: 100})
	require.NoError(t, err)
	require.Less(t, p.Unlike, .001)
	_, err = Pool(0, Counts{Assigned: 3})
	require.ErrorIs(t, err, ErrInput)
	_, err = Pool(0, Counts{Assigned: 3, Converted: 9})
	require.ErrorIs(t, err, ErrInput)
	_, err = Pool(1)
	require.ErrorIs(t, err, ErrInput)
}

func TestCompareCampaigns(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	const runs = 1500
	held := 0
	for range runs {
		one := Counts{Assigned: 900, HeldOut: 100, Converted: binomial(r, 900, .06), HeldOutConverted: binomial(r, 100, .04)}
		two := Counts{Assigned: 500, HeldOut: 200, Converted: binomial(r, 500, .08), HeldOutConverted: binomial(r, 200, .05)}
		e, err := Compare(one, two, 0)
		require.NoError(t, err)
		held += count(e.Interval.Lo <= -.01 && -.01 <= e.Interval.Hi)
	}
	require.InDelta(t, .955, float64(held)/runs, .02)
	_, err := Compare(Counts{}, Counts{}, 0)
	require.ErrorIs(t, err, ErrInput)
}

func TestAttribute(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2025, 3, n, 12, 0, 0, 0, time.UTC) }
	touches := []Touch{{"spring", day(1), false}, {"spring", day(2), true}, {"watch", day(5), false}, {"late", day(20), false}}
	purchases := []Purchase{{ID: "a", At: day(6), Amount: 101}, {ID: "b", At: day(30), Amount: 50}, {ID: "r", At: day(28), Amount: -101, Returns: "a"}, {ID: "x", At: day(7), Amount: -5, Returns: "gone"}}
	for mode, want := range map[Mode][]Credit{
		AnyInWindow:    {{"spring", "a", 101, 1}, {"watch", "a", 101, 1}, {"late", "b", 50, 1}, {"spring", "r", -101, 1}, {"watch", "r", -101, 1}},
		LastTouch:      {{"watch", "a", 101, 1}, {"late", "b", 50, 1}, {"watch", "r", -101, 1}},
		LastHumanClick: {{"spring", "a", 101, 1}, {"spring", "r", -101, 1}},
		Fractional:     {{"spring", "a", 51, .5}, {"watch", "a", 50, .5}, {"late", "b", 50, 1}, {"spring", "r", -51, .5}, {"watch", "r", -50, .5}},
	} {
		got, err := Attribute(mode, 14*24*time.Hour, touches, purchases)
		require.NoError(t, err)
		require.Equal(t, want, got, mode)
	}
	_, err := Attribute("best", 0, nil, []Purchase{{ID: "a"}, {ID: "a"}})
	require.ErrorIs(t, err, ErrInput)
	for _, want := range []string{`"best"`, "window 0s", `two purchases are "a"`} {
		require.ErrorContains(t, err, want)
	}
}

// The order of the log changes nothing, a purchase is never credited twice where a mode
// credits once, and what comes back takes away exactly what was credited.
func TestAttributeAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := func(label string) time.Time {
			return time.Unix(int64(rapid.IntRange(0, 40).Draw(t, label))*3600, 0)
		}
		var touches []Touch
		for range rapid.IntRange(0, 6).Draw(t, "touches") {
			touches = append(touches, Touch{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "campaign"), at("touched"), rapid.Bool().Draw(t, "click")})
		}
		var purchases []Purchase
		for i := range rapid.IntRange(0, 4).Draw(t, "purchases") {
			p := Purchase{ID: fmt.Sprint("p", i), At: at("bought"), Amount: rapid.Int64Range(1, 1000).Draw(t, "amount")}
			purchases = append(purchases, p)
			if rapid.Bool().Draw(t, "returned") {
				purchases = append(purchases, Purchase{ID: "r" + p.ID, At: at("returned"), Amount: -p.Amount, Returns: p.ID})
			}
		}
		for _, mode := range []Mode{AnyInWindow, LastTouch, LastHumanClick, Fractional} {
			got, err := Attribute(mode, 10*time.Hour, touches, purchases)
			require.NoError(t, err)
			other, err := Attribute(mode, 10*time.Hour, rapid.Permutation(touches).Draw(t, "order"), rapid.Permutation(purchases).Draw(t, "order"))
			require.NoError(t, err)
			require.Equal(t, got, other)
			sum, of := map[string]int64{}, map[string]map[string]int64{}
			for _, c := range got {
				sum[c.Purchase] += c.Amount
				if of[c.Purchase] == nil {
					of[c.Purchase] = map[string]int64{}
				}
				of[c.Purchase][c.Campaign] = c.Amount
			}
			for _, p := range purchases {
				if n, credited := sum[p.ID]; credited && mode != AnyInWindow {
					require.Equal(t, p.Amount, n)
				}
				if p.Returns != "" {
					for c, n := range of[p.Returns] {
						require.Equal(t, -n, of[p.ID][c])
					}
				}
			}
		}
	})
}

// TestTally holds the tally to a plain one, whatever the order of the log.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type event struct {
			what       int
			unit       uint64
			at, amount int64
		}
		const n = 60
		unit := func(i int) uint64 { return uint64(i%40) * 0x9e3779b97f4a7c15 }
		var log []event
		for range rapid.IntRange(0, 80).Draw(t, "events") {
			log = append(log, event{rapid.IntRange(0, 1).Draw(t, "what"), unit(rapid.IntRange(0, n).Draw(t, "unit")), int64(rapid.IntRange(0, 30).Draw(t, "at")), rapid.Int64Range(-50, 100).Draw(t, "amount")})
		}
		treated := func(u uint64) bool { return u%3 != 0 }
		run := func(log []event, room int) (Counts, Spend, Spend) {
			tally, err := NewTally(20*time.Microsecond, room)
			require.NoError(t, err)
			for i := range 30 {
				tally.Assign(unit(i), int64(i%7), treated(unit(i)), i%5 != 0)
			}
			for _, e := range log {
				if e.what == 0 {
					tally.Click(e.unit, e.at)
				} else {
					tally.Purchase(e.unit, e.at, e.amount)
				}
			}
			return tally.Sum()
		}
		c, a, b := run(log, 0)
		slices.Reverse(log)
		c2, a2, b2 := run(log, 1000)
		require.Equal(t, []any{c, a, b}, []any{c2, a2, b2})
		var want Counts
		var spent [2]int64
		for i := range 30 {
			bought, clicked := false, false
			for _, e := range log {
				if e.unit != unit(i) || e.at < int64(i%7) {
					continue
				}
				clicked = clicked || e.what == 0
				if e.what == 1 && e.at < int64(i%7)+20 {
					bought = bought || e.amount > 0
					spent[count(treated(unit(i)))] += e.amount
				}
			}
			if !treated(unit(i)) {
				want.HeldOut++
				want.HeldOutConverted += int64(count(bought))
				continue
			}
			want.Assigned++
			want.Delivered += int64(count(i%5 != 0))
			want.Clicked += int64(count(clicked))
			want.Converted += int64(count(bought))
			want.ClickedConverted += int64(count(bought && clicked))
		}
		require.Equal(t, want, c)
		require.Equal(t, spent, [2]int64{b.Sum, a.Sum})
	})
	_, err := NewTally(0, 1)
	require.ErrorIs(t, err, ErrInput)
}

// Sums of amounts are exact at any size and sign, in any order.
func TestSpendIsExact(t *testing.T) {
	var a, b Spend
	amounts := []int64{1 << 60, -(1 << 60), 3, math.MaxInt64 / 4, -7, 1}
	for i := range amounts {
		a.Add(amounts[i])
		b.Add(amounts[len(amounts)-1-i])
	}
	require.Equal(t, a, b)
	var w Spend
	for _, v := range []int64{1_000_000_000_000_001, 1_000_000_000_000_002, 1_000_000_000_000_003} {
		w.Add(v)
	}
	require.EqualValues(t, 1, w.variance(), "no digit is lost")
	var neg Before
	neg.Add(-3, 5)
	neg.Add(3, -5)
	require.EqualValues(t, -30, neg.together())
}

// BenchmarkReport counts 10 million sends, 2 million clicks and 1 million purchases from a
// log in memory, and evaluates them.
func BenchmarkReport(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	const sends, clicks, purchases = 10_000_000, 2_000_000, 1_000_000
	units := make([]uint64, sends)
	for i := range units {
		units[i] = r.Uint64()
	}
	clicked, bought := make([]uint64, clicks), make([]uint64, purchases)
	for i := range clicked {
		clicked[i] = units[r.IntN(sends)]
	}
	for i := range bought {
		bought[i] = units[r.IntN(sends)]
	}
	for b.Loop() {
		t, err := NewTally(14*24*time.Hour, sends)
		require.NoError(b, err)
		for i, u := range units {
			t.Assign(u, int64(i), i%10 != 0, true)
		}
		for _, u := range clicked {
			t.Click(u, sends)
		}
		for _, u := range bought {
			t.Purchase(u, sends+1, 10_000)
		}
		c, treated, held := t.Sum()
		_, err = Evaluate(c, .1, 0)
		require.NoError(b, err)
		_, err = CompareSpend(treated, held, 0)
		require.NoError(b, err)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/report")
}
