package report_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/report"
)

func Example() {
	var groups survey.Groups[string]
	for store, counts := range map[string][11]int{"kadikoy": {0: 9, 3: 20, 7: 20, 10: 11}, "sisli": {7: 20, 9: 20, 10: 20}, "new": {10: 2}, "kiosk": {9: 3}} {
		for value, n := range counts {
			for range n {
				_ = groups.Add(store, survey.Score{Metric: survey.NPS, Answered: true, Value: value})
			}
		}
	}
	league := survey.League(&groups, 0)
	name := func(key string) string { return map[string]string{"kadikoy": "Kadıköy", "sisli": "Şişli"}[key] }
	page := report.Page{Title: "Visits in May", Sections: []report.Section{{Title: "Stores", Pictures: []report.Picture{
		report.League("Worst first", groups.Total(), league, name),
		report.Funnel("Who differs by more than chance", groups.Total(), league, name),
	}}}}
	var html bytes.Buffer
	if err := page.Write(&html); err != nil {
		fmt.Println(err)
		return
	}
	// Two stores have so few answers that they could be traced to the people who gave them.
	fmt.Println(strings.Contains(html.String(), "Kadıköy"), strings.Contains(html.String(), ">new<"))
	// Output: true false
}
