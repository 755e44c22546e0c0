package main

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/cohort"
	"github.com/vefacrm/vefa/crm/lifecycle"
	"github.com/vefacrm/vefa/crm/report"
	"github.com/vefacrm/vefa/crm/warning"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/rollup"
)

// tile is a figure of the first screen: what it is, how much, of what, and beside the weeks
// before.
type tile struct{ Label, Value, Note, Before string }

// lateness is when customers count as lost. Its version stands in the report, because figures
// of two definitions are not compared.
const (
	latenessVersion = "night-1"
	fewestWeeks     = 26 // of sales before the evenings shown, for an alarm about a shop
)

// span is the time that the report is about, and as many days before.
type span struct {
	before, from, until time.Time
	days                int
}

// spanOf is the span of evenings by their dates; false without any.
func (l speaker) spanOf(dates []string) (span, bool) {
	if len(dates) == 0 {
		return span{}, false
	}
	from, err := time.ParseInLocation(time.DateOnly, dates[0], l.home)
	if err != nil {
		return span{}, false
	}
	n := len(dates)
	return span{from.AddDate(0, 0, -n), from, from.AddDate(0, 0, n), n}, true
}

// beside compares a figure with that of as many days before; nothing where there was none.
func (l speaker) beside(p span, now, was float64) string {
	if !(was > 0) {
		return l.Say("beside.none", p.days)
	}
	change := now/was - 1
	if change < 0 {
		return l.Say("beside.fell", p.days, l.percent(-change))
	}
	return l.Say("beside.rose", p.days, l.percent(change))
}

