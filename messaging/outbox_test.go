package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
)

var noon = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

func phone(i int) crm.Address {
	return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", i)}
}

func planned(i int) *crm.Effect {
	s := crm.OfAddress(phone(i))
	return &crm.Effect{ID: crmtest.EffectID("campaign/spring", s, crm.FactKey{}, ""), Kind: crm.EffectMessage, Cause: "campaign/spring",
		Subject: s, Due: noon, State: crm.Planned, Created: noon, Changed: noon}
}

func render(_ context.Context, _ crm.Tx, e *crm.Effect) (messaging.Message, error) {
	return messaging.Message{To: e.Subject.Address, From: "VEFA", Text: "Merhaba"}, nil
}

// guard lets everything go that no ticket or suppression stops.
func guard(ctx context.Context, tx crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
	addrs := make([]crm.Address, len(effects))
	for i, e := range effects {
		addrs[i] = e.To
	}
	states, err := tx.Addresses(ctx, addrs...)
	if err != nil {
		return nil, err
	}
	out := make([]messaging.Verdict, len(effects))
	for i, s := range states {
		out[i] = messaging.Check(messaging.Candidate{Address: s, Class: consent.Transactional}, noon)
	}
	return out, nil
}

type world struct {
	store  *memstore.Store
	now    time.Time
	outbox *messaging.Outbox
}

func newWorld(t testing.TB, n int, sender messaging.Sender) *world {
	t.Helper()
	w := &world{now: noon}
	w.store = memstore.NewAt(func() time.Time { return w.now })
	effects := make([]*crm.Effect, n)
	for i := range effects {
		effects[i] = planned(i)
	}
	require.NoError(t, w.store.Update(t.Context(), func(tx crm.Tx) error {
		_, err := tx.PutEffects(t.Context(), effects...)
		return err
	}))
	w.outbox = &messaging.Outbox{Store: w.store, Sender: sender, Guard: guard, Render: render, Now: func() time.Time { return w.now }}
	return w
}

func (w *world) states(t testing.TB) map[crm.EffectState]int {
	t.Helper()
	out := map[crm.EffectState]int{}
	require.NoError(t, w.store.View(t.Context(), func(r crm.Reader) error {
		all, err := r.ScanEffects(t.Context(), crm.PartRange{}, "", 1_000_000)
		for _, e := range all {
			out[e.State]++
		}
		return err
	}))
	return out
}

func (w *world) effect(t testing.TB, i int) *crm.Effect {
	t.Helper()
	var e *crm.Effect
	require.NoError(t, w.store.View(t.Context(), func(r crm.Reader) error {
		got, err := r.Effects(t.Context(), planned(i).ID)
		e = got[0]
		return err
	}))
	return e
}

func TestOutboxSends(t *testing.T) {
	sender := messaging.NewMemorySender(nil)
	w := newWorld(t, 1200, sender)
	s, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 1200, Claimed: 1200, Done: 1200}, s)
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 1200}, w.states(t))
	assert.Len(t, sender.Messages(), 1200)
	e := w.effect(t, 7)
	assert.Equal(t, phone(7), e.To)
	assert.Equal(t, noon, e.SentAt)
	assert.Equal(t, []crm.GuardRead{{Record: messaging.RecordAddress}}, e.Guards)
	s, err = w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Zero(t, s, "nothing is left")
}

// wordy is a sender of the host whose answers are as long as a page of HTML.
type wordy struct{}

func (wordy) Send(_ context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	for i, m := range batch {
		out[i] = crm.Receipt{ID: m.ID, Status: crm.Declined, Provider: strings.Repeat("p", 1<<20), Reason: strings.Repeat("ğ", 1<<20)}
	}
	return out, nil
}

// TestOutboxBoundsWhatHostsSay keeps of a host's texts what a person reads.
func TestOutboxBoundsWhatHostsSay(t *testing.T) { // Case H10
	w := newWorld(t, 2, wordy{})
	w.outbox.Render = func(ctx context.Context, tx crm.Tx, e *crm.Effect) (messaging.Message, error) {
		if e.ID == planned(0).ID {
			return messaging.Message{}, fmt.Errorf("%w: %s", messaging.ErrUnrenderable, strings.Repeat("\xff", 1<<20))
		}
		return render(ctx, tx, e)
	}
	_, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	for i := range 2 {
		e := w.effect(t, i)
		assert.Equal(t, crm.Failed, e.State)
		note := e.Reasons[len(e.Reasons)-1].Note
		assert.NotEmpty(t, note)
		assert.LessOrEqual(t, len(note), 1024)
		assert.True(t, utf8.ValidString(note))
	}
}

