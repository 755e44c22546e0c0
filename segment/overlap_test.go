package segment_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment"
)

func TestOverlapsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		models := make([]model, 5)
		sets := make([]*segment.Set, 5)
		for i := range sets {
			models[i], sets[i] = genSet(t, string(rune('a'+i)))
		}
		sets[4].AddRange(0, 1<<16-1) // a full chunk has a way of its own
		for id := range uint32(1 << 16) {
			models[4][id] = true
		}
		sets = append(sets, sets[1])
		models = append(models, models[1])
		got := segment.Overlaps(sets...)
		for i := range sets {
			for j := range sets {
				want := 0
				for id := range models[i] {
					if models[j][id] {
						want++
					}
				}
				require.Equal(t, want, got[i][j], "%d and %d", i, j)
			}
		}
	})
	require.Empty(t, segment.Overlaps())
	require.Equal(t, [][]int{{0, 0}, {0, 2}}, segment.Overlaps(new(segment.Set), segment.SetOf(1, 1<<20)))
}
