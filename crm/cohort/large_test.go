package cohort

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSumsDoNotOverflow: amounts whose sum is no int64, or could be none of a part of them, are refused by their place.
func TestSumsDoNotOverflow(t *testing.T) {
	for _, x := range []struct {
		amounts []int64
		bad     string
	}{
		{[]int64{math.MaxInt64}, ""},
		{[]int64{math.MaxInt64 - 1, -1}, ""},
		{[]int64{1, math.MaxInt64}, "1"},
		{[]int64{1, -math.MaxInt64}, "1"},
		{[]int64{math.MinInt64}, "0"},
		{[]int64{1 << 62, -1 << 62}, "1"},
	} {
		var sales []Sale
		var bought []Bought
		for i, v := range x.amounts {
			sales = append(sales, Sale{Order: uint32(i), Amount: v})
			bought = append(bought, Bought{At: 3600, Amount: v})
		}
		table, err := New(sales, Options{})
		_, err2 := Attribute([]Event{{}, {At: 7200}}, bought, ResearchOptions{Window: time.Hour})
		if x.bad == "" {
			require.NoError(t, err)
			require.NoError(t, err2)
			var sum int64
			for _, v := range x.amounts {
				sum += v
			}
			require.Equal(t, sum, table.Cohorts[0].Cells[0].Amount)
			continue
		}
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, "sale "+x.bad+": with an Amount")
		require.ErrorIs(t, err2, ErrData)
		require.ErrorContains(t, err2, "purchase "+x.bad+": ")
	}
}
