package population

import (
	"math"
	"slices"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/simplify"
)

// vector is a node of the columnar plan of a set of rules. Equal conditions of
// all rules are one node, which is evaluated once per block.
type vector struct {
	op   vectorOp
	id   int
	ctx  *vectorCtx
	kids []*vector
	uses int
	cost int // relative, for the order of conjuncts

	field  *ir.Field
	spans  []ir.Span // of what the field holds
	days   dayUse    // what spans are of
	cmp    ir.Op     // of floats and sums
	flo    float64
	tag    uint32
	text   func(*string) bool
	needle string   // of startsWith and the like, cmp says which
	equals []string // of texts: all that hold, if they are that few
	term   *ir.Term // of closures, sums and calendar fields
	daily  bool     // of calendar fields: the answer depends on the day
	tagged bool     // of closures: they read tags
}

// vectorOp is the operation of a node of a plan.
type vectorOp uint8

const (
	vNever  vectorOp = iota
	vAlways          // a constant
	vAnd
	vOr
	vNot
	vSame     // both kids are alike
	vExpand   // a condition on the row above
	vBool     // a bool field
	vNull     // a field is null
	vInt      // an integer, or a day, in spans
	vCalendar // month and day of a time, by term
	vTag
	vText
	vFloat   // a float field against a constant
	vAny     // loops: the kid is the predicate, nil if it always holds
	vCount   // spans
	vSumInt  // spans
	vSumCmp  // float sum against a constant
	vLen     // tags in spans
	vClosure // anything else, row by row
)

// dayUse says how a span of days is to be read.
type dayUse uint8

const (
	asIs   dayUse = iota
	since0        // today less the day
	until0        // the day less today
)

// vectorCtx is the kind of rows that a node has an answer for.
type vectorCtx struct {
	id     int
	own    ir.Base // how terms name its fields
	above  *vectorCtx
	rows   *ir.Field // of above
	bucket map[string]*vector
}

// vectorPlan is the columnar form of some rules of a set.
type vectorPlan struct {
	schema *ir.Layout
	nodes  []*vector
	ctxs   []*vectorCtx
	rules  []vectorRule
	gated  bool // with cancel_on and guard, and with tags that change
}

// vectorRule is a rule as conditions over columns.
type vectorRule struct {
	listed
	facts *vector // nil: always
	rows  *vector // of a rule with Each; nil: always
	each  *vectorCtx
	// of a backtest, about the rows of each if there is one:
	cancel []*vector
	guard  *vector
}

// newVectorPlan plans rules that are evaluated by themselves, not in a backtest.
func newVectorPlan(s *ir.Layout, rules []listed) *vectorPlan {
	return (&vectorPlan{schema: s}).take(rules)
}

// take adds the rules to an empty plan.
func (p *vectorPlan) take(rules []listed) *vectorPlan {
	root := p.ctx(nil, nil, ir.OfFacts)
	for _, r := range rules {
		v := vectorRule{listed: r}
		var facts, rows []*ir.Term
		for _, k := range r.Conjuncts() {
			if k.ReadsRow() {
				rows = append(rows, k)
			} else {
				facts = append(facts, k)
			}
		}
		v.facts = p.conjunction(root, facts)
		if r.Each != nil {
			v.each = p.ctx(root, r.Each, ir.OfRow)
			v.rows = p.conjunction(v.each, rows)
		}
		if p.gated {
			p.gates(&v, root)
		}
		p.rules = append(p.rules, v)
	}
	p.order()
	return p
}

// gates adds what is checked when an effect of the rule is due.
func (p *vectorPlan) gates(v *vectorRule, ctx *vectorCtx) {
	if v.each != nil {
		ctx = v.each
	}
	for _, c := range v.CancelOn {
		v.cancel = append(v.cancel, p.conjunction(ctx, []*ir.Term{c.Term}))
	}
	if v.GuardTerm != nil {
		v.guard = p.conjunction(ctx, []*ir.Term{v.GuardTerm})
	}
}

// conjunction returns the node of all terms, nil if there are none.
func (p *vectorPlan) conjunction(ctx *vectorCtx, terms []*ir.Term) *vector {
	var v *vector
	switch len(terms) {
	case 0:
		return nil
	case 1:
		v = p.vectorize(terms[0], ctx)
	default:
		v = p.vectorize(&ir.Term{Op: ir.OpAnd, Kind: ir.Bool, Kids: terms}, ctx)
	}
	v.uses++
	return v
}

