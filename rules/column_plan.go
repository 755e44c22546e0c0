package rules

import (
	"math"
	"slices"
	"unsafe"
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

	field  *field
	spans  []span // of what the field holds
	days   dayUse // what spans are of
	cmp    op     // of floats and sums
	flo    float64
	tag    uint32
	text   func(*string) bool
	needle string   // of startsWith and the like, cmp says which
	equals []string // of texts: all that hold, if they are that few
	term   *term    // of closures, sums and calendar fields
	daily  bool     // of calendar fields: the answer depends on the day
	tagged bool     // of closures: they read tags
}

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

type span struct{ lo, hi int64 }

// vectorCtx is the kind of rows that a node has an answer for.
type vectorCtx struct {
	id     int
	own    base // how terms name its fields
	above  *vectorCtx
	rows   *field // of above
	bucket map[string]*vector
}

// vectorPlan is the columnar form of some rules of a set.
type vectorPlan struct {
	schema *schema
	nodes  []*vector
	ctxs   []*vectorCtx
	rules  []vectorRule
	gated  bool // with cancel_on and guard, and with tags that change
}

type vectorRule struct {
	*compiled
	facts *vector // nil: always
	rows  *vector // of a rule with Each; nil: always
	each  *vectorCtx
	// of a backtest, about the rows of each if there is one:
	cancel []*vector
	guard  *vector
}

func newVectorPlan(s *schema, rules []*compiled) *vectorPlan {
	return (&vectorPlan{schema: s}).take(rules)
}

