package value

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// paid is a customer who paid amounts on days, with a complaint on day 100 that was solved on day 110.
func paid(dayAmount ...int) History {
	h := History{Raised: 100, Solved: 110}
	for i := 0; i < len(dayAmount); i += 2 {
		h.Bought = append(h.Bought, Bought{dayAmount[i], int64(dayAmount[i+1])})
	}
	return h
}

// TestRecoverMatches: with two for each, figures of the others are of all of them, and each weighs a half.
func TestRecoverMatches(t *testing.T) {
	m := MBGNBD{1, 10, 1, 2}
	complaints := []History{paid(50, 1000, 120, 500), paid(50, 1000)}
	others := []History{paid(50, 1000, 130, 400), paid(50, 1000), paid(50, 1000), paid(50, 1000, 199, 1200)}
	got, err := Recover(m, complaints, others, RecoveryOptions{Until: 200, Matches: 2})
	require.NoError(t, err)
	require.Equal(t, []int{2, 2, 2}, []int{got.Returned[0].N, got.Returned[1].N, got.Returned[2].N}, "90 days after 110 are known on the last of them")
	one, all := wilson(1, 4), wilson(2, 4)
	require.Equal(t, []Interval{one, one, all}, []Interval{got.Returned[0].Matched, got.Returned[1].Matched, got.Returned[2].Matched})
	require.Equal(t, 2, got.Spent.N)
	require.InDelta(t, .25, got.Spent.Complaints.Expected, 1e-12)
	require.InDelta(t, .4, got.Spent.Matched.Expected, 1e-12)
	// Two changes have the standard deviation of their distance over √2, and their mean that over √2 again.
	alive := func(repeats int, last, age float64) float64 { return m.Alive(Purchases{repeats, last / 7, age / 7}) }
	was, back, never := alive(0, 0, 50), alive(1, 70, 150), alive(0, 0, 150)
	require.InDelta(t, (back+never)/2-was, got.Alive.Complaints.Expected, 1e-12)
	require.InDelta(t, z95*math.Abs(back-never), got.Alive.Complaints.High-got.Alive.Complaints.Low, 1e-12)
	require.InDelta(t, (alive(1, 80, 150)+2*never+alive(1, 149, 150))/4-was, got.Alive.Matched.Expected, 1e-12)
}

// TestRecoverWindows: what is paid on the day of the complaint is before it, on the day of the solution and as many days before
// as the window has it is in neither; what came back is no return of the customer.
func TestRecoverWindows(t *testing.T) {
	all := []History{
		paid(5, 1, 10, 700, 100, 1000, 110, 7, 111, 300, 200, 40, 201, 5), // 90 days before 100, and after 110
		paid(5, 1, 10, 700, 100, 1000, 105, 3, 130, -100),
	}
	got, err := Recover(townModel, all, all, RecoveryOptions{Until: 250})
	require.NoError(t, err)
	require.InDelta(t, (340.-100)/2000, got.Spent.Complaints.Expected, 1e-12)
	require.Equal(t, .5, got.Returned[0].Complaints.Expected)
}

// TestRecoverLot: by lot the days of the others are their own, until which their returns must be known, too.
func TestRecoverLot(t *testing.T) {
	own := paid(50, 1000, 115, 1)
	for solved, n := range map[int]int{170: 1, 171: 0} {
		other := History{Bought: own.Bought[:1], Raised: 100, Solved: solved}
		got, err := Recover(townModel, []History{own}, []History{other}, RecoveryOptions{Until: 200, Within: []int{30}, Randomised: true})
		require.NoError(t, err)
		require.Equal(t, n, got.Returned[0].N)
	}
}

// TestRecoverFar: how unlike two are is the root of the mean of four squares. Where all of those who complained are alike, a
// tenth of a logarithm is a standard deviation, so that a fifth in one of the four is half of one.
func TestRecoverFar(t *testing.T) {
	for name, x := range map[string]struct {
		other History
		alike bool
	}{
		"as far as may be in spending": {paid(50, 100_000*109/100), true},
		"further":                      {paid(50, 100_000*112/100), false},
		"longer a customer":            {paid(20, 1, 50, 100_000), false},
		"bought later":                 {paid(60, 100_000), false},
	} {
		got, err := Recover(townModel, []History{paid(50, 100_000)}, []History{x.other}, RecoveryOptions{Until: 250})
		require.NoError(t, err)
		require.Equal(t, x.alike, got.Unmatched == 0, name)
	}
	// As often and as lately, and for much longer: the age alone differs.
	got, err := Recover(townModel, []History{paid(40, 100, 50, 100_000)}, []History{paid(20, 100, 50, 100_000)}, RecoveryOptions{Until: 250})
	require.NoError(t, err)
	require.Equal(t, 1, got.Unmatched)
}
