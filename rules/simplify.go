package rules

import (
	"cmp"
	"math"
	"slices"
)

// opBetween exists only in simplified terms: lo <= kids[0] <= hi with integers.
// Every comparison of an integer with a constant but != becomes one, so that
// two on the same field become one and a contradiction shows.
const opBetween op = 200

func between(kid *term, lo, hi int64, at int) *term {
	return &term{op: opBetween, kind: Bool, kids: []*term{kid}, at: at, num: lo, list: []*term{{num: hi}}, nullable: false, cost: kid.cost + 1}
}

func (t *term) high() int64 { return t.list[0].num }

// simplify folds constants, flattens and/or, merges ranges and puts the
// conjuncts that cost least and fail most in front. Every expression of the
// language is total and pure, so the order cannot change an answer.
func simplify(t *term) *term {
	if t == nil || len(t.kids) == 0 {
		return t
	}
	kids := make([]*term, len(t.kids))
	consts := true
	for i, k := range t.kids {
		kids[i] = simplify(k)
		consts = consts && kids[i] != nil && kids[i].isConst()
	}
	c := *t
	c.kids = kids
	t = &c
	switch {
	case t.op == opAnd || t.op == opOr:
		return simplifyLogic(t)
	case t.op == opNot:
		return simplifyNot(t)
	case t.isLoop():
		return simplifyLoop(t)
	case consts && foldable(t):
		return fold1(t)
	case t.op == opEq && t.kind == Bool && kids[0].kind == Bool && (kids[0].isConst() || kids[1].isConst()):
		if kids[0].isConst() {
			kids[0], kids[1] = kids[1], kids[0]
		}
		if kids[0].nullable {
			return t
		}
		if kids[1].num != 0 {
			return kids[0]
		}
		return simplifyNot(not(kids[0]))
	}
	return toBetween(t)
}

// foldable reports whether a term of constants is itself one.
func foldable(t *term) bool {
	switch t.op {
	case opFold, opHas, opLen, opIsNull, opElse, opDay, opAnniversary:
		return false
	}
	return scalar(t.kind) && !t.nullable
}

// fold1 evaluates a term whose parts are constants.
func fold1(t *term) *term {
	r := &term{op: opConst, kind: t.kind, at: t.at, scale: scaleOf(t), cost: 1}
	switch t.kind {
	case Bool:
		return boolTerm(compileBool(t)(env{}), t.at)
	case Int, day:
		r.num = compileInt(t)(env{})
	case Float:
		r.flo = compileFloat(t)(env{})
	case String:
		r.str = compileString(t)(env{})
	default:
		return t
	}
	return r
}

func simplifyNot(t *term) *term {
	k := t.kids[0]
	switch {
	case k.isConst():
		return boolTerm(k.num == 0, t.at)
	case k.op == opNot:
		return k.kids[0]
	}
	return t
}

func simplifyLoop(t *term) *term {
	pred := t.kids[0]
	if pred == nil || !pred.isConst() {
		return t
	}
	switch {
	case t.op == opAny && pred.num == 0, t.op == opOne && pred.num == 0:
		return boolTerm(false, t.at)
	case t.op == opAll && pred.num != 0, t.op == opNone && pred.num == 0:
		return boolTerm(true, t.at)
	case t.op == opCount && pred.num == 0:
		return &term{op: opConst, kind: Int, at: t.at, cost: 1}
	}
	return t
}

// toBetween turns comparisons of integers with a constant into ranges.
func toBetween(t *term) *term {
	if t.op < opEq || t.op > opGe || t.op == opNe {
		return t
	}
	a, b, o := t.kids[0], t.kids[1], t.op
	if a.isConst() {
		a, b = b, a
		o = map[op]op{opEq: opEq, opLt: opGt, opLe: opGe, opGt: opLt, opGe: opLe}[o]
	}
	if !b.isConst() || a.kind != Int && a.kind != day {
		return t
	}
	lo, hi, c := int64(math.MinInt64), int64(math.MaxInt64), b.num
	switch o {
	case opEq:
		lo, hi = c, c
	case opLt:
		if c == math.MinInt64 {
			return boolTerm(false, t.at)
		}
		hi = c - 1
	case opLe:
		hi = c
	case opGt:
		if c == math.MaxInt64 {
			return boolTerm(false, t.at)
		}
		lo = c + 1
	case opGe:
		lo = c
	}
	return checkRange(between(a, lo, hi, t.at))
}

