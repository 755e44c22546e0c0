package rules

import (
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// gatherer turns rows of a block back into structs, for what the columnar back
// end leaves to the closures. It fills in only the fields that it was asked
// for.
type gatherer struct {
	schema *schema
	dicts  map[*field]*dictionary
	fields map[*rowType][]*field
	tags   map[uint32]bool // nil: every tag
	zone   *time.Location
}

// gathererFor reads what the term reads, or everything if it is nil.
func gathererFor(s *schema, dicts map[*field]*dictionary, zone *time.Location, t *term) *gatherer {
	g := &gatherer{schema: s, dicts: dicts, fields: map[*rowType][]*field{}, zone: zone}
	if t == nil {
		g.everything(s.root)
		return g
	}
	g.tags = map[uint32]bool{}
	used := map[*field]bool{}
	t.walk(func(k *term) {
		if k.field != nil {
			used[k.field] = true
		}
		if k.op == opHas {
			g.tags[uint32(k.num)] = true
		}
	})
	g.some(s.root, used)
	return g
}

func (g *gatherer) everything(t *rowType) {
	g.fields[t] = t.order
	for _, f := range t.order {
		if f.row != nil {
			g.everything(f.row)
		}
	}
}

// some picks the used fields, and the rows that lead to them.
func (g *gatherer) some(t *rowType, used map[*field]bool) bool {
	for _, f := range t.order {
		if f.row != nil && g.some(f.row, used) || used[f] {
			g.fields[t] = append(g.fields[t], f)
		}
	}
	return len(g.fields[t]) > 0
}

// load writes row i of a table, as of a day, into the struct at p.
func (g *gatherer) load(t *table, i int, p unsafe.Pointer, today int64) {
	for _, f := range g.fields[t.typ] {
		c, at := &t.cols[f.pos], unsafe.Add(p, f.offset)
		if c.null != nil && bitAt(c.null, i) {
			reflect.NewAt(f.typ, at).Elem().SetZero()
			continue
		}
		if f.pointer {
			v := reflect.New(f.typ.Elem())
			*(*unsafe.Pointer)(at) = v.UnsafePointer()
			at = v.UnsafePointer()
		}
		if f.valid != 0 {
			*(*bool)(unsafe.Add(at, f.valid)) = true
		}
		switch f.kind {
		case Bool:
			*(*bool)(at) = bitAt(c.bits, i)
		case Int:
			g.loadInt(f, at, g.dicts[f].days(f, c.num.get(i), today))
		case Float:
			if f.repr == reflect.Float32 {
				*(*float32)(at) = float32(c.flo[i])
			} else {
				*(*float64)(at) = c.flo[i]
			}
		case String:
			if c.coded {
				*(*string)(at) = g.dicts[f].values[c.num.get(i)]
			} else {
				*(*string)(at) = c.textAt(i)
			}
		case Time:
			*(*time.Time)(at) = time.UnixMicro(c.micro[i]).In(g.zone)
		case Tags:
			g.loadTags(f, c, i, at)
		case Rows:
			g.loadRows(f, c.rows, i, at, today)
		}
	}
}

// days undoes encoder.anchor.
func (d *dictionary) days(f *field, n, today int64) int64 {
	switch f.ages {
	case since:
		return today - n
	case until:
		return n - today
	case yearly:
		if n >= yearDays {
			return d.odd[n-yearDays]
		}
		return modYear(n - today)
	}
	return n
}

func (g *gatherer) loadInt(f *field, at unsafe.Pointer, n int64) {
	switch f.repr {
	case reflect.Int8, reflect.Uint8:
		*(*int8)(at) = int8(n)
	case reflect.Int16, reflect.Uint16:
		*(*int16)(at) = int16(n)
	case reflect.Int32, reflect.Uint32:
		*(*int32)(at) = int32(n)
	case reflect.Int:
		*(*int)(at) = int(n)
	default:
		*(*int64)(at) = n
	}
}

func (g *gatherer) loadTags(f *field, c *column, i int, at unsafe.Pointer) {
	var set TagSet
	if g.tags == nil {
		for id, t := range c.tags {
			if t.has(i) {
				set.put(id)
			}
		}
	} else {
		for id := range g.tags {
			if c.tags[id].has(i) {
				set.put(id)
			}
		}
	}
	n := int(c.num.get(i))
	if f.interned {
		for id := ^uint32(0); set.Len() < n; id-- { // for len alone: tags that nobody asks for
			set.more = append(set.more, id)
		}
		slices.Sort(set.more)
		*(*TagSet)(at) = set
		return
	}
	list := g.schema.tags.Names(set)
	for len(list) < n { // a tag that is there twice, or that nobody asks for
		if g.tags == nil && len(list) > 0 {
			list = append(list, list[0])
		} else {
			list = append(list, strings.Repeat("\x00", 1<<12+1)) // longer than a rule could ask for
		}
	}
	*(*[]string)(at) = list
}

func (g *gatherer) loadRows(f *field, t *table, i int, at unsafe.Pointer, today int64) {
	first, n := int(t.first[i]), int(t.first[i+1]-t.first[i])
	v := reflect.NewAt(f.typ, at).Elem()
	if v.Cap() < n {
		v.Set(reflect.MakeSlice(f.typ, n, n))
	}
	v.SetLen(n)
	data := (*sliceHeader)(at).data
	for k := range n {
		g.load(t, first+k, unsafe.Add(data, uintptr(k)*f.row.size), today)
	}
}

// ages reports whether a struct or any of its rows changes with the days.
func (t *rowType) ages() bool {
	for _, f := range t.order {
		if f.ages != still || f.row != nil && f.row.ages() {
			return true
		}
	}
	return false
}

// age lets days pass over the struct at p. Rows that change are copied first.
func (t *rowType) age(p unsafe.Pointer, days int64) {
	for _, f := range t.order {
		at := unsafe.Add(p, f.offset)
		switch {
		case f.row != nil && f.row.ages():
			old := reflect.NewAt(f.typ, at).Elem()
			if old.Len() == 0 {
				continue
			}
			rows := reflect.MakeSlice(f.typ, old.Len(), old.Len())
			reflect.Copy(rows, old)
			old.Set(rows)
			s := (*sliceHeader)(at)
			for i := range s.len {
				f.row.age(unsafe.Add(s.data, uintptr(i)*f.row.size), days)
			}
		case f.ages != still:
			f.age(p, days)
		}
	}
}

func (f *field) age(p unsafe.Pointer, days int64) {
	at := unsafe.Add(p, f.offset)
	if f.pointer {
		old := *(*unsafe.Pointer)(at)
		if old == nil {
			return
		}
		v := reflect.New(f.typ.Elem())
		v.Elem().Set(reflect.NewAt(f.typ.Elem(), old).Elem())
		*(*unsafe.Pointer)(at) = v.UnsafePointer()
		at = v.UnsafePointer()
	}
	if f.valid != 0 && !*(*bool)(unsafe.Add(at, f.valid)) {
		return
	}
	plain := *f
	plain.pointer, plain.valid, plain.offset = false, 0, 0
	n := intField(ofFacts, &plain)(env{facts: at})
	switch f.ages {
	case since:
		n += days
	case until:
		n -= days
	case yearly:
		if n >= 0 && n < yearDays {
			n = modYear(n - days)
		}
	}
	(*gatherer)(nil).loadInt(f, at, n)
}

// Age returns the facts as they are a number of days later if nothing happens
// until then: integers whose tag says days=since, until or yearly have changed.
// Rows that change are copied, the rest is shared with f. days may be negative.
func (s *Schema[F]) Age(f F, days int) F {
	if days != 0 {
		root := s.s.root
		if s.s.base != nil { // f has no room behind it
			root = s.s.base
		}
		root.age(unsafe.Pointer(&f), int64(days))
	}
	return f
}
