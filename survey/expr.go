package survey

import (
	"errors"
	"fmt"
	"strings"
)

// errUnsupported is in the chain of an expressionError for an expression that
// SurveyJS accepts and this version does not evaluate: arithmetic and
// functions.
var errUnsupported = errors.New("not supported")

// expressionError says where an expression could not be compiled.
type expressionError struct {
	Offset int // bytes from the start of the expression
	Msg    string
	Err    error // ErrUnsupported, ErrLimit or nil
}

func (e *expressionError) Error() string {
	s := fmt.Sprintf("expression at %d: %s", e.Offset, e.Msg)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *expressionError) Unwrap() error { return e.Err }

// expression is a compiled SurveyJS condition. It is immutable and safe for
// concurrent use.
//
// The grammar and the values are those of survey-core 3.1.1: or, and, the
// comparisons with their word forms, contains, notcontains, anyof, allof,
// noneof, !, negate, empty, notempty, literals, arrays and {variables} with
// paths. Comparison of texts ignores case as JavaScript does, which is not
// Turkish-aware.
type expression struct {
	root exprNode
}

// Env is what an expression reads: the answers first, then the host's
// variables (SurveyJS calls them survey variables).
type Env struct {
	Answers   map[string]any
	Variables map[string]any
}

// maxExprDepth bounds the nesting of brackets, which the parser follows by recursion.
const maxExprDepth = 64

// compileExpr compiles an expression of at most limit bytes. The error is an
// *expressionError.
func compileExpr(src string, limit int) (*expression, error) {
	if len(src) > limit {
		return nil, &expressionError{Offset: limit, Msg: fmt.Sprintf("%d bytes", len(src)), Err: ErrLimit}
	}
	p := &exprParser{src: rewriteAliases(src)}
	root, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(p.src) {
		return nil, p.unexpected()
	}
	if isNull(root) {
		return nil, &expressionError{Offset: 0, Msg: "null alone is no expression"}
	}
	return &expression{root: root}, nil
}

// rewriteAliases replaces the spellings that SurveyJS rewrites before parsing.
// Each replacement has the length of what it replaces, so offsets hold.
func rewriteAliases(s string) string {
	return strings.NewReplacer("=>", ">=", "=<", "<=", "<>", "!=", "notequals ", "notequal  ", "equals ", "equal  ").Replace(s)
}

// value evaluates the expression. The result is nil, bool, float64, string,
// []any or map[string]any.
func (x *expression) value(env Env) any { return x.root.eval(&env) }

// holds evaluates the expression as the condition of a question or panel. Only
// the value true holds, as in SurveyJS: a number or a text, such as that of
// "{name}" alone, does not.
func (x *expression) holds(env Env) bool { return x.root.eval(&env) == true }

// loosely evaluates the expression as the condition of a choice, where
// SurveyJS compares with JavaScript's ==: true, 1 and "1" hold.
func (x *expression) loosely(env Env) bool {
	switch v := x.root.eval(&env).(type) {
	case bool:
		return v
	case nil, map[string]any:
		return false
	default:
		return toNumber(v) == 1
	}
}

// exprNode is a part of a compiled expression. eval gives what SurveyJS does for the same
// answers and never fails: what has no value is nil.
type exprNode interface{ eval(env *Env) any }

type (
	constNode struct{ v any }
	varNode   struct {
		name string
		asIs bool
	}
	arrayNode struct{ items []exprNode }
	unaryNode struct {
		op func(any) bool
		x  exprNode
	}
	binaryNode struct {
		op   func(a, b any) any
		l, r exprNode
	}
)

// A constant is already in the form of answers.
func (n constNode) eval(*Env) any { return n.v }

// eval looks a name up in the answers, then in the variables. A text that JavaScript reads as a
// number or a truth value becomes it, unless the name stood with a leading #, which asks for it
// as it is.
func (n varNode) eval(env *Env) any {
	v, ok := resolve(env.Answers, n.name)
	if !ok {
		v, ok = resolve(env.Variables, n.name)
	}
	if !ok {
		if strings.HasSuffix(n.name, ".length") {
			return 0.0
		}
		return nil
	}
	if n.asIs {
		return plain(v)
	}
	return converted(plain(v))
}

// eval makes a list of its own, which no operator may change.
func (n arrayNode) eval(env *Env) any {
	out := make([]any, len(n.items))
	for i, it := range n.items {
		out[i] = it.eval(env)
	}
	return out
}

func (n unaryNode) eval(env *Env) any { return n.op(n.x.eval(env)) }

func (n binaryNode) eval(env *Env) any { return n.op(n.l.eval(env), n.r.eval(env)) }

