package web

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/survey"
)

// The names of form fields. A question's field is the prefix and its path, so
// that no question can take the name of a field of ours.
const (
	fieldPrefix  = "q."    // and a path: the answer; of a matrix, the path and a row
	rankPrefix   = "r."    // and a path and a choice: its place in a ranking
	remarkPrefix = "c."    // and a path: what is written beside the answer
	dropPrefix   = "_del." // and a path: the files that were sent before are to go
	keyField     = "_key"  // idempotency key of the render
	pageField    = "_page" // index of the page
	keptField    = "_kept" // what was answered so far, as JSON
	actField     = "_do"   // of the button that was pressed: back, add:path, remove:path[i]
	countPrefix  = "_n."   // and a path: how many panels or rows showed
	onPrefix     = "_on."  // and a path: asked on this page; "0": shown and not to be answered
	wasPrefix    = "_was." // and a path: asked before on the same page
)

// upload is a file that came with a form.
type upload struct{ name, media, content string }

// form is what a browser sent.
type form struct {
	url.Values
	files map[string][]upload // by field
}

// page is the index of the page that was shown; -1 where the form does not say.
func (f *form) page() int {
	n, err := strconv.Atoi(f.Get(pageField))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// on tells that a question was asked on the page of this form, or before on the same page.
func (f *form) on(path string) bool  { return f.Get(onPrefix+path) == "1" }
func (f *form) was(path string) bool { return f.Has(wasPrefix + path) }

// followed tells that the form asked what showed because of answers on the same page.
func (f *form) followed() bool {
	for name := range f.Values {
		if strings.HasPrefix(name, wasPrefix) {
			return true
		}
	}
	return false
}

// kept is what travels with a form: the answers so far, and what triggers set.
type kept struct {
	Answers   map[string]any `json:"a"`
	Variables map[string]any `json:"v,omitempty"`
}

// kept reads what was answered before; ok is false for a form that brings nothing.
func (f *form) kept() (k kept, ok bool) {
	if !f.Has(keptField) {
		return kept{}, false
	}
	err := json.Unmarshal([]byte(f.Get(keptField)), &k)
	return k, err == nil
}

// views are the questions of a page in order, those inside others after them.
func views(elements []survey.ElementView, out []*survey.View) []*survey.View {
	for _, e := range elements {
		if e.Panel != nil {
			out = views(e.Panel.Elements, out)
			continue
		}
		out = inside(e.Question, out)
	}
	return out
}

// inside is a question and those inside it.
func inside(v *survey.View, out []*survey.View) []*survey.View {
	out = append(out, v)
	for _, p := range v.Panels {
		out = views(p.Elements, out)
	}
	for i := range v.Rows {
		for j := range v.Rows[i].Cells {
			out = inside(&v.Rows[i].Cells[j], out)
		}
	}
	return out
}

// container tells a question that is answered by those inside it.
func container(v *survey.View) bool {
	return v.Repeat != nil || len(v.Items) > 0 || v.Matrix != nil && v.Type != "matrix"
}

// shows tells a question that nothing is entered into.
func shows(v *survey.View) bool {
	return container(v) || v.Type == "html" || v.Type == "image" || v.Type == "expression"
}

// written is how an answer stands in the fields of its question, so that it can be told whether
// somebody changed it.
func written(v *survey.View) url.Values {
	out := url.Values{}
	name := fieldPrefix + v.Path
	switch {
	case shows(v) || v.Upload != nil:
	case v.Type == "matrix":
		rows, _ := v.Value.(map[string]any)
		for row, x := range rows {
			out[name+"."+row] = keys(x)
		}
	case v.Type == "ranking":
		for i, k := range keys(v.Value) {
			out.Set(rankPrefix+v.Path+"."+k, strconv.Itoa(i+1))
		}
	case v.Value != nil:
		out[name] = keys(v.Value)
	}
	return out
}

// keys are values as they travel in a form.
func keys(v any) []string {
	switch t := v.(type) {
	case nil:
		return nil
	case []any:
		out := make([]string, len(t))
		for i, it := range t {
			if m, ok := it.(map[string]any); ok { // valuePropertyName
				for _, x := range m {
					it = x
				}
			}
			out[i] = survey.Choice{Value: it}.Key()
		}
		return out
	}
	return []string{survey.Choice{Value: v}.Key()}
}

// fields are the fields of a question that a form brought.
func (f *form) fields(v *survey.View) url.Values {
	out := url.Values{}
	take := func(name string) {
		var all []string
		for _, s := range f.Values[name] {
			if s = strings.ReplaceAll(s, "\r\n", "\n"); s != "" {
				all = append(all, s)
			}
		}
		if len(all) > 0 {
			out[name] = all
		}
	}
	switch {
	case shows(v) || v.Upload != nil:
	case v.Type == "matrix":
		for _, row := range rowsOf(v) {
			take(fieldPrefix + v.Path + "." + row.Key())
		}
	case v.Type == "ranking":
		for _, c := range v.Choices {
			take(rankPrefix + v.Path + "." + c.Key())
		}
	default:
		take(fieldPrefix + v.Path)
	}
	return out
}

// rowsOf are the rows of a matrix that show.
func rowsOf(v *survey.View) []survey.Choice {
	var out []survey.Choice
	for i, r := range v.Matrix.Rows {
		if i >= len(v.Visible) || v.Visible[i] {
			out = append(out, r)
		}
	}
	return out
}

// has tells whether a form brought anything for a question.
func (f *form) has(v *survey.View) bool { return len(f.fields(v)) > 0 || f.Has(fieldPrefix+v.Path) }

// answer is what the fields of a question say, as Session.Answer takes it.
func answer(v *survey.View, fields url.Values) (any, bool) {
	name := fieldPrefix + v.Path
	switch {
	case v.Type == "matrix":
		out := map[string]any{}
		for _, row := range rowsOf(v) {
			if all := fields[name+"."+row.Key()]; len(all) > 0 {
				if v.Multiple {
					out[row.Key()] = list(all)
				} else {
					out[row.Key()] = all[0]
				}
			}
		}
		if len(out) == 0 {
			return nil, true
		}
		return out, true
	case v.Type == "ranking":
		return ranked(v, fields)
	case v.Multiple || len(fields[name]) > 1:
		if len(fields[name]) == 0 {
			return nil, true
		}
		return list(fields[name]), true
	case len(fields[name]) == 0:
		return nil, true
	}
	return fields[name][0], true
}

// ranked puts the choices into the order of their places. It is false where two have the same.
func ranked(v *survey.View, fields url.Values) (any, bool) {
	type place struct {
		key string
		at  int
	}
	var places []place
	for _, c := range v.Choices {
		if s := fields.Get(rankPrefix + v.Path + "." + c.Key()); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil || slices.ContainsFunc(places, func(p place) bool { return p.at == n }) {
				return nil, false
			}
			places = append(places, place{c.Key(), n})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	var out []any
	for _, p := range places {
		out = append(out, p.key)
	}
	if out == nil {
		return nil, true
	}
	return out, true
}

// list is texts as a list of answers.
func list(all []string) []any {
	out := make([]any, len(all))
	for i, s := range all {
		out[i] = s
	}
	return out
}

// uploaded is the answer of a question that takes files: what came now in place of what came
// before, or nothing where the respondent takes it back. changed is false for neither.
func (f *form) uploaded(v *survey.View) (answer any, changed bool) {
	var out []any
	for _, u := range f.files[fieldPrefix+v.Path] {
		if v.Upload.Signature {
			return u.content, true
		}
		out = append(out, map[string]any{"name": u.name, "type": u.media, "content": u.content})
	}
	switch {
	case out != nil:
		return out, true
	case f.Has(dropPrefix + v.Path):
		return nil, true
	}
	return nil, false
}

// equal compares fields.
func equal(a, b url.Values) bool {
	if len(a) != len(b) {
		return false
	}
	for k, x := range a {
		if !slices.Equal(x, b[k]) {
			return false
		}
	}
	return true
}
