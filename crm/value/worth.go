package value

import (
	"fmt"
	"math"
)

// Terms say how purchases to come are turned into what a customer is worth today. The zero value
// but for Periods and Length counts all of each purchase, at its full value.
type Terms struct {
	// Periods is how many periods of Length, in the unit of time of the model, are looked ahead:
	// 12 of 4.345 weeks are a year. Both are above 0.
	Periods int
	Length  float64
	// Discount is the rate per period: what is earned in period i counts 1/(1+Discount)^i of it. More
	// than -1; 0 for none.
	Discount float64
	// Costs is the share of a purchase's value that is not earned: goods, fees, shipping. 0 to 1.
	Costs float64
	// PerPurchase is what serving a purchase costs, and PerPeriod what a customer costs in each
	// period that he is alive at the end of, such as messages, in the unit of money.
	PerPurchase float64
	PerPeriod   float64
}

// maxPeriods bounds Terms.Periods.
const maxPeriods = 10_000

// Validate reports the first field that is out of its range, as an ErrData.
func (t Terms) Validate() error {
	fault := func(field string, v any, want string) error {
		return fmt.Errorf("%w: Terms.%s is %v, not %s", ErrData, field, v, want)
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	switch {
	case t.Periods < 1 || t.Periods > maxPeriods:
		return fault("Periods", t.Periods, fmt.Sprintf("from 1 to %d", maxPeriods))
	case !(t.Length > 0) || !finite(t.Length):
		return fault("Length", t.Length, "above 0")
	case !(t.Discount > -1) || !finite(t.Discount):
		return fault("Discount", t.Discount, "above -1")
	case !(t.Costs >= 0 && t.Costs <= 1):
		return fault("Costs", t.Costs, "from 0 to 1")
	case !(t.PerPurchase >= 0) || !finite(t.PerPurchase):
		return fault("PerPurchase", t.PerPurchase, "0 or more")
	case !(t.PerPeriod >= 0) || !finite(t.PerPeriod):
		return fault("PerPeriod", t.PerPeriod, "0 or more")
	}
	return nil
}

// Worth returns the expected discounted value of what a customer buys within the terms, in the
// unit of money of purchase, the value of one purchase of his such as GammaGamma.Expect says. It
// is below 0 where he costs more than he brings. Terms and history must be valid: it is NaN
// of others.
//
// With the purchases E(i) until the end of period i it is
// Σ ((E(i)−E(i−1))·(purchase·(1−Costs)−PerPurchase) − PerPeriod·AliveAfter(i))/(1+Discount)^i.
func (t Terms) Worth(m Model, p Purchases, purchase float64) float64 {
	if t.Validate() != nil || p.fault() != nil {
		return math.NaN()
	}
	each := purchase*(1-t.Costs) - t.PerPurchase
	alive := m.Alive(p)
	var bought, kept float64
	if f, ok := m.(future); ok {
		bought, kept = f.sums(p.Repeats, p.Age, t)
	} else {
		bought, kept = sumTerms(t, func(at float64) (float64, float64) { return m.ExpectAfter(p, at), m.AliveAfter(p, at) })
		alive = 1 // in both already
	}
	return alive * (bought*each - kept*t.PerPeriod)
}
