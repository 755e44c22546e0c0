package cohort

import (
	"cmp"
	"fmt"
	"slices"
)

// Event is something that a customer did: looked at a page, called, asked for an offer, bought in a category. Customers and
// what was done are numbered by the caller from 0 on, customers without large gaps; memory grows with the
// largest number of a customer.
type Event struct {
	Customer uint32
	What     uint32
	At       int64 // seconds since 1970, as time.Time.Unix returns
}

// eventsBy returns the events sorted by customer, time and What, each once.
func eventsBy(events []Event) ([]Event, error) {
	if len(events) == 0 {
		return nil, fmt.Errorf("%w: no events", ErrData)
	}
	for i, e := range events {
		if e.Customer >= maxNumber {
			return nil, fmt.Errorf("%w: event %d: customer %d is too large a number", ErrData, i, e.Customer)
		}
		if e.At < -1<<40 || e.At > 1<<40 {
			return nil, fmt.Errorf("%w: event %d: %d is no time", ErrData, i, e.At)
		}
	}
	out := slices.Clone(events)
	slices.SortFunc(out, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.At, b.At), cmp.Compare(a.What, b.What))
	})
	return slices.Compact(out), nil
}

// each calls f with the events of each customer, in order.
func each(sorted []Event, f func(of []Event)) {
	for from := 0; from < len(sorted); {
		to := from + 1
		for to < len(sorted) && sorted[to].Customer == sorted[from].Customer {
			to++
		}
		f(sorted[from:to])
		from = to
	}
}
