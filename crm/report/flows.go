package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/internal/chart"
)

// order is how states stand in a picture, the best first.
var order = []lifecycle.State{lifecycle.Active, lifecycle.New, lifecycle.Waiting, lifecycle.Passive, lifecycle.Captive, lifecycle.Gone, lifecycle.Prospect}

// Flows draws how customers went from state to state between two dates, as lifecycle.Moves counts them: on the left
// where they were, on the right where they are. names are what the dates are called, such as "1 January".
// Captive and passive are worth the same.
func Flows(title string, names [2]string, moves []lifecycle.Move) Picture {
	return draw("figure", func(w words) any {
		var sides [2]map[lifecycle.State]int
		sides[0], sides[1] = map[lifecycle.State]int{}, map[lifecycle.State]int{}
		all, better, worse, came := 0, 0, 0, 0
		moves := slices.DeleteFunc(slices.Clone(moves), func(m lifecycle.Move) bool { return m.N <= 0 })
		slices.SortStableFunc(moves, func(a, b lifecycle.Move) int {
			return 100*(place(a.From)-place(b.From)) + place(a.To) - place(b.To)
		})
		for _, m := range moves {
			sides[0][m.From] += m.N
			sides[1][m.To] += m.N
			all += m.N
			switch turn(m) {
			case "good":
				better += m.N
			case "bad":
				worse += m.N
			case "second":
				came += m.N
			}
		}
		if all == 0 {
			return w.nothing(title, "flows")
		}
		out := figure{Title: w.titled(title, "flows"), Head: []string{w.Say("worth.was", names[0]), w.Say("worth.is", names[1]), w.Say("worth.customers"), w.Say("worth.ofwas"), w.Say("worth.interval")}}
		out.Caption = w.Say("worth.flows", all, w.Int(worse), w.Int(better), w.Int(came), w.Int(all-better-worse-came))
		for _, m := range moves {
			share, low, high := cohort.Cell{Customers: m.N}.Share(sides[0][m.From])
			out.Rows = append(out.Rows, []string{w.Name("worth.state", string(m.From)), w.Name("worth.state", string(m.To)), w.Int(m.N), w.Percent(share, 1), w.shares(low, high, 1)})
		}
		out.Legend = []key{{"va-good", w.Say("worth.better")}, {"va-bad", w.Say("worth.worse")}, {"va-second", w.Say("worth.came.new")}, {"", w.Say("worth.stayed")}}
		for _, s := range order {
			if sides[0][s]+sides[1][s] > 0 {
				out.How = append(out.How, w.Say("worth.how.state."+string(s)))
			}
		}
		out.SVG = html(flows(w, out.Title, out.Caption, names, moves, sides, all))
		return out
	})
}

// place is where a state stands.
func place(s lifecycle.State) int {
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

// turn says what a move is: for the better, the worse, from nowhere, or none.
func turn(m lifecycle.Move) string {
	from, to := place(m.From), place(m.To)
	level := func(s lifecycle.State) bool { return s == lifecycle.Passive || s == lifecycle.Captive }
	switch {
	case m.From == m.To, level(m.From) && level(m.To):
		return "soft"
	case m.From == lifecycle.Prospect:
		return "second"
	case to < from:
		return "good"
	}
	return "bad"
}

// flows draws the picture: bars as high as their customers, and bands between them.
func flows(w words, title, about string, names [2]string, moves []lifecycle.Move, sides [2]map[lifecycle.State]int, all int) *chart.Drawing {
	const from, to, bar, whole, top, slot, gap = 108.0, 212.0, 6.0, 180.0, 24.0, 28.0, 6.0
	size := func(n int) float64 { return whole * float64(n) / float64(all) }
	var begin [2]map[lifecycle.State]float64
	height := 0.0
	for side := range 2 {
		begin[side] = map[lifecycle.State]float64{}
		at := top
		for _, s := range order {
			if n := sides[side][s]; n > 0 {
				room := max(size(n), slot)
				begin[side][s] = at + (room-size(n))/2
				at += room + gap
			}
		}
		height = max(height, at)
	}
	d := chart.New("", width, height, title, about)
	d.Text("ch-end", chart.Point{X: from, Y: 12}, names[0], from-2)
	d.Text("", chart.Point{X: to, Y: 12}, names[1], width-to-2)
	next := [2]map[lifecycle.State]float64{{}, {}}
	for _, m := range moves {
		h := size(m.N)
		y0, y1 := begin[0][m.From]+next[0][m.From], begin[1][m.To]+next[1][m.To]
		next[0][m.From] += h
		next[1][m.To] += h
		const steps = 14
		var upper, lower []chart.Point
		for i := range steps + 1 {
			f := float64(i) / steps
			y := y0 + (y1-y0)*(1-math.Cos(math.Pi*f))/2
			x := from + bar + f*(to-from-2*bar)
			upper, lower = append(upper, chart.Point{X: x, Y: y}), append(lower, chart.Point{X: x, Y: y + max(h, .6)})
		}
		d.Area("va-flow ch-"+turn(m), upper, lower)
	}
	for side := range 2 {
		for _, s := range order {
			n := sides[side][s]
			if n == 0 {
				continue
			}
			name := w.Name("worth.state", string(s))
			y := begin[side][s]
			x, class, textX := from, "ch-end", from-5
			if side == 1 {
				x, class, textX = to-bar, "", to+5
			}
			d.Box("ch-ink", chart.Point{X: x, Y: y}, bar, max(size(n), .8), fmt.Sprintf("%s: %s", name, w.Int(n)))
			middle := y + size(n)/2
			d.Text(class+" ch-label", chart.Point{X: textX, Y: middle - 2}, name, from-8)
			d.Text(class, chart.Point{X: textX, Y: middle + 11}, w.Say("worth.count", w.Int(n), w.Part(n, all)), from-8)
		}
	}
	return d
}
