package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/segment/rfm"
)

// RFM draws recency against frequency: how many customers each cell has, and
// their mean monetary score.
func RFM(title string, scores []rfm.Score) Picture {
	return kit.DrawIn("heat", func(l *page.Locale) any {
		bins := 0
		for _, s := range scores {
			bins = max(bins, s.R, s.F)
		}
		bins = min(bins, 9)
		type cell struct{ n, m int }
		grid := make([][]cell, bins+1)
		for i := range grid {
			grid[i] = make([]cell, bins+1)
		}
		most := 0
		for _, s := range scores {
			if s.R < 1 || s.F < 1 || s.R > bins || s.F > bins {
				continue
			}
			c := &grid[s.R][s.F]
			c.n++
			c.m += s.M
			most = max(most, c.n)
		}
		v := heatView{Title: title, Corner: l.Say("rfm.recency"),
			Caption: l.Say("rfm.caption", len(scores))}
		for f := 1; f <= bins; f++ {
			v.Columns = append(v.Columns, heatHead{l.Say("rfm.f", f), l.Say("rfm.frequency", f)})
		}
		for r := bins; r >= 1; r-- {
			row := heatRow{Label: l.Say("rfm.r", r)}
			for f := 1; f <= bins; f++ {
				c := grid[r][f]
				out := heatCell{Text: l.Int(c.n), Shade: shade(c.n, most)}
				if c.n > 0 {
					out.Note = l.Say("rfm.m", strings.TrimSuffix(l.Decimal(float64(c.m)/float64(c.n), 1), l.Point+"0"))
					out.Title = l.Say("rfm.of-all", l.Part(c.n, len(scores)))
				}
				row.Cells = append(row.Cells, out)
			}
			v.Rows = append(v.Rows, row)
		}
		return v
	})
}

// Groups draws how many customers each named group of scores has, the most valuable
// group first (see rfm.Values).
func Groups(title string, scores []rfm.Score, groups []rfm.Group) Picture {
	return kit.DrawIn("rows", func(l *page.Locale) any {
		count := make(map[string]int)
		for _, s := range scores {
			count[rfm.Name(s, groups)]++
		}
		v := rowsView{Title: title, What: l.Say("rfm.group"), Count: l.Say("segment.customers"), Caption: l.Say("rfm.best", len(scores))}
		most := 0
		for _, n := range count {
			most = max(most, n)
		}
		for _, name := range groupOrder(groups) {
			if n := count[name]; n > 0 || name != rfm.Other {
				v.Rows = append(v.Rows, row{Label: l.Name("rfm.group", name), N: l.Int(n), Note: l.Part(n, len(scores)), Bar: barOf(0, n, most)})
			}
		}
		return v
	})
}

// groupOrder returns the names of the groups by what they are worth, the best first.
func groupOrder(groups []rfm.Group) []string {
	values := rfm.Values(groups)
	var out []string
	for _, g := range groups {
		if !slices.Contains(out, g.Name) && g.Name != rfm.Other {
			out = append(out, g.Name)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(values[b], values[a]) })
	return append(out, rfm.Other)
}

// The geometry of a migration, in units of its drawing.
const (
	flowWidth  = 360.0
	flowLeft   = 116.0 // where bars stand
	flowRight  = flowWidth - flowLeft
	flowBar    = 7.0
	flowHeight = 300.0 // of all customers together
	flowGap    = 7.0   // between groups
	flowLine   = 13.0  // the least that a label needs
	maxFlows   = 24    // groups drawn one by one
)

type flowView struct {
	Title, Caption string
	Height         string
	Left, Right    []flowBarView
	Ribbons        []ribbon
	Moves          []moveRow
	Notes          []string
}

type flowBarView struct {
	X, Y, Height string
	TextY        string
	Label, Title string
	N            string
}

type ribbon struct {
	Path  string
	Class string // up, down, same, new
	Title string
}

type moveRow struct{ From, To, N, Class string }

// Migration draws which group customers left and which they came to, between
// two dates. Groups stand by what they are worth, the best first, and a move to one
// that is worth more is one up (see rfm.Values). Names that are no group's follow by
// name; moves from and to them, and between groups of equal worth, are neither.
func Migration(title string, moves []rfm.Move, groups []rfm.Group) Picture {
	place := make(map[string]int)
	for _, name := range groupOrder(groups) {
		place[name] = len(place)
	}
	var strangers []string
	for _, m := range moves {
		for _, name := range []string{m.From, m.To} {
			if _, ok := place[name]; !ok && name != "" {
				strangers = append(strangers, name)
			}
		}
	}
	slices.Sort(strangers)
	for _, name := range slices.Compact(strangers) {
		place[name] = len(place)
	}
	return kit.DrawIn("flow", func(l *page.Locale) any {
		f := flow{l: l, place: place, values: rfm.Values(groups), left: map[string]int{}, right: map[string]int{}, moves: map[[2]string]int{}}
		for _, m := range moves {
			f.add(m)
		}
		return f.view(title)
	})
}

// flow lays a migration out.
type flow struct {
	l           *page.Locale
	place       map[string]int
	values      map[string]float64
	left, right map[string]int
	moves       map[[2]string]int
	all         int
	bundled     bool
}

