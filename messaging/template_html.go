package messaging

import (
	"errors"
	"fmt"
	html "html/template"
	"io"
	"slices"
	"strings"
)

// The marks of an action in the html/template that an HTML text becomes. A text cannot
// have them: they are control characters.
const (
	actionBegin = "\x01"
	actionEnd   = "\x02"
)

// parseHTML lets html/template find out where each value stands, and how it must be
// escaped there: text, an attribute, a URL. Comments, which it would leave out, stay as
// they are: mail programs read conditions in them.
func (t *Template) parseHTML() error {
	var b strings.Builder
	action := func(i int) { fmt.Fprintf(&b, "%sindex . %d%s", actionBegin, i, actionEnd) }
	for i, p := range t.parts {
		if p.field >= 0 {
			t.values = append(t.values, "")
			t.order = append(t.order, i)
			action(len(t.values) - 1)
			continue
		}
		for text := p.text; text != ""; {
			before, after, comment := strings.Cut(text, "<!--")
			b.WriteString(before)
			if !comment {
				break
			}
			inside, rest, closed := strings.Cut(after, "-->")
			if !closed {
				return errors.New("the HTML has a comment that does not end, or that has a field in it")
			}
			t.values = append(t.values, html.HTML("<!--"+inside+"-->"))
			t.order = append(t.order, -1)
			action(len(t.values) - 1)
			text = rest
		}
	}
	parsed, err := html.New("").Delims(actionBegin, actionEnd).Parse(b.String())
	if err != nil {
		return fmt.Errorf("the HTML cannot be read: %w", err)
	}
	if err := parsed.Execute(io.Discard, t.values); err != nil { // escapes, once
		return fmt.Errorf("the HTML has no safe place for a value: %w", err)
	}
	t.html = parsed
	return nil
}

// renderHTML puts values into HTML.
func (t *Template) renderHTML(value func(Field) (string, error)) (string, error) {
	values := slices.Clone(t.values)
	for k, i := range t.order {
		if i < 0 {
			continue
		}
		s, err := value(t.fields[t.parts[i].field])
		if err != nil {
			return "", err
		}
		values[k] = s
	}
	var b strings.Builder
	if err := t.html.Execute(&b, values); err != nil {
		return "", fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	return b.String(), nil
}

// shows reports whether the text shows a field, by its index.
func (t *Template) shows(field int) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.field == field })
}
