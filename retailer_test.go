package vefa_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/rules"
)

func retailerFields() []vefa.Field {
	some := func(v any) func(vefa.FieldSubject) any { return func(vefa.FieldSubject) any { return v } }
	return []vefa.Field{
		{Name: "Cart", Kind: rules.Rows, Fields: []vefa.Field{{Name: "Hours", Kind: rules.Int}, {Name: "Amount", Kind: rules.Int, Scale: 2}},
			Fill: values(some([]map[string]any{{"Hours": 5, "Amount": 200000}}))},
		{Name: "Tier", Kind: rules.String, Fill: values(some("gold"))},
		{Name: "Stock", Rows: "Lines", Kind: rules.Int, Fill: values(some(3))},
		{Name: "WarrantyEnd", Rows: "Lines", Kind: rules.Time, Fill: values(func(s vefa.FieldSubject) any { return s.Facts.Lines[s.Row].At.AddDate(0, 0, 60) })},
	}
}

// TestTwentyFiveRules: the rules of a watch retailer as a user would write them are
// compiled, checked without an engine, and evaluated. Cases D12, D13.
func TestTwentyFiveRules(t *testing.T) {
	text, err := os.ReadFile("internal/nighttest/testdata/retailer.yaml")
	require.NoError(t, err)
	book, err := rules.ReadYAML("retailer.yaml", text)
	require.NoError(t, err)
	require.Len(t, book.Rules, 25)
	schema, err := vefa.Schema(vefa.Config{Fields: retailerFields()})
	require.NoError(t, err)
	set, err := schema.Compile(book)
	require.NoError(t, err)
	require.Empty(t, set.Lint(nil))

	at := func(days int) time.Time { return nighttest.Start.AddDate(0, 0, -days).Add(-time.Hour) }
	money := func(n int64) crm.Money { return crm.Money{Amount: n, Currency: "TRY"} }
	order := func(id string, days int, amount int64, lines ...crm.OrderLine) *crm.Fact {
		f := nighttest.Order(0, id, at(days))
		f.Place = "kadikoy"
		f.Data = &crm.Order{Number: id, Channel: "store", Total: money(amount), Lines: lines}
		return f
	}
	b := nighttest.People(1)
	b.Profiles[0].Birth = "1990-03-10"
	b.Facts = append(b.Facts[:1],
		order("a", 400, 1000000, crm.OrderLine{SKU: "C-1", Brand: "Seiko", Quantity: 2, Amount: money(160000)}),
		order("b", 80, 2000000), order("c", 30, 6000000, crm.OrderLine{SKU: "SEIKO-5-X", Category: "watch", Quantity: 1, Amount: money(6000000)}),
		order("d", 1, 8000000), tagOf(0, "t1", "vip-gold", false, at(3), time.Time{}), tagOf(0, "t2", "keen", false, at(3), time.Time{}),
		&crm.Fact{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "web", ID: "a1"}, Subject: crm.OfProfile(nighttest.Key(0)), At: at(50), Version: 1, Data: &crm.Answer{Survey: "visit", Score: 2}},
		&crm.Fact{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "web", ID: "a2"}, Subject: crm.OfProfile(nighttest.Key(0)), At: at(5), Version: 1, Data: &crm.Answer{Survey: "visit", Score: 10}})
	store := memstore.New()
	w, _ := shop(t, store, string(text), func(c *vefa.Config) {
		c.Fields, c.Segments = retailerFields(), "segment keen = keen segment lapsed = lapsed"
		c.Feasts = map[string][]string{"ramazan-bayrami": {"2024-04-10", "2025-03-13", "2026-03-20"}}
	})
	require.NoError(t, w.Engine.Service().PutPlaces(t.Context(), &crm.Place{ID: "marmara", Kind: crm.Region}, &crm.Place{ID: "kadikoy", Kind: "store", Parent: "marmara", Opened: at(40)}))
	_, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	var fired []string
	for _, r := range book.Rules {
		if len(effectsOf(t, store, "rule/"+r.Name)) > 0 {
			fired = append(fired, r.Name)
		}
	}
	slices.Sort(fired)
	require.Equal(t, []string{"above-average", "any-vip", "between-first-and-last", "bigger-each-time", "birthday", "cart-abandoned", "dearest", "in-segment", "new-shop", "ramadan", "region-event",
		"strap-for-model", "third-last", "two-pieces", "warranty-ends", "worst-score"}, fired)
}

// TestFeasts counts to the next and from the last, and refuses what is no date.
func TestFeasts(t *testing.T) {
	got, _ := fired(t, nighttest.People(1), func(c *vefa.Config) {
		c.Feasts = map[string][]string{"past": {"2025-03-01"}, "today": {"2025-03-03"}, "next": {"2025-03-04", "2025-03-13"}}
	}, `any(Feasts, .Name == "past" and .DaysSince == 2 and .DaysTo == nil)`, `any(Feasts, .Name == "today" and .DaysSince == 0 and .DaysTo == 0)`, `any(Feasts, .Name == "next" and .DaysTo == 1 and .DaysSince == nil)`)
	require.Len(t, got["0"], 3)
	_, err := vefa.New(vefa.Config{Feasts: map[string][]string{"x": {"30.03.2025"}}})
	require.ErrorContains(t, err, `Config.Feasts["x"]: "30.03.2025" is no date`)
}

// TestRulesOfOneDayOnly: a rule that asks for rows of the day itself leaves out what
// comes later that day. Case B6.
func TestRulesOfOneDayOnly(t *testing.T) {
	schema, err := vefa.Schema(vefa.Config{})
	require.NoError(t, err)
	book, err := rules.ReadYAML("r.yaml", []byte(`
rules:
  - {name: a, each: Purchases, when: 'row.DaysAgo == 0 and SMSConsent', then: [{tag: x}]}
  - {name: b, each: Purchases, when: 'row.DaysAgo <= 1 and Email', then: [{tag: y}]}
  - {name: c, each: Visits, when: 'row.DaysAgo <= 0', then: [{tag: z}]}
  - {name: d, each: Visits, on: {event: visit}, when: 'row.DaysAgo == 0', then: [{tag: w}]}
`))
	require.NoError(t, err)
	set, err := schema.Compile(book)
	require.NoError(t, err)
	var named []string
	for _, f := range set.Lint(nil) {
		require.Equal(t, "one day only", f.Kind, f)
		named = append(named, f.Rule)
	}
	require.Equal(t, []string{"a", "c"}, named)
}
