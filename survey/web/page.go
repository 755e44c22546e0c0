package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vefacrm/vefa/survey"
)

// notice is a page without questions. What all pages show of the brand is no struct
// of its own within it: a template looks up embedded fields slowly.
type notice struct {
	Brand       *brandView // nil where the brand shows nothing
	Privacy     string
	Lang        string
	HeadTitle   string // of the document
	Title, Body string
	NotMeAction string
	T           *texts
}

// formPage is a page with questions.
type formPage struct {
	Brand        *brandView // as in notice
	Privacy      string
	Lang         string
	HeadTitle    string
	Title        string
	NotMeAction  string
	T            *texts
	Place, About string
	Button       string
	Faulty       bool
	Hidden       template.HTML
	Questions    []field
}

// field is one question as the template shows it.
type field struct {
	Heading string // of its panel or page, where that begins
	Label   string
	ID      string
	Attrs   template.HTMLAttr // of the fieldset, textarea or input
	Notes   template.HTML     // what the ends of a scale mean, the description, the error
	Radios  template.HTML     // the choices; empty for a text
	Long    bool              // a textarea
	Value   string
	Title   string
	Focus   string // where a link to the question leads: the first choice, or the field
	Error   string
}

// notice shows a page without questions.
func (h *Handler) notice(w http.ResponseWriter, r *http.Request, n notice, status int) {
	n.HeadTitle, n.Brand, n.Privacy = n.Title, h.brand, h.cfg.Brand.privacy(n.Lang)
	h.render(w, r, "notice", &n, status)
}

// form shows a page of questions.
func (h *Handler) form(w http.ResponseWriter, r *http.Request, v visit, s step, key string, status int) {
	h.render(w, r, "form", h.formPage(v, s, key), status)
}

// render writes a page only when it is complete.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, name string, data any, status int) {
	var buf bytes.Buffer
	buf.Grow(4096)
	if err := h.tmpl.ExecuteTemplate(&buf, name, data); err != nil {
		h.cfg.Logger.ErrorContext(r.Context(), "survey page", "op", "render", "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(buf.Bytes()) // nothing can be done for a client that left
	}
}

// formPage prepares a page of questions: its texts in the visitor's language, what was
// answered, and what was wrong with it.
func (h *Handler) formPage(v visit, s step, key string) *formPage {
	d := v.inv.Definition
	t, _ := textsFor(v.lang)
	pipe := piper(v, &s.response)
	say := func(text survey.Text) string { return survey.Pipe(text.In(v.lang), pipe) }
	p := &formPage{
		Brand: h.brand, Privacy: h.cfg.Brand.privacy(v.lang), Lang: v.lang, T: t, NotMeAction: h.notMeAction(v), Place: v.inv.Place, Faulty: len(s.faults) > 0,
		Title:  firstOf(say(d.Head().Title), v.inv.Place, t.Send),
		Button: firstOf(say(d.Head().CompleteText), t.Send),
		Hidden: s.hidden(key),
	}
	p.HeadTitle = p.Title
	if p.Faulty {
		p.HeadTitle = t.ErrorPrefix + p.Title // a screen reader reads it first
	}
	if len(s.was) == 0 {
		p.About = say(d.Head().Description)
	}
	pages := d.Head().Pages
	heading := ""
	p.Questions = make([]field, len(s.ask))
	for i := range s.ask {
		q := &s.ask[i]
		f := s.field(q, i, t, v.lang, say)
		group := say(q.PanelTitle)
		if group == "" && q.Page < len(pages) {
			group = say(pages[q.Page].Title)
		}
		if group != heading {
			f.Heading, heading = group, group
		}
		p.Questions[i] = f
	}
	return p
}

// hidden writes what travels with the form: the key of the render, the
// questions of this page, and the questions and answers of earlier ones.
func (s *step) hidden(key string) template.HTML {
	var m markup
	m.hidden(keyField, key)
	for _, name := range s.was {
		m.hidden(wasPrefix+name, "1")
		if val, ok := s.raw[name]; ok {
			m.hidden(fieldPrefix+name, val)
		}
	}
	for _, q := range s.ask {
		m.hidden(onPrefix+q.Name, "1")
	}
	return m.html()
}

// field prepares one question. A fault stands beside it and is named by aria-describedby, so
// that a screen reader reads it with the field.
func (s *step) field(q *survey.Question, i int, t *texts, lang string, say func(survey.Text) string) field {
	id := "q" + strconv.Itoa(i)
	f := field{
		ID: id, Focus: id, Long: q.Type == "comment", Value: s.raw[q.Name],
		Title: firstOf(strings.TrimSpace(say(q.Title)), q.Name),
	}
	mark := t.Optional
	if q.Required {
		mark = t.Required
	}
	f.Label = f.Title + " (" + mark + ")"
	if fault, ok := s.faults[q.Name]; ok {
		f.Error = t.fault(q, fault, lang)
	}
	var notes markup
	var describedBy []string
	for _, n := range [...]struct{ class, suffix, text string }{
		{"", "s", ends(q, say)}, {"", "d", say(q.Description)}, {"e", "e", f.Error},
	} {
		if n.text != "" {
			notes.paragraph(n.class, id+n.suffix, n.text)
			describedBy = append(describedBy, id+n.suffix)
		}
	}
	f.Notes = notes.html()
	described := strings.Join(describedBy, " ")
	if len(q.Choices) > 0 {
		f.Focus = id + "-0"
		f.Attrs = groupAttrs(&f, q, described)
		f.Radios = radios(&f, q, t, say)
	} else {
		f.Attrs = textAttrs(&f, q, described, say(q.Placeholder))
	}
	return f
}

