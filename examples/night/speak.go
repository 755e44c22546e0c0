package main

import (
	"embed"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	reader "github.com/vefacrm/vefa/examples/internal/speak"
	locale "github.com/vefacrm/vefa/internal/page"
)

//go:embed languages/*.json
var languages embed.FS

// speaker writes for people: the words of this program and the library's forms of numbers,
// money and dates in one language, and times at home.
type speaker struct {
	*locale.Locale
	home *time.Location
}

// speak returns the speaker of a language, which is the name of a file of languages.
func speak(tag string) (speaker, error) {
	home, err := time.LoadLocation("Europe/Istanbul")
	if err != nil {
		return speaker{}, err
	}
	l, err := reader.In("lang", tag, languages)
	return speaker{l, home}, err
}

// money writes an amount.
func (l speaker) money(m crm.Money) string {
	return l.Money(m.Amount, crm.Decimals(m.Currency), m.Currency)
}

// percent writes a share.
func (l speaker) percent(share float64) string { return l.Percent(share, 1) }

// points writes percentage points, which are not percent.
func (l speaker) points(v float64) string { return l.Signed(100*v, 2) }

// span writes an interval.
func (l speaker) span(low, high string) string { return l.Say("span", low, high) }

// date writes a day such as 2025-01-01, and day does without its year.
func (l speaker) date(day string) string { return formatDate(day, l.Date) }
func (l speaker) day(day string) string  { return formatDate(day, l.Day) }

func formatDate(day string, format func(time.Time) string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return format(t)
}

// at writes an instant as the clocks at home have it.
func (l speaker) at(t time.Time) string { return l.Time(t.In(l.home)) }

// named writes what has a kind and a name, such as survey/after-purchase, by the words that
// a family has for the kind.
func (l speaker) named(family, id string) string {
	kind, name, ok := strings.Cut(id, "/")
	if !ok {
		return id
	}
	return l.Name(family, kind) + " " + name
}

// guard names a guard by a family of words: what it asks, what it refuses, or a note on
// that, which few have.
func (l speaker) guard(family, guard string) string {
	if rule, ok := strings.CutPrefix(guard, "cancel_on "); ok {
		return l.Say(family+".cancel_on", l.Name("event", rule))
	}
	return l.Name(family, guard)
}

// codes writes codes by the words of a family.
func (l speaker) codes(family string, codes []string) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = l.Name(family, c)
	}
	return strings.Join(out, ", ")
}

// agreements writes on what two records agree, such as "given equal".
func (l speaker) agreements(fields []string) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		field, level, _ := strings.Cut(f, " ")
		out[i] = l.Say("agreement", l.Name("field", field), l.Name("level", level))
	}
	return strings.Join(out, ", ")
}

// dashed writes a text behind a dash, if there is one.
func dashed(s string) string {
	if s == "" {
		return ""
	}
	return " – " + s
}
