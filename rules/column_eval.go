package rules

import (
	"math/bits"
)

// evaluator answers the nodes of a plan for one block after another. One
// goroutine uses it.
type evaluator struct {
	plan   *vectorPlan
	pop    *people
	m      *Moment
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
	v     verdict
	block int
}

func newEvaluator(plan *vectorPlan, pop *people, m *Moment) *evaluator {
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
			ev.tables[i] = ev.tables[c.above.id].cols[c.rows.pos].rows
		}
	}
}

func (ev *evaluator) buffer(n *vector, words int) []uint64 {
	if cap(ev.bufs[n.id]) < words {
		ev.bufs[n.id] = make([]uint64, max(words, blockRows/64))
	}
	return ev.bufs[n.id][:words]
}

func (ev *evaluator) scratch(words int) (a, b []uint64) {
	if len(ev.tmp) < 2*words {
		ev.tmp = make([]uint64, 2*max(words, blockRows/64))
	}
	return ev.tmp[:words:words], ev.tmp[words : 2*words]
}

// eval answers a node. within is nil or the rows that are asked for: a node
// that is dear and used once looks at no others, and its answer is good for
// those only.
func (ev *evaluator) eval(n *vector, within []uint64) ([]uint64, verdict) {
	if n == nil {
		return nil, all
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

func (ev *evaluator) answer(n *vector, within []uint64) ([]uint64, verdict) {
	t := ev.tables[n.ctx.id]
	if t.n == 0 {
		return nil, none
	}
	switch n.op {
	case vNever:
		return nil, none
	case vAlways:
		return nil, all
	case vAnd:
		return ev.conjunction(n, t, within)
	case vOr:
		return ev.disjunction(n, t)
	case vNot:
		w, v := ev.eval(n.kids[0], within)
		switch v {
		case none:
			return nil, all
		case all:
			return nil, none
		}
		out := ev.buffer(n, t.words)
		for i, x := range w {
			out[i] = ^x
		}
		return out, some
	case vSame:
		return ev.same(n, t)
	case vExpand:
		return ev.expand(n, within)
	case vBool:
		return t.cols[n.field.pos].bits, some
	case vNull:
		if null := t.cols[n.field.pos].null; null != nil {
			return null, some
		}
		return nil, none
	case vTag:
		return ev.tagLeaf(n, t)
	case vInt, vLen, vCalendar, vText, vFloat:
		c := &t.cols[n.field.pos]
		out := ev.buffer(n, t.words)
		v := ev.leaf(n, t, c, out, within)
		if c.null == nil || v == none {
			return out, v
		}
		if v == all {
			for i, x := range c.null {
				out[i] = ^x
			}
			return out, some
		}
		if andNot(out, out, c.null) == 0 {
			return nil, none
		}
		return out, some
	case vAny, vCount, vSumInt, vSumCmp:
		return ev.loop(n, t)
	}
	return ev.closure(n, t, within)
}

func (ev *evaluator) conjunction(n *vector, t *table, within []uint64) ([]uint64, verdict) {
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
		case v == all && !negative, v == none && negative:
			continue
		case v != some:
			return nil, none
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
			any = andNot(out, cur, w)
		} else {
			any = and(out, cur, w)
		}
		if any == 0 {
			return nil, none
		}
		cur = out
	}
	if cur == nil {
		return nil, all
	}
	return cur, some
}

func (ev *evaluator) disjunction(n *vector, t *table) ([]uint64, verdict) {
	out, cur := ev.buffer(n, t.words), []uint64(nil)
	for _, k := range n.kids {
		w, v := ev.eval(k, nil)
		switch {
		case v == all:
			return nil, all
		case v == none:
		case cur == nil:
			cur = w
		default:
			or(out, cur, w)
			cur = out
		}
	}
	if cur == nil {
		return nil, none
	}
	return cur, some
}

func (ev *evaluator) same(n *vector, t *table) ([]uint64, verdict) {
	out := ev.buffer(n, t.words)
	a, av := ev.eval(n.kids[0], nil)
	b, bv := ev.eval(n.kids[1], nil)
	if av != some {
		a, av, b, bv = b, bv, a, av
	}
	switch {
	case av != some && av == bv:
		return nil, all
	case av != some:
		return nil, none
	case bv == all:
		return a, some
	case bv == none:
		for i := range out {
			out[i] = ^a[i]
		}
	default:
		for i := range out {
			out[i] = ^(a[i] ^ b[i])
		}
	}
	return out, some
}

// expand gives every child row what its row above has.
func (ev *evaluator) expand(n *vector, _ []uint64) ([]uint64, verdict) {
	w, v := ev.eval(n.kids[0], nil)
	if v != some {
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
	return w, some
}

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
func (ev *evaluator) loop(n *vector, t *table) ([]uint64, verdict) {
	rows := t.cols[n.field.pos].rows
	var w []uint64
	v := all
	if len(n.kids) > 0 {
		w, v = ev.eval(n.kids[0], nil)
	}
	if rows.n == 0 {
		v = none
	}
	out := ev.buffer(n, t.words)
	switch n.op {
	case vAny:
		if v == none {
			return nil, none
		}
		clear(out)
		rows.selected(w, v, func(i int) { setBit(out, int(rows.parent[i])) })
		return out, some
	case vCount:
		counts := ev.zeros(t.words << 6)
		if v != none {
			rows.selected(w, v, func(i int) { counts[rows.parent[i]]++ })
		}
		inSpans(out, counts, n.spans)
		return out, some
	}
	c := &rows.cols[n.term.field.pos]
	if n.op == vSumInt {
		sums, d := ev.zeros(t.words<<6), ev.pop.enc.dicts[n.term.field]
		if v != none {
			rows.selected(w, v, func(i int) {
				if c.null == nil || !bitAt(c.null, i) {
					p := rows.parent[i]
					sums[p] = add(sums[p], d.days(n.term.field, c.num.get(i), ev.m.today))
				}
			})
		}
		inSpans(out, sums, n.spans)
		return out, some
	}
	if cap(ev.sums) < t.words<<6 {
		ev.sums = make([]float64, max(t.words<<6, blockRows))
	}
	sums := ev.sums[:t.words<<6]
	clear(sums)
	if v != none {
		rows.selected(w, v, func(i int) {
			if c.null == nil || !bitAt(c.null, i) {
				sums[rows.parent[i]] += c.flo[i]
			}
		})
	}
	return out, floatLeaf(out, sums, n.cmp, n.flo)
}

func (ev *evaluator) zeros(n int) []int64 {
	if cap(ev.counts) < n {
		ev.counts = make([]int64, max(n, blockRows))
	}
	z := ev.counts[:n]
	clear(z)
	return z
}

func inSpans(out []uint64, values []int64, spans []span) {
	for i := range out {
		x := uint64(0)
		for _, s := range spans {
			width := uint64(s.hi) - uint64(s.lo)
			for j, v := range values[i<<6 : i<<6+64] {
				x |= bit(uint64(v)-uint64(s.lo) <= width) << j
			}
		}
		out[i] = x
	}
}

// selected calls fn for the rows of an answer, in order.
func (t *table) selected(w []uint64, v verdict, fn func(int)) {
	if v == all {
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
