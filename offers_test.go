package vefa_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/experiment"
	offers "github.com/vefacrm/vefa/messaging/offer"
	"github.com/vefacrm/vefa/rules"
)

// of is an order whose dearest article is of a category.
func of(category string, o *crm.Fact) *crm.Fact {
	d := o.Data.(*crm.Order)
	d.Lines = []crm.OrderLine{{SKU: "A", Category: category, Quantity: 1, Amount: d.Total}}
	return o
}

// recorded returns the effects of the record and what each says.
func recorded(t testing.TB, store crm.Store, kind crm.EffectKind) (all []*crm.Effect, data map[crm.EffectID]vefa.MessageData) {
	t.Helper()
	data = map[crm.EffectID]vefa.MessageData{}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			require.NoError(t, err)
			if f.Kind != kind {
				continue
			}
			var d vefa.MessageData
			require.NoError(t, json.Unmarshal(f.Data, &d))
			all, data[f.ID] = append(all, f), d
		}
		return nil
	}))
	return all, data
}

// TestChoice sends a campaign that chooses between a strap and a ring. Half of the people get
// the same for all; what is bought is given here, and so are the figures that follow from it.
// The people of the second evening meet a chooser that has learnt from the first.
func TestChoice(t *testing.T) {
	const people = 600
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	window := 14 * 24 * time.Hour
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
		c.Campaigns[0].On = []string{"2025-03-03", "2025-03-20"}
		c.Campaigns[0].Campaign = messaging.Campaign{Name: "spring", Text: "Spring", Holdout: 0.2, Window: window, Margin: 0.5,
			Choice: messaging.Choice{Same: 0.5},
			Variants: []messaging.Variant{{Name: "strap", Text: "A strap", Categories: []string{"strap"}, Margin: 0.2},
				{Name: "ring", Text: "A ring", Categories: []string{"ring"}}}}
	})
	category := func(i int) string { return []string{"strap", "ring", "watch"}[i%3] }
	arrive := func(from, to int) crm.Batch {
		b := nighttest.People(to)
		b.Profiles, b.Facts = b.Profiles[from:], b.Facts[2*from:]
		for i, f := range b.Facts {
			if f.Key.Kind == crm.KindOrder {
				of(category(from+i/2), f)
			}
		}
		return b
	}
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(arrive(0, people))})
	require.NoError(t, err)

	words := map[string]string{"": "Spring", "strap": "A strap", "ring": "A ring"}
	groups := map[crm.ProfileKey]string{}
	for i := range people {
		groups[nighttest.Key(i)] = map[string]string{"strap": "strap", "ring": "ring"}[category(i)]
	}
	texts := map[crm.EffectID]string{}
	for _, m := range shop.Sender.Messages() {
		texts[m.ID] = m.Text
	}
	var chosen, same, heldOut experiment.Counts
	var spent, earned [2]experiment.Spend
	ways := map[string]*experiment.Counts{"": {}, "strap": {}, "ring": {}}
	fits := 0
	effects, data := recorded(t, store, crm.EffectMessage)
	var facts []*crm.Fact
	for _, f := range effects {
		d := data[f.ID]
		require.NotNil(t, d.Choice)
		require.Equal(t, groups[d.Profile], d.Choice.Group)
		// Everybody with a strap buys one for a hundred, one in five of the others.
		buys := d.Variant == "strap" || len(facts)%5 == 0
		if f.State != crm.HeldOut {
			require.Equal(t, words[d.Variant], texts[f.ID])
			arm, at := &chosen, 0
			if d.Choice.Same {
				require.Empty(t, d.Variant)
				arm, at = &same, 1
			} else {
				n := ways[d.Variant]
				n.Assigned++
				if buys {
					n.Converted++
				}
				if d.Variant == d.Choice.Group {
					fits++
				}
			}
			arm.Assigned++
			amount := int64(0)
			if buys {
				arm.Converted++
				amount = 10000
			}
			spent[at].Add(amount)
			if d.Variant == "strap" {
				earned[at].Add(amount / 5)
			} else {
				earned[at].Add(amount / 2)
			}
		} else if heldOut.HeldOut++; buys {
			heldOut.HeldOutConverted++
		}
		if buys {
			o := nighttest.Order(0, string(f.ID), f.Created.Add(time.Hour))
			o.Subject = crm.OfProfile(d.Profile)
			facts = append(facts, of("watch", o))
		} else {
			facts = append(facts, nil)
		}
	}
	require.Greater(t, fits, int(chosen.Assigned)/2, "what they buy counts, before anything is known")
	require.InDelta(t, float64(same.Assigned), float64(chosen.Assigned), 120)
	facts = slices.DeleteFunc(facts, func(f *crm.Fact) bool { return f == nil })
	_, err = shop.Engine.Service().Import(t.Context(), crm.Batch{Facts: facts})
	require.NoError(t, err)

	clock.Set(nighttest.Start.AddDate(0, 0, 16))
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	got := res.Campaigns[0].Choice
	require.NotNil(t, got)
	require.Nil(t, res.Campaigns[0].Variants)
	n := chosen
	n.HeldOut, n.HeldOutConverted = same.Assigned, same.Converted
	require.Equal(t, n, got.Against.Counts)
	require.Equal(t, experiment.Better, got.Against.Result)
	for _, arm := range []struct {
		of  experiment.Counts
		got experiment.Report
	}{{chosen, got.Chosen}, {same, got.Same}} {
		arm.of.HeldOut, arm.of.HeldOutConverted = heldOut.HeldOut, heldOut.HeldOutConverted
		require.Equal(t, arm.of, arm.got.Counts)
		require.NotEqual(t, experiment.Broken, arm.got.Result)
	}
	require.Len(t, got.Offers, 3)
	for i, name := range []string{"", "strap", "ring"} {
		require.Equal(t, name, got.Offers[i].Name)
		require.Equal(t, [2]int64{ways[name].Converted, ways[name].Assigned}, [2]int64{got.Offers[i].Bought.K, got.Offers[i].Bought.N})
	}
	for i, d := range []vefa.Difference{got.Revenue, got.Margin} {
		of := [][2]experiment.Spend{spent, earned}[i]
		want, err := experiment.CompareSpend(of[0], of[1], 0)
		require.NoError(t, err)
		require.True(t, d.Measured)
		require.InDelta(t, want.Difference, float64(d.Extra.Amount), 0.5)
		require.InDelta(t, want.Interval.Lo, float64(d.Low.Amount), 0.5)
		require.InDelta(t, want.Interval.Hi, float64(d.High.Amount), 0.5)
	}
	require.Greater(t, got.Revenue.Extra.Amount, got.Margin.Extra.Amount, "the strap sells, and earns little")

	// Those who come later are offered straps, whatever they bought.
	clock.Set(nighttest.Start.AddDate(0, 0, 17))
	_, err = shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(arrive(people, people+300))})
	require.NoError(t, err)
	straps, all := 0, 0
	after, data := recorded(t, store, crm.EffectMessage)
	for _, f := range after {
		if d := data[f.ID]; f.Created.After(nighttest.Start.AddDate(0, 0, 15)) && !d.Choice.Same {
			if all++; d.Variant == "strap" {
				straps++
			}
		}
	}
	require.Greater(t, all, 100)
	require.Greater(t, straps, all*9/10)
}

