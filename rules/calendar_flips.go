package rules

import "math"

// flipFinder finds the comparisons of a rule that the passing of a day can
// change.
type flipFinder struct {
	root      *rowType
	rule      int32
	flip      func(index flipIndex, kind flipKind, key int64, t *term, rule int32)
	everybody func(day int64)
	wild      bool // something else depends on the day

	facts []*term // conjuncts of the rule that do not depend on the day
	rows  []*term // those of them that are about the rows of Each
	item  []*term // those of the innermost loop around
	depth int     // loops around
}

// flipIndex names an index: of a field, and of whom it matters for. While one
// of the other conjuncts fails, and they change only with the facts, a day that
// flips a comparison changes nothing.
type flipIndex struct {
	path  []*field // rows of rows that lead to the field
	field *field
	only  *term // nil: everybody
}

// findIn goes through all that must hold for the rule.
func (w *flipFinder) findIn(conjuncts []*term) {
	for _, k := range conjuncts {
		switch {
		case k.daily():
		case k.readsRow():
			w.rows = append(w.rows, k)
		default:
			w.facts = append(w.facts, k)
		}
	}
	for _, k := range conjuncts {
		w.find(k)
	}
}

// daily reports whether the answer of a term depends on the day.
func (t *term) daily() bool {
	found := false
	t.walk(func(k *term) {
		found = found || k.op == opToday || k.op == opAnniversary || k.op == opField && k.field.ages != still
	})
	return found
}

func (w *flipFinder) find(t *term) {
	if t == nil || w.comparison(t) || t.op == opIsNull && t.kids[0].op == opField {
		return
	}
	switch {
	case t.op == opToday, t.op == opAnniversary, t.op == opField && t.field.ages != still:
		w.wild = true
	}
	if !t.isLoop() {
		for _, k := range t.kids {
			w.find(k)
		}
		return
	}
	outer := w.item
	w.item = nil
	w.depth++
	if p := t.kids[0]; t.op != opAll && p != nil && p.op == opAnd && w.depth == 1 && t.base == ofFacts {
		for _, k := range p.kids {
			if !k.daily() {
				w.item = append(w.item, k)
			}
		}
	}
	for _, k := range t.kids {
		w.find(k)
	}
	w.depth--
	w.item = outer
}

// index names the index for a field that is read from b.
func (w *flipFinder) index(b base, f *field) flipIndex {
	path, _ := pathTo(w.root, f)
	x := flipIndex{path: path, field: f}
	only := w.facts
	switch {
	case b == ofRow && w.depth == 0:
		only = append(only[:len(only):len(only)], w.rows...)
	case b == ofItem && w.depth == 1:
		only = append(only[:len(only):len(only)], w.item...)
	}
	switch len(only) {
	case 0:
	case 1:
		x.only = only[0]
	default:
		x.only = &term{op: opAnd, kind: Bool, kids: only}
	}
	return x
}

// comparison takes a comparison with constants of a field that ages, of today,
// or of the days since or until a time.
func (w *flipFinder) comparison(t *term) bool {
	var k *term
	var spans []span
	switch t.op {
	case opBetween:
		k, spans = t.kids[0], []span{{t.num, t.high()}}
	case opNe:
		var c *term
		if k, c = t.kids[0], t.kids[1]; k.isConst() {
			k, c = c, k
		}
		if !c.isConst() || k.kind != Int && k.kind != day {
			return false
		}
		spans = []span{{c.num, c.num}}
	case opIn:
		if k = t.kids[0]; k.kind != Int {
			return false
		}
		for _, c := range t.list {
			spans = append(spans, span{c.num, c.num})
		}
	default:
		return false
	}
	switch {
	case k.op == opField && k.field.ages != still:
		w.spans(w.index(k.base, k.field), map[aging]flipKind{since: flipSince, until: flipUntil, yearly: flipYearly}[k.field.ages], spans)
	case k.op == opToday:
		for _, s := range spans {
			w.everybody(s.lo)
			if s.hi < math.MaxInt64 {
				w.everybody(s.hi + 1)
			}
		}
	case k.op == opSub && k.kids[0].op == opToday && isDayOf(k.kids[1]):
		w.spans(w.index(k.kids[1].kids[0].base, k.kids[1].kids[0].field), flipSince, spans)
	case k.op == opSub && k.kids[1].op == opToday && isDayOf(k.kids[0]):
		w.spans(w.index(k.kids[0].kids[0].base, k.kids[0].kids[0].field), flipUntil, spans)
	case k.op == opAnniversary && isDayOf(k.kids[0]) && t.op == opBetween:
		w.flip(w.index(k.kids[0].kids[0].base, k.kids[0].kids[0].field), flipCalendar, 0, t, w.rule)
	default:
		return false
	}
	return true
}

func isDayOf(t *term) bool { return t.op == opDay && t.kids[0].op == opField }

// spans takes note of where a span begins and ends to hold.
func (w *flipFinder) spans(x flipIndex, kind flipKind, spans []span) {
	for _, s := range spans {
		begin, end := s.lo, add(s.hi, 1) // counting up
		if kind != flipSince {
			begin, end = s.hi, subtract(s.lo, 1) // counting down
		}
		if kind == flipYearly && s.hi >= yearDays-1 {
			begin = yearDays - 1 // where the year starts again
		}
		w.flip(x, kind, begin, nil, w.rule)
		w.flip(x, kind, end, nil, w.rule)
		if kind == flipYearly && s.lo <= 0 {
			w.flip(x, kind, yearDays-1, nil, w.rule)
		}
	}
}

// pathTo returns the rows that lead from t to a field.
func pathTo(t *rowType, f *field) ([]*field, bool) {
	for _, k := range t.order {
		if k == f {
			return nil, true
		}
		if k.row != nil {
			if path, ok := pathTo(k.row, f); ok {
				return append([]*field{k}, path...), true
			}
		}
	}
	return nil, false
}
