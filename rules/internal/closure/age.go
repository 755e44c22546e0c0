package closure

import (
	"reflect"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Age lets days pass over the facts at p. Rows that change are copied first.
func Age(l *ir.Layout, p unsafe.Pointer, days int64) {
	if days != 0 {
		age(l.Root, p, days)
		l.Narrow(p)
	}
}

func age(t *ir.RowType, p unsafe.Pointer, days int64) {
	for _, f := range t.Order {
		at := unsafe.Add(p, f.Offset)
		switch {
		case f.Row != nil && f.Row.Ages():
			old := reflect.NewAt(f.Typ, at).Elem()
			if old.Len() == 0 {
				continue
			}
			rows := reflect.MakeSlice(f.Typ, old.Len(), old.Len())
			reflect.Copy(rows, old)
			old.Set(rows)
			s := (*SliceHeader)(at)
			for i := range s.Len {
				age(f.Row, unsafe.Add(s.Data, uintptr(i)*f.Row.Size), days)
			}
		case f.Ages != ir.Still:
			ageField(f, p, days)
		}
	}
}

func ageField(f *ir.Field, p unsafe.Pointer, days int64) {
	at := unsafe.Add(p, f.Offset)
	if f.Pointer {
		old := *(*unsafe.Pointer)(at)
		if old == nil {
			return
		}
		v := reflect.New(f.Typ.Elem())
		v.Elem().Set(reflect.NewAt(f.Typ.Elem(), old).Elem())
		*(*unsafe.Pointer)(at) = v.UnsafePointer()
		at = v.UnsafePointer()
	}
	if f.Valid != 0 && !*(*bool)(unsafe.Add(at, f.Valid)) {
		return
	}
	plain := *f
	plain.Pointer, plain.Valid, plain.Offset = false, 0, 0
	n := intField(ir.OfFacts, &plain)(Env{Facts: at})
	switch f.Ages {
	case ir.Since:
		n += days
	case ir.Until:
		n -= days
	case ir.Yearly:
		if n >= 0 && n < ir.YearDays {
			n = ir.ModYear(n - days)
		}
	}
	StoreInt(f, at, n)
}

// StoreInt writes an integer into a field of any width.
func StoreInt(f *ir.Field, at unsafe.Pointer, n int64) {
	switch f.Repr {
	case reflect.Int8, reflect.Uint8:
		*(*int8)(at) = int8(n)
	case reflect.Int16, reflect.Uint16:
		*(*int16)(at) = int16(n)
	case reflect.Int32, reflect.Uint32:
		*(*int32)(at) = int32(n)
	case reflect.Int:
		*(*int)(at) = int(n)
	default:
		*(*int64)(at) = n
	}
}
