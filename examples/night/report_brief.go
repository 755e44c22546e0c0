package main

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/lifecycle"
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
	open bool  // somebody may write to one of its addresses
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
	at              [3]map[crm.CustomerID]lifecycle.State
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
	for i := range out.at {
		out.at[i] = map[crm.CustomerID]lifecycle.State{}
	}
	for who, c := range all {
		for i, d := range days {
			why, err := def.State(lifecycle.Customer{Purchases: c.days, Open: c.open}, d)
			if err != nil {
				return out, err
			}
			out.at[i][who] = why.State
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
func turned(was, is map[crm.CustomerID]lifecycle.State) (n turns) {
	for who, before := range was {
		switch now := is[who]; {
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
		}
		place := l.Say("survey.nowhere")
		if f.Place != "" {
			place = g.place(f.Place)
		}
		list = append(list, complaint{l.ticket(d), place, l.Date(d.Opened.In(l.home)), l.Say("complaints.days", age(f)), who})
	}
	return out, list
}

// shopView is a place that needs somebody, and why.
type shopView struct {
	Name, Region string
	Why          []string
}

// shops are the places that need the reader: those whose score is surely below that of the
// others, and those whose sales fell by more than chance explains.
func (l speaker) shops(g *gathered, p span) ([]shopView, error) {
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
				return nil, err
			}
		}
		tree, err := g.along(name, g.replies[name])
		if err != nil {
			return nil, err
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
	fallen, err := g.fallen(p)
	if err != nil {
		return nil, err
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
	return out, nil
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
func (g *gathered) fallen(p span) ([]fall, error) {
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
		return nil, nil
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
		return nil, nil
	}
	monitor, err := warning.NewMonitor(warning.Options{Learn: learn, Fall: .3, FalseAlarms: 1 / float64(len(values))})
	if err != nil {
		return nil, err
	}
	var out []fall
	for _, id := range sortedKeys(values) {
		others := make([]float64, weeks)
		for i := range others {
			others[i] = all[i] - values[id][i]
		}
		alarms, err := monitor.Watch(values[id], others)
		if err != nil {
			return nil, err
		}
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
	return out, nil
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
	shops, err := l.shops(g, s)
	if err != nil {
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
