package rfm

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"
)

// Order is what the scores are made of.
type Order struct {
	// Customer is any stable id; it must not be empty.
	Customer string
	// At is the instant of the order; it must not be zero.
	At     time.Time
	Amount int64 // minor units; negative: a return, which lowers Monetary and nothing else
}

// Row is the summary of one customer at one date.
type Row struct {
	Customer  string
	Recency   int64 // whole calendar days since the last order, >= 0
	Frequency int64 // orders, >= 1, returns not counted
	Monetary  int64 // sum of all amounts, returns included, minor units
}

// InvalidError says which value cannot be used.
type InvalidError struct {
	Customer string // empty if the fault is in the Config
	// Field is what is wrong: "customer", "amount", "bins" and the like.
	Field string
	Msg   string
}

func (e *InvalidError) Error() string {
	if e.Customer == "" {
		return fmt.Sprintf("rfm: %s: %s", e.Field, e.Msg)
	}
	return fmt.Sprintf("rfm: customer %q: %s: %s", e.Customer, e.Field, e.Msg)
}

// maxMoney keeps cut points, scaled by the number of bins, within 64 bits.
const maxMoney = math.MaxInt64 / 64

// ledger keeps the summary up to date order by order; it equals Summarise over
// the same orders in any sequence. The zero value is ready. It is not safe for
// concurrent use.
type ledger struct {
	customers map[string]*account
}

type account struct {
	last      time.Time
	frequency int64
	monetary  int64
	serial    uint64 // of Live: a number of its own
}

// add takes one order in. A nameless customer, a zero time or an amount or sum
// beyond 10^17 minor units is an *InvalidError and leaves the ledger as it was.
func (l *ledger) add(o Order) error {
	switch {
	case o.Customer == "":
		return &InvalidError{Field: "customer", Msg: "must not be empty"}
	case o.At.IsZero():
		return &InvalidError{Customer: o.Customer, Field: "at", Msg: "must not be zero"}
	case o.Amount > maxMoney || o.Amount < -maxMoney:
		return &InvalidError{Customer: o.Customer, Field: "amount", Msg: "is out of range"}
	}
	if l.customers == nil {
		l.customers = make(map[string]*account)
	}
	a := l.customers[o.Customer]
	if a == nil {
		a = new(account)
		l.customers[o.Customer] = a
	}
	sum := a.monetary + o.Amount // both are far from overflow
	if sum > maxMoney || sum < -maxMoney {
		return &InvalidError{Customer: o.Customer, Field: "monetary", Msg: "the sum is out of range"}
	}
	a.monetary = sum
	if o.Amount >= 0 {
		a.frequency++
		if o.At.After(a.last) {
			a.last = o.At
		}
	}
	return nil
}

// rows returns the summary as of the calendar day of at in the location (nil:
// UTC), by customer. Customers without any order, returns apart, have no row;
// those whose last order is after that day have recency 0.
func (l *ledger) rows(at time.Time, in *time.Location) []Row {
	if in == nil {
		in = time.UTC
	}
	today := calendarDay(at, in)
	rows := make([]Row, 0, len(l.customers))
	for customer, a := range l.customers {
		if a.frequency == 0 {
			continue
		}
		rows = append(rows, Row{
			Customer:  customer,
			Recency:   max(0, today-calendarDay(a.last, in)),
			Frequency: a.frequency,
			Monetary:  a.monetary,
		})
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Customer, b.Customer) })
	return rows
}

// calendarDay numbers the civil days of a location.
func calendarDay(t time.Time, in *time.Location) int64 {
	y, m, d := t.In(in).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// Summarise folds the orders up to and including at, in any sequence. See
// ledger for faults and days.
func Summarise(orders iter.Seq[Order], at time.Time, in *time.Location) ([]Row, error) {
	var l ledger
	for o := range orders {
		if o.At.After(at) {
			continue
		}
		if err := l.add(o); err != nil {
			return nil, err
		}
	}
	return l.rows(at, in), nil
}
