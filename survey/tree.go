package survey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// Limits bounds what Parse accepts, so that a hostile definition costs no more
// than an honest one. A zero field means its default.
type Limits struct {
	Bytes       int // size of the JSON text; default 1 MiB
	Depth       int // nesting of objects and arrays; default 40
	Nodes       int // JSON values of every kind; default 100,000
	Questions   int // questions and panels; default 1,000
	Choices     int // choices or rating steps of one question; default 1,000
	Expression  int // bytes of one expression; default 4,096
	AnswerRunes int // characters of one text answer without a maxLength of its own; default 10,000
	Uploads     int // files of one answer; default 10
	// UploadBytes is the size of one file of an answer; default 5 MiB.
	UploadBytes int64
}

// withDefaults fills in the limits that are 0 or less.
func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		v   *int
		def int
	}{
		{&l.Bytes, 1 << 20},
		{&l.Depth, 40},
		{&l.Nodes, 100_000},
		{&l.Questions, 1_000},
		{&l.Choices, 1_000},
		{&l.Expression, 4_096},
		{&l.AnswerRunes, 10_000},
		{&l.Uploads, 10},
	} {
		if *f.v <= 0 {
			*f.v = f.def
		}
	}
	if l.UploadBytes <= 0 {
		l.UploadBytes = 5 << 20
	}
	return l
}

// ErrLimit is in the chain of a ParseError for a definition beyond Limits.
var ErrLimit = errors.New("beyond the limit")

// ParseError says why a text is not a survey definition at all. What can be
// read but not acted upon is a Finding instead.
type ParseError struct {
	Line, Column int    // both from 1, in bytes; zero when the fault has no place
	Path         string // such as pages[0].elements[2]; empty at the root
	// Err is ErrLimit in the chain for a definition that is too large.
	Err error
}

func (e *ParseError) Error() string {
	s := "survey definition"
	if e.Path != "" {
		s += " at " + e.Path
	}
	if e.Line > 0 {
		s += fmt.Sprintf(" (line %d, column %d)", e.Line, e.Column)
	}
	return s + ": " + e.Err.Error()
}

func (e *ParseError) Unwrap() error { return e.Err }

// kind is the type of a JSON value, with its name as findings write it.
type kind byte

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// node is a JSON value that keeps the order of its members, so that findings
// come in the order of the file.
type node struct {
	kind    kind
	text    string // strings, and numbers as written
	truth   bool
	items   []*node
	members []member
}

// member is a name and its value, in the order of the file; a name may be there twice.
type member struct {
	name  string
	value *node
}

// get returns the member, the last one when the name is repeated, as
// JavaScript reads it.
func (n *node) get(name string) *node {
	for i := len(n.members) - 1; i >= 0; i-- {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	return nil
}

// number reads a number; one that float64 cannot hold is none.
func (n *node) number() (float64, bool) {
	if n.kind != kindNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.text, 64)
	return f, err == nil
}

// value gives the node as the plain Go value that answers use.
func (n *node) value() any {
	switch n.kind {
	case kindBool:
		return n.truth
	case kindNumber:
		f, ok := n.number()
		if !ok {
			return nil
		}
		return f
	case kindString:
		return n.text
	case kindArray:
		out := make([]any, len(n.items))
		for i, it := range n.items {
			out[i] = it.value()
		}
		return out
	case kindObject:
		out := make(map[string]any, len(n.members))
		for _, m := range n.members {
			out[m.name] = m.value.value()
		}
		return out
	default:
		return nil
	}
}

// treeReader reads JSON within limits. It uses tokens and not Unmarshal, which drops the order
// and the repetition of members that findings tell of.
type treeReader struct {
	dec    *json.Decoder
	data   []byte
	limits Limits
	nodes  int
}

// readTree reads a whole file, which must be one object.
func readTree(data []byte, limits Limits) (*node, error) {
	if len(data) > limits.Bytes {
		return nil, &ParseError{Err: fmt.Errorf("%d bytes: %w of %d", len(data), ErrLimit, limits.Bytes)}
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if !utf8.Valid(data) {
		return nil, &ParseError{Err: errors.New("not valid UTF-8")}
	}
	r := &treeReader{dec: json.NewDecoder(bytes.NewReader(data)), data: data, limits: limits}
	r.dec.UseNumber()
	n, err := r.read(0)
	if err != nil {
		return nil, r.fail(err)
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, r.fail(errors.New("more text after the end of the definition"))
	}
	if n.kind != kindObject {
		return nil, &ParseError{Err: fmt.Errorf("the definition is %v, not an object", n.kind)}
	}
	return n, nil
}

// fail says where in the file the reader was.
func (r *treeReader) fail(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	off := int(r.dec.InputOffset())
	var syn *json.SyntaxError
	if errors.As(err, &syn) {
		off = int(syn.Offset)
	}
	off = min(max(off, 0), len(r.data))
	line := 1 + bytes.Count(r.data[:off], []byte{'\n'})
	col := off - (bytes.LastIndexByte(r.data[:off], '\n') + 1) + 1
	return &ParseError{Line: line, Column: col, Err: err}
}

// read reads the next value.
func (r *treeReader) read(depth int) (*node, error) {
	tok, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	return r.fromToken(tok, depth)
}

// fromToken reads the value that a token begins, and counts it.
func (r *treeReader) fromToken(tok json.Token, depth int) (*node, error) {
	if r.nodes++; r.nodes > r.limits.Nodes {
		return nil, fmt.Errorf("more than %d values: %w", r.limits.Nodes, ErrLimit)
	}
	switch t := tok.(type) {
	case bool:
		return &node{kind: kindBool, truth: t}, nil
	case string:
		return &node{kind: kindString, text: t}, nil
	case json.Number:
		return &node{kind: kindNumber, text: string(t)}, nil
	case json.Delim:
		if depth >= r.limits.Depth {
			return nil, fmt.Errorf("nested deeper than %d: %w", r.limits.Depth, ErrLimit)
		}
		if t == '[' {
			return r.array(depth + 1)
		}
		return r.object(depth + 1)
	default:
		return &node{kind: kindNull}, nil
	}
}

// array and object read up to the closing bracket, which the decoder has checked.
func (r *treeReader) array(depth int) (*node, error) {
	n := &node{kind: kindArray}
	for r.dec.More() {
		it, err := r.read(depth)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, it)
	}
	_, err := r.dec.Token()
	return n, err
}

func (r *treeReader) object(depth int) (*node, error) {
	n := &node{kind: kindObject}
	for r.dec.More() {
		tok, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := tok.(string)
		if !ok {
			return nil, errors.New("member name expected")
		}
		v, err := r.read(depth)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{name, v})
	}
	_, err := r.dec.Token()
	return n, err
}
