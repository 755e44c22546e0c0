package population

import (
	"math/bits"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/planes"
)

// evaluator answers the nodes of a plan for one block after another. One
// goroutine uses it.
type evaluator struct {
	plan   *vectorPlan
	pop    *people
	m      *ir.Clock
	memo   []answer // by node
	tables []*table // by context
	block  int      // serial number of what is answered: memos of others are stale
	bufs   [][]uint64
	tmp    []uint64
	counts []int64
	sums   []float64
	nums   []int64
	str    *string
	tests  []*codeTest
	closed []*closed
	over   *overlay // of a backtest: tags that differ from the table's
	first  int      // subject of the table's row 0
}

// answer is the bitmap of a node, or what is known without one.
type answer struct {
	w     []uint64
	v     planes.Verdict
	block int
}

// newEvaluator returns an evaluator of a plan. It keeps its room from block to block and
// is for one goroutine.
func newEvaluator(plan *vectorPlan, pop *people, m *ir.Clock) *evaluator {
	n := len(plan.nodes)
	return &evaluator{
		plan: plan, pop: pop, m: m, memo: make([]answer, n), tables: make([]*table, len(plan.ctxs)),
		bufs: make([][]uint64, n), tests: make([]*codeTest, n), closed: make([]*closed, n), str: new(string),
	}
}

// start makes t, whose row 0 is subject first, the block to answer for.
func (ev *evaluator) start(t *table, first int) {
	ev.block++
	ev.first = first
	for i, c := range ev.plan.ctxs {
		if c.above == nil {
			ev.tables[i] = t
		} else {
			ev.tables[i] = ev.tables[c.above.id].cols[c.rows.Pos].rows
		}
	}
}

// buffer is the bitmap of a node, which is kept while other nodes may ask for it.
func (ev *evaluator) buffer(n *vector, words int) []uint64 {
	if cap(ev.bufs[n.id]) < words {
		ev.bufs[n.id] = make([]uint64, max(words, blockRows/64))
	}
	return ev.bufs[n.id][:words]
}

// scratch is two bitmaps for one step; the next may overwrite them.
func (ev *evaluator) scratch(words int) (a, b []uint64) {
	if len(ev.tmp) < 2*words {
		ev.tmp = make([]uint64, 2*max(words, blockRows/64))
	}
	return ev.tmp[:words:words], ev.tmp[words : 2*words]
}

// eval answers a node. within is nil or the rows that are asked for: a node
// that is dear and used once looks at no others, and its answer is good for
// those only.
func (ev *evaluator) eval(n *vector, within []uint64) ([]uint64, planes.Verdict) {
	if n == nil {
		return nil, planes.All
	}
	a := &ev.memo[n.id]
	if a.block == ev.block {
		return a.w, a.v
	}
	if n.uses > 1 {
		within = nil
	}
	a.w, a.v = ev.answer(n, within)
	a.block = ev.block
	return a.w, a.v
}

// answer evaluates a node on the present block: all rows, none, or a bitmap. within, if
// not nil, are the rows that a conjunction has left; what is said of others is not looked
// at.
func (ev *evaluator) answer(n *vector, within []uint64) ([]uint64, planes.Verdict) {
	t := ev.tables[n.ctx.id]
	if t.n == 0 {
		return nil, planes.None
	}
	switch n.op {
	case vNever:
		return nil, planes.None
	case vAlways:
		return nil, planes.All
	case vAnd:
		return ev.conjunction(n, t, within)
	case vOr:
		return ev.disjunction(n, t)
	case vNot:
		w, v := ev.eval(n.kids[0], within)
		switch v {
		case planes.None:
			return nil, planes.All
		case planes.All:
			return nil, planes.None
		}
		out := ev.buffer(n, t.words)
		for i, x := range w {
			out[i] = ^x
		}
		return out, planes.Some
	case vSame:
		return ev.same(n, t)
	case vExpand:
		return ev.expand(n, within)
	case vBool:
		return t.cols[n.field.Pos].bits, planes.Some
	case vNull:
		if null := t.cols[n.field.Pos].null; null != nil {
			return null, planes.Some
		}
		return nil, planes.None
	case vTag:
		return ev.tagLeaf(n, t)
	case vInt, vLen, vCalendar, vText, vFloat:
		c := &t.cols[n.field.Pos]
		out := ev.buffer(n, t.words)
		v := ev.leaf(n, t, c, out, within)
		if c.null == nil || v == planes.None {
			return out, v
		}
		if v == planes.All {
			for i, x := range c.null {
				out[i] = ^x
			}
			return out, planes.Some
		}
		if planes.AndNot(out, out, c.null) == 0 {
			return nil, planes.None
		}
		return out, planes.Some
	case vAny, vCount, vSumInt, vSumCmp:
		return ev.loop(n, t)
	}
	return ev.closure(n, t, within)
}

