package survey

import (
	"slices"
	"strings"
	"time"
)

// The states of a Session.
const (
	Starting  = "starting" // the start page shows
	Running   = "running"
	Completed = "completed"
	Empty     = "empty" // no page shows
)

// SessionOptions is how a survey is begun. The zero value works.
type SessionOptions struct {
	Language  string         // of the texts that answers and expressions use; empty: the survey's
	Variables map[string]any // the host's values for expressions and texts
	Answers   map[string]any // given earlier
	Now       time.Time      // for today() and its kin; zero: those have no value
	// Began and PageBegan are when the survey and the page that shows were shown first, for the
	// time limits of the definition; zero: those are not in force. See Ends and Expire.
	Began, PageBegan time.Time
	Seed             uint32 // of random orders; the same seed gives the same orders
	// Page is the index of the page to go on with; it counts only if that page shows.
	// On a survey with a start page, 0 stays there.
	Page int
	// Resumed says that Answers are all that was answered so far: no default values are
	// given, because what is empty may have been emptied.
	Resumed bool

	owned bool // Answers are in the form of answers and may be changed
}

// Session is a survey while one respondent fills it in. It does what SurveyJS
// does: conditions, default and calculated values, triggers, pages. It is not
// safe for concurrent use.
//
// A server makes one per request, from the answers that it kept:
//
//	s := def.Begin(survey.SessionOptions{Answers: kept, Page: page, Now: now})
//	s.Answer("satisfaction", "4")
//	faults := s.Next()
type Session struct {
	d     *Definition
	opts  SessionOptions
	root  *scope
	vars  map[string]any // by lower-case name
	page  int            // index of the page; -1: none shows
	state string

	loading, conditions, again bool
	onChange, triggering       bool
	moving                     bool              // a page is checked in order to leave it
	apart                      map[string]any    // what questions hold and, being out of their bounds, do not store
	changed                    map[string]change // what set the conditions going
	keys                       map[string]change // what set the triggers going
	completedBy                map[int]int       // triggers that would complete, with the page
	skipped                    []skip
	passed                     map[int]bool // pages that were left without faults
	depth, work, evals         int
	settling                   int               // counts the changes that were settled
	waiting                    map[string]change // to be settled together
	stale                      []*live           // whose values are to be collected then
	spare                      *evaluation       // for the next expression
}

// change is a value before and after.
type change struct {
	old, now any
	both     bool // old is known
}

// skip is a page that a trigger passed over.
type skip struct{ from, to int }

// Begin starts or resumes a survey. Answers to questions that do not exist are
// kept, as SurveyJS keeps them.
func (d *Definition) Begin(opts SessionOptions) *Session {
	s := &Session{d: d, opts: opts, vars: make(map[string]any, len(opts.Variables)), page: -1}
	if s.opts.Language == "" {
		s.opts.Language = d.head.Language
	}
	for k, v := range opts.Variables {
		s.vars[strings.ToLower(k)] = normalValue(v, 0)
	}
	s.root = s.newScope(&d.tree, nil, 0, opts.Answers)
	if !opts.owned {
		s.root.values = make(map[string]any, len(opts.Answers)+4)
		for k, v := range opts.Answers {
			if v = normalValue(v, 0); !isEmpty(v) {
				s.root.values[k] = v
			}
		}
	}
	s.loading = true
	for i := range s.root.nodes {
		if n := &s.root.nodes[i]; n.q != nil {
			s.load(n)
		}
	}
	s.runOnePage()
	s.loading, s.apart = false, nil
	if opts.Resumed {
		s.resume()
	}
	s.runConditions()
	s.begin()
	return s
}

// runOnePage runs the conditions of each question by itself where all pages are one. SurveyJS does
// that when it moves the questions to the one page, and so values that follow from others are there
// before the conditions of the survey run for the first time.
func (s *Session) runOnePage() {
	if !s.d.head.OnePage {
		return
	}
	for _, p := range s.d.pages {
		if p.kind == pageElement && !(s.d.head.StartPage && p == s.d.pages[0]) {
			for _, el := range p.below {
				s.runElement(s.root.node(el))
			}
		}
	}
}

// begin goes to the page that the options name, or to the first.
func (s *Session) begin() {
	s.state = Running
	if s.d.head.StartPage && s.opts.Page <= 0 {
		s.state = Starting
	}
	visible := s.visiblePages()
	switch {
	case len(visible) == 0:
		if s.state != Starting {
			s.state = Empty
		}
	case s.page >= 0 && slices.Contains(visible, s.page): // a trigger led here
	case slices.Contains(visible, s.opts.Page):
		s.page = s.opts.Page
	default:
		s.page = visible[0]
	}
}

