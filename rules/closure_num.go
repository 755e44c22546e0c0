package rules

import (
	"math"
	"math/bits"
	"reflect"
	"slices"
	"unsafe"

	"github.com/vefacrm/vefa/internal/fold"
)

type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32
}

// compileInt makes the closure of a term of kind int, date or time.
func compileInt(t *term) intFn {
	switch t.op {
	case opConst:
		n := t.num
		return func(env) int64 { return n }
	case opField:
		if t.kind == Time {
			f := timeField(t)
			return func(e env) int64 { return f(e).UnixMicro() }
		}
		return intField(t.base, t.field)
	case opAdd, opSub, opMul, opDiv, opMod:
		return intArithmetic(t.op, compileInt(t.kids[0]), compileInt(t.kids[1]))
	case opNeg:
		f := compileInt(t.kids[0])
		return func(e env) int64 { return subtract(0, f(e)) }
	case opAbs:
		f := compileInt(t.kids[0])
		return func(e env) int64 {
			n := f(e)
			if n < 0 {
				return subtract(0, n)
			}
			return n
		}
	case opMin, opMax:
		return intExtreme(t)
	case opLen:
		return lengthFn(t.kids[0])
	case opToday:
		return func(e env) int64 { return e.m.today }
	case opDay:
		f := timeField(t.kids[0])
		return func(e env) int64 { return e.m.dayOf(f(e)) }
	case opAnniversary, opYear, opMonth, opMonthDay, opWeekday:
		return calendarFn(t.op, compileInt(t.kids[0]))
	case opCount:
		return countFn(t)
	case opSum:
		return intSum(t)
	case opIf:
		c, a, b := compileBool(t.kids[0]), compileInt(t.kids[1]), compileInt(t.kids[2])
		return func(e env) int64 {
			if c(e) {
				return a(e)
			}
			return b(e)
		}
	case opElse:
		a, isNull, b := compileInt(t.kids[0]), nullFn(t.kids[0]), compileInt(t.kids[1])
		return func(e env) int64 {
			if isNull(e) {
				return b(e)
			}
			return a(e)
		}
	}
	return func(env) int64 { return 0 }
}

