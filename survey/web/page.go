package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/survey"
)

// notice is a page without questions.
type notice struct {
	Lang        string
	HeadTitle   string // of the document; Title when empty
	Title, Body string
	NotMeAction string
	T           *texts
}

// formPage is a page with questions.
type formPage struct {
	notice
	Place, About, Button string
	Faulty               bool
	Hidden               []hiddenField
	Questions            []field
}

type hiddenField struct{ Name, Value string }

// field is one question as the template shows it.
type field struct {
	ID, Name                  string
	Focus                     string // where a link to the question leads: the first choice, or the field
	DescribedBy               string
	Heading, Title, Mark      string
	About, Error              string
	Ends                      string // what the ends of a scale mean
	Required                  bool
	Radios                    template.HTML // the choices, see radios
	Long                      bool
	Rows, MaxLength           int
	Input, Value              string
	Min, Max, Step            string
	Placeholder, Autocomplete string
}

// describedBy lists the texts that a screen reader reads with the field.
func (f *field) describedBy() string {
	var b strings.Builder
	for _, d := range [...]struct{ text, suffix string }{{f.Ends, "s"}, {f.About, "d"}, {f.Error, "e"}} {
		if d.text == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(f.ID)
		b.WriteString(d.suffix)
	}
	return b.String()
}

func (h *Handler) notice(w http.ResponseWriter, r *http.Request, n notice, status int) {
	n.HeadTitle = n.Title
	h.render(w, r, "notice", n, status)
}

func (h *Handler) form(w http.ResponseWriter, r *http.Request, v visit, s step, key string, status int) {
	h.render(w, r, "form", h.formPage(v, s, key), status)
}

// render writes a page only when it is complete.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, name string, data any, status int) {
	var buf bytes.Buffer
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

func (h *Handler) formPage(v visit, s step, key string) formPage {
	d := v.inv.Definition
	t, _ := textsFor(v.lang)
	pipe := piper(v, &s.response)
	say := func(text survey.Text) string { return survey.Pipe(text.In(v.lang), pipe) }
	p := formPage{
		notice: notice{Lang: v.lang, T: t, Title: say(d.Title()), NotMeAction: h.notMeAction(v)},
		Place:  v.inv.Place, Button: t.Send, Faulty: len(s.faults) > 0,
	}
	if p.Title == "" {
		p.Title = p.Place
	}
	if p.Title == "" {
		p.Title = t.Send
	}
	p.HeadTitle = p.Title
	if p.Faulty {
		p.HeadTitle = t.ErrorPrefix + p.Title // a screen reader reads it first
	}
	if len(s.was) == 0 {
		p.About = say(d.Description())
	}
	if c := say(d.CompleteText()); c != "" {
		p.Button = c
	}
	p.Hidden = append(p.Hidden, hiddenField{keyField, key})
	for _, name := range s.was {
		p.Hidden = append(p.Hidden, hiddenField{wasField, name})
		if val, ok := s.raw[name]; ok {
			p.Hidden = append(p.Hidden, hiddenField{fieldPrefix + name, val})
		}
	}
	pages := d.Pages()
	heading := ""
	for i, q := range s.ask {
		p.Hidden = append(p.Hidden, hiddenField{onField, q.Name})
		f := s.field(q, i, t, v.lang, say)
		group := say(q.PanelTitle)
		if group == "" && q.Page < len(pages) {
			group = say(pages[q.Page].Title)
		}
		if group != heading {
			f.Heading, heading = group, group
		}
		p.Questions = append(p.Questions, f)
	}
	return p
}

func (s *step) field(q survey.Question, i int, t *texts, lang string, say func(survey.Text) string) field {
	f := field{
		ID: "q" + strconv.Itoa(i), Focus: "q" + strconv.Itoa(i), Name: fieldPrefix + q.Name,
		Title: strings.TrimSpace(say(q.Title)), About: say(q.Description), Required: q.Required, Mark: t.Optional,
		Value: s.raw[q.Name], Placeholder: say(q.Placeholder), Autocomplete: q.Autocomplete,
		Long: q.Type == survey.Comment, Rows: q.Rows, MaxLength: q.MaxLength,
		Input: q.InputType, Min: q.Min, Max: q.Max, Step: q.Step,
	}
	if f.Required {
		f.Mark = t.Required
	}
	if f.Title == "" {
		f.Title = q.Name
	}
	if f.Rows <= 0 {
		f.Rows = 4
	}
	if f.Input == "number" && f.Step == "" {
		f.Step = "any"
	}
	if fault, ok := s.faults[q.Name]; ok {
		f.Error = t.fault(&q, fault, lang)
	}
	if len(q.Choices) > 0 {
		f.Focus = f.ID + "-0"
		f.Radios = radios(&f, &q, t, say)
	}
	f.Ends = ends(&q, say)
	f.DescribedBy = f.describedBy()
	return f
}

// radios writes the choices of a question. The template's reflection would
// cost more than the rest of the page here; every value is escaped, for text
// and for quoted attributes alike.
func radios(f *field, q *survey.Question, t *texts, say func(survey.Text) string) template.HTML {
	var b strings.Builder
	b.Grow(len(q.Choices) * 96)
	name := template.HTMLEscapeString(f.Name)
	for n, c := range q.Choices {
		key, text := c.Key(), say(c.Text)
		if q.Type == survey.Boolean && text == "" {
			text = [...]string{t.Yes, t.No}[n]
		}
		b.WriteString(`<label><input type="radio"`)
		if n == 0 {
			b.WriteString(` id="` + f.Focus + `"`)
		}
		b.WriteString(` name="` + name + `" value="` + template.HTMLEscapeString(key) + `"`)
		if f.Value == key {
			b.WriteString(" checked")
		}
		if f.Required {
			b.WriteString(" required")
		}
		b.WriteString(">" + template.HTMLEscapeString(text) + "</label>")
	}
	return template.HTML(b.String())
}

// ends spells out the ends of a scale: "0 = Never, 10 = Certainly".
func ends(q *survey.Question, say func(survey.Text) string) string {
	if len(q.Choices) < 2 {
		return ""
	}
	var parts []string
	for _, e := range []struct {
		choice survey.Choice
		label  survey.Text
	}{{q.Choices[0], q.MinLabel}, {q.Choices[len(q.Choices)-1], q.MaxLabel}} {
		if label := say(e.label); label != "" {
			parts = append(parts, say(e.choice.Text)+" = "+label)
		}
	}
	return strings.Join(parts, ", ")
}

// piper looks up the {names} in texts: answers as they were chosen, then the
// invitation's variables.
func piper(v visit, r *survey.Response) func(string) (string, bool) {
	variables := v.variables()
	return func(name string) (string, bool) {
		if r != nil {
			if answer, ok := r.Answers[name]; ok {
				return spoken(v, name, answer), true
			}
		}
		if val, ok := variables[name]; ok {
			return fmt.Sprint(val), true
		}
		return "", false
	}
}

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