// ctx returns the context of rows below another, the same one for the same rows, so that
// conditions about them are shared.
func (p *vectorPlan) ctx(above *vectorCtx, rows *ir.Field, own ir.Base) *vectorCtx {
	for _, c := range p.ctxs {
		if c.above == above && c.rows == rows && c.own == own {
			return c
		}
	}
	c := &vectorCtx{id: len(p.ctxs), own: own, above: above, rows: rows, bucket: map[string]*vector{}}
	p.ctxs = append(p.ctxs, c)
	return c
}

// order sorts the kids of every and by cost, once all uses are known.
func (p *vectorPlan) order() {
	for _, n := range p.nodes {
		if n.op == vAnd {
			slices.SortStableFunc(n.kids, func(a, b *vector) int { return a.cost - b.cost })
		}
	}
}

// vectorize returns the node of a term of kind bool. What columns cannot answer
// is left to closures; within a loop the answer is nil then, so that the whole
// loop is left to them.
func (p *vectorPlan) vectorize(t *ir.Term, ctx *vectorCtx) *vector {
	key := t.Canonical()
	if v, ok := ctx.bucket[key]; ok {
		return v
	}
	v := p.build(t, ctx)
	if v == nil && (ctx.above == nil || ctx.own == ir.OfRow) {
		v = &vector{op: vClosure, term: t, cost: 400 + int(min(t.Cost, 1000))}
		t.Walk(func(k *ir.Term) { v.tagged = v.tagged || k.Op == ir.OpField && k.Field.Kind == ir.Tags })
	}
	if v != nil && v.ctx == nil {
		v.ctx, v.id = ctx, len(p.nodes)
		p.nodes = append(p.nodes, v)
		for _, k := range v.kids {
			k.uses++
		}
	}
	ctx.bucket[key] = v
	return v
}

// bases returns which structs a term reads from, as seen from outside of it.
func bases(t *ir.Term) (out uint8) {
	if t == nil {
		return 0
	}
	for _, k := range t.Kids {
		out |= bases(k)
	}
	switch {
	case t.IsLoop():
		out = out&^(1<<ir.OfItem) | 1<<t.Base
	case t.Op == ir.OpField:
		out |= 1 << t.Base
	}
	return out
}

// build makes the node of a term, or nil where columns cannot answer it: the rule then
// asks its closure, row by row.
func (p *vectorPlan) build(t *ir.Term, ctx *vectorCtx) *vector {
	reads := bases(t)
	if reads&^(1<<ctx.own|1<<ir.OfFacts) != 0 {
		return nil // a row of each within a loop
	}
	if ctx.above != nil && reads&(1<<ctx.own) == 0 && t.Op != ir.OpConst {
		up := ctx
		for up.above != nil {
			up = up.above
		}
		kid := p.vectorize(t, up)
		return &vector{op: vExpand, kids: []*vector{kid}, cost: kid.cost + 50}
	}
	switch t.Op {
	case ir.OpConst:
		if t.Num != 0 {
			return &vector{op: vAlways}
		}
		return &vector{op: vNever}
	case ir.OpAnd:
		return p.logic(vAnd, t.Kids, ctx)
	case ir.OpOr:
		return p.logic(vOr, t.Kids, ctx)
	case ir.OpNot:
		return p.logic(vNot, t.Kids, ctx)
	case ir.OpIf:
		c, a, b := t.Kids[0], t.Kids[1], t.Kids[2]
		return p.build(&ir.Term{Op: ir.OpOr, Kind: ir.Bool, Kids: []*ir.Term{ir.Both(c, a), ir.Both(ir.Not(c), b)}}, ctx)
	case ir.OpEq, ir.OpNe:
		switch {
		case t.Kids[0].Kind != ir.Bool:
		case t.Kids[0].Nullable || t.Kids[1].Nullable:
			return nil
		case t.Op == ir.OpEq:
			return p.logic(vSame, t.Kids, ctx)
		default:
			return p.logic(vNot, []*ir.Term{{Op: ir.OpEq, Kind: ir.Bool, Kids: t.Kids}}, ctx)
		}
	}
	if t.IsLoop() {
		return p.loop(t, ctx)
	}
	if reads != 1<<ctx.own {
		return nil
	}
	return p.leaf(t, ctx)
}

// logic makes an and or an or; nil if one of its parts is.
func (p *vectorPlan) logic(o vectorOp, terms []*ir.Term, ctx *vectorCtx) *vector {
	v := &vector{op: o}
	for _, k := range terms {
		n := p.vectorize(k, ctx)
		if n == nil {
			return nil
		}
		v.kids = append(v.kids, n)
		v.cost += n.cost
	}
	v.cost += 2
	return v
}

