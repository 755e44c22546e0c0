package rfm_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/segment/rfm"
)

func Example() {
	day := func(month time.Month, d int) time.Time { return time.Date(2025, month, d, 12, 0, 0, 0, time.UTC) }
	orders := []rfm.Order{
		{Customer: "ayşe", At: day(5, 1), Amount: 1_250_00},
		{Customer: "ayşe", At: day(5, 28), Amount: 900_00},
		{Customer: "burak", At: day(1, 3), Amount: 150_00},
		{Customer: "çiğdem", At: day(4, 10), Amount: 400_00},
		{Customer: "çiğdem", At: day(4, 12), Amount: -400_00}, // sent back
	}
	rows, err := rfm.Summarise(slices.Values(orders), day(6, 1), time.UTC)
	if err != nil {
		fmt.Println(err)
		return
	}
	scored, err := rfm.Config{Convention: "fixed", Cuts: rfm.Cuts{
		Recency:   []int64{31, 91},
		Frequency: []int64{2, 5},
		Monetary:  []int64{100_00, 1_000_00},
	}}.Score(rows)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range scored.Scores {
		fmt.Println(s.Customer, s.Recency, s.Frequency, s.Monetary, s.Leaf())
	}
	// Output:
	// ayşe 4 2 215000 rfm:3-2-3
	// burak 149 1 15000 rfm:1-1-2
	// çiğdem 52 1 0 rfm:2-1-1
}
