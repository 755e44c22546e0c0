package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
)

// slow is a provider that takes its time over each message, by a clock that it
// moves itself, and knows ids when it is asked, but takes a repeated one again.
type slow struct {
	each time.Duration
	// meanwhile, if set, is called while the provider has a message.
	meanwhile func(id crm.EffectID)
	answer    func(id crm.EffectID) error // of the whole call; nil: all is well

	mu      sync.Mutex
	now     time.Time
	arrived map[crm.EffectID]int
	calls   []int
}

func (p *slow) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *slow) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

func (p *slow) Send(_ context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	var fault error
	p.calls = append(p.calls, len(batch))
	for i, m := range batch {
		p.pass(p.each)
		if p.meanwhile != nil {
			p.meanwhile(m.ID)
		}
		p.mu.Lock()
		p.arrived[m.ID]++
		p.mu.Unlock()
		out[i] = crm.Receipt{ID: m.ID, Status: crm.Accepted}
		if p.answer != nil {
			fault = errors.Join(fault, p.answer(m.ID))
		}
	}
	return out, fault
}

// asked is slow, and can be asked what became of a message.
type asked struct{ *slow }

func (p asked) Reconcile(_ context.Context, ids []crm.EffectID) ([]crm.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]crm.Receipt, len(ids))
	for i, id := range ids {
		out[i] = crm.Receipt{ID: id, Status: crm.Throttled}
		if p.arrived[id] > 0 {
			out[i].Status = crm.Accepted
		}
	}
	return out, nil
}

// queue returns outboxes over one store with n messages, whose leases go by the
// provider's clock, each with a clock of its own that is wrong by an offset.
func queue(t *testing.T, n int, p *slow, sender messaging.Sender, offsets ...time.Duration) (*world, []*messaging.Outbox) {
	t.Helper()
	p.now, p.arrived = noon, map[crm.EffectID]int{}
	w := &world{now: noon, store: memstore.NewAt(p.clock)}
	effects := make([]*crm.Effect, n)
	for i := range effects {
		effects[i] = planned(i)
		effects[i].Due = noon.AddDate(0, 0, -2)
	}
	require.NoError(t, w.store.Update(t.Context(), func(tx crm.Tx) error {
		_, err := tx.PutEffects(t.Context(), effects...)
		return err
	}))
	var all []*messaging.Outbox
	for _, off := range offsets {
		all = append(all, &messaging.Outbox{Store: w.store, Sender: sender, Guard: guard, Render: render, Lease: 20 * time.Second,
			Now: func() time.Time { return p.clock().Add(off) }})
	}
	return w, all
}

func (p *slow) once(t *testing.T, n int) {
	t.Helper()
	require.Len(t, p.arrived, n)
	for id, k := range p.arrived {
		require.Equal(t, 1, k, id)
	}
}

// Case A2: while one process sends, slower than its lease lasts, another one
// looks for leases that have ended after each message, and its clock is wrong.
func TestOutboxSlowProvider(t *testing.T) {
	for _, off := range []time.Duration{0, -time.Hour, 24 * time.Hour} {
		for _, knows := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, can be asked: %v", off, knows), func(t *testing.T) {
				p := &slow{each: time.Second}
				var sender messaging.Sender = p
				if knows {
					sender = asked{p}
				}
				w, boxes := queue(t, 120, p, sender, 0, off)
				inside := false
				p.meanwhile = func(crm.EffectID) {
					if inside {
						return
					}
					inside = true
					_, err := boxes[1].RunOnce(t.Context())
					require.NoError(t, err)
					inside = false
				}
				_, err := boxes[0].Drain(t.Context())
				require.NoError(t, err)
				p.once(t, 120)
				assert.Equal(t, map[crm.EffectState]int{crm.Done: 120}, w.states(t), "accepted, and known to be")
			})
		}
	}
}

// Case A2: no more is claimed than leaves in a fraction of the lease, and a
// quick provider gets full batches nevertheless.
func TestOutboxPace(t *testing.T) {
	p := &slow{each: time.Second}
	w, boxes := queue(t, 60, p, p, 0)
	most := 0
	p.meanwhile = func(crm.EffectID) { most = max(most, w.states(t)[crm.Sent]) }
	_, err := boxes[0].Drain(t.Context())
	require.NoError(t, err)
	assert.LessOrEqual(t, most, 16)
	assert.Equal(t, 1, p.calls[len(p.calls)-1], "20 s for 16 pieces: one at a time")

	p = &slow{each: time.Microsecond}
	_, boxes = queue(t, 4000, p, p, 0)
	_, err = boxes[0].Drain(t.Context())
	require.NoError(t, err)
	assert.Contains(t, p.calls, 500)
	assert.Less(t, len(p.calls), 30)
	p.once(t, 4000)
}

