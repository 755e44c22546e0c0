package survey

import (
	"slices"
	"strings"
)

// scope is where names of a tree of elements mean something at run time: the survey itself, one
// panel of a dynamic panel, or one row of a table.
type scope struct {
	session *Session
	tree    *tree
	owner   *live // the question that it is part of; nil for the survey
	index   int   // among the panels or rows of the owner
	row     Choice
	touched int            // the settling in which its answers changed last
	hidden  bool           // a row whose rowsVisibleIf does not hold, or a panel by templateVisibleIf
	values  map[string]any // the answers, by name
	nodes   []live         // by the index of their element
}

// live is an element at run time.
type live struct {
	el       *element
	q        *Question // of a question
	sc       *scope
	visible  bool // by its own condition
	readOnly bool // by its own condition
	required bool
	shown    bool // as it was when last looked at: for what happens on change
	direct   bool // the value came from the respondent or a trigger, not from a default
	setting  bool // its value is being set
	acting   acts // which of its expressions set a value just now
	choices  []choiceState
	dropped  []any  // of a list: what is not offered any more and comes back when it is
	dropping bool   // what is not offered is taken out, or comes back
	rows     []bool // of a matrix: which rows show
	columns  []bool
	kids     []*scope
	min, max any // by minValueExpression and maxValueExpression
}

// acts are expressions whose outcome sets a value; while one does, it is not run again.
type acts byte

const (
	resetting acts = 1 << iota
	settingIf
	settingExpr
	defaulting
)

// once does something for an expression, unless that is what is being done for it.
func (n *live) once(a acts, do func()) {
	if n.acting&a == 0 {
		n.acting |= a
		do()
		n.acting &^= a
	}
}

// choiceState is how a choice shows.
type choiceState struct{ hidden, disabled bool }

// newScope makes the nodes of a tree.
func (s *Session) newScope(t *tree, owner *live, index int, values map[string]any) *scope {
	sc := &scope{session: s, tree: t, owner: owner, index: index, touched: s.settling, values: values, nodes: make([]live, len(t.elements))}
	for i, el := range t.elements {
		sc.nodes[i] = live{el: el, q: el.question, sc: sc, visible: el.static, readOnly: el.readOnly, required: el.required, shown: true}
		if q := el.question; q != nil && len(q.Choices) > 0 && q.conditional() {
			sc.nodes[i].choices = make([]choiceState, len(q.Choices))
		}
	}
	return sc
}

// conditional tells whether choices of a question can be hidden or disabled.
func (q *Question) conditional() bool {
	return q.rules.choicesVisibleIf != nil || q.rules.choicesEnableIf != nil || q.someConditional
}

// node returns the run-time element of an element of the scope's tree.
func (sc *scope) node(el *element) *live { return &sc.nodes[el.index] }

// named finds the node of a question.
func (sc *scope) named(name string) *live {
	if q := sc.tree.names[name]; q != nil {
		return sc.node(q.self)
	}
	return nil
}

// parent is the node of the page or panel around a node.
func (n *live) parent() *live {
	if n.el.parent == nil {
		return nil
	}
	return n.sc.node(n.el.parent)
}

// isVisible says whether an element shows by itself: a question by its condition, a page or
// panel if anything in it does, too.
func (n *live) isVisible() bool {
	if !n.visible {
		return false
	}
	if n.el.kind != questionElement {
		for _, c := range n.el.children {
			if n.sc.node(c).isVisible() {
				return true
			}
		}
		return false
	}
	ru := n.q.rules
	switch {
	case !ru.hideIfEmpty:
		return true
	case n.q.Matrix != nil:
		return slices.Contains(n.visibleRows(), true)
	default:
		return n.sc.session.anyChoice(n)
	}
}

// inSight says whether an element shows with everything around it.
func (n *live) inSight() bool { return n.isVisible() && n.parentsVisible() }

func (n *live) parentsVisible() bool {
	for p := n.parent(); p != nil; p = p.parent() {
		if !p.isVisible() {
			return false
		}
	}
	if o := n.sc.owner; o != nil && !o.isVisible() {
		return false
	}
	return true
}