func intField(b base, f *field) intFn {
	switch f.repr {
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

func loadInt[T integer](b base, f *field) intFn {
	off := f.offset
	switch {
	case f.pointer:
		return func(e env) int64 {
			if p := *(**T)(e.at(b, off)); p != nil {
				return int64(*p)
			}
			return 0
		}
	case f.valid != 0:
		ok := off + f.valid
		return func(e env) int64 {
			if *(*bool)(e.at(b, ok)) {
				return int64(*(*T)(e.at(b, off)))
			}
			return 0
		}
	case b == ofFacts:
		return func(e env) int64 { return int64(*(*T)(unsafe.Add(e.facts, off))) }
	case b == ofItem:
		return func(e env) int64 { return int64(*(*T)(unsafe.Add(e.item, off))) }
	}
	return func(e env) int64 { return int64(*(*T)(e.at(b, off))) }
}

// betweenFn tests a range by one subtraction and one unsigned comparison.
func betweenFn(t *term) boolFn {
	k, lo := t.kids[0], t.num
	span := uint64(t.high()) - uint64(lo)
	if k.op == opField && k.kind == Int && isWide(k.field) {
		switch off := k.field.offset; k.base {
		case ofFacts:
			return func(e env) bool { return uint64(*(*int64)(unsafe.Add(e.facts, off)))-uint64(lo) <= span }
		case ofItem:
			return func(e env) bool { return uint64(*(*int64)(unsafe.Add(e.item, off)))-uint64(lo) <= span }
		case ofRow:
			return func(e env) bool { return uint64(*(*int64)(unsafe.Add(e.row, off)))-uint64(lo) <= span }
		}
	}
	f := compileInt(k)
	return func(e env) bool { return uint64(f(e))-uint64(lo) <= span }
}

// compareFn makes == and the like for two values of one kind.
func compareFn(t *term) boolFn {
	a, b := t.kids[0], t.kids[1]
	if a.op == opFold {
		return textFn(t)
	}
	switch a.kind {
	case Bool:
		x, y, same := compileBool(a), compileBool(b), t.op == opEq
		return func(e env) bool { return (x(e) == y(e)) == same }
	case String:
		return compareString(t.op, a, b)
	case Float:
		if b.isConst() {
			return compareFloatConst(t.op, a, b.flo)
		}
		return ordered(t.op, compileFloat(a), compileFloat(b))
	}
	return ordered(t.op, compileInt(a), compileInt(b))
}

func ordered[T int64 | float64 | string](o op, a, b func(env) T) boolFn {
	switch o {
	case opEq:
		return func(e env) bool { return a(e) == b(e) }
	case opNe:
		return func(e env) bool { return a(e) != b(e) }
	case opLt:
		return func(e env) bool { return a(e) < b(e) }
	case opLe:
		return func(e env) bool { return a(e) <= b(e) }
	case opGt:
		return func(e env) bool { return a(e) > b(e) }
	}
	return func(e env) bool { return a(e) >= b(e) }
}

func compareString(o op, a, b *term) boolFn {
	if b.isConst() && a.op == opField && !a.field.pointer && (o == opEq || o == opNe) {
		off, c, same := a.field.offset, b.str, o == opEq
		switch {
		case a.base == ofFacts && same:
			return func(e env) bool { return *(*string)(unsafe.Add(e.facts, off)) == c }
		case a.base == ofItem && same:
			return func(e env) bool { return *(*string)(unsafe.Add(e.item, off)) == c }
		case a.base == ofRow && same:
			return func(e env) bool { return *(*string)(unsafe.Add(e.row, off)) == c }
		}
	}
	return ordered(o, compileString(a), compileString(b))
}

func compareFloatConst(o op, a *term, c float64) boolFn {
	if a.op == opField && !a.field.pointer && a.field.repr == reflect.Float64 && a.base != ofRow {
		off := a.field.offset
		if a.base == ofFacts {
			switch o {
			case opGt:
				return func(e env) bool { return *(*float64)(unsafe.Add(e.facts, off)) > c }
			case opGe:
				return func(e env) bool { return *(*float64)(unsafe.Add(e.facts, off)) >= c }
			}
		} else {
			switch o {
			case opGt:
				return func(e env) bool { return *(*float64)(unsafe.Add(e.item, off)) > c }
			case opGe:
				return func(e env) bool { return *(*float64)(unsafe.Add(e.item, off)) >= c }
			}
		}
	}
	return ordered(o, compileFloat(a), func(env) float64 { return c })
}

// inFn tests for membership in a constant list: by a scan if it is short.
func inFn(t *term) boolFn {
	k := t.kids[0]
	switch k.kind {
	case Int:
		list := make([]int64, len(t.list))
		for i, c := range t.list {
			list[i] = c.num
		}
		slices.Sort(list)
		return member(compileInt(k), list)
	case Float:
		list := make([]float64, len(t.list))
		for i, c := range t.list {
			list[i] = c.flo
		}
		return member(compileFloat(k), list)
	}
	list := make([]string, len(t.list))
	for i, c := range t.list {
		list[i] = c.str
	}
	if k.op == opFold {
		f := compileString(k.kids[0])
		return func(e env) bool {
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
	return member(compileString(k), list)
}

func member[T int64 | float64 | string](f func(env) T, list []T) boolFn {
	if len(list) <= 12 {
		return func(e env) bool {
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
	return func(e env) bool {
		_, ok := set[f(e)]
		return ok
	}
}

// add, subtract and multiply stop at the ends of int64 instead of wrapping.
func add(a, b int64) int64 {
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

func subtract(a, b int64) int64 {
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

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

func intArithmetic(o op, a, b intFn) intFn {
	switch o {
	case opAdd:
		return func(e env) int64 { return add(a(e), b(e)) }
	case opSub:
		return func(e env) int64 { return subtract(a(e), b(e)) }
	case opMul:
		return func(e env) int64 { return multiply(a(e), b(e)) }
	}
	return func(e env) int64 { // only % is left: / gives floats
		if d := b(e); d != 0 && d != -1 {
			return a(e) % d
		}
		return 0
	}
}

func intExtreme(t *term) intFn {
	f := compileInt(t.kids[0])
	for _, k := range t.kids[1:] {
		a, b := f, compileInt(k)
		if t.op == opMin {
			f = func(e env) int64 { return min(a(e), b(e)) }
		} else {
			f = func(e env) int64 { return max(a(e), b(e)) }
		}
	}
	return f
}

func calendarFn(o op, d intFn) intFn {
	switch o {
	case opAnniversary:
		return func(e env) int64 { return anniversary(e.m.today, d(e)) }
	case opYear:
		return func(e env) int64 { y, _, _ := civil(d(e)); return y }
	case opMonth:
		return func(e env) int64 { _, m, _ := civil(d(e)); return m }
	case opMonthDay:
		return func(e env) int64 { _, _, md := civil(d(e)); return md }
	}
	return func(e env) int64 { return weekday(d(e)) }
}

// summed returns the parts of a sum: filter (nil for none) and null test.
func summed(t *term) (filter boolFn) {
	var fns []boolFn
	if t.kids[0] != nil {
		fns = append(fns, compileBool(t.kids[0]))
	}
	if isNull := nullFn(t.kids[1]); isNull != nil {
		fns = append(fns, func(e env) bool { return !isNull(e) })
	}
	if len(fns) == 0 {
		return nil
	}
	return conjunction(fns)
}

func intSum(t *term) intFn {
	off, b, size := t.field.offset, t.base, t.field.row.size
	filter, value := summed(t), compileInt(t.kids[1])
	return func(e env) int64 {
		s, n := (*sliceHeader)(e.at(b, off)), int64(0)
		for i := range s.len {
			e.item = unsafe.Add(s.data, uintptr(i)*size)
			if filter == nil || filter(e) {
				n = add(n, value(e))
			}
		}
		return n
	}
}

func compileFloat(t *term) floatFn {
	switch t.op {
	case opConst:
		v := t.flo
		return func(env) float64 { return v }
	case opField:
		return floatField(t.base, t.field)
	case opFloat:
		f := compileInt(t.kids[0])
		return func(e env) float64 { return float64(f(e)) }
	case opAdd, opSub, opMul, opDiv:
		return floatArithmetic(t.op, compileFloat(t.kids[0]), compileFloat(t.kids[1]))
	case opNeg:
		f := compileFloat(t.kids[0])
		return func(e env) float64 { return -f(e) }
	case opAbs:
		f := compileFloat(t.kids[0])
		return func(e env) float64 { return math.Abs(f(e)) }
	case opMin, opMax:
		return floatExtreme(t)
	case opSum:
		return floatSum(t)
	case opIf:
		c, a, b := compileBool(t.kids[0]), compileFloat(t.kids[1]), compileFloat(t.kids[2])
		return func(e env) float64 {
			if c(e) {
				return a(e)
			}
			return b(e)
		}
	case opElse:
		a, isNull, b := compileFloat(t.kids[0]), nullFn(t.kids[0]), compileFloat(t.kids[1])
		return func(e env) float64 {
			if isNull(e) {
				return b(e)
			}
			return a(e)
		}
	}
	return func(env) float64 { return 0 }
}

func floatField(b base, f *field) floatFn {
	if f.repr == reflect.Float32 {
		return loadFloat[float32](b, f)
	}
	return loadFloat[float64](b, f)
}

func loadFloat[T float32 | float64](b base, f *field) floatFn {
	off := f.offset
	if f.pointer {
		return func(e env) float64 {
			if p := *(**T)(e.at(b, off)); p != nil {
				return float64(*p)
			}
			return 0
		}
	}
	if f.valid != 0 {
		ok := off + f.valid
		return func(e env) float64 {
			if *(*bool)(e.at(b, ok)) {
				return float64(*(*T)(e.at(b, off)))
			}
			return 0
		}
	}
	return func(e env) float64 { return float64(*(*T)(e.at(b, off))) }
}

func floatArithmetic(o op, a, b floatFn) floatFn {
	switch o {
	case opAdd:
		return func(e env) float64 { return a(e) + b(e) }
	case opSub:
		return func(e env) float64 { return a(e) - b(e) }
	case opMul:
		return func(e env) float64 { return a(e) * b(e) }
	}
	return func(e env) float64 { return a(e) / b(e) }
}

func floatExtreme(t *term) floatFn {
	f := compileFloat(t.kids[0])
	for _, k := range t.kids[1:] {
		a, b := f, compileFloat(k)
		if t.op == opMin {
			f = func(e env) float64 { return min(a(e), b(e)) }
		} else {
			f = func(e env) float64 { return max(a(e), b(e)) }
		}
	}
	return f
}

func floatSum(t *term) floatFn {
	off, b, size := t.field.offset, t.base, t.field.row.size
	filter, value := summed(t), compileFloat(t.kids[1])
	return func(e env) float64 {
		s, n := (*sliceHeader)(e.at(b, off)), 0.0
		for i := range s.len {
			e.item = unsafe.Add(s.data, uintptr(i)*size)
			if filter == nil || filter(e) {
				n += value(e)
			}
		}
		return n
	}
}
