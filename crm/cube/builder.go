package cube

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// ErrData is what every error about rows, levels and queries is.
var ErrData = errors.New("cube: bad data")

// Schema names the columns.
type Schema struct {
	Dimensions []string // what rows are grouped by; at least one
	Measures   []string // what is added up, in whole units, such as kuruş or minutes
	Distinct   []string // what is counted once each, numbered by the caller from 0 on
}

// Bounds of a cube.
const (
	maxColumns = 64
	maxRows    = 1 << 31
	maxNumber  = 1 << 30 // of Distinct
)

// Level is a dimension that another one decides: the region of a store, the month of a day.
type Level struct {
	Name string
	Of   string // a dimension, or a level before this one
	// Parent has the value for each value of Of; one that is missing is "".
	Parent map[string]string
}

// Builder collects rows. It is not safe for concurrent use.
type Builder struct {
	schema   Schema
	codes    []map[string]uint32
	values   [][]string
	dims     [][]uint32
	measures [][]int64
	distinct [][]uint32
	sizes    []uint64 // of each of measures what is added up without its sign
	rows     int
}

// NewBuilder returns a builder without rows. The error names what is wrong with the schema.
func NewBuilder(s Schema) (*Builder, error) {
	names := slices.Concat(s.Dimensions, s.Measures, s.Distinct)
	if len(s.Dimensions) == 0 || len(names) > maxColumns {
		return nil, fmt.Errorf("%w: %d dimensions, %d columns", ErrData, len(s.Dimensions), len(names))
	}
	seen := map[string]bool{}
	for _, n := range names {
		if n == "" || seen[n] {
			return nil, fmt.Errorf("%w: the name %q is empty or there twice", ErrData, n)
		}
		seen[n] = true
	}
	b := &Builder{schema: Schema{slices.Clone(s.Dimensions), slices.Clone(s.Measures), slices.Clone(s.Distinct)}}
	for range s.Dimensions {
		b.codes = append(b.codes, map[string]uint32{})
	}
	b.values, b.dims = make([][]string, len(s.Dimensions)), make([][]uint32, len(s.Dimensions))
	b.measures, b.distinct = make([][]int64, len(s.Measures)), make([][]uint32, len(s.Distinct))
	b.sizes = make([]uint64, len(s.Measures))
	return b, nil
}

// Add appends a row, each value in the order of the schema. A row that is refused, with an ErrData
// that names it by its number from 0, leaves the builder as it was: as is one with which a measure, added up without
// its signs, is more than 2^63-1, so that no sum of rows overflows.
func (b *Builder) Add(dimensions []string, measures []int64, distinct []uint32) error {
	if len(dimensions) != len(b.dims) || len(measures) != len(b.measures) || len(distinct) != len(b.distinct) {
		return fmt.Errorf("%w: row %d: %d dimensions, %d measures and %d distinct, not %d, %d and %d", ErrData, b.rows, len(dimensions), len(measures), len(distinct), len(b.dims), len(b.measures), len(b.distinct))
	}
	if b.rows == maxRows {
		return fmt.Errorf("%w: more than %d rows", ErrData, maxRows)
	}
	for i, n := range distinct {
		if n >= maxNumber {
			return fmt.Errorf("%w: row %d: %s is %d, not below %d", ErrData, b.rows, b.schema.Distinct[i], n, maxNumber)
		}
	}
	for i, v := range measures {
		if v == math.MinInt64 || b.sizes[i]+size(v) > math.MaxInt64 {
			return fmt.Errorf("%w: row %d: with %s of %d the sum of all is more than %d", ErrData, b.rows, b.schema.Measures[i], v, math.MaxInt64)
		}
	}
	for i, v := range dimensions {
		code, ok := b.codes[i][v]
		if !ok {
			code = uint32(len(b.values[i]))
			b.codes[i][v] = code
			b.values[i] = append(b.values[i], v)
		}
		b.dims[i] = append(b.dims[i], code)
	}
	for i, v := range measures {
		b.measures[i] = append(b.measures[i], v)
		b.sizes[i] += size(v)
	}
	for i, v := range distinct {
		b.distinct[i] = append(b.distinct[i], v)
	}
	b.rows++
	return nil
}