// resume takes the answers for the respondent's own, but for those that are as their default
// expression gives them.
func (s *Session) resume() {
	for _, q := range s.d.questions {
		n := s.root.node(q.self)
		n.direct = q.rules.defaultExpr == nil || !equalValues(n.value(), answerOf(s.eval(q.rules.defaultExpr, s.root)), false)
	}
}

// load gives a question its default value and its panels or rows.
func (s *Session) load(n *live) {
	s.defaults(n)
	s.build(n)
}

// maxWork bounds what one call may set going: values that set each other in a circle end.
const (
	maxWork  = 20_000
	maxDepth = 60
	maxEvals = 100_000 // expressions; then no more values are set
)

// spend counts a change of a value and tells whether there may be another.
func (s *Session) spend() bool {
	s.work++
	return s.work <= maxWork && s.depth < maxDepth && s.evals <= maxEvals
}

// Set gives an answer, or a value without a question, under its name. It is not
// checked; an empty value removes it. Conditions and triggers run.
func (s *Session) Set(name string, v any) {
	s.work, s.evals = 0, 0
	if s.state == Completed || name == "" {
		return
	}
	s.set(name, normalValue(v, 0))
}

// SetVariable gives the host's value of a name.
func (s *Session) SetVariable(name string, v any) {
	s.work, s.evals = 0, 0
	s.setVariable(name, normalValue(v, 0))
}

func (s *Session) setVariable(name string, v any) {
	if name == "" || !s.spend() {
		return
	}
	delete(s.root.values, name)
	name = strings.ToLower(name)
	old := s.vars[name]
	s.vars[name] = v
	if !equalValues(old, v, false) {
		s.after(name, change{old, v, true})
	}
}

// set stores a value of the survey and runs what follows from it.
func (s *Session) set(name string, v any) { s.store(name, v, nil) }

// store is set where the question of the name holds something, such as NaN, that is no answer.
func (s *Session) store(name string, v, apart any) {
	old := s.root.values[name]
	if !s.spend() || same(old, v) {
		return
	}
	s.keepApart(name, apart)
	if isEmpty(v) {
		delete(s.root.values, name)
		v = nil
	} else {
		s.root.values[name] = v
	}
	for _, q := range s.d.logic.byKey[name] {
		s.received(s.root.node(q.self), old, v)
	}
	s.after(name, change{old, v, true})
	for _, q := range s.d.logic.bound[name] {
		s.setCount(s.root.node(q.self), toNumber(v))
	}
	for _, q := range s.d.logic.byKey[name] {
		if q.Type == "ranking" && q.rules.from != "" {
			s.dropUnoffered(s.root.node(q.self))
		}
	}
	for _, q := range s.d.logic.followers[name] {
		s.dropUnoffered(s.root.node(q.self))
	}
}

// same tells whether a value is the one that is there already.
func same(old, v any) bool {
	if isEmpty(old) && old != nil {
		old = nil
	}
	if v == "" {
		v = nil
	}
	if old == nil || v == nil {
		return old == nil && v == nil
	}
	return sameStored(v, old)
}

// received is what a question does when its value was set from outside.
func (s *Session) received(n *live, old, v any) {
	if sameStored(old, v) {
		return
	}
	if !n.setting {
		n.dropped = nil
	}
	if !isEmpty(v) && !n.q.holds(v) {
		return
	}
	if x := n.q.rules.defaultExpr; x == nil || isEmpty(v) || !sameStored(v, answerOf(s.eval(x, n.sc))) {
		n.direct = true
	}
	s.rebuild(n)
	if b := n.q.rules.bound; b != "" && v == nil {
		s.setCount(n, getNumber(s.root.values[b]))
	}
}

// after runs conditions and triggers once a value has changed.
func (s *Session) after(name string, c change) {
	if s.waiting != nil {
		s.waiting[name] = change{now: c.now}
		return
	}
	s.depth++
	defer func() { s.depth-- }()
	s.runOnChange(name, c)
	s.checkTriggers(map[string]change{name: c}, triggerRun{name: name})
}

