package vefa_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// Case A15: with pruning the record does not grow but by what happened, and says
// the same of itself.
func TestPrunedEveningsAreTheSame(t *testing.T) {
	days := 400
	if testing.Short() {
		days = 120
	}
	plain := nighttest.Evenings(t, func(now func() time.Time) crm.Store { return memstore.NewAt(now) }, days, false, nil)
	require.True(t, plain.Audit.Clean(), "%+v", plain.Audit)
	require.NoError(t, plain.FirstNight)
	var store *memstore.Store
	type size struct{ documents, bytes int }
	var sizes []size
	pruned := nighttest.Evenings(t, func(now func() time.Time) crm.Store { store = memstore.NewAt(now); return store }, days, true, func(day int) {
		if day%10 != 9 {
			return
		}
		var s size
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			s = size{}
			for _, kind := range []string{"night", "rule-reach", "answer-key", "reply"} {
				docs, err := r.ScanDocuments(t.Context(), kind, "", 10_000)
				if err != nil {
					return err
				}
				s.documents += len(docs)
			}
			for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
				if err != nil {
					return err
				}
				if f.State.Final() && f.Changed.Before(nighttest.Start.AddDate(0, 0, day).Add(-nighttest.Kept)) {
					s.bytes = max(s.bytes, len(f.Data))
				}
			}
			return nil
		}))
		sizes = append(sizes, s)
	})
	require.Equal(t, plain.Digest, pruned.Digest)
	require.Equal(t, plain.Audit, pruned.Audit)
	require.Equal(t, plain.Results, pruned.Results)
	require.ErrorIs(t, pruned.FirstNight, crm.ErrPruned, "whether it was closed is not known any more")
	t.Logf("%+v %+v", pruned.Pruned, sizes[len(sizes)-1])
	require.Positive(t, pruned.Pruned.Changes)
	require.Positive(t, pruned.Pruned.Effects)
	require.Positive(t, pruned.Pruned.Links)
	require.Positive(t, pruned.Pruned.Documents)
	settled := sizes[9] // of evening 100
	for i, s := range sizes[10:] {
		require.LessOrEqual(t, s.documents, settled.documents+10, "after %d evenings", 10*(i+11))
		require.LessOrEqual(t, s.bytes, 150, "a final effect keeps what the audit reads")
	}
}

// A consumer of the feed keeps what it has not read; dropped, it keeps nothing.
func TestPruneKeepsWhatACursorHasNotRead(t *testing.T) {
	store := memstore.New()
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	svc := crm.New(store, crm.Config{Now: clock.Now})
	_, err := svc.Import(t.Context(), nighttest.People(20))
	require.NoError(t, err)
	seen := 0
	slow := &crm.Feed{Store: store, Consumer: "slow", Batch: 5, Handler: func(_ context.Context, _ crm.Tx, cs []crm.Change) error { seen += len(cs); return nil }}
	_, err = slow.RunOnce(t.Context())
	require.NoError(t, err)
	clock.Set(time.Now().AddDate(1, 0, 0)) // the store's clock is another
	later := clock.Now().Add(-time.Hour)
	got, err := svc.Prune(t.Context(), later)
	require.NoError(t, err)
	require.Equal(t, 5, got.Changes)
	for n := 1; n > 0; {
		n, err = slow.RunOnce(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, 80, seen, "nothing was lost")
	fast := &crm.Feed{Store: store, Consumer: "new", Handler: slow.Handler}
	_, err = fast.RunOnce(t.Context())
	require.ErrorIs(t, err, crm.ErrPruned, "what is gone is not passed over")
	got, err = svc.Prune(t.Context(), later)
	require.NoError(t, err)
	require.Equal(t, 75, got.Changes)
	_, err = svc.Prune(t.Context(), clock.Now().Add(time.Hour))
	require.ErrorIs(t, err, crm.ErrInvalid)
}

// Another process prunes what an engine that was idle has not read: it reads
// everybody again.
func TestPrunedUnderAnIdleEngine(t *testing.T) {
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	store := memstore.NewAt(clock.Now)
	idle, busy := nighttest.New(t, store, clock, nil), nighttest.New(t, store, clock, nil)
	_, err := idle.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	clock.Set(nighttest.Start.AddDate(0, 1, 0))
	_, err = busy.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(5))})
	require.NoError(t, err)
	clock.Advance(time.Hour)
	got, err := busy.Engine.Prune(t.Context(), clock.Now())
	require.NoError(t, err)
	require.Positive(t, got.Changes)
	clock.Set(nighttest.Start.AddDate(0, 1, 1))
	at := clock.Now()
	b := crm.Batch{Facts: []*crm.Fact{nighttest.Order(4, "new", at.Add(-time.Hour))}}
	_, err = idle.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	clock.Set(nighttest.Start.AddDate(0, 1, 3))
	_, err = idle.Engine.Deliver(t.Context())
	require.NoError(t, err)
	to := map[crm.Address]bool{}
	for _, m := range idle.Sender.Messages() {
		to[m.To] = true
	}
	require.True(t, to[nighttest.Phone(4)], "whom the other process brought is known")
}

