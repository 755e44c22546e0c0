package people_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// A person who answers the questions of a few evenings makes the clusters better, and no
// question comes twice.
func TestReview(t *testing.T) {
	records, truth := newWorld(31).population(700)
	l := newLinker(t, people.Options{Review: 40})
	r, err := l.Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	before := dedup.Evaluate(r.Clusters, lookup(truth))
	var decisions []dedup.Decision
	asked := map[[2]string]bool{}
	for range 4 {
		require.NotEmpty(t, r.Review)
		require.True(t, slices.IsSortedFunc(r.Review, func(a, b dedup.Question) int {
			switch {
			case a.Gain > b.Gain:
				return -1
			case a.Gain < b.Gain:
				return 1
			}
			return 0
		}), "what tells most comes first")
		for _, q := range r.Review {
			require.False(t, asked[[2]string{q.A, q.B}], "asked already: %v", q)
			asked[[2]string{q.A, q.B}] = true
			decisions = append(decisions, dedup.Decision{A: q.A, B: q.B, Same: truth[q.A] == truth[q.B]})
		}
		r, err = l.Link(ctx, slices.Values(records), r.Model, decisions...)
		require.NoError(t, err)
	}
	after := dedup.Evaluate(r.Clusters, lookup(truth))
	require.Greater(t, after.F1, before.F1)
	holds(t, r, decisions)

	refined, err := l.Train(ctx, slices.Values(records), decisions...)
	require.NoError(t, err)
	require.Nil(t, refined.Calibration, "answers are no sample")
	r, err = newLinker(t, people.Options{}).Link(ctx, slices.Values(records), refined)
	require.NoError(t, err)
	require.Empty(t, r.Review, "nobody asked for questions")
	m := dedup.Evaluate(r.Clusters, lookup(truth))
	require.GreaterOrEqual(t, m.F1, before.F1-0.01, "what was learnt from answers serves without them too")
	t.Logf("F1 %.4f, %.4f after %d answers, %.4f with the refined model alone", before.F1, after.F1, len(decisions), m.F1)

	x, err := l.NewIndex(refined)
	require.NoError(t, err)
	_, err = x.Apply(ctx, records, nil)
	require.NoError(t, err)
	require.Equal(t, r.Clusters, slices.Collect(x.Index.Clusters()), "an index scores with the correction")
	e, err := x.Explain(decisions[0].A, decisions[0].B)
	require.NoError(t, err)
	sum := e.Prior + e.Relations + e.Calibration
	for _, reason := range e.Reasons {
		sum += reason.Weight
	}
	if e.Veto == "" {
		require.InDelta(t, e.Weight, sum, 1e-9)
	}
}

// What a batch says of its blocks, its progress and its clusters adds up.
func TestReport(t *testing.T) {
	records, truth := newWorld(32).population(500)
	var steps []dedup.Progress
	var edges []dedup.Edge
	l := newLinker(t, people.Options{Progress: func(p dedup.Progress) { steps = append(steps, p) },
		Edge: func(e dedup.Edge) { edges = append(edges, e) }, Truth: lookup(truth)})
	r, err := l.Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	var phases []string
	for _, p := range steps {
		if p.Done == 0 {
			phases = append(phases, p.Phase)
		}
		require.True(t, p.Total == 0 || p.Done <= p.Total, "%+v", p)
	}
	require.Equal(t, []string{"read", "block", "learn", "compare", "cluster"}, phases)

	var fresh int64
	for _, b := range r.Stats.Blocks {
		require.LessOrEqual(t, b.New, b.Pairs)
		require.LessOrEqual(t, b.Only, b.Matches+1e-3)
		require.LessOrEqual(t, b.Matches, r.Stats.Matches+1e-3)
		fresh += b.New
	}
	require.Equal(t, r.Stats.Pairs, fresh)
	require.Len(t, r.Stats.LargestBlocks, 10)
	require.InDelta(t, r.Stats.Matches/(r.Stats.Matches+r.Stats.Unseen), r.Stats.Recall, 1e-3)
	m := dedup.Evaluate(r.Clusters, lookup(truth))
	c := r.Stats.Truth
	require.InDelta(t, float64(c.Pairs), r.Stats.Matches+r.Stats.Unseen, 0.15*float64(c.Pairs), "matches are counted without labels")
	require.LessOrEqual(t, c.Pairs, m.TruePairs, "copies of a record count as one")
	require.Len(t, edges, r.Stats.Edges)
	var right, above, rightAbove int64
	for i, e := range edges {
		require.Positive(t, e.Weight)
		require.Less(t, e.A, e.B)
		require.True(t, i == 0 || edges[i-1].A < e.A || edges[i-1].A == e.A && edges[i-1].B < e.B)
		if truth[e.A] == truth[e.B] {
			right++
		}
	}
	require.Equal(t, right, c.Right)
	require.LessOrEqual(t, c.Right, c.Compared)
	require.InDelta(t, float64(c.Right)/float64(c.Pairs), c.Recall, 1e-9)
	for _, w := range r.Stats.Weights {
		require.LessOrEqual(t, w.Right, w.Pairs)
		if w.Weight >= 0 {
			above, rightAbove = above+w.Pairs, rightAbove+w.Right
		}
	}
	require.Equal(t, c.Edges, above)
	require.Equal(t, c.Right, rightAbove)
	blind, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	require.Equal(t, blind.Clusters, r.Clusters, "the truth has no influence")
	require.Nil(t, blind.Stats.Truth)

	count, err := l.Count(ctx, slices.Values(records))
	require.NoError(t, err)
	for i, b := range count.Blocks {
		require.Equal(t, b.Pairs, r.Stats.Blocks[i].Pairs)
	}
	require.GreaterOrEqual(t, count.Pairs, r.Stats.Pairs)

	for _, c := range r.Clusters {
		n := len(c.Members)
		if n < 3 {
			require.Nil(t, c.Quality)
			continue
		}
		q := c.Quality
		require.LessOrEqual(t, q.Links, n*(n-1)/2)
		require.GreaterOrEqual(t, q.Links, n-1)
		require.InDelta(t, float64(q.Links)/float64(n*(n-1)/2), q.Density, 1e-3)
		require.LessOrEqual(t, q.Bridges, n-1)
		smaller, larger, weakest, ok := c.Split()
		require.True(t, ok)
		require.Equal(t, q.Weakest, weakest.Weight)
		require.LessOrEqual(t, len(smaller), len(larger))
		require.ElementsMatch(t, c.Members, slices.Concat(smaller, larger))
	}
}

