package rules

import (
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/vefacrm/vefa/internal/fold"
)

// env is what a closure reads. It is passed by value, in registers, so that an
// evaluation allocates nothing and an inner loop cannot disturb an outer one.
type env struct {
	facts unsafe.Pointer // the facts struct
	row   unsafe.Pointer // the child row that the rule fires for, or nil
	item  unsafe.Pointer // the element of the innermost loop, or nil
	m     *Moment
}

// The closures of the row-at-a-time back end, by kind. Dates are day numbers,
// times microseconds since 1970 in UTC.
type (
	boolFn   func(env) bool
	intFn    func(env) int64
	floatFn  func(env) float64
	stringFn func(env) string
)

// sliceHeader is the layout of every Go slice.
type sliceHeader struct {
	data unsafe.Pointer
	len  int
	cap  int
}

func (e env) at(b base, off uintptr) unsafe.Pointer {
	switch b {
	case ofRow:
		return unsafe.Add(e.row, off)
	case ofItem:
		return unsafe.Add(e.item, off)
	}
	return unsafe.Add(e.facts, off)
}

// compileBool makes the closure of a term of kind bool. A nullable bool that
// is null counts as false.
func compileBool(t *term) boolFn {
	switch t.op {
	case opConst:
		v := t.num != 0
		return func(env) bool { return v }
	case opField:
		return boolField(t)
	case opAnd:
		return conjunction(compileAll(t.kids))
	case opOr:
		return disjunction(compileAll(t.kids))
	case opNot:
		return negation(t.kids[0])
	case opBetween:
		return guarded(t.kids, betweenFn(t))
	case opEq, opNe, opLt, opLe, opGt, opGe:
		return guarded(t.kids, compareFn(t))
	case opIn:
		return guarded(t.kids, inFn(t))
	case opHas:
		return hasFn(t.kids[0], t.str, t.num)
	case opContains, opStarts, opEnds:
		return guarded(t.kids, textFn(t))
	case opIsNull:
		if isNull := nullFn(t.kids[0]); isNull != nil {
			return isNull
		}
	case opAny, opAll, opNone, opOne:
		return loopFn(t)
	case opIf:
		c, a, b := compileBool(t.kids[0]), compileBool(t.kids[1]), compileBool(t.kids[2])
		return func(e env) bool {
			if c(e) {
				return a(e)
			}
			return b(e)
		}
	case opElse:
		a, isNull, b := compileBool(t.kids[0]), nullFn(t.kids[0]), compileBool(t.kids[1])
		return func(e env) bool {
			if isNull(e) {
				return b(e)
			}
			return a(e)
		}
	}
	return func(env) bool { return false }
}

func compileAll(kids []*term) []boolFn {
	fns := make([]boolFn, len(kids))
	for i, k := range kids {
		fns[i] = compileBool(k)
	}
	return fns
}

func conjunction(f []boolFn) boolFn {
	switch len(f) {
	case 1:
		return f[0]
	case 2:
		a, b := f[0], f[1]
		return func(e env) bool { return a(e) && b(e) }
	case 3:
		a, b, c := f[0], f[1], f[2]
		return func(e env) bool { return a(e) && b(e) && c(e) }
	case 4:
		a, b, c, d := f[0], f[1], f[2], f[3]
		return func(e env) bool { return a(e) && b(e) && c(e) && d(e) }
	}
	a, b, c, rest := f[0], f[1], f[2], conjunction(f[3:])
	return func(e env) bool { return a(e) && b(e) && c(e) && rest(e) }
}

func disjunction(f []boolFn) boolFn {
	switch len(f) {
	case 1:
		return f[0]
	case 2:
		a, b := f[0], f[1]
		return func(e env) bool { return a(e) || b(e) }
	}
	a, b, rest := f[0], f[1], disjunction(f[2:])
	return func(e env) bool { return a(e) || b(e) || rest(e) }
}

func negation(k *term) boolFn {
	if k.op == opHas && k.kids[0].field.interned && k.kids[0].base == ofFacts && k.num < 64 {
		off, bit := k.kids[0].field.offset, uint64(1)<<k.num
		return func(e env) bool { return (*TagSet)(unsafe.Add(e.facts, off)).low&bit == 0 }
	}
	f := compileBool(k)
	return func(e env) bool { return !f(e) }
}

