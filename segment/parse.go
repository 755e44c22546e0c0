package segment

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/vefacrm/vefa/internal/fold"
)

// Parse reads one expression within the limits. The syntax:
//
//	vip                              customers with the tag vip
//	"two words"                      any other tag name, quoted as in Go
//	tag(not)                         a tag whose name is a keyword
//	segment(loyal)  leaf(rfm:5-5-5)  another segment, a leaf from outside
//	a and b   a or b   a xor b       joined; different words need parentheses
//	not a                            everyone but a
//	a and b except c except d        all before it, without c and without d
//	at least 2 of (a, b, c)          also all(a, b), any(a, b)
//	everyone   nobody
//
// Keywords are read in any ASCII case; # begins a comment. Errors are
// *ParseError, *LimitError or *InvalidError.
func Parse(text string, limits Limits) (Expr, error) {
	p, err := newParser(text, limits)
	if err != nil {
		return Expr{}, err
	}
	e, err := p.expr(1)
	if err != nil {
		return Expr{}, err
	}
	if p.tok.kind != tokenEnd {
		return Expr{}, p.unexpected("the end")
	}
	return e, e.validate(p.limits)
}

// ParseDefinitions reads a file of definitions, each written as
//
//	segment name = expression [ignoring red tag, tag]
//
// in the order of the text. A name defined twice is a *ParseError.
func ParseDefinitions(text string, limits Limits) ([]Definition, error) {
	p, err := newParser(text, limits)
	if err != nil {
		return nil, err
	}
	var defs []Definition
	seen := make(map[string]bool)
	for p.tok.kind != tokenEnd {
		at := p.tok.at
		d, err := p.definition()
		if err != nil {
			return nil, err
		}
		if seen[d.Name] {
			return nil, p.scan.fail(at, fmt.Sprintf("segment %q is defined twice", d.Name))
		}
		seen[d.Name] = true
		if defs = append(defs, d); len(defs) > p.limits.Segments {
			return nil, &LimitError{What: "segments", Limit: int64(p.limits.Segments)}
		}
	}
	return defs, nil
}

// parser reads the text syntax by recursive descent, one token ahead, and counts nodes and
// depth as it goes.
type parser struct {
	scan   scanner
	tok    token
	limits Limits
	nodes  int
}

func newParser(text string, limits Limits) (*parser, error) {
	p := &parser{scan: scanner{src: text}, limits: limits.orDefault()}
	if len(text) > p.limits.Bytes {
		return nil, &LimitError{What: "bytes", Limit: int64(p.limits.Bytes)}
	}
	return p, p.advance()
}

func (p *parser) advance() (err error) {
	p.tok, err = p.scan.next()
	return err
}

// unexpected says what should stand where the present token does.
func (p *parser) unexpected(want string) error {
	got := strconv.Quote(p.tok.text)
	if p.tok.kind == tokenEnd {
		got = "the end"
	}
	return p.scan.fail(p.tok.at, fmt.Sprintf("expected %s, found %s", want, got))
}

func (p *parser) expect(punct string) error {
	if p.tok.kind != tokenPunct || p.tok.text != punct {
		return p.unexpected(strconv.Quote(punct))
	}
	return p.advance()
}

func (p *parser) keyword(word string) error {
	if p.tok.key != word {
		return p.unexpected(strconv.Quote(word))
	}
	return p.advance()
}

// name reads a bare or quoted name; free permits keywords, where none can be meant.
func (p *parser) name(what string, free bool) (string, error) {
	t := p.tok
	if t.kind != tokenQuoted && (t.kind != tokenWord || t.key != "" && !free) {
		return "", p.unexpected("the name of a " + what)
	}
	if err := checkName(what, t.text); err != nil {
		return "", p.scan.fail(t.at, err.(*InvalidError).Msg)
	}
	return fold.Compose(t.text), p.advance()
}

// definition reads "segment name = expression" and the red tags that it ignores.
func (p *parser) definition() (d Definition, err error) {
	if err = p.keyword("segment"); err != nil {
		return d, err
	}
	if d.Name, err = p.name("segment", true); err != nil {
		return d, err
	}
	if err = p.expect("="); err != nil {
		return d, err
	}
	if d.Expr, err = p.expr(1); err != nil {
		return d, err
	}
	if err = d.Expr.validate(p.limits); err != nil {
		return d, err
	}
	if p.tok.key != "ignoring" {
		if p.tok.kind != tokenEnd && p.tok.key != "segment" {
			return d, p.unexpected("an operator, \"ignoring red\" or the next segment")
		}
		return d, nil
	}
	if err = p.advance(); err != nil {
		return d, err
	}
	if err = p.keyword("red"); err != nil {
		return d, err
	}
	for {
		tag, err := p.name("tag", false)
		if err != nil {
			return d, err
		}
		d.IgnoreRed = append(d.IgnoreRed, tag)
		if p.tok.kind != tokenPunct || p.tok.text != "," {
			return d.sorted(), nil
		}
		if err := p.advance(); err != nil {
			return d, err
		}
	}
}

