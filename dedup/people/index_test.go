package people_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

var ctx = context.Background()

func newLinker(t testing.TB, opt people.Options) *people.Linker {
	t.Helper()
	l, err := people.New(opt)
	require.NoError(t, err)
	return l
}

func TestLinkDoesNotDependOnOrderOrThreads(t *testing.T) {
	records, _ := newWorld(1).population(600)
	want, err := newLinker(t, people.Options{Threads: 1}).Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	for seed := range uint64(3) {
		rand.New(rand.NewPCG(seed, 2)).Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		got, err := newLinker(t, people.Options{Threads: 1 + int(seed)*2}).Link(ctx, slices.Values(records), nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	procs := runtime.GOMAXPROCS(1)
	got, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(records), nil)
	runtime.GOMAXPROCS(procs)
	require.NoError(t, err)
	require.Equal(t, want, got)

	var saved bytes.Buffer
	_, err = want.Model.WriteTo(&saved)
	require.NoError(t, err)
	model, err := dedup.ReadModel(&saved)
	require.NoError(t, err)
	got, err = newLinker(t, people.Options{}).Link(ctx, slices.Values(records), model)
	require.NoError(t, err)
	require.Equal(t, want.Clusters, got.Clusters, "a model read back scores like the one written")
}

// An index that has been updated for evenings holds what a batch finds.
func TestIndexEqualsBatch(t *testing.T) {
	base, _ := newWorld(2).population(700)
	l := newLinker(t, people.Options{})
	model, err := l.Train(ctx, slices.Values(base))
	require.NoError(t, err)
	learnt := *model
	waited := 0
	defer func() { require.NotZero(t, waited, "something had to wait") }()
	for seed := range uint64(16) {
		w := newWorld(seed)
		model := &learnt
		if seed%3 == 2 { // blocks cross their caps all the time
			small := learnt
			small.SpecificCap, small.WideCap = 4+int(seed), 2+int(seed)/3
			model = &small
		}
		l := l
		if seed%4 == 3 { // one source has everybody once
			l = newLinker(t, people.Options{OnePerSource: []string{"till"}})
		}
		if seed%4 == 1 { // much has to wait
			l = newLinker(t, people.Options{Component: 3})
		}
		x, err := l.NewIndex(model)
		require.NoError(t, err)
		have := map[string]people.Record{}
		var decisions []dedup.Decision
		var sources []func() people.Record
		partition := map[string][]string{} // built from changes only
		add := func(change dedup.Change) {
			for _, id := range change.Removed {
				delete(partition, id)
			}
			for _, c := range change.Clusters {
				for _, id := range c.Members {
					partition[id] = c.Members
				}
			}
			for id, members := range partition {
				require.Contains(t, members, id)
				require.Equal(t, members, partition[members[0]], "the clusters are a partition at any time")
			}
		}
		for evening := range 1 + w.r.IntN(6) {
			var upserts []people.Record
			var removes []string
			n := []int{5, 40, 150}[w.r.IntN(3)]
			if evening == 0 && seed%2 == 0 {
				n = 1100
			}
			for range n {
				if len(sources) < 5 || w.r.IntN(3) == 0 {
					_, s := w.person()
					sources = append(sources, s)
				}
				r := sources[w.r.IntN(len(sources))]()
				upserts = append(upserts, r)
				for w.r.IntN(3) == 0 { // the same once more, in another order of ids
					w.next++
					r.ID = fmt.Sprintf("r%06d", w.next*7919%1000003)
					upserts = append(upserts, r)
				}
			}
			ids := slices.Sorted(maps.Keys(have))
			for _, id := range ids {
				switch w.r.IntN(12) {
				case 0:
					removes = append(removes, id)
				case 1: // changes, perhaps to somebody else's record
					r := sources[w.r.IntN(len(sources))]()
					r.ID = id
					upserts = append(upserts, r)
				}
			}
			var now []dedup.Decision
			for range w.r.IntN(4) {
				if len(ids) > 1 {
					now = append(now, dedup.Decision{A: ids[w.r.IntN(len(ids))], B: ids[w.r.IntN(len(ids))], Same: w.r.IntN(2) == 0})
				}
			}
			decisions = append(decisions, now...)
			for _, id := range removes {
				delete(have, id)
			}
			for _, r := range upserts {
				have[r.ID] = r
			}
			upserts = slices.Collect(maps.Values(last(upserts)))
			change, err := x.Apply(ctx, upserts, removes, now...)
			require.NoError(t, err)
			add(change)
		}
		change, err := x.Settle(ctx)
		require.NoError(t, err)
		require.Zero(t, change.Waiting)
		waited += len(change.Clusters)
		add(change)
		batch, err := l.Link(ctx, maps.Values(have), model, decisions...)
		require.NoError(t, err)
		got := slices.Collect(x.Index.Clusters())
		for i := range got {
			require.Equal(t, batch.Clusters[i], got[i])
		}
		for _, c := range batch.Clusters {
			for _, id := range c.Members {
				require.Equal(t, c.Members, partition[id], "the changes add up to the partition")
			}
		}
		require.Len(t, partition, len(have))
		again, err := l.NewIndex(model)
		require.NoError(t, err)
		_, err = again.Apply(ctx, slices.Collect(maps.Values(have)), nil, x.Index.Decisions()...)
		require.NoError(t, err)
		_, err = again.Settle(ctx)
		require.NoError(t, err)
		require.Equal(t, got, slices.Collect(again.Index.Clusters()), "an index built anew with the decisions of the old one")
		holds(t, batch, decisions)
	}
}

// holds checks that decisions are obeyed, but for those reported as conflicts.
func holds(t require.TestingT, r *dedup.Result, decisions []dedup.Decision) {
	of := map[string]string{}
	for _, c := range r.Clusters {
		for _, id := range c.Members {
			of[id] = c.Members[0]
		}
	}
	latest := map[[2]string]bool{}
	for _, d := range decisions {
		latest[[2]string{min(d.A, d.B), max(d.A, d.B)}] = d.Same
	}
	for _, c := range r.Conflicts {
		delete(latest, [2]string{min(c.A, c.B), max(c.A, c.B)})
	}
	for k, same := range latest {
		if of[k[0]] != "" && of[k[1]] != "" && k[0] != k[1] {
			require.Equal(t, same, of[k[0]] == of[k[1]], "decision on %v", k)
		}
	}
}

func last(records []people.Record) map[string]people.Record {
	out := map[string]people.Record{}
	for _, r := range records {
		out[r.ID] = r
	}
	return out
}

// Adding records and removing them again leaves everything as it was.
func TestAddThenRemove(t *testing.T) {
	w := newWorld(3)
	base, _ := w.population(400)
	more, _ := w.population(200)
	l := newLinker(t, people.Options{})
	model, err := l.Train(ctx, slices.Values(base))
	require.NoError(t, err)
	x, err := l.NewIndex(model)
	require.NoError(t, err)
	_, err = x.Apply(ctx, base, nil)
	require.NoError(t, err)
	before := slices.Collect(x.Index.Clusters())
	_, err = x.Apply(ctx, more, nil)
	require.NoError(t, err)
	require.NotEqual(t, before, slices.Collect(x.Index.Clusters()))
	var ids []string
	for _, r := range more {
		ids = append(ids, r.ID)
	}
	_, err = x.Apply(ctx, nil, ids)
	require.NoError(t, err)
	require.Equal(t, before, slices.Collect(x.Index.Clusters()))
	require.Equal(t, len(base), x.Index.Len())

	change, err := x.Apply(ctx, base[:50], nil)
	require.NoError(t, err)
	require.Empty(t, change.Removed)
	require.Equal(t, before, slices.Collect(x.Index.Clusters()), "the same records again change nothing")
}

func TestFind(t *testing.T) {
	records, truth := newWorld(4).population(500)
	l := newLinker(t, people.Options{})
	model, err := l.Train(ctx, slices.Values(records))
	require.NoError(t, err)
	x, err := l.NewIndex(model)
	require.NoError(t, err)
	_, err = x.Apply(ctx, records[100:], nil)
	require.NoError(t, err)
	right, asked := 0, 0
	known := map[string]bool{}
	for _, r := range records[100:] {
		known[truth[r.ID]] = true
	}
	for _, r := range records[:100] {
		found, err := x.Find(ctx, r)
		require.NoError(t, err)
		require.True(t, slices.IsSortedFunc(found, func(a, b dedup.Match) int { return -int(a.Weight - b.Weight) }))
		if known[truth[r.ID]] && len(r.Phones) > 0 && r.Birth != "" {
			asked++
			if len(found) > 0 && truth[found[0].ID] == truth[r.ID] {
				right++
			}
		}
	}
	require.Greater(t, float64(right), 0.9*float64(asked), "%d of %d", right, asked)
	before := slices.Collect(x.Index.Clusters())
	_, err = x.Find(ctx, people.Record{ID: "q", Given: "Nobody", Family: "Unheard", Phones: []string{"+4915112345678", "+4915112345679"}})
	require.NoError(t, err)
	require.Equal(t, before, slices.Collect(x.Index.Clusters()), "questions change nothing")

	e, err := x.Explain(records[100].ID, records[101].ID)
	require.NoError(t, err)
	sum := e.Prior + e.Relations
	for _, r := range e.Reasons {
		sum += r.Weight
	}
	require.InDelta(t, e.Weight, sum, 1e-9, "the waterfall adds up")
	require.Contains(t, e.String(), "prior")
	_, err = x.Explain("nobody", records[100].ID)
	require.ErrorIs(t, err, dedup.ErrUnknownID)
}

func TestBadRecords(t *testing.T) {
	l := newLinker(t, people.Options{})
	a := people.Record{ID: "a", Given: "Ayşe"}
	for name, c := range map[string]struct {
		records []people.Record
		err     error
		row     int
	}{
		"no id":    {[]people.Record{a, {Given: "x"}}, dedup.ErrNoID, 2},
		"id twice": {[]people.Record{a, {ID: "b"}, a}, dedup.ErrDuplicateID, 3},
	} {
		_, err := l.Link(ctx, slices.Values(c.records), nil)
		require.ErrorIs(t, err, c.err, name)
		var re *dedup.RecordError
		require.True(t, errors.As(err, &re))
		require.Equal(t, c.row, re.Row, name)
	}
	x := index(t, l)
	_, err := x.Apply(ctx, []people.Record{a, a}, nil)
	require.ErrorIs(t, err, dedup.ErrDuplicateID)
	require.Zero(t, x.Index.Len(), "nothing is changed by a refused call")
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = x.Apply(cancelled, []people.Record{a}, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = l.Link(cancelled, slices.Values([]people.Record{a, {ID: "b"}}), nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = people.New(people.Options{Extra: []string{"phone"}})
	require.ErrorIs(t, err, dedup.ErrSchema)
	_, err = l.NewIndex(nil)
	require.ErrorIs(t, err, dedup.ErrModel)
	_, err = newLinker(t, people.Options{Extra: []string{"job"}}).NewIndex(x.Index.Model())
	require.ErrorIs(t, err, dedup.ErrModel)
}

// Hostile rows cost no more than others, and rows that say nothing are nobody.
func TestHostileRecords(t *testing.T) {
	var records []people.Record
	megabyte := strings.Repeat("ş\xff", 1<<19)
	for i := range 3000 {
		id := string(rune('a'+i%26)) + strings.Repeat("z", i/26)
		r := people.Record{ID: id}
		switch i % 3 {
		case 0:
			r.Given, r.Family, r.City, r.Birth = "Ali", "Kaya", "Ankara", "1980-01-01"
		case 1:
			if i < 30 {
				r.Given, r.Family, r.Street, r.Phones, r.Emails = megabyte, megabyte, megabyte, []string{megabyte}, []string{megabyte}
			}
		}
		records = append(records, r)
	}
	got, err := newLinker(t, people.Options{}).Link(ctx, slices.Values(records), nil)
	require.NoError(t, err)
	require.Equal(t, 3000, got.Stats.Records)
	for _, c := range got.Clusters {
		if len(c.Members) > 1 {
			require.Fail(t, "no evidence merges nobody", "%v", len(c.Members))
		}
	}
}

func index(t testing.TB, l *people.Linker) *people.Index {
	records, _ := newWorld(9).population(50)
	model, err := l.Train(ctx, slices.Values(records))
	require.NoError(t, err)
	x, err := l.NewIndex(model)
	require.NoError(t, err)
	return x
}
