package closure

import (
	"math"
	"math/bits"
	"reflect"
	"slices"
	"unsafe"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// integer is the kinds of Go integers that facts may have; uint64 is not, as its upper
// half has no int64.
type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32
}

// Int makes the closure of a term of kind int, date or time.
func Int(t *ir.Term) IntFunc {
	switch t.Op {
	case ir.OpConst:
		n := t.Num
		return func(Env) int64 { return n }
	case ir.OpField:
		if t.Kind == ir.Time {
			f := TimeField(t)
			return func(e Env) int64 { return f(e).UnixMicro() }
		}
		return intField(t.Base, t.Field)
	case ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpDiv, ir.OpMod:
		return intArithmetic(t.Op, Int(t.Kids[0]), Int(t.Kids[1]))
	case ir.OpNeg:
		f := Int(t.Kids[0])
		return func(e Env) int64 { return Subtract(0, f(e)) }
	case ir.OpAbs:
		f := Int(t.Kids[0])
		return func(e Env) int64 {
			n := f(e)
			if n < 0 {
				return Subtract(0, n)
			}
			return n
		}
	case ir.OpMin, ir.OpMax:
		return intExtreme(t)
	case ir.OpLen:
		return lengthFn(t.Kids[0])
	case ir.OpToday:
		return func(e Env) int64 { return e.M.Today }
	case ir.OpDay:
		f := TimeField(t.Kids[0])
		return func(e Env) int64 { return e.M.DayOf(f(e)) }
	case ir.OpAnniversary, ir.OpYear, ir.OpMonth, ir.OpMonthDay, ir.OpWeekday:
		return calendarFn(t.Op, Int(t.Kids[0]))
	case ir.OpCount:
		return Count(t)
	case ir.OpSum:
		return intSum(t)
	case ir.OpPick:
		return picked(t, Int(t.Kids[1]))
	case ir.OpIf:
		c, a, b := Bool(t.Kids[0]), Int(t.Kids[1]), Int(t.Kids[2])
		return func(e Env) int64 {
			if c(e) {
				return a(e)
			}
			return b(e)
		}
	case ir.OpElse:
		a, isNull, b := Int(t.Kids[0]), Null(t.Kids[0]), Int(t.Kids[1])
		return func(e Env) int64 {
			if isNull(e) {
				return b(e)
			}
			return a(e)
		}
	}
	return func(Env) int64 { return 0 }
}

func intField(b ir.Base, f *ir.Field) IntFunc {
	switch f.Repr {
	case reflect.Int8:
		return loadInt[int8](b, f)
	case reflect.Int16:
		return loadInt[int16](b, f)
	case reflect.Int32:
		return loadInt[int32](b, f)
	case reflect.Uint8:
		return loadInt[uint8](b, f)
	case reflect.Uint16:
		return loadInt[uint16](b, f)
	case reflect.Uint32:
		return loadInt[uint32](b, f)
	case reflect.Int:
		return loadInt[int](b, f)
	}
	return loadInt[int64](b, f)
}

// loadInt reads an integer of a width, with a closure of its own for each way in which a
// field is reached: a test of the way in every evaluation would take as long as the
// comparison.
func loadInt[T integer](b ir.Base, f *ir.Field) IntFunc {
	off := f.Offset
	switch {
	case f.Pointer:
		return func(e Env) int64 {
			if p := *(**T)(e.At(b, off)); p != nil {
				return int64(*p)
			}
			return 0
		}
	case f.Valid != 0:
		ok := off + f.Valid
		return func(e Env) int64 {
			if *(*bool)(e.At(b, ok)) {
				return int64(*(*T)(e.At(b, off)))
			}
			return 0
		}
	case b == ir.OfFacts:
		return func(e Env) int64 { return int64(*(*T)(unsafe.Add(e.Facts, off))) }
	case b == ir.OfItem:
		return func(e Env) int64 { return int64(*(*T)(unsafe.Add(e.Item, off))) }
	}
	return func(e Env) int64 { return int64(*(*T)(e.At(b, off))) }
}