// isReadOnly says whether an answer can be given.
func (n *live) isReadOnly() bool {
	if n.readOnly || n.sc.session.d.head.ReadOnly {
		return true
	}
	for p := n.parent(); p != nil; p = p.parent() {
		if p.readOnly {
			return true
		}
	}
	return n.sc.owner != nil && n.sc.owner.isReadOnly()
}

// value is the answer. A value of another form than the question's, as a trigger may set it, is
// none.
func (n *live) value() any {
	v := n.sc.values[n.q.Key()]
	if apart := n.sc.session.apart; len(apart) > 0 && n.sc.owner == nil && apart[n.q.Key()] != nil {
		return apart[n.q.Key()]
	}
	if n.q.inner() != nil || n.q.Matrix != nil {
		if !n.q.holds(v) {
			return nil
		}
	}
	return v
}

// comment is the remark to the answer, or what was typed for "other".
func (n *live) comment() string {
	s, _ := n.sc.values[n.q.Key()+commentSuffix].(string)
	return s
}

// commentSuffix makes the name of a remark of the name of its answer.
const commentSuffix = "-Comment"

// page is the index of the page that an element stands on.
func (n *live) page() int {
	for n.sc.owner != nil {
		n = n.sc.owner
	}
	for p := n; p != nil; p = p.parent() {
		if p.el.kind == pageElement {
			return slices.Index(n.sc.session.d.pages, p.el)
		}
	}
	return -1
}

// lookup finds what a name of an expression means in a panel or row; done is false for a name
// that has to be looked for further out.
func (sc *scope) lookup(p *path) (v any, found, done bool) {
	if sc.owner == nil {
		return nil, false, false
	}
	isRow := sc.owner.q.Matrix != nil
	first := p.lower[0]
	if p.simple() {
		switch {
		case isRow && first == "rowindex":
			return float64(sc.index + 1), true, true
		case isRow && first == "visiblerowindex":
			return float64(sc.position() + 1), true, true
		case isRow && (first == "item" || first == "rowname" || first == "rowvalue"):
			return sc.row.Value, true, true
		case isRow && first == "rowtitle":
			return sc.session.say(sc.row.Text), true, true
		case isRow && first == "matrix":
			return plain(sc.owner.value()), true, true
		case !isRow && first == "panelindex":
			return float64(sc.index), true, true
		case !isRow && first == "visiblepanelindex":
			return float64(sc.position()), true, true
		}
		return nil, false, false
	}
	word := "panel"
	if isRow {
		word = "row"
	}
	rest := p.from(1)
	switch first {
	case word:
		v, ok := sc.inside(&rest)
		return v, ok, ok
	case "prev" + word, "next" + word:
		at := sc.position() + 1
		if first[0] == 'p' {
			at -= 2
		}
		if others := sc.owner.visibleKids(); at >= 0 && at < len(others) {
			v, _ := others[at].inside(&rest)
			return v, true, true
		}
		return nil, true, true
	case "parentpanel":
		if outer := sc.owner.sc; outer.owner != nil {
			v, _ := outer.inside(&rest)
			return v, true, true
		}
	case "totalrow":
		if isRow {
			return sc.session.total(sc.owner, rest.lower[0]), true, true
		}
	}
	return nil, false, false
}

// inside follows a path from the answers of the panel or row. A question that is not answered
// is found, too.
func (sc *scope) inside(p *path) (any, bool) {
	if v, ok := p.in(sc.values); ok {
		return v, true
	}
	for name, q := range sc.tree.names {
		if strings.EqualFold(name, p.parts[0].name) {
			return q.unanswered(p), true
		}
	}
	return nil, false
}

// position is the place of a panel or row among those that show.
func (sc *scope) position() int { return slices.Index(sc.owner.visibleKids(), sc) }

// visibleKids are the panels or rows that show.
func (n *live) visibleKids() []*scope {
	out := make([]*scope, 0, len(n.kids))
	for _, k := range n.kids {
		if !k.hidden {
			out = append(out, k)
		}
	}
	return out
}