// exprParser reads an expression by recursive descent, over the grammar of SurveyJS.
type exprParser struct {
	src string
	pos int
}

// space skips blanks.
func (p *exprParser) space() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\n\r", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// unexpected names the character that the grammar has no rule for.
func (p *exprParser) unexpected() error {
	if p.pos >= len(p.src) {
		return &expressionError{Offset: p.pos, Msg: "ends too early"}
	}
	r := []rune(p.src[p.pos:min(len(p.src), p.pos+4)])
	return &expressionError{Offset: p.pos, Msg: fmt.Sprintf("unexpected %q", r[0])}
}

// word consumes an operator or keyword, in any case of letters. As in the
// original grammar no space is needed after it.
func (p *exprParser) word(w string) bool {
	if len(p.src)-p.pos < len(w) || !strings.EqualFold(p.src[p.pos:p.pos+len(w)], w) {
		return false
	}
	p.pos += len(w)
	return true
}

// exprOp is an operator with all its spellings.
type exprOp struct {
	spellings []string
	fn        func(a, b any) any
}

// The operators, loosest first. Within a level the longest spelling comes
// first, because matching is by prefix.
var (
	orOps  = []exprOp{{[]string{"||", "or"}, opOr}}
	andOps = []exprOp{{[]string{"&&", "and"}, opAnd}}
	cmpOps = []exprOp{
		{[]string{"<=", "lessorequal"}, opLessEq},
		{[]string{">=", "greaterorequal"}, opGreaterEq},
		{[]string{"==", "equal", "="}, opEqual},
		{[]string{"!=", "notequal"}, opNotEqual},
		{[]string{"<", "less"}, opLess},
		{[]string{">", "greater"}, opGreater},
	}
	setOps = []exprOp{
		{[]string{"*=", "contains", "contain"}, opContains},
		{[]string{"notcontains", "notcontain"}, opNotContains},
		{[]string{"anyof"}, opAnyOf},
		{[]string{"allof"}, opAllOf},
		{[]string{"noneof"}, opNoneOf},
	}
	unaryOps = []struct {
		spelling string
		fn       func(any) bool
	}{{"empty", isEmpty}, {"notempty", func(v any) bool { return !isEmpty(v) }}}
	arithmetic = []string{"+", "-", "*", "/", "%", "^", "power"}
)

// operator consumes one of the operators of a level, or nothing.
func (p *exprParser) operator(ops []exprOp) func(a, b any) any {
	for _, op := range ops {
		for _, s := range op.spellings {
			if p.word(s) {
				return op.fn
			}
		}
	}
	return nil
}

// expression parses everything that may stand in brackets.
func (p *exprParser) expression(depth int) (exprNode, error) {
	if depth > maxExprDepth {
		return nil, &expressionError{Offset: p.pos, Msg: "nested too deeply", Err: ErrLimit}
	}
	return p.level(depth, orOps, func(depth int) (exprNode, error) {
		return p.level(depth, andOps, func(depth int) (exprNode, error) {
			return p.level(depth, cmpOps, p.setExpression)
		})
	})
}

// level parses a left-associative chain of one precedence.
func (p *exprParser) level(depth int, ops []exprOp, next func(int) (exprNode, error)) (exprNode, error) {
	left, err := next(depth)
	if err != nil {
		return nil, err
	}
	for {
		mark := p.pos
		p.space()
		fn := p.operator(ops)
		if fn == nil {
			p.pos = mark
			return left, nil
		}
		right, err := next(depth)
		if err != nil {
			return nil, err
		}
		left = binaryNode{fn, left, right}
	}
}

// setExpression parses factors joined by contains and its kin. The right
// operand may be missing, which reads as null.
func (p *exprParser) setExpression(depth int) (exprNode, error) {
	left, err := p.factor(depth)
	if err != nil {
		return nil, err
	}
	for {
		mark := p.pos
		p.space()
		fn := p.operator(setOps)
		if fn == nil {
			if err := p.refuseArithmetic(); err != nil {
				return nil, err
			}
			p.pos = mark
			return left, nil
		}
		afterOp := p.pos
		right, err := p.factor(depth)
		var syntax *expressionError
		if errors.As(err, &syntax) && syntax.Err == nil {
			p.pos, right = afterOp, constNode{nil}
		} else if err != nil {
			return nil, err
		}
		left = binaryNode{fn, left, right}
	}
}

// refuseArithmetic tells an operator that SurveyJS has and this version does not from a fault
// of the author's.
func (p *exprParser) refuseArithmetic() error {
	at := p.pos
	for _, op := range arithmetic {
		if p.word(op) {
			return &expressionError{Offset: at, Msg: fmt.Sprintf("operator %q", op), Err: errUnsupported}
		}
	}
	return nil
}

