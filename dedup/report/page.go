package report

import (
	_ "embed"
	"fmt"

	"github.com/vefacrm/vefa/internal/page"
)

//go:embed pictures.html.tmpl
var pictures string

//go:embed style.css
var style string

var kit = page.NewKit(pictures, style)

// Page is a report: a title and sections of pictures. Its fields are Title, Lead (a line below the title), Locale ("tr", or
// else English), Sections and Footer; its Write(io.Writer) error writes it as one HTML file.
type Page = page.Page

// Section is a part of a page with a heading of its own. Its fields are Title, Lead and Pictures.
type Section = page.Section

// Picture is one figure with its caption. The functions of this package draw it; its HTML
// is a part of a page.
type Picture = page.Picture

// bits writes a weight.
func bits(v float64) string {
	s := page.English.Decimal(v, 1)
	if v > 0 && s != "0.0" {
		return "+" + s
	}
	return s
}

// share writes a probability in percent.
func share(p float64) string { return page.English.Probability(p) }

// Fact is a line of [Facts].
type Fact struct{ Name, Value, Note string }

// Facts shows figures with their names.
func Facts(title string, facts ...Fact) Picture {
	return kit.Draw("facts", struct {
		Title string
		Facts []Fact
	}{title, facts})
}

// left says in a note how many of something are not shown.
func left(n int, what string) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf("%s more %s are not shown.", page.English.Int(n), what)
}
