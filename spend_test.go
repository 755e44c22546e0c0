package vefa_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
)

// A campaign spends its budget and no more: what is over it is withheld, with the reason.
// What the provider throttled keeps its place, what it refused gives it back, and what is of
// unknown fate keeps it, because the money may be gone.
func TestCampaignBudget(t *testing.T) {
	lira := func(n int64) crm.Money { return crm.Money{Amount: n, Currency: "TRY"} }
	for name, c := range map[string]struct {
		budget         messaging.Budget
		answer         func(n int) crm.Status // of the nth message
		sent           int
		used, reserved int64
	}{
		"messages":  {budget: messaging.Budget{Messages: 10}, sent: 10, used: 10},
		"money":     {budget: messaging.Budget{Money: lira(50)}, sent: 7, used: 49},
		"throttled": {budget: messaging.Budget{Messages: 10}, answer: func(n int) crm.Status { return map[bool]crm.Status{true: crm.Throttled}[n <= 8] }, sent: 10, used: 10},
		"refused":   {budget: messaging.Budget{Messages: 10}, answer: func(n int) crm.Status { return map[bool]crm.Status{true: crm.Declined}[n == 1] }, sent: 10, used: 10},
		"unknown":   {budget: messaging.Budget{Messages: 10}, answer: func(n int) crm.Status { return map[bool]crm.Status{true: crm.Uncertain}[n <= 3] }, sent: 7, used: 7, reserved: 3},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			sender := &forgetful{messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
				n++
				if c.answer != nil {
					if s := c.answer(n); s != "" {
						return crm.Receipt{ID: m.ID, Status: s}
					}
				}
				return crm.Receipt{ID: m.ID, Status: crm.Accepted}
			})}
			shop, store := desked(t, 30, func(cfg *vefa.Config) { cfg.Sender, cfg.Batch = sender, 4 })
			o := offer()
			o.Budget, o.Cost = c.budget, lira(7)
			scheduled(t, shop, "everybody", o, nighttest.Start)
			_, err := shop.Engine.DrawDue(t.Context())
			require.NoError(t, err)
			for range 4 {
				_, err = shop.Engine.Deliver(t.Context())
				require.NoError(t, err)
				shop.Clock.Advance(time.Hour)
			}
			p, err := shop.Engine.Progress(t.Context(), "offer")
			require.NoError(t, err)
			require.Equal(t, c.sent, p.Sent, "%+v", p)
			require.Len(t, p.Budget, 1)
			require.Equal(t, c.used, p.Budget[0].Used)
			require.Equal(t, c.reserved, p.Budget[0].Reserved)
			require.Equal(t, []vefa.Count{{Name: vefa.GuardBudget, N: 30 - p.Sent - p.Failed - p.Unknown}}, p.Withheld)
			if c.reserved > 0 {
				require.Equal(t, campaigns.Sending, state(t, shop, "offer"), "reports may tell what became of some")
				shop.Clock.Advance(72 * time.Hour)
				_, err = shop.Engine.Deliver(t.Context())
				require.NoError(t, err)
			}
			require.Equal(t, campaigns.Closed, state(t, shop, "offer"))
			clean(t, store)
		})
	}
}

// forgetful is a provider that can neither be asked nor recognises ids.
type forgetful struct{ to *messaging.MemorySender }

// Send implements messaging.Sender.
func (f *forgetful) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	return f.to.Send(ctx, batch)
}

// What is over the velocity of a country leaves in the next hours, no more in any of them,
// and what goes elsewhere is not held up.
func TestCampaignVelocity(t *testing.T) {
	shop, store := desked(t, 47, func(cfg *vefa.Config) { cfg.Batch = 10 })
	b := nighttest.People(5)
	for i, p := range b.Profiles {
		p.ProfileKey.ID = fmt.Sprint("de", i)
		p.Contacts[0].Address.Value = fmt.Sprintf("+49151000000%d0", i)
		b.Facts[2*i].Subject, b.Facts[2*i].Key.ID = crm.OfAddress(p.Contacts[0].Address), fmt.Sprint("de", i)
		b.Facts[2*i+1].Subject, b.Facts[2*i+1].Key.ID = crm.OfProfile(p.ProfileKey), fmt.Sprint("de", i)
	}
	_, err := shop.Engine.Service().Import(t.Context(), b)
	require.NoError(t, err)
	o := offer()
	o.Velocity = map[string]int{"+90": 10}
	scheduled(t, shop, "everybody", o, nighttest.Start)
	_, err = shop.Engine.DrawDue(t.Context())
	require.NoError(t, err)
	hours := map[string]int{}
	claims := 0
	for range 8 * 12 {
		s, err := shop.Engine.Deliver(t.Context())
		require.NoError(t, err)
		claims += s.Due
		shop.Clock.Advance(5 * time.Minute)
	}
	for _, m := range shop.Sender.Messages() {
		hours[m.To.Value[:3]+m.At.Format(" 15")]++
	}
	require.Equal(t, map[string]int{"+90 12": 10, "+90 13": 10, "+90 14": 10, "+90 15": 10, "+90 16": 7, "+49 12": 5}, hours)
	require.Equal(t, 52+37, claims, "each that waits is looked at twice")
	require.Equal(t, campaigns.Closed, state(t, shop, "offer"))
	clean(t, store)
}

