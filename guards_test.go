package vefa_test

import (
	"context"
	"encoding/json"
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
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/rules"
)

// waiting is a retailer whose messages are planned at noon and leave at two:
// what happens in between must be seen when they leave.
type waiting struct {
	*nighttest.Retailer
	t     *testing.T
	store crm.Store
}

func (w *waiting) take(b crm.Batch) {
	w.t.Helper()
	rep, err := w.Engine.Service().Import(w.t.Context(), b)
	require.NoError(w.t, err)
	require.Empty(w.t, rep.Rejected)
}

func (w *waiting) record(facts ...*crm.Fact) {
	w.t.Helper()
	require.NoError(w.t, w.Engine.Service().Record(w.t.Context(), facts...))
}

// messages returns the effects of all messages by cause and person.
func (w *waiting) messages() map[string]*crm.Effect {
	w.t.Helper()
	out := map[string]*crm.Effect{}
	require.NoError(w.t, w.store.View(w.t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(w.t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if f.Kind != crm.EffectMessage {
				continue
			}
			who, err := vefa.About(f)
			if err != nil {
				return err
			}
			out[f.Cause+" "+who.ID] = f
		}
		return nil
	}))
	return out
}

func firstRefusal(f *crm.Effect) string {
	for _, r := range f.Reasons {
		if !r.Pass {
			return r.Guard
		}
	}
	return ""
}

func placeDoc(t *testing.T, store crm.Store, id, zone string) {
	t.Helper()
	update(t, store, func(tx crm.Tx) error {
		doc, err := crm.NewDocument("place", id, &crm.Place{ID: id, Kind: "store", Name: id, Zone: zone})
		if err != nil {
			return err
		}
		return tx.PutDocuments(t.Context(), doc)
	})
}