// conjunction goes over its kids from cheap to dear and stops when no row is left.
func (ev *evaluator) conjunction(n *vector, t *table, within []uint64) ([]uint64, planes.Verdict) {
	out, cur := ev.buffer(n, t.words), []uint64(nil)
	for _, k := range n.kids {
		negative := k.op == vNot && k.uses == 1
		if negative {
			k = k.kids[0]
		}
		rows := cur
		if rows == nil {
			rows = within
		}
		w, v := ev.eval(k, rows)
		switch {
		case v == planes.All && !negative, v == planes.None && negative:
			continue
		case v != planes.Some:
			return nil, planes.None
		case cur == nil && !negative:
			cur = w
			continue
		case cur == nil:
			for i, x := range w {
				out[i] = ^x
			}
			cur = out
			continue
		}
		any := uint64(0)
		if negative {
			any = planes.AndNot(out, cur, w)
		} else {
			any = planes.And(out, cur, w)
		}
		if any == 0 {
			return nil, planes.None
		}
		cur = out
	}
	if cur == nil {
		return nil, planes.All
	}
	return cur, planes.Some
}

// disjunction joins its kids and stops when one holds for all rows.
func (ev *evaluator) disjunction(n *vector, t *table) ([]uint64, planes.Verdict) {
	out, cur := ev.buffer(n, t.words), []uint64(nil)
	for _, k := range n.kids {
		w, v := ev.eval(k, nil)
		switch {
		case v == planes.All:
			return nil, planes.All
		case v == planes.None:
		case cur == nil:
			cur = w
		default:
			planes.Or(out, cur, w)
			cur = out
		}
	}
	if cur == nil {
		return nil, planes.None
	}
	return cur, planes.Some
}

// same is the rows for which two conditions are alike: equality of bools.
func (ev *evaluator) same(n *vector, t *table) ([]uint64, planes.Verdict) {
	out := ev.buffer(n, t.words)
	a, av := ev.eval(n.kids[0], nil)
	b, bv := ev.eval(n.kids[1], nil)
	if av != planes.Some {
		a, av, b, bv = b, bv, a, av
	}
	switch {
	case av != planes.Some && av == bv:
		return nil, planes.All
	case av != planes.Some:
		return nil, planes.None
	case bv == planes.All:
		return a, planes.Some
	case bv == planes.None:
		for i := range out {
			out[i] = ^a[i]
		}
	default:
		for i := range out {
			out[i] = ^(a[i] ^ b[i])
		}
	}
	return out, planes.Some
}

// expand gives every child row what its row above has.
func (ev *evaluator) expand(n *vector, _ []uint64) ([]uint64, planes.Verdict) {
	w, v := ev.eval(n.kids[0], nil)
	if v != planes.Some {
		return nil, v
	}
	var path []*vectorCtx
	for c := n.ctx; c.above != nil; c = c.above {
		path = append(path, c)
	}
	for i := len(path) - 1; i >= 0; i-- {
		t := ev.tables[path[i].id]
		var out []uint64
		if i == 0 {
			out = ev.buffer(n, t.words)
		} else {
			out = make([]uint64, t.words)
		}
		w = t.expand(out, w)
	}
	return w, planes.Some
}

