package star

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm/cube"
)

func sales(t *testing.T) *cube.Cube {
	b, err := cube.NewBuilder(cube.Schema{Dimensions: []string{"store", "month"}, Measures: []string{"amount", "pieces"}, Distinct: []string{"customer"}})
	require.NoError(t, err)
	require.NoError(t, b.Add([]string{"moda", "2026-03"}, []int64{129900, 1}, []uint32{7}))
	require.NoError(t, b.Add([]string{"konak", "2026-02"}, []int64{-500, 2}, []uint32{8}))
	c, err := b.Build(cube.Level{Name: "city", Of: "store", Parent: map[string]string{"moda": "İstanbul", "konak": "İzmir"}}, cube.Level{Name: "country", Of: "city", Parent: map[string]string{"İstanbul": "TR"}})
	require.NoError(t, err)
	return c
}

func TestTables(t *testing.T) {
	tables, err := Tables(sales(t), Options{
		Name: "sales", Doc: "lines of orders", Definition: "3",
		Columns: map[string]Column{"amount": {Kind: Money, Currency: "TRY", Doc: "with VAT"}, "pieces": {Unit: "piece"}, "city": {Doc: "of the shop"}, "customer": {Doc: "a number"}},
		Times:   map[string]string{"month": "2006-01"},
	})
	require.NoError(t, err)
	var got []any
	for _, table := range tables {
		require.Equal(t, "3", table.Definition)
		var rows [][]any
		for r := range table.Rows() {
			rows = append(rows, slices.Clone(r))
		}
		got = append(got, table.Name, table.Columns, rows)
	}
	require.Equal(t, []any{
		"sales", []Column{{Name: "store_key", Kind: Whole, Of: "store"}, {Name: "month_key", Kind: Whole, Of: "month"}, {Name: "amount", Kind: Money, Doc: "with VAT", Currency: "TRY"}, {Name: "pieces", Kind: Whole, Unit: "piece"}, {Name: "customer", Kind: Whole, Doc: "a number"}},
		[][]any{{int64(1), int64(1), int64(129900), int64(1), int64(7)}, {int64(0), int64(0), int64(-500), int64(2), int64(8)}},
		"store", []Column{{Name: "store_key", Kind: Whole}, {Name: "store", Kind: Text}, {Name: "city", Kind: Text, Doc: "of the shop"}, {Name: "country", Kind: Text}},
		[][]any{{int64(0), "konak", "İzmir", ""}, {int64(1), "moda", "İstanbul", "TR"}},
		"month", []Column{{Name: "month_key", Kind: Whole}, {Name: "month", Kind: Text}, {Name: "month_begin", Kind: Time, Doc: "the first instant, in UTC"}},
		[][]any{{int64(0), "2026-02", time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}, {int64(1), "2026-03", time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}},
	}, got)
}

func TestBad(t *testing.T) {
	c := sales(t)
	for name, o := range map[string]Options{
		"no version of the definition":         {Name: "sales"},
		`table "": the name is empty`:          {Definition: "1"},
		`table "../x": the name is`:            {Name: "../x", Definition: "1"},
		`table "store" is there`:               {Name: "Store", Definition: "1"},
		`column "x" is none`:                   {Name: "s", Definition: "1", Columns: map[string]Column{"x": {}}},
		`column "store" is no measure`:         {Name: "s", Definition: "1", Columns: map[string]Column{"store": {Kind: Money, Currency: "TRY"}}},
		`column "amount" has a name`:           {Name: "s", Definition: "1", Columns: map[string]Column{"amount": {Name: "x"}}},
		`money of the currency "lira"`:         {Name: "s", Definition: "1", Columns: map[string]Column{"amount": {Kind: Money, Currency: "lira"}}},
		"has a currency and is no money":       {Name: "s", Definition: "1", Columns: map[string]Column{"amount": {Currency: "TRY"}}},
		`is of no kind "share"`:                {Name: "s", Definition: "1", Columns: map[string]Column{"amount": {Kind: "share"}}},
		`"amount" of Times is no dimension`:    {Name: "s", Definition: "1", Times: map[string]string{"amount": "2006"}},
		"month: parsing time":                  {Name: "s", Definition: "1", Times: map[string]string{"month": "2006"}},
		`measure: it has no kind and no curre`: {Name: "s", Definition: "1", Columns: map[string]Column{"customer": {Kind: Whole}}},
	} {
		_, err := Tables(c, o)
		require.ErrorIs(t, err, ErrData, name)
		require.ErrorContains(t, err, name)
	}
	b, err := cube.NewBuilder(cube.Schema{Dimensions: []string{"a"}, Measures: []string{"a_key"}})
	require.NoError(t, err)
	c, err = b.Build()
	require.NoError(t, err)
	_, err = Tables(c, Options{Name: "s", Definition: "1"})
	require.ErrorContains(t, err, `column "a_key" of table "s" is empty or there twice`)
}
