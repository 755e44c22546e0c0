package main

import (
	"os"

	"github.com/vefacrm/vefa/crm/cube"
	"github.com/vefacrm/vefa/crm/cube/star"
	"github.com/vefacrm/vefa/crm/cube/star/parquet"
)

// export writes the sales as a star schema: sales.parquet and day.parquet, and category.parquet where
// there are some. duckdb.sql asks about them.
func export(dir, currency string, b *book) error {
	dimensions := []string{"day"}
	if len(b.categories) > 0 {
		dimensions = append(dimensions, "category")
	}
	builder, err := cube.NewBuilder(cube.Schema{Dimensions: dimensions, Measures: []string{"amount"}, Distinct: []string{"customer", "order"}})
	if err != nil {
		return err
	}
	months := map[string]string{}
	for _, s := range b.sales {
		day := s.at.Format("2006-01-02")
		months[day] = day[:len("2006-01")]
		values := []string{day}
		if len(b.categories) > 0 {
			values = append(values, b.categories[s.category])
		}
		if err := builder.Add(values, []int64{s.amount}, []uint32{s.customer, s.order}); err != nil {
			return err
		}
	}
	c, err := builder.Build(cube.Level{Name: "month", Of: "day", Parent: months})
	if err != nil {
		return err
	}
	tables, err := star.Tables(c, star.Options{
		Name: "sales", Doc: "lines of orders", Definition: "examples/value 1",
		Columns: map[string]star.Column{
			"amount":   {Kind: star.Money, Currency: currency, Doc: "what was paid"},
			"customer": {Doc: "numbered by the first line"},
			"order":    {Doc: "numbered by the first line"},
			"day":      {Doc: "of the zone of the report"},
		},
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return parquet.Write(dir, tables)
}