// TestGuardsAreAskedWhenAMessageLeaves changes one thing between the planning
// of a message and its sending. Each row names the guard that must refuse: with
// any of them taken out of the claim, a row sends a message that no one may
// get. Person 0 is concerned; person 1, in the same batch, gets the message. Case F.
func TestGuardsAreAskedWhenAMessageLeaves(t *testing.T) {
	at := nighttest.Start.Add(time.Hour) // between planning and sending
	moved := func(w *waiting, i int, phones ...crm.Address) {
		p := nighttest.People(i + 1).Profiles[i]
		p.At, p.Contacts = at, nil
		for _, a := range phones {
			p.Contacts = append(p.Contacts, crm.Contact{Address: a})
		}
		w.take(crm.Batch{Profiles: []*crm.Profile{p}})
	}
	tag := func(w *waiting, name string) {
		require.NoError(w.t, w.Engine.Service().Tag(w.t.Context(), nighttest.Key(0), crm.TagChange{Tag: name}))
	}
	asking := func(guard string) func(*waiting, *vefa.Config) { // a rule with another guard
		return func(_ *waiting, c *vefa.Config) {
			book, err := rules.ReadYAML("rules.yaml", fmt.Appendf(nil, "rules: [{name: hello, when: Orders > 0, guard: %q, then: [{message: hello, after: 2h}]}]", guard))
			require.NoError(t, err)
			c.Rules = []*rules.Book{book}
		}
	}
	order := func(status crm.OrderStatus, delivered time.Time) *crm.Fact {
		f := nighttest.Order(0, "o0", nighttest.Start.Add(-time.Hour))
		f.Version = 2
		o := f.Data.(*crm.Order)
		o.Status, o.Delivered = status, delivered
		return f
	}
	for name, c := range map[string]struct {
		setup  func(w *waiting, c *vefa.Config) // before anything is planned
		change func(w *waiting)
		survey bool // the message is a survey about order o0 instead of the campaign's
		rule   bool // the message is a rule's
		guard  string
		later  bool // it leaves on another day
	}{
		"nothing changes":              {},
		"nothing changes, by a rule":   {rule: true},
		"nothing changes, by a survey": {survey: true},
		"suppressed": {guard: messaging.GuardSuppressed, change: func(w *waiting) {
			w.record(&crm.Fact{Key: crm.FactKey{Kind: crm.KindSuppression, Source: "desk", ID: "1"}, Subject: crm.OfAddress(nighttest.Phone(0)), At: at, Version: 1,
				Data: &crm.Suppression{Reason: "bounce"}})
		}},
		"consent refused": {guard: messaging.GuardConsent, change: func(w *waiting) { w.record(nighttest.Consent(0, "no", crm.Refused, at)) }},
		"consent of another brand is none of ours": {change: func(w *waiting) {
			f := nighttest.Consent(0, "no", crm.Refused, at)
			f.Data.(*crm.Consent).Brand = "another"
			w.record(f)
		}},
		"a ticket is opened": {guard: messaging.GuardTicket, change: func(w *waiting) {
			_, err := w.Engine.Service().OpenTicket(w.t.Context(), nighttest.Key(0), "desk", "1", crm.Ticket{})
			require.NoError(w.t, err)
		}},
		"a ticket is opened and solved": {change: func(w *waiting) {
			ref, err := w.Engine.Service().OpenTicket(w.t.Context(), nighttest.Key(0), "desk", "1", crm.Ticket{})
			require.NoError(w.t, err)
			require.NoError(w.t, w.Engine.Service().SetTicket(w.t.Context(), ref, crm.TicketSolved, "desk", ""))
		}},
		"a ticket of a record that is merged in": {guard: messaging.GuardTicket, change: func(w *waiting) {
			_, err := w.Engine.Service().OpenTicket(w.t.Context(), nighttest.Key(2), "desk", "1", crm.Ticket{})
			require.NoError(w.t, err)
			_, err = w.Engine.Service().Merge(w.t.Context(), "desk", crm.Evidence{}, nighttest.Key(0), nighttest.Key(2))
			require.NoError(w.t, err)
		}},
		"the campaign's excluded tag": {guard: messaging.GuardTag, change: func(w *waiting) { tag(w, "staff") },
			setup: func(_ *waiting, c *vefa.Config) { c.Campaigns[0].Exclude = []string{"staff"} }},
		"any other tag": {change: func(w *waiting) { tag(w, "vip") }},
		"a tag turns red": {guard: messaging.GuardTag, change: func(w *waiting) {
			tag(w, "press")
			require.NoError(w.t, w.Engine.SetPolarity(w.t.Context(), "press", true, "ada", "a test"))
		}},
		"a red tag that the segment ignores": {
			setup: func(_ *waiting, c *vefa.Config) { c.Segments = "segment everybody = everyone ignoring red press" },
			change: func(w *waiting) {
				tag(w, "press")
				require.NoError(w.t, w.Engine.SetPolarity(w.t.Context(), "press", true, "ada", "a test"))
			}},
		"the tag is on a record that is merged in": {guard: messaging.GuardTag,
			setup: func(_ *waiting, c *vefa.Config) { c.Campaigns[0].Exclude = []string{"staff"} },
			change: func(w *waiting) {
				require.NoError(w.t, w.Engine.Service().Tag(w.t.Context(), nighttest.Key(2), crm.TagChange{Tag: "staff"}))
				_, err := w.Engine.Service().Merge(w.t.Context(), "desk", crm.Evidence{}, nighttest.Key(0), nighttest.Key(2))
				require.NoError(w.t, err)
			}},
		"the number is somebody else's by now": {guard: vefa.GuardRecipient, change: func(w *waiting) { moved(w, 0, nighttest.Phone(70)) }},
		"the number is one of two by now":      {change: func(w *waiting) { moved(w, 0, nighttest.Phone(70), nighttest.Phone(0)) }},
		"the number is disowned": {guard: vefa.GuardRecipient, change: func(w *waiting) {
			_, err := w.Engine.Service().NotMe(w.t.Context(), nighttest.Key(0), nighttest.Phone(0), "holder")
			require.NoError(w.t, err)
			// The address itself stays usable for others.
			w.record(nighttest.Consent(0, "again", crm.Granted, at.Add(time.Minute)))
		}},
		"the campaign is over": {guard: messaging.GuardEnded, setup: func(_ *waiting, c *vefa.Config) {
			c.Campaigns[0].End = nighttest.Start.Add(150 * time.Minute)
		}, later: true},
		"the order is cancelled": {survey: true, guard: vefa.GuardDelivered, change: func(w *waiting) { w.record(order(crm.OrderCancelled, time.Time{})) }},
		"the goods are there by now": {survey: true, change: func(w *waiting) {
			w.record(order(crm.OrderDelivered, nighttest.Start.Add(90*time.Minute)))
		}},
		"the rule's guard does not hold any more": {rule: true, guard: "guard", change: func(w *waiting) { tag(w, "done") }},
		"the rule's guard reads an answer": {rule: true, guard: "guard", setup: asking("not (LastScore == 7)"), change: func(w *waiting) {
			w.record(&crm.Fact{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "form", ID: "a"}, Subject: crm.OfProfile(nighttest.Key(0)), At: at, Version: 1,
				Data: &crm.Answer{Survey: "visit", Metric: "nps", Score: 7}})
		}},
		"the rule's guard reads a click": {rule: true, guard: "guard", setup: asking("not (DaysSinceClick == 0)"), change: func(w *waiting) {
			w.record(&crm.Fact{Key: crm.FactKey{Kind: crm.KindClick, Source: "link", ID: "c"}, Subject: crm.OfProfile(nighttest.Key(0)), At: at, Version: 1,
				Data: &crm.Click{Effect: crmtest.EffectID("x", crm.OfProfile(nighttest.Key(0)), crm.FactKey{}, ""), Verdict: crm.Human, Method: "GET"}})
		}},
		"the rule is cancelled": {rule: true, guard: `cancel_on "stop" in Tags`, change: func(w *waiting) { tag(w, "stop") }},
		"the rule is gone": {rule: true, guard: "rule", change: func(w *waiting) {
			book, err := rules.ReadYAML("rules.yaml", []byte("rules: [{name: other, when: Orders > 99, then: [{tag: x}]}]"))
			require.NoError(w.t, err)
			require.NoError(w.t, w.Engine.Rules().Load(book))
		}},
		"another record of the person got it": {rule: true, guard: vefa.GuardRepeated, change: func(w *waiting) {
			_, err := w.Engine.Service().Merge(w.t.Context(), "desk", crm.Evidence{}, nighttest.Key(0), nighttest.Key(1))
			require.NoError(w.t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start.Add(-time.Hour))
			w := &waiting{t: t, store: store}
			book, err := rules.ReadYAML("rules.yaml", []byte(`
rules:
  - {name: ask, each: Purchases, when: row.DaysAgo <= 3, then: [{survey: visit, after: 2h}]}
  - {name: hello, when: Orders > 0, guard: '"done" not in Tags', cancel_on: ['"stop" in Tags'], then: [{message: hello, after: 2h}]}
`))
			require.NoError(t, err)
			w.Retailer = nighttest.New(t, store, clock, func(cfg *vefa.Config) {
				cfg.Rules, cfg.TrainAt = nil, -1
				cfg.Campaigns[0].Start = nighttest.Start.Add(2 * time.Hour)
				cfg.Messages = []messaging.Campaign{{Name: "hello", Text: "hello", Unmeasured: "a test"}}
				if c.survey || c.rule {
					cfg.Rules, cfg.Campaigns = []*rules.Book{book}, nil
				}
				if c.setup != nil {
					c.setup(w, cfg)
				}
			})
			w.take(nighttest.People(3))
			clock.Set(nighttest.Start)
			_, err = w.Engine.Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			require.Empty(t, w.Sender.Messages(), "everything waits")

			cause := "campaign/spring"
			switch {
			case c.survey:
				cause = "rule/ask"
			case c.rule:
				cause = "rule/hello"
			}
			require.Equal(t, crm.Planned, w.messages()[cause+" 0"].State)
			clock.Set(at)
			if c.change != nil {
				c.change(w)
			}
			clock.Set(nighttest.Start.Add(2*time.Hour + time.Minute))
			if c.later {
				clock.Set(nighttest.Start.AddDate(0, 0, 1))
			}
			_, err = w.Engine.Deliver(t.Context())
			require.NoError(t, err)

			sent := map[crm.Address]int{}
			for _, m := range w.Sender.Messages() {
				if m.Cause == cause {
					sent[m.To]++
				}
			}
			mine, other := w.messages()[cause+" 0"], w.messages()[cause+" 1"]
			if c.guard == vefa.GuardRepeated { // one of the two, whichever is claimed first
				require.Len(t, sent, 2, "one of the merged person's numbers, and person 2's")
				if mine.State == crm.Done {
					mine = other
				}
			} else if !c.later && c.guard != "rule" {
				require.Equal(t, 1, sent[nighttest.Phone(1)])
				require.Equal(t, crm.Done, other.State)
			}
			if c.guard == "" {
				require.Equal(t, crm.Done, mine.State, "%+v", mine.Reasons)
				require.Equal(t, 1, sent[nighttest.Phone(0)])
			} else {
				require.Equal(t, crm.Withheld, mine.State, "%+v", mine.Reasons)
				require.Equal(t, c.guard, firstRefusal(mine), "%+v", mine.Reasons)
				require.True(t, mine.SentAt.IsZero())
				if c.guard != vefa.GuardRepeated {
					require.Zero(t, sent[nighttest.Phone(0)]+sent[nighttest.Phone(70)])
				}
			}
			rep := audit(t, store)
			require.True(t, rep.Clean(), "%+v", rep)
		})
	}
}