// take adds the rules to an empty plan.
func (p *vectorPlan) take(rules []*compiled) *vectorPlan {
	root := p.ctx(nil, nil, ofFacts)
	for _, r := range rules {
		v := vectorRule{compiled: r}
		var facts, rows []*term
		for _, k := range r.conjuncts() {
			if k.readsRow() {
				rows = append(rows, k)
			} else {
				facts = append(facts, k)
			}
		}
		v.facts = p.conjunction(root, facts)
		if r.each != nil {
			v.each = p.ctx(root, r.each, ofRow)
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
	for _, c := range v.cancelOn {
		v.cancel = append(v.cancel, p.conjunction(ctx, []*term{c.term}))
	}
	if v.guardTerm != nil {
		v.guard = p.conjunction(ctx, []*term{v.guardTerm})
	}
}

// conjunction returns the node of all terms, nil if there are none.
func (p *vectorPlan) conjunction(ctx *vectorCtx, terms []*term) *vector {
	var v *vector
	switch len(terms) {
	case 0:
		return nil
	case 1:
		v = p.vectorize(terms[0], ctx)
	default:
		v = p.vectorize(&term{op: opAnd, kind: Bool, kids: terms}, ctx)
	}
	v.uses++
	return v
}

func (p *vectorPlan) ctx(above *vectorCtx, rows *field, own base) *vectorCtx {
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
func (p *vectorPlan) vectorize(t *term, ctx *vectorCtx) *vector {
	key := t.canonical()
	if v, ok := ctx.bucket[key]; ok {
		return v
	}
	v := p.build(t, ctx)
	if v == nil && (ctx.above == nil || ctx.own == ofRow) {
		v = &vector{op: vClosure, term: t, cost: 400 + int(min(t.cost, 1000))}
		t.walk(func(k *term) { v.tagged = v.tagged || k.op == opField && k.field.kind == Tags })
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
func (t *term) bases() (out uint8) {
	if t == nil {
		return 0
	}
	for _, k := range t.kids {
		out |= k.bases()
	}
	switch {
	case t.isLoop():
		out = out&^(1<<ofItem) | 1<<t.base
	case t.op == opField:
		out |= 1 << t.base
	}
	return out
}

func (p *vectorPlan) build(t *term, ctx *vectorCtx) *vector {
	reads := t.bases()
	if reads&^(1<<ctx.own|1<<ofFacts) != 0 {
		return nil // a row of each within a loop
	}
	if ctx.above != nil && reads&(1<<ctx.own) == 0 && t.op != opConst {
		up := ctx
		for up.above != nil {
			up = up.above
		}
		kid := p.vectorize(t, up)
		return &vector{op: vExpand, kids: []*vector{kid}, cost: kid.cost + 50}
	}
	switch t.op {
	case opConst:
		if t.num != 0 {
			return &vector{op: vAlways}
		}
		return &vector{op: vNever}
	case opAnd:
		return p.logic(vAnd, t.kids, ctx)
	case opOr:
		return p.logic(vOr, t.kids, ctx)
	case opNot:
		return p.logic(vNot, t.kids, ctx)
	case opIf:
		c, a, b := t.kids[0], t.kids[1], t.kids[2]
		return p.build(&term{op: opOr, kind: Bool, kids: []*term{both(c, a), both(not(c), b)}}, ctx)
	case opEq, opNe:
		switch {
		case t.kids[0].kind != Bool:
		case t.kids[0].nullable || t.kids[1].nullable:
			return nil
		case t.op == opEq:
			return p.logic(vSame, t.kids, ctx)
		default:
			return p.logic(vNot, []*term{{op: opEq, kind: Bool, kids: t.kids}}, ctx)
		}
	}
	if t.isLoop() {
		return p.loop(t, ctx)
	}
	if reads != 1<<ctx.own {
		return nil
	}
	return p.leaf(t, ctx)
}

func (p *vectorPlan) logic(o vectorOp, terms []*term, ctx *vectorCtx) *vector {
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
func (p *vectorPlan) loop(t *term, ctx *vectorCtx) *vector {
	if t.base != ctx.own {
		return nil
	}
	pred, negate := t.kids[0], false
	switch t.op {
	case opAll:
		pred, negate = simplify(not(pred)), true
	case opNone:
		negate = true
	}
	kid, ok := p.predicate(pred, t.field, ctx)
	if !ok {
		return nil
	}
	v := &vector{op: vAny, field: t.field, kids: kid, cost: 120}
	if t.op == opOne {
		v.op, v.spans = vCount, []span{{1, 1}}
	}
	if !negate {
		return v
	}
	return p.logic(vNot, []*term{{op: opAny, kind: Bool, base: t.base, field: t.field, kids: []*term{pred}}}, ctx)
}

// predicate makes the node of a condition on the rows of f; none if it always
// holds.
func (p *vectorPlan) predicate(pred *term, f *field, ctx *vectorCtx) (kids []*vector, ok bool) {
	if pred == nil {
		return nil, true
	}
	v := p.vectorize(pred, p.ctx(ctx, f, ofItem))
	if v == nil {
		return nil, false
	}
	return []*vector{v}, true
}

// leaf makes the node of a comparison of one field, or one loop, with constants.
func (p *vectorPlan) leaf(t *term, ctx *vectorCtx) *vector {
	switch t.op {
	case opField:
		return &vector{op: vBool, field: t.field, cost: 1}
	case opHas:
		return &vector{op: vTag, field: t.kids[0].field, tag: uint32(t.num), cost: 2}
	case opIsNull:
		if t.kids[0].op == opField {
			return &vector{op: vNull, field: t.kids[0].field, cost: 1}
		}
		return nil
	case opBetween:
		return p.integer(t, t.kids[0], []span{{t.num, t.high()}}, ctx)
	case opNe:
		a, b := t.kids[0], t.kids[1]
		if a.isConst() {
			a, b = b, a
		}
		if b.isConst() && (a.kind == Int || a.kind == day) {
			return p.integer(t, a, without(b.num), ctx)
		}
	case opIn:
		if t.kids[0].kind == Int {
			var spans []span
			for _, c := range t.list {
				if !slices.Contains(spans, span{c.num, c.num}) {
					spans = append(spans, span{c.num, c.num})
				}
			}
			return p.integer(t, t.kids[0], spans, ctx)
		}
	}
	if v := p.float(t, ctx); v != nil {
		return v
	}
	return textLeaf(t)
}

func without(n int64) (out []span) {
	if n > math.MinInt64 {
		out = append(out, span{math.MinInt64, n - 1})
	}
	if n < math.MaxInt64 {
		out = append(out, span{n + 1, math.MaxInt64})
	}
	return out
}

// integer makes the node of an integer that must lie in one of the spans.
func (p *vectorPlan) integer(t, k *term, spans []span, ctx *vectorCtx) *vector {
	v := &vector{op: vInt, spans: spans, cost: 10 + 4*len(spans)}
	switch k.op {
	case opField:
		v.field = k.field
		if k.kind != Int {
			return nil
		}
	case opDay:
		v.field = k.kids[0].field
		if k.kids[0].op != opField {
			return nil
		}
	case opSub:
		a, b := k.kids[0], k.kids[1]
		v.days = since0
		if b.op == opToday {
			a, b, v.days = b, a, until0
		}
		if a.op != opToday || b.op != opDay || b.kids[0].op != opField {
			return nil
		}
		v.field = b.kids[0].field
	case opAnniversary, opMonth, opMonthDay:
		if k.kids[0].op != opDay || k.kids[0].kids[0].op != opField {
			return nil
		}
		v.op, v.field, v.term, v.daily = vCalendar, k.kids[0].kids[0].field, k, k.op == opAnniversary
		v.cost += 10
	case opLen:
		if k.kids[0].kind != Tags {
			if k.kids[0].kind != Rows || k.kids[0].base != ctx.own {
				return nil
			}
			v.op, v.field = vCount, k.kids[0].field
			return v
		}
		if p.gated {
			return nil // closures see the tags that have changed
		}
		v.op, v.field = vLen, k.kids[0].field
	case opCount, opSum:
		if k.base != ctx.own {
			return nil
		}
		kids, ok := p.predicate(k.kids[0], k.field, ctx)
		if !ok {
			return nil
		}
		v.op, v.field, v.kids, v.cost = vCount, k.field, kids, 150
		if k.op == opSum {
			if v.op, v.term = vSumInt, k.kids[1]; v.term.op != opField || v.term.base != ofItem {
				return nil
			}
		}
	default:
		return nil
	}
	return v
}

var mirrored = map[op]op{opEq: opEq, opNe: opNe, opLt: opGt, opLe: opGe, opGt: opLt, opGe: opLe}

// float makes the node of a float, or a sum of floats, against a constant.
func (p *vectorPlan) float(t *term, ctx *vectorCtx) *vector {
	if t.op < opEq || t.op > opGe || t.kids[0].kind != Float {
		return nil
	}
	a, b, o := t.kids[0], t.kids[1], t.op
	if a.isConst() {
		a, b, o = b, a, mirrored[o]
	}
	if !b.isConst() {
		return nil
	}
	v := &vector{op: vFloat, cmp: o, flo: b.flo, cost: 60, field: a.field}
	switch {
	case a.op == opField:
		return v
	case a.op == opSum && a.base == ctx.own && a.kids[1].op == opField && a.kids[1].base == ofItem:
		kids, ok := p.predicate(a.kids[0], a.field, ctx)
		if !ok {
			return nil
		}
		v.op, v.kids, v.term, v.cost = vSumCmp, kids, a.kids[1], 170
		return v
	}
	return nil
}

// textLeaf makes the node of a condition on one text, by a function of that
// text alone.
func textLeaf(t *term) *vector {
	var f *field
	only := true
	t.walk(func(k *term) {
		if k.op == opField {
			only = only && (f == nil || f == k.field) && k.kind == String
			f = k.field
		}
		only = only && k.op != opToday && !k.isLoop()
	})
	if f == nil || !only || f.nullable && !guardedText(t) {
		return nil
	}
	v := &vector{op: vText, field: f, cost: 30}
	plain := &field{name: f.name, kind: String, max: f.max, repr: f.repr}
	test := compileBool(t.onField(plain))
	v.text = func(s *string) bool { return test(env{facts: unsafe.Pointer(s)}) }
	if t.op >= opContains && t.op <= opEnds && t.kids[0].op == opField && t.kids[1].isConst() {
		v.cmp, v.needle = t.op, t.kids[1].str
	}
	switch {
	case t.op == opEq && t.kids[0].op == opField && t.kids[1].isConst():
		v.equals = []string{t.kids[1].str}
		v.cost = 10
	case t.op == opIn && t.kids[0].op == opField:
		for _, c := range t.list {
			v.equals = append(v.equals, c.str)
		}
		v.cost = 10 + 5*len(v.equals)
	case t.op >= opContains && t.op <= opEnds:
		v.cost = 200
	}
	return v
}

// guardedText reports whether a condition on a text is false when it is null.
func guardedText(t *term) bool {
	switch t.op {
	case opEq, opNe, opLt, opLe, opGt, opGe, opIn, opContains, opStarts, opEnds:
	default:
		return false
	}
	for _, k := range t.kids {
		if k.op == opFold {
			k = k.kids[0]
		}
		if k.op != opField && k.op != opConst {
			return false
		}
	}
	return true
}

// onField returns the term with every field replaced by f of the facts.
func (t *term) onField(f *field) *term {
	c := *t
	if c.op == opField {
		c.field, c.base, c.nullable = f, ofFacts, false
	}
	c.kids = slices.Clone(c.kids)
	for i, k := range c.kids {
		if k != nil {
			c.kids[i] = k.onField(f)
			c.nullable = c.nullable && c.kids[i].nullable
		}
	}
	return &c
}
