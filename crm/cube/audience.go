package cube

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vefacrm/vefa/internal/suppress"
)

// Audience is people who may see figures of many people, and none of a few.
type Audience struct {
	// By are the dimensions and levels they may ask about, and levels of these, the one whose figures matter
	// most first: the later, the sooner figures are hidden. A level comes before what it is of.
	By []string
	// People is what people are counted by, of Schema.Distinct.
	People string
	// MinPeople is of how many people a figure is at least; 2 or more.
	MinPeople int
}

// View is a cube as an audience may see it. It is immutable and safe for concurrent use.
//
// The rows are divided once into parts of MinPeople people or more, along Audience.By: where stores are
// first, small stores are put together with one another, or with the next larger one, then months of
// each other store, and so on (internal/suppress says which). A figure is shown, exactly, if it is of
// whole parts, and hidden if not. So whatever is asked, and however answers are added and subtracted, subtotals,
// slices and overlapping questions too, the result is of whole parts, and of no fewer people.
//
// Hidden figures are named, so that an audience learns that there were some. Counts of people do not
// add up, and are no sums of parts: from those of groups and of both together follows how many
// people are in both, which can be few, but nothing of what they did.
//
// That holds of one View. Two of the same rows and some more, as of yesterday and today, are divided apart: their
// difference may be of one person. Show an audience one view of whole periods, with the period in Audience.By,
// and no second one of the same period with other rows.
type View struct {
	c     *Cube
	plan  *plan    // by Audience.By
	names []string // Audience.By
	cells []uint64 // the groups of plan that have rows, ascending
	part  []int32  // of each of cells
	parts int
	none  bool // all are too few
}

// View returns the cube as an audience may see it. The error is an ErrData about the audience, or the
// cause of ctx. It reads all rows and takes some seconds for 10 million; questions are as fast as those
// of the cube.
func (c *Cube) View(ctx context.Context, a Audience) (*View, error) {
	if a.MinPeople < 2 {
		return nil, fmt.Errorf("%w: MinPeople is %d, not 2 or more", ErrData, a.MinPeople)
	}
	if len(a.By) == 0 {
		return nil, fmt.Errorf("%w: an audience that may ask about no dimension", ErrData)
	}
	at := slices.Index(c.schema.Distinct, a.People)
	if at < 0 {
		return nil, fmt.Errorf("%w: people %q are none of Schema.Distinct", ErrData, a.People)
	}
	p, err := c.plan(Query{By: a.By})
	if err != nil {
		return nil, err
	}
	v := &View{c: c, plan: p, names: slices.Clone(a.By)}
	if v.cells, _, err = p.run(ctx); err != nil {
		return nil, err
	}
	d := &division{v: v, least: int64(a.MinPeople), seen: make([]uint32, c.numbers[at])}
	if err := d.read(ctx, c.distinct[at]); err != nil {
		return nil, err
	}
	v.part = make([]int32, len(v.cells))
	if v.none = d.people(0, len(v.cells)) < d.least; !v.none {
		d.split(0, len(v.cells), 0)
	}
	return v, nil
}

// division divides the cells of a view into its parts.
type division struct {
	v     *View
	least int64
	who   []uint32 // the people of all cells, each once in each
	from  []int    // where those of each cell begin, and where the last end
	seen  []uint32 // by person: the last count that met him
	count uint32
}

