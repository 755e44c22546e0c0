package web

import (
	"bytes"
	"encoding/json"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/survey"
)

// notice is a page without questions. What all pages show of the brand is no struct
// of its own within it: a template looks up embedded fields slowly.
type notice struct {
	Brand       *brandView // nil where the brand shows nothing
	Privacy     string
	Lang, Dir   string
	HeadTitle   string // of the document
	Title, Body string
	HTML        template.HTML // in place of Body: safe markup
	Onward      string        // an address to go on with
	FollowUp    template.HTML // the form that asks for more
	Preview     *banner       // nil where it is none
	NotMeAction string
	UndoAction  string // of the button that takes "not me" back; "": there is none
	T           *texts
}

// formPage is a page with questions.
type formPage struct {
	Brand        *brandView // as in notice
	Privacy      string
	Lang, Dir    string
	HeadTitle    string
	Title        string
	NotMeAction  string
	Preview      *banner
	T            *texts
	Place, About string
	Files        bool // the survey takes files
	Summary      template.HTML
	Hidden       template.HTML
	Body         template.HTML
	Buttons      template.HTML
	rich         bool
}

// notice shows a page without questions.
func (h *Handler) notice(w http.ResponseWriter, r *http.Request, n notice, status int) {
	n.HeadTitle, n.Brand, n.Privacy, n.Dir = n.Title, h.brand, h.cfg.Brand.privacy(n.Lang), direction(n.Lang)
	h.render(w, r, "notice", &n, status, n.HTML != "")
}

// form shows a page of questions.
func (h *Handler) form(w http.ResponseWriter, r *http.Request, v visit, s step, key string, status int) {
	p := h.formPage(v, &s, key, "")
	h.render(w, r, "form", p, status, p.rich)
}

// render writes a page only when it is complete.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, name string, data any, status int, rich bool) {
	l := &h.plain
	if rich {
		l = &h.rich
	}
	l.write(w, r, name, data, status, h.cfg.Logger)
}

// write writes a page only when it is complete.
func (l *look) write(w http.ResponseWriter, r *http.Request, name string, data any, status int, logger *slog.Logger) {
	var buf bytes.Buffer
	buf.Grow(4096)
	if err := l.tmpl.ExecuteTemplate(&buf, name, data); err != nil {
		if logger != nil {
			logger.ErrorContext(r.Context(), "survey page", "op", "render", "err", err)
		}
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", l.policy)
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(buf.Bytes()) // nothing can be done for a client that left
	}
}

// formPage prepares a page of questions: its texts in the visitor's language, what was
// answered, and what was wrong with it. alert stands above it.
func (h *Handler) formPage(v visit, s *step, key, alert string) *formPage {
	d := v.inv.Definition
	head := d.Head()
	t, _ := textsFor(v.lang)
	p := &formPage{
		Brand: h.brand, Privacy: h.cfg.Brand.privacy(v.lang), Lang: v.lang, Dir: direction(v.lang), T: t,
		NotMeAction: h.notMeAction(v), Preview: h.banner(v), Place: v.inv.Place, Files: takesFiles(d),
		Title:  firstOf(s.session.Title(), v.inv.Place, s.view.Title, t.Survey),
		Hidden: s.hidden(key) + h.hiddenBegun(&v),
	}
	wr := &writer{t: t, lang: v.lang, step: s}
	if p.Title == p.Place {
		p.Place = ""
	}
	if s.view.Title != "" && s.view.Title != p.Title {
		wr.open("h2")
		wr.close()
		wr.text(s.view.Title)
		wr.end("h2")
	}
	if s.view.Description != "" {
		wr.paragraph("", "pd", s.view.Description)
	}
	step := ""
	if s.view.Of > 1 && s.view.Number > 0 && s.carry {
		step = t.progress(s.view.Number, s.view.Of)
		wr.paragraph("", "pn", step)
	}
	if left, ok := v.clock.left(s, &head, v.at); ok {
		wr.paragraph("", "tl", t.timeLeft(left))
	}
	wr.elements(s.view.Elements)
	p.Body = wr.html()
	if wr.acts { // Enter in a field presses the first button of a form
		p.Hidden += `<button type="submit" class="v" tabindex="-1" aria-hidden="true"></button>`
	}
	p.rich = wr.rich
	p.HeadTitle = p.Title
	if step != "" {
		p.HeadTitle += " · " + step
	}
	if len(s.faults) > 0 && len(wr.errors) == 0 && alert == "" { // of a question that does not show
		alert = t.faults["wrong-type"]
	}
	if len(wr.errors) > 0 || alert != "" {
		p.HeadTitle = t.ErrorPrefix + p.HeadTitle // a screen reader reads it first
		p.Summary = summary(t, wr.errors, alert)
	}
	if !s.carry {
		p.About = s.session.Text(head.Description)
	}
	p.Buttons = s.buttons(&head, t)
	return p
}

