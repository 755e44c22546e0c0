package vefa_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// fired runs one evening with a rule per condition and returns which fired, for
// whom: the conditions by the id of the profile.
func fired(t *testing.T, b crm.Batch, change func(*vefa.Config), conditions ...string) (map[string][]string, vefa.NightReport) {
	t.Helper()
	text := "rules:\n"
	for i, c := range conditions {
		text += fmt.Sprintf("  - {name: r%d, when: '%s', then: [{tag: t%d}]}\n", i, c, i)
	}
	store := memstore.New()
	w, _ := shop(t, store, text, change)
	rep, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	out := map[string][]string{}
	for i, c := range conditions {
		for _, f := range effectsOf(t, store, fmt.Sprint("rule/r", i)) {
			out[f.Subject.Profile.ID] = append(out[f.Subject.Profile.ID], c)
		}
	}
	return out, rep
}

// TestNeverIsNull: what never happened and what is not known fires no rule that
// compares it. Case D5.
func TestNeverIsNull(t *testing.T) {
	b := crm.Batch{Profiles: []*crm.Profile{
		{ProfileKey: nighttest.Key(0), Name: crm.Name{Given: "Ada"}, At: nighttest.Start},
		{ProfileKey: nighttest.Key(1), Name: crm.Name{Given: "Can"}, At: nighttest.Start, Birth: "2005-03-03", Postal: crm.Postal{City: "Bursa"}},
	}, Facts: []*crm.Fact{
		nighttest.Order(1, "o", nighttest.Start.Add(-time.Hour)),
		{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "web", ID: "a"}, Subject: crm.OfProfile(nighttest.Key(1)), At: nighttest.Start.Add(-time.Hour), Version: 1,
			Data: &crm.Answer{Survey: "visit", Score: 3}},
	}}
	never := []string{"LastScore <= 6", "DaysSincePurchase <= 30", "DaysSinceFirst < 30", "DaysSinceAnswer < 30", "Age < 25", "DaysToBirthday < 10", `City != "Ankara"`,
		"LastChannel != \"web\"", "any(Purchases, .DeliveredAgo < 3)", "daysSince(LastPurchase) < 3", "daysSince(LastAnswer) < 3", "daysToAnniversary(Born) == 0"}
	asks := []string{"LastScore == nil", "DaysSincePurchase == nil and Orders == 0", "Age == nil", "not (LastScore <= 6)", "(LastScore ?? 10) > 6", "TotalSpend == 0.0", "City == nil",
		"DaysSinceService == nil or LastVisit == nil", "LastPurchase == nil"}
	got, _ := fired(t, b, nil, append(append([]string{}, never...), asks...)...)
	require.Equal(t, asks, got["0"])
	require.Equal(t, append(append([]string{}, never...), "DaysSinceService == nil or LastVisit == nil"), got["1"])
}

// TestDatesAreFields: a rule may wait for a date of a customer. Lines are rows and
// places say where they lie.
func TestDatesAreFields(t *testing.T) {
	b := nighttest.People(2)
	b.Profiles[0].Birth = "1990-03-10"
	b.Facts[1].Place, b.Facts[3].Place = "kadikoy", "nowhere"
	b.Facts[1].Data = &crm.Order{Number: "o0", Channel: "store", Total: crm.Money{Amount: 250050, Currency: "TRY"}, Lines: []crm.OrderLine{
		{SKU: "W-100", Category: "watch", Brand: "Seiko", Quantity: 1, Amount: crm.Money{Amount: 200050, Currency: "TRY"}, Serial: "S1"},
		{SKU: "S-7", Category: "strap", Quantity: 2, Amount: crm.Money{Amount: 50000, Currency: "TRY"}}}}
	store := memstore.New()
	w, _ := shop(t, store, `
rules:
  - {name: birthday, on: {date: Born, yearly: true, before: 7d}, then: [{tag: b}]}
  - {name: line, each: Lines, when: 'row.SKU startsWith "W-" and row.Amount == 2000.50 and row.Quantity == 1 and row.Category == "watch"', then: [{tag: l}]}
  - {name: straps, when: 'sum(filter(Lines, .Category == "strap"), .Quantity) == 2 and any(Lines, .Brand == nil)', then: [{tag: s}]}
  - {name: region, when: 'Region == "marmara" and Place == "kadikoy" and any(Purchases, .Region == "marmara" and .Amount == 2500.50)', then: [{tag: r}]}
  - {name: opening, when: 'daysSince(PlaceOpened) <= 31', then: [{tag: o}]}
  - {name: unknown-place, when: 'Place == "nowhere" and Region == nil and PlaceOpened == nil', then: [{tag: u}]}
  - {name: noon, when: 'Hour == 15', then: [{tag: h}]}
`, nil)
	require.NoError(t, w.Engine.Service().PutPlaces(t.Context(), &crm.Place{ID: "tr", Kind: "country", Zone: "Europe/Istanbul"}, &crm.Place{ID: "marmara", Kind: crm.Region, Parent: "tr"},
		&crm.Place{ID: "kadikoy", Kind: "store", Parent: "marmara", Opened: nighttest.Start.AddDate(0, 0, -30)}))
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	for name, who := range map[string]int{"birthday": 0, "line": 0, "straps": 0, "region": 0, "opening": 0, "unknown-place": 1, "noon": 0} {
		got := effectsOf(t, store, "rule/"+name)
		require.Len(t, got, 1, name)
		require.Equal(t, nighttest.Key(who), got[0].Subject.Profile, name)
	}
	line := effectsOf(t, store, "rule/line")[0]
	require.Equal(t, "o0", line.About.ID)
}

