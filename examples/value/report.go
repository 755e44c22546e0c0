package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/vefacrm/vefa/crm/basket"
	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/crm/cube"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/report"
	"github.com/vefacrm/vefa/crm/value"
	"github.com/vefacrm/vefa/crm/warning"
	"github.com/vefacrm/vefa/examples/internal/output"
	"github.com/vefacrm/vefa/examples/internal/speak"
)

// level is that of the intervals of what is to come.
const level = 0.9

//go:embed languages/*.json
var languages embed.FS

// paper writes the page of -report.
type paper struct {
	o     options
	l     *speak.Locale
	b     *book
	a     *answer
	lines []cohort.Sale
	until cohort.Options
	money report.Money
	first time.Time // the day of the first sale
}

func (p *paper) say(key string) string { return p.l.Say(key) }

// month writes a month, such as Jan 2026.
func (p *paper) month(t time.Time) string {
	return string([]rune(p.l.Months[t.Month()-1])[:3]) + " " + strconv.Itoa(t.Year())
}

// writeReport writes the page to -report, all of it or nothing.
func writeReport(ctx context.Context, o options, b *book, a *answer) error {
	l, err := speak.In("lang", o.lang, languages)
	if err != nil {
		return err
	}
	p := &paper{o: o, l: l, b: b, a: a, money: report.Money{Currency: o.currency, Digits: 2}, until: cohort.Options{Zone: o.zone, Until: tomorrow(b.until)}}
	p.first = b.sales[0].at
	for _, s := range b.sales {
		p.lines = append(p.lines, cohort.Sale{Customer: s.customer, Order: s.order, At: s.at.Unix(), Amount: s.amount})
		if s.at.Before(p.first) {
			p.first = s.at
		}
	}
	p.first = dayOf(p.first)
	from := cmp.Or(o.in, p.say("shop"))
	page := report.Page{Title: p.say("title"), Locale: o.lang, Lead: l.Say("lead", from, l.Date(b.until)), Footer: p.say("footer")}
	for _, s := range []struct {
		key  string
		draw func(context.Context) ([]report.Picture, error)
	}{{"worth", p.worth}, {"return", p.returning}, {"sold", p.sold}, {"look", p.watched}, {"model", p.held}} {
		pictures, err := s.draw(ctx)
		if err != nil {
			return fmt.Errorf("page, %s: %w", s.key, err)
		}
		page.Sections = append(page.Sections, report.Section{Title: p.say(s.key), Pictures: pictures})
	}
	return output.Write(o.report, output.Private, func(w io.Writer) error { return page.Write(w) })
}

// known returns an error but for a parameter that the data do not tell, with which a model is usable.
func known(err error) error {
	if bound := (*value.BoundaryError)(nil); errors.As(err, &bound) {
		return nil
	}
	return err
}

// worth is what customers are worth together, the most valuable ones, and how few they are.
func (p *paper) worth(ctx context.Context) ([]report.Picture, error) {
	people := p.b.people()
	var histories []value.Purchases
	byID := map[string]value.Purchases{}
	var n, sum, squares float64 // of what repeated purchases were worth
	for _, x := range people {
		histories = append(histories, x.history())
		byID[x.id] = x.history()
		for _, v := range x.sums[1:] {
			n, sum, squares = n+1, sum+float64(v), squares+float64(v)*float64(v)
		}
	}
	s, err := value.Condense(slices.Values(histories))
	if err != nil {
		return nil, err
	}
	bg, _, err := value.FitBGNBD(ctx, s)
	if err = known(err); err != nil {
		return nil, err
	}
	mbg, fit, err := value.FitMBGNBD(ctx, s)
	if err = known(err); err != nil {
		return nil, err
	}
	total, err := cohort.New(p.lines, p.until)
	if err != nil {
		return nil, err
	}
	w := report.Worth{Customers: p.a.Customers, Orders: total.Orders, Revenue: int64(math.Round(p.a.Revenue * 100)), Until: p.b.until, Weeks: p.o.weeks, Level: level,
		Alive: alive(mbg, fit, s), Purchases: *p.a.Expected, Repeat: total.Repeat, Active: p.a.States[string(lifecycle.Active)], Model: p.say("model.name")}
	// The sum of N purchases that are worth X each, independent of N as in Gamma-Gamma, has the variance
	// E[N]·Var[X] + Var[N]·E[X]²; that of the mean of X, known from n of them, comes to it.
	all := 100 * p.a.Worth
	w.Value = value.Interval{Expected: all, Low: all, High: all}
	if e := w.Purchases.Expected; e > 0 && n > 1 && sum > 0 {
		mean := sum / n
		cv := max(0, squares/n-mean*mean) / (mean * mean)
		deviation := (w.Purchases.High - w.Purchases.Low) / 2 / quantile
		half := quantile * all * math.Sqrt(deviation*deviation/(e*e)+cv/e+cv/n)
		w.Value.Low, w.Value.High = max(0, all-half), all+half
	}
	var top []report.Customer
	for _, c := range p.a.Top {
		expected, err := value.Predict(bg, byID[c.ID], float64(p.o.weeks), level)
		if err != nil {
			return nil, err
		}
		top = append(top, report.Customer{Name: c.ID, Repeats: c.Repeats, Alive: mbg.Alive(byID[c.ID]), Expected: expected, Worth: int64(math.Round(100 * c.Worth))})
	}
	var spent []int64
	for _, x := range people {
		var v int64
		for _, s := range x.sums {
			v += s
		}
		if v != 0 {
			spent = append(spent, v)
		}
	}
	shares, err := cohort.Concentrate(spent)
	if err != nil { // more came back than was bought
		shares = nil
	}
	return []report.Picture{report.Summary("", w, p.money), report.Customers("", top, level, p.money), report.Lorenz("", shares, p.money)}, nil
}

