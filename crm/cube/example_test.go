package cube_test

import (
	"context"
	"fmt"

	"github.com/vefacrm/vefa/crm/cube"
)

// Sales by region and month with a subtotal, and why March was better than February.
func Example() {
	b, err := cube.NewBuilder(cube.Schema{Dimensions: []string{"store", "month"}, Measures: []string{"amount"}, Distinct: []string{"customer"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, sale := range []struct {
		store, month string
		amount       int64
	}{{"moda", "2026-02", 1000}, {"moda", "2026-03", 1500}, {"konak", "2026-02", 700}, {"konak", "2026-03", 700}, {"bostanlı", "2026-03", 400}} {
		if err := b.Add([]string{sale.store, sale.month}, []int64{sale.amount}, []uint32{uint32(i % 3)}); err != nil {
			fmt.Println(err)
			return
		}
	}
	c, err := b.Build(cube.Level{Name: "city", Of: "store", Parent: map[string]string{"moda": "Istanbul", "konak": "Izmir", "bostanlı": "Izmir"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, by := range cube.RollUp("month", "city") {
		r, err := c.Query(context.Background(), cube.Query{By: by, Count: []string{"customer"}})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, g := range r.Groups {
			fmt.Println(g.Key, g.Sums[0], "of", g.Distinct[0], "customers")
		}
	}
	parts, err := cube.Decompose([]string{"product"},
		[]cube.Sold{{Key: []string{"watch"}, Pieces: 10, Amount: 10_000}, {Key: []string{"strap"}, Pieces: 30, Amount: 3_000}},
		[]cube.Sold{{Key: []string{"watch"}, Pieces: 20, Amount: 24_000}, {Key: []string{"strap"}, Pieces: 30, Amount: 3_600}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range parts {
		fmt.Println(p.Name, p.Amount)
	}
	// Output:
	// [2026-02 Istanbul] 1000 of 1 customers
	// [2026-02 Izmir] 700 of 1 customers
	// [2026-03 Istanbul] 1500 of 1 customers
	// [2026-03 Izmir] 1100 of 2 customers
	// [2026-02] 1700 of 2 customers
	// [2026-03] 2600 of 2 customers
	// [] 4300 of 3 customers
	// volume 4340
	// mix of product 6705
	// price 3555
}

// A regional manager sees no figure of fewer than three customers: Konak is hidden, and Bornova with it, so that
// the region's total does not tell it.
func ExampleCube_View() {
	b, err := cube.NewBuilder(cube.Schema{Dimensions: []string{"store"}, Measures: []string{"amount"}, Distinct: []string{"customer"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for customer, store := range []string{"alsancak", "alsancak", "alsancak", "alsancak", "bornova", "bornova", "bornova", "konak"} {
		if err := b.Add([]string{store}, []int64{1000}, []uint32{uint32(customer)}); err != nil {
			fmt.Println(err)
			return
		}
	}
	c, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := c.View(context.Background(), cube.Audience{By: []string{"store"}, People: "customer", MinPeople: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, by := range cube.RollUp("store") {
		r, err := v.Query(context.Background(), cube.Query{By: by})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, g := range r.Groups {
			if g.Hidden {
				fmt.Println(g.Key, "hidden")
			} else {
				fmt.Println(g.Key, g.Sums[0])
			}
		}
	}
	// Output:
	// [alsancak] 4000
	// [bornova] hidden
	// [konak] hidden
	// [] 8000
}
