package rules

import (
	"slices"
	"time"

	"github.com/expr-lang/expr/ast"

	"github.com/vefacrm/vefa/internal/fold"
)

var binaryOps = map[string]op{
	"==": opEq, "!=": opNe, "<": opLt, "<=": opLe, ">": opGt, ">=": opGe,
	"contains": opContains, "startsWith": opStarts, "endsWith": opEnds,
	"+": opAdd, "-": opSub, "*": opMul, "/": opDiv, "%": opMod,
}

func (l *lowerer) binary(n *ast.BinaryNode) *term {
	switch n.Operator {
	case "&&", "and", "||", "or":
		return l.logic(n)
	case "in":
		return l.in(n)
	case "..":
		return l.fault(at(n), "a range can stand only after in, as in Orders in 2..5")
	case "??":
		return l.orElse(n)
	}
	o, ok := binaryOps[n.Operator]
	if !ok {
		return l.fault(at(n), "the operator %s is not part of the rule language", n.Operator)
	}
	a, b := l.node(n.Left), l.node(n.Right)
	if a == nil || b == nil {
		return nil
	}
	if b.op == opFold && a.isConst() && (o == opEq || o == opNe) {
		a, b = b, a
	}
	if a.op == opFold && b.isConst() && b.kind == String && (o == opEq || o == opNe || o >= opContains && o <= opEnds) {
		return l.binaryTerm(o, a, folded(b), at(n))
	}
	for _, t := range []*term{a, b} {
		if t.op == opFold {
			return l.fault(t.at, "fold(…) can be compared with a constant text only, by ==, !=, in, contains, startsWith or endsWith")
		}
	}
	switch {
	case o <= opGe:
		return l.compare(n, o, a, b)
	case o <= opEnds:
		if a.kind != String || b.kind != String {
			return l.fault(at(n), "%s needs two texts, not %s and %s", n.Operator, a.kind, b.kind)
		}
		return l.binaryTerm(o, a, b, at(n))
	}
	return l.arithmetic(n, o, a, b)
}

func folded(c *term) *term {
	f := *c
	f.str = fold.Key(c.str)
	return &f
}

func (l *lowerer) logic(n *ast.BinaryNode) *term {
	a, b := l.expr(n.Left), l.expr(n.Right)
	if a == nil || b == nil {
		return nil
	}
	for _, t := range []*term{a, b} {
		if t.kind != Bool {
			return l.fault(t.at, "%s needs true or false on both sides, not a value of kind %s", n.Operator, t.kind)
		}
	}
	o := opAnd
	if n.Operator == "||" || n.Operator == "or" {
		o = opOr
	}
	return &term{op: o, kind: Bool, kids: []*term{a, b}, at: a.at, cost: addCost(a.cost, b.cost)}
}

// binaryTerm makes a term of kind bool; the cost of texts grows with their
// declared length.
func (l *lowerer) binaryTerm(o op, a, b *term, at int) *term {
	cost := addCost(a.cost, b.cost)
	if a.kind == String {
		cost = addCost(cost, textCost(a))
	}
	return &term{op: o, kind: Bool, kids: []*term{a, b}, at: at, cost: addCost(cost, 1)}
}

func textCost(t *term) int64 {
	n := 16
	t.walk(func(k *term) {
		if k.op == opField && k.field.kind == String {
			n = max(n, k.field.max)
		}
	})
	if t.op == opFold {
		return int64(n)
	}
	return int64(n / 16)
}

func (l *lowerer) compare(n *ast.BinaryNode, o op, a, b *term) *term {
	if a.kind == null || b.kind == null {
		return l.compareNull(n, o, a, b)
	}
	a, b = numeric(a, b)
	switch {
	case a.kind != b.kind || !(scalar(a.kind) || a.kind == Time):
		hint := ""
		if (a.kind == Time || a.kind == day) && b.kind == String {
			hint = `: write date("2025-01-31")`
		}
		return l.fault(at(n), "%s cannot compare %s with %s%s", n.Operator, a.kind, b.kind, hint)
	case a.kind == Bool && o != opEq && o != opNe:
		return l.fault(at(n), "%s cannot compare true and false", n.Operator)
	}
	return l.binaryTerm(o, a, b, at(n))
}

