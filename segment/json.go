package segment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/vefacrm/vefa/internal/fold"
)

// MarshalJSON writes a tag as a plain string and everything else as an object
// with one field:
//
//	"vip"  {"leaf": "rfm:5-5-5"}  {"segment": "loyal"}
//	{"all": […]}  {"any": […]}  {"xor": […]}  {"except": [base, excluded, …]}
//	{"not": …}  {"atLeast": {"k": 2, "of": […]}}
func (e Expr) MarshalJSON() ([]byte, error) {
	if err := e.validate(Limits{Depth: math.MaxInt32, Nodes: math.MaxInt32}); err != nil {
		return nil, err
	}
	return e.appendJSON(nil), nil
}

// appendJSON writes without encoding/json, which would call MarshalJSON, and with it the
// check of the whole rest, once per level.
func (e Expr) appendJSON(b []byte) []byte {
	switch e.op {
	case isTag:
		return appendJSONString(b, e.name)
	case isLeaf, isSegment:
		b = append(b, `{"`+e.op.String()+`":`...)
		b = appendJSONString(b, e.name)
	case isNot:
		b = e.args[0].appendJSON(append(b, `{"not":`...))
	case isAtLeast:
		b = append(b, `{"atLeast":{"k":`...)
		b = strconv.AppendInt(b, int64(e.k), 10)
		b = append(appendJSONList(append(b, `,"of":`...), e.args), '}')
	default:
		b = append(b, `{"`+jsonOps[e.op]+`":`...)
		b = appendJSONList(b, e.args)
	}
	return append(b, '}')
}

var jsonOps = map[operation]string{isAll: "all", isAny: "any", isXor: "xor", isExcept: "except"}

func appendJSONString(b []byte, s string) []byte {
	q, _ := json.Marshal(s) // a valid UTF-8 string always has a JSON form
	return append(b, q...)
}

func appendJSONList(b []byte, args []Expr) []byte {
	b = append(b, '[')
	for i, a := range args {
		if i > 0 {
			b = append(b, ',')
		}
		b = a.appendJSON(b)
	}
	return append(b, ']')
}

// UnmarshalJSON reads what MarshalJSON writes, within the default Limits.
// Errors are *ParseError, *LimitError or *InvalidError.
func (e *Expr) UnmarshalJSON(data []byte) error {
	p := newJSONParser(data, Limits{})
	got, err := p.document()
	if err != nil {
		return err
	}
	*e = got
	return nil
}

// parseJSON reads one expression in JSON within the given limits. Prefer it to
// json.Unmarshal for text from strangers: limits hold before anything else runs.
func parseJSON(data []byte, limits Limits) (Expr, error) {
	return newJSONParser(data, limits).document()
}

// ParseDefinitionsJSON reads an array of definitions, as json.Marshal writes
// it, within the given limits, which hold for the whole document. A name defined
// twice is a *ParseError.
func ParseDefinitionsJSON(data []byte, limits Limits) ([]Definition, error) {
	p := newJSONParser(data, limits)
	if err := p.sized(); err != nil {
		return nil, err
	}
	if err := p.delim('['); err != nil {
		return nil, err
	}
	var defs []Definition
	seen := make(map[string]bool)
	for p.dec.More() {
		d, err := p.fields()
		if err != nil {
			return nil, err
		}
		if seen[d.Name] {
			return nil, p.fail("segment %q is defined twice", d.Name)
		}
		seen[d.Name] = true
		if defs = append(defs, d); len(defs) > p.limits.Segments {
			return nil, &LimitError{What: "segments", Limit: int64(p.limits.Segments)}
		}
	}
	if err := p.delim(']'); err != nil {
		return nil, err
	}
	return defs, p.end()
}

// jsonParser reads tokens, so that depth and size are known before they cost.
type jsonParser struct {
	dec    *json.Decoder
	data   []byte
	limits Limits
	nodes  int
}

func newJSONParser(data []byte, limits Limits) *jsonParser {
	return &jsonParser{dec: json.NewDecoder(bytes.NewReader(data)), data: data, limits: limits.orDefault()}
}

// sized refuses a document that is too long before any of it is read.
func (p *jsonParser) sized() error {
	if len(p.data) > p.limits.Bytes {
		return &LimitError{What: "bytes", Limit: int64(p.limits.Bytes)}
	}
	return nil
}

func (p *jsonParser) fail(format string, args ...any) error {
	return parseErrorAt(string(p.data), int(p.dec.InputOffset()), fmt.Sprintf(format, args...))
}

// token returns the next token, or a *ParseError where the document is no JSON or ends too
// early.
func (p *jsonParser) token() (json.Token, error) {
	t, err := p.dec.Token()
	if err == nil {
		return t, nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, parseErrorAt(string(p.data), int(syntax.Offset), "JSON: "+syntax.Error())
	}
	return nil, p.fail("JSON: unexpected end")
}

func (p *jsonParser) delim(d json.Delim) error {
	t, err := p.token()
	if err == nil && t != d {
		err = p.fail("expected %v, found %v", d, t)
	}
	return err
}

// text reads a string that is to be a name.
func (p *jsonParser) text(field string) (string, error) {
	t, err := p.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", p.fail("expected a string, found %v", t)
	}
	if err := checkName(field, s); err != nil {
		return "", p.fail("%s", err.(*InvalidError).Msg)
	}
	return fold.Compose(s), nil
}

