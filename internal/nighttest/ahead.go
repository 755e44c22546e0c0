package nighttest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/rules"
)

const aheadRules = `
rules:
  - {name: ordered, on: {event: order}, when: 'any(Purchases, .DaysAgo == 0)', then: [{tag: ordered}]}
  - {name: chained, on: {tag_added: ordered}, when: '"ordered" in Tags', then: [{tag: chained}]}
  - {name: delivered, on: {event: order}, when: 'any(Purchases, .DeliveredAgo == 0)', then: [{tag: delivered}]}
  - {name: tagged, on: {tag_added: vip}, when: '"vip" in Tags', then: [{tag: greeted}]}
  - {name: cleared, on: {tag_removed: old}, when: '"old" not in Tags', then: [{tag: renewed}]}
  - {name: opened, on: {event: ticket_opened}, when: OpenTickets > 0, then: [{tag: opened}], once: day}
  - {name: solved, on: {event: ticket_solved}, when: OpenTickets == 0, then: [{tag: solved}]}
  - {name: visited, on: {event: visit}, when: DaysSinceService == 0, then: [{tag: visited}]}
  - {name: earlier, on: {event: visit}, when: DaysSinceService == 1, then: [{tag: earlier}]}
`

// Ahead catches up an evening after what it must not see yet was recorded: rules are
// told of that by the first evening that it is not after, once, wherever the evenings
// are cut and whether customers are kept in memory or not. With all they are
// cut in every transaction, else in some.
func Ahead(t *testing.T, open func(t *testing.T) crm.Store, all bool) {
	book, err := rules.ReadYAML("ahead.yaml", []byte(aheadRules))
	require.NoError(t, err)
	fact := func(i int, kind crm.FactKind, id string, at time.Time, data crm.FactData) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: kind, Source: "web", ID: id}, Subject: crm.OfProfile(Key(i)), At: at, Version: 1, Data: data}
	}
	morning := Start.AddDate(0, 0, 2).Add(-4 * time.Hour) // of 5 March
	evenings := func(t *testing.T, store crm.Store, resident int, fault crmtest.Fault) (cut bool, end [32]byte, planned map[string][]string) {
		clock := &crmtest.Clock{}
		faulty := crmtest.NewFaulty(store)
		faulty.Fail(fault)
		build := func(s crm.Store) *Retailer {
			return New(t, s, clock, func(c *vefa.Config) {
				c.Rules, c.Campaigns, c.Resident, c.TrainAt = []*rules.Book{book}, nil, resident, -1
			})
		}
		shop := build(faulty)
		night := func(at time.Time, day string, b crm.Batch) {
			for {
				clock.Set(at)
				_, err := shop.Engine.Night(t.Context(), vefa.Night{Day: day, Source: Once(b)})
				if err == nil {
					return
				}
				require.ErrorIs(t, err, crmtest.ErrFault)
				cut = true
				shop = build(store)
			}
		}
		first := People(7)
		first.Facts = []*crm.Fact{fact(2, crm.KindTag, "old", Start.Add(-time.Hour), &crm.TagChange{Tag: "old"}),
			fact(3, crm.KindTicket, "t3", Start.Add(-time.Hour), &crm.Ticket{Title: "x", State: crm.TicketOpen, Opened: Start.Add(-time.Hour)})}
		night(Start, "", first)
		shipped := Order(5, "shipped", morning.AddDate(0, 0, -1))
		shipped.Data.(*crm.Order).Status, shipped.Data.(*crm.Order).Delivered = crm.OrderDelivered, morning
		solved := fact(3, crm.KindTicket, "t3", Start.Add(-time.Hour), &crm.Ticket{Title: "x", State: crm.TicketSolved, Opened: Start.Add(-time.Hour), Solved: morning})
		solved.Version = 2
		missed := crm.Batch{Facts: []*crm.Fact{
			Order(0, "new", morning), shipped, solved,
			fact(1, crm.KindTag, "vip", morning, &crm.TagChange{Tag: "vip"}), fact(2, crm.KindTag, "gone", morning, &crm.TagChange{Tag: "old", Off: true}),
			fact(4, crm.KindVisit, "v4", morning, &crm.Visit{Number: "v4", Service: "battery"}),
			fact(6, crm.KindVisit, "v6", morning.AddDate(0, 0, -1), &crm.Visit{Number: "v6", Service: "battery"}), // of the evening that is caught up
			fact(6, crm.KindTicket, "t6", morning, &crm.Ticket{Title: "x", State: crm.TicketOpen, Opened: morning}),
		}}
		night(morning.Add(time.Minute), "2025-03-04", missed)
		for day := 2; day < 5; day++ {
			late := crm.Batch{}
			if day == 3 { // recorded late, of an earlier day
				late.Facts = []*crm.Fact{fact(1, crm.KindVisit, "v1", Start.AddDate(0, 0, 2), &crm.Visit{Number: "v1", Service: "battery"})}
			}
			night(Start.AddDate(0, 0, day), "", late)
		}
		planned = map[string][]string{}
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
				if err != nil {
					return err
				}
				planned[f.Cause] = append(planned[f.Cause], fmt.Sprint(f.Subject.Profile.ID, " ", f.Created.Format(time.DateOnly)))
			}
			kept, err := r.ScanStates(t.Context(), crm.AllParts(), "occasions-ahead", crm.Subject{}, 1000)
			for _, s := range kept {
				t.Errorf("rules were told of all, but %s is kept: %s", s.StateKey, s.Data)
			}
			return err
		}))
		return cut, digest(t, store), planned
	}
	_, want, planned := evenings(t, open(t), 0, crmtest.Fault{})
	require.Equal(t, map[string][]string{
		"rule/ordered": {"0 2025-03-05", "5 2025-03-04"}, "rule/chained": {"0 2025-03-05", "5 2025-03-04"}, "rule/delivered": {"0 2025-03-05", "5 2025-03-05"}, "rule/tagged": {"1 2025-03-05"}, "rule/cleared": {"2 2025-03-05"},
		"rule/opened": {"3 2025-03-03", "3 2025-03-04", "6 2025-03-05"}, "rule/solved": {"3 2025-03-05"}, "rule/visited": {"4 2025-03-05", "6 2025-03-04"}, "rule/earlier": {"1 2025-03-06"},
	}, sorted(planned))
	places := []crmtest.Where{crmtest.After, crmtest.Inside, crmtest.Lost}
	if raced { // .ci/run tries the rest without the race detector
		places = places[1:]
	}
	for _, where := range places {
		for n := 1; ; n++ {
			resident := -(n % 2)
			cut, got, planned := evenings(t, open(t), resident, crmtest.Fault{Where: where, N: n})
			require.Equal(t, want, got, "cut %s %d: %v", where, n, planned)
			if !cut {
				require.Greater(t, n, 5)
				break
			}
			switch {
			case raced:
				n += n + 1
			case !all && n > 2:
				n += n
			}
		}
	}
}

func sorted(m map[string][]string) map[string][]string {
	for _, list := range m {
		slices.Sort(list)
	}
	return m
}
