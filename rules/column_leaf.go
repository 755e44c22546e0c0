package rules

import (
	"math/bits"
	"strings"
	"unsafe"
)

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
