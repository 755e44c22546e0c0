package main

import (
	"cmp"
	"embed"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	locale "github.com/vefacrm/vefa/internal/page"
)

//go:embed languages/*.json
var languages embed.FS

// words are those of the pages in one language: texts, numbers, money, and times as the clocks of
// the reader's zone have them.
type words struct {
	*locale.Locale
	zone *time.Location
}

// tongues are the languages that there is a file of.
func tongues() (out []string) {
	files, _ := fs.Glob(languages, "languages/*.json")
	for _, f := range files {
		out = append(out, strings.TrimSuffix(path.Base(f), ".json"))
	}
	return out
}

// speak reads all languages.
func speak(zone *time.Location) (map[string]*words, error) {
	all := map[string]*words{}
	for _, tag := range tongues() {
		data, err := languages.ReadFile("languages/" + tag + ".json")
		if err != nil {
			return nil, err
		}
		l, err := locale.For(tag).With(data)
		if err != nil {
			return nil, err
		}
		all[tag] = &words{l, zone}
	}
	return all, nil
}

// Has reports whether a key has a text of its own.
func (w *words) Has(key string) bool { return w.Say(key) != key }

// At writes an instant with its time of day; none is a dash.
func (w *words) At(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return w.Time(t.In(w.zone))
}

// On writes the day of an instant; none is a dash.
func (w *words) On(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return w.Date(t.In(w.zone))
}

// Evening writes a date such as 2025-03-01.
func (w *words) Evening(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return w.Date(t)
}

// Cash writes an amount.
func (w *words) Cash(m crm.Money) string {
	return w.Money(m.Amount, crm.Decimals(m.Currency), m.Currency)
}

// Points writes percentage points.
func (w *words) Points(v float64) string { return w.Signed(100*v, 2) }

// Guard says why a message does not leave.
func (w *words) Guard(guard string) string {
	if rule, ok := strings.CutPrefix(guard, "cancel_on "); ok {
		return w.Say("refused.cancel_on", rule)
	}
	return w.Name("refused", guard)
}

// Cause says what an effect comes of: "rule/battery", "campaign/spring".
func (w *words) Cause(cause string) string {
	kind, name, ok := strings.Cut(cause, "/")
	if !ok {
		return cause
	}
	return w.Name("cause", kind) + " " + name
}

// Who says who somebody is: a program of the library's, or a person by name.
func (w *words) Who(actor string) string { return w.Name("actor", actor) }

// Called returns a customer's name, or what stands for one.
func (w *words) Called(n crm.Name) string { return cmp.Or(n.String(), w.Say("customer.nameless")) }

// Agreement says on what two records agree, such as "phone equal".
func (w *words) Agreement(field string) string {
	name, level, ok := strings.Cut(field, " ")
	if !ok {
		return w.Name("field", field)
	}
	return w.Name("field", name) + ": " + w.Name("level", level)
}

// Hidden writes an address so that only its holder would know it, for lists.
func (w *words) Hidden(a crm.Address) string {
	v := []rune(a.Value)
	if a.Channel == crm.Email {
		name, host, _ := strings.Cut(a.Value, "@")
		first := []rune(name)
		return string(first[:min(1, len(first))]) + "…@" + host
	}
	if len(v) < 7 {
		return w.Name("channel", string(a.Channel))
	}
	return string(v[:len(v)-7]) + " ••• •• " + string(v[len(v)-2:])
}
