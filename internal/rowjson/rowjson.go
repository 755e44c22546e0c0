// Package rowjson reads the JSON that the library's own stores have written, several times
// faster than encoding/json, with the same result. It knows the plain form alone that
// json.Marshal gives most rows, and says of everything else that it is not its business.
package rowjson

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Read reads data into v, a pointer to a value that was made for this call, and reports
// whether it did. Then v is what json.Unmarshal would have made of it. Otherwise v may
// be half filled: make another and give it to json.Unmarshal, which knows what is wrong
// with data, or how to read it. Not read are texts with escapes or that are not UTF-8,
// white space between tokens, null, names that the type lacks or spells otherwise, names
// that come twice, numbers that do not fit, and types of fields other than texts, signed
// numbers, floats, truths, times, structs, slices and maps of texts.
func Read(data []byte, v any) bool {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return false
	}
	f := formOf(p.Type().Elem())
	r := reader{data: data}
	return f.read(&r, p.Elem()) && r.at == len(data)
}

// form is how values of one type are read.
type form struct {
	kind   kind
	fields map[string]field // of objects
	elem   *form            // of lists
}

type kind uint8

const (
	foreign kind = iota // left to encoding/json
	text
	signed
	float
	truth
	moment
	object
	list
	texts // a map of texts
)

type field struct {
	form *form
	path []int  // through embedded structs
	bit  uint64 // which field it is
}

// maxFields is how many fields of an object can be told apart.
const maxFields = 64

var (
	forms      sync.Map // reflect.Type → *form
	timeType   = reflect.TypeFor[time.Time]()
	numberType = reflect.TypeFor[json.Number]()
	fromJSON   = reflect.TypeFor[json.Unmarshaler]()
	fromText   = reflect.TypeFor[interface{ UnmarshalText([]byte) error }]()
)

// formOf returns the form of a type, which is worked out once.
func formOf(t reflect.Type) *form {
	if f, ok := forms.Load(t); ok {
		return f.(*form)
	}
	f := makeForm(t, nil)
	forms.Store(t, f)
	return f
}

// makeForm works out the form of a type. Within are the types that it is a part of: one
// that holds itself is left to encoding/json.
func makeForm(t reflect.Type, within []reflect.Type) *form {
	for _, w := range within {
		if w == t {
			return &form{}
		}
	}
	if t == timeType {
		return &form{kind: moment}
	}
	if p := reflect.PointerTo(t); t == numberType || p.Implements(fromJSON) || p.Implements(fromText) {
		return &form{}
	}
	within = append(within[:len(within):len(within)], t)
	switch t.Kind() {
	case reflect.String:
		return &form{kind: text}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &form{kind: signed}
	case reflect.Float32, reflect.Float64:
		return &form{kind: float}
	case reflect.Bool:
		return &form{kind: truth}
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return &form{kind: list, elem: makeForm(t.Elem(), within)}
		}
	case reflect.Map:
		if makeForm(t.Key(), within).kind == text && makeForm(t.Elem(), within).kind == text {
			return &form{kind: texts}
		}
	case reflect.Struct:
		f := &form{kind: object, fields: map[string]field{}}
		if f.addFields(t, nil, within) && len(f.fields) <= maxFields {
			return f
		}
	}
	return &form{}
}

// addFields adds the fields of a struct and of the structs that it embeds. It reports whether
// each has a name of its own: which of two of one name is meant is left to encoding/json.
func (f *form) addFields(t reflect.Type, path []int, within []reflect.Type) bool {
	for i := range t.NumField() {
		sf := t.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if sf.Tag.Get("json") == "-" {
			continue
		}
		at := append(path[:len(path):len(path)], i)
		if sf.Anonymous && name == "" {
			if !sf.IsExported() || sf.Type.Kind() != reflect.Struct || makeForm(sf.Type, within).kind != object {
				return false
			}
			if !f.addFields(sf.Type, at, within) {
				return false
			}
			continue
		}
		if !sf.IsExported() {
			continue
		}
		if name == "" {
			name = sf.Name
		}
		of := makeForm(sf.Type, within)
		for option := range strings.SplitSeq(options, ",") {
			if option == "string" {
				of = &form{}
			}
		}
		if _, twice := f.fields[name]; twice || strings.ContainsFunc(name, odd) {
			return false
		}
		f.fields[name] = field{of, at, 1 << len(f.fields)}
	}
	return true
}

// odd reports what is not in the names that are read.
func odd(c rune) bool {
	return c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
}

// reader is where reading is.
type reader struct {
	data []byte
	at   int
}

// next reports whether c comes, and passes it.
func (r *reader) next(c byte) bool {
	if r.at < len(r.data) && r.data[r.at] == c {
		r.at++
		return true
	}
	return false
}