const offerRules = `
rules:
  - name: counter
    doc: whoever is at the counter
    on: {event: counter}
    once: day
    when: Orders >= 1
    then:
      - offer: till
`

// tillOffers is an engine that offers at the till.
func tillOffers(t testing.TB, store crm.Store, clock *crmtest.Clock, change func(*vefa.Config)) *nighttest.Retailer {
	book, err := rules.ReadYAML("till.yaml", []byte(offerRules))
	require.NoError(t, err)
	return nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt, c.Events = []*rules.Book{book}, nil, -1, []string{"counter"}
		c.Campaigns = []vefa.Campaign{{Live: true, Campaign: messaging.Campaign{Name: "till", Text: "A strap for half the price", Holdout: 0.2, Window: 24 * time.Hour,
			Exclude: []string{"staff"}, Choice: messaging.Choice{Same: 0.3}, Variants: []messaging.Variant{{Name: "ring", Text: "A ring", Categories: []string{"ring"}}}}}}
		if change != nil {
			change(c)
		}
	})
}

func occur(t testing.TB, shop *nighttest.Retailer, i int) vefa.Occurred {
	t.Helper()
	c, err := shop.Engine.Service().CustomerOf(t.Context(), nighttest.Key(i))
	require.NoError(t, err)
	got, err := shop.Engine.Occur(t.Context(), c.ID, rules.Trigger{Kind: rules.OnEvent, Event: "counter"}, crm.FactKey{})
	require.NoError(t, err)
	return got
}

