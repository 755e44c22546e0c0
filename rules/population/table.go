package population

import (
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/planes"
)

// blockRows is how many subjects are evaluated together: a bitmap of them and
// the planes of a few columns stay in the first levels of cache.
const blockRows = 1 << 14

// table holds the rows of one struct type of one block: the subjects
// themselves, or child rows of them, in order.
type table struct {
	typ    *ir.RowType
	n      int
	words  int
	cols   []column // by field.pos
	parent []int32  // of child rows: the row of the table above
	first  []int32  // per row of the table above, and one more: its child rows
}

// column holds one field of the rows of a table; which of the parts are used
// depends on its kind.
type column struct {
	null  []uint64      // rows that are null; nil if none is
	bits  []uint64      // Bool
	num   planes.Planes // Int; codes of a dictionary; Tags: how many; Time: local days
	md    planes.Planes // Time: month*32 + day of the month
	flo   []float64
	micro []int64 // Time
	text  []byte  // String without a dictionary: all values one behind the other
	ends  []uint32
	coded bool // String, Int of days=yearly: num holds codes of the dictionary
	tags  map[uint32]*tagRows
	rows  *table
}

// tagRows says which rows have a tag: as a bitmap, or as a list if they are few.
type tagRows struct {
	bits []uint64
	list []int32
}

func (t *tagRows) has(row int) bool {
	if t == nil {
		return false
	}
	if t.bits != nil {
		return planes.BitAt(t.bits, row)
	}
	_, found := slices.BinarySearch(t.list, int32(row))
	return found
}

// dictionary gives the distinct values of a text column numbers, or the values
// outside 0..364 of an integer of days=yearly.
type dictionary struct {
	codes  map[string]int64
	values []string
	odd    []int64
}

const (
	maxDictionary = 1 << 16
	// maxAge bounds the integers that age, so that adding days cannot wrap.
	maxAge = int64(1) << 40
)

// code gives a text its number. The text is copied: a slice of a file would keep the whole
// file in memory.
func (d *dictionary) code(s string) int64 {
	if c, ok := d.codes[s]; ok {
		return c
	}
	c := int64(len(d.values))
	s = string([]byte(s)) // do not keep a larger text alive
	d.codes[s] = c
	d.values = append(d.values, s)
	return c
}

// oddCode gives a number outside of a year a code behind those of its days.
func (d *dictionary) oddCode(n int64) int64 {
	i := slices.Index(d.odd, n)
	if i < 0 {
		i = len(d.odd)
		d.odd = append(d.odd, n)
	}
	return ir.YearDays + int64(i)
}

// encoder turns structs into tables. It belongs to one population.
type encoder struct {
	schema *ir.Layout
	zone   *ir.Clock // of the day that values are as of
	dicts  map[*ir.Field]*dictionary
	read   map[*ir.Field]*reader
	ids    map[string]uint32
}

// reader holds the closures that read one field of a struct.
type reader struct {
	null    closure.BoolFunc
	boolean closure.BoolFunc
	integer closure.IntFunc
	float   closure.FloatFunc
	text    closure.StringFunc
	time    func(closure.Env) time.Time
}

func newEncoder(s *ir.Layout, m *ir.Clock) *encoder {
	e := &encoder{schema: s, zone: m, dicts: map[*ir.Field]*dictionary{}, read: map[*ir.Field]*reader{}, ids: map[string]uint32{}}
	e.prepare(s.Root)
	return e
}

// prepare makes the closures that read each field, those of rows included.
func (e *encoder) prepare(t *ir.RowType) {
	for _, f := range t.Order {
		ft := ir.FieldTerm(f, ir.OfFacts, 0)
		r := &reader{}
		if f.Kind != ir.Tags && f.Kind != ir.Rows {
			r.null = closure.Null(ft)
		}
		e.dicts[f] = &dictionary{codes: map[string]int64{}}
		switch f.Kind {
		case ir.Bool:
			r.boolean = closure.Bool(ft)
		case ir.Int:
			r.integer = closure.Int(ft)
		case ir.Float:
			r.float = closure.Float(ft)
		case ir.String:
			r.text = closure.String(ft)
		case ir.Time:
			r.time = closure.TimeField(ft)
		case ir.Rows:
			e.prepare(f.Row)
		}
		e.read[f] = r
	}
}