// broken is a sender whose every call fails.
type broken struct{}

func (broken) Send(context.Context, []messaging.Message) ([]crm.Receipt, error) {
	return nil, errors.New("401 bad credentials")
}

// What a sender failed with stands in the log and at the messages whose fate it
// leaves open.
func TestOutboxSaysWhatTheSenderFailedWith(t *testing.T) {
	w := newWorld(t, 1, broken{})
	var log strings.Builder
	w.outbox.Logger = slog.New(slog.NewTextHandler(&log, nil))
	_, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	e := w.effect(t, 0)
	assert.Equal(t, crm.Unknown, e.State)
	assert.Contains(t, e.Reasons[len(e.Reasons)-1].Note, "401 bad credentials")
	assert.Contains(t, log.String(), "401 bad credentials")
}

func TestOutboxAsksTheGuardAgain(t *testing.T) {
	sender := messaging.NewMemorySender(nil)
	w := newWorld(t, 3, sender)
	require.NoError(t, w.store.Update(t.Context(), func(tx crm.Tx) error {
		return tx.PutAddresses(t.Context(), &crm.AddressState{Address: phone(1), Version: 1, Suppressed: []string{"not-me"}})
	}))
	s, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 3, Claimed: 2, Done: 2, Withheld: 1}, s)
	e := w.effect(t, 1)
	assert.Equal(t, crm.Withheld, e.State)
	assert.Equal(t, crm.Reason{Guard: messaging.GuardSuppressed, Note: "not-me"}, e.Reasons[0])
}

func TestOutboxAnswers(t *testing.T) {
	answers := map[crm.EffectID]crm.Receipt{
		planned(0).ID: {Status: crm.Declined, Reason: "no such number"},
		planned(1).ID: {Status: crm.Throttled, After: time.Hour},
		planned(2).ID: {Status: crm.Uncertain},
	}
	sender := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		if r, ok := answers[m.ID]; ok {
			delete(answers, m.ID)
			return r
		}
		return crm.Receipt{Status: crm.Accepted}
	})
	w := newWorld(t, 4, sender)
	s, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 4, Claimed: 4, Done: 1, Failed: 1, Throttled: 1, Unknown: 1}, s)
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 1, crm.Failed: 1, crm.Planned: 1, crm.Unknown: 1}, w.states(t))
	assert.Equal(t, noon.Add(time.Hour), w.effect(t, 1).Due)
	w.now = noon.Add(2 * time.Hour)
	s, err = w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 3, crm.Failed: 1}, w.states(t))
	assert.Equal(t, noon, w.effect(t, 2).SentAt, "reconciled, not sent again")
	assert.Len(t, sender.Messages(), 3)
	assert.Zero(t, sender.Repeats())
	assert.Equal(t, 2, s.Due)
}

// dumb is a provider that neither recognises ids nor can be asked.
type dumb struct {
	fail error
	sent int
}

func (d *dumb) Send(_ context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	d.sent += len(batch)
	if d.fail != nil {
		return nil, d.fail
	}
	out := make([]crm.Receipt, len(batch))
	for i, m := range batch {
		out[i] = crm.Receipt{ID: m.ID, Status: crm.Accepted}
	}
	return out, nil
}

func TestOutboxNeverRepeatsToAPlainSender(t *testing.T) {
	sender := &dumb{fail: errors.New("connection lost")}
	w := newWorld(t, 5, sender)
	s, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 5, s.Unknown)
	sender.fail = nil
	w.now = noon.Add(48 * time.Hour)
	s, err = w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Zero(t, s)
	assert.Equal(t, map[crm.EffectState]int{crm.Unknown: 5}, w.states(t))
	assert.Equal(t, 5, sender.sent)
}

// crashing is a store whose Update fails after some, as if the process had been killed.
type crashing struct {
	crm.Store
	after int
}

func (c *crashing) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if c.after--; c.after < 0 {
		return errors.New("killed")
	}
	return c.Store.Update(ctx, fn)
}

