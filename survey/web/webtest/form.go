package webtest

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The errors of Fill, for errors.Is.
var (
	ErrNoForm     = errors.New("webtest: the page asks nothing")
	ErrNotOffered = errors.New("webtest: the page does not offer this answer")
	ErrRequired   = errors.New("webtest: a browser would not send the form without an answer")
	ErrTooLong    = errors.New("webtest: a browser would not let so much be typed")
)

// Form is a form of a page.
type Form struct {
	Action    string // as written; empty: the page's own address
	Multipart bool   // sent in parts, with files
	Fields    []Field
}

// Field is a control of a form, as far as filling it in needs it.
type Field struct {
	Kind           string // textarea, select, button, or the type of an input such as hidden or radio
	Name           string
	Value          string // of a select, the chosen one
	Options        []string
	Checked        bool
	Required       bool
	Disabled       bool // or read-only
	Multiple       bool
	MaxLength      int
	Min, Max, Step string
}

// questionPrefix marks in survey/web's forms what is a question, rankPrefix a place in a ranking.
const (
	questionPrefix = "q."
	rankPrefix     = "r."
)

// Forms reads the forms of a page.
func Forms(page []byte) []Form {
	var forms []Form
	var open *Form
	for {
		tag, attrs, rest, ok := nextTag(page)
		if !ok {
			return forms
		}
		page = rest
		switch tag {
		case "form":
			forms = append(forms, Form{Action: attr(attrs, "action"), Multipart: attr(attrs, "enctype") == "multipart/form-data"})
			open = &forms[len(forms)-1]
		case "/form":
			open = nil
		case "option":
			if open == nil || len(open.Fields) == 0 || open.Fields[len(open.Fields)-1].Kind != "select" || hasAttr(attrs, "disabled") {
				continue
			}
			f := &open.Fields[len(open.Fields)-1]
			value := attr(attrs, "value")
			f.Options = append(f.Options, value)
			if hasAttr(attrs, "selected") {
				f.Value = value
			}
		case "input", "textarea", "select", "button":
			if open == nil {
				continue
			}
			f := Field{
				Kind: tag, Name: attr(attrs, "name"), Value: attr(attrs, "value"), Required: hasAttr(attrs, "required"),
				Disabled: hasAttr(attrs, "disabled") || hasAttr(attrs, "readonly"), Multiple: hasAttr(attrs, "multiple"),
				Min: attr(attrs, "min"), Max: attr(attrs, "max"), Step: attr(attrs, "step"),
			}
			f.MaxLength, _ = strconv.Atoi(attr(attrs, "maxlength"))
			switch tag {
			case "textarea":
				end := bytes.Index(page, []byte("</textarea>"))
				if end < 0 {
					return forms
				}
				f.Value = html.UnescapeString(string(page[:end]))
				page = page[end:]
			case "input":
				f.Kind, f.Checked = attr(attrs, "type"), hasAttr(attrs, "checked")
			}
			open.Fields = append(open.Fields, f)
		}
	}
}

// path is the question that a field belongs to, if it asks for something.
func (f Field) path() (string, bool) {
	if f.Kind == "hidden" || f.Kind == "button" {
		return "", false
	}
	if name, ok := strings.CutPrefix(f.Name, rankPrefix); ok {
		at := strings.LastIndexByte(name, '.')
		return name[:max(at, 0)], at > 0
	}
	return strings.CutPrefix(f.Name, questionPrefix)
}

// asks lists the paths of the questions that the form asks, in order.
func (f Form) asks() []string {
	var names []string
	for _, fd := range f.Fields {
		name, ok := fd.path()
		if !ok || len(names) > 0 && names[len(names)-1] == name {
			continue
		}
		names = append(names, name)
	}
	return names
}

// Fill answers the questions of a page: answers go by question name, and those
// to questions that are not on the page are left for another page. Inside another question they go by
// path, such as aspects.staff for the row staff of a matrix and people[0].age for what the first panel asks, or as
// survey.Response has them: {"aspects": {"staff": "good"}}, {"people": [{"age": 40}]}. A list of answers is for check
// boxes, and for a ranking the choices in their order. The values
// are what a browser would send, hidden fields included; files have no value. Errors: ErrNoForm,
// ErrNotOffered, ErrRequired, ErrTooLong.
func Fill(page []byte, answers map[string]any) (url.Values, error) {
	answers = byPath(answers)
	for _, f := range Forms(page) {
		if len(f.asks()) > 0 {
			return f.fill(answers)
		}
	}
	return nil, ErrNoForm
}

// byPath gives each answer by its path: those that are inside another one, too.
func byPath(answers map[string]any) map[string]any {
	out := make(map[string]any, len(answers))
	var add func(path string, answer any)
	add = func(path string, answer any) {
		switch a := answer.(type) {
		case map[string]any:
			for name, inner := range a {
				add(path+"."+name, inner)
			}
		case []map[string]any:
			for i, inner := range a {
				add(path+"["+strconv.Itoa(i)+"]", inner)
			}
		case []any:
			if !slices.ContainsFunc(a, func(x any) bool { _, is := x.(map[string]any); return is }) {
				out[path] = a
				return
			}
			for i, inner := range a {
				add(path+"["+strconv.Itoa(i)+"]", inner)
			}
		case []string:
			list := make([]any, len(a))
			for i, s := range a {
				list[i] = s
			}
			out[path] = list
		default:
			out[path] = a
		}
	}
	for name, answer := range answers {
		add(name, answer)
	}
	return out
}

