package web

import (
	"slices"
	"strconv"

	"github.com/vefacrm/vefa/survey"
)

// frame opens the frame of a question that is answered by others inside it.
func (w *writer) frame(q *asked) {
	w.wrong(q, q.id)
	w.rich = true
	w.open("fieldset")
	w.attr("class", "g")
	w.attr("id", q.id)
	if q.error != "" {
		w.attr("tabindex", "-1")
	}
	w.optional("aria-describedby", q.described)
	w.close()
	w.open("legend")
	if q.HideTitle {
		w.attr("class", "v")
	}
	w.close()
	w.text(q.label)
	w.end("legend")
	w.b.WriteString(string(q.notes))
}

// repeated writes a dynamic panel: its panels, each with a button that removes it, and one that
// adds another.
func (w *writer) repeated(q *asked) {
	s := w.step.session
	w.frame(q)
	if len(q.Panels) == 0 {
		w.note(firstOf(s.Text(q.Repeat.NoEntriesText), w.t.NoEntries))
	}
	for i, p := range q.Panels {
		title := firstOf(p.Title, strconv.Itoa(i+1))
		w.fillIn(q, i, len(q.Panels))
		w.begin(title, p.Description, true, "")
		w.elements(p.Elements)
		if q.CanRemove {
			w.act("remove:"+q.Path+"["+strconv.Itoa(i)+"]", firstOf(s.Text(q.Repeat.RemoveText), w.t.Remove)+": "+title)
		}
		w.end("fieldset")
	}
	if q.CanAdd {
		w.act("add:"+q.Path, firstOf(s.Text(q.Repeat.AddText), w.t.Add))
	}
	w.remark(q)
	w.end("fieldset")
}

// act writes a button of a panel or table.
func (w *writer) act(do, text string) {
	w.acts = true
	w.markup.act(do, text)
}

// fillIn gives the first field of a panel or row that was just added the focus.
func (w *writer) fillIn(q *asked, i, of int) {
	if w.step.focus == q.Path && i == of-1 {
		w.fill = q.Path
	}
}

// note writes a paragraph.
func (w *writer) note(s string) {
	w.b.WriteString("<p>")
	w.text(s)
	w.end("p")
}

// table writes the rows of a table one below the other, each with its fields, so that it can be
// read on a narrow screen; and those of a multiple text.
func (w *writer) table(q *asked) {
	s := w.step.session
	w.frame(q)
	dynamic := q.Type == "matrixdynamic"
	if dynamic && len(q.Rows) == 0 {
		w.note(firstOf(s.Text(q.Matrix.NoRowsText), w.t.NoEntries))
	}
	for i := range q.Rows {
		row := &q.Rows[i]
		title := row.Title
		if dynamic {
			title = strconv.Itoa(i + 1)
			w.fillIn(q, i, len(q.Rows))
		}
		if q.Matrix != nil {
			w.begin(firstOf(title, row.Path), "", false, "")
		}
		for j := range row.Cells {
			w.question(&row.Cells[j], false)
		}
		if dynamic && q.CanRemove {
			w.act("remove:"+q.Path+"["+strconv.Itoa(i)+"]", firstOf(s.Text(q.Matrix.RemoveText), w.t.Remove)+": "+title)
		}
		if q.Matrix != nil {
			w.end("fieldset")
		}
	}
	if dynamic && q.CanAdd {
		w.act("add:"+q.Path, firstOf(s.Text(q.Matrix.AddText), w.t.Add))
	}
	for i, total := range q.Totals {
		if total != "" {
			w.note(firstOf(s.Text(q.Matrix.TotalText), w.t.Total) + ", " + s.Text(q.Matrix.Cells[i].Title) + ": " + total)
		}
	}
	w.remark(q)
	w.end("fieldset")
}

