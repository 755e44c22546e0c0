package messaging_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
)

// slowed is a provider that keeps its callers waiting: each call says which message
// arrived, and returns when it is told what to answer. It knows ids when asked.
type slowed struct {
	arrived chan crm.EffectID
	answer  chan crm.Receipt
	got     map[crm.EffectID]int
}

func newSlowed(got map[crm.EffectID]int) *slowed {
	return &slowed{make(chan crm.EffectID), make(chan crm.Receipt), got}
}

func (*slowed) MaxBatch() int { return 1 }

func (h *slowed) Send(_ context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	id := batch[0].ID
	h.got[id]++ // one caller at a time has the turn
	h.arrived <- id
	r := <-h.answer
	r.ID = id
	return []crm.Receipt{r}, nil
}

func (h *slowed) Reconcile(_ context.Context, ids []crm.EffectID) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(ids))
	for i, id := range ids {
		out[i] = crm.Receipt{ID: id, Status: crm.Throttled}
		if h.got[id] > 0 {
			out[i].Status = crm.Uncertain // it may have arrived
		}
	}
	return out, nil
}

// fenced are two processes: the first has claimed n messages and handed over one
// of them, without an answer yet; its leases have ended, and the second has claimed
// what is left and waits for an answer about a message, too.
type fenced struct {
	*world
	first, second *slowed
	sent          [2]crm.EffectID // the messages that they wait for
	ended         [2]chan crm.WorkStats
}

func newFenced(t *testing.T, n int, idempotent bool) *fenced {
	t.Helper()
	got := map[crm.EffectID]int{}
	f := &fenced{world: &world{now: noon}, first: newSlowed(got), second: newSlowed(got)}
	f.store = memstore.NewAt(func() time.Time { return f.now })
	effects := make([]*crm.Effect, n)
	for i := range effects {
		effects[i] = planned(i)
	}
	require.NoError(t, f.store.Update(t.Context(), func(tx crm.Tx) error {
		_, err := tx.PutEffects(t.Context(), effects...)
		return err
	}))
	run := func(who int, h *slowed) {
		var sender messaging.Sender = h
		if idempotent {
			sender = recognises{h}
		}
		now := f.now
		o := &messaging.Outbox{Store: f.store, Sender: sender, Guard: guard, Render: render, Lease: time.Minute, Now: func() time.Time { return now }}
		f.ended[who] = make(chan crm.WorkStats, 1)
		go func() {
			s, err := o.RunOnce(t.Context())
			assert.NoError(t, err)
			f.ended[who] <- s
		}()
		f.sent[who] = <-h.arrived
	}
	run(0, f.first)
	f.now = f.now.Add(2 * time.Minute)
	run(1, f.second)
	return f
}

// recognises is a provider that recognises ids besides.
type recognises struct{ *slowed }

func (recognises) Idempotent() bool { return true }

func (f *fenced) stored(t *testing.T, id crm.EffectID) *crm.Effect {
	t.Helper()
	var e *crm.Effect
	require.NoError(t, f.store.View(t.Context(), func(r crm.Reader) error {
		got, err := r.Effects(t.Context(), id)
		e = got[0]
		return err
	}))
	return e
}

// Case A2: a process whose claims another one has taken over, and has not sent
// yet, hands none of them to the provider: they are sent, and under a lease that
// lasts, as its own would be, but their Rev is another.
func TestOutboxLeavesClaimsThatWereTakenOver(t *testing.T) {
	f := newFenced(t, 3, false)
	require.NotEqual(t, f.sent[0], f.sent[1])
	f.first.answer <- crm.Receipt{Status: crm.Accepted}
	s := <-f.ended[0] // it ends without another call
	assert.Equal(t, 2, s.Conflicts)
	f.second.answer <- crm.Receipt{Status: crm.Accepted}
	<-f.second.arrived
	f.second.answer <- crm.Receipt{Status: crm.Accepted}
	<-f.ended[1]
	assert.Len(t, f.first.got, 3)
	for id, n := range f.first.got {
		assert.Equal(t, 1, n, "%s was handed over twice", id)
	}
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 3}, f.states(t))
}

// Case A2: that the provider did not take a message from a process counts for
// nothing when another one has taken it over and has just handed it to the provider
// again: it must not be planned, or a third one would send it at the same time.
func TestOutboxAnswersForItsOwnClaimAlone(t *testing.T) {
	f := newFenced(t, 1, true)
	require.Equal(t, f.sent[0], f.sent[1])
	before := f.stored(t, f.sent[0])
	f.first.answer <- crm.Receipt{Status: crm.Throttled}
	s := <-f.ended[0]
	assert.Equal(t, 1, s.Conflicts)
	assert.Equal(t, before, f.stored(t, f.sent[0]))
	f.second.answer <- crm.Receipt{Status: crm.Accepted}
	<-f.ended[1]
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 1}, f.states(t))
}
