package cube

import (
	"iter"
	"maps"
	"slices"
)

// Schema returns the names of the columns.
func (c *Cube) Schema() Schema {
	return Schema{slices.Clone(c.schema.Dimensions), slices.Clone(c.schema.Measures), slices.Clone(c.schema.Distinct)}
}

// Levels returns the levels, each after what it is of.
func (c *Cube) Levels() []Level {
	out := slices.Clone(c.levels)
	for i := range out {
		out[i].Parent = maps.Clone(out[i].Parent)
	}
	return out
}

// Line is a row of a cube, in the order of the schema.
type Line struct {
	Values   []uint32 // of each dimension the place of its value in Cube.Values
	Measures []int64
	Distinct []uint32
}

// Lines returns the rows in the order in which they were added. What a Line holds is valid until the next.
func (c *Cube) Lines() iter.Seq[Line] {
	return func(yield func(Line) bool) {
		l := Line{make([]uint32, len(c.dims)), make([]int64, len(c.measures)), make([]uint32, len(c.distinct))}
		for row := range c.rows {
			for i := range c.dims {
				l.Values[i] = c.dims[i].at(row)
			}
			for i := range c.measures {
				l.Measures[i] = c.measures[i][row]
			}
			for i := range c.distinct {
				l.Distinct[i] = c.distinct[i][row]
			}
			if !yield(l) {
				return
			}
		}
	}
}

// at returns the code of a row.
func (c *column) at(row int) uint32 {
	switch {
	case c.narrow != nil:
		return uint32(c.narrow[row])
	case c.middle != nil:
		return uint32(c.middle[row])
	}
	return c.wide[row]
}