// loop makes the node of any, all, none and one.
func (p *vectorPlan) loop(t *ir.Term, ctx *vectorCtx) *vector {
	if t.Base != ctx.own {
		return nil
	}
	pred, negate := t.Kids[0], false
	switch t.Op {
	case ir.OpAll:
		pred, negate = simplify.Term(ir.Not(pred)), true
	case ir.OpNone:
		negate = true
	}
	kid, ok := p.predicate(pred, t.Field, ctx)
	if !ok {
		return nil
	}
	v := &vector{op: vAny, field: t.Field, kids: kid, cost: 120}
	if t.Op == ir.OpOne {
		v.op, v.spans = vCount, []ir.Span{{Lo: 1, Hi: 1}}
	}
	if !negate {
		return v
	}
	return p.logic(vNot, []*ir.Term{{Op: ir.OpAny, Kind: ir.Bool, Base: t.Base, Field: t.Field, Kids: []*ir.Term{pred}}}, ctx)
}

// predicate makes the node of a condition on the rows of f; none if it always
// holds.
func (p *vectorPlan) predicate(pred *ir.Term, f *ir.Field, ctx *vectorCtx) (kids []*vector, ok bool) {
	if pred == nil {
		return nil, true
	}
	v := p.vectorize(pred, p.ctx(ctx, f, ir.OfItem))
	if v == nil {
		return nil, false
	}
	return []*vector{v}, true
}

// leaf makes the node of a comparison of one field, or one loop, with constants.
func (p *vectorPlan) leaf(t *ir.Term, ctx *vectorCtx) *vector {
	switch t.Op {
	case ir.OpField:
		return &vector{op: vBool, field: t.Field, cost: 1}
	case ir.OpHas:
		return &vector{op: vTag, field: t.Kids[0].Field, tag: uint32(t.Num), cost: 2}
	case ir.OpIsNull:
		if t.Kids[0].Op == ir.OpField {
			return &vector{op: vNull, field: t.Kids[0].Field, cost: 1}
		}
		return nil
	case ir.OpBetween:
		return p.integer(t, t.Kids[0], []ir.Span{{Lo: t.Num, Hi: t.High()}}, ctx)
	case ir.OpNe:
		a, b := t.Kids[0], t.Kids[1]
		if a.IsConst() {
			a, b = b, a
		}
		if b.IsConst() && (a.Kind == ir.Int || a.Kind == ir.Day) {
			return p.integer(t, a, without(b.Num), ctx)
		}
	case ir.OpIn:
		if t.Kids[0].Kind == ir.Int {
			var spans []ir.Span
			for _, c := range t.List {
				if !slices.Contains(spans, ir.Span{Lo: c.Num, Hi: c.Num}) {
					spans = append(spans, ir.Span{Lo: c.Num, Hi: c.Num})
				}
			}
			return p.integer(t, t.Kids[0], spans, ctx)
		}
	}
	if v := p.float(t, ctx); v != nil {
		return v
	}
	return textLeaf(t)
}

// without is the whole line but one point.
func without(n int64) (out []ir.Span) {
	if n > math.MinInt64 {
		out = append(out, ir.Span{Lo: math.MinInt64, Hi: n - 1})
	}
	if n < math.MaxInt64 {
		out = append(out, ir.Span{Lo: n + 1, Hi: math.MaxInt64})
	}
	return out
}

// integer makes the node of an integer that must lie in one of the spans.
func (p *vectorPlan) integer(t, k *ir.Term, spans []ir.Span, ctx *vectorCtx) *vector {
	v := &vector{op: vInt, spans: spans, cost: 10 + 4*len(spans)}
	switch k.Op {
	case ir.OpField:
		v.field = k.Field
		if k.Kind != ir.Int {
			return nil
		}
	case ir.OpDay:
		v.field = k.Kids[0].Field
		if k.Kids[0].Op != ir.OpField {
			return nil
		}
	case ir.OpSub:
		a, b := k.Kids[0], k.Kids[1]
		v.days = since0
		if b.Op == ir.OpToday {
			a, b, v.days = b, a, until0
		}
		if a.Op != ir.OpToday || b.Op != ir.OpDay || b.Kids[0].Op != ir.OpField {
			return nil
		}
		v.field = b.Kids[0].Field
	case ir.OpAnniversary, ir.OpMonth, ir.OpMonthDay:
		if k.Kids[0].Op != ir.OpDay || k.Kids[0].Kids[0].Op != ir.OpField {
			return nil
		}
		v.op, v.field, v.term, v.daily = vCalendar, k.Kids[0].Kids[0].Field, k, k.Op == ir.OpAnniversary
		v.cost += 10
	case ir.OpLen:
		if k.Kids[0].Kind != ir.Tags {
			if k.Kids[0].Kind != ir.Rows || k.Kids[0].Base != ctx.own {
				return nil
			}
			v.op, v.field = vCount, k.Kids[0].Field
			return v
		}
		if p.gated {
			return nil // closures see the tags that have changed
		}
		v.op, v.field = vLen, k.Kids[0].Field
	case ir.OpCount, ir.OpSum:
		if k.Base != ctx.own {
			return nil
		}
		kids, ok := p.predicate(k.Kids[0], k.Field, ctx)
		if !ok {
			return nil
		}
		v.op, v.field, v.kids, v.cost = vCount, k.Field, kids, 150
		if k.Op == ir.OpSum {
			if v.op, v.term = vSumInt, k.Kids[1]; v.term.Op != ir.OpField || v.term.Base != ir.OfItem {
				return nil
			}
		}
	default:
		return nil
	}
	return v
}