// expand gives every row what its parent has.
func (t *table) expand(out, above []uint64) []uint64 {
	for i := range out {
		x := uint64(0)
		for j, p := range t.parent[i<<6 : min(i<<6+64, t.n)] {
			x |= above[p>>6] >> (p & 63) & 1 << j
		}
		out[i] = x
	}
	return out
}

// loop answers any, count and sum from the answer for the child rows.
func (ev *evaluator) loop(n *vector, t *table) ([]uint64, planes.Verdict) {
	rows := t.cols[n.field.Pos].rows
	var w []uint64
	v := planes.All
	if len(n.kids) > 0 {
		w, v = ev.eval(n.kids[0], nil)
	}
	if rows.n == 0 {
		v = planes.None
	}
	out := ev.buffer(n, t.words)
	switch n.op {
	case vAny:
		if v == planes.None {
			return nil, planes.None
		}
		clear(out)
		rows.selected(w, v, func(i int) { planes.SetBit(out, int(rows.parent[i])) })
		return out, planes.Some
	case vCount:
		counts := ev.zeros(t.words << 6)
		if v != planes.None {
			rows.selected(w, v, func(i int) { counts[rows.parent[i]]++ })
		}
		inSpans(out, counts, n.spans)
		return out, planes.Some
	}
	c := &rows.cols[n.term.Field.Pos]
	if n.op == vSumInt {
		sums, d := ev.zeros(t.words<<6), ev.pop.enc.dicts[n.term.Field]
		if v != planes.None {
			rows.selected(w, v, func(i int) {
				if c.null == nil || !planes.BitAt(c.null, i) {
					p := rows.parent[i]
					sums[p] = closure.Add(sums[p], d.days(n.term.Field, c.num.Get(i), ev.m.Today))
				}
			})
		}
		inSpans(out, sums, n.spans)
		return out, planes.Some
	}
	if cap(ev.sums) < t.words<<6 {
		ev.sums = make([]float64, max(t.words<<6, blockRows))
	}
	sums := ev.sums[:t.words<<6]
	clear(sums)
	if v != planes.None {
		rows.selected(w, v, func(i int) {
			if c.null == nil || !planes.BitAt(c.null, i) {
				sums[rows.parent[i]] += c.flo[i]
			}
		})
	}
	return out, floatLeaf(out, sums, n.cmp, n.flo)
}

// zeros is a column of zeros, good until the next call.
func (ev *evaluator) zeros(n int) []int64 {
	if cap(ev.counts) < n {
		ev.counts = make([]int64, max(n, blockRows))
	}
	z := ev.counts[:n]
	clear(z)
	return z
}

// inSpans tests 64 values a word against ranges. One unsigned comparison asks for both
// ends of a range, and there is no branch that data could mispredict.
func inSpans(out []uint64, values []int64, spans []ir.Span) {
	for i := range out {
		x := uint64(0)
		for _, s := range spans {
			width := uint64(s.Hi) - uint64(s.Lo)
			for j, v := range values[i<<6 : i<<6+64] {
				x |= bit(uint64(v)-uint64(s.Lo) <= width) << j
			}
		}
		out[i] = x
	}
}

// selected calls fn for the rows of an answer, in order.
func (t *table) selected(w []uint64, v planes.Verdict, fn func(int)) {
	if v == planes.All {
		for i := range t.n {
			fn(i)
		}
		return
	}
	for i, x := range w {
		if i == t.words-1 && t.n&63 != 0 {
			x &= 1<<(t.n&63) - 1
		}
		for ; x != 0; x &= x - 1 {
			fn(i<<6 | bits.TrailingZeros64(x))
		}
	}
}
