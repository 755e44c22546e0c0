package rules_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

type wideFacts struct {
	rules.Extensible
	Orders    int
	Purchases []wideRow `rule:",max=10"`
	Tags      rules.TagSet
}

type wideRow struct {
	SKU    string
	Amount int64 `rule:",scale=2"`
}

func extended(t *testing.T) *rules.Extended[wideFacts] {
	t.Helper()
	x, err := rules.Extend[wideFacts]([]rules.Field{
		{Name: "Tier", Kind: rules.String, Nullable: true, Doc: "of the dealer"},
		{Name: "Points", Kind: rules.Int, Nullable: true, Unit: "points"},
		{Name: "Visited", Kind: rules.Time},
		{Name: "Purchases", Kind: rules.Rows, Fields: []rules.Field{{Name: "Stock", Kind: rules.Int, Nullable: true}, {Name: "WarrantyEnd", Kind: rules.Time}}},
		{Name: "Cart", Kind: rules.Rows, Max: 5, Fields: []rules.Field{{Name: "SKU", Kind: rules.String}, {Name: "Hours", Kind: rules.Int}}},
	}, rules.Options{})
	require.NoError(t, err)
	return x
}

// TestExtend: fields of the host's own are read as those of the struct are, by
// every reader that takes facts one by one.
func TestExtend(t *testing.T) {
	x := extended(t)
	texts := []string{`Tier == "gold"`, `Tier == nil`, `Points >= 10 and Orders == 2`, `any(Purchases, .Stock == 0 and .Amount > 10.5)`, `any(Purchases, .Stock == nil)`, `daysUntil(Visited) == 1`,
		`any(Cart, .Hours >= 3 and .SKU == "W")`, `len(Cart) == 0`, `"red" in Tags`, `any(Purchases, daysUntil(.WarrantyEnd) == 30)`}
	book := &rules.Book{}
	for _, text := range texts {
		book.Rules = append(book.Rules, rules.Rule{Name: text, When: text, Then: tagX})
	}
	book.Rules = append(book.Rules, rules.Rule{Name: "each", Each: "Purchases", When: `row.Stock == 0 and row.SKU == "B"`, Then: tagX},
		rules.Rule{Name: "date", On: rules.Trigger{Date: "Visited", Before: "1d"}, Then: tagX})
	set, err := x.Compile(book)
	require.NoError(t, err)
	f := x.New()
	fires := func() (out []string) {
		t.Helper()
		got, err := set.Evening(nil, f, evening)
		require.NoError(t, err)
		for _, g := range got {
			out = append(out, g.Rule.Name)
			e, err := set.Explain(g.Rule.Name, f, evening)
			require.NoError(t, err)
			require.True(t, e.Fires)
		}
		return out
	}
	require.ElementsMatch(t, []string{`Tier == nil`, `len(Cart) == 0`}, fires())
	f.Orders, f.Purchases, f.Tags = 2, []wideRow{{"A", 1000}, {"B", 1100}}, x.Tags().Set("red")
	require.NoError(t, x.Clear(f))
	require.NoError(t, x.Set(f, "Tier", "gold"))
	require.NoError(t, x.Set(f, "Points", 12))
	require.NoError(t, x.Set(f, "Visited", evening.Now().AddDate(0, 0, 1)))
	require.NoError(t, x.SetRow(f, "Purchases", 1, "Stock", 0))
	require.NoError(t, x.SetRow(f, "Purchases", 0, "WarrantyEnd", evening.Now().AddDate(0, 0, 30)))
	require.NoError(t, x.Set(f, "Cart", []map[string]any{{"SKU": "W", "Hours": 3}}))
	require.ElementsMatch(t, []string{texts[0], texts[2], texts[3], texts[4], texts[5], texts[6], texts[8], texts[9], "each", "date"}, fires())
	require.True(t, set.Reads("Purchases.Stock"))
	require.True(t, set.Reads("Tier"))

	require.Equal(t, `{Orders: 2, Purchases: [{SKU: "A", Amount: 10.00, WarrantyEnd: 2025-03-31T20:00:00Z} {SKU: "B", Amount: 11.00, Stock: 0}], `+
		`Tags: ["red"], Tier: "gold", Points: 12, Visited: 2025-03-02T20:00:00Z, Cart: [{SKU: "W", Hours: 3}]}`, fmt.Sprint(f))
	copied := *f
	require.Equal(t, "{facts that no schema made}", copied.String())
	require.Equal(t, "{facts that no schema made}", new(wideFacts).String())

	// The next subject starts anew.
	*f = wideFacts{Extensible: f.Extensible, Orders: 2}
	require.NoError(t, x.Clear(f))
	require.ElementsMatch(t, []string{`Tier == nil`, `len(Cart) == 0`}, fires())

	var names []string
	for _, d := range x.Fields() {
		names = append(names, d.Name)
	}
	require.Equal(t, []string{"Orders", "Purchases", "Tags", "Tier", "Points", "Visited", "Cart"}, names)
	require.Equal(t, "points", x.Fields()[4].Unit)
	require.Len(t, x.Fields()[1].Fields, 4)
}