// quantile cuts off a twentieth of a normal distribution at either end: level.
const quantile = 1.6448536269514722

// alive returns how many customers still buy: the chance of each, and the uncertainty of the parameters by the slope
// of the sum along their logarithms.
func alive(m value.MBGNBD, fit value.Fit, s *value.Sample) value.Interval {
	at := func(m value.MBGNBD) (sum, chance float64) {
		for h, n := range s.All() {
			v := m.Alive(h)
			sum, chance = sum+float64(n)*v, chance+float64(n)*v*(1-v)
		}
		return sum, chance
	}
	sum, variance := at(m)
	const h = 1e-4
	slope := make([]float64, len(fit.Params))
	for i := range slope {
		up, down := m, m
		for _, x := range []struct {
			m *value.MBGNBD
			f float64
		}{{&up, math.Exp(h)}, {&down, math.Exp(-h)}} {
			switch i {
			case 0:
				x.m.R *= x.f
			case 1:
				x.m.Alpha *= x.f
			case 2:
				x.m.A *= x.f
			case 3:
				x.m.B *= x.f
			}
		}
		a, _ := at(up)
		b, _ := at(down)
		slope[i] = (a - b) / (2 * h)
	}
	for i := range slope {
		for j := range slope {
			variance += slope[i] * slope[j] * fit.Covariance[i][j]
		}
	}
	half := quantile * math.Sqrt(max(0, variance))
	return value.Interval{Expected: sum, Low: max(0, sum-half), High: min(float64(s.Customers()), sum+half)}
}

// returning is who comes back, when, and who changed in the last half year.
func (p *paper) returning(context.Context) ([]report.Picture, error) {
	table, err := cohort.New(p.lines, p.until)
	if err != nil {
		return nil, err
	}
	spans, err := cohort.Second(p.lines, p.until)
	if err != nil {
		return nil, err
	}
	curve, err := cohort.Survive(spans, 0.95)
	if err != nil {
		return nil, err
	}
	back := min(182, days(p.first, p.b.until)/2)
	def := lifecycle.Definition{Version: definition}
	var was, is []lifecycle.Why
	for _, x := range p.b.people() {
		for _, y := range []struct {
			at int
			to *[]lifecycle.Why
		}{{-back, &was}, {0, &is}} {
			w, err := def.State(lifecycle.Customer{Purchases: x.days}, y.at)
			if err != nil {
				return nil, err
			}
			*y.to = append(*y.to, w)
		}
	}
	moves, err := lifecycle.Moves(was, is)
	if err != nil {
		return nil, err
	}
	dates := [2]string{p.l.Date(p.b.until.AddDate(0, 0, -back)), p.l.Date(p.b.until)}
	return []report.Picture{report.Cohorts("", table), report.Survival("", curve), report.Flows("", dates, moves)}, nil
}

// series is revenue by period, of all and of each category; the period that is not over is left out.
type series struct {
	begins []time.Time
	name   func(time.Time) string // of the period that begins then
	year   int                    // how many periods a year has
	all    []float64
	by     [][]float64 // of each category
}