// What ended after the instant stays as it is, and so do links of messages whose
// survey or "not me" is open, however late the instant.
func TestPruneLeavesWhatIsOpen(t *testing.T) {
	in := newInstallation(t)
	shop := in.open(nighttest.Keys())
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(3))
	require.NoError(t, err)
	in.evening(shop, 0, 1)
	f := anySent(in.effects(), "rule/survey")
	tracked, page, err := shop.Engine.Links(f)
	require.NoError(t, err)
	h := shop.Engine.Handler()
	before := in.effects()
	in.clock.Set(nighttest.Start.AddDate(0, 0, 29))
	got, err := shop.Engine.Prune(t.Context(), nighttest.Start.Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, got.Effects+got.Links, "nothing had ended by then")
	require.Equal(t, before, in.effects())
	got, err = shop.Engine.Prune(t.Context(), in.clock.Now())
	require.NoError(t, err)
	require.Positive(t, got.Effects)
	require.Zero(t, got.Links, "all are open")
	require.Equal(t, http.StatusFound, get(h, path(tracked)).Code)
	require.Equal(t, http.StatusOK, get(h, path(page)).Code)
	in.clock.Set(f.SentAt.AddDate(0, 0, 31))
	got, err = shop.Engine.Prune(t.Context(), in.clock.Now())
	require.NoError(t, err)
	require.Positive(t, got.Links)
	require.Equal(t, http.StatusNotFound, get(h, path(page)).Code)
}

// An evening that was begun and not closed can be ended after any prune: its report
// stays until it is closed.
func TestPruneKeepsEveningsThatAreOpen(t *testing.T) {
	in := newInstallation(t)
	shop := in.open(nighttest.Keys())
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(3))
	require.NoError(t, err)
	stopped := errors.New("stopped")
	day := nighttest.Start.Format(time.DateOnly)
	_, err = shop.Engine.Night(t.Context(), vefa.Night{Day: day, Source: func(context.Context) iter.Seq2[crm.Batch, error] {
		return func(yield func(crm.Batch, error) bool) { yield(crm.Batch{}, stopped) }
	}})
	require.ErrorIs(t, err, stopped)
	in.evening(shop, 1, 2)
	days := func() (out []string) {
		require.NoError(t, in.store.View(t.Context(), func(r crm.Reader) error {
			out = nil
			for rep, err := range vefa.Nights(t.Context(), r) {
				require.NoError(t, err)
				out = append(out, rep.Day)
			}
			return nil
		}))
		return out
	}
	in.clock.Set(nighttest.Start.AddDate(0, 3, 0))
	_, err = shop.Engine.Prune(t.Context(), nighttest.Start.AddDate(0, 2, 0))
	require.NoError(t, err)
	require.Equal(t, []string{day}, days())
	rep, err := shop.Engine.Night(t.Context(), vefa.Night{Day: day})
	require.NoError(t, err)
	require.True(t, rep.Closed)
	_, err = shop.Engine.Prune(t.Context(), nighttest.Start.AddDate(0, 2, 0))
	require.NoError(t, err)
	_, err = shop.Engine.Night(t.Context(), vefa.Night{Day: day})
	require.ErrorIs(t, err, crm.ErrPruned, "it was closed")
}

// What answers to customers said goes with the rest, and a response that is given again sends
// nothing.
func TestPruneForgetsWhatWasAnswered(t *testing.T) {
	c := newCounter(t, nil)
	ctx := t.Context()
	ref, _ := c.writes(nighttest.Phone(0), chat, "w1", "Where is my watch?")
	said := vefa.Response{ID: "r1", To: ref, Actor: "ayse", Text: "Dear Ada, it is at the shop in Moda"}
	f, err := c.Engine.Respond(ctx, said)
	require.NoError(t, err)
	require.Equal(t, 1, c.deliver().Done)
	c.Clock.Advance(90 * 24 * time.Hour)
	for _, want := range []int{1, 0} {
		n, err := c.Engine.Prune(ctx, c.Clock.Now().AddDate(0, 0, -30))
		require.NoError(t, err)
		require.Equal(t, want, n.Effects)
		require.NoError(t, c.store.View(ctx, func(r crm.Reader) error {
			found, err := r.Effects(ctx, f.ID)
			require.NotContains(t, string(found[0].Data), "Moda")
			require.Contains(t, string(found[0].Data), "ayse")
			return err
		}))
	}
	again, err := c.Engine.Respond(ctx, said)
	require.NoError(t, err)
	require.Equal(t, f.ID, again.ID)
	require.Zero(t, c.deliver().Claimed)
	c.clean()
}

// The counters of hours of velocity go when nothing can leave in them any more; those of
// budgets stay.
func TestPruneForgetsVelocity(t *testing.T) {
	shop, store := desked(t, 30, nil)
	ctx := t.Context()
	o := offer()
	o.Velocity, o.Budget.Messages = map[string]int{"+90": 10}, 100
	scheduled(t, shop, "everybody", o, nighttest.Start)
	_, err := shop.Engine.DrawDue(ctx)
	require.NoError(t, err)
	counters := func() (hours, used int64) {
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			all, err := r.ScanCounters(ctx, crm.AllParts(), crm.CounterKey{}, 100)
			for _, c := range all {
				if c.Kind == "campaign-velocity" {
					hours, used = hours+1, used+c.Used
				}
			}
			return err
		}))
		return hours, used
	}
	for range 3 * 12 {
		_, err = shop.Engine.Deliver(ctx)
		require.NoError(t, err)
		shop.Clock.Advance(5 * time.Minute)
	}
	hours, used := counters()
	require.EqualValues(t, 3, hours)
	require.EqualValues(t, 30, used)
	for _, c := range []struct {
		after time.Duration
		left  int64
	}{{26 * time.Hour, 3}, {27 * time.Hour, 2}, {40 * time.Hour, 0}} {
		shop.Clock.Set(nighttest.Start.Add(c.after))
		_, err = shop.Engine.Prune(ctx, nighttest.Start.Add(c.after-time.Hour+time.Second))
		require.NoError(t, err)
		hours, _ = counters()
		require.Equal(t, c.left, hours)
	}
	p, err := shop.Engine.Progress(ctx, "offer")
	require.NoError(t, err)
	require.EqualValues(t, 30, p.Budget[0].Used)
	clean(t, store)
}