// A host that delivers rarely sends what the velocity allows in each hour in which it delivers,
// at whatever minute.
func TestVelocityOfRareDeliveries(t *testing.T) {
	const people, limit = 40, 10
	for _, every := range []time.Duration{20 * time.Minute, time.Hour, 61 * time.Minute, 2 * time.Hour, 25 * time.Hour} {
		t.Run(every.String(), func(t *testing.T) {
			shop, _ := desked(t, people, nil)
			o := offer()
			o.Velocity = map[string]int{"+90": limit}
			scheduled(t, shop, "everybody", o, nighttest.Start)
			_, err := shop.Engine.DrawDue(t.Context())
			require.NoError(t, err)
			hours := map[time.Time]bool{}
			n := 0
			for ; n < 3*people/limit && len(shop.Sender.Messages()) < people; n++ {
				_, err = shop.Engine.Deliver(t.Context())
				require.NoError(t, err)
				hours[shop.Clock.Now().Truncate(time.Hour)] = true
				shop.Clock.Advance(every)
			}
			require.Len(t, shop.Sender.Messages(), people)
			require.LessOrEqual(t, len(hours), people/limit+1, "hours with deliveries")
			sent := map[time.Time]int{}
			for _, m := range shop.Sender.Messages() {
				sent[m.At.Truncate(time.Hour)]++
			}
			for at, n := range sent {
				require.LessOrEqual(t, n, limit, "%s", at)
			}
		})
	}
}

// A place is taken while its hour lasts, also by who comes late in it: what was throttled and comes
// again in between finds the hour full.
func TestPlaceOfVelocityStays(t *testing.T) {
	const limit = 10
	n := 0
	busy := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		if n++; n <= limit/2 {
			return crm.Receipt{ID: m.ID, Status: crm.Throttled, After: 90 * time.Minute}
		}
		return crm.Receipt{ID: m.ID, Status: crm.Accepted}
	})
	var store crm.Store
	shop, _ := desked(t, 2*limit, func(cfg *vefa.Config) {
		store = memstore.NewAt(cfg.Now) // by whose clock places lapse
		cfg.Store, cfg.Sender = store, busy
	})
	o := offer()
	o.Velocity = map[string]int{"+90": limit}
	scheduled(t, shop, "everybody", o, nighttest.Start)
	_, err := shop.Engine.DrawDue(t.Context())
	require.NoError(t, err)
	left := map[string]int{}
	for range 9 {
		_, err = shop.Engine.Deliver(t.Context())
		require.NoError(t, err)
		shop.Clock.Advance(20 * time.Minute)
	}
	all, _ := recorded(t, store, crm.EffectMessage)
	for _, f := range all {
		require.Equal(t, crm.Done, f.State)
		left[f.SentAt.Format("15")]++
	}
	require.Equal(t, map[string]int{"12": limit / 2, "13": limit, "14": limit / 2}, left)
	clean(t, store)
}

// Budgets that could not be kept are refused, and a changed one of the configuration counts
// from the next claim on.
func TestBudgetsOfConfiguration(t *testing.T) {
	store := memstore.New()
	shop, _ := desked(t, 1, nil)
	_, err := shop.Engine.Desk().Draft(t.Context(), "ayse", "gold", messaging.Campaign{Name: "x", Text: "x", Unmeasured: "a test",
		Budget: messaging.Budget{Messages: -1, Money: crm.Money{Amount: 5, Currency: "TRY"}}, Velocity: map[string]int{"TR": 1, "+90": 0}})
	for _, want := range []string{"budget.messages", "budget.money", `"TR"`, `"+90"`} {
		require.ErrorContains(t, err, want)
	}
	for day, budget := range []int64{3, 5, 2} {
		shop.Clock.Set(nighttest.Start.AddDate(0, 0, day))
		eng := nighttest.New(t, store, shop.Clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
			c.Campaigns[0].Budget.Messages = budget
			c.Campaigns[0].On = []string{shop.Clock.Now().Format(time.DateOnly)}
		})
		_, err := eng.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(4 * (day + 1)))})
		require.NoError(t, err)
		require.Len(t, eng.Sender.Messages(), []int{3, 2, 0}[day])
		p, err := eng.Engine.Progress(t.Context(), "spring")
		require.NoError(t, err)
		require.EqualValues(t, []int{3, 5, 5}[day], p.Budget[0].Used)
	}
}

// What a message had reserved that was to come again is given back when it is withheld.
func TestBudgetOfWithheld(t *testing.T) {
	busy := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		return crm.Receipt{ID: m.ID, Status: crm.Throttled, After: time.Minute}
	})
	shop, _ := desked(t, 5, func(cfg *vefa.Config) { cfg.Sender = busy })
	o := offer()
	o.Budget.Messages = 4
	scheduled(t, shop, "everybody", o, nighttest.Start)
	_, err := shop.Engine.DrawDue(t.Context())
	require.NoError(t, err)
	for _, want := range []int64{4, 0} {
		_, err = shop.Engine.Deliver(t.Context())
		require.NoError(t, err)
		p, err := shop.Engine.Progress(t.Context(), "offer")
		require.NoError(t, err)
		require.Equal(t, want, p.Budget[0].Reserved)
		require.Zero(t, p.Budget[0].Used)
		shop.Clock.Advance(time.Hour)
		_, err = shop.Engine.Desk().Cancel(t.Context(), "offer", "mehmet", "")
		require.NoError(t, err)
	}
}
