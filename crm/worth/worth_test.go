package worth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
)

var evening = time.Date(2025, 3, 3, 20, 0, 0, 0, time.UTC)

// customers is crm.Evening.Customers over orders in TRY alone, in UTC.
func customers(ctx context.Context, r crm.Reader, at time.Time, _ bool, keys ...crm.ProfileKey) (out []crm.FieldSubject, err error) {
	ids, err := r.CustomersOf(ctx, keys...)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id crm.CustomerID) bool { return id == "" })
	slices.Sort(ids)
	members, err := r.Members(ctx, slices.Compact(ids)...)
	for _, m := range members {
		s := crm.FieldSubject{Home: m[0], Profiles: m, Zone: time.UTC, Today: int(at.Unix() / 86400)}
		var subjects []crm.Subject
		for _, k := range m {
			subjects = append(subjects, crm.OfProfile(k))
		}
		back := map[string]bool{}
		for f, err := range crm.FactsOf(ctx, r, subjects, crm.KindOrder) {
			if err != nil {
				return nil, err
			}
			o := f.Data.(*crm.Order)
			if back[o.Returns.ID] = true; f.At.After(at) {
				continue
			}
			s.Purchases = append(s.Purchases, crm.Purchase{At: f.At, Day: int(f.At.Unix() / 86400), Amount: o.Total.Amount, Priced: o.Total.Currency == "TRY",
				Return: o.IsReturn(), Cancelled: o.Status == crm.OrderCancelled, Category: f.Key.ID})
		}
		for i := range s.Purchases {
			s.Purchases[i].Returned = back[s.Purchases[i].Category]
		}
		slices.SortStableFunc(s.Purchases, func(a, b crm.Purchase) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Category, b.Category)) })
		out = append(out, s)
	}
	return out, err
}

func eveningOf(store crm.Store, at time.Time) *crm.Evening {
	return &crm.Evening{Day: at.Format(time.DateOnly), At: at, Store: store, Count: func(string, int) {}, Customers: customers,
		Service: crm.New(store, crm.Config{Now: func() time.Time { return at }})}
}

func key(i int) crm.ProfileKey { return crm.ProfileKey{Source: "pos", ID: fmt.Sprint(i)} }

func profile(i int) *crm.Profile {
	return &crm.Profile{ProfileKey: key(i), Since: evening.AddDate(-3, 0, i%50), At: evening.AddDate(-3, 0, 0)}
}

func order(i int, id string, at time.Time, lira int64) *crm.Fact {
	return &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: id}, Subject: crm.OfProfile(key(i)), At: at, Version: 1,
		Data: &crm.Order{Number: id, Total: crm.Money{Amount: lira * 100, Currency: "TRY"}}}
}

// shop is n customers of very different habits.
func shop(n int, seed uint64) crm.Batch {
	r := rand.New(rand.NewPCG(seed, 1))
	var b crm.Batch
	for i := range n {
		b.Profiles = append(b.Profiles, profile(i))
		gap, stop := 10+r.ExpFloat64()*60, r.Float64()*0.3
		value := 20 + r.ExpFloat64()*200
		at := evening.AddDate(0, 0, -30-r.IntN(700))
		for j := 0; at.Before(evening); j++ {
			b.Facts = append(b.Facts, order(i, fmt.Sprint("o", i, "-", j), at, int64(1+value*(0.5+r.Float64()))))
			if r.Float64() < stop {
				break
			}
			at = at.Add(time.Duration(r.ExpFloat64() * gap * 24 * float64(time.Hour)))
		}
	}
	return b
}

// kept is what a record keeps for the module: parts and fits.
func kept(t require.TestingT, store crm.Store) string {
	type row struct{ Key, Data string }
	var out []row
	require.NoError(t, store.View(context.Background(), func(r crm.Reader) error {
		out = nil
		docs, err := r.Documents(context.Background(), fitKind, fitID)
		if err != nil {
			return err
		}
		if docs[0] != nil {
			out = append(out, row{"fits", string(docs[0].Data)})
		}
		var keys []crm.StateKey
		for p := range crm.Part(crm.Parts) {
			keys = append(keys, partKey(p))
		}
		states, err := r.States(context.Background(), keys...)
		if err != nil {
			return err
		}
		for p, s := range states {
			if s != nil {
				out = append(out, row{fmt.Sprint(p), string(s.Data)})
			}
		}
		return nil
	}))
	data, err := json.Marshal(out)
	require.NoError(t, err)
	return string(data)
}

