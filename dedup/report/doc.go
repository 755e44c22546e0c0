// Package report draws what package dedup answers: one HTML file without script that loads
// nothing, for a desk and a telephone, by day and by night.
//
//	page := report.Page{Title: "Our customers", Sections: []report.Section{
//		{Title: "Why two records are one person", Pictures: []report.Picture{report.Waterfall("Row 12 and row 40", explanation)}},
//		{Title: "What was learnt", Pictures: []report.Picture{report.Levels("Levels", result.Model)}},
//	}}
//	err := page.Write(w)
//
// A Picture also stands in a page of the host's own: HTML returns it as a part and Style
// the rules that it needs. Whatever a picture shows is text or a table as well. All text
// from outside is escaped; the same input gives the same bytes. Pictures show values of
// records, so a page is as confidential as the records are.
package report
