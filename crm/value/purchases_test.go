package value

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFromDays(t *testing.T) {
	for name, tc := range map[string]struct {
		days   []int
		now    int
		length float64
		want   Purchases
		err    string
	}{
		"once, today":       {[]int{20}, 20, 7, Purchases{}, ""},
		"in weeks":          {[]int{0, 35, 14}, 70, 7, Purchases{Repeats: 2, Last: 5, Age: 10}, ""},
		"twice on one day":  {[]int{3, 3, 10, 3}, 17, 7, Purchases{Repeats: 1, Last: 1, Age: 2}, ""},
		"what is not known": {[]int{-7, 0, 8}, 7, 7, Purchases{Repeats: 1, Last: 1, Age: 2}, ""},
		"in days":           {[]int{1, 2}, 5, 1, Purchases{Repeats: 1, Last: 1, Age: 4}, ""},
		"not yet":           {[]int{9}, 8, 7, Purchases{}, "days has none until day 8"},
		"never":             {nil, 8, 7, Purchases{}, "days has none"},
		"no unit":           {[]int{1}, 8, 0, Purchases{}, "length is 0"},
		"no number":         {[]int{1}, 8, math.NaN(), Purchases{}, "length is NaN"},
		"endless":           {[]int{1}, 8, math.Inf(1), Purchases{}, "length is +Inf"},
	} {
		days := append([]int(nil), tc.days...)
		got, err := FromDays(tc.days, tc.now, tc.length)
		require.Equal(t, days, tc.days, "the caller's stay as they are")
		if tc.err != "" {
			require.ErrorIs(t, err, ErrData, name)
			require.ErrorContains(t, err, tc.err, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, tc.want, got, name)
		require.NoError(t, got.Validate(), name)
	}
}
