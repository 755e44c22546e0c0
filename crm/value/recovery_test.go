package value

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// town simulates customers over three years, of whom some complain on a day on which they bought; a share of those never
// comes back after it. Who would complain and has not is in neither.
func town(r *rand.Rand, n int, complain, leave float64) (complaints, others []History) {
	const days = 1100
	for range n {
		rate := math.Exp(-3.2 + .5*r.NormFloat64())
		size := math.Exp(4 + .4*r.NormFloat64())
		h := History{}
		chance := r.Float64()
		raised, gone := 0, r.ExpFloat64()*1500
		for at := r.Float64() * 400; at < days && at < gone; at += r.ExpFloat64() / rate {
			if raised > 0 && at > float64(raised) && at <= float64(raised+5) {
				continue // waits for the solution
			}
			h.Bought = append(h.Bought, Bought{int(at), int64(100 * size * math.Exp(.3*r.NormFloat64()))})
			if at > 500 && at < 900 && raised == 0 && chance < complain && r.Float64() < .2 {
				raised = int(at)
				if r.Float64() < leave {
					break
				}
			}
		}
		switch {
		case len(h.Bought) == 0:
		case raised > 0:
			h.Raised, h.Solved = raised, raised+5
			complaints = append(complaints, h)
		case chance >= complain:
			others = append(others, h)
		}
	}
	return complaints, others
}

var townModel = MBGNBD{2, 48, .5, 6} // in weeks

// TestRecoverFindsTheTruth: of customers of whom a known share leaves over a complaint the degree of giving up is that
// share, within its interval as often as it says; and none where a complaint does nothing.
func TestRecoverFindsTheTruth(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 1))
	for _, leave := range []float64{0, .35} {
		within, all, sum := 0, 6, 0.0
		if os.Getenv("VEFA_LONG") == "1" {
			all = 300
		}
		for range all {
			complaints, others := town(r, 1000, .3, leave)
			got, err := Recover(townModel, complaints, others, RecoveryOptions{Until: 1099})
			require.NoError(t, err)
			require.False(t, got.Causal)
			require.Greater(t, got.Spent.N, 30)
			require.Less(t, got.Unmatched, len(complaints)/2)
			g := *got.GivenUp
			sum += g.Expected / float64(all)
			if g.Low <= leave && g.High >= leave {
				within++
			}
			if leave > 0 {
				require.Less(t, got.Alive.Difference.Expected, 0.0)
				require.Less(t, got.Returned[2].Difference.High, 0.0)
			}
		}
		t.Logf("truth %.2f, mean %.3f, %d of %d within", leave, sum, within, all)
		require.InDelta(t, leave, sum, .1)
		require.GreaterOrEqual(t, within, all-max(2, all/10)) // three of six are outside in one of 450 cases
	}
}

// TestRecoverCounts: figures that are counted by hand.
func TestRecoverCounts(t *testing.T) {
	buy := func(days ...int) (out []Bought) {
		for _, d := range days {
			out = append(out, Bought{d, 1000})
		}
		return out
	}
	complaints := []History{
		{buy(10, 100, 140), 100, 110}, // back after 30 days: within 30, on the last day
		{buy(10, 100, 110), 100, 110}, // only on the day of the solution
		{buy(10, 100, 171), 100, 110}, // after 61
		{buy(200), 100, 110},          // had bought nothing then
		{buy(10, 250), 250, 260},      // solved too lately for 60 days and more
	}
	others := []History{{Bought: buy(10, 100, 120)}, {Bought: buy(10, 100, 130, 150)}, {Bought: buy(10, 100)}, {Bought: buy(10, 250, 270)}, {Bought: buy(600)}, {}}
	m := MBGNBD{1, 10, 1, 2}
	got, err := Recover(m, complaints, others, RecoveryOptions{Until: 300})
	require.NoError(t, err)
	require.Equal(t, 5, got.Complaints)
	require.Equal(t, 1, got.Unmatched)
	require.Equal(t, []int{30, 60, 90}, []int{got.Returned[0].Days, got.Returned[1].Days, got.Returned[2].Days})
	require.Equal(t, []int{4, 3, 3}, []int{got.Returned[0].N, got.Returned[1].N, got.Returned[2].N})
	require.Equal(t, .25, got.Returned[0].Complaints.Expected)
	require.Equal(t, .75, got.Returned[0].Matched.Expected) // days 10 and 20 after 110, 10 after 260
	require.InDelta(t, 1./3, got.Returned[1].Complaints.Expected, 1e-12)
	require.InDelta(t, 2./3, got.Returned[2].Complaints.Expected, 1e-12)
	require.InDelta(t, 2./3, got.Returned[2].Matched.Expected, 1e-12)
	// Wilson's interval of 1 of 4, by hand (.7302 ± .6408)/1.9604, and Newcombe's of 1 of 4 less 3 of 4.
	require.InDelta(t, .0455873, got.Returned[0].Complaints.Low, 1e-6)
	require.InDelta(t, .6993582, got.Returned[0].Complaints.High, 1e-6)
	require.InDelta(t, -.7890, got.Returned[0].Difference.Low, 1e-4)
	require.InDelta(t, .1355, got.Returned[0].Difference.High, 1e-4)
	// Each of three paid 1000 in the 90 days until the complaint, day 10 being 90 days ago, and two did after it.
	require.Equal(t, 3, got.Spent.N)
	require.InDelta(t, 2./3, got.Spent.Complaints.Expected, 1e-12)
	require.InDelta(t, 3./3, got.Spent.Matched.Expected, 1e-12) // one twice, one once, one never
	require.InDelta(t, -1./3, got.Spent.Difference.Expected, 1e-12)
	require.InDelta(t, 1./3, got.GivenUp.Expected, 1e-12)
	alive := func(repeats int, last, age float64) float64 { return m.Alive(Purchases{repeats, last / 7, age / 7}) }
	require.InDelta(t, (alive(2, 130, 190)+alive(2, 100, 190)+alive(2, 161, 190))/3-alive(1, 90, 90), got.Alive.Complaints.Expected, 1e-12)
	require.InDelta(t, (alive(2, 110, 190)+alive(3, 140, 190)+alive(1, 90, 190))/3-alive(1, 90, 90), got.Alive.Matched.Expected, 1e-12)

	one, err := Recover(m, complaints[:1], others, RecoveryOptions{Until: 300, Within: []int{365}})
	require.NoError(t, err)
	require.Nil(t, one.Spent)
	require.Nil(t, one.GivenUp)
	require.Nil(t, one.Alive)
	require.Equal(t, 0, one.Returned[0].N)
	require.Equal(t, Interval{0, 0, 1}, one.Returned[0].Complaints)
	none, err := Recover(m, nil, nil, RecoveryOptions{Until: 300})
	require.NoError(t, err)
	require.Equal(t, 0, none.Complaints)
}