// factor parses one operand with the unary operators before and after it.
func (p *exprParser) factor(depth int) (exprNode, error) {
	p.space()
	if depth > maxExprDepth {
		return nil, &expressionError{Offset: p.pos, Msg: "nested too deeply", Err: ErrLimit}
	}
	switch {
	case p.word("("):
		x, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		p.space()
		p.word(")") // SurveyJS lets it be missing
		return x, nil
	case p.word("["):
		return p.array(depth + 1)
	case p.callAhead():
		return nil, &expressionError{Offset: p.pos, Msg: "function call", Err: errUnsupported}
	}
	start := p.pos
	if p.word("!") || p.word("negate") {
		x, err := p.factor(depth + 1)
		if err == nil {
			return unaryNode{func(v any) bool { return !truthy(v) }, x}, nil
		}
		var syntax *expressionError
		if p.src[start] == '!' || errors.As(err, &syntax) && syntax.Err != nil {
			return nil, err
		}
		p.pos = start // the word negate alone is a text
	}
	x, err := p.atom()
	if err != nil {
		return nil, err
	}
	mark := p.pos
	p.space()
	for _, op := range unaryOps {
		if p.word(op.spelling) {
			return unaryNode{op.fn, x}, nil
		}
	}
	p.pos = mark
	return x, nil
}

// callAhead reports whether a function call follows, which this version refuses by name.
func (p *exprParser) callAhead() bool {
	w := bareword(p.src[p.pos:])
	return w != "" && strings.HasPrefix(p.src[p.pos+len(w):], "(")
}

// isNull tells whether an expression is the literal null or undefined.
func isNull(n exprNode) bool {
	c, ok := n.(constNode)
	return ok && c.v == nil
}

// array parses a list in square brackets.
func (p *exprParser) array(depth int) (exprNode, error) {
	n := arrayNode{}
	for {
		p.space()
		if len(n.items) == 0 && p.word("]") {
			return n, nil
		}
		x, err := p.expression(depth)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, x)
		p.space()
		if p.word("]") {
			if isNull(n.items[0]) {
				return arrayNode{}, nil // as survey-core reads a list that starts with null
			}
			return n, nil
		}
		if !p.word(",") {
			return nil, p.unexpected()
		}
	}
}

// atom parses a constant, a name in braces, a text in quotes or a bare word.
func (p *exprParser) atom() (exprNode, error) {
	rest := p.src[p.pos:]
	switch {
	case strings.HasPrefix(rest, "undefined"):
		p.pos += len("undefined")
		return constNode{nil}, nil
	case strings.HasPrefix(rest, "null"):
		p.pos += len("null")
		return constNode{nil}, nil
	case p.word("true"):
		return constNode{true}, nil
	case p.word("false"):
		return constNode{false}, nil
	case rest != "" && rest[0] == '{':
		return p.variable(rest)
	case rest != "" && (rest[0] == '\'' || rest[0] == '"'):
		return p.quoted(rest)
	}
	if v, n, ok := exprNumber(rest); ok {
		p.pos += n
		return constNode{v}, nil
	}
	if w := bareword(rest); w != "" {
		p.pos += len(w)
		return constNode{w}, nil
	}
	return nil, p.unexpected()
}

// variable reads {name}. A leading # asks for the value as it is, without making a number of a
// text.
func (p *exprParser) variable(rest string) (exprNode, error) {
	end := strings.IndexAny(rest[1:], "{}")
	if end <= 0 || rest[1+end] != '}' {
		return nil, &expressionError{Offset: p.pos, Msg: "a variable is written {name}"}
	}
	name := rest[1 : 1+end]
	p.pos += end + 2
	stripped, asIs := strings.CutPrefix(name, "#")
	if asIs && stripped != "" {
		name = stripped
	} else {
		asIs = false
	}
	return varNode{name, asIs}, nil
}

func (p *exprParser) quoted(rest string) (exprNode, error) {
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest) && (rest[i+1] == '\'' || rest[i+1] == '"'):
			i++
			b.WriteByte(rest[i])
		case c == rest[0]:
			p.pos += i + 1
			return constNode{b.String()}, nil
		case c == '\'' || c == '"':
			return nil, &expressionError{Offset: p.pos + i, Msg: "a quote inside a text is written with a backslash"}
		default:
			b.WriteByte(c)
		}
	}
	return nil, &expressionError{Offset: p.pos, Msg: "text without its closing quote"}
}

// bareword returns the leading [A-Za-z_][A-Za-z_0-9]*.
func bareword(s string) string {
	i := 0
	for i < len(s) && (s[i] == '_' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || i > 0 && isDigit(s[i])) {
		i++
	}
	return s[:i]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
