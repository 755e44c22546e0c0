package rfm_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment/rfm"
)

// TestCutPoints: by the cut points each customer has the score that he has among all.
func TestCutPoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rfm.Config{Convention: rapid.SampledFrom([]string{"", "r", "qcut"}).Draw(t, "convention"), Bins: rapid.SampledFrom([]int{0, 2, 4, 9}).Draw(t, "bins")}
		rows := make([]rfm.Row, rapid.IntRange(1, 60).Draw(t, "n"))
		days, orders, spent := make([]int64, len(rows)), make([]int64, len(rows)), make([]int64, len(rows))
		for i := range rows {
			days[i], orders[i], spent[i] = rapid.Int64Range(0, 30).Draw(t, "days"), rapid.Int64Range(1, 6).Draw(t, "orders"), rapid.Int64Range(-500, 9000).Draw(t, "spent")
			rows[i] = rfm.Row{Customer: fmt.Sprintf("%03d", i), Recency: days[i], Frequency: orders[i], Monetary: spent[i]}
		}
		want, err := c.Score(rows)
		require.NoError(t, err)
		cuts, err := c.CutPoints(days, orders, spent)
		require.NoError(t, err)
		for i, row := range rows {
			require.Equal(t, want.Scores[i], cuts.Score(row))
		}
	})
}

func TestCutPointsRefuse(t *testing.T) {
	one := []int64{1}
	for name, err := range map[string]error{
		"ntile":  second(rfm.Config{Convention: "ntile"}.CutPoints(one, one, one)),
		"nested": second(rfm.Config{Nested: true}.CutPoints(one, one, one)),
		"none":   second(rfm.Config{}.CutPoints(nil, nil, nil)),
		"uneven": second(rfm.Config{}.CutPoints(one, one, nil)),
		"range":  second(rfm.Config{}.CutPoints([]int64{-1}, one, one)),
		"config": second(rfm.Config{Bins: 1}.CutPoints(one, one, one)),
	} {
		var invalid *rfm.InvalidError
		require.ErrorAs(t, err, &invalid, name)
	}
	cuts := rfm.Cuts{Recency: []int64{10}}
	got, err := rfm.Config{Convention: "fixed", Cuts: cuts}.CutPoints(one, one, one)
	require.NoError(t, err)
	require.Equal(t, cuts, got)
}

func second(_ rfm.Cuts, err error) error { return err }