func (f *form) read(r *reader, v reflect.Value) bool {
	switch f.kind {
	case text:
		b, ok := r.text()
		if ok {
			v.SetString(string(b))
		}
		return ok
	case signed:
		n, ok := r.signed()
		if !ok || v.OverflowInt(n) {
			return false
		}
		v.SetInt(n)
		return true
	case float:
		n, err := strconv.ParseFloat(string(r.number()), v.Type().Bits())
		if err != nil {
			return false
		}
		v.SetFloat(n)
		return true
	case truth:
		return r.truth(v)
	case moment:
		start := r.at
		if _, ok := r.text(); !ok {
			return false
		}
		return v.Addr().Interface().(*time.Time).UnmarshalJSON(r.data[start:r.at]) == nil
	case object:
		return f.object(r, v)
	case list:
		return f.list(r, v)
	case texts:
		return readTexts(r, v)
	}
	return false
}

// text returns what stands between quotes and passes it.
func (r *reader) text() ([]byte, bool) {
	if !r.next('"') {
		return nil, false
	}
	start, ascii := r.at, true
	for i, c := range r.data[start:] {
		switch {
		case c == '"':
			b := r.data[start : start+i]
			r.at = start + i + 1
			return b, ascii || utf8.Valid(b)
		case c == '\\' || c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// signed reads a whole number of at most 18 digits, which all fit.
func (r *reader) signed() (n int64, ok bool) {
	minus := r.next('-')
	start := r.at
	for r.at < len(r.data) && '0' <= r.data[r.at] && r.data[r.at] <= '9' {
		n = n*10 + int64(r.data[r.at]-'0')
		if r.at++; r.at-start > 18 {
			return 0, false
		}
	}
	if r.at == start || r.data[start] == '0' && r.at > start+1 {
		return 0, false
	}
	if minus {
		n = -n
	}
	return n, true // what follows, such as a fraction, is no part of the form
}

// number passes a number as JSON writes it and returns it; what is none is empty.
func (r *reader) number() []byte {
	start := r.at
	r.next('-')
	if !r.next('0') && r.digits() == 0 {
		return nil
	}
	if r.next('.') && r.digits() == 0 {
		return nil
	}
	if r.next('e') || r.next('E') {
		if !r.next('+') {
			r.next('-')
		}
		if r.digits() == 0 {
			return nil
		}
	}
	return r.data[start:r.at]
}

func (r *reader) digits() (n int) {
	for r.at < len(r.data) && '0' <= r.data[r.at] && r.data[r.at] <= '9' {
		r.at++
		n++
	}
	return n
}

func (r *reader) truth(v reflect.Value) bool {
	for _, word := range [...]string{"true", "false"} {
		if end := r.at + len(word); end <= len(r.data) && string(r.data[r.at:end]) == word {
			r.at = end
			v.SetBool(word == "true")
			return true
		}
	}
	return false
}

func (f *form) object(r *reader, v reflect.Value) bool {
	if !r.next('{') {
		return false
	}
	if r.next('}') {
		return true
	}
	for seen := uint64(0); ; {
		name, ok := r.text()
		if !ok || !r.next(':') {
			return false
		}
		to, ok := f.fields[string(name)]
		if !ok || seen&to.bit != 0 {
			return false
		}
		seen |= to.bit
		at := v
		for _, i := range to.path {
			at = at.Field(i)
		}
		if !to.form.read(r, at) {
			return false
		}
		if r.next('}') {
			return true
		}
		if !r.next(',') {
			return false
		}
	}
}

func (f *form) list(r *reader, v reflect.Value) bool {
	if !r.next('[') || !v.IsNil() {
		return false
	}
	if r.next(']') {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return true
	}
	for n := 0; ; n++ {
		if n == v.Cap() {
			v.Grow(1)
		}
		v.SetLen(n + 1)
		if !f.elem.read(r, v.Index(n)) {
			return false
		}
		if r.next(']') {
			return true
		}
		if !r.next(',') {
			return false
		}
	}
}

func readTexts(r *reader, v reflect.Value) bool {
	if !r.next('{') || !v.IsNil() {
		return false
	}
	t := v.Type()
	m := reflect.MakeMap(t)
	v.Set(m)
	if r.next('}') {
		return true
	}
	for {
		name, ok := r.text()
		if !ok || !r.next(':') {
			return false
		}
		is, ok := r.text()
		if !ok {
			return false
		}
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		key.SetString(string(name))
		value.SetString(string(is))
		m.SetMapIndex(key, value)
		if r.next('}') {
			return true
		}
		if !r.next(',') {
			return false
		}
	}
}
