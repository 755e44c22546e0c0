package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

var binaryOps = map[string]ir.Op{
	"==": ir.OpEq, "!=": ir.OpNe, "<": ir.OpLt, "<=": ir.OpLe, ">": ir.OpGt, ">=": ir.OpGe,
	"contains": ir.OpContains, "startsWith": ir.OpStarts, "endsWith": ir.OpEnds,
	"+": ir.OpAdd, "-": ir.OpSub, "*": ir.OpMul, "/": ir.OpDiv, "%": ir.OpMod,
}

func (l *lowerer) binary(n *ast.BinaryNode) *ir.Term {
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
		hint := ""
		if n.Operator == "matches" {
			hint = ": write contains, startsWith or endsWith, with fold(…) without regard to case"
		}
		return l.fault(at(n), "the operator %s is not part of the rule language%s", n.Operator, hint)
	}
	a, b := l.node(n.Left), l.node(n.Right)
	if a == nil || b == nil {
		return nil
	}
	if b.Op == ir.OpFold && a.IsConst() && (o == ir.OpEq || o == ir.OpNe) {
		a, b = b, a
	}
	if a.Op == ir.OpFold && b.IsConst() && b.Kind == ir.String && (o == ir.OpEq || o == ir.OpNe || o >= ir.OpContains && o <= ir.OpEnds) {
		if b = l.folded(b); b == nil {
			return nil
		}
		return l.binaryTerm(o, a, b, at(n))
	}
	for _, t := range []*ir.Term{a, b} {
		if t.Op == ir.OpFold {
			return l.fault(t.At, "fold(…) can be compared with a constant text only, by ==, !=, in, contains, startsWith or endsWith")
		}
	}
	switch {
	case o <= ir.OpGe && (a.Kind == ir.Tags && b.Kind == ir.String || a.Kind == ir.String && b.Kind == ir.Tags), o > ir.OpGe && o <= ir.OpEnds && a.Kind == ir.Tags:
		return l.fault(at(n), "%s cannot be asked of tags: write \"vip\" in Tags, or any(Tags, # startsWith \"vip-\")", n.Operator)
	case o <= ir.OpGe:
		return l.compare(n, o, a, b)
	case o <= ir.OpEnds:
		if a.Kind != ir.String || b.Kind != ir.String {
			return l.fault(at(n), "%s needs two texts, not %s and %s", n.Operator, a.Kind, b.Kind)
		}
		return l.binaryTerm(o, a, b, at(n))
	}
	return l.arithmetic(n, o, a, b)
}

// folded returns a constant text as fold makes it. One of which nothing is left would
// be found in every text.
func (l *lowerer) folded(c *ir.Term) *ir.Term {
	f := *c
	if f.Str = fold.Key(c.Str); f.Str == "" && c.Str != "" {
		return l.fault(c.At, "fold leaves nothing of %q: it keeps letters and digits; compare without fold", c.Str)
	}
	return &f
}

func (l *lowerer) logic(n *ast.BinaryNode) *ir.Term {
	a, b := l.expr(n.Left), l.expr(n.Right)
	if a == nil || b == nil {
		return nil
	}
	for _, t := range []*ir.Term{a, b} {
		if t.Kind != ir.Bool {
			return l.fault(t.At, "%s needs true or false on both sides, not a value of kind %s", n.Operator, t.Kind)
		}
	}
	o := ir.OpAnd
	if n.Operator == "||" || n.Operator == "or" {
		o = ir.OpOr
	}
	return &ir.Term{Op: o, Kind: ir.Bool, Kids: []*ir.Term{a, b}, At: a.At, Cost: ir.AddCost(a.Cost, b.Cost)}
}

// binaryTerm makes a term of kind bool; the cost of texts grows with their
// declared length.
func (l *lowerer) binaryTerm(o ir.Op, a, b *ir.Term, at int) *ir.Term {
	cost := ir.AddCost(a.Cost, b.Cost)
	if a.Kind == ir.String {
		cost = ir.AddCost(cost, textCost(a))
	}
	return &ir.Term{Op: o, Kind: ir.Bool, Kids: []*ir.Term{a, b}, At: at, Cost: ir.AddCost(cost, 1)}
}

