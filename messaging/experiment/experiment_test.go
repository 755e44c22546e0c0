package experiment_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/messaging/experiment"
)

// The golden values are statsmodels' (reference/messaging.md section 8.3).
func TestGoldenIntervals(t *testing.T) {
	for _, c := range []struct {
		k, n   int64
		lo, hi float64
	}{
		{12, 200, 0.03465219425433186, 0.10193169295766272},
		{0, 50, 0, 0.07134759913335874},
		{50, 50, 0.9286524008666412, 1},
	} {
		i, err := experiment.Wilson(c.k, c.n, 0.95)
		require.NoError(t, err)
		assert.InDelta(t, c.lo, i.Lo, 1e-12)
		assert.InDelta(t, c.hi, i.Hi, 1e-12)
	}
	d, err := experiment.Newcombe(540, 9000, 45, 1000, 0.95)
	require.NoError(t, err)
	assert.InDelta(t, -0.0004232295301758761, d.Lo, 1e-12)
	assert.InDelta(t, 0.027305582074338912, d.Hi, 1e-12)
	ratio, r, err := experiment.Katz(540, 9000, 45, 1000, 0.95)
	require.NoError(t, err)
	assert.InDelta(t, 0.06/0.045, ratio, 1e-12)
	assert.InDelta(t, 0.9907215526954045, r.Lo, 1e-12)
	assert.InDelta(t, 1.794427276706629, r.Hi, 1e-12)
	z, p, err := experiment.TwoProportions(540, 9000, 45, 1000)
	require.NoError(t, err)
	assert.InDelta(t, 1.9174516361547491, z, 1e-12)
	assert.InDelta(t, 0.055180579624935416, p, 1e-12)
}

func TestHoldoutSize(t *testing.T) {
	for _, c := range []struct {
		lift           float64
		control, total int64
	}{{0.2, 11704, 117036}, {0.1, 44798, 447985}} {
		s, err := experiment.HoldoutSize(experiment.Question{Base: 0.02, Lift: c.lift, Holdout: 0.1})
		require.NoError(t, err)
		assert.Equal(t, c.control, s.Control)
		assert.Equal(t, c.total, s.Total)
	}
	_, err := experiment.HoldoutSize(experiment.Question{Base: 0.9, Lift: 0.2, Holdout: 0.1})
	assert.ErrorIs(t, err, experiment.ErrInput)
}

func TestSRM(t *testing.T) {
	// χ² = 2·(50²/5000)... for 5100 : 4900 against halves is 4, p = erfc(√2).
	chi2, p, err := experiment.SRM([]int64{5100, 4900}, []float64{1, 1})
	require.NoError(t, err)
	assert.InDelta(t, 4, chi2, 1e-12)
	assert.InDelta(t, 0.04550026389635842, p, 1e-12)
	// Tables: χ² = 5.991464547107979 with df 2 and 7.814727903251179 with df 3 have p = 0.05.
	_, p, err = experiment.SRM([]int64{100, 100, 100}, []float64{1, 1, 1})
	require.NoError(t, err)
	assert.InDelta(t, 1, p, 1e-12)
	_, _, err = experiment.SRM([]int64{1}, []float64{1})
	assert.ErrorIs(t, err, experiment.ErrInput)
	_, _, err = experiment.SRM([]int64{1, 2}, []float64{1, 0})
	assert.ErrorIs(t, err, experiment.ErrInput)
}

func TestBadInput(t *testing.T) {
	_, err := experiment.Wilson(3, 2, 0.95)
	assert.ErrorIs(t, err, experiment.ErrInput)
	_, err = experiment.Wilson(1, 2, 1)
	assert.ErrorIs(t, err, experiment.ErrInput)
	_, err = experiment.Newcombe(1, 0, 1, 1, 0.95)
	assert.ErrorIs(t, err, experiment.ErrInput)
	_, _, err = experiment.Katz(0, 10, 1, 10, 0.95)
	assert.ErrorIs(t, err, experiment.ErrInput)
	_, _, err = experiment.TwoProportions(-1, 10, 1, 10)
	assert.ErrorIs(t, err, experiment.ErrInput)
	_, err = experiment.Evaluate(experiment.Counts{Assigned: 1, Converted: 2}, 0.1, 0)
	assert.ErrorIs(t, err, experiment.ErrInput)
	_, err = experiment.NewAssigner([]byte("short"))
	assert.Error(t, err)
}

func assigner(t testing.TB) *experiment.Assigner {
	a, err := experiment.NewAssigner([]byte("a salt of enough bytes"))
	require.NoError(t, err)
	return a
}