// turnover is what was bought in the span, returns taken off, in the currency that most is
// bought in, beside the days before.
func (l speaker) turnover(g *gathered, p span) tile {
	out := tile{Label: l.Say("tile.sales"), Value: "–", Note: l.Say("tile.sales.none")}
	now, was, orders := map[string]int64{}, map[string]int64{}, map[string]int{}
	for _, s := range g.sales {
		switch {
		case s.at.Before(p.before), !s.at.Before(p.until):
		case s.at.Before(p.from):
			was[s.amount.Currency] += s.amount.Amount
		default:
			now[s.amount.Currency] += s.amount.Amount
			if !s.back {
				orders[s.amount.Currency]++
			}
		}
	}
	best := most(orders)
	if best == "" {
		return out
	}
	out.Value, out.Note = l.whole(crm.Money{Amount: now[best], Currency: best}), l.Say("tile.sales.net", orders[best])
	out.Before = l.beside(p, float64(now[best]), float64(was[best]))
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// most is the key of the greatest number, the first by name of several.
func most(m map[string]int) string {
	best := ""
	for k, n := range m {
		if best == "" || n > m[best] || n == m[best] && k < best {
			best = k
		}
	}
	return best
}

// whole writes an amount without what is less than a unit.
func (l speaker) whole(m crm.Money) string {
	n := crm.Decimals(m.Currency)
	return l.Money(int64(math.Round(float64(m.Amount)/math.Pow10(n))), 0, m.Currency)
}

// brought is what campaigns brought and cost together. The intervals of several are added end
// to end: that of the sum is no wider, whether or not they wrote to the same people.
func (l speaker) brought(campaigns []vefa.CampaignResult) tile {
	out := tile{Label: l.Say("tile.brought"), Value: "–", Note: l.Say("tile.brought.none")}
	var extra, low, high, cost crm.Money
	n, confidence := 0, 0.0
	for _, c := range campaigns {
		m := c.Revenue
		if !m.Measured || n > 0 && m.Extra.Currency != extra.Currency {
			continue
		}
		n, confidence = n+1, c.Report.Confidence
		for _, x := range []struct{ sum, add *crm.Money }{{&extra, &m.Extra}, {&low, &m.Low}, {&high, &m.High}, {&cost, &m.Cost}} {
			*x.sum = crm.Money{Amount: x.sum.Amount + x.add.Amount, Currency: m.Extra.Currency}
		}
	}
	if n == 0 {
		return out
	}
	out.Value = l.whole(extra)
	out.Note = l.Say("tile.brought.note", n, l.whole(low), l.whole(high), l.Percent(confidence, 0), l.whole(cost))
	key := "tile.brought.sure"
	switch {
	case low.Amount <= 0 && high.Amount >= 0:
		key = "tile.brought.doubt"
	case high.Amount < 0:
		key = "tile.brought.less"
	}
	out.Before = l.Say(key)
	return out
}

// customer is what the states of a customer are told from.
type customer struct {
	days []int // of purchases, counted from 1970
	open bool  // one of its addresses may be written to
}

// gained counts who bought for the first time in the span, and in the days before.
func (l speaker) gained(g *gathered, p span) tile {
	first, buyers := map[crm.CustomerID]time.Time{}, map[crm.CustomerID]bool{}
	for _, s := range g.sales {
		if s.back || !s.at.Before(p.until) {
			continue
		}
		if at, known := first[s.who]; !known || s.at.Before(at) {
			first[s.who] = s.at
		}
		if !s.at.Before(p.from) {
			buyers[s.who] = true
		}
	}
	now, was := 0, 0
	for _, at := range first {
		switch {
		case !at.Before(p.from):
			now++
		case !at.Before(p.before):
			was++
		}
	}
	return tile{l.Say("tile.gained"), l.Int(now), l.Say("tile.gained.note", len(buyers)), l.beside(p, float64(now), float64(was))}
}

// turns are how many customers were lost and won back between two days, and of how many.
type turns struct{ lost, present, back, away int }

// states are where customers were at the beginning of the days before, of the span, and at its
// end, by one definition.
type states struct {
	gap             float64 // between two purchases of all customers, in days
	who             []crm.CustomerID
	at              [3][]lifecycle.Why // of who
	earlier, lately turns
}

// lifecycle asks the definition about every customer who ever bought.
func (g *gathered) lifecycle(p span) (states, error) {
	day := func(t time.Time) int {
		y, m, d := t.In(g.home).Date()
		return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	}
	all := map[crm.CustomerID]*customer{}
	for _, s := range g.sales {
		if s.back {
			continue
		}
		if all[s.who] == nil {
			all[s.who] = &customer{open: g.open[s.who]}
		}
		all[s.who].days = append(all[s.who].days, day(s.at))
	}
	out := states{}
	sum, gaps := 0, 0
	for _, c := range all {
		slices.Sort(c.days)
		c.days = slices.Compact(c.days)
		if n := len(c.days); n > 1 {
			sum, gaps = sum+c.days[n-1]-c.days[0], gaps+n-1
		}
	}
	def := lifecycle.Definition{Version: latenessVersion}
	if gaps > 0 {
		out.gap = float64(sum) / float64(gaps)
		def.Prior = lifecycle.Prior{Gap: out.gap, Weight: 1}
	}
	days := [3]int{day(p.before) - 1, day(p.from) - 1, day(p.until) - 1}
	out.who = slices.Sorted(maps.Keys(all))
	for _, who := range out.who {
		c := all[who]
		for i, d := range days {
			why, err := def.State(lifecycle.Customer{Purchases: c.days, Open: c.open}, d)
			if err != nil {
				return out, err
			}
			out.at[i] = append(out.at[i], why)
		}
	}
	out.earlier, out.lately = turned(out.at[0], out.at[1]), turned(out.at[1], out.at[2])
	return out, nil
}

// away reports a state in which a purchase is overdue.
func away(s lifecycle.State) bool {
	return s == lifecycle.Passive || s == lifecycle.Captive || s == lifecycle.Gone
}

// turned counts who went away between two days and who came back.
func turned(was, is []lifecycle.Why) (n turns) {
	for i, why := range was {
		switch before, now := why.State, is[i].State; {
		case before == lifecycle.Prospect:
		case away(before):
			n.away++
			if !away(now) {
				n.back++
			}
		default:
			n.present++
			if away(now) {
				n.lost++
			}
		}
	}
	return n
}

// complaint is an open matter as its list shows it.
type complaint struct{ Title, Place, Since, Age, Who string }

const oldestShown = 5

// complaints are the open matters: how many, how old, and the oldest of them.
func (l speaker) complaints(g *gathered, p span) (tile, []complaint) {
	var open []*crm.Fact
	was := 0
	for _, f := range g.tickets {
		d := f.Data.(*crm.Ticket)
		if d.Unsolved() {
			open = append(open, f)
		}
		if d.Opened.Before(p.from) && (d.Solved.IsZero() || !d.Solved.Before(p.from)) {
			was++
		}
	}
	out := tile{Label: l.Say("tile.complaints"), Value: l.Int(len(open)), Note: l.Say("tile.complaints.none"), Before: l.Say("tile.complaints.was", was)}
	if len(open) == 0 {
		return out, nil
	}
	opened := func(f *crm.Fact) time.Time { return f.Data.(*crm.Ticket).Opened }
	slices.SortFunc(open, func(a, b *crm.Fact) int {
		return cmp.Or(opened(a).Compare(opened(b)), cmp.Compare(a.Key.Source, b.Key.Source), cmp.Compare(a.Key.ID, b.Key.ID))
	})
	age := func(f *crm.Fact) int { return max(0, int(p.until.Sub(opened(f)).Hours()/24)) }
	out.Note = l.Say("tile.complaints.note", age(open[0]), age(open[len(open)/2]))
	var list []complaint
	for _, f := range open[:min(len(open), oldestShown)] {
		d := f.Data.(*crm.Ticket)
		who := l.Say("complaints.nobody")
		if d.Assignee != "" {
			who = l.Name("actor", d.Assignee)
			if n, ok := strings.CutPrefix(d.Assignee, "cagri-merkezi/"); ok {
				who = l.Say("actor.agent", n)
			}
		}
		place := l.Say("survey.nowhere")
		if f.Place != "" {
			place = g.place(f.Place)
		}
		list = append(list, complaint{l.ticket(d), place, l.Date(d.Opened.In(l.home)), l.Say("complaints.days", age(f)), who})
	}
	return out, list
}

// shopView is a place that needs attention, and why.
type shopView struct {
	Name, Region string
	Why          []string
}

// shops are the places that need the reader: those whose score is surely below that of the
// others, and those whose sales fell by more than chance explains.
func (l speaker) shops(g *gathered, p span) ([]shopView, watched, error) {
	found, worst := map[string]*shopView{}, map[string]float64{} // the share of sales, or of the score, that it is surely behind by
	of := func(id string) *shopView {
		if found[id] == nil {
			found[id] = &shopView{Name: g.place(id)}
			if region := g.area(id); region != "" && region != id {
				found[id].Region = g.place(region)
			}
		}
		return found[id]
	}
	for _, name := range sortedKeys(g.replies) {
		var groups survey.Groups[string]
		for _, r := range g.replies[name] {
			if err := groups.Add(r.place, r.score); err != nil {
				return nil, watched{}, err
			}
		}
		tree, err := g.along(name, g.replies[name])
		if err != nil {
			return nil, watched{}, err
		}
		all := groups.Total().Result()
		for _, s := range rollup.Keep(survey.League(&groups, 0), tree.Figures(rollup.Audience{}), "place") {
			if s.Key == "" || s.Suppressed || s.Q > .05 || s.Result.Value >= all.Value {
				continue
			}
			x := of(s.Key)
			x.Why = append(x.Why, l.Say("shops.score", name, l.value(s.Result), l.around(s.Result), int(s.Result.N), l.value(all)))
			worst[s.Key] += (all.Value - s.Result.Interval.High) / 100
		}
	}
	fallen, charts, err := g.fallen(p)
	if err != nil {
		return nil, watched{}, err
	}
	for _, f := range fallen {
		x := of(f.place)
		x.Why = append(x.Why, l.Say("shops.sales", l.percent(-f.alarm.Change), l.percent(-f.alarm.High), l.percent(-f.alarm.Low), l.Date(f.since), f.orders))
		worst[f.place] -= f.alarm.High
	}
	ids := sortedKeys(found)
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(worst[b], worst[a]) })
	out := make([]shopView, len(ids))
	for i, id := range ids {
		out[i] = *found[id]
	}
	return out, charts, nil
}

