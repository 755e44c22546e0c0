package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/vefacrm/vefa/internal/chart"
	"github.com/vefacrm/vefa/survey"
)

// mostMarks is of how many groups the funnel tells each one's name and figures; of more it tells
// those outside the limits, so that a page of many stores stays small.
const mostMarks = 100

// outside says where a group lies: beyond the limit of 99.8 % (2), that of 95 % (1) or within
// both (0), with the sign of the side.
func outside(total survey.Tally, r survey.Result) int {
	wide, narrow := total.Limits(r.N, .998), total.Limits(r.N, .95)
	switch v := r.Value; {
	case v < wide.Low:
		return -2
	case v > wide.High:
		return 2
	case v < narrow.Low:
		return -1
	case v > narrow.High:
		return 1
	}
	return 0
}

// Funnel draws the groups of survey.League by their number of answers and their value, with the
// limits that chance alone keeps to: 95 % and 99.8 % of groups lie within them, were all alike
// (Spiegelhalter 2005). Arguments are those of League.
func Funnel(title string, total survey.Tally, league []survey.Standing[string], name func(key string) string) Picture {
	return drawing(total.Metric, func(w words) figure {
		shown, _ := split(league)
		if len(shown) == 0 {
			return nothing(w, title)
		}
		// by name and not by rank: what lies outside both limits is drawn last, on top
		slices.SortStableFunc(shown, func(a, b survey.Standing[string]) int {
			x, y := outside(total, a.Result), outside(total, b.Result)
			return cmp.Or(cmp.Compare(max(x, -x), max(y, -y)), cmp.Compare(a.Key, b.Key))
		})
		out := figure{Title: title, Head: []string{w.Say("score.name"), w.Say("score.score"), w.Say("score.interval"), w.Say("score.n"), w.Say("score.where")}}
		below, above, beyond := 0, 0, 0
		for _, s := range shown {
			switch at := outside(total, s.Result); {
			case at <= -2:
				below++
			case at >= 2:
				above++
			case at != 0:
				beyond++
			}
		}
		out.Caption = w.all(total)
		about := w.Say("score.funnel", len(shown), w.Int(below), w.Int(above), w.Int(beyond))
		out.Notes = []string{about}
		out.SVG = html(funnel(w, title, out.Caption+" "+about, total, shown, name))
		out.Legend = []key{{"sv-l1", w.Say("score.limit", w.Percent(.95, 0))}, {"sv-l2", w.Say("score.limit", w.Percent(.998, 1))}}
		within := len(shown) - below - above - beyond
		if len(shown) > mostMarks && within > 0 {
			out.Notes = append(out.Notes, w.Say("score.within", within))
		}
		for _, s := range slices.Backward(shown) { // the outermost first
			if len(shown) > mostMarks && outside(total, s.Result) == 0 {
				break
			}
			where := w.Say("score.where." + map[int]string{-2: "below2", -1: "below", 0: "within", 1: "above", 2: "above2"}[outside(total, s.Result)])
			out.Rows = append(out.Rows, []string{named(name, s.Key), w.value(s.Result.Value), w.span(s.Result.Interval), w.Int(int(s.Result.N)), where})
		}
		return out
	})
}

const (
	width = 320.0 // of a drawing: a telephone's
	left  = 38.0
	right = width - 10
)

