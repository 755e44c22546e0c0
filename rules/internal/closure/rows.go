package closure

import (
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// RowAt returns the address of a row of a field.
func RowAt(e Env, f *ir.Field, row int) (unsafe.Pointer, bool) {
	s := (*SliceHeader)(unsafe.Add(e.Facts, f.Offset))
	if row < 0 || row >= s.Len {
		return nil, false
	}
	return unsafe.Add(s.Data, uintptr(row)*f.Row.Size), true
}
