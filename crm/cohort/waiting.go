package cohort

import (
	"fmt"
	"slices"
	"time"
)

// Second returns, for each customer who bought, how many days it took from the first purchase to
// the second, or, of who has bought once, how many days it has not until Options.Until. What is
// bought on one day of Options.Zone is one purchase. The error is an ErrData.
func Second(sales []Sale, o Options) (spans []Span, err error) {
	if len(sales) == 0 {
		return nil, fmt.Errorf("%w: no sales", ErrData)
	}
	cal, err := newCalendar(sales, o)
	if err != nil {
		return nil, err
	}
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	day := func(at int64) int64 { // numbers the days
		y, m, d := time.Unix(at, 0).In(zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
	}
	until := day(cal.until - 1)
	ends, order := byCustomer(sales)
	from := 0
	var days []int64
	for _, end := range ends {
		if from == end {
			continue
		}
		days = days[:0]
		for _, i := range order[from:end] {
			days = append(days, day(sales[i].At))
		}
		from = end
		slices.Sort(days)
		days = slices.Compact(days)
		if len(days) == 1 {
			spans = append(spans, Span{Length: float64(until - days[0])})
			continue
		}
		spans = append(spans, Span{Length: float64(days[1] - days[0]), Over: true})
	}
	return spans, nil
}

// Gaps returns the days, and parts of days, between all orders of a customer that follow each other,
// in ascending order: the middle one is the median time between purchases. An order is at
// the time of its first line. The error is an ErrData.
func Gaps(sales []Sale) ([]float64, error) {
	if len(sales) == 0 {
		return nil, fmt.Errorf("%w: no sales", ErrData)
	}
	if _, err := newCalendar(sales, Options{Unit: Year}); err != nil {
		return nil, err
	}
	ends, order := byCustomer(sales)
	var out []float64
	var times []int64
	at := map[uint32]int64{}
	from := 0
	for _, end := range ends {
		clear(at)
		for _, i := range order[from:end] {
			s := &sales[i]
			if was, ok := at[s.Order]; !ok || s.At < was {
				at[s.Order] = s.At
			}
		}
		from = end
		times = times[:0]
		for _, v := range at {
			times = append(times, v)
		}
		slices.Sort(times)
		for i := 1; i < len(times); i++ {
			out = append(out, float64(times[i]-times[i-1])/86400)
		}
	}
	slices.Sort(out)
	return out, nil
}