// TestCapsSeeEarlierMessages counts, against a cap, what the same person was
// sent before: yesterday, in the same batch, at another number, and nothing
// else. Case F.
func TestCapsSeeEarlierMessages(t *testing.T) {
	campaign := func(name, day string, caps ...messaging.Cap) vefa.Campaign {
		return vefa.Campaign{Segment: "everybody", On: []string{day}, Campaign: messaging.Campaign{Name: name, Text: name, Unmeasured: "a test", Caps: caps}}
	}
	weekly := messaging.Cap{Max: 1, Per: 7 * 24 * time.Hour}
	day := func(n int) string { return nighttest.Start.AddDate(0, 0, n).Format(time.DateOnly) }
	for name, c := range map[string]struct {
		campaigns []vefa.Campaign
		between   func(w *waiting)
		want      []string // what person 0 gets, in order
	}{
		"the day before":        {campaigns: []vefa.Campaign{campaign("a", day(0)), campaign("b", day(1), weekly)}, want: []string{"a"}},
		"the week before":       {campaigns: []vefa.Campaign{campaign("a", day(0)), campaign("b", day(8), weekly)}, want: []string{"a", "b"}},
		"two are allowed":       {campaigns: []vefa.Campaign{campaign("a", day(0)), campaign("b", day(1), messaging.Cap{Max: 2, Per: 7 * 24 * time.Hour})}, want: []string{"a", "b"}},
		"two are, not three":    {campaigns: []vefa.Campaign{campaign("a", day(0)), campaign("b", day(1)), campaign("c", day(2), messaging.Cap{Max: 2, Per: 7 * 24 * time.Hour})}, want: []string{"a", "b"}},
		"within one batch":      {campaigns: []vefa.Campaign{campaign("a", day(0), weekly), campaign("b", day(0), weekly), campaign("c", day(0), weekly)}, want: []string{"one"}},
		"its own day is no cap": {campaigns: []vefa.Campaign{campaign("a", day(0), weekly)}, want: []string{"a"}},
		"at another number of the person": {campaigns: []vefa.Campaign{campaign("a", day(0)), campaign("b", day(1), weekly)},
			between: func(w *waiting) {
				p := nighttest.People(1).Profiles[0]
				p.At, p.Contacts = nighttest.Start.Add(time.Hour), []crm.Contact{{Address: nighttest.Phone(60)}, {Address: nighttest.Phone(0)}}
				w.take(crm.Batch{Profiles: []*crm.Profile{p}, Facts: []*crm.Fact{nighttest.Consent(60, "c60", crm.Granted, nighttest.Start)}})
			}, want: []string{"a"}},
		"what a merged record got": {campaigns: []vefa.Campaign{campaign("a", day(0)), campaign("b", day(1), weekly)},
			between: func(w *waiting) {
				_, err := w.Engine.Service().Merge(w.t.Context(), "desk", crm.Evidence{}, nighttest.Key(0), nighttest.Key(1))
				require.NoError(w.t, err)
			}, want: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			w := &waiting{t: t, store: store}
			w.Retailer = nighttest.New(t, store, clock, func(cfg *vefa.Config) {
				cfg.Rules, cfg.Surveys, cfg.Campaigns, cfg.TrainAt = nil, nil, c.campaigns, -1
			})
			clock.Set(nighttest.Start)
			w.take(nighttest.People(2))
			for n := range 9 {
				clock.Set(nighttest.Start.AddDate(0, 0, n))
				_, err := w.Engine.Night(t.Context(), vefa.Night{})
				require.NoError(t, err)
				if n == 0 && c.between != nil {
					clock.Set(nighttest.Start.Add(2 * time.Hour))
					c.between(w)
				}
			}
			var got []string
			for _, m := range w.Sender.Messages() {
				if m.To == nighttest.Phone(0) || m.To == nighttest.Phone(60) {
					got = append(got, m.Text)
				}
			}
			if c.want[0] == "one" {
				require.Len(t, got, 1)
				return
			}
			require.Equal(t, c.want, got)
			for key, f := range w.messages() {
				if f.State != crm.Done {
					require.Equal(t, messaging.GuardCap, firstRefusal(f), key)
				}
			}
		})
	}
}