// betweenFn tests a range by one subtraction and one unsigned comparison.
func betweenFn(t *ir.Term) BoolFunc {
	k, lo := t.Kids[0], t.Num
	span := uint64(t.High()) - uint64(lo)
	if k.Op == ir.OpField && k.Kind == ir.Int && IsWide(k.Field) {
		switch off := k.Field.Offset; k.Base {
		case ir.OfFacts:
			return func(e Env) bool { return uint64(*(*int64)(unsafe.Add(e.Facts, off)))-uint64(lo) <= span }
		case ir.OfItem:
			return func(e Env) bool { return uint64(*(*int64)(unsafe.Add(e.Item, off)))-uint64(lo) <= span }
		case ir.OfRow:
			return func(e Env) bool { return uint64(*(*int64)(unsafe.Add(e.Row, off)))-uint64(lo) <= span }
		}
	}
	f := Int(k)
	return func(e Env) bool { return uint64(f(e))-uint64(lo) <= span }
}

// compareFn makes == and the like for two values of one kind.
func compareFn(t *ir.Term) BoolFunc {
	a, b := t.Kids[0], t.Kids[1]
	if a.Op == ir.OpFold {
		return TextFunc(t)
	}
	switch a.Kind {
	case ir.Bool:
		x, y, same := Bool(a), Bool(b), t.Op == ir.OpEq
		return func(e Env) bool { return (x(e) == y(e)) == same }
	case ir.String:
		return compareString(t.Op, a, b)
	case ir.Float:
		if b.IsConst() {
			return compareFloatConst(t.Op, a, b.Flo)
		}
		return ordered(t.Op, Float(a), Float(b))
	}
	return ordered(t.Op, Int(a), Int(b))
}

func ordered[T int64 | float64 | string](o ir.Op, a, b func(Env) T) BoolFunc {
	switch o {
	case ir.OpEq:
		return func(e Env) bool { return a(e) == b(e) }
	case ir.OpNe:
		return func(e Env) bool { return a(e) != b(e) }
	case ir.OpLt:
		return func(e Env) bool { return a(e) < b(e) }
	case ir.OpLe:
		return func(e Env) bool { return a(e) <= b(e) }
	case ir.OpGt:
		return func(e Env) bool { return a(e) > b(e) }
	}
	return func(e Env) bool { return a(e) >= b(e) }
}

func compareString(o ir.Op, a, b *ir.Term) BoolFunc {
	if b.IsConst() && a.Op == ir.OpField && !a.Field.Pointer && (o == ir.OpEq || o == ir.OpNe) {
		off, c, same := a.Field.Offset, b.Str, o == ir.OpEq
		switch {
		case a.Base == ir.OfFacts && same:
			return func(e Env) bool { return *(*string)(unsafe.Add(e.Facts, off)) == c }
		case a.Base == ir.OfItem && same:
			return func(e Env) bool { return *(*string)(unsafe.Add(e.Item, off)) == c }
		case a.Base == ir.OfRow && same:
			return func(e Env) bool { return *(*string)(unsafe.Add(e.Row, off)) == c }
		}
	}
	return ordered(o, String(a), String(b))
}

func compareFloatConst(o ir.Op, a *ir.Term, c float64) BoolFunc {
	if a.Op == ir.OpField && !a.Field.Pointer && a.Field.Repr == reflect.Float64 && a.Base != ir.OfRow {
		off := a.Field.Offset
		if a.Base == ir.OfFacts {
			switch o {
			case ir.OpGt:
				return func(e Env) bool { return *(*float64)(unsafe.Add(e.Facts, off)) > c }
			case ir.OpGe:
				return func(e Env) bool { return *(*float64)(unsafe.Add(e.Facts, off)) >= c }
			}
		} else {
			switch o {
			case ir.OpGt:
				return func(e Env) bool { return *(*float64)(unsafe.Add(e.Item, off)) > c }
			case ir.OpGe:
				return func(e Env) bool { return *(*float64)(unsafe.Add(e.Item, off)) >= c }
			}
		}
	}
	return ordered(o, Float(a), func(Env) float64 { return c })
}

