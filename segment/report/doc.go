// Package report draws what package segment and package segment/rfm answer: one
// HTML file without script that loads nothing, for a desk and a telephone, by
// day and by night.
//
//	page := report.Page{Title: "Summer campaign", Locale: "en", Sections: []report.Section{
//		{Title: "Who is in", Pictures: []report.Picture{
//			report.Waterfall("From everybody to the audience", waterfall),
//			report.Overlap("Overlap with other segments", comparison),
//		}},
//	}}
//	err := page.Write(w)
//
// A Picture also stands in a page of the host's own: HTML returns it as a part
// and Style the rules that it needs. Whatever a picture shows is text or a table
// as well, so that it can be read aloud, searched and copied. All text from
// outside is escaped; the same input gives the same bytes. Pictures are drawn in the
// language of their page when it is written; until then what they show must not change.
package report
