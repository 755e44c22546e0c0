package survey

import (
	"maps"
	"slices"
	"strings"
)

// uses tells whether an expression depends on what changed.
func (s *Session) uses(x *expression, keys map[string]change) bool {
	for i := range x.paths {
		if x.paths[i].changed(keys) {
			return true
		}
	}
	return false
}

// isChanged is changed of a name.
func isChanged(name string, keys map[string]change) bool {
	p := newPath(name)
	return p.changed(keys)
}

// changed tells whether a name, or what it is a part of, is among the changes. Of a part it
// looks whether the part itself changed, where both values are known.
func (p *path) changed(keys map[string]change) bool {
	if strings.HasPrefix(p.full, "$") {
		return true
	}
	if _, ok := keys[p.full]; ok {
		return true
	}
	if _, ok := keys[p.folded]; ok {
		return true
	}
	if base, cut := strings.CutSuffix(p.parts[0].name, "-unwrapped"); cut {
		if _, ok := keys[base]; ok {
			return true
		}
	}
	if p.simple() {
		return false
	}
	for i := range p.parts {
		first := p.joined(i + 1)
		c, ok := keys[first]
		if !ok {
			if c, ok = keys[strings.ToLower(first)]; !ok {
				continue
			}
		}
		if !c.both {
			return c.now != nil
		}
		old, _ := p.in(map[string]any{first: c.old})
		now, _ := p.in(map[string]any{first: c.now})
		return !equality{strict: true}.equal(old, now)
	}
	return false
}

// skips tells whether a condition need not run again after a change, because nothing that it
// reads has changed. It then stays as it was, as in SurveyJS.
func (s *Session) skips(x *expression, sc *scope) bool {
	if !s.onChange || s.changed == nil || x.free || len(x.names) == 0 {
		return false
	}
	if s.uses(x, s.changed) {
		return false
	}
	if sc.owner == nil || sc.owner.q.rules.fields != nil {
		return true
	}
	for i := range x.paths {
		if sc.mayHaveChanged(x.paths[i].lower[0]) {
			return false
		}
	}
	return true
}

// mayHaveChanged tells whether a name means something of a panel or row that SurveyJS takes for
// changed: its place always, its answers when those of the question around it changed. (It takes
// those of every row for changed then; here only those that did are looked at anew.)
func (sc *scope) mayHaveChanged(first string) bool {
	isRow := sc.owner.q.Matrix != nil
	switch first {
	case "rowindex", "visiblerowindex", "item", "rowname", "rowvalue", "rowtitle":
		return isRow
	case "panelindex", "visiblepanelindex":
		return !isRow
	case "row":
		return isRow && sc.touched == sc.session.settling && sc.containerChanged()
	case "panel":
		return !isRow && sc.touched == sc.session.settling && sc.containerChanged()
	case "matrix", "prevrow", "nextrow", "totalrow":
		return isRow && sc.containerChanged()
	case "prevpanel", "nextpanel", "parentpanel":
		return !isRow && sc.containerChanged()
	}
	return false
}

// containerChanged tells whether the answer that holds a panel or row is among the changes.
func (sc *scope) containerChanged() bool {
	for ; sc.owner != nil; sc = sc.owner.sc {
		if _, ok := sc.session.changed[sc.owner.q.Key()]; ok {
			return true
		}
	}
	return false
}

// runQuestionTriggers runs resetValueIf, setValueIf and setValueExpression of the questions
// after a change. One of them may set a value and with it run them all for the values that
// changed meanwhile; those after it then look at the first change alone.
func (s *Session) runQuestionTriggers(sc *scope, name string, c change) {
	for i := range sc.nodes {
		n := &sc.nodes[i]
		if n.q == nil {
			continue
		}
		keys := s.changed
		if keys == nil {
			keys = map[string]change{name: {now: c.now}}
		}
		s.runTriggersOf(n, name, keys)
		for _, k := range n.kids {
			s.runQuestionTriggers(k, name, c)
		}
	}
}

