package survey

import (
	"slices"
	"strings"
)

// maxConditionRuns is how often conditions run again because values changed while they ran, as
// in SurveyJS.
const maxConditionRuns = 10

// evaluation is how an expression is evaluated in a scope.
func (s *Session) evaluation(sc *scope) *evaluation {
	return &evaluation{session: s, scope: sc, turkish: s.d.logic.caseFold == "tr"}
}

// eval evaluates an expression where it stands.
func (s *Session) eval(x *expression, sc *scope) any {
	s.evals++
	e := s.spare
	if e == nil { // inside another evaluation, or the first
		e = s.evaluation(sc)
	}
	s.spare, e.scope = nil, sc
	v := x.root.eval(e)
	s.spare = e
	return v
}

// runConditions runs every condition, again while values change.
func (s *Session) runConditions() {
	if s.state == Completed || s.loading || s.conditions {
		return
	}
	for range maxConditionRuns + 1 {
		s.again = false
		s.conditions = true
		s.runCalculated()
		for _, p := range s.d.pages {
			s.runElement(s.root.node(p))
		}
		s.conditions = false
		if !s.again || s.evals > maxEvals {
			break
		}
	}
	s.again = false
	if !s.onChange {
		s.changed = nil
	}
	s.keepPage()
}

// runOnChange runs the conditions after a change, and what the questions do by it.
func (s *Session) runOnChange(name string, c change) {
	if s.changed == nil {
		s.changed = map[string]change{}
	}
	s.changed[name] = change{now: c.now}
	if s.conditions {
		s.again = true
		return
	}
	s.onChange = true
	s.runConditions()
	s.onChange = false
	if s.d.logic.setters && !s.d.head.ReadOnly {
		s.runQuestionTriggers(s.root, name, c)
	}
	s.changed = nil
	s.settling++
}

// runCalculated calculates the values that follow from others, each after those it uses.
func (s *Session) runCalculated() {
	done := make([]bool, len(s.d.logic.calculated))
	for i := range s.d.logic.calculated {
		s.calculate(i, done)
	}
}

func (s *Session) calculate(i int, done []bool) {
	c := &s.d.logic.calculated[i]
	if done[i] || c.expr == nil {
		return
	}
	done[i] = true // also ends circles
	for j := range s.d.logic.calculated {
		if j != i && slices.Contains(c.expr.names, s.d.logic.calculated[j].name) {
			s.calculate(j, done)
		}
	}
	v := s.eval(c.expr, s.root)
	old := s.vars[strings.ToLower(c.name)]
	_, number := v.(float64) // NaN, too, is another nothing than none
	if !(equality{strict: true}).equal(v, old) && (number || old != nil || !isEmpty(v)) {
		s.setVariable(c.name, unshared(v))
	}
}

// runElement runs the conditions of a page, panel or question; those inside first.
func (s *Session) runElement(n *live) {
	if n.q != nil {
		s.runOwn(n)
		s.runQuestion(n)
		return
	}
	before, visible := n.isVisible(), n.visible
	for _, c := range n.el.children {
		s.runElement(n.sc.node(c))
	}
	s.runOwn(n)
	now := n.isVisible()
	if visible != n.visible || before != now && n.shown != now {
		s.containerChanged(n, now) // also where its own condition came to hold and nothing in it shows
	}
}

// runOwn runs visibleIf, enableIf and requiredIf.
func (s *Session) runOwn(n *live) {
	if x := n.el.visibleIf; x != nil && !s.skips(x, n.sc) {
		was := n.visible
		n.visible = s.eval(x, n.sc) == true
		if n.q != nil && was != n.visible {
			s.sightChanged(n)
		}
	}
	if x := n.el.enableIf; x != nil && !s.skips(x, n.sc) {
		n.readOnly = s.eval(x, n.sc) == false
	}
	if x := n.el.requiredIf; x != nil && !s.skips(x, n.sc) {
		n.required = s.eval(x, n.sc) == true
	}
}

// runQuestion runs what depends on the type of a question, and its default value.
func (s *Session) runQuestion(n *live) {
	ru := n.q.rules
	if ru.minExpr != nil {
		n.min = answerOf(s.eval(ru.minExpr, n.sc))
	}
	if ru.maxExpr != nil {
		n.max = answerOf(s.eval(ru.maxExpr, n.sc))
	}
	if ru.expr != nil && !n.isReadOnly() && !s.skips(ru.expr, n.sc) {
		s.assign(n, s.rounded(ru, s.eval(ru.expr, n.sc)), false)
	}
	s.runChoices(n)
	s.runRows(n)
	s.runNested(n)
	if ru.defaultExpr != nil && !n.direct && (!s.clearsHidden(n) || n.inSight()) {
		n.once(defaulting, func() {
			v := s.eval(ru.defaultExpr, n.sc)
			if v == nil {
				v = ru.defaultValue
			}
			s.assign(n, v, false)
		})
	}
}

// defaults gives a question its default value where it has none.
func (s *Session) defaults(n *live) {
	ru := n.q.rules
	if ru.defaultExpr == nil && isEmpty(ru.defaultValue) || s.opts.Resumed && s.loading {
		return
	}
	if !isEmpty(n.value()) || s.clearsHidden(n) && !n.isVisible() {
		return
	}
	s.setDefault(n)
}

func (s *Session) setDefault(n *live) {
	ru := n.q.rules
	if ru.defaultExpr == nil {
		s.assign(n, normalValue(ru.defaultValue, 0), false)
		return
	}
	n.once(defaulting, func() {
		v := s.eval(ru.defaultExpr, n.sc)
		if v == nil {
			v = normalValue(ru.defaultValue, 0)
		}
		s.assign(n, v, false)
	})
}

