package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

var factTests = []test{
	{"Facts/RoundTrip", "every field of every kind of fact comes back, times as UTC microseconds", testFactRoundTrip},
	{"Facts/Version", "the newest version wins; an old or equal one changes nothing", testFactVersion},
	{"Facts/Ties", "of two contents with one version the one with the larger FactHash wins, in whatever order they come", testFactTies},
	{"Facts/AnyOrder", "deliveries may repeat and come in any order: the end is the same", testFactAnyOrder},
	{"Facts/Delete", "DeleteFacts removes facts, ignores absent ones and is told of in the feed", testFactDelete},
	{"Facts/Of", "FactsOf returns the facts of the subjects and kinds asked for, in the order of FactRef.Compare, page by page", testFactsOf},
	{"Facts/Kinds", "FactKinds names every kind of which there are facts, a host's own included", testFactKinds},
	{"Facts/Scan", "ScanFacts returns the facts of one kind in the order of FactRef.Compare, page by page", testScanFacts},
}

// oddTime is the same microsecond with some nanoseconds and a zone.
func oddTime(t time.Time) time.Time {
	return t.Add(789).In(time.FixedZone("far", 5*3600+45*60))
}

func testFactKinds(e *env) {
	e.update(func(tx crm.Tx) error {
		own := &crm.Fact{Key: crm.FactKey{Kind: "acme.warranty", Source: "erp", ID: "1"}, Subject: crm.OfAddress(phone(1)), At: start, Data: &crm.Custom{JSON: []byte("{}")}}
		_, err := tx.PutFacts(e.ctx, order(1, "1"), note(crm.OfProfile(key(1)), "1", "x", 1), own)
		return err
	})
	e.view(func(r crm.Reader) error {
		kinds, err := r.FactKinds(e.ctx)
		require.True(e, slices.IsSorted(kinds))
		for _, k := range []crm.FactKind{crm.KindOrder, crm.KindNote, "acme.warranty"} {
			require.Contains(e, kinds, k)
		}
		require.NotContains(e, kinds, crm.KindAnswer)
		return err
	})
}

// testFactRoundTrip writes every kind on all that it may hang on, and facts with nothing but
// what must be set.
func testFactRoundTrip(e *env) {
	kinds := e.kinds()
	want := everyFact(kinds)
	e.update(func(tx crm.Tx) error {
		changed, err := tx.PutFacts(e.ctx, everyFact(kinds)...)
		if err != nil {
			return err
		}
		require.Len(e, changed, len(want))
		for i, c := range changed {
			assert.True(e, c.Changed(), "fact %d was news", i)
		}
		return nil
	})
	for _, f := range want {
		same(e, f, e.fact(f.Ref()), "a %s", f.Key.Kind)
	}
	require.Nil(e, e.fact(order(1, "never").Ref()))

	e.update(func(tx crm.Tx) error {
		f := order(1, "fine")
		f.At, f.Recorded = oddTime(f.At), oddTime(f.Recorded)
		_, err := tx.PutFacts(e.ctx, f)
		return err
	})
	same(e, order(1, "fine"), e.fact(order(1, "fine").Ref()), "times are kept as UTC microseconds")

	// Contents with little in them.
	bare := []*crm.Fact{order(2, "a"), note(crm.OfAddress(phone(1)), "b", " ", -5)}
	bare[0].Data = &crm.Order{Number: "other than the key"}
	bare[0].Place, bare[0].Version = "", -1<<62
	bare[1].At = time.Date(1923, 10, 29, 20, 30, 0, 0, time.UTC)
	e.update(func(tx crm.Tx) error {
		_, err := tx.PutFacts(e.ctx, bare...)
		return err
	})
	for _, f := range bare {
		same(e, f, e.fact(f.Ref()))
	}
}

// putFact puts one fact and reports whether it was written.
func (e *env) putFact(f *crm.Fact) (changed bool) {
	e.Helper()
	e.update(func(tx crm.Tx) error {
		cs, err := tx.PutFacts(e.ctx, f)
		if err == nil {
			require.Len(e, cs, 1)
			changed = cs[0].Changed()
		}
		return err
	})
	return changed
}