// fall is an alarm about the sales of a place.
type fall struct {
	place  string
	alarm  warning.Alarm
	since  time.Time
	orders int // since then
}

// fallen are the places with an alarm in the span: weekly sales, beside those of all places
// together, so that a holiday is none. One false alarm a year is allowed for all places.
func (g *gathered) fallen(p span) (out []fall, charts watched, err error) {
	first := p.from
	for _, s := range g.sales {
		if !s.back && s.at.Before(first) {
			first = s.at
		}
	}
	const mostWeeks = 104
	shown := (p.days + 6) / 7
	weeks := min(mostWeeks, int(p.until.Sub(first).Hours()/24)/7)
	learn := weeks - shown
	if learn < fewestWeeks {
		return nil, charts, nil
	}
	unit := currency(g.sales)
	began := p.until.AddDate(0, 0, -7*weeks)
	values, orders, all := map[string][]float64{}, map[string][]int{}, make([]float64, weeks)
	for _, s := range g.sales {
		if s.back || s.place == "" || s.amount.Currency != unit || s.at.Before(began) || !s.at.Before(p.until) {
			continue
		}
		if values[s.place] == nil {
			values[s.place], orders[s.place] = make([]float64, weeks), make([]int, weeks)
		}
		i := min(weeks-1, int(s.at.Sub(began).Hours()/24)/7)
		values[s.place][i] += float64(s.amount.Amount)
		orders[s.place][i]++
		all[i] += float64(s.amount.Amount)
	}
	if len(values) == 0 {
		return nil, charts, nil
	}
	monitor, err := warning.NewMonitor(warning.Options{Learn: learn, Fall: .3, FalseAlarms: 1 / float64(len(values))})
	if err != nil {
		return nil, charts, err
	}
	for i := range weeks {
		charts.weeks = append(charts.weeks, began.AddDate(0, 0, 7*i))
	}
	for _, id := range sortedKeys(values) {
		others := make([]float64, weeks)
		for i := range others {
			others[i] = all[i] - values[id][i]
		}
		trace, err := monitor.Trace(values[id], others)
		if err != nil {
			return nil, charts, err
		}
		charts.list = append(charts.list, report.ControlOf(g.place(id), trace))
		alarms := trace.Alarms
		// After an alarm the chart goes on from the new level: the greatest sure fall is told.
		alarms = slices.DeleteFunc(alarms, func(a warning.Alarm) bool { return a.High >= 0 })
		if len(alarms) == 0 {
			continue
		}
		f := fall{place: id, alarm: slices.MinFunc(alarms, func(a, b warning.Alarm) int { return cmp.Compare(a.High, b.High) })}
		f.since = began.AddDate(0, 0, 7*f.alarm.Since)
		for _, n := range orders[id][f.alarm.Since:] {
			f.orders += n
		}
		out = append(out, f)
	}
	return out, charts, nil
}