// TestDeliverGoesOnUntilNothingIsDue sends more than one claim can hold.
func TestDeliverGoesOnUntilNothingIsDue(t *testing.T) {
	const people = 1_100
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start.Add(-time.Hour))
	w := &waiting{t: t, store: store}
	steps := 0
	w.Retailer = nighttest.New(t, store, clock, func(cfg *vefa.Config) {
		cfg.Rules, cfg.Surveys, cfg.TrainAt = nil, nil, -1
		cfg.Campaigns[0].Start = nighttest.Start.Add(time.Hour)
		cfg.Progress = func(step string, done, _ int) {
			if step == "deliver" {
				steps++
				require.LessOrEqual(t, done, people)
			}
		}
	})
	w.take(nighttest.People(people))
	clock.Set(nighttest.Start)
	_, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Empty(t, w.Sender.Messages())
	clock.Set(nighttest.Start.Add(2 * time.Hour))
	stats, err := w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, people, stats.Due)
	require.Equal(t, people, stats.Done)
	require.Len(t, w.Sender.Messages(), people)
	require.Greater(t, steps, 1)
	stats, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Zero(t, stats)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.Engine.Deliver(gone)
	require.ErrorIs(t, err, context.Canceled)
}

// TestTransactionalMessagesAndCaps sends what a customer must know in spite of a
// cap, and does not count it in the same batch.
func TestTransactionalMessagesAndCaps(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	w := &waiting{t: t, store: store}
	weekly := []messaging.Cap{{Max: 1, Per: 7 * 24 * time.Hour}}
	day := nighttest.Start.Format(time.DateOnly)
	w.Retailer = nighttest.New(t, store, clock, func(cfg *vefa.Config) {
		cfg.Rules, cfg.Surveys = nil, nil
		cfg.Campaigns = nil
		for i := range 3 {
			cfg.Campaigns = append(cfg.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{day}, Campaign: messaging.Campaign{Name: fmt.Sprint("must", i), Text: "must", Class: consent.Transactional, Caps: weekly}})
		}
		cfg.Campaigns = append(cfg.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{day}, Campaign: messaging.Campaign{Name: "may", Text: "may", Unmeasured: "a test", Caps: weekly}})
	})
	clock.Set(nighttest.Start)
	w.take(nighttest.People(4))
	_, err := w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	got := map[string]int{}
	for _, m := range w.Sender.Messages() {
		got[m.Text]++
	}
	require.Equal(t, map[string]int{"must": 12, "may": 4}, got)
}

