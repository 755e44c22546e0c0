package crm

import (
	"bytes"
	"encoding/json"
	"reflect"
	"unicode/utf8"
)

// named is content that bears a name which others are compared with.
type named interface {
	// composed returns it with its names in one form (see fold.Compose).
	composed() FactData
}

// storable returns data, or where JSON would not give it back unchanged a copy
// of it that JSON does: an old version must compare with what is delivered
// again, on every store alike.
func (s *Kinds) storable(kind FactKind, data FactData) FactData {
	if n, ok := data.(named); ok {
		data = n.composed()
	}
	if d, ok := data.(*Custom); ok {
		if !utf8.Valid(d.JSON) {
			return &Custom{bytes.ToValidUTF8(d.JSON, []byte("\ufffd"))}
		}
		return d
	}
	k := s.Of(kind)
	v := reflect.ValueOf(data).Elem()
	texts, times := k.shape.look(v)
	if !times {
		own := reflect.New(v.Type())
		own.Elem().Set(v)
		k.shape.mend(own.Elem())
		data = own.Interface().(FactData)
	}
	if texts {
		return data
	}
	// Rare, so that it may cost something.
	text, err := json.Marshal(data)
	if err != nil {
		return data // the store says so; Validate has seen that it does not happen
	}
	out, err := s.Decode(k.Name, text)
	if err != nil {
		return data
	}
	return out
}
