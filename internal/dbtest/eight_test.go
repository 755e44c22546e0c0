package dbtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// TestEightSettle: eight people settle the same effects of unknown fate, each in an order
// and in a way of their own. Each is settled once; the others are told that it is; what the
// first was told is on record, and the effect is found by the provider's id that one gave.
func TestEightSettle(t *testing.T) {
	const effects = 12
	ctx := deadline(t)
	store := migrated(t, openPostgres(t))
	svc := crm.New(store, crm.Config{Now: func() time.Time { return day }})
	ids := make([]crm.EffectID, effects)
	require.NoError(t, svc.Update(ctx, func(tx crm.Tx) error {
		for i := range ids {
			e := &crm.Effect{Kind: "gift", Cause: "rule/gift", Subject: crm.OfProfile(person(i).ProfileKey), Occurrence: fmt.Sprint(i), Due: day, State: crm.Planned, Created: day, Changed: day}
			e.ID = crmtest.IDs().ID(e.Cause, e.Subject, crm.FactKey{}, e.Occurrence)
			ids[i] = e.ID
			if _, err := tx.PutEffects(ctx, e); err != nil {
				return err
			}
			e.State = crm.Unknown
			if err := tx.UpdateEffects(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}))
	states := []crm.EffectState{crm.Done, crm.Failed, crm.Planned}
	provider := func(w, i int) string { return fmt.Sprintf("p%d-%d", w, i) }
	var mu sync.Mutex
	settled := map[crm.EffectID][]*crm.Effect{}
	by := map[crm.EffectID][]int{}
	nighttest.AtOnce(t, func(w int) error {
		for n := range effects {
			i := (n*5 + w*3) % effects
			x := crm.Settlement{State: states[(w+i)%3], Actor: fmt.Sprint("desk ", w), Provider: provider(w, i)}
			e, err := svc.SettleEffect(ctx, ids[i], x)
			switch {
			case errors.Is(err, crm.ErrStale):
				continue
			case err != nil:
				return err
			}
			again, err := svc.SettleEffect(ctx, ids[i], x) // the answer was lost
			if err != nil || again.Rev != e.Rev {
				return fmt.Errorf("told again: %v, %w", again, err)
			}
			mu.Lock()
			settled[e.ID], by[e.ID] = append(settled[e.ID], e), append(by[e.ID], w)
			mu.Unlock()
		}
		return nil
	})
	for e, err := range svc.UnknownEffects(ctx) {
		t.Errorf("%v is unknown still: %v", e, err)
	}
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		got, err := r.Effects(ctx, ids...)
		require.NoError(t, err)
		for i, e := range got {
			require.Len(t, settled[e.ID], 1, "effect %d was settled by %v", i, by[e.ID])
			require.Equal(t, settled[e.ID][0], e)
			require.Len(t, e.Reasons, 1)
			w := by[e.ID][0]
			require.Equal(t, fmt.Sprint("desk ", w), e.Reasons[0].Note)
			for other := range nighttest.Writers {
				key := e.Clone()
				key.Provider = provider(other, i)
				refs, err := r.Refs(ctx, crm.RefProvider, 5, key.ProviderRefs()[0].Key)
				require.NoError(t, err)
				require.Len(t, refs[0], map[bool]int{true: 1}[other == w], "effect %d by the id that %d gave", i, other)
			}
		}
		return nil
	}))
}

// readThen calls then in each transaction after profiles were scanned.
type readThen struct {
	crm.Store
	then func()
}

type readThenTx struct {
	crm.Tx
	then func()
}

func (s readThen) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return s.Store.Update(ctx, func(tx crm.Tx) error { return fn(readThenTx{tx, s.then}) })
}

func (t readThenTx) ScanProfiles(ctx context.Context, parts crm.PartRange, after crm.ProfileKey, limit int) ([]*crm.Profile, error) {
	out, err := t.Tx.ScanProfiles(ctx, parts, after, limit)
	t.then()
	return out, err
}

// TestEightImportWhileNamesAreIndexed: the names of a record that had no index of them are
// indexed, and between what that reads and what it writes, and beside it, eight import:
// they rename, add, and merge. Afterwards each customer is found once by each name, and by
// none that it had.
func TestEightImportWhileNamesAreIndexed(t *testing.T) {
	const people, rounds = 48, 3
	ctx := deadline(t)
	store := migrated(t, openPostgres(t))
	named := func(i, round int) *crm.Profile {
		p := person(i)
		p.Contacts, p.Postal, p.SourceVersion = nil, crm.Postal{}, int64(round+1)
		p.Name = crm.Name{Given: fmt.Sprintf("Ada%d", i), Family: fmt.Sprintf("Kaya%d%c", i, 'a'+round)}
		return p
	}
	var before crm.Batch
	for i := range people {
		before.Profiles = append(before.Profiles, named(i, 0))
	}
	_, err := crm.New(store, crm.Config{}).Import(ctx, before)
	require.NoError(t, err)
	cfg := crm.Config{NameSearch: true, ChunkSize: 20}
	svc := crm.New(store, cfg)
	read, renamed := make(chan struct{}), make(chan struct{})
	slow := crm.New(readThen{store, sync.OnceFunc(func() { close(read); <-renamed })}, cfg)
	var indexing, first sync.WaitGroup
	indexing.Go(func() {
		n, err := slow.IndexNames(ctx)
		assert.NoError(t, err)
		assert.GreaterOrEqual(t, n, people)
	})
	<-read
	first.Add(nighttest.Writers)
	go func() { first.Wait(); close(renamed) }()
	nighttest.AtOnce(t, func(w int) error {
		for n := range rounds {
			round := n + 1
			if n > 0 && w%2 == 1 {
				round = rounds + 1 - n // what is older comes later
			}
			var b crm.Batch
			for n := range people / 2 {
				i := (n*7 + w*6) % people
				b.Profiles = append(b.Profiles, named(i, round))
			}
			b.Profiles = append(b.Profiles, named(people+w, round))
			_, err := svc.Import(ctx, b)
			if n == 0 {
				first.Done()
			}
			if err != nil {
				return err
			}
			if _, err := svc.Merge(ctx, "desk", crm.Evidence{}, person(2*w).ProfileKey, person(2*w+1).ProfileKey); err != nil {
				return err
			}
		}
		return nil
	})
	indexing.Wait()
	find := func(name string) (out []crm.CustomerID) {
		for q := (crm.NameQuery{Name: name, Limit: 7}); ; {
			page, err := svc.SearchName(ctx, q)
			require.NoError(t, err)
			for _, c := range page.Customers {
				out = append(out, c.ID)
			}
			if q.After = page.Next; q.After == "" {
				return out
			}
		}
	}
	all := map[crm.CustomerID]bool{}
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		for p, err := range crm.Profiles(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			all[p.Customer] = true
			require.Equal(t, rounds+1, int(p.SourceVersion), "%v", p.ProfileKey)
			for _, name := range []string{p.Name.Given, p.Name.Family, p.Name.Given + " " + p.Name.Family} {
				require.Contains(t, find(name), p.Customer, name)
			}
			old := p.Name.Family[:len(p.Name.Family)-1]
			for round := range rounds {
				require.Empty(t, find(old+string(rune('a'+round))), "%v by a name that it had", p.ProfileKey)
			}
		}
		return nil
	}))
	got := find("ada")
	require.Len(t, got, len(all), "each once")
	slices.Sort(got)
	require.Len(t, slices.Compact(got), len(all))
}
