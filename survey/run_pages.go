package survey

import "slices"

// visiblePages are the indexes of the pages that show. The start page is not among them. The one
// page of questionsOnPageMode "singlePage" shows even while nothing on it does, as in SurveyJS.
func (s *Session) visiblePages() []int {
	var out []int
	for i, p := range s.d.pages {
		if i == 0 && s.d.head.StartPage {
			continue
		}
		if s.d.head.OnePage || s.root.node(p).isVisible() {
			out = append(out, i)
		}
	}
	return out
}

// keepPage goes to the first page that shows when the present one does not any more.
func (s *Session) keepPage() {
	if s.state != Running && s.state != Empty { // also before it has begun
		return
	}
	visible := s.visiblePages()
	if slices.Contains(visible, s.page) {
		return
	}
	if len(visible) == 0 {
		s.state = Empty
		s.turnTo(-1)
		return
	}
	s.state = Running
	s.turnTo(visible[0])
}

// turnTo shows another page. The one before is checked, as SurveyJS does until it has nothing to
// find fault with; checking drops answers that are not offered any more.
func (s *Session) turnTo(page int) {
	old := s.page
	s.page = page
	if old < 0 || old == page || s.passed[old] || !slices.ContainsFunc(s.d.pages[old].below, func(el *element) bool { return el.question.mayDrop() }) {
		return
	}
	was := s.moving
	s.moving = true
	faults := s.faultsOn(s.root.node(s.d.pages[old]))
	s.moving = was
	if len(faults) == 0 {
		if s.passed == nil {
			s.passed = map[int]bool{}
		}
		s.passed[old] = true
	}
}

// mayDrop tells whether checking the question may change its answer, or one inside.
func (q *Question) mayDrop() bool {
	return q.takesChoices() || q.repeats() && slices.ContainsFunc(q.inner().questions, (*Question).mayDrop)
}

// Start leaves the start page. It returns what is wrong on it.
func (s *Session) Start() Faults {
	s.work, s.evals = 0, 0
	if s.state != Starting {
		return nil
	}
	s.moving = true
	faults := s.faultsOn(s.root.node(s.d.pages[0]))
	s.moving = false
	if len(faults) > 0 {
		return faults
	}
	s.state = Running
	s.page = -1
	s.keepPage()
	return nil
}

// PageIndex is the index of the page that shows, from 0 as in Head.Pages; -1 for none.
func (s *Session) PageIndex() int {
	if s.state == Starting {
		return 0
	}
	return s.page
}

// IsLast tells whether the page is the last that shows: it is left by Complete. So it is when
// a trigger completes the survey.
func (s *Session) IsLast() bool {
	visible := s.visiblePages()
	return s.state == Running && (len(visible) == 0 || visible[len(visible)-1] == s.page || s.completedByTrigger())
}

// IsFirst tells whether there is no page before this one.
func (s *Session) IsFirst() bool {
	visible := s.visiblePages()
	return len(visible) == 0 || visible[0] == s.page
}

// completedByTrigger tells whether a trigger would complete the survey on this page.
func (s *Session) completedByTrigger() bool {
	for _, p := range s.completedBy {
		if p == s.page {
			return true
		}
	}
	return false
}

// Next checks the page and goes to the next one that shows, or where a trigger leads. It
// returns the faults that keep it, and does nothing on the last page, which Complete leaves.
func (s *Session) Next() Faults {
	s.work, s.evals = 0, 0
	if s.state == Starting {
		return s.Start()
	}
	visible := s.visiblePages()
	if s.state != Running || visible[len(visible)-1] == s.page {
		return nil
	}
	if !s.d.logic.validateLate {
		if faults := s.stillWrong(s.pageFaults); len(faults) > 0 {
			return faults
		}
	}
	was := s.page
	s.leavePage(false)
	if s.state == Completed || s.page != was {
		return nil
	}
	visible = s.visiblePages()
	if at := slices.Index(visible, s.page); at >= 0 && at+1 < len(visible) {
		s.turnTo(visible[at+1])
	}
	return nil
}

// leavePage runs the triggers that wait for it.
func (s *Session) leavePage(complete bool) {
	if s.page < 0 || len(s.d.logic.triggers) == 0 {
		return
	}
	keys := map[string]change{}
	for _, el := range s.d.pages[s.page].below {
		key := el.question.Key()
		keys[key] = change{now: s.root.values[key]}
	}
	for _, c := range s.d.logic.calculated {
		keys[c.name] = change{now: s.vars[c.name]}
	}
	s.checkTriggers(keys, triggerRun{nextPage: true, complete: complete})
}

