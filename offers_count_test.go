package vefa_test

import (
	"context"
	"fmt"
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
	offers "github.com/vefacrm/vefa/messaging/offer"
	"github.com/vefacrm/vefa/rules"
)

// pupil is a chooser that keeps what it was told of results.
type pupil struct{ last []offers.Results }

func (a *pupil) Choose(_ context.Context, q offers.Question) (int, error) {
	a.last = nil
	for _, o := range q.Offers {
		a.last = append(a.last, o.Results)
	}
	return 1, nil
}

// One customer is offered the same each day, also under a second record that becomes his later,
// and buys twice: he is one unit from the first offer on, and what he bought within its window is
// bought once; so a chooser learns. A customer whose first offer was withheld is a unit from the first
// that he got; one who got none counts as withheld once.
func TestLiveCountsACustomerOnce(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	by := &pupil{}
	shop := tillOffers(t, store, clock, func(c *vefa.Config) {
		m := &c.Campaigns[0].Campaign
		m.Holdout, m.Unmeasured, m.Choice.Same, m.Window = 0, "a test", 1e-9, 14*24*time.Hour
		c.Choosers = map[string]offers.Chooser{"": by}
	})
	svc := shop.Engine.Service()
	_, err := svc.Import(t.Context(), nighttest.People(4))
	require.NoError(t, err)
	ticket, err := svc.OpenTicket(t.Context(), nighttest.Key(2), "desk", "t", crm.Ticket{Title: "scratched"})
	require.NoError(t, err)
	_, err = svc.OpenTicket(t.Context(), nighttest.Key(3), "desk", "u", crm.Ticket{Title: "scratched"})
	require.NoError(t, err)
	for day := range 6 {
		if day == 3 {
			require.NoError(t, svc.SetTicket(t.Context(), ticket, crm.TicketSolved, "ayse", "done"))
		}
		for i := range 4 {
			require.Len(t, occur(t, shop, i).Offers, map[bool]int{true: 1}[i < 2 || i == 2 && day >= 3])
			clock.Advance(time.Minute)
		}
		if day == 1 || day == 4 {
			_, err = svc.Import(t.Context(), crm.Batch{Facts: []*crm.Fact{nighttest.Order(1, fmt.Sprint("d", day), clock.Now())}})
			require.NoError(t, err)
		}
		clock.Set(nighttest.Start.AddDate(0, 0, day+1))
	}
	_, err = svc.Merge(t.Context(), "ayse", crm.Evidence{}, nighttest.Key(0), nighttest.Key(1))
	require.NoError(t, err)

	// A day before the window of the first is over nobody says what came of it.
	clock.Set(nighttest.Start.AddDate(0, 0, 13))
	require.NoError(t, shop.Engine.Learn(t.Context()))
	_, err = svc.Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{{ProfileKey: nighttest.Key(9), Since: clock.Now(), At: clock.Now()}},
		Facts: []*crm.Fact{nighttest.Order(9, "nine", clock.Now().Add(-time.Hour))}})
	require.NoError(t, err)
	occur(t, shop, 9)
	require.Equal(t, make([]offers.Results, 2), by.last)

	clock.Set(nighttest.Start.AddDate(0, 0, 40))
	require.NoError(t, shop.Engine.Learn(t.Context()))
	occur(t, shop, 9)
	require.Equal(t, offers.Count{Tried: 3, Bought: 1}, by.last[1].All, "one who bought, one whose ticket was solved, one who is new")

	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	c := res.Campaigns[0]
	require.Equal(t, experiment.Counts{Assigned: 3, Converted: 1, Delivered: 3}, c.Report.Counts)
	require.EqualValues(t, 20000, c.Revenue.Total.Amount, "two orders within the first window, each once")
	require.Equal(t, [2]int64{1, 3}, [2]int64{c.Choice.Offers[1].Bought.K, c.Choice.Offers[1].Bought.N})
	require.EqualValues(t, 3, c.Choice.Chosen.Counts.Assigned)
	require.EqualValues(t, 1, c.Visits.Report.Counts.Converted)
	require.Equal(t, []vefa.Count{{Name: messaging.GuardTicket, N: 1}}, c.Withheld)

	// What is pruned says the same.
	for range 2 {
		_, err = shop.Engine.Prune(t.Context(), clock.Now())
		require.NoError(t, err)
	}
	after, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, res.Campaigns, after.Campaigns)
	learnt := by.last
	require.NoError(t, shop.Engine.Learn(t.Context()))
	clock.Advance(24 * time.Hour)
	occur(t, shop, 9)
	require.Equal(t, learnt, by.last)
}