// size is a number without its sign.
func size(v int64) uint64 { return uint64(max(v, -v)) }

// Cube is rows that can be asked about. It is immutable and safe for concurrent use.
type Cube struct {
	schema   Schema
	levels   []Level
	axes     map[string]*axis
	dims     []column
	measures [][]int64
	distinct [][]uint32
	numbers  []uint32 // of each of distinct the largest, plus one
	rows     int
}

// axis is a dimension or level: for each code of a dimension a number, in the order of the values.
type axis struct {
	dim    int
	code   []uint32
	values []string // sorted
	of     *axis    // what decides a level; nil of a dimension
}

// column is the codes of a dimension, as small as they can be.
type column struct {
	narrow []uint8
	middle []uint16
	wide   []uint32
}

// Build returns the cube of the rows until now, with levels. The builder may be used on: rows that
// are added later are not in it. The error is an ErrData about a level.
func (b *Builder) Build(levels ...Level) (*Cube, error) {
	c := &Cube{schema: b.schema, axes: map[string]*axis{}, rows: b.rows}
	for i, name := range b.schema.Dimensions {
		// Numbered in the order of the values, whatever order they came in.
		order := make([]int, len(b.values[i]))
		for j := range order {
			order[j] = j
		}
		slices.SortFunc(order, func(x, y int) int { return compareText(b.values[i][x], b.values[i][y]) })
		a := &axis{dim: i, code: make([]uint32, len(order)), values: make([]string, len(order))}
		rank := make([]uint32, len(order))
		for to, from := range order {
			rank[from], a.values[to], a.code[to] = uint32(to), b.values[i][from], uint32(to)
		}
		c.axes[name] = a
		c.dims = append(c.dims, narrow(b.dims[i], rank))
	}
	for _, m := range b.measures {
		c.measures = append(c.measures, slices.Clone(m))
	}
	for _, d := range b.distinct {
		c.distinct = append(c.distinct, slices.Clone(d))
		most := uint32(0)
		for _, n := range d {
			most = max(most, n+1)
		}
		c.numbers = append(c.numbers, most)
	}
	for _, l := range levels {
		of := c.axes[l.Of]
		if of == nil {
			return nil, fmt.Errorf("%w: level %q is of %q, which is no dimension and no level before it", ErrData, l.Name, l.Of)
		}
		if l.Name == "" || c.axes[l.Name] != nil || slices.Contains(b.schema.Measures, l.Name) || slices.Contains(b.schema.Distinct, l.Name) {
			return nil, fmt.Errorf("%w: the name %q of a level is empty or there twice", ErrData, l.Name)
		}
		set := map[string]bool{}
		for _, v := range of.values {
			set[l.Parent[v]] = true
		}
		a := &axis{dim: of.dim, of: of, code: make([]uint32, len(of.code)), values: slices.SortedFunc(maps.Keys(set), compareText)}
		for code, n := range of.code {
			at, _ := slices.BinarySearchFunc(a.values, l.Parent[of.values[n]], compareText)
			a.code[code] = uint32(at)
		}
		c.axes[l.Name] = a
		c.levels = append(c.levels, Level{l.Name, l.Of, maps.Clone(l.Parent)})
	}
	return c, nil
}

// narrow stores codes by their rank.
func narrow(codes, rank []uint32) column {
	switch {
	case len(rank) <= 1<<8:
		out := make([]uint8, len(codes))
		for i, c := range codes {
			out[i] = uint8(rank[c])
		}
		return column{narrow: out}
	case len(rank) <= 1<<16:
		out := make([]uint16, len(codes))
		for i, c := range codes {
			out[i] = uint16(rank[c])
		}
		return column{middle: out}
	}
	out := make([]uint32, len(codes))
	for i, c := range codes {
		out[i] = rank[c]
	}
	return column{wide: out}
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Rows returns how many rows there are.
func (c *Cube) Rows() int { return c.rows }

// Values returns the values of a dimension or level, sorted; nil if there is none of the name.
func (c *Cube) Values(name string) []string {
	if a := c.axes[name]; a != nil {
		return slices.Clone(a.values)
	}
	return nil
}