func TestOutboxResumes(t *testing.T) {
	for _, c := range []struct {
		name    string
		sender  messaging.Sender
		updates int
		states  map[crm.EffectState]int
	}{
		{"idempotent", messaging.NewMemorySender(nil), 1, map[crm.EffectState]int{crm.Done: 5}}, // the claim, and no answers
		{"plain, not handed over", &dumb{}, 1, map[crm.EffectState]int{crm.Planned: 5}},
		{"plain, some handed over", &dumb{}, 2, map[crm.EffectState]int{crm.Unknown: 4, crm.Planned: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 5, c.sender)
			w.outbox.Store = &crashing{Store: w.store, after: c.updates}
			_, err := w.outbox.RunOnce(t.Context())
			require.ErrorContains(t, err, "killed")
			assert.Equal(t, map[crm.EffectState]int{crm.Sent: 5}, w.states(t))

			again := &messaging.Outbox{Store: w.store, Sender: c.sender, Guard: guard, Render: render, Now: func() time.Time { return w.now }}
			s, err := again.RunOnce(t.Context())
			require.NoError(t, err)
			assert.Zero(t, s, "the lease still runs")
			s, err = again.Resume(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 5, s.Due)
			assert.Equal(t, c.states, w.states(t))
			if d, ok := c.sender.(*dumb); ok {
				assert.Equal(t, c.states[crm.Unknown], d.sent, "what was handed over, and nothing else, is unknown")
				_, err = again.Drain(t.Context())
				require.NoError(t, err)
				assert.Equal(t, 5, d.sent)
				assert.Equal(t, c.states[crm.Planned], w.states(t)[crm.Done])
			}
			if m, ok := c.sender.(*messaging.MemorySender); ok {
				assert.Len(t, m.Messages(), 5)
				assert.Zero(t, m.Repeats(), "asked, not sent again")
			}
		})
	}
}

// repeats recognises ids but cannot be asked.
type repeats struct{ m *messaging.MemorySender }

func (r repeats) Send(ctx context.Context, b []messaging.Message) ([]crm.Receipt, error) {
	return r.m.Send(ctx, b)
}
func (repeats) Idempotent() bool { return true }

func TestOutboxSendsAgainUnderTheSameID(t *testing.T) {
	m := messaging.NewMemorySender(nil)
	w := newWorld(t, 4, repeats{m})
	w.outbox.Store = &crashing{Store: w.store, after: 1}
	_, err := w.outbox.RunOnce(t.Context())
	require.Error(t, err)
	w.outbox = &messaging.Outbox{Store: w.store, Sender: repeats{m}, Guard: guard, Render: render, Now: func() time.Time { return w.now }}
	// Meanwhile one of them asked for silence: that one is not sent again.
	require.NoError(t, w.store.Update(t.Context(), func(tx crm.Tx) error {
		return tx.PutAddresses(t.Context(), &crm.AddressState{Address: phone(2), Version: 1, Suppressed: []string{"not-me"}})
	}))
	w.now = noon.Add(time.Hour)
	s, err := w.outbox.RunOnce(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 4, Done: 3, Resent: 3, Unknown: 1}, s)
	assert.Equal(t, 3, m.Repeats())
	assert.Len(t, m.Messages(), 4)
	assert.Equal(t, crm.Unknown, w.effect(t, 2).State)
}

// A message of unknown fate does not go to another phone under its id: where the
// customer has another one by then it stays unknown, at the phone that it was
// sent to.
func TestOutboxSendsAgainToTheSameAddress(t *testing.T) {
	m := messaging.NewMemorySender(nil)
	w := newWorld(t, 2, repeats{m})
	w.outbox.Store = &crashing{Store: w.store, after: 1}
	_, err := w.outbox.RunOnce(t.Context())
	require.ErrorContains(t, err, "killed")
	w.outbox = &messaging.Outbox{Store: w.store, Sender: repeats{m}, Guard: guard, Now: func() time.Time { return w.now },
		Render: func(ctx context.Context, tx crm.Tx, e *crm.Effect) (messaging.Message, error) {
			out, err := render(ctx, tx, e)
			if e.ID == planned(1).ID {
				out.To = phone(9)
			}
			return out, err
		}}
	w.now = noon.Add(time.Hour)
	s, err := w.outbox.RunOnce(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 2, Done: 1, Resent: 1, Unknown: 1}, s)
	assert.Equal(t, 1, m.Repeats())
	for _, took := range m.Messages() {
		assert.NotEqual(t, phone(9), took.To)
	}
	e := w.effect(t, 1)
	assert.Equal(t, crm.Unknown, e.State)
	assert.Equal(t, phone(1), e.To)
	assert.Contains(t, e.Reasons[len(e.Reasons)-1].Note, "another address")
}

