package rules

import (
	"fmt"
	"math"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// lowerer turns expr's syntax tree into terms, checks the types by our rules
// and collects every fault. A nil term stands for "faulty, already reported".
type lowerer struct {
	front  *frontEnd
	each   *field
	path   []string // conditions being expanded
	item   *rowType // element type of the innermost loop, nil outside
	depth  int      // loops around
	nodes  int      // of expanded conditions
	faults []exprFault
}

const (
	maxFaults = 20  // of one expression
	maxNames  = 100 // conditions or parameters that use one another
)

func (l *lowerer) fault(at int, format string, args ...any) *term {
	if len(l.faults) < maxFaults {
		l.faults = append(l.faults, exprFault{at, fmt.Sprintf(format, args...)})
	}
	return nil
}

func (l *lowerer) expr(n ast.Node) *term {
	t := l.node(n)
	if t == nil {
		return nil
	}
	if t.op == opFold {
		return l.fault(t.at, "fold(…) must be compared: fold(x) == \"…\", fold(x) in […], fold(x) contains \"…\"")
	}
	return t
}

// node lowers one node; unlike expr it lets a bare fold(…) through.
func (l *lowerer) node(n ast.Node) *term {
	switch n := n.(type) {
	case *ast.BoolNode:
		return boolTerm(n.Value, at(n))
	case *ast.IntegerNode:
		return &term{op: opConst, kind: Int, num: int64(n.Value), at: at(n), cost: 1}
	case *ast.FloatNode:
		if math.IsNaN(n.Value) || math.IsInf(n.Value, 0) {
			return l.fault(at(n), "is too large a number")
		}
		return &term{op: opConst, kind: Float, flo: n.Value, at: at(n), cost: 1}
	case *ast.StringNode:
		return &term{op: opConst, kind: String, str: n.Value, at: at(n), cost: 1}
	case *ast.NilNode:
		return &term{op: opConst, kind: null, at: at(n), nullable: true, cost: 1}
	case *ast.ArrayNode:
		return l.array(n)
	case *ast.IdentifierNode:
		return l.identifier(n)
	case *ast.MemberNode:
		return l.member(n)
	case *ast.UnaryNode:
		return l.unary(n)
	case *ast.BinaryNode:
		return l.binary(n)
	case *ast.ConditionalNode:
		return l.conditional(n)
	case *ast.BuiltinNode:
		return l.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			return l.call(n, id.Value, n.Arguments)
		}
		return l.fault(at(n), "methods cannot be called")
	case *ast.PointerNode:
		if n.Name != "" {
			return l.fault(at(n), "#%s is not part of the rule language", n.Name)
		}
		return l.fault(at(n), "a row cannot be used as a value: name a field, as in .Amount")
	case *ast.ChainNode:
		return l.fault(at(n), "?. is not part of the rule language: a comparison with null is false by itself")
	case *ast.SliceNode:
		return l.fault(at(n), "slices are not part of the rule language: use any, all, count or sum")
	case *ast.MapNode:
		return l.fault(at(n), "maps are not part of the rule language")
	case *ast.VariableDeclaratorNode:
		return l.fault(at(n), "let is not part of the rule language: use a named condition")
	case *ast.SequenceNode:
		return l.fault(at(n), "; is not part of the rule language")
	}
	return l.fault(at(n), "this is not part of the rule language")
}

func (l *lowerer) array(n *ast.ArrayNode) *term {
	t := &term{op: opConst, kind: list, at: at(n), cost: 1}
	for _, e := range n.Nodes {
		c := l.expr(e)
		if c == nil {
			return nil
		}
		if c = constant(c); !c.isConst() || !slices.Contains([]Kind{Int, Float, String}, c.kind) {
			return l.fault(c.at, "a list may hold constant numbers and texts only")
		}
		t.list = append(t.list, c)
	}
	if len(t.list) == 0 {
		return l.fault(at(n), "the list is empty")
	}
	return t
}

// constant folds a negated number, which the parser gives as two nodes.
func constant(t *term) *term {
	if t.op == opNeg && t.kids[0].isConst() {
		c := *t.kids[0]
		c.num, c.flo, c.at = -c.num, -c.flo, t.at
		return &c
	}
	return t
}