// Back goes to the page before, or to that from which a trigger led here. It reports
// whether there is one.
func (s *Session) Back() bool {
	if s.state != Running || s.IsFirst() {
		return false
	}
	for i := len(s.skipped) - 1; i >= 0; i-- {
		sk := s.skipped[i]
		if sk.to == s.page {
			s.skipped = slices.Delete(s.skipped, i, i+1)
			if slices.Contains(s.visiblePages(), sk.from) {
				s.turnTo(sk.from)
				return true
			}
			break
		}
	}
	visible := s.visiblePages()
	if at := slices.Index(visible, s.page); at > 0 {
		s.turnTo(visible[at-1])
	}
	return true
}

// goTo goes to the page of a question, if both show.
func (s *Session) goTo(name string) {
	n := s.root.named(name)
	if n == nil || !n.isVisible() {
		return
	}
	page := n.page()
	if page < 0 {
		return
	}
	s.skipped = append(s.skipped, skip{s.page, page})
	if slices.Contains(s.visiblePages(), page) {
		s.turnTo(page)
	}
}

// stillWrong are the faults of a check without those that it removed itself, by dropping an answer
// that is not offered any more. Where none is left it checks again: SurveyJS stays on the page
// then and does not say why.
func (s *Session) stillWrong(check func() Faults) Faults {
	found := check()
	left := slices.DeleteFunc(slices.Clone(found), func(f Fault) bool {
		n := s.find(f.Question)
		return n != nil && f.Code != oneRequired && (!n.isVisible() || n.isReadOnly() || f.Code == required && !n.required)
	})
	if len(left) == 0 && len(found) > 0 {
		return check()
	}
	return left
}

// Complete checks the page and ends the survey: answers that are not to be kept
// are removed, and nothing more can be answered. It returns the faults that
// keep it.
func (s *Session) Complete() Faults {
	s.work, s.evals = 0, 0
	if s.state != Running {
		return nil
	}
	var faults Faults
	if s.d.logic.validateLate {
		s.moving = true
		faults = s.stillWrong(s.Faults)
		s.moving = false
	} else {
		faults = s.stillWrong(s.pageFaults)
	}
	if len(faults) > 0 {
		if q := s.d.named(faults[0].Question); s.d.logic.validateLate && q != nil {
			n := s.root.node(q.self)
			if page := n.page(); page != s.page && !n.isReadOnly() && slices.Contains(s.visiblePages(), page) {
				s.skipped = append(s.skipped, skip{s.page, page})
				s.turnTo(page) // where something is wrong
			}
		}
		return faults
	}
	s.complete()
	return nil
}

// complete ends the survey.
func (s *Session) complete() {
	s.leavePage(true)
	s.state = Completed
	for _, q := range s.d.questions {
		s.clearUnused(s.root.node(q.self))
	}
	reason := "onComplete"
	if s.d.logic.clear == "none" {
		reason = "none"
	}
	for _, q := range s.d.questions {
		s.clearHidden(s.root.node(q.self), reason)
	}
}

// clearUnused removes the text of "other" where other is not chosen.
func (s *Session) clearUnused(n *live) {
	if !n.q.has(OtherItem) || n.q.Comment {
		return
	}
	chosen := n.value() == OtherItem
	if list, ok := n.value().([]any); ok {
		chosen = slices.Contains(list, any(OtherItem))
	}
	if !chosen {
		delete(n.sc.values, n.q.Key()+commentSuffix)
	}
}

// Quiz is how many of the questions with a right answer were answered right.
type Quiz struct {
	Questions int // that show and have a right answer
	Correct   int
}

// Quiz counts the questions with a right answer.
func (s *Session) Quiz() Quiz {
	var out Quiz
	for _, q := range s.d.questions {
		n := s.root.node(q.self)
		if isEmpty(q.CorrectAnswer) || !n.isVisible() {
			continue
		}
		if m := q.Matrix; m != nil && q.Type == "matrix" {
			right, _ := q.CorrectAnswer.(map[string]any)
			given, _ := n.value().(map[string]any)
			for _, row := range m.Rows {
				if want := right[row.Key()]; !isEmpty(want) {
					out.Questions++
					if equalValues(want, given[row.Key()], false) && !isEmpty(given[row.Key()]) {
						out.Correct++
					}
				}
			}
			continue
		}
		out.Questions++
		if !isEmpty(n.value()) && equalValues(n.value(), q.CorrectAnswer, q.Multiple && q.Type != "ranking") {
			out.Correct++
		}
	}
	return out
}
