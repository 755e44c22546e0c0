package basket

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestErrorsNameFields: who gave a wrong value reads which, and what would not be heeded is refused.
func TestErrorsNameFields(t *testing.T) {
	for want, o := range map[string]Options{
		"Options.Least is -3":     {Least: -3},
		"Options.Lift is -1":      {Lift: -1},
		"Options.FalseShare is 5": {FalseShare: 5},
	} {
		_, err := Followed(nil, time.Hour, o)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	_, err := Followed(nil, time.Hour, Options{Lift: 2})
	require.ErrorContains(t, err, "Options.Lift is 2: sequences have none")
	b, err := New(slices.Values([]Line{{0, 1}, {0, 2}}))
	require.NoError(t, err)
	_, err = b.Neighbours(Options{FalseShare: .05}, 3)
	require.ErrorContains(t, err, "Options.FalseShare is 0.05: neighbours have none")
	_, err = Followed(nil, 0, Options{})
	require.ErrorContains(t, err, "within is 0s")
}
