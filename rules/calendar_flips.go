package rules

import "math"

// flipFinder finds the comparisons of a rule that the passing of a day can
// change.
type flipFinder struct {
	root      *rowType
	rule      int32
	flip      func(path []*field, f *field, kind flipKind, key int64, t *term, rule int32)
	everybody func(day int64)
	wild      bool // something else depends on the day
}

func (w *flipFinder) find(t *term) {
	if t == nil || w.comparison(t) || t.op == opIsNull && t.kids[0].op == opField {
		return
	}
	switch {
	case t.op == opToday, t.op == opAnniversary, t.op == opField && t.field.ages != still:
		w.wild = true
	}
	for _, k := range t.kids {
		w.find(k)
	}
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
		w.spans(k.field, map[aging]flipKind{since: flipSince, until: flipUntil, yearly: flipYearly}[k.field.ages], spans)
	case k.op == opToday:
		for _, s := range spans {
			w.everybody(s.lo)
			if s.hi < math.MaxInt64 {
				w.everybody(s.hi + 1)
			}
		}
	case k.op == opSub && k.kids[0].op == opToday && isDayOf(k.kids[1]):
		w.spans(k.kids[1].kids[0].field, flipSince, spans)
	case k.op == opSub && k.kids[1].op == opToday && isDayOf(k.kids[0]):
		w.spans(k.kids[0].kids[0].field, flipUntil, spans)
	case k.op == opAnniversary && isDayOf(k.kids[0]) && t.op == opBetween:
		w.flip(w.path(k.kids[0].kids[0].field), k.kids[0].kids[0].field, flipCalendar, 0, t, w.rule)
	default:
		return false
	}
	return true
}

func isDayOf(t *term) bool { return t.op == opDay && t.kids[0].op == opField }

// spans takes note of where a span begins and ends to hold.
func (w *flipFinder) spans(f *field, kind flipKind, spans []span) {
	path := w.path(f)
	for _, s := range spans {
		begin, end := s.lo, add(s.hi, 1) // counting up
		if kind != flipSince {
			begin, end = s.hi, subtract(s.lo, 1) // counting down
		}
		if kind == flipYearly && s.hi >= yearDays-1 {
			begin = yearDays - 1 // where the year starts again
		}
		w.flip(path, f, kind, begin, nil, w.rule)
		w.flip(path, f, kind, end, nil, w.rule)
		if kind == flipYearly && s.lo <= 0 {
			w.flip(path, f, kind, yearDays-1, nil, w.rule)
		}
	}
}

// path returns the rows that lead from the facts to a field.
func (w *flipFinder) path(f *field) []*field {
	path, _ := pathTo(w.root, f)
	return path
}

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