func (l *lowerer) compareNull(n *ast.BinaryNode, o op, a, b *term) *term {
	if a.kind == null {
		a, b = b, a
	}
	switch {
	case o != opEq && o != opNe:
		return l.fault(at(n), "nil can be compared by == and != only")
	case b.kind != null || !a.nullable || a.kind == null:
		return l.fault(at(n), "this can never be nil")
	}
	t := &term{op: opIsNull, kind: Bool, kids: []*term{a}, at: at(n), cost: a.cost + 1}
	if o == opNe {
		return not(t)
	}
	return t
}

func (l *lowerer) arithmetic(n *ast.BinaryNode, o op, a, b *term) *term {
	result, a, b := scaledArithmetic(o, a, b, at(n))
	if result != nil {
		return result
	}
	if o == opDiv && a.kind == Int && b.kind == Int {
		a, b = toFloat(a), toFloat(b)
	}
	a, b = numeric(a, b)
	switch {
	case o == opAdd && (a.kind == String || b.kind == String):
		return l.fault(at(n), "texts cannot be joined in a rule")
	case (a.kind == Time || a.kind == day) || (b.kind == Time || b.kind == day):
		return l.fault(at(n), "days are counted by daysSince(…) and daysUntil(…), not by %s", n.Operator)
	case a.kind != b.kind || a.kind != Int && a.kind != Float:
		return l.fault(at(n), "%s needs two numbers, not %s and %s", n.Operator, a.kind, b.kind)
	case o == opMod && (a.kind == Float || a.scaled()):
		return l.fault(at(n), "%% needs two integers")
	}
	t := &term{op: o, kind: a.kind, kids: []*term{a, b}, at: at(n), nullable: a.nullable || b.nullable, cost: addCost(a.cost, b.cost) + 1}
	t.scale = scaleOf(a)
	if o == opDiv || o == opMod {
		zero := b.isConst() && b.num == 0 && b.flo == 0
		if zero {
			return l.fault(at(n), "division by zero")
		}
		t.nullable = t.nullable || !b.isConst()
	}
	return t
}

func (l *lowerer) orElse(n *ast.BinaryNode) *term {
	a, b := l.expr(n.Left), l.expr(n.Right)
	if a == nil || b == nil {
		return nil
	}
	a, b = numeric(a, b)
	switch {
	case !a.nullable:
		return l.fault(at(n), "the value before ?? can never be nil")
	case a.kind != b.kind || !scalar(a.kind):
		return l.fault(at(n), "both sides of ?? must be of one kind, not %s and %s", a.kind, b.kind)
	}
	return &term{op: opElse, kind: a.kind, kids: []*term{a, b}, at: a.at, nullable: b.nullable, scale: scaleOf(a), cost: addCost(a.cost, b.cost) + 1}
}

// in lowers "tag" in Tags, x in [1, 2] and x in 1..5.
func (l *lowerer) in(n *ast.BinaryNode) *term {
	a := l.node(n.Left)
	if r, ok := n.Right.(*ast.BinaryNode); ok && r.Operator == ".." {
		return l.inRange(n, a, r)
	}
	b := l.expr(n.Right)
	if a == nil || b == nil {
		return nil
	}
	if b.kind == Tags {
		if a.kind != String || !a.isConst() {
			return l.fault(a.at, "a tag must be a constant text")
		}
		id := l.front.schema.tags.id(a.str)
		cost := b.cost + 1
		if !b.field.interned {
			cost += int64(b.field.max)
		}
		return &term{op: opHas, kind: Bool, kids: []*term{b}, str: a.str, num: int64(id), at: at(n), cost: cost}
	}
	if b.kind != list {
		return l.fault(at(n), "in needs tags, a list or a range on its right, not a value of kind %s", b.kind)
	}
	items := slices.Clone(b.list)
	if a.scaled() {
		a, items = alignList(a, items)
	}
	for i, c := range items {
		if a.op == opFold && c.kind == String {
			c = folded(c)
		}
		if a.kind == Int && c.kind == Float {
			a = toFloat(a)
		}
		items[i] = c
	}
	for i, c := range items {
		if a.kind == Float {
			items[i] = toFloat(c)
		}
		if items[i].kind != a.kind {
			return l.fault(c.at, "the list holds a value of kind %s, %s is looked for", c.kind, a.kind)
		}
	}
	cost := addCost(a.cost, int64(1+len(items)))
	if a.op == opFold {
		cost = addCost(cost, textCost(a))
	}
	return &term{op: opIn, kind: Bool, kids: []*term{a}, list: items, at: at(n), cost: cost}
}