// inFn tests for membership in a constant list: by a scan if it is short.
func inFn(t *ir.Term) BoolFunc {
	k := t.Kids[0]
	switch k.Kind {
	case ir.Int:
		list := make([]int64, len(t.List))
		for i, c := range t.List {
			list[i] = c.Num
		}
		slices.Sort(list)
		return member(Int(k), list)
	case ir.Float:
		list := make([]float64, len(t.List))
		for i, c := range t.List {
			list[i] = c.Flo
		}
		return member(Float(k), list)
	}
	list := make([]string, len(t.List))
	for i, c := range t.List {
		list[i] = c.Str
	}
	if k.Op == ir.OpFold {
		f := String(k.Kids[0])
		return func(e Env) bool {
			var buf [foldBuffer]byte
			key := fold.AppendKey(buf[:0], f(e))
			s := unsafe.String(unsafe.SliceData(key), len(key)) // key is not changed below
			for _, x := range list {
				if x == s {
					return true
				}
			}
			return false
		}
	}
	return member(String(k), list)
}

// member looks a value up: up to twelve by comparing, more in a map.
func member[T int64 | float64 | string](f func(Env) T, list []T) BoolFunc {
	if len(list) <= 12 {
		return func(e Env) bool {
			v := f(e)
			for _, x := range list {
				if x == v {
					return true
				}
			}
			return false
		}
	}
	set := make(map[T]struct{}, len(list))
	for _, x := range list {
		set[x] = struct{}{}
	}
	return func(e Env) bool {
		_, ok := set[f(e)]
		return ok
	}
}

// add, subtract and multiply stop at the ends of int64 instead of wrapping.
func Add(a, b int64) int64 {
	c := a + b
	if (c > a) == (b > 0) {
		return c
	}
	if b > 0 {
		return math.MaxInt64
	}
	if b < 0 {
		return math.MinInt64
	}
	return c
}

// Subtract returns a-b, stopped at the ends of int64.
func Subtract(a, b int64) int64 {
	c := a - b
	if (c < a) == (b > 0) {
		return c
	}
	if b > 0 {
		return math.MinInt64
	}
	if b < 0 {
		return math.MaxInt64
	}
	return c
}

// multiply stops at the ends of int64, as the language promises, instead of wrapping.
func multiply(a, b int64) int64 {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	negative := (a < 0) != (b < 0)
	switch {
	case hi != 0 || lo > math.MaxInt64:
		if negative {
			return math.MinInt64
		}
		return math.MaxInt64
	case negative:
		return -int64(lo)
	}
	return int64(lo)
}

// magnitude is the absolute value, which of the least int64 only a uint64 holds.
func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

func intArithmetic(o ir.Op, a, b IntFunc) IntFunc {
	switch o {
	case ir.OpAdd:
		return func(e Env) int64 { return Add(a(e), b(e)) }
	case ir.OpSub:
		return func(e Env) int64 { return Subtract(a(e), b(e)) }
	case ir.OpMul:
		return func(e Env) int64 { return multiply(a(e), b(e)) }
	}
	return func(e Env) int64 { // only % is left: / gives floats
		if d := b(e); d != 0 && d != -1 {
			return a(e) % d
		}
		return 0
	}
}

func intExtreme(t *ir.Term) IntFunc {
	f := Int(t.Kids[0])
	for _, k := range t.Kids[1:] {
		a, b := f, Int(k)
		if t.Op == ir.OpMin {
			f = func(e Env) int64 { return min(a(e), b(e)) }
		} else {
			f = func(e Env) int64 { return max(a(e), b(e)) }
		}
	}
	return f
}

func calendarFn(o ir.Op, d IntFunc) IntFunc {
	switch o {
	case ir.OpAnniversary:
		return func(e Env) int64 { return ir.Anniversary(e.M.Today, d(e)) }
	case ir.OpYear:
		return func(e Env) int64 { y, _, _ := ir.Civil(d(e)); return y }
	case ir.OpMonth:
		return func(e Env) int64 { _, m, _ := ir.Civil(d(e)); return m }
	case ir.OpMonthDay:
		return func(e Env) int64 { _, _, md := ir.Civil(d(e)); return md }
	}
	return func(e Env) int64 { return ir.Weekday(d(e)) }
}

// summed returns the parts of a sum: filter (nil for none) and null test.
func summed(t *ir.Term) (filter BoolFunc) {
	var fns []BoolFunc
	if t.Kids[0] != nil {
		fns = append(fns, Bool(t.Kids[0]))
	}
	if isNull := Null(t.Kids[1]); isNull != nil {
		fns = append(fns, func(e Env) bool { return !isNull(e) })
	}
	if len(fns) == 0 {
		return nil
	}
	return Conjunction(fns)
}

