package vefa_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
)

// What a budget did not pay leaves once the budget is raised, but for those who may not be
// written to any more, and no more than the new one pays; the campaign opens and closes by it.
func TestBudgetRaised(t *testing.T) {
	lira := func(n int64) crm.Money { return crm.Money{Amount: n, Currency: "TRY"} }
	for name, c := range map[string]struct{ first, wrong, next messaging.Budget }{
		"messages": {messaging.Budget{Messages: 10}, messaging.Budget{Messages: 9}, messaging.Budget{Messages: 20}},
		"money":    {messaging.Budget{Money: lira(75)}, messaging.Budget{Money: crm.Money{Amount: 90, Currency: "EUR"}}, messaging.Budget{Money: lira(141)}},
	} {
		t.Run(name, func(t *testing.T) {
			shop, store := desked(t, 40, func(cfg *vefa.Config) { cfg.Batch = 7 })
			eng, ctx := shop.Engine, t.Context()
			o := offer()
			o.Budget, o.Cost = c.first, lira(7)
			l := scheduled(t, shop, "everybody", o, nighttest.Start)
			_, err := eng.Desk().Raise(ctx, "offer", "mehmet", l.Seal, c.next)
			require.ErrorIs(t, err, campaigns.ErrState, "it has not begun: draft it anew")
			_, err = eng.DrawDue(ctx)
			require.NoError(t, err)
			_, err = eng.Deliver(ctx)
			require.NoError(t, err)
			require.Len(t, shop.Sender.Messages(), 10)
			require.Equal(t, campaigns.Closed, state(t, shop, "offer"))

			wrote := map[string]bool{}
			for _, m := range shop.Sender.Messages() {
				wrote[m.To.Value] = true
			}
			closed := 0
			for i := 0; closed < 25; i++ {
				if !wrote[nighttest.Phone(i).Value] {
					_, err := eng.Service().OpenTicket(ctx, nighttest.Key(i), "desk", fmt.Sprint(i), crm.Ticket{Title: "x"})
					require.NoError(t, err)
					closed++
				}
			}
			_, err = eng.Desk().Raise(ctx, "offer", "ayse", l.Seal, c.next)
			require.ErrorIs(t, err, campaigns.ErrAuthor)
			_, err = eng.Desk().Raise(ctx, "offer", "mehmet", l.Seal, c.wrong)
			require.ErrorIs(t, err, messaging.ErrCampaign)
			_, err = eng.Desk().Raise(ctx, "offer", "mehmet", "another", c.next)
			require.ErrorIs(t, err, campaigns.ErrChanged)
			for range 2 { // the answer was lost
				l, err = eng.Desk().Raise(ctx, "offer", "mehmet", l.Seal, c.next)
				require.NoError(t, err)
				require.Equal(t, campaigns.Sending, l.State)
			}
			for range 8 { // those who may not be written to make room for those who may
				_, err = eng.Deliver(ctx)
				require.NoError(t, err)
				shop.Clock.Advance(time.Minute)
			}
			require.Len(t, shop.Sender.Messages(), 15, "five of the others may be written to")
			require.Zero(t, shop.Sender.Repeats())
			require.Equal(t, campaigns.Closed, state(t, shop, "offer"))
			p, err := eng.Progress(ctx, "offer")
			require.NoError(t, err)
			require.Equal(t, []vefa.Count{{Name: messaging.GuardTicket, N: 25}}, p.Withheld)
			clean(t, store)
		})
	}
}

// A budget of the configuration that is larger than it was lets go what the smaller one withheld.
func TestBudgetOfConfigurationRaised(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	open := func(budget int64) *nighttest.Retailer {
		return nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.TrainAt, c.Batch = nil, nil, -1, 3
			c.Campaigns[0].Budget.Messages = budget
		})
	}
	shop := open(4)
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(20))})
	require.NoError(t, err)
	require.Len(t, shop.Sender.Messages(), 4)
	for _, c := range []struct {
		budget int64
		sent   int
	}{{4, 0}, {3, 0}, {11, 7}, {11, 0}, {100, 9}} {
		shop = open(c.budget)
		_, err = shop.Engine.Deliver(t.Context())
		require.NoError(t, err)
		require.Len(t, shop.Sender.Messages(), c.sent, "%d", c.budget)
		clock.Advance(time.Hour)
	}
}

