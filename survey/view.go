package survey

import (
	"slices"
	"time"
)

// PageView is a page as it shows for the answers of a Session, its texts in
// the language of the session and with the {names} in them replaced.
type PageView struct {
	Index       int // in Head.Pages; -1 when no page shows
	Number      int // among those that show, from 1; 0 for the start page
	Of          int // how many show
	Name        string
	Title       string // empty: none is shown
	Description string
	Elements    []ElementView
	TimeLimit   int       // of the page, seconds; 0: none
	Ends        time.Time // as Session.Ends says; zero: never
	First, Last bool
}

// ElementView is a question or a panel.
type ElementView struct {
	Panel    *PanelView // nil for a question
	Question *View      // nil for a panel
}

// PanelView is a panel of a page, or one of a dynamic panel.
type PanelView struct {
	Name        string
	Path        string // of one of a dynamic panel, such as people[0]
	Title       string // empty: none is shown
	Description string
	Required    bool // one of its questions is to be answered
	Elements    []ElementView
}

// View is a question as it shows. Its Question has the Choices that show, in their order, and
// Required and ReadOnly as the answers make them; texts to be shown are in the fields of View.
type View struct {
	Question
	// Path is the name of its field: the question's name, or inside another one such as
	// people[0].age, matrix.row.column or address.street. Session.Answer takes it.
	Path        string
	Label       string      // the title with its {names} replaced
	Help        string      // the description with its {names} replaced
	Value       any         // the answer; nil for none
	Remark      string      // what is written beside the answer
	Low, High   string      // the bounds of a text or slider as they are now; empty: none
	HTML        string      // of html: safe markup
	Display     string      // of expression: its value as text
	Visible     []bool      // of matrix: which of Matrix.Rows show
	ColumnsSeen []bool      // of matrix: which of Matrix.Columns show
	Panels      []PanelView // of paneldynamic
	Rows        []RowView   // of matrixdropdown and matrixdynamic, and one for multipletext
	CanAdd      bool        // another panel or row may be added
	CanRemove   bool        // one may be removed
	Totals      []string    // of a table, by column; nil: no totals
}

// RowView is a row of a table.
type RowView struct {
	Path  string // such as orders[0] or matrix.row
	Title string // of a row of the author's
	Cells []View // by column
}

// Page is the page that shows: the start page, or the present one. On a survey with
// questionsOnPageMode "singlePage" all pages that show are one.
func (s *Session) Page() PageView {
	visible := s.visiblePages()
	v := PageView{Index: s.PageIndex(), Of: len(visible), First: s.IsFirst(), Last: s.IsLast()}
	if v.Index < 0 {
		return v
	}
	p := s.d.pages[v.Index]
	v.Number = slices.Index(visible, v.Index) + 1
	v.Name = s.d.head.Pages[v.Index].Name
	v.Title, v.Description = s.pipe(s.say(p.title), nil), s.pipe(s.say(p.description), nil)
	v.TimeLimit = s.pageLimit()
	v.Ends, _ = s.Ends()
	v.Elements = s.elements(s.root.node(p), "")
	return v
}

// elements are the questions and panels below a page or panel that show.
func (s *Session) elements(n *live, prefix string) []ElementView {
	var out []ElementView
	for _, el := range s.arranged(n) {
		c := n.sc.node(el)
		if !c.isVisible() {
			continue
		}
		if c.q != nil {
			q := s.view(c)
			out = append(out, ElementView{Question: &q})
			continue
		}
		out = append(out, ElementView{Panel: &PanelView{
			Name: el.name, Title: s.pipe(s.say(el.title), n.sc), Description: s.pipe(s.say(el.description), n.sc),
			Required: c.required, Elements: s.elements(c, prefix),
		}})
	}
	return out
}

// arranged are the elements of a page or panel in their order, which may be random.
func (s *Session) arranged(n *live) []*element {
	order := n.el.order
	if order == "" || order == "default" {
		order = s.d.logic.order
	}
	if order != "random" {
		return n.el.children
	}
	out := slices.Clone(n.el.children)
	shuffle(out, s.seedOf("page"+n.el.name))
	return out
}

// view is a question as it shows.
func (s *Session) view(n *live) View {
	q := n.q
	v := View{
		Question: s.shown(n), Path: n.path(), Label: s.pipe(s.say(q.Title), n.sc), Help: s.pipe(s.say(q.Description), n.sc),
		Value: normalValue(n.value(), 0), Remark: n.comment(), Low: q.Min, High: q.Max,
	}
	if !isEmpty(n.min) {
		v.Low = toText(n.min)
	}
	if !isEmpty(n.max) {
		v.High = toText(n.max)
	}
	switch {
	case q.Type == "html":
		v.HTML = SafeHTML(s.pipe(s.say(q.HTML), n.sc))
	case q.Type == "expression":
		v.Display = toText(s.display(n, n.value()))
	case q.Type == "matrix":
		v.Visible = n.visibleRows()
		v.ColumnsSeen = n.columns
	case q.repeats():
		s.viewInside(n, &v)
	}
	return v
}

