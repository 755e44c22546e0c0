package sponsorship_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/sponsorship"
)

func run(year int) sponsorship.Event {
	e := sponsorship.Event{Name: "run", Year: year, Cost: crm.Money{Amount: 2_000_000, Currency: "TRY"}, Contacts: 400,
		Again: sponsorship.Answers{Yes: 60, N: 80}, Knew: sponsorship.Answers{Yes: 45, N: 90},
		Followed: append(make([]int64, 14), 12000, 3000, 45000, 800, 2500, 0, 99000, 7000, 0, 1500)}
	return e
}

func near(t *testing.T, value, low, high float64, got sponsorship.Estimate) {
	t.Helper()
	require.True(t, got.Known)
	size := math.Max(1, math.Abs(high-low))
	require.InDelta(t, value, got.Value, 1e-9*size)
	require.InDelta(t, low, got.Interval.Low, 1e-4*size)
	require.InDelta(t, high, got.Interval.High, 1e-4*size)
}

// Golden values of scipy 1.17.1: t.ppf with the correction for a finite population, ttest_ind without
// equal variances, binomtest's Wilson intervals.
func TestOutcome(t *testing.T) {
	e := run(2026)
	got, err := e.Outcome()
	require.NoError(t, err)
	require.Equal(t, 5000.0, got.CostPerContact)
	near(t, 7116.666666666667, -1763.6613796202664, 15996.994712953601, got.ValuePerContact)
	near(t, 0.4233333333333333, -1.3527322759240533, 2.19939894259072, got.ROI)
	require.False(t, got.Controlled)
	require.Equal(t, 75.0, got.Again.Value)
	require.InDelta(t, 64.51532538076602, got.Again.Interval.Low, 1e-9)

	e.Without = append(make([]int64, 20), 5000, 1200, 30000, 800)
	got, err = e.Outcome()
	require.NoError(t, err)
	require.True(t, got.Controlled)
	near(t, 5575, -3873.391153072369, 15023.391153072369, got.ValuePerContact)

	e.Without, e.Contacts = nil, int64(len(e.Followed)) // all are known
	got, err = e.Outcome()
	require.NoError(t, err)
	require.Equal(t, got.ValuePerContact.Value, got.ValuePerContact.Interval.Low)
	e.Followed = e.Followed[:9]
	got, err = e.Outcome()
	require.NoError(t, err)
	require.Zero(t, got.ROI, "of nine nothing is said")
}

func TestSince(t *testing.T) {
	was, is := run(2025), run(2026)
	was.Again = sponsorship.Answers{Yes: 45, N: 90}
	was.Knew = sponsorship.Answers{}
	was.Cost.Amount = 4_000_000
	got, err := is.Since(was)
	require.NoError(t, err)
	near(t, 25, 10.43059830391013, 38.018329396784, got.Again)
	require.False(t, got.Knew.Known, "nobody was asked")
	near(t, 0, -12558.73, 12558.73, sponsorship.Estimate{Value: got.ValuePerContact.Value, Interval: got.ValuePerContact.Interval, Known: got.ValuePerContact.Known})
	require.InDelta(t, 0.4233333-(-0.2883333), got.ROI.Value, 1e-6)
	was.Again = sponsorship.Answers{Yes: 85, N: 90} // near the end its interval has a short and a long side
	got, err = is.Since(was)
	require.NoError(t, err)
	near(t, -19.444444444444443, -30.394813352099455, -8.797703311907851, got.Again)
	was.Cost.Currency = "EUR"
	_, err = is.Since(was)
	require.ErrorIs(t, err, sponsorship.ErrInvalid)
}

func TestOutcomeRefuses(t *testing.T) {
	for name, change := range map[string]func(*sponsorship.Event){
		"free":       func(e *sponsorship.Event) { e.Cost.Amount = 0 },
		"nobody":     func(e *sponsorship.Event) { e.Contacts = 0 },
		"more":       func(e *sponsorship.Event) { e.Contacts = 3 },
		"yes":        func(e *sponsorship.Event) { e.Again.Yes = 100 },
		"negative":   func(e *sponsorship.Event) { e.Knew.Yes = -1 },
		"no country": func(e *sponsorship.Event) { e.Cost.Currency = "" },
	} {
		e := run(2026)
		change(&e)
		_, err := e.Outcome()
		require.ErrorIs(t, err, sponsorship.ErrInvalid, name)
		_, err = run(2026).Since(e)
		require.ErrorIs(t, err, sponsorship.ErrInvalid, name)
	}
}

// The order of people changes nothing, values lie in their intervals, and who is compared with himself has
// not changed.
func TestOutcomeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := run(2026)
		e.Followed = rapid.SliceOfN(rapid.Int64Range(-1000, 1_000_000), 10, 40).Draw(t, "followed")
		e.Without = rapid.SliceOfN(rapid.Int64Range(0, 1_000_000), 0, 12).Draw(t, "without")
		a, err := e.Outcome()
		require.NoError(t, err)
		slices.Reverse(e.Followed)
		b, err := e.Outcome()
		require.NoError(t, err)
		require.Equal(t, a, b)
		require.Equal(t, len(e.Without) == 0 || len(e.Without) >= 10, a.ROI.Known)
		for _, x := range []sponsorship.Estimate{a.ROI, a.ValuePerContact} {
			require.True(t, x.Interval.Low <= x.Value && x.Value <= x.Interval.High)
		}
		c, err := e.Since(e)
		require.NoError(t, err)
		require.Zero(t, c.ROI.Value)
		require.Zero(t, c.Again.Value)
	})
}

func ExampleEvent_Outcome() {
	e := sponsorship.Event{Name: "run", Year: 2026, Cost: crm.Money{Amount: 100_000, Currency: "TRY"}, Contacts: 50,
		Again: sponsorship.Answers{Yes: 8, N: 10}, Followed: []int64{0, 0, 0, 9000, 0, 0, 4000, 0, 12000, 0, 0, 5000}}
	o, err := e.Outcome()
	fmt.Printf("%.0f per contact, brought %.0f; ROI %.2f (%.2f to %.2f) %v\n", o.CostPerContact, o.ValuePerContact.Value, o.ROI.Value, o.ROI.Interval.Low, o.ROI.Interval.High, err)
	fmt.Println(o.Again.Interval.Low > 40, survey.NewRate(8, 10) == o.Again)
	// Output:
	// 2000 per contact, brought 2500; ROI 0.25 (-0.90 to 1.40) <nil>
	// true true
}
