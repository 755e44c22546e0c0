package cohort

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrData is what every error about input is.
var ErrData = errors.New("cohort: bad data")

// Sale is a line of an order. Customers and orders are numbered by the caller from 0 on without large
// gaps; memory grows with the largest numbers.
type Sale struct {
	Customer uint32
	Order    uint32
	At       int64 // seconds since 1970, as time.Time.Unix returns, of the years 1000 to 9999
	// Amount is in minor units, such as kuruş; those of all sales, without their signs, add up to 2^63-1 at
	// most. What came back is a Sale of its own only where it is to make its month smaller; it also makes
	// its customer active then.
	Amount int64
}

// Unit is the length of a period of the calendar.
type Unit int

// The units. Weeks begin on Monday.
const (
	Month Unit = iota
	Week
	Quarter
	Year
	Day
)

// Options say how sales are cut into periods.
type Options struct {
	Unit Unit           // defaults to Month
	Zone *time.Location // whose calendar it is; nil means UTC
	// Until is until when the sales are known; no sale is at it or later. Zero: the end of the
	// period of the last sale.
	Until time.Time
}

// maxPeriods bounds the periods from the first sale to Until.
const maxPeriods = 4096

// maxNumber bounds the numbers of customers and orders.
const maxNumber = 1 << 30

// begin returns the first instant of the period of an instant.
func (u Unit) begin(t time.Time) time.Time {
	y, m, d := t.Date()
	switch u {
	case Week:
		d -= (int(t.Weekday()) + 6) % 7
	case Quarter:
		m, d = m-(m-1)%3, 1
	case Year:
		m, d = 1, 1
	case Month:
		d = 1
	}
	return midnight(y, m, d, t.Location())
}

// midnight returns the first instant of a day. Where clocks go forward at midnight, as in Havana, that is the moment at
// which they do; time.Date may return an hour before it, which is in the day before.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if _, end := t.ZoneBounds(); t.Hour() != 0 && !end.IsZero() && end.Sub(t) <= 2*time.Hour {
		return end
	}
	return t
}

// next returns the beginning of the period after one that begins at t.
func (u Unit) next(t time.Time) time.Time {
	y, m, d := t.Date()
	switch u {
	case Week:
		d += 7
	case Quarter:
		m += 3
	case Year:
		y++
	case Month:
		m++
	default:
		d++
	}
	return u.begin(time.Date(y, m, d, 12, 0, 0, 0, t.Location())) // noon is in the day, whatever clocks do at midnight
}

// calendar are the periods of sales.
type calendar struct {
	begins []time.Time
	edges  []int64 // the beginnings in seconds, and the end of the last
	until  int64
	whole  bool // the last period is over
}

// earliest and latest bound the times of sales: the years 1000 to 9999.
var (
	earliest = time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// newCalendar returns the periods from the first sale to the end.
func newCalendar(sales []Sale, o Options) (calendar, error) {
	if o.Unit < Month || o.Unit > Day {
		return calendar{}, fmt.Errorf("%w: Options.Unit is %d: there is none", ErrData, o.Unit)
	}
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	all := uint64(0) // of the amounts, without their signs
	for i := range sales {
		s := &sales[i]
		if all += uint64(max(s.Amount, -s.Amount)); all > math.MaxInt64 {
			return calendar{}, fmt.Errorf("%w: sale %d: with an Amount of %d those of all are more than %d", ErrData, i, s.Amount, math.MaxInt64)
		}
		first, last = min(first, s.At), max(last, s.At)
		if s.Customer >= maxNumber || s.Order >= maxNumber {
			return calendar{}, fmt.Errorf("%w: sale %d: the numbers %d and %d of customer and order are not both below %d", ErrData, i, s.Customer, s.Order, maxNumber)
		}
		if s.At < earliest || s.At >= latest { // such as milliseconds, or the Unix of a zero time.Time
			return calendar{}, fmt.Errorf("%w: sale %d: At is %d, which is no number of seconds of the years 1000 to 9999", ErrData, i, s.At)
		}
	}
	if !o.Until.IsZero() && last >= o.Until.Unix() {
		for i, s := range sales {
			if s.At >= o.Until.Unix() {
				return calendar{}, fmt.Errorf("%w: sale %d is at %s, not before Options.Until", ErrData, i, time.Unix(s.At, 0).UTC().Format(time.RFC3339))
			}
		}
	}
	var c calendar
	end := time.Unix(last, 0).In(zone)
	if !o.Until.IsZero() {
		end = o.Until.Add(-time.Nanosecond).In(zone)
	}
	for at := o.Unit.begin(time.Unix(first, 0).In(zone)); !at.After(end); at = o.Unit.next(at) {
		if len(c.begins) == maxPeriods {
			return calendar{}, fmt.Errorf("%w: more than %d periods from %s on", ErrData, maxPeriods, c.begins[0].Format(time.DateOnly))
		}
		c.begins = append(c.begins, at)
		c.edges = append(c.edges, at.Unix())
	}
	over := o.Unit.next(c.begins[len(c.begins)-1])
	c.edges = append(c.edges, over.Unix())
	c.until, c.whole = over.Unix(), true
	if !o.Until.IsZero() {
		c.until, c.whole = o.Until.Unix(), !o.Until.Before(over)
	}
	return c, nil
}

// of returns the period of an instant, from a guess.
func (c *calendar) of(at int64, guess int) int {
	if at >= c.edges[guess] && at < c.edges[guess+1] {
		return guess
	}
	low, high := 0, len(c.begins) // in edges[low] <= at < edges[high]
	for high-low > 1 {
		if mid := (low + high) / 2; at >= c.edges[mid] {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}
