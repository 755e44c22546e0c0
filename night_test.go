package vefa_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
)

// daily greets those who bought today, and all who ever bought once a day.
func daily(t *testing.T, store crm.Store, clock *crmtest.Clock, sender messaging.Sender) *vefa.Engine {
	t.Helper()
	book, err := rules.ReadYAML("rules.yaml", []byte(`
rules:
  - name: today
    each: Purchases
    when: row.DaysAgo == 0
    then: [{message: thanks}]
  - name: daily
    when: Orders > 0
    once: day
    then: [{message: hello}]
`))
	require.NoError(t, err)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Campaigns, c.Surveys, c.Sender = []*rules.Book{book}, nil, nil, sender
		c.TrainAt = -1 // the names and numbers of these people are too much alike
		c.Messages = []messaging.Campaign{{Name: "thanks", Text: "thanks", Unmeasured: "test"}, {Name: "hello", Text: "hello", Unmeasured: "test"}}
	})
	return shop.Engine
}

// TestAnEveningGoesOnAfterMidnight stops an evening before everybody's rules
// ran and goes on when the next day has begun: it is still the same evening.
func TestAnEveningGoesOnAfterMidnight(t *testing.T) {
	const people = 250 // several transactions of plans
	start := time.Date(2025, 3, 3, 23, 55, 0, 0, time.UTC)
	b := nighttest.People(people)
	count := func(store crm.Store) map[string]int {
		out := map[string]int{}
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
				if err != nil {
					return err
				}
				out[f.Cause]++
			}
			return nil
		}))
		return out
	}
	cutMidway := false
	step := 1
	if raced {
		step = 5 // .ci/run runs it without the race detector, too
	}
	for after := 2; after < 60; after += step {
		store, clock := memstore.New(), &crmtest.Clock{}
		clock.Set(start)
		failing := crmtest.NewFaulty(store)
		failing.Fail(crmtest.Fault{Where: crmtest.After, N: after})
		sender := messaging.NewMemorySender(nil)
		_, err := daily(t, failing, clock, sender).Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		if err == nil {
			continue
		}
		require.ErrorIs(t, err, crmtest.ErrFault)
		begun := false
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			for _, err := range vefa.Nights(t.Context(), r) {
				begun = err == nil
			}
			return nil
		}))
		if !begun {
			continue // it is another evening when it is run again
		}
		n := count(store)["rule/daily"]
		cutMidway = cutMidway || n > 0 && n < people

		clock.Set(start.Add(10 * time.Minute))
		rep, err := daily(t, store, clock, sender).Night(t.Context(), vefa.Night{Day: "2025-03-03", Source: nighttest.Once(b)})
		require.NoError(t, err)
		require.True(t, rep.Closed)
		require.Equal(t, start, rep.At.Truncate(time.Minute))
		require.Equal(t, map[string]int{"rule/today": people, "rule/daily": people}, count(store), "cut at %d", after)
		require.Len(t, sender.Messages(), 2*people)
	}
	require.True(t, cutMidway || raced, "no cut was in the middle of the plans")
}