// clearMode is what becomes of the answer to a question that does not show: "none",
// "onComplete", "onHidden" or "onHiddenContainer".
func (s *Session) clearMode(n *live) string {
	if m := n.q.rules.clearIf; m != "" && m != "default" {
		return m
	}
	if s.d.logic.clear == "" {
		return "onComplete"
	}
	return s.d.logic.clear
}

// clearsHidden tells whether the answer goes as soon as the question does.
func (s *Session) clearsHidden(n *live) bool {
	m := s.clearMode(n)
	return m == "onHidden" || m == "onHiddenContainer"
}

// sightChanged clears or fills in the answer of a question that came or went.
func (s *Session) sightChanged(n *live) {
	if !s.clearsHidden(n) {
		return
	}
	if !n.visible {
		s.clearHidden(n, "onHidden")
	}
	if n.inSight() {
		s.defaults(n)
	}
}

// containerChanged does the same for what is in a page or panel.
func (s *Session) containerChanged(n *live, now bool) {
	n.shown = now
	for _, el := range n.el.below {
		q := n.sc.node(el)
		if now {
			s.defaults(q)
		} else {
			s.clearHidden(q, "onHiddenContainer")
		}
	}
	if n.el.kind == pageElement && n.sc.owner == nil {
		s.keepPage()
	}
}

// clearHidden removes the answer to a question that does not show, if that is what is to happen
// for this reason.
func (s *Session) clearHidden(n *live, reason string) {
	if n.q.Repeat != nil {
		inner := reason
		if inner == "onHidden" {
			inner = "onHiddenContainer"
		}
		for _, k := range slices.Clone(n.kids) {
			for _, el := range k.tree.questions {
				if c := k.node(el.self); !c.visible || !k.hidden {
					s.clearHidden(c, inner)
				}
			}
		}
	}
	mode := s.clearMode(n)
	if mode == "none" || reason == "onHidden" && mode == "onComplete" || reason == "onHiddenContainer" && mode != reason {
		return
	}
	if n.q.takesChoices() {
		defer s.dropUnoffered(n)
	}
	if n.q.Matrix != nil {
		defer s.clearHiddenRows(n)
	}
	if !s.mayClear(n, reason) {
		return
	}
	s.clear(n, false)
}

// clearHiddenRows removes the answers of rows and columns that do not show.
func (s *Session) clearHiddenRows(n *live) {
	if isEmpty(n.value()) || n.sc.owner == nil && len(s.d.logic.byKey[n.q.Key()]) > 1 {
		return
	}
	if n.q.Type == "matrix" {
		s.clearHiddenCells(n)
		return
	}
	if !slices.ContainsFunc(n.kids, func(k *scope) bool { return k.hidden }) {
		return
	}
	old := normalValue(n.value(), 0)
	if !n.q.fixedRows() {
		n.kids = n.visibleKids()
	} else {
		for _, k := range n.kids {
			if k.hidden {
				k.values = map[string]any{}
			}
		}
	}
	n.changedInside(old)
}

// clearHiddenCells is clearHiddenRows of a matrix with one choice a row.
func (s *Session) clearHiddenCells(n *live) {
	given, ok := normalValue(n.value(), 0).(map[string]any)
	if !ok || n.rows == nil && n.columns == nil {
		return
	}
	for i, row := range n.q.Matrix.Rows {
		if n.rows != nil && !n.rows[i] {
			delete(given, row.Key())
		}
	}
	for k, v := range given {
		for i, c := range n.q.Matrix.Columns {
			if n.columns != nil && !n.columns[i] && equalValues(c.Value, v, false) {
				delete(given, k)
			}
		}
	}
	var v any
	if len(given) > 0 {
		v = given
	}
	s.assign(n, v, true)
}

// mayClear tells whether a question is out of sight, and with it every other that shares its
// answer.
func (s *Session) mayClear(n *live, reason string) bool {
	if reason == "onHiddenContainer" && !n.parentsVisible() {
		return true
	}
	if n.inSight() {
		return false
	}
	if s.d.head.StartPage && n.page() == 0 {
		return false
	}
	if n.sc.owner != nil {
		return true
	}
	for _, q := range s.d.logic.byKey[n.q.Key()] {
		if other := s.root.node(q.self); other != n && other.inSight() {
			return false
		}
	}
	return true
}

// clear removes an answer and, unless it is kept, the remark to it.
func (s *Session) clear(n *live, keepComment bool) {
	s.assign(n, nil, true)
	n.direct = false
	if key := n.q.Key() + commentSuffix; !keepComment && n.sc.values[key] != nil {
		if n.sc.owner == nil {
			s.setComment(n.q.Key(), "")
		} else {
			delete(n.sc.values, key)
			n.sc.owner.collect()
		}
	}
}

// setComment stores a remark and runs what follows.
func (s *Session) setComment(key, text string) {
	name := key + commentSuffix
	old, _ := s.root.values[name].(string)
	if old == text || !s.spend() {
		return
	}
	if text == "" {
		delete(s.root.values, name)
	} else {
		s.root.values[name] = text
	}
	if s.waiting != nil {
		s.waiting[name], s.waiting[key] = change{now: s.root.values[name]}, change{now: s.root.values[key]}
		return
	}
	s.depth++
	defer func() { s.depth-- }()
	if s.changed == nil {
		s.changed = map[string]change{}
	}
	v := s.root.values[key]
	s.changed[key] = change{now: v}
	c := change{old, text, true}
	s.runOnChange(name, c)
	s.checkTriggers(map[string]change{name: c, key: {v, v, true}}, triggerRun{name: key})
}