func (l *lowerer) identifier(n *ast.IdentifierNode) *term {
	root := l.front.schema.root
	if f := root.fields[n.Value]; f != nil {
		l.front.rows[f] = true
		return fieldTerm(f, ofFacts, at(n))
	}
	if c := l.front.conditions[n.Value]; c != nil {
		return l.expand(c, at(n))
	}
	if p := l.front.parameters[n.Value]; p != nil {
		return l.parameter(p, at(n))
	}
	if n.Value == "row" {
		if l.each == nil {
			return l.fault(at(n), "row is known only in a rule with each")
		}
		return l.fault(at(n), "a row cannot be used as a value: name a field, as in row.%s", l.each.row.order[0].name)
	}
	if fn, ok := functions[n.Value]; ok {
		return l.fault(at(n), "%s is a function: %s", n.Value, fn.usage)
	}
	names := root.names()
	for name := range l.front.conditions {
		names = append(names, name)
	}
	for name := range l.front.parameters {
		names = append(names, name)
	}
	if l.item != nil && l.item.fields[n.Value] != nil {
		return l.fault(at(n), "unknown name %s (did you mean .%s, the row's field?)", n.Value, n.Value)
	}
	return l.fault(at(n), "unknown name %s%s", n.Value, didYouMean(n.Value, names))
}

func fieldTerm(f *field, b base, at int) *term {
	return &term{op: opField, kind: f.kind, field: f, base: b, at: at, nullable: f.nullable, scale: f.scale, cost: 1}
}

// expand puts a named condition in the place of its name.
func (l *lowerer) expand(c *condition, at int) *term {
	if msg := circle(l.path, c.name); msg != "" {
		return l.fault(at, "conditions go round in a circle: %s", msg)
	}
	if len(l.path) >= maxNames || c.deep >= maxNames {
		return l.fault(at, "conditions use one another more than %d deep", maxNames)
	}
	if c.each != nil && c.each != l.each {
		return l.fault(at, "condition %s is about rows of %s: it can be used only in rules with each: %s", c.name, c.each.name, c.each.name)
	}
	if !c.done {
		used, deep := l.front.used, l.front.deep
		l.front.used, l.front.deep = nameSet{}, 0
		c.term, c.faults = l.front.lower(c.text, c.each, append(slices.Clone(l.path), c.name))
		c.uses, c.deep, c.done = l.front.used.list, l.front.deep+1, true
		l.front.used, l.front.deep = used, deep
		c.term.walk(func(*term) { c.size++ })
	}
	l.front.use(c.name)
	for _, name := range c.uses {
		l.front.use(name)
	}
	l.front.deep = max(l.front.deep, c.deep)
	if c.term == nil {
		return l.fault(at, "condition %s is faulty: %s", c.name, c.faults[0].msg)
	}
	limits := l.front.schema.limits
	if l.nodes += c.size; l.nodes > limits.Nodes {
		return l.fault(at, "has more than %d nodes when its conditions are expanded", limits.Nodes)
	}
	if l.depth+loopDepth(c.term) > limits.Nesting {
		return l.fault(at, "loops may be nested %d deep, those of condition %s included", limits.Nesting, c.name)
	}
	return c.term
}

// loopDepth returns how deep loops are nested in t.
func loopDepth(t *term) int {
	if t == nil {
		return 0
	}
	d := 0
	for _, k := range t.kids {
		d = max(d, loopDepth(k))
	}
	if t.isLoop() {
		d++
	}
	return d
}

