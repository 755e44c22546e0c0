package people_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// Whom a record would join is whom it joins, and asking changes nothing.
func TestJoin(t *testing.T) {
	records, _ := newWorld(41).population(250)
	l := newLinker(t, people.Options{})
	model, err := l.Train(ctx, slices.Values(records))
	require.NoError(t, err)
	asked := records[:60]
	x, err := l.NewIndex(model)
	require.NoError(t, err)
	_, err = x.Apply(ctx, records[60:], nil)
	require.NoError(t, err)
	joined := 0
	for _, r := range asked {
		before := slices.Collect(x.Clusters())
		got, err := x.Join(ctx, r)
		require.NoError(t, err)
		require.Equal(t, before, slices.Collect(x.Clusters()))
		_, err = x.Apply(ctx, []people.Record{r}, nil)
		require.NoError(t, err)
		c, ok := x.Cluster(r.ID)
		require.True(t, ok)
		want := slices.DeleteFunc(slices.Clone(c.Members), func(id string) bool { return id == r.ID })
		require.ElementsMatch(t, want, got)
		if len(got) > 0 {
			joined++
		}
	}
	require.Greater(t, joined, 20)
	require.Less(t, joined, 60)
}

// The assumed model finds clear duplicates in files too small to learn from, and few others:
// households of one name and phone among them.
func TestAssumed(t *testing.T) {
	l := newLinker(t, people.Options{})
	for _, n := range []int{2, 10, 50, 200} {
		var truePairs, found, right int64
		for seed := range uint64(max(5, 160/n)) {
			h := newHouseholds(seed)
			h.fill(n)
			records := h.records[:min(n, len(h.records))]
			m, err := l.Assumed(ctx, len(records))
			require.NoError(t, err)
			r, err := l.Link(ctx, slices.Values(records), m)
			require.NoError(t, err)
			e := dedup.Evaluate(r.Clusters, lookup(h.truth))
			truePairs, found, right = truePairs+e.TruePairs, found+e.FoundPairs, right+e.RightPairs
		}
		t.Logf("%d records: %d true pairs, %d found, %d of them right", n, truePairs, found, right)
		require.GreaterOrEqual(t, float64(right), 0.9*float64(truePairs), "%d of %d", right, truePairs)
		require.GreaterOrEqual(t, float64(right), 0.9*float64(found), "%d of %d", right, found)
		if n > 2 {
			require.Positive(t, right)
		}
	}
}