// check refuses what a table cannot hold as it is.
func (e *encoder) check(t *ir.RowType, p unsafe.Pointer) error {
	for _, f := range t.Order {
		switch {
		case f.Ages != ir.Still:
			if n := e.read[f].integer(closure.Env{Facts: p}); n > maxAge || n < -maxAge {
				return fmt.Errorf("population: field %s: %d is no number of days", f.Name, n)
			}
		case f.Kind == ir.Rows:
			s := (*closure.SliceHeader)(unsafe.Add(p, f.Offset))
			if s.Len > f.Max {
				return &rules.BoundsError{Field: f.Name, Len: s.Len, Max: f.Max}
			}
			for i := range s.Len {
				if err := e.check(f.Row, unsafe.Add(s.Data, uintptr(i)*f.Row.Size)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// table encodes the structs that rows point to.
func (e *encoder) table(t *ir.RowType, rows []unsafe.Pointer) *table {
	out := &table{typ: t, n: len(rows), words: planes.WordsOf(len(rows)), cols: make([]column, len(t.Order))}
	ints := make([]int64, len(rows))
	for i, f := range t.Order {
		c, r := &out.cols[i], e.read[f]
		if r.null != nil {
			c.null = e.bitmap(rows, r.null)
		}
		switch f.Kind {
		case ir.Bool:
			if c.bits = e.bitmap(rows, r.boolean); c.bits == nil {
				c.bits = make([]uint64, out.words)
			}
		case ir.Int:
			for j, p := range rows {
				ints[j] = e.anchor(f, r.integer(closure.Env{Facts: p}))
			}
			c.num, c.coded = planes.EncodePlanes(ints), f.Ages == ir.Yearly
		case ir.Float:
			c.flo = make([]float64, len(rows))
			for j, p := range rows {
				c.flo[j] = r.float(closure.Env{Facts: p})
			}
		case ir.String:
			e.texts(c, f, rows, ints)
		case ir.Time:
			e.times(c, r, rows, ints)
		case ir.Tags:
			e.tags(c, f, rows, ints)
		case ir.Rows:
			e.children(c, f, rows)
		}
	}
	return out
}

// bitmap returns the rows for which fn holds, nil if there are none.
func (e *encoder) bitmap(rows []unsafe.Pointer, fn closure.BoolFunc) []uint64 {
	var out []uint64
	for i, p := range rows {
		if fn(closure.Env{Facts: p}) {
			if out == nil {
				out = make([]uint64, planes.WordsOf(len(rows)))
			}
			planes.SetBit(out, i)
		}
	}
	return out
}

// anchor turns a number of days into one that the passing of days leaves alone.
func (e *encoder) anchor(f *ir.Field, n int64) int64 {
	switch f.Ages {
	case ir.Since:
		return e.zone.Today - n
	case ir.Until:
		return e.zone.Today + n
	case ir.Yearly:
		if n < 0 || n >= ir.YearDays {
			return e.dicts[f].oddCode(n)
		}
		return ir.ModYear(e.zone.Today + n)
	}
	return n
}

// texts stores texts as codes of a dictionary if they repeat, else as they are.
func (e *encoder) texts(c *column, f *ir.Field, rows []unsafe.Pointer, ints []int64) {
	d, text := e.dicts[f], e.read[f].text
	c.coded = true
	limit := min(len(d.values)+len(rows)/4+64, maxDictionary)
	for j, p := range rows {
		s := text(closure.Env{Facts: p})
		code, ok := d.codes[s]
		if !ok {
			if len(d.values) >= limit {
				c.coded = false
				break
			}
			code = d.code(s)
		}
		ints[j] = code
	}
	if c.coded {
		c.num = planes.EncodePlanes(ints)
		return
	}
	c.ends = make([]uint32, len(rows)+1)
	for j, p := range rows {
		c.text = append(c.text, text(closure.Env{Facts: p})...)
		c.ends[j+1] = uint32(len(c.text))
	}
	c.text = slices.Clip(c.text)
}

// textAt returns a text that is stored as it is; it shares the memory.
func (c *column) textAt(row int) string {
	a, b := c.ends[row], c.ends[row+1]
	if a == b {
		return ""
	}
	return unsafe.String(&c.text[a], int(b-a))
}

// times encodes instants as microseconds, as days, and as month and day, for the three
// ways in which rules ask for them.
func (e *encoder) times(c *column, r *reader, rows []unsafe.Pointer, ints []int64) {
	c.micro = make([]int64, len(rows))
	md := make([]int64, len(rows))
	for j, p := range rows {
		t := r.time(closure.Env{Facts: p})
		c.micro[j], ints[j] = t.UnixMicro(), e.zone.DayOf(t)
		if t.IsZero() { // null: keep the planes narrow
			ints[j], md[j] = e.zone.Today, 1<<5|1
			continue
		}
		_, m, d := ir.Civil(ints[j])
		md[j] = m<<5 | d
	}
	c.num, c.md = planes.EncodePlanes(ints), planes.EncodePlanes(md)
}

// tags collects the rows of each tag, as a list while they are few.
func (e *encoder) tags(c *column, f *ir.Field, rows []unsafe.Pointer, ints []int64) {
	c.tags = map[uint32]*tagRows{}
	var recent [64]*tagRows // most tags are among the first
	add := func(id uint32, row int) {
		var t *tagRows
		if id < 64 {
			t = recent[id]
		} else {
			t = c.tags[id]
		}
		if t == nil {
			t = &tagRows{}
			c.tags[id] = t
			if id < 64 {
				recent[id] = t
			}
		}
		if k := len(t.list); k == 0 || t.list[k-1] != int32(row) {
			t.list = append(t.list, int32(row))
		}
	}
	for j, p := range rows {
		at := unsafe.Add(p, f.Offset)
		if f.Interned {
			s := (*ir.TagBits)(at)
			ints[j] = int64(s.Size())
			s.Each(func(id uint32) { add(id, j) })
			continue
		}
		list := *(*[]string)(at)
		ints[j] = int64(len(list))
		for _, tag := range list {
			id, ok := e.ids[tag]
			if !ok {
				id = e.schema.Tags.Id(tag)
				e.ids[tag] = id
			}
			add(id, j)
		}
	}
	c.num = planes.EncodePlanes(ints)
	for _, t := range c.tags {
		if len(t.list) > len(rows)/64 {
			t.bits = make([]uint64, planes.WordsOf(len(rows)))
			for _, r := range t.list {
				planes.SetBit(t.bits, int(r))
			}
			t.list = nil
		} else {
			t.list = slices.Clip(t.list)
		}
	}
}

// children lays the rows of a block's subjects one behind the other, with where those of
// each begin.
func (e *encoder) children(c *column, f *ir.Field, rows []unsafe.Pointer) {
	first := make([]int32, len(rows)+1)
	for j, p := range rows {
		first[j+1] = first[j] + int32((*closure.SliceHeader)(unsafe.Add(p, f.Offset)).Len)
	}
	kids := make([]unsafe.Pointer, 0, first[len(rows)])
	parent := make([]int32, 0, first[len(rows)])
	for j, p := range rows {
		s := (*closure.SliceHeader)(unsafe.Add(p, f.Offset))
		for i := range s.Len {
			kids = append(kids, unsafe.Add(s.Data, uintptr(i)*f.Row.Size))
			parent = append(parent, int32(j))
		}
	}
	c.rows = e.table(f.Row, kids)
	c.rows.first, c.rows.parent = first, parent
}