// float makes the node of a float, or a sum of floats, against a constant.
func (p *vectorPlan) float(t *ir.Term, ctx *vectorCtx) *vector {
	if t.Op < ir.OpEq || t.Op > ir.OpGe || t.Kids[0].Kind != ir.Float {
		return nil
	}
	a, b, o := t.Kids[0], t.Kids[1], t.Op
	if a.IsConst() {
		a, b, o = b, a, ir.Mirrored[o]
	}
	if !b.IsConst() {
		return nil
	}
	v := &vector{op: vFloat, cmp: o, flo: b.Flo, cost: 60, field: a.Field}
	switch {
	case a.Op == ir.OpField:
		return v
	case a.Op == ir.OpSum && a.Base == ctx.own && a.Kids[1].Op == ir.OpField && a.Kids[1].Base == ir.OfItem:
		kids, ok := p.predicate(a.Kids[0], a.Field, ctx)
		if !ok {
			return nil
		}
		v.op, v.kids, v.term, v.cost = vSumCmp, kids, a.Kids[1], 170
		return v
	}
	return nil
}

// textLeaf makes the node of a condition on one text, by a function of that
// text alone.
func textLeaf(t *ir.Term) *vector {
	var f *ir.Field
	only := true
	t.Walk(func(k *ir.Term) {
		if k.Op == ir.OpField {
			only = only && (f == nil || f == k.Field) && k.Kind == ir.String
			f = k.Field
		}
		only = only && k.Op != ir.OpToday && !k.IsLoop()
	})
	if f == nil || !only || f.Nullable && !guardedText(t) {
		return nil
	}
	v := &vector{op: vText, field: f, cost: 30}
	plain := &ir.Field{Name: f.Name, Kind: ir.String, Max: f.Max, Repr: f.Repr}
	test := closure.Bool(onField(t, plain))
	v.text = func(s *string) bool { return test(closure.Env{Facts: unsafe.Pointer(s)}) }
	if t.Op >= ir.OpContains && t.Op <= ir.OpEnds && t.Kids[0].Op == ir.OpField && t.Kids[1].IsConst() {
		v.cmp, v.needle = t.Op, t.Kids[1].Str
	}
	switch {
	case t.Op == ir.OpEq && t.Kids[0].Op == ir.OpField && t.Kids[1].IsConst():
		v.equals = []string{t.Kids[1].Str}
		v.cost = 10
	case t.Op == ir.OpIn && t.Kids[0].Op == ir.OpField:
		for _, c := range t.List {
			v.equals = append(v.equals, c.Str)
		}
		v.cost = 10 + 5*len(v.equals)
	case t.Op >= ir.OpContains && t.Op <= ir.OpEnds:
		v.cost = 200
	}
	return v
}

// guardedText reports whether a condition on a text is false when it is null.
func guardedText(t *ir.Term) bool {
	switch t.Op {
	case ir.OpEq, ir.OpNe, ir.OpLt, ir.OpLe, ir.OpGt, ir.OpGe, ir.OpIn, ir.OpContains, ir.OpStarts, ir.OpEnds:
	default:
		return false
	}
	for _, k := range t.Kids {
		if k.Op == ir.OpFold {
			k = k.Kids[0]
		}
		if k.Op != ir.OpField && k.Op != ir.OpConst {
			return false
		}
	}
	return true
}

// onField returns the term with every field replaced by f of the facts.
func onField(t *ir.Term, f *ir.Field) *ir.Term {
	c := *t
	if c.Op == ir.OpField {
		c.Field, c.Base, c.Nullable = f, ir.OfFacts, false
	}
	c.Kids = slices.Clone(c.Kids)
	for i, k := range c.Kids {
		if k != nil {
			c.Kids[i] = onField(k, f)
			c.Nullable = c.Nullable && c.Kids[i].Nullable
		}
	}
	return &c
}