// assign sets the value of a question as itself does: by a default, a trigger or an expression.
func (s *Session) assign(n *live, v any, direct bool) {
	if sameStored(n.value(), v) {
		return
	}
	v, ok := s.fitting(n, unshared(v))
	f, isNumber := v.(float64)
	undefined := isNumber && f != f // equals nothing, so that all follows that follows from a change
	if !ok || !undefined && sameStored(n.value(), v) || !s.spend() {
		return
	}
	outside := n.q.bounded() && !isEmpty(v) && n.outOfBounds(v)
	if n.sc.owner == nil && outside && !s.loading { // before that the bounds are not in force
		s.keepApart(n.q.Key(), v)
		return
	}
	text, isText := v.(string)
	undefined = undefined || isText && text == ""
	n.setting = true
	if !n.dropping {
		n.dropped = nil
	}
	n.direct = n.direct || direct
	if n.sc.owner == nil {
		keep := n.direct
		if undefined {
			s.store(n.q.Key(), v, v)
		} else {
			s.keepApart(n.q.Key(), nil) // also where the answer that is stored stays as it is: none
			s.set(n.q.Key(), v)
		}
		n.direct = keep || isNumber && undefined
	} else {
		n.sc.put(n, n.q.Key(), v)
	}
	n.setting = false // even where it was being set already, as in SurveyJS
}

// unshared copies a list or object: what expressions yield may be an answer itself.
func unshared(v any) any {
	switch v.(type) {
	case []any, map[string]any:
		return normalValue(v, 0)
	}
	return v
}

// keepApart notes what a question holds without storing it; nil: nothing.
func (s *Session) keepApart(key string, v any) {
	if v == nil {
		delete(s.apart, key)
		return
	}
	if s.apart == nil {
		s.apart = map[string]any{}
	}
	s.apart[key] = v
}

// put sets a value of a panel or row and with it that of the question around it.
func (sc *scope) put(n *live, key string, v any) {
	old := sc.owner.before()
	if isEmpty(v) {
		delete(sc.values, key)
	} else {
		sc.values[key] = v
	}
	sc.session.rebuildIf(n)
	switch {
	case sc.owner.collectOne(sc):
	case sc.session.waiting != nil:
		if !slices.Contains(sc.session.stale, sc.owner) {
			sc.session.stale = append(sc.session.stale, sc.owner)
		}
	default:
		sc.owner.collect()
	}
	sc.owner.settle(old, sc)
}

// changedInside stores the value of a question whose panels or rows changed and runs what
// follows.
func (n *live) changedInside(old any) {
	n.collect()
	n.settle(old, nil)
}

// settle runs what follows from a change inside a question, in one of its panels or rows or, for
// nil, in all.
func (n *live) settle(old any, where *scope) {
	s := n.sc.session
	if where != nil {
		where.touched = s.settling
	} else {
		for _, k := range n.kids {
			k.touched = s.settling
		}
	}
	n.setting = true
	if n.sc.owner != nil {
		if !n.sc.owner.collectOne(n.sc) {
			n.sc.owner.collect()
		}
		n.sc.owner.settle(nil, n.sc)
	} else {
		s.after(n.q.Key(), change{old, n.value(), true})
	}
	n.setting = false
}

// before is a copy of a value that is about to change, for triggers, which compare the two.
func (n *live) before() any {
	if len(n.sc.session.d.logic.triggers) == 0 {
		return nil
	}
	return normalValue(n.value(), 0)
}

// Answers are all answers, with the values that are calculated into them.
func (s *Session) Answers() map[string]any {
	out := make(map[string]any, len(s.root.values))
	for k, v := range s.root.values {
		out[k] = normalValue(v, 0)
	}
	s.addCalculated(out)
	return out
}

// addCalculated adds the values that are calculated into the answers.
func (s *Session) addCalculated(out map[string]any) {
	for _, c := range s.d.logic.calculated {
		if v := s.vars[strings.ToLower(c.name)]; c.include && v != nil {
			out[c.name] = answerOf(v)
		}
	}
}

// State is Starting, Running, Completed or Empty.
func (s *Session) State() string { return s.state }

// normalValue copies a value into the form of answers: float64, string, bool,
// []any and map[string]any. What is nested too deeply is dropped.
func normalValue(v any, depth int) any {
	if depth > 40 {
		return nil
	}
	switch t := plain(v).(type) {
	case []any:
		out := make([]any, len(t))
		for i, it := range t {
			out[i] = normalValue(it, depth+1)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, it := range t {
			out[k] = normalValue(it, depth+1)
		}
		return out
	case jsDate:
		return t.text()
	default:
		return t
	}
}

// answerOf is a value of an expression as an answer holds it.
func answerOf(v any) any { return normalValue(v, 0) }

// say is a text in the language of the session.
func (s *Session) say(t Text) string { return t.In(s.opts.Language) }