// absent stands for those who have no score at one of the dates.
const absent = "\x00absent"

// others bundles what is too much for a picture.
const others = "\x00others"

func (f *flow) name(group string) string {
	switch {
	case group == "":
		return absent
	case f.place[group] >= maxFlows:
		f.bundled = true
		return others
	}
	return group
}

// label is what the reader calls a group.
func (f *flow) label(name string) string {
	switch name {
	case absent:
		return f.l.Say("rfm.absent")
	case others:
		return f.l.Say("rfm.others")
	}
	return f.l.Name("rfm.group", name)
}

func (f *flow) rank(name string) int {
	switch name {
	case others:
		return len(f.place)
	case absent:
		return len(f.place) + 1
	}
	return f.place[name]
}

// change says whether a move is one up, +1, down, -1, or neither, 0.
func (f *flow) change(from, to string) int {
	a, known := f.values[from]
	b, both := f.values[to]
	if !known || !both {
		return 0
	}
	return cmp.Compare(b, a)
}

func (f *flow) add(m rfm.Move) {
	if m.Customers <= 0 {
		return
	}
	from, to := f.name(m.From), f.name(m.To)
	f.left[from] += m.Customers
	f.right[to] += m.Customers
	f.moves[[2]string{from, to}] += m.Customers
	f.all += m.Customers
}

// side is where a group's bar begins and how much of it is taken.
type side struct{ at, taken float64 }

func (f *flow) stack(count map[string]int, x float64) (bars []flowBarView, sides map[string]*side, height float64) {
	sides = make(map[string]*side)
	names := make([]string, 0, len(count))
	for name := range count {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(f.rank(a), f.rank(b)), cmp.Compare(a, b)) })
	y := 4.0
	for _, name := range names {
		h := f.scale(count[name])
		room := max(h, flowLine)
		sides[name] = &side{at: y + (room-h)/2}
		bars = append(bars, flowBarView{
			X: page.Short(x), Y: page.Short(y + (room-h)/2), Height: page.Short(max(h, 0.6)), TextY: page.Short(y + room/2),
			Label: page.Clip(f.label(name), 16), Title: f.l.Say("rfm.share", f.label(name), count[name], f.l.Part(count[name], f.all)), N: f.l.Int(count[name]),
		})
		y += room + flowGap
	}
	return bars, sides, y
}

func (f *flow) scale(n int) float64 { return float64(n) / float64(max(f.all, 1)) * flowHeight }

func (f *flow) view(title string) flowView {
	v := flowView{Title: title, Caption: f.l.Say("rfm.sides", f.all)}
	left, from, h1 := f.stack(f.left, flowLeft-flowBar)
	right, to, h2 := f.stack(f.right, flowRight)
	v.Left, v.Right, v.Height = left, right, page.Short(max(h1, h2, 20))
	pairs := make([][2]string, 0, len(f.moves))
	for p := range f.moves {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(f.rank(a[0]), f.rank(b[0])), cmp.Compare(f.rank(a[1]), f.rank(b[1])))
	})
	stayed, up, down, level := 0, 0, 0, 0
	for _, p := range pairs {
		n := f.moves[p]
		class := "down"
		switch {
		case p[0] == absent || p[1] == absent:
			class = "new"
		case p[0] == p[1]:
			class = "same"
			stayed += n
		default:
			switch f.change(p[0], p[1]) {
			case +1:
				class = "up"
				up += n
			case -1:
				down += n
			default:
				class = "new"
				level += n
			}
		}
		h := f.scale(n)
		a, b := from[p[0]], to[p[1]]
		y1, y2 := a.at+a.taken, b.at+b.taken
		a.taken += h
		b.taken += h
		v.Ribbons = append(v.Ribbons, ribbon{Path: ribbonPath(y1, y2, h), Class: class, Title: f.l.Say("rfm.move", f.label(p[0]), f.label(p[1]), n)})
		v.Moves = append(v.Moves, moveRow{f.label(p[0]), f.label(p[1]), f.l.Int(n), class})
	}
	v.Notes = append(v.Notes, f.l.Say("rfm.moved", stayed, up, down))
	if level > 0 {
		v.Notes = append(v.Notes, f.l.Say("rfm.level", level))
	}
	if f.bundled {
		v.Notes = append(v.Notes, f.l.Say("rfm.bundled", maxFlows))
	}
	return v
}

// ribbonPath is a band of height h from the left bars to the right ones.
func ribbonPath(y1, y2, h float64) string {
	mid := (flowLeft + flowRight) / 2
	var b strings.Builder
	fmt.Fprintf(&b, "M%s %s", page.Short(flowLeft), page.Short(y1))
	fmt.Fprintf(&b, "C%s %s %s %s %s %s", page.Short(mid), page.Short(y1), page.Short(mid), page.Short(y2), page.Short(flowRight), page.Short(y2))
	fmt.Fprintf(&b, "v%s", page.Short(max(h, 0.3)))
	fmt.Fprintf(&b, "C%s %s %s %s %s %sz", page.Short(mid), page.Short(y2+h), page.Short(mid), page.Short(y1+h), page.Short(flowLeft), page.Short(y1+h))
	return b.String()
}