// testFactVersion sends what a source sends: the same again, older, newer, and several versions
// in one call.
func testFactVersion(e *env) {
	s := crm.OfProfile(key(1))
	require.True(e, e.putFact(note(s, "1", "five", 5)))
	require.False(e, e.putFact(note(s, "1", "five", 5)), "the same again is no news")
	later := note(s, "1", "five", 5)
	later.Recorded = start.Add(time.Hour)
	require.False(e, e.putFact(later), "the same again, recorded later, is no news")
	same(e, note(s, "1", "five", 5), e.fact(later.Ref()), "when it was recorded is that of the first delivery")
	require.False(e, e.putFact(note(s, "1", "four", 4)), "an older version is no news")
	same(e, note(s, "1", "five", 5), e.fact(later.Ref()))
	require.True(e, e.putFact(note(s, "1", "six", 6)))
	same(e, note(s, "1", "six", 6), e.fact(later.Ref()))
	require.Len(e, e.changes(10), 2, "the feed tells of news only")

	// Several versions in one call.
	e.update(func(tx crm.Tx) error {
		changed, err := tx.PutFacts(e.ctx, note(s, "2", "one", 1), note(s, "2", "three", 3), note(s, "2", "two", 2))
		assert.Equal(e, []crm.Put{crm.PutNew, crm.PutNew, crm.PutOlder}, changed, "facts of one call count one after the other")
		return err
	})
	same(e, note(s, "2", "three", 3), e.fact(note(s, "2", "", 0).Ref()))
}

// testFactTies tries each pair of contents that differ in one thing, in both orders. The winner
// is the larger crm.FactHash on every store, so that stores that were fed in different orders
// agree.
func testFactTies(e *env) {
	hash := func(f *crm.Fact) int64 {
		data, err := crm.EncodeFactData(f.Data)
		require.NoError(e, err)
		return crm.FactHash(f, data)
	}
	// Contents that differ in one thing each: data, place, time, zone of a time.
	variants := func(id string) []*crm.Fact {
		var out []*crm.Fact
		for i := range 6 {
			f := order(1, id)
			switch o := f.Data.(*crm.Order); i {
			case 1:
				o.Employee = "e-1"
			case 2:
				f.Place = "izmir"
			case 3:
				f.At = f.At.Add(time.Microsecond)
			case 4:
				o.Lines = append(o.Lines, o.Lines[0])
			case 5:
				o.Delivered = start.Add(time.Hour).In(time.FixedZone("", 3*3600))
			}
			out = append(out, f)
		}
		return out
	}
	for i := range 6 {
		for j := range 6 {
			id := fmt.Sprintf("%d-%d", i, j)
			vs := variants(id)
			a, b := vs[i], vs[j]
			require.True(e, e.putFact(a))
			require.Equal(e, hash(b) > hash(a), e.putFact(b), "variant %d then %d", i, j)
			want := a
			if hash(b) > hash(a) {
				want = b
			}
			got := e.fact(a.Ref())
			if o := want.Data.(*crm.Order); !o.Delivered.IsZero() {
				o.Delivered = o.Delivered.UTC()
				g := got.Data.(*crm.Order)
				g.Delivered = g.Delivered.UTC()
			}
			same(e, want, got, "variant %d then %d", i, j)
		}
	}
}

// testFactAnyOrder feeds stores the same deliveries in different orders and compares what they
// hold.
func testFactAnyOrder(e *env) {
	var deliveries []*crm.Fact
	for i := range 40 {
		s := crm.OfProfile(key(i % 3))
		deliveries = append(deliveries, note(s, fmt.Sprint(i%4), fmt.Sprintf("text %d", i%7), int64(i%5)))
	}
	var first string
	for round := range 4 {
		store := e.store
		if round > 0 {
			store = e.open(e.T)
		}
		rnd := rand.New(rand.NewPCG(7, uint64(round)))
		for _, n := range []int{len(deliveries), len(deliveries) / 2} { // and half of them again
			for _, i := range rnd.Perm(len(deliveries))[:n] {
				require.NoError(e, store.Update(e.ctx, func(tx crm.Tx) error {
					_, err := tx.PutFacts(e.ctx, deliveries[i])
					return err
				}))
			}
		}
		var got []*crm.Fact
		require.NoError(e, store.View(e.ctx, func(r crm.Reader) (err error) {
			got, err = r.ScanFacts(e.ctx, crm.AllParts(), crm.KindNote, crm.FactRef{}, 100)
			return err
		}))
		if round == 0 {
			first = dump(got)
			continue
		}
		require.Equal(e, first, dump(got), "another order of deliveries led to another record")
	}
}

// testFactDelete puts an older version after the deletion: a tombstone that remembers versions
// would refuse it.
func testFactDelete(e *env) {
	a, b := order(1, "1"), order(1, "2")
	e.update(func(tx crm.Tx) error {
		_, err := tx.PutFacts(e.ctx, order(1, "1"), order(1, "2"))
		return err
	})
	e.update(func(tx crm.Tx) error { return tx.DeleteFacts(e.ctx, a.Ref(), order(5, "none").Ref(), a.Ref()) })
	require.Nil(e, e.fact(a.Ref()))
	same(e, b, e.fact(b.Ref()))
	cs := e.changes(10)
	require.Len(e, cs, 3, "two facts came and one went")
	last := cs[2]
	require.Equal(e, crm.ChangedFact, last.Kind)
	require.Equal(e, a.Ref(), crm.FactRef{Subject: last.Subject, Key: last.Fact})
	old := order(1, "1")
	old.Version = 0
	require.True(e, e.putFact(old), "a deleted fact leaves no version behind")
	same(e, old, e.fact(a.Ref()))
}