// TestCurrenciesDoNotAddUp: an amount in another currency is converted by the
// host's rate or is null. Case B4.
func TestCurrenciesDoNotAddUp(t *testing.T) {
	batch := func() crm.Batch {
		b := crm.Batch{}
		for i := range 2 {
			b.Profiles = append(b.Profiles, &crm.Profile{ProfileKey: nighttest.Key(i), Name: crm.Name{Given: "Ada"}, At: nighttest.Start})
		}
		try := nighttest.Order(0, "try", nighttest.Start.Add(-2*time.Hour))
		try.Data.(*crm.Order).Total = crm.Money{Amount: 100000, Currency: "TRY"}
		jpy := nighttest.Order(0, "jpy", nighttest.Start.Add(-time.Hour))
		jpy.Data.(*crm.Order).Total = crm.Money{Amount: 100000, Currency: "JPY"}
		b.Facts = []*crm.Fact{try, jpy, nighttest.Order(1, "o", nighttest.Start.Add(-time.Hour))}
		return b
	}
	conditions := []string{"TotalSpend == 2000.00", "TotalSpend >= 0.0", "TotalSpend == nil", "Spend12m == nil", "sum(Purchases, .Amount) == 1000.00", "any(Purchases, .Amount == nil)",
		"TotalSpend == 26000.00 and Spend12m == 26000.00", "Orders == 2"}
	got, rep := fired(t, batch(), nil, conditions...)
	require.Equal(t, []string{"TotalSpend == nil", "Spend12m == nil", "sum(Purchases, .Amount) == 1000.00", "any(Purchases, .Amount == nil)", "Orders == 2"}, got["0"])
	require.Equal(t, []string{"TotalSpend >= 0.0"}, got["1"])
	require.Equal(t, 1, rep.Unpriced)

	got, rep = fired(t, batch(), func(c *vefa.Config) {
		c.Rate = func(m crm.Money, on time.Time) (crm.Money, bool) { // 1 JPY is 0.25 TRY
			return crm.Money{Amount: m.Amount * 25, Currency: "TRY"}, m.Currency == "JPY" && on.Equal(nighttest.Start.Add(-time.Hour))
		}
	}, conditions...)
	require.Equal(t, []string{"TotalSpend >= 0.0", "TotalSpend == 26000.00 and Spend12m == 26000.00", "Orders == 2"}, got["0"])
	require.Zero(t, rep.Unpriced)

	// In yen as the home currency, rules read yen.
	got, _ = fired(t, batch(), func(c *vefa.Config) { c.Currency = "JPY" }, "any(Purchases, .Amount == 100000.00)")
	require.Len(t, got["0"], 1)

	for _, bad := range []string{"TL", "try", "EURO"} {
		cfg := vefa.Config{Currency: bad}
		_, err := vefa.New(cfg)
		require.ErrorContains(t, err, fmt.Sprintf("Config.Currency %q", bad))
	}
	cfg := vefa.Config{}
	cfg.People.Region = "DE"
	_, err := vefa.New(cfg)
	require.ErrorContains(t, err, "Config.Currency")
}
