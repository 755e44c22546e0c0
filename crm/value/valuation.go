package value

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Valued is a customer whose value is asked for. Money is in one unit, that of Purchase.
type Valued struct {
	Purchases
	Purchase float64 // what a purchase of his is worth, such as GammaGamma.Expect says; 0 or more
	// Contribution is what he has brought so far, in the time that the caller looks back: what he paid without what came
	// back, less goods, service, gifts and all else that he cost.
	Contribution float64
	// Group is whom he is like, such as the customers of his district or of his age: those who could be worth as much
	// as each other. May be empty.
	Group string
}

// ValueOptions say what customers are worth. Terms must be valid; the rest of the zero value works.
type ValueOptions struct {
	Terms Terms
	// Level is the probability with which what comes is between the bounds; 0 means 0.9.
	Level float64
	// Frontier is which share of a group is worth at most what the others are taken to be able to be; between 0.5 and 1. 0
	// means 0.9: a tenth is worth more.
	Frontier float64
	// Uplift is which share of the way to the frontier customers are brought, from 0 to 1, such as a test with a control
	// group has shown. The zero Interval is none: nothing is known of what is possible.
	Uplift Interval
	// Least is how many customers a group must have to be compared among itself: those of smaller ones are compared with
	// all. 0 means 20.
	Least int
}

// Valuation is what a customer is worth: what he has brought, is expected to bring, and could bring beyond that.
type Valuation struct {
	Actual    Interval `json:"actual"`    // Valued.Contribution, which is known
	Future    Interval `json:"future"`    // Terms.Worth; the bounds are those of the number of purchases
	Strategic Interval `json:"strategic"` // Uplift times what is missing to Frontier; 0 of those beyond it
	// Total is the sum, bounds to bounds, which is wider than needed.
	Total Interval `json:"total"`
	// Group is whom he was compared with, empty for all; Peers how many they are, he among them; Frontier what the value to
	// come is that the share ValueOptions.Frontier of them is below, with its interval at 95 %.
	Group    string   `json:"group"`
	Peers    int      `json:"peers"`
	Frontier Interval `json:"frontier"`
}

func (o ValueOptions) withDefaults() (ValueOptions, error) {
	o.Level, o.Frontier, o.Least = cmp.Or(o.Level, 0.9), cmp.Or(o.Frontier, 0.9), cmp.Or(o.Least, 20)
	u := o.Uplift
	switch {
	case !(o.Level > 0 && o.Level < 1):
		return o, fmt.Errorf("%w: ValueOptions.Level is %v, not between 0 and 1", ErrData, o.Level)
	case !(o.Frontier >= 0.5 && o.Frontier < 1):
		return o, fmt.Errorf("%w: ValueOptions.Frontier is %v, not from 0.5 to 1", ErrData, o.Frontier)
	case !(u.Low >= 0 && u.Low <= u.Expected && u.Expected <= u.High && u.High <= 1):
		return o, fmt.Errorf("%w: ValueOptions.Uplift is %v, from %v to %v, not a share within its bounds", ErrData, u.Expected, u.Low, u.High)
	case o.Least < 1:
		return o, fmt.Errorf("%w: ValueOptions.Least is %d, not 1 or more", ErrData, o.Least)
	}
	return o, o.Terms.Validate()
}

// Valuate returns what each customer is worth, in the order of the customers. What is possible, the strategic value, is
// read from those like him: the gap to the frontier of his group times the share of such gaps that can be closed. The
// error is a *DataError with the number of the customer, or an ErrData about the options.
func Valuate(m Model, customers []Valued, o ValueOptions) ([]Valuation, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	f, err := NewForecast(m, o.Terms)
	if err != nil {
		return nil, err
	}
	out := make([]Valuation, len(customers))
	groups := map[string][]float64{}
	all := make([]float64, len(customers))
	horizon := float64(o.Terms.Periods) * o.Terms.Length
	for i, c := range customers {
		fault := c.fault()
		switch {
		case fault != nil:
		case !(c.Purchase >= 0) || math.IsInf(c.Purchase, 0):
			fault = &DataError{Field: "Purchase", Reason: fmt.Sprintf("is %v, not 0 or more", c.Purchase)}
		case math.IsNaN(c.Contribution) || math.IsInf(c.Contribution, 0):
			fault = &DataError{Field: "Contribution", Reason: fmt.Sprintf("is %v", c.Contribution)}
		}
		if fault != nil {
			fault.Row = i
			return nil, fault
		}
		n, err := Predict(m, c.Purchases, horizon, o.Level)
		if err != nil {
			return nil, fmt.Errorf("customer %d: %w", i, err)
		}
		v := &out[i]
		v.Actual = Interval{c.Contribution, c.Contribution, c.Contribution}
		worth := f.Worth(c.Purchases, c.Purchase)
		v.Future = Interval{worth, worth, worth}
		if n.Expected > 0 {
			// As many purchases as the bounds have are made when those expected are.
			_, discounted := f.Expect(c.Purchases)
			each := discounted / n.Expected * (c.Purchase*(1-o.Terms.Costs) - o.Terms.PerPurchase)
			a, b := worth+float64((n.Low-n.Expected)*each), worth+float64((n.High-n.Expected)*each)
			v.Future.Low, v.Future.High = min(a, b, worth), max(a, b, worth)
		}
		groups[c.Group] = append(groups[c.Group], worth)
		all[i] = worth
	}
	slices.Sort(all)
	frontiers := map[string]Interval{}
	for name, g := range groups {
		slices.Sort(g)
		frontiers[name] = quantile(g, o.Frontier)
	}
	whole := Interval{}
	if len(all) > 0 {
		whole = quantile(all, o.Frontier)
	}
	for i, c := range customers {
		v := &out[i]
		if v.Group, v.Peers, v.Frontier = c.Group, len(groups[c.Group]), frontiers[c.Group]; v.Peers < o.Least {
			v.Group, v.Peers, v.Frontier = "", len(all), whole
		}
		gap := func(to float64) float64 { return max(0, to-v.Future.Expected) }
		v.Strategic = Interval{o.Uplift.Expected * gap(v.Frontier.Expected), o.Uplift.Low * gap(v.Frontier.Low), o.Uplift.High * gap(v.Frontier.High)}
		v.Total = v.Actual.plus(v.Future).plus(v.Strategic)
	}
	return out, nil
}

// quantile returns that of sorted values with the interval at 95 % that the ranks of a binomial have; the smallest and the
// largest value where there are too few for another.
func quantile(sorted []float64, q float64) Interval {
	n := float64(len(sorted))
	half := z95 * math.Sqrt(n*q*(1-q))
	at := func(rank float64) float64 { return sorted[int(min(max(rank, 1), n))-1] }
	return Interval{at(math.Ceil(n * q)), at(math.Floor(float64(n*q) - half)), at(math.Ceil(float64(n*q)+half) + 1)}
}