// member lowers row.Field and .Field.
func (l *lowerer) member(n *ast.MemberNode) *term {
	name, ok := n.Property.(*ast.StringNode)
	if !ok || n.Optional {
		return l.fault(at(n), "indexes are not part of the rule language: use any, all, count or sum")
	}
	switch of := n.Node.(type) {
	case *ast.PointerNode:
		if l.item == nil || of.Name != "" {
			return l.fault(at(n), "a field of a row is known only within any, all, none, one, count, sum and filter")
		}
		return l.rowField(l.item, ofItem, name)
	case *ast.IdentifierNode:
		if of.Value == "row" && l.front.schema.root.fields["row"] == nil {
			if l.each == nil {
				return l.fault(at(of), "row is known only in a rule with each")
			}
			return l.rowField(l.each.row, ofRow, name)
		}
		if f := l.front.schema.root.fields[of.Value]; f != nil && f.kind == Rows {
			return l.fault(at(n), "%s has many rows: use any(%s, .%s …) or the like", of.Value, of.Value, name.Value)
		}
	}
	if l.expr(n.Node) == nil {
		return nil
	}
	return l.fault(at(n), "there is no field %s here", name.Value)
}

func (l *lowerer) rowField(t *rowType, b base, name *ast.StringNode) *term {
	if f := t.fields[name.Value]; f != nil {
		l.front.rows[f] = true
		return fieldTerm(f, b, at(name))
	}
	return l.fault(at(name), "unknown field %s%s", name.Value, didYouMean(name.Value, t.names()))
}

func (l *lowerer) unary(n *ast.UnaryNode) *term {
	t := l.expr(n.Node)
	if t == nil {
		return nil
	}
	switch n.Operator {
	case "not", "!":
		if t.kind != Bool {
			return l.fault(at(n), "%s needs true or false, not a value of kind %s", n.Operator, t.kind)
		}
		t = not(t)
		t.at = at(n)
		return t
	}
	if t.kind != Int && t.kind != Float {
		return l.fault(at(n), "%s needs a number, not a value of kind %s", n.Operator, t.kind)
	}
	if n.Operator == "+" {
		return t
	}
	return &term{op: opNeg, kind: t.kind, kids: []*term{t}, at: at(n), nullable: t.nullable, scale: scaleOf(t), cost: t.cost + 1}
}

func (l *lowerer) conditional(n *ast.ConditionalNode) *term {
	c, a, b := l.expr(n.Cond), l.expr(n.Exp1), l.expr(n.Exp2)
	if c == nil || a == nil || b == nil {
		return nil
	}
	if c.kind != Bool {
		return l.fault(c.at, "the condition before ? must be true or false, not a value of kind %s", c.kind)
	}
	a, b = numeric(a, b)
	if a.kind != b.kind || !scalar(a.kind) {
		return l.fault(at(n), "both sides of : must be of one kind, not %s and %s", a.kind, b.kind)
	}
	return &term{op: opIf, kind: a.kind, kids: []*term{c, a, b}, at: c.at,
		nullable: a.nullable || b.nullable, scale: scaleOf(a), cost: addCost(c.cost, max(a.cost, b.cost))}
}

func scalar(k Kind) bool { return k == Bool || k == Int || k == Float || k == String || k == day }

// numeric makes both terms floats if one of them is.
func numeric(a, b *term) (*term, *term) {
	a, b = alignScale(a, b)
	if a.kind == Int && b.kind == Float {
		a = toFloat(a)
	}
	if a.kind == Float && b.kind == Int {
		b = toFloat(b)
	}
	if a.kind == Time && b.kind == day {
		a = toDay(a)
	}
	if a.kind == day && b.kind == Time {
		b = toDay(b)
	}
	return a, b
}

func toFloat(t *term) *term {
	if t.kind == Float {
		return t
	}
	if t.scaled() {
		return wholeUnits(t)
	}
	if t.isConst() {
		return &term{op: opConst, kind: Float, flo: float64(t.num), at: t.at, cost: 1}
	}
	return &term{op: opFloat, kind: Float, kids: []*term{t}, at: t.at, nullable: t.nullable, cost: t.cost}
}

func toDay(t *term) *term {
	if t.kind == day {
		return t
	}
	return &term{op: opDay, kind: day, kids: []*term{t}, at: t.at, nullable: t.nullable, cost: t.cost + 4}
}

// maxCost is where costs stop growing, so that they cannot wrap around.
const maxCost = math.MaxInt64 / 4

func addCost(a, b int64) int64 { return min(a+b, maxCost) }

func mulCost(n int, c int64) int64 {
	if c > maxCost/int64(max(n, 1)) {
		return maxCost
	}
	return int64(n) * c
}
