package report_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/dedup/people"
	"github.com/vefacrm/vefa/dedup/report"
)

func Example() {
	linker, err := people.New(people.Options{})
	if err != nil {
		panic(err)
	}
	a := people.Record{ID: "1", Given: "Ayşe", Family: "Yılmaz", Phones: []string{"0532 123 45 67"}}
	b := people.Record{ID: "2", Given: "AYSE", Family: "YILMAZ", Phones: []string{"+905321234567"}}
	result, err := linker.Link(context.Background(), slices.Values([]people.Record{a, b}), nil)
	if err != nil {
		panic(err)
	}
	why, err := linker.Explain(result.Model, a, b)
	if err != nil {
		panic(err)
	}
	page := report.Page{Title: "Two rows", Sections: []report.Section{{Title: "Why", Pictures: []report.Picture{report.Waterfall("Rows 1 and 2", why)}}}}
	var html strings.Builder
	if err := page.Write(&html); err != nil {
		panic(err)
	}
	fmt.Println(strings.Contains(html.String(), "Rows 1 and 2"), len(result.Clusters))
	// Output: true 1
}
