package cube

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWorkersShareBits: the bits of exact counts of all cores are 256 MB together, however many cores there are.
func TestWorkersShareBits(t *testing.T) {
	for name, tc := range map[string]struct {
		groups  uint64
		numbers uint32
		guess   bool
		want    int
	}{
		"few bits":         {100, 1000, false, 64},
		"half of the room": {1 << 10, 1 << 20, false, 2},
		"all of it":        {1 << 10, 1 << 21, false, 1},
		"a set instead":    {1 << 10, 1<<21 + 1, false, 64},
		"an estimate":      {1 << 10, 1 << 20, true, 64},
		"no numbers":       {100, 0, false, 64},
	} {
		p := &plan{c: &Cube{rows: 1 << 26, numbers: []uint32{tc.numbers}}, groups: tc.groups, count: []int{0}, guess: tc.guess}
		require.Equal(t, tc.want, p.workers(64), name)
	}
	p := &plan{c: &Cube{rows: 10}, groups: 1}
	require.Equal(t, 1, p.workers(64), "few rows")
}
