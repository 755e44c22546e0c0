package cube

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSumsDoNotOverflow: rows whose sum is no int64 are refused, whatever their signs, and leave nothing behind.
func TestSumsDoNotOverflow(t *testing.T) {
	b, err := NewBuilder(Schema{Dimensions: []string{"store"}, Measures: []string{"pieces", "amount"}})
	require.NoError(t, err)
	require.NoError(t, b.Add([]string{"a"}, []int64{1, math.MaxInt64 - 5}, nil))
	for _, amount := range []int64{6, -6, math.MaxInt64, math.MinInt64} {
		err := b.Add([]string{"b"}, []int64{1, amount}, nil)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, "row 1")
		require.ErrorContains(t, err, "amount")
	}
	require.NoError(t, b.Add([]string{"a"}, []int64{1, 5}, nil))
	c, err := b.Build()
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, c.Values("store"))
	r, err := c.Query(t.Context(), Query{})
	require.NoError(t, err)
	require.Equal(t, []int64{2, math.MaxInt64}, r.Find().Sums)
}

// TestLargeSold: amounts that machine numbers do not hold are refused, and parts of those they hold add up.
func TestLargeSold(t *testing.T) {
	sold := func(key string, pieces, amount int64) Sold { return Sold{[]string{key}, pieces, amount} }
	for name, c := range map[string][2][]Sold{
		"an amount":          {{sold("a", 1, math.MinInt64)}, {sold("a", 1, 5)}},
		"a sum of amounts":   {{sold("a", 1, 1<<52), sold("b", 1, -1<<52), sold("c", 1, 1)}, {sold("a", 1, 5)}},
		"pieces":             {{sold("a", math.MaxInt64, 5)}, {sold("a", math.MaxInt64, 5)}},
		"pieces at a price":  {{sold("a", 1, 1<<52)}, {sold("a", 1<<40, 7)}},
		"in the later alone": {{sold("a", 1, 5)}, {sold("b", 1, 1<<53+1), sold("c", 1, 1<<53)}},
	} {
		_, err := Decompose([]string{"product"}, c[0], c[1])
		require.ErrorIs(t, err, ErrData, name)
	}
	parts, err := Decompose([]string{"product"}, []Sold{sold("a", 1000, -1<<52)}, []Sold{sold("a", 900, 1<<52), sold("b", 100, 1<<52)})
	require.NoError(t, err)
	var sum int64
	for _, p := range parts {
		sum += p.Amount
	}
	require.EqualValues(t, 3<<52, sum)
}

// TestNewIsMix: what was sold in one period only changes what it is made up of, and no price.
func TestNewIsMix(t *testing.T) {
	a, b := Sold{[]string{"a"}, 10, 100}, Sold{[]string{"b"}, 10, 300}
	for _, c := range [][2][]Sold{{{a}, {a, b}}, {{a, b}, {a}}, {{a}, {b}}} {
		parts, err := Decompose([]string{"product"}, c[0], c[1])
		require.NoError(t, err)
		require.Equal(t, Part{"price", 0}, parts[2])
		require.NotZero(t, parts[1].Amount)
	}
}
