package rules

import (
	"fmt"
	"unsafe"
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
	v, ok := valueOf(f, p)
	if !ok {
		return nil, fmt.Errorf("rules: facts: field %s is of kind %s, which is no single value", field, f.Kind)
	}
	return v, nil
}