// read fills in who is in which cell.
func (d *division) read(ctx context.Context, people []uint32) error {
	v := d.v
	all := make([]uint64, len(people)) // cell and person
	var keys [block]uint64
	for from := 0; from < len(people); from += block {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		k := keys[:min(block, len(people)-from)]
		clear(k)
		for _, l := range v.plan.keys {
			v.c.dims[l.dim].sum(from, k, l.add)
		}
		for i, key := range k {
			cell, _ := slices.BinarySearch(v.cells, key)
			all[from+i] = uint64(cell)<<32 | uint64(people[from+i])
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	d.who, d.from = make([]uint32, len(all)), make([]int, len(v.cells)+1)
	for i, x := range all {
		d.who[i] = uint32(x)
		d.from[x>>32+1] = i + 1 // of each cell the last one stays
	}
	return nil
}

// people counts those of the cells from one to another, which is left out.
func (d *division) people(from, to int) int64 {
	d.count++
	return d.more(from, to)
}

// more counts those whom the count that goes on has not met.
func (d *division) more(from, to int) (n int64) {
	for _, p := range d.who[d.from[from]:d.from[to]] {
		if d.seen[p] != d.count {
			d.seen[p] = d.count
			n++
		}
	}
	return n
}

// coordinate returns the number of the value that a cell has of one of Audience.By.
func (v *View) coordinate(cell, axis int) uint32 {
	return uint32(v.cells[cell] / v.plan.stride[axis] % uint64(len(v.plan.axes[axis].values)))
}

// split divides cells of enough people, which are alike in the first axes.
func (d *division) split(from, to, axis int) {
	v := d.v
	if axis == len(v.plan.axes) {
		d.close(from, to)
		v.parts++
		return
	}
	edges := []int{from} // of the cells that are alike in this axis, too
	for i := from + 1; i < to; i++ {
		if v.coordinate(i, axis) != v.coordinate(i-1, axis) {
			edges = append(edges, i)
		}
	}
	edges = append(edges, to)
	counts := make([]int64, len(edges)-1)
	for i := range counts {
		counts[i] = d.people(edges[i], edges[i+1])
	}
	small := suppress.Small(counts, d.least)
	// Small adds up counts; those who are in several of them are counted once here.
	var together int64
	some := false
	d.count++
	for i, hidden := range small {
		if hidden {
			together, some = together+d.more(edges[i], edges[i+1]), true
		}
	}
	for some && together < d.least {
		next := -1
		for i, hidden := range small {
			if !hidden && (next < 0 || counts[i] < counts[next]) {
				next = i
			}
		}
		if next < 0 {
			break // all of them are one part, which has enough
		}
		small[next] = true
		together += d.more(edges[next], edges[next+1])
	}
	for i, hidden := range small {
		if hidden {
			d.close(edges[i], edges[i+1])
		}
	}
	if some {
		v.parts++
	}
	for i, hidden := range small {
		if !hidden {
			d.split(edges[i], edges[i+1], axis+1)
		}
	}
}

// close puts cells into the current part.
func (d *division) close(from, to int) {
	for i := from; i < to; i++ {
		d.v.part[i] = int32(d.v.parts)
	}
}

// Query answers a question of the audience. Groups of which figures may not be shown are Hidden. The error is
// an ErrData about the query, also where it is about what the audience may not ask, or the cause
// of ctx.
func (v *View) Query(ctx context.Context, q Query) (*Result, error) {
	p, err := v.c.plan(q)
	if err != nil {
		return nil, err
	}
	group := make([]uint64, len(v.cells))
	for i, name := range q.By {
		axis, values, err := v.axis(name)
		if err != nil {
			return nil, err
		}
		for cell := range group {
			group[cell] += uint64(values[v.coordinate(cell, axis)]) * p.stride[i]
		}
	}
	const out = ^uint64(0) // a cell that is not asked about
	for _, name := range slices.Sorted(maps.Keys(q.Where)) {
		axis, values, err := v.axis(name)
		if err != nil {
			return nil, err
		}
		pass := make([]bool, len(values))
		for i, n := range values {
			pass[i] = slices.Contains(q.Where[name], v.c.axes[name].values[n])
		}
		for cell := range group {
			if !pass[v.coordinate(cell, axis)] {
				group[cell] = out
			}
		}
	}
	// A part is whole if all of its cells are in one group, or all are out.
	of, cut := make([]uint64, v.parts+1), make([]bool, v.parts+1)
	known := make([]bool, v.parts+1)
	for cell, part := range v.part {
		if known[part] && of[part] != group[cell] {
			cut[part] = true
		}
		of[part], known[part] = group[cell], true
	}
	hidden := map[uint64]bool{}
	for cell, part := range v.part {
		if v.none || cut[part] {
			hidden[group[cell]] = true
		}
	}
	r, keys, err := v.c.answer(ctx, p, q)
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		if hidden[k] {
			r.Groups[i] = Group{Key: r.Groups[i].Key, Hidden: true}
		}
	}
	return r, nil
}

// axis returns which of Audience.By decides a dimension or level, and the number of its value for each value of that.
func (v *View) axis(name string) (axis int, values []uint32, err error) {
	wanted := v.c.axes[name]
	for a := wanted; a != nil; a = a.of {
		if at := slices.Index(v.plan.axes, a); at >= 0 {
			values = make([]uint32, len(a.values))
			for code, n := range a.code {
				values[n] = wanted.code[code]
			}
			return at, values, nil
		}
	}
	return 0, nil, fmt.Errorf("%w: the audience may not ask about %q, only about %q and levels of these", ErrData, name, v.names)
}
