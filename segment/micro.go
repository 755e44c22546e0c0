package segment

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/segment/bitset"
)

// Dimension is one way to divide a population for micro-segments: cells, each
// with its name. Cells may overlap and need not cover everybody.
type Dimension struct {
	Name  string       // such as the field's
	Cells []Definition // named as readers shall see them
}

// FieldDimension divides by the values of a field that SetField supplied, in
// sorted order. It is an *UnknownError if there is no such field.
func (v *View) FieldDimension(field string) (Dimension, error) {
	field = fold.Compose(field)
	d := Dimension{Name: field}
	for _, leaf := range slices.Sorted(maps.Keys(v.leaves)) {
		if value, ok := strings.CutPrefix(leaf, field+":"); ok {
			d.Cells = append(d.Cells, Definition{Name: value, Expr: Leaf(leaf)})
		}
	}
	if len(d.Cells) == 0 {
		return d, &UnknownError{Kind: "field", Name: field}
	}
	return d, nil
}

// TagDimension divides by tags: one cell for the carriers of each.
func TagDimension(name string, tags ...string) Dimension {
	d := Dimension{Name: name}
	for _, tag := range tags {
		d.Cells = append(d.Cells, Definition{Name: tag, Expr: Tag(tag)})
	}
	return d
}

// MicroOptions configure MicroSegments. The zero value works.
type MicroOptions struct {
	MinSize int    // cells with fewer members are left out; default 1
	Within  string // look only at the members of this segment; default: everybody
	// MaxCells bounds the number of micro-segments; default 10,000. More are a
	// *LimitError: a larger MinSize is called for.
	MaxCells int
}

// Micro is a micro-segment: the members of one cell of each dimension.
type Micro struct {
	// Definition selects the members; it is named after its cells, joined by
	// " / ", and can be registered as it is.
	Definition Definition
	Cells      []string // a name per dimension
	Size       int      // members
	Shared     int      // members who are in another micro-segment, too
	set        *bitset.Set
}

// Micros are all micro-segments over some dimensions.
type Micros struct {
	Dimensions []string // their names
	Segments   []Micro  // largest first, then by the order of the cells
	Population int      // of all whom the question is about
	Covered    int      // members of at least one of the segments
}

// MicroSegments finds all non-empty combinations of one cell per dimension that
// have the minimum size. Members are counted after red tags. It looks only at
// combinations whose beginning is large enough, so that many dimensions are no
// more work than the population has variety.
func (v *View) MicroSegments(at time.Time, dims []Dimension, opt MicroOptions) (Micros, error) {
	if len(dims) == 0 {
		return Micros{}, &InvalidError{Field: "dimensions", Msg: "are missing"}
	}
	opt.MinSize = max(opt.MinSize, 1)
	if opt.MaxCells <= 0 {
		opt.MaxCells = 10_000
	}
	base := Definition{Name: "micro-segments of", Expr: All()}
	if opt.Within != "" {
		d, err := v.definition(opt.Within)
		if err != nil {
			return Micros{}, err
		}
		base = d.Definition
	}
	w := &microWalk{opt: opt, ignores: base.IgnoreRed}
	for _, dim := range dims {
		w.out.Dimensions = append(w.out.Dimensions, dim.Name)
		sets, err := v.cells(at, base, dim)
		if err != nil {
			return Micros{}, err
		}
		w.dims, w.sets = append(w.dims, dim.Cells), append(w.sets, sets)
	}
	everybody, err := v.cells(at, base, Dimension{Cells: []Definition{{Name: base.Name, Expr: base.Expr}}})
	if err != nil {
		return Micros{}, err
	}
	var prefix []Expr
	if opt.Within != "" {
		prefix = []Expr{In(opt.Within)}
	}
	if err := w.walk(everybody[0], nil, prefix); err != nil {
		return Micros{}, err
	}
	slices.SortStableFunc(w.out.Segments, func(a, b Micro) int { return cmp.Compare(b.Size, a.Size) })
	w.out.Population = everybody[0].Len()
	w.out.share()
	return w.out, nil
}

// cells draws the cells of a dimension within base, with its regard for red tags.
func (v *View) cells(at time.Time, base Definition, dim Dimension) ([]*bitset.Set, error) {
	c := newCompiler(&v.state, v.when(at))
	out := make([]*bitset.Set, len(dim.Cells))
	for i, cell := range dim.Cells {
		if err := cell.validate(v.limits); err != nil {
			return nil, err
		}
		both := Definition{Name: base.Name, Expr: All(base.Expr, cell.Expr), IgnoreRed: base.IgnoreRed}
		root, err := c.audience(&defined{Definition: both.sorted()})
		if err != nil {
			return nil, err
		}
		out[i] = root.Set()
	}
	return out, nil
}

// microWalk goes over combinations of cells, dimension by dimension.
type microWalk struct {
	opt     MicroOptions
	ignores []string // red tags that Within ignores
	dims    [][]Definition
	sets    [][]*bitset.Set
	out     Micros
}

// walk extends a combination whose members are known by each cell of the next dimension,
// and stops where fewer than MinSize are left: no longer combination can have more.
func (w *microWalk) walk(members *bitset.Set, names []string, exprs []Expr) error {
	level := len(names)
	if level == len(w.dims) {
		if len(w.out.Segments) == w.opt.MaxCells {
			return &LimitError{What: "micro-segments", Limit: int64(w.opt.MaxCells)}
		}
		w.out.Segments = append(w.out.Segments, Micro{
			Definition: Definition{Name: strings.Join(names, " / "), Expr: All(slices.Clone(exprs)...), IgnoreRed: w.ignores},
			Cells:      slices.Clone(names), Size: members.Len(), set: members,
		})
		return nil
	}
	for i, cell := range w.dims[level] {
		both := bitset.Intersect(members, w.sets[level][i])
		if both.Len() < w.opt.MinSize {
			continue
		}
		if err := w.walk(both, append(names, cell.Name), append(exprs, cell.Expr)); err != nil {
			return err
		}
	}
	return nil
}

// share counts who is in several micro-segments.
func (m *Micros) share() {
	sets := make([]*bitset.Set, len(m.Segments))
	for i := range m.Segments {
		sets[i] = m.Segments[i].set
	}
	m.Covered = bitset.Union(sets...).Len()
	several := bitset.AtLeast(2, sets...)
	for i, s := range sets {
		m.Segments[i].Shared = bitset.Intersect(s, several).Len()
	}
}

// Compare counts the members that each two of the first n micro-segments have
// in common; at most 2,000 are compared.
func (m Micros) Compare(n int) Comparison {
	segments := m.Segments[:min(max(n, 0), len(m.Segments), 2000)]
	var c Comparison
	sets := make([]*bitset.Set, len(segments))
	for i, s := range segments {
		c.Names = append(c.Names, s.Definition.Name)
		sets[i] = s.set
	}
	c.Common = bitset.Overlaps(sets...)
	return c
}
