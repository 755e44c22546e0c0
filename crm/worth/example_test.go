package worth_test

import (
	"fmt"

	"github.com/vefacrm/vefa/crm/worth"
)

func ExampleNew() {
	module, err := worth.New(worth.Config{Discount: 0.1, Costs: 0.6})
	if err != nil {
		fmt.Println(err)
		return
	}
	// vefa.New(vefa.Config{Modules: []crm.Module{module}, …}) lets rules say:
	//
	//	PAlive < 0.3 and WorthNext12 > 1000
	for _, f := range module.Fields[:5] {
		fmt.Printf("%s: %s\n", f.Name, f.Doc)
	}
	// Output:
	// PAlive: probability that the customer still buys, 0 to 1
	// OrdersNext12: days with a purchase expected in the next 12 months
	// OrdersLow12: lower bound of the number of days with a purchase in the next 12 months
	// OrdersHigh12: upper bound of the number of days with a purchase in the next 12 months
	// WorthNext12: what the purchases expected in the next 12 months are worth today, after costs
}