// checkRange turns a range that is empty or always holds into a constant.
func checkRange(t *term) *term {
	lo, hi := t.num, t.high()
	least, most := bounds(t.kids[0])
	switch {
	case lo > hi || hi < least || lo > most:
		return boolTerm(false, t.at)
	case lo <= least && hi >= most && !t.kids[0].nullable:
		return boolTerm(true, t.at)
	}
	return t
}

// bounds returns the values that an integer term can have at all.
func bounds(t *term) (least, most int64) {
	switch t.op {
	case opCount:
		return 0, int64(t.field.max)
	case opLen:
		return 0, math.MaxInt64
	case opAbs:
		return 0, math.MaxInt64
	case opMonth:
		return 1, 12
	case opMonthDay:
		return 1, 31
	case opWeekday:
		return 1, 7
	case opAnniversary:
		return 0, 366
	}
	return math.MinInt64, math.MaxInt64
}

func simplifyLogic(t *term) *term {
	and := t.op == opAnd
	var kids []*term
	seen := map[string]bool{}
	ranges := map[string]int{} // of kids, by what is compared
	var add func(k *term) bool
	add = func(k *term) bool { // false: the whole term is decided
		if k.op == t.op {
			for _, kk := range k.kids {
				if !add(kk) {
					return false
				}
			}
			return true
		}
		if k.isConst() {
			return (k.num != 0) == and
		}
		if and && k.op == opBetween {
			name := k.kids[0].String()
			if i, ok := ranges[name]; ok {
				old := kids[i]
				merged := checkRange(between(k.kids[0], max(old.num, k.num), min(old.high(), k.high()), old.at))
				if merged.isConst() {
					return merged.num != 0
				}
				kids[i] = merged
				return true
			}
			ranges[name] = len(kids)
			kids = append(kids, k)
			return true
		}
		text := k.canonical()
		if !seen[text] {
			seen[text] = true
			kids = append(kids, k)
		}
		return true
	}
	for _, k := range t.kids {
		if !add(k) {
			return boolTerm(!and, t.at)
		}
	}
	for _, k := range kids {
		if k.op == opNot && seen[k.kids[0].canonical()] {
			return boolTerm(!and, t.at)
		}
	}
	if and && contradicts(kids) {
		return boolTerm(false, t.at)
	}
	switch len(kids) {
	case 0:
		return boolTerm(and, t.at)
	case 1:
		return kids[0]
	}
	slices.SortStableFunc(kids, func(a, b *term) int { return cmp.Compare(a.rank(), b.rank()) })
	c := *t
	c.kids = kids
	return &c
}

// contradicts reports whether two conjuncts ask one text for two values.
func contradicts(kids []*term) bool {
	want := map[string][]string{}
	for _, k := range kids {
		var values []string
		switch {
		case k.op == opEq && k.kids[1].isConst() && k.kids[1].kind == String:
			values = []string{k.kids[1].str}
		case k.op == opIn && k.kids[0].kind == String:
			for _, c := range k.list {
				values = append(values, c.str)
			}
		default:
			continue
		}
		name := k.kids[0].String()
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
func (t *term) rank() int64 {
	switch t.op {
	case opBetween:
		if t.num == t.high() && t.num != 0 { // most things are zero
			return 10 + t.kids[0].cost
		}
		return 30 + t.kids[0].cost
	case opEq:
		if t.kids[0].kind == String {
			return 20 + t.cost
		}
		return 30 + t.cost
	case opHas:
		return 25 + t.cost
	case opLt, opLe, opGt, opGe:
		return 35 + t.cost
	case opField:
		return 45
	case opIn:
		return 40 + t.cost
	}
	return 50 + t.cost
}

// canonical spells a simplified term; ranges have no spelling of their own.
func (t *term) canonical() string {
	if t.op == opBetween {
		return (&term{op: opAnd, kind: Bool, kids: t.bounds()}).String()
	}
	return t.String()
}

// bounds spells a range as comparisons.
func (t *term) bounds() []*term {
	c := func(n int64) *term {
		return &term{op: opConst, kind: t.kids[0].kind, num: n, scale: scaleOf(t.kids[0])}
	}
	lo, hi := t.num, t.high()
	switch {
	case lo == hi:
		return []*term{{op: opEq, kind: Bool, kids: []*term{t.kids[0], c(lo)}}}
	case lo == math.MinInt64:
		return []*term{{op: opLe, kind: Bool, kids: []*term{t.kids[0], c(hi)}}}
	case hi == math.MaxInt64:
		return []*term{{op: opGe, kind: Bool, kids: []*term{t.kids[0], c(lo)}}}
	}
	return []*term{{op: opGe, kind: Bool, kids: []*term{t.kids[0], c(lo)}}, {op: opLe, kind: Bool, kids: []*term{t.kids[0], c(hi)}}}
}
