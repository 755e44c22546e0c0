package survey

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// At the ends of a share the interval ends exactly there, whatever the sums round to, and everywhere it holds
// the value: so do those of all metrics, of one answer, of equal answers and of all kinds of them.
func TestIntervalsAtTheEdges(t *testing.T) {
	for n := int64(1); n <= 3000; n++ {
		require.Equal(t, 1.0, wilson(n, n, z95).High, "%d of %d", n, n)
		require.Equal(t, 0.0, wilson(0, n, z95).Low, "0 of %d", n)
	}
	for m, scale := range map[Metric][2]int{NPS: {0, 10}, CSAT: {1, 5}, CES: {1, 7}} {
		for a := scale[0]; a <= scale[1]; a++ {
			for b := scale[0]; b <= scale[1]; b++ {
				for _, n := range [][2]int64{{1, 0}, {1, 1}, {2, 0}, {5, 0}, {1, 40}, {1e6, 0}} {
					tally := Tally{Metric: m}
					tally.Counts[a] += n[0]
					tally.Counts[b] += n[1]
					r := tally.Result()
					require.True(t, r.Interval.Low <= r.Value && r.Value <= r.Interval.High, "%s %v: %+v", m, tally.Counts, r)
					require.True(t, r.GoodInterval.Low <= r.Good && r.Good <= r.GoodInterval.High, "%s %v: %+v", m, tally.Counts, r)
					require.Less(t, r.Interval.Low, r.Interval.High)
				}
			}
		}
	}
}

// Of one answer beside many nothing is known of how its group varies: the difference has one degree of freedom, 12.706
// standard errors, and not the more that Welch's formula would make of the others.
func TestOneAnswerBesideMany(t *testing.T) {
	one, many := Tally{Metric: CES}, Tally{Metric: CES}
	one.Counts[7] = 1
	many.Counts[3], many.Counts[5] = 50, 50
	for _, pair := range [][2]Tally{{one, many}, {many, one}} {
		d, err := pair[0].Less(pair[1])
		require.NoError(t, err)
		se := math.Sqrt(pair[0].spread() + pair[1].spread())
		require.InDelta(t, 1-2/math.Pi*math.Atan(3/se), d.P, 1e-9, "Student's t of one degree of freedom is Cauchy's")
		require.Equal(t, [2]float64{-6, 6}, [2]float64{d.Interval.Low, d.Interval.High})
	}
}
