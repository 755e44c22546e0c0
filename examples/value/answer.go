package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm/basket"
	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/examples/internal/speak"
	"github.com/vefacrm/vefa/examples/internal/terminal"
)

// answer is everything that is known of a file.
type answer struct {
	Customers  int    `json:"customers"`
	Until      string `json:"until,omitempty"` // the last day
	Weeks      int    `json:"weeks"`           // looked ahead
	BGNBD      *model `json:"bgnbd,omitempty"`
	MBGNBD     *model `json:"mbgnbd,omitempty"`
	ParetoNBD  *model `json:"paretonbd,omitempty"`
	GGomNBD    *model `json:"ggomnbd,omitempty"`
	BGBB       *model `json:"bgbb,omitempty"`
	GammaGamma *model `json:"gammagamma,omitempty"`
	// Alive and Expected are sums over all customers by BG/NBD.
	Alive    float64         `json:"alive,omitempty"`
	Expected *value.Interval `json:"expected,omitempty"`
	// Worth is what all are going to bring, discounted, in the unit of the file.
	Worth float64    `json:"worth,omitempty"`
	Top   []customer `json:"top,omitempty"`

	Revenue    float64 `json:"revenue,omitempty"`
	RepeatRate float64 `json:"repeat_rate,omitempty"`
	// Cohorts have amounts in hundredths.
	Cohorts       []cohort.Cohort  `json:"cohorts,omitempty"`
	Retention     []retention      `json:"retention,omitempty"`
	Second        *second          `json:"second_purchase,omitempty"`
	Concentration *concentration   `json:"concentration,omitempty"`
	States        map[string]int   `json:"states,omitempty"`
	Loyal         *lifecycle.Share `json:"loyalty_rate,omitempty"`
	Pairs         []pair           `json:"pairs,omitempty"`
}

// model is a fitted one: its parameters by the papers' names and the logarithm of its likelihood.
type model map[string]any

// customer is one of the most valuable.
type customer struct {
	ID       string  `json:"customer"`
	Repeats  int     `json:"repeats"`
	Alive    float64 `json:"alive"`
	Expected float64 `json:"expected"`
	Worth    float64 `json:"worth"`
}