// TestOffersAtTheTill: a customer at the counter gets an answer in the call, the same when asked
// again that day, and none if held out, with an unsolved ticket or a tag that excludes him.
func TestOffersAtTheTill(t *testing.T) {
	const people = 300
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := tillOffers(t, store, clock, nil)
	svc := shop.Engine.Service()
	b := nighttest.People(people)
	for _, f := range b.Facts {
		if f.Key.Kind == crm.KindOrder {
			of("ring", f)
		}
	}
	_, err := svc.Import(t.Context(), b)
	require.NoError(t, err)
	_, err = svc.OpenTicket(t.Context(), nighttest.Key(0), "desk", "t", crm.Ticket{Title: "scratched"})
	require.NoError(t, err)
	for i, tag := range []string{"staff", "furious"} {
		require.NoError(t, svc.Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindTag, Source: "desk", ID: tag}, Subject: crm.OfProfile(nighttest.Key(1 + i)), At: nighttest.Start, Version: 1, Data: &crm.TagChange{Tag: tag}}))
	}
	require.NoError(t, shop.Engine.SetPolarity(t.Context(), "furious", true, "desk", "they complained"))

	made := map[int]vefa.Offered{}
	for i := range people {
		got := occur(t, shop, i)
		require.Equal(t, 1, got.Planned)
		if len(got.Offers) > 0 {
			require.False(t, got.Offers[0].Repeated)
			made[i] = got.Offers[0]
		}
		clock.Advance(time.Second)
	}
	require.NotContains(t, made, 0)
	require.NotContains(t, made, 1)
	require.NotContains(t, made, 2)
	effects, data := recorded(t, store, vefa.EffectOffer)
	require.Len(t, effects, people)
	states := map[crm.EffectState]int{}
	var facts []*crm.Fact
	rings := 0
	for _, f := range effects {
		states[f.State]++
		d := data[f.ID]
		if d.Variant == "ring" {
			rings++
			require.False(t, d.Choice.Same)
		}
		if f.State == crm.Done && d.Variant == "ring" {
			o := nighttest.Order(0, string(f.ID), f.Created.Add(time.Minute))
			o.Subject = crm.OfProfile(d.Profile)
			facts = append(facts, o)
		}
	}
	require.Equal(t, len(made), states[crm.Done])
	require.Equal(t, people-3, states[crm.Done]+states[crm.HeldOut]+3-states[crm.Withheld])
	require.InDelta(t, 0.2*people, states[crm.HeldOut], 25)
	require.Greater(t, rings, people*4/10)

	// Again, an hour later: the same, and nothing new.
	clock.Advance(time.Hour)
	for i := range 40 {
		got := occur(t, shop, i)
		require.Zero(t, got.Planned)
		if o, ok := made[i]; ok {
			o.Repeated = true
			require.Equal(t, []vefa.Offered{o}, got.Offers)
		} else {
			require.Empty(t, got.Offers)
		}
	}
	_, err = svc.Import(t.Context(), crm.Batch{Facts: facts})
	require.NoError(t, err)
	clock.Advance(48 * time.Hour)
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	c := res.Campaigns[0]
	require.EqualValues(t, states[crm.HeldOut], c.Report.Counts.HeldOut)
	require.EqualValues(t, len(made), c.Report.Counts.Assigned)
	require.EqualValues(t, len(facts), c.Report.Counts.Converted)
	require.Len(t, c.Withheld, 2)
	require.Equal(t, experiment.Better, c.Choice.Against.Result)
	require.NoError(t, shop.Engine.Learn(t.Context()))
	rings = 0
	for i := range people { // another day, another choice
		if got := occur(t, shop, i); len(got.Offers) > 0 && got.Offers[0].Offer == "ring" {
			rings++
			require.Equal(t, "A ring", got.Offers[0].Text)
		}
	}
	require.Greater(t, rings, len(made)*6/10)
	rep, err := vefa.Audit(t.Context(), store, nighttest.Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
}

