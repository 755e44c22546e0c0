package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/internal/chart"
	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/internal/pvalue"
)

// Funnel draws how far customers came on a way, as cohort.Funnel says: how many reached each step, which share went on with
// its interval, who is still under way, and how long it took. name gives the name of a step.
func Funnel(title string, stages []cohort.Stage, name func(what uint32) string) Picture {
	return draw("rows", func(w words) any {
		out := rows{Title: w.titled(title, "funnel"), Name: w.Say("worth.step"), Value: w.Say("worth.customers")}
		if len(stages) == 0 || stages[0].Reached < 1 {
			out.Caption = w.Say("worth.nothing")
			return out
		}
		first, last := stages[0].Reached, stages[len(stages)-1].Reached
		out.Caption = w.Say("worth.funnel", first, w.Int(last), w.Part(last, first))
		most, at := 0, 0
		for i, s := range stages {
			detail := w.Say("worth.funnel.first")
			if i > 0 {
				share, low, high := s.Share(&stages[i-1])
				detail = w.Say("worth.funnel.on", w.Percent(share, 0), w.shares(low, high, 0), w.Int(s.Lost))
				if s.Open > 0 {
					detail += " · " + w.Say("worth.funnel.open", w.Int(s.Open))
				}
				if finite(s.Hours[1]) {
					detail += " · " + w.Say("worth.funnel.time", w.hours(s.Hours[1]), w.hours(s.Hours[2]))
				}
				if s.Lost > most {
					most, at = s.Lost, i
				}
			}
			part := 100 * float64(s.Reached) / float64(first)
			out.Rows = append(out.Rows, row{Label: name(s.What), Detail: detail, Value: w.Int(s.Reached), Lo: "0", Width: page.Short(max(part, .5)), At: page.Short(min(max(part, .7), 99.3))})
		}
		out.Lo, out.Hi = w.Percent(0, 0), w.Percent(1, 0)
		if most > 0 {
			out.Notes = []string{w.Say("worth.funnel.most", name(stages[at-1].What), name(stages[at].What), w.Int(most))}
		}
		out.How = []string{w.Say("worth.how.funnel")}
		return out
	})
}

// hours writes how long something took, in minutes, hours or days.
func (w words) hours(h float64) string {
	switch {
	case h < 1:
		return w.Say("worth.minutes", w.Decimal(60*h, 0))
	case h < 48:
		return w.Say("worth.hours", w.Decimal(h, 1))
	}
	return w.Say("worth.in.days", w.Decimal(h/24, 1))
}

// mostColumns and mostPaths bound a map of journeys.
const (
	mostColumns = 5
	mostPaths   = 12
)

// Journeys draws the map of the most frequent ways that customers went, as cohort.Paths returns them: from left to right the
// first five steps, as high as how many went there. The first 12 paths are drawn, and all are in the table.
func Journeys(title string, paths []cohort.Path, name func(what uint32) string) Picture {
	return draw("figure", func(w words) any {
		paths := slices.DeleteFunc(slices.Clone(paths), func(p cohort.Path) bool { return p.N < 1 || p.Of < p.N || len(p.Steps) == 0 })
		if len(paths) == 0 {
			return w.nothing(title, "journeys")
		}
		way := func(p cohort.Path) string {
			var names []string
			for _, s := range p.Steps {
				names = append(names, name(s))
			}
			if p.More {
				names = append(names, "…")
			}
			return strings.Join(names, " → ")
		}
		out := figure{Title: w.titled(title, "journeys"), Head: []string{w.Say("worth.way"), w.Say("worth.journeys"), w.Say("worth.share"), w.Say("worth.interval"), w.Say("worth.customers")}}
		for _, p := range paths {
			share, low, high := p.Share()
			out.Rows = append(out.Rows, []string{way(p), w.Int(p.N), w.Percent(share, 1), w.shares(low, high, 1), w.Int(p.Customers)})
		}
		drawn := paths[:min(len(paths), mostPaths)]
		told := 0
		for _, p := range drawn {
			told += p.N
		}
		share, low, high := paths[0].Share()
		out.Caption = w.Say("worth.journeys.first", paths[0].Of, way(paths[0]), w.Percent(share, 0), w.shares(low, high, 0))
		out.Notes = []string{w.Say("worth.journeys.drawn", len(drawn), w.Part(told, paths[0].Of))}
		out.How = []string{w.Say("worth.how.journeys")}
		out.SVG = html(journeys(w, out.Title, out.Caption, drawn, told, name))
		return out
	})
}

