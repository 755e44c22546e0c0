package nighttest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
	"github.com/vefacrm/vefa/messaging/link"
)

// JudgedByMany has several engines judge the clicks of an older version again at once, while
// others import newer versions of some of them: each is judged by one of them and told of once, keeps
// what the older version said once, and nothing that was imported is lost.
func JudgedByMany(t *testing.T, store crm.Store, engines, clicks int) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	clock := &crmtest.Clock{}
	clock.Set(Start)
	shops := make([]*Retailer, engines)
	for i := range shops {
		shops[i] = New(t, store, clock, func(c *vefa.Config) { c.Rules, c.Surveys, c.TrainAt = nil, nil, -1 })
	}
	_, err := shops[0].Engine.Night(ctx, vefa.Night{Source: Once(People(clicks))})
	require.NoError(t, err)
	const older = "vefa-2026.11"
	var all []*crm.Fact
	for i, m := range shops[0].Sender.Messages() {
		agent := "WhatsApp/2.24.20.89 A"
		if i%2 == 0 {
			agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Snapchat/12.89 (Phone; iOS 17.5)"
		}
		at := Start.Add(time.Duration(i) * 20 * time.Minute)
		all = append(all, &crm.Fact{Key: crm.FactKey{Kind: crm.KindClick, Source: "link", ID: fmt.Sprint(i)}, Subject: crm.OfAddress(m.To), At: at, Version: 1,
			Data: &crm.Click{Effect: m.ID, Agent: agent, Verdict: crm.Suspected, Reasons: []string{"agent"}, Classifier: older}})
	}
	require.Len(t, all, clicks)
	_, err = shops[0].Engine.Service().Import(ctx, crm.Batch{Facts: all})
	require.NoError(t, err)
	clock.Set(Start.AddDate(0, 2, 0))
	told := make([]vefa.JudgedAgain, Writers)
	AtOnce(t, func(w int) (err error) {
		if w%4 == 3 { // a newer version of one in ten, once
			for i := w; i < clicks; i += 10 {
				f := *all[i]
				d := *f.Data.(*crm.Click)
				d.Signals, f.Version, f.Data = "newer", 100, &d
				if _, err := shops[w%engines].Engine.Service().Import(ctx, crm.Batch{Facts: []*crm.Fact{&f}}); err != nil {
					return err
				}
			}
			return nil
		}
		told[w], err = shops[w%engines].Engine.JudgeClicksAgain(ctx)
		return err
	})
	sum := 0
	for _, x := range told {
		sum += x.Clicks
	}
	require.GreaterOrEqual(t, sum, clicks-clicks/5, "each once, but for those that were imported meanwhile")
	require.LessOrEqual(t, sum, clicks+clicks/5)
	last, err := shops[0].Engine.JudgeClicksAgain(ctx)
	require.NoError(t, err)
	sum += last.Clicks
	newer, seen, again := 0, 0, 0
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindClick) {
			if err != nil {
				return err
			}
			d := f.Data.(*crm.Click)
			require.Equal(t, link.Classifier, d.Classifier)
			require.Equal(t, []crm.ClickVerdict{{Verdict: crm.Suspected, Reasons: []string{"agent"}, Classifier: older}}, d.Earlier, "of version %d", f.Version)
			if seen++; d.Signals == "newer" {
				newer++
				require.EqualValues(t, 101, f.Version)
			} else {
				require.EqualValues(t, 2, f.Version)
				again++
			}
		}
		return nil
	}))
	require.Equal(t, clicks, seen)
	require.Equal(t, clicks/10*2, newer, "an import was lost")
	require.GreaterOrEqual(t, sum, clicks)
	require.LessOrEqual(t, sum, clicks+newer, "told of twice: %d of %d were imported meanwhile", newer, clicks)
	last, err = shops[0].Engine.JudgeClicksAgain(ctx)
	require.NoError(t, err)
	require.Zero(t, last.Clicks)
}

// over reports that a campaign was closed before somebody paused or resumed it.
func over(err error) bool { return errors.Is(err, campaigns.ErrState) }

// RaisedBeside has many goroutines of several engines deliver a campaign of the desk while its
// budget is raised step by step and it is paused and resumed: never more leaves than the largest
// budget that was given, all of that leaves, each once, and the campaign is closed.
func RaisedBeside(t *testing.T, store crm.Store, engines, people int) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	clock := &crmtest.Clock{}
	clock.Set(Start)
	sender := &moody{throttled: map[crm.EffectID]bool{}}
	shops := make([]*Retailer, engines)
	for i := range shops {
		shops[i] = New(t, store, clock, func(c *vefa.Config) {
			c.Rules, c.Surveys, c.Campaigns, c.TrainAt, c.Batch, c.Sender = nil, nil, nil, -1, 7, sender
			c.Desk = &campaigns.Config{Untested: true}
		})
	}
	eng := shops[0].Engine
	_, err := eng.Service().Import(ctx, People(people))
	require.NoError(t, err)
	offer := messaging.Campaign{Name: "offer", Text: "Spring {link}", URL: "https://shop.example/offer", Unmeasured: "a test"}
	offer.Budget.Messages = int64(people / 8)
	l, err := eng.Desk().Draft(ctx, "ayse", "everybody", offer)
	require.NoError(t, err)
	_, err = eng.Desk().Approve(ctx, "offer", "mehmet", l.Seal)
	require.NoError(t, err)
	_, err = eng.Desk().Schedule(ctx, "offer", "ayse", Start)
	require.NoError(t, err)
	_, err = eng.DrawDue(ctx)
	require.NoError(t, err)
	budget := int(offer.Budget.Messages)
	for step := range 4 {
		AtOnce(t, func(w int) error {
			e := shops[w%engines].Engine
			switch {
			case w == 0 && step > 0:
				offer.Budget.Messages += int64(people / 8)
				if _, err := e.Desk().Raise(ctx, "offer", "mehmet", l.Seal, offer.Budget); err != nil {
					return err
				}
			case w == 1 && step == 2:
				if _, err := e.Desk().Pause(ctx, "offer", "can", ""); err != nil && !over(err) {
					return err
				}
				if _, err := e.Deliver(ctx); err != nil {
					return err
				}
				if _, err := e.Desk().Resume(ctx, "offer", "can", ""); err != nil && !over(err) {
					return err
				}
			}
			_, err := e.Deliver(ctx)
			return err
		})
		budget = int(offer.Budget.Messages)
		sender.mu.Lock()
		require.LessOrEqual(t, len(sender.left), budget)
		sender.mu.Unlock()
		for range 3 { // what was throttled comes again
			clock.Advance(10 * time.Minute)
			_, err := shops[step%engines].Engine.Deliver(ctx)
			require.NoError(t, err)
		}
		require.Len(t, sender.left, budget, "step %d", step)
	}
	clock.Advance(73 * time.Hour) // doubts keep it open
	_, err = eng.Deliver(ctx)
	require.NoError(t, err)
	seen := map[crm.EffectID]bool{}
	for _, m := range sender.left {
		require.False(t, seen[m.ID])
		seen[m.ID] = true
	}
	p, err := eng.Progress(ctx, "offer")
	require.NoError(t, err)
	require.Equal(t, campaigns.Closed, p.Life.State)
	require.Equal(t, budget, p.Sent+p.Unknown)
	require.EqualValues(t, p.Sent, p.Budget[0].Used)
	require.EqualValues(t, p.Unknown, p.Budget[0].Reserved)
	require.Zero(t, p.Waiting+p.Leaving)
}
