package value

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrData is what every error about input is.
var ErrData = errors.New("value: bad data")

// DataError says what is wrong with one customer. It is an ErrData.
type DataError struct {
	Row    int // from 0, in the order of the input
	Field  string
	Reason string
}

// Error returns the row, the field and the reason.
func (e *DataError) Error() string {
	return fmt.Sprintf("value: customer %d: %s %s", e.Row, e.Field, e.Reason)
}

// Is reports whether target is ErrData.
func (e *DataError) Is(target error) bool { return target == ErrData }

// Purchases is what the models need to know of a customer's purchases.
type Purchases struct {
	// Repeats is the number of purchases after the first (the papers' x, lifetimes' frequency),
	// 0 to 2^31-1. What is bought on one day is one purchase.
	Repeats int
	// Last is the time between the first and the last purchase (t_x, recency), from 0 to Age.
	// It is 0 where Repeats is.
	Last float64
	// Age is the time between the first purchase and now (T), 0 or from 1e-100 to 1e100.
	Age float64
}

// FromDays returns the purchases of a customer who bought on days, in any order, as of a day. Days are counted from
// any day that is the same for all; several purchases on one day are one, and days after now, which are not known
// then, are left out. length is how many days the unit of time has: 7 for weeks. The error is a
// *DataError of row 0 where he had not bought by then, or length is not above 0.
func FromDays(days []int, now int, length float64) (Purchases, error) {
	if !(length > 0) || math.IsInf(length, 0) {
		return Purchases{}, &DataError{Field: "length", Reason: fmt.Sprintf("is %v, not above 0", length)}
	}
	on := slices.DeleteFunc(slices.Clone(days), func(d int) bool { return d > now })
	slices.Sort(on)
	on = slices.Compact(on)
	if len(on) == 0 {
		return Purchases{}, &DataError{Field: "days", Reason: fmt.Sprintf("has none until day %d", now)}
	}
	return Purchases{Repeats: len(on) - 1, Last: float64(on[len(on)-1]-on[0]) / length, Age: float64(now-on[0]) / length}, nil
}

// maxRepeats is as much as a count of purchases can be. Beyond shortest and longest the square of a time, or of one over it, is no
// number of the machine any more, so that likelihoods have no curvature.
const maxRepeats, shortest, longest = math.MaxInt32, 1e-100, 1e100

// Validate reports the first field that is out of its range, as a *DataError of row 0.
func (p Purchases) Validate() error {
	if e := p.fault(); e != nil {
		return e
	}
	return nil
}

func (p Purchases) fault() *DataError {
	switch {
	case p.Repeats < 0 || p.Repeats > maxRepeats:
		return &DataError{Field: "Repeats", Reason: fmt.Sprintf("is %d, not from 0 to %d", p.Repeats, maxRepeats)}
	case p.Age != 0 && !(p.Age >= shortest && p.Age <= longest):
		return &DataError{Field: "Age", Reason: fmt.Sprintf("is %v, not 0 or from %v to %v", p.Age, shortest, longest)}
	case !(p.Last >= 0 && p.Last <= p.Age):
		return &DataError{Field: "Last", Reason: fmt.Sprintf("is %v, not from 0 to Age, which is %v", p.Last, p.Age)}
	case p.Repeats == 0 && p.Last != 0:
		return &DataError{Field: "Last", Reason: fmt.Sprintf("is %v without a repeated purchase", p.Last)}
	}
	return nil
}

func (p Purchases) compare(o Purchases) int {
	return cmp.Or(cmp.Compare(p.Repeats, o.Repeats), cmp.Compare(p.Last, o.Last), cmp.Compare(p.Age, o.Age))
}
