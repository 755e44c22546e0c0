package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/segment"
	"github.com/vefacrm/vefa/segment/report"
)

func Example() {
	evening := time.Date(2025, 5, 1, 20, 0, 0, 0, time.UTC)
	idx := segment.NewIndex(segment.Options{})
	_, _ = idx.Load(evening, func(yield func(string, []string) bool) {
		_ = yield("ayşe", []string{"newsletter"}) && yield("burak", []string{"newsletter", "staff"})
	})
	defs, _ := segment.ParseDefinitions(`segment summer-sms = newsletter except staff`, segment.Limits{})
	_, _ = idx.Define(evening, defs...)
	waterfall, err := idx.View().Waterfall("summer-sms", evening)
	if err != nil {
		fmt.Println(err)
		return
	}
	page := report.Page{Title: "Summer campaign", Sections: []report.Section{
		{Title: "Who is in", Pictures: []report.Picture{report.Waterfall("From everybody to the audience", waterfall)}},
	}}
	var html bytes.Buffer
	if err := page.Write(&html); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(html.String(), "<h1>Summer campaign</h1>"), strings.Contains(html.String(), "<script"))
	// Output: true false
}
