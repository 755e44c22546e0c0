package value_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/crm/value"
)

// Four customers out of many like them, in weeks since each one's first purchase.
func Example() {
	var customers []value.Purchases
	for i := range 300 {
		customers = append(customers, []value.Purchases{
			{Repeats: 0, Last: 0, Age: 40}, // bought once
			{Repeats: 2, Last: 3, Age: 38}, // twice again, and never since
			{Repeats: 1, Last: 10, Age: 35 + float64(i%5)},
			{Repeats: 6, Last: 33, Age: 36}, // still buys
		}[i%4])
	}
	s, err := value.Condense(slices.Values(customers))
	if err != nil {
		fmt.Println(err)
		return
	}
	m, fit, err := value.FitBGNBD(context.Background(), s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d customers, log-likelihood %.1f\n", fit.Customers, fit.LogLikelihood)
	for _, p := range customers[1:4] {
		fmt.Printf("alive %.2f, expected in 13 weeks %.2f\n", m.Alive(p), m.ExpectAfter(p, 13))
	}
	year := value.Terms{Periods: 12, Length: 4.345, Discount: .01, Costs: .6}
	fmt.Printf("worth %.0f\n", year.Worth(m, customers[3], 1500))
	// Output:
	// 300 customers, log-likelihood -2352.6
	// alive 0.03, expected in 13 weeks 0.02
	// alive 0.28, expected in 13 weeks 0.13
	// alive 0.85, expected in 13 weeks 1.68
	// worth 3111
}
