package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm/warning"
	"github.com/vefacrm/vefa/internal/chart"
)

// Control is the control chart of one store, employee or category.
type Control struct {
	Name string
	// Values are what the chart follows, one for each period, in standard deviations: cumulated sums
	// (warning.Trace) or weighted means (warning.EWMA.Means). NaN where it was not watched.
	Values []float64
	// Low and High are the limits; NaN for none. A chart without limits had too little to learn from.
	Low, High float64
	Alarms    []warning.Alarm
}

// ControlOf is the chart of a store that a monitor has watched.
func ControlOf(name string, t warning.Trace) Control {
	c := Control{Name: name, Values: t.Sums, Low: math.NaN(), High: math.NaN(), Alarms: t.Alarms}
	if t.Limit > 0 {
		c.High = t.Limit
	}
	return c
}

// mostCharts is how many charts are drawn; of more those with alarms come first.
const mostCharts = 40

// multiples are small charts beside each other.
type multiples struct {
	Title, Caption string
	Legend         []key
	Charts         []small
	Notes, How     []string
	Head           []string
	Rows           [][]string
}

type small struct {
	Name, Text string
	SVG        template.HTML
}

// Controls draws control charts, those with the latest alarm first: what is followed, the limits, and a mark where it
// gave an alarm. periods name the periods of all charts. The alarms with their size and its interval are in the
// table. At most 40 charts are drawn and 100 alarms listed.
func Controls(title string, periods []string, charts []Control) Picture {
	return draw("multiples", func(w words) any {
		out := multiples{Title: w.titled(title, "controls"), Head: []string{w.Say("worth.name"), w.Say("worth.alarm"), w.Say("worth.since"), w.Say("worth.change"), w.Say("worth.interval"), w.Say("worth.periods")}}
		type alarm struct {
			name string
			warning.Alarm
		}
		last := func(c Control) int {
			at := -1
			for _, a := range c.Alarms {
				at = max(at, a.At)
			}
			return at
		}
		sorted := slices.Clone(charts)
		slices.SortStableFunc(sorted, func(a, b Control) int { return cmp.Or(last(b)-last(a), cmp.Compare(a.Name, b.Name)) })
		var alarms []alarm
		alarmed, watched := 0, 0
		for _, c := range sorted {
			if len(c.Alarms) > 0 {
				alarmed++
			}
			if finite(c.High) || finite(c.Low) {
				watched++
			}
			for _, a := range c.Alarms {
				alarms = append(alarms, alarm{c.Name, a})
			}
		}
		if watched == 0 {
			out.Caption = w.Say("worth.controls.none")
			return out
		}
		slices.SortStableFunc(alarms, func(a, b alarm) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(a.name, b.name)) })
		out.Caption = w.Say("worth.controls", watched, w.Int(alarmed), w.Int(len(alarms)))
		if n := len(charts) - watched; n > 0 {
			out.Notes = append(out.Notes, w.Say("worth.controls.short", n))
		}
		sorted = slices.DeleteFunc(sorted, func(c Control) bool { return !finite(c.High) && !finite(c.Low) })
		if n := len(sorted) - mostCharts; n > 0 {
			sorted = sorted[:mostCharts]
			out.Notes = append(out.Notes, w.Say("worth.controls.more", n))
		}
		name := func(i int) string {
			if i >= 0 && i < len(periods) {
				return periods[i]
			}
			return w.Int(i + 1)
		}
		for _, c := range sorted {
			text := w.Say("worth.controls.calm")
			if at := last(c); at >= 0 {
				text = w.Say("worth.controls.alarm", name(at))
			}
			out.Charts = append(out.Charts, small{c.Name, text, html(control(w, c, text, name))})
		}
		for _, a := range alarms[:min(len(alarms), 100)] {
			out.Rows = append(out.Rows, []string{a.name, name(a.At), name(a.Since), w.change(a.Change), w.span(w.change(a.Low), w.change(a.High)), w.Int(a.At - a.Since + 1)})
		}
		if n := len(alarms) - 100; n > 0 {
			out.Notes = append(out.Notes, w.Say("worth.controls.left", n))
		}
		out.Legend = []key{{"va-first", w.Say("worth.controls.sum")}, {"va-dash", w.Say("worth.controls.limit")}, {"va-bad", w.Say("worth.controls.mark")}}
		out.How = []string{w.Say("worth.how.controls")}
		return out
	})
}

// change writes a relative change with its sign.
func (w words) change(v float64) string {
	s := w.Percent(v, 0)
	if v > 0 {
		return "+" + s
	}
	return s
}

// control draws one chart, without text: its name and its alarm stand beside it.
func control(w words, c Control, about string, name func(int) string) *chart.Drawing {
	const wide, height, edge = 160.0, 72.0, 6.0
	d := chart.New("", wide, height, c.Name, about)
	lo, hi := 0.0, 0.0
	for _, v := range append(slices.Clone(c.Values), c.Low, c.High) {
		if finite(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	y, err := chart.NewScale(lo, hi, height-edge, edge, 4)
	if err != nil || len(c.Values) == 0 {
		return d
	}
	x := func(i int) float64 { return edge + (float64(i)+.5)*(wide-2*edge)/float64(len(c.Values)) }
	d.Line("ch-line ch-thin", chart.Point{X: edge, Y: y.At(0)}, chart.Point{X: wide - edge, Y: y.At(0)})
	for _, v := range []float64{c.Low, c.High} {
		d.Line("ch-soft ch-dash ch-thin", chart.Point{X: edge, Y: y.At(v)}, chart.Point{X: wide - edge, Y: y.At(v)})
	}
	points := make([]chart.Point, len(c.Values))
	for i, v := range c.Values {
		points[i] = chart.Point{X: x(i), Y: math.NaN()}
		if finite(v) {
			points[i].Y = y.At(v)
		}
	}
	d.Curve("ch-first", points...)
	for _, a := range c.Alarms {
		if a.At >= 0 && a.At < len(points) {
			d.Mark("ch-bad", chart.Down, points[a.At], 4, fmt.Sprintf("%s: %s", name(a.At), w.change(a.Change)))
		}
	}
	return d
}
