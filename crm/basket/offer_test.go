package basket

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNeighboursByHand: the cosine of their baskets, less where they were together a few times, and offers from these.
func TestNeighboursByHand(t *testing.T) {
	b, err := New(slices.Values([]Line{{0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 1}, {2, 3}, {3, 2}, {3, 3}, {4, 3}}))
	require.NoError(t, err)
	near, err := b.Neighbours(Options{Least: 1}, 5)
	require.NoError(t, err)
	oneTwo, oneThree := 2./3*2/3, 1./3*1/2 // three baskets each, two and one of them together
	require.InDeltaSlice(t, []float64{oneTwo, oneThree}, []float64{near.Of(1)[0].Score, near.Of(1)[1].Score}, 1e-12)
	require.Equal(t, []uint32{2, 3}, []uint32{near.Of(1)[0].Item, near.Of(1)[1].Item})
	got := near.Offer([]uint32{3, 1}, 5)
	require.Len(t, got, 1)
	require.InDelta(t, oneTwo+oneThree, got[0].Score, 1e-12)
	require.Equal(t, []uint32{2, 1}, []uint32{got[0].Item, got[0].Because}, "1 speaks most for it")

	customers := map[*[]uint32][]uint32{
		{1}:    {1, 2}, // bought the offer
		{1, 2}: {2, 1}, // the same again: nothing to be right about
		{2}:    {3},    // 1 was offered, which also sells best
		{}:     {1},
	}
	h := near.HitRate(b, func(yield func([]uint32, []uint32) bool) {
		for owned := range maps.Keys(customers) {
			if !yield(*owned, customers[owned]) {
				return
			}
		}
	}, 1)
	require.Equal(t, Hits{Asked: 2, Hit: 1, Popular: 1}, h)
}

// TestLiftOfOne: items that are together as often as chance brings have a lift of 1, which is at least 1.
func TestLiftOfOne(t *testing.T) {
	b, err := New(slices.Values([]Line{{0, 1}, {0, 2}, {1, 1}, {2, 2}, {3, 3}}))
	require.NoError(t, err)
	for lift, n := range map[float64]int{1: 1, math.Nextafter(1, 2): 0} {
		rules, err := b.Pairs(Options{Least: 1, Lift: lift})
		require.NoError(t, err)
		require.Len(t, rules, n)
		near, err := b.Neighbours(Options{Least: 1, Lift: lift}, 1)
		require.NoError(t, err)
		require.Len(t, near.Of(1), n)
	}
}
