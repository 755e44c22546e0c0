package webtest

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"net/url"
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

// pageForm is a form of a page.
type pageForm struct {
	Action string // as written; empty: the page's own address
	fields []field
}

// field is a control of a form, as far as filling it in needs it.
type field struct {
	kind      string // hidden, radio, textarea, or the type of an input
	name      string
	value     string
	checked   bool
	required  bool
	maxLength int
}

// questionPrefix marks in survey/web's forms what is a question.
const questionPrefix = "q."

// formsOf reads the forms of a page.
func formsOf(page []byte) []pageForm {
	var forms []pageForm
	var open *pageForm
	for {
		tag, attrs, rest, ok := nextTag(page)
		if !ok {
			return forms
		}
		page = rest
		switch tag {
		case "form":
			forms = append(forms, pageForm{Action: attr(attrs, "action")})
			open = &forms[len(forms)-1]
		case "/form":
			open = nil
		case "input", "textarea":
			if open == nil {
				continue
			}
			f := field{kind: tag, name: attr(attrs, "name"), required: hasAttr(attrs, "required")}
			f.maxLength, _ = strconv.Atoi(attr(attrs, "maxlength"))
			if tag == "textarea" {
				end := bytes.Index(page, []byte("</textarea>"))
				if end < 0 {
					return forms
				}
				f.value = html.UnescapeString(string(page[:end]))
				page = page[end:]
			} else {
				f.kind, f.value, f.checked = attr(attrs, "type"), attr(attrs, "value"), hasAttr(attrs, "checked")
			}
			open.fields = append(open.fields, f)
		}
	}
}

// asks lists the names of the questions that the form asks, in order.
func (f pageForm) asks() []string {
	var names []string
	for _, fd := range f.fields {
		name, ok := strings.CutPrefix(fd.name, questionPrefix)
		if !ok || fd.kind == "hidden" || len(names) > 0 && names[len(names)-1] == name {
			continue
		}
		names = append(names, name)
	}
	return names
}

// Fill answers the questions of a page: answers go by question name, and those
// to questions that are not on the page are left for another page. The values
// are what a browser would send, hidden fields included. Errors: ErrNoForm,
// ErrNotOffered, ErrRequired, ErrTooLong.
func Fill(page []byte, answers map[string]any) (url.Values, error) {
	for _, f := range formsOf(page) {
		if len(f.asks()) > 0 {
			return f.fill(answers)
		}
	}
	return nil, ErrNoForm
}

// fill answers the questions of the form, as the function Fill does.
func (f pageForm) fill(answers map[string]any) (url.Values, error) {
	out := url.Values{}
	missing := map[string]bool{}
	offered := map[string]bool{} // radio groups with an answer in mind: whether it was found
	for _, fd := range f.fields {
		name, isQuestion := strings.CutPrefix(fd.name, questionPrefix)
		if fd.kind == "hidden" || !isQuestion {
			out.Add(fd.name, fd.value)
			continue
		}
		answer, answered := answers[name]
		text := fmt.Sprint(answer)
		switch {
		case fd.kind == "radio" && answered:
			offered[name] = offered[name] || fd.value == text
			if fd.value == text {
				out.Set(fd.name, text)
			}
		case fd.kind == "radio":
			if fd.checked {
				out.Set(fd.name, fd.value)
			}
			if fd.required && !out.Has(fd.name) {
				missing[name] = true
			} else {
				delete(missing, name)
			}
		default:
			if !answered {
				text = fd.value
			}
			if fd.maxLength > 0 && utf16Len(text) > fd.maxLength {
				return nil, fmt.Errorf("%w: %q", ErrTooLong, name)
			}
			if fd.required && text == "" {
				missing[name] = true
			}
			out.Set(fd.name, strings.ReplaceAll(text, "\n", "\r\n"))
		}
	}
	for _, name := range f.asks() {
		if found, is := offered[name]; is && !found {
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