func mustModule(t require.TestingT, cfg Config) *module {
	m, err := newModule(cfg)
	require.NoError(t, err)
	return m
}

// TestChangedIsAll: what is kept after many evenings of changes, merges and splits is what a look at everybody keeps, and
// the fit is the same.
func TestChangedIsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		const people = 4
		store := memstore.New()
		m := mustModule(t, Config{Least: 2})
		at := evening
		svc := eveningOf(store, at).Service
		b := crm.Batch{}
		for i := range people {
			b.Profiles = append(b.Profiles, profile(i))
		}
		_, err := svc.Import(ctx, b)
		require.NoError(t, err)
		serial := 0
		var links []crm.Link
		for range rapid.IntRange(1, 4).Draw(t, "evenings") {
			ev := eveningOf(store, at)
			for range rapid.IntRange(0, 8).Draw(t, "changes") {
				i, j := rapid.IntRange(0, people-1).Draw(t, "i"), rapid.IntRange(0, people-1).Draw(t, "j")
				switch rapid.SampledFrom([]string{"order", "order", "return", "cancel", "merge", "merge", "split", "undo", "undo", "since"}).Draw(t, "what") {
				case "order":
					serial++
					_, err = ev.Service.Import(ctx, crm.Batch{Facts: []*crm.Fact{order(i, fmt.Sprint(serial), at.AddDate(0, 0, -rapid.IntRange(-3, 60).Draw(t, "ago")), 10)}})
				case "return":
					serial++
					f := order(i, fmt.Sprint(serial), at, -10)
					f.Data.(*crm.Order).Returns = crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: fmt.Sprint(rapid.IntRange(0, serial).Draw(t, "of"))}
					_, err = ev.Service.Import(ctx, crm.Batch{Facts: []*crm.Fact{f}})
				case "cancel":
					f := order(i, fmt.Sprint(rapid.IntRange(0, serial).Draw(t, "of")), at, 10)
					f.Version, f.Data.(*crm.Order).Status = 2, crm.OrderCancelled
					_, err = ev.Service.Import(ctx, crm.Batch{Facts: []*crm.Fact{f}})
				case "merge":
					links, err = ev.Service.Merge(ctx, "desk", crm.Evidence{}, key(i), key(j))
				case "split":
					links, err = ev.Service.Split(ctx, "desk", crm.Evidence{}, key(i))
				case "undo":
					_, err = ev.Service.Undo(ctx, "desk", links...)
					links = nil
				case "since":
					p := profile(i)
					p.Since, p.At = p.Since.AddDate(0, 0, -rapid.IntRange(0, 90).Draw(t, "earlier")), at
					_, err = ev.Service.Import(ctx, crm.Batch{Profiles: []*crm.Profile{p}})
				}
				if err != nil {
					require.True(t, errors.Is(err, crm.ErrInvalid) || errors.Is(err, crm.ErrConflict) || errors.Is(err, crm.ErrNotFound), "%v", err)
				}
			}
			require.NoError(t, m.refresh(ctx, ev))
			was := kept(t, store)
			require.NoError(t, m.refresh(ctx, ev))
			require.Equal(t, was, kept(t, store), "again is the same")
			at = at.AddDate(0, 0, 1)
		}
		was := kept(t, store)
		require.NoError(t, store.Update(ctx, func(tx crm.Tx) error {
			if err := tx.DropCursors(ctx, cursor); err != nil {
				return err
			}
			return nil
		}))
		require.NoError(t, m.refresh(ctx, eveningOf(store, at.AddDate(0, 0, -1))))
		require.Equal(t, was, kept(t, store), "a look at everybody is the same")
	})
}