// TestQuietHoursAreThoseOfTheRecipient sends by a rule, which asks for quiet
// hours only when the message leaves: at noon in UTC it is night in Tokyo.
func TestQuietHoursAreThoseOfTheRecipient(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start.Add(-time.Hour))
	placeDoc(t, store, "tokyo", "Asia/Tokyo")
	placeDoc(t, store, "london", "Europe/London")
	w := &waiting{t: t, store: store}
	book, err := rules.ReadYAML("rules.yaml", []byte("rules: [{name: hello, when: Orders > 0, then: [{message: hello}]}]"))
	require.NoError(t, err)
	w.Retailer = nighttest.New(t, store, clock, func(cfg *vefa.Config) {
		cfg.Rules, cfg.Campaigns, cfg.Surveys = []*rules.Book{book}, nil, nil
		cfg.Messages = []messaging.Campaign{{Name: "hello", Text: "hello", Unmeasured: "a test", Quiet: messaging.QuietHours{From: "20:00", To: "09:00"}}}
	})
	b := nighttest.People(2)
	b.Facts[1].Place, b.Facts[3].Place = "tokyo", "london"
	w.take(b)
	clock.Set(nighttest.Start)
	_, err = w.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Len(t, w.Sender.Messages(), 1)
	require.Equal(t, nighttest.Phone(1), w.Sender.Messages()[0].To)
	f := w.messages()["rule/hello 0"]
	require.Equal(t, crm.Planned, f.State)
	require.Equal(t, nighttest.Start.Add(12*time.Hour), f.Due, "nine in the morning in Tokyo")
	clock.Set(f.Due.Add(-time.Second))
	_, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Len(t, w.Sender.Messages(), 1)
	clock.Set(f.Due)
	_, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Len(t, w.Sender.Messages(), 2)
}

