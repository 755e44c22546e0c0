package report

import (
	"math"

	"github.com/vefacrm/vefa/internal/chart"
	"github.com/vefacrm/vefa/internal/suppress"
	"github.com/vefacrm/vefa/survey"
)

// Period is a month, or whatever is compared, with the answers that came in it.
type Period struct {
	Name  string
	Tally survey.Tally
}

// Trend draws a metric from period to period, each value with its interval, and the line of
// survey.NewTrend. Periods with fewer than five answers are a gap, and so is the next smallest
// where theirs could be had by subtracting the others from a total, as in survey.Groups.Results.
// The line is that of the periods that show: of one that had the answers of all, those of the others could
// be worked out. The error is survey.ErrMixedMetrics.
func Trend(title string, periods []Period) (Picture, error) {
	var all survey.Tally
	counts := make([]int64, len(periods))
	for i, p := range periods {
		if err := all.Merge(p.Tally); err != nil {
			return Picture{}, err
		}
		counts[i] = p.Tally.N()
	}
	metric := all.Metric
	shown := make([]survey.Tally, len(periods))
	for i, hidden := range suppress.Small(counts, least) {
		if !hidden {
			shown[i] = periods[i].Tally
		}
	}
	trend, err := survey.NewTrend(shown)
	if err != nil {
		return Picture{}, err
	}
	return drawing(metric, func(w words) figure { return trendFigure(w, title, periods, trend) }), nil
}

func trendFigure(w words, title string, periods []Period, trend survey.Trend) figure {
	lo, hi, shown := math.Inf(1), math.Inf(-1), 0
	results, counts := make([]survey.Result, len(periods)), make([]int64, len(periods))
	for i, p := range periods {
		results[i], counts[i] = p.Tally.Result(), p.Tally.N()
	}
	hidden := suppress.Small(counts, least)
	for i := range periods {
		if !hidden[i] {
			shown++
			lo, hi = min(lo, results[i].Interval.Low), max(hi, results[i].Interval.High)
		}
	}
	if shown == 0 {
		return nothing(w, title)
	}
	out := figure{Title: title, Head: []string{w.Say("score.period"), w.Say("score.score"), w.Say("score.interval"), w.Say("score.n")}}
	line := trend.Periods >= 3
	switch {
	case !line:
		out.Caption = w.Say("score.trend.short")
	case trend.Interval.Low > 0:
		out.Caption = w.Say("score.trend.up", w.step(trend.Slope), w.step(trend.Interval.Low), w.step(trend.Interval.High))
	case trend.Interval.High < 0:
		out.Caption = w.Say("score.trend.down", w.step(trend.Slope), w.step(trend.Interval.Low), w.step(trend.Interval.High))
	default:
		out.Caption = w.Say("score.trend.flat", w.step(trend.Slope), w.step(trend.Interval.Low), w.step(trend.Interval.High))
	}
	if line && trend.Steady < .05 {
		out.Notes = append(out.Notes, w.Say("score.trend.unsteady"))
	}
	if few := len(periods) - shown; few > 0 {
		out.Notes = append(out.Notes, w.Say("score.trend.few", few))
	}
	const height, top, bottom = 190.0, 10.0, 160.0
	d := chart.New("", width, height, title, out.Caption)
	y := scale(lo, hi, bottom, top, 5)
	room := (right - left) / float64(len(periods))
	x := func(i float64) float64 { return left + (i+.5)*room }
	axes(d, w, y)
	if line {
		end := float64(len(periods) - 1)
		d.Line("ch-second ch-dash", chart.Point{X: x(0), Y: y.At(trend.Start)}, chart.Point{X: x(end), Y: y.At(trend.Start + end*trend.Slope)})
	}
	var upper, lower, values []chart.Point
	gap := chart.Point{X: math.NaN(), Y: math.NaN()}
	for i, r := range results {
		if hidden[i] {
			upper, lower, values = append(upper, gap), append(lower, gap), append(values, gap)
			continue
		}
		at := x(float64(i))
		upper, lower = append(upper, chart.Point{X: at, Y: y.At(r.Interval.High)}), append(lower, chart.Point{X: at, Y: y.At(r.Interval.Low)})
		values = append(values, chart.Point{X: at, Y: y.At(r.Value)})
	}
	d.Area("ch-band", upper, lower)
	d.Curve("ch-first", values...)
	marks := min(4, room/3)
	free := 0.0 // where the next name may begin
	for i, r := range results {
		if !hidden[i] {
			d.Line("ch-first ch-thin", upper[i], lower[i])
			d.Mark("ch-first", chart.Circle, values[i], marks, periods[i].Name+": "+w.Say("score.tip", w.value(r.Value), w.Int(int(r.N))))
			out.Rows = append(out.Rows, []string{periods[i].Name, w.value(r.Value), w.span(r.Interval), w.Int(int(r.N))})
		} else {
			out.Rows = append(out.Rows, []string{periods[i].Name, "–", "–", w.Say("score.suppressed")})
		}
		name := chart.Fit(periods[i].Name, max(room, 60))
		half := chart.Width(name) / 2
		at := min(max(x(float64(i)), half), width-half)
		if at-half >= free {
			d.Text("ch-mid", chart.Point{X: at, Y: bottom + 18}, periods[i].Name, max(room, 60))
			free = at + half + 6
		}
	}
	out.SVG = html(d)
	return out
}

// step writes a change per period, with one digit more than a value.
func (w words) step(v float64) string {
	digits := 1
	if w.metric == survey.CES {
		digits = 2
	}
	return w.Signed(v, digits)
}
