package lifecycle_test

import (
	"fmt"

	"github.com/vefacrm/vefa/crm/lifecycle"
)

// Three members of a shop, on day 900.
func Example() {
	def := lifecycle.Definition{Version: "2026-1", Prior: lifecycle.Prior{Gap: 200, Weight: 1}}
	var states []lifecycle.Why
	for _, c := range []lifecycle.Customer{
		{Purchases: []int{100, 400, 700, 880}, Open: true},
		{Purchases: []int{10, 40, 70, 100, 130}, Open: true},
		{Purchases: []int{850}},
	} {
		w, err := def.State(c, 900)
		if err != nil {
			fmt.Println(err)
			return
		}
		states = append(states, w)
		fmt.Printf("%s: %d days since the last, %.0f are expected\n", w.State, w.Since, w.Gap)
	}
	rate, err := lifecycle.Rate(states, 0.5)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.0f %% active (%.0f to %.0f) of %d\n", 100*rate.Share, 100*rate.Low, 100*rate.High, rate.N)
	if r := lifecycle.Regular([]int{0, 31, 60, 92, 121, 152}); r.Regular {
		fmt.Printf("regular, every %.0f days\n", r.Mean)
	}
	babies := []int{0, 0, 1, 0, 0, 0, 5, 4, 6, 5} // purchases for babies by month
	shifts, err := lifecycle.Shifts(babies, 12, 0.01)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range shifts {
		fmt.Printf("from month %d on %.0f a month, until month %d if nothing is seen\n", s.At, s.After, s.Until)
	}
	// Output:
	// active: 20 days since the last, 245 are expected
	// passive: 770 days since the last, 64 are expected
	// new: 50 days since the last, 200 are expected
	// 33 % active (6 to 79) of 3
	// regular, every 30 days
	// from month 6 on 5 a month, until month 13 if nothing is seen
}