// TestAMessageThatAnswersATicket is not withheld because of that ticket, but
// because of any other.
func TestAMessageThatAnswersATicket(t *testing.T) {
	for _, second := range []bool{false, true} {
		store, clock := memstore.New(), &crmtest.Clock{}
		clock.Set(nighttest.Start)
		w := &waiting{t: t, store: store}
		w.Retailer = nighttest.New(t, store, clock, func(cfg *vefa.Config) {
			cfg.Rules, cfg.Campaigns, cfg.Surveys = nil, nil, nil
			cfg.Messages = []messaging.Campaign{{Name: "solved", Text: "We found your strap.", Class: consent.Transactional}}
		})
		w.take(nighttest.People(1))
		svc := w.Engine.Service()
		ref, err := svc.OpenTicket(t.Context(), nighttest.Key(0), "desk", "1", crm.Ticket{})
		require.NoError(t, err)
		if second {
			_, err = svc.OpenTicket(t.Context(), nighttest.Key(0), "desk", "2", crm.Ticket{})
			require.NoError(t, err)
		}
		update(t, store, func(tx crm.Tx) error {
			who := crm.OfProfile(nighttest.Key(0))
			now := crm.Micros(clock.Now())
			_, err := tx.PutEffects(t.Context(), &crm.Effect{ID: crmtest.IDs().ID("desk", who, crm.FactKey{}, "1"), Kind: crm.EffectMessage, Cause: "desk", Subject: who, Occurrence: "1",
				Due: now, State: crm.Planned, Created: now, Changed: now,
				Data: []byte(`{"name":"message/solved","class":"transactional","answers":` + mustJSON(t, ref) + `}`)})
			return err
		})
		clock.Set(nighttest.Start.Add(time.Minute))
		_, err = w.Engine.Deliver(t.Context())
		require.NoError(t, err)
		f := w.messages()["desk 0"]
		if second {
			require.Empty(t, w.Sender.Messages())
			require.Equal(t, messaging.GuardTicket, firstRefusal(f))
			continue
		}
		require.Len(t, w.Sender.Messages(), 1, "%+v", f.Reasons)
		rep := audit(t, store)
		require.True(t, rep.Clean(), "%+v", rep)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// Caps are of a person, whatever became of the address: what went to a number that was
// replaced since counts, on the record that bore it and on those that it was merged with.
// What the provider refused was not sent, and does not.
func TestCapsOverAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		refused, merged bool
		first, sent     int // of the first evening, and of both
	}{
		"replaced":            {first: 1, sent: 1},
		"replaced and merged": {first: 1, sent: 1, merged: true},
		"refused":             {sent: 1, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start)
			first := true
			sender := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
				if c.refused && first {
					first = false
					return crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: "a full inbox"}
				}
				return crm.Receipt{ID: m.ID, Status: crm.Accepted}
			})
			weekly := []messaging.Cap{{Max: 1, Per: 7 * 24 * time.Hour}}
			shop := nighttest.New(t, store, clock, func(cfg *vefa.Config) {
				cfg.Rules, cfg.Surveys, cfg.Campaigns, cfg.TrainAt, cfg.Sender = nil, nil, nil, -1, sender
				for i, day := range []string{"2025-03-03", "2025-03-04"} {
					cfg.Campaigns = append(cfg.Campaigns, vefa.Campaign{Segment: "everybody", On: []string{day}, Campaign: messaging.Campaign{Name: fmt.Sprint("may", i), Text: "may", Unmeasured: "a test", Caps: weekly}})
				}
			})
			svc := shop.Engine.Service()
			_, err := svc.Import(t.Context(), nighttest.People(1))
			require.NoError(t, err)
			_, err = shop.Engine.Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			require.Len(t, sender.Messages(), c.first)
			clock.Set(nighttest.Start.AddDate(0, 0, 1))
			if !c.refused {
				b := nighttest.People(2)
				for i, p := range b.Profiles {
					p.Contacts[0].Address, p.At = nighttest.Phone(100), clock.Now()
					if i == 1 {
						p.Contacts = nil
					}
				}
				b.Facts = append(b.Facts, nighttest.Consent(100, "new", crm.Granted, clock.Now()))
				_, err = svc.Import(t.Context(), b)
				require.NoError(t, err)
				if c.merged {
					merge(t, svc, 1, 0)
				}
			}
			_, err = shop.Engine.Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			require.Len(t, sender.Messages(), c.sent)
			clean(t, store)
		})
	}
}