// TestRecoverByLot: with a lot both sides have complaints of their own, whose days count.
func TestRecoverByLot(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 2))
	gift, _ := town(r, 1000, .4, .1)
	none, _ := town(r, 1000, .4, .4)
	got, err := Recover(townModel, gift, none, RecoveryOptions{Until: 1099, Randomised: true, Far: 1})
	require.NoError(t, err)
	require.True(t, got.Causal)
	require.Greater(t, got.Returned[1].Difference.Low, 0.0)
	require.InDelta(t, 1-.9/.6, got.GivenUp.Expected, .3)
	require.Less(t, got.GivenUp.High, 0.0, "who got a gift buys more")
}

// TestRecoverInAnyOrder: the same figures, however customers and purchases come, and no NaN of any history.
func TestRecoverInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) []History {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) History {
				h := History{Raised: rapid.IntRange(50, 100).Draw(t, "raised")}
				h.Solved = h.Raised + rapid.IntRange(0, 20).Draw(t, "solved")
				for range rapid.IntRange(0, 6).Draw(t, "n") {
					h.Bought = append(h.Bought, Bought{rapid.IntRange(0, 250).Draw(t, "day"), rapid.Int64Range(-300, 1000).Draw(t, "amount")})
				}
				return h
			}), 0, 12).Draw(t, name)
		}
		complaints, others := draw("complaints"), draw("others")
		o := RecoveryOptions{Until: 220, Matches: rapid.IntRange(1, 3).Draw(t, "matches"), Randomised: rapid.Bool().Draw(t, "lot"), Far: 2}
		want, err := Recover(townModel, complaints, others, o)
		require.NoError(t, err)
		for _, all := range [][]History{complaints, others} {
			slices.Reverse(all)
			for _, h := range all {
				slices.Reverse(h.Bought)
			}
		}
		got, err := Recover(townModel, complaints, others, o)
		require.NoError(t, err)
		require.Equal(t, want, got)
		check := func(i Interval) {
			require.True(t, i.Low <= i.Expected && i.Expected <= i.High, "%+v", i)
		}
		for _, b := range got.Returned {
			check(b.Complaints)
			check(b.Matched)
			check(b.Difference)
		}
		for _, c := range []*Compared{got.Spent, got.Alive} {
			if c != nil {
				check(c.Complaints)
				check(c.Matched)
				check(c.Difference)
			}
		}
		if got.GivenUp != nil {
			check(*got.GivenUp)
			require.LessOrEqual(t, got.GivenUp.High, 1.0)
		}
	})
}

func TestRecoverRefuses(t *testing.T) {
	good := []History{{Bought: []Bought{{1, 1}}, Raised: 2, Solved: 3}}
	for want, o := range map[string]RecoveryOptions{
		"RecoveryOptions.Until is 1073741824": {Until: 1 << 30},
		"RecoveryOptions.Length is -1":        {Until: 9, Length: -1},
		"RecoveryOptions.Window is -1":        {Until: 9, Window: -1},
		"RecoveryOptions.Matches is 21":       {Until: 9, Matches: 21},
		"RecoveryOptions.Far is NaN":          {Until: 9, Far: math.NaN()},
		"RecoveryOptions.Within is [30 0]":    {Until: 9, Within: []int{30, 0}},
		"customer 0: Raised is 2":             {Until: 1},
		"customer 0: Solved is 3":             {Until: 2},
	} {
		_, err := Recover(townModel, good, nil, o)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	_, err := Recover(townModel, nil, []History{{}, {Bought: []Bought{{1 << 40, 1}}}}, RecoveryOptions{Until: 9})
	require.ErrorContains(t, err, "customer 1: others has 1 on day")
}

// TestRecoverTwins: where each does as the one like him, nothing is given up, and that is certain.
func TestRecoverTwins(t *testing.T) {
	var all []History
	for i := range 5 {
		h := History{Raised: 100, Solved: 100}
		for day := i; day < 200; day += 10 + 7*i {
			h.Bought = append(h.Bought, Bought{day, int64(1000 * (i + 1))})
		}
		all = append(all, h)
	}
	got, err := Recover(townModel, all, all, RecoveryOptions{Until: 250})
	require.NoError(t, err)
	require.Equal(t, 5, got.Spent.N)
	for _, v := range []float64{got.GivenUp.Low, got.GivenUp.High, got.Spent.Difference.Low, got.Spent.Difference.High, got.Alive.Difference.Low, got.Alive.Difference.High} {
		require.InDelta(t, 0, v, 1e-12)
	}
}
