package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm/warning"
	"github.com/vefacrm/vefa/internal/chart"
)

// Period is what came in a month, or whatever is forecast; minor units of Money. NaN where it is not known.
type Period struct {
	Name  string
	Value float64
}

// Band is a forecast with intervals of one level, such as 0.8: what warning.Forecast returned for it.
type Band struct {
	Level  float64
	Points []warning.Point
}

// mostPast is how many of the latest known periods a forecast shows.
const mostPast = 60

// Forecast draws a series and how it goes on: the past as a line, what is to come as a line within a fan of intervals.
// ahead names the periods to come; bands are forecasts of the same series with different levels, in any order.
func Forecast(title string, past []Period, ahead []string, bands []Band, accuracy warning.Accuracy, m Money) Picture {
	return draw("figure", func(w words) any {
		bands := slices.Clone(bands)
		slices.SortStableFunc(bands, func(a, b Band) int { return cmp.Compare(b.Level, a.Level) }) // the widest first
		n := len(ahead)
		for _, b := range bands {
			n = min(n, len(b.Points))
		}
		if n == 0 || len(bands) == 0 || len(past) == 0 {
			return w.nothing(title, "forecast")
		}
		if cut := len(past) - mostPast; cut > 0 {
			past = past[cut:]
		}
		wide := bands[0]
		out := figure{Title: w.titled(title, "forecast"), Head: []string{w.Say("worth.period"), w.Say("worth.expected")}}
		var sum float64
		for _, p := range wide.Points[:n] {
			sum += p.Value
		}
		next := wide.Points[0]
		out.Caption = w.Say("worth.forecast", ahead[0], w.amount(m, next.Value), w.Percent(wide.Level, 0), w.span(w.amount(m, next.Low), w.amount(m, next.High)), n, w.amount(m, sum))
		for _, b := range bands {
			out.Head = append(out.Head, w.Say("worth.level", w.Percent(b.Level, 0)))
		}
		out.Legend = []key{{"va-line", w.Say("worth.forecast.past")}, {"va-first", w.Say("worth.forecast.ahead")}}
		for i := range n {
			row := []string{ahead[i], w.amount(m, wide.Points[i].Value)}
			for _, b := range bands {
				row = append(row, w.span(w.amount(m, b.Points[i].Low), w.amount(m, b.Points[i].High)))
			}
			out.Rows = append(out.Rows, row)
		}
		out.Notes = []string{w.Say("worth.forecast.error", w.Percent(accuracy.Percent, 0), w.Int(accuracy.Origins))}
		if accuracy.Scaled >= 1 {
			out.Notes = append(out.Notes, w.Say("worth.forecast.poor"))
		}
		out.How = []string{w.Say("worth.how.forecast", w.Decimal(accuracy.Scaled, 2), w.Int(len(past)))}
		out.SVG = html(fan(w, out.Title, out.Caption, past, ahead[:n], bands, m))
		return out
	})
}

// shades are how bands look from the widest on.
var shades = []string{"va-wide", "va-mid", "va-narrow"}

// fan draws the picture.
func fan(w words, title, about string, past []Period, ahead []string, bands []Band, m Money) *chart.Drawing {
	const height, top, bottom = 214.0, 24.0, 180.0
	d := chart.New("", width, height, title, about)
	hi := 0.0
	for _, p := range past {
		if finite(p.Value) {
			hi = max(hi, p.Value)
		}
	}
	lo := 0.0
	for _, b := range bands {
		for _, p := range b.Points[:len(ahead)] {
			if finite(p.High) && finite(p.Low) {
				hi, lo = max(hi, p.High), min(lo, p.Low)
			}
		}
	}
	divide, unit := w.unit(m, hi)
	y := scale(lo/divide, hi/divide, bottom, top, 5)
	axis(d, y, w.Decimal)
	d.Text("", chart.Point{X: 2, Y: 12}, unit, width-4)
	all := len(past) + len(ahead)
	x := func(i int) float64 { return left + (float64(i)+.5)*(right-left)/float64(all) }
	at := func(i int, v float64) chart.Point {
		if !finite(v) {
			return chart.Point{X: x(i), Y: math.NaN()}
		}
		return chart.Point{X: x(i), Y: y.At(v / divide)}
	}
	var line, next []chart.Point
	for i, p := range past {
		line = append(line, at(i, p.Value))
	}
	begin := line[len(line)-1]
	for i, b := range bands {
		upper, lower := []chart.Point{begin}, []chart.Point{begin}
		for j, p := range b.Points[:len(ahead)] {
			upper, lower = append(upper, at(len(past)+j, p.High)), append(lower, at(len(past)+j, p.Low))
		}
		d.Area("ch-band "+shades[min(i, len(shades)-1)], upper, lower)
	}
	next = append(next, begin)
	for j, p := range bands[0].Points[:len(ahead)] {
		next = append(next, at(len(past)+j, p.Value))
	}
	edge := x(len(past)-1) + (right-left)/float64(2*all)
	d.Line("ch-line ch-thin", chart.Point{X: edge, Y: top}, chart.Point{X: edge, Y: bottom})
	d.Curve("ch-ink", line...)
	d.Curve("ch-first", next...)
	below(d, bottom+17, width, all, func(i int) (float64, string) {
		if i < len(past) {
			return x(i), past[i].Name
		}
		return x(i), ahead[i-len(past)]
	})
	return d
}