// Case A2: a process that was asleep after it had claimed does not send what
// another one has taken over meanwhile.
func TestOutboxFenced(t *testing.T) {
	p := &slow{}
	w, boxes := queue(t, 8, p, asked{p}, 0, 0)
	first := true
	boxes[0].Store = &between{Store: w.store, view: func() {
		states := w.states(t)
		if !first || states[crm.Sent] == 0 {
			return
		}
		first = false
		p.pass(time.Minute) // past the lease, before anything was handed over
		_, err := boxes[1].Drain(t.Context())
		require.NoError(t, err)
	}}
	s, err := boxes[0].Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 8, s.Conflicts)
	p.once(t, 8)
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 8}, w.states(t))
}

// between calls a function before each view.
type between struct {
	crm.Store
	view func()
}

func (b *between) View(ctx context.Context, fn func(crm.Reader) error) error {
	b.view()
	return b.Store.View(ctx, fn)
}

// Case A2: what was accepted does not stay unknown where the provider cannot be
// asked: the answer that comes late counts, and so does a delivery report.
func TestOutboxLateReceipts(t *testing.T) {
	p := &slow{each: 30 * time.Second} // longer than the lease: the context of a call is not heeded
	w, boxes := queue(t, 3, p, p, 0, 0)
	p.meanwhile = func(crm.EffectID) {
		_, err := boxes[1].RunOnce(t.Context())
		require.NoError(t, err)
	}
	_, err := boxes[0].RunOnce(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 3}, w.states(t))
	p.once(t, 3)

	p = &slow{answer: func(crm.EffectID) error { return errors.New("answer lost") }}
	w, boxes = queue(t, 3, p, p, 0)
	_, err = boxes[0].Drain(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[crm.EffectState]int{crm.Unknown: 3}, w.states(t))
	s, err := boxes[0].Receive(t.Context(), crm.Receipt{ID: planned(0).ID, Status: crm.Accepted, Provider: "x1"},
		crm.Receipt{ID: planned(1).ID, Status: crm.Declined, Reason: "no such number"},
		crm.Receipt{ID: planned(2).ID, Status: crm.Uncertain}, crm.Receipt{ID: planned(7).ID, Status: crm.Accepted})
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Done: 1, Failed: 1, Undecided: 1, Unmatched: 1}, s)
	assert.Equal(t, map[crm.EffectState]int{crm.Unknown: 1, crm.Done: 1, crm.Failed: 1}, w.states(t))
	s, err = boxes[0].Receive(t.Context(), crm.Receipt{ID: planned(0).ID, Status: crm.Accepted, Provider: "x1"})
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Conflicts: 1}, s, "said before")
	s, err = boxes[0].Receive(t.Context(), crm.Receipt{ID: planned(0).ID, Status: crm.Accepted, Provider: "x2"})
	require.NoError(t, err)
	assert.Equal(t, 1, s.Done)
	s, err = boxes[0].Receive(t.Context(), crm.Receipt{ID: planned(2).ID, Status: "delivered"}, crm.Receipt{ID: planned(2).ID, Status: crm.Accepted}, crm.Receipt{Provider: "x9"})
	require.ErrorIs(t, err, crm.ErrInvalid)
	require.ErrorContains(t, err, `receipt 0 "`+string(planned(2).ID)+`": invalid: status "delivered" is none of "accepted", "rejected", "throttled" and "unknown"`)
	require.ErrorContains(t, err, `receipt 2 "x9": invalid: status "" is none of`)
	assert.Equal(t, crm.WorkStats{Done: 1}, s, "the others are recorded")
	reasons := w.effect(t, 0).Reasons
	assert.Equal(t, crm.Reason{Guard: crm.GuardTwice, Note: "accepted as x2"}, reasons[len(reasons)-1], "for the audit to see")
}

// Case A2: a claim that a process with a wrong clock takes over is not put off by
// as much as the clocks differ.
func TestOutboxPatienceAndClocks(t *testing.T) {
	p := &slow{answer: func(crm.EffectID) error { return errors.New("answer lost") }}
	w, boxes := queue(t, 2, p, asked{p}, -time.Hour, 24*time.Hour)
	boxes[0].Store = &crashing{Store: w.store, after: 1}
	_, err := boxes[0].RunOnce(t.Context())
	require.Error(t, err)
	p.pass(21 * time.Second)
	boxes[1].Store = &crashing{Store: w.store, after: 1}
	_, err = boxes[1].RunOnce(t.Context())
	require.Error(t, err)
	assert.Equal(t, p.now.Add(20*time.Second), w.effect(t, 0).Lease)
	p.pass(21 * time.Second)
	boxes[1].Store = w.store
	_, err = boxes[1].Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 2}, w.states(t))
	p.once(t, 2)
}

// Case A19: what the provider has not taken was not sent: it counts neither as
// sent nor as a repetition of itself.
func TestOutboxNotTakenIsNotSent(t *testing.T) {
	sender := messaging.NewMemorySender(func(messaging.Message) crm.Receipt {
		return crm.Receipt{Status: crm.Throttled, After: time.Hour}
	})
	w := newWorld(t, 1, sender)
	_, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	e := w.effect(t, 0)
	assert.Equal(t, crm.Planned, e.State)
	assert.True(t, e.SentAt.IsZero())
	assert.Empty(t, e.Guards)
}