// series cuts the sales into months, or into weeks where there are few months.
func (p *paper) series() series {
	s := series{name: p.month, year: 12}
	next := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, p.o.zone) }
	begin := time.Date(p.first.Year(), p.first.Month(), 1, 0, 0, 0, 0, p.o.zone)
	if p.first.Day() > 1 {
		begin = next(begin) // the first one is not whole
	}
	if days(p.first, p.b.until) < 20*31 {
		s.name, s.year = p.l.Date, 52
		next = func(t time.Time) time.Time { return t.AddDate(0, 0, 7) }
		begin = p.first
	}
	for end := next(begin); !end.After(p.until.Until); begin, end = end, next(end) {
		s.begins = append(s.begins, begin)
	}
	n := len(s.begins)
	s.all, s.by = make([]float64, n), make([][]float64, len(p.b.categories))
	for i := range s.by {
		s.by[i] = make([]float64, n)
	}
	for _, x := range p.b.sales {
		i, there := slices.BinarySearchFunc(s.begins, x.at, func(b, at time.Time) int { return b.Compare(at) })
		if !there {
			i--
		}
		if i < 0 || i >= n || i == n-1 && !x.at.Before(next(s.begins[i])) {
			continue
		}
		s.all[i] += float64(x.amount)
		s.by[x.category][i] += float64(x.amount)
	}
	for _, v := range append(s.by, s.all) {
		for i := range v {
			v[i] = max(0, v[i]) // more came back than was sold
		}
	}
	return s
}

// sold is what is to come, what the latest change is made of, and what is bought together.
func (p *paper) sold(context.Context) ([]report.Picture, error) {
	s := p.series()
	ahead, season := 6, 0
	if s.year == 52 {
		ahead = 12
	}
	if len(s.all) >= 4*s.year {
		season = s.year
	}
	var past []report.Period
	for i, v := range s.all {
		past = append(past, report.Period{Name: s.name(s.begins[i]), Value: v})
	}
	var names []string
	var bands []report.Band
	var accuracy warning.Accuracy
	if len(s.all) > 0 {
		at := s.begins[len(s.begins)-1]
		for range ahead {
			if at = at.AddDate(0, 1, 0); s.year == 52 {
				at = at.AddDate(0, -1, 7)
			}
			names = append(names, s.name(at))
		}
	}
	for _, l := range []float64{0.5, 0.8, 0.95} {
		points, acc, err := warning.Forecast(s.all, season, ahead, l)
		if errors.Is(err, warning.ErrData) { // too short
			break
		}
		if err != nil {
			return nil, err
		}
		bands, accuracy = append(bands, report.Band{Level: l, Points: points}), acc
	}
	fall, err := p.change()
	if err != nil {
		return nil, err
	}
	out := []report.Picture{report.Forecast("", past, names, bands, accuracy, p.money), fall}
	if len(p.b.categories) > 1 {
		var items []basket.Line
		for _, x := range p.b.sales {
			items = append(items, basket.Line{Basket: x.order, Item: x.category})
		}
		baskets, err := basket.New(slices.Values(items))
		if err != nil {
			return nil, err
		}
		rules, err := baskets.Pairs(basket.Options{Least: 5, FalseShare: 0.05, Lift: 1})
		if err != nil {
			return nil, err
		}
		out = append(out, report.Pairs("", rules, func(i uint32) string { return p.b.categories[i] }))
	}
	return out, nil
}

// change takes the latest period apart, beside the one before: years where two are known, else half years, quarters,
// months, or both halves of what is known.
func (p *paper) change() (report.Picture, error) {
	end := p.until.Until
	middle := p.first.AddDate(0, 0, days(p.first, end)/2)
	for _, months := range []int{12, 6, 3, 1} {
		if !end.AddDate(0, -2*months, 0).Before(p.first) {
			middle = end.AddDate(0, -months, 0)
			break
		}
	}
	start := middle.AddDate(0, 0, -days(middle, end))
	if months := (end.Year()-middle.Year())*12 + int(end.Month()-middle.Month()); months > 0 && middle.AddDate(0, months, 0).Equal(end) {
		start = middle.AddDate(0, -months, 0)
	}
	begun := make([]time.Time, len(p.b.customers))
	for _, s := range p.b.sales {
		if b := begun[s.customer]; b.IsZero() || s.at.Before(b) {
			begun[s.customer] = s.at
		}
	}
	levels := []string{"customers"}
	if len(p.b.categories) > 1 {
		levels = append(levels, "category")
	}
	sold := [2]map[string]*cube.Sold{{}, {}}
	sums := [2]report.Sum{{Name: p.span(start, middle)}, {Name: p.span(middle, end)}}
	for _, s := range p.b.sales {
		side, from := 0, start
		if !s.at.Before(middle) {
			side, from = 1, middle
		}
		if s.at.Before(start) {
			continue
		}
		key := []string{p.say("returning")}
		if !begun[s.customer].Before(from) {
			key[0] = p.say("new")
		}
		if len(levels) > 1 {
			key = append(key, p.b.categories[s.category])
		}
		id := fmt.Sprint(key[0] == p.say("new"), s.category)
		x := sold[side][id]
		if x == nil {
			x = &cube.Sold{Key: key}
			if len(levels) == 1 {
				x.Key = key[:1]
			}
			sold[side][id] = x
		}
		x.Pieces++
		x.Amount += s.amount
		sums[side].Pieces++
		sums[side].Amount += s.amount
	}
	var sides [2][]cube.Sold
	for i, m := range sold {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			sides[i] = append(sides[i], *m[k])
		}
	}
	parts, err := cube.Decompose(levels, sides[0], sides[1])
	if err != nil {
		return report.Picture{}, err
	}
	return report.Waterfall("", sums[0], sums[1], parts, p.say, p.money), nil
}