// runTriggersOf runs those of one question, unless its value, or that of the question around it,
// is what was changed.
func (s *Session) runTriggersOf(n *live, name string, keys map[string]change) {
	if n.setting || n.sc.owner != nil && n.sc.owner.q.Key() == name {
		return
	}
	ru := n.q.rules
	if x := ru.resetIf; x != nil && !isEmpty(n.value()) && s.fires(x, nil, keys) {
		n.once(resetting, func() {
			switch {
			case s.eval(x, n.sc) != true:
			case ru.defaultExpr == nil && isEmpty(ru.defaultValue):
				s.clear(n, false)
			default:
				s.setDefault(n)
			}
		})
	}
	calculate := func() { s.assign(n, s.eval(ru.setExpr, n.sc), true) }
	if x := ru.setIf; x != nil && s.fires(x, ru.setExpr, keys) {
		n.once(settingIf, func() {
			switch {
			case !truthy(s.eval(x, n.sc)):
			case ru.setExpr == nil:
				s.clear(n, false)
			default:
				n.once(settingExpr, calculate)
			}
		})
	}
	if x := ru.setExpr; x != nil && ru.setIf == nil && s.fires(x, nil, keys) {
		n.once(settingExpr, calculate)
	}
}

// fires tells whether an expression, or the second that goes with it, is to be run for what
// changed. One that reads nothing runs always.
func (s *Session) fires(first, second *expression, keys map[string]change) bool {
	a := s.firesBy(first, keys)
	if a == "variable" {
		return true
	}
	if second == nil {
		return a != ""
	}
	return s.firesBy(second, keys) != ""
}

func (s *Session) firesBy(x *expression, keys map[string]change) string {
	switch {
	case x.readsNothing():
		return "function"
	case len(x.names) == 0:
		return "constant"
	case s.uses(x, keys):
		return "variable"
	}
	return ""
}

// readsNothing tells whether a function is called that depends on no answer, such as today().
func (x *expression) readsNothing() bool { return x.free }

// triggerRun is on what occasion triggers are checked.
type triggerRun struct {
	nextPage, complete bool
	name               string // of what was changed
}

// maxTriggerRuns is how often triggers run again because one set a value, as in SurveyJS.
const maxTriggerRuns = 3

// checkTriggers runs the triggers of the survey after a change or on leaving a page.
func (s *Session) checkTriggers(keys map[string]change, run triggerRun) {
	if s.state == Completed || len(s.d.logic.triggers) == 0 || s.d.head.ReadOnly {
		return
	}
	if s.triggering {
		maps.Copy(s.keys, keys)
		return
	}
	invalid := false
	if !run.complete && run.name != "" {
		if qs := s.d.logic.byKey[run.name]; len(qs) > 0 && s.completes() {
			was := s.moving
			s.moving = true
			invalid = len(s.faultsOf(s.root.node(qs[0].self))) > 0
			s.moving = was
		}
	}
	s.triggering = true
	s.keys = keys
	before := maps.Clone(keys)
	for range maxTriggerRuns {
		for i := range s.d.logic.triggers {
			if t := &s.d.logic.triggers[i]; !invalid || t.kind != "complete" && (t.kind != "skip") {
				s.checkTrigger(i, t, run)
			}
		}
		if s.state == Completed {
			break
		}
		diff := map[string]change{}
		for k, c := range s.keys {
			if b, ok := before[k]; !ok || !equalValues(b.now, c.now, false) || !equalValues(b.old, c.old, false) {
				diff[k] = c
			}
		}
		if len(diff) == 0 {
			break
		}
		s.keys, before = diff, maps.Clone(diff)
	}
	s.triggering = false
}

// completes tells whether there is a trigger that asks for valid answers.
func (s *Session) completes() bool {
	return slices.ContainsFunc(s.d.logic.triggers, func(t trigger) bool { return t.kind == "complete" || t.kind == "skip" })
}