// Money that comes back because a provider refused the last messages pays others.
func TestBudgetRefunded(t *testing.T) {
	n := 0
	sender := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		if n++; n > 6 && n <= 10 {
			return crm.Receipt{ID: m.ID, Status: crm.Declined}
		}
		return crm.Receipt{ID: m.ID, Status: crm.Accepted}
	})
	shop, store := desked(t, 30, func(cfg *vefa.Config) { cfg.Sender = sender })
	o := offer()
	o.Budget.Messages = 10
	scheduled(t, shop, "everybody", o, nighttest.Start)
	_, err := shop.Engine.DrawDue(t.Context())
	require.NoError(t, err)
	_, err = shop.Engine.Deliver(t.Context())
	require.NoError(t, err)
	p, err := shop.Engine.Progress(t.Context(), "offer")
	require.NoError(t, err)
	require.Equal(t, 10, p.Sent)
	require.Equal(t, 4, p.Failed)
	require.Equal(t, []vefa.Count{{Name: vefa.GuardBudget, N: 16}}, p.Withheld)
	require.EqualValues(t, 10, p.Budget[0].Used)
	require.Equal(t, campaigns.Closed, state(t, shop, "offer"))
	clean(t, store)
}

// Messages of a paused campaign are claimed once and then left alone, and leave as soon as it
// goes on; of a cancelled one they are withheld as soon.
func TestPausedIsLeftAlone(t *testing.T) {
	people := 1100 // of three pages
	if raced {
		people = 550
	}
	for _, cancel := range []bool{false, true} {
		t.Run(fmt.Sprint("cancel ", cancel), func(t *testing.T) {
			shop, store := desked(t, people, nil)
			eng, ctx := shop.Engine, t.Context()
			scheduled(t, shop, "everybody", offer(), nighttest.Start)
			_, err := eng.DrawDue(ctx)
			require.NoError(t, err)
			_, err = eng.Desk().Pause(ctx, "offer", "mehmet", "")
			require.NoError(t, err)
			due := 0
			for range 30 {
				s, err := eng.Deliver(ctx)
				require.NoError(t, err)
				due += s.Due
				shop.Clock.Advance(time.Minute)
			}
			require.Equal(t, people, due)
			require.Empty(t, shop.Sender.Messages())
			require.Equal(t, campaigns.Paused, state(t, shop, "offer"))
			if cancel {
				_, err = eng.Desk().Cancel(ctx, "offer", "mehmet", "")
			} else {
				_, err = eng.Desk().Resume(ctx, "offer", "mehmet", "")
			}
			require.NoError(t, err)
			s, err := eng.Deliver(ctx)
			require.NoError(t, err)
			require.Equal(t, people, s.Due)
			if cancel {
				require.Equal(t, people, s.Withheld)
				require.Empty(t, shop.Sender.Messages())
			} else {
				require.Equal(t, people, s.Done)
				require.Equal(t, campaigns.Closed, state(t, shop, "offer"))
			}
			clean(t, store)
		})
	}
}

// nameless hides that the sender recognises ids.
type nameless struct{ to messaging.Sender }

func (n nameless) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	return n.to.Send(ctx, batch)
}

// A campaign is not closed while a process that may still send has messages of it, nor by what
// a person finds out later: what never arrived is handed over again although it is closed.
func TestClosedWhileInDoubt(t *testing.T) {
	in, out := make(chan struct{}), make(chan struct{})
	slow := &acting{MemorySender: messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		return crm.Receipt{ID: m.ID, Status: crm.Uncertain}
	}), act: func() { close(in); <-out }}
	shop, store := desked(t, 5, func(cfg *vefa.Config) { cfg.Sender = nameless{slow} })
	eng, ctx := shop.Engine, t.Context()
	other := nighttest.New(t, store, shop.Clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.Campaigns, c.TrainAt, c.Segments = nil, nil, nil, -1, "segment everybody = everyone segment gold = tag(gold)"
		c.Desk, c.Sender = &campaigns.Config{Untested: true}, nameless{c.Sender}
	})
	scheduled(t, shop, "everybody", offer(), nighttest.Start)
	_, err := eng.DrawDue(ctx)
	require.NoError(t, err)
	done := make(chan error)
	go func() { _, err := eng.Deliver(ctx); done <- err }()
	<-in // one is being handed over, the others are claimed
	for range 3 {
		_, err = other.Engine.Deliver(ctx)
		require.NoError(t, err)
		require.Equal(t, campaigns.Sending, state(t, shop, "offer"))
		shop.Clock.Advance(10 * time.Minute) // beyond the lease: the other process takes over
	}
	close(out)
	require.NoError(t, <-done)
	_, err = other.Engine.Deliver(ctx)
	require.NoError(t, err)
	require.Equal(t, campaigns.Sending, state(t, shop, "offer"), "a report may tell")
	shop.Clock.Advance(72 * time.Hour)
	_, err = other.Engine.Deliver(ctx)
	require.NoError(t, err)
	require.Equal(t, campaigns.Closed, state(t, shop, "offer"))
	p, err := eng.Progress(ctx, "offer")
	require.NoError(t, err)
	require.Zero(t, p.Waiting+p.Leaving+p.Failed, "%+v", p)
	require.Equal(t, 4, p.Unknown, "those of the call")
	require.Equal(t, 1, p.Sent, "what was claimed and not handed over left by the other process")
	n := 0
	for f, err := range eng.Service().UnknownEffects(ctx) {
		require.NoError(t, err)
		_, err = eng.Service().SettleEffect(ctx, f.ID, crm.Settlement{State: crm.Planned, Actor: "ayse"})
		require.NoError(t, err)
		n++
	}
	require.Equal(t, p.Unknown, n)
	s, err := other.Engine.Deliver(ctx)
	require.NoError(t, err)
	require.Equal(t, n, s.Claimed, "%+v", s)
	require.Zero(t, s.Withheld)
	require.Equal(t, campaigns.Closed, state(t, shop, "offer"))
}

