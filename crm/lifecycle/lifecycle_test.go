package lifecycle

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestStates(t *testing.T) {
	def := Definition{Version: "1"}
	for _, x := range []struct {
		name string
		c    Customer
		day  int
		want State
	}{
		{"nothing bought", Customer{Contacts: []int{5}, Open: true}, 10, Prospect},
		{"bought later", Customer{Purchases: []int{11}}, 10, Prospect},
		{"once, lately", Customer{Purchases: []int{0}}, 100, New},
		{"once, long ago", Customer{Purchases: []int{0}}, 731, Gone},
		{"the same day twice is once", Customer{Purchases: []int{0, 0}}, 100, New},
		{"twice, lately", Customer{Purchases: []int{0, 60}}, 100, Active},
		{"every month, then not for a year", Customer{Purchases: []int{0, 30, 60, 90, 120}, Open: true}, 500, Passive},
		{"the same in a warranty", Customer{Purchases: []int{0, 30, 60, 90, 120}, Open: true, LockedIn: true}, 500, Captive},
		{"nothing is open", Customer{Purchases: []int{0, 30, 60, 90, 120}, LockedIn: true}, 500, Gone},
		{"every four years is not passive after one", Customer{Purchases: []int{0, 1460, 2920, 4380}, Open: true}, 4380 + 400, Waiting},
	} {
		got, err := def.State(x.c, x.day)
		require.NoError(t, err)
		require.Equal(t, x.want, got.State, "%s: %+v", x.name, got)
		require.Equal(t, "1", got.Version)
	}
	calls := Customer{Purchases: []int{0}, Contacts: []int{20, 30}}
	w, err := Definition{Version: "2", Contacts: true}.State(calls, 40)
	require.NoError(t, err)
	require.Equal(t, Why{Version: "2", State: Active, Acts: 3, Since: 40, Gap: 365, Overdue: 40. / 365}, w)
	for _, bad := range []Definition{{}, {Version: "1", Window: -1}, {Version: "1", Acts: -1}, {Version: "1", Overdue: math.NaN()}, {Version: "1", Prior: Prior{Gap: -1}}, {Version: "1", Prior: Prior{Weight: 1}}} {
		_, err := bad.State(Customer{Purchases: []int{1}}, 5)
		require.ErrorIs(t, err, ErrData, "%+v", bad)
	}
}

// TestStatesPartition: every customer is on every day in one state, for any order of the days;
// days without an act never bring a customer closer to being active.
func TestStatesPartition(t *testing.T) {
	days := rapid.SliceOfN(rapid.IntRange(-50, 2000), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		c := Customer{Purchases: days.Draw(t, "purchases"), Contacts: days.Draw(t, "contacts"), Open: rapid.Bool().Draw(t, "open"), LockedIn: rapid.Bool().Draw(t, "locked in")}
		def := Definition{Version: "1", Window: rapid.IntRange(0, 700).Draw(t, "window"), Acts: rapid.IntRange(0, 4).Draw(t, "acts"), Contacts: rapid.Bool().Draw(t, "with contacts")}
		day := rapid.IntRange(0, 2500).Draw(t, "day")
		got, err := def.State(c, day)
		require.NoError(t, err)
		require.Contains(t, States(), got.State)
		back := c
		back.Purchases = slices.Clone(c.Purchases)
		slices.Reverse(back.Purchases)
		again, err := def.State(back, day)
		require.NoError(t, err)
		require.Equal(t, got, again)
		rank := map[State]int{Active: 0, New: 1, Waiting: 1, Passive: 2, Captive: 2, Gone: 2}
		c.Purchases = slices.DeleteFunc(c.Purchases, func(x int) bool { return x > day })
		c.Contacts = slices.DeleteFunc(c.Contacts, func(x int) bool { return x > day })
		if later, err := def.State(c, day+100); got.State != Prospect {
			require.NoError(t, err)
			require.GreaterOrEqual(t, rank[later.State], rank[got.State])
		}
	})
}

func TestRate(t *testing.T) {
	states := []Why{{Version: "1", State: Prospect}}
	for i := range 100 {
		states = append(states, Why{Version: "1", State: []State{Active, Gone}[i%2]})
	}
	got, err := Rate(states, .3)
	require.NoError(t, err)
	require.Equal(t, []int{100, 50}, []int{got.N, got.In})
	require.InDelta(t, .4038, got.Low, 1e-4)
	require.InDelta(t, .5962, got.High, 1e-4)
	require.True(t, got.Met && !got.Missed)
	got, err = Rate(states, .55)
	require.NoError(t, err)
	require.False(t, got.Met || got.Missed)
	got, err = Rate(states, .7)
	require.NoError(t, err)
	require.True(t, got.Missed)
	for _, bad := range [][]Why{nil, {{Version: "1", State: Prospect}}, {{Version: "1", State: New}, {Version: "2", State: New}}} {
		_, err := Rate(bad, .5)
		require.ErrorIs(t, err, ErrData)
	}
	_, err = Rate(states, 1.1)
	require.ErrorIs(t, err, ErrData)
}