// What follows another message waits while that is being handed over, by another process and for
// however long the provider takes.
func TestOrderWaitsForTheProvider(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	var other *nighttest.Retailer
	var meanwhile crm.WorkStats
	slow := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		if m.Text == "first" {
			clock.Advance(61 * time.Second) // the second is due again
			var err error
			meanwhile, err = other.Engine.Deliver(t.Context())
			require.NoError(t, err)
		}
		return crm.Receipt{ID: m.ID, Status: crm.Accepted}
	})
	shop := func(s messaging.Sender) *nighttest.Retailer {
		return nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.Campaigns, c.TrainAt = nil, nil, nil, -1
			c.Messages = []messaging.Campaign{{Name: "first", Class: vefa.Transactional, Text: "first"}, {Name: "then", Class: vefa.Transactional, Text: "then"}}
			if s != nil {
				c.Sender = s
			}
		})
	}
	one := shop(slow)
	other = shop(nil)
	_, err := one.Engine.Service().Import(t.Context(), nighttest.People(1))
	require.NoError(t, err)
	var ids []crm.EffectID
	require.NoError(t, one.Engine.Service().Update(t.Context(), func(tx crm.Tx) error {
		ids = nil
		for _, name := range []string{"first", "then"} {
			d := vefa.MessageData{Name: "message/" + name, Class: vefa.Transactional, Profile: nighttest.Key(0)}
			if len(ids) > 0 {
				d.After = ids[0]
			}
			data, err := json.Marshal(d)
			if err != nil {
				return err
			}
			f := &crm.Effect{Kind: crm.EffectMessage, Cause: "host/" + name, Subject: crm.OfProfile(nighttest.Key(0)), Due: nighttest.Start, State: crm.Planned, Created: nighttest.Start, Changed: nighttest.Start, Data: data}
			f.ID = one.Engine.IDs().ID(f.Cause, f.Subject, f.About, "")
			if ids = append(ids, f.ID); name == "then" {
				f.Due = nighttest.Start.Add(time.Minute)
			}
			if _, err := tx.PutEffects(t.Context(), f); err != nil {
				return err
			}
		}
		return nil
	}))
	_, err = one.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, meanwhile.Due, "it was looked at")
	require.Empty(t, other.Sender.Messages(), "before the first one had left")
	clock.Advance(2 * time.Minute)
	_, err = other.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Len(t, other.Sender.Messages(), 1)
	require.Equal(t, "then", other.Sender.Messages()[0].Text)
}
