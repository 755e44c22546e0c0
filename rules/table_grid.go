package rules

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// grid is a table seen as boxes in the space of its columns: what the analysis
// of gaps and overlaps works on. The space is cut into finitely many atoms, so
// that the answers are exact for independent columns.
type grid struct {
	columns []*tableColumn
	masks   [][]atomSet // by row and column: the atoms that the cell takes
}

// atomSet is a set of atoms of one column.
type atomSet []uint64

func (s atomSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// first returns the smallest atom of the set, or -1.
func (s atomSet) first() int {
	for i, w := range s {
		if w != 0 {
			return 64*i + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// meets returns the smallest atom that both sets have, or -1.
func (s atomSet) meets(o atomSet) int {
	for i, w := range s {
		if w &= o[i]; w != 0 {
			return 64*i + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// grid makes the columns of a table, without cells.
func (c *compiler) grid(path, who string, t *Table, each *ir.Field) *grid {
	g := &grid{}
	for i := range t.Inputs {
		in := &t.Inputs[i]
		col := &tableColumn{input: in, expr: in.Expr}
		g.columns = append(g.columns, col)
		where := fmt.Sprintf("inputs[%d]", i)
		v, faults := c.front.value(in.Expr, each)
		if len(faults) > 0 {
			p := path + "." + where
			if _, ok := c.book.places[p+".expr"]; ok {
				p += ".expr"
			}
			c.exprFaults(p, who, where, in.Expr, faults)
			continue
		}
		if s := strings.TrimPrefix(in.Expr, "row."); !isName(s) && v.Op != ir.OpFold {
			col.expr = "(" + in.Expr + ")"
		}
		col.kind, col.nullable, col.folded = v.Kind, v.Nullable, v.Op == ir.OpFold
		col.scale = ir.ScaleOf(v)
		if col.kind == ir.Time {
			col.kind = ir.Day
		}
		col.least, col.most = ir.Bounds(v)
		switch col.kind {
		case ir.Bool, ir.Int, ir.Float, ir.String, ir.Day, ir.Tags:
		default:
			c.fault(path+"."+where, who, where, "a column cannot be of kind %s", v.Kind)
		}
		if len(in.Values) > 0 && col.kind != ir.String {
			c.fault(path+"."+where, who, where, "values belong to texts, %s is of kind %s", in.Expr, v.Kind)
		}
	}
	return g
}

// row reads a row's cells and returns its condition.
func (g *grid) row(c *compiler, path, who string, n int, row *TableRow) string {
	var parts []string
	for j, text := range row.When {
		col := g.columns[j]
		if col.kind == 0 {
			continue // the column itself is faulty
		}
		x, msg := c.readCell(col, text)
		if msg != "" {
			c.fault(fmt.Sprintf("%s.when[%d]", path, j), who, fmt.Sprintf("rows[%d].when[%d]", n, j), "%s", msg)
			x = &tableCell{any: true}
		}
		for len(col.cells) < n {
			col.cells = append(col.cells, &tableCell{any: true})
		}
		col.cells = append(col.cells, x)
		if s := col.condition(x); s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return "true"
	}
	return strings.Join(parts, " and ")
}

// maxTagsTold is how many tags of one column the analysis tells apart.
const maxTagsTold = 6

// maxAtoms bounds the work of the analysis: rows times atoms of all columns.
const maxAtoms = 4_000_000

// cut finds the atoms of every column and which of them each row takes. It
// returns false if that would be too many.
func (g *grid) cut(rows int) bool {
	atoms := 0
	for _, col := range g.columns {
		col.cut()
		if col.atoms == 0 {
			return false
		}
		atoms += col.atoms
	}
	if atoms*rows > maxAtoms {
		return false
	}
	g.masks = make([][]atomSet, rows)
	for r := range rows {
		g.masks[r] = make([]atomSet, len(g.columns))
		for j, col := range g.columns {
			g.masks[r][j] = col.mask(col.cells[r])
		}
	}
	return true
}

func (col *tableColumn) cut() {
	for _, x := range col.cells {
		for _, s := range x.spans {
			for _, end := range []*number{s.lo, s.hi} {
				if end != nil {
					col.cuts = append(col.cuts, *end)
				}
			}
		}
		if col.kind == ir.String || col.kind == ir.Tags {
			col.words = append(col.words, x.words...)
		}
	}
	slices.SortFunc(col.cuts, number.compare)
	col.cuts = slices.Compact(col.cuts)
	col.open = col.kind == ir.String
	if len(col.input.Values) > 0 {
		col.words, col.open = append(col.words, col.input.Values...), false
	}
	slices.Sort(col.words)
	col.words = slices.Compact(col.words)
	switch col.kind {
	case ir.Bool:
		col.atoms = 2
	case ir.String:
		col.atoms = len(col.words)
		if col.open {
			col.atoms++
		}
	case ir.Tags:
		if len(col.words) > maxTagsTold {
			col.atoms = 0
			return
		}
		col.atoms = 1 << len(col.words)
	default:
		col.atoms = 2*len(col.cuts) + 1
	}
	if col.nullable {
		col.atoms++
	}
}

// exists reports whether there is any value in an atom.
func (col *tableColumn) exists(atom int) bool {
	if col.kind != ir.Int && col.kind != ir.Day || atom >= 2*len(col.cuts)+1 {
		return true
	}
	k := atom / 2
	if atom%2 == 1 {
		return col.cuts[k].n >= col.least && col.cuts[k].n <= col.most
	}
	lo, hi := col.least, col.most // the integers between two cuts
	if k > 0 {
		lo = max(lo, satAdd(col.cuts[k-1].n, 1))
	}
	if k < len(col.cuts) {
		hi = min(hi, satAdd(col.cuts[k].n, -1))
	}
	return lo <= hi && (k == 0 || col.cuts[k-1].n < col.most) && (k == len(col.cuts) || col.cuts[k].n > col.least)
}

// satAdd adds 1 or -1 without wrapping around.
func satAdd(a, b int64) int64 {
	if s := a + b; (s > a) == (b > 0) {
		return s
	}
	return a
}

// mask tells which atoms a cell takes.
func (col *tableColumn) mask(x *tableCell) atomSet {
	m := make(atomSet, (col.atoms+63)/64)
	for a := range col.atoms {
		if col.exists(a) && (x.any || col.takes(x, a) != x.not) {
			m[a/64] |= 1 << (a % 64)
		}
	}
	return m
}

func (col *tableColumn) takes(x *tableCell, atom int) bool {
	if col.nullable && atom == col.atoms-1 {
		return x.null
	}
	switch col.kind {
	case ir.Bool:
		return slices.Contains(x.words, [...]string{"false", "true"}[atom])
	case ir.String:
		return atom < len(col.words) && slices.Contains(x.words, col.words[atom])
	case ir.Tags:
		return slices.ContainsFunc(x.words, func(w string) bool {
			i, _ := slices.BinarySearch(col.words, w)
			return atom&(1<<i) != 0
		})
	}
	return slices.ContainsFunc(x.spans, func(s cellSpan) bool { return col.spans(s, atom) })
}

// spans reports whether a span takes an atom: a cut, or what lies between two.
func (col *tableColumn) spans(s cellSpan, atom int) bool {
	k := atom / 2
	if atom%2 == 1 {
		n := col.cuts[k]
		low := s.lo == nil || n.compare(*s.lo) > 0 || n == *s.lo && !s.loOpen
		high := s.hi == nil || n.compare(*s.hi) < 0 || n == *s.hi && !s.hiOpen
		return low && high
	}
	low := s.lo == nil || k > 0 && col.cuts[k-1].compare(*s.lo) >= 0
	high := s.hi == nil || k < len(col.cuts) && col.cuts[k].compare(*s.hi) <= 0
	return low && high
}

// describe names a value of an atom, as a cell.
func (col *tableColumn) describe(atom int) string {
	name := col.input.Name
	if name == "" {
		name = col.input.Expr
	}
	if col.nullable && atom == col.atoms-1 {
		return name + " is nil"
	}
	switch col.kind {
	case ir.Bool:
		return name + " is " + [...]string{"false", "true"}[atom]
	case ir.String:
		if atom < len(col.words) {
			return fmt.Sprintf("%s is %q", name, col.words[atom])
		}
		return name + " is any other text"
	case ir.Tags:
		var has []string
		for i, w := range col.words {
			if atom&(1<<i) != 0 {
				has = append(has, w)
			}
		}
		if len(has) == 0 {
			return name + " has none of " + strings.Join(col.words, ", ")
		}
		return name + " has " + strings.Join(has, ", ")
	}
	k := atom / 2
	switch {
	case atom%2 == 1:
		return name + " is " + col.spell(col.cuts[k])
	case k == 0 && len(col.cuts) == 0:
		return name + " is anything"
	case k == 0:
		return name + " < " + col.spell(col.cuts[0])
	case k == len(col.cuts):
		return name + " > " + col.spell(col.cuts[k-1])
	}
	return fmt.Sprintf("%s is between %s and %s", name, col.spell(col.cuts[k-1]), col.spell(col.cuts[k]))
}

// overlap returns atoms that two rows both take, or nil.
func (g *grid) overlap(a, b int) []int {
	for j := range g.columns {
		if g.masks[a][j].meets(g.masks[b][j]) < 0 {
			return nil
		}
	}
	out := make([]int, len(g.columns))
	for j := range g.columns {
		out[j] = g.masks[a][j].meets(g.masks[b][j])
	}
	return out
}

// gap returns atoms within the box that no given row takes, or nil. It takes
// its steps from the budget; when that is used up nothing is sure.
func (g *grid) gap(box []atomSet, rows []int, budget *int) (atoms []int, sure bool) {
	s := &gapSearch{g: g, box: box, left: budget, covered: map[string]bool{}}
	atoms = s.find(0, rows)
	return atoms, *budget > 0
}

type gapSearch struct {
	g       *grid
	box     []atomSet
	left    *int
	covered map[string]bool // by column and rows
}

func (s *gapSearch) find(j int, rows []int) []int {
	if len(rows) == 0 {
		out := make([]int, len(s.g.columns)-j)
		for i := range out {
			out[i] = s.box[j+i].first()
		}
		return out
	}
	if j == len(s.g.columns) || *s.left <= 0 {
		return nil
	}
	key := fmt.Sprint(j, rows)
	if s.covered[key] {
		return nil
	}
	tried := map[string]bool{}
	for atom := range s.g.columns[j].atoms {
		if !s.box[j].has(atom) {
			continue
		}
		if *s.left -= 1 + len(rows); *s.left <= 0 {
			return nil
		}
		var still []int
		for _, r := range rows {
			if s.g.masks[r][j].has(atom) {
				still = append(still, r)
			}
		}
		k := fmt.Sprint(still)
		if tried[k] {
			continue
		}
		tried[k] = true
		if rest := s.find(j+1, still); rest != nil {
			return append([]int{atom}, rest...)
		}
	}
	if *s.left > 0 {
		s.covered[key] = true
	}
	return nil
}

func (g *grid) all() []atomSet {
	out := make([]atomSet, len(g.columns))
	for j, col := range g.columns {
		out[j] = col.mask(&tableCell{any: true})
	}
	return out
}

// describe puts atoms in words; columns that say nothing are left out.
func (g *grid) describe(atoms []int) string {
	var parts []string
	for j, col := range g.columns {
		if s := col.describe(atoms[j]); !strings.HasSuffix(s, " is anything") {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// checkHits refuses a table in which rows meet that must not.
func (c *compiler) checkHits(path, who string, d *decisionTable) {
	t := d.table
	if !d.grid.cut(len(t.Rows)) {
		d.grid = nil // Decide finds out, Lint says so
		return
	}
	if t.Hit != hitUnique && t.Hit != hitAny {
		return
	}
	for b := range t.Rows {
		for a := range b {
			if t.Hit == hitAny && slices.Equal(t.Rows[a].Then, t.Rows[b].Then) {
				continue
			}
			if at := d.grid.overlap(a, b); at != nil {
				c.fault(fmt.Sprintf("%s.rows[%d]", path, b), who, fmt.Sprintf("rows[%d]", b), "rows %s and %s match together, the policy is %s: %s",
					t.rowName(a), t.rowName(b), t.Hit, d.grid.describe(at))
				break
			}
		}
	}
}

// lint says what a table leaves open and which of its rows never win.
func (d *decisionTable) lint(budget *int, add func(kind string, format string, args ...any)) {
	if d.grid == nil {
		add(lintGap, "the table cannot be analysed: it is too large or has more than %d tags in one column", maxTagsTold)
		return
	}
	if atoms, sure := d.grid.gap(d.grid.all(), d.order, budget); atoms != nil {
		add(lintGap, "no row for: %s", d.grid.describe(atoms))
	} else if !sure {
		add(lintGap, "too large to be analysed for gaps")
	}
	for at, i := range d.order {
		box := d.grid.masks[i]
		if slices.ContainsFunc(box, func(m atomSet) bool { return m.first() < 0 }) {
			add(lintDead, "row %s can never match", d.table.rowName(i))
			continue
		}
		if d.table.Hit == hitCollect || at == 0 {
			continue
		}
		if atoms, sure := d.grid.gap(box, d.order[:at], budget); atoms == nil && sure {
			add(lintDead, "row %s never wins: the rows before it take all its cases", d.table.rowName(i))
		}
	}
}