// summary lists what is wrong above the questions and takes the focus.
func summary(t *texts, errors []fault, alert string) template.HTML {
	var m markup
	m.open("div")
	m.attr("role", "alert")
	m.attr("tabindex", "-1")
	m.flag("autofocus", true)
	m.close()
	if alert != "" {
		m.paragraph("e", "al", alert)
	}
	if len(errors) > 0 {
		m.open("h2")
		m.attr("class", "e")
		m.close()
		m.text(t.ErrorTitle)
		m.end("h2")
		m.b.WriteString("<ul>")
		for _, e := range errors {
			m.b.WriteString("<li>")
			m.open("a")
			m.attr("href", "#"+e.focus)
			m.close()
			m.text(e.title)
			m.b.WriteString("</a></li>")
		}
		m.b.WriteString("</ul>")
	}
	m.end("div")
	return m.html()
}

// buttons lead on and back. That which leads on comes first: it is the one that Enter presses.
func (s *step) buttons(head *survey.Head, t *texts) template.HTML {
	var m markup
	on := firstOf(s.session.Text(head.CompleteText), t.Send)
	switch {
	case s.session.State() == survey.Starting:
		on = firstOf(s.session.Text(head.StartText), t.Start)
	case !s.session.IsLast() && s.view.Of > 1:
		on = firstOf(s.session.Text(head.NextText), t.Next)
	}
	m.b.WriteString(`<button type="submit">`)
	m.text(on)
	m.end("button")
	if s.ask != nil || s.session.State() == survey.Running && !s.session.IsFirst() && !head.NoBack {
		m.b.WriteByte(' ')
		m.act("back", firstOf(s.session.Text(head.BackText), t.Back))
	}
	return m.html()
}

// act writes a button that does something else than go on. What is missing holds nothing up.
func (m *markup) act(do, text string) {
	m.open("button")
	m.attr("type", "submit")
	m.attr("name", actField)
	m.attr("value", do)
	m.flag("formnovalidate", true)
	m.close()
	m.text(text)
	m.end("button")
}

// hidden writes what travels with the form: the key of the render, what was answered, and the
// questions of this page.
func (s *step) hidden(key string) template.HTML {
	var m markup
	m.hidden(keyField, key)
	if s.view.Of > 1 || s.session.State() == survey.Starting {
		m.hidden(pageField, strconv.Itoa(s.view.Index))
	}
	if s.carry {
		k, err := json.Marshal(kept{Answers: s.session.Answers(), Variables: s.session.TriggerVariables()})
		if err == nil {
			m.hidden(keptField, string(k))
		}
	}
	if s.draft != "" {
		m.hidden(draftField, s.draft)
	}
	for _, p := range s.was {
		m.hidden(wasPrefix+p, "1")
	}
	for _, name := range s.carried() {
		for _, x := range s.sent.Values[name] {
			m.hidden(name, x)
		}
	}
	for _, q := range views(s.view.Elements, nil) {
		if s.ask != nil && !s.shows(q) {
			continue
		}
		on := "1"
		if q.ReadOnly {
			on = "0"
		}
		if q.Repeat != nil || q.Type == "matrixdynamic" {
			m.hidden(countPrefix+q.Path, strconv.Itoa(len(q.Panels)+len(q.Rows)))
		}
		m.hidden(onPrefix+q.Path, on)
	}
	return m.html()
}

// takesFiles tells whether a survey asks for files, so that its forms are sent in parts.
func takesFiles(d *survey.Definition) bool {
	var any func(q survey.Question) bool
	any = func(q survey.Question) bool {
		if q.Upload != nil {
			return true
		}
		if q.Matrix != nil {
			for _, c := range q.Matrix.Cells {
				if any(c) {
					return true
				}
			}
		}
		if q.Repeat != nil {
			for _, c := range q.Repeat.Questions {
				if any(c) {
					return true
				}
			}
		}
		return false
	}
	for q := range d.Questions() {
		if any(q) {
			return true
		}
	}
	return false
}

// direction is the dir attribute of a language that is written from the right; others need none.
func direction(lang string) string {
	switch base, _, _ := strings.Cut(strings.ToLower(lang), "-"); base {
	case "ar", "fa", "he", "ur", "ps", "yi", "dv", "ckb":
		return "rtl"
	}
	return ""
}

// firstOf returns the first text that is not empty.
func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
