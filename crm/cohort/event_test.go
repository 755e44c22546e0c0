package cohort

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// events draws events of a few customers at a few moments.
var events = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Event {
	return Event{rapid.Uint32Range(0, 2).Draw(t, "customer"), rapid.Uint32Range(0, 3).Draw(t, "what"), int64(rapid.IntRange(0, 12).Draw(t, "hour")) * 3600}
}), 1, 14)

// attempts returns every attempt at a funnel as one would find it on paper: each choice of events in the order of time.
func attempts(of []Event, steps []uint32, within int64) (out [][]int64) {
	var try func(from int, got []int64)
	try = func(from int, got []int64) {
		if len(got) > 0 {
			out = append(out, slices.Clone(got))
		}
		if len(got) == len(steps) {
			return
		}
		for i := from; i < len(of); i++ {
			if of[i].What == steps[len(got)] && (len(got) == 0 || of[i].At-got[0] <= within) {
				try(i+1, append(got, of[i].At))
			}
		}
	}
	try(0, nil)
	return out
}

// TestFunnel compares with every attempt that there is.
func TestFunnel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := events.Draw(t, "events")
		steps := rapid.SliceOfN(rapid.Uint32Range(0, 3), 1, 4).Draw(t, "steps")
		hours := rapid.IntRange(0, 8).Draw(t, "within")
		until := int64(rapid.IntRange(1, 12).Draw(t, "until")) * 3600
		got, err := Funnel(in, steps, FunnelOptions{Within: time.Duration(hours) * time.Hour, Until: until})
		require.NoError(t, err)
		within := int64(hours) * 3600
		if hours == 0 {
			within = math.MaxInt64
		}
		reached, open := make([]int, len(steps)), make([]int, len(steps))
		sorted, err := eventsBy(in)
		require.NoError(t, err)
		place := func(w uint32) int {
			if i := slices.Index(steps, w); i >= 0 {
				return i
			}
			return len(steps)
		}
		slices.SortStableFunc(sorted, func(a, b Event) int {
			if a.Customer != b.Customer || a.At != b.At {
				return 0
			}
			return place(a.What) - place(b.What)
		})
		each(sorted, func(of []Event) {
			of = slices.DeleteFunc(slices.Clone(of), func(e Event) bool { return e.At > until })
			most, left := 0, false
			all := attempts(of, steps, within)
			for _, a := range all {
				most = max(most, len(a))
			}
			for _, a := range all {
				left = left || len(a) == most && hours > 0 && until-a[0] < within
			}
			for k := range most {
				reached[k]++
			}
			if most > 0 && most < len(steps) && left {
				open[most]++
			}
		})
		for k, s := range got {
			require.Equal(t, []int{reached[k], open[k]}, []int{s.Reached, s.Open}, "step %d", k)
			if k > 0 {
				require.Equal(t, got[k-1].Reached, s.Reached+s.Open+s.Lost)
				require.GreaterOrEqual(t, s.Lost, 0)
			}
		}
		again := slices.Clone(in)
		slices.Reverse(again)
		other, err := Funnel(again, steps, FunnelOptions{Within: time.Duration(hours) * time.Hour, Until: until})
		require.NoError(t, err)
		for k := range got { // NaN is not equal to itself
			require.Equal(t, []int{got[k].Reached, got[k].Open, got[k].Lost}, []int{other[k].Reached, other[k].Open, other[k].Lost})
		}
	})
}

