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

// check refuses facts that a table cannot hold as they are.
func (e *encoder) check(p unsafe.Pointer) error {
	if !e.schema.Made(p) {
		return rules.ErrForeign
	}
	return e.fits(e.schema.Root, p)
}

// fits is check for a struct or a row.
func (e *encoder) fits(t *ir.RowType, p unsafe.Pointer) error {
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
				if err := e.fits(f.Row, unsafe.Add(s.Data, uintptr(i)*f.Row.Size)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// builder collects the rows of one struct type of a block, one after the other, so that
// what they refer to may change as soon as they were added. It is used again for the next
// block.
type builder struct {
	enc    *encoder
	typ    *ir.RowType
	n      int
	cols   []columnBuilder
	parent []int32 // of child rows, as in table
	first  []int32
}

// columnBuilder is what becomes a column.
type columnBuilder struct {
	f     *ir.Field
	r     *reader
	null  []int32 // rows
	bits  []int32 // rows: Bool
	ints  []int64
	md    []int64
	flo   []float64
	micro []int64
	text  []string
	tags  map[uint32]*tagRows
	most  [64]*tagRows // of them: most tags are among the first
	rows  *builder
}

func (e *encoder) builder(t *ir.RowType) *builder {
	b := &builder{enc: e, typ: t, cols: make([]columnBuilder, len(t.Order))}
	for i, f := range t.Order {
		c := &b.cols[i]
		if c.f, c.r = f, e.read[f]; f.Kind == ir.Rows {
			c.rows = e.builder(f.Row)
		}
	}
	b.reset()
	return b
}

func (b *builder) reset() {
	b.n, b.parent, b.first = 0, b.parent[:0], append(b.first[:0], 0)
	for i := range b.cols {
		c := &b.cols[i]
		clear(c.text)
		c.null, c.bits, c.ints, c.md, c.flo, c.micro, c.text = c.null[:0], c.bits[:0], c.ints[:0], c.md[:0], c.flo[:0], c.micro[:0], c.text[:0]
		if c.f.Kind == ir.Tags {
			c.tags, c.most = map[uint32]*tagRows{}, [64]*tagRows{}
		}
		if c.rows != nil {
			c.rows.reset()
		}
	}
}

// add adds the struct at p.
func (b *builder) add(p unsafe.Pointer) {
	at, e := closure.Env{Facts: p}, b.enc
	for i := range b.cols {
		c := &b.cols[i]
		r := c.r
		if r.null != nil && r.null(at) {
			c.null = append(c.null, int32(b.n))
		}
		switch c.f.Kind {
		case ir.Bool:
			if r.boolean(at) {
				c.bits = append(c.bits, int32(b.n))
			}
		case ir.Int:
			n := r.integer(at)
			if c.f.Ages != ir.Still {
				n = e.anchor(c.f, n)
			}
			c.ints = append(c.ints, n)
		case ir.Float:
			c.flo = append(c.flo, r.float(at))
		case ir.String:
			c.text = append(c.text, r.text(at))
		case ir.Time:
			c.addTime(e, r.time(at))
		case ir.Tags:
			c.addTags(e, b.n, unsafe.Add(p, c.f.Offset))
		case ir.Rows:
			s := (*closure.SliceHeader)(unsafe.Add(p, c.f.Offset))
			for k := range s.Len {
				c.rows.parent = append(c.rows.parent, int32(b.n))
				c.rows.add(unsafe.Add(s.Data, uintptr(k)*c.f.Row.Size))
			}
			c.rows.first = append(c.rows.first, int32(c.rows.n))
		}
	}
	b.n++
}

// table encodes what was added and begins anew.
func (b *builder) table() *table {
	defer b.reset()
	return b.encode()
}

func (b *builder) encode() *table {
	out := &table{typ: b.typ, n: b.n, words: planes.WordsOf(b.n), cols: make([]column, len(b.cols))}
	for i := range b.cols {
		from, c := &b.cols[i], &out.cols[i]
		c.null = bitmap(from.null, b.n)
		switch from.f.Kind {
		case ir.Bool:
			if c.bits = bitmap(from.bits, b.n); c.bits == nil {
				c.bits = make([]uint64, out.words)
			}
		case ir.Int:
			c.num, c.coded = planes.EncodePlanes(from.ints), from.f.Ages == ir.Yearly
		case ir.Float:
			c.flo = slices.Clone(from.flo)
		case ir.String:
			b.enc.texts(c, from)
		case ir.Time:
			c.micro, c.num, c.md = slices.Clone(from.micro), planes.EncodePlanes(from.ints), planes.EncodePlanes(from.md)
		case ir.Tags:
			c.num, c.tags = planes.EncodePlanes(from.ints), from.tags
			for _, t := range c.tags {
				t.settle(b.n)
			}
		case ir.Rows:
			c.rows = from.rows.encode()
			c.rows.first, c.rows.parent = slices.Clone(from.rows.first), slices.Clone(from.rows.parent)
		}
	}
	return out
}

// bitmap returns rows as bits, nil if there are none.
func bitmap(rows []int32, n int) []uint64 {
	if len(rows) == 0 {
		return nil
	}
	out := make([]uint64, planes.WordsOf(n))
	for _, i := range rows {
		planes.SetBit(out, int(i))
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
func (e *encoder) texts(c *column, from *columnBuilder) {
	d, ints := e.dicts[from.f], from.ints[:0]
	c.coded = true
	limit := min(len(d.values)+len(from.text)/4+64, maxDictionary)
	for _, s := range from.text {
		code, ok := d.codes[s]
		if !ok {
			if len(d.values) >= limit {
				c.coded = false
				break
			}
			code = d.code(s)
		}
		ints = append(ints, code)
	}
	if from.ints = ints; c.coded {
		c.num = planes.EncodePlanes(ints)
		return
	}
	c.ends = make([]uint32, len(from.text)+1)
	for j, s := range from.text {
		c.text = append(c.text, s...)
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

// addTime keeps an instant as microseconds, as a day, and as month and day, for the three
// ways in which rules ask for it.
func (c *columnBuilder) addTime(e *encoder, t time.Time) {
	day, md := e.zone.Today, int64(1<<5|1) // of null: to keep the planes narrow
	if !t.IsZero() {
		day = e.zone.DayOf(t)
		_, m, d := ir.Civil(day)
		md = m<<5 | d
	}
	c.micro, c.ints, c.md = append(c.micro, t.UnixMicro()), append(c.ints, day), append(c.md, md)
}

// addTags adds a row to those of each of its tags.
func (c *columnBuilder) addTags(e *encoder, row int, at unsafe.Pointer) {
	if c.f.Interned {
		s := (*ir.TagBits)(at)
		c.ints = append(c.ints, int64(s.Size()))
		s.Each(func(id uint32) { c.addTag(id, row) })
		return
	}
	list := *(*[]string)(at)
	c.ints = append(c.ints, int64(len(list)))
	for _, tag := range list {
		id, ok := e.ids[tag]
		if !ok {
			id = e.schema.Tags.Id(tag)
			e.ids[tag] = id
		}
		c.addTag(id, row)
	}
}

func (c *columnBuilder) addTag(id uint32, row int) {
	var t *tagRows
	if id < 64 {
		t = c.most[id]
	} else {
		t = c.tags[id]
	}
	if t == nil {
		t = &tagRows{}
		c.tags[id] = t
		if id < 64 {
			c.most[id] = t
		}
	}
	if k := len(t.list); k == 0 || t.list[k-1] != int32(row) {
		t.list = append(t.list, int32(row))
	}
}

// settle keeps the rows of a tag as a list only while they are few of n.
func (t *tagRows) settle(n int) {
	if len(t.list) > n/64 {
		t.bits, t.list = bitmap(t.list, n), nil
		return
	}
	t.list = slices.Clip(t.list)
}
