package rules

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// lowerer turns expr's syntax tree into terms, checks the types by our rules
// and collects every fault. A nil term stands for "faulty, already reported".
type lowerer struct {
	front  *frontEnd
	each   *ir.Field
	path   []string       // conditions being expanded
	item   *ir.RowType    // element type of the innermost loop, nil outside
	depth  int            // loops around
	nodes  int            // of expanded conditions
	source []rune         // what was parsed
	over   map[int]string // functions over rows that expr does not know, by offset
	faults []exprFault
}

const (
	maxFaults = 20  // of one expression
	maxNames  = 100 // conditions or parameters that use one another
)

// fault reports a mistake and returns nil. What is given a nil operand returns nil without
// a fault of its own, so that one mistake is told once and its neighbours are still
// checked.
func (l *lowerer) fault(at int, format string, args ...any) *ir.Term {
	if len(l.faults) < maxFaults {
		l.faults = append(l.faults, exprFault{at, fmt.Sprintf(format, args...)})
	}
	return nil
}

func (l *lowerer) expr(n ast.Node) *ir.Term {
	t := l.node(n)
	if t == nil {
		return nil
	}
	if t.Op == ir.OpFold {
		return l.fault(t.At, "fold(…) must be compared: fold(x) == \"…\", fold(x) in […], fold(x) contains \"…\"")
	}
	return t
}

