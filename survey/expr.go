package survey

import (
	"encoding/json"
	"fmt"
	"strings"
)

// expressionError says where an expression could not be compiled.
type expressionError struct {
	Offset int // bytes from the start of the expression
	Msg    string
	Err    error // ErrLimit or nil
}

func (e *expressionError) Error() string {
	s := fmt.Sprintf("expression at %d: %s", e.Offset, e.Msg)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *expressionError) Unwrap() error { return e.Err }

// expression is a compiled SurveyJS expression. It is immutable and safe for
// concurrent use. Grammar and values are those of survey-core 3.1.1.
type expression struct {
	root    exprNode
	src     string
	names   []string // of the variables, as written without a leading #
	paths   []path   // the same, cut
	unknown []string // functions that there are not
	free    bool     // a function is called with arguments that read nothing
}

// maxExprDepth bounds the nesting of brackets, which the parser follows by recursion.
const maxExprDepth = 64

// compileExpr compiles an expression of at most limit bytes. The error is an
// *expressionError.
func compileExpr(src string, limit int) (*expression, error) {
	if len(src) > limit {
		return nil, &expressionError{Offset: limit, Msg: fmt.Sprintf("%d bytes", len(src)), Err: ErrLimit}
	}
	x := &expression{src: src}
	p := &exprParser{src: rewriteAliases(src), out: x, steps: 64 * (len(src) + 16)}
	root, ok := p.expression(0)
	if p.err != nil {
		return nil, p.err
	}
	p.space()
	if !ok || p.pos < len(p.src) {
		return nil, p.unexpected()
	}
	if isNull(root) {
		return nil, &expressionError{Offset: 0, Msg: "null alone is no expression"}
	}
	x.root = root
	return x, nil
}

// rewriteAliases replaces the spellings that SurveyJS rewrites before parsing.
// Each replacement has the length of what it replaces, so offsets hold.
func rewriteAliases(s string) string {
	return aliases.Replace(s)
}

var aliases = strings.NewReplacer("=>", ">=", "=<", "<=", "<>", "!=", "equals", "equal ")

// exprParser reads an expression as the parsing expression grammar of SurveyJS does: an
// alternative that fails leaves the position where it was.
type exprParser struct {
	src   string
	pos   int
	far   int // where the furthest alternative failed
	steps int // left, so that alternatives within alternatives end
	out   *expression
	err   error // beyond a limit
}

// space skips blanks.
func (p *exprParser) space() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\n\r", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// unexpected names the character that the grammar has no rule for.
func (p *exprParser) unexpected() error {
	at := max(p.pos, p.far)
	if at >= len(p.src) {
		return &expressionError{Offset: at, Msg: "ends too early"}
	}
	r := []rune(p.src[at:min(len(p.src), at+4)])
	return &expressionError{Offset: at, Msg: fmt.Sprintf("unexpected %q", r[0])}
}

// word consumes an operator or keyword, in any case of letters. As in the
// original grammar no space is needed after it.
func (p *exprParser) word(w string) bool {
	if len(p.src)-p.pos < len(w) {
		return false
	}
	for i := range len(w) {
		c := p.src[p.pos+i]
		if c != w[i] && (c < 'A' || c > 'Z' || c|0x20 != w[i]) {
			return false
		}
	}
	p.pos += len(w)
	return true
}

// exprOp is an operator with all its spellings, the longest first.
type exprOp struct {
	spellings []string // the first is its name
	make      func(l, r exprNode) exprNode
}

