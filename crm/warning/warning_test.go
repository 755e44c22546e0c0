package warning

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRuns compares the runs of charts with published ones and with simulation.
func TestRuns(t *testing.T) {
	// Montgomery, Introduction to Statistical Quality Control, 6th edition, table 9.3: two-sided charts of K ½ and H 4 and 5
	// run for 168 and 465 periods, one side alone for twice as many.
	require.InEpsilon(t, 336, CUSUM{K: .5, H: 4}.Run(0), .01)
	require.InEpsilon(t, 930, CUSUM{K: .5, H: 5}.Run(0), .01)
	require.InEpsilon(t, 8.38, CUSUM{K: .5, H: 4}.Run(1), .01)
	require.InEpsilon(t, 10.4, CUSUM{K: .5, H: 5}.Run(1), .01)
	// Lucas and Saccucci 1990: λ .1 and L 2.814, λ .25 and L 3 (Montgomery 9.11: about 500).
	require.InEpsilon(t, 500, EWMA{Lambda: .1, L: 2.814}.Run(0), .02)
	require.InEpsilon(t, 500, EWMA{Lambda: .25, L: 2.998}.Run(0), .02)
	require.InEpsilon(t, 10.3, EWMA{Lambda: .1, L: 2.814}.Run(1), .02)
	for _, run := range []float64{20, 52, 370} {
		for _, shift := range []float64{.5, 1, 2, 3} {
			c, err := NewCUSUM(shift, run)
			require.NoError(t, err)
			require.InEpsilon(t, run, c.Run(0), .001)
		}
		e, err := NewEWMA(.2, run)
		require.NoError(t, err)
		require.InEpsilon(t, run, e.Run(0), .001)
	}
	r := rand.New(rand.NewPCG(2, 3))
	c, err := NewCUSUM(1, 52)
	require.NoError(t, err)
	total, runs := 0, 4000
	for range runs {
		for s := 0.0; s <= c.H; total++ {
			s = max(0, s+r.NormFloat64()-c.K)
		}
	}
	require.InEpsilon(t, 52, float64(total)/float64(runs), .06)
	for _, bad := range [][2]float64{{0, 52}, {math.NaN(), 52}, {1, 1}, {1, math.Inf(1)}} {
		_, err := NewCUSUM(bad[0], bad[1])
		require.ErrorIs(t, err, ErrData)
		_, err = NewEWMA(bad[0], bad[1])
		require.ErrorIs(t, err, ErrData)
	}
}

// chain simulates weekly sales of stores: each with a size, a trend and noise of its own, all with the same
// season and the same good and bad weeks. The store changes by the factor from a week on.
func chain(r *rand.Rand, stores, weeks int, noise, change float64, from func(int) int) (sales [][]float64, all []float64) {
	common := make([]float64, weeks)
	for w := range common {
		common[w] = (1 + .3*math.Sin(2*math.Pi*float64(w)/52)) * math.Exp(.05*r.NormFloat64())
	}
	all = make([]float64, weeks)
	for s := range stores {
		size, trend := 1e6*math.Exp(r.NormFloat64()), .03*r.NormFloat64()/52
		one := make([]float64, weeks)
		for w := range one {
			one[w] = size * common[w] * math.Exp(trend*float64(w)+noise*r.NormFloat64()-noise*noise/2)
			if w >= from(s) {
				one[w] *= 1 + change
			}
			all[w] += one[w]
		}
		sales = append(sales, one)
	}
	return sales, all
}

// TestPromise is T16: at no more than one false alarm a store and year a fall of 15 % is seen after at
// most three weeks in half of the stores.
func TestPromise(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	const stores, learn, weeks = 300, 104, 260
	never := func(int) int { return math.MaxInt }
	for _, c := range []struct {
		name  string
		peers bool
		delay float64
	}{{"beside the chain", true, 3}, {"alone", false, 12}} {
		o := Options{Learn: learn}
		if !c.peers {
			o.Season = 52
		}
		m, err := NewMonitor(o)
		require.NoError(t, err)
		watch := func(values, all []float64) []Alarm {
			var peers []float64
			if c.peers {
				peers = make([]float64, len(all))
				for i := range all {
					peers[i] = all[i] - values[i]
				}
			}
			alarms, err := m.Watch(values, peers)
			require.NoError(t, err)
			return alarms
		}
		sales, all := chain(r, stores, weeks, .1, 0, never)
		alarms := 0
		for _, s := range sales {
			alarms += len(watch(s, all))
		}
		years := float64(stores) * (weeks - learn) / 52
		perYear := float64(alarms) / years

		sales, all = chain(r, stores, weeks, .1, 0, never)
		var delays []float64
		for i, s := range sales {
			at := learn + 20 + i%80
			for w := at; w < weeks; w++ {
				s[w] *= .85
			}
			delay := math.Inf(1)
			for _, a := range watch(s, all) {
				if a.At >= at {
					delay = float64(a.At - at + 1)
					break
				}
			}
			delays = append(delays, delay)
		}
		slices.Sort(delays)
		t.Logf("%s: %.2f false alarms a store and year; a fall of 15 %% is seen after %v weeks in half of the stores, after %v in nine of ten", c.name, perYear, delays[stores/2], delays[stores*9/10])
		require.LessOrEqual(t, perYear, 1.0, c.name)
		require.LessOrEqual(t, delays[stores/2], c.delay, c.name)
	}
}
