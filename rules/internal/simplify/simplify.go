// Package simplify makes terms smaller without changing what they answer, and
// proves that one implies or excludes another.
package simplify

import (
	"cmp"
	"math"
	"slices"

	"github.com/vefacrm/vefa/rules/internal/closure"
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Term folds constants, flattens and/or, merges ranges and puts the
// conjuncts that cost least and fail most in front. Every expression of the
// language is total and pure, so the order cannot change an answer.
func Term(t *ir.Term) *ir.Term {
	if t == nil || len(t.Kids) == 0 {
		return t
	}
	of := t.Kids
	if t.Op == ir.OpAnd || t.Op == ir.OpOr { // a long chain is a deep tree: each of its parts once
		of = ir.Flat(t, t.Op)
	}
	kids := make([]*ir.Term, len(of))
	consts := true
	for i, k := range of {
		kids[i] = Term(k)
		consts = consts && kids[i] != nil && kids[i].IsConst()
	}
	c := *t
	c.Kids = kids
	t = &c
	switch {
	case t.Op == ir.OpAnd || t.Op == ir.OpOr:
		return simplifyLogic(t)
	case t.Op == ir.OpNot:
		return simplifyNot(t)
	case t.IsLoop():
		return simplifyLoop(t)
	case consts && foldable(t):
		return fold1(t)
	case t.Op == ir.OpEq && t.Kind == ir.Bool && kids[0].Kind == ir.Bool && (kids[0].IsConst() || kids[1].IsConst()):
		if kids[0].IsConst() {
			kids[0], kids[1] = kids[1], kids[0]
		}
		if kids[0].Nullable {
			return t
		}
		if kids[1].Num != 0 {
			return kids[0]
		}
		return simplifyNot(ir.Not(kids[0]))
	}
	return toBetween(t)
}

// foldable reports whether a term of constants is itself one.
func foldable(t *ir.Term) bool {
	switch t.Op {
	case ir.OpFold, ir.OpHas, ir.OpHasPrefix, ir.OpLen, ir.OpIsNull, ir.OpElse, ir.OpDay, ir.OpAnniversary:
		return false
	}
	return ir.Scalar(t.Kind) && !t.Nullable
}

// fold1 evaluates a term whose parts are constants.
func fold1(t *ir.Term) *ir.Term {
	r := &ir.Term{Op: ir.OpConst, Kind: t.Kind, At: t.At, Scale: ir.ScaleOf(t), Cost: 1}
	switch t.Kind {
	case ir.Bool:
		return ir.BoolTerm(closure.Bool(t)(closure.Env{}), t.At)
	case ir.Int, ir.Day:
		r.Num = closure.Int(t)(closure.Env{})
	case ir.Float:
		r.Flo = closure.Float(t)(closure.Env{})
	case ir.String:
		r.Str = closure.String(t)(closure.Env{})
	default:
		return t
	}
	return r
}

func simplifyNot(t *ir.Term) *ir.Term {
	k := t.Kids[0]
	switch {
	case k.IsConst():
		return ir.BoolTerm(k.Num == 0, t.At)
	case k.Op == ir.OpNot:
		return k.Kids[0]
	}
	return t
}

func simplifyLoop(t *ir.Term) *ir.Term {
	pred := t.Kids[0]
	if pred == nil || !pred.IsConst() {
		return t
	}
	switch {
	case t.Op == ir.OpAny && pred.Num == 0, t.Op == ir.OpOne && pred.Num == 0:
		return ir.BoolTerm(false, t.At)
	case t.Op == ir.OpAll && pred.Num != 0, t.Op == ir.OpNone && pred.Num == 0:
		return ir.BoolTerm(true, t.At)
	case t.Op == ir.OpCount && pred.Num == 0:
		return &ir.Term{Op: ir.OpConst, Kind: ir.Int, At: t.At, Cost: 1}
	}
	return t
}

// toBetween turns comparisons of integers with a constant into ranges.
func toBetween(t *ir.Term) *ir.Term {
	if t.Op < ir.OpEq || t.Op > ir.OpGe || t.Op == ir.OpNe {
		return t
	}
	a, b, o := t.Kids[0], t.Kids[1], t.Op
	if a.IsConst() {
		a, b = b, a
		o = map[ir.Op]ir.Op{ir.OpEq: ir.OpEq, ir.OpLt: ir.OpGt, ir.OpLe: ir.OpGe, ir.OpGt: ir.OpLt, ir.OpGe: ir.OpLe}[o]
	}
	if !b.IsConst() || a.Kind != ir.Int && a.Kind != ir.Day {
		return t
	}
	lo, hi, c := int64(math.MinInt64), int64(math.MaxInt64), b.Num
	switch o {
	case ir.OpEq:
		lo, hi = c, c
	case ir.OpLt:
		if c == math.MinInt64 {
			return ir.BoolTerm(false, t.At)
		}
		hi = c - 1
	case ir.OpLe:
		hi = c
	case ir.OpGt:
		if c == math.MaxInt64 {
			return ir.BoolTerm(false, t.At)
		}
		lo = c + 1
	case ir.OpGe:
		lo = c
	}
	return checkRange(ir.Between(a, lo, hi, t.At))
}

// checkRange turns a range that is empty or always holds into a constant.
func checkRange(t *ir.Term) *ir.Term {
	lo, hi := t.Num, t.High()
	least, most := ir.Bounds(t.Kids[0])
	switch {
	case lo > hi || hi < least || lo > most:
		return ir.BoolTerm(false, t.At)
	case lo <= least && hi >= most && !t.Kids[0].Nullable:
		return ir.BoolTerm(true, t.At)
	}
	return t
}

func simplifyLogic(t *ir.Term) *ir.Term {
	and := t.Op == ir.OpAnd
	var kids []*ir.Term
	seen := map[string]bool{}
	ranges := map[string]int{} // of kids, by what is compared
	var add func(k *ir.Term) bool
	add = func(k *ir.Term) bool { // false: the whole term is decided
		if k.Op == t.Op {
			for _, kk := range k.Kids {
				if !add(kk) {
					return false
				}
			}
			return true
		}
		if k.IsConst() {
			return (k.Num != 0) == and
		}
		if and && k.Op == ir.OpBetween {
			name := k.Kids[0].String()
			if i, ok := ranges[name]; ok {
				old := kids[i]
				merged := checkRange(ir.Between(k.Kids[0], max(old.Num, k.Num), min(old.High(), k.High()), old.At))
				if merged.IsConst() {
					return merged.Num != 0
				}
				kids[i] = merged
				return true
			}
			ranges[name] = len(kids)
			kids = append(kids, k)
			return true
		}
		text := k.Canonical()
		if !seen[text] {
			seen[text] = true
			kids = append(kids, k)
		}
		return true
	}
	for _, k := range t.Kids {
		if !add(k) {
			return ir.BoolTerm(!and, t.At)
		}
	}
	for _, k := range kids {
		if k.Op == ir.OpNot && seen[k.Kids[0].Canonical()] {
			return ir.BoolTerm(!and, t.At)
		}
	}
	if and && contradicts(kids) {
		return ir.BoolTerm(false, t.At)
	}
	switch len(kids) {
	case 0:
		return ir.BoolTerm(and, t.At)
	case 1:
		return kids[0]
	}
	slices.SortStableFunc(kids, func(a, b *ir.Term) int { return cmp.Compare(rank(a), rank(b)) })
	c := *t
	c.Kids = kids
	return &c
}

// contradicts reports whether two conjuncts ask one text for two values.
func contradicts(kids []*ir.Term) bool {
	want := map[string][]string{}
	for _, k := range kids {
		var values []string
		switch {
		case k.Op == ir.OpEq && k.Kids[1].IsConst() && k.Kids[1].Kind == ir.String:
			values = []string{k.Kids[1].Str}
		case k.Op == ir.OpIn && k.Kids[0].Kind == ir.String:
			for _, c := range k.List {
				values = append(values, c.Str)
			}
		default:
			continue
		}
		name := k.Kids[0].String()
		if old, ok := want[name]; ok {
			values = slices.DeleteFunc(values, func(v string) bool { return !slices.Contains(old, v) })
			if len(values) == 0 {
				return true
			}
		}
		want[name] = values
	}
	return false
}

// rank orders conjuncts: cheap ones that rarely hold come first.
func rank(t *ir.Term) int64 {
	switch t.Op {
	case ir.OpBetween:
		if t.Num == t.High() && t.Num != 0 { // most things are zero
			return 10 + t.Kids[0].Cost
		}
		return 30 + t.Kids[0].Cost
	case ir.OpEq:
		if t.Kids[0].Kind == ir.String {
			return 20 + t.Cost
		}
		return 30 + t.Cost
	case ir.OpHas:
		return 25 + t.Cost
	case ir.OpLt, ir.OpLe, ir.OpGt, ir.OpGe:
		return 35 + t.Cost
	case ir.OpField:
		return 45
	case ir.OpIn:
		return 40 + t.Cost
	}
	return 50 + t.Cost
}
