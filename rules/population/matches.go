package population

import (
	"iter"
	"math/bits"
	"slices"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/internal/planes"
)

// Matches says which rules fire for which subjects: what Set.Evening says for
// each of them, for all.
type Matches struct {
	rules  []listed
	byName map[string]int
	found  []found
	n      int // subjects
	blocks []*table
}

// found is what one rule matches: a cell per block.
type found struct {
	subjects []cell
	rows     []cell // of a rule with Each: rows of the block's child table
	n        int    // subjects
	firings  int
	extra    map[int][]int32 // rows of subjects beside their block
}

// cell is a set of rows of a table: a list if they are few.
type cell struct {
	bits []uint64
	list []int32
}

// newCell makes a cell of a bitmap: a list where there are at most two members a word,
// which then needs no more memory.
func newCell(w []uint64) (c cell, n int) {
	if n = planes.CountBits(w); n == 0 {
		return cell{}, 0
	}
	if n > len(w)*2 {
		return cell{bits: slices.Clone(w)}, n
	}
	c.list = make([]int32, 0, n)
	for i, x := range w {
		for ; x != 0; x &= x - 1 {
			c.list = append(c.list, int32(i<<6|bits.TrailingZeros64(x)))
		}
	}
	return c, n
}

func (c *cell) has(i int) bool {
	if c.bits != nil {
		return i>>6 < len(c.bits) && planes.BitAt(c.bits, i)
	}
	_, ok := slices.BinarySearch(c.list, int32(i))
	return ok
}

// each calls fn for the members in order, until it returns false.
func (c *cell) each(fn func(int) bool) bool {
	for _, i := range c.list {
		if !fn(int(i)) {
			return false
		}
	}
	for i, x := range c.bits {
		for ; x != 0; x &= x - 1 {
			if !fn(i<<6 | bits.TrailingZeros64(x)) {
				return false
			}
		}
	}
	return true
}

// sweep evaluates a plan block by block.
type sweep struct {
	ev      *evaluator
	out     *Matches
	beside  map[int][]rules.Firing
	order   []int // of beside
	live    []uint64
	rows    []uint64
	hits    []uint64
	decided map[int][]uint64 // by group
}

func (sw *sweep) block(b int) {
	q, first := sw.ev.pop, b*blockRows
	n := min(blockRows, q.n-first)
	words := planes.WordsOf(n)
	var t *table
	if b < len(q.blocks) {
		t = q.blocks[b]
		sw.ev.start(t, first)
		sw.live = slices.Grow(sw.live[:0], t.words)[:t.words]
		planes.Fill(sw.live, t.n)
		for i := range sw.live {
			sw.live[i] &^= q.dead[first/64+i] | q.stale[first/64+i]
		}
	}
	sw.hits = slices.Grow(sw.hits[:0], words)[:words]
	sw.decided = map[int][]uint64{}
	own := sw.order
	for k, i := range own {
		if i >= first+n {
			own = own[:k]
			break
		}
	}
	sw.order = sw.order[len(own):]
	for i := range sw.ev.plan.rules {
		r := &sw.ev.plan.rules[i]
		today := sw.ev.m.Today
		clear(sw.hits)
		if t != nil && today >= r.From && today <= r.To {
			sw.rule(r, t, b, i)
		}
		f := &sw.out.found[i]
		for _, subject := range own {
			for _, hit := range sw.beside[subject] {
				if hit.Rule != r.rule {
					continue
				}
				planes.SetBit(sw.hits, subject-first)
				f.firings++
				if hit.Row >= 0 {
					if f.extra == nil {
						f.extra = map[int][]int32{}
					}
					f.extra[subject] = append(f.extra[subject], int32(hit.Row))
				}
			}
		}
		c, k := newCell(sw.hits)
		f.subjects[b] = c
		f.n += k
		if r.each == nil {
			f.firings = f.n
		}
	}
}

