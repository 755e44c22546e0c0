package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/internal/page"
	"github.com/vefacrm/vefa/segment"
)

// row is a line of a table with a bar.
type row struct {
	Label, Note string
	Depth       int // indentation, 0 … maxDepth
	N           string
	Bar         bar
	Class       string
}

// maxDepth is how far a row is indented at most.
const maxDepth = 8

type rowsView struct {
	Title, Caption, What, Count string
	Rows                        []row
	Notes                       []string
}

// Waterfall draws how exclusions bring a segment down to its members: what each
// step removes of those left by the steps before it, and by itself.
func Waterfall(title string, w segment.Waterfall) Picture {
	return kit.DrawIn("rows", func(l *page.Locale) any {
		v := rowsView{Title: title, What: l.Say("segment.step"), Count: l.Say("segment.customers"),
			Caption: l.Say("segment.fall")}
		v.Rows = append(v.Rows, row{Label: l.Say("segment.base"), N: l.Int(w.Base), Bar: barOf(0, w.Base, w.Base), Class: "all"})
		for _, s := range w.Steps {
			r := row{Label: s.Label, N: "−" + l.Int(s.Removed), Bar: barOf(s.Left, s.Removed, w.Base), Class: "off"}
			r.Note = l.Say("segment.removes", s.Alone, s.Only, s.Left)
			if s.Red.Tag != "" {
				r.Label = l.Say("segment.red", s.Red.Tag)
			}
			if s.Red.Owner != "" || s.Red.Reason != "" {
				r.Note += "; " + s.Red.Owner
				if s.Red.Reason != "" {
					r.Note += ": " + s.Red.Reason
				}
			}
			v.Rows = append(v.Rows, r)
		}
		v.Rows = append(v.Rows, row{Label: l.Say("segment.members"), Note: l.Say("segment.of-before", l.Part(w.Members, w.Base)), N: l.Int(w.Members),
			Bar: barOf(0, w.Members, w.Base), Class: "all"})
		if len(w.Steps) > 0 {
			v.Notes = []string{l.Say("segment.alone")}
		}
		return v
	})
}

// Counts draws the tree of a definition with the exact count on every node.
func Counts(title string, p segment.Preview) Picture {
	return kit.DrawIn("rows", func(l *page.Locale) any {
		v := rowsView{Title: title, What: l.Say("segment.part"), Count: l.Say("segment.customers"),
			Caption: l.Say("segment.parts", p.Population)}
		var walk func(t segment.TreeCount, depth int, excluded bool)
		walk = func(t segment.TreeCount, depth int, excluded bool) {
			r := row{Label: operand(l, t.Label), N: l.Int(t.Count), Bar: barOf(0, t.Count, p.Population), Depth: min(depth, maxDepth)}
			if t.Shown {
				r.Note = l.Say("segment.above")
			}
			if len(t.Children) > 0 {
				r.Class = "all"
			}
			if excluded {
				r.Class, r.Label = "off", l.Say("segment.excluded", r.Label)
			}
			v.Rows = append(v.Rows, r)
			for i, k := range t.Children {
				walk(k, depth+1, i > 0 && t.Label == exceptLabel)
			}
		}
		walk(p.Tree, 0, false)
		v.Rows = append(v.Rows, row{Label: l.Say("segment.after-red"), N: l.Int(p.Members), Bar: barOf(0, p.Members, p.Population), Class: "total"})
		const most = 300
		if left := len(v.Rows) - most; left > 0 {
			v.Rows = append(v.Rows[:most-1], v.Rows[len(v.Rows)-1])
			v.Notes = append(v.Notes, l.Say("segment.parts-left", left+1))
		}
		return v
	})
}

// exceptLabel is what package segment calls "a except b, c": all operands but the first exclude.
const exceptLabel = "in the first and in none of the others"