// groupAttrs are the attributes of a group of choices.
func groupAttrs(f *field, q *survey.Question, describedBy string) template.HTMLAttr {
	var m markup
	m.attr("id", f.ID)
	m.attr("role", "radiogroup")
	m.flag("aria-required", q.Required)
	m.flag("aria-invalid", f.Error != "")
	m.optional("aria-describedby", describedBy)
	return m.attrs()
}

// textAttrs are the attributes of a field that is typed into. Checks of the browser are a help
// to honest people; the server checks again.
func textAttrs(f *field, q *survey.Question, describedBy, placeholder string) template.HTMLAttr {
	var m markup
	m.attr("class", "t")
	m.attr("id", f.ID)
	m.attr("name", fieldPrefix+q.Name)
	if f.Long {
		rows := q.Rows
		if rows <= 0 {
			rows = 4
		}
		m.number("rows", rows)
	} else {
		m.attr("type", q.InputType)
		m.attr("value", f.Value)
		m.optional("min", q.Min)
		m.optional("max", q.Max)
		step := q.Step
		if q.InputType == "number" {
			step = firstOf(step, "any")
		}
		m.optional("step", step)
		m.optional("autocomplete", q.Autocomplete)
	}
	m.number("maxlength", q.MaxLength)
	m.optional("placeholder", placeholder)
	m.flag("required", q.Required)
	m.flag("aria-invalid", f.Error != "")
	m.optional("aria-describedby", describedBy)
	return m.attrs()
}

// radios writes the choices of a question.
func radios(f *field, q *survey.Question, t *texts, say func(survey.Text) string) template.HTML {
	var m markup
	m.b.Grow(len(q.Choices) * 96)
	for n, c := range q.Choices {
		key, text := c.Key(), say(c.Text)
		if q.Type == "boolean" && text == "" {
			text = [...]string{t.Yes, t.No}[n]
		}
		m.open("label")
		m.close()
		m.open("input")
		m.attr("type", "radio")
		if n == 0 {
			m.attr("id", f.Focus)
		}
		m.attr("name", fieldPrefix+q.Name)
		m.attr("value", key)
		m.flag("checked", f.Value == key)
		m.flag("required", q.Required)
		m.close()
		m.text(text)
		m.end("label")
	}
	return m.html()
}

// ends spells out the ends of a scale: "0 = Never, 10 = Certainly".
func ends(q *survey.Question, say func(survey.Text) string) string {
	if len(q.Choices) < 2 {
		return ""
	}
	low, high := say(q.MinLabel), say(q.MaxLabel)
	if low != "" {
		low = say(q.Choices[0].Text) + " = " + low
	}
	if high != "" {
		high = say(q.Choices[len(q.Choices)-1].Text) + " = " + high
	}
	if low != "" && high != "" {
		return low + ", " + high
	}
	return low + high
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

// What a text shows of an answer or variable, and what all texts of a page show
// of them, in bytes: texts may repeat an answer that is as long as a form.
const (
	maxPiped    = 600
	maxPipedAll = 64 << 10
)

// piper looks up the {names} in texts of one page: answers as they were chosen,
// then the invitation's variables. It shows the beginning of what is too long.
func piper(v visit, r *survey.Response) func(string) (string, bool) {
	left := maxPipedAll
	shown := func(s string) (string, bool) {
		s = shorten(s, min(maxPiped, left))
		left -= len(s)
		return s, true
	}
	return func(name string) (string, bool) {
		if r != nil {
			if answer, ok := r.Answers[name]; ok {
				if left <= 0 {
					return "…", true
				}
				return shown(spoken(v, name, answer))
			}
		}
		if name == "place" && v.inv.Place != "" {
			return shown(v.inv.Place)
		}
		if val, ok := v.inv.Variables[name]; ok {
			return shown(fmt.Sprint(val))
		}
		return "", false
	}
}

// shorten returns s, or its first n bytes at most without half a character and
// an ellipsis.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n = max(n, 0); n > 0 && !utf8.RuneStart(s[n]); n-- {
	}
	return s[:n] + "…"
}

// spoken writes an answer into a text of a later question, as {name} asks for it.
func spoken(v visit, name string, answer any) string {
	if q, ok := v.inv.Definition.Question(name); ok {
		for _, c := range q.Choices {
			if c.Value == answer && !c.Text.IsZero() {
				return c.Text.In(v.lang)
			}
		}
	}
	return fmt.Sprint(answer)
}
