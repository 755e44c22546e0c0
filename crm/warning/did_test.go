package warning

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDifferenceInDifferences(t *testing.T) {
	e, err := DifferenceInDifferences([]Change{{100, 130}, {80, 106}, {90, 118}}, []Change{{100, 105}, {50, 53}, {70, 76}, {60, 66}}, false)
	require.NoError(t, err)
	require.InDelta(t, 28-5, e.Effect, 1e-12)
	require.InDelta(t, 1./35, e.P, 1e-12, "no other choice of three differs as much")
	require.True(t, e.Low > 18 && e.High < 28, "%+v", e)
	one, err := DifferenceInDifferences([]Change{{100, 130}}, []Change{{100, 105}, {50, 53}, {70, 76}}, true)
	require.NoError(t, err)
	require.Equal(t, .25, one.P)
	require.InDelta(t, .2, one.Effect, .05)
	for want, bad := range map[string][2][]Change{
		"1 treated places and 1 controls":                          {{{1, 2}}, {{1, 2}}},
		"control 1: Before is 0 and After 2; both must be above 0": {{{1, 2}}, {{1, 2}, {0, 2}}},
		"treated place 0: Before is NaN":                           {{{math.NaN(), 2}}, {{1, 2}, {1, 2}}},
	} {
		_, err := DifferenceInDifferences(bad[0], bad[1], true)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	// Values of scipy.stats.t.
	require.InDelta(t, 12.706204736432095, studentQuantile(1), 1e-9)
	require.InDelta(t, 2.2281388519649385, studentQuantile(10), 1e-9)
	require.InDelta(t, 1.9623390808264078, studentQuantile(1000), 1e-9)
	require.InEpsilon(t, 0.009645151646782122, studentTail(3, 7.2), 1e-10)
}

// TestNoEffect: of places that all changed alike nothing is an effect, however many they are.
func TestNoEffect(t *testing.T) {
	for _, n := range []int{2, 200} {
		all := slices.Repeat([]Change{{100, 110}}, n)
		e, err := DifferenceInDifferences(all, all, false)
		require.NoError(t, err)
		require.Equal(t, Effect{P: 1, Treated: n, Controls: n}, e)
	}
}

// TestEffectsCover: of experiments without an effect 95 % of the intervals hold 0, and 5 % have a p of .05 or less.
func TestEffectsCover(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	within, significant := 0, 0
	const n = 3000
	for range n {
		draw := func(k int) (out []Change) {
			for range k {
				size := 1000 * math.Exp(r.NormFloat64())
				out = append(out, Change{size, size * 1.1 * math.Exp(.1*r.NormFloat64())})
			}
			return out
		}
		e, err := DifferenceInDifferences(draw(4), draw(12), true)
		require.NoError(t, err)
		if e.Low <= 0 && e.High >= 0 {
			within++
		}
		if e.P <= .05 {
			significant++
		}
	}
	require.InDelta(t, .95, float64(within)/n, .015)
	require.InDelta(t, .05, float64(significant)/n, .012)
}

// TestForecast: on seasons with a trend forecasts are better than last year's, and intervals hold what they promise.
func TestForecast(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	within, all := 0, 0
	for range 120 {
		const weeks, ahead = 208, 8
		level, trend := 1000*math.Exp(r.NormFloat64()), 1+.002*r.NormFloat64()
		values := make([]float64, weeks+ahead)
		for i := range values {
			level *= trend
			values[i] = level * (1 + .4*math.Sin(2*math.Pi*float64(i)/52)) * math.Exp(.08*r.NormFloat64())
		}
		values[20] = math.NaN()
		points, acc, err := Forecast(values[:weeks], 52, ahead, .9)
		require.NoError(t, err)
		require.Less(t, acc.Scaled, 1.0)
		for h, p := range points {
			all++
			if v := values[weeks+h]; v >= p.Low && v <= p.High {
				within++
			}
		}
	}
	require.InDelta(t, .9, float64(within)/float64(all), .06)
	for _, bad := range []func() error{
		func() error { _, _, err := Forecast(make([]float64, 15), 0, 1, .9); return err },
		func() error { _, _, err := Forecast(make([]float64, 40), 20, 1, .9); return err },
		func() error { _, _, err := Forecast([]float64{15: -1}, 0, 1, .9); return err },
		func() error { _, _, err := Forecast(make([]float64, 40), 0, 1, 1); return err },
	} {
		require.ErrorIs(t, bad(), ErrData)
	}
}

// BenchmarkWatch is 1,000 stores and 10,000 employees over five years of weeks.
func BenchmarkWatch(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 5))
	sales, all := chain(r, 11_000, 260, .1, 0, func(int) int { return math.MaxInt })
	for b.Loop() {
		m, err := NewMonitor(Options{Learn: 104})
		if err != nil {
			b.Fatal(err)
		}
		for _, s := range sales {
			if _, err := m.Watch(s, all); err != nil {
				b.Fatal(err)
			}
		}
	}
}