func TestAssignIsAShareAndIndependent(t *testing.T) {
	a := assigner(t)
	const n = 50000
	var held, both int64
	for i := range n {
		unit := fmt.Sprintf("+90532%07d", i)
		x := a.Assign("campaign/a", unit, 0.1) == experiment.Holdout
		y := a.Assign("campaign/b", unit, 0.1) == experiment.Holdout
		if x {
			held++
		}
		if x && y {
			both++
		}
	}
	_, p, err := experiment.SRM([]int64{n - held, held}, []float64{0.9, 0.1})
	require.NoError(t, err)
	assert.Greater(t, p, experiment.SRMAlarm)
	assert.InDelta(t, n/100, both, 120)
}

func TestAssignIsStable(t *testing.T) {
	a := assigner(t)
	rapid.Check(t, func(t *rapid.T) {
		e, u := rapid.String().Draw(t, "experiment"), rapid.String().Draw(t, "unit")
		lo, hi := rapid.Float64Range(0, 1).Draw(t, "lo"), rapid.Float64Range(0, 1).Draw(t, "hi")
		if lo > hi {
			lo, hi = hi, lo
		}
		if a.Assign(e, u, lo) == experiment.Holdout && a.Assign(e, u, hi) != experiment.Holdout {
			t.Fatal("a larger share released a unit")
		}
		if a.Assign(e, u, 0) != experiment.Treatment || a.Assign(e, u, 1) != experiment.Holdout {
			t.Fatal("shares 0 and 1 are not absolute")
		}
	})
	assert.NotEqual(t, a.Point("ab", "c"), a.Point("a", "bc"), "experiment and unit run into each other")
}

// Newcombe's interval must cover the truth about 95 times in 100.
func TestNewcombeCovers(t *testing.T) {
	state := uint64(42)
	next := func() float64 { // SplitMix64, so that the run is the same everywhere
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return float64((z^z>>31)>>11) / (1 << 53)
	}
	draw := func(n int, p float64) (k int64) {
		for range n {
			if next() < p {
				k++
			}
		}
		return k
	}
	const runs = 4000
	hit := 0
	for range runs {
		i, err := experiment.Newcombe(draw(900, 0.02), 900, draw(100, 0.02), 100, 0.95)
		require.NoError(t, err)
		if i.Contains(0) {
			hit++
		}
	}
	assert.InDelta(t, 0.961, float64(hit)/runs, 0.012)
}

func TestEvaluate(t *testing.T) {
	r, err := experiment.Evaluate(experiment.Counts{Assigned: 9000, Delivered: 8700, Clicked: 900, Converted: 540, ClickedConverted: 180, HeldOut: 1000, HeldOutConverted: 45}, 0.1, 0)
	require.NoError(t, err)
	assert.Equal(t, experiment.Inconclusive, r.Result)
	assert.InDelta(t, 0.06, r.Total.Share, 1e-12)
	assert.InDelta(t, 0.2, r.Clickers.Share, 1e-12)
	assert.InDelta(t, 135, r.Incremental.Conversions, 1e-9)
	assert.InDelta(t, -0.0004232295301758761, r.Incremental.Interval.Lo, 1e-12)
	r, err = experiment.Evaluate(experiment.Counts{Assigned: 9000, Converted: 900, HeldOut: 1000, HeldOutConverted: 20}, 0.1, 0)
	require.NoError(t, err)
	assert.Equal(t, experiment.Better, r.Result)
	r, err = experiment.Evaluate(experiment.Counts{Assigned: 9000, Converted: 900, HeldOut: 1300, HeldOutConverted: 20}, 0.1, 0)
	require.NoError(t, err)
	assert.Equal(t, experiment.Broken, r.Result, "a broken split names no winner")
	r, err = experiment.Evaluate(experiment.Counts{Assigned: 10}, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, experiment.Unmeasured, r.Result)
}

func ExampleEvaluate() {
	r, err := experiment.Evaluate(experiment.Counts{
		Assigned: 9000, Delivered: 8700, Clicked: 900, Converted: 540, ClickedConverted: 180,
		HeldOut: 1000, HeldOutConverted: 45,
	}, 0.1, 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("everybody %.1f %%, clickers %.1f %% (descriptive), held out %.1f %%\n", 100*r.Total.Share, 100*r.Clickers.Share, 100*r.HeldOut.Share)
	fmt.Printf("increment %.2f %% [%.2f %%, %.2f %%]: %s\n", 100*r.Incremental.Difference, 100*r.Incremental.Interval.Lo, 100*r.Incremental.Interval.Hi, r.Result)
	// Output:
	// everybody 6.0 %, clickers 20.0 % (descriptive), held out 4.5 %
	// increment 1.50 % [-0.04 %, 2.73 %]: inconclusive
}

func BenchmarkAssign(b *testing.B) {
	a := assigner(b)
	b.ReportAllocs()
	for b.Loop() {
		a.Assign("campaign/spring", "+905321234567", 0.1)
	}
}