func TestOutboxDefersAndFails(t *testing.T) {
	w := newWorld(t, 3, messaging.NewMemorySender(nil))
	w.outbox.Guard = func(_ context.Context, _ crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
		out := make([]messaging.Verdict, len(effects))
		for i, e := range effects {
			out[i].Outcome = messaging.Send
			if e.ID == planned(0).ID {
				out[i] = messaging.Verdict{Outcome: messaging.Defer, Guard: messaging.GuardQuiet, NotBefore: noon.Add(21 * time.Hour)}
			}
		}
		return out, nil
	}
	w.outbox.Render = func(ctx context.Context, tx crm.Tx, e *crm.Effect) (messaging.Message, error) {
		if e.ID == planned(1).ID {
			return messaging.Message{}, fmt.Errorf("%w: no text", messaging.ErrUnrenderable)
		}
		return render(ctx, tx, e)
	}
	s, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 3, Claimed: 1, Done: 1, Deferred: 1, Failed: 1}, s)
	assert.Equal(t, noon.Add(21*time.Hour), w.effect(t, 0).Due)
}

func TestOutboxRefusesBadParts(t *testing.T) {
	_, err := (&messaging.Outbox{}).RunOnce(t.Context())
	require.ErrorContains(t, err, "Outbox.Guard must be set")
	w := newWorld(t, 2, messaging.NewMemorySender(nil))
	w.outbox.Guard = func(context.Context, crm.Tx, []*crm.Effect) ([]messaging.Verdict, error) { return nil, nil }
	_, err = w.outbox.RunOnce(t.Context())
	require.ErrorContains(t, err, "answered 0 of 2")
	assert.Equal(t, map[crm.EffectState]int{crm.Planned: 2}, w.states(t))
}

// Many workers over one store: every message leaves exactly once.
func TestOutboxWorkers(t *testing.T) {
	sender := messaging.NewMemorySender(nil)
	w := newWorld(t, 2000, sender)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			o := &messaging.Outbox{Store: w.store, Sender: sender, Guard: guard, Render: render, Batch: 100,
				Now: func() time.Time { return noon }, Parts: crm.PartRange{Lo: crm.Part(i%2) * 512, Hi: crm.Part(i%2)*512 + 512}}
			_, err := o.Drain(t.Context())
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 2000}, w.states(t))
	assert.Len(t, sender.Messages(), 2000)
	assert.Zero(t, sender.Repeats())
}

func BenchmarkOutbox(b *testing.B) {
	sender := messaging.NewMemorySender(nil)
	const n = 20000
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b, n, sender)
		w.outbox.Sender = &dumb{}
		b.StartTimer()
		_, err := w.outbox.Drain(b.Context())
		require.NoError(b, err)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "effects/s")
}

// stopping takes two messages at a time and stops the host after the first two.
type stopping struct {
	*messaging.MemorySender
	stop context.CancelFunc
}

func (stopping) MaxBatch() int { return 2 }

func (s stopping) Send(ctx context.Context, b []messaging.Message) ([]crm.Receipt, error) {
	defer s.stop()
	return s.MemorySender.Send(ctx, b)
}

func TestOutboxStopsBetweenBatches(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	m := messaging.NewMemorySender(nil)
	w := newWorld(t, 5, stopping{m, stop})
	_, err := w.outbox.RunOnce(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 2, crm.Planned: 3}, w.states(t), "answers are kept, the rest is due as before")
	w.outbox.Sender = m
	s, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 3, Claimed: 3, Done: 3}, s)
	_, err = w.outbox.RunOnce(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// A message that never reached the provider before the process died is planned
// again when a guard refuses it now, and withheld with the guard's reasons.
func TestOutboxResumeWithholds(t *testing.T) {
	m := messaging.NewMemorySender(nil)
	w := newWorld(t, 2, &dumb{})
	w.outbox.Store = &crashing{Store: w.store, after: 1}
	_, err := w.outbox.RunOnce(t.Context()) // m has never seen them
	require.Error(t, err)
	require.NoError(t, w.store.Update(t.Context(), func(tx crm.Tx) error {
		return tx.PutAddresses(t.Context(), &crm.AddressState{Address: phone(1), Version: 1, Suppressed: []string{"not-me"}})
	}))
	o := &messaging.Outbox{Store: w.store, Sender: m, Guard: guard, Render: render, Now: func() time.Time { return w.now }}
	s, err := o.Resume(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 2, Done: 1, Resent: 1, Throttled: 1}, s)
	s, err = o.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 1, Withheld: 1}, s)
	assert.Equal(t, crm.GuardRead{Record: messaging.RecordAddress}, w.effect(t, 0).Guards[0])
	assert.Len(t, m.Messages(), 1)
}

