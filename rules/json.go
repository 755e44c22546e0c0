package rules

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// ReadJSON reads a rule book written in JSON, with the same keys as in YAML;
// json.Marshal of a Book gives a text that it reads. Faults are reported as by
// ReadYAML.
func ReadJSON(name string, data []byte) (*Book, error) {
	d, ok := newDecoder(name, data, true)
	if !ok {
		return d.finish(nil)
	}
	r := &jsonReader{d: d, dec: json.NewDecoder(strings.NewReader(d.book.text.text))}
	r.dec.UseNumber()
	v := r.value(0)
	if v != nil && !r.failed {
		if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
			r.fail(r.start(), "there is something after the end of the value")
		}
	}
	if r.failed {
		return d.finish(nil)
	}
	return d.finish(v)
}

// jsonReader builds values from tokens, because only the token reader of the
// standard library tells where things stand.
type jsonReader struct {
	d      *decoder
	dec    *json.Decoder
	failed bool
	line   int // of the offset below, from 1
	column int // characters of that line before the offset
	offset int
}

// fail keeps the first fault alone: what follows it in a text that is no JSON is not
// meant.
func (r *jsonReader) fail(p place, msg string) {
	if !r.failed {
		r.failed = true
		r.d.fault(p, "", "%s", msg)
	}
}

// start returns the place of the next token.
func (r *jsonReader) start() place {
	text, i := r.d.book.text.text, int(r.dec.InputOffset())
	for i < len(text) && strings.IndexByte(" \t\r\n,:", text[i]) >= 0 {
		i++
	}
	if r.line == 0 {
		r.line = 1
	}
	for ; r.offset < i; r.offset++ {
		if c := text[r.offset]; c == '\n' {
			r.line++
			r.column = 0
		} else if utf8.RuneStart(c) {
			r.column++
		}
	}
	return place{line: r.line, column: 1 + r.column}
}

func (r *jsonReader) token() (json.Token, place) {
	p := r.start()
	t, err := r.dec.Token()
	if err != nil {
		msg := err.Error()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			msg = "the file ends too early"
		}
		r.fail(p, msg)
		return nil, p
	}
	return t, p
}

// value reads a value and says where it stands; null is nil, which its caller makes what
// its place asks for.
func (r *jsonReader) value(depth int) *value {
	t, p := r.token()
	if r.failed {
		return nil
	}
	if depth > maxNest {
		r.fail(p, "values are nested too deep")
		return nil
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return r.list(p, depth)
		}
		return r.object(p, depth)
	case string:
		v := &value{text: t, isText: true, place: p}
		p.column++
		if p.verbatim = p.follows(r.d.book.text, t); p.verbatim {
			v.place = p
		}
		return v
	case json.Number:
		return &value{text: t.String(), place: p}
	case bool:
		if t {
			return &value{text: "true", place: p}
		}
		return &value{text: "false", place: p}
	}
	return nil
}

func (r *jsonReader) list(p place, depth int) *value {
	v := &value{shape: isList, place: p}
	for r.dec.More() && !r.failed {
		at := r.start()
		item := r.value(depth + 1)
		if item == nil {
			item = &value{isText: true, place: at}
		}
		v.items = append(v.items, item)
	}
	r.token()
	return v
}

// object reads a map. The standard decoder takes a key that is given twice; here the
// second is a fault, as in YAML.
func (r *jsonReader) object(p place, depth int) *value {
	v := &value{shape: isMap, place: p}
	for r.dec.More() && !r.failed {
		t, at := r.token()
		name, _ := t.(string)
		k := key{name, at}
		item := r.value(depth + 1)
		if r.failed {
			return nil
		}
		if item == nil {
			item = &value{shape: isNull, place: at}
		}
		if !r.d.duplicate(v, k) {
			v.keys = append(v.keys, k)
			v.items = append(v.items, item)
		}
	}
	r.token()
	return v
}
