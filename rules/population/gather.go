package population

import (
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/planes"
)

// gatherer turns rows of a block back into structs, for what the columnar back
// end leaves to the closures. It fills in only the fields that it was asked
// for.
type gatherer struct {
	schema *ir.Layout
	dicts  map[*ir.Field]*dictionary
	fields map[*ir.RowType][]*ir.Field
	tags   map[uint32]bool // nil: every tag
	zone   *time.Location
}

// gathererFor reads what the term reads, or everything if it is nil.
func gathererFor(s *ir.Layout, dicts map[*ir.Field]*dictionary, zone *time.Location, t *ir.Term) *gatherer {
	g := &gatherer{schema: s, dicts: dicts, fields: map[*ir.RowType][]*ir.Field{}, zone: zone}
	if t == nil {
		g.everything(s.Root)
		return g
	}
	g.tags = map[uint32]bool{}
	all := false
	used := map[*ir.Field]bool{}
	t.Walk(func(k *ir.Term) {
		if k.Field != nil {
			used[k.Field] = true
		}
		if k.Op == ir.OpHas {
			g.tags[uint32(k.Num)] = true
		}
		all = all || k.Op == ir.OpHasPrefix
	})
	if all {
		g.tags = nil
	}
	g.some(s.Root, used)
	return g
}

// everything has the gatherer load all fields, for a host that asks for the facts of a
// subject.
func (g *gatherer) everything(t *ir.RowType) {
	g.fields[t] = t.Order
	for _, f := range t.Order {
		if f.Row != nil {
			g.everything(f.Row)
		}
	}
}

// some picks the used fields, and the rows that lead to them.
func (g *gatherer) some(t *ir.RowType, used map[*ir.Field]bool) bool {
	for _, f := range t.Order {
		if f.Row != nil && g.some(f.Row, used) || used[f] {
			g.fields[t] = append(g.fields[t], f)
		}
	}
	return len(g.fields[t]) > 0
}

// load writes row i of a table, as of a day, into the struct at p.
func (g *gatherer) load(t *table, i int, p unsafe.Pointer, today int64) {
	for _, f := range g.fields[t.typ] {
		c, at := &t.cols[f.Pos], unsafe.Add(p, f.Offset)
		if c.null != nil && planes.BitAt(c.null, i) {
			reflect.NewAt(f.Typ, at).Elem().SetZero()
			continue
		}
		if f.Pointer {
			v := reflect.New(f.Typ.Elem())
			*(*unsafe.Pointer)(at) = v.UnsafePointer()
			at = v.UnsafePointer()
		}
		if f.Valid != 0 {
			*(*bool)(unsafe.Add(at, f.Valid)) = true
		}
		switch f.Kind {
		case ir.Bool:
			*(*bool)(at) = planes.BitAt(c.bits, i)
		case ir.Int:
			closure.StoreInt(f, at, g.dicts[f].days(f, c.num.Get(i), today))
		case ir.Float:
			if f.Repr == reflect.Float32 {
				*(*float32)(at) = float32(c.flo[i])
			} else {
				*(*float64)(at) = c.flo[i]
			}
		case ir.String:
			if c.coded {
				*(*string)(at) = g.dicts[f].values[c.num.Get(i)]
			} else {
				*(*string)(at) = c.textAt(i)
			}
		case ir.Time:
			*(*time.Time)(at) = time.UnixMicro(c.micro[i]).In(g.zone)
		case ir.Tags:
			g.loadTags(f, c, i, at)
		case ir.Rows:
			g.loadRows(f, c.rows, i, at, today)
		}
	}
}

// days undoes encoder.anchor.
func (d *dictionary) days(f *ir.Field, n, today int64) int64 {
	switch f.Ages {
	case ir.Since:
		return today - n
	case ir.Until:
		return n - today
	case ir.Yearly:
		if n >= ir.YearDays {
			return d.odd[n-ir.YearDays]
		}
		return ir.ModYear(n - today)
	}
	return n
}

// loadTags turns columns of tags back into the set of one subject.
func (g *gatherer) loadTags(f *ir.Field, c *column, i int, at unsafe.Pointer) {
	var set ir.TagBits
	if g.tags == nil {
		for id, t := range c.tags {
			if t.has(i) {
				set.Put(id)
			}
		}
	} else {
		for id := range g.tags {
			if c.tags[id].has(i) {
				set.Put(id)
			}
		}
	}
	n := int(c.num.Get(i))
	if f.Interned {
		for id := ^uint32(0); set.Size() < n; id-- { // for len alone: tags that are not asked for
			set.More = append(set.More, id)
		}
		slices.Sort(set.More)
		*(*ir.TagBits)(at) = set
		return
	}
	list := g.schema.Tags.Of(&set)
	for len(list) < n { // a tag that is there twice, or that is not asked for
		if g.tags == nil && len(list) > 0 {
			list = append(list, list[0])
		} else {
			list = append(list, strings.Repeat("\x00", 1<<12+1)) // longer than a rule could ask for
		}
	}
	*(*[]string)(at) = list
}

// loadRows loads the rows of one subject into the room of the subject before, if that is
// enough.
func (g *gatherer) loadRows(f *ir.Field, t *table, i int, at unsafe.Pointer, today int64) {
	first, n := int(t.first[i]), int(t.first[i+1]-t.first[i])
	v := reflect.NewAt(f.Typ, at).Elem()
	if v.Cap() < n {
		v.Set(reflect.MakeSlice(f.Typ, n, n))
	}
	v.SetLen(n)
	data := (*closure.SliceHeader)(at).Data
	for k := range n {
		g.load(t, first+k, unsafe.Add(data, uintptr(k)*f.Row.Size), today)
	}
}
