package worth

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/value"
)

// Tiers are where the tiers of value begin, as of an evening.
type Tiers struct {
	value.TierCuts
	// Frontier is what nine of ten customers are worth less than in the next 12 months: what customers are taken to be able to be worth.
	Frontier float64 `json:"frontier"`
}

// mostTiered is from how many customers on the tiers are cut by some of them, which are as good as drawn: every
// second, third, and so on in the order of hashes.
const mostTiered = 50_000

// tierFields are there where tiers are defined.
var tierFields = []field{
	{crm.Field{Name: "Tier", Type: crm.FieldString, Max: 16, Doc: "most valuable, most growable, migrating or below zero, by what the customer brought after costs and is worth in the next 12 months"},
		func(a *asked) (any, error) { t, ok, err := a.tier(); return only(ok, string(t.Tier)), err }},
	{crm.Field{Name: "TierCertain", Type: crm.FieldBool, Doc: "that it is the same at WorthLow12 and WorthHigh12, as far as zero and the most valuable go"},
		func(a *asked) (any, error) { t, ok, err := a.tier(); return only(ok, t.Certain), err }},
}

// riskFields are there where it is known how many give up after a complaint.
var riskFields = []field{
	{crm.Field{Name: "AtRisk", Type: crm.FieldInt, Scale: 2, Doc: "what may be lost in the next 12 months of a customer with open tickets: the probability that he is or goes away, times what he would bring"},
		func(a *asked) (any, error) { return a.risked(func(r value.Risk) float64 { return r.AtRisk.Expected }) }},
	{crm.Field{Name: "AtRiskLow", Type: crm.FieldInt, Scale: 2, Doc: "its lower bound"},
		func(a *asked) (any, error) { return a.risked(func(r value.Risk) float64 { return r.AtRisk.Low }) }},
	{crm.Field{Name: "AtRiskHigh", Type: crm.FieldInt, Scale: 2, Doc: "its upper bound"},
		func(a *asked) (any, error) { return a.risked(func(r value.Risk) float64 { return r.AtRisk.High }) }},
	{crm.Field{Name: "AtRiskPerTicket", Type: crm.FieldInt, Scale: 2, Doc: "AtRisk over the number of open tickets"},
		func(a *asked) (any, error) { return a.risked(func(r value.Risk) float64 { return r.PerTicket }) }},
	{crm.Field{Name: "AvoidablePerTicket", Type: crm.FieldInt, Scale: 2, Doc: "the part of it that a good solution can save"},
		func(a *asked) (any, error) {
			return a.risked(func(r value.Risk) float64 { return r.AvoidablePerTicket })
		}},
}

// checkTiers reports what is wrong with the definition of tiers.
func checkTiers(d *value.TierDefinition) error {
	if d.Loyal || d.Cooperative {
		return errors.New("asks for Loyal or Cooperative: say in the rule, or the segment, that Loyalty is active")
	}
	_, err := d.Cuts(nil)
	return err
}

// checkGivesUp reports a share that is none.
func checkGivesUp(i *value.Interval) error {
	if !(i.Low >= 0 && i.Low <= i.Expected && i.Expected <= i.High && i.High <= 1) {
		return fmt.Errorf("is %v, from %v to %v, not a share from 0 to 1 within its bounds", i.Expected, i.Low, i.High)
	}
	return nil
}

// brought is what a customer brought after costs.
func (m *module) brought(s *summary) float64 {
	return float64(s.total)*(1-m.terms.Costs) - float64(s.orders)*m.terms.PerPurchase
}

// standing is a customer of whom is known what he brought and is worth.
func standing(brought float64, worth value.Interval, uplift, frontier float64) value.Standing {
	v := value.Valuation{Actual: value.Interval{Expected: brought, Low: brought, High: brought}, Future: worth}
	v.Strategic.Expected = uplift * max(0, frontier-worth.Expected)
	return value.Standing{Valuation: v}
}

// tiers cuts the tiers, by the models that were fitted; nil where nothing is known of what customers spend.
func (m *module) tiers(f *Fit, all []summary, today int) (*Tiers, error) {
	if m.cfg.Tiers == nil || f.SpendingFit.Customers == 0 {
		return nil, nil
	}
	forecast, err := value.NewForecast(f.Buying, m.terms)
	if err != nil {
		return nil, err
	}
	var brought, worth []float64
	for i := 0; i < len(all); i += 1 + len(all)/mostTiered {
		s := &all[i]
		if int(s.last) > today {
			continue
		}
		spent, ok := s.spending()
		each := f.Spending.Expect(spent)
		if !ok || math.IsInf(each, 0) || math.IsNaN(each) {
			continue
		}
		brought, worth = append(brought, m.brought(s)), append(worth, forecast.Worth(s.purchases(today), each))
	}
	if len(worth) == 0 {
		return nil, nil
	}
	out := &Tiers{}
	sorted := slices.Sorted(slices.Values(worth))
	out.Frontier = sorted[min(len(sorted)-1, len(sorted)*9/10)]
	customers := make([]value.Standing, len(worth))
	for i, w := range worth {
		customers[i] = standing(brought[i], value.Interval{Expected: w, Low: w, High: w}, m.cfg.Uplift, out.Frontier)
	}
	out.TierCuts, err = m.cfg.Tiers.Cuts(customers)
	return out, err
}

// tier returns the tier of the customer.
func (a *asked) tier() (t value.Tiered, ok bool, err error) {
	w, ok := a.worth()
	if !ok || a.model.Tiers == nil {
		return t, false, nil
	}
	i, known, err := a.worthBetween()
	if err != nil {
		return t, false, err
	}
	if !known {
		i = value.Interval{Expected: w, Low: w, High: w}
	}
	return a.model.Tiers.Of(standing(a.m.brought(&a.summary), i, a.m.cfg.Uplift, a.model.Tiers.Frontier)), true, nil
}

// risked returns a number of minor units of what may be lost; it is not known without an open ticket.
func (a *asked) risked(of func(value.Risk) float64) (any, error) {
	each, ok := a.purchase()
	if !ok || a.s.OpenTickets < 1 {
		return nil, nil
	}
	r, err := value.AtRisk(a.model.Buying, a.m.terms, *a.m.cfg.GivesUp, func(yield func(value.Complainant) bool) {
		yield(value.Complainant{Purchases: a.history, Purchase: max(0, each), Tickets: a.s.OpenTickets})
	})
	if err != nil {
		return nil, err
	}
	return a.amount(of(r.Each[0]), true)
}
