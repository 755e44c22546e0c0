package vefa_test

import (
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
	"github.com/vefacrm/vefa/survey/web/webtest"
)

const day = 24 * time.Hour

// reminded is a shop whose surveys have reminders.
type reminded struct {
	*nighttest.Asked
	t    *testing.T
	shop *nighttest.Retailer
}

func remind(t *testing.T, people int, change func(*vefa.Config)) *reminded {
	store := memstore.New()
	with := func(c *vefa.Config) {
		c.Surveys[0].Reminders = []vefa.Reminder{{After: 3 * day, Text: "You have not told us yet: {link}"}, {After: 4 * day}}
		if change != nil {
			change(c)
		}
	}
	w := &reminded{t: t, Asked: nighttest.Ask(t, t.Context(), store, 1, people, with)}
	w.shop = nighttest.New(t, store, w.Clock, func(c *vefa.Config) {
		c.Campaigns, c.TrainAt, c.Surveys[0].Definition = nil, -1, nighttest.ThreePages(t)
		with(c)
	})
	return w
}

// at delivers on a day after the invitations, which left on day 0.
func (w *reminded) at(days int, later time.Duration) {
	w.t.Helper()
	w.Clock.Set(nighttest.Start.AddDate(0, 0, 1+days).Add(later))
	_, err := w.shop.Engine.Deliver(w.t.Context())
	require.NoError(w.t, err)
}

// texts are what was said after the invitations, by whom it went to.
func (w *reminded) texts() map[crm.Address][]string {
	out := map[crm.Address][]string{}
	for _, m := range w.shop.Sender.Messages() {
		out[m.To] = append(out[m.To], m.Text)
	}
	return out
}

// stopped returns what stopped the reminder n of person i, "" of one that went, "-" where there is none.
func (w *reminded) stopped(i, n int) string {
	for _, f := range effectsOf(w.t, w.Store, "reminder/visit") {
		name, err := vefa.MessageName(f)
		require.NoError(w.t, err)
		if f.Subject.Profile == nighttest.Key(i) && name == fmt.Sprint("reminder/visit/", n) {
			if f.State == crm.Done {
				return ""
			}
			if f.State == crm.Planned {
				return "planned"
			}
			return firstRefusal(f)
		}
	}
	return "-"
}

func (w *reminded) link(i int) string {
	for _, f := range effectsOf(w.t, w.Store, "rule/survey") {
		if f.Subject.Profile == nighttest.Key(i) {
			_, page, err := w.shop.Engine.Links(f)
			require.NoError(w.t, err)
			return page
		}
	}
	w.t.Fatal("nobody asked ", i)
	return ""
}

func (w *reminded) answer(i, nps int) {
	o, err := webtest.Answer(w.t.Context(), w.Client(0), w.link(i), map[string]any{"nps": nps})
	require.NoError(w.t, err)
	require.True(w.t, o.Thanked(), "%s", o.Page)
}

