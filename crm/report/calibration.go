package report

import (
	"math"

	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/internal/chart"
)

// Calibration draws how a model of purchases did: what customers were expected to buy in a time that was held out,
// and what they bought, by how often they had bought before, as value.Calibrate compares them. The bars are the
// intervals of 95 % of what was bought.
func Calibration(title string, groups []value.Calibration) Picture {
	return draw("figure", func(w words) any {
		if len(groups) == 0 {
			return w.nothing(title, "calibration")
		}
		out := figure{Title: w.titled(title, "calibration"), Head: []string{w.Say("worth.repeats"), w.Say("worth.bought"), w.Say("worth.interval"), w.Say("worth.expected"), w.Say("worth.customers")}}
		var n, inside int
		var expected, actual, hi float64
		ends := func(g value.Calibration) (low, high float64) {
			half := 1.959963984540054 * g.Deviation / math.Sqrt(float64(max(1, g.Customers)))
			return max(0, g.Actual-half), g.Actual + half
		}
		for i, g := range groups {
			low, high := ends(g)
			if low <= g.Expected && g.Expected <= high {
				inside++
			}
			n += g.Customers
			expected += g.Expected * float64(g.Customers)
			actual += g.Actual * float64(g.Customers)
			hi = max(hi, high, g.Expected)
			name := w.Int(g.Repeats)
			if i == len(groups)-1 {
				name += "+"
			}
			out.Rows = append(out.Rows, []string{name, w.Decimal(g.Actual, 2), w.span(w.Decimal(low, 2), w.Decimal(high, 2)), w.Decimal(g.Expected, 2), w.Int(g.Customers)})
		}
		off := "–"
		if actual > 0 {
			off = w.change(expected/actual - 1)
		}
		out.Caption = w.Say("worth.calibration", w.count(expected), w.count(actual), off, n)
		out.Notes = []string{w.Say("worth.calibration.inside", w.Int(inside), w.Int(len(groups)))}
		out.Legend = []key{{"va-first", w.Say("worth.calibration.actual")}, {"va-second", w.Say("worth.calibration.expected")}}
		out.How = []string{w.Say("worth.how.calibration")}

		const height, top, bottom = 200.0, 10.0, 160.0
		d := chart.New("", width, height, out.Title, out.Caption)
		y := scale(0, hi, bottom, top, 5)
		axis(d, y, w.Decimal)
		room := (right - left) / float64(len(groups))
		var line []chart.Point
		for i, g := range groups {
			x := left + (float64(i)+.5)*room
			low, high := ends(g)
			d.Line("ch-first", chart.Point{X: x, Y: y.At(low)}, chart.Point{X: x, Y: y.At(high)})
			d.Mark("ch-first", chart.Circle, chart.Point{X: x, Y: y.At(g.Actual)}, 3.5, out.Rows[i][0]+": "+out.Rows[i][1])
			line = append(line, chart.Point{X: x, Y: y.At(g.Expected)})
		}
		d.Curve("ch-second", line...)
		for i, p := range line {
			d.Mark("ch-second ch-hollow", chart.Up, p, 3.5, out.Rows[i][0]+": "+out.Rows[i][3])
		}
		below(d, bottom+16, width, len(groups), func(i int) (float64, string) { return line[i].X, out.Rows[i][0] })
		d.Text("ch-mid", chart.Point{X: (left + right) / 2, Y: height - 5}, w.Say("worth.axis.repeats"), right-left)
		out.SVG = html(d)
		return out
	})
}

// Tracked is how many repeats all customers had made together until a time, and how many a model expected (value.Track).
type Tracked struct {
	Name             string
	Actual, Expected float64
}

// Tracking draws cumulated purchases beside those that a model expected. The model was fitted to the first so many
// points; from there on it knew nothing.
func Tracking(title string, points []Tracked, fitted int) Picture {
	return draw("figure", func(w words) any {
		if len(points) < 2 {
			return w.nothing(title, "tracking")
		}
		out := figure{Title: w.titled(title, "tracking"), Head: []string{w.Say("worth.period"), w.Say("worth.bought"), w.Say("worth.expected"), w.Say("worth.off")}}
		hi, worst := 0.0, 0.0
		off := func(p Tracked) (string, float64) {
			if !(p.Actual > 0) {
				return "–", 0
			}
			v := p.Expected/p.Actual - 1
			return w.change(v), math.Abs(v)
		}
		for i, p := range points {
			text, v := off(p)
			if i >= fitted {
				worst = max(worst, v)
			}
			hi = max(hi, p.Actual, p.Expected)
			if len(points) <= 30 || i%(len(points)/30+1) == 0 || i == len(points)-1 {
				out.Rows = append(out.Rows, []string{p.Name, w.count(p.Actual), w.count(p.Expected), text})
			}
		}
		last := points[len(points)-1]
		text, _ := off(last)
		out.Caption = w.Say("worth.tracking", last.Name, w.count(last.Actual), w.count(last.Expected), text)
		if fitted > 0 && fitted < len(points) {
			out.Notes = []string{w.Say("worth.tracking.worst", points[fitted].Name, w.Percent(worst, 1))}
		}
		out.Legend = []key{{"va-first", w.Say("worth.calibration.actual")}, {"va-second", w.Say("worth.calibration.expected")}}
		out.How = []string{w.Say("worth.how.tracking")}
		const height, top, bottom = 196.0, 10.0, 166.0
		d := chart.New("", width, height, out.Title, out.Caption)
		y, x := scale(0, hi, bottom, top, 5), scale(0, 1, left, right, 1)
		axis(d, y, w.Decimal)
		var actual, expected []chart.Point
		for i, p := range points {
			at := x.At(float64(i) / float64(len(points)-1))
			actual, expected = append(actual, chart.Point{X: at, Y: y.At(p.Actual)}), append(expected, chart.Point{X: at, Y: y.At(p.Expected)})
		}
		if fitted > 0 && fitted < len(points) {
			d.Line("ch-soft ch-dash", chart.Point{X: actual[fitted].X, Y: top}, chart.Point{X: actual[fitted].X, Y: bottom})
		}
		d.Curve("ch-first", actual...)
		d.Curve("ch-second ch-dash", expected...)
		below(d, bottom+17, width, len(points), func(i int) (float64, string) { return actual[i].X, points[i].Name })
		out.SVG = html(d)
		return out
	})
}