// TestOneOfferOfMany asks for one customer from many goroutines: all get one answer.
func TestOneOfferOfMany(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	turn := 0
	var mu sync.Mutex
	shop := tillOffers(t, store, clock, func(c *vefa.Config) {
		c.Campaigns[0].Holdout, c.Campaigns[0].Unmeasured, c.Campaigns[0].Choice = 0, "a test", messaging.Choice{Same: 0.01, By: "turn"}
		c.Choosers = map[string]offers.Chooser{"turn": chooserFunc(func(context.Context, offers.Question) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			turn++
			return turn % 2, nil
		})}
	})
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(20))
	require.NoError(t, err)
	for i := range 20 {
		var wg sync.WaitGroup
		got := make([]vefa.Occurred, 8)
		for n := range got {
			wg.Go(func() { got[n] = occur(t, shop, i) })
		}
		wg.Wait()
		firsts := 0
		for _, o := range got {
			require.Len(t, o.Offers, 1)
			require.Equal(t, got[0].Offers[0].Offer, o.Offers[0].Offer, "person %d", i)
			firsts += o.Planned
		}
		require.Equal(t, 1, firsts)
	}
}

type chooserFunc func(context.Context, offers.Question) (int, error)

func (f chooserFunc) Choose(ctx context.Context, q offers.Question) (int, error) { return f(ctx, q) }

// A chooser that fails, panics or answers nonsense offers nothing and says so.
func TestChooserFails(t *testing.T) {
	for name, by := range map[string]chooserFunc{
		"choose: out of stock":               func(context.Context, offers.Question) (int, error) { return 0, errors.New("out of stock") },
		"the chooser answered 2 of 2 offers": func(context.Context, offers.Question) (int, error) { return 2, nil },
		"panic":                              func(context.Context, offers.Question) (int, error) { panic("ouch") },
	} {
		clock := &crmtest.Clock{}
		clock.Set(nighttest.Start)
		store := memstore.New()
		shop := tillOffers(t, store, clock, func(c *vefa.Config) {
			c.Choosers, c.Campaigns[0].Choice.Same = map[string]offers.Chooser{"": by}, 0.001
		})
		_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(1))
		require.NoError(t, err)
		c, err := shop.Engine.Service().CustomerOf(t.Context(), nighttest.Key(0))
		require.NoError(t, err)
		_, err = shop.Engine.Occur(t.Context(), c.ID, rules.Trigger{Kind: rules.OnEvent, Event: "counter"}, crm.FactKey{})
		require.ErrorContains(t, err, name)
		all, _ := recorded(t, store, vefa.EffectOffer)
		require.Empty(t, all)
	}
}