// TestRegular: of customers who buy at random about 5 % are taken for regular ones, of those who buy every month
// give or take a few days nearly all.
func TestRegular(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	share := func(gap func() float64) float64 {
		regular := 0
		for range 4000 {
			at, days := 0.0, []int{0}
			for range 10 {
				at += gap()
				days = append(days, int(math.Round(at)))
			}
			if x := Regular(days); x.Regular {
				regular++
			}
		}
		return float64(regular) / 4000
	}
	require.InDelta(t, .055, share(func() float64 { return 200 * r.ExpFloat64() }), .025)
	require.Greater(t, share(func() float64 { return 30 + 5*r.NormFloat64() }), .999)
	require.Less(t, share(func() float64 { return 200 * r.ExpFloat64() * r.ExpFloat64() }), .02)
	clock := Regular([]int{0, 30, 60, 90})
	require.True(t, clock.Regular && clock.Mean == 30 && !math.IsInf(clock.Shape, 0), "%+v", clock)
	require.Equal(t, Regularity{Gaps: 2, Mean: 5, P: 1}, Regular([]int{10, 0, 5, 5}))
	require.Equal(t, Regularity{P: 1}, Regular(nil))
	gap, err := Rhythm([]int{0, 10, 20}, Prior{Gap: 40, Weight: 1})
	require.NoError(t, err)
	require.Equal(t, 20.0, gap)
}

func TestShifts(t *testing.T) {
	got, err := Shifts([]int{0, 0, 0, 0, 0, 0, 4, 6, 5, 5, 4, 6}, 12, .01)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, []int{6, 17}, []int{got[0].At, got[0].Until})
	require.Equal(t, []float64{0, 5}, []float64{got[0].Before, got[0].After})
	require.Less(t, got[0].P, 1e-6)
	// Of counts without a shift at most 1 % have one.
	r := rand.New(rand.NewPCG(6, 6))
	poisson := func(mean float64) (n int) {
		for at := r.ExpFloat64(); at < mean; at += r.ExpFloat64() {
			n++
		}
		return n
	}
	false1, found, near := 0, 0, 0
	for range 3000 {
		same, moved := make([]int, 24), make([]int, 24)
		for i := range same {
			same[i] = poisson(3)
			if moved[i] = poisson(1); i >= 14 {
				moved[i] = poisson(5)
			}
		}
		s, err := Shifts(same, 12, .01)
		require.NoError(t, err)
		if len(s) > 0 {
			false1++
		}
		s, err = Shifts(moved, 12, .01)
		require.NoError(t, err)
		if len(s) > 0 {
			found++
			if d := s[0].At - 14; d >= -1 && d <= 1 {
				near++
			}
		}
	}
	require.LessOrEqual(t, false1, 45, "of 3,000")
	require.Greater(t, found, 2900)
	require.Greater(t, near, 2500)
	for _, bad := range []func() error{
		func() error { _, err := Shifts([]int{-1}, 12, .01); return err },
		func() error { _, err := Shifts(nil, 0, .01); return err },
		func() error { _, err := Shifts(nil, 1, 1); return err },
	} {
		require.ErrorIs(t, bad(), ErrData)
	}
}

// TestLoyalty: the index grows with each sign and is the same for signs that are not known as without their
// weight.
func TestLoyalty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.Float64Range(0, 1)
		v := []float64{one.Draw(t, "repeat"), one.Draw(t, "regular"), one.Draw(t, "unprompted"), one.Draw(t, "breadth")}
		w := Weights{Version: "1", Repeat: 3, Regular: one.Draw(t, "w"), Unprompted: 1, Breadth: 1, Wallet: 5}
		signs := func() Signs { return Signs{Repeat: &v[0], Regular: &v[1], Unprompted: &v[2], Breadth: &v[3]} }
		was, err := Loyalty(signs(), w)
		require.NoError(t, err)
		require.True(t, was.Value >= 0 && was.Value <= 100)
		i := rapid.IntRange(0, 3).Draw(t, "which")
		v[i] = v[i] + (1-v[i])*one.Draw(t, "more")
		is, err := Loyalty(signs(), w)
		require.NoError(t, err)
		require.GreaterOrEqual(t, is.Value, was.Value-1e-9)
		w.Wallet = 0
		less, err := Loyalty(signs(), w)
		require.NoError(t, err)
		require.Equal(t, is, less)
	})
	half, two := .5, 2.0
	for _, bad := range []func() error{
		func() error { _, err := Loyalty(Signs{Repeat: &half}, Weights{Repeat: 1}); return err },
		func() error { _, err := Loyalty(Signs{Repeat: &half}, Weights{Version: "1", Wallet: 1}); return err },
		func() error { _, err := Loyalty(Signs{Repeat: &two}, Weights{Version: "1", Repeat: 1}); return err },
		func() error { _, err := Loyalty(Signs{Repeat: &half}, Weights{Version: "1", Repeat: -1}); return err },
	} {
		require.ErrorIs(t, bad(), ErrData)
	}
}