// checkTrigger runs one trigger if what it depends on is among the changes.
func (s *Session) checkTrigger(i int, t *trigger, run triggerRun) {
	switch t.kind {
	case "setvalue", "copyvalue", "runexpression":
		if run.nextPage || t.kind != "runexpression" && t.setTo == "" || t.kind == "copyvalue" && t.from == "" {
			return
		}
	case "skip": // as soon as the answer is given
		if run.nextPage {
			return
		}
	}
	if run.complete {
		return
	}
	if t.kind == "setvalue" || t.kind == "copyvalue" {
		if _, only := s.keys[t.setTo]; only && len(s.keys) == 1 {
			return
		}
	}
	if t.when == nil {
		if t.kind == "copyvalue" && isChanged(t.from, s.keys) {
			s.fire(i, t, run)
		}
		return
	}
	if !t.when.free && len(t.when.names) > 0 && !s.uses(t.when, s.keys) && !(t.kind == "copyvalue" && isChanged(t.from, s.keys)) {
		return
	}
	if s.eval(t.when, s.root) == true {
		s.fire(i, t, run)
		return
	}
	switch t.kind {
	case "visible":
		s.showAll(t, false)
	case "complete":
		delete(s.completedBy, i)
	}
}

// fire does what a trigger is for.
func (s *Session) fire(i int, t *trigger, run triggerRun) {
	switch t.kind {
	case "visible":
		s.showAll(t, true)
	case "complete":
		if run.nextPage {
			s.complete()
			return
		}
		if s.completedBy == nil {
			s.completedBy = map[int]int{}
		}
		s.completedBy[i] = s.page
	case "setvalue":
		if t.variable {
			s.setVariable(t.setTo, normalValue(t.value, 0))
		} else {
			s.setNamed(t.setTo, normalValue(t.value, 0))
		}
	case "copyvalue":
		from := newPath(t.from)
		v, ok := s.lookup(&from, s.root)
		if qs := s.d.logic.byKey[t.from]; !ok && (len(qs) == 0 || qs[0].heldWhole()) {
			return
		}
		if n := s.root.named(t.from); t.display && n != nil {
			v = s.display(n, v)
		}
		s.setNamed(t.setTo, normalValue(v, 0))
	case "skip":
		s.goTo(t.goTo)
	case "runexpression":
		if t.run == nil {
			return
		}
		v := s.eval(t.run, s.root)
		if t.setTo != "" && !s.evaluation(s.root).isBlank(t.run.root, v) { // null empties, undefined does nothing
			s.setNamed(t.setTo, answerOf(v))
		}
	}
}

// setNamed sets what a trigger names: a question, one inside another, or a value without one.
func (s *Session) setNamed(name string, v any) {
	if n := s.target(name); n != nil && !(n.sc.owner == nil && n.q.heldWhole()) {
		s.assign(n, v, true)
		return
	}
	if !strings.Contains(name, ".") {
		s.set(name, v)
	}
}

// heldWhole tells the types that triggers of SurveyJS do not find by their name: the value is
// stored, and the question takes it if it has the form; and nothing is copied from one that has
// no answer.
func (q *Question) heldWhole() bool {
	return q.Type == "matrix" || q.Type == "matrixdropdown" || q.Type == "multipletext"
}

// target finds the node of a name such as q, panel[0].q or matrix.row.column.
func (s *Session) target(name string) *live {
	for _, q := range s.d.logic.byKey[name] {
		return s.root.node(q.self)
	}
	for key, qs := range s.d.logic.byKey {
		if strings.EqualFold(key, name) {
			return s.root.node(qs[0].self)
		}
	}
	return s.find(name)
}

// showAll is the visible trigger of old files.
func (s *Session) showAll(t *trigger, visible bool) {
	for i := range s.root.nodes {
		n := &s.root.nodes[i]
		switch {
		case n.el.kind == pageElement && slices.Contains(t.pages, n.el.name),
			n.q != nil && slices.Contains(t.questions, n.q.Name):
			was := n.visible
			n.visible = visible
			if n.q != nil && was != visible {
				s.sightChanged(n)
			}
		}
	}
	s.keepPage()
}