// Those who have not answered are reminded of the same link, each time after the time that was said;
// who answered, complained, refused or got it by mistake is not.
func TestReminders(t *testing.T) {
	w := remind(t, 7, nil)
	ctx, svc := t.Context(), w.shop.Engine.Service()
	w.at(3, -time.Second)
	require.Empty(t, w.texts(), "not before its time")
	require.Equal(t, "planned", w.stopped(0, 1))
	w.answer(1, 9)
	w.answer(2, 0) // a ticket of its own
	_, err := svc.OpenTicket(ctx, nighttest.Key(3), "desk", "t3", crm.Ticket{Title: "a complaint", Opened: w.Clock.Now()})
	require.NoError(t, err)
	solved, err := svc.OpenTicket(ctx, nighttest.Key(4), "desk", "t4", crm.Ticket{Title: "a complaint that was solved", Opened: w.Clock.Now()})
	require.NoError(t, err)
	require.NoError(t, svc.Record(ctx, nighttest.Consent(5, "off", crm.Refused, w.Clock.Now())))
	require.NoError(t, svc.SetTicket(ctx, solved, crm.TicketSolved, "desk", ""))
	ours, err := svc.OpenTicket(ctx, nighttest.Key(0), "rules", "t0", crm.Ticket{Title: "to be called", Reason: "rule", Opened: w.Clock.Now()})
	require.NoError(t, err)
	require.NoError(t, svc.SetTicket(ctx, ours, crm.TicketSolved, "desk", "")) // that of a rule is no complaint
	_, err = w.shop.Engine.Reply(ctx, nighttest.Phone(6), "r6", "yanlış numara", w.Clock.Now())
	require.NoError(t, err)
	w.at(3, time.Minute)
	for i, want := range map[int]string{0: "", 1: vefa.GuardReminder, 2: messaging.GuardTicket, 3: messaging.GuardTicket, 4: vefa.GuardReminder, 5: messaging.GuardConsent, 6: messaging.GuardAddress} {
		require.Equal(t, want, w.stopped(i, 1), "person %d", i)
	}
	said := w.texts()
	require.Len(t, said, 1)
	require.Contains(t, said[nighttest.Phone(0)][0], "You have not told us yet: https://s.example/l/")
	tracked, _, err := w.shop.Engine.Links(effectsOf(t, w.Store, "rule/survey")[0])
	require.NoError(t, err)
	require.Len(t, tracked, len("https://s.example/l/")+len(said[nighttest.Phone(0)][0])-len("You have not told us yet: https://s.example/l/"))

	require.Equal(t, "planned", w.stopped(0, 2))
	w.at(7, time.Minute)
	require.Len(t, w.texts()[nighttest.Phone(0)], 1)
	w.at(7, 2*time.Minute)
	require.Len(t, w.texts()[nighttest.Phone(0)], 2)
	require.Contains(t, w.texts()[nighttest.Phone(0)][1], "How was it? ")
	for i := 1; i < 7; i++ {
		require.Equal(t, "-", w.stopped(i, 2), "the chain ended")
	}
	w.at(25, 0)
	require.Len(t, w.texts()[nighttest.Phone(0)], 2)
	w.answer(0, 8) // by the link of the invitation, which is that of the reminders
	require.Len(t, w.Stored(t, ctx), 3)
	res, err := w.shop.Engine.Results(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 7, res.Surveys[0].Sent, "reminders ask nobody again")
	rep, err := vefa.Audit(ctx, w.Store, nighttest.Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
}

// A clock that jumps ahead sends no reminder of a survey that has ended; one that is set back waits until
// the time since the message before has passed; "not me" after a reminder closes the survey; what the
// invitation's cap and budget bound is bounded with the reminders.
func TestRemindersInTime(t *testing.T) {
	w := remind(t, 2, nil)
	w.at(40, 0)
	require.Empty(t, w.texts())
	require.Equal(t, vefa.GuardReminder, w.stopped(0, 1))
	require.Equal(t, "-", w.stopped(0, 2))

	w = remind(t, 2, nil)
	w.at(3, time.Minute)
	w.at(-1, 0)
	require.Len(t, w.texts()[nighttest.Phone(0)], 1)
	w.at(7, time.Minute-time.Second)
	require.Len(t, w.texts()[nighttest.Phone(0)], 1)
	w.at(7, 2*time.Minute)
	require.Len(t, w.texts()[nighttest.Phone(0)], 2)

	w = remind(t, 2, nil)
	w.at(3, time.Minute)
	_, err := w.shop.Engine.Reply(t.Context(), nighttest.Phone(0), "r", "yanlış numara", w.Clock.Now())
	require.NoError(t, err)
	o, err := nighttest.Open(t.Context(), w.Client(0), w.link(0))
	require.NoError(t, err)
	require.NotContains(t, string(o.Page), `name="q.nps"`, "what others said by mistake is not hers")
	w.at(7, 2*time.Minute)
	require.Len(t, w.texts()[nighttest.Phone(1)], 2)
	require.Len(t, w.texts()[nighttest.Phone(0)], 1)

	w = remind(t, 3, func(c *vefa.Config) {
		c.Surveys[0].Invitation.Caps = []messaging.Cap{{Max: 2, Per: 30 * day}}
		c.Surveys[0].Invitation.Budget.Messages = 5
	})
	w.at(3, time.Minute)
	w.at(7, 3*time.Minute)
	sent, over := 0, 0
	for i := range 3 {
		sent += len(w.texts()[nighttest.Phone(i)])
		switch w.stopped(i, 1) {
		case "":
			require.Equal(t, messaging.GuardCap, w.stopped(i, 2))
		case vefa.GuardBudget:
			over++
		}
	}
	require.Equal(t, [2]int{2, 1}, [2]int{sent, over}, "five with the three invitations")
}

// Reminders that could never leave, or say nothing that can be read, are refused by name.
func TestRemindersThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		reminders []vefa.Reminder
		says      string
	}{
		"at once":   {[]vefa.Reminder{{}}, "reminder 1: it comes 0s"},
		"backwards": {[]vefa.Reminder{{After: day}, {After: -day}}, "reminder 2: it comes -24h"},
		"after the end": {[]vefa.Reminder{{After: 20 * day}, {After: 10 * day}},
			"reminder 2: it comes 720h0m0s after the invitation"},
		"unknown field": {[]vefa.Reminder{{After: day, Text: "{nobody} asks {link}"}}, "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			var cfg vefa.Config
			nighttest.New(t, memstore.New(), new(crmtest.Clock), func(c *vefa.Config) { cfg = *c })
			cfg.Surveys[0].Reminders = c.reminders
			_, err := vefa.New(cfg)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// In memory what internal/dbtest asks of each database.
func TestRemindersAtOnce(t *testing.T) {
	nighttest.Reminded(t, func(*testing.T) crm.Store { return memstore.New() }, false)
}

// The provider took the invitation back after it was claimed, and it left two days later: the reminder
// counts from then.
func TestReminderAfterThrottling(t *testing.T) {
	busy := true
	sender := messaging.NewMemorySender(func(messaging.Message) crm.Receipt {
		if busy {
			return crm.Receipt{Status: crm.Throttled}
		}
		return crm.Receipt{Status: crm.Accepted}
	})
	store, clock := memstore.New(), new(crmtest.Clock)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Campaigns, c.TrainAt, c.Sender = nil, -1, sender
		c.Surveys[0].Reminders = []vefa.Reminder{{After: 3 * day}}
	})
	clock.Set(nighttest.Start)
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(1))})
	require.NoError(t, err)
	states := func(after time.Duration) (out []crm.EffectState) {
		clock.Set(nighttest.Start.Add(day + after))
		_, err := shop.Engine.Deliver(t.Context())
		require.NoError(t, err)
		for _, cause := range []string{"rule/survey", "reminder/visit"} {
			for _, f := range effectsOf(t, store, cause) {
				out = append(out, f.State)
			}
		}
		return out
	}
	require.Equal(t, []crm.EffectState{crm.Planned, crm.Planned}, states(time.Minute))
	busy = false
	require.Equal(t, []crm.EffectState{crm.Done, crm.Planned}, states(2*day))
	require.Equal(t, []crm.EffectState{crm.Done, crm.Planned}, states(3*day+time.Hour))
	require.Equal(t, []crm.EffectState{crm.Done, crm.Planned}, states(5*day-time.Minute))
	require.Equal(t, []crm.EffectState{crm.Done, crm.Done}, states(5*day+time.Hour))
}

// Nobody is reminded of a survey that has enough answers; while there is room everybody is.
func TestRemindersOfAFullSurvey(t *testing.T) {
	for limit, reminded := range map[int64]int{1: 0, 2: 2} {
		w := remind(t, 3, func(c *vefa.Config) { c.Surveys[0].Quotas = []vefa.Quota{{Name: "all", Limit: limit}} })
		w.answer(0, 9)
		w.at(3, time.Minute)
		require.Len(t, w.texts(), reminded, "limit %d", limit)
		if reminded == 0 {
			require.Equal(t, vefa.GuardReminder, w.stopped(1, 1))
		}
	}
}