// lookup finds what a name means in a scope and then in the survey: built-in names, variables,
// answers.
func (s *Session) lookup(p *path, sc *scope) (any, bool) {
	for ; sc != nil && sc.owner != nil; sc = sc.owner.sc {
		if v, found, done := sc.lookup(p); done {
			return v, found
		}
	}
	name := p.parts[0].name
	if p.simple() {
		if v, ok := s.apart[name]; ok {
			return v, true
		}
		if v, ok := s.root.values[name]; ok && len(s.vars) == 0 {
			return s.unlessEmpty(name, plain(v)), true // the usual case first: built-in names are no names of questions
		}
		if v, ok := s.builtIn(p.lower[0]); ok {
			return v, true
		}
	}
	if v, ok := p.in(s.vars); ok {
		return v, true
	}
	if v, ok := p.in(s.root.values); ok {
		if p.simple() {
			v = s.unlessEmpty(name, v)
		}
		return v, true
	}
	if strings.HasPrefix(name, "$") && len(p.parts) == 2 {
		if n := s.root.named(name[1:]); n != nil {
			return s.property(n, p.parts[1].name), true
		}
	}
	if base, cut := strings.CutSuffix(name, "-unwrapped"); cut {
		p := newPath(base)
		return p.in(s.root.values)
	}
	if s.d.logic.lists[p.folded] {
		return noneChosen, true
	}
	if n := s.nested(p); n != nil {
		if n.q.chooses() {
			return noneChosen, true
		}
		return nil, true
	}
	return nil, false
}

// nested finds a question by a path that leads into another, such as orders[0].quantity; nil:
// there is none.
func (s *Session) nested(p *path) *live {
	if len(p.parts) < 2 {
		return nil
	}
	if n := s.follow(p); n != nil && n.sc.owner != nil && !n.sc.hidden {
		return n
	}
	return nil
}

// noneChosen is what an expression reads of a question with several answers that has none: SurveyJS takes
// it for an empty list, which is no answer, but holds by itself and is 0 beside a number.
var noneChosen any = []any{}

// unanswered is what a path reads that names a question, or goes on from its name.
func (q *Question) unanswered(p *path) any {
	if q.chooses() && p.simple() {
		return noneChosen
	}
	return nil
}

// unanswered tells the name of a question, whose missing answer is JavaScript's undefined. That of a
// name that nothing has is null, and so is that of the types that are not found by their name alone.
func (s *Session) unanswered(p *path) bool {
	if !p.simple() {
		return len(p.parts) == 2 && (p.lower[0] == "panel" || p.lower[0] == "row") || s.nested(p) != nil
	}
	qs := s.d.logic.byKey[p.full]
	return len(qs) > 0 && qs[0].Type != "matrix" && qs[0].Type != "multipletext"
}

// chooses tells a question whose answer is several values.
func (q *Question) chooses() bool { return q.Multiple && q.Upload == nil && q.Matrix == nil }

// unlessEmpty is a value, or nothing for panels and rows that hold no answer or of which a trigger
// set what has another form.
func (s *Session) unlessEmpty(name string, v any) any {
	if qs := s.d.logic.byKey[name]; len(qs) > 0 && qs[0].repeats() && qs[0].rules.fields == nil && !qs[0].holds(v) {
		return nil
	}
	if list, ok := v.([]any); ok && len(list) > 0 {
		for _, q := range s.d.logic.byKey[name] {
			if q.repeats() && s.root.node(q.self).empty() {
				return nil
			}
		}
	}
	return v
}

// builtIn are the names that a survey has of its own.
func (s *Session) builtIn(name string) (any, bool) {
	switch name {
	case "pageno":
		return float64(slices.Index(s.visiblePages(), s.page) + 1), true
	case "pagecount":
		return float64(len(s.visiblePages())), true
	case "questioncount":
		return float64(s.Quiz().Questions), true
	case "correctedanswers", "correctanswers", "correctedanswercount":
		return float64(s.Quiz().Correct), true
	case "incorrectedanswers", "incorrectanswers", "incorrectedanswercount":
		q := s.Quiz()
		return float64(q.Questions - q.Correct), true
	case "locale":
		if s.opts.Language == "" {
			return "en", true
		}
		return s.opts.Language, true
	}
	return nil, false
}
