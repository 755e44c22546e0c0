package messaging

import (
	"cmp"
	"errors"
	"fmt"
	html "html/template"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// ErrTemplate is the kind of every error about a template or its values.
var ErrTemplate = errors.New("messaging: template")

// TemplateError is one fault of a template.
type TemplateError struct {
	Offset int // byte in the text
	Msg    string
}

// Error says what is wrong and where.
func (e *TemplateError) Error() string {
	return fmt.Sprintf("messaging: template: %s at byte %d", e.Msg, e.Offset)
}

// Unwrap returns ErrTemplate.
func (*TemplateError) Unwrap() error { return ErrTemplate }

// FieldType is the type of a template's field.
type FieldType string

// The types of fields, with the Go type of their values.
const (
	TextField   FieldType = "text"   // string; control characters become blanks
	NumberField FieldType = "number" // int64 or int
	MoneyField  FieldType = "money"  // crm.Money
	DateField   FieldType = "date"   // time.Time
	LinkField   FieldType = "link"   // string, an absolute URL; never cut
)

// Field declares a field of a template.
type Field struct {
	Name string    `json:"name"`
	Type FieldType `json:"type,omitempty"` // empty: TextField
	// Max is the largest number of characters that are put in, also what the
	// worst case counts; longer texts are cut, other types are refused. 0 means
	// 20 for text and links 40, numbers, money and dates as long as they get.
	Max int `json:"max,omitempty"`
	// Fallback stands in for a missing or empty value. Without it a missing
	// value is an error.
	Fallback string `json:"fallback,omitempty"`
}

func (f Field) max() int {
	if f.Max > 0 {
		return f.Max
	}
	switch f.Type {
	case LinkField:
		return 40
	case NumberField:
		return 20
	case MoneyField:
		return 31
	case DateField:
		return 10
	}
	return 20
}

// The largest numbers of bytes of a template, where its slot names none.
const (
	maxTemplate = 4096
	maxHTML     = 256 << 10
)

// Template is a text with typed fields, written {name}. {{ and }} stand for the
// braces themselves. Values are put in once and never read as a template. A
// Template is immutable and safe for concurrent use.
type Template struct {
	parts  []part
	fields []Field
	locale string
	// Of an HTML text: what puts values in, the values that do not change, which are
	// comments, and of each the index of its part, -1 where it does not change.
	html   *html.Template
	values []any
	order  []int
}

// part is a literal or, if field is not negative, a field.
type part struct {
	text  string
	field int
}

// checkFields reports every fault of declared fields.
func checkFields(fields []Field) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, &TemplateError{0, fmt.Sprintf(format, args...)})
	}
	names := map[string]bool{}
	for _, f := range fields {
		if names[f.Name] || !fieldName(f.Name) {
			fault("field %q is declared twice or has no usable name", f.Name)
		}
		switch f.Type {
		case "", TextField, NumberField, MoneyField, DateField, LinkField:
		default:
			fault("field %q has the unknown type %q", f.Name, f.Type)
		}
		if f.Max < 0 || f.Max > maxTemplate {
			fault("field %q has the maximum %d", f.Name, f.Max)
		}
		names[f.Name] = true
	}
	return errors.Join(faults...)
}

