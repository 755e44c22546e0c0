package experiment

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
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
		z, err := quantile(0.95)
		require.NoError(t, err)
		i := wilson(c.k, c.n, z)
		assert.InDelta(t, c.lo, i.Lo, 1e-12)
		assert.InDelta(t, c.hi, i.Hi, 1e-12)
	}
	d, err := newcombe(540, 9000, 45, 1000, 0.95)
	require.NoError(t, err)
	assert.InDelta(t, -0.0004232295301758761, d.Lo, 1e-12)
	assert.InDelta(t, 0.027305582074338912, d.Hi, 1e-12)
	ratio, r, err := katz(540, 9000, 45, 1000, 0.95)
	require.NoError(t, err)
	assert.InDelta(t, 0.06/0.045, ratio, 1e-12)
	assert.InDelta(t, 0.9907215526954045, r.Lo, 1e-12)
	assert.InDelta(t, 1.794427276706629, r.Hi, 1e-12)
	z, p, err := twoProportions(540, 9000, 45, 1000)
	require.NoError(t, err)
	assert.InDelta(t, 1.9174516361547491, z, 1e-12)
	assert.InDelta(t, 0.055180579624935416, p, 1e-12)
}

func TestHoldoutSize(t *testing.T) {
	for _, c := range []struct {
		lift           float64
		control, total int64
	}{{0.2, 11704, 117036}, {0.1, 44798, 447985}} {
		s, err := HoldoutSize(Question{Base: 0.02, Lift: c.lift, Holdout: 0.1})
		require.NoError(t, err)
		assert.Equal(t, c.control, s.Control)
		assert.Equal(t, c.total, s.Total)
	}
	_, err := HoldoutSize(Question{Base: 0.9, Lift: 0.2, Holdout: 0.1})
	assert.ErrorIs(t, err, ErrInput)
}

func TestSRM(t *testing.T) {
	// χ² = 2·(50²/5000)... for 5100 : 4900 against halves is 4, p = erfc(√2).
	chi2, p, err := mismatch([]int64{5100, 4900}, []float64{1, 1})
	require.NoError(t, err)
	assert.InDelta(t, 4, chi2, 1e-12)
	assert.InDelta(t, 0.04550026389635842, p, 1e-12)
	// Tables: χ² = 5.991464547107979 with df 2 and 7.814727903251179 with df 3 have p = 0.05.
	_, p, err = mismatch([]int64{100, 100, 100}, []float64{1, 1, 1})
	require.NoError(t, err)
	assert.InDelta(t, 1, p, 1e-12)
	_, _, err = mismatch([]int64{1}, []float64{1})
	assert.ErrorIs(t, err, ErrInput)
	_, _, err = mismatch([]int64{1, 2}, []float64{1, 0})
	assert.ErrorIs(t, err, ErrInput)
}

func TestBadInput(t *testing.T) {
	_, err := newcombe(3, 2, 1, 1, 0.95)
	assert.ErrorIs(t, err, ErrInput)
	_, err = newcombe(1, 2, 1, 1, 1)
	assert.ErrorIs(t, err, ErrInput)
	_, err = newcombe(1, 0, 1, 1, 0.95)
	assert.ErrorIs(t, err, ErrInput)
	_, _, err = katz(0, 10, 1, 10, 0.95)
	assert.ErrorIs(t, err, ErrInput)
	_, _, err = twoProportions(-1, 10, 1, 10)
	assert.ErrorIs(t, err, ErrInput)
	_, err = Evaluate(Counts{Assigned: 1, Converted: 2}, 0.1, 0)
	assert.ErrorIs(t, err, ErrInput)
	_, err = NewAssigner([]byte("short"))
	assert.Error(t, err)
}

func assigner(t testing.TB) *Assigner {
	a, err := NewAssigner([]byte("a salt of enough bytes"))
	require.NoError(t, err)
	return a
}

func TestHeldOutIsAShareAndIndependent(t *testing.T) {
	a := assigner(t)
	const n = 50000
	var held, both int64
	for i := range n {
		unit := fmt.Sprintf("+90532%07d", i)
		x := a.HeldOut("campaign/a", unit, 0.1)
		y := a.HeldOut("campaign/b", unit, 0.1)
		if x {
			held++
		}
		if x && y {
			both++
		}
	}
	_, p, err := mismatch([]int64{n - held, held}, []float64{0.9, 0.1})
	require.NoError(t, err)
	assert.Greater(t, p, mismatchAlarm)
	assert.InDelta(t, n/100, both, 120)
}

func TestHeldOutIsStable(t *testing.T) {
	a := assigner(t)
	rapid.Check(t, func(t *rapid.T) {
		e, u := rapid.String().Draw(t, "experiment"), rapid.String().Draw(t, "unit")
		lo, hi := rapid.Float64Range(0, 1).Draw(t, "lo"), rapid.Float64Range(0, 1).Draw(t, "hi")
		if lo > hi {
			lo, hi = hi, lo
		}
		if a.HeldOut(e, u, lo) && !a.HeldOut(e, u, hi) {
			t.Fatal("a larger share released a unit")
		}
		if a.HeldOut(e, u, 0) || !a.HeldOut(e, u, 1) {
			t.Fatal("shares 0 and 1 are not absolute")
		}
	})
	assert.NotEqual(t, a.point("ab", "c"), a.point("a", "bc"), "experiment and unit run into each other")
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
		i, err := newcombe(draw(900, 0.02), 900, draw(100, 0.02), 100, 0.95)
		require.NoError(t, err)
		if i.Lo <= 0 && i.Hi >= 0 {
			hit++
		}
	}
	assert.InDelta(t, 0.961, float64(hit)/runs, 0.012)
}

func TestEvaluate(t *testing.T) {
	r, err := Evaluate(Counts{Assigned: 9000, Delivered: 8700, Clicked: 900, Converted: 540, ClickedConverted: 180, HeldOut: 1000, HeldOutConverted: 45}, 0.1, 0)
	require.NoError(t, err)
	assert.Equal(t, Inconclusive, r.Result)
	assert.InDelta(t, 0.06, r.Total.Share, 1e-12)
	assert.InDelta(t, 0.2, r.Clickers.Share, 1e-12)
	assert.InDelta(t, 135, r.Incremental.Conversions, 1e-9)
	assert.InDelta(t, -0.0004232295301758761, r.Incremental.Interval.Lo, 1e-12)
	r, err = Evaluate(Counts{Assigned: 9000, Converted: 900, HeldOut: 1000, HeldOutConverted: 20}, 0.1, 0)
	require.NoError(t, err)
	assert.Equal(t, Better, r.Result)
	r, err = Evaluate(Counts{Assigned: 9000, Converted: 900, HeldOut: 1300, HeldOutConverted: 20}, 0.1, 0)
	require.NoError(t, err)
	assert.Equal(t, Broken, r.Result, "a broken split names no winner")
	r, err = Evaluate(Counts{Assigned: 10}, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, Unmeasured, r.Result)
}

func BenchmarkHeldOut(b *testing.B) {
	a := assigner(b)
	b.ReportAllocs()
	for b.Loop() {
		a.HeldOut("campaign/spring", "+905321234567", 0.1)
	}
}