// testFactsOf has a neighbour whose id begins like another's, and pages of one, which end
// between two kinds of one subject.
func testFactsOf(e *env) {
	var all []*crm.Fact
	for i := range 12 {
		for j := range i % 5 {
			all = append(all, order(i, fmt.Sprint(j)), note(crm.OfProfile(key(i)), fmt.Sprint(j), "x", 1))
		}
		all = append(all, note(crm.OfAddress(phone(i)), "1", "x", 1))
	}
	// A neighbour whose id starts like another's.
	all = append(all, note(crm.OfProfile(crm.ProfileKey{Source: "till", ID: "c-1x"}), "1", "x", 1))
	e.update(func(tx crm.Tx) error {
		_, err := tx.PutFacts(e.ctx, all...)
		return err
	})
	slices.SortFunc(all, func(a, b *crm.Fact) int { return a.Ref().Compare(b.Ref()) })

	for _, tt := range []struct {
		name  string
		who   []crm.Subject
		kinds []crm.FactKind
	}{
		{"one subject", []crm.Subject{crm.OfProfile(key(4))}, nil},
		{"nobody", nil, nil},
		{"unknown", []crm.Subject{crm.OfProfile(key(99))}, nil},
		{"twice the same", []crm.Subject{crm.OfProfile(key(4)), crm.OfProfile(key(4))}, nil},
		{"several, unsorted", []crm.Subject{crm.OfProfile(key(9)), crm.OfAddress(phone(3)), crm.OfProfile(key(1)), crm.OfProfile(key(4))}, nil},
		{"one kind", []crm.Subject{crm.OfProfile(key(9)), crm.OfAddress(phone(3)), crm.OfProfile(key(4))}, []crm.FactKind{crm.KindNote}},
		{"two kinds", []crm.Subject{crm.OfProfile(key(9)), crm.OfProfile(key(4))}, []crm.FactKind{crm.KindOrder, crm.KindNote, crm.KindOrder}},
		{"a kind nobody has", []crm.Subject{crm.OfProfile(key(9))}, []crm.FactKind{crm.KindTag}},
	} {
		var want []*crm.Fact
		for _, f := range all {
			if slices.Contains(tt.who, f.Subject) && (len(tt.kinds) == 0 || slices.Contains(tt.kinds, f.Key.Kind)) {
				want = append(want, f)
			}
		}
		for _, limit := range []int{0, 1, 3, 1000} {
			var got []*crm.Fact
			e.view(func(r crm.Reader) error {
				q := crm.FactQuery{Subjects: tt.who, Kinds: tt.kinds, Limit: limit}
				for {
					page, err := r.FactsOf(e.ctx, q)
					if err != nil || len(page) == 0 {
						return err
					}
					if limit > 0 {
						require.LessOrEqual(e, len(page), limit)
					}
					got = append(got, page...)
					q.After = page[len(page)-1].Ref()
				}
			})
			same(e, want, got, "%s, by pages of %d", tt.name, limit)
		}
	}
}

// testScanFacts reads one kind among others on the same subjects, by pages of several sizes.
func testScanFacts(e *env) {
	var all []*crm.Fact
	for i := range 40 {
		all = append(all, order(i%10, fmt.Sprint(i)), note(crm.OfProfile(key(i%10)), fmt.Sprint(i), "x", 1), note(crm.OfAddress(phone(i%7)), fmt.Sprint(i), "x", 1))
	}
	e.update(func(tx crm.Tx) error {
		_, err := tx.PutFacts(e.ctx, all...)
		return err
	})
	slices.SortFunc(all, func(a, b *crm.Fact) int { return a.Ref().Compare(b.Ref()) })
	for _, kind := range []crm.FactKind{crm.KindNote, crm.KindOrder, crm.KindTag} {
		var want []*crm.Fact
		for _, f := range all {
			if f.Key.Kind == kind {
				want = append(want, f)
			}
		}
		for _, limit := range []int{1, 7, 1000} {
			var got []*crm.Fact
			e.view(func(r crm.Reader) error {
				var after crm.FactRef
				for {
					page, err := r.ScanFacts(e.ctx, crm.PartRange{}, kind, after, limit)
					if err != nil || len(page) == 0 {
						return err
					}
					require.LessOrEqual(e, len(page), limit)
					got = append(got, page...)
					after = page[len(page)-1].Ref()
				}
			})
			same(e, want, got, "%s by pages of %d", kind, limit)
		}
	}
}
