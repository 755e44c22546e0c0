package dedup

import (
	"math"

	"github.com/vefacrm/vefa/dedup/metric"
)

// unknown is the level of a comparison that lacks a value on one side.
const unknown = 15

// pattern packs the levels of all comparisons, 4 bits each: 0 is the first level
// of the schema (equality), the number of levels is "none holds".
type pattern uint64

// level is the level of a comparison: four bits of the pattern, see unknown.
func (p pattern) level(c int) int { return int(p >> (4 * c) & 15) }

// comparer compares rows of a table; it is for one goroutine.
type comparer struct {
	t      *table
	agreed [maxComparisons]uint32 // value or element that agreed, where the level is 0
	a, b   []uint32               // the rows
	wholes [maxWholes]uint32      // where there are no rows: values of wholes that agreed
	memo   []memo
}

// memo is what the comparison of two values gave. Common names meet each other again and
// again in a batch.
type memo struct {
	a, b  uint32
	c     uint8 // comparison + 1
	level uint8
}

const memoSize = 1 << 15

// newComparer returns a comparer that remembers. It is for one goroutine.
func newComparer(t *table) *comparer {
	return &comparer{t: t, memo: make([]memo, memoSize)}
}

// compare returns the levels of all comparisons. They are made in the order of the schema,
// because one may be settled by another that comes before it.
func (x *comparer) compare(a, b []uint32) pattern {
	var out pattern
	x.a, x.b = a, b
	for i := range x.t.plan.comparisons {
		out |= pattern(x.level(i, a, b, out)) << (4 * i)
	}
	return x.swaps(out, a, b)
}

// whole returns the value of whole k that both rows have, 0 if they do not or the pattern
// does not agree on all its parts.
func (x *comparer) whole(k int, p pattern) uint32 {
	w := &x.t.plan.wholes[k]
	for _, c := range w.parts {
		if p.level(c) != 0 {
			return 0
		}
	}
	switch {
	case x.a == nil:
		return x.wholes[k]
	case x.a[w.field] == x.b[w.field]:
		return x.a[w.field]
	}
	return 0
}

// level grades comparison i; before holds the levels of those that stand before it.
func (x *comparer) level(i int, a, b []uint32, before pattern) int {
	c := &x.t.plan.comparisons[i]
	va, vb := a[c.field], b[c.field]
	level := unknown
	switch {
	case va == 0 || vb == 0:
		return unknown
	case c.crossed:
		level = x.values(i, c, va, vb)
	case c.identifier || c.set:
		level = x.sets(i, c, va, vb)
	case va == vb:
		level, x.agreed[i] = 0, va
	case c.impliedBy >= 0 && before.level(c.impliedBy) < c.impliedLevels:
		return unknown
	default:
		level = x.values(i, c, va, vb)
	}
	if c.impliedBy >= 0 && before.level(c.impliedBy) < c.impliedLevels {
		return unknown
	}
	return level
}

// swaps tries fields that people fill the wrong way round, such as given and family name.
func (x *comparer) swaps(p pattern, a, b []uint32) pattern {
	for _, s := range x.t.plan.swaps {
		p = x.swap(p, s, a, b)
	}
	return p
}

// values compares two single values, in a fixed order of the two: metrics are symmetric,
// and the memo finds either.
func (x *comparer) values(i int, c *comparison, va, vb uint32) int {
	if va > vb {
		va, vb = vb, va
	}
	d := &x.t.dicts[c.field]
	if x.memo == nil {
		return c.grade(d.text(va), d.text(vb))
	}
	h := (uint64(va)<<32 | uint64(vb)) * 0x9e3779b97f4a7c15
	m := &x.memo[(h>>40+uint64(i)*0x51ed)&(memoSize-1)]
	if m.a == va && m.b == vb && m.c == uint8(i+1) {
		return int(m.level)
	}
	level := c.grade(d.text(va), d.text(vb))
	*m = memo{va, vb, uint8(i + 1), uint8(level)}
	return level
}

// grade returns the first level below equality that holds, unknown where a metric says that
// the two cannot be compared. The smaller string goes
// first, as a greedy metric like Jaro's need not be symmetric to the last bit.
func (c *comparison) grade(a, b string) int {
	if b < a {
		a, b = b, a
	}
	best := c.levels
	for _, g := range c.groups {
		s := g.metric.Compare(a, b)
		if math.IsNaN(s) {
			return unknown
		}
		for k, least := range g.mins {
			if s >= least {
				return min(best, g.first+k)
			}
		}
	}
	return best
}

// possible returns the first level below equality that may hold for values with these
// sketches.
func (c *comparison) possible(a, b uint64) int {
	for i := range c.groups {
		g := &c.groups[i]
		if g.sketcher == nil {
			return g.first
		}
		bound := g.sketcher.Bound(a, b)
		for k, least := range g.mins {
			if bound >= least {
				return g.first + k
			}
		}
	}
	return c.levels
}

// sets compares fields of several values by the pair that agrees best. Of values that are
// equal the rarest counts, which says most.
func (x *comparer) sets(i int, c *comparison, va, vb uint32) int {
	d := &x.t.dicts[c.field]
	if len(d.elements) == 0 && d.ignored == nil { // a batch over single values
		if va == vb {
			x.agreed[i] = va
			return 0
		}
		x.agreed[i] = 0
		return c.grade(d.text(va), d.text(vb))
	}
	var bufA, bufB [1]uint32
	as, bs := d.parts(va, &bufA), d.parts(vb, &bufB)
	best, found := unknown, uint32(0)
	for _, ea := range as {
		if d.ignored != nil && d.ignored[ea] {
			continue
		}
		for _, eb := range bs {
			if d.ignored != nil && d.ignored[eb] {
				continue
			}
			if ea == eb {
				// the rarest shared element counts; equals are told apart by value
				if best != 0 || d.rarer(ea, found) {
					found = ea
				}
				best = 0
			} else if best != 0 {
				best = min(best, c.grade(d.text(ea), d.text(eb)))
			}
		}
	}
	x.agreed[i] = found
	return best
}

// rarer reports whether fewer records have a than b; equal ones are told apart by their
// text.
func (d *dict) rarer(a, b uint32) bool {
	if d.holders != nil && d.holders[a] != d.holders[b] {
		return d.holders[a] < d.holders[b]
	}
	return d.text(a) < d.text(b)
}

// alike is the Jaro-Winkler similarity from which values count as exchanged.
const alike = 0.9

// swap tries one pair of fields: if both disagree as they stand and agree crosswise, both
// get the level of the swap.
func (x *comparer) swap(p pattern, s [3]int, a, b []uint32) pattern {
	la, lb := p.level(s[0]), p.level(s[1])
	if la == unknown || lb == unknown || la <= s[2] || lb <= s[2] {
		return p
	}
	fa, fb := x.t.plan.comparisons[s[0]].field, x.t.plan.comparisons[s[1]].field
	da, db := &x.t.dicts[fa], &x.t.dicts[fb]
	a0, b0, a1, b1 := da.text(a[fa]), da.text(b[fa]), db.text(a[fb]), db.text(b[fb])
	if a0[0] != b1[0] && a1[0] != b0[0] { // cheap: one of the two must start alike
		return p
	}
	like := func(a, b string) bool { return (metric.JaroWinkler{}).Compare(min(a, b), max(a, b)) >= alike }
	if !like(a0, b1) || !like(a1, b0) {
		return p
	}
	p &^= 15<<(4*s[0]) | 15<<(4*s[1])
	return p | pattern(s[2])<<(4*s[0]) | pattern(s[2])<<(4*s[1])
}
