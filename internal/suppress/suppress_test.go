package suppress

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSmall(t *testing.T) {
	for _, c := range []struct {
		n     []int64
		least int64
		want  []bool
	}{
		{nil, 5, []bool{}},
		{[]int64{9, 8}, 5, []bool{false, false}},
		{[]int64{9, 3, 20}, 5, []bool{true, true, false}},
		{[]int64{2, 2, 9}, 5, []bool{true, true, true}},
		{[]int64{2, 3, 9}, 5, []bool{true, true, false}},
		{[]int64{0, 9}, 5, []bool{true, false}},
		{[]int64{0, 1, 9, 9}, 5, []bool{true, true, true, false}},
		{[]int64{1, 1}, 1, []bool{false, false}},
		{[]int64{1, 1}, -1, []bool{false, false}},
	} {
		require.Equal(t, c.want, Small(c.n, c.least), "%v", c)
	}
}

// What is hidden has several cells and enough answers together, or none; more is hidden for
// a larger least.
func TestSmallHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SliceOfN(rapid.Int64Range(0, 12), 0, 9).Draw(t, "n")
		least := rapid.Int64Range(2, 9).Draw(t, "least")
		hidden, more := Small(n, least), Small(n, least+rapid.Int64Range(0, 4).Draw(t, "more"))
		var sum, all int64
		cells := 0
		for i := range n {
			all += n[i]
			require.True(t, hidden[i] || n[i] >= least)
			require.True(t, more[i] || !hidden[i])
			if hidden[i] && n[i] > 0 {
				sum += n[i]
				cells++
			}
		}
		require.True(t, cells == 0 || cells > 1 && sum >= least || sum == all, "%v %v", n, hidden)
	})
}
