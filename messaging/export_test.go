package messaging

import (
	"errors"
	"fmt"
	"time"
)

// What the tests of the package look at by itself and hosts meet through Check, Campaign and
// Outbox alone.
var (
	AddressFault = addressFault
)

// ParseTemplate reads a text whose fields must all be shown.
func ParseTemplate(text, locale string, fields ...Field) (*Template, error) {
	used := make([]bool, len(fields))
	faults := []error{checkFields(fields)}
	t, err := parseTemplate(text, locale, Slot{Name: textSlot}, fields, used)
	faults = append(faults, err)
	for i, f := range fields {
		if !used[i] {
			faults = append(faults, &TemplateError{0, fmt.Sprintf("field %q is declared but not used", f.Name)})
		}
	}
	return t, errors.Join(faults...)
}

func (q QuietHours) Validate() error { return q.validate() }

func (q QuietHours) NotBefore(at time.Time, zone *time.Location, key string) (time.Time, error) {
	return q.notBefore(at, zone, key)
}

// Closed returns whether nothing is sent to a candidate at an instant.
func Closed(in Candidate) func(time.Time) bool {
	all, err := in.closings()
	if err != nil {
		panic(err)
	}
	return func(at time.Time) bool { return closed(all, at) }
}
