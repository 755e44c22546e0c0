package population

import (
	"math/bits"
	"strings"
	"unsafe"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
	"github.com/vefacrm/vefa/rules/internal/planes"
)

// codeTest says which codes of a dictionary pass.
type codeTest struct {
	spans []ir.Span // runs of codes
	pass  []bool    // by code
	size  int       // of the dictionary then
	m     *ir.Clock
}

// closed evaluates the closure of a node on rows that are gathered back.
type closed struct {
	test   closure.BoolFunc
	gather *gatherer
	facts  unsafe.Pointer
	loaded int // row in facts, -1 for none
}

// tagLeaf is the carriers of a tag in the block, with what rules did to it in a backtest
// put on top.
func (ev *evaluator) tagLeaf(n *vector, t *table) ([]uint64, planes.Verdict) {
	if ev.over != nil && ev.over.field == n.field {
		if o := ev.over.tags[n.tag]; o != nil {
			return o.apply(ev.buffer(n, t.words), t.cols[n.field.Pos].tags[n.tag], ev.first/64), planes.Some
		}
	}
	rows := t.cols[n.field.Pos].tags[n.tag]
	if rows == nil {
		return nil, planes.None
	}
	if rows.bits != nil {
		return rows.bits, planes.Some
	}
	out := ev.buffer(n, t.words)
	clear(out)
	for _, r := range rows.list {
		planes.SetBit(out, int(r))
	}
	return out, planes.Some
}

// leaf answers a comparison of a field with constants; null is seen to later.
func (ev *evaluator) leaf(n *vector, t *table, c *column, out, within []uint64) planes.Verdict {
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
	result := planes.None
	for i, s := range n.spans {
		s = ev.anchored(n, s)
		if i == 0 {
			result = c.num.Between(out, tmp, s.Lo, s.Hi)
			continue
		}
		result = unite(&c.num, out, tmp, more, s, result)
	}
	return result
}

// unite adds the rows of one more span to an answer.
func unite(p *planes.Planes, out, tmp, more []uint64, s ir.Span, so planes.Verdict) planes.Verdict {
	if so == planes.All {
		return planes.All
	}
	switch v := p.Between(more, tmp, s.Lo, s.Hi); {
	case v == planes.None:
		return so
	case v == planes.All:
		return planes.All
	case so == planes.None:
		copy(out, more)
	default:
		planes.Or(out, out, more)
	}
	return planes.Some
}

// anchored turns a span of what a field holds today into one of what is stored.
func (ev *evaluator) anchored(n *vector, s ir.Span) ir.Span {
	today := ev.m.Today
	switch {
	case n.op != vInt:
		return s
	case n.days == since0 || n.field.Ages == ir.Since:
		return ir.Span{Lo: closure.Subtract(today, s.Hi), Hi: closure.Subtract(today, s.Lo)}
	case n.days == until0 || n.field.Ages == ir.Until:
		return ir.Span{Lo: closure.Add(today, s.Lo), Hi: closure.Add(today, s.Hi)}
	}
	return s
}

// floatLeaf compares floats with a constant. NaN is equal to nothing and different from
// everything, as in the closures.
func floatLeaf(out []uint64, values []float64, o ir.Op, c float64) planes.Verdict {
	for i := range out {
		v := values[i<<6:]
		if len(v) > 64 {
			v = v[:64]
		}
		x := uint64(0)
		switch o {
		case ir.OpEq:
			for j, f := range v {
				x |= bit(f == c) << j
			}
		case ir.OpNe:
			for j, f := range v {
				x |= bit(f != c) << j
			}
		case ir.OpLt:
			for j, f := range v {
				x |= bit(f < c) << j
			}
		case ir.OpLe:
			for j, f := range v {
				x |= bit(f <= c) << j
			}
		case ir.OpGt:
			for j, f := range v {
				x |= bit(f > c) << j
			}
		case ir.OpGe:
			for j, f := range v {
				x |= bit(f >= c) << j
			}
		}
		out[i] = x
	}
	return planes.Some
}

// bit is 1 for true; the compiler makes no branch of it.
func bit(b bool) uint64 {
	var x uint64
	if b {
		x = 1
	}
	return x
}

