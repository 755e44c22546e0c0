// Package report draws what package survey answers: a league of stores with intervals, a funnel
// plot, a trend, the answers to a question, what comments are about, and figures rolled up
// along a tree. A Page is one HTML file without script that loads nothing, for a desk, a
// telephone and paper.
//
//	page := report.Page{Title: "Visits in May", Locale: "tr", Sections: []report.Section{
//		{Title: "Stores", Pictures: []report.Picture{
//			report.League("Worst first", groups.Total(), survey.League(groups, 0), name),
//			report.Funnel("Who differs by more than chance", groups.Total(), survey.League(groups, 0), name),
//		}},
//	}}
//	err := page.Write(w)
//
// A Picture also stands in a page of the host's own: HTML returns it as a part and Style the
// rules that it needs. Whatever a picture shows is text or a table as well, so that it can be
// read aloud, searched and copied. Every figure has its number of answers and its interval. All
// text from outside is escaped; the same input gives the same bytes. Pictures are drawn in the
// language of their page when it is written; until then what they show must not change.
package report
