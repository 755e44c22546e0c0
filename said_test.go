package vefa_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// alike returns people of whom linkage takes three in a row for one person.
func alike(n int) crm.Batch {
	b := nighttest.People(n)
	for i, p := range b.Profiles {
		first := b.Profiles[i-i%3]
		p.Name, p.Contacts, p.Birth, p.Postal, p.Gender = first.Name, first.Contacts, first.Birth, first.Postal, first.Gender
		p.Since = nighttest.Start.AddDate(0, -1, 0).Add(time.Duration(i) * time.Minute)
	}
	return b
}

// nights is a record with an engine that may be started again before each night.
type nights struct {
	*testing.T
	store *memstore.Store
	clock *crmtest.Clock
	eng   *vefa.Engine
	n     int

	trainAt int // 0: 20
}

func newNights(t *testing.T, people int) *nights {
	w := &nights{T: t, store: memstore.New(), clock: &crmtest.Clock{}}
	w.clock.Set(nighttest.Start)
	w.start()
	_, err := w.eng.Service().Import(t.Context(), alike(people))
	require.NoError(t, err)
	w.night()
	return w
}

func (w *nights) start() {
	w.eng = nighttest.New(w.T, w.store, w.clock, func(c *vefa.Config) { c.TrainAt = cmp.Or(w.trainAt, 20) }).Engine
}

func (w *nights) night() {
	w.Helper()
	w.clock.Set(nighttest.Start.AddDate(0, 0, w.n))
	w.n++
	_, err := w.eng.Night(w.Context(), vefa.Night{})
	require.NoError(w, err)
}

// customers returns where people are.
func (w *nights) customers(people int) (out []crm.CustomerID) {
	w.Helper()
	keys := make([]crm.ProfileKey, people)
	for i := range keys {
		keys[i] = nighttest.Key(i)
	}
	require.NoError(w, w.store.View(w.Context(), func(r crm.Reader) (err error) {
		out, err = r.CustomersOf(w.Context(), keys...)
		return err
	}))
	return out
}

func (w *nights) together(a, b int) bool {
	w.Helper()
	at := w.customers(max(a, b) + 1)
	return at[a] == at[b]
}

// Case A9: of {ABC} A and B are taken out, then A: B and C were parted.
func TestASplitRemembersEveryPair(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprint("restarted ", again), func(t *testing.T) {
			w := newNights(t, 60)
			require.True(t, w.together(0, 1) && w.together(0, 2), "linkage takes them for one person")
			svc := w.eng.Service()
			_, err := svc.Split(t.Context(), "desk", crm.Evidence{}, nighttest.Key(0), nighttest.Key(1))
			require.NoError(t, err)
			_, err = svc.Split(t.Context(), "desk", crm.Evidence{}, nighttest.Key(0))
			require.NoError(t, err)
			for range 3 {
				if again {
					w.start()
				}
				w.night()
				require.False(t, w.together(0, 1) || w.together(0, 2) || w.together(1, 2), "a split was forgotten")
			}
		})
	}
}

// Case A9: whatever people decide, the nights between leave it so.
func TestNightsKeepWhatPeopleDecide(t *testing.T) {
	const people, calls = 45, 60
	seeds := 4
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(uint64(seed), 9))
		w := newNights(t, people)
		var ops [][]crm.Link
		parts, joins := map[[2]int]bool{}, map[[2]int]bool{}
		pair := func(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }
		for n := range calls {
			svc := w.eng.Service()
			before := w.customers(people)
			a := r.IntN(people)
			b := a - a%3 + r.IntN(3) // mostly about those who are alike
			if r.IntN(4) == 0 {
				b = r.IntN(people)
			}
			var links []crm.Link
			var err error
			switch r.IntN(4) {
			case 0, 1:
				links, err = svc.Split(t.Context(), "desk", crm.Evidence{}, nighttest.Key(a))
			case 2:
				links, err = svc.Merge(t.Context(), "desk", crm.Evidence{}, nighttest.Key(a), nighttest.Key(b))
				joins[pair(a, b)] = true
			case 3:
				if len(ops) > 0 {
					links, err = svc.Undo(t.Context(), "desk", ops[r.IntN(len(ops))]...)
					joins = map[[2]int]bool{} // what is left of them is another test's
				}
			}
			require.NoError(t, err)
			if len(links) > 0 {
				ops = append(ops, links)
			}
			after := w.customers(people)
			for x := range people {
				for y := range x {
					switch now := after[x] == after[y]; {
					case before[x] == before[y] && !now:
						parts[pair(x, y)] = true
						delete(joins, pair(x, y))
					case now:
						delete(parts, pair(x, y))
					}
				}
			}
			if n%3 == 2 {
				if r.IntN(2) == 0 {
					w.start()
				}
				w.night()
				for p := range parts {
					require.False(t, w.together(p[0], p[1]), "seed %d call %d: %v were parted by a person", seed, n, p)
				}
				for p := range joins {
					require.True(t, w.together(p[0], p[1]), "seed %d call %d: %v were joined by a person", seed, n, p)
				}
			}
		}
	}
}