// exprLevels are the operators, loosest first.
var exprLevels = [][]exprOp{
	{{[]string{"||", "or"}, func(l, r exprNode) exprNode { return &orNode{l, r} }}},
	{{[]string{"&&", "and"}, func(l, r exprNode) exprNode { return &andNode{l, r} }}},
	{
		{[]string{"<=", "lessorequal"}, comparing("<=", opLessEq)},
		{[]string{">=", "greaterorequal"}, comparing(">=", opGreaterEq)},
		{[]string{"==", "equal", "="}, comparing("=", opEqual)},
		{[]string{"!=", "notequal"}, comparing("<>", opNotEqual)},
		{[]string{"<", "less"}, comparing("<", opLess)},
		{[]string{">", "greater"}, comparing(">", opGreater)},
	},
	{{[]string{"+"}, reckoning(opPlus)}, {[]string{"-"}, reckoning(opMinus)}},
	{{[]string{"*"}, reckoning(opMul)}, {[]string{"/"}, reckoning(opDiv)}, {[]string{"%"}, reckoning(opMod)}},
	{{[]string{"^", "power"}, reckoning(opPower)}},
	{
		{[]string{"*=", "contains", "contain"}, comparing("contains", opContains)},
		{[]string{"notcontains", "notcontain"}, comparing("notcontains", opNotContains)},
		{[]string{"anyof"}, comparing("anyof", opAnyOf)},
		{[]string{"allof"}, comparing("allof", opAllOf)},
		{[]string{"noneof"}, comparing("noneof", opNoneOf)},
	},
}

// setLevel is the level of contains and its kin, whose right operand may be missing.
const setLevel = 6

func comparing(name string, op func(*evaluation, any, any) any) func(l, r exprNode) exprNode {
	return func(l, r exprNode) exprNode { return &binaryNode{name, orders[name], op, l, r} }
}

func reckoning(op func(*evaluation, any, any) any) func(l, r exprNode) exprNode {
	return func(l, r exprNode) exprNode { return &arithmeticNode{op, l, r} }
}

// expression parses everything that may stand in brackets.
func (p *exprParser) expression(depth int) (exprNode, bool) {
	if depth > maxExprDepth || p.steps < 0 {
		p.tooMuch()
		return nil, false
	}
	p.space()
	x, ok := p.level(0, depth)
	if ok {
		p.space()
	}
	return x, ok
}

// tooMuch notes that a limit is exceeded, which ends the parse.
func (p *exprParser) tooMuch() {
	if p.err == nil {
		p.err = &expressionError{Offset: p.pos, Msg: "nested too deeply", Err: ErrLimit}
	}
}

// level parses a left-associative chain of one precedence.
func (p *exprParser) level(n, depth int) (exprNode, bool) {
	if n == len(exprLevels) {
		return p.factor(depth)
	}
	start := p.pos
	left, ok := p.level(n+1, depth)
	if !ok {
		p.back(start)
		return nil, false
	}
	for p.err == nil {
		mark := p.pos
		p.space()
		op := p.operator(exprLevels[n])
		if op == nil {
			p.pos = mark
			return left, true
		}
		afterOp := p.pos
		p.space()
		right, ok := p.level(n+1, depth)
		switch {
		case ok:
		case n == setLevel:
			p.pos, right = afterOp, null
			p.space()
		default:
			p.back(mark)
			return left, true
		}
		left = op.make(left, right)
	}
	return nil, false
}

// back returns to a position and notes how far the parse came.
func (p *exprParser) back(to int) {
	p.far = max(p.far, p.pos)
	p.pos = to
}

// operator consumes one of the operators of a level, or nothing.
func (p *exprParser) operator(ops []exprOp) *exprOp {
	for i := range ops {
		for _, s := range ops[i].spellings {
			if p.word(s) {
				return &ops[i]
			}
		}
	}
	return nil
}

// factor parses one operand with the unary operators before and after it.
func (p *exprParser) factor(depth int) (exprNode, bool) {
	if p.steps--; p.steps < 0 || depth > maxExprDepth {
		p.tooMuch()
		return nil, false
	}
	start := p.pos
	if p.word("(") {
		if x, ok := p.expression(depth + 1); ok {
			p.word(")") // SurveyJS lets it be missing
			return x, true
		}
		p.back(start)
		return nil, false
	}
	if x, ok := p.call(depth + 1); ok || p.err != nil {
		return x, ok
	}
	if p.word("!") || p.word("negate") {
		p.space()
		if x, ok := p.factor(depth + 1); ok {
			return &notNode{x}, true
		}
		p.back(start) // the word negate alone is a text
	}
	if x, ok := p.atom(); ok {
		mark := p.pos
		p.space()
		switch {
		case p.word("empty"):
			return &emptyNode{x, true}, true
		case p.word("notempty"):
			return &emptyNode{x, false}, true
		}
		p.pos = mark
		return x, true
	}
	p.back(start)
	if p.word("[") {
		if items, ok := p.sequence(depth + 1); ok && p.word("]") {
			return newArray(items), true
		}
	}
	p.back(start)
	return nil, false
}