// Progress reads the effects of its own campaign and no others.
func TestProgressReadsItsOwn(t *testing.T) {
	var faulty *crmtest.Faulty
	shop, store := desked(t, 700, func(c *vefa.Config) {
		faulty = crmtest.NewFaulty(c.Store)
		c.Store = &noScan{Store: faulty}
		c.Campaigns = []vefa.Campaign{{Campaign: messaging.Campaign{Name: "never", Text: "x", Unmeasured: "a test"}, Segment: "everybody"}}
	})
	ctx := t.Context()
	scheduled(t, shop, "everybody", offer(), nighttest.Start)
	p, err := shop.Engine.Progress(ctx, "offer")
	require.NoError(t, err)
	require.Zero(t, p.Planned)
	_, err = shop.Engine.DrawDue(ctx)
	require.NoError(t, err)
	never, err := shop.Engine.Progress(ctx, "never")
	require.NoError(t, err)
	require.Zero(t, never.Planned)
	p, err = shop.Engine.Progress(ctx, "offer")
	require.NoError(t, err)
	require.Equal(t, 700, p.Planned)
	require.Equal(t, 700, p.Waiting)
	// An earlier version kept no index.
	require.NoError(t, store.Update(ctx, func(tx crm.Tx) error {
		refs, err := tx.ScanRefs(ctx, crm.RefQuery{Kind: "campaign", Key: "campaign/offer " + p.Life.Occurrence(), Limit: 10})
		if err != nil {
			return err
		}
		require.Len(t, refs, 10)
		return tx.DeleteRefs(ctx, refs...)
	}))
	_, err = shop.Engine.Progress(ctx, "offer")
	require.ErrorIs(t, err, errScan)
	shop.Engine = nighttest.New(t, store, shop.Clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.Campaigns, c.Desk, c.Segments = nil, nil, nil, &campaigns.Config{}, "segment everybody = everyone"
	}).Engine
	p, err = shop.Engine.Progress(ctx, "offer")
	require.NoError(t, err)
	require.Equal(t, 700, p.Planned)
}

var errScan = fmt.Errorf("all effects were read")

// noScan is a store that reads no effects but by id, subject or due time.
type noScan struct{ crm.Store }

type noScanReader struct{ crm.Reader }

func (s *noScan) View(ctx context.Context, fn func(crm.Reader) error) error {
	return s.Store.View(ctx, func(r crm.Reader) error { return fn(noScanReader{r}) })
}

func (noScanReader) ScanEffects(context.Context, crm.PartRange, crm.EffectID, int) ([]*crm.Effect, error) {
	return nil, errScan
}

// What a person settles counts against the budget, or makes room for others, before the campaign
// is closed.
func TestBudgetSettledByHand(t *testing.T) {
	n := 0
	sender := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		if n++; n <= 4 {
			return crm.Receipt{ID: m.ID, Status: crm.Uncertain}
		}
		return crm.Receipt{ID: m.ID, Status: crm.Accepted}
	})
	shop, store := desked(t, 20, func(cfg *vefa.Config) { cfg.Sender = nameless{sender} })
	eng, ctx := shop.Engine, t.Context()
	o := offer()
	o.Budget.Messages = 10
	scheduled(t, shop, "everybody", o, nighttest.Start)
	_, err := eng.DrawDue(ctx)
	require.NoError(t, err)
	deliver := func() vefa.CampaignProgress {
		_, err := eng.Deliver(ctx)
		require.NoError(t, err)
		p, err := eng.Progress(ctx, "offer")
		require.NoError(t, err)
		return p
	}
	p := deliver()
	require.Equal(t, [3]int{6, 4, 0}, [3]int{p.Sent, p.Unknown, p.Failed})
	require.EqualValues(t, [2]int64{4, 6}, [2]int64{p.Budget[0].Reserved, p.Budget[0].Used})
	states := []crm.EffectState{crm.Done, crm.Failed, crm.Failed} // and one stays unknown
	for f, err := range eng.Service().UnknownEffects(ctx) {
		require.NoError(t, err)
		if len(states) > 0 {
			_, err = eng.Service().SettleEffect(ctx, f.ID, crm.Settlement{State: states[0], Actor: "ayse"})
			require.NoError(t, err)
			states = states[1:]
		}
	}
	shop.Clock.Advance(73 * time.Hour)
	deliver()
	p = deliver()
	require.Equal(t, [3]int{9, 1, 2}, [3]int{p.Sent, p.Unknown, p.Failed}, "two more leave for those that were refused")
	require.EqualValues(t, [2]int64{1, 9}, [2]int64{p.Budget[0].Reserved, p.Budget[0].Used})
	require.Equal(t, campaigns.Closed, p.Life.State)
	clean(t, store)
}

