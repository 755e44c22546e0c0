package cohort_test

import (
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm/cohort"
)

// Three customers of a shop, looked at in the middle of April.
func Example() {
	at := func(month time.Month, day int) int64 {
		return time.Date(2025, month, day, 12, 0, 0, 0, time.UTC).Unix()
	}
	sales := []cohort.Sale{
		{Customer: 0, Order: 0, At: at(1, 5), Amount: 129900},
		{Customer: 0, Order: 1, At: at(2, 9), Amount: 20000},
		{Customer: 1, Order: 2, At: at(1, 20), Amount: 50000},
		{Customer: 1, Order: 3, At: at(4, 2), Amount: 75000},
		{Customer: 2, Order: 4, At: at(3, 1), Amount: 10000},
	}
	now := cohort.Options{Until: time.Date(2025, 4, 15, 0, 0, 0, 0, time.UTC)}
	table, err := cohort.New(sales, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range table.Cohorts {
		if c.Size == 0 {
			continue
		}
		fmt.Print(c.Begin.Format("2006-01"), ":")
		for _, cell := range c.Cells {
			fmt.Print(" ", cell.Customers)
		}
		fmt.Println()
	}
	second, err := cohort.Second(sales, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	curve, err := cohort.Survive(second, 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	still, low, high := curve.At(40)
	fmt.Printf("not again within 40 days: %.0f %% (%.0f to %.0f)\n", 100*still, 100*low, 100*high)
	// Output:
	// 2025-01: 2 1 0 1
	// 2025-03: 1 0
	// not again within 40 days: 67 % (5 to 95)
}

// Two visitors of an online shop: what they did, how far they came, and which way.
func ExampleFunnel() {
	const visit, cart, pay = 0, 1, 2
	hour := func(h int) int64 { return time.Date(2025, 1, 1, h, 0, 0, 0, time.UTC).Unix() }
	events := []cohort.Event{
		{Customer: 0, What: visit, At: hour(9)}, {Customer: 0, What: cart, At: hour(10)}, {Customer: 0, What: pay, At: hour(13)},
		{Customer: 1, What: visit, At: hour(11)}, {Customer: 1, What: cart, At: hour(12)},
	}
	stages, err := cohort.Funnel(events, []uint32{visit, cart, pay}, cohort.FunnelOptions{Within: 24 * time.Hour, Until: hour(72)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := 1; i < len(stages); i++ {
		s := stages[i]
		share, low, high := s.Share(&stages[i-1])
		fmt.Printf("step %d: %d reached, %d lost, %.0f %% (%.0f to %.0f), half of them in %.0f h\n", s.What, s.Reached, s.Lost, 100*share, 100*low, 100*high, s.Hours[1])
	}
	journeys, err := cohort.Journeys(events, 24*time.Hour)
	if err != nil {
		fmt.Println(err)
		return
	}
	paths, err := cohort.Paths(journeys, 3, 5)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range paths {
		fmt.Println(p.Steps, p.N, "of", p.Of)
	}
	// Output:
	// step 1: 2 reached, 0 lost, 100 % (34 to 100), half of them in 1 h
	// step 2: 1 reached, 1 lost, 50 % (9 to 91), half of them in 3 h
	// [0 1] 1 of 2
	// [0 1 2] 1 of 2
}
