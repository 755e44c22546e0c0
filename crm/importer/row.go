package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup/people"
)

// row reads the fields of one row. What is wrong is collected: a row with
// faults is rejected, one with notes is loaded.
type row struct {
	table  *table
	line   int
	cells  []string
	faults []fault
	notes  []fault
}

func (r *row) fault(field, format string, args ...any) {
	r.faults = append(r.faults, fault{field, fmt.Sprintf(format, args...)})
}

func (r *row) note(field, format string, args ...any) {
	r.notes = append(r.notes, fault{field, fmt.Sprintf(format, args...)})
}

// raw returns a field as the file writes it, without blanks around, or its
// constant, or nothing.
func (r *row) raw(field string) string {
	i, ok := r.table.cell[field]
	if !ok || i >= len(r.cells) {
		return r.table.file.constants[field]
	}
	return strings.TrimSpace(r.cells[i])
}

// value returns a field after the mapping's own words were put for the file's.
func (r *row) value(field string) string {
	s := r.raw(field)
	words := r.table.file.values[field]
	if words == nil {
		return s
	}
	if ours, ok := words[s]; ok {
		return ours
	}
	if ours, ok := words["*"]; ok && s != "" {
		return ours
	}
	return s
}

// text returns a text and notes a formula. It is looked for in the cell before
// blanks are cut off, as a leading tab is one.
func (r *row) text(field string) string {
	if i, ok := r.table.cell[field]; ok {
		r.formula(field, i)
	}
	return r.value(field)
}

func (r *row) formula(field string, cell int) {
	if cell < len(r.cells) && formula(r.cells[cell]) {
		r.note(field, "%s is a formula to a spreadsheet; kept as text", quote(r.cells[cell]))
	}
}

// need returns a field that must not be empty.
func (r *row) need(field string) string {
	s := r.value(field)
	if s == "" {
		r.fault(field, "must not be empty")
	}
	return s
}

// word returns one of the field's words; empty if the field is.
func (r *row) word(field string) string {
	s := r.value(field)
	f, _ := fieldOf(r.table.file.kind, field)
	if s == "" || slices.Contains(f.words, s) {
		return s
	}
	r.fault(field, "%s is not a %s%s; say what it means under values.%s in %s", quote(s), field, didYouMean(s, f.words), field, mappingFile)
	return ""
}

// yes returns a yes or no; no if the field is empty.
func (r *row) yes(field string) bool {
	switch s := strings.ToLower(r.value(field)); s {
	case "true", "1", "yes", "y", "t":
		return true
	case "", "false", "0", "no", "n", "f":
	default:
		r.fault(field, "%s is not yes or no; say what it means under values.%s in %s", quote(s), field, mappingFile)
	}
	return false
}

// time returns a time in UTC; zero if the field is empty.
func (r *row) time(field string) time.Time {
	s := r.value(field)
	if s == "" {
		return time.Time{}
	}
	t, err := r.table.file.clock.time(s)
	if err != nil {
		r.fault(field, "%v", err)
	}
	return t
}

func (r *row) currency() string {
	s := r.value("currency")
	if s == "" {
		return r.table.file.currency
	}
	if !isCurrency(s) {
		r.fault("currency", "%s is no ISO 4217 code such as TRY", quote(s))
	}
	return s
}

// money returns an amount and whether there is one.
func (r *row) money(field, currency string) (crm.Money, bool) {
	s := r.value(field)
	if s == "" {
		return crm.Money{}, false
	}
	n, err := r.table.file.number.amount(s, currency)
	if err != nil {
		r.fault(field, "%v", err)
	}
	return crm.Money{Amount: n, Currency: currency}, true
}

// profile returns the key of a profile: of the file's own source, or of another
// one that is written "source/id".
func (r *row) profile(field string, known map[string]bool) crm.ProfileKey {
	s := r.value(field)
	if s == "" {
		return crm.ProfileKey{}
	}
	if source, id, ok := strings.Cut(s, "/"); ok && known[source] && id != "" {
		return crm.ProfileKey{Source: source, ID: id}
	}
	return crm.ProfileKey{Source: r.table.file.source, ID: s}
}

// address returns a point of contact in the form in which it is written to; ok is
// false where it does not reach one person. An e-mail address is kept as given: what
// people.Email returns is for comparing.
func (f *file) address(channel crm.Channel, raw string) (crm.Address, bool) {
	if len(raw) > crm.MaxKeyLen {
		return crm.Address{}, false
	}
	value, ok := raw, raw != ""
	switch channel {
	case crm.Phone:
		value, ok = people.Phone(raw, f.region)
	case crm.Email:
		if _, ok = people.Email(raw); ok {
			return mailbox(raw)
		}
	}
	a := crm.Address{Channel: channel, Value: value}
	return a, ok && a.Validate() == nil
}

// mailbox returns the address of "Ada <ada+shop@corp.example>", or of the address
// alone.
func mailbox(raw string) (crm.Address, bool) {
	raw = strings.TrimSpace(raw)
	if i := strings.LastIndexByte(raw, '<'); i >= 0 {
		raw = strings.TrimSuffix(raw[i+1:], ">")
	}
	a, err := crm.NormalAddress(crm.Address{Channel: crm.Email, Value: raw})
	return a, err == nil && a.Validate() == nil
}

// valid turns the faults that the kernel would find into those of the row.
func (r *row) valid(err error) {
	if err == nil {
		return
	}
	var many interface{ Unwrap() []error }
	var one *crm.FieldError
	switch {
	case errors.As(err, &one) && err == error(one):
		r.fault(one.Field, "%s", one.Msg)
	case errors.As(err, &many):
		for _, e := range many.Unwrap() {
			r.valid(e)
		}
	default:
		r.fault("", "%v", err)
	}
}