// What a person settles as never to arrive makes room in a budget of Config.Campaigns, and what a
// person settles as arrived does not.
func TestSettledByHandMakesRoom(t *testing.T) {
	for settled, want := range map[crm.EffectState]int{crm.Failed: 2, crm.Done: 2} {
		store, clock := memstore.New(), &crmtest.Clock{}
		clock.Set(nighttest.Start)
		n := 0
		sender := &forgetful{messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
			if n++; n == 1 {
				return crm.Receipt{ID: m.ID, Status: crm.Uncertain}
			}
			return crm.Receipt{ID: m.ID, Status: crm.Accepted}
		})}
		shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.TrainAt, c.Sender = nil, nil, -1, sender
			c.Campaigns[0].Budget.Messages = 2
		})
		_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(6))})
		require.NoError(t, err)
		count := func() map[crm.EffectState]int {
			all, _ := recorded(t, store, crm.EffectMessage)
			states := map[crm.EffectState]int{}
			for _, f := range all {
				states[f.State]++
				if f.State == crm.Unknown {
					_, err := shop.Engine.Service().SettleEffect(t.Context(), f.ID, crm.Settlement{State: settled, Actor: "ayse"})
					require.NoError(t, err)
				}
			}
			return states
		}
		before := count()
		require.Equal(t, 1, before[crm.Unknown], "%v", before)
		require.Equal(t, 1, before[crm.Done], "%v", before)
		for range 3 {
			clock.Advance(24 * time.Hour)
			_, err = shop.Engine.Deliver(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, want, count()[crm.Done])
		p, err := shop.Engine.Progress(t.Context(), "spring")
		require.NoError(t, err)
		require.EqualValues(t, 2, p.Budget[0].Used)
		require.Zero(t, p.Budget[0].Reserved)
		clean(t, store)
	}
}

// A larger budget lets go what it withheld of this drawing, and nothing of one of the name before it.
func TestBudgetRaisedOfThisDrawing(t *testing.T) {
	shop, store := desked(t, 6, nil)
	o := offer()
	o.Budget.Messages = 2
	l := scheduled(t, shop, "everybody", o, nighttest.Start)
	_, err := shop.Engine.DrawDue(t.Context())
	require.NoError(t, err)
	_, err = shop.Engine.Deliver(t.Context())
	require.NoError(t, err)
	var old *crm.Effect
	require.NoError(t, shop.Engine.Service().Update(t.Context(), func(tx crm.Tx) error {
		refs, err := tx.Refs(t.Context(), "campaign-over", 10, "campaign/offer")
		if err != nil {
			return err
		}
		require.Len(t, refs[0], 4)
		found, err := tx.Effects(t.Context(), crm.EffectID(refs[0][0].Target))
		if err != nil {
			return err
		}
		old = found[0].Clone()
		old.Occurrence = "before"
		old.ID, old.Rev = shop.Engine.IDs().ID(old.Cause, old.Subject, old.About, old.Occurrence), 0
		ref := refs[0][0]
		ref.Target = string(old.ID)
		if _, err := tx.PutEffects(t.Context(), old); err != nil {
			return err
		}
		return tx.PutRefs(t.Context(), ref)
	}))
	_, err = shop.Engine.Desk().Raise(t.Context(), "offer", "mehmet", l.Seal, messaging.Budget{Messages: 50})
	require.NoError(t, err)
	_, err = shop.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Len(t, shop.Sender.Messages(), 6)
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		found, err := r.Effects(t.Context(), old.ID)
		if err != nil {
			return err
		}
		require.Equal(t, crm.Withheld, found[0].State)
		require.Equal(t, old.Reasons, found[0].Reasons, "it was never planned again")
		return nil
	}))
}