// guarded makes a leaf false when one of the values that it reads is null.
func guarded(kids []*term, f boolFn) boolFn {
	for _, k := range kids {
		if isNull := nullFn(k); isNull != nil {
			inner := f
			f = func(e env) bool { return !isNull(e) && inner(e) }
		}
	}
	return f
}

// nullFn returns the closure that tells whether a term is null, or nil if it
// never is.
func nullFn(t *term) boolFn {
	if !t.nullable {
		return nil
	}
	switch t.op {
	case opField:
		return nullField(t.base, t.field)
	case opConst:
		return func(env) bool { return true }
	case opElse:
		a, b := nullFn(t.kids[0]), nullFn(t.kids[1])
		return func(e env) bool { return a(e) && b(e) }
	case opIf:
		c, a, b := compileBool(t.kids[0]), nullFn(t.kids[1]), nullFn(t.kids[2])
		return func(e env) bool {
			if c(e) {
				return a != nil && a(e)
			}
			return b != nil && b(e)
		}
	}
	var fns []boolFn
	for _, k := range t.kids {
		if f := nullFn(k); f != nil {
			fns = append(fns, f)
		}
	}
	if t.op == opDiv || t.op == opMod {
		fns = append(fns, zeroFn(t.kids[1]))
	}
	return disjunction(fns)
}

func zeroFn(t *term) boolFn {
	if t.kind == Float {
		f := compileFloat(t)
		return func(e env) bool { return f(e) == 0 }
	}
	f := compileInt(t)
	return func(e env) bool { return f(e) == 0 }
}

func nullField(b base, f *field) boolFn {
	off := f.offset
	switch {
	case f.pointer && f.kind == Time:
		return func(e env) bool {
			p := *(**time.Time)(e.at(b, off))
			return p == nil || p.IsZero()
		}
	case f.pointer:
		return func(e env) bool { return *(*unsafe.Pointer)(e.at(b, off)) == nil }
	case f.valid != 0:
		off += f.valid
		switch b {
		case ofFacts:
			return func(e env) bool { return !*(*bool)(unsafe.Add(e.facts, off)) }
		case ofItem:
			return func(e env) bool { return !*(*bool)(unsafe.Add(e.item, off)) }
		}
		return func(e env) bool { return !*(*bool)(e.at(b, off)) }
	}
	return func(e env) bool { return (*time.Time)(e.at(b, off)).IsZero() }
}

func boolField(t *term) boolFn {
	off, b := t.field.offset, t.base
	switch {
	case t.field.pointer:
		return func(e env) bool { p := *(**bool)(e.at(b, off)); return p != nil && *p }
	case t.field.valid != 0:
		ok := off + t.field.valid
		return func(e env) bool { return *(*bool)(e.at(b, off)) && *(*bool)(e.at(b, ok)) }
	case b == ofRow:
		return func(e env) bool { return *(*bool)(unsafe.Add(e.row, off)) }
	case b == ofItem:
		return func(e env) bool { return *(*bool)(unsafe.Add(e.item, off)) }
	}
	return func(e env) bool { return *(*bool)(unsafe.Add(e.facts, off)) }
}

// hasFn tests for one tag; id is its number in the vocabulary.
func hasFn(t *term, tag string, num int64) boolFn {
	off, b := t.field.offset, t.base
	if t.field.interned {
		id := uint32(num)
		switch {
		case id >= 64:
			return func(e env) bool { return (*TagSet)(e.at(b, off)).hasMore(id) }
		case b == ofFacts:
			bit := uint64(1) << id
			return func(e env) bool { return (*TagSet)(unsafe.Add(e.facts, off)).low&bit != 0 }
		}
		bit := uint64(1) << id
		return func(e env) bool { return (*TagSet)(e.at(b, off)).low&bit != 0 }
	}
	return func(e env) bool {
		for _, x := range *(*[]string)(e.at(b, off)) {
			if x == tag {
				return true
			}
		}
		return false
	}
}