// journeys draws the picture: a column for each step, in it a bar for what was done, and bands between them.
func journeys(w words, title, about string, paths []cohort.Path, all int, name func(uint32) string) *chart.Drawing {
	type node struct {
		column int
		what   uint32
	}
	columns, count := 0, map[node]int{}
	bands := map[[2]node]int{}
	for _, p := range paths {
		steps := p.Steps[:min(len(p.Steps), mostColumns)]
		columns = max(columns, len(steps))
		for i, s := range steps {
			count[node{i, s}] += p.N
			if i > 0 {
				bands[[2]node{{i - 1, steps[i-1]}, {i, s}}] += p.N
			}
		}
	}
	const whole, top, slot, gap, bar = 150.0, 20.0, 34.0, 6.0, 6.0
	room := width / float64(max(columns, 2))
	size := func(n int) float64 { return whole * float64(n) / float64(all) }
	x := func(column int) float64 { return 2 + float64(column)*room }
	order := func(a, b node) int {
		return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(count[b], count[a]), cmp.Compare(a.what, b.what))
	}
	var nodes []node
	for n := range count {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, order)
	begin, height, at := map[node]float64{}, 0.0, top
	for i, n := range nodes {
		if i > 0 && nodes[i-1].column != n.column {
			at = top
		}
		begin[n] = at + 28 // below its name
		at += 28 + max(size(count[n]), slot-28) + gap
		height = max(height, at)
	}
	d := chart.New("", width, height, title, about)
	var ordered [][2]node
	for b := range bands {
		ordered = append(ordered, b)
	}
	slices.SortFunc(ordered, func(a, b [2]node) int { return cmp.Or(order(a[0], b[0]), order(a[1], b[1])) })
	out, in := map[node]float64{}, map[node]float64{}
	for _, b := range ordered {
		h := size(bands[b])
		y0, y1 := begin[b[0]]+out[b[0]], begin[b[1]]+in[b[1]]
		out[b[0]] += h
		in[b[1]] += h
		const steps = 12
		var upper, lower []chart.Point
		from, to := x(b[0].column)+bar, x(b[1].column)
		for i := range steps + 1 {
			f := float64(i) / steps
			y := y0 + (y1-y0)*(1-math.Cos(math.Pi*f))/2
			upper, lower = append(upper, chart.Point{X: from + f*(to-from), Y: y}), append(lower, chart.Point{X: from + f*(to-from), Y: y + max(h, .6)})
		}
		d.Area("va-flow ch-first", upper, lower)
	}
	for i := range columns {
		d.Text("", chart.Point{X: x(i), Y: 12}, w.Say("worth.nth", strconv.Itoa(i+1)), room-4)
	}
	for _, n := range nodes {
		y := begin[n]
		d.Box("ch-ink", chart.Point{X: x(n.column), Y: y}, bar, max(size(count[n]), .8), name(n.what)+": "+w.Int(count[n]))
		d.Text("ch-label", chart.Point{X: x(n.column), Y: y - 15}, name(n.what), room-4)
		d.Text("", chart.Point{X: x(n.column), Y: y - 3}, w.Int(count[n]), room-4)
	}
	return d
}

// mostCategories is how many categories a matrix shows, those with the most purchases.
const mostCategories = 12

