package web

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vefacrm/vefa/survey"
)

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
	w.b.WriteString(`<div class="` + w.shape(q, q.Choices) + `">`)
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

// shape is the class of a list of choices: the points of a scale stand in rows of equal cells, three
// choices and more, or long ones, in a column, others beside one another.
func (w *writer) shape(q *asked, choices []survey.Choice) string {
	longest := 0
	for i, c := range choices {
		longest = max(longest, utf8.RuneCountInString(w.choiceText(q, c, i)))
	}
	switch {
	case longest <= 4 && (q.Type == "rating" || q.Type == "matrix"):
		return "s n"
	case longest > 24, len(choices) > 2 && slices.Contains([]string{"radiogroup", "checkbox", "tagbox", "matrix"}, q.Type):
		return "s c"
	}
	return "s"
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
