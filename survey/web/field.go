package web

import (
	"slices"
	"strings"

	"github.com/vefacrm/vefa/survey"
)

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
	case kind == "color" && (value == "" && !q.Required || q.ReadOnly): // so has its field for colours, which is never read-only
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

// first is the first of some values, or "".
func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}
