// Package closure turns checked terms into Go closures over the memory of the
// facts. They allocate nothing and always end.
package closure

import (
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Env is what a closure reads. It is passed by value, in registers, so that an
// evaluation allocates nothing and an inner loop cannot disturb an outer one.
type Env struct {
	Facts unsafe.Pointer // the facts struct
	Row   unsafe.Pointer // the child row that the rule fires for, or nil
	Item  unsafe.Pointer // the element of the innermost loop, or nil
	M     *ir.Clock
}

// The closures of the row-at-a-time back end, by kind. Dates are day numbers,
// times microseconds since 1970 in UTC.
type (
	BoolFunc   func(Env) bool
	IntFunc    func(Env) int64
	FloatFunc  func(Env) float64
	StringFunc func(Env) string
)

// SliceHeader is the layout of every Go slice.
type SliceHeader struct {
	Data unsafe.Pointer
	Len  int
	cap  int
}

// At returns the address off bytes into the struct that b names.
func (e Env) At(b ir.Base, off uintptr) unsafe.Pointer {
	switch b {
	case ir.OfRow:
		return unsafe.Add(e.Row, off)
	case ir.OfItem:
		return unsafe.Add(e.Item, off)
	}
	return unsafe.Add(e.Facts, off)
}

// Bool makes the closure of a term of kind bool. A nullable bool that
// is null counts as false.
func Bool(t *ir.Term) BoolFunc {
	switch t.Op {
	case ir.OpConst:
		v := t.Num != 0
		return func(Env) bool { return v }
	case ir.OpField:
		return boolField(t)
	case ir.OpAnd:
		return Conjunction(All(t.Kids))
	case ir.OpOr:
		return disjunction(All(t.Kids))
	case ir.OpNot:
		return negation(t.Kids[0])
	case ir.OpBetween:
		return guarded(t.Kids, betweenFn(t))
	case ir.OpEq, ir.OpNe, ir.OpLt, ir.OpLe, ir.OpGt, ir.OpGe:
		return guarded(t.Kids, compareFn(t))
	case ir.OpIn:
		return guarded(t.Kids, inFn(t))
	case ir.OpHas:
		return hasFn(t.Kids[0], t.Str, t.Num)
	case ir.OpHasPrefix:
		return hasPrefix(t)
	case ir.OpPick:
		return picked(t, Bool(t.Kids[1]))
	case ir.OpContains, ir.OpStarts, ir.OpEnds:
		return guarded(t.Kids, TextFunc(t))
	case ir.OpIsNull:
		if isNull := Null(t.Kids[0]); isNull != nil {
			return isNull
		}
	case ir.OpAny, ir.OpAll, ir.OpNone, ir.OpOne:
		return loopFn(t)
	case ir.OpIf:
		c, a, b := Bool(t.Kids[0]), Bool(t.Kids[1]), Bool(t.Kids[2])
		return func(e Env) bool {
			if c(e) {
				return a(e)
			}
			return b(e)
		}
	case ir.OpElse:
		a, isNull, b := Bool(t.Kids[0]), Null(t.Kids[0]), Bool(t.Kids[1])
		return func(e Env) bool {
			if isNull(e) {
				return b(e)
			}
			return a(e)
		}
	}
	return func(Env) bool { return false }
}

// All returns the closures of terms of kind bool.
func All(kids []*ir.Term) []BoolFunc {
	fns := make([]BoolFunc, len(kids))
	for i, k := range kids {
		fns[i] = Bool(k)
	}
	return fns
}

// Conjunction returns whether all of f hold, tried in their order.
func Conjunction(f []BoolFunc) BoolFunc {
	switch len(f) {
	case 1:
		return f[0]
	case 2:
		a, b := f[0], f[1]
		return func(e Env) bool { return a(e) && b(e) }
	case 3:
		a, b, c := f[0], f[1], f[2]
		return func(e Env) bool { return a(e) && b(e) && c(e) }
	case 4:
		a, b, c, d := f[0], f[1], f[2], f[3]
		return func(e Env) bool { return a(e) && b(e) && c(e) && d(e) }
	}
	a, b, c, rest := f[0], f[1], f[2], Conjunction(f[3:])
	return func(e Env) bool { return a(e) && b(e) && c(e) && rest(e) }
}

// disjunction joins tests by twos and threes: a loop over a slice would cost an
// indirection per test.
func disjunction(f []BoolFunc) BoolFunc {
	switch len(f) {
	case 1:
		return f[0]
	case 2:
		a, b := f[0], f[1]
		return func(e Env) bool { return a(e) || b(e) }
	}
	a, b, rest := f[0], f[1], disjunction(f[2:])
	return func(e Env) bool { return a(e) || b(e) || rest(e) }
}

// negation has a closure of its own for a tag that is not there, the most frequent
// negation of all.
func negation(k *ir.Term) BoolFunc {
	if k.Op == ir.OpHas && k.Kids[0].Field.Interned && k.Kids[0].Base == ir.OfFacts && k.Num < 64 {
		off, bit := k.Kids[0].Field.Offset, uint64(1)<<k.Num
		return func(e Env) bool { return (*ir.TagBits)(unsafe.Add(e.Facts, off)).Low&bit == 0 }
	}
	f := Bool(k)
	return func(e Env) bool { return !f(e) }
}

// guarded makes a leaf false when one of the values that it reads is null.
func guarded(kids []*ir.Term, f BoolFunc) BoolFunc {
	for _, k := range kids {
		if isNull := Null(k); isNull != nil {
			inner := f
			f = func(e Env) bool { return !isNull(e) && inner(e) }
		}
	}
	return f
}

// Null returns the closure that tells whether a term is null, or nil if it
// never is.
func Null(t *ir.Term) BoolFunc {
	if !t.Nullable {
		return nil
	}
	switch t.Op {
	case ir.OpField:
		return nullField(t.Base, t.Field)
	case ir.OpConst:
		return func(Env) bool { return true }
	case ir.OpPick:
		return pickedNull(t)
	case ir.OpElse:
		a, b := Null(t.Kids[0]), Null(t.Kids[1])
		return func(e Env) bool { return a(e) && b(e) }
	case ir.OpIf:
		c, a, b := Bool(t.Kids[0]), Null(t.Kids[1]), Null(t.Kids[2])
		return func(e Env) bool {
			if c(e) {
				return a != nil && a(e)
			}
			return b != nil && b(e)
		}
	}
	var fns []BoolFunc
	for _, k := range t.Kids {
		if f := Null(k); f != nil {
			fns = append(fns, f)
		}
	}
	if t.Op == ir.OpDiv || t.Op == ir.OpMod {
		fns = append(fns, zeroFn(t.Kids[1]))
	}
	return disjunction(fns)
}

// zeroFn tests a divisor: division by zero is null.
func zeroFn(t *ir.Term) BoolFunc {
	if t.Kind == ir.Float {
		f := Float(t)
		return func(e Env) bool { return f(e) == 0 }
	}
	f := Int(t)
	return func(e Env) bool { return f(e) == 0 }
}

// nullField tests whether a field is null, by how its Go type says so.
func nullField(b ir.Base, f *ir.Field) BoolFunc {
	off := f.Offset
	switch {
	case f.Pointer && f.Kind == ir.Time:
		return func(e Env) bool {
			p := *(**time.Time)(e.At(b, off))
			return p == nil || p.IsZero()
		}
	case f.Pointer:
		return func(e Env) bool { return *(*unsafe.Pointer)(e.At(b, off)) == nil }
	case f.Valid != 0:
		off += f.Valid
		switch b {
		case ir.OfFacts:
			return func(e Env) bool { return !*(*bool)(unsafe.Add(e.Facts, off)) }
		case ir.OfItem:
			return func(e Env) bool { return !*(*bool)(unsafe.Add(e.Item, off)) }
		}
		return func(e Env) bool { return !*(*bool)(e.At(b, off)) }
	}
	return func(e Env) bool { return (*time.Time)(e.At(b, off)).IsZero() }
}

// boolField reads a bool; null counts as false.
func boolField(t *ir.Term) BoolFunc {
	off, b := t.Field.Offset, t.Base
	switch {
	case t.Field.Pointer:
		return func(e Env) bool { p := *(**bool)(e.At(b, off)); return p != nil && *p }
	case t.Field.Valid != 0:
		ok := off + t.Field.Valid
		return func(e Env) bool { return *(*bool)(e.At(b, off)) && *(*bool)(e.At(b, ok)) }
	case b == ir.OfRow:
		return func(e Env) bool { return *(*bool)(unsafe.Add(e.Row, off)) }
	case b == ir.OfItem:
		return func(e Env) bool { return *(*bool)(unsafe.Add(e.Item, off)) }
	}
	return func(e Env) bool { return *(*bool)(unsafe.Add(e.Facts, off)) }
}

// hasFn tests for one tag; id is its number in the vocabulary.
func hasFn(t *ir.Term, tag string, num int64) BoolFunc {
	off, b := t.Field.Offset, t.Base
	if t.Field.Interned {
		id := uint32(num)
		switch {
		case id >= 64:
			return func(e Env) bool { return (*ir.TagBits)(e.At(b, off)).HasMore(id) }
		case b == ir.OfFacts:
			bit := uint64(1) << id
			return func(e Env) bool { return (*ir.TagBits)(unsafe.Add(e.Facts, off)).Low&bit != 0 }
		}
		bit := uint64(1) << id
		return func(e Env) bool { return (*ir.TagBits)(e.At(b, off)).Low&bit != 0 }
	}
	return func(e Env) bool {
		for _, x := range *(*[]string)(e.At(b, off)) {
			if x == tag {
				return true
			}
		}
		return false
	}
}

// String returns the closure of a term of kind string.
func String(t *ir.Term) StringFunc {
	switch t.Op {
	case ir.OpConst:
		s := t.Str
		return func(Env) string { return s }
	case ir.OpPick:
		return picked(t, String(t.Kids[1]))
	case ir.OpField:
		off, b := t.Field.Offset, t.Base
		switch {
		case t.Field.Pointer:
			return func(e Env) string {
				if p := *(**string)(e.At(b, off)); p != nil {
					return *p
				}
				return ""
			}
		case t.Field.Valid != 0:
			ok := off + t.Field.Valid
			return func(e Env) string {
				if *(*bool)(e.At(b, ok)) {
					return *(*string)(e.At(b, off))
				}
				return ""
			}
		case b == ir.OfFacts:
			return func(e Env) string { return *(*string)(unsafe.Add(e.Facts, off)) }
		}
		return func(e Env) string { return *(*string)(e.At(b, off)) }
	case ir.OpIf:
		c, a, b := Bool(t.Kids[0]), String(t.Kids[1]), String(t.Kids[2])
		return func(e Env) string {
			if c(e) {
				return a(e)
			}
			return b(e)
		}
	case ir.OpElse:
		a, isNull, b := String(t.Kids[0]), Null(t.Kids[0]), String(t.Kids[1])
		return func(e Env) string {
			if isNull(e) {
				return b(e)
			}
			return a(e)
		}
	}
	return func(Env) string { return "" }
}

// foldBuffer is how long a text can be folded without allocating.
const foldBuffer = 256

// TextFunc makes contains, startsWith, endsWith, and == over a folded text.
func TextFunc(t *ir.Term) BoolFunc {
	a, b := t.Kids[0], t.Kids[1]
	if a.Op == ir.OpFold {
		return foldedFn(t.Op, String(a.Kids[0]), b.Str)
	}
	x, y := String(a), String(b)
	switch t.Op {
	case ir.OpContains:
		return func(e Env) bool { return strings.Contains(x(e), y(e)) }
	case ir.OpStarts:
		return func(e Env) bool { return strings.HasPrefix(x(e), y(e)) }
	}
	return func(e Env) bool { return strings.HasSuffix(x(e), y(e)) }
}

// foldedFn compares the folded value of x with an already folded constant.
func foldedFn(o ir.Op, x StringFunc, c string) BoolFunc {
	return func(e Env) bool {
		var buf [foldBuffer]byte
		key := fold.AppendKey(buf[:0], x(e))
		s := unsafe.String(unsafe.SliceData(key), len(key)) // key is not changed below
		switch o {
		case ir.OpContains:
			return strings.Contains(s, c)
		case ir.OpStarts:
			return strings.HasPrefix(s, c)
		case ir.OpEnds:
			return strings.HasSuffix(s, c)
		case ir.OpNe:
			return s != c
		}
		return s == c
	}
}

func lengthFn(t *ir.Term) IntFunc {
	switch t.Kind {
	case ir.String:
		s := String(t)
		return func(e Env) int64 { return int64(utf8.RuneCountInString(s(e))) }
	case ir.Tags:
		if off, b := t.Field.Offset, t.Base; t.Field.Interned {
			return func(e Env) int64 { return int64((*ir.TagBits)(e.At(b, off)).Size()) }
		}
	}
	off, b := t.Field.Offset, t.Base
	return func(e Env) int64 { return int64((*SliceHeader)(e.At(b, off)).Len) }
}

// loopFn makes any, all, none and one.
func loopFn(t *ir.Term) BoolFunc {
	off, b, size := t.Field.Offset, t.Base, t.Field.Row.Size
	pred := Bool(t.Kids[0])
	switch t.Op {
	case ir.OpOne:
		count := Count(t)
		return func(e Env) bool { return count(e) == 1 }
	case ir.OpAll:
		return func(e Env) bool {
			s := (*SliceHeader)(e.At(b, off))
			for i := range s.Len {
				e.Item = unsafe.Add(s.Data, uintptr(i)*size)
				if !pred(e) {
					return false
				}
			}
			return true
		}
	}
	found := t.Op == ir.OpAny
	return func(e Env) bool {
		s := (*SliceHeader)(e.At(b, off))
		for i := range s.Len {
			e.Item = unsafe.Add(s.Data, uintptr(i)*size)
			if pred(e) {
				return found
			}
		}
		return !found
	}
}

// Count returns the closure of a count or sum of rows.
func Count(t *ir.Term) IntFunc {
	off, b, size := t.Field.Offset, t.Base, t.Field.Row.Size
	pred := Bool(t.Kids[0])
	return func(e Env) int64 {
		s, n := (*SliceHeader)(e.At(b, off)), int64(0)
		for i := range s.Len {
			e.Item = unsafe.Add(s.Data, uintptr(i)*size)
			if pred(e) {
				n++
			}
		}
		return n
	}
}

// TimeField returns a time field; null is the zero time.
func TimeField(t *ir.Term) func(Env) time.Time {
	off, b := t.Field.Offset, t.Base
	if t.Field.Pointer {
		return func(e Env) time.Time {
			if p := *(**time.Time)(e.At(b, off)); p != nil {
				return *p
			}
			return time.Time{}
		}
	}
	return func(e Env) time.Time { return *(*time.Time)(e.At(b, off)) }
}

// IsWide reports whether an integer field is a plain 64-bit word.
func IsWide(f *ir.Field) bool {
	return !f.Pointer && f.Valid == 0 && (f.Repr == reflect.Int64 || f.Repr == reflect.Int && unsafe.Sizeof(int(0)) == 8)
}
