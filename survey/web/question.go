package web

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vefacrm/vefa/survey"
)

// writer writes the questions of a page.
type writer struct {
	markup
	t      *texts
	lang   string
	step   *step
	n      int     // questions so far: their ids
	errors []fault // in the order of the page
	rich   bool    // needs richStyle
	fill   string  // path in which the first field takes the focus
	acts   bool    // has buttons that do something else than go on
	extra  int     // bytes that answers in texts have brought
}

// fault is one line of the summary of what is wrong.
type fault struct{ title, focus string }

// What a text shows of answers, and what all texts of a page show of them, in bytes: texts may
// repeat an answer that is as long as a form.
const (
	maxPiped    = 600
	maxPipedAll = 64 << 10
)

// piped shortens a text that answers in it have made long.
func (w *writer) piped(s string, from survey.Text) string {
	if more := len(s) - len(from.In(w.lang)); more > 0 {
		left := max(min(maxPiped, maxPipedAll-w.extra), 0)
		s = shorten(s, len(s)-more+left)
		w.extra += min(more, left)
	}
	return s
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
		switch {
		case e.Panel != nil:
			if all := views(e.Panel.Elements, nil); w.step.ask != nil && !slices.ContainsFunc(all, w.step.shows) {
				continue
			}
			w.panel(e.Panel)
		case w.step.shows(e.Question):
			w.question(e.Question, true)
		}
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

// legend begins a group of fields.
func (w *writer) legend(q *asked, role string) {
	w.open("fieldset")
	w.attr("id", q.id)
	w.optional("role", role)
	if role != "" {
		w.flag("aria-required", q.Required)
		w.flag("aria-invalid", q.error != "")
	}
	w.optional("aria-describedby", q.described)
	w.close()
	w.open("legend")
	if q.HideTitle {
		w.attr("class", "v")
		w.rich = true
	}
	w.close()
	w.text(q.label)
	w.end("legend")
	w.b.WriteString(string(q.notes))
}

// group writes a question as radio buttons or check boxes.
func (w *writer) group(q *asked) {
	first := q.id + "-0"
	w.wrong(q, first)
	role := "radiogroup"
	if q.Multiple {
		role = ""
	}
	w.legend(q, role)
	tall := slices.ContainsFunc(q.Choices, func(c survey.Choice) bool { return utf8.RuneCountInString(c.Text.In(w.lang)) > 24 })
	class := "s"
	if tall {
		class, w.rich = "s c", true
	}
	w.b.WriteString(`<div class="` + class + `">`)
	name := fieldPrefix + q.Path
	for i, c := range q.Choices {
		if c.Special == survey.SelectAllItem && q.ReadOnly {
			continue
		}
		w.choice(q, name, c, i, first)
	}
	w.b.WriteString("</div>")
	w.remark(q)
	w.end("fieldset")
}

// choice writes a radio button or check box with its text, and its picture.
func (w *writer) choice(q *asked, name string, c survey.Choice, i int, first string) {
	key := c.Key()
	w.open("label")
	w.close()
	w.open("input")
	kind := "radio"
	if q.Multiple {
		kind = "checkbox"
	}
	w.attr("type", kind)
	if i == 0 {
		w.attr("id", first)
	}
	w.attr("name", name)
	w.attr("value", key)
	w.flag("checked", slices.Contains(q.fields[name], key))
	w.flag("required", q.Required && !q.Multiple && !q.ReadOnly)
	w.flag("disabled", q.ReadOnly || c.Disabled)
	w.flag("autofocus", q.focus && i == 0)
	if q.Multiple {
		w.flag("aria-invalid", q.error != "")
		if q.error != "" {
			w.attr("aria-describedby", q.id+"e")
		}
	}
	w.close()
	text := w.choiceText(q, c, i)
	if q.Type == "imagepicker" {
		if src := c.Image.In(w.lang); strings.HasPrefix(src, "data:image/") {
			w.rich = true
			w.open("img")
			w.attr("src", src)
			w.attr("alt", "")
			w.close()
		}
	}
	w.text(text)
	w.end("label")
}

// smileys are the faces of a rating, from worst to best.
var smileys = []string{"😡", "🙁", "😐", "🙂", "😍"}

// choiceText is what a choice reads: the author's words, or the page's own.
func (w *writer) choiceText(q *asked, c survey.Choice, i int) string {
	text := w.step.session.Text(c.Text)
	switch {
	case q.Type == "boolean" && text == "":
		return [...]string{w.t.Yes, w.t.No}[i%2]
	case q.Type == "rating" && q.RateType == "stars":
		return text + " ★"
	case q.Type == "rating" && q.RateType == "smileys" && len(q.Choices) > 1:
		return smileys[i*(len(smileys)-1)/(len(q.Choices)-1)] + " " + text
	case text != "":
		return text
	}
	return firstOf(w.t.special[c.Special], c.Key())
}

// scale spells out the ends of a scale: "0 = Never, 10 = Certainly"; of a slider, its bounds.
func (w *writer) scale(v *survey.View) string {
	if v.Type == "slider" || v.Type == "text" && v.InputType == "range" {
		return firstOf(v.Low, "0") + " – " + firstOf(v.High, "100")
	}
	if v.Type != "rating" || len(v.Choices) < 2 {
		return ""
	}
	low, high := w.step.session.Text(v.MinLabel), w.step.session.Text(v.MaxLabel)
	if low != "" {
		low = v.Choices[0].Text.In(w.lang) + " = " + low
	}
	if high != "" {
		high = v.Choices[len(v.Choices)-1].Text.In(w.lang) + " = " + high
	}
	if low != "" && high != "" {
		return low + ", " + high
	}
	return low + high
}

// remark writes the field beside an answer: a remark, or what "other" is.
func (w *writer) remark(q *asked) {
	if !q.Comment && !slices.ContainsFunc(q.Choices, func(c survey.Choice) bool { return c.Comment }) {
		return
	}
	w.rich = true
	id := q.id + "c"
	label := firstOf(w.step.session.Text(q.CommentText), w.t.Remark)
	if !q.Comment {
		for i, c := range q.Choices {
			if c.Comment {
				label = w.choiceText(q, c, i)
			}
		}
	}
	w.b.WriteString(`<p>`)
	w.open("label")
	w.attr("class", "l")
	w.attr("for", id)
	w.close()
	w.text(label)
	w.end("label")
	w.open("textarea")
	w.attr("class", "t")
	w.attr("id", id)
	w.attr("name", remarkPrefix+q.Path)
	w.attr("rows", "2")
	w.optional("placeholder", w.step.session.Text(q.CommentPlaceholder))
	w.flag("readonly", q.ReadOnly)
	w.close()
	text := q.Remark
	if s, ok := w.step.remarks[q.Path]; ok {
		text = s
	}
	w.content(text)
	w.end("textarea")
	w.b.WriteString(`</p>`)
}

// content writes what stands in a textarea, whose first line break a browser takes away.
func (m *markup) content(s string) {
	if strings.HasPrefix(s, "\n") {
		m.b.WriteByte('\n')
	}
	m.text(s)
}

// line writes a question with one field below its label.
func (w *writer) line(q *asked) {
	w.wrong(q, q.id)
	w.b.WriteString(`<div class="q">`)
	w.open("label")
	if q.HideTitle {
		w.rich = true
		w.attr("class", "l v")
	} else {
		w.attr("class", "l")
	}
	w.attr("for", q.id)
	w.close()
	w.text(q.label)
	w.end("label")
	w.b.WriteString(string(q.notes))
	switch {
	case q.Upload != nil:
		w.file(q)
	case q.Type == "dropdown":
		w.dropdown(q)
	case q.Type == "comment":
		w.open("textarea")
		w.field(q, fieldPrefix+q.Path)
		rows := q.Question.Rows
		if rows <= 0 {
			rows = 4
		}
		w.number("rows", rows)
		w.typed(q)
		w.close()
		w.content(first(q.fields[fieldPrefix+q.Path]))
		w.end("textarea")
	default:
		w.input(q)
	}
	w.remark(q)
	w.b.WriteString(`</div>`)
}

// field writes the attributes that every field has.
func (w *writer) field(q *asked, name string) {
	w.attr("class", "t")
	w.attr("id", q.id)
	w.attr("name", name)
}

// typed writes the attributes of a field that is typed into. Checks of the browser are a help
// to honest people; the server checks again.
func (w *writer) typed(q *asked) {
	w.number("maxlength", q.MaxLength)
	w.optional("placeholder", w.step.session.Text(q.Placeholder))
	w.state(q)
}

// state writes whether a field must be filled in, is wrong, or cannot be changed.
func (w *writer) state(q *asked) {
	w.flag("required", q.Required && !q.ReadOnly && q.InputType != "color") // that always has an answer
	w.flag("readonly", q.ReadOnly && q.Type != "dropdown" && q.Upload == nil)
	w.flag("disabled", q.ReadOnly && (q.Type == "dropdown" || q.Upload != nil))
	w.flag("autofocus", q.focus)
	w.flag("aria-invalid", q.error != "")
	w.optional("aria-describedby", q.described)
}

// input writes a single line.
func (w *writer) input(q *asked) {
	value := first(q.fields[fieldPrefix+q.Path])
	kind := q.InputType
	w.open("input")
	w.field(q, fieldPrefix+q.Path)
	switch {
	case q.Type == "slider" || kind == "range": // a browser's slider always has an answer
		kind = "number"
	case kind == "datetime":
		kind = "datetime-local"
	case kind == "color" && value == "" && !q.Required: // so has its field for colours
		kind = "text"
		w.attr("pattern", "#[0-9a-fA-F]{6}")
		w.attr("placeholder", "#RRGGBB")
	}
	w.attr("type", kind)
	w.attr("value", value)
	w.optional("min", q.Low)
	w.optional("max", q.High)
	step := q.Step
	if kind == "number" {
		step = firstOf(step, "any")
	}
	w.optional("step", step)
	w.optional("autocomplete", q.Autocomplete)
	if q.Mask != nil && q.Mask.Type != "pattern" {
		w.attr("inputmode", "decimal")
	}
	if len(q.Suggestions) > 0 {
		w.attr("list", q.id+"l")
	}
	if kind == "text" && q.InputType == "color" {
		w.state(q)
	} else {
		w.typed(q)
	}
	w.close()
	if len(q.Suggestions) > 0 {
		w.b.WriteString(`<datalist id="` + q.id + `l">`)
		for _, s := range q.Suggestions {
			w.option(w.step.session.Text(s), "", false)
		}
		w.end("datalist")
	}
}

// option writes one line of a list; without a text it is its value.
func (w *writer) option(value, text string, chosen bool) {
	w.open("option")
	w.attr("value", value)
	w.flag("selected", chosen)
	w.close()
	w.text(text)
	w.end("option")
}

// dropdown writes a list to choose from.
func (w *writer) dropdown(q *asked) {
	name := fieldPrefix + q.Path
	w.open("select")
	w.field(q, name)
	w.state(q)
	w.close()
	w.option("", firstOf(w.step.session.Text(q.Placeholder), w.t.Choose), false)
	for i, c := range q.Choices {
		w.open("option")
		w.attr("value", c.Key())
		w.flag("selected", slices.Contains(q.fields[name], c.Key()))
		w.flag("disabled", c.Disabled)
		w.close()
		w.text(w.choiceText(q, c, i))
		w.end("option")
	}
	w.end("select")
}

// file writes a field for files, and what was sent before.
func (w *writer) file(q *asked) {
	var names []string
	switch t := q.Value.(type) {
	case string:
		names = []string{w.t.Signature}
	case []any:
		for _, it := range t {
			if m, ok := it.(map[string]any); ok {
				name, _ := m["name"].(string)
				names = append(names, name)
			}
		}
	}
	if len(names) > 0 {
		w.rich = true
		w.b.WriteString(`<p>`)
		w.text(w.t.Sent + " " + strings.Join(names, ", "))
		w.b.WriteString(`</p>`)
		if !q.ReadOnly {
			w.b.WriteString(`<div class="s">`)
			w.open("label")
			w.close()
			w.open("input")
			w.attr("type", "checkbox")
			w.attr("name", dropPrefix+q.Path)
			w.attr("value", "1")
			w.close()
			w.text(w.t.Drop)
			w.end("label")
			w.b.WriteString(`</div>`)
		}
	}
	w.open("input")
	w.field(q, fieldPrefix+q.Path)
	w.attr("type", "file")
	accept := q.Upload.Accept
	if q.Upload.Signature {
		accept = "image/*"
	}
	w.optional("accept", accept)
	w.flag("multiple", q.Upload.Multiple)
	if q.Upload.Camera {
		w.attr("capture", "environment")
	}
	w.flag("required", q.Required && !q.ReadOnly && len(names) == 0)
	w.flag("disabled", q.ReadOnly)
	w.flag("autofocus", q.focus)
	w.flag("aria-invalid", q.error != "")
	w.optional("aria-describedby", q.described)
	w.close()
}

// first is the first of some values, or "".
func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// image writes a picture that is part of the page. What another server has is not loaded: its
// description stands for it.
func (w *writer) image(q *asked) {
	src, alt := w.step.session.Text(q.Image.Link), w.step.session.Text(q.Image.Alt)
	w.rich = true
	w.b.WriteString(`<div class="q">`)
	if strings.HasPrefix(src, "data:image/") {
		w.open("img")
		w.attr("src", src)
		w.attr("alt", alt)
		w.close()
	} else if alt != "" {
		w.b.WriteString(`<p>`)
		w.text(alt)
		w.b.WriteString(`</p>`)
	}
	w.b.WriteString(`</div>`)
}