// textCost is what reading a text to its end costs, by the largest length that its fields
// declare: one step for each 16 bytes, for fold, which makes a new text, one for each
// byte.
func textCost(t *ir.Term) int64 {
	n := 16
	t.Walk(func(k *ir.Term) {
		if k.Op == ir.OpField && k.Field.Kind == ir.String {
			n = max(n, k.Field.Max)
		}
	})
	if t.Op == ir.OpFold {
		return int64(n)
	}
	return int64(n / 16)
}

func (l *lowerer) compare(n *ast.BinaryNode, o ir.Op, a, b *ir.Term) *ir.Term {
	if a.Kind == ir.Null || b.Kind == ir.Null {
		return l.compareNull(n, o, a, b)
	}
	a, b = numeric(a, b)
	switch {
	case a.Kind != b.Kind || !(ir.Scalar(a.Kind) || a.Kind == ir.Time):
		hint := ""
		if (a.Kind == ir.Time || a.Kind == ir.Day) && b.Kind == ir.String {
			hint = `: write date("2025-01-31")`
		}
		return l.fault(at(n), "%s cannot compare %s with %s%s", n.Operator, a.Kind, b.Kind, hint)
	case a.Kind == ir.Bool && o != ir.OpEq && o != ir.OpNe:
		return l.fault(at(n), "%s cannot compare true and false", n.Operator)
	}
	return l.binaryTerm(o, a, b, at(n))
}

func (l *lowerer) compareNull(n *ast.BinaryNode, o ir.Op, a, b *ir.Term) *ir.Term {
	if a.Kind == ir.Null {
		a, b = b, a
	}
	switch {
	case o != ir.OpEq && o != ir.OpNe:
		return l.fault(at(n), "nil can be compared by == and != only")
	case b.Kind != ir.Null || !a.Nullable || a.Kind == ir.Null:
		return l.fault(at(n), "this can never be nil")
	}
	t := &ir.Term{Op: ir.OpIsNull, Kind: ir.Bool, Kids: []*ir.Term{a}, At: at(n), Cost: a.Cost + 1}
	if o == ir.OpNe {
		return ir.Not(t)
	}
	return t
}

func (l *lowerer) arithmetic(n *ast.BinaryNode, o ir.Op, a, b *ir.Term) *ir.Term {
	result, a, b := scaledArithmetic(o, a, b, at(n))
	if result != nil {
		return result
	}
	if o == ir.OpDiv && a.Kind == ir.Int && b.Kind == ir.Int {
		a, b = toFloat(a), toFloat(b)
	}
	a, b = numeric(a, b)
	switch {
	case o == ir.OpAdd && (a.Kind == ir.String || b.Kind == ir.String):
		return l.fault(at(n), "texts cannot be joined in a rule")
	case (a.Kind == ir.Time || a.Kind == ir.Day) || (b.Kind == ir.Time || b.Kind == ir.Day):
		return l.fault(at(n), "days are counted by daysSince(…) and daysUntil(…), not by %s", n.Operator)
	case a.Kind != b.Kind || a.Kind != ir.Int && a.Kind != ir.Float:
		return l.fault(at(n), "%s needs two numbers, not %s and %s", n.Operator, a.Kind, b.Kind)
	case o == ir.OpMod && (a.Kind == ir.Float || a.Scaled()):
		return l.fault(at(n), "%% needs two integers")
	}
	t := &ir.Term{Op: o, Kind: a.Kind, Kids: []*ir.Term{a, b}, At: at(n), Nullable: a.Nullable || b.Nullable, Cost: ir.AddCost(a.Cost, b.Cost) + 1}
	t.Scale = ir.ScaleOf(a)
	if o == ir.OpDiv || o == ir.OpMod {
		zero := b.IsConst() && b.Num == 0 && b.Flo == 0
		if zero {
			return l.fault(at(n), "division by zero")
		}
		t.Nullable = t.Nullable || !b.IsConst()
	}
	return t
}

func (l *lowerer) orElse(n *ast.BinaryNode) *ir.Term {
	a, b := l.expr(n.Left), l.expr(n.Right)
	if a == nil || b == nil {
		return nil
	}
	a, b = numeric(a, b)
	switch {
	case !a.Nullable:
		return l.fault(at(n), "the value before ?? can never be nil")
	case a.Kind != b.Kind || !ir.Scalar(a.Kind):
		return l.fault(at(n), "both sides of ?? must be of one kind, not %s and %s", a.Kind, b.Kind)
	}
	return &ir.Term{Op: ir.OpElse, Kind: a.Kind, Kids: []*ir.Term{a, b}, At: a.At, Nullable: b.Nullable, Scale: ir.ScaleOf(a), Cost: ir.AddCost(a.Cost, b.Cost) + 1}
}

