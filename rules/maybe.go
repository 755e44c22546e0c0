package rules

import "reflect"

// Maybe is a value that may be missing. A field of the facts of this type is
// null to rules where OK is false, as a nil pointer is; other than a pointer it
// needs no memory of its own and is copied with its struct. The zero value is
// null.
type Maybe[T bool | int | int32 | int64 | float64 | string] struct {
	// V is the value. It is not looked at where OK is false.
	V T
	// OK says that there is a value.
	OK bool
}

// Some returns a Maybe that has a value.
func Some[T bool | int | int32 | int64 | float64 | string](v T) Maybe[T] { return Maybe[T]{v, true} }

// maybe marks the type, because reflection cannot ask for a generic type by name.
func (Maybe[T]) maybe() {}

// maybeOf returns the type of the value that a Maybe may hold and how far behind
// the value its OK stands, or false for another type.
func maybeOf(t reflect.Type) (value reflect.Type, ok uintptr, is bool) {
	if t.Kind() != reflect.Struct || !t.Implements(reflect.TypeFor[interface{ maybe() }]()) {
		return nil, 0, false
	}
	return t.Field(0).Type, t.Field(1).Offset, true
}
