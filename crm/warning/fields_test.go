package warning

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestErrorsNameFields: who gave a wrong value reads which.
func TestErrorsNameFields(t *testing.T) {
	for want, o := range map[string]Options{
		"Options.Year is -1":         {Year: -1},
		"Options.Season is -2":       {Season: -2},
		"Options.Learn is 60":        {Season: 52, Learn: 60},
		"Options.Learn is 7":         {Learn: 7},
		"Options.Fall is 15":         {Fall: 15},
		"Options.FalseAlarms is -1":  {FalseAlarms: -1},
		"Options.FalseAlarms is 100": {FalseAlarms: 100},
	} {
		_, err := NewMonitor(o)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	values := make([]float64, 40)
	for want, in := range map[string]struct {
		n, season, periods int
		level              float64
	}{
		"there are 15 values, 16 must": {15, 0, 1, .9},
		"there are 30 values, 36 must": {30, 12, 1, .9},
		"periods is 0":                 {40, 12, 0, .9},
		"periods is 41":                {40, 12, 41, .9},
		"level is 90":                  {40, 12, 4, 90},
	} {
		_, _, err := Forecast(values[:in.n], in.season, in.periods, in.level)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	_, err := NewCUSUM(11, 100)
	require.ErrorContains(t, err, "shift is 11")
	_, err = NewCUSUM(1, 1)
	require.ErrorContains(t, err, "run is 1")
	_, err = NewEWMA(2, 100)
	require.ErrorContains(t, err, "lambda is 2")
	_, err = NewEWMA(.1, 1e7)
	require.ErrorContains(t, err, "run is 1e+07")
}
