package messaging

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/sms"
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

// maxTemplate is the largest number of bytes of a template.
const maxTemplate = 4096

// Template is a text with typed fields, written {name}. {{ and }} stand for the
// braces themselves. Values are put in once and never read as a template. A
// Template is immutable and safe for concurrent use.
type Template struct {
	parts  []part
	fields []Field
	locale string
}

// part is a literal or, if field is not negative, a field.
type part struct {
	text  string
	field int
}

// parseTemplate reads a template whose fields are declared. The locale ("tr" or
// anything else) says how numbers, money and dates are written. Every fault is
// reported: undeclared fields, fields declared twice or not used, stray braces,
// control characters other than the line feed.
func parseTemplate(text, locale string, fields ...Field) (*Template, error) {
	t := &Template{fields: slices.Clone(fields), locale: locale}
	var faults []error
	fault := func(at int, format string, args ...any) {
		faults = append(faults, &TemplateError{at, fmt.Sprintf(format, args...)})
	}
	if len(text) > maxTemplate || !utf8.ValidString(text) {
		return nil, &TemplateError{0, fmt.Sprintf("the text is not UTF-8 of at most %d bytes", maxTemplate)}
	}
	index := map[string]int{}
	for i, f := range fields {
		if _, twice := index[f.Name]; twice || !fieldName(f.Name) {
			fault(0, "field %q is declared twice or has no usable name", f.Name)
		}
		switch f.Type {
		case "", TextField, NumberField, MoneyField, DateField, LinkField:
		default:
			fault(0, "field %q has the unknown type %q", f.Name, f.Type)
		}
		if f.Max < 0 || f.Max > maxTemplate {
			fault(0, "field %q has the maximum %d", f.Name, f.Max)
		}
		index[f.Name] = i
	}
	used := make([]bool, len(fields))
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
				fault(i, "field %q is not declared", name)
			}
			i += end + 2
			continue
		case c == '}':
			fault(i, "a closing brace without an opening one")
		case (c < ' ' && c != '\n') || c == 0x7f:
			fault(i, "control character %#02x", c)
		}
		lit.WriteByte(c)
		i++
	}
	flush()
	for i, f := range fields {
		if !used[i] {
			fault(0, "field %q is declared but not used", f.Name)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return t, nil
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

// worstCase plans the longest message that the template can give over a route:
// each field at its maximum, texts once in plain and once in Turkish letters.
// A single value in another script still costs more; Plan each rendered text to
// be sure.
func (t *Template) worstCase(p sms.Profile) (sms.Plan, error) {
	var worst sms.Plan
	for _, letter := range []string{"x", "ş"} {
		text, err := t.render(func(f Field) (string, error) {
			fill := "8"
			switch f.Type {
			case "", TextField:
				fill = letter
			case LinkField:
				fill = "x"
			}
			s := strings.Repeat(fill, f.max())
			if utf8.RuneCountInString(f.Fallback) > f.max() {
				s = f.Fallback
			}
			return s, nil
		})
		if err != nil {
			return sms.Plan{}, err
		}
		plan, err := p.Plan(text)
		if err != nil {
			return plan, err
		}
		if plan.Segments > worst.Segments || (plan.Segments == worst.Segments && plan.Left < worst.Left) {
			worst = plan
		}
	}
	return worst, nil
}
