package people_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// What an index asks is what a batch of the same records asks, with decisions and without.
func TestQuestionsAsABatch(t *testing.T) {
	records, truth := newWorld(43).population(500)
	const limit = 60
	l := newLinker(t, people.Options{Review: limit})
	model, err := l.Train(ctx, slices.Values(records))
	require.NoError(t, err)
	x, err := l.NewIndex(model)
	require.NoError(t, err)
	_, err = x.Apply(ctx, records[:300], nil)
	require.NoError(t, err)
	for _, r := range records[300:] {
		_, err = x.Apply(ctx, []people.Record{r}, nil)
		require.NoError(t, err)
	}
	var decisions []dedup.Decision
	for range 2 {
		want, err := l.Link(ctx, slices.Values(records), model, decisions...)
		require.NoError(t, err)
		require.Greater(t, len(want.Review), 10)
		got, err := x.Questions(ctx, limit)
		require.NoError(t, err)
		require.Equal(t, want.Review, got)
		few, err := x.Questions(ctx, 3)
		require.NoError(t, err)
		require.Len(t, few, 3)
		var fresh []dedup.Decision
		for _, q := range got[:10] {
			fresh = append(fresh, dedup.Decision{A: q.A, B: q.B, Same: truth[q.A] == truth[q.B]})
		}
		_, err = x.Apply(ctx, nil, nil, fresh...)
		require.NoError(t, err)
		decisions = append(decisions, fresh...)
	}
	none, err := x.Questions(ctx, 0)
	require.NoError(t, err)
	require.Empty(t, none)
}
