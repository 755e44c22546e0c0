package crm

import (
	"encoding/json"
	"reflect"
	"time"
	"unicode/utf8"
)

// shape says where a type of content has what JSON would not give back unchanged:
// texts that are not UTF-8, times in zones that it cannot write, and whatever it
// writes in a way of its own. It is nil for types that have nothing of the kind.
type shape struct {
	is     shapeKind
	fields []shapeField // of a struct
	elem   *shape       // of a slice or a pointer
	times  bool         // it has times, itself or below
}

type shapeField struct {
	n int
	*shape
}

type shapeKind uint8

const (
	shapeText shapeKind = iota
	shapeTime
	shapeStruct
	shapeList
	shapePointer
	shapeOther
)

var (
	timeType      = reflect.TypeFor[time.Time]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
)

// shapeOf looks at a type once for all facts of its kind; nil says that JSON gives every value
// of it back.
func shapeOf(t reflect.Type) *shape { return shapeIn(t, map[reflect.Type]bool{}) }

// shapeIn is shapeOf within types that contain t.
func shapeIn(t reflect.Type, within map[reflect.Type]bool) *shape {
	switch {
	case t == timeType:
		return &shape{is: shapeTime, times: true}
	case within[t] || t.Implements(marshalerType) || reflect.PointerTo(t).Implements(marshalerType):
		return &shape{is: shapeOther}
	}
	within[t] = true
	defer delete(within, t)
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return nil
	case reflect.String:
		return &shape{is: shapeText}
	case reflect.Slice, reflect.Pointer:
		elem := shapeIn(t.Elem(), within)
		if elem == nil {
			return nil
		}
		s := &shape{is: shapeList, elem: elem, times: elem.times}
		if t.Kind() == reflect.Pointer {
			s.is = shapePointer
		}
		return s
	case reflect.Struct:
		s := &shape{is: shapeStruct}
		for i := range t.NumField() {
			if !t.Field(i).IsExported() && !t.Field(i).Anonymous {
				continue
			}
			if f := shapeIn(t.Field(i).Type, within); f != nil {
				s.fields = append(s.fields, shapeField{i, f})
				s.times = s.times || f.times
			}
		}
		if len(s.fields) == 0 {
			return nil
		}
		return s
	}
	return &shape{is: shapeOther}
}

// look reports whether all texts are UTF-8 and all times can be written.
func (s *shape) look(v reflect.Value) (texts, times bool) {
	if s == nil {
		return true, true
	}
	switch s.is {
	case shapeText:
		return utf8.ValidString(v.String()), true
	case shapeTime:
		t := v.Addr().Interface().(*time.Time)
		return true, t.Location() == time.UTC || jsonTime(*t).Location() == t.Location()
	case shapeStruct:
		texts, times = true, true
		for _, f := range s.fields {
			a, b := f.look(v.Field(f.n))
			texts, times = texts && a, times && b
		}
		return texts, times
	case shapeList:
		texts, times = true, true
		for i := range v.Len() {
			a, b := s.elem.look(v.Index(i))
			texts, times = texts && a, times && b
		}
		return texts, times
	case shapePointer:
		if v.IsNil() {
			return true, true
		}
		return s.elem.look(v.Elem())
	}
	return v.IsZero() || (v.Kind() == reflect.Map && v.Len() == 0), true
}

// mend brings the times of a copy into zones that can be written. What the copy
// shares with the original is copied first.
func (s *shape) mend(v reflect.Value) {
	if s == nil || !s.times {
		return
	}
	switch s.is {
	case shapeTime:
		t := v.Addr().Interface().(*time.Time)
		*t = jsonTime(*t)
	case shapeStruct:
		for _, f := range s.fields {
			f.mend(v.Field(f.n))
		}
	case shapeList:
		if v.IsNil() {
			return
		}
		own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(own, v)
		v.Set(own)
		for i := range v.Len() {
			s.elem.mend(v.Index(i))
		}
	case shapePointer:
		if v.IsNil() {
			return
		}
		own := reflect.New(v.Type().Elem())
		own.Elem().Set(v.Elem())
		v.Set(own)
		s.elem.mend(v.Elem())
	}
}

// jsonTime returns the same instant in a zone that JSON can write: in UTC where
// the zone has an offset of seconds or the year there is out of range.
func jsonTime(t time.Time) time.Time {
	if t.Location() == time.UTC {
		return t
	}
	_, offset := t.Zone()
	if y := t.Year(); offset%60 != 0 || offset <= -24*3600 || offset >= 24*3600 || y < 1 || y > 9999 {
		return t.UTC()
	}
	return t
}