// watched are the control charts of the places whose sales were watched, week by week.
type watched struct {
	weeks []time.Time
	list  []report.Control
}

// fewCharts is how many of them are drawn: those with an alarm and those nearest to one.
const fewCharts = 6

// draw returns the picture, and false without any.
func (c watched) draw(l speaker) (report.Picture, bool) {
	list := slices.DeleteFunc(slices.Clone(c.list), func(x report.Control) bool { return math.IsNaN(x.High) })
	if len(list) == 0 {
		return report.Picture{}, false
	}
	nearest := func(x report.Control) float64 {
		v := x.Values[len(x.Values)-1] / x.High
		if len(x.Alarms) > 0 {
			v += 10
		}
		if math.IsNaN(v) {
			return -1
		}
		return v
	}
	slices.SortStableFunc(list, func(a, b report.Control) int { return cmp.Compare(nearest(b), nearest(a)) })
	weeks := make([]string, len(c.weeks))
	for i, w := range c.weeks {
		weeks[i] = l.Date(w)
	}
	return report.Controls(l.Say("shops.charts"), weeks, list[:min(len(list), fewCharts)]), true
}

// stays draws where customers went from the beginning to the end of the span, and who came back
// after a first purchase, by quarters.
func (l speaker) stays(g *gathered, p span, where states) ([]report.Picture, error) {
	moves, err := lifecycle.Moves(where.at[1], where.at[2])
	if err != nil {
		return nil, err
	}
	numbers := map[crm.CustomerID]uint32{}
	for i, who := range where.who {
		numbers[who] = uint32(i)
	}
	var sales []cohort.Sale
	for i, s := range g.sales {
		if !s.back && s.at.Before(p.until) {
			sales = append(sales, cohort.Sale{Customer: numbers[s.who], Order: uint32(i), At: s.at.Unix(), Amount: s.amount.Amount})
		}
	}
	out := []report.Picture{report.Flows("", [2]string{l.Day(p.from.AddDate(0, 0, -1)), l.Day(p.until.AddDate(0, 0, -1))}, moves)}
	if len(sales) == 0 {
		return out, nil
	}
	t, err := cohort.New(sales, cohort.Options{Unit: cohort.Quarter, Zone: l.home, Until: p.until})
	return append(out, report.Cohorts("", t)), err
}

