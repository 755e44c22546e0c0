package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/crm/report"
)

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
	concentration, err := cohort.Concentrate([]int64{149900, 125000, 10000})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := report.Page{Title: "Müşteriler", Locale: "tr", Sections: []report.Section{{Title: "Kimler", Pictures: []report.Picture{
		report.Cohorts("", table),
		report.Lorenz("", concentration, report.Money{Currency: "TRY", Digits: 2}),
	}}}}
	var html bytes.Buffer
	if err := page.Write(&html); err != nil {
		fmt.Println(err)
		return
	}
	// The month of the first purchases has two customers, of whom one came back a month later.
	fmt.Println(strings.Contains(html.String(), `>Oca 2025</th><td>2</td><td class="va-h10" title="2 kişiden 1; %95 aralık %9 – %91">%50</td>`))
	// Output: true
}