// TestFunnelByHand: three visitors of a shop.
func TestFunnelByHand(t *testing.T) {
	const visit, cart, pay = 0, 1, 2
	hour := func(h int64) int64 { return h * 3600 }
	in := []Event{
		{0, visit, hour(0)}, {0, visit, hour(20)}, {0, cart, hour(21)}, {0, pay, hour(24)},
		{1, visit, hour(1)}, {1, cart, hour(2)}, {1, pay, hour(40)}, // too late
		{2, cart, hour(3)}, {2, visit, hour(90)}, // still has time
	}
	got, err := Funnel(in, []uint32{visit, cart, pay}, FunnelOptions{Within: 24 * time.Hour, Until: hour(100)})
	require.NoError(t, err)
	require.Equal(t, []int{3, 2, 1}, []int{got[0].Reached, got[1].Reached, got[2].Reached})
	require.Equal(t, []int{0, 1, 0}, []int{got[0].Open, got[1].Open, got[2].Open})
	require.Equal(t, []int{0, 0, 1}, []int{got[0].Lost, got[1].Lost, got[2].Lost})
	require.Equal(t, [3]float64{1, 1, 1}, got[1].Hours)
	require.Equal(t, [3]float64{3, 3, 3}, got[2].Hours)
	require.True(t, math.IsNaN(got[0].Hours[1]))
	share, low, high := got[2].Share(&got[1])
	require.Equal(t, .5, share)
	require.InDelta(t, .0945, low, 1e-4) // Wilson, 1 of 2
	require.InDelta(t, .9055, high, 1e-4)
	share, _, _ = got[0].Share(nil)
	require.Equal(t, 1.0, share)
	for within, want := range map[time.Duration]int{24 * time.Hour: 1, 24*time.Hour - time.Second: 0} { // the limit itself is in time
		got, err := Funnel([]Event{{0, visit, 0}, {0, cart, hour(24)}}, []uint32{visit, cart}, FunnelOptions{Within: within})
		require.NoError(t, err)
		require.Equal(t, want, got[1].Reached)
	}
	for _, steps := range [][]uint32{nil, make([]uint32, 33)} {
		_, err := Funnel(in, steps, FunnelOptions{})
		require.ErrorIs(t, err, ErrData)
	}
	_, err = Funnel(nil, []uint32{0}, FunnelOptions{})
	require.ErrorIs(t, err, ErrData)
	_, err = Funnel([]Event{{At: math.MaxInt64}}, []uint32{0}, FunnelOptions{})
	require.ErrorContains(t, err, "event 0")
}

// TestJourneys: journeys hold every event, end where a gap is, and paths count every journey once.
func TestJourneys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := events.Draw(t, "events")
		gap := time.Duration(rapid.IntRange(1, 5).Draw(t, "gap")) * time.Hour
		journeys, err := Journeys(in, gap)
		require.NoError(t, err)
		for i, j := range journeys {
			require.NotEmpty(t, j.Steps)
			require.Equal(t, len(j.Steps), len(slices.Compact(slices.Clone(j.Steps))))
			require.LessOrEqual(t, j.Begin, j.End)
			if i > 0 && journeys[i-1].Customer == j.Customer {
				require.Greater(t, j.Begin-journeys[i-1].End, int64(gap/time.Second))
			}
		}
		for _, e := range in {
			n := 0
			for _, j := range journeys {
				if j.Customer == e.Customer && j.Begin <= e.At && e.At <= j.End {
					n++
					require.Contains(t, j.Steps, e.What)
				}
			}
			require.Equal(t, 1, n)
		}
		steps := rapid.IntRange(1, 4).Draw(t, "steps")
		paths, err := Paths(journeys, 1000, steps)
		require.NoError(t, err)
		n := 0
		for i, p := range paths {
			n += p.N
			require.LessOrEqual(t, p.Customers, p.N)
			require.LessOrEqual(t, len(p.Steps), steps)
			require.Equal(t, len(journeys), p.Of)
			if i > 0 {
				require.GreaterOrEqual(t, paths[i-1].N, p.N)
			}
		}
		require.Equal(t, len(journeys), n)
		slices.Reverse(journeys)
		again, err := Paths(journeys, 1000, steps)
		require.NoError(t, err)
		require.Equal(t, paths, again)
	})
	journeys, err := Journeys([]Event{{0, 1, 0}, {0, 1, 60}, {0, 2, 120}, {0, 1, 7200}, {0, 2, 7260}, {1, 1, 0}, {1, 2, 1}, {1, 3, 2}}, time.Hour)
	require.NoError(t, err)
	require.Equal(t, []Journey{{0, 0, 120, []uint32{1, 2}}, {0, 7200, 7260, []uint32{1, 2}}, {1, 0, 2, []uint32{1, 2, 3}}}, journeys)
	paths, err := Paths(journeys, 2, 2)
	require.NoError(t, err)
	require.Equal(t, []Path{{[]uint32{1, 2}, false, 2, 3, 1}, {[]uint32{1, 2}, true, 1, 3, 1}}, paths)
	_, err = Journeys(nil, time.Hour)
	require.ErrorIs(t, err, ErrData)
	_, err = Journeys([]Event{{}}, 0)
	require.ErrorIs(t, err, ErrData)
	_, err = Paths(nil, 1, 0)
	require.ErrorIs(t, err, ErrData)
}

