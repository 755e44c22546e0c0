package basket

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTooManyPairs: a few baskets with thousands of items are refused before they fill memory; rules as many as are
// allowed are not.
func TestTooManyPairs(t *testing.T) {
	const items = 40
	b, err := New(func(yield func(Line) bool) {
		for i := range uint32(2 * items) {
			if !yield(Line{i % 2, i / 2}) {
				return
			}
		}
	})
	require.NoError(t, err)
	_, err = b.pairs(Options{}, items*(items-1)/2-1)
	require.ErrorIs(t, err, ErrData)
	require.ErrorContains(t, err, "Options.Least")
	for _, o := range []Options{{}, {Least: 3}} {
		rules, err := b.pairs(o, items*(items-1)/2)
		require.NoError(t, err)
		require.Equal(t, o.Least == 0, len(rules) == items*(items-1)/2)
	}
	none, err := b.pairs(Options{Least: 3}, 0)
	require.NoError(t, err)
	require.Empty(t, none)
}

// TestTooManySequences: so are sequences, of which a customer has all pairs of what he bought within the time.
func TestTooManySequences(t *testing.T) {
	purchases := make([]Purchase, 40)
	for i := range purchases {
		purchases[i] = Purchase{Item: uint32(i), At: int64(i)}
	}
	_, err := followed(purchases, time.Hour, Options{Least: 1}, 40*39/2-1)
	require.ErrorIs(t, err, ErrData)
	require.ErrorContains(t, err, "within")
	all, err := followed(purchases, time.Hour, Options{Least: 1}, 40*39/2)
	require.NoError(t, err)
	require.Len(t, all, 40*39/2)
}
