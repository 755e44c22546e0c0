package value

import (
	"fmt"
	"iter"
	"math"
	"slices"
)

// Observed is a customer's history until a day, and what he bought after it: a model is fitted to
// the histories and held to the rest.
type Observed struct {
	Purchases
	After int // purchases in the time that is held out, 0 or more
}

// Calibration is the customers with as many repeats: what each was expected to buy in the time
// that was held out, and what they bought, on average.
type Calibration struct {
	Repeats   int     `json:"repeats"` // of the last group: at least as many
	Customers int     `json:"customers"`
	Expected  float64 `json:"expected"`
	Actual    float64 `json:"actual"`
	// Deviation is the standard deviation of what each of them bought, 0 of a single one: Actual lies within
	// 1.96·Deviation/√Customers of its mean in 95 of 100 cases.
	Deviation float64 `json:"deviation"`
}

// Calibrate compares what a model expects of customers in the next t with what they did, by the
// number of their repeats before: those with most or more are one group. The error is a
// *DataError with the number of the customer, or an ErrData about t or most.
func Calibrate(m Model, customers iter.Seq[Observed], t float64, most int) ([]Calibration, error) {
	if err := checkInterval(t, 0.5); err != nil {
		return nil, err
	}
	if most < 0 || most > 10_000 {
		return nil, fmt.Errorf("%w: groups to %d repeats, not 0 to 10,000", ErrData, most)
	}
	forecast, err := NewForecast(m, Terms{Periods: 1, Length: max(t, 1e-300)})
	if err != nil {
		return nil, err
	}
	// In ascending order, so that sums are the same for any order of the customers.
	var all []Observed
	for c := range customers {
		fault := c.fault()
		if fault == nil && c.After < 0 {
			fault = &DataError{Field: "After", Reason: fmt.Sprintf("is %d", c.After)}
		}
		if fault != nil {
			fault.Row = len(all)
			return nil, fault
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Observed) int { return a.compare(b.Purchases) })
	groups := make([]Calibration, most+1)
	for _, c := range all {
		g := &groups[min(c.Repeats, most)]
		_, expected := forecast.Expect(c.Purchases)
		g.Customers++
		g.Expected += expected
		g.Actual += float64(c.After)
		g.Deviation += float64(c.After) * float64(c.After)
	}
	out := groups[:0]
	for i, g := range groups {
		if g.Customers > 0 {
			g.Repeats = i
			g.Expected /= float64(g.Customers)
			g.Actual /= float64(g.Customers)
			n := float64(g.Customers)
			g.Deviation = math.Sqrt(max(0, g.Deviation-n*g.Actual*g.Actual) / max(1, n-1))
			out = append(out, g)
		}
	}
	return out, nil
}

// Track returns how many repeats all customers are expected to have made together until each of
// the times, of whom each began at a time of his own: what a line of actual purchases is drawn beside.
// Who begins later than a time counts nothing there.
func Track(m Model, begins iter.Seq[float64], until ...float64) []float64 {
	count := map[float64]float64{}
	for b := range begins {
		count[b]++
	}
	cohorts := make([]float64, 0, len(count))
	for b := range count {
		cohorts = append(cohorts, b)
	}
	slices.Sort(cohorts)
	out := make([]float64, len(until))
	for i, at := range until {
		for _, b := range cohorts {
			if at > b {
				out[i] += count[b] * m.Expect(at-b)
			}
		}
	}
	return out
}