// TestMissedEvening catches up an evening by its date, and refuses one to come.
func TestMissedEvening(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	sender := messaging.NewMemorySender(nil)
	clock.Set(nighttest.Start.AddDate(0, 0, 2)) // two days after everybody bought
	eng := daily(t, store, clock, sender)
	rep, err := eng.Night(t.Context(), vefa.Night{Day: "2025-03-03", Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	require.Equal(t, time.Date(2025, 3, 3, 23, 59, 59, 999999000, time.UTC), rep.At)
	require.Equal(t, 6, rep.Rules.Planned, "bought on the day that is caught up")
	require.Equal(t, 6, rep.Delivered.Done)
	for _, day := range []string{"2025-03-06", "2025-02-30", "tomorrow"} {
		_, err = eng.Night(t.Context(), vefa.Night{Day: day})
		require.ErrorIs(t, err, crm.ErrInvalid)
		require.ErrorContains(t, err, day)
	}
}

// TestVerdictsStayWhenAnEveningIsRunAgain judges a click just before an evening
// by what came just after it; the evening run once more must not forget that.
func TestVerdictsStayWhenAnEveningIsRunAgain(t *testing.T) {
	w := newTown(t)
	tracked, _, err := w.Engine.Links(w.surveys[0])
	require.NoError(t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	evening := nighttest.Start.AddDate(0, 0, 2)
	ask := func(method, id string, at time.Time) {
		w.Clock.Set(at)
		req, err := http.NewRequestWithContext(t.Context(), method, tracked, nil)
		require.NoError(t, err)
		req.Header.Set("X-Request-Id", id)
		req.Header.Set("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Mobile/15E148 Safari/604.1")
		req.Header.Set("Accept-Language", "tr")
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	verdict := func() crm.Verdict {
		for _, f := range w.facts(t, crm.KindClick) {
			if c := f.Data.(*crm.Click); c.Method == http.MethodGet {
				return c.Verdict
			}
		}
		return ""
	}
	night := func(eng *vefa.Engine, at time.Time) {
		w.Clock.Set(at)
		_, err := eng.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
	}
	ask(http.MethodGet, "1", evening.Add(-5*time.Second))
	require.NoError(t, w.Engine.Clicks().Flush(t.Context()))
	night(w.Engine, evening)
	require.Equal(t, crm.Human, verdict())
	ask(http.MethodHead, "2", evening.Add(5*time.Second)) // a scanner after all
	night(w.Engine, evening.AddDate(0, 0, 1))
	require.Equal(t, crm.Suspected, verdict())
	night(w.Engine, evening)
	require.Equal(t, crm.Suspected, verdict())
	fresh := nighttest.New(t, w.store, w.Clock, nil)
	night(fresh.Engine, evening)
	require.Equal(t, crm.Suspected, verdict())
	// What came since is for the next evening. Case F.
	verdicts := func() (out []crm.Verdict) {
		for _, f := range w.facts(t, crm.KindClick) {
			out = append(out, f.Data.(*crm.Click).Verdict)
		}
		return out
	}
	third := evening.AddDate(0, 0, 2)
	night(w.Engine, third)
	ask(http.MethodGet, "3", third.Add(-5*time.Second))
	require.NoError(t, w.Engine.Clicks().Flush(t.Context()))
	ask(http.MethodHead, "4", third.Add(-2*time.Second))
	require.NoError(t, w.Engine.Clicks().Flush(t.Context()))
	before := verdicts()
	w.Clock.Set(third.Add(time.Hour))
	_, err = w.Engine.Night(t.Context(), vefa.Night{Day: third.Format(time.DateOnly)})
	require.NoError(t, err)
	require.Equal(t, before, verdicts())
	night(w.Engine, third.AddDate(0, 0, 1))
	require.NotEqual(t, before, verdicts())
}

// TestPolarityTurnsBack turns a tag red and neutral again under a running
// engine: campaigns see both at once.
func TestPolarityTurnsBack(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start.AddDate(0, 0, -1))
	setup := nighttest.New(t, store, clock, nil)
	_, err := setup.Engine.Service().Import(t.Context(), nighttest.People(3))
	require.NoError(t, err)
	require.NoError(t, setup.Engine.Service().Tag(t.Context(), nighttest.Key(1), crm.TagChange{Tag: "staff"}))
	require.NoError(t, setup.Engine.SetPolarity(t.Context(), "staff", true, "hr", "test"))

	shop := nighttest.New(t, store, clock, nil)
	_, err = shop.Engine.Night(t.Context(), vefa.Night{}) // the engine has seen the tag red
	require.NoError(t, err)
	cust, err := shop.Engine.Service().CustomerOf(t.Context(), nighttest.Key(1))
	require.NoError(t, err)
	why, err := shop.Engine.Why(t.Context(), cust.ID, "campaign/spring", vefa.WhyQuery{})
	require.NoError(t, err)
	require.Contains(t, why.Text, "staff")
	require.NoError(t, shop.Engine.SetPolarity(t.Context(), "staff", false, "hr", "test"))
	clock.Set(nighttest.Start)
	rep, err := shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, 3, rep.Campaigns.Planned)
	sent := 0
	for _, m := range shop.Sender.Messages() {
		if m.Cause == "campaign/spring" {
			sent++
		}
	}
	require.Equal(t, 3, sent)
}

// TestATaskThatFails stops neither its evening nor the other tasks, leaves
// nothing of what it wrote, and is done when it can be.
func TestATaskThatFails(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	broken := true
	var log bytes.Buffer
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		call := c.Tasks["call"]
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Retry.Sleep = func(context.Context, time.Duration) error { return nil }
		c.Tasks["call"] = func(ctx context.Context, svc *crm.Service, f *crm.Effect) error {
			if err := call(ctx, svc, f); err != nil {
				return err
			}
			if broken && f.Subject.Profile == nighttest.Key(1) {
				return fmt.Errorf("the line is busy: %w", crm.ErrConflict)
			}
			return nil
		}
	})
	b := nighttest.People(3)
	for i := range 3 {
		b.Facts = append(b.Facts, nighttest.Order(i, fmt.Sprint("second", i), nighttest.Start.Add(-50*time.Hour)), nighttest.Order(i, fmt.Sprint("third", i), nighttest.Start.Add(-40*time.Hour)))
	}
	notes := func() (n int) {
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			for _, err := range crm.FactsOfKind(t.Context(), r, crm.AllParts(), crm.KindNote) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		}))
		return n
	}
	rep, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	require.True(t, rep.Closed)
	require.Equal(t, 2, rep.Carried.Done[crm.EffectTask])
	require.Equal(t, 1, rep.Carried.Failed)
	require.Equal(t, 2, notes())
	require.Len(t, shop.Sender.Messages(), 3, "the campaign goes out all the same")
	require.Contains(t, log.String(), "the line is busy")
	who, err := shop.Engine.Service().CustomerOf(t.Context(), nighttest.Key(1))
	require.NoError(t, err)
	why, err := shop.Engine.Why(t.Context(), who.ID, "rule/call", vefa.WhyQuery{})
	require.NoError(t, err)
	require.Contains(t, why.String(), "the line is busy")

	broken = false
	clock.Set(nighttest.Start.AddDate(0, 0, 1).Add(-time.Minute))
	rep, err = shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	require.Equal(t, 1, rep.Carried.Done[crm.EffectTask])
	require.Equal(t, 3, notes())
}

