package value

import (
	"fmt"
	"iter"
	"math"
)

// Complainant is a customer with open tickets.
type Complainant struct {
	Purchases
	Purchase float64 // what a purchase of his is worth, such as GammaGamma.Expect says; 0 or more
	Tickets  int     // how many of his are open, 1 or more
}

// Risk is what may be lost of one customer, in the unit of Complainant.Purchase.
type Risk struct {
	Alive float64 `json:"alive"` // P(alive) now
	// Churn is the probability that he is gone already, or goes because of the complaint.
	Churn Interval `json:"churn"`
	// Future is what he brings within the terms if he stays, discounted, after costs: 0 of who costs more than he brings.
	Future float64 `json:"future"`
	// AtRisk is Churn times Future. Avoidable is the part of it that is not probably lost already: what a good solution can
	// save. PerTicket and AvoidablePerTicket are those over the number of his tickets.
	AtRisk             Interval `json:"at_risk"`
	Avoidable          Interval `json:"avoidable"`
	PerTicket          float64  `json:"per_ticket"`
	AvoidablePerTicket float64  `json:"avoidable_per_ticket"`
}

// Risks is what may be lost of all: sums over Each, which is in the order of the customers. A customer with several tickets
// counts once.
type Risks struct {
	Each      []Risk   `json:"each"`
	Tickets   int      `json:"tickets"`
	AtRisk    Interval `json:"at_risk"`
	Avoidable Interval `json:"avoidable"`
}

// AtRisk returns the revenue at risk of customers with open tickets: the probability of losing each times what he would
// bring. givesUp is the share of those who are alive that a complaint makes leave, such as Recovery.GivenUp, at most 1; less
// than 0 counts as 0. The intervals come from its own: a model fitted to many customers is known much better.
// The error is a *DataError with the number of the customer, or an ErrData about terms or givesUp.
func AtRisk(m Model, t Terms, givesUp Interval, customers iter.Seq[Complainant]) (Risks, error) {
	f, err := NewForecast(m, t)
	if err != nil {
		return Risks{}, err
	}
	if !(givesUp.Low <= givesUp.Expected && givesUp.Expected <= givesUp.High && givesUp.High <= 1) || math.IsInf(givesUp.Low, 0) {
		return Risks{}, fmt.Errorf("%w: givesUp is %v, from %v to %v, not a share of at most 1 within its bounds", ErrData, givesUp.Expected, givesUp.Low, givesUp.High)
	}
	gives := [3]float64{max(0, givesUp.Expected), max(0, givesUp.Low), max(0, givesUp.High)}
	var out Risks
	for c := range customers {
		fault := c.fault()
		switch {
		case fault != nil:
		case !(c.Purchase >= 0) || math.IsInf(c.Purchase, 0):
			fault = &DataError{Field: "Purchase", Reason: fmt.Sprintf("is %v, not 0 or more", c.Purchase)}
		case c.Tickets < 1:
			fault = &DataError{Field: "Tickets", Reason: fmt.Sprintf("is %d, not 1 or more", c.Tickets)}
		}
		if fault != nil {
			fault.Row = len(out.Each)
			return Risks{}, fault
		}
		alive, bought, kept := f.sums(c.Purchases)
		r := Risk{Alive: alive, Future: max(0, float64(bought*(c.Purchase*(1-t.Costs)-t.PerPurchase))-float64(kept*t.PerPeriod))}
		of := func(value func(g float64) float64) Interval {
			return Interval{value(gives[0]), value(gives[1]), value(gives[2])}
		}
		r.Churn = of(func(g float64) float64 { return 1 - alive*(1-g) })
		r.AtRisk = of(func(g float64) float64 { return (1 - alive*(1-g)) * r.Future })
		r.Avoidable = of(func(g float64) float64 { return alive * g * r.Future })
		r.PerTicket, r.AvoidablePerTicket = r.AtRisk.Expected/float64(c.Tickets), r.Avoidable.Expected/float64(c.Tickets)
		out.Each = append(out.Each, r)
		out.Tickets += c.Tickets
		out.AtRisk = out.AtRisk.plus(r.AtRisk)
		out.Avoidable = out.Avoidable.plus(r.Avoidable)
	}
	return out, nil
}

// plus adds two, bounds to bounds.
func (i Interval) plus(o Interval) Interval {
	return Interval{i.Expected + o.Expected, i.Low + o.Low, i.High + o.High}
}
