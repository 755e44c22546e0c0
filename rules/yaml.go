package rules

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// ReadYAML reads a rule book written in YAML; name is the file's name, for
// faults. A faulty file gives a *CompileError with every fault found; the book
// is returned even then, and Compile refuses it with these faults and its own.
//
//	conditions:
//	  reachable: SMSConsent and "red" not in Tags
//	rules:
//	  - name: after-store-purchase
//	    each: Purchases
//	    when: row.DaysAgo == 1 and row.Channel == "store" and reachable
//	    guard: reachable
//	    then:
//	      - survey: after-purchase
//	        after: 1d
//	        at: "10:00"
//
// Anchors, aliases, merge keys and tags are refused: a rule says what it says.
func ReadYAML(name string, data []byte) (*Book, error) {
	d, ok := newDecoder(name, data, false)
	if !ok {
		return d.finish(nil)
	}
	if s, msg := checkYAML(d.book.text.text); msg != "" {
		d.fault(place{line: s.line, column: s.column}, "", "%s", msg)
		return d.finish(nil)
	}
	v := d.parseYAML()
	if len(d.faults) > 0 {
		return d.finish(nil)
	}
	return d.finish(v) // an empty file is an empty book
}

// checkYAML refuses nesting that no rule book needs.
func checkYAML(text string) (spot, string) {
	depth, n := 0, 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		body := strings.TrimLeft(line, " ")
		indent := len(line) - len(body)
		dashes := 0
		for strings.HasPrefix(body, "- ") || strings.HasPrefix(body, "? ") {
			body = strings.TrimLeft(body[2:], " ")
			dashes++
		}
		for i := 0; i < len(line); i++ {
			switch line[i] {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			case 0:
				return spot{n, 1 + utf8.RuneCountInString(line[:i])}, "the file contains a NUL byte"
			}
			if depth > 10*maxNest {
				return spot{n, 1 + utf8.RuneCountInString(line[:i])}, "brackets are nested too deep"
			}
		}
		if body != "" && indent > maxIndent && !strings.HasPrefix(body, "#") || dashes > 5 {
			return spot{n, 1 + indent}, "the line is indented too far"
		}
	}
	return spot{}, ""
}

func (d *decoder) parseYAML() (v *value) {
	defer func() {
		// As with expr: the parser is not ours, its input is hostile.
		if r := recover(); r != nil {
			d.fault(place{line: 1, column: 1}, "", "the file cannot be read (%v)", r)
		}
	}()
	file, err := parser.ParseBytes([]byte(d.book.text.text), 0)
	if err != nil {
		d.yamlError(err)
		return nil
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if v != nil {
			d.fault(yamlPlace(doc.Body), "", "the file holds more than one document")
			return nil
		}
		if v = d.yamlValue(doc.Body, 0); v == nil {
			return nil
		}
	}
	return v
}

func (d *decoder) yamlError(err error) {
	p, msg := place{line: 1, column: 1}, err.Error()
	var syntax *yaml.SyntaxError
	var duplicate *yaml.DuplicateKeyError
	switch {
	case errors.As(err, &syntax):
		msg = syntax.Message
		p = tokenPlace(syntax.Token)
	case errors.As(err, &duplicate):
		msg = duplicate.Message
		p = tokenPlace(duplicate.Token)
	}
	msg, _, _ = strings.Cut(msg, "\n")
	d.fault(p, "", "%s", msg)
}

func tokenPlace(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{line: 1, column: 1}
	}
	return place{line: max(1, t.Position.Line), column: max(1, t.Position.Column)}
}

func yamlPlace(n ast.Node) place { return tokenPlace(n.GetToken()) }

// yamlValue converts a node; nil stands for null or a fault.
func (d *decoder) yamlValue(n ast.Node, depth int) *value {
	p := yamlPlace(n)
	if depth > maxNest {
		d.fault(p, "", "values are nested more than %d deep", maxNest)
		return nil
	}
	switch n := n.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil
	case *ast.MappingValueNode:
		v := &value{shape: isMap, place: yamlPlace(n.Key)}
		d.yamlEntry(v, n, depth)
		return v
	case *ast.MappingNode:
		v := &value{shape: isMap, place: p}
		if len(n.Values) > 0 && !n.IsFlowStyle {
			v.place = yamlPlace(n.Values[0].Key)
		}
		for _, e := range n.Values {
			d.yamlEntry(v, e, depth)
		}
		return v
	case *ast.SequenceNode:
		v := &value{shape: isList, place: p}
		for _, e := range n.Values {
			item := d.yamlValue(e, depth+1)
			if item == nil {
				item = &value{isText: true, place: p}
				if e != nil {
					item.place = yamlPlace(e)
				}
			}
			v.items = append(v.items, item)
		}
		return v
	case *ast.LiteralNode:
		return d.yamlBlock(n)
	case *ast.StringNode:
		return d.yamlString(n)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		p.verbatim = true
		return &value{text: n.GetToken().Value, place: p}
	}
	d.fault(p, "", "%s are not allowed in a rule book", yamlName(n))
	return nil
}

func yamlName(n ast.Node) string {
	switch n.(type) {
	case *ast.AnchorNode:
		return "anchors"
	case *ast.AliasNode:
		return "aliases"
	case *ast.TagNode:
		return "tags of YAML"
	case *ast.MergeKeyNode:
		return "merge keys"
	}
	return fmt.Sprintf("nodes of type %s", n.Type())
}

func (d *decoder) yamlEntry(v *value, e *ast.MappingValueNode, depth int) {
	var name string
	switch k := e.Key.(type) {
	case *ast.StringNode:
		name = k.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		name = k.GetToken().Value
	default:
		d.fault(yamlPlace(e.Key), "", "%s are not allowed as keys", yamlName(e.Key))
		return
	}
	k := key{name, yamlPlace(e.Key)}
	if d.duplicate(v, k) {
		return
	}
	item := d.yamlValue(e.Value, depth+1)
	switch e.Value.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		item = &value{shape: isNull, place: k.place}
	}
	if item != nil { // else its fault is told
		v.keys = append(v.keys, k)
		v.items = append(v.items, item)
	}
}

func (d *decoder) yamlString(n *ast.StringNode) *value {
	p := yamlPlace(n)
	v := &value{text: n.Value, isText: true, place: p}
	switch n.Token.Type {
	case token.DoubleQuoteType, token.SingleQuoteType:
		p.column++
	}
	if p.verbatim = p.follows(d.book.text, n.Value); p.verbatim {
		v.place = p
	}
	return v
}

// yamlBlock reads | and > texts, whose lines begin below, in one column.
func (d *decoder) yamlBlock(n *ast.LiteralNode) *value {
	v := &value{text: n.Value.Value, isText: true, place: yamlPlace(n)}
	for line := v.place.line + 1; line <= d.book.text.lines(); line++ {
		from, to := d.book.text.bounds(line)
		text := d.book.text.text[from:to]
		if body := strings.TrimLeft(text, " "); strings.TrimSpace(body) != "" {
			p := place{line: v.place.line + 1, column: len(text) - len(body) + 1, block: true}
			if p.verbatim = p.follows(d.book.text, v.text); p.verbatim {
				v.place = p
			}
			break
		}
	}
	return v
}