// Explained draws why a customer is or is not in a segment: the tree of the definition with the
// answer of every part, what decides marked, then the red tags. The notes stand below it.
func Explained(title string, e segment.Explanation, notes ...string) Picture {
	return kit.DrawIn("reasons", func(l *page.Locale) any {
		v := reasonsView{Title: title, Caption: l.Say("segment.is-out", e.Customer, e.Segment, l.Int(e.Version)), Notes: notes}
		if e.In {
			v.Caption = l.Say("segment.is-in", e.Customer, e.Segment, l.Int(e.Version))
		}
		say := func(r reason, holds bool) {
			r.Answer = l.Say("segment.no")
			if holds {
				r.Answer = l.Say("segment.yes")
			}
			if r.Decides {
				r.Mark = l.Say("segment.decides")
			}
			v.Rows = append(v.Rows, r)
		}
		if !e.Known || !e.Live {
			say(reason{Label: l.Say("segment.live"), Decides: true}, false)
		}
		var walk func(r segment.Reason, depth int, excluded bool)
		walk = func(r segment.Reason, depth int, excluded bool) {
			x := reason{Label: operand(l, r.Label), Depth: min(depth, maxDepth), Decides: r.Decides}
			if excluded {
				x.Label = l.Say("segment.excluded", x.Label)
			}
			if r.Shown {
				x.Note = l.Say("segment.above")
			}
			say(x, r.Holds)
			for i, k := range r.Children {
				walk(k, depth+1, i > 0 && r.Label == exceptLabel)
			}
		}
		walk(e.Tree, 0, false)
		for _, r := range e.Red {
			x := reason{Label: l.Say("segment.red", r.Tag), Decides: !slices.Contains(e.Ignored, r.Tag), Note: strings.Join(slices.DeleteFunc([]string{r.Owner, r.Reason}, func(s string) bool { return s == "" }), ": ")}
			if !x.Decides {
				x.Note = l.Say("segment.ignored")
			} else if !r.From.IsZero() {
				x.Note = strings.TrimSuffix(l.Say("segment.red-since", l.Date(r.From), x.Note), "; ")
			}
			say(x, true)
		}
		const most = 300
		if left := len(v.Rows) - most; left > 0 {
			v.Rows, v.Notes = v.Rows[:most], append([]string{l.Say("segment.parts-left", left)}, notes...)
		}
		return v
	})
}

// reason is a line of Explained.
type reason struct {
	Label, Note, Answer, Mark string
	Depth                     int
	Decides                   bool
}

type reasonsView struct {
	Title, Caption string
	Rows           []reason
	Notes          []string
}

// operand says a label of package segment in the reader's words.
func operand(l *page.Locale, label string) string {
	var least, held int
	if n, _ := fmt.Sscanf(label, "at least %d of (holds for %d)", &least, &held); n == 2 {
		return l.Say("set.at-least-held", l.Int(least), l.Int(held))
	} else if n == 1 {
		return l.Say("set.at-least", l.Int(least))
	}
	if kind, name, ok := strings.Cut(label, " "); ok && (kind == "tag" || kind == "leaf" || kind == "segment") {
		return l.Say("set."+kind, name)
	}
	return l.Name("set", label)
}

// MicroSegments draws the most populous micro-segments.
func MicroSegments(title string, m segment.Micros, most int) Picture {
	return kit.DrawIn("rows", func(l *page.Locale) any {
		v := rowsView{Title: title, What: joinNames(m.Dimensions), Count: l.Say("segment.customers"),
			Caption: l.Say("segment.micros", len(m.Segments), m.Covered, m.Population, l.Part(m.Covered, m.Population))}
		shown := m.Segments[:min(max(most, 0), len(m.Segments))]
		for _, s := range shown {
			r := row{Label: s.Definition.Name, N: l.Int(s.Size)}
			if s.Definition.Name == joinNames(s.Cells) {
				r.Label = joinNames(cellNames(l, s.Cells))
			}
			if len(shown) > 0 {
				r.Bar = barOf(0, s.Size, shown[0].Size)
			}
			if s.Shared > 0 {
				r.Note = l.Say("segment.shared", s.Shared)
			}
			v.Rows = append(v.Rows, r)
		}
		if left := len(m.Segments) - len(shown); left > 0 {
			v.Notes = append(v.Notes, l.Say("segment.smaller", left))
		}
		return v
	})
}

