package ir

import (
	"reflect"
	"unsafe"
)

// Owner says which layout made room for facts that fields were added to, and where:
// a copy of them has no room.
type Owner struct {
	of   *Layout
	self unsafe.Pointer
}

// Facts returns the facts that the owner is part of and their layout, nil if no layout made
// room for them. o must be where it lies in them.
func (o *Owner) Facts() (*Layout, unsafe.Pointer) {
	if o.of == nil || unsafe.Add(o.self, o.of.Mark) != unsafe.Pointer(o) {
		return nil, nil
	}
	return o.of, o.self
}

// New makes facts, with room for what was added to them.
func (l *Layout) New() unsafe.Pointer {
	p := reflect.New(l.Root.Typ).UnsafePointer()
	l.own(p)
	return p
}

func (l *Layout) own(p unsafe.Pointer) {
	if l.Base != nil {
		*(*Owner)(unsafe.Add(p, l.Mark)) = Owner{l, p}
	}
}

// Made reports whether the facts at p can be read by the layout: facts that fields were
// added to must come from its New.
func (l *Layout) Made(p unsafe.Pointer) bool {
	return p != nil && (l.Base == nil || *(*Owner)(unsafe.Add(p, l.Mark)) == Owner{l, p})
}

// Assign makes the facts at dst, which New made, a copy of those at src. What they
// refer to is shared.
func (l *Layout) Assign(dst, src unsafe.Pointer) {
	reflect.NewAt(l.Root.Typ, dst).Elem().Set(reflect.NewAt(l.Root.Typ, src).Elem())
	l.own(dst)
}

// Widen takes rows of the struct over to where rows with added fields are, which are
// null then.
func (l *Layout) Widen(p unsafe.Pointer) {
	l.widened(p, func(plain, wide reflect.Value) {
		n := plain.Len()
		if wide.Cap() < n {
			wide.Set(reflect.MakeSlice(wide.Type(), n, n))
		}
		wide.SetLen(n)
		for i := range n {
			row := wide.Index(i)
			row.SetZero()
			row.Field(0).Set(plain.Index(i))
		}
	})
}

// Narrow undoes Widen, for those who read the struct: rows get memory of their own.
func (l *Layout) Narrow(p unsafe.Pointer) {
	l.widened(p, func(plain, wide reflect.Value) {
		n := wide.Len()
		plain.Set(reflect.MakeSlice(plain.Type(), n, n))
		for i := range n {
			plain.Index(i).Set(wide.Index(i).Field(0))
		}
	})
}

// widened calls fn for the rows of the struct that fields were added to.
func (l *Layout) widened(p unsafe.Pointer, fn func(plain, wide reflect.Value)) {
	if l.Base == nil {
		return
	}
	for _, from := range l.Base.Order {
		if to := l.Root.Fields[from.Name]; to.Offset != from.Offset {
			fn(reflect.NewAt(from.Typ, unsafe.Add(p, from.Offset)).Elem(), reflect.NewAt(to.Typ, unsafe.Add(p, to.Offset)).Elem())
		}
	}
}

// Copier copies facts with everything that rules read of them: what the source does to
// its own later, rows that it uses again included, changes no copy. It uses the room of
// the facts that it copies into again, and is for one goroutine.
type Copier struct {
	layout *Layout
	of     *refs
}

// refs are the fields of a struct that refer to memory beside it.
type refs struct {
	typ    reflect.Type
	fields []*Field
	rows   []*refs       // of each field; nil: rows without such fields, and no rows
	room   []sliceHeader // of each field of the copy
}

type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// NewCopier returns a copier of the facts of a layout.
func NewCopier(l *Layout) *Copier { return &Copier{l, refsOf(l.Root)} }

func refsOf(t *RowType) *refs {
	out := &refs{typ: t.Typ}
	for _, f := range t.Order {
		var rows *refs
		switch {
		case f.Kind == Rows:
			if rows = refsOf(f.Row); len(rows.fields) == 0 {
				rows = nil
			}
		case f.Kind != Tags && !f.Pointer:
			continue
		}
		out.fields, out.rows = append(out.fields, f), append(out.rows, rows)
	}
	out.room = make([]sliceHeader, len(out.fields))
	return out
}

// Copy makes the facts at dst, which New made, a copy of those at src. Rows that fields
// were added to are copied once: see Narrow.
func (c *Copier) Copy(dst, src unsafe.Pointer) {
	c.of.copy(dst, src)
	c.layout.own(dst)
	c.layout.widened(dst, func(plain, _ reflect.Value) { plain.SetZero() })
}

func (r *refs) copy(dst, src unsafe.Pointer) {
	for i, f := range r.fields { // a pointer, or a slice behind the first word of a set
		switch at := unsafe.Add(dst, f.Offset); {
		case f.Pointer:
			r.room[i].data = *(*unsafe.Pointer)(at)
		case f.Interned:
			r.room[i] = *(*sliceHeader)(unsafe.Pointer(&(*TagBits)(at).More))
		default:
			r.room[i] = *(*sliceHeader)(at)
		}
	}
	reflect.NewAt(r.typ, dst).Elem().Set(reflect.NewAt(r.typ, src).Elem())
	for i, f := range r.fields {
		room, at := &r.room[i], unsafe.Add(dst, f.Offset)
		switch {
		case f.Pointer:
			from := *(*unsafe.Pointer)(at)
			if from == nil {
				break
			}
			if room.data == nil {
				room.data = reflect.New(f.Typ.Elem()).UnsafePointer()
			}
			reflect.NewAt(f.Typ.Elem(), room.data).Elem().Set(reflect.NewAt(f.Typ.Elem(), from).Elem())
			*(*unsafe.Pointer)(at) = room.data
		case f.Interned:
			s := (*TagBits)(at)
			s.More = append((*(*[]uint32)(unsafe.Pointer(room)))[:0], s.More...)
		case f.Kind == Tags:
			s := (*[]string)(at)
			*s = append((*(*[]string)(unsafe.Pointer(room)))[:0], *s...)
		default:
			r.copyRows(f, r.rows[i], room, (*sliceHeader)(at))
		}
		*room = sliceHeader{}
	}
}

// copyRows gives rows, which are the source's, memory of their own.
func (r *refs) copyRows(f *Field, inner *refs, room, at *sliceHeader) {
	from := *at
	if room.cap < from.len {
		v := reflect.MakeSlice(f.Typ, from.len, from.len)
		*room = sliceHeader{v.UnsafePointer(), from.len, from.len}
	}
	room.len = from.len
	*at = *room
	if inner == nil {
		reflect.Copy(reflect.NewAt(f.Typ, unsafe.Pointer(at)).Elem(), reflect.NewAt(f.Typ, unsafe.Pointer(&from)).Elem())
		return
	}
	for i := range from.len {
		inner.copy(unsafe.Add(at.data, uintptr(i)*f.Row.Size), unsafe.Add(from.data, uintptr(i)*f.Row.Size))
	}
}
