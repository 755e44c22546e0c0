package warning

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTrace: the chart has an alarm exactly where its sum is above the limit, the alarms are those of Watch, and what is not
// watched has no sum.
func TestTrace(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	values := make([]float64, 120)
	for i := range values {
		values[i] = 100 + 5*r.NormFloat64()
		if i >= 80 {
			values[i] -= 20
		}
	}
	values[70] = math.NaN()
	m, err := NewMonitor(Options{Learn: 40})
	require.NoError(t, err)
	trace, err := m.Trace(values, nil)
	require.NoError(t, err)
	alarms, err := m.Watch(values, nil)
	require.NoError(t, err)
	require.Equal(t, alarms, trace.Alarms)
	require.NotEmpty(t, alarms)
	at := map[int]bool{}
	for _, a := range alarms {
		at[a.At] = true
	}
	for i, s := range trace.Sums {
		require.Equal(t, i < 40 || i == 70, math.IsNaN(s), i)
		require.Equal(t, at[i], s > trace.Limit, i)
	}
	few, err := m.Trace(values[:20], nil)
	require.NoError(t, err)
	require.Zero(t, few.Limit)
	_, err = m.Trace([]float64{-1}, nil)
	require.ErrorIs(t, err, ErrData)
}

// TestMeans follows Montgomery's definition by hand.
func TestMeans(t *testing.T) {
	got := EWMA{Lambda: .25}.Means([]float64{4, 0, math.NaN(), 8})
	require.Equal(t, []float64{1, .75}, got[:2])
	require.True(t, math.IsNaN(got[2]))
	require.Equal(t, .75*.75+2, got[3])
}
