package importer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Limits of mapping.yaml, far above what anybody writes.
const (
	maxMapping = 64 << 10 // bytes; the parser's time is quadratic
	maxDepth   = 16       // of nested values
	maxFaults  = 100
	maxBranch  = 200 // characters of a line that may open nested values
)

// node is a value of mapping.yaml with its position. Scalars are texts, as they
// are written: a column may be called no or 007.
type node struct {
	what   byte // 's' scalar, 'm' mapping, 'l' list
	text   string
	keys   []string
	at     []position // of keys
	values []*node    // of keys, or of the list
	pos    position
}

type position struct{ line, column int }

// yamlReader collects what is wrong, all of it.
type yamlReader struct {
	file   string
	faults []RowError
}

func (y *yamlReader) fault(p position, field, format string, args ...any) {
	if len(y.faults) == maxFaults {
		return
	}
	y.faults = append(y.faults, RowError{File: y.file, Line: p.line, Column: p.column, Field: field, Reason: fmt.Sprintf(format, args...)})
}

// read parses a document. It returns nil after a fault that leaves nothing to
// go on with.
func (y *yamlReader) read(text []byte) (out *node) {
	if len(text) > maxMapping {
		y.fault(position{}, "", "has more than %d KB", maxMapping>>10)
		return nil
	}
	depth := 0
	for i, l := range strings.Split(string(text), "\n") {
		branch := len(l) - len(strings.TrimLeft(l, " -?:\t"))
		depth = max(0, depth+strings.Count(l, "[")+strings.Count(l, "{")-strings.Count(l, "]")-strings.Count(l, "}"))
		if branch > maxBranch || depth > 4*maxDepth {
			y.fault(position{i + 1, 1}, "", "is nested too deep")
			return nil
		}
	}
	defer func() { // the parser has been seen to panic on broken input
		if r := recover(); r != nil {
			y.fault(position{}, "", "is not YAML: %v", r)
			out = nil
		}
	}()
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		var ye yaml.Error
		if !errors.As(err, &ye) || ye.GetToken() == nil || ye.GetToken().Position == nil {
			y.fault(position{}, "", "is not YAML: %v", err)
			return nil
		}
		p := ye.GetToken().Position
		y.fault(position{p.Line, p.Column}, "", "is not YAML: %s", ye.GetMessage())
		return nil
	}
	var body ast.Node
	for _, d := range file.Docs {
		switch {
		case d.Body == nil:
		case body != nil:
			y.fault(positionOf(d.Body), "", "there is more than one document")
			return nil
		default:
			body = d.Body
		}
	}
	if body == nil {
		y.fault(position{1, 1}, "", "is empty")
		return nil
	}
	return y.node(body, 0)
}

func positionOf(n ast.Node) position {
	if n == nil {
		return position{}
	}
	switch m := n.(type) { // their token is the colon
	case *ast.MappingNode:
		if len(m.Values) > 0 {
			return positionOf(m.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return positionOf(m.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return position{t.Position.Line, t.Position.Column}
	}
	return position{}
}

func (y *yamlReader) node(n ast.Node, depth int) *node {
	out := &node{what: 's', pos: positionOf(n)}
	if depth > maxDepth {
		y.fault(out.pos, "", "is nested too deep")
		return out
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
	case *ast.StringNode:
		out.text = n.Value
	case *ast.LiteralNode:
		if n.Value != nil {
			out.text = n.Value.Value
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.text = n.GetToken().Value
	case *ast.SequenceNode:
		out.what = 'l'
		for _, v := range n.Values {
			out.values = append(out.values, y.node(v, depth+1))
		}
	case *ast.MappingNode:
		out.what = 'm'
		for _, v := range n.Values {
			y.entry(out, v, depth)
		}
	case *ast.MappingValueNode:
		out.what = 'm'
		y.entry(out, n, depth)
	default:
		y.fault(out.pos, "", "anchors, aliases and tags are not understood here")
	}
	return out
}

func (y *yamlReader) entry(out *node, v *ast.MappingValueNode, depth int) {
	k := y.node(keyNode(v.Key), depth+1)
	if k.what != 's' {
		y.fault(k.pos, "", "a key must be a word")
		return
	}
	for i, have := range out.keys {
		if have == k.text {
			y.fault(k.pos, k.text, "stands here and in line %d", out.at[i].line)
			return
		}
	}
	out.keys = append(out.keys, k.text)
	out.at = append(out.at, k.pos)
	out.values = append(out.values, y.node(v.Value, depth+1))
}

func keyNode(k ast.MapKeyNode) ast.Node {
	if m, ok := k.(*ast.MappingKeyNode); ok {
		return m.Value
	}
	return k
}

// mapping hands each entry to what is known under its key. Unknown keys are faults.
func (y *yamlReader) mapping(n *node, field string, known map[string]func(*node)) {
	if n.what != 'm' {
		y.fault(n.pos, field, "must be a mapping of keys to values")
		return
	}
	names := make([]string, 0, len(known))
	for k := range known {
		names = append(names, k)
	}
	for i, k := range n.keys {
		if read := known[k]; read != nil {
			read(n.values[i])
			continue
		}
		y.fault(n.at[i], field, "the key %s is not known%s", quote(k), didYouMean(k, names))
	}
}

// text returns a scalar.
func (y *yamlReader) text(n *node, field string) string {
	if n.what != 's' {
		y.fault(n.pos, field, "must be a text")
	}
	return n.text
}

// list hands out the values of a list; a scalar is a list of one.
func (y *yamlReader) list(n *node, field string, each func(*node)) {
	switch {
	case n.what == 'l':
		for _, v := range n.values {
			each(v)
		}
	case n.what == 's' && n.text != "":
		each(n)
	case n.what == 'm':
		y.fault(n.pos, field, "must be a list")
	}
}

// texts hands out a mapping of words to texts, in the file's order.
func (y *yamlReader) texts(n *node, field string, each func(key, value string, keyAt, valueAt position)) {
	if n.what == 's' && n.text == "" {
		return
	}
	if n.what != 'm' {
		y.fault(n.pos, field, "must be a mapping of keys to texts")
		return
	}
	for i, k := range n.keys {
		v := n.values[i]
		at := v.pos
		if at.line == 0 {
			at = n.at[i]
		}
		each(k, y.text(v, field+"."+k), n.at[i], at)
	}
}