type retention struct {
	Month  string  `json:"month"`
	Active int     `json:"active_before"`
	Logo   float64 `json:"logo"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Net    float64 `json:"net"`
	Gross  float64 `json:"gross"`
}

type second struct {
	N      int                   `json:"n"`
	Within map[string][3]float64 `json:"within"` // days → share that bought again, with its interval
	Median *float64              `json:"median_days"`
}

type concentration struct {
	Top20 float64 `json:"top_20_percent"`
	For80 int     `json:"customers_for_80_percent"`
	Gini  float64 `json:"gini"`
}

type pair struct {
	A      string  `json:"a"`
	B      string  `json:"b"`
	Orders int     `json:"orders"`
	Lift   float64 `json:"lift"`
	Q      float64 `json:"q"`
}

// described returns a model as it is printed. What the data do not tell is named, and is no error.
func described(fit value.Fit, err error) (*model, error) {
	m := model{"loglik": fit.LogLikelihood, "customers": fit.Customers}
	errs := map[string]float64{}
	for _, p := range fit.Params {
		m[p.Name] = p.Value
		errs[p.Name] = p.StdErr
	}
	m["std_err"] = errs
	var bound *value.BoundaryError
	if errors.As(err, &bound) {
		m["boundary"], err = bound.Params, nil
	}
	return &m, err
}

// fit estimates all models that a summary has data for.
func fit(ctx context.Context, o options, in *summary) (*answer, error) {
	a := &answer{Customers: len(in.histories), Weeks: o.weeks}
	var err error
	if len(in.chances) > 0 {
		_, f, err := value.FitBGBB(ctx, maps.All(in.chances))
		if a.BGBB, err = described(f, err); err != nil {
			return nil, err
		}
		a.Customers += f.Customers
	}
	if len(in.histories) == 0 {
		return a, nil
	}
	s, err := value.Condense(slices.Values(in.histories))
	if err != nil {
		return nil, err
	}
	bg, f, err := value.FitBGNBD(ctx, s)
	if a.BGNBD, err = described(f, err); err != nil {
		return nil, err
	}
	expected, err := value.PredictAll(bg, f, s, float64(o.weeks), 0.9)
	if err != nil {
		return nil, err
	}
	a.Expected = &expected
	for _, p := range in.histories {
		a.Alive += bg.Alive(p)
	}
	_, f, err = value.FitMBGNBD(ctx, s)
	if a.MBGNBD, err = described(f, err); err != nil {
		return nil, err
	}
	_, f, err = value.FitParetoNBD(ctx, s)
	if a.ParetoNBD, err = described(f, err); err != nil {
		return nil, err
	}
	_, f, err = value.FitGGomNBD(ctx, s)
	if a.GGomNBD, err = described(f, err); err != nil {
		return nil, err
	}
	if len(in.spending) > 0 {
		_, f, err := value.FitGammaGamma(ctx, slices.Values(in.spending))
		if a.GammaGamma, err = described(f, err); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// definition is the version of what states of customers mean.
const definition = "examples/value 1"

// ask answers about sales.
func ask(ctx context.Context, o options, b *book) (*answer, error) {
	lines := make([]cohort.Sale, 0, len(b.sales))
	var items []basket.Line
	var revenue int64
	total := make([]int64, len(b.customers))
	for _, s := range b.sales {
		lines = append(lines, cohort.Sale{Customer: s.customer, Order: s.order, At: s.at.Unix(), Amount: s.amount})
		items = append(items, basket.Line{Basket: s.order, Item: s.category})
		revenue += s.amount
		total[s.customer] += s.amount
	}
	in := &summary{}
	var ids []string
	var means []float64
	def := lifecycle.Definition{Version: definition}
	var states []lifecycle.Why
	count := map[string]int{}
	for _, x := range b.people() {
		p := x.history()
		in.histories = append(in.histories, p)
		var again int64
		for _, v := range x.sums[1:] {
			again += v
		}
		mean := 0.0
		if p.Repeats > 0 {
			mean = float64(again) / float64(p.Repeats) / 100
			if mean > 0 {
				in.spending = append(in.spending, value.Spending{Purchases: p.Repeats, Mean: mean})
			}
		}
		ids, means = append(ids, x.id), append(means, mean)
		w, err := def.State(lifecycle.Customer{Purchases: x.days}, 0)
		if err != nil {
			return nil, err
		}
		states = append(states, w)
		count[string(w.State)]++
	}
	a, err := fit(ctx, o, in)
	if err != nil {
		return nil, err
	}
	a.Until, a.States, a.Revenue = b.until.Format(time.DateOnly), count, float64(revenue)/100
	rate, err := lifecycle.Rate(states, 0)
	if err != nil {
		return nil, err
	}
	a.Loyal = &rate
	if err := a.worth(ctx, o, in, ids, means); err != nil {
		return nil, err
	}
	until := cohort.Options{Zone: o.zone, Until: tomorrow(b.until)}
	if err := a.returning(lines, until); err != nil {
		return nil, err
	}
	spent := slices.DeleteFunc(slices.Clone(total), func(v int64) bool { return v == 0 })
	if c, err := cohort.Concentrate(spent); err == nil { // else more came back than was bought
		_, share := c.Top(0.2)
		a.Concentration = &concentration{share, c.For(0.8), c.Gini()}
	}
	if len(b.categories) > 1 {
		baskets, err := basket.New(slices.Values(items))
		if err != nil {
			return nil, err
		}
		rules, err := baskets.Pairs(basket.Options{Least: 5, FalseShare: 0.05, Lift: 1})
		if err != nil {
			return nil, err
		}
		for _, r := range rules[:min(len(rules), max(o.top, 0))] {
			a.Pairs = append(a.Pairs, pair{b.categories[r.A], b.categories[r.B], r.NAB, r.Lift(), r.Q})
		}
	}
	return a, nil
}

// worth values each customer: purchases by BG/NBD, what one is worth by Gamma-Gamma where customers
// bought again, else by their own mean.
func (a *answer) worth(ctx context.Context, o options, in *summary, ids []string, means []float64) error {
	s, err := value.Condense(slices.Values(in.histories))
	if err != nil {
		return err
	}
	m, _, err := value.FitBGNBD(ctx, s)
	if bound := (*value.BoundaryError)(nil); err != nil && !errors.As(err, &bound) {
		return err
	}
	if len(in.spending) == 0 {
		return nil // no repeated purchase has a value
	}
	gg, _, err := value.FitGammaGamma(ctx, slices.Values(in.spending))
	if bound := (*value.BoundaryError)(nil); err != nil && !errors.As(err, &bound) {
		return err
	}
	f, err := value.NewForecast(m, value.Terms{Periods: o.weeks, Length: 1, Discount: math.Pow(1+o.discount, 1./52) - 1, Costs: 1 - o.margin})
	if err != nil {
		return err
	}
	for i, p := range in.histories {
		var known value.Spending
		if p.Repeats > 0 && means[i] > 0 {
			known = value.Spending{Purchases: p.Repeats, Mean: means[i]}
		}
		each := gg.Expect(known)
		if math.IsInf(each, 0) { // the model has no mean for a new customer: that of all
			each = 0
			for _, x := range in.spending {
				each += x.Mean / float64(len(in.spending))
			}
		}
		c := customer{ID: ids[i], Repeats: p.Repeats, Alive: m.Alive(p), Expected: m.ExpectAfter(p, float64(o.weeks)), Worth: f.Worth(p, each)}
		a.Worth += c.Worth
		a.Top = append(a.Top, c)
	}
	slices.SortFunc(a.Top, func(x, y customer) int { return cmp.Or(cmp.Compare(y.Worth, x.Worth), cmp.Compare(x.ID, y.ID)) })
	a.Top = a.Top[:min(len(a.Top), o.top)]
	return nil
}

// returning fills in who comes back.
func (a *answer) returning(lines []cohort.Sale, o cohort.Options) error {
	table, err := cohort.New(lines, o)
	if err != nil {
		return err
	}
	// Months without a new customer are left out: of many years they would be most of it.
	a.Cohorts = slices.DeleteFunc(table.Cohorts, func(c cohort.Cohort) bool { return c.Size == 0 })
	a.RepeatRate = float64(table.Repeat) / float64(table.Customers)
	for _, f := range table.Flow {
		logo, low, high := f.Logo()
		a.Retention = append(a.Retention, retention{f.Begin.Format("2006-01"), f.Active, logo, low, high, f.Net(), f.Gross()})
	}
	spans, err := cohort.Second(lines, o)
	if err != nil {
		return err
	}
	curve, err := cohort.Survive(spans, 0.95)
	if err != nil {
		return err
	}
	a.Second = &second{N: curve.N, Within: map[string][3]float64{}}
	for _, d := range []int{30, 60, 90, 180, 365} {
		if s, low, high := curve.At(float64(d)); !math.IsNaN(s) {
			a.Second.Within[fmt.Sprint(d)] = [3]float64{1 - s, 1 - high, 1 - low}
		}
	}
	if m, ok := curve.Median(); ok {
		a.Second.Median = &m
	}
	return nil
}

// print writes the answer for a person.
func (a *answer) print(out io.Writer, l *speak.Locale) error {
	width := terminal.Width(out)
	var failed error
	say := func(text string) {
		if failed == nil {
			_, failed = fmt.Fprintln(out, text)
		}
	}
	write := func(t *terminal.Table) {
		if failed == nil {
			failed = t.Write(out, width)
		}
	}
	whole := func(v float64) string { return l.Decimal(v, 0) }
	percent := func(v float64) string { return l.Percent(v, 0) }
	head := l.Say("say.customers", a.Customers)
	if until, err := time.Parse(time.DateOnly, a.Until); err == nil {
		head = l.Say("say.until", head, l.Date(until))
	}
	say(head)
	if a.Expected != nil {
		say(l.Say("say.ahead", int(math.Round(a.Alive)), whole(a.Expected.Expected), l.Int(a.Weeks), whole(a.Expected.Low), whole(a.Expected.High)))
	}
	if a.Worth != 0 {
		say(l.Say("say.worth", whole(a.Worth)))
	}
	models := &terminal.Table{Right: map[int]bool{1: true}}
	for _, m := range []struct {
		name string
		m    *model
	}{{"BG/NBD", a.BGNBD}, {"MBG/NBD", a.MBGNBD}, {"Pareto/NBD", a.ParetoNBD}, {"GGom/NBD", a.GGomNBD}, {"BG/BB", a.BGBB}, {"Gamma-Gamma", a.GammaGamma}} {
		if m.m == nil {
			continue
		}
		line := ""
		for _, k := range slices.Sorted(maps.Keys((*m.m)["std_err"].(map[string]float64))) {
			line += fmt.Sprintf("%s %.4g  ", k, (*m.m)[k])
		}
		if bound, ok := (*m.m)["boundary"].([]string); ok {
			line += l.Say("say.boundary", strings.Join(bound, ", "))
		}
		models.Row(m.name, fmt.Sprintf("%.2f", (*m.m)["loglik"]), line)
	}
	say("\n" + l.Say("say.models"))
	write(models)
	if len(a.Top) > 0 {
		say("\n" + l.Say("say.best"))
		t := &terminal.Table{Right: map[int]bool{1: true, 2: true, 3: true, 4: true}}
		t.Row(l.Say("col.customer"), l.Say("col.repeats"), l.Say("col.alive"), l.Say("col.expected"), l.Say("col.worth"))
		for _, c := range a.Top {
			t.Row(c.ID, l.Int(int(c.Repeats)), percent(c.Alive), l.Decimal(c.Expected, 1), whole(c.Worth))
		}
		write(t)
	}
	if a.Loyal != nil {
		var states []string
		for _, s := range lifecycle.States() {
			if n := a.States[string(s)]; n > 0 {
				states = append(states, l.Say("say.state", l.Name("worth.state", string(s)), l.Int(n)))
			}
		}
		say("\n" + l.Say("say.states", strings.Join(states, ", ")))
		say(l.Say("say.active", percent(a.Loyal.Share), percent(a.Loyal.Low), percent(a.Loyal.High)))
		say(l.Say("say.repeat", percent(a.RepeatRate)))
	}
	if a.Second != nil {
		for _, d := range []string{"30", "90", "365"} {
			if w, ok := a.Second.Within[d]; ok {
				say(l.Say("say.within", percent(w[0]), d, percent(w[1]), percent(w[2])))
			}
		}
	}
	if c := a.Concentration; c != nil {
		say(l.Say("say.few", percent(c.Top20), whole(a.Revenue), l.Decimal(c.Gini, 3)))
	}
	for _, p := range a.Pairs {
		say(l.Say("say.pair", p.A, p.B, fmt.Sprint(p.Orders), l.Decimal(p.Lift, 1)))
	}
	return failed
}
