package vefa_test

import (
	"encoding/json"
	"strings"
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
)

// TestVariants says a campaign in three ways. Who gets which is drawn apart from the holdout,
// goes out in its words, and is measured way by way, by figures that are given here.
func TestVariants(t *testing.T) {
	const people = 600
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	link := []messaging.Field{{Name: "link", Type: messaging.LinkField, Max: 60}}
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
		c.Campaigns[0].Campaign = messaging.Campaign{Name: "spring", Text: "Spring {link}", Fields: link, URL: "https://shop.example/spring",
			Holdout: 0.2, Window: 14 * 24 * time.Hour,
			Variants: []messaging.Variant{{Name: "short", Share: 0.25, Text: "Now {link}"}, {Name: "long", Share: 0.25, Text: "Spring has come to our shop {link}"}}}
	})
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(people))})
	require.NoError(t, err)

	words := map[string]string{"": "Spring https", "short": "Now https", "long": "Spring has come"}
	texts := map[crm.EffectID]string{}
	for _, m := range shop.Sender.Messages() {
		texts[m.ID] = m.Text
	}
	counts, heldOut := map[string]*experiment.Counts{}, experiment.Counts{}
	var facts []*crm.Fact
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			require.NoError(t, err)
			var d vefa.MessageData
			require.NoError(t, json.Unmarshal(f.Data, &d))
			n := counts[d.Variant]
			if n == nil {
				n = &experiment.Counts{}
				counts[d.Variant] = n
			}
			i := n.Assigned
			if f.State == crm.HeldOut {
				require.Empty(t, texts[f.ID])
				i = heldOut.HeldOut
				heldOut.HeldOut++
			} else {
				require.Equal(t, crm.Done, f.State)
				require.True(t, strings.HasPrefix(texts[f.ID], words[d.Variant]), "%q: %q", d.Variant, texts[f.ID])
				n.Assigned++
				n.Delivered++
			}
			// A fifth buys; of the short words a half.
			if buys := i%5 == 0 || d.Variant == "short" && i%2 == 0 && f.State != crm.HeldOut; buys {
				o := nighttest.Order(0, string(f.ID), f.Created.Add(time.Hour))
				o.Subject = crm.OfProfile(d.Profile)
				facts = append(facts, o)
				if f.State == crm.HeldOut {
					heldOut.HeldOutConverted++
				} else {
					n.Converted++
				}
			}
		}
		return nil
	}))
	require.Len(t, counts, 3)
	_, err = shop.Engine.Service().Import(t.Context(), crm.Batch{Facts: facts})
	require.NoError(t, err)
	clock.Set(nighttest.Start.AddDate(0, 0, 20))
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	got := res.Campaigns[0]
	require.Len(t, got.Variants, 3)
	var ps []float64
	sum := experiment.Counts{HeldOut: heldOut.HeldOut, HeldOutConverted: heldOut.HeldOutConverted}
	for i, name := range []string{"", "short", "long"} {
		v, n := got.Variants[i], *counts[name]
		require.Equal(t, name, v.Name)
		require.Greater(t, n.Assigned, int64(80))
		sum.Assigned, sum.Delivered, sum.Converted = sum.Assigned+n.Assigned, sum.Delivered+n.Delivered, sum.Converted+n.Converted
		n.HeldOut, n.HeldOutConverted = heldOut.HeldOut, heldOut.HeldOutConverted
		require.Equal(t, n, v.Report.Counts)
		require.NotEqual(t, experiment.Broken, v.Report.Result, "the shares are those that were drawn")
		if name == "" {
			require.Zero(t, v.Against)
			continue
		}
		n.HeldOut, n.HeldOutConverted = counts[""].Assigned, counts[""].Converted
		require.Equal(t, n, v.Against.Counts)
		require.NotEqual(t, experiment.Broken, v.Against.Result)
		ps = append(ps, v.Against.Incremental.P)
	}
	require.Equal(t, sum, got.Report.Counts)
	adjusted, err := experiment.Holm(ps...)
	require.NoError(t, err)
	require.Equal(t, adjusted, []float64{got.Variants[1].Adjusted, got.Variants[2].Adjusted})
	require.Equal(t, experiment.Better, got.Variants[1].Against.Result)
	require.Less(t, got.Variants[1].Adjusted, 0.05)
	require.Greater(t, got.Variants[2].Adjusted, 0.05)
}

// TestVariantsOfOtherMessages: rules draw nothing.
func TestVariantsOfOtherMessages(t *testing.T) {
	_, err := vefa.New(vefa.Config{Store: memstore.New(), Sender: messaging.NewMemorySender(nil), BaseURL: "https://s.example", Keys: nighttest.Keys(),
		Messages: []messaging.Campaign{{Name: "welcome", Text: "Welcome", Unmeasured: "a test", Variants: []messaging.Variant{{Name: "b", Share: 0.5, Text: "Hello"}}}}})
	require.ErrorContains(t, err, `vefa: message "message/welcome" has variants, between which only campaigns draw`)
}

// TestCostOfVariants: what the messages cost is what each way by which they left costs, in one
// currency; what has no price or no rate is counted apart.
func TestCostOfVariants(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	price := func(n int64, currency string) crm.Money { return crm.Money{Amount: n, Currency: currency} }
	said := func(text string, m crm.Money) []messaging.Content {
		return []messaging.Content{{Channel: crm.Phone, Text: text, Price: m}}
	}
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt = nil, nil, -1
		c.Rate = func(m crm.Money, _ time.Time) (crm.Money, bool) {
			return price(40*m.Amount, "TRY"), m.Currency == "EUR"
		}
		c.Campaigns[0].Campaign = messaging.Campaign{Name: "spring", Unmeasured: "a test", Contents: said("own", price(12, "TRY")), Cost: price(1000, "TRY"), Variants: []messaging.Variant{
			{Name: "euro", Share: 0.2, Contents: said("euro", price(2, "EUR"))}, {Name: "dollar", Share: 0.2, Contents: said("dollar", price(2, "USD"))},
			{Name: "none", Share: 0.2, Contents: said("none", crm.Money{})}}}
	})
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(200))})
	require.NoError(t, err)
	n := map[string]int64{}
	for _, m := range shop.Sender.Messages() {
		n[m.Text]++
	}
	require.Len(t, n, 4)
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, price(12*n["own"]+80*n["euro"]+1000*n["none"], "TRY"), res.Campaigns[0].Revenue.Cost)
	require.EqualValues(t, n["dollar"], res.Campaigns[0].Revenue.Uncosted)
}
