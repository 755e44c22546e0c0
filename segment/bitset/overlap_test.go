package bitset

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOverlapsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets := make([]*Set, 5)
		for i := range sets {
			_, sets[i] = genSet(t, string(rune('a'+i)))
		}
		sets[4].AddRange(0, 1<<16-1) // a full chunk has a way of its own
		sets = append(sets, sets[1])
		var in [5 << 16]uint8 // per id the sets it is in
		for i, s := range sets {
			for id := range s.All() {
				in[id] |= 1 << i
			}
		}
		var times [1 << 6]int
		for _, mask := range in {
			times[mask]++
		}
		var want [6][6]int
		for mask, n := range times {
			for i := range sets {
				for j := range sets {
					want[i][j] += n * (mask >> i & 1 & (mask >> j))
				}
			}
		}
		got := Overlaps(sets...)
		for i := range sets {
			require.Equal(t, want[i][:], got[i])
		}
	})
	require.Empty(t, Overlaps())
	require.Equal(t, [][]int{{0, 0}, {0, 2}}, Overlaps(new(Set), Of(1, 1<<20)))
}
