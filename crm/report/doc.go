// Package report draws what the packages value, cohort, lifecycle, basket, cube and warning answer about the customers of a
// shop: what they are worth, who comes back and when, how few bring most of the revenue, how they go from
// state to state, what is sold together, which store needs a look, what is to come, and what a change of revenue is
// made of. A Page is one HTML file without script that loads nothing, for a desk, a telephone and paper.
//
//	table, err := cohort.New(sales, cohort.Options{Until: now})
//	page := report.Page{Title: "Customers", Locale: "tr", Sections: []report.Section{
//		{Title: "Who comes back", Pictures: []report.Picture{report.Cohorts("", table)}},
//	}}
//	err = page.Write(w)
//
// A Picture also stands in a page of the host's own: HTML returns it as a part and Style the rules that
// it needs. An empty title is one in the language of the page. Whatever a picture shows is text or a table as well, so
// that it can be read aloud, searched and copied; every figure has the number that it is of and its interval. How
// it was computed is below it, folded. All text from outside is escaped; the same input gives the same bytes.
// Pictures are drawn in the language of their page when it is written; until then what they show must not
// change.
package report
