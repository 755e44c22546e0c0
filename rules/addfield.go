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
			sf.Type = plainOr[bool](f.Nullable)
		case ir.Int:
			sf.Type = plainOr[int64](f.Nullable)
		case ir.Float:
			sf.Type = plainOr[float64](f.Nullable)
		case ir.String:
			sf.Type = plainOr[string](f.Nullable)
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
		out[i] = sf
	}
	return reflect.StructOf(out), nil
}

// plainOr is the type of values, or of values that may be null.
func plainOr[T bool | int64 | float64 | string](nullable bool) reflect.Type {
	if nullable {
		return reflect.TypeFor[Maybe[T]]()
	}
	return reflect.TypeFor[T]()
}

// setField puts a value into a field of the struct at p, which structOf made.
func setField(tags *Vocabulary, t *ir.RowType, p unsafe.Pointer, name string, value any) error {
	f := t.Fields[name]
	if f == nil {
		return fmt.Errorf("rules: facts: unknown field %s%s", name, didYouMean(name, t.Names()))
	}
	dst := reflect.NewAt(f.Typ, unsafe.Add(p, f.Offset)).Elem()
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
		if f.Valid != 0 {
			dst.Field(1).SetBool(true)
			dst = dst.Field(0)
		}
		dst.Set(reflect.ValueOf(value))
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
		rows := reflect.MakeSlice(f.Typ, len(v), len(v))
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