// TestOrderOfArrival: in whatever order the record was delivered, the same is fitted.
func TestOrderOfArrival(t *testing.T) {
	var want string
	for seed := range uint64(3) {
		b := shop(300, 5)
		r := rand.New(rand.NewPCG(seed, 2))
		r.Shuffle(len(b.Facts), func(i, j int) { b.Facts[i], b.Facts[j] = b.Facts[j], b.Facts[i] })
		r.Shuffle(len(b.Profiles), func(i, j int) { b.Profiles[i], b.Profiles[j] = b.Profiles[j], b.Profiles[i] })
		store := memstore.New()
		ev := eveningOf(store, evening)
		_, err := ev.Service.Import(t.Context(), b)
		require.NoError(t, err)
		require.NoError(t, mustModule(t, Config{}).refresh(t.Context(), ev))
		if got := kept(t, store); seed == 0 {
			want = got
			require.Contains(t, got, `loglik`)
		} else {
			require.Equal(t, want, got)
		}
	}
}

// TestKilled: wherever the step is stopped, and done again, it ends the same.
func TestKilled(t *testing.T) {
	run := func(fault crmtest.Fault) (cut bool, got string) {
		store := memstore.New()
		b := shop(120, 3)
		_, err := eveningOf(store, evening).Service.Import(t.Context(), crm.Batch{Profiles: b.Profiles, Facts: b.Facts[:len(b.Facts)/2]})
		require.NoError(t, err)
		faulty := crmtest.NewFaulty(store)
		faulty.Fail(fault)
		var use crm.Store = faulty
		for day := range 2 {
			at := evening.AddDate(0, 0, day)
			if day == 1 {
				svc := eveningOf(store, at).Service
				_, err = svc.Import(t.Context(), crm.Batch{Facts: b.Facts[len(b.Facts)/2:]})
				require.NoError(t, err)
				_, err = svc.Merge(t.Context(), "desk", crm.Evidence{}, key(1), key(2), key(3))
				require.NoError(t, err)
			}
			for {
				err := mustModule(t, Config{}).refresh(t.Context(), eveningOf(use, at))
				if err == nil {
					break
				}
				require.ErrorIs(t, err, crmtest.ErrFault)
				cut, use = true, store
			}
		}
		return cut, kept(t, store)
	}
	_, want := run(crmtest.Fault{})
	require.Contains(t, want, `2025-03-04`)
	for _, where := range []crmtest.Where{crmtest.Before, crmtest.Inside, crmtest.After, crmtest.Lost} {
		for n := 1; ; n += 1 + n/2 {
			cut, got := run(crmtest.Fault{Where: where, N: n})
			require.Equal(t, want, got, "cut %s %d", where, n)
			if !cut {
				require.Greater(t, n, 5)
				break
			}
		}
	}
}

// TestPruned: where changes are gone that were not taken in, everybody is looked at again.
func TestPruned(t *testing.T) {
	store := memstore.New()
	ev := eveningOf(store, evening)
	_, err := ev.Service.Import(t.Context(), shop(150, 4))
	require.NoError(t, err)
	m := mustModule(t, Config{})
	require.NoError(t, m.refresh(t.Context(), ev))
	_, err = ev.Service.Import(t.Context(), crm.Batch{Facts: []*crm.Fact{order(0, "new", evening, 5)}})
	require.NoError(t, err)
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
		head, err := tx.Head(t.Context())
		if err == nil {
			_, err = tx.PruneChanges(t.Context(), head, evening.AddDate(1, 0, 0), 1_000_000)
		}
		return err
	}))
	next := eveningOf(store, evening.AddDate(0, 0, 1))
	require.NoError(t, m.refresh(t.Context(), next))
	other := memstore.New()
	again := eveningOf(other, evening.AddDate(0, 0, 1))
	b := shop(150, 4)
	b.Facts = append(b.Facts, order(0, "new", evening, 5))
	_, err = again.Service.Import(t.Context(), b)
	require.NoError(t, err)
	require.NoError(t, m.refresh(t.Context(), again))
	var was, is []Fit
	for store, into := range map[crm.Store]*[]Fit{store: &was, other: &is} {
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) { *into, err = Fits(t.Context(), r); return err }))
	}
	require.Len(t, was, 2)
	require.Equal(t, is[0], was[1])
}
