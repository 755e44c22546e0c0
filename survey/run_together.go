package survey

import "slices"

// Together does what give does, which calls Answer, Remark, Add, Remove and the like, and runs the
// conditions once instead of after each answer: for a form with many fields. The outcome is that
// of the calls one by one. A definition in which it could differ, because an answer sets another,
// hides the page or decides what can be answered, runs them after each all the same.
func (s *Session) Together(give func()) {
	if s.state == Completed || s.waiting != nil || !s.d.logic.quiet || !s.pageStays() {
		give()
		return
	}
	s.waiting = map[string]change{}
	defer func() {
		changed := s.waiting
		s.waiting = nil
		for len(s.stale) > 0 { // the innermost last, so that those around them hold it
			deepest := slices.MaxFunc(s.stale, func(a, b *live) int { return a.depth() - b.depth() })
			s.stale = slices.DeleteFunc(s.stale, func(n *live) bool { return n == deepest })
			deepest.collect()
			if o := deepest.sc.owner; o != nil && !slices.Contains(s.stale, o) {
				s.stale = append(s.stale, o)
			}
		}
		if len(changed) == 0 {
			return
		}
		s.work, s.evals = 0, 0
		s.changed, s.onChange = changed, true
		s.runConditions()
		s.changed, s.onChange = nil, false
		s.settling++
	}()
	give()
}

// depth counts the questions around one.
func (n *live) depth() (d int) {
	for sc := n.sc; sc.owner != nil; sc = sc.owner.sc {
		d++
	}
	return d
}

// pageStays tells whether the page shows whatever is answered.
func (s *Session) pageStays() bool {
	if s.page < 0 {
		return false
	}
	page := s.d.pages[s.page]
	return page.steady() && slices.ContainsFunc(page.below, func(el *element) bool {
		for ; el != page; el = el.parent {
			if !el.steady() || el.question != nil && el.question.rules.hideIfEmpty {
				return false
			}
		}
		return true
	})
}

// steady tells an element that shows without a condition.
func (el *element) steady() bool { return el.static && el.visibleIf == nil }

// isQuiet tells a definition whose conditions change nothing but what shows and is required: then
// it is the same whether they run after each of several answers or after the last.
func (d *Definition) isQuiet() bool {
	if len(d.logic.triggers) > 0 || d.logic.setters || immediate(d.logic.clear) || len(d.logic.calculated) > 0 {
		return false
	}
	return d.tree.isQuiet()
}

func immediate(clear string) bool { return clear == "onHidden" || clear == "onHiddenContainer" }

func (t *tree) isQuiet() bool {
	for _, el := range t.elements {
		if el.enableIf != nil {
			return false
		}
	}
	return !slices.ContainsFunc(t.questions, func(q *Question) bool {
		ru := q.rules
		return immediate(ru.clearIf) || ru.defaultExpr != nil || ru.expr != nil || ru.countExpr != nil || ru.bound != "" || ru.from != "" ||
			ru.minExpr != nil || ru.maxExpr != nil || ru.choicesVisibleIf != nil || ru.choicesEnableIf != nil || q.someConditional ||
			ru.rowsVisibleIf != nil || ru.columnsVisibleIf != nil || ru.templateIf != nil || q.Type == "ranking" ||
			q.repeats() && !q.inner().isQuiet()
	})
}