// enter bounds the recursion. Parentheses may nest deeper than expressions do,
// because canonical text puts up to two levels around each operand.
func (p *parser) enter(level int) error {
	if level > 3*p.limits.Depth {
		return &LimitError{What: "depth", Limit: int64(p.limits.Depth)}
	}
	return nil
}

// count bounds the nodes of the whole text.
func (p *parser) count() error {
	if p.nodes++; p.nodes > p.limits.Nodes {
		return &LimitError{What: "nodes", Limit: int64(p.limits.Nodes)}
	}
	return nil
}

var infixOps = map[string]operation{"and": isAll, "or": isAny, "xor": isXor, "except": isExcept}

// expr reads operands joined by one operator, then an optional chain of except.
func (p *parser) expr(depth int) (Expr, error) {
	e, err := p.operand(depth)
	if err != nil {
		return Expr{}, err
	}
	for {
		op, ok := infixOps[p.tok.key]
		if !ok {
			return e, nil
		}
		word := p.tok.key
		if err := p.count(); err != nil {
			return Expr{}, err
		}
		e = Expr{op: op, args: []Expr{e}}
		for p.tok.key == word {
			if err := p.advance(); err != nil {
				return Expr{}, err
			}
			next, err := p.operand(depth + 1)
			if err != nil {
				return Expr{}, err
			}
			e.args = append(e.args, next)
		}
		if other, ok := infixOps[p.tok.key]; ok && other != isExcept {
			return Expr{}, p.scan.fail(p.tok.at,
				fmt.Sprintf("%q and %q side by side need parentheses", word, p.tok.key))
		}
	}
}

// operand reads what an operator may join: a name, a call such as segment(x), a list such
// as all(a, b), or a group in parentheses.
func (p *parser) operand(depth int) (Expr, error) {
	if err := p.enter(depth); err != nil {
		return Expr{}, err
	}
	t := p.tok
	if t.kind == tokenPunct && t.text == "(" {
		return p.group(depth)
	}
	if err := p.count(); err != nil {
		return Expr{}, err
	}
	if t.key == "" && (t.kind == tokenWord || t.kind == tokenQuoted) {
		name, err := p.name("tag", false)
		return Tag(name), err
	}
	if t.key != "" {
		if err := p.advance(); err != nil {
			return Expr{}, err
		}
	}
	switch t.key {
	case "everyone":
		return All(), nil
	case "nobody":
		return Any(), nil
	case "not":
		arg, err := p.operand(depth + 1)
		return Not(arg), err
	case "tag":
		return p.named(isTag)
	case "leaf":
		return p.named(isLeaf)
	case "segment":
		return p.named(isSegment)
	case "all":
		args, err := p.list(depth + 1)
		return Expr{op: isAll, args: args}, err
	case "any":
		args, err := p.list(depth + 1)
		return Expr{op: isAny, args: args}, err
	case "at":
		return p.atLeast(depth)
	}
	p.tok = t
	return Expr{}, p.unexpected("a tag or an expression")
}

func (p *parser) group(depth int) (Expr, error) {
	if err := p.advance(); err != nil {
		return Expr{}, err
	}
	e, err := p.expr(depth + 1)
	if err != nil {
		return Expr{}, err
	}
	return e, p.expect(")")
}

func (p *parser) named(op operation) (Expr, error) {
	if err := p.expect("("); err != nil {
		return Expr{}, err
	}
	name, err := p.name(op.String(), true)
	if err != nil {
		return Expr{}, err
	}
	return Expr{op: op, name: name}, p.expect(")")
}

// atLeast reads "at least k of (…)".
func (p *parser) atLeast(depth int) (Expr, error) {
	if err := p.keyword("least"); err != nil {
		return Expr{}, err
	}
	num := p.tok
	k, err := strconv.Atoi(num.text)
	if num.kind != tokenWord || err != nil || k < 1 {
		return Expr{}, p.unexpected("a number from 1")
	}
	if err := p.advance(); err != nil {
		return Expr{}, err
	}
	if err := p.keyword("of"); err != nil {
		return Expr{}, err
	}
	args, err := p.list(depth + 1)
	if err != nil {
		return Expr{}, err
	}
	if k > len(args) {
		return Expr{}, p.scan.fail(num.at, fmt.Sprintf("at least %d of only %d", k, len(args)))
	}
	return AtLeast(k, args...), nil
}

// list reads a parenthesised, comma-separated list, which may be empty.
func (p *parser) list(depth int) ([]Expr, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var args []Expr
	for p.tok.kind != tokenPunct || p.tok.text != ")" {
		if len(args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		e, err := p.expr(depth)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	return slices.Clip(args), p.advance()
}
