package vefa_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// TestSentSeesTheBatch: a rule's guard or cancel_on over Sent sees what left
// before it in the same batch, so how messages are cut into batches changes nothing.
func TestSentSeesTheBatch(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		one, two crm.EffectState
	}{
		"guard": {`
rules:
  - {name: one, when: Orders >= 0, guard: 'not any(Sent, .DaysAgo <= 7)', then: [{message: hello, after: 1h}]}
  - {name: two, when: Orders >= 0, guard: 'not any(Sent, .DaysAgo <= 7)', then: [{message: hallo, after: 2h}]}
`, crm.Done, crm.Withheld},
		"cancel_on": {`
rules:
  - {name: one, when: Orders >= 0, then: [{message: hello, after: 1h}]}
  - {name: two, when: Orders >= 0, cancel_on: ['any(Sent, .Name == "message/hello" and .Channel == "phone" and .DaysAgo == 0)'], then: [{message: hallo, after: 2h}]}
`, crm.Done, crm.Withheld},
		"of a message that did not leave": {`
rules:
  - {name: one, when: Orders >= 0, guard: Orders > 5, then: [{message: hello, after: 1h}]}
  - {name: two, when: Orders >= 0, guard: 'not any(Sent, .DaysAgo <= 7)', then: [{message: hallo, after: 2h}]}
`, crm.Withheld, crm.Done},
	} {
		for _, batch := range []int{1, 3, 500} {
			store := memstore.New()
			w, clock := shop(t, store, c.text, func(cfg *vefa.Config) {
				cfg.Messages = append(cfg.Messages, messaging.Campaign{Name: "hallo", Text: "Hallo", Unmeasured: "a test"})
				cfg.Batch = batch
			})
			_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(4))})
			require.NoError(t, err)
			clock.Advance(3 * time.Hour)
			_, err = w.Engine.Deliver(t.Context())
			require.NoError(t, err)
			for rule, want := range map[string]crm.EffectState{"rule/one": c.one, "rule/two": c.two} {
				got := effectsOf(t, store, rule)
				require.Len(t, got, 4)
				for _, f := range got {
					require.Equal(t, want, f.State, "%s, %s, batches of %d: %v", name, rule, batch, f.Reasons)
				}
			}
		}
	}
}

// lossy is a provider that recognises ids and cannot be asked. What is handed to it
// while it loses is not taken, and there is no answer.
type lossy struct {
	took *messaging.MemorySender
	lose bool
}

func (l *lossy) MaxBatch() int    { return 10 }
func (l *lossy) Idempotent() bool { return true }
func (l *lossy) Send(ctx context.Context, b []messaging.Message) ([]crm.Receipt, error) {
	if l.lose {
		return nil, errors.New("connection lost")
	}
	return l.took.Send(ctx, b)
}

// TestSentLeavesOutTheMessageItself: a message whose answer was lost is handed over
// again, and its own guard does not count it against itself. What left before does.
func TestSentLeavesOutTheMessageItself(t *testing.T) {
	store, sender := memstore.New(), &lossy{messaging.NewMemorySender(nil), true}
	w, clock := shop(t, store, "rules: [{name: one, when: Orders >= 0, guard: 'not any(Sent, .DaysAgo <= 7)', then: [{message: hello}, {message: hallo, after: 1d}]}]", func(c *vefa.Config) {
		c.Messages = append(c.Messages, messaging.Campaign{Name: "hallo", Text: "Hallo", Unmeasured: "a test"})
		c.Sender = sender
	})
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(1))})
	require.NoError(t, err)
	states := func() map[crm.EffectState]int {
		out := map[crm.EffectState]int{}
		for _, f := range effectsOf(t, store, "rule/one") {
			out[f.State]++
		}
		return out
	}
	require.Equal(t, map[crm.EffectState]int{crm.Unknown: 1, crm.Planned: 1}, states())
	sender.lose = false
	clock.Advance(time.Hour)
	_, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[crm.EffectState]int{crm.Done: 1, crm.Planned: 1}, states())
	require.Len(t, sender.took.Messages(), 1)
	clock.Advance(25 * time.Hour)
	_, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[crm.EffectState]int{crm.Done: 1, crm.Withheld: 1}, states())
}
