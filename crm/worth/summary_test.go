package worth

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// TestSummariseByHand: a sale that was cancelled is nothing, one that came back is no purchase, and an amount in a currency
// without a rate is not known, and so none is that it is part of.
func TestSummariseByHand(t *testing.T) {
	all := []crm.Purchase{
		{Day: 10, Amount: 100, Priced: true},
		{Day: 12, Amount: 900, Cancelled: true},
		{Day: 12, Amount: 300, Priced: true, Returned: true}, {Day: 15, Amount: -300, Priced: true, Return: true},
		{Day: 20, Amount: 50, Priced: true}, {Day: 20, Amount: 60, Priced: true},
		{Day: 25, Amount: -20, Priced: true, Return: true}, // of what is not known
	}
	want := summary{first: 10, last: 20, repeats: 1, orders: 3, total: 190, spent: 90, priced: true}
	require.Equal(t, want, summarise(all))
	mean, ok := want.spending()
	require.True(t, ok)
	require.Equal(t, 90.0, mean.Mean)

	foreign := summarise(append(all, crm.Purchase{Day: 30, Amount: 0}))
	require.False(t, foreign.priced)
	_, ok = foreign.spending()
	require.False(t, ok, "nothing is said of what he spends")
	require.Equal(t, []int32{30, 2, 4}, []int32{foreign.last, foreign.repeats, foreign.orders})
}

// TestEstimateByHand: who buys on the evening's day counts, who buys later does not; gaps are counted one by one; and whose
// amounts are not known is in no cell.
func TestEstimateByHand(t *testing.T) {
	const today = 1000
	all := []summary{
		{first: 900, last: 1000, repeats: 4, orders: 5, total: 500, spent: 400, priced: true},
		{first: 940, last: 1000, repeats: 1, orders: 2, total: 300, spent: 100, priced: true},
		{first: 980, last: 980, orders: 1, total: 70, priced: true},
		{first: 500, last: 520, repeats: 1, orders: 2, total: 1 << 40, spent: 1 << 40}, // a currency without a rate
		{first: 500, last: 1001, repeats: 100, orders: 101, priced: true},
	}
	m := mustModule(t, Config{Least: 4})
	f, err := m.estimate(t.Context(), all, today)
	require.NoError(t, err)
	require.Equal(t, []int{4, 1, 6}, []int{f.Customers, f.Later, f.Gaps})
	require.InDelta(t, (100.+60+20)/6, f.Gap, 1e-12)
	for _, cut := range f.Cells.Monetary {
		require.Less(t, float64(cut), 1e6)
	}
	require.NotEmpty(t, f.Cells.Recency)
	f, err = m.estimate(t.Context(), all, today-1)
	require.NoError(t, err)
	require.Nil(t, f, "two of them only")
}