func (l *lowerer) inRange(n *ast.BinaryNode, a *term, r *ast.BinaryNode) *term {
	lo, hi := l.expr(r.Left), l.expr(r.Right)
	if a == nil || lo == nil || hi == nil {
		return nil
	}
	lo, hi = constant(lo), constant(hi)
	if a.scaled() {
		_, lo = alignScale(a, lo)
		_, hi = alignScale(a, hi)
	}
	if a.kind != Int || lo.kind != Int || hi.kind != Int || !lo.isConst() || !hi.isConst() {
		return l.fault(at(r), "a range needs an integer before in and constant integers as its ends")
	}
	return &term{op: opAnd, kind: Bool, at: at(n), cost: 2*a.cost + 2, kids: []*term{
		l.binaryTerm(opGe, a, lo, at(n)), l.binaryTerm(opLe, a, hi, at(n)),
	}}
}

// call lowers a call of an allow-listed function.
func (l *lowerer) call(n ast.Node, name string, args []ast.Node) *term {
	fn, ok := functions[name]
	if !ok {
		var names []string
		for f := range functions {
			names = append(names, f)
		}
		return l.fault(at(n), "the function %s is not part of the rule language%s", name, didYouMean(name, names))
	}
	if len(args) < fn.min || len(args) > fn.max {
		return l.fault(at(n), "%s has %d arguments: use %s", name, len(args), fn.usage)
	}
	if name == "len" {
		return l.length(n, args[0])
	}
	if fn.loop {
		return l.loop(n, name, args)
	}
	var kids []*term
	for _, a := range args {
		if k := l.expr(a); k != nil {
			kids = append(kids, k)
		}
	}
	if len(kids) < len(args) {
		return nil
	}
	return l.scalarCall(n, name, kids)
}

func (l *lowerer) scalarCall(n ast.Node, name string, kids []*term) *term {
	t := &term{at: at(n), kids: kids, cost: 1}
	for _, k := range kids {
		t.cost = addCost(t.cost, k.cost)
		t.nullable = t.nullable || k.nullable
	}
	switch name {
	case "abs", "min", "max":
		t.op = map[string]op{"abs": opAbs, "min": opMin, "max": opMax}[name]
		for i := 1; i < len(kids); i++ {
			kids[0], kids[i] = numeric(kids[0], kids[i])
		}
		if !sameScale(kids) {
			for i, k := range kids {
				if k.kind == Int {
					kids[i] = toFloat(k)
				}
			}
		}
		for i, k := range kids {
			if k.kind != Int && k.kind != Float {
				return l.fault(k.at, "%s needs numbers, not a value of kind %s", name, k.kind)
			}
			if kids[0].kind == Float {
				kids[i] = toFloat(k)
			}
		}
		t.kind = kids[0].kind
		t.scale = scaleOf(kids[0])
		return t
	case "fold":
		if kids[0].kind != String || kids[0].isConst() {
			return l.fault(t.at, "fold needs a text that is not constant")
		}
		t.op, t.kind = opFold, String
		return t
	case "today":
		t.op, t.kind = opToday, day
		return t
	case "date":
		return l.date(kids[0])
	}
	if k := kids[0].kind; k != Time && k != day {
		return l.fault(t.at, "%s needs a time, not a value of kind %s", name, k)
	}
	d, today := toDay(kids[0]), &term{op: opToday, kind: day, at: t.at, cost: 1}
	t.kind = Int
	t.cost += 20
	switch name {
	case "daysSince":
		t.op, t.kids = opSub, []*term{today, d}
	case "daysUntil":
		t.op, t.kids = opSub, []*term{d, today}
	default:
		t.op = map[string]op{"daysToAnniversary": opAnniversary, "year": opYear, "month": opMonth,
			"monthDay": opMonthDay, "weekday": opWeekday}[name]
		t.kids = []*term{d}
	}
	return t
}

func (l *lowerer) date(k *term) *term {
	if !k.isConst() || k.kind != String {
		return l.fault(k.at, `date needs a constant: date("2025-01-31")`)
	}
	d, err := time.Parse(time.DateOnly, k.str)
	if err != nil {
		return l.fault(k.at, "%q is no date: write year-month-day, as in 2025-01-31", k.str)
	}
	return &term{op: opConst, kind: day, num: floorDiv(d.Unix(), 86400), at: k.at, cost: 1}
}