// TestExtendIsSafe: facts without room are refused, and so are names and values
// that do not fit.
func TestExtendIsSafe(t *testing.T) {
	x, y := extended(t), extended(t)
	set, err := x.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: `Tier == "gold"`, Then: tagX}}})
	require.NoError(t, err)
	made := x.New()
	copied := *made
	for _, f := range []*wideFacts{{}, y.New(), &copied} {
		_, err := set.Evening(nil, f, evening)
		require.ErrorIs(t, err, rules.ErrForeign)
		_, err = set.Explain("r", f, evening)
		require.ErrorIs(t, err, rules.ErrForeign)
		require.ErrorIs(t, x.Set(f, "Tier", "gold"), rules.ErrForeign)
		require.ErrorIs(t, x.SetRow(f, "Purchases", 0, "Stock", 1), rules.ErrForeign)
		require.ErrorIs(t, x.Clear(f), rules.ErrForeign)
	}
	require.ErrorIs(t, x.Clear(nil), rules.ErrForeign)
	_, err = population.New(x.Schema, evening, slices.Values([]*wideFacts{made, {}}))
	require.ErrorIs(t, err, rules.ErrForeign)
	require.ErrorContains(t, err, "subject 1: ")
	_, err = population.New(x.Schema, evening, slices.Values([]*wideFacts{nil}))
	require.ErrorIs(t, err, rules.ErrForeign)
	_, err = x.Age(&copied, 7)
	require.ErrorIs(t, err, rules.ErrForeign)

	require.Error(t, x.Set(made, "Orders", 1))
	require.Error(t, x.Set(made, "Nothing", 1))
	require.Error(t, x.Set(made, "Points", "many"))
	require.Error(t, x.Set(made, "Purchases", []map[string]any{}))
	require.Error(t, x.SetRow(made, "Purchases", 0, "Stock", 1))
	require.Error(t, x.SetRow(made, "Cart", 0, "Hours", 1))
	require.Error(t, x.SetRow(made, "", 0, "Tier", "x"))
	made.Purchases = []wideRow{{}}
	require.NoError(t, x.Clear(made))
	require.Error(t, x.SetRow(made, "Purchases", 0, "Amount", 1))
	require.Error(t, x.SetRow(made, "Purchases", -1, "Stock", 1))
	require.Error(t, x.SetRow(made, "Purchases", 1, "Stock", 1))

	for _, bad := range [][]rules.Field{
		{{Name: "Orders", Kind: rules.Int}}, {{Name: "Tier", Kind: rules.String}, {Name: "Tier", Kind: rules.String}}, {{Name: "any", Kind: rules.Int}}, {{Name: "not a name", Kind: rules.Int}},
		{{Name: "Purchases", Kind: rules.Rows, Fields: []rules.Field{{Name: "SKU", Kind: rules.Int}}}}, {{Name: "X"}}, {{Name: "Rows", Kind: rules.Rows}},
		{{Name: "Purchases", Kind: rules.Rows, Fields: []rules.Field{{Name: "S", Kind: rules.Int}}}, {Name: "Purchases", Kind: rules.Rows, Fields: []rules.Field{{Name: "T", Kind: rules.Int}}}},
	} {
		_, err := rules.Extend[wideFacts](bad, rules.Options{})
		require.Error(t, err, "%v", bad)
	}
	_, err = rules.Extend[plain](nil, rules.Options{})
	require.ErrorContains(t, err, "Extensible")
	_, err = rules.Extend[wideFacts](nil, rules.Options{})
	require.NoError(t, err)
}
