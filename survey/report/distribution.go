package report

import (
	"github.com/vefacrm/vefa/internal/chart"
	"github.com/vefacrm/vefa/survey"
)

// Distribution draws how many respondents gave each answer on the scale of a metric, with the
// share of each and its interval in the table. Fewer than five answers are not shown.
func Distribution(title string, t survey.Tally) Picture {
	return drawing(t.Metric, func(w words) figure {
		r := t.Result()
		if r.N < least {
			return nothing(w, title)
		}
		out := figure{Title: title, Caption: w.all(t), Head: []string{w.Say("score.answer"), w.Say("score.n"), w.Say("score.share"), w.Say("score.interval")}}
		var steps []int
		most := int64(0)
		for v, c := range t.Counts {
			if t.Metric.Class(v) != "" {
				steps, most = append(steps, v), max(most, c)
			}
		}
		const height, top, bottom = 170.0, 20.0, 142.0
		d := chart.New("", width, height, title, out.Caption)
		y := scale(0, float64(most), bottom, top, 4)
		room := (width - 8) / float64(len(steps))
		classes := map[string]int64{}
		var order []string
		for i, v := range steps {
			n, class := t.Counts[v], t.Metric.Class(v)
			if _, seen := classes[class]; !seen {
				order = append(order, class)
			}
			classes[class] += n
			at := 4 + float64(i)*room
			name := w.Int(v)
			share := survey.NewRate(n, r.N)
			label := w.Part(int(n), int(r.N))
			d.Box("ch-"+colour[class], chart.Point{X: at + room*.1, Y: y.At(float64(n))}, room*.8, bottom-y.At(float64(n)), name+": "+w.Int(int(n)))
			if room >= 26 || n == most {
				d.Text("ch-label ch-mid ch-small", chart.Point{X: at + room/2, Y: y.At(float64(n)) - 5}, label, 0)
			}
			d.Text("ch-mid", chart.Point{X: at + room/2, Y: bottom + 17}, name, 0)
			out.Rows = append(out.Rows, []string{name + " · " + w.Name("score.class", class), w.Int(int(n)), w.Percent(share.Value/100, 1), w.Say("score.span", w.Percent(share.Interval.Low/100, 1), w.Percent(share.Interval.High/100, 1))})
		}
		d.Line("ch-ink ch-thin", chart.Point{X: 4, Y: bottom}, chart.Point{X: width - 4, Y: bottom})
		for _, class := range order {
			out.Legend = append(out.Legend, key{"sv-" + colour[class], w.Say("score.part", w.Name("score.class", class), w.Part(int(classes[class]), int(r.N)))})
		}
		if r.Unanswered > 0 {
			out.Notes = append(out.Notes, w.Say("score.open", int(r.Unanswered)))
		}
		if r.OutOfScale > 0 {
			out.Notes = append(out.Notes, w.Say("score.beside", int(r.OutOfScale)))
		}
		out.SVG = html(d)
		return out
	})
}

// colour is how a class of answers looks.
var colour = map[string]string{
	"promoter": "good", "satisfied": "good", "easy": "good",
	"passive": "soft", "neutral": "soft", "middling": "soft",
	"detractor": "bad", "dissatisfied": "bad", "hard": "bad",
}