// in lowers "tag" in Tags, x in [1, 2] and x in 1..5.
func (l *lowerer) in(n *ast.BinaryNode) *ir.Term {
	if id, ok := n.Left.(*ast.IdentifierNode); ok && !l.knows(id.Value) {
		if of, ok := n.Right.(*ast.IdentifierNode); ok && l.front.schema.Root.Fields[of.Value] != nil && l.front.schema.Root.Fields[of.Value].Kind == ir.Tags {
			return l.fault(at(id), "unknown name %s: a tag is a text, write \"%s\" in %s", id.Value, id.Value, of.Value)
		}
	}
	a := l.node(n.Left)
	if r, ok := n.Right.(*ast.BinaryNode); ok && r.Operator == ".." {
		return l.inRange(n, a, r)
	}
	b := l.expr(n.Right)
	if a == nil || b == nil {
		return nil
	}
	if b.Kind == ir.Tags {
		if a.Kind != ir.String || !a.IsConst() {
			return l.fault(a.At, "a tag must be a constant text")
		}
		tag := fold.Compose(a.Str)
		id := l.front.schema.Tags.Id(tag)
		cost := b.Cost + 1
		if !b.Field.Interned {
			cost += int64(b.Field.Max)
		}
		return &ir.Term{Op: ir.OpHas, Kind: ir.Bool, Kids: []*ir.Term{b}, Str: tag, Num: int64(id), At: at(n), Cost: cost}
	}
	if b.Kind != ir.List {
		return l.fault(at(n), "in needs tags, a list or a range on its right, not a value of kind %s", b.Kind)
	}
	items := slices.Clone(b.List)
	if a.Scaled() {
		a, items = alignList(a, items)
	}
	for i, c := range items {
		if a.Op == ir.OpFold && c.Kind == ir.String {
			if c = l.folded(c); c == nil {
				return nil
			}
		}
		if a.Kind == ir.Int && c.Kind == ir.Float {
			a = toFloat(a)
		}
		items[i] = c
	}
	for i, c := range items {
		if a.Kind == ir.Float {
			items[i] = toFloat(c)
		}
		if items[i].Kind != a.Kind {
			return l.fault(c.At, "the list holds a value of kind %s, %s is looked for", c.Kind, a.Kind)
		}
	}
	cost := ir.AddCost(a.Cost, int64(1+len(items)))
	if a.Op == ir.OpFold {
		cost = ir.AddCost(cost, textCost(a))
	}
	return &ir.Term{Op: ir.OpIn, Kind: ir.Bool, Kids: []*ir.Term{a}, List: items, At: at(n), Cost: cost}
}

func (l *lowerer) inRange(n *ast.BinaryNode, a *ir.Term, r *ast.BinaryNode) *ir.Term {
	lo, hi := l.expr(r.Left), l.expr(r.Right)
	if a == nil || lo == nil || hi == nil {
		return nil
	}
	lo, hi = constant(lo), constant(hi)
	if a.Scaled() {
		_, lo = alignScale(a, lo)
		_, hi = alignScale(a, hi)
	}
	if a.Kind != ir.Int || lo.Kind != ir.Int || hi.Kind != ir.Int || ir.ScaleOf(a) != ir.ScaleOf(lo) || ir.ScaleOf(a) != ir.ScaleOf(hi) {
		return l.fault(at(r), "a range needs an integer before in and integers as its ends")
	}
	cost := ir.AddCost(2*a.Cost+2, ir.AddCost(lo.Cost, hi.Cost))
	return &ir.Term{Op: ir.OpAnd, Kind: ir.Bool, At: at(n), Cost: cost, Kids: []*ir.Term{
		l.binaryTerm(ir.OpGe, a, lo, at(n)), l.binaryTerm(ir.OpLe, a, hi, at(n)),
	}}
}