// rows lowers the first argument of a loop: rows, or filter(rows, condition).
// It returns the field and the condition that the filters add, or nil.
func (l *lowerer) rows(n ast.Node) (f *term, filter *term, ok bool) {
	if b, isCall := n.(*ast.BuiltinNode); isCall && b.Name == "filter" && len(b.Arguments) == 2 {
		f, filter, ok = l.rows(b.Arguments[0])
		if !ok {
			return nil, nil, false
		}
		p := l.predicate(b.Arguments[1], f)
		if p == nil {
			return nil, nil, false
		}
		return f, both(filter, p), true
	}
	t := l.expr(n)
	if t == nil {
		return nil, nil, false
	}
	if t.kind != Rows {
		l.fault(t.at, "rows are needed here, not a value of kind %s", t.kind)
		return nil, nil, false
	}
	return t, nil, true
}

func both(a, b *term) *term {
	if a == nil {
		return b
	}
	return &term{op: opAnd, kind: Bool, kids: []*term{a, b}, at: a.at, cost: addCost(a.cost, b.cost)}
}

// inside lowers the body of a loop over rows, which may be of any kind.
func (l *lowerer) inside(n ast.Node, rows *term) *term {
	p, ok := n.(*ast.PredicateNode)
	if !ok {
		return l.fault(at(n), "a condition on the row's fields is needed here")
	}
	if limit := l.front.schema.limits.Nesting; l.depth >= limit {
		return l.fault(at(n), "loops may be nested %d deep", limit)
	}
	outer := l.item
	l.item = rows.field.row
	l.depth++
	t := l.expr(p.Node)
	l.depth--
	l.item = outer
	return t
}

func (l *lowerer) predicate(n ast.Node, rows *term) *term {
	t := l.inside(n, rows)
	if t != nil && t.kind != Bool {
		return l.fault(t.at, "must be true or false for each row, not a value of kind %s", t.kind)
	}
	return t
}

func (l *lowerer) loop(n ast.Node, name string, args []ast.Node) *term {
	if name == "filter" {
		return l.fault(at(n), "filter can stand only within any, all, none, one, count, sum and len")
	}
	rows, filter, ok := l.rows(args[0])
	if !ok {
		return nil
	}
	t := &term{kind: Bool, at: at(n), field: rows.field, base: rows.base}
	if name == "sum" {
		v := l.inside(args[1], rows)
		if v == nil {
			return nil
		}
		if v.kind != Int && v.kind != Float {
			return l.fault(v.at, "sum needs numbers, not values of kind %s", v.kind)
		}
		t.op, t.kind, t.kids, t.scale = opSum, v.kind, []*term{filter, v}, scaleOf(v)
		return loopCost(t)
	}
	p := l.predicate(args[1], rows)
	if p == nil {
		return nil
	}
	switch name {
	case "all":
		t.op = opAll
		if filter != nil {
			p = &term{op: opOr, kind: Bool, kids: []*term{not(filter), p}, at: p.at, cost: addCost(filter.cost, p.cost)}
			filter = nil
		}
	case "any":
		t.op = opAny
	case "none":
		t.op = opNone
	case "one":
		t.op = opOne
	case "count":
		t.op, t.kind = opCount, Int
	}
	t.kids = []*term{both(filter, p)}
	return loopCost(t)
}

func loopCost(t *term) *term {
	each := int64(1)
	for _, k := range t.kids {
		if k != nil {
			each = addCost(each, k.cost)
		}
	}
	t.cost = addCost(mulCost(t.field.max, each), 1)
	return t
}

func (l *lowerer) length(n, arg ast.Node) *term {
	if b, ok := arg.(*ast.BuiltinNode); ok && b.Name == "filter" {
		rows, filter, ok := l.rows(arg)
		if !ok {
			return nil
		}
		return loopCost(&term{op: opCount, kind: Int, at: at(n), field: rows.field, base: rows.base, kids: []*term{filter}})
	}
	t := l.expr(arg)
	if t == nil {
		return nil
	}
	if t.kind != Rows && t.kind != Tags && t.kind != String {
		return l.fault(t.at, "len needs rows, tags or a text, not a value of kind %s", t.kind)
	}
	cost := addCost(t.cost, 1)
	if t.kind == String {
		cost = addCost(cost, textCost(t)*4)
	}
	return &term{op: opLen, kind: Int, kids: []*term{t}, at: at(n), nullable: t.nullable, cost: cost}
}