// TestATaskThatFailsAtLength stores of its error what a person reads.
func TestATaskThatFailsAtLength(t *testing.T) { // Case H10
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Logger = slog.New(slog.DiscardHandler)
		c.Tasks["call"] = func(context.Context, *crm.Service, *crm.Effect) error {
			return errors.New(strings.Repeat("ş", 1<<20) + "\x00\xff")
		}
	})
	b := nighttest.People(1)
	b.Facts = append(b.Facts, nighttest.Order(0, "second", nighttest.Start.Add(-50*time.Hour)), nighttest.Order(0, "third", nighttest.Start.Add(-40*time.Hour)))
	rep, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	require.Equal(t, 1, rep.Carried.Failed)
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			for _, why := range f.Reasons {
				require.LessOrEqual(t, len(why.Note), 1024)
				require.True(t, utf8.ValidString(why.Note))
			}
		}
		return nil
	}))
}

// TestAShopOpens sends from a place that opened after the engine was started.
func TestAShopOpens(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start.AddDate(0, 0, -1))
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Campaigns = nil
		c.Surveys[0].Invitation.Text, c.Surveys[0].Invitation.Fields = "How was {shop}?", []messaging.Field{{Name: "shop", Max: 24, Fallback: "it"}}
	})
	_, err := shop.Engine.Night(t.Context(), vefa.Night{})
	require.NoError(t, err)
	update(t, store, func(tx crm.Tx) error {
		doc, err := crm.NewDocument("place", "new", &crm.Place{ID: "new", Kind: "store", Name: "The New Shop"})
		if err != nil {
			return err
		}
		return tx.PutDocuments(t.Context(), doc)
	})
	b := nighttest.People(1)
	b.Facts[1].Place = "new"
	for day := range 2 {
		clock.Set(nighttest.Start.AddDate(0, 0, day).Add(time.Hour))
		_, err = shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
	}
	require.Len(t, shop.Sender.Messages(), 1)
	require.Equal(t, "How was The New Shop?", shop.Sender.Messages()[0].Text)
}