// call lowers a call of an allow-listed function.
func (l *lowerer) call(n ast.Node, name string, args []ast.Node) *ir.Term {
	fn, ok := functions[name]
	if !ok {
		var names []string
		for f := range functions {
			names = append(names, f)
		}
		hint := didYouMean(name, names)
		if h := functionHints[strings.ToLower(name)]; h != "" {
			hint = ": " + h
		}
		return l.fault(at(n), "the function %s is not part of the rule language%s", name, hint)
	}
	if len(args) < fn.min || len(args) > fn.max {
		return l.fault(at(n), "%s has %d arguments: use %s", name, len(args), fn.usage)
	}
	if name == "len" {
		return l.length(n, args[0])
	}
	if name == ir.PickFirst || name == ir.PickLast {
		return l.fault(at(n), "%s is a row: name a field of it: %s", name, fn.usage)
	}
	if fn.loop {
		return l.loop(n, name, args)
	}
	var kids []*ir.Term
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

func (l *lowerer) scalarCall(n ast.Node, name string, kids []*ir.Term) *ir.Term {
	t := &ir.Term{At: at(n), Kids: kids, Cost: 1}
	for _, k := range kids {
		t.Cost = ir.AddCost(t.Cost, k.Cost)
		t.Nullable = t.Nullable || k.Nullable
	}
	switch name {
	case "abs", "min", "max":
		t.Op = map[string]ir.Op{"abs": ir.OpAbs, "min": ir.OpMin, "max": ir.OpMax}[name]
		for i := 1; i < len(kids); i++ {
			kids[0], kids[i] = numeric(kids[0], kids[i])
		}
		if !sameScale(kids) {
			for i, k := range kids {
				if k.Kind == ir.Int {
					kids[i] = toFloat(k)
				}
			}
		}
		for i, k := range kids {
			if k.Kind != ir.Int && k.Kind != ir.Float {
				return l.fault(k.At, "%s needs numbers, not a value of kind %s", name, k.Kind)
			}
			if kids[0].Kind == ir.Float {
				kids[i] = toFloat(k)
			}
		}
		t.Kind = kids[0].Kind
		t.Scale = ir.ScaleOf(kids[0])
		return t
	case "fold":
		if kids[0].Kind != ir.String || kids[0].IsConst() {
			return l.fault(t.At, "fold needs a text that is not constant")
		}
		t.Op, t.Kind = ir.OpFold, ir.String
		return t
	case "today":
		t.Op, t.Kind = ir.OpToday, ir.Day
		return t
	case "date":
		return l.date(kids[0])
	}
	if k := kids[0].Kind; k != ir.Time && k != ir.Day {
		return l.fault(t.At, "%s needs a time, not a value of kind %s", name, k)
	}
	d, today := ir.ToDay(kids[0]), &ir.Term{Op: ir.OpToday, Kind: ir.Day, At: t.At, Cost: 1}
	t.Kind = ir.Int
	t.Cost += 20
	switch name {
	case "daysSince":
		t.Op, t.Kids = ir.OpSub, []*ir.Term{today, d}
	case "daysUntil":
		t.Op, t.Kids = ir.OpSub, []*ir.Term{d, today}
	default:
		t.Op = map[string]ir.Op{"daysToAnniversary": ir.OpAnniversary, "year": ir.OpYear, "month": ir.OpMonth,
			"monthDay": ir.OpMonthDay, "weekday": ir.OpWeekday}[name]
		t.Kids = []*ir.Term{d}
	}
	return t
}

func (l *lowerer) date(k *ir.Term) *ir.Term {
	if !k.IsConst() || k.Kind != ir.String {
		return l.fault(k.At, `date needs a constant: date("2025-01-31")`)
	}
	d, err := time.Parse(time.DateOnly, k.Str)
	if err != nil {
		return l.fault(k.At, "%q is no date: write year-month-day, as in 2025-01-31", k.Str)
	}
	return &ir.Term{Op: ir.OpConst, Kind: ir.Day, Num: ir.FloorDiv(d.Unix(), 86400), At: k.At, Cost: 1}
}

// rows lowers the first argument of a loop: rows, or filter(rows, condition).
// It returns the field and the condition that the filters add, or nil.
func (l *lowerer) rows(n ast.Node) (f *ir.Term, filter *ir.Term, ok bool) {
	if b, isCall := n.(*ast.BuiltinNode); isCall && b.Name == "filter" && len(b.Arguments) == 2 {
		f, filter, ok = l.rows(b.Arguments[0])
		if !ok {
			return nil, nil, false
		}
		p := l.predicate(b.Arguments[1], f)
		if p == nil {
			return nil, nil, false
		}
		return f, ir.Both(filter, p), true
	}
	t := l.expr(n)
	if t == nil {
		return nil, nil, false
	}
	if t.Kind != ir.Rows {
		l.fault(t.At, "rows are needed here, not a value of kind %s", t.Kind)
		return nil, nil, false
	}
	return t, nil, true
}

// inside lowers the body of a loop over rows, which may be of any kind.
func (l *lowerer) inside(n ast.Node, rows *ir.Term) *ir.Term {
	p, ok := n.(*ast.PredicateNode)
	if !ok {
		return l.fault(at(n), "a condition on the row's fields is needed here")
	}
	if limit := l.front.schema.limits.Nesting; l.depth >= limit {
		return l.fault(at(n), "loops may be nested %d deep", limit)
	}
	outer := l.item
	l.item = rows.Field.Row
	l.depth++
	t := l.expr(p.Node)
	l.depth--
	l.item = outer
	return t
}

func (l *lowerer) predicate(n ast.Node, rows *ir.Term) *ir.Term {
	t := l.inside(n, rows)
	if t != nil && t.Kind != ir.Bool {
		return l.fault(t.At, "must be true or false for each row, not a value of kind %s", t.Kind)
	}
	return t
}

func (l *lowerer) loop(n ast.Node, name string, args []ast.Node) *ir.Term {
	if name == "filter" {
		return l.fault(at(n), "filter can stand only within any, all, none, one, count, sum and len")
	}
	if t, is := l.tagPrefix(n, name, args); is {
		return t
	}
	rows, filter, ok := l.rows(args[0])
	if !ok {
		return nil
	}
	t := &ir.Term{Kind: ir.Bool, At: at(n), Field: rows.Field, Base: rows.Base}
	if name == "sum" {
		v := l.inside(args[1], rows)
		if v == nil {
			return nil
		}
		if v.Kind != ir.Int && v.Kind != ir.Float {
			return l.fault(v.At, "sum needs numbers, not values of kind %s", v.Kind)
		}
		t.Op, t.Kind, t.Kids, t.Scale = ir.OpSum, v.Kind, []*ir.Term{filter, v}, ir.ScaleOf(v)
		return loopCost(t)
	}
	p := l.predicate(args[1], rows)
	if p == nil {
		return nil
	}
	switch name {
	case "all":
		t.Op = ir.OpAll
		if filter != nil {
			p = &ir.Term{Op: ir.OpOr, Kind: ir.Bool, Kids: []*ir.Term{ir.Not(filter), p}, At: p.At, Cost: ir.AddCost(filter.Cost, p.Cost)}
			filter = nil
		}
	case "any":
		t.Op = ir.OpAny
	case "none":
		t.Op = ir.OpNone
	case "one":
		t.Op = ir.OpOne
	case "count":
		t.Op, t.Kind = ir.OpCount, ir.Int
	}
	t.Kids = []*ir.Term{ir.Both(filter, p)}
	return loopCost(t)
}

// loopCost adds what going over all declared rows costs, which is what bounds a rule and
// not how many rows a customer happens to have.
func loopCost(t *ir.Term) *ir.Term {
	each := int64(1)
	for _, k := range t.Kids {
		if k != nil {
			each = ir.AddCost(each, k.Cost)
		}
	}
	t.Cost = ir.AddCost(mulCost(t.Field.Max, each), 1)
	return t
}

func (l *lowerer) length(n, arg ast.Node) *ir.Term {
	if b, ok := arg.(*ast.BuiltinNode); ok && b.Name == "filter" {
		rows, filter, ok := l.rows(arg)
		if !ok {
			return nil
		}
		return loopCost(&ir.Term{Op: ir.OpCount, Kind: ir.Int, At: at(n), Field: rows.Field, Base: rows.Base, Kids: []*ir.Term{filter}})
	}
	t := l.expr(arg)
	if t == nil {
		return nil
	}
	if t.Kind != ir.Rows && t.Kind != ir.Tags && t.Kind != ir.String {
		return l.fault(t.At, "len needs rows, tags or a text, not a value of kind %s", t.Kind)
	}
	cost := ir.AddCost(t.Cost, 1)
	if t.Kind == ir.String {
		cost = ir.AddCost(cost, textCost(t)*4)
	}
	return &ir.Term{Op: ir.OpLen, Kind: ir.Int, Kids: []*ir.Term{t}, At: at(n), Nullable: t.Nullable, Cost: cost}
}
