package simplify

import (
	"math"
	"slices"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Prover compares conditions by their shapes, within a budget.
type Prover struct {
	left  int // comparisons
	texts map[*ir.Term]string
}

// NewProver returns a prover, which stops proving after three million steps.
func NewProver() *Prover { return &Prover{left: 3_000_000, texts: map[*ir.Term]string{}} }

// text returns the canonical spelling of a term.
func (p *Prover) text(t *ir.Term) string {
	s, ok := p.texts[t]
	if !ok {
		s = t.Canonical()
		p.left -= len(s)
		if len(p.texts) < 100_000 {
			p.texts[t] = s
		}
	}
	return s
}

// Implies reports whether b holds whenever a does, as far as that can be seen
// from their shapes: true is a proof, false is not. Both must be simplified.
func (p *Prover) Implies(a, b *ir.Term) bool {
	if p.left--; p.left < 0 {
		return false
	}
	if a.IsConst() && a.Kind == ir.Bool && a.Num == 0 || b.IsConst() && b.Kind == ir.Bool && b.Num != 0 {
		return true
	}
	if p.text(a) == p.text(b) {
		return true
	}
	if a.Op == ir.OpOr {
		return every(a.Kids, func(k *ir.Term) bool { return p.Implies(k, b) })
	}
	if b.Op == ir.OpAnd {
		return every(b.Kids, func(k *ir.Term) bool { return p.Implies(a, k) })
	}
	if b.Op == ir.OpOr && slices.ContainsFunc(b.Kids, func(k *ir.Term) bool { return p.Implies(a, k) }) {
		return true
	}
	if a.Op == ir.OpAnd {
		return slices.ContainsFunc(a.Kids, func(k *ir.Term) bool { return p.Implies(k, b) })
	}
	return p.leafImplies(a, b)
}

func every(kids []*ir.Term, fn func(*ir.Term) bool) bool {
	return !slices.ContainsFunc(kids, func(k *ir.Term) bool { return !fn(k) })
}

// Excludes reports whether a and b cannot hold together, as far as can be seen.
func (p *Prover) Excludes(a, b *ir.Term) bool {
	for _, x := range ir.Flat(a, ir.OpAnd) {
		for _, y := range ir.Flat(b, ir.OpAnd) {
			if p.left--; p.left < 0 {
				return false
			}
			switch {
			case x.Op == ir.OpOr:
				if every(x.Kids, func(k *ir.Term) bool { return p.Excludes(k, y) }) {
					return true
				}
			case y.Op == ir.OpOr:
				if every(y.Kids, func(k *ir.Term) bool { return p.Excludes(x, k) }) {
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
func intervalOf(t *ir.Term) (of string, v interval, ok bool) {
	inf := math.Inf(1)
	switch {
	case t.Op == ir.OpBetween:
		lo, hi := float64(t.Num), float64(t.High())
		if t.Num == math.MinInt64 {
			lo = -inf
		}
		if t.High() == math.MaxInt64 {
			hi = inf
		}
		// Beyond 2^53 a float is not exact: nothing is said about those.
		if !math.IsInf(lo, 0) && math.Abs(lo) > 1<<53 || !math.IsInf(hi, 0) && math.Abs(hi) > 1<<53 {
			return "", v, false
		}
		return t.Kids[0].String(), interval{lo: lo, hi: hi}, true
	case t.Op >= ir.OpEq && t.Op <= ir.OpGe && t.Op != ir.OpNe && t.Kids[0].Kind == ir.Float:
		a, b, o := t.Kids[0], t.Kids[1], t.Op
		if a.IsConst() {
			a, b = b, a
			o = map[ir.Op]ir.Op{ir.OpEq: ir.OpEq, ir.OpLt: ir.OpGt, ir.OpLe: ir.OpGe, ir.OpGt: ir.OpLt, ir.OpGe: ir.OpLe}[o]
		}
		if !b.IsConst() {
			return "", v, false
		}
		v = interval{lo: -inf, hi: inf}
		switch o {
		case ir.OpEq:
			v.lo, v.hi = b.Flo, b.Flo
		case ir.OpLt, ir.OpLe:
			v.hi, v.hiOpen = b.Flo, o == ir.OpLt
		default:
			v.lo, v.loOpen = b.Flo, o == ir.OpGt
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
func textsOf(t *ir.Term) (of string, values []string, ok bool) {
	switch {
	case t.Op == ir.OpEq && t.Kids[1].IsConst() && t.Kids[1].Kind == ir.String:
		return t.Kids[0].String(), []string{t.Kids[1].Str}, true
	case t.Op == ir.OpIn && t.Kids[0].Kind == ir.String:
		for _, c := range t.List {
			values = append(values, c.Str)
		}
		return t.Kids[0].String(), values, true
	case t.Op == ir.OpNe && t.Kids[1].IsConst() && t.Kids[1].Kind == ir.String:
		return t.Kids[0].String(), []string{t.Kids[1].Str}, false
	}
	return "", nil, false
}

func (p *Prover) leafImplies(a, b *ir.Term) bool {
	if b.Op == ir.OpNot {
		return p.Excludes(a, b.Kids[0])
	}
	if a.Op == ir.OpNot {
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
		return b.Op == ir.OpNe && !slices.Contains(v, w[0])
	}
	if a.Op == ir.OpAny && b.Op == ir.OpAny && a.Field == b.Field && a.Base == b.Base {
		return p.Implies(a.Kids[0], b.Kids[0])
	}
	// count(…) >= 1 and the like: fewer rows are counted under a stricter condition.
	if a.Op == ir.OpBetween && b.Op == ir.OpBetween && a.Kids[0].Op == ir.OpCount && b.Kids[0].Op == ir.OpCount && a.Kids[0].Field == b.Kids[0].Field &&
		a.Kids[0].Base == b.Kids[0].Base && b.High() == math.MaxInt64 && b.Num <= a.Num {
		x, y := a.Kids[0].Kids[0], b.Kids[0].Kids[0]
		return x != nil && y != nil && p.Implies(x, y)
	}
	return false
}

func everyText(list []string, fn func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !fn(s) })
}

func (p *Prover) leafExcludes(a, b *ir.Term) bool {
	if b.Op == ir.OpNot {
		// a excludes not k if a implies k.
		return p.Implies(a, b.Kids[0])
	}
	if a.Op == ir.OpNot {
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
		return b.Op == ir.OpNe && len(v) == 1 && v[0] == w[0]
	}
	return false
}
