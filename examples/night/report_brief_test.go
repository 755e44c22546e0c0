package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/experiment"
)

// january is a day of it in the evening, and lira an amount.
func january(n int) time.Time    { return time.Date(2025, 1, n, 20, 0, 0, 0, time.UTC) }
func lira(minor int64) crm.Money { return crm.Money{Amount: minor, Currency: "TRY"} }

// twoDays are the 10th and 11th of January beside the 8th and 9th.
func twoDays(t *testing.T) (speaker, span) {
	l := english(t)
	l.home = time.UTC
	p, ok := l.spanOf([]string{"2025-01-10", "2025-01-11"})
	require.True(t, ok)
	return l, p
}

// Case B12: what was bought on the dates shown, beside as many days before.
func TestTurnover(t *testing.T) {
	l, p := twoDays(t)
	g := &gathered{sales: []sale{{who: "a", at: january(7), amount: lira(777)}, {who: "a", at: january(8), amount: lira(10000)}, {who: "a", at: january(9), amount: lira(10000)},
		{who: "a", at: january(10), amount: lira(40000)}, {who: "b", at: january(11), amount: lira(-10000), back: true}, {who: "b", at: january(11), amount: crm.Money{Amount: 5, Currency: "EUR"}},
		{who: "b", at: january(12), amount: lira(999)}, {who: "c", at: january(11), amount: lira(0)}}}
	require.Equal(t, tile{"Sales", "₺300", "2 orders, returns taken off", "50.0% more than in the 2 days before"}, l.turnover(g, p))
	require.Equal(t, tile{"Customers gained", "2", "3 customers bought; these did so for the first time.", "None in the 2 days before"}, l.gained(g, p))
	none := l.turnover(&gathered{}, p)
	require.Equal(t, []string{"–", "nothing was bought"}, []string{none.Value, none.Note})
	_, ok := l.spanOf(nil)
	require.False(t, ok)
}

// The interval of several campaigns holds what all of them may have brought, and a range that
// holds zero is said to.
func TestBrought(t *testing.T) {
	l := english(t)
	of := func(extra, low, high int64) vefa.CampaignResult {
		return vefa.CampaignResult{Report: experiment.Report{Confidence: .95}, Revenue: vefa.Revenue{Measured: true, Extra: lira(extra), Low: lira(low), High: lira(high), Cost: lira(500)}}
	}
	euro := of(7, 7, 7)
	euro.Revenue.Extra.Currency = "EUR"
	got := l.brought([]vefa.CampaignResult{of(10000, -2000, 22000), {}, of(5000, 1000, 9000), euro})
	require.Equal(t, tile{"Campaigns brought in", "₺150", "An estimate from 2 campaigns: −₺10 to ₺310 with 95% confidence. The messages cost ₺10.", "It may also be nothing: the range holds zero."}, got)
	require.Equal(t, "The whole range lies above zero: they did bring sales.", l.brought([]vefa.CampaignResult{of(5000, 1000, 9000)}).Before)
	require.Equal(t, "The campaigns cost sales: the whole range lies below zero.", l.brought([]vefa.CampaignResult{of(-5000, -9000, -1000)}).Before)
	require.Equal(t, "No campaign left anybody out to compare with.", l.brought(nil).Note)
}

// Who buys every ten days and stopped is lost, who stopped and bought again is won back, and a
// return is no purchase.
func TestLostAndWonBack(t *testing.T) {
	l := english(t)
	l.home = time.UTC
	p, ok := l.spanOf(func() (days []string) {
		for i := range 30 {
			days = append(days, january(1).AddDate(0, 0, i).Format(time.DateOnly))
		}
		return days
	}())
	require.True(t, ok)
	g := &gathered{home: time.UTC, open: map[crm.CustomerID]bool{"lost": true}}
	buy := func(who crm.CustomerID, back bool, days ...int) {
		for _, d := range days {
			g.sales = append(g.sales, sale{who: who, at: january(d), amount: lira(1), back: back})
		}
	}
	buy("lost", false, -50, -40, -30, -20, -10, 0)
	buy("lost", true, 25)
	buy("back", false, -150, -140, -130, -120, -110, 15)
	buy("stays", false, -30, -20, -10, 0, 10, 20, 30)
	buy("new", false, 20)
	got, err := g.lifecycle(p)
	require.NoError(t, err)
	require.Equal(t, turns{lost: 1, present: 2, back: 1, away: 1}, got.lately)
	require.Equal(t, turns{present: 2, away: 1}, got.earlier)
	require.Equal(t, []crm.CustomerID{"back", "lost", "new", "stays"}, got.who)
	require.EqualValues(t, "passive", got.at[2][1].State)
	require.EqualValues(t, "prospect", got.at[1][2].State)
	pictures, err := l.stays(g, p, got)
	require.NoError(t, err)
	require.Len(t, pictures, 2)
}

