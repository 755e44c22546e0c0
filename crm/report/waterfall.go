package report

import (
	"strings"

	"github.com/vefacrm/vefa/crm/cube"
	"github.com/vefacrm/vefa/internal/chart"
)

// Sum is what was sold in a period.
type Sum struct {
	Name   string
	Amount int64 // minor units
	Pieces int64
}

// Waterfall draws what the change of revenue between two periods is made of, as cube.Decompose says: a bar for the
// earlier period, one step for each cause, a bar for the later one, all on one axis from 0. What the parts leave
// is shown as a figure of its own; it is 0. level names a level of the decomposition; nil shows it as it is.
func Waterfall(title string, before, after Sum, parts []cube.Part, level func(name string) string, m Money) Picture {
	return draw("figure", func(w words) any {
		if before.Amount == 0 && after.Amount == 0 {
			return w.nothing(title, "waterfall")
		}
		out := figure{Title: w.titled(title, "waterfall"), Head: []string{w.Say("worth.cause"), w.Say("worth.amount"), w.Say("worth.ofbefore"), w.Say("worth.pieces")}}
		change := after.Amount - before.Amount
		relative := func(v int64) string {
			if before.Amount <= 0 {
				return "–"
			}
			s := w.Percent(float64(v)/float64(before.Amount), 1)
			if v > 0 {
				s = "+" + s
			}
			return s
		}
		names := make([]string, len(parts))
		most, rest := 0, change
		for i, p := range parts {
			names[i] = w.cause(p.Name, level)
			rest -= p.Amount
			if abs(p.Amount) > abs(parts[most].Amount) {
				most = i
			}
		}
		out.Caption = w.Say("worth.waterfall", after.Name, w.amount(m, float64(after.Amount)), before.Name, w.amount(m, float64(before.Amount)), w.signed(m, float64(change)), relative(change))
		if len(parts) > 0 && parts[most].Amount != 0 {
			out.Notes = append(out.Notes, w.Say("worth.waterfall.most", names[most], w.signed(m, float64(parts[most].Amount))))
		}
		out.Rows = append(out.Rows, []string{before.Name, w.amount(m, float64(before.Amount)), "", w.Int(int(before.Pieces))})
		for i, p := range parts {
			out.Rows = append(out.Rows, []string{names[i], w.signed(m, float64(p.Amount)), relative(p.Amount), ""})
		}
		out.Rows = append(out.Rows, []string{w.Say("worth.rest"), w.amount(m, float64(rest)), relative(rest), ""}, []string{after.Name, w.amount(m, float64(after.Amount)), relative(change), w.Int(int(after.Pieces))})
		out.How = []string{w.Say("worth.how.waterfall", w.amount(m, float64(rest)))}
		out.Legend = []key{{"", w.Say("worth.waterfall.period")}, {"va-good", w.Say("worth.waterfall.plus")}, {"va-bad", w.Say("worth.waterfall.minus")}}

		const row, top = 40.0, 20.0
		height := top + row*float64(len(parts)+2) + 22
		d := chart.New("", width, height, out.Title, out.Caption)
		lo, hi := min(0, before.Amount, after.Amount), max(0, before.Amount, after.Amount)
		at := before.Amount
		for _, p := range parts {
			at += p.Amount
			lo, hi = min(lo, at), max(hi, at)
		}
		divide, unit := w.unit(m, max(float64(hi), -float64(lo)))
		x := scale(float64(lo)/divide, float64(hi)/divide, 6, right, 4)
		bottom := height - 20
		for _, v := range x.Ticks() {
			d.Line("ch-line ch-thin", chart.Point{X: x.At(v), Y: top}, chart.Point{X: x.At(v), Y: bottom})
			text := w.Decimal(v, x.Decimals())
			half := chart.Width(text) / 2
			d.Text("ch-mid", chart.Point{X: min(max(x.At(v), half), width-half), Y: height - 5}, text, 0)
		}
		d.Text("", chart.Point{X: 2, Y: 12}, unit, width-4)
		bar := func(i int, name, value, class string, from, to int64) {
			y := top + row*float64(i)
			a, b := x.At(float64(min(from, to))/divide), x.At(float64(max(from, to))/divide)
			d.Box("ch-"+class, chart.Point{X: a, Y: y + 19}, max(b-a, .8), 14, name+": "+value)
			d.Text("ch-label", chart.Point{X: 11, Y: y + 14}, name, 185)
			d.Text("ch-label ch-end", chart.Point{X: right, Y: y + 14}, value, 110)
		}
		bar(0, before.Name, w.amount(m, float64(before.Amount)), "soft", 0, before.Amount)
		at = before.Amount
		for i, p := range parts {
			class := "good"
			if p.Amount < 0 {
				class = "bad"
			}
			y := top + row*float64(i+1)
			d.Line("ch-ink ch-thin", chart.Point{X: x.At(float64(at) / divide), Y: y - 7}, chart.Point{X: x.At(float64(at) / divide), Y: y + 19})
			bar(i+1, names[i], w.signed(m, float64(p.Amount)), class, at, at+p.Amount)
			at += p.Amount
		}
		bar(len(parts)+1, after.Name, w.amount(m, float64(after.Amount)), "soft", 0, after.Amount)
		d.Line("ch-ink ch-thin", chart.Point{X: x.At(0), Y: top}, chart.Point{X: x.At(0), Y: bottom})
		out.SVG = html(d)
		return out
	})
}

func abs(v int64) int64 { return max(v, -v) }

// cause says a name of cube.Decompose in the reader's words.
func (w words) cause(name string, level func(string) string) string {
	of, mix := strings.CutPrefix(name, "mix of ")
	if !mix {
		return w.Name("worth.cause", name)
	}
	if level != nil {
		of = level(of)
	}
	return w.Say("worth.cause.mix", of)
}