// document reads one expression and nothing behind it.
func (p *jsonParser) document() (Expr, error) {
	if err := p.sized(); err != nil {
		return Expr{}, err
	}
	e, err := p.expr(1)
	if err != nil {
		return Expr{}, err
	}
	return e, p.end()
}

func (p *jsonParser) end() error {
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return p.fail("text after the end of the document")
	}
	return nil
}

func (p *jsonParser) definition() (d Definition, err error) {
	if err = p.sized(); err != nil {
		return d, err
	}
	if d, err = p.fields(); err != nil {
		return d, err
	}
	return d, p.end()
}

// fields reads one definition.
func (p *jsonParser) fields() (d Definition, err error) {
	if err = p.delim('{'); err != nil {
		return d, err
	}
	seen := make(map[string]bool)
	for p.dec.More() {
		field, err := p.field(seen)
		if err != nil {
			return d, err
		}
		switch field {
		case "name":
			d.Name, err = p.text("segment")
		case "members":
			d.Expr, err = p.expr(1)
		case "ignoreRed":
			d.IgnoreRed, err = p.tags()
		default:
			err = p.fail("unknown field %q", field)
		}
		if err != nil {
			return d, err
		}
	}
	if err = p.delim('}'); err != nil {
		return d, err
	}
	if !seen["name"] || !seen["members"] {
		return d, p.fail("a definition needs name and members")
	}
	return d.sorted(), nil
}

// field reads the key of a field. One that is repeated is refused, where encoding/json
// would let the last win.
func (p *jsonParser) field(seen map[string]bool) (string, error) {
	t, err := p.token()
	if err != nil {
		return "", err
	}
	field, _ := t.(string)
	if seen[field] {
		return "", p.fail("field %q is repeated", field)
	}
	seen[field] = true
	return field, nil
}

func (p *jsonParser) tags() (tags []string, err error) {
	if err = p.delim('['); err != nil {
		return nil, err
	}
	for p.dec.More() {
		tag, err := p.text("tag")
		if err != nil {
			return nil, err
		}
		tags = append(tags, tag)
	}
	return tags, p.delim(']')
}

// expr reads one expression; depth counts those around it.
func (p *jsonParser) expr(depth int) (Expr, error) {
	if depth > p.limits.Depth {
		return Expr{}, &LimitError{What: "depth", Limit: int64(p.limits.Depth)}
	}
	if p.nodes++; p.nodes > p.limits.Nodes {
		return Expr{}, &LimitError{What: "nodes", Limit: int64(p.limits.Nodes)}
	}
	t, err := p.token()
	if err != nil {
		return Expr{}, err
	}
	if tag, ok := t.(string); ok {
		if err := checkName("tag", tag); err != nil {
			return Expr{}, p.fail("%s", err.(*InvalidError).Msg)
		}
		return Tag(tag), nil
	}
	if t != json.Delim('{') {
		return Expr{}, p.fail("expected a tag or an object, found %v", t)
	}
	key, err := p.token()
	if err != nil {
		return Expr{}, err
	}
	e, err := p.operation(key, depth)
	if err != nil {
		return Expr{}, err
	}
	if err := e.checkShape(); err != nil {
		return Expr{}, p.fail("%s", err.(*InvalidError).Error())
	}
	if p.dec.More() {
		return Expr{}, p.fail("an expression has one field only")
	}
	return e, p.delim('}')
}

// operation reads the value of an object whose one key names an operation.
func (p *jsonParser) operation(key json.Token, depth int) (e Expr, err error) {
	switch key {
	case "leaf":
		e.op = isLeaf
		e.name, err = p.text("leaf")
	case "segment":
		e.op = isSegment
		e.name, err = p.text("segment")
	case "not":
		e.op, e.args = isNot, make([]Expr, 1)
		e.args[0], err = p.expr(depth + 1)
	case "all":
		e.op = isAll
		e.args, err = p.list(depth)
	case "any":
		e.op = isAny
		e.args, err = p.list(depth)
	case "xor":
		e.op = isXor
		e.args, err = p.list(depth)
	case "except":
		e.op = isExcept
		e.args, err = p.list(depth)
	case "atLeast":
		return p.atLeast(depth)
	default:
		err = p.fail("unknown operation %v", key)
	}
	return e, err
}

func (p *jsonParser) list(depth int) (args []Expr, err error) {
	if err = p.delim('['); err != nil {
		return nil, err
	}
	for p.dec.More() {
		e, err := p.expr(depth + 1)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	return slices.Clip(args), p.delim(']')
}

// atLeast reads {"k": …, "of": […]} in either order.
func (p *jsonParser) atLeast(depth int) (e Expr, err error) {
	e.op = isAtLeast
	if err = p.delim('{'); err != nil {
		return e, err
	}
	seen := make(map[string]bool)
	for p.dec.More() {
		field, err := p.field(seen)
		if err != nil {
			return e, err
		}
		switch field {
		case "k":
			t, err := p.token()
			if err != nil {
				return e, err
			}
			k, ok := t.(float64)
			if !ok || k != math.Trunc(k) || k < 1 || k > 1e6 {
				return e, p.fail("k must be a whole number from 1")
			}
			e.k = int(k)
		case "of":
			if e.args, err = p.list(depth); err != nil {
				return e, err
			}
		default:
			return e, p.fail("unknown field %q", field)
		}
	}
	return e, p.delim('}')
}
