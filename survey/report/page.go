package report

import (
	"cmp"
	_ "embed"
	"html/template"

	"github.com/vefacrm/vefa/internal/chart"
	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/survey"
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
// is a part of any page that has the rules of Style.
type Picture = page.Picture

// Style returns the CSS rules of pictures, all for classes that begin with "ch-" or "sv-". They
// use the colours --card, --ink, --soft, --line, --first, --second, --good and --bad of the
// page, and its own styles of tables. Page.Write adds them by itself; a page of a host's own
// needs them once.
func Style() template.CSS { return kit.Style() }

// least is how many answers a figure needs to be shown, as in survey.Groups.Results.
const least = 5

// figure is what the templates show: a picture, its words and a table of the same.
type figure struct {
	Title, Caption string
	SVG            template.HTML
	Legend         []key
	Notes          []string
	Head           []string // of Rows; the first is that of names
	Rows           [][]string
	Open           bool // the table shows at once
}

// key is one line of a legend.
type key struct{ Class, Text string }

// words writes values of a metric in a language.
type words struct {
	*page.Locale
	metric survey.Metric
}

// value writes a value as readers of the metric expect it: points, a percentage, or a mean.
func (w words) value(v float64) string {
	switch w.metric {
	case survey.CSAT:
		return w.Percent(v/100, 0)
	case survey.CES:
		return w.Decimal(v, 2)
	}
	return w.Decimal(v, 0)
}

// tick writes a value at an axis whose ticks need so many digits.
func (w words) tick(v float64, decimals int) string {
	if w.metric == survey.CSAT {
		return w.Percent(v/100, decimals)
	}
	return w.Decimal(v, decimals)
}

// span writes an interval.
func (w words) span(i survey.Interval) string {
	return w.Say("score.span", w.value(i.Low), w.value(i.High))
}

// all says what the total is.
func (w words) all(total survey.Tally) string {
	r := total.Result()
	return w.Say("score.all", w.Name("score", string(r.Metric)), w.value(r.Value), w.span(r.Interval), w.Int(int(r.N)))
}

// named returns the name of a key: the caller's, or the key itself.
func named(name func(string) string, key string) string {
	if name == nil {
		return key
	}
	return cmp.Or(name(key), key)
}

// nothing is a figure of too few answers.
func nothing(w words, title string) figure {
	return figure{Title: title, Caption: w.Say("score.few", least)}
}

// drawing draws a figure when its page is written.
func drawing(metric survey.Metric, draw func(words) figure) Picture {
	return kit.DrawIn("figure", func(l *page.Locale) any { return draw(words{l, metric}) })
}

// html takes a drawing over: package chart escapes every text.
func html(d *chart.Drawing) template.HTML { return template.HTML(d.String()) }