func TestOfferFaults(t *testing.T) {
	evening, err := rules.ReadYAML("r.yaml", []byte("rules:\n  - name: a\n    doc: a\n    when: Orders >= 1\n    then:\n      - offer: till\n      - offer: nothing\n"))
	require.NoError(t, err)
	late, err := rules.ReadYAML("l.yaml", []byte("rules:\n  - name: b\n    doc: b\n    on: {event: counter}\n    when: Orders >= 1\n    then:\n      - {offer: till, after: 1d}\n"))
	require.NoError(t, err)
	till := messaging.Campaign{Name: "till", Text: "A strap", Unmeasured: "a test"}
	choice := till
	choice.Name, choice.Choice, choice.Window, choice.Variants = "choice", messaging.Choice{Same: 0.5, By: "nobody"}, time.Hour, []messaging.Variant{{Name: "b", Text: "B"}}
	busy := till
	busy.Name, busy.URL, busy.Policy.OptOut = "busy", "https://shop.example", true
	busy.Cadence.Every, busy.Relevance, busy.Quiet = 240*time.Hour, 1, messaging.QuietHours{From: "00:00", To: "23:59"}
	_, err = vefa.New(vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(), Events: []string{"counter"},
		Rules: []*rules.Book{evening, late}, Campaigns: []vefa.Campaign{{Live: true, Campaign: till}, {Campaign: choice}, {Live: true, Campaign: busy, On: []string{"2025-03-03"}}},
		Guards: []vefa.Guard{vefa.Contradicting(vefa.Contradiction{First: "campaign/choice", Then: "campaign/till"})}})
	for _, want := range []string{
		"an offer is made on an event of Config.Events alone",
		`there is no campaign "nothing" that is Live`,
		"an offer is made at once, and cannot wait",
		`Config.Choosers has no chooser "nobody"`,
		`campaign "busy" is live and has evenings (On)`, `campaign "busy" is live and has a URL`,
		`campaign "busy" is live and has a cadence (Cadence)`, `campaign "busy" is live and has a least score (Relevance)`,
		`campaign "busy" is live and has quiet hours (Quiet)`, `campaign "busy" is live and has a policy of consent (Policy)`,
		`Config.Guards[0] "contradiction": "campaign/till" is live`,
	} {
		require.ErrorContains(t, err, want)
	}
}

// A message on a channel that nothing carries is refused also where an offer has its name.
func TestMessageNamedAsAnOffer(t *testing.T) {
	cfg := vefa.Config{Store: memstore.New(), BaseURL: "https://s.example", Keys: nighttest.Keys(), Sender: messaging.ByChannel{crm.Phone: messaging.NewMemorySender(nil)},
		Channels:  []messaging.Channel{{Name: "chat", To: crm.Phone, Slots: []messaging.Slot{{Name: "text", Max: 100}}}},
		Campaigns: []vefa.Campaign{{Live: true, Campaign: messaging.Campaign{Name: "till", Unmeasured: "a test", Contents: []messaging.Content{{Channel: "chat", Text: "x"}}}}}}
	_, err := vefa.New(cfg)
	require.NoError(t, err, "the offer itself is sent by nobody")
	cfg.Messages = []messaging.Campaign{{Name: "till", Unmeasured: "a test", Contents: []messaging.Content{{Channel: "chat", Text: "x"}}}}
	_, err = vefa.New(cfg)
	require.ErrorContains(t, err, `message "message/till" says something on channel "chat", for which Config.Sender has no sender`)
}

// BenchmarkOffer asks for an offer at the till, in memory, for a customer with ten orders and ten
// offers before.
func BenchmarkOffer(b *testing.B) {
	const people = 2000
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := tillOffers(b, store, clock, nil)
	batch := nighttest.People(people)
	for i := range people {
		for n := range 9 {
			batch.Facts = append(batch.Facts, of([]string{"ring", "strap"}[n%2], nighttest.Order(i, fmt.Sprint("x", i, "-", n), nighttest.Start.AddDate(0, 0, -n))))
		}
	}
	_, err := shop.Engine.Service().Import(b.Context(), batch)
	require.NoError(b, err)
	ids := make([]crm.CustomerID, people)
	for i := range ids {
		c, err := shop.Engine.Service().CustomerOf(b.Context(), nighttest.Key(i))
		require.NoError(b, err)
		ids[i] = c.ID
	}
	var took []time.Duration
	n := 0
	for b.Loop() {
		if n%people == 0 {
			clock.Advance(24 * time.Hour)
		}
		from := time.Now()
		if _, err := shop.Engine.Occur(b.Context(), ids[n%people], rules.Trigger{Kind: rules.OnEvent, Event: "counter"}, crm.FactKey{}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(from))
		n++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "us-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "us-p99")
}
