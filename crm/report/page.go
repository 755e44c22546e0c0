package report

import (
	"cmp"
	_ "embed"
	"html/template"
	"math"
	"strings"

	"github.com/vefacrm/vefa/internal/chart"
	"github.com/vefacrm/vefa/internal/page"
)

//go:embed pictures.html.tmpl
var pictures string

//go:embed style.css
var style string

var kit = page.NewKit(pictures, chart.Style+style)

// Page is a report: a title and sections of pictures. Its Write writes it as one HTML file.
type Page = page.Page

// Section is a part of a page with a heading of its own.
type Section = page.Section

// Picture is one figure with its caption. The functions of this package draw it; its HTML
// is a part of any page that has the rules of Style.
type Picture = page.Picture

// Style returns the CSS rules of pictures, all for classes that begin with "ch-" or "va-". They
// use the colours --card, --ink, --soft, --line, --first, --second, --good and --bad of the
// page, and its own styles of tables. Page.Write adds them by itself; a page of a host's own
// needs them once.
func Style() template.CSS { return kit.Style() }

// Money says how amounts are written. The zero value writes whole units of no currency.
type Money struct {
	Currency string // ISO 4217, such as "TRY"; empty: none is written
	Digits   int    // how many digits of an amount are behind the point: 2 where amounts are in kuruş; 0 to 6
}

// figure is what the templates show: a picture, its words and a table of the same.
type figure struct {
	Title, Caption string
	SVG            template.HTML
	Legend         []key
	Notes          []string
	Head           []string // of Rows; the first is that of names
	Rows           [][]string
	Open           bool     // the table shows at once: the figure is the table
	How            []string // how it was computed
}

// key is one line of a legend.
type key struct{ Class, Text string }

// words writes values in a language.
type words struct{ *page.Locale }

// draw draws a template when its page is written.
func draw(name string, data func(words) any) Picture {
	return kit.DrawIn(name, func(l *page.Locale) any { return data(words{l}) })
}

// nothing is a figure of which too little is known.
func (w words) nothing(title, kind string) figure {
	return figure{Title: w.titled(title, kind), Caption: w.Say("worth.nothing")}
}

// titled returns the title that was given, or that of a kind of picture.
func (w words) titled(title, kind string) string { return cmp.Or(title, w.Say("worth.title."+kind)) }

// span writes an interval.
func (w words) span(low, high string) string { return w.Say("score.span", low, high) }

// shares writes the interval of a share.
func (w words) shares(low, high float64, digits int) string {
	return w.span(w.Percent(low, digits), w.Percent(high, digits))
}

// count writes a number of people or things that is estimated: whole, unless it is small.
func (w words) count(v float64) string {
	if math.Abs(v) < 10 && v != math.Trunc(v) {
		return w.Decimal(v, 1)
	}
	return w.Decimal(v, 0)
}

// amount writes an amount of minor units: whole units where it is large, else to the last digit.
func (w words) amount(m Money, minor float64) string {
	digits := min(max(m.Digits, 0), 6)
	if unit := math.Pow10(digits); math.Abs(minor) >= 1000*unit {
		minor, digits = minor/unit, 0
	}
	if !(math.Abs(minor) < 1<<62) { // what is not finite is a fault of the caller's, and shown as none
		return "–"
	}
	minor = math.Round(minor)
	if m.Currency == "" {
		return w.Decimal(minor/math.Pow10(digits), digits)
	}
	return w.Money(int64(minor), digits, m.Currency)
}

// signed is amount with a sign of what is above 0, too.
func (w words) signed(m Money, minor float64) string {
	if s := w.amount(m, minor); minor <= 0 {
		return s
	} else {
		return "+" + s
	}
}

// unit returns what amounts are divided by at an axis that reaches so far, and what the axis says of it.
func (w words) unit(m Money, most float64) (divide float64, text string) {
	divide = math.Pow10(min(max(m.Digits, 0), 6))
	switch most /= divide; {
	case most >= 1e9:
		return divide * 1e9, strings.TrimSpace(w.Say("worth.unit.9", m.Currency))
	case most >= 1e6:
		return divide * 1e6, strings.TrimSpace(w.Say("worth.unit.6", m.Currency))
	case most >= 5e3:
		return divide * 1e3, strings.TrimSpace(w.Say("worth.unit.3", m.Currency))
	}
	return divide, m.Currency
}

// html takes a drawing over: package chart escapes every text.
func html(d *chart.Drawing) template.HTML { return template.HTML(d.String()) }

const (
	width = 320.0 // of a drawing: a telephone's
	left  = 40.0
	right = width - 10
)

// scale is chart.NewScale for finite values; of others it is 0 to 1.
func scale(lo, hi, from, to float64, most int) chart.Scale {
	s, err := chart.NewScale(lo, hi, from, to, most)
	if err != nil {
		s, _ = chart.NewScale(0, 1, from, to, most)
	}
	return s
}

// axis draws the lines of a vertical axis with its values, as write says them.
func axis(d *chart.Drawing, y chart.Scale, write func(v float64, decimals int) string) {
	for _, v := range y.Ticks() {
		d.Line("ch-line ch-thin", chart.Point{X: left, Y: y.At(v)}, chart.Point{X: right, Y: y.At(v)})
		d.Text("ch-end", chart.Point{X: left - 5, Y: y.At(v) + 4}, write(v, y.Decimals()), left-5)
	}
}

// part writes a share at an axis whose ticks need so many digits as shares.
func (w words) part(v float64, decimals int) string { return w.Percent(v, max(0, decimals-2)) }

// below writes texts below a drawing, each in the middle of its place, as many as there is room for.
func below(d *chart.Drawing, y, until float64, n int, at func(i int) (x float64, text string)) {
	free := 0.0
	for i := range n {
		x, text := at(i)
		text = chart.Fit(text, 90)
		half := chart.Width(text) / 2
		if x = min(max(x, half), until-half); x-half >= free {
			d.Text("ch-mid", chart.Point{X: x, Y: y}, text, 90)
			free = x + half + 8
		}
	}
}

// finite reports whether a value can be shown.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
