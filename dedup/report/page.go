package report

import (
	_ "embed"
	"strings"

	"github.com/vefacrm/vefa/internal/chart"
	"github.com/vefacrm/vefa/internal/page"
)

//go:embed pictures.html.tmpl
var pictures string

//go:embed style.css
var style string

var kit = page.NewKit(pictures, chart.Style+style)

// Page is a report: a title and sections of pictures. Its fields are Title, Lead (a line below the title), Locale ("tr", or
// else English), Sections and Footer; its Write(io.Writer) error writes it as one HTML file.
type Page = page.Page

// Section is a part of a page with a heading of its own. Its fields are Title, Lead and Pictures.
type Section = page.Section

// Picture is one figure with its caption. The functions of this package draw it; its HTML
// is a part of a page.
type Picture = page.Picture

// words writes in the language of a page.
type words struct{ *page.Locale }

// draw returns a picture whose texts are of the language of its page.
func draw(name string, data func(w words) any) Picture {
	return kit.DrawIn(name, func(l *page.Locale) any { return data(words{l}) })
}

// bits writes a weight, and share a probability in percent.
func (w words) bits(v float64) string  { return w.Signed(v, 1) }
func (w words) share(p float64) string { return w.Probability(p) }

// fields says in which fields two records are how alike, such as "given alike".
func (w words) fields(list []string) string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f
		if field, level, ok := strings.Cut(f, " "); ok && w.Name("level", level) != level {
			out[i] = w.Say("pair.agreement", w.Name("field", field), w.Name("level", level))
		}
	}
	return page.Clip(strings.Join(out, ", "), 200)
}

// Fact is a line of [Facts].
type Fact struct{ Name, Value, Note string }

// Facts shows figures with their names.
func Facts(title string, facts ...Fact) Picture {
	return kit.Draw("facts", struct {
		Title string
		Facts []Fact
	}{title, facts})
}
