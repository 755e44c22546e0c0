// Package cube answers questions about many rows by their dimensions: sums, counts and distinct
// counts by store and month, by region and brand, of one channel, in the time of a page that opens.
//
//	b, err := cube.NewBuilder(cube.Schema{
//		Dimensions: []string{"store", "month", "brand"},
//		Measures:   []string{"amount", "pieces"},
//		Distinct:   []string{"customer", "order"},
//	})
//	err = b.Add([]string{"moda", "2026-03", "Seiko"}, []int64{129900, 1}, []uint32{17, 4711}) // for each line
//	c, err := b.Build(cube.Level{Name: "region", Of: "store", Parent: regions})
//	r, err := c.Query(ctx, cube.Query{By: []string{"region", "month"}, Where: map[string][]string{"brand": {"Seiko"}}, Count: []string{"customer"}})
//
// Rows are kept in columns, values of dimensions as numbers: 10 million rows of a query are added
// up in some 50 ms on two cores. Sums are of int64, such as kuruş, and exact; distinct counts are
// exact, or, by Query.Estimate, estimates with a known error. Results do not depend on the order of the rows or on GOMAXPROCS.
//
// RollUp and Sets return the sets of dimensions that a table with subtotals needs. Decompose says
// what a change between two periods is made of, with nothing left over.
//
// Cube.View is a cube as an audience may see it that may see no figure of a few people, nor one that could be
// had by subtracting those that it sees.
//
// Where one machine ends, package star writes the rows to Parquet or Arrow for DuckDB, ClickHouse or
// Spark.
package cube
