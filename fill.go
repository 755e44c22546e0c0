package vefa

import (
	"math"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// filler turns persons into Facts for one evening, reusing its buffers. One
// goroutine uses one filler.
type filler struct {
	p     *population
	vocab *rules.Vocabulary
	now   time.Time
	at    int64
	facts Facts
	days  map[uint32]*dayClock // by place: there are few, and looking a zone up takes longer than counting days
	names []uint32
}

// dayClock counts days in one zone.
type dayClock struct {
	loc      *time.Location
	today    int
	offset   int64 // seconds east of UTC, for instants of
	from, to int64 // [from, to), in microseconds
}

func newFiller(p *population, vocab *rules.Vocabulary, now time.Time) *filler {
	return &filler{p: p, vocab: vocab, now: now, at: now.UnixMicro(), days: map[uint32]*dayClock{}}
}

func (f *filler) clock(place uint32) *dayClock {
	c := f.days[place]
	if c == nil {
		c = newDayClock(f.now, f.p.places.Zone(f.p.texts.text(place)))
		f.days[place] = c
	}
	return c
}

func newDayClock(now time.Time, loc *time.Location) *dayClock {
	local := now.In(loc)
	_, offset := local.Zone()
	c := &dayClock{loc: loc, today: dayNumber(now, loc), offset: int64(offset), from: math.MinInt64, to: math.MaxInt64}
	start, end := local.ZoneBounds()
	if !start.IsZero() {
		c.from = start.UnixMicro()
	}
	if !end.IsZero() {
		c.to = end.UnixMicro()
	}
	return c
}

// ago returns how many calendar days before today an instant was.
func (c *dayClock) ago(micros int64) int {
	offset := c.offset
	if micros < c.from || micros >= c.to {
		_, o := time.UnixMicro(micros).In(c.loc).Zone()
		offset = int64(o)
	}
	secs := micros/1e6 + offset
	day := secs / 86400
	if secs%86400 < 0 {
		day--
	}
	return c.today - int(day)
}

// fill computes the facts of a person as they were at the filler's time. The
// result is good until the next call.
func (f *filler) fill(x *person) *Facts {
	o := &f.facts
	purchases, visits, answers := o.Purchases[:0], o.Visits[:0], o.Answers[:0]
	t := &f.p.texts
	*o = Facts{
		Kind: t.text(x.kind), City: t.text(x.city), District: t.text(x.district), Gender: t.text(x.gender), Locale: t.text(x.locale),
		Sources: len(x.profiles), Phone: len(x.phones) > 0, Email: len(x.emails) > 0, SMSConsent: x.sms, EmailConsent: x.email,
		DaysSinceSolve: -1, DaysSincePurchase: -1, DaysSinceFirst: -1, DaysSinceService: -1, DaysSinceBattery: -1,
		LastScore: -1, DaysSinceAnswer: -1, DaysSinceClick: -1,
	}
	home := f.clock(x.place)
	for _, k := range x.tickets {
		switch {
		case k.opened > f.at:
		case k.solved == 0 || k.solved > f.at:
			o.OpenTickets++
		default:
			if d := home.ago(k.solved); o.DaysSinceSolve < 0 || d < o.DaysSinceSolve {
				o.DaysSinceSolve = d
			}
		}
	}
	for i := range x.orders {
		r := &x.orders[i]
		if r.at > f.at {
			continue
		}
		c := f.clock(r.place)
		row := Purchase{
			DaysAgo: c.ago(r.at), DeliveredAgo: -1, Channel: t.text(r.channel), Place: t.text(r.place), Category: t.text(r.category), Brand: t.text(r.brand),
			Amount: r.amount, Gift: r.flags&flagGift != 0, Return: r.flags&flagReturn != 0, Cancelled: r.flags&flagCancelled != 0,
			Returned: r.flags&(flagReturned|flagTakenBack) != 0, index: i,
		}
		if r.delivered != 0 && r.delivered <= f.at {
			row.Delivered, row.DeliveredAgo = true, c.ago(r.delivered)
		}
		purchases = append(purchases, row)
		switch {
		case row.Cancelled:
			continue
		case row.Return:
			o.Returns++
		case !row.Returned:
			o.Orders++
			o.DaysSincePurchase, o.LastChannel = row.DaysAgo, row.Channel
			if o.DaysSinceFirst < 0 {
				o.DaysSinceFirst = row.DaysAgo
			}
		}
		o.TotalSpend += row.Amount
		if row.DaysAgo < 365 {
			o.Spend12m += row.Amount
		}
	}
	for i := range x.visits {
		r := &x.visits[i]
		if r.at > f.at {
			continue
		}
		row := Visit{DaysAgo: f.clock(r.place).ago(r.at), Service: t.text(r.service), Serial: r.serial, Latest: true, index: i}
		if len(x.visits) <= manyRows {
			for j := range visits {
				if visits[j].Service == row.Service && visits[j].Serial == row.Serial {
					visits[j].Latest = false
				}
			}
		}
		visits = append(visits, row)
		o.ServiceVisits++
		o.DaysSinceService, o.LastService = row.DaysAgo, row.Service
		if row.Service == "battery" {
			o.DaysSinceBattery = row.DaysAgo
		}
	}
	if len(x.visits) > manyRows {
		onlyLatest(visits)
	}
	for i := range x.answers {
		r := &x.answers[i]
		if r.at > f.at {
			continue
		}
		row := Answer{DaysAgo: home.ago(r.at), Survey: t.text(r.survey), Score: int(r.score), Bad: r.bad, index: i}
		answers = append(answers, row)
		o.LastScore, o.LastBad, o.DaysSinceAnswer = row.Score, row.Bad, row.DaysAgo
	}
	if x.clicked != 0 && x.clicked <= f.at {
		o.DaysSinceClick = home.ago(x.clicked)
	}
	o.DaysToBirthday, o.Age = birthday(x.birth, home.today)
	f.names = f.names[:0]
	x.tagsAt(f.at, func(name uint32) { f.names = append(f.names, name) })
	for _, n := range f.names {
		f.vocab.Add(&o.Tags, t.text(n))
	}
	o.Purchases, o.Visits, o.Answers = purchases, visits, answers
	return o
}

// onlyLatest clears Latest of every visit that a later one of the same service
// to the same product follows.
func onlyLatest(visits []Visit) {
	type product struct{ service, serial string }
	seen := make(map[product]bool, len(visits))
	for i := len(visits) - 1; i >= 0; i-- {
		p := product{visits[i].Service, visits[i].Serial}
		visits[i].Latest = !seen[p]
		seen[p] = true
	}
}

// birthday returns days to the next birthday and the age; 29 February is kept
// on 28 February in common years.
func birthday(birth int32, today int) (days, age int) {
	y, m, d := int(birth/10000), int(birth/100%100), int(birth%100)
	if birth == 0 || y == 0 {
		return -1, -1
	}
	now := time.Unix(int64(today)*86400, 0).UTC()
	age = now.Year() - y
	if m == 0 || d == 0 {
		return -1, age
	}
	on := func(year int) time.Time {
		day := time.Date(year, time.Month(m), d, 0, 0, 0, 0, time.UTC)
		if int(day.Month()) != m {
			day = time.Date(year, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC)
		}
		return day
	}
	next := on(now.Year())
	if next.Before(now) {
		next = on(now.Year() + 1)
	} else if next.After(now) {
		age--
	}
	return int(next.Sub(now) / (24 * time.Hour)), age
}

// orderKey returns the fact that a row was made of.
func (p *population) orderKey(r *orderRow) crm.FactKey {
	return crm.FactKey{Kind: crm.KindOrder, Source: p.texts.text(r.source), ID: r.id}
}

func (p *population) visitKey(r *visitRow) crm.FactKey {
	return crm.FactKey{Kind: crm.KindVisit, Source: p.texts.text(r.source), ID: r.id}
}

func (p *population) answerKey(r *answerRow) crm.FactKey {
	return crm.FactKey{Kind: crm.KindAnswer, Source: p.texts.text(r.source), ID: r.id}
}