// node lowers one node; unlike expr it lets a bare fold(…) through.
func (l *lowerer) node(n ast.Node) *ir.Term {
	switch n := n.(type) {
	case *ast.BoolNode:
		return ir.BoolTerm(n.Value, at(n))
	case *ast.IntegerNode:
		return &ir.Term{Op: ir.OpConst, Kind: ir.Int, Num: int64(n.Value), At: at(n), Cost: 1}
	case *ast.FloatNode:
		if math.IsNaN(n.Value) || math.IsInf(n.Value, 0) {
			return l.fault(at(n), "is too large a number")
		}
		return &ir.Term{Op: ir.OpConst, Kind: ir.Float, Flo: n.Value, Str: l.digits(n), At: at(n), Cost: 1}
	case *ast.StringNode:
		return &ir.Term{Op: ir.OpConst, Kind: ir.String, Str: n.Value, At: at(n), Cost: 1}
	case *ast.NilNode:
		return &ir.Term{Op: ir.OpConst, Kind: ir.Null, At: at(n), Nullable: true, Cost: 1}
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
		if name := l.over[at(n)]; name != "" && n.Name == "map" {
			return l.aggregate(n, name, n.Arguments)
		}
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
		return l.fault(at(n), "a row cannot be used as a value: name a field, as in .Amount; of tags: any(Tags, # startsWith \"vip-\")")
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

func (l *lowerer) array(n *ast.ArrayNode) *ir.Term {
	t := &ir.Term{Op: ir.OpConst, Kind: ir.List, At: at(n), Cost: 1}
	for _, e := range n.Nodes {
		c := l.expr(e)
		if c == nil {
			return nil
		}
		if c = constant(c); !c.IsConst() || !slices.Contains([]ir.Kind{ir.Int, ir.Float, ir.String}, c.Kind) {
			return l.fault(c.At, "a list may hold constant numbers and texts only")
		}
		t.List = append(t.List, c)
	}
	if len(t.List) == 0 {
		return l.fault(at(n), "the list is empty")
	}
	return t
}

// constant folds a negated number, which the parser gives as two nodes.
func constant(t *ir.Term) *ir.Term {
	if t.Op == ir.OpNeg && t.Kids[0].IsConst() {
		c := *t.Kids[0]
		c.Num, c.Flo, c.At = -c.Num, -c.Flo, t.At
		if c.Kind == ir.Float && c.Str != "" {
			c.Str = "-" + c.Str
		}
		return &c
	}
	return t
}

// digits returns a number as it is written: a float does not hold the hundredths
// of seventy million millions. It is "" for one with an exponent.
func (l *lowerer) digits(n *ast.FloatNode) string {
	from, end := n.Location().From, n.Location().From
	for end < len(l.source) && (l.source[end] >= '0' && l.source[end] <= '9' || l.source[end] == '.' || l.source[end] == '_') {
		end++
	}
	text := strings.ReplaceAll(string(l.source[from:end]), "_", "")
	if f, err := strconv.ParseFloat(text, 64); err != nil || f != n.Value {
		return ""
	}
	if strings.Contains(text, ".") {
		text = strings.TrimRight(text, "0")
	}
	if strings.HasPrefix(text, ".") {
		text = "0" + text
	}
	return text
}

func (l *lowerer) identifier(n *ast.IdentifierNode) *ir.Term {
	root := l.front.schema.Root
	if f := root.Fields[n.Value]; f != nil {
		l.front.rows[f] = true
		return ir.FieldTerm(f, ir.OfFacts, at(n))
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
		return l.fault(at(n), "a row cannot be used as a value: name a field, as in row.%s", l.each.Row.Order[0].Name)
	}
	if fn, ok := functions[n.Value]; ok {
		return l.fault(at(n), "%s is a function: %s", n.Value, fn.usage)
	}
	if n.Value == "null" || n.Value == "None" || n.Value == "NULL" {
		return l.fault(at(n), "unknown name %s: what is missing is written nil", n.Value)
	}
	if h := spellings[strings.ToLower(n.Value)]; h != "" {
		return l.fault(at(n), "unknown name %s: %s", n.Value, h)
	}
	names := root.Names()
	for name := range l.front.conditions {
		names = append(names, name)
	}
	for name := range l.front.parameters {
		names = append(names, name)
	}
	if l.item != nil && l.item.Fields[n.Value] != nil {
		return l.fault(at(n), "unknown name %s (did you mean .%s, the row's field?)", n.Value, n.Value)
	}
	return l.fault(at(n), "unknown name %s%s", n.Value, didYouMean(n.Value, names))
}

// knows reports whether a name is a field, a condition or a parameter.
func (l *lowerer) knows(name string) bool {
	return l.front.schema.Root.Fields[name] != nil || l.front.conditions[name] != nil || l.front.parameters[name] != nil
}

// expand puts a named condition in the place of its name.
func (l *lowerer) expand(c *condition, at int) *ir.Term {
	if msg := circle(l.path, c.name); msg != "" {
		return l.fault(at, "conditions go round in a circle: %s", msg)
	}
	if len(l.path) >= maxNames || c.deep >= maxNames {
		return l.fault(at, "conditions use one another more than %d deep", maxNames)
	}
	if c.each != nil && c.each != l.each {
		return l.fault(at, "condition %s is about rows of %s: it can be used only in rules with each: %s", c.name, c.each.Name, c.each.Name)
	}
	if !c.done {
		used, deep := l.front.used, l.front.deep
		l.front.used, l.front.deep = nameSet{}, 0
		c.term, c.faults = l.front.lower(c.text, c.each, append(slices.Clone(l.path), c.name))
		c.uses, c.deep, c.done = l.front.used.list, l.front.deep+1, true
		l.front.used, l.front.deep = used, deep
		c.term.Walk(func(*ir.Term) { c.size++ })
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
func loopDepth(t *ir.Term) int {
	if t == nil {
		return 0
	}
	d := 0
	for _, k := range t.Kids {
		d = max(d, loopDepth(k))
	}
	if t.IsLoop() {
		d++
	}
	return d
}

// member lowers row.Field and .Field.
func (l *lowerer) member(n *ast.MemberNode) *ir.Term {
	name, ok := n.Property.(*ast.StringNode)
	if !ok || n.Optional {
		return l.fault(at(n), "indexes are not part of the rule language: use any, all, count or sum")
	}
	switch of := n.Node.(type) {
	case *ast.CallNode:
		if id, ok := of.Callee.(*ast.IdentifierNode); ok && (id.Value == ir.PickFirst || id.Value == ir.PickLast) {
			return l.nth(of, id.Value, of.Arguments, name)
		}
	case *ast.PointerNode:
		if l.item == nil || of.Name != "" {
			return l.fault(at(n), "a field of a row is known only within any, all, none, one, count, sum and filter")
		}
		return l.rowField(l.item, ir.OfItem, name)
	case *ast.IdentifierNode:
		if of.Value == "row" && l.front.schema.Root.Fields["row"] == nil {
			if l.each == nil {
				return l.fault(at(of), "row is known only in a rule with each")
			}
			return l.rowField(l.each.Row, ir.OfRow, name)
		}
		if f := l.front.schema.Root.Fields[of.Value]; f != nil && f.Kind == ir.Rows {
			return l.fault(at(n), "%s has many rows: use any(%s, .%s …) or the like", of.Value, of.Value, name.Value)
		}
	}
	if l.expr(n.Node) == nil {
		return nil
	}
	return l.fault(at(n), "there is no field %s here", name.Value)
}

func (l *lowerer) rowField(t *ir.RowType, b ir.Base, name *ast.StringNode) *ir.Term {
	if f := t.Fields[name.Value]; f != nil {
		l.front.rows[f] = true
		return ir.FieldTerm(f, b, at(name))
	}
	return l.fault(at(name), "unknown field %s%s", name.Value, didYouMean(name.Value, t.Names()))
}

func (l *lowerer) unary(n *ast.UnaryNode) *ir.Term {
	t := l.expr(n.Node)
	if t == nil {
		return nil
	}
	switch n.Operator {
	case "not", "!":
		if t.Kind != ir.Bool {
			return l.fault(at(n), "%s needs true or false, not a value of kind %s", n.Operator, t.Kind)
		}
		t = ir.Not(t)
		t.At = at(n)
		return t
	}
	if t.Kind != ir.Int && t.Kind != ir.Float {
		return l.fault(at(n), "%s needs a number, not a value of kind %s", n.Operator, t.Kind)
	}
	if n.Operator == "+" {
		return t
	}
	return constant(&ir.Term{Op: ir.OpNeg, Kind: t.Kind, Kids: []*ir.Term{t}, At: at(n), Nullable: t.Nullable, Scale: ir.ScaleOf(t), Cost: t.Cost + 1})
}

func (l *lowerer) conditional(n *ast.ConditionalNode) *ir.Term {
	c, a, b := l.expr(n.Cond), l.expr(n.Exp1), l.expr(n.Exp2)
	if c == nil || a == nil || b == nil {
		return nil
	}
	if c.Kind != ir.Bool {
		return l.fault(c.At, "the condition before ? must be true or false, not a value of kind %s", c.Kind)
	}
	a, b = numeric(a, b)
	if a.Kind != b.Kind || !ir.Scalar(a.Kind) {
		return l.fault(at(n), "both sides of : must be of one kind, not %s and %s", a.Kind, b.Kind)
	}
	return &ir.Term{Op: ir.OpIf, Kind: a.Kind, Kids: []*ir.Term{c, a, b}, At: c.At,
		Nullable: a.Nullable || b.Nullable, Scale: ir.ScaleOf(a), Cost: ir.AddCost(c.Cost, max(a.Cost, b.Cost))}
}

// numeric makes both terms floats if one of them is.
func numeric(a, b *ir.Term) (*ir.Term, *ir.Term) {
	a, b = alignScale(a, b)
	if a.Kind == ir.Int && b.Kind == ir.Float {
		a = toFloat(a)
	}
	if a.Kind == ir.Float && b.Kind == ir.Int {
		b = toFloat(b)
	}
	if a.Kind == ir.Time && b.Kind == ir.Day {
		a = ir.ToDay(a)
	}
	if a.Kind == ir.Day && b.Kind == ir.Time {
		b = ir.ToDay(b)
	}
	return a, b
}

// toFloat turns an integer into a float; a decimal is divided by its scale.
func toFloat(t *ir.Term) *ir.Term {
	if t.Kind == ir.Float {
		return t
	}
	if t.Scaled() {
		return wholeUnits(t)
	}
	if t.IsConst() {
		return &ir.Term{Op: ir.OpConst, Kind: ir.Float, Flo: float64(t.Num), At: t.At, Cost: 1}
	}
	return &ir.Term{Op: ir.OpFloat, Kind: ir.Float, Kids: []*ir.Term{t}, At: t.At, Nullable: t.Nullable, Cost: t.Cost}
}

// mulCost multiplies a cost; what is above ir.MaxCost, which no limit reaches, stays there
// instead of overflowing.
func mulCost(n int, c int64) int64 {
	if c > ir.MaxCost/int64(max(n, 1)) {
		return ir.MaxCost
	}
	return int64(n) * c
}
