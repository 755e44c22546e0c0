package worth

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/basket"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/segment/rfm"
)

// field is a field and what computes it; of returns nil for what is not known.
type field struct {
	crm.Field
	of func(a *asked) (any, error)
}

// fields are those of every module; some have more, by their Config.
var fields = []field{
	{crm.Field{Name: "PAlive", Type: crm.FieldFloat, Doc: "probability that the customer still buys, 0 to 1"},
		func(a *asked) (any, error) { return a.number(a.alive()) }},
	{crm.Field{Name: "OrdersNext12", Type: crm.FieldFloat, Doc: "days with a purchase expected in the next 12 months"},
		func(a *asked) (any, error) { return a.number(a.orders()) }},
	{crm.Field{Name: "OrdersLow12", Type: crm.FieldInt, Doc: "lower bound of the number of days with a purchase in the next 12 months"},
		func(a *asked) (any, error) { i, ok, err := a.interval(); return only(ok, int64(i.Low)), err }},
	{crm.Field{Name: "OrdersHigh12", Type: crm.FieldInt, Doc: "upper bound of the number of days with a purchase in the next 12 months"},
		func(a *asked) (any, error) { i, ok, err := a.interval(); return only(ok, int64(i.High)), err }},
	{crm.Field{Name: "WorthNext12", Type: crm.FieldInt, Scale: 2, Doc: "what the purchases expected in the next 12 months are worth today, after costs"},
		func(a *asked) (any, error) { v, ok := a.worth(); return a.amount(v, ok) }},
	{crm.Field{Name: "WorthLow12", Type: crm.FieldInt, Scale: 2, Doc: "WorthNext12 with as few purchases as OrdersLow12"},
		func(a *asked) (any, error) { return a.bound(func(i value.Interval) float64 { return i.Low }) }},
	{crm.Field{Name: "WorthHigh12", Type: crm.FieldInt, Scale: 2, Doc: "WorthNext12 with as many purchases as OrdersHigh12"},
		func(a *asked) (any, error) { return a.bound(func(i value.Interval) float64 { return i.High }) }},
	{crm.Field{Name: "NextPurchase", Type: crm.FieldTime, Doc: "noon of the day on which the next purchase is expected, by the customer's own gaps and those of all"},
		func(a *asked) (any, error) { day, ok := a.next(); return only(ok, noon(day, a.s.Zone)), nil }},
	{crm.Field{Name: "DaysOverdue", Type: crm.FieldInt, Unit: "days", Doc: "since NextPurchase; below 0 while it is to come"},
		func(a *asked) (any, error) { day, ok := a.next(); return only(ok, a.s.Today-day), nil }},
	{crm.Field{Name: "RFM", Type: crm.FieldString, Max: 16, Doc: "recency, frequency and monetary value of the last night's quantiles, 5 best: 5-4-3"},
		func(a *asked) (any, error) {
			s, ok := a.cell()
			return only(ok, fmt.Sprintf("%d-%d-%d", s.R, s.F, s.M)), nil
		}},
	{crm.Field{Name: "RFMRecency", Type: crm.FieldInt, Doc: "the first of RFM"}, func(a *asked) (any, error) { s, ok := a.cell(); return only(ok, s.R), nil }},
	{crm.Field{Name: "RFMFrequency", Type: crm.FieldInt, Doc: "the second of RFM"}, func(a *asked) (any, error) { s, ok := a.cell(); return only(ok, s.F), nil }},
	{crm.Field{Name: "RFMMonetary", Type: crm.FieldInt, Doc: "the third of RFM"}, func(a *asked) (any, error) { s, ok := a.cell(); return only(ok, s.M), nil }},
	{crm.Field{Name: "Loyalty", Type: crm.FieldString, Max: 16, Doc: "prospect, new, active, waiting, passive, captive or gone"},
		func(a *asked) (any, error) { return a.loyalty() }},
	{crm.Field{Name: "LifeChange", Type: crm.FieldString, Doc: "category of which the customer began to buy more, for as long as that may be believed", Lines: true},
		func(a *asked) (any, error) { c, err := a.change(); return only(c.name != "", c.name), err }},
	{crm.Field{Name: "LifeChangeAt", Type: crm.FieldTime, Doc: "when that began", Lines: true},
		func(a *asked) (any, error) {
			c, err := a.change()
			return only(c.name != "", noon(c.day, a.s.Zone)), err
		}},
	{crm.Field{Name: "LifeChangeUntil", Type: crm.FieldTime, Doc: "until when it may be believed at the latest, if nothing more is seen of it", Lines: true},
		func(a *asked) (any, error) {
			c, err := a.change()
			return only(c.name != "", noon(c.until, a.s.Zone)), err
		}},
	{crm.Field{Name: "LifeChangeConfidence", Type: crm.FieldFloat, Doc: "that it is none by chance, 0 to 1", Lines: true},
		func(a *asked) (any, error) { c, err := a.change(); return only(c.name != "", c.confidence), err }},
	{crm.Field{Name: "FavouriteBrand", Type: crm.FieldString, Doc: "of which the customer spends most, older amounts counting less", Lines: true},
		func(a *asked) (any, error) { f, ok, err := a.favourite(brand); return only(ok, f.Brand), err }},
	{crm.Field{Name: "FavouriteBrandShare", Type: crm.FieldFloat, Doc: "its share of what is known to be spent on brands, 0 to 1", Lines: true},
		func(a *asked) (any, error) { f, ok, err := a.favourite(brand); return only(ok, f.Share), err }},
	{crm.Field{Name: "FavouriteCategory", Type: crm.FieldString, Doc: "of which the customer spends most, older amounts counting less", Lines: true},
		func(a *asked) (any, error) { f, ok, err := a.favourite(category); return only(ok, f.Brand), err }},
	{crm.Field{Name: "FavouriteCategoryShare", Type: crm.FieldFloat, Doc: "its share of what is known to be spent on categories, 0 to 1", Lines: true},
		func(a *asked) (any, error) { f, ok, err := a.favourite(category); return only(ok, f.Share), err }},
}