// Grid draws micro-segments over two dimensions as a table, the first down, the
// second across, such as behaviour by value. What treat returns for a cell is
// written into it, e.g. the treatment that such customers get; it may be nil.
// Micro-segments over other than two dimensions are drawn as MicroSegments does.
func Grid(title string, m segment.Micros, treat func(down, across string) string) Picture {
	if len(m.Dimensions) != 2 {
		return MicroSegments(title, m, maxOverlap)
	}
	size := make(map[[2]string]int)
	most := 0
	var down, across []string
	for _, s := range m.Segments {
		a, b := s.Cells[0], s.Cells[1]
		size[[2]string{a, b}] = s.Size
		most = max(most, s.Size)
		if !slices.Contains(down, a) {
			down = append(down, a)
		}
		if !slices.Contains(across, b) {
			across = append(across, b)
		}
	}
	slices.Sort(down)
	slices.Sort(across)
	if len(down) > maxOverlap || len(across) > maxOverlap {
		return MicroSegments(title, m, maxOverlap)
	}
	return kit.DrawIn("heat", func(l *page.Locale) any {
		v := heatView{Title: title, Corner: m.Dimensions[0],
			Caption: l.Say("segment.grid", m.Covered, m.Population, m.Dimensions[0], m.Dimensions[1])}
		for _, b := range across {
			name := l.Name("rfm.group", b)
			v.Columns = append(v.Columns, heatHead{name, m.Dimensions[1] + " " + name})
		}
		for _, a := range down {
			r := heatRow{Label: l.Name("rfm.group", a)}
			for _, b := range across {
				n := size[[2]string{a, b}]
				cell := heatCell{Text: l.Int(n), Shade: shade(n, most), Title: l.Say("segment.of-all", l.Part(n, m.Population))}
				if n == 0 {
					cell.Text = "·" // none, or fewer than the least size
				} else if treat != nil {
					cell.Note = treat(a, b)
				}
				r.Cells = append(r.Cells, cell)
			}
			v.Rows = append(v.Rows, r)
		}
		return v
	})
}

// cellNames says cells that are RFM groups in the reader's words.
func cellNames(l *page.Locale, cells []string) []string {
	var out []string
	for _, c := range cells {
		out = append(out, l.Name("rfm.group", c))
	}
	return out
}

func joinNames(names []string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += " / "
		}
		out += n
	}
	return out
}

// heatView is a table whose cells are shaded.
type heatView struct {
	Title, Caption string
	Corner         string
	Columns        []heatHead
	Rows           []heatRow
	Notes          []string
	Pairs          []pairRow
}

type heatHead struct{ Label, Title string }

type heatRow struct {
	Label, Note string
	Cells       []heatCell
}

type heatCell struct {
	Text, Note, Title string
	Shade             int // 0 … 10
}

type pairRow struct{ A, B, Common, Jaccard string }

// maxOverlap is how many segments a heat map shows.
const maxOverlap = 40

// Overlap draws a heat map of how much of each segment is in each other, and
// lists the pairs that are most alike. Of more than 40 segments it shows the
// largest.
func Overlap(title string, c segment.Comparison) Picture {
	return kit.DrawIn("heat", func(l *page.Locale) any {
		order := make([]int, len(c.Names))
		for i := range order {
			order[i] = i
		}
		v := heatView{Title: title, Caption: l.Say("segment.overlap"), Corner: l.Say("segment.segment")}
		if len(order) > maxOverlap {
			slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(c.Common[j][j], c.Common[i][i]) })
			v.Notes = append(v.Notes, l.Say("segment.largest", maxOverlap, len(order)))
			order = order[:maxOverlap]
		}
		type pair struct{ i, j int }
		var pairs []pair
		for at, i := range order {
			v.Columns = append(v.Columns, heatHead{strconv.Itoa(at + 1), c.Names[i]})
			r := heatRow{Label: fmt.Sprintf("%d\u00a0%s", at+1, c.Names[i]), Note: l.Int(c.Common[i][i])}
			for other, j := range order {
				cell := heatCell{Text: l.Part(c.Common[i][j], c.Common[i][i])}
				cell.Title = l.Say("segment.both", c.Common[i][j], c.Names[i], c.Names[j])
				cell.Shade = shade(c.Common[i][j], c.Common[i][i])
				if i == j {
					cell = heatCell{Text: "·", Title: c.Names[i]}
				} else if other > at && c.Common[i][j] > 0 {
					pairs = append(pairs, pair{i, j})
				}
				r.Cells = append(r.Cells, cell)
			}
			v.Rows = append(v.Rows, r)
		}
		slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(c.Jaccard(b.i, b.j), c.Jaccard(a.i, a.j)) })
		for _, p := range pairs[:min(5, len(pairs))] {
			v.Pairs = append(v.Pairs, pairRow{c.Names[p.i], c.Names[p.j], l.Int(c.Common[p.i][p.j]), l.Decimal(c.Jaccard(p.i, p.j), 3)})
		}
		return v
	})
}

// shade is 0 for nothing and from 1 to 10 for shares.
func shade(n, of int) int {
	if n <= 0 || of <= 0 {
		return 0
	}
	return max(1, min(10, int(float64(n)/float64(of)*10+0.5)))
}