// matrix writes a group of choices for each row.
func (w *writer) matrix(q *asked) {
	w.frame(q)
	for i, row := range rowsOf(q.View) {
		name := fieldPrefix + q.Path + "." + row.Key()
		id := q.id + "-" + strconv.Itoa(i)
		w.open("fieldset")
		w.attr("id", id)
		if !q.Multiple {
			w.attr("role", "radiogroup")
			w.flag("aria-required", q.Matrix.EachRequired)
			w.flag("aria-invalid", w.rowWrong(q, row))
		}
		w.close()
		w.b.WriteString("<legend>")
		w.text(w.step.session.Text(row.Text))
		w.end("legend")
		w.b.WriteString(`<div class="` + w.shape(q, q.Matrix.Columns) + `">`)
		for j, c := range q.Matrix.Columns {
			if j < len(q.ColumnsSeen) && !q.ColumnsSeen[j] {
				continue
			}
			w.open("label")
			w.close()
			w.open("input")
			if q.Multiple {
				w.attr("type", "checkbox")
			} else {
				w.attr("type", "radio")
			}
			w.attr("name", name)
			w.attr("value", c.Key())
			w.flag("checked", slices.Contains(q.fields[name], c.Key()))
			w.flag("required", q.Matrix.EachRequired && !q.Multiple && !q.ReadOnly)
			w.flag("disabled", q.ReadOnly)
			w.flag("autofocus", q.focus && i == 0 && j == 0)
			w.close()
			w.text(firstOf(w.step.session.Text(q.Matrix.Cell(row, c)), w.step.session.Text(c.Text)))
			w.end("label")
		}
		w.b.WriteString("</div>")
		w.end("fieldset")
	}
	w.remark(q)
	w.end("fieldset")
}

// rowWrong tells whether a row of a matrix is missing or wrong.
func (w *writer) rowWrong(q *asked, row survey.Choice) bool {
	if len(w.step.faults[q.Path+"."+row.Key()]) > 0 {
		return true
	}
	for _, f := range w.step.faults[q.Path] {
		if f.Code == "row-required" && len(q.fields[fieldPrefix+q.Path+"."+row.Key()]) == 0 {
			return true
		}
	}
	return false
}

// ranking writes a list of places for each choice: dragging needs a script.
func (w *writer) ranking(q *asked) {
	w.frame(q)
	if q.error == "" {
		w.note(w.t.RankHint)
	}
	for i, c := range q.Choices {
		name := rankPrefix + q.Path + "." + c.Key()
		id := q.id + "-" + strconv.Itoa(i)
		w.b.WriteString(`<p>`)
		w.open("label")
		w.attr("class", "l")
		w.attr("for", id)
		w.close()
		w.text(w.choiceText(q, c, i))
		w.end("label")
		w.open("select")
		w.attr("class", "t")
		w.attr("id", id)
		w.attr("name", name)
		w.flag("disabled", q.ReadOnly)
		w.flag("autofocus", q.focus && i == 0)
		w.flag("aria-invalid", q.error != "")
		w.optional("aria-describedby", q.described)
		w.close()
		w.option("", "–", false)
		for n := range q.Choices {
			at := strconv.Itoa(n + 1)
			w.option(at, at, first(q.fields[name]) == at)
		}
		w.end("select")
		w.b.WriteString(`</p>`)
	}
	w.remark(q)
	w.end("fieldset")
}

// ends writes the two ends of a range.
func (w *writer) ends(q *asked) {
	w.frame(q)
	name := fieldPrefix + q.Path
	for i, label := range []string{w.t.From, w.t.To} {
		id := q.id + "-" + strconv.Itoa(i)
		w.b.WriteString(`<p>`)
		w.open("label")
		w.attr("class", "l")
		w.attr("for", id)
		w.close()
		w.text(label)
		w.end("label")
		w.open("input")
		w.attr("class", "t")
		w.attr("id", id)
		w.attr("name", name)
		w.attr("type", "number")
		value := ""
		if i < len(q.fields[name]) {
			value = q.fields[name][i]
		}
		w.attr("value", value)
		w.optional("min", q.Low)
		w.optional("max", q.High)
		w.attr("step", firstOf(q.Step, "any"))
		w.flag("required", q.Required && !q.ReadOnly)
		w.flag("readonly", q.ReadOnly)
		w.flag("aria-invalid", q.error != "")
		w.optional("aria-describedby", q.described)
		w.close()
		w.b.WriteString(`</p>`)
	}
	w.remark(q)
	w.end("fieldset")
}