func compileString(t *term) stringFn {
	switch t.op {
	case opConst:
		s := t.str
		return func(env) string { return s }
	case opField:
		off, b := t.field.offset, t.base
		switch {
		case t.field.pointer:
			return func(e env) string {
				if p := *(**string)(e.at(b, off)); p != nil {
					return *p
				}
				return ""
			}
		case t.field.valid != 0:
			ok := off + t.field.valid
			return func(e env) string {
				if *(*bool)(e.at(b, ok)) {
					return *(*string)(e.at(b, off))
				}
				return ""
			}
		case b == ofFacts:
			return func(e env) string { return *(*string)(unsafe.Add(e.facts, off)) }
		}
		return func(e env) string { return *(*string)(e.at(b, off)) }
	case opIf:
		c, a, b := compileBool(t.kids[0]), compileString(t.kids[1]), compileString(t.kids[2])
		return func(e env) string {
			if c(e) {
				return a(e)
			}
			return b(e)
		}
	case opElse:
		a, isNull, b := compileString(t.kids[0]), nullFn(t.kids[0]), compileString(t.kids[1])
		return func(e env) string {
			if isNull(e) {
				return b(e)
			}
			return a(e)
		}
	}
	return func(env) string { return "" }
}

// foldBuffer is how long a text can be folded without allocating.
const foldBuffer = 256

// textFn makes contains, startsWith, endsWith, and == over a folded text.
func textFn(t *term) boolFn {
	a, b := t.kids[0], t.kids[1]
	if a.op == opFold {
		return foldedFn(t.op, compileString(a.kids[0]), b.str)
	}
	x, y := compileString(a), compileString(b)
	switch t.op {
	case opContains:
		return func(e env) bool { return strings.Contains(x(e), y(e)) }
	case opStarts:
		return func(e env) bool { return strings.HasPrefix(x(e), y(e)) }
	}
	return func(e env) bool { return strings.HasSuffix(x(e), y(e)) }
}

// foldedFn compares the folded value of x with an already folded constant.
func foldedFn(o op, x stringFn, c string) boolFn {
	return func(e env) bool {
		var buf [foldBuffer]byte
		key := fold.AppendKey(buf[:0], x(e))
		s := unsafe.String(unsafe.SliceData(key), len(key)) // key is not changed below
		switch o {
		case opContains:
			return strings.Contains(s, c)
		case opStarts:
			return strings.HasPrefix(s, c)
		case opEnds:
			return strings.HasSuffix(s, c)
		case opNe:
			return s != c
		}
		return s == c
	}
}

func lengthFn(t *term) intFn {
	switch t.kind {
	case String:
		s := compileString(t)
		return func(e env) int64 { return int64(utf8.RuneCountInString(s(e))) }
	case Tags:
		if off, b := t.field.offset, t.base; t.field.interned {
			return func(e env) int64 { return int64((*TagSet)(e.at(b, off)).Len()) }
		}
	}
	off, b := t.field.offset, t.base
	return func(e env) int64 { return int64((*sliceHeader)(e.at(b, off)).len) }
}

// loopFn makes any, all, none and one.
func loopFn(t *term) boolFn {
	off, b, size := t.field.offset, t.base, t.field.row.size
	pred := compileBool(t.kids[0])
	switch t.op {
	case opOne:
		count := countFn(t)
		return func(e env) bool { return count(e) == 1 }
	case opAll:
		return func(e env) bool {
			s := (*sliceHeader)(e.at(b, off))
			for i := range s.len {
				e.item = unsafe.Add(s.data, uintptr(i)*size)
				if !pred(e) {
					return false
				}
			}
			return true
		}
	}
	found := t.op == opAny
	return func(e env) bool {
		s := (*sliceHeader)(e.at(b, off))
		for i := range s.len {
			e.item = unsafe.Add(s.data, uintptr(i)*size)
			if pred(e) {
				return found
			}
		}
		return !found
	}
}

func countFn(t *term) intFn {
	off, b, size := t.field.offset, t.base, t.field.row.size
	pred := compileBool(t.kids[0])
	return func(e env) int64 {
		s, n := (*sliceHeader)(e.at(b, off)), int64(0)
		for i := range s.len {
			e.item = unsafe.Add(s.data, uintptr(i)*size)
			if pred(e) {
				n++
			}
		}
		return n
	}
}

// timeField returns a time field; null is the zero time.
func timeField(t *term) func(env) time.Time {
	off, b := t.field.offset, t.base
	if t.field.pointer {
		return func(e env) time.Time {
			if p := *(**time.Time)(e.at(b, off)); p != nil {
				return *p
			}
			return time.Time{}
		}
	}
	return func(e env) time.Time { return *(*time.Time)(e.at(b, off)) }
}

// isWide reports whether an integer field is a plain 64-bit word.
func isWide(f *field) bool {
	return !f.pointer && f.valid == 0 && (f.repr == reflect.Int64 || f.repr == reflect.Int && unsafe.Sizeof(int(0)) == 8)
}