// span writes a period from a day to before another.
func (p *paper) span(from, to time.Time) string {
	return p.l.Date(from) + " – " + p.l.Date(to.AddDate(0, 0, -1))
}

// watched is which category fell behind, and when; of all that is sold first.
func (p *paper) watched(context.Context) ([]report.Picture, error) {
	s := p.series()
	learn := s.year
	if s.year == 52 {
		learn = min(52, max(8, len(s.all)/2))
	}
	m, err := warning.NewMonitor(warning.Options{Year: s.year, Learn: learn, Fall: 0.2})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, b := range s.begins {
		names = append(names, s.name(b))
	}
	all, err := m.Trace(s.all, nil)
	if err != nil {
		return nil, err
	}
	charts := []report.Control{report.ControlOf(p.say("all"), all)}
	if len(p.b.categories) > 1 {
		for i, v := range s.by {
			t, err := m.Trace(v, nil)
			if err != nil {
				return nil, err
			}
			charts = append(charts, report.ControlOf(p.b.categories[i], t))
		}
	}
	return []report.Picture{report.Controls("", names, charts)}, nil
}

// held is how a model that knew two thirds of the time did in the rest.
func (p *paper) held(ctx context.Context) ([]report.Picture, error) {
	span := days(p.first, p.b.until)
	cut := -span / 3 // the last day that the model knows
	var histories []value.Purchases
	var all []value.Observed
	var begins []float64
	weeks := span/7 + 1
	actual := make([]float64, weeks+1)
	for _, x := range p.b.people() {
		begins = append(begins, float64(x.days[0]+span)/7)
		for _, d := range x.days[1:] {
			actual[(d+span)/7]++
		}
		if x.days[0] > cut {
			continue
		}
		o := value.Observed{Purchases: value.Purchases{Age: float64(cut-x.days[0]) / 7}}
		for _, d := range x.days[1:] {
			if d > cut {
				o.After++
				continue
			}
			o.Repeats, o.Last = o.Repeats+1, float64(d-x.days[0])/7
		}
		histories, all = append(histories, o.Purchases), append(all, o)
	}
	if len(all) < 50 || span < 90 {
		return []report.Picture{report.Calibration("", nil), report.Tracking("", nil, 0)}, nil
	}
	s, err := value.Condense(slices.Values(histories))
	if err != nil {
		return nil, err
	}
	m, _, err := value.FitBGNBD(ctx, s)
	if err = known(err); err != nil {
		return nil, err
	}
	groups, err := value.Calibrate(m, slices.Values(all), float64(-cut)/7, 7)
	if err != nil {
		return nil, err
	}
	var at []float64
	var points []report.Tracked
	sum, fitted := 0.0, 0
	for w := range weeks {
		sum += actual[w]
		if (w+1)%4 != 0 && w != weeks-1 {
			continue
		}
		end := min((w+1)*7, span+1)
		at = append(at, float64(end)/7)
		points = append(points, report.Tracked{Name: p.l.Date(p.first.AddDate(0, 0, end-1)), Actual: sum})
		if end-1 <= span+cut {
			fitted = len(points)
		}
	}
	for i, v := range value.Track(m, slices.Values(begins), at...) {
		points[i].Expected = v
	}
	return []report.Picture{report.Calibration("", groups), report.Tracking("", points, fitted)}, nil
}