// A sample of pairs that are labelled whatever their clusters corrects weights that are
// wrong: here those of a model learnt in another population.
func TestCalibrate(t *testing.T) {
	records, truth := newWorld(35).population(700)
	other, _ := newWorld(36).population(700)
	l := newLinker(t, people.Options{})
	m, err := l.Train(ctx, slices.Values(other))
	require.NoError(t, err)
	m.Match *= 1.0 / 64 // six bits too low
	var sample []dedup.Decision
	e := newLinker(t, people.Options{Edge: func(e dedup.Edge) {
		if len(sample) < 400 && e.Weight < 8 {
			sample = append(sample, dedup.Decision{A: e.A, B: e.B, Same: truth[e.A] == truth[e.B]})
		}
	}})
	before, err := e.Link(ctx, slices.Values(records), m)
	require.NoError(t, err)
	fixed, err := l.Calibrate(ctx, m, slices.Values(records), sample...)
	require.NoError(t, err)
	require.Nil(t, m.Calibration, "the model given is left as it is")
	require.InDelta(t, len(sample), fixed.Calibration.Labels, 8, "but for pairs that a veto settles")
	after, err := l.Link(ctx, slices.Values(records), fixed)
	require.NoError(t, err)
	was, is := dedup.Evaluate(before.Clusters, lookup(truth)), dedup.Evaluate(after.Clusters, lookup(truth))
	t.Logf("F1 %.4f, %.4f after %+v", was.F1, is.F1, *fixed.Calibration)
	require.Greater(t, is.F1, was.F1)
	_, err = l.Calibrate(ctx, &dedup.Model{}, slices.Values(records))
	require.ErrorIs(t, err, dedup.ErrModel)
}

// What is said of two records holds for all that are said to be one with either.
func TestDecisionsReachThrough(t *testing.T) {
	base, _ := newWorld(7).population(200)
	l := newLinker(t, people.Options{})
	model, err := l.Train(ctx, slices.Values(base))
	require.NoError(t, err)
	var records []people.Record
	for i, id := range []string{"a", "b", "c", "d", "e", "f"} {
		records = append(records, people.Record{ID: id, Given: base[i].Given, Family: base[i].Family + "soy", Phones: []string{fmt.Sprintf("0532 111 00 9%d", i)}})
	}
	for i, id := range []string{"x", "y", "z"} {
		records = append(records, people.Record{ID: id, Given: "Ada", Family: "Karaca", Birth: "1980-02-03", Phones: []string{"0533 222 11 88"}, Street: fmt.Sprint("Gül Sok. ", i)})
	}
	said := []dedup.Decision{
		{A: "a", B: "c", Same: true}, {A: "b", B: "d", Same: true}, {A: "b", B: "e", Same: true}, {A: "c", B: "d", Same: true}, {A: "e", B: "f", Same: true},
		{A: "x", B: "y", Same: true}, {A: "y", B: "z"},
	}
	r, err := l.Link(ctx, slices.Values(records), model, said...)
	require.NoError(t, err)
	require.Empty(t, r.Conflicts)
	var members [][]string
	for _, c := range r.Clusters {
		members = append(members, c.Members)
	}
	require.Equal(t, [][]string{{"a", "b", "c", "d", "e", "f"}, {"x", "y"}, {"z"}}, members)
}