// rule sets hits for one rule.
func (sw *sweep) rule(r *vectorRule, t *table, b, index int) {
	w, v := sw.ev.eval(r.facts, nil)
	hits := sw.hits[:t.words]
	switch v {
	case planes.None:
		return
	case planes.All:
		copy(hits, sw.live)
	default:
		if planes.And(hits, w, sw.live) == 0 {
			return
		}
	}
	limited := r.Limited
	decided := sw.decided[r.Group]
	if limited && decided == nil {
		decided = make([]uint64, t.words)
		sw.decided[r.Group] = decided
	}
	if limited && planes.AndNot(hits, hits, decided) == 0 {
		return
	}
	if r.each != nil {
		sw.eachRow(r, t, b, index, hits, r.Single)
	}
	if limited {
		planes.Or(decided, decided, hits)
	}
}

// eachRow narrows hits down to the subjects that have a row that matches.
func (sw *sweep) eachRow(r *vectorRule, t *table, b, index int, hits []uint64, firstOnly bool) {
	rows := t.cols[r.each.rows.Pos].rows
	w, v := sw.ev.eval(r.rows, nil)
	sw.rows = slices.Grow(sw.rows[:0], rows.words)[:rows.words]
	clear(sw.rows)
	seen := make([]uint64, t.words)
	if v != planes.None {
		rows.selected(w, v, func(i int) {
			p := int(rows.parent[i])
			if planes.BitAt(hits, p) && !(firstOnly && planes.BitAt(seen, p)) {
				planes.SetBit(seen, p)
				planes.SetBit(sw.rows, i)
			}
		})
	}
	copy(hits, seen)
	c, n := newCell(sw.rows)
	sw.out.found[index].rows[b] = c
	sw.out.found[index].firings += n
}

// Count returns how many subjects a rule matches and how often it fires: more often if it
// fires for each of their rows. Both are 0 for a name that is not known.
func (m *Matches) Count(rule string) (subjects, firings int) {
	f := m.of1(rule)
	return f.n, f.firings
}

// Subjects returns the subjects that a rule fires for, in order.
func (m *Matches) Subjects(rule string) iter.Seq[int] {
	return func(yield func(int) bool) {
		i, ok := m.byName[rule]
		if !ok {
			return
		}
		for b := range m.found[i].subjects {
			if !m.found[i].subjects[b].each(func(k int) bool { return yield(b*blockRows + k) }) {
				return
			}
		}
	}
}

// All returns the firings of every subject that has any, subject by subject in
// order: what Set.Evening returns for it. The slice is good until the next step.
func (m *Matches) All() iter.Seq2[int, []rules.Firing] {
	return func(yield func(int, []rules.Firing) bool) {
		var firings []rules.Firing
		hits := make([]uint64, blockRows/64)
		for b := range (m.n + blockRows - 1) / blockRows {
			clear(hits)
			for i := range m.found {
				m.found[i].subjects[b].each(func(k int) bool { planes.SetBit(hits, k); return true })
			}
			next := make([]int, len(m.found)) // position in the lists, so that nothing is searched
			for w, x := range hits {
				for ; x != 0; x &= x - 1 {
					k := w<<6 | bits.TrailingZeros64(x)
					firings = m.of(firings[:0], b, k, next)
					if !yield(b*blockRows+k, firings) {
						return
					}
				}
			}
		}
	}
}

// of appends the firings of one subject in the order of the rules, as Set.Evening has
// them.
func (m *Matches) of(dst []rules.Firing, b, k int, next []int) []rules.Firing {
	for i := range m.found {
		f := &m.found[i]
		c := &f.subjects[b]
		if c.bits == nil {
			if next[i] == len(c.list) || int(c.list[next[i]]) != k {
				continue
			}
			next[i]++
		} else if !planes.BitAt(c.bits, k) {
			continue
		}
		r := m.rules[i]
		switch rows, beside := f.extra[b*blockRows+k]; {
		case r.Each == nil:
			dst = append(dst, rules.Firing{Rule: r.rule, Row: -1})
		case beside:
			for _, row := range rows {
				dst = append(dst, rules.Firing{Rule: r.rule, Row: int(row)})
			}
		default:
			t := m.blocks[b].cols[r.Each.Pos].rows
			for row := t.first[k]; row < t.first[k+1]; row++ {
				if f.rows[b].has(int(row)) {
					dst = append(dst, rules.Firing{Rule: r.rule, Row: int(row - t.first[k])})
				}
			}
		}
	}
	return dst
}