// A process that is killed again and again while the provider has the batch
// uses up nothing: only the provider's own "not now" counts.
func TestOutboxOutlivesKills(t *testing.T) {
	for _, c := range []struct {
		name   string
		sender messaging.Sender
	}{
		{"before the provider got it", &dumb{fail: errors.New("killed")}},
		{"while it answered", messaging.NewMemorySender(func(messaging.Message) crm.Receipt {
			return crm.Receipt{Status: crm.Throttled, After: time.Minute}
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3, c.sender)
			w.outbox.MaxAttempts = 3
			for range 25 {
				w.outbox.Store = &crashing{Store: w.store, after: 1}
				_, err := w.outbox.RunOnce(t.Context())
				require.ErrorContains(t, err, "killed")
				w.now = w.now.Add(48 * time.Hour)
			}
			assert.Zero(t, w.effect(t, 0).Attempts)
			w.outbox.Store, w.outbox.Sender = w.store, messaging.NewMemorySender(nil)
			_, err := w.outbox.Drain(t.Context())
			require.NoError(t, err)
			assert.Equal(t, map[crm.EffectState]int{crm.Done: 3}, w.states(t))
		})
	}
}

// unsure never hears an answer and cannot be asked, but recognises ids.
type unsure struct{ *dumb }

func (unsure) Idempotent() bool { return true }

func TestOutboxGivesUpOnThrottlingAlone(t *testing.T) {
	line := unsure{&dumb{fail: errors.New("connection lost")}}
	w := newWorld(t, 1, line)
	w.outbox.MaxAttempts = 3
	var waits []time.Duration
	for range 12 { // the line is dead for days
		_, err := w.outbox.Drain(t.Context())
		require.NoError(t, err)
		e := w.effect(t, 0)
		require.Equal(t, crm.Unknown, e.State)
		waits = append(waits, e.Lease.Sub(w.now))
		w.now = e.Lease.Add(time.Microsecond)
	}
	assert.Equal(t, 5*time.Minute, waits[0].Round(time.Second))
	assert.Equal(t, 10*time.Minute, waits[1].Round(time.Second))
	assert.Equal(t, 20*time.Minute, waits[2].Round(time.Second))
	assert.Equal(t, 24*time.Hour, waits[11])

	busy := 0
	sender := messaging.NewMemorySender(func(messaging.Message) crm.Receipt {
		busy++
		return crm.Receipt{Status: crm.Throttled, Reason: "busy"}
	})
	w.outbox.Sender = sender
	for range 10 {
		_, err := w.outbox.Drain(t.Context())
		require.NoError(t, err)
		w.now = w.now.Add(24 * time.Hour)
	}
	e := w.effect(t, 0)
	assert.Equal(t, crm.Failed, e.State)
	assert.Equal(t, 3, busy)
	assert.Equal(t, 3, e.Attempts)
	assert.Contains(t, e.Reasons[len(e.Reasons)-1].Note, "given up after 3 attempts")
}

// A provider that cannot be reached for days loses no message.
func TestOutboxOutlivesAnOutage(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	gone := server.URL
	server.Close()
	line, err := messaging.NewHTTPSender(messaging.HTTPConfig{URL: gone, Repeats: true})
	require.NoError(t, err)
	w := newWorld(t, 3, line)
	for range 30 {
		s, err := w.outbox.Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, s.Throttled)
		require.Equal(t, w.now.Add(5*time.Minute), w.effect(t, 0).Due)
		w.now = w.now.Add(4 * time.Hour)
	}
	w.outbox.Sender = messaging.NewMemorySender(nil)
	_, err = w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[crm.EffectState]int{crm.Done: 3}, w.states(t))
}
