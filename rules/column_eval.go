package rules

import (
	"math/bits"
	"strings"
	"unsafe"
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

// codeTest says which codes of a dictionary pass.
type codeTest struct {
	spans []span // runs of codes
	pass  []bool // by code
	size  int    // of the dictionary then
	m     *Moment
}

// closed evaluates the closure of a node on rows that are gathered back.
type closed struct {
	test   boolFn
	gather *gatherer
	facts  unsafe.Pointer
	loaded int // row in facts, -1 for none
	block  int
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

func (ev *evaluator) tagLeaf(n *vector, t *table) ([]uint64, verdict) {
	if ev.over != nil && ev.over.field == n.field {
		if o := ev.over.tags[n.tag]; o != nil {
			return o.apply(ev.buffer(n, t.words), t.cols[n.field.pos].tags[n.tag], ev.first/64), some
		}
	}
	rows := t.cols[n.field.pos].tags[n.tag]
	if rows == nil {
		return nil, none
	}
	if rows.bits != nil {
		return rows.bits, some
	}
	out := ev.buffer(n, t.words)
	clear(out)
	for _, r := range rows.list {
		setBit(out, int(r))
	}
	return out, some
}

// leaf answers a comparison of a field with constants; null is seen to later.
func (ev *evaluator) leaf(n *vector, t *table, c *column, out, within []uint64) verdict {
	tmp, more := ev.scratch(t.words)
	switch n.op {
	case vFloat:
		return floatLeaf(out, c.flo, n.cmp, n.flo)
	case vText:
		if !c.coded {
			return ev.rawText(n, t, c, out, within)
		}
		return ev.codes(&c.num, ev.textTest(n), out, tmp, more)
	case vCalendar:
		return ev.codes(&c.md, ev.calendarTest(n), out, tmp, more)
	}
	if c.coded {
		return ev.codes(&c.num, ev.yearlyTest(n), out, tmp, more)
	}
	result := none
	for i, s := range n.spans {
		s = ev.anchored(n, s)
		if i == 0 {
			result = c.num.between(out, tmp, s.lo, s.hi)
			continue
		}
		result = unite(&c.num, out, tmp, more, s, result)
	}
	return result
}

// unite adds the rows of one more span to an answer.
func unite(p *planes, out, tmp, more []uint64, s span, so verdict) verdict {
	if so == all {
		return all
	}
	switch v := p.between(more, tmp, s.lo, s.hi); {
	case v == none:
		return so
	case v == all:
		return all
	case so == none:
		copy(out, more)
	default:
		or(out, out, more)
	}
	return some
}

// anchored turns a span of what a field holds today into one of what is stored.
func (ev *evaluator) anchored(n *vector, s span) span {
	today := ev.m.today
	switch {
	case n.op != vInt:
		return s
	case n.days == since0 || n.field.ages == since:
		return span{subtract(today, s.hi), subtract(today, s.lo)}
	case n.days == until0 || n.field.ages == until:
		return span{add(today, s.lo), add(today, s.hi)}
	}
	return s
}

func floatLeaf(out []uint64, values []float64, o op, c float64) verdict {
	for i := range out {
		v := values[i<<6:]
		if len(v) > 64 {
			v = v[:64]
		}
		x := uint64(0)
		switch o {
		case opEq:
			for j, f := range v {
				x |= bit(f == c) << j
			}
		case opNe:
			for j, f := range v {
				x |= bit(f != c) << j
			}
		case opLt:
			for j, f := range v {
				x |= bit(f < c) << j
			}
		case opLe:
			for j, f := range v {
				x |= bit(f <= c) << j
			}
		case opGt:
			for j, f := range v {
				x |= bit(f > c) << j
			}
		case opGe:
			for j, f := range v {
				x |= bit(f >= c) << j
			}
		}
		out[i] = x
	}
	return some
}

func bit(b bool) uint64 {
	var x uint64
	if b {
		x = 1
	}
	return x
}

// rawText tests texts one by one.
func (ev *evaluator) rawText(n *vector, t *table, c *column, out, within []uint64) verdict {
	for i := range out {
		todo := ^uint64(0)
		if within != nil {
			todo = within[i]
		}
		if i == len(out)-1 && t.n&63 != 0 {
			todo &= 1<<(t.n&63) - 1
		}
		x := uint64(0)
		for ; todo != 0; todo &= todo - 1 {
			j := bits.TrailingZeros64(todo)
			s := c.textAt(i<<6 | j)
			pass := false
			switch n.cmp {
			case opStarts:
				pass = strings.HasPrefix(s, n.needle)
			case opEnds:
				pass = strings.HasSuffix(s, n.needle)
			case opContains:
				pass = strings.Contains(s, n.needle)
			default:
				*ev.str = s
				pass = n.text(ev.str)
			}
			x |= bit(pass) << j
		}
		out[i] = x
	}
	return some
}

// textTest returns the codes of the texts that pass.
func (ev *evaluator) textTest(n *vector) *codeTest {
	d := ev.pop.enc.dicts[n.field]
	c := ev.tests[n.id]
	if c != nil && c.size == len(d.values) {
		return c
	}
	c = &codeTest{size: len(d.values)}
	ev.tests[n.id] = c
	if n.equals != nil && len(n.equals) <= 8 {
		for _, s := range n.equals {
			if code, ok := d.codes[s]; ok {
				c.spans = append(c.spans, span{code, code})
			}
		}
		return c
	}
	c.pass = make([]bool, len(d.values))
	for i, s := range d.values {
		*ev.str = s
		c.pass[i] = n.text(ev.str)
	}
	c.runs()
	return c
}

func (c *codeTest) runs() {
	c.spans = c.spans[:0]
	for i := 0; i < len(c.pass); i++ {
		if c.pass[i] {
			lo := i
			for i+1 < len(c.pass) && c.pass[i+1] {
				i++
			}
			c.spans = append(c.spans, span{int64(lo), int64(i)})
		}
	}
}

// yearlyTest returns the codes of the days of the year that pass today.
func (ev *evaluator) yearlyTest(n *vector) *codeTest {
	c := ev.dailyTest(n)
	if c.m == ev.m {
		return c
	}
	c.m = ev.m
	d := ev.pop.enc.dicts[n.field]
	c.pass = c.pass[:0]
	for code := range int64(yearDays + len(d.odd)) {
		v, pass := d.days(n.field, code, ev.m.today), false
		for _, s := range n.spans {
			pass = pass || s.lo <= v && v <= s.hi
		}
		c.pass = append(c.pass, pass)
	}
	c.runs()
	return c
}

func (ev *evaluator) dailyTest(n *vector) *codeTest {
	if ev.tests[n.id] == nil {
		ev.tests[n.id] = &codeTest{}
	}
	return ev.tests[n.id]
}

// calendarTest returns the months and days (month*32 + day) that pass today.
func (ev *evaluator) calendarTest(n *vector) *codeTest {
	c := ev.dailyTest(n)
	if c.m == ev.m || c.m != nil && !n.daily {
		return c
	}
	c.m = ev.m
	c.pass = c.pass[:0]
	for code := range int64(13 << 5) {
		month, monthDay := code>>5, code&31
		v := month
		switch n.term.op {
		case opMonthDay:
			v = monthDay
		case opAnniversary:
			v = -1
			if month > 0 && monthDay > 0 {
				v = anniversary(ev.m.today, fromCivil(2000, month, monthDay))
			}
		}
		pass := false
		for _, s := range n.spans {
			pass = pass || s.lo <= v && v <= s.hi
		}
		c.pass = append(c.pass, pass)
	}
	c.runs()
	return c
}

// codes answers which rows have a code that passes: by planes if it is a
// matter of a few runs, else by looking every code up.
func (ev *evaluator) codes(p *planes, c *codeTest, out, tmp, more []uint64) verdict {
	most, runs := int64(uint64(p.base)+p.top), 0
	for _, s := range c.spans {
		if s.hi >= p.base && s.lo <= most {
			runs++
		}
	}
	if runs > 12 && c.pass != nil {
		return ev.lookUp(p, c.pass, out)
	}
	result := none
	for _, s := range c.spans {
		if s.hi < p.base || s.lo > most {
			continue
		}
		if result == none {
			result = p.between(out, tmp, s.lo, s.hi)
			continue
		}
		result = unite(p, out, tmp, more, s, result)
	}
	return result
}

func (ev *evaluator) lookUp(p *planes, pass []bool, out []uint64) verdict {
	if cap(ev.nums) < len(out)*64 {
		ev.nums = make([]int64, max(len(out)*64, blockRows))
	}
	nums := ev.nums[:len(out)*64]
	p.decode(nums)
	for i := range out {
		x := uint64(0)
		for j, code := range nums[i<<6 : i<<6+64] {
			x |= bit(pass[code]) << j
		}
		out[i] = x
	}
	return some
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

// closure answers by the closures of the row back end.
func (ev *evaluator) closure(n *vector, t *table, within []uint64) ([]uint64, verdict) {
	c := ev.closed[n.id]
	if c == nil {
		c = &closed{test: compileBool(n.term), facts: ev.pop.newFacts()}
		c.gather = gathererFor(ev.plan.schema, ev.pop.enc.dicts, ev.pop.enc.zone.zone, n.term)
		if ev.over != nil {
			c.gather.tags = nil
		}
		ev.closed[n.id] = c
	}
	c.loaded = -1
	root := ev.tables[0]
	out := ev.buffer(n, t.words)
	clear(out)
	test := func(i int) {
		e := env{facts: c.facts, m: ev.m}
		row := i
		if n.ctx.above != nil {
			row = int(t.parent[i])
		}
		if c.loaded != row {
			c.gather.load(root, row, c.facts, ev.m.today)
			c.loaded = row
			if ev.over != nil && n.tagged {
				ev.over.adjust(c.facts, ev.first+row)
			}
		}
		if n.ctx.above != nil {
			e.row, _ = rowAt(e, n.ctx.rows, i-int(t.first[row]))
		}
		if c.test(e) {
			setBit(out, i)
		}
	}
	if within != nil {
		t.selected(within, some, test)
	} else {
		t.selected(nil, all, test)
	}
	return out, some
}