// texts is an answer as a form has it.
func texts(answer any) []string {
	if list, ok := answer.([]any); ok {
		out := make([]string, len(list))
		for i, it := range list {
			out[i] = fmt.Sprint(it)
		}
		return out
	}
	return []string{fmt.Sprint(answer)}
}

// fill answers the questions of the form, as the function Fill does, with answers by path.
func (f Form) fill(answers map[string]any) (url.Values, error) {
	out := url.Values{}
	missing := map[string]bool{}
	found := map[string][]string{} // of questions with choices and an answer in mind: those that are offered
	for _, fd := range f.Fields {
		name, isQuestion := fd.path()
		if !isQuestion || fd.Disabled {
			if !fd.Disabled && fd.Name != "" && fd.Kind != "button" && (fd.Kind != "checkbox" || fd.Checked) {
				out.Add(fd.Name, fd.Value)
			}
			continue
		}
		answer, answered := answers[name]
		want := texts(answer)
		switch {
		case fd.Kind == "file":
		case fd.Kind == "radio" || fd.Kind == "checkbox":
			chosen := fd.Checked
			if answered {
				if found[name] == nil {
					found[name] = []string{}
				}
				if chosen = slices.Contains(want, fd.Value); chosen {
					found[name] = append(found[name], fd.Value)
				}
			}
			if chosen {
				out.Add(fd.Name, fd.Value)
			}
			if fd.Required && fd.Kind == "radio" && !out.Has(fd.Name) {
				missing[name] = true
			} else {
				delete(missing, name)
			}
		case fd.Kind == "select":
			value := fd.Value
			if answered && strings.HasPrefix(fd.Name, rankPrefix) {
				value = ""
				if at := slices.Index(want, fd.Name[len(rankPrefix)+len(name)+1:]); at >= 0 {
					value = strconv.Itoa(at + 1)
				}
			} else if answered {
				value = want[0]
				found[name] = []string{}
				if slices.Contains(fd.Options, value) {
					found[name] = want
				}
			}
			missing[name] = missing[name] || fd.Required && value == ""
			out.Add(fd.Name, value)
		default:
			text := fd.Value
			if answered {
				text = want[min(len(out[fd.Name]), len(want)-1)]
			}
			if fd.MaxLength > 0 && utf16Len(text) > fd.MaxLength {
				return nil, fmt.Errorf("%w: %q", ErrTooLong, name)
			}
			if fd.Required && text == "" {
				missing[name] = true
			}
			out.Add(fd.Name, strings.ReplaceAll(text, "\n", "\r\n"))
		}
	}
	for _, name := range f.asks() {
		if found[name] != nil && len(found[name]) != len(texts(answers[name])) {
			return nil, fmt.Errorf("%w: %q", ErrNotOffered, name)
		}
		if missing[name] {
			return nil, fmt.Errorf("%w: %q", ErrRequired, name)
		}
	}
	return out, nil
}

// utf16Len counts as maxlength does.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// nextTag finds the next tag and returns its name, its attributes as written
// and what follows it.
func nextTag(page []byte) (name, attrs string, rest []byte, ok bool) {
	open := bytes.IndexByte(page, '<')
	if open < 0 {
		return "", "", nil, false
	}
	page = page[open+1:]
	var quote byte
	for i, c := range page {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"':
			quote = c
		case c == '>':
			name, attrs, _ = strings.Cut(string(page[:i]), " ")
			return name, attrs, page[i+1:], true
		}
	}
	return "", "", nil, false
}

// attribute goes through name="value" pairs and names without a value.
func attribute(attrs, name string) (value string, ok bool) {
	for attrs = strings.TrimLeft(attrs, " \n"); attrs != ""; attrs = strings.TrimLeft(attrs, " \n") {
		end := strings.IndexAny(attrs, " \n=")
		if end < 0 || attrs[end] != '=' || !strings.HasPrefix(attrs[end:], `="`) {
			word := attrs
			if end >= 0 {
				word = attrs[:end]
			}
			if word == name {
				return "", true
			}
			attrs = attrs[min(len(attrs), max(len(word), 1)):]
			continue
		}
		key := attrs[:end]
		attrs = attrs[end+2:]
		last := strings.IndexByte(attrs, '"')
		if last < 0 {
			return "", false
		}
		if key == name {
			return html.UnescapeString(attrs[:last]), true
		}
		attrs = attrs[last+1:]
	}
	return "", false
}

// attr returns an attribute's value; hasAttr says whether it is there, also without one.
func attr(attrs, name string) string {
	v, _ := attribute(attrs, name)
	return v
}

func hasAttr(attrs, name string) bool {
	_, ok := attribute(attrs, name)
	return ok
}
