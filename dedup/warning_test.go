package dedup_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/metric"
)

// named is a schema of one column of names and nothing that could teach it.
func named(graded bool) dedup.Schema {
	levels := []dedup.Level{{Name: "equal", M: 0.4, U: 1e-4}}
	for _, least := range []float64{0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1} {
		levels = append(levels, dedup.Level{Name: fmt.Sprint(least), Metric: metric.QGramCosine{Q: 2}, Min: least, M: 0.06, U: 1e-3 / least})
	}
	s := dedup.Schema{Name: "named/1", Fields: []dedup.Field{{Name: "name"}, {Name: "words", Set: true}},
		Comparisons: []dedup.Comparison{{Name: "name", Field: "name", Graded: graded, Levels: levels}},
		Blocks:      []dedup.Block{{Name: "words", Parts: []dedup.Part{{Field: "words"}}, Wide: true, Learn: []string{"name"}}}}
	return s
}

// coined returns names of three coined words; of every third there is a second record with
// an error.
func coined(seed uint64, n int) (iter.Seq[dedup.Record], map[string]string) {
	g := rand.New(rand.NewPCG(seed, 7))
	var out []dedup.Record
	truth := map[string]string{}
	word := func() []byte {
		w := make([]byte, 4+g.IntN(4))
		for i := range w {
			w[i] = []byte("aeioulnrstkmbdpg")[g.IntN(16)]
		}
		return w
	}
	common := make([][]byte, 60)
	for i := range common {
		common[i] = word()
	}
	for k := range n {
		words := [][]byte{word(), word(), common[g.IntN(60)]}
		for copies := range 1 + (k%3)/2 {
			if copies > 0 {
				words[0][g.IntN(len(words[0]))] = 'z'
			}
			name := fmt.Sprintf("%s %s %s", words[0], words[1], words[2])
			id := fmt.Sprintf("%d-%d", k, copies)
			truth[id] = fmt.Sprint(k)
			out = append(out, dedup.Record{ID: id, Values: []string{name, fmt.Sprintf("%s%s%s%s%s", words[0], dedup.Sep, words[1], dedup.Sep, words[2])}})
		}
	}
	return slices.Values(out), truth
}

// A file of one column of which nothing else can teach anything (E8): without a shape to
// learn from there are no links, and the result says so; with one there are.
func TestOneColumn(t *testing.T) {
	ctx := context.Background()
	records, truth := coined(1, 800)
	of := func(id string) (string, bool) { e, ok := truth[id]; return e, ok }
	plain, err := dedup.New(named(false), dedup.Options{})
	require.NoError(t, err)
	r, err := plain.Link(ctx, records, nil)
	require.NoError(t, err)
	require.Less(t, dedup.Evaluate(r.Clusters, of).F1, 0.5)
	require.NotEmpty(t, r.Stats.Warnings)
	require.NotEmpty(t, r.Stats.Warnings[0].String())

	graded, err := dedup.New(named(true), dedup.Options{})
	require.NoError(t, err)
	r, err = graded.Link(ctx, records, nil)
	require.NoError(t, err)
	m := dedup.Evaluate(r.Clusters, of)
	require.Greater(t, m.F1, 0.95, "%+v", m)
	require.Empty(t, r.Stats.Warnings)
	pairs := float64(r.Stats.Records) * float64(r.Stats.Records-1) / 2
	require.InEpsilon(t, m.TruePairs, r.Model.Match*pairs, 0.25, "the share of matches is learnt, too")
}

// Where everything agrees the share of matches is at its ceiling.
func TestAllMatches(t *testing.T) {
	var same []dedup.Record
	for i := range 400 {
		same = append(same, dedup.Record{ID: fmt.Sprint(i), Values: []string{"one name", "one" + dedup.Sep + "name"}})
	}
	l, err := dedup.New(named(false), dedup.Options{})
	require.NoError(t, err)
	m, err := l.Train(context.Background(), slices.Values(same))
	require.NoError(t, err)
	m.Match = 0.3
	r, err := l.Link(context.Background(), slices.Values(same), m)
	require.NoError(t, err)
	require.Equal(t, []dedup.Warning{dedup.AllMatches}, r.Stats.Warnings)
}

// Graded levels must be one scale.
func TestGradedLevels(t *testing.T) {
	for _, spoil := range []func([]dedup.Level){
		func(l []dedup.Level) { l[2].Metric = metric.JaroWinkler{} },
		func(l []dedup.Level) { l[2].Min = l[1].Min },
		func(l []dedup.Level) { l[1].Min = 1 },
	} {
		s := named(true)
		spoil(s.Comparisons[0].Levels)
		_, err := dedup.New(s, dedup.Options{})
		require.ErrorIs(t, err, dedup.ErrSchema)
	}
}
