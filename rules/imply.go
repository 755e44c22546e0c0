package rules

import (
	"math"
	"slices"
)

// prover compares conditions by their shapes, within a budget.
type prover struct {
	left  int // comparisons
	texts map[*term]string
}

func newProver() *prover { return &prover{left: 3_000_000, texts: map[*term]string{}} }

// text returns the canonical spelling of a term.
func (p *prover) text(t *term) string {
	s, ok := p.texts[t]
	if !ok {
		s = t.canonical()
		p.left -= len(s)
		if len(p.texts) < 100_000 {
			p.texts[t] = s
		}
	}
	return s
}

// implies reports whether b holds whenever a does, as far as that can be seen
// from their shapes: true is a proof, false is not. Both must be simplified.
func (p *prover) implies(a, b *term) bool {
	if p.left--; p.left < 0 {
		return false
	}
	if a.isConst() && a.kind == Bool && a.num == 0 || b.isConst() && b.kind == Bool && b.num != 0 {
		return true
	}
	if p.text(a) == p.text(b) {
		return true
	}
	if a.op == opOr {
		return every(a.kids, func(k *term) bool { return p.implies(k, b) })
	}
	if b.op == opAnd {
		return every(b.kids, func(k *term) bool { return p.implies(a, k) })
	}
	if b.op == opOr && slices.ContainsFunc(b.kids, func(k *term) bool { return p.implies(a, k) }) {
		return true
	}
	if a.op == opAnd {
		return slices.ContainsFunc(a.kids, func(k *term) bool { return p.implies(k, b) })
	}
	return p.leafImplies(a, b)
}

func every(kids []*term, fn func(*term) bool) bool {
	return !slices.ContainsFunc(kids, func(k *term) bool { return !fn(k) })
}

// excludes reports whether a and b cannot hold together, as far as can be seen.
func (p *prover) excludes(a, b *term) bool {
	for _, x := range flat(a, opAnd) {
		for _, y := range flat(b, opAnd) {
			if p.left--; p.left < 0 {
				return false
			}
			switch {
			case x.op == opOr:
				if every(x.kids, func(k *term) bool { return p.excludes(k, y) }) {
					return true
				}
			case y.op == opOr:
				if every(y.kids, func(k *term) bool { return p.excludes(x, k) }) {
					return true
				}
			case p.leafExcludes(x, y) || p.leafExcludes(y, x):
				return true
			}
		}
	}
	return false
}

// interval is what a comparison with a constant leaves of a number.
type interval struct {
	lo, hi         float64
	loOpen, hiOpen bool
}

// intervalOf reads a comparison of a number with a constant; of names what is
// compared.
func intervalOf(t *term) (of string, v interval, ok bool) {
	inf := math.Inf(1)
	switch {
	case t.op == opBetween:
		lo, hi := float64(t.num), float64(t.high())
		if t.num == math.MinInt64 {
			lo = -inf
		}
		if t.high() == math.MaxInt64 {
			hi = inf
		}
		// Beyond 2^53 a float is not exact: nothing is said about those.
		if !math.IsInf(lo, 0) && math.Abs(lo) > 1<<53 || !math.IsInf(hi, 0) && math.Abs(hi) > 1<<53 {
			return "", v, false
		}
		return t.kids[0].String(), interval{lo: lo, hi: hi}, true
	case t.op >= opEq && t.op <= opGe && t.op != opNe && t.kids[0].kind == Float:
		a, b, o := t.kids[0], t.kids[1], t.op
		if a.isConst() {
			a, b = b, a
			o = map[op]op{opEq: opEq, opLt: opGt, opLe: opGe, opGt: opLt, opGe: opLe}[o]
		}
		if !b.isConst() {
			return "", v, false
		}
		v = interval{lo: -inf, hi: inf}
		switch o {
		case opEq:
			v.lo, v.hi = b.flo, b.flo
		case opLt, opLe:
			v.hi, v.hiOpen = b.flo, o == opLt
		default:
			v.lo, v.loOpen = b.flo, o == opGt
		}
		return a.String(), v, true
	}
	return "", v, false
}

func (v interval) within(w interval) bool {
	low := v.lo > w.lo || v.lo == w.lo && (v.loOpen || !w.loOpen)
	high := v.hi < w.hi || v.hi == w.hi && (v.hiOpen || !w.hiOpen)
	return low && high
}

func (v interval) apart(w interval) bool {
	before := func(a, b interval) bool { return a.hi < b.lo || a.hi == b.lo && (a.hiOpen || b.loOpen) }
	return before(v, w) || before(w, v)
}

// textsOf reads a text, or a number in a list, that is asked for by value.
func textsOf(t *term) (of string, values []string, ok bool) {
	switch {
	case t.op == opEq && t.kids[1].isConst() && t.kids[1].kind == String:
		return t.kids[0].String(), []string{t.kids[1].str}, true
	case t.op == opIn && t.kids[0].kind == String:
		for _, c := range t.list {
			values = append(values, c.str)
		}
		return t.kids[0].String(), values, true
	case t.op == opNe && t.kids[1].isConst() && t.kids[1].kind == String:
		return t.kids[0].String(), []string{t.kids[1].str}, false
	}
	return "", nil, false
}

func (p *prover) leafImplies(a, b *term) bool {
	if b.op == opNot {
		return p.excludes(a, b.kids[0])
	}
	if a.op == opNot {
		return false
	}
	if of, v, ok := intervalOf(a); ok {
		if other, w, ok := intervalOf(b); ok && of == other {
			return v.within(w)
		}
	}
	of, v, ok := textsOf(a)
	other, w, isIn := textsOf(b)
	if ok && of == other {
		if isIn {
			return everyText(v, func(s string) bool { return slices.Contains(w, s) })
		}
		return b.op == opNe && !slices.Contains(v, w[0])
	}
	if a.op == opAny && b.op == opAny && a.field == b.field && a.base == b.base {
		return p.implies(a.kids[0], b.kids[0])
	}
	// count(…) >= 1 and the like: fewer rows are counted under a stricter condition.
	if a.op == opBetween && b.op == opBetween && a.kids[0].op == opCount && b.kids[0].op == opCount && a.kids[0].field == b.kids[0].field &&
		a.kids[0].base == b.kids[0].base && b.high() == math.MaxInt64 && b.num <= a.num {
		x, y := a.kids[0].kids[0], b.kids[0].kids[0]
		return x != nil && y != nil && p.implies(x, y)
	}
	return false
}

func everyText(list []string, fn func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !fn(s) })
}

func (p *prover) leafExcludes(a, b *term) bool {
	if b.op == opNot {
		// a excludes not k if a implies k.
		return p.implies(a, b.kids[0])
	}
	if a.op == opNot {
		return false
	}
	if of, v, ok := intervalOf(a); ok {
		if other, w, ok := intervalOf(b); ok && of == other {
			return v.apart(w)
		}
	}
	of, v, ok := textsOf(a)
	other, w, isIn := textsOf(b)
	if ok && of == other {
		if isIn {
			return everyText(v, func(s string) bool { return !slices.Contains(w, s) })
		}
		return b.op == opNe && len(v) == 1 && v[0] == w[0]
	}
	return false
}
