package rules

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// String returns the facts that embed x as text, for logs: the names and values of all
// fields, added ones too, without those that are null or empty. Of a copy, and of facts that
// no Extended made, it says only that.
func (x *Extensible) String() string {
	l, p := x.owner.Facts()
	if l == nil {
		return "{facts that no schema made}"
	}
	var b strings.Builder
	writeFacts(&b, l, l.Root, p)
	return b.String()
}

func writeFacts(b *strings.Builder, l *ir.Layout, t *ir.RowType, p unsafe.Pointer) {
	b.WriteByte('{')
	first := true
	begin := func(f *ir.Field) {
		if !first {
			b.WriteString(", ")
		}
		first = false
		b.WriteString(f.Name + ": ")
	}
	for _, f := range t.Order {
		at := unsafe.Add(p, f.Offset)
		switch f.Kind {
		case ir.Rows:
			s := (*closure.SliceHeader)(at)
			if s.Len == 0 {
				continue
			}
			begin(f)
			for i := range s.Len {
				b.WriteByte("[ "[min(i, 1)])
				writeFacts(b, l, f.Row, unsafe.Add(s.Data, uintptr(i)*f.Row.Size))
			}
			b.WriteByte(']')
		case ir.Tags:
			names := []string(nil)
			if f.Interned {
				names = l.Tags.Of((*ir.TagBits)(at))
			} else {
				names = *(*[]string)(at)
			}
			if len(names) > 0 {
				begin(f)
				fmt.Fprintf(b, "%q", names)
			}
		default:
			if v, _ := valueOf(f, p); v != nil {
				begin(f)
				writeValue(b, f, v)
			}
		}
	}
	b.WriteByte('}')
}

func writeValue(b *strings.Builder, f *ir.Field, v any) {
	switch v := v.(type) {
	case string:
		fmt.Fprintf(b, "%q", v)
	case int64:
		b.WriteString(ir.DecimalText(v, f.Scale))
	case time.Time:
		b.WriteString(v.Format(time.RFC3339))
	default:
		fmt.Fprint(b, v)
	}
}

// valueOf returns what the struct at p holds in a field, nil for null; ok is false for tags
// and rows.
func valueOf(f *ir.Field, p unsafe.Pointer) (value any, ok bool) {
	v := reflect.NewAt(f.Typ, unsafe.Add(p, f.Offset)).Elem()
	switch {
	case f.Pointer:
		if v.IsNil() {
			return nil, true
		}
		v = v.Elem()
	case f.Valid != 0:
		if !v.Field(1).Bool() {
			return nil, true
		}
		v = v.Field(0)
	}
	switch f.Kind {
	case ir.Bool:
		return v.Bool(), true
	case ir.Int:
		if v.CanUint() {
			return int64(v.Uint()), true
		}
		return v.Int(), true
	case ir.Float:
		return v.Float(), true
	case ir.String:
		return v.String(), true
	case ir.Time:
		if t, is := v.Interface().(time.Time); is && !t.IsZero() {
			return t, true
		}
		return nil, true
	}
	return nil, false
}