// call parses a function and its arguments. The closing bracket may be missing.
func (p *exprParser) call(depth int) (exprNode, bool) {
	name := bareword(p.src[p.pos:])
	if name == "" || !strings.HasPrefix(p.src[p.pos+len(name):], "(") {
		return nil, false
	}
	p.pos += len(name) + 1
	names := len(p.out.names)
	args, ok := p.sequence(depth)
	if !ok {
		return nil, false
	}
	p.word(")")
	p.out.free = p.out.free || len(p.out.names) == names
	fn := functionNamed(name)
	if fn == nil {
		p.out.unknown = append(p.out.unknown, name)
	}
	if name == "iif" && len(args) >= 2 {
		n := &iifNode{when: args[0], then: args[1]}
		if len(args) > 2 {
			n.otherwise = args[2]
		}
		return n, true
	}
	return &callNode{name, fn, args}, true
}

// sequence parses expressions between commas, perhaps none. A list that begins with null is
// empty, as survey-core reads it.
func (p *exprParser) sequence(depth int) ([]exprNode, bool) {
	start := p.pos
	first, ok := p.expression(depth)
	if p.err != nil {
		return nil, false
	}
	var items []exprNode
	if ok {
		items = append(items, first)
	} else {
		p.back(start)
		first = null
	}
	for {
		mark := p.pos
		p.space()
		if !p.word(",") {
			p.pos = mark
			break
		}
		x, ok := p.expression(depth)
		if !ok {
			p.back(mark)
			break
		}
		items = append(items, x)
	}
	if isNull(first) {
		items = nil
	}
	return items, p.err == nil
}

// isNull tells whether an expression is the literal null or undefined.
func isNull(n exprNode) bool { return n == null }

// atom parses a constant, a name in braces, a text in quotes or a bare word.
func (p *exprParser) atom() (exprNode, bool) {
	rest := p.src[p.pos:]
	switch {
	case strings.HasPrefix(rest, "undefined"):
		p.pos += len("undefined")
		return null, true
	case strings.HasPrefix(rest, "null"):
		p.pos += len("null")
		return null, true
	case p.word("true"):
		return &constNode{true}, true
	case p.word("false"):
		return &constNode{false}, true
	case rest != "" && rest[0] == '{':
		return p.variable(rest)
	case rest != "" && (rest[0] == '\'' || rest[0] == '"'):
		return p.quoted(rest)
	}
	if v, n, ok := exprNumber(rest); ok {
		p.pos += n
		return &constNode{v}, true
	}
	if w := bareword(rest); w != "" {
		p.pos += len(w)
		return &constNode{w}, true
	}
	return nil, false
}

// variable reads {name}. A leading # asks for the value as it is, without making a number of a
// text.
func (p *exprParser) variable(rest string) (exprNode, bool) {
	end := strings.IndexAny(rest[1:], "{}")
	if end <= 0 || rest[1+end] != '}' {
		p.far = max(p.far, p.pos)
		return nil, false
	}
	name := rest[1 : 1+end]
	p.pos += end + 2
	stripped, asIs := strings.CutPrefix(name, "#")
	if asIs && stripped != "" {
		name = stripped
	} else {
		asIs = false
	}
	v := &varNode{name: name, asIs: asIs, path: newPath(name), length: strings.HasSuffix(name, ".length")}
	if strings.IndexByte(name, ':') > 0 { // an object, written without its outer braces
		if json.Unmarshal([]byte("{"+name+"}"), &v.object) != nil {
			v.object = nil
		}
	}
	p.out.names = append(p.out.names, name)
	p.out.paths = append(p.out.paths, v.path)
	return v, true
}

func (p *exprParser) quoted(rest string) (exprNode, bool) {
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest) && (rest[i+1] == '\'' || rest[i+1] == '"'):
			i++
			b.WriteByte(rest[i])
		case c == rest[0]:
			p.pos += i + 1
			return &constNode{b.String()}, true
		case c == '\'' || c == '"':
			p.far = max(p.far, p.pos+i)
			return nil, false
		default:
			b.WriteByte(c)
		}
	}
	p.far = max(p.far, len(p.src))
	return nil, false
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
