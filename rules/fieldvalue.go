package rules

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Value returns what facts hold in a field: bool, int64, float64, string, time.Time, or
// nil for null. An Int with a scale is its unscaled integer. It is an error for a name
// that is no field, for tags and rows, and ErrForeign for facts of another schema.
func (s *Schema[F]) Value(facts *F, field string) (any, error) {
	f := s.s.Root.Fields[field]
	if f == nil {
		return nil, fmt.Errorf("rules: facts: unknown field %s%s", field, didYouMean(field, s.s.Root.Names()))
	}
	p := unsafe.Pointer(facts)
	if !s.s.Made(p) {
		return nil, ErrForeign
	}
	v := reflect.NewAt(f.Typ, unsafe.Add(p, f.Offset)).Elem()
	switch {
	case f.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		v = v.Elem()
	case f.Valid != 0:
		if !v.Field(1).Bool() {
			return nil, nil
		}
		v = v.Field(0)
	}
	switch f.Kind {
	case ir.Bool:
		return v.Bool(), nil
	case ir.Int:
		if v.CanUint() {
			return int64(v.Uint()), nil
		}
		return v.Int(), nil
	case ir.Float:
		return v.Float(), nil
	case ir.String:
		return v.String(), nil
	case ir.Time:
		if t, ok := v.Interface().(time.Time); ok && !t.IsZero() {
			return t, nil
		}
		return nil, nil
	}
	return nil, fmt.Errorf("rules: facts: field %s is of kind %s, which is no single value", field, f.Kind)
}
