package importer_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/examples/night/importer"
)

func Example() {
	data, err := importer.Open(context.Background(), importer.CSV, "testdata/shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(data.Rows(), "rows,", len(data.Rejected()), "rejected, such as")
	fmt.Println(data.Rejected()[1])

	run := data.Starting(time.Date(2025, 1, 8, 0, 0, 0, 0, time.UTC), data.Zone())
	for batch := range run.History(context.Background()) {
		fmt.Println("history:", len(batch.Profiles), "profiles,", len(batch.Facts), "facts")
	}
	for n := range run.Days() {
		batch := run.Day(n)
		fmt.Println(run.Evening(n).In(data.Zone()).Format("2 January 15:04:"), len(batch.Profiles), "profiles,", len(batch.Facts), "facts")
	}
	// Output:
	// 67 rows, 17 rejected, such as
	// musteriler.csv:8: since: "yarın" is no time of the layouts 02.01.2006 15:04 | 02.01.2006
	// history: 7 profiles, 11 facts
	// 8 January 22:00: 2 profiles, 3 facts
	// 9 January 22:00: 0 profiles, 2 facts
	// 10 January 22:00: 0 profiles, 3 facts
	// 11 January 22:00: 1 profiles, 2 facts
	// 12 January 22:00: 0 profiles, 3 facts
	// 13 January 22:00: 0 profiles, 3 facts
}