func brand(p *crm.Purchase) string    { return p.Brand }
func category(p *crm.Purchase) string { return p.Category }

// only returns v, or nil where it is not known.
func only[T any](known bool, v T) any {
	if !known {
		return nil
	}
	return v
}

// noon is the middle of a day where a customer is.
func noon(day int, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	return time.Date(1970, 1, 1+day, 12, 0, 0, 0, zone)
}

// asked is a customer whom the module is asked about.
type asked struct {
	m     *module
	model *model // nil before the first fit
	by    *forecasts
	at    time.Time
	s     *crm.FieldSubject
	summary
	history value.Purchases
	days    []int // of purchases; nil: not looked at yet
}

// fill is crm.Module.Fill.
func (m *module) fill(ctx context.Context, r crm.Reader, at time.Time, of []crm.FieldSubject, names []string) ([][]any, error) {
	fit, err := m.model(ctx, r, at)
	if err != nil {
		return nil, err
	}
	ask := make([]*field, len(names))
	for j, name := range names {
		i := slices.IndexFunc(m.fields, func(f field) bool { return f.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("worth: there is no field %q", name)
		}
		ask[j] = &m.fields[i]
	}
	a := asked{m: m, model: fit, at: at}
	if fit != nil {
		if a.by, _ = fit.forecasts.Get().(*forecasts); a.by == nil {
			return nil, fmt.Errorf("worth: the fit of %s has no forecast", fit.Day)
		}
		defer fit.forecasts.Put(a.by)
	}
	values := make([]any, len(of)*len(names))
	out := make([][]any, len(of))
	for i := range of {
		a.s, a.days = &of[i], a.days[:0]
		if a.summary = summarise(of[i].Purchases); a.summary.orders > 0 {
			a.history = a.purchases(max(of[i].Today, int(a.last)))
		}
		out[i] = values[i*len(names) : (i+1)*len(names)]
		for j, f := range ask {
			if out[i][j], err = f.of(&a); err != nil {
				return nil, fmt.Errorf("worth: %s of %s: %w", names[j], of[i].Home, err)
			}
		}
	}
	return out, nil
}

// modelled reports whether the models know the customer.
func (a *asked) modelled() bool { return a.model != nil && a.summary.orders > 0 }

// number is a value that is not known where it is no number.
func (a *asked) number(v float64, ok bool) (any, error) {
	return only(ok && !math.IsNaN(v) && !math.IsInf(v, 0), v), nil
}

// amount is a number of minor units.
func (a *asked) amount(v float64, ok bool) (any, error) {
	v = math.Round(v)
	return only(ok && math.Abs(v) < 1<<53, int64(v)), nil
}

func (a *asked) alive() (float64, bool) {
	if !a.modelled() {
		return 0, false
	}
	return a.model.Buying.Alive(a.history), true
}

func (a *asked) orders() (float64, bool) {
	if !a.modelled() {
		return 0, false
	}
	_, n := a.by.orders.Expect(a.history)
	return n, true
}

func (a *asked) interval() (i value.Interval, ok bool, err error) {
	if !a.modelled() {
		return i, false, nil
	}
	i, err = value.Predict(a.model.Buying, a.history, months*month, a.m.cfg.Level)
	return i, err == nil, err
}

// purchase returns what a purchase of the customer is expected to be worth, before costs.
func (a *asked) purchase() (float64, bool) {
	if !a.modelled() || a.model.SpendingFit.Customers == 0 {
		return 0, false
	}
	s, ok := a.spending()
	if !ok {
		return 0, false
	}
	v := a.model.Spending.Expect(s)
	return v, !math.IsInf(v, 0) && !math.IsNaN(v)
}

func (a *asked) worth() (float64, bool) {
	each, ok := a.purchase()
	if !ok {
		return 0, false
	}
	return a.by.worth.Worth(a.history, each), true
}

// bound returns a bound of what the customer is worth.
func (a *asked) bound(of func(value.Interval) float64) (any, error) {
	i, ok, err := a.worthBetween()
	if err != nil || !ok {
		return nil, err
	}
	return a.amount(of(i), true)
}

// worthBetween returns what the customer is worth, and with the numbers of purchases that are the bounds of what is expected:
// they are made when those expected are and are worth what those are.
func (a *asked) worthBetween() (out value.Interval, ok bool, err error) {
	each, ok := a.purchase()
	if !ok {
		return out, false, nil
	}
	i, ok, err := a.interval()
	if err != nil || !ok || i.Expected <= 0 {
		return out, false, err
	}
	_, discounted := a.by.worth.Expect(a.history)
	terms := a.m.terms
	out.Expected = a.by.worth.Worth(a.history, each)
	one := (discounted / i.Expected) * (each*(1-terms.Costs) - terms.PerPurchase)
	out.Low, out.High = out.Expected+(i.Low-i.Expected)*one, out.Expected+(i.High-i.Expected)*one
	return out, true, nil
}

// bought returns the days of purchases.
func (a *asked) bought() []int {
	if len(a.days) == 0 {
		for i := range a.s.Purchases {
			if p := &a.s.Purchases[i]; p.Sale() {
				a.days = append(a.days, p.Day)
			}
		}
	}
	return a.days
}

// next returns the day on which the next purchase is expected; it needs a gap of the customer's own or of all.
func (a *asked) next() (int, bool) {
	if a.summary.orders == 0 {
		return 0, false
	}
	own, n := float64(a.last-a.first), float64(a.repeats)
	if a.model != nil && a.model.Gap > 0 {
		p := a.model.lifecycle.Prior
		own, n = own+p.Gap*p.Weight, n+p.Weight
	}
	if n == 0 {
		return 0, false
	}
	return int(a.last) + int(math.Round(own/n)), true
}

func (a *asked) cell() (rfm.Score, bool) {
	if !a.modelled() || !a.priced || len(a.model.Cells.Recency) == 0 {
		return rfm.Score{}, false
	}
	return a.model.Cells.Score(rfm.Row{Recency: int64(max(0, a.s.Today-int(a.last))), Frequency: int64(a.summary.orders), Monetary: a.total}), true
}

func (a *asked) loyalty() (any, error) {
	def := a.m.cfg.Lifecycle
	if a.model != nil {
		def = a.model.lifecycle
	}
	held := a.m.cfg.LockedIn != nil && a.m.cfg.LockedIn(a.s)
	c := lifecycle.Customer{Purchases: a.bought(), Contacts: a.s.Contacts, Open: a.s.Reachable, LockedIn: held}
	if alive, ok := a.alive(); ok && def.Alive > 0 {
		c.Alive = &alive
	}
	why, err := def.State(c, a.s.Today)
	return string(why.State), err
}

// favourite returns what most is spent on, of what of names; it is not known where nothing is, or more came back.
func (a *asked) favourite(of func(*crm.Purchase) string) (basket.Affinity, bool, error) {
	spent := make([]basket.Spent, 0, len(a.s.Lines))
	for i := range a.s.Lines {
		p := &a.s.Lines[i]
		if name := of(p); name != "" && !p.Cancelled && p.Priced {
			spent = append(spent, basket.Spent{Brand: name, At: p.At, Amount: p.Amount})
		}
	}
	if len(spent) == 0 {
		return basket.Affinity{}, false, nil
	}
	all, err := basket.Affinities(spent, a.at, a.m.cfg.HalfLife)
	if err != nil || len(all) == 0 || all[0].Share == 0 {
		return basket.Affinity{}, false, err
	}
	return all[0], true, nil
}
