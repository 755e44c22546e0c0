package closure

import (
	"strings"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// picker returns the closure that finds the row of an OpPick: the environment with
// that row as its item, or false if there is none.
func picker(t *ir.Term) func(Env) (Env, bool) {
	off, b, size := t.Field.Offset, t.Base, t.Field.Row.Size
	var filter BoolFunc
	if t.Str == ir.PickLeast || t.Str == ir.PickMost {
		filter = summed(t) // without nulls
	} else if t.Kids[0] != nil {
		filter = Bool(t.Kids[0])
	}
	row := func(e Env, s *SliceHeader, i int) (Env, bool) {
		e.Item = unsafe.Add(s.Data, uintptr(i)*size)
		return e, filter == nil || filter(e)
	}
	switch t.Str {
	case ir.PickFirst:
		return func(e Env) (Env, bool) {
			s, left := (*SliceHeader)(e.At(b, off)), t.Num
			for i := range s.Len {
				if at, ok := row(e, s, i); ok {
					if left--; left == 0 {
						return at, true
					}
				}
			}
			return e, false
		}
	case ir.PickLast:
		return func(e Env) (Env, bool) {
			s, left := (*SliceHeader)(e.At(b, off)), t.Num
			for i := s.Len - 1; i >= 0; i-- {
				if at, ok := row(e, s, i); ok {
					if left--; left == 0 {
						return at, true
					}
				}
			}
			return e, false
		}
	}
	var better func(a, b Env) bool
	if v := t.Kids[1]; v.Kind == ir.Float {
		f := Float(v)
		better = func(a, b Env) bool { return f(a) < f(b) }
	} else {
		f := Int(v)
		better = func(a, b Env) bool { return f(a) < f(b) }
	}
	most := t.Str == ir.PickMost
	return func(e Env) (Env, bool) {
		s, best, found := (*SliceHeader)(e.At(b, off)), e, false
		for i := range s.Len {
			at, ok := row(e, s, i)
			if ok && (!found || most && better(best, at) || !most && better(at, best)) {
				best, found = at, true
			}
		}
		return best, found
	}
}

// picked returns the closure of the value of an OpPick.
func picked[T any](t *ir.Term, value func(Env) T) func(Env) T {
	p := picker(t)
	return func(e Env) (none T) {
		if at, ok := p(e); ok {
			return value(at)
		}
		return none
	}
}

// pickedNull tells whether an OpPick has no row, or a null in it.
func pickedNull(t *ir.Term) BoolFunc {
	p, isNull := picker(t), Null(t.Kids[1])
	return func(e Env) bool {
		at, ok := p(e)
		return !ok || isNull != nil && isNull(at)
	}
}

// hasPrefix tests whether a tag of a field begins with a text.
func hasPrefix(t *ir.Term) BoolFunc {
	f, b, prefix, names := t.Kids[0].Field, t.Kids[0].Base, t.Str, t.Names
	if !f.Interned {
		return func(e Env) bool {
			for _, tag := range *(*[]string)(e.At(b, f.Offset)) {
				if strings.HasPrefix(tag, prefix) {
					return true
				}
			}
			return false
		}
	}
	return func(e Env) (found bool) {
		(*ir.TagBits)(e.At(b, f.Offset)).Each(func(id uint32) { found = found || strings.HasPrefix(names.Name(id), prefix) })
		return found
	}
}