// Open matters stand by their age, and those that were open at the beginning are counted.
func TestComplaints(t *testing.T) {
	l, p := twoDays(t)
	ticket := func(id string, opened, solved int) *crm.Fact {
		d := &crm.Ticket{Title: "The strap of " + id, State: crm.TicketOpen, Opened: january(opened)}
		if solved > 0 {
			d.State, d.Solved = crm.TicketSolved, january(solved)
		}
		return &crm.Fact{Key: crm.FactKey{Source: "desk", ID: id}, Data: d}
	}
	g := &gathered{tickets: []*crm.Fact{ticket("c", 11, 0), ticket("a", 2, 0), ticket("b", 9, 0), ticket("d", 3, 10), ticket("e", 3, 4)}}
	tile, list := l.complaints(g, p)
	require.Equal(t, []string{"3", "The oldest has waited 9 days, half of them 2 or more.", "3 were open when these weeks began."}, []string{tile.Value, tile.Note, tile.Before})
	require.Equal(t, complaint{"The strap of a", "without a place", "2 January 2025", "9 days", "nobody yet"}, list[0])
	require.Len(t, list, 3)
	tile, list = l.complaints(&gathered{}, p)
	require.Equal(t, "Nobody is waiting for an answer.", tile.Note)
	require.Empty(t, list)
}

// A shop that sells half of what it did is listed with the interval, one of many that stay as
// they were is not; and none where too few weeks are known.
func TestShopsWhoseSalesFell(t *testing.T) {
	l := english(t)
	l.home = time.UTC
	places := []*crm.Place{{ID: "ege", Kind: crm.Region, Name: "Ege"}}
	for i := range 12 {
		places = append(places, &crm.Place{ID: fmt.Sprint("s", i), Parent: "ege", Kind: "store", Name: fmt.Sprint("Shop ", i)})
	}
	tree, err := crm.NewPlaces(nil, places...)
	require.NoError(t, err)
	var days []string
	for i := range 56 {
		days = append(days, january(1).AddDate(0, 0, i).Format(time.DateOnly))
	}
	p, ok := l.spanOf(days)
	require.True(t, ok)
	world := func(weeks int) *gathered {
		g := &gathered{home: time.UTC, places: tree}
		for w := range weeks {
			for i := range 12 {
				n := 20 + (w*7+i*5)%5 - 2
				if i == 3 && w >= weeks-6 {
					n /= 2
				}
				for range n {
					g.sales = append(g.sales, sale{who: "a", at: p.until.AddDate(0, 0, -7*(weeks-w)).Add(time.Hour), amount: lira(1000), place: fmt.Sprint("s", i)})
				}
			}
		}
		return g
	}
	got, charts, err := l.shops(world(60), p)
	require.NoError(t, err)
	require.Len(t, charts.list, 12)
	picture, any := charts.draw(l)
	require.True(t, any)
	require.Contains(t, string(picture.HTML("en")), "Shop 3")
	require.Len(t, got, 1)
	require.Equal(t, []string{"Shop 3", "Ege"}, []string{got[0].Name, got[0].Region})
	require.Regexp(t, `^Sales \d\d\.\d% below what the other shops let expect \(\d\d\.\d% to \d\d\.\d%\) since the week of \d+ (January|February) 2025; \d+ orders since\.$`, got[0].Why[0])
	got, charts, err = l.shops(world(fewestWeeks+7), p)
	require.NoError(t, err)
	require.Empty(t, got)
	_, any = charts.draw(l)
	require.False(t, any)
}