// TestArmitage is the table of Graubard and Korn 1987 that Agresti, Categorical Data Analysis, 2nd edition, 5.3.5, has: drinking and
// malformations, X² = 6.57, P = 0.01.
func TestArmitage(t *testing.T) {
	n := []int{48, 38, 5, 1, 1}
	of := []int{17114, 14502, 793, 127, 38}
	slope, p := armitage(n, of, []float64{0, .5, 1.5, 4, 7})
	require.InDelta(t, .00167119, slope, 1e-8) // of least squares, weighted by customers
	require.InDelta(t, .0104, p, .0001)
	slope, p = armitage([]int{5, 5}, []int{10, 10}, []float64{0, 1})
	require.Equal(t, []float64{0, 1}, []float64{slope, p})
	for _, c := range [][2][]int{{{0}, {0}}, {{3}, {3}}, {{3, 3}, {3, 3}}, {{0, 0}, {4, 0}}} {
		_, p := armitage(c[0], c[1], []float64{0, 1}[:len(c[0])])
		require.Equal(t, 1.0, p)
	}
}

// TestTransitions counts as on paper, and finds a trend where there is one.
func TestTransitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := events.Draw(t, "events")
		got, err := Transitions(in, Options{Unit: Day})
		require.NoError(t, err)
		set, err := eventsBy(in)
		require.NoError(t, err)
		counts, of := map[[2]uint32]int{}, map[uint32]int{}
		for _, a := range set {
			next := int64(math.MaxInt64)
			for _, b := range set {
				if b.Customer == a.Customer && b.At > a.At {
					next = min(next, b.At)
				}
			}
			for _, b := range set {
				if b.Customer == a.Customer && b.At == next {
					counts[[2]uint32{a.What, b.What}]++
					of[a.What]++
				}
			}
		}
		require.Len(t, got, len(counts))
		for _, x := range got {
			require.Equal(t, []int{counts[[2]uint32{x.From, x.To}], of[x.From]}, []int{x.N, x.Of})
			require.True(t, x.P >= 0 && x.P <= 1)
		}
	})
	// From 0 ever more customers go to 1, and fewer to 2; from 1 as many as ever to either.
	r := rand.New(rand.NewPCG(4, 4))
	var in []Event
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for c := range uint32(4000) {
		month := r.IntN(12)
		at := begin.AddDate(0, month, r.IntN(25)).Unix()
		from, to := c%2, uint32(2)
		if r.Float64() < map[uint32]float64{0: .2 + .04*float64(month), 1: .4}[from] {
			to = 1
		}
		in = append(in, Event{c, from, at}, Event{c, to, at + 86400})
	}
	got, err := Transitions(in, Options{})
	require.NoError(t, err)
	require.Len(t, got, 4)
	require.InDelta(t, .04, got[0].Trend, .006)
	require.InDelta(t, -.04, got[1].Trend, .006)
	require.Less(t, got[0].P, 1e-9)
	require.Greater(t, got[2].P, .01)
	share, low, high := got[0].Share()
	require.True(t, low < share && share < high)
	_, err = Transitions(nil, Options{})
	require.ErrorIs(t, err, ErrData)
	_, err = Transitions([]Event{{}}, Options{Unit: 9})
	require.ErrorIs(t, err, ErrData)
}

