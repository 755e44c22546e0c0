package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/internal/chart"
)

// Survival draws the curve of Kaplan and Meier of the days from a first purchase to a second: which share has not bought
// again after so many days, with the interval and how many are still watched then. The curve is one of spans in
// days, such as those of cohort.Second.
func Survival(title string, c *cohort.Curve) Picture {
	return draw("figure", func(w words) any {
		if c == nil || c.N == 0 || !(c.Observed > 0) {
			return w.nothing(title, "survival")
		}
		out := figure{Title: w.titled(title, "survival"), Head: []string{w.Say("worth.days"), w.Say("worth.again"), w.Say("worth.interval"), w.Say("worth.waiting"), w.Say("worth.watched")}}
		var marks []float64
		for _, day := range []float64{7, 14, 30, 60, 90, 180, 365, 730, 1095, 1825} {
			if day <= c.Observed {
				marks = append(marks, day)
			}
		}
		if len(marks) == 0 {
			marks = []float64{math.Floor(c.Observed)}
		}
		for _, day := range marks {
			s, low, high := c.At(day)
			out.Rows = append(out.Rows, []string{w.Int(int(day)), w.Percent(1-s, 1), w.shares(1-high, 1-low, 1), w.Percent(s, 1), w.atRisk(c, day)})
		}
		told := marks[len(marks)-1]
		if i := slices.Index(marks, 90); i >= 0 {
			told = 90
		}
		s, low, high := c.At(told)
		out.Caption = w.Say("worth.survival", c.N, w.Int(int(told)), w.Percent(1-s, 0), w.shares(1-high, 1-low, 0))
		if m, ok := c.Median(); ok {
			out.Notes = append(out.Notes, w.Say("worth.survival.half", w.Decimal(m, 0), w.half(c)))
		} else {
			out.Notes = append(out.Notes, w.Say("worth.survival.few"))
		}
		out.SVG = html(survival(w, out.Title, out.Caption, c))
		out.How = []string{w.Say("worth.how.survival", w.Percent(c.Level, 0))}
		return out
	})
}

// half writes the interval of the median: the days at which the interval of the curve has one half in it (Brookmeyer
// and Crowley, Biometrics 38 (1982)). It is open where the upper limit stays above.
func (w words) half(c *cohort.Curve) string {
	low, high := "–", "∞"
	for _, s := range c.Steps {
		if s.Low <= .5 && low == "–" {
			low = w.Decimal(s.At, 0)
		}
		if s.High <= .5 {
			high = w.Decimal(s.At, 0)
			break
		}
	}
	return w.span(low, high)
}

// atRisk says to how many it could still happen when something happens next, at t or later.
func (w words) atRisk(c *cohort.Curve, t float64) string {
	for _, s := range c.Steps {
		if s.At >= t {
			return w.Int(s.AtRisk)
		}
	}
	if n := len(c.Steps); n > 0 { // some of these may be watched no longer
		return "≤ " + w.Int(c.Steps[n-1].AtRisk-c.Steps[n-1].Events)
	}
	return "≤ " + w.Int(c.N)
}

// survival draws the picture, a point for each pixel at most.
func survival(w words, title, about string, c *cohort.Curve) *chart.Drawing {
	const height, top, bottom = 228.0, 12.0, 160.0
	d := chart.New("", width, height, title, about)
	y, x := scale(0, 1, bottom, top, 5), scale(0, c.Observed, left, right, 6)
	axis(d, y, w.part)
	values, upper, lower := []chart.Point{{X: left, Y: y.At(1)}}, []chart.Point{{X: left, Y: y.At(1)}}, []chart.Point{{X: left, Y: y.At(1)}}
	step := func(at, s, low, high float64) {
		px := x.At(at)
		for i, p := range []*[]chart.Point{&values, &upper, &lower} {
			last := (*p)[len(*p)-1]
			*p = append(*p, chart.Point{X: px, Y: last.Y}, chart.Point{X: px, Y: y.At([]float64{s, high, low}[i])})
		}
	}
	drawn := left
	for i, s := range c.Steps {
		if last := i == len(c.Steps)-1; last || x.At(c.Steps[i+1].At)-drawn >= 1.5 {
			step(s.At, s.Survival, s.Low, s.High)
			drawn = x.At(s.At)
		}
	}
	end := x.At(c.Observed)
	for _, p := range []*[]chart.Point{&values, &upper, &lower} {
		*p = append(*p, chart.Point{X: end, Y: (*p)[len(*p)-1].Y})
	}
	d.Area("ch-band", upper, lower)
	d.Curve("ch-first", values...)
	if m, ok := c.Median(); ok {
		d.Line("ch-second ch-dash", chart.Point{X: left, Y: y.At(.5)}, chart.Point{X: x.At(m), Y: y.At(.5)})
		d.Line("ch-second ch-dash", chart.Point{X: x.At(m), Y: y.At(.5)}, chart.Point{X: x.At(m), Y: bottom})
		d.Mark("ch-second", chart.Circle, chart.Point{X: x.At(m), Y: y.At(.5)}, 3.5, fmt.Sprintf("%s: %s", w.Percent(.5, 0), w.Decimal(m, 0)))
	}
	ticks := x.Ticks()
	ticks = slices.DeleteFunc(ticks, func(v float64) bool { return v > c.Observed })
	below(d, bottom+16, width, len(ticks), func(i int) (float64, string) { return x.At(ticks[i]), w.Decimal(ticks[i], x.Decimals()) })
	d.Text("ch-mid", chart.Point{X: (left + right) / 2, Y: bottom + 32}, w.Say("worth.axis.days"), right-left)
	d.Text("ch-mid", chart.Point{X: (left + right) / 2, Y: bottom + 62}, w.Say("worth.axis.watched"), right-left)
	below(d, bottom+48, width, len(ticks), func(i int) (float64, string) { return x.At(ticks[i]), w.atRisk(c, ticks[i]) })
	return d
}