// parseTemplate reads the text of a slot whose fields are declared, and marks those that
// it shows. The locale ("tr" or anything else) says how numbers, money and dates are
// written. Every fault is reported: undeclared fields, stray braces, control characters
// other than the line feed, HTML in which a value has no safe place.
func parseTemplate(text, locale string, slot Slot, fields []Field, used []bool) (*Template, error) {
	t := &Template{fields: fields, locale: locale}
	var faults []error
	fault := func(at int, format string, args ...any) {
		faults = append(faults, &TemplateError{at, fmt.Sprintf(format, args...)})
	}
	most := cmp.Or(slot.Max, maxTemplate)
	if slot.Form == HTMLForm {
		most = cmp.Or(slot.Max, maxHTML)
	}
	if len(text) > most || !utf8.ValidString(text) {
		return nil, &TemplateError{0, fmt.Sprintf("the text is not UTF-8 of at most %d bytes", most)}
	}
	index := make(map[string]int, len(fields))
	for i, f := range fields {
		index[f.Name] = i
	}
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			t.parts = append(t.parts, part{lit.String(), -1})
			lit.Reset()
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '{' && strings.HasPrefix(text[i:], "{{"), c == '}' && strings.HasPrefix(text[i:], "}}"):
			lit.WriteByte(c)
			i += 2
			continue
		case c == '{':
			end := strings.IndexAny(text[i+1:], "{}\n")
			if end < 0 || text[i+1+end] != '}' {
				fault(i, "a field is not closed")
				break
			}
			name := text[i+1 : i+1+end]
			if f, ok := index[name]; ok {
				flush()
				t.parts = append(t.parts, part{"", f})
				used[f] = true
			} else {
				fault(i, "field %q is not declared: add {Name: %q, Fallback: …} to Fields", name, name)
			}
			i += end + 2
			continue
		case c == '}':
			fault(i, "a closing brace without an opening one")
		case forbidden(c, slot):
			n := 1 // one fault for all that follow one another
			for i+n < len(text) && forbidden(text[i+n], slot) {
				n++
			}
			switch {
			case n > 1:
				fault(i, "%d control characters or line feeds, the first of them %#02x", n, c)
			case c == '\n':
				fault(i, "a line feed, in a text of one line")
			default:
				fault(i, "control character %#02x", c)
			}
			i += n
			continue
		}
		lit.WriteByte(c)
		i++
	}
	flush()
	if len(faults) == 0 && slot.Form == HTMLForm {
		if err := t.parseHTML(); err != nil {
			fault(0, "%v", err)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return t, nil
}

// forbidden reports a control character that a text of the slot cannot have.
func forbidden(c byte, slot Slot) bool {
	switch {
	case c == '\n':
		return slot.Form == LineForm
	case c == '\t' || c == '\r':
		return slot.Form != HTMLForm
	}
	return c < ' ' || c == 0x7f
}

func fieldName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// Values are the values of a template's fields by name.
type Values map[string]any

// Render puts values in. It is an ErrTemplate if one is missing without a
// fallback, has the wrong type or is too long and may not be cut. Values that
// the template does not have are ignored.
func (t *Template) Render(values Values) (string, error) {
	return t.render(func(f Field) (string, error) { return t.value(f, values[f.Name]) })
}

func (t *Template) render(value func(Field) (string, error)) (string, error) {
	if t.html != nil {
		return t.renderHTML(value)
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.field < 0 {
			b.WriteString(p.text)
			continue
		}
		s, err := value(t.fields[p.field])
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (t *Template) value(f Field, v any) (string, error) {
	refuse := func(why string) (string, error) { return "", fmt.Errorf("%w: field %q %s", ErrTemplate, f.Name, why) }
	var s string
	switch v := v.(type) {
	case nil:
	case string:
		switch f.Type {
		case "", TextField:
			s = cleanText(v, f.max())
		case LinkField:
			if strings.IndexFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f }) >= 0 {
				return refuse("is no URL")
			}
			s = v
		default:
			return refuse("is a text")
		}
	case int64, int:
		if f.Type != NumberField {
			return refuse("is a number")
		}
		s = fmt.Sprint(v)
	case crm.Money:
		if f.Type != MoneyField {
			return refuse("is an amount of money")
		}
		s = t.money(v)
	case time.Time:
		if f.Type != DateField {
			return refuse("is a date")
		}
		if !v.IsZero() {
			s = v.Format(t.dateLayout())
		}
	default:
		return refuse(fmt.Sprintf("has a value of type %T", v))
	}
	if s == "" {
		if f.Fallback == "" {
			return refuse("has no value and no Fallback to stand in for it: give the field one, such as \"you\"")
		}
		return f.Fallback, nil
	}
	if utf8.RuneCountInString(s) > f.max() {
		return refuse(fmt.Sprintf("is longer than %d characters", f.max()))
	}
	return s, nil
}

func (t *Template) dateLayout() string {
	if t.locale == "tr" {
		return "02.01.2006"
	}
	return time.DateOnly
}

// money writes 1.234,50 TL in Turkish and 1,234.50 TRY elsewhere, with as many
// decimals as the currency has.
func (t *Template) money(m crm.Money) string {
	group, point, unit := ",", ".", m.Currency
	if t.locale == "tr" {
		group, point = ".", ","
		if unit == "TRY" {
			unit = "TL"
		}
	}
	number, _, _ := strings.Cut(m.String(), " ")
	number, negative := strings.CutPrefix(number, "-")
	whole, part, decimals := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + group + whole[i:]
	}
	if decimals {
		whole += point + part
	}
	if negative {
		whole = "-" + whole
	}
	return strings.TrimSpace(whole + " " + unit)
}

// cleanText makes one line of a value: control and direction characters become
// blanks, runs of blanks one, what cannot be seen goes, and at most n characters stay. A
// text of which nothing can be seen is empty.
func cleanText(s string, n int) string {
	var b strings.Builder
	count, blank, seen := 0, false, false
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			blank = b.Len() > 0
			continue
		}
		hidden := unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
		if hidden && r != '\u200c' && r != '\u200d' { // joiners belong to words and emoji
			continue
		}
		seen = seen || !hidden && !unicode.Is(unicode.M, r)
		need := 1
		if blank {
			need = 2
		}
		if count+need > n {
			break
		}
		if blank {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		count, blank = count+need, false
	}
	if !seen {
		return ""
	}
	return b.String()
}
