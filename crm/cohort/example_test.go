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