// Transitions draws which category is bought after which, as cohort.Transitions says: a row for what was bought, a column
// for what came next, each cell the share of the row with an arrow where it grows or falls by more than chance (5 % of false
// ones among those, Benjamini and Hochberg). At most 12 categories are in the matrix; the clearest trends are listed.
func Transitions(title string, all []cohort.Transition, name func(what uint32) string) Picture {
	return draw("heat", func(w words) any {
		out := heat{Title: w.titled(title, "transitions"), Caption: w.Say("worth.nothing")}
		all := slices.DeleteFunc(slices.Clone(all), func(t cohort.Transition) bool { return t.N < 1 || t.Of < t.N })
		if len(all) == 0 {
			return out
		}
		of, ps := map[uint32]int{}, make([]float64, len(all))
		for i, t := range all {
			of[t.From], ps[i] = t.Of, t.P
		}
		qs := pvalue.Discoveries(ps)
		var kinds []uint32
		sums := map[uint32]int{}
		n, most := 0, 0.0
		for _, t := range all {
			n += t.N
			sums[t.From] += t.N
			sums[t.To] += t.N
		}
		for k := range sums {
			kinds = append(kinds, k)
		}
		slices.SortFunc(kinds, func(a, b uint32) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b)) })
		if left := len(kinds) - mostCategories; left > 0 {
			kinds = kinds[:mostCategories]
			out.Notes = append(out.Notes, w.Say("worth.transitions.left", left))
		}
		cells := map[[2]uint32]heatCell{}
		order := make([]int, len(all))
		trends := 0
		for i, t := range all {
			order[i] = i
			share, low, high := t.Share()
			c := heatCell{Text: w.Part(t.N, t.Of), Title: w.Say("worth.cell", w.Int(t.N), w.Int(t.Of), w.shares(low, high, 0))}
			if qs[i] <= .05 {
				trends++
				c.Text += map[bool]string{true: " ↑", false: " ↓"}[t.Trend > 0]
			}
			most = max(most, share)
			cells[[2]uint32{t.From, t.To}] = c
		}
		out.Caption = w.Say("worth.transitions", n, w.Int(trends))
		out.Corner = w.Say("worth.bought.then")
		for _, k := range kinds {
			out.Columns = append(out.Columns, name(k))
			r := heatRow{Label: name(k)}
			for _, to := range kinds {
				c, there := cells[[2]uint32{k, to}]
				if !there && of[k] > 0 {
					c.Text = w.Part(0, of[k])
				}
				r.Cells = append(r.Cells, c)
			}
			out.Heat = append(out.Heat, r)
		}
		for _, t := range all {
			for i, from := range kinds {
				for j, to := range kinds {
					if t.From == from && t.To == to && most > 0 {
						share, _, _ := t.Share()
						out.Heat[i].Cells[j].Shade = min(max(int(share/most*10+.5), 1), 10)
					}
				}
			}
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(qs[i], qs[j]), cmp.Compare(all[j].N, all[i].N)) })
		out.Head = []string{w.Say("worth.change.of"), w.Say("worth.share"), w.Say("worth.interval"), w.Say("worth.trend"), "q", w.Say("worth.n")}
		for _, i := range order[:min(len(order), 20)] {
			t := all[i]
			share, low, high := t.Share()
			out.Rows = append(out.Rows, []string{name(t.From) + " → " + name(t.To), w.Percent(share, 1), w.shares(low, high, 1), w.Signed(100*t.Trend, 2), w.Probability(qs[i]), w.Int(t.Of)})
		}
		out.How = []string{w.Say("worth.how.transitions")}
		return out
	})
}

// Researched says how many purchases in stores came after research online, as cohort.Attribute counts them, beside how many
// have a visit after them.
func Researched(title string, r cohort.Research, m Money) Picture {
	return draw("figure", func(w words) any {
		if r.Purchases < 1 {
			return w.nothing(title, "researched")
		}
		out := figure{Title: w.titled(title, "researched"), Open: true, Head: []string{w.Say("worth.what"), w.Say("worth.share"), w.Say("worth.interval"), w.Say("worth.n")}}
		share, low, high := r.Share()
		out.Caption = w.Say("worth.researched", r.Purchases, w.Percent(share, 0), w.shares(low, high, 0), w.amount(m, float64(r.ResearchedAmount)), w.amount(m, float64(r.Amount)))
		for _, x := range []struct {
			key   string
			n, of int
		}{{"before", r.Before, r.Compared}, {"after", r.After, r.Compared}} {
			share, low, high := cohort.Cell{Customers: x.n}.Share(x.of)
			out.Rows = append(out.Rows, []string{w.Say("worth.researched." + x.key), w.Percent(share, 1), w.shares(low, high, 1), w.Int(x.of)})
		}
		if finite(r.Hours) {
			out.Notes = []string{w.Say("worth.researched.time", w.hours(r.Hours))}
		}
		out.How = []string{w.Say("worth.how.researched")}
		return out
	})
}