// TestDaysAreThoseOfTheShop asks three people who bought in the same instant
// "did you buy today?": it is another day in each shop.
func TestDaysAreThoseOfTheShop(t *testing.T) {
	shops := func() (crm.Store, *crmtest.Clock, messaging.Sender) {
		store, clock := memstore.New(), &crmtest.Clock{}
		sender := messaging.NewMemorySender(nil)
		update(t, store, func(tx crm.Tx) error {
			for id, zone := range map[string]string{"dubai": "Asia/Dubai", "berlin": "Europe/Berlin", "ny": "America/New_York"} {
				doc, err := crm.NewDocument("place", id, &crm.Place{ID: id, Kind: "store", Name: id, Zone: zone})
				if err != nil {
					return err
				}
				if err := tx.PutDocuments(t.Context(), doc); err != nil {
					return err
				}
			}
			return nil
		})
		return store, clock, sender
	}
	for _, c := range []struct {
		bought, evening string
		want            []int // who bought today: 0 in Dubai, 1 in Berlin, 2 in New York
	}{
		{"2025-03-03T20:30:00Z", "2025-03-04T19:00:00Z", []int{0}}, // 00:30 in Dubai, 21:30 in Berlin
		{"2025-03-04T04:30:00Z", "2025-03-05T03:00:00Z", []int{}},  // 23:30 and 22:00 in New York, of two days
		{"2025-03-29T22:30:00Z", "2025-03-30T21:30:00Z", []int{}},  // the day of 23 hours in Berlin: 23:30 and 23:30
		{"2025-03-29T23:30:00Z", "2025-03-30T21:30:00Z", []int{1}}, // 00:30 and 23:30
		{"2025-10-25T21:45:00Z", "2025-10-26T22:30:00Z", []int{}},  // the day of 25 hours: 23:45 and 23:30
		{"2025-10-25T22:15:00Z", "2025-10-26T22:45:00Z", []int{1}}, // 24.5 hours later it is still today
	} {
		at, err := time.Parse(time.RFC3339, c.bought)
		require.NoError(t, err)
		evening, err := time.Parse(time.RFC3339, c.evening)
		require.NoError(t, err)
		store, clock, sender := shops()
		b := nighttest.People(3)
		for i, place := range []string{"dubai", "berlin", "ny"} {
			f := b.Facts[2*i+1]
			f.Key.ID, f.At, f.Place = c.bought+place, at, place
		}
		clock.Set(evening)
		eng := daily(t, store, clock, sender)
		_, err = eng.Service().Import(t.Context(), b)
		require.NoError(t, err)
		_, err = eng.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		got := []int{}
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
				if err != nil {
					return err
				}
				for i, place := range []string{"dubai", "berlin", "ny"} {
					if f.Cause == "rule/today" && f.About.ID == c.bought+place {
						got = append(got, i)
					}
				}
			}
			return nil
		}))
		require.ElementsMatch(t, c.want, got, "bought %s, evening %s", c.bought, c.evening)
	}
}
