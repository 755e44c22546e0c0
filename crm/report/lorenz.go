package report

import (
	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/internal/chart"
)

// Lorenz draws how few customers bring most of the sum: Lorenz's curve beside the line on which all would bring the
// same, with Gini's index and the share of the top tenth, both with intervals.
func Lorenz(title string, c *cohort.Concentration, m Money) Picture {
	return draw("figure", func(w words) any {
		if c == nil || c.N() == 0 {
			return w.nothing(title, "lorenz")
		}
		out := figure{Title: w.titled(title, "lorenz"), Head: []string{w.Say("worth.top"), w.Say("worth.share"), w.Say("worth.interval"), w.Say("worth.sum"), w.Say("worth.customers")}}
		for _, p := range []float64{.01, .05, .1, .2, .5} {
			n, share := c.Top(p)
			low, high := c.TopInterval(p)
			out.Rows = append(out.Rows, []string{w.Percent(p, 0), w.Percent(share, 1), w.shares(low, high, 1), w.amount(m, share*float64(c.Total())), w.Int(n)})
		}
		_, share := c.Top(.1)
		low, high := c.TopInterval(.1)
		out.Caption = w.Say("worth.lorenz", w.Percent(.1, 0), w.Percent(share, 0), w.shares(low, high, 0), w.amount(m, float64(c.Total())), w.Int(c.N()))
		few := c.For(.8)
		from, to := c.TopInterval(float64(few) / float64(c.N()))
		gini := w.Decimal(c.Gini(), 3)
		low, high = c.GiniInterval()
		out.Notes = []string{w.Say("worth.lorenz.for", w.Part(few, c.N()), w.Percent(.8, 0), w.shares(from, to, 0)), w.Say("worth.gini", gini, w.span(w.Decimal(low, 3), w.Decimal(high, 3)))}
		out.Legend = []key{{"va-line", w.Say("worth.lorenz.curve")}, {"va-dash", w.Say("worth.lorenz.same")}}
		out.How = []string{w.Say("worth.how.lorenz")}

		const height, top, bottom = 236.0, 10.0, 196.0
		d := chart.New("", width, height, out.Title, out.Caption+" "+out.Notes[1])
		y, x := scale(0, 1, bottom, top, 5), scale(0, 1, left, right, 5)
		axis(d, y, w.part)
		curve := c.Lorenz(60)
		points, same := make([]chart.Point, len(curve)), make([]chart.Point, len(curve))
		for i, v := range curve {
			at := float64(i) / 60
			points[i], same[i] = chart.Point{X: x.At(at), Y: y.At(v)}, chart.Point{X: x.At(at), Y: y.At(at)}
		}
		d.Area("ch-band", same, points)
		d.Line("ch-soft ch-dash", same[0], same[len(same)-1])
		d.Curve("ch-first", points...)
		tenth := chart.Point{X: x.At(.9), Y: y.At(1 - share)}
		d.Line("ch-second ch-dash", tenth, chart.Point{X: tenth.X, Y: y.At(1)})
		d.Mark("ch-second", chart.Circle, tenth, 3.5, w.Say("worth.lorenz.tip", w.Percent(.1, 0), w.Percent(share, 0)))
		d.Text("ch-label ch-end", chart.Point{X: tenth.X - 7, Y: min(max(tenth.Y, y.At(1)+14), y.At(.12))}, w.Say("worth.lorenz.tip", w.Percent(.1, 0), w.Percent(share, 0)), 190)
		for _, v := range x.Ticks() {
			d.Text("ch-mid", chart.Point{X: min(x.At(v), width-16), Y: bottom + 16}, w.Percent(v, 0), 0)
		}
		d.Text("ch-mid", chart.Point{X: (left + right) / 2, Y: height - 5}, w.Say("worth.axis.lorenz"), right-left)
		out.SVG = html(d)
		return out
	})
}
