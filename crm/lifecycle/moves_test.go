package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestMoves: every customer is counted once, on either side, in the order of the states.
func TestMoves(t *testing.T) {
	state := rapid.Custom(func(t *rapid.T) Why { return Why{Version: "1", State: rapid.SampledFrom(States()).Draw(t, "state")} })
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOf(state).Draw(t, "before")
		after := rapid.SliceOfN(state, len(before), len(before)).Draw(t, "after")
		moves, err := Moves(before, after)
		require.NoError(t, err)
		from, to := map[State]int{}, map[State]int{}
		for _, m := range moves {
			require.Positive(t, m.N)
			from[m.From] += m.N
			to[m.To] += m.N
		}
		for i := range before {
			from[before[i].State]--
			to[after[i].State]--
		}
		for _, s := range States() {
			require.Zero(t, from[s])
			require.Zero(t, to[s])
		}
	})
	moves, err := Moves([]Why{{State: Gone}, {State: New}, {State: New}}, []Why{{State: Active}, {State: Gone}, {State: Active}})
	require.NoError(t, err)
	require.Equal(t, []Move{{New, Active, 1}, {New, Gone, 1}, {Gone, Active, 1}}, moves)
	for want, in := range map[string][2][]Why{
		"1 states before and 0 after":       {{{State: New}}, nil},
		`versions "1" and "2" among those`:  {{{Version: "1", State: New}}, {{Version: "2", State: New}}},
		`there is no state "x" or "active"`: {{{State: "x"}}, {{State: Active}}},
	} {
		_, err := Moves(in[0], in[1])
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
}
