package people_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup/people"
)

// TestCompared holds that whoever listens hears of every pair once or more, with the
// weight that an explanation gives, and changes no result.
func TestCompared(t *testing.T) {
	records, _ := newWorld(9).population(400)
	silent, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	told := map[[2]string]float64{}
	l := newLinker(t, people.Options{Threads: 4, Compared: func(a, b string, weight float64) { told[[2]string{min(a, b), max(a, b)}] = weight }})
	loud, err := l.Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	require.Equal(t, silent.Clusters, loud.Clusters)
	require.Equal(t, silent.Stats, loud.Stats)
	require.InDelta(t, float64(loud.Stats.Pairs), float64(len(told)), 0.01*float64(loud.Stats.Pairs))
	positive, negative := 0, 0
	for _, w := range told {
		if w > 0 {
			positive++
		} else {
			negative++
		}
	}
	require.Equal(t, loud.Stats.Edges, positive)
	require.Positive(t, negative)
	x, err := l.NewIndex(loud.Model)
	require.NoError(t, err)
	_, err = x.Apply(ctx, records, nil)
	require.NoError(t, err)
	n := 0
	for pair, w := range told {
		e, err := x.Explain(pair[0], pair[1])
		require.NoError(t, err)
		if math.IsInf(w, -1) {
			require.LessOrEqual(t, e.Probability, 0.5)
		} else {
			require.InDelta(t, e.Weight, w, 1e-4)
		}
		if n++; n == 200 {
			break
		}
	}
}