// Offers that do nothing are made each day to people of whom half always buy. Of forty campaigns
// about two may seem to do something; where each offer counted, ten did, and eleven seemed broken.
func TestLiveOffersThatDoNothing(t *testing.T) {
	const people, many = 40, 40
	days := 8
	if raced {
		days = 2
	}
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	var text strings.Builder
	text.WriteString("rules:\n  - name: counter\n    doc: at the counter\n    on: {event: counter}\n    once: day\n    when: Orders >= 1\n    then:\n")
	for i := range many {
		fmt.Fprintf(&text, "      - offer: c%d\n", i)
	}
	book, err := rules.ReadYAML("till.yaml", []byte(text.String()))
	require.NoError(t, err)
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Rules, c.Surveys, c.TrainAt, c.Events, c.Campaigns = []*rules.Book{book}, nil, -1, []string{"counter"}, nil
		for i := range many {
			c.Campaigns = append(c.Campaigns, vefa.Campaign{Live: true, Campaign: messaging.Campaign{Name: fmt.Sprint("c", i), Text: "x", Holdout: 0.5, Window: time.Hour}})
		}
	})
	_, err = shop.Engine.Service().Import(t.Context(), nighttest.People(people))
	require.NoError(t, err)
	for day := range days {
		var facts []*crm.Fact
		for i := range people {
			occur(t, shop, i)
			if i%2 == 0 {
				facts = append(facts, nighttest.Order(i, fmt.Sprint("d", day, "-", i), clock.Now().Add(time.Minute)))
			}
		}
		_, err = shop.Engine.Service().Import(t.Context(), crm.Batch{Facts: facts})
		require.NoError(t, err)
		clock.Advance(24 * time.Hour)
	}
	res, err := shop.Engine.Results(t.Context())
	require.NoError(t, err)
	found := map[experiment.Result]int{}
	for _, c := range res.Campaigns {
		found[c.Report.Result]++
		require.EqualValues(t, people, c.Report.Counts.Assigned+c.Report.Counts.HeldOut)
		require.EqualValues(t, people/2, c.Report.Counts.Converted+c.Report.Counts.HeldOutConverted)
	}
	require.LessOrEqual(t, found[experiment.Better]+found[experiment.Worse], many/8, "%v", found)
}

// Of two offers of one day, each made to another record of a customer before somebody made them
// one, the first stands, whichever record it hangs on.
func TestTheFirstOfTwoOffersStands(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	turn := 0
	shop := tillOffers(t, store, clock, func(c *vefa.Config) {
		c.Campaigns[0].Holdout, c.Campaigns[0].Unmeasured, c.Campaigns[0].Choice = 0, "a test", messaging.Choice{Same: 1e-9}
		c.Choosers = map[string]offers.Chooser{"": chooserFunc(func(context.Context, offers.Question) (int, error) { turn++; return turn % 2, nil })}
	})
	svc := shop.Engine.Service()
	_, err := svc.Import(t.Context(), nighttest.People(8))
	require.NoError(t, err)
	for pair := range 4 {
		a, b := 2*pair, 2*pair+1
		if pair%2 == 1 {
			a, b = b, a
		}
		first := occur(t, shop, a)
		clock.Advance(time.Minute)
		second := occur(t, shop, b)
		require.NotEqual(t, first.Offers[0].Offer, second.Offers[0].Offer)
		want := first.Offers[0]
		want.Repeated = true
		_, err = svc.Merge(t.Context(), "ayse", crm.Evidence{}, nighttest.Key(a), nighttest.Key(b))
		require.NoError(t, err)
		for _, i := range []int{a, b} {
			got := occur(t, shop, i)
			require.Zero(t, got.Planned)
			require.Equal(t, []vefa.Offered{want}, got.Offers)
		}
	}
}

// Nothing is offered before a campaign starts, nor from its end on.
func TestOffersWithinTheCampaign(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	start, end := nighttest.Start.AddDate(0, 0, 2), nighttest.Start.AddDate(0, 0, 4)
	shop := tillOffers(t, store, clock, func(c *vefa.Config) {
		m := &c.Campaigns[0].Campaign
		m.Holdout, m.Unmeasured, m.Start, m.End = 0, "a test", start, end
	})
	_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(6))
	require.NoError(t, err)
	for i, at := range []struct {
		at   time.Time
		made int
	}{{start.AddDate(0, 0, -1), 0}, {start.Add(-time.Second), 0}, {start, 1}, {end.Add(-time.Second), 1}, {end, 0}, {end.AddDate(0, 0, 1), 0}} {
		clock.Set(at.at)
		require.Len(t, occur(t, shop, i).Offers, at.made, at.at)
		all, data := recorded(t, store, vefa.EffectOffer)
		for _, f := range all {
			if data[f.ID].Profile == nighttest.Key(i) && at.made == 0 {
				require.Equal(t, crm.Withheld, f.State)
				require.Equal(t, messaging.GuardEnded, firstRefusal(f))
			}
		}
	}
}

// A customer becomes one with another after he was read and before his offer is written, whichever
// of the two is left: he is read again, and gets what the other was offered that day.
func TestOfferToWhoMovedMeanwhile(t *testing.T) {
	for name, older := range map[string]int{"he joins another": 1, "another joins him": 0} { // whose record names who is left
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start)
			var meanwhile func()
			shop := tillOffers(t, store, clock, func(c *vefa.Config) {
				c.Campaigns[0].Holdout, c.Campaigns[0].Unmeasured, c.Campaigns[0].Choice = 0, "a test", messaging.Choice{Same: 1e-9}
				c.Choosers = map[string]offers.Chooser{"": chooserFunc(func(context.Context, offers.Question) (int, error) {
					if do := meanwhile; do != nil {
						meanwhile = nil
						do()
					}
					return 1, nil
				})}
			})
			svc := shop.Engine.Service()
			b := nighttest.People(2)
			b.Profiles[1-older].Since = nighttest.Start.Add(time.Hour)
			_, err := svc.Import(t.Context(), b)
			require.NoError(t, err)
			first := occur(t, shop, 1)
			require.Len(t, first.Offers, 1)
			clock.Advance(time.Minute)
			meanwhile = func() {
				_, err := svc.Merge(t.Context(), "ayse", crm.Evidence{}, nighttest.Key(0), nighttest.Key(1))
				require.NoError(t, err)
			}
			second := occur(t, shop, 0)
			want := first.Offers[0]
			want.Repeated = true
			require.Equal(t, []vefa.Offered{want}, second.Offers)
			all, _ := recorded(t, store, vefa.EffectOffer)
			require.Len(t, all, 1)
		})
	}
}
