package web

import (
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/survey"
)

// writer writes the questions of a page.
type writer struct {
	markup
	t      *texts
	lang   string
	step   *step
	n      int             // questions so far: their ids
	errors []fault         // in the order of the page
	rich   bool            // needs richStyle
	fill   string          // path in which the first field takes the focus
	acts   bool            // has buttons that do something else than go on
	rules  map[string]rule // of a kiosk: what shows only with some answers
	extra  int             // bytes that answers in texts have brought
}

// fault is one line of the summary of what is wrong.
type fault struct{ title, focus string }

// shows tells whether a question, or one inside it, is to be asked.
func (s *step) shows(q *survey.View) bool {
	if s.ask == nil {
		return true
	}
	for _, in := range inside(q, nil) {
		if s.ask[in.Path] {
			return true
		}
	}
	return false
}

// elements writes questions and panels.
func (w *writer) elements(list []survey.ElementView) {
	for _, e := range list {
		w.element(e)
	}
}

// element writes a question or panel, around it what shows it only with some answers.
func (w *writer) element(e survey.ElementView) {
	ru, conditional := w.rules[ruleKey(e)]
	if conditional {
		ru.open(&w.markup)
	}
	switch {
	case e.Panel == nil:
		if w.step.shows(e.Question) {
			w.question(e.Question, true)
		}
	case w.step.ask == nil || slices.ContainsFunc(views(e.Panel.Elements, nil), w.step.shows):
		w.panel(e.Panel)
	}
	if conditional {
		w.end("div")
	}
}

// panel writes the questions of a panel, with a frame where it has a title.
func (w *writer) panel(p *survey.PanelView) {
	if p.Title == "" && p.Description == "" {
		w.elements(p.Elements)
		return
	}
	w.begin(firstOf(p.Title, p.Description), p.Description, p.Title != "", "")
	w.elements(p.Elements)
	w.end("fieldset")
}

// begin opens a frame with a title.
func (w *writer) begin(title, description string, both bool, id string) {
	w.rich = true
	w.open("fieldset")
	w.attr("class", "g")
	w.optional("id", id)
	w.close()
	w.b.WriteString("<legend>")
	w.text(title)
	w.end("legend")
	if both && description != "" {
		w.n++
		w.paragraph("", "q"+strconv.Itoa(w.n)+"p", description)
	}
}

// asked is a question as it is written: its id, its texts, what was entered, what is wrong.
type asked struct {
	*survey.View
	id        string
	title     string // without the mark
	label     string
	described string // ids of what describes it
	notes     template.HTML
	error     string
	fields    map[string][]string // what stands in its fields
	focus     bool
}

// question writes one question. Those of a form have a mark when they need not be answered; cells
// of a table only when they must.
func (w *writer) question(v *survey.View, top bool) {
	q := w.asked(v, top)
	switch {
	case v.Type == "html":
		w.rich = true
		w.b.WriteString(`<div class="q h">` + v.HTML + `</div>`)
	case v.Type == "image":
		w.image(&q)
	case v.Type == "expression":
		w.b.WriteString(`<div class="q">`)
		w.b.WriteString(`<p class="l">`)
		w.text(q.title)
		w.b.WriteString(`</p>`)
		w.b.WriteString(string(q.notes))
		w.b.WriteString(`<p>`)
		w.text(v.Display)
		w.b.WriteString(`</p></div>`)
	case v.Repeat != nil:
		w.repeated(&q)
	case container(v):
		w.table(&q)
	case v.Type == "matrix":
		w.matrix(&q)
	case v.Type == "ranking":
		w.ranking(&q)
	case v.Type == "slider" && v.Multiple:
		w.ends(&q)
	case v.Type == "dropdown" || v.Type == "text" || v.Type == "comment" || v.Upload != nil || v.Type == "slider":
		w.line(&q)
	default:
		w.group(&q)
	}
}

// asked prepares a question. A fault stands beside it and is named by aria-describedby, so
// that a screen reader reads it with the field.
func (w *writer) asked(v *survey.View, top bool) asked {
	q := asked{View: v, id: "q" + strconv.Itoa(w.n)}
	w.n++
	q.title = firstOf(strings.TrimSpace(w.piped(v.Label, v.Title)), v.Name)
	q.label = q.title
	switch {
	case shows(v) && !v.Required || v.ReadOnly, !v.Required && v.Matrix != nil && v.Matrix.EachRequired:
	case v.Required:
		q.label += " (" + w.t.Required + ")"
	case top:
		q.label += " (" + w.t.Optional + ")"
	}
	q.fields = written(v)
	if raw, ok := w.step.raw[v.Path]; ok {
		q.fields = raw
	}
	q.error = w.fault(v)
	q.focus = w.fill != "" && !shows(v)
	if q.focus {
		w.fill = ""
	}
	var notes markup
	var ids []string
	for _, n := range [...]struct{ class, suffix, text string }{
		{"", "s", w.scale(v)}, {"", "d", w.piped(v.Help, v.Description)}, {"e", "e", q.error},
	} {
		if n.text != "" {
			notes.paragraph(n.class, q.id+n.suffix, n.text)
			ids = append(ids, q.id+n.suffix)
		}
	}
	q.notes, q.described = notes.html(), strings.Join(ids, " ")
	return q
}

// fault is what is wrong with a question, in words.
func (w *writer) fault(v *survey.View) string {
	for path, fs := range w.step.faults {
		if len(fs) == 0 || path != v.Path && !(v.Type == "matrix" && strings.HasPrefix(path, v.Path+".")) {
			continue
		}
		return w.t.fault(&v.Question, fs[0], w.lang)
	}
	return ""
}

// wrong notes for the summary where a question with a fault is.
func (w *writer) wrong(q *asked, focus string) {
	if q.error != "" {
		w.errors = append(w.errors, fault{q.title, focus})
	}
}
