package basket_test

import (
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/crm/basket"
)

// Sixty orders of a shop for watches: 0 is a watch, 1 a strap, 2 a battery, 3 a clock.
func Example() {
	var lines []basket.Line
	for order := range uint32(60) {
		lines = append(lines, basket.Line{Basket: order, Item: order % 4})
		if order%4 == 0 && order%3 != 0 { // two of three watches are bought with a strap
			lines = append(lines, basket.Line{Basket: order, Item: 1})
		}
	}
	orders, err := basket.New(slices.Values(lines))
	if err != nil {
		fmt.Println(err)
		return
	}
	rules, err := orders.Pairs(basket.Options{Least: 5})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range rules {
		ofWatches, ofStraps := r.Confidence()
		fmt.Printf("%d and %d: %.0f %% of watches, %.0f %% of straps, lift %.1f, q %.2f\n", r.A, r.B, 100*ofWatches, 100*ofStraps, r.Lift(), r.Q)
	}
	near, err := orders.Neighbours(basket.Options{Least: 5}, 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range near.Offer([]uint32{0}, 3) {
		fmt.Println("offer", c.Item, "because of", c.Because)
	}
	// Output:
	// 0 and 1: 67 % of watches, 40 % of straps, lift 1.6, q 0.15
	// offer 1 because of 0
}