// funnel draws the picture.
func funnel(w words, title, about string, total survey.Tally, shown []survey.Standing[string], name func(string) string) *chart.Drawing {
	const height, top, bottom = 236.0, 10.0, 196.0
	d := chart.New("", width, height, title, about)
	mean := total.Result().Value
	ns := make([]int64, len(shown))
	lo, hi := mean, mean
	for i, s := range shown {
		ns[i] = s.Result.N
		lo, hi = min(lo, s.Result.Value), max(hi, s.Result.Value)
	}
	slices.Sort(ns)
	first, last := ns[0], ns[len(ns)-1]
	// From the limits of a group of a middling size, lest the smallest one makes the rest flat.
	wide := total.Limits(ns[len(ns)/4], .998)
	y := scale(min(lo, wide.Low), max(hi, wide.High), bottom, top, 6)
	n := scale(0, float64(last), left, right, 5)
	// Where one group has far more answers than most, the axis goes by the square root.
	bent := last > 6*ns[len(ns)/2]
	x := func(v float64) float64 {
		if bent {
			_, end := n.Ends()
			return left + math.Sqrt(v/end)*(right-left)
		}
		return n.At(v)
	}
	axes(d, w, y)
	end := math.Inf(-1)
	for _, v := range n.Ticks() {
		label := w.Int(int(v))
		if half := chart.Width(label) / 2; x(v)-half > end+10 {
			d.Text("ch-mid", chart.Point{X: min(x(v), width-half), Y: bottom + 16}, label, 0)
			end = x(v) + half
		}
	}
	d.Text("ch-mid", chart.Point{X: (left + right) / 2, Y: height - 6}, w.Say("score.answers"), right-left)
	_, most := n.Ends()
	first = max(first*3/4, 1) // the curves begin before the smallest group
	for _, limit := range []struct {
		share float64
		class string
	}{{.998, "ch-soft"}, {.95, "ch-soft ch-dash"}} {
		var low, high []chart.Point
		const steps = 48
		for i := range steps + 1 {
			// denser where the curve bends
			f := float64(i) / steps
			v := float64(first) + f*f*(most-float64(first))
			l := total.Limits(int64(math.Round(max(v, 1))), limit.share)
			v = math.Round(max(v, 1))
			low, high = append(low, chart.Point{X: x(v), Y: y.At(l.Low)}), append(high, chart.Point{X: x(v), Y: y.At(l.High)})
		}
		d.Curve(limit.class, low...)
		d.Curve(limit.class, high...)
	}
	d.Line("ch-ink ch-thin", chart.Point{X: left, Y: y.At(mean)}, chart.Point{X: right, Y: y.At(mean)})
	var labels []label
	for _, s := range shown {
		at := chart.Point{X: x(float64(s.Result.N)), Y: y.At(s.Result.Value)}
		tip := named(name, s.Key) + ": " + w.Say("score.tip", w.value(s.Result.Value), w.Int(int(s.Result.N)))
		switch outside(total, s.Result) {
		case -2:
			d.Mark("ch-bad", chart.Down, at, 4.5, tip)
			labels = append(labels, label{at, named(name, s.Key)})
		case 2:
			d.Mark("ch-good", chart.Up, at, 4.5, tip)
			labels = append(labels, label{at, named(name, s.Key)})
		case -1:
			d.Mark("ch-bad ch-hollow", chart.Down, at, 3.5, tip)
		case 1:
			d.Mark("ch-good ch-hollow", chart.Up, at, 3.5, tip)
		default:
			if len(shown) > mostMarks {
				tip = ""
			}
			d.Mark("ch-first ch-hollow", chart.Circle, at, 2.4, tip)
		}
	}
	place(d, labels, mean, y)
	return d
}

// label is a name at a mark.
type label struct {
	at   chart.Point
	text string
}

// place writes the names of marks, those furthest from the mean first, where they cover no other
// name; those without room are in the table.
func place(d *chart.Drawing, labels []label, mean float64, y chart.Scale) {
	away := func(l label) float64 { return math.Abs(l.at.Y - y.At(mean)) }
	slices.SortStableFunc(labels, func(a, b label) int {
		return cmp.Or(cmp.Compare(away(b), away(a)), cmp.Compare(a.text, b.text))
	})
	type box struct{ x0, y0, x1, y1 float64 }
	var taken []box
	for _, l := range labels {
		taken = append(taken, box{l.at.X - 5, l.at.Y - 5, l.at.X + 5, l.at.Y + 5})
	}
	const most = 8
	written := 0
	for _, l := range labels {
		text := chart.Fit(l.text, 130)
		w := chart.Width(text)
		for _, c := range []struct {
			class string
			x     float64
			box   box
		}{
			{"ch-label", l.at.X + 9, box{l.at.X + 7, l.at.Y - 7, l.at.X + 9 + w, l.at.Y + 6}},
			{"ch-label ch-end", l.at.X - 9, box{l.at.X - 9 - w, l.at.Y - 7, l.at.X - 7, l.at.Y + 6}},
		} {
			if c.box.x1 > width || c.box.x0 < left || slices.ContainsFunc(taken, func(o box) bool {
				return c.box.x0 < o.x1 && o.x0 < c.box.x1 && c.box.y0 < o.y1 && o.y0 < c.box.y1
			}) {
				continue
			}
			d.Text(c.class, chart.Point{X: c.x, Y: l.at.Y + 4}, l.text, 130)
			taken = append(taken, c.box)
			written++
			break
		}
		if written == most {
			return
		}
	}
}

// axes draws the lines of a vertical axis with its values.
func axes(d *chart.Drawing, w words, y chart.Scale) {
	for _, v := range y.Ticks() {
		d.Line("ch-line ch-thin", chart.Point{X: left, Y: y.At(v)}, chart.Point{X: right, Y: y.At(v)})
		d.Text("ch-end", chart.Point{X: left - 5, Y: y.At(v) + 4}, w.tick(v, y.Decimals()), left-5)
	}
}
