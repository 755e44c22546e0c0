package rules

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Extensible is embedded by a struct of facts that Extend may add fields to. It
// remembers which schema made room for them, so that facts which were made by
// hand are refused instead of being read beyond their end.
type Extensible struct{ owner ir.Owner }

// ErrForeign says that facts were not made by the New of the Extended that rules
// were compiled for.
var ErrForeign = errors.New("rules: these facts were not made by the schema of the rules")

// Extended is a Schema of a struct F to which fields were added when the program
// ran, of the facts themselves and of their rows.
type Extended[F any] struct {
	*Schema[F]
	layout *ir.Layout
	added  map[string]*part // by the name of the rows, "" for the facts: what was added
}

// part is the part of a struct that was added to it.
type part struct {
	typ  reflect.Type
	from uintptr
}

// Extend makes a schema of F and of more fields: Name and Kind of each, Max where it is
// not the default, Fields of Rows, Nullable where a value may be missing. A field of kind
// Rows that has the name of rows of F adds its Fields to those rows; one of another name
// is rows of its own. F must embed Extensible and may have nothing else: then all fields
// are those that became known when the program ran, the columns of a file for instance.
// A name that is taken is an error.
func Extend[F any](extra []Field, opts Options) (*Extended[F], error) {
	t := reflect.TypeFor[F]()
	x := &Extended[F]{added: map[string]*part{}}
	base, err := readStruct(t, len(extra) > 0)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	mark, ok := t.FieldByName("Extensible")
	if !ok || mark.Type != reflect.TypeFor[Extensible]() {
		return nil, fmt.Errorf("rules: %s does not embed rules.Extensible", t)
	}
	var own []Field
	var rows []Field // that F has
	for _, f := range extra {
		b := base.Fields[f.Name]
		if b != nil && b.Kind == Rows && f.Kind == Rows {
			if slices.ContainsFunc(rows, func(o Field) bool { return o.Name == f.Name }) {
				return nil, fmt.Errorf("rules: field %s: is given twice", f.Name)
			}
			rows = append(rows, f)
			continue
		}
		if b != nil {
			return nil, fmt.Errorf("rules: field %s: the facts have a field of this name already; call it otherwise", f.Name)
		}
		own = append(own, f)
	}
	for _, f := range rows {
		for _, k := range f.Fields {
			if base.Fields[f.Name].Row.Fields[k.Name] != nil {
				return nil, fmt.Errorf("rules: field %s of %s: the rows have a field of this name already; call it otherwise", k.Name, f.Name)
			}
		}
	}
	more, err := structOf(own, "", 1)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	parts := []reflect.StructField{{Name: "Facts", Type: t, Tag: `rule:"-"`}, {Name: "More", Type: more, Tag: `rule:"-"`}}
	wide := make([]reflect.Type, len(rows)) // rows with what is added
	for i, f := range rows {
		add, err := structOf(f.Fields, f.Name+".", 2)
		if err != nil {
			return nil, fmt.Errorf("rules: %w", err)
		}
		wide[i] = reflect.StructOf([]reflect.StructField{{Name: "Row", Type: base.Fields[f.Name].Row.Typ, Tag: `rule:"-"`}, {Name: "More", Type: add, Tag: `rule:"-"`}})
		parts = append(parts, reflect.StructField{Name: "Rows" + strconv.Itoa(i), Type: reflect.SliceOf(wide[i]), Tag: `rule:"-"`})
	}
	whole := reflect.StructOf(parts)
	b := schemaBuilder{}
	root := b.read(t, "", 1)
	root.Typ, root.Size = whole, whole.Size()
	b.readInto(root, more, whole.Field(1).Offset, "", 1)
	x.added[""] = &part{more, whole.Field(1).Offset}
	for i, f := range rows {
		r := b.read(wide[i].Field(0).Type, f.Name+"[].", 2)
		r.Typ, r.Size = wide[i], wide[i].Size()
		add := wide[i].Field(1)
		b.readInto(r, add.Type, add.Offset, f.Name+"[].", 2)
		x.added[f.Name] = &part{add.Type, add.Offset}
		old := root.Fields[f.Name]
		old.Offset, old.Typ, old.Row = whole.Field(2+i).Offset, whole.Field(2+i).Type, r
	}
	if len(b.faults) > 0 {
		return nil, fmt.Errorf("rules: facts: %w", errors.Join(b.faults...))
	}
	for _, f := range extra { // what structOf has no place for
		if g := root.Fields[f.Name]; f.Unit != "" && g != nil {
			g.Unit = f.Unit
		}
		for _, k := range f.Fields {
			if g := root.Fields[f.Name]; k.Unit != "" && g != nil && g.Row != nil && g.Row.Fields[k.Name] != nil {
				g.Row.Fields[k.Name].Unit = k.Unit
			}
		}
	}
	if x.Schema, err = newSchema[F](root, opts); err != nil {
		return nil, err
	}
	x.layout = &x.Schema.s.Layout
	x.layout.Base, x.layout.Mark = base, mark.Offset+unsafe.Offsetof(Extensible{}.owner)
	return x, nil
}

// New returns facts with room for the added fields, all null.
func (x *Extended[F]) New() *F { return (*F)(x.layout.New()) }

// own reports ErrForeign for facts that New did not make.
func (x *Extended[F]) own(f *F) (unsafe.Pointer, error) {
	if p := unsafe.Pointer(f); x.layout.Made(p) {
		return p, nil
	}
	return nil, ErrForeign
}

// Clear makes the added fields null and takes over the rows of F, as they are now,
// where rows have added fields. It comes after F was filled and before Set.
func (x *Extended[F]) Clear(f *F) error {
	p, err := x.own(f)
	if err != nil {
		return err
	}
	more := x.added[""]
	reflect.NewAt(more.typ, unsafe.Add(p, more.from)).Elem().SetZero()
	x.layout.Widen(p)
	return nil
}

// Set puts a value into an added field: bool; int, int64; float64; string; time.Time;
// []string for tags; []map[string]any for rows of their own; nil where the field may be
// null. Others are errors, as are rows beyond the declared maximum (*BoundsError).
func (x *Extended[F]) Set(f *F, field string, value any) error {
	p, err := x.own(f)
	if err != nil {
		return err
	}
	return x.put(x.layout.Root, x.added[""], p, field, value)
}

// SetRow is Set for an added field of one row, after Clear.
func (x *Extended[F]) SetRow(f *F, rows string, row int, field string, value any) error {
	p, err := x.own(f)
	if err != nil {
		return err
	}
	more, in := x.added[rows], x.layout.Root.Fields[rows]
	if rows == "" || more == nil {
		return fmt.Errorf("rules: facts: nothing was added to the rows %q", rows)
	}
	s := (*closure.SliceHeader)(unsafe.Add(p, in.Offset))
	if row < 0 || row >= s.Len {
		return fmt.Errorf("rules: facts: %s has no row %d", rows, row)
	}
	return x.put(in.Row, more, unsafe.Add(s.Data, uintptr(row)*in.Row.Size), field, value)
}

// put sets a field of t that lies in the part that was added.
func (x *Extended[F]) put(t *ir.RowType, more *part, p unsafe.Pointer, name string, value any) error {
	f := t.Fields[name]
	if f != nil && (f.Offset < more.from || f.Offset >= more.from+more.typ.Size()) {
		return fmt.Errorf("rules: facts: %s is no field that was added", name)
	}
	return setField(x.Tags(), t, p, name, value)
}