// TestAttribute counts as on paper.
func TestAttribute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		visits := events.Draw(t, "visits")
		bought := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Bought {
			return Bought{rapid.Uint32Range(0, 2).Draw(t, "customer"), rapid.Uint32Range(0, 3).Draw(t, "what"), int64(rapid.IntRange(0, 12).Draw(t, "hour")) * 3600, int64(rapid.IntRange(-5, 50).Draw(t, "amount"))}
		})).Draw(t, "bought")
		window := int64(rapid.IntRange(1, 6).Draw(t, "window")) * 3600
		same := rapid.Bool().Draw(t, "same")
		from, until := int64(-3600), int64(12*3600)
		got, err := Attribute(visits, bought, ResearchOptions{Window: time.Duration(window) * time.Second, Same: same, From: from, Until: until})
		require.NoError(t, err)
		want := Research{}
		for _, b := range bought {
			if b.At-window < from {
				continue
			}
			before, after := false, false
			for _, v := range visits {
				if v.Customer == b.Customer && (!same || v.What == b.What) {
					before = before || v.At < b.At && b.At-v.At <= window
					after = after || v.At > b.At && v.At-b.At <= window
				}
			}
			want.Purchases++
			want.Amount += b.Amount
			if before {
				want.Researched++
				want.ResearchedAmount += b.Amount
			}
			if b.At+window <= until {
				want.Compared++
				if before {
					want.Before++
				}
				if after {
					want.After++
				}
			}
		}
		require.Equal(t, want.Researched == 0, math.IsNaN(got.Hours))
		got.Hours = 0
		require.Equal(t, want, got)
	})
	got, err := Attribute([]Event{{0, 7, 0}, {0, 7, 36000}, {1, 7, 100}}, []Bought{{0, 7, 39600, 500}, {1, 7, 39600, 300}}, ResearchOptions{Window: 2 * time.Hour})
	require.NoError(t, err)
	require.Equal(t, 0, got.Purchases, "the last visit is before them: until when visits are known is said by Until")
	got, err = Attribute([]Event{{0, 7, 0}, {0, 7, 36000}, {1, 7, 100}}, []Bought{{0, 7, 39600, 500}, {1, 7, 39600, 300}}, ResearchOptions{Window: 2 * time.Hour, Until: 50000})
	require.NoError(t, err)
	require.Equal(t, Research{Purchases: 2, Researched: 1, Amount: 800, ResearchedAmount: 500, Hours: 1, Compared: 2, Before: 1}, got)
	share, low, high := got.Share()
	require.True(t, share == .5 && low < .1 && high > .9)
	for _, o := range []ResearchOptions{{}, {Window: -1}} {
		_, err := Attribute([]Event{{}}, nil, o)
		require.ErrorIs(t, err, ErrData)
	}
	_, err = Attribute([]Event{{}}, []Bought{{At: 1 << 50}}, ResearchOptions{Window: time.Hour})
	require.ErrorContains(t, err, "purchase 0")
}

// BenchmarkFunnel is 250,000 events of 50,000 customers on a way of four steps.
func BenchmarkFunnel(b *testing.B) {
	r := rand.New(rand.NewPCG(6, 6))
	in := make([]Event, 250_000)
	for i := range in {
		in[i] = Event{uint32(r.IntN(50_000)), uint32(r.IntN(5)), r.Int64N(1e7)}
	}
	for b.Loop() {
		if _, err := Funnel(in, []uint32{0, 1, 2, 3}, FunnelOptions{Within: 30 * 24 * time.Hour}); err != nil {
			b.Fatal(err)
		}
	}
}
