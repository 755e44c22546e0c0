package rules

import (
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// structOf makes the Go struct that the fields stand for.
func structOf(fields []Field, path string, depth int) (reflect.Type, error) {
	if depth > maxSchemaDepth {
		return nil, fmt.Errorf("field %s: rows are nested more than %d deep", path, maxSchemaDepth-1)
	}
	out := make([]reflect.StructField, len(fields))
	for i, f := range fields {
		if !isName(f.Name) {
			return nil, fmt.Errorf("field %s%q: is no name that a rule could use", path, f.Name)
		}
		tag := f.Name
		if f.Max != 0 {
			tag += ",max=" + strconv.Itoa(f.Max)
		}
		if f.Scale != 0 {
			tag += ",scale=" + strconv.Itoa(f.Scale)
		}
		sf := reflect.StructField{Name: "F" + strconv.Itoa(i), Tag: reflect.StructTag("rule:" + strconv.Quote(tag) + " doc:" + strconv.Quote(f.Doc))}
		switch f.Kind {
		case ir.Bool:
			sf.Type = reflect.TypeFor[bool]()
		case ir.Int:
			sf.Type = reflect.TypeFor[int64]()
		case ir.Float:
			sf.Type = reflect.TypeFor[float64]()
		case ir.String:
			sf.Type = reflect.TypeFor[string]()
		case ir.Time:
			sf.Type = reflect.TypeFor[time.Time]()
		case ir.Tags:
			sf.Type = reflect.TypeFor[TagSet]()
		case ir.Rows:
			row, err := structOf(f.Fields, path+f.Name+".", depth+1)
			if err != nil {
				return nil, err
			}
			sf.Type = reflect.SliceOf(row)
		default:
			return nil, fmt.Errorf("field %s%s: facts cannot hold a %s", path, f.Name, f.Kind)
		}
		if f.Nullable && f.Kind <= ir.String {
			sf.Type = reflect.PointerTo(sf.Type)
		}
		out[i] = sf
	}
	return reflect.StructOf(out), nil
}

// setField puts a value into a field of the struct at p, which structOf made.
func setField(tags *Vocabulary, t *ir.RowType, p unsafe.Pointer, name string, value any) error {
	f := t.Fields[name]
	if f == nil {
		return fmt.Errorf("rules: facts: unknown field %s%s", name, didYouMean(name, t.Names()))
	}
	goType := goTypeOf(t, f)
	dst := reflect.NewAt(goType, unsafe.Add(p, f.Offset)).Elem()
	if value == nil {
		if !f.Nullable {
			return fmt.Errorf("rules: facts: field %s cannot be null", name)
		}
		dst.SetZero()
		return nil
	}
	if n, ok := value.(int); ok {
		value = int64(n)
	}
	put := func(ok bool) error {
		if !ok {
			return fmt.Errorf("rules: facts: field %s is of kind %s, not a %T", name, f.Kind, value)
		}
		v := reflect.ValueOf(value)
		if !f.Pointer {
			dst.Set(v)
			return nil
		}
		p := reflect.New(goType.Elem())
		p.Elem().Set(v)
		dst.Set(p)
		return nil
	}
	switch v := value.(type) {
	case bool:
		return put(f.Kind == ir.Bool)
	case int64:
		if f.Kind == ir.Float {
			value = float64(v)
		}
		return put(f.Kind == ir.Int || f.Kind == ir.Float)
	case float64:
		return put(f.Kind == ir.Float)
	case string:
		return put(f.Kind == ir.String)
	case time.Time:
		return put(f.Kind == ir.Time)
	case []string:
		if f.Kind != ir.Tags {
			return put(false)
		}
		value = tags.Set(v...)
		return put(true)
	case []map[string]any:
		if f.Kind != ir.Rows {
			return put(false)
		}
		if len(v) > f.Max {
			return &BoundsError{f.Name, len(v), f.Max}
		}
		rows := reflect.MakeSlice(goType, len(v), len(v))
		for i, m := range v {
			for name, value := range m {
				if err := setField(tags, f.Row, rows.Index(i).Addr().UnsafePointer(), name, value); err != nil {
					return fmt.Errorf("%w (row %d of %s)", err, i+1, f.Name)
				}
			}
		}
		dst.Set(rows)
		return nil
	}
	return put(false)
}

// goTypeOf returns the Go type of a field.
func goTypeOf(t *ir.RowType, f *ir.Field) reflect.Type {
	for sf := range t.Typ.Fields() {
		if sf.Offset == f.Offset && sf.Type.Size() > 0 {
			return sf.Type
		}
	}
	return nil
}
