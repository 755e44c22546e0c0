package vefa_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// deaf is a provider that recognises ids and whose answers are lost, until it is
// told to answer.
type deaf struct {
	*messaging.MemorySender
	lost bool
}

func (d *deaf) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out, err := d.MemorySender.Send(ctx, batch)
	if d.lost {
		return nil, errors.New("connection lost")
	}
	return out, err
}

// Reconcile hides that of the memory sender: it cannot be asked.
func (d *deaf) Reconcile(_ context.Context, ids []crm.EffectID) ([]crm.Receipt, error) {
	return nil, errors.New("not today")
}

// Case A19: a message whose answer was lost is handed over again under its id,
// whatever the guards say about what was let go together with it: neither itself
// nor what left at the same instant stands against it, though the two customers
// have been merged since. What left before does.
func TestNothingIsWithheldBecauseOfItself(t *testing.T) {
	for name, c := range map[string]struct {
		caps   []messaging.Cap
		people int
		merge  bool
	}{
		"one":                  {people: 1},
		"one, capped":          {people: 1, caps: []messaging.Cap{{Max: 1, Per: 24 * time.Hour}}},
		"two who are one then": {people: 2, merge: true},
		"two, capped":          {people: 2, merge: true, caps: []messaging.Cap{{Max: 1, Per: 24 * time.Hour}}},
	} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start.Add(-time.Hour))
			sender := &deaf{messaging.NewMemorySender(nil), true}
			book, err := rules.ReadYAML("rules.yaml", []byte("rules:\n  - name: welcome\n    when: Orders > 0\n    then: [{message: welcome}]\n"))
			require.NoError(t, err)
			eng := nighttest.New(t, store, clock, func(cfg *vefa.Config) {
				cfg.Rules, cfg.Campaigns, cfg.Surveys, cfg.Sender = []*rules.Book{book}, nil, nil, sender
				cfg.Messages = []messaging.Campaign{{Name: "welcome", Text: "welcome", Unmeasured: "test", Caps: c.caps}}
			}).Engine
			_, err = eng.Service().Import(t.Context(), nighttest.People(c.people))
			require.NoError(t, err)
			clock.Set(nighttest.Start)
			_, err = eng.Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			states := func() map[crm.EffectState]int {
				out := map[crm.EffectState]int{}
				require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
					all, err := r.ScanEffects(t.Context(), crm.AllParts(), "", 100)
					for _, f := range all {
						out[f.State]++
					}
					return err
				}))
				return out
			}
			require.Equal(t, map[crm.EffectState]int{crm.Unknown: c.people}, states())
			if c.merge {
				merge(t, eng.Service(), 0, 1)
			}
			sender.lost = false
			clock.Set(nighttest.Start.Add(time.Hour))
			_, err = eng.Deliver(t.Context())
			require.NoError(t, err)
			require.Equal(t, map[crm.EffectState]int{crm.Done: c.people}, states())
			require.Len(t, sender.Messages(), c.people)
		})
	}
}
