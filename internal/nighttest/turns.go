package nighttest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
)

// aheadStore calls read in a transaction that has read what lies ahead, and moved after
// one that took the position of occasions and moved it, or could not take it.
type aheadStore struct {
	crm.Store
	read, moved func()
}

type aheadTx struct {
	crm.Tx
	s            *aheadStore
	taken, moved bool
}

func (s *aheadStore) Update(ctx context.Context, fn func(crm.Tx) error) error {
	var last *aheadTx
	err := s.Store.Update(ctx, func(tx crm.Tx) error {
		last = &aheadTx{Tx: tx, s: s}
		return fn(last)
	})
	if last != nil && (last.moved || last.taken && errors.Is(err, crm.ErrBusy)) {
		s.moved()
	}
	return err
}

func (t *aheadTx) ScanStates(ctx context.Context, parts crm.PartRange, kind string, after crm.Subject, limit int) ([]*crm.State, error) {
	out, err := t.Tx.ScanStates(ctx, parts, kind, after, limit)
	if kind == "occasions-ahead" && len(out) > 0 {
		t.s.read()
	}
	return out, err
}

func (t *aheadTx) Cursor(ctx context.Context, consumer string) (crm.Position, error) {
	t.taken = t.taken || consumer == "vefa/occasions"
	return t.Tx.Cursor(ctx, consumer)
}

func (t *aheadTx) SetCursor(ctx context.Context, consumer string, to crm.Position) error {
	t.moved = t.moved || consumer == "vefa/occasions"
	return t.Tx.SetCursor(ctx, consumer, to)
}

// keepInTurn: between what an evening reads of the facts that lay
// ahead and what it writes, another engine meets one more of the same profile. It waits for
// its turn, so that the fact is not forgotten.
func keepInTurn(t *testing.T, open func(t *testing.T) crm.Store) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	store, clock, engine := several(t, open, `rules: [{name: ordered, on: {event: order}, when: 'true', then: [{tag: ordered}], once: day}]`, func(*vefa.Config) {})
	nothing := func() {}
	first, second := &aheadStore{store, nothing, nothing}, &aheadStore{store, nothing, nothing}
	leads := engine(func(c *vefa.Config) { c.Store = first }).Engine
	beside := engine(func(c *vefa.Config) {
		c.Store = second
		c.Steps = append(vefa.DefaultSteps(), vefa.Step{Name: "own", Run: func(context.Context, *vefa.Evening) error { return nil }}) // so that it does all by itself
	}).Engine
	evening := func(e *vefa.Engine) { _, err := e.Night(ctx, vefa.Night{}); assert.NoError(t, err) }
	b := People(1)
	b.Facts = nil
	_, err := leads.Service().Import(ctx, b)
	require.NoError(t, err)
	order := func(id string) {
		assert.NoError(t, crm.New(store, crm.Config{Now: clock.Now}).Record(ctx, Order(0, id, clock.Now().Add(time.Hour))))
	}
	evening(leads)
	clock.Set(Start.AddDate(0, 0, 1))
	order("x")
	evening(leads)
	require.Empty(t, causes(t, store), "the order lies ahead")

	clock.Set(Start.AddDate(0, 0, 2))
	turned := make(chan struct{})
	second.moved = sync.OnceFunc(func() { close(turned) })
	var other sync.WaitGroup
	first.read = sync.OnceFunc(func() {
		order("y")
		other.Go(func() { evening(beside) })
		select {
		case <-turned:
		case <-ctx.Done():
		}
	})
	evening(leads)
	other.Wait()
	first.read = nothing

	clock.Set(Start.AddDate(0, 0, 3))
	evening(leads)
	require.Equal(t, map[string][]string{"rule/ordered": {"0 2025-03-05", "0 2025-03-06"}}, causes(t, store))
}