// brief lays the first screen out: what the retailer's director asks first.
func (p *page) brief(l speaker, g *gathered, sum summary, dates []string) error {
	s, ok := l.spanOf(dates)
	if !ok {
		return nil
	}
	where, err := g.lifecycle(s)
	if err != nil {
		return err
	}
	turn := func(key string, now, of, was, wasOf int) tile {
		before := l.Say("beside.none", s.days)
		if wasOf > 0 {
			before = l.Say("beside.share", s.days, l.percent(float64(was)/float64(wasOf)), was)
		}
		share := "–"
		if of > 0 {
			share = l.percent(float64(now) / float64(of))
		}
		return tile{l.Say("tile." + key), l.Int(now), l.Say("tile."+key+".note", of, share), before}
	}
	open, oldest := l.complaints(g, s)
	shops, charts, err := l.shops(g, s)
	if err != nil {
		return err
	}
	if picture, any := charts.draw(l); any {
		p.Charts = append(p.Charts, picture)
	}
	if p.Stays, err = l.stays(g, s, where); err != nil {
		return err
	}
	p.Tiles = []tile{
		l.turnover(g, s), l.brought(sum.Campaigns), l.gained(g, s),
		turn("lost", where.lately.lost, where.lately.present, where.earlier.lost, where.earlier.present),
		turn("back", where.lately.back, where.lately.away, where.earlier.back, where.earlier.away),
		open, {l.Say("tile.shops"), l.Int(len(shops)), l.Say("tile.shops.note"), l.Say("tile.shops.before", len(shops))},
	}
	if len(shops) == 0 {
		p.Tiles[len(p.Tiles)-1] = tile{l.Say("tile.shops"), l.Int(0), l.Say("tile.shops.none"), ""}
	}
	p.Complaints, p.Shops = oldest, shops
	p.Definitions = []string{
		l.Say("means.gained"), l.Say("means.lost", latenessVersion, l.Decimal(where.gap, 0)), l.Say("means.brought"), l.Say("means.shops", fewestWeeks),
	}
	return nil
}
