package page

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Locale writes numbers, money, dates and words as the readers of a language do. All that
// it knows of the language stands in a file, languages/TAG.json.
type Locale struct {
	Tag string // of BCP 47: the page's lang
	formats
	words map[string]text
	notes [][2]string
}

// formats are the forms of numbers, with {1}, {2}, … for their parts.
type formats struct {
	Group, Point string
	Percent      string   // of the number
	Money, Code  string   // of the amount and the currency's sign, or its code where it has none
	Date, Day    string   // of the day, the month and the year
	Months       []string // twelve
}

// text is what a key says, by the plural categories of CLDR where it counts: "one" and
// "other" in English and Turkish.
type text map[string]string

// UnmarshalJSON reads {"one": …, "other": …}, or a string for a text that does not count.
func (t *text) UnmarshalJSON(data []byte) error {
	if data[0] == '{' {
		return json.Unmarshal(data, (*map[string]string)(t))
	}
	var s string
	err := json.Unmarshal(data, &s)
	*t = text{"other": s}
	return err
}

// With returns the locale with what a further file of its language says: a program's own
// words beside those of this package.
func (l *Locale) With(file []byte) (*Locale, error) {
	in := struct {
		Formats formats
		Words   map[string]text
		Notes   [][2]string
	}{Formats: l.formats}
	if err := json.Unmarshal(file, &in); err != nil {
		return l, fmt.Errorf("language %s: %w", l.Tag, err)
	}
	out := &Locale{Tag: l.Tag, formats: in.Formats, words: map[string]text{}, notes: append(l.notes[:len(l.notes):len(l.notes)], in.Notes...)}
	maps.Copy(out.words, l.words)
	maps.Copy(out.words, in.Words)
	return out, nil
}

// Say returns the text of a key with its arguments in the places of {1}, {2}, …: texts as
// they are, whole numbers as readers write them. The first number chooses the plural form.
// A key without a text is returned as it is.
func (l *Locale) Say(key string, args ...any) string {
	t, ok := l.words[key]
	if !ok {
		return key
	}
	form, parts := "", make([]string, len(args))
	for i, a := range args {
		n, counts := a.(int)
		switch {
		case !counts:
			parts[i] = fmt.Sprint(a)
		case form == "":
			form = l.form(n)
			fallthrough
		default:
			parts[i] = l.Int(n)
		}
	}
	s, ok := t[form]
	if !ok {
		s = t["other"]
	}
	return fill(s, parts...)
}

// form is the plural category of a whole number.
func (l *Locale) form(n int) string {
	forms := [...]string{plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}
	return forms[plural.Cardinal.MatchPlural(language.Make(l.Tag), max(n, -n)%10_000_000, 0, 0, 0, 0)]
}

// Name returns what a code of a family is called, such as "state" and "done"; one that has
// no name is shown as it is.
func (l *Locale) Name(family, code string) string {
	if t, ok := l.words[family+"."+code]; ok {
		return t["other"]
	}
	return code
}

// fill puts parts in the places of {1}, {2}, ….
func fill(s string, parts ...string) string {
	pairs := make([]string, 0, 2*len(parts))
	for i, p := range parts {
		pairs = append(pairs, "{"+strconv.Itoa(i+1)+"}", p)
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// Note says a note that a decision left in the reader's words, with times as the reader
// writes them. The file has the library's notes as they are written, with * for what
// differs. Any other, such as a provider's own, stays as it is.
func (l *Locale) Note(note string, zone *time.Location) string {
	for _, s := range l.notes {
		if parts, ok := matches(s[0], note); ok {
			for i, p := range parts {
				parts[i] = l.Name("thing", l.when(p, zone))
			}
			return fill(s[1], parts...)
		}
	}
	words := strings.Split(note, " ")
	for i, x := range words {
		words[i] = l.when(x, zone)
	}
	return strings.Join(words, " ")
}

// Time writes a day with the time of day: 1 January 2025 22:00.
func (l *Locale) Time(t time.Time) string { return l.Date(t) + t.Format(" 15:04") }

// when writes a text that is a time or a day as the reader does.
func (l *Locale) when(text string, zone *time.Location) string {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return l.Time(t.In(zone))
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return l.Date(t)
	}
	return text
}

// matches returns what stands in a text where a pattern has *, if the rest is equal.
func matches(pattern, text string) (parts []string, ok bool) {
	first, rest, more := strings.Cut(pattern, "*")
	if text, ok = strings.CutPrefix(text, first); !ok {
		return nil, false
	}
	for more {
		var next string
		next, rest, more = strings.Cut(rest, "*")
		if !more { // the last one reaches to the end
			part, ok := strings.CutSuffix(text, next)
			return append(parts, part), ok && part != ""
		}
		part, after, found := strings.Cut(text, next)
		if !found || part == "" {
			return nil, false
		}
		parts, text = append(parts, part), after
	}
	return parts, text == ""
}
