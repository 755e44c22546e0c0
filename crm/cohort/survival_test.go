package cohort

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// spansOf reads times of which those below 0 are not over.
func spansOf(times ...float64) (out []Span) {
	for _, t := range times {
		out = append(out, Span{Length: math.Abs(t), Over: t > 0})
	}
	return out
}

// The remissions of Freireich et al. 1963, the example of every textbook; values of lifelines 0.30.
var (
	treated = spansOf(6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35)
	placebo = spansOf(1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)
	third   = spansOf(2, -3, 3, 9, 14, -14, 15, 30, -40, 41)
)

func TestSurviveGolden(t *testing.T) {
	c, err := Survive(treated, .95)
	require.NoError(t, err)
	require.Equal(t, []int{21, 9, 7}, []int{c.N, c.Events, len(c.Steps)})
	for at, want := range map[float64][3]float64{
		0: {1, 1, 1}, 6: {.857143, .619718, .951552}, 7: {.806723, .563147, .922809}, 9.5: {.806723, .563147, .922809}, 10: {.752941, .503200, .889362},
		13: {.690196, .431610, .849066}, 16: {.627451, .367511, .804912}, 22: {.537815, .267779, .746791}, 35: {.448179, .188052, .680143},
	} {
		s, low, high := c.At(at)
		require.InDelta(t, want[0], s, 1e-6, at)
		require.InDelta(t, want[1], low, 1e-6, at)
		require.InDelta(t, want[2], high, 1e-6, at)
	}
	s, _, _ := c.At(35.1)
	require.True(t, math.IsNaN(s), "nothing is known after the last")
	median, ok := c.Median()
	require.True(t, ok)
	require.Equal(t, 23.0, median)

	chi2, p, err := LogRank(treated, placebo)
	require.NoError(t, err)
	require.InEpsilon(t, 16.792940989216547, chi2, 1e-10)
	require.InEpsilon(t, 4.168809109334511e-05, p, 1e-10)
	chi2, p, err = LogRank(treated, placebo, third)
	require.NoError(t, err)
	require.InEpsilon(t, 18.75758874290101, chi2, 1e-10)
	require.InEpsilon(t, 8.449701315951861e-05, p, 1e-10)
}

func TestSurvive(t *testing.T) {
	span := rapid.Custom(func(t *rapid.T) Span {
		return Span{Length: float64(rapid.IntRange(0, 20).Draw(t, "length")), Over: rapid.Bool().Draw(t, "over")}
	})
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(span, 1, 40).Draw(t, "spans")
		c, err := Survive(all, .9)
		require.NoError(t, err)
		before, events := 1.0, 0
		for _, s := range c.Steps {
			require.True(t, s.Survival < before && s.Low <= s.Survival && s.Survival <= s.High && s.Low >= 0 && s.High <= 1, "%+v", s)
			before = s.Survival
			events += s.Events
		}
		require.Equal(t, c.Events, events)
		// Without anybody who is waited for it is the share of those that are longer.
		for i := range all {
			all[i].Over = true
		}
		c, err = Survive(all, .9)
		require.NoError(t, err)
		for at := range 20 {
			longer := 0
			for _, s := range all {
				if s.Length > float64(at) {
					longer++
				}
			}
			if got, _, _ := c.At(float64(at)); float64(at) <= c.Observed {
				require.InDelta(t, float64(longer)/float64(len(all)), got, 1e-12)
			}
		}
		// The order of groups and spans is nothing.
		other := rapid.SliceOfN(span, 1, 40).Draw(t, "other")
		chi2, p, err := LogRank(all, other)
		require.NoError(t, err)
		require.True(t, chi2 >= 0 && p >= 0 && p <= 1)
		back := slices.Clone(other)
		slices.Reverse(back)
		chi2b, pb, err := LogRank(back, all)
		require.NoError(t, err)
		require.InDelta(t, chi2, chi2b, 1e-9)
		require.InDelta(t, p, pb, 1e-9)
		same, p, err := LogRank(all, all, all)
		require.NoError(t, err)
		require.InDelta(t, 0, same, 1e-9)
		require.InDelta(t, 1, p, 1e-9)
	})
}

func TestBadSpans(t *testing.T) {
	for _, bad := range [][]Span{nil, {{Length: -1}}, {{Length: math.NaN()}}, {{Length: math.Inf(1)}}} {
		_, err := Survive(bad, .95)
		require.ErrorIs(t, err, ErrData)
		_, _, err = LogRank(treated, bad)
		require.ErrorIs(t, err, ErrData)
	}
	_, err := Survive(treated, 1)
	require.ErrorIs(t, err, ErrData)
	_, _, err = LogRank(treated)
	require.ErrorIs(t, err, ErrData)
	chi2, p, err := LogRank(spansOf(-1, -2), spansOf(-5))
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1}, []float64{chi2, p}, "nothing happened")
	require.InEpsilon(t, .05, chiSquareTail(3.841458820694124, 1), 1e-9)
	require.InEpsilon(t, .01, chiSquareTail(23.209251158954356, 10), 1e-9)
	require.InEpsilon(t, .001, chiSquareTail(24.321886347856854, 7), 1e-9)
}

// TestSecond: a day's purchases are one, by the calendar of the zone; who bought once waits until
// Until.
func TestSecond(t *testing.T) {
	zone := time.FixedZone("", 3*3600)
	at := func(day, hour int) int64 { return time.Date(2025, 5, day, hour, 0, 0, 0, time.UTC).Unix() }
	spans, err := Second([]Sale{
		{Customer: 0, Order: 1, At: at(3, 10)}, {Customer: 0, Order: 2, At: at(3, 20)}, // the same day
		{Customer: 2, Order: 3, At: at(1, 20)}, {Customer: 2, Order: 4, At: at(1, 22)}, // 22:00 is 1:00 of the next
		{Customer: 3, Order: 5, At: at(9, 10)}, {Customer: 3, Order: 6, At: at(2, 10)}, {Customer: 3, Order: 7, At: at(20, 10)},
	}, Options{Zone: zone, Until: time.Date(2025, 6, 1, 0, 0, 0, 0, zone)})
	require.NoError(t, err)
	require.Equal(t, []Span{{Length: 28}, {Length: 1, Over: true}, {Length: 7, Over: true}}, spans)
	gaps, err := Gaps([]Sale{{Order: 1, At: 86400}, {Order: 1, At: 0}, {Order: 2, At: 129600}})
	require.NoError(t, err)
	require.Equal(t, []float64{1.5}, gaps)
}

func TestConcentration(t *testing.T) {
	c, err := Concentrate([]int64{5, 5, 5, 5})
	require.NoError(t, err)
	require.Zero(t, c.Gini())
	require.Equal(t, []float64{0, .5, 1}, c.Lorenz(2))
	c, err = Concentrate([]int64{0, 0, 0, 100})
	require.NoError(t, err)
	require.Equal(t, .75, c.Gini())
	require.Equal(t, 1, c.For(.8))
	n, share := c.Top(.3) // of four one is a quarter
	require.Equal(t, 2, n)
	require.Equal(t, 1.0, share)
	require.Equal(t, []int{0, 1}, []int{c.For(0), c.For(1)})
	for _, bad := range [][]int64{nil, {0}, {-5, 3}, {1 << 62, 1 << 62}} {
		_, err := Concentrate(bad)
		require.ErrorIs(t, err, ErrData)
	}
}
