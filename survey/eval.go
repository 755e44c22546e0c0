package survey

import "time"

// Env is what an expression reads: the host's variables (SurveyJS calls them
// survey variables) first, then the answers.
type Env struct {
	Answers   map[string]any
	Variables map[string]any
	Now       time.Time // what today() and its kin give; zero: those have no value
}

// evaluation is what the nodes of an expression read while it is evaluated.
type evaluation struct {
	env     Env
	item    map[string]any // of an array function: the row that is looked at
	scope   *scope         // of a session: where the expression stands
	session *Session
	extra   map[string]any // further names: item, choice
	turkish bool
}

// value evaluates the expression. The result is nil, bool, float64, string,
// []any, map[string]any or jsDate.
func (x *expression) value(env Env) any {
	e := evaluation{env: env}
	return x.root.eval(&e)
}

// holds evaluates the expression as the condition of a question or panel. Only
// the value true holds, as in SurveyJS: a number or a text, such as that of
// "{name}" alone, does not.
func (x *expression) holds(env Env) bool { return x.value(env) == true }

// loosely tells whether the value of a condition of a choice holds, where
// SurveyJS compares with JavaScript's ==: true, 1 and "1" hold.
func loosely(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case nil, map[string]any, jsDate:
		return false
	default:
		return toNumber(v) == 1
	}
}

// exprNode is a part of a compiled expression. eval gives what SurveyJS does for the same
// answers and never fails: what has no value is nil.
type exprNode interface{ eval(e *evaluation) any }

type (
	constNode struct{ v any }
	varNode   struct {
		name   string
		path   path
		asIs   bool
		length bool // of a list or text: 0 where there is none
		object map[string]any
	}
	arrayNode struct{ items []exprNode }
	notNode   struct{ x exprNode }
	emptyNode struct {
		x    exprNode
		want bool
	}
	orNode     struct{ l, r exprNode }
	andNode    struct{ l, r exprNode }
	binaryNode struct {
		name  string // of the operator, for lint
		order order  // what it says of two numbers
		op    func(e *evaluation, a, b any) any
		l, r  exprNode
	}
	arithmeticNode struct {
		op   func(e *evaluation, a, b any) any
		l, r exprNode
	}
	callNode struct {
		name string
		fn   *function
		args []exprNode
	}
)

// null is the literal null; it is one node, so that it can be told from others.
var null exprNode = &constNode{}

// A constant is already in the form of answers.
func (n *constNode) eval(*evaluation) any { return n.v }

// eval looks a name up. A text that JavaScript reads as a number or a truth value becomes it,
// unless the name stood with a leading #, which asks for it as it is.
func (n *varNode) eval(e *evaluation) any {
	v, ok := e.lookup(&n.path)
	if !ok {
		if n.length {
			return 0.0
		}
		if n.object != nil {
			return n.object
		}
		return nil
	}
	if n.asIs {
		return v
	}
	return converted(v)
}

// newArray makes a list. One of constants is made once; no operator changes a list.
func newArray(items []exprNode) exprNode {
	values := make([]any, len(items))
	for i, it := range items {
		c, ok := it.(*constNode)
		if !ok {
			return &arrayNode{items}
		}
		values[i] = c.v
	}
	return &constNode{values}
}

func (n *arrayNode) eval(e *evaluation) any {
	out := make([]any, len(n.items))
	for i, it := range n.items {
		out[i] = it.eval(e)
	}
	return out
}

func (n *notNode) eval(e *evaluation) any { return !truthy(n.x.eval(e)) }

func (n *emptyNode) eval(e *evaluation) any { return isEmpty(n.x.eval(e)) == n.want }

// eval of or and and gives an operand and not a truth value, as JavaScript does: "{a} or 5" may
// be 5.
func (n *orNode) eval(e *evaluation) any {
	a := n.l.eval(e)
	isBool := false
	if x, ok := a.(bool); ok {
		if isBool = ok; x {
			return a
		}
	}
	b := n.r.eval(e)
	if _, ok := b.(bool); ok && isBool {
		return b
	}
	a = operand(a, b)
	b = operand(b, a)
	if truthy(a) {
		return a
	}
	return b
}

func (n *andNode) eval(e *evaluation) any {
	a := n.l.eval(e)
	isBool := false
	if x, ok := a.(bool); ok {
		if isBool = ok; !x {
			return a
		}
	}
	b := n.r.eval(e)
	if _, ok := b.(bool); ok && isBool {
		return b
	}
	a = operand(a, b)
	b = operand(b, a)
	if truthy(a) {
		return b
	}
	return a
}

func (n *binaryNode) eval(e *evaluation) any {
	a, b := n.l.eval(e), n.r.eval(e)
	if n.order != 0 { // most comparisons are of numbers
		if x, ok := a.(float64); ok {
			if y, ok := b.(float64); ok {
				return n.order.holds(x, y)
			}
		}
	}
	if n.order&level != 0 || n.order == below|above|apart {
		if e.isBlank(n.l, a) && isNoList(b) || e.isBlank(n.r, b) && isNoList(a) {
			return n.order&level != 0
		}
	}
	return n.op(e, a, b)
}

// isBlank tells what JavaScript calls undefined: the outcome of a function that gives nothing, and of
// an iif without what it is otherwise, and a question without an answer. To SurveyJS it equals an empty list; null does not.
func (e *evaluation) isBlank(x exprNode, v any) bool {
	if v != nil {
		return false
	}
	switch x := x.(type) {
	case *varNode:
		return e.session != nil && e.session.unanswered(&x.path)
	case *callNode:
		switch x.name {
		case "min", "max", "minInArray", "maxInArray", "isDisplayMode", "getYear", "propertyValue":
			return true
		}
	case *iifNode:
		if truthy(x.when.eval(e)) {
			return e.isBlank(x.then, v)
		}
		return x.otherwise == nil || e.isBlank(x.otherwise, v)
	}
	return false
}

// isNoList tells an empty list.
func isNoList(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) == 0
}

// order is a set of the ways in which a comparison of two numbers may come out for it to hold; 0:
// an operator that is no comparison of numbers.
type order byte

const (
	below order = 1 << iota
	level
	above
	apart // not comparable: one is no number
)

// orders are those of the operators by name.
var orders = map[string]order{
	"<": below, "<=": below | level, "=": level, ">=": level | above, ">": above, "<>": below | above | apart,
}

func (o order) holds(x, y float64) bool {
	switch {
	case x < y:
		return o&below != 0
	case x == y:
		return o&level != 0
	case x > y:
		return o&above != 0
	}
	return o&apart != 0
}

func (n *arithmeticNode) eval(e *evaluation) any {
	a, b := n.l.eval(e), n.r.eval(e)
	a = operand(a, b)
	b = operand(b, a)
	return n.op(e, a, b)
}

// iifNode is iif: what is not chosen need not be evaluated, since no expression changes anything.
type iifNode struct {
	when, then exprNode
	otherwise  exprNode // nil: none
}

func (n *iifNode) eval(e *evaluation) any {
	if truthy(n.when.eval(e)) {
		return n.then.eval(e)
	}
	if n.otherwise == nil {
		return nil
	}
	return n.otherwise.eval(e)
}

func (n *callNode) eval(e *evaluation) any {
	if n.fn == nil {
		return nil
	}
	args := make([]any, len(n.args))
	for i, a := range n.args {
		args[i] = a.eval(e)
	}
	return n.fn.run(e, args, n.args)
}
