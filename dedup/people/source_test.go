package people_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// A source that has everybody once is never merged with itself, and each of its records
// goes to the one that fits it best; a person's word stands above the promise.
func TestOnePerSource(t *testing.T) {
	records, _ := newWorld(21).population(500)
	source := map[string]string{}
	for _, r := range records {
		source[r.ID] = r.Source
	}
	twice := func(r *dedup.Result, name string) (ids []string) {
		for _, c := range r.Clusters {
			var mine []string
			for _, id := range c.Members {
				if source[id] == name {
					mine = append(mine, id)
				}
			}
			if len(mine) > 1 {
				ids = append(ids, mine...)
			}
		}
		return ids
	}
	free, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	pair := twice(free, "till")
	require.NotEmpty(t, pair, "the till writes people twice")
	l := newLinker(t, people.Options{OnePerSource: []string{"till"}})
	r, err := l.Link(ctx, slices.Values(records), free.Model)
	require.NoError(t, err)
	require.Empty(t, twice(r, "till"))
	require.NotEmpty(t, twice(r, "web"), "the web shop promised nothing")
	require.NotEmpty(t, twice(r, ""), "nor does a record of no source")
	r, err = l.Link(ctx, slices.Values(records), r.Model, dedup.Decision{A: pair[0], B: pair[1], Same: true})
	require.NoError(t, err)
	require.ElementsMatch(t, pair[:2], twice(r, "till"))
	r, err = newLinker(t, people.Options{OnePerSource: []string{dedup.EverySource}}).Link(ctx, slices.Values(records), free.Model)
	require.NoError(t, err)
	require.Empty(t, twice(r, "till"))
	require.Empty(t, twice(r, "web"))
	require.NotEmpty(t, twice(r, ""))
}