// viewInside shows the panels, rows or fields of a question.
func (s *Session) viewInside(n *live, v *View) {
	q := n.q
	if q.Repeat != nil || q.Type == "matrixdynamic" {
		v.CanAdd, v.CanRemove = n.mayAdd() && !n.isReadOnly(), n.mayRemove() && !n.isReadOnly()
	}
	for _, k := range n.visibleKids() {
		root := k.node(k.tree.elements[0])
		if q.Repeat != nil {
			v.Panels = append(v.Panels, PanelView{
				Path: k.path(), Title: s.pipe(s.say(q.Repeat.Title), k), Description: s.pipe(s.say(q.Repeat.Description), k),
				Elements: s.elements(root, k.path()),
			})
			continue
		}
		row := RowView{Path: k.path(), Title: s.say(k.row.Text)}
		for _, c := range k.tree.questions {
			row.Cells = append(row.Cells, s.view(k.node(c.self)))
		}
		v.Rows = append(v.Rows, row)
	}
	if q.Matrix != nil && slices.ContainsFunc(q.Matrix.Cells, func(c Question) bool { return c.rules.totals() }) {
		for _, c := range q.Matrix.Cells {
			t := ""
			if c.rules.totals() {
				t = toText(s.total(n, c.Name))
			}
			v.Totals = append(v.Totals, t)
		}
	}
}

// totals tells whether a column has a total.
func (ru *questionRules) totals() bool {
	return ru.totalExpr != nil || ru.total != "" && ru.total != "none"
}

// path is how a panel or row is found, such as people[0].
func (sc *scope) path() string {
	probe := live{sc: sc, q: &Question{}}
	p := probe.path()
	return p[:len(p)-1]
}

// Title is the title of the survey as the session shows it.
func (s *Session) Title() string { return s.pipe(s.say(s.d.head.Title), nil) }

// Thanks is what is shown at the end, as safe markup: the text of the first
// condition that holds, or completedHtml.
func (s *Session) Thanks() string {
	t := s.d.head.CompletedHTML
	for _, c := range s.d.logic.completedIf {
		if s.eval(c.when, s.root) == true {
			t = c.text
			break
		}
	}
	return SafeHTML(s.pipe(s.say(t), nil))
}

// NavigateTo is the address to go to at the end: that of the first condition that holds, or
// navigateToUrl; empty for none. It is an https, http or relative address.
func (s *Session) NavigateTo() string {
	t := s.d.logic.navigateTo
	for _, c := range s.d.logic.navigateIf {
		if s.eval(c.when, s.root) == true {
			t = c.text
			break
		}
	}
	to := s.pipe(s.say(t), nil)
	if !safeLink(to, false) {
		return ""
	}
	return to
}

// Answer gives the answer to the question of a path, as a form or a program
// gives it: it is converted to what the question asks for. It returns what is
// wrong with it; then the answer is as it was. Whether it is required and what
// validators say is checked by Next and Complete.
func (s *Session) Answer(path string, v any) Faults {
	s.work, s.evals = 0, 0
	n := s.find(path)
	if n == nil || !n.q.asks() || s.state == Completed {
		return Faults{{Question: path, Code: notAsked}}
	}
	if n.isReadOnly() {
		return nil // what a page does not let be changed stays
	}
	v, faults := n.q.normal(v, s.d.limits)
	if len(faults) > 0 {
		prefix := path[:len(path)-len(n.q.Name)]
		return within(prefix, faults)
	}
	if !isEmpty(v) && !s.accepts(n, v) {
		return Faults{{Question: path, Code: notOffered}}
	}
	if n.sc.owner == nil {
		s.set(n.q.Key(), v)
		n.direct = true
		return nil
	}
	s.assign(n, v, true)
	return nil
}

// Remark gives the text beside an answer: a remark, or what "other" is.
func (s *Session) Remark(path, text string) Faults {
	s.work, s.evals = 0, 0
	n := s.find(path)
	if n == nil || !n.q.remarks() || s.state == Completed || n.isReadOnly() {
		return Faults{{Question: path, Code: notAsked}}
	}
	clean, f := remarkText(n.q, text, s.d.limits)
	if f != nil {
		f.Question = path
		return Faults{*f}
	}
	if n.sc.owner == nil {
		s.setComment(n.q.Key(), clean)
		return nil
	}
	n.sc.put(n, n.q.Key()+commentSuffix, clean)
	return nil
}