func intSum(t *ir.Term) IntFunc {
	off, b, size := t.Field.Offset, t.Base, t.Field.Row.Size
	filter, value := summed(t), Int(t.Kids[1])
	return func(e Env) int64 {
		s, n := (*SliceHeader)(e.At(b, off)), int64(0)
		for i := range s.Len {
			e.Item = unsafe.Add(s.Data, uintptr(i)*size)
			if filter == nil || filter(e) {
				n = Add(n, value(e))
			}
		}
		return n
	}
}

// Float returns the closure of a term of kind float.
func Float(t *ir.Term) FloatFunc {
	switch t.Op {
	case ir.OpConst:
		v := t.Flo
		return func(Env) float64 { return v }
	case ir.OpField:
		return floatField(t.Base, t.Field)
	case ir.OpFloat:
		f := Int(t.Kids[0])
		return func(e Env) float64 { return float64(f(e)) }
	case ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpDiv:
		return floatArithmetic(t.Op, Float(t.Kids[0]), Float(t.Kids[1]))
	case ir.OpNeg:
		f := Float(t.Kids[0])
		return func(e Env) float64 { return -f(e) }
	case ir.OpAbs:
		f := Float(t.Kids[0])
		return func(e Env) float64 { return math.Abs(f(e)) }
	case ir.OpMin, ir.OpMax:
		return floatExtreme(t)
	case ir.OpSum:
		return floatSum(t)
	case ir.OpPick:
		return picked(t, Float(t.Kids[1]))
	case ir.OpIf:
		c, a, b := Bool(t.Kids[0]), Float(t.Kids[1]), Float(t.Kids[2])
		return func(e Env) float64 {
			if c(e) {
				return a(e)
			}
			return b(e)
		}
	case ir.OpElse:
		a, isNull, b := Float(t.Kids[0]), Null(t.Kids[0]), Float(t.Kids[1])
		return func(e Env) float64 {
			if isNull(e) {
				return b(e)
			}
			return a(e)
		}
	}
	return func(Env) float64 { return 0 }
}

func floatField(b ir.Base, f *ir.Field) FloatFunc {
	if f.Repr == reflect.Float32 {
		return loadFloat[float32](b, f)
	}
	return loadFloat[float64](b, f)
}

func loadFloat[T float32 | float64](b ir.Base, f *ir.Field) FloatFunc {
	off := f.Offset
	if f.Pointer {
		return func(e Env) float64 {
			if p := *(**T)(e.At(b, off)); p != nil {
				return float64(*p)
			}
			return 0
		}
	}
	if f.Valid != 0 {
		ok := off + f.Valid
		return func(e Env) float64 {
			if *(*bool)(e.At(b, ok)) {
				return float64(*(*T)(e.At(b, off)))
			}
			return 0
		}
	}
	return func(e Env) float64 { return float64(*(*T)(e.At(b, off))) }
}

func floatArithmetic(o ir.Op, a, b FloatFunc) FloatFunc {
	switch o {
	case ir.OpAdd:
		return func(e Env) float64 { return a(e) + b(e) }
	case ir.OpSub:
		return func(e Env) float64 { return a(e) - b(e) }
	case ir.OpMul:
		return func(e Env) float64 { return a(e) * b(e) }
	}
	return func(e Env) float64 { return a(e) / b(e) }
}

func floatExtreme(t *ir.Term) FloatFunc {
	f := Float(t.Kids[0])
	for _, k := range t.Kids[1:] {
		a, b := f, Float(k)
		if t.Op == ir.OpMin {
			f = func(e Env) float64 { return min(a(e), b(e)) }
		} else {
			f = func(e Env) float64 { return max(a(e), b(e)) }
		}
	}
	return f
}

func floatSum(t *ir.Term) FloatFunc {
	off, b, size := t.Field.Offset, t.Base, t.Field.Row.Size
	filter, value := summed(t), Float(t.Kids[1])
	return func(e Env) float64 {
		s, n := (*SliceHeader)(e.At(b, off)), 0.0
		for i := range s.Len {
			e.Item = unsafe.Add(s.Data, uintptr(i)*size)
			if filter == nil || filter(e) {
				n += value(e)
			}
		}
		return n
	}
}