// rawText tests texts one by one.
func (ev *evaluator) rawText(n *vector, t *table, c *column, out, within []uint64) planes.Verdict {
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
			case ir.OpStarts:
				pass = strings.HasPrefix(s, n.needle)
			case ir.OpEnds:
				pass = strings.HasSuffix(s, n.needle)
			case ir.OpContains:
				pass = strings.Contains(s, n.needle)
			default:
				*ev.str = s
				pass = n.text(ev.str)
			}
			x |= bit(pass) << j
		}
		out[i] = x
	}
	return planes.Some
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
				c.spans = append(c.spans, ir.Span{Lo: code, Hi: code})
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

// runs lists the codes that pass as ranges.
func (c *codeTest) runs() {
	c.spans = c.spans[:0]
	for i := 0; i < len(c.pass); i++ {
		if c.pass[i] {
			lo := i
			for i+1 < len(c.pass) && c.pass[i+1] {
				i++
			}
			c.spans = append(c.spans, ir.Span{Lo: int64(lo), Hi: int64(i)})
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
	for code := range int64(ir.YearDays + len(d.odd)) {
		v, pass := d.days(n.field, code, ev.m.Today), false
		for _, s := range n.spans {
			pass = pass || s.Lo <= v && v <= s.Hi
		}
		c.pass = append(c.pass, pass)
	}
	c.runs()
	return c
}

// dailyTest is the test of a node that depends on the day, with room that is kept.
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
		switch n.term.Op {
		case ir.OpMonthDay:
			v = monthDay
		case ir.OpAnniversary:
			v = -1
			if month > 0 && monthDay > 0 {
				v = ir.Anniversary(ev.m.Today, ir.FromCivil(2000, month, monthDay))
			}
		}
		pass := false
		for _, s := range n.spans {
			pass = pass || s.Lo <= v && v <= s.Hi
		}
		c.pass = append(c.pass, pass)
	}
	c.runs()
	return c
}

// codes answers which rows have a code that passes: by planes if it is a
// matter of a few runs, else by looking every code up.
func (ev *evaluator) codes(p *planes.Planes, c *codeTest, out, tmp, more []uint64) planes.Verdict {
	most, runs := int64(uint64(p.Base)+p.Top), 0
	for _, s := range c.spans {
		if s.Hi >= p.Base && s.Lo <= most {
			runs++
		}
	}
	if runs > 12 && c.pass != nil {
		return ev.lookUp(p, c.pass, out)
	}
	result := planes.None
	for _, s := range c.spans {
		if s.Hi < p.Base || s.Lo > most {
			continue
		}
		if result == planes.None {
			result = p.Between(out, tmp, s.Lo, s.Hi)
			continue
		}
		result = unite(p, out, tmp, more, s, result)
	}
	return result
}

// lookUp decodes a column and looks each code up.
func (ev *evaluator) lookUp(p *planes.Planes, pass []bool, out []uint64) planes.Verdict {
	if cap(ev.nums) < len(out)*64 {
		ev.nums = make([]int64, max(len(out)*64, blockRows))
	}
	nums := ev.nums[:len(out)*64]
	p.Decode(nums)
	for i := range out {
		x := uint64(0)
		for j, code := range nums[i<<6 : i<<6+64] {
			x |= bit(pass[code]) << j
		}
		out[i] = x
	}
	return planes.Some
}

// closure answers by the closures of the row back end.
func (ev *evaluator) closure(n *vector, t *table, within []uint64) ([]uint64, planes.Verdict) {
	c := ev.closed[n.id]
	if c == nil {
		c = &closed{test: closure.Bool(n.term), facts: ev.plan.schema.New()}
		c.gather = gathererFor(ev.plan.schema, ev.pop.enc.dicts, ev.pop.enc.zone.Zone, n.term)
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
		e := closure.Env{Facts: c.facts, M: ev.m}
		row := i
		if n.ctx.above != nil {
			row = int(t.parent[i])
		}
		if c.loaded != row {
			c.gather.load(root, row, c.facts, ev.m.Today)
			c.loaded = row
			if ev.over != nil && n.tagged {
				ev.over.adjust(c.facts, ev.first+row)
			}
		}
		if n.ctx.above != nil {
			e.Row, _ = closure.RowAt(e, n.ctx.rows, i-int(t.first[row]))
		}
		if c.test(e) {
			planes.SetBit(out, i)
		}
	}
	if within != nil {
		t.selected(within, planes.Some, test)
	} else {
		t.selected(nil, planes.All, test)
	}
	return out, planes.Some
}
