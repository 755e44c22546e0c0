package vefa

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// filler turns persons into Facts for one evening, reusing its buffers. One
// goroutine uses one filler.
type filler struct {
	e      *Engine
	p      *population
	store  crm.Store
	vocab  *rules.Vocabulary
	set    *rules.Set[Facts] // what reads the facts
	ext    *rules.Extended[Facts]
	fields []Field         // of the host
	also   map[string]bool // what is read besides
	all    bool            // all is read
	reader crm.Reader      // of the transaction that facts are filled in; nil: one of its own
	// claim and deciding are set while a claim asks about one of its messages: what
	// the customer of deciding got is then what counts against it, which includes
	// what the claim lets go and excludes deciding itself.
	claim    *claimed
	deciding *crm.Effect
	feasts   map[string][]string
	seg      *segmentReader // nil: no rule reads Segments
	now      time.Time
	at       int64
	facts    *Facts
	many     []*Facts
	subjects []crm.FieldSubject    // of modules
	shops    map[uint32]*shopClock // by place: there are few, and looking a zone up takes longer than counting days
	names    []uint32
}

// shopClock counts days in the zone of a place and knows where the place lies.
type shopClock struct {
	id, region rules.Maybe[string]
	opened     time.Time
	feasts     []Feast
	loc        *time.Location
	today      int
	hour       int
	offset     int64 // seconds east of UTC, for instants of
	from, to   int64 // [from, to), in microseconds
}

// newFiller returns a filler of a population for what reads its facts; segments
// gives those that its members are in and is called if something reads that.
func (e *Engine) newFiller(p *population, set *rules.Set[Facts], now time.Time, segments func() (*segmentReader, error)) (f *filler, err error) {
	f = &filler{e: e, p: p, store: e.cfg.Store, vocab: e.vocab, set: set, ext: e.extended, fields: e.cfg.Fields, feasts: e.cfg.Feasts, now: now, at: now.UnixMicro(), shops: map[uint32]*shopClock{}}
	if segments == nil || !e.reads(set, "Segments") {
		return f, nil
	}
	f.seg, err = segments()
	return f, err
}

// fillEverything has the filler fill what nothing reads, too.
func (f *filler) fillEverything(segments func() (*segmentReader, error)) (err error) {
	f.all = true
	f.seg, err = segments()
	return err
}

func (f *filler) newFacts() *Facts {
	if f.ext != nil {
		return f.ext.New()
	}
	return new(Facts)
}

// loads reports whether facts are made of more than what is in memory, so that it
// pays to fill those of many persons at once.
func (f *filler) loads() bool {
	if f.all || f.e.reads(f.set, "Sent") {
		return true
	}
	for i := range f.fields {
		if f.reads(&f.fields[i]) {
			return true
		}
	}
	return false
}

// one computes the facts of a person. They are good until the next call.
func (f *filler) one(ctx context.Context, x *person) (*Facts, error) {
	got, err := f.fillAll(ctx, []*person{x})
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

func (f *filler) shop(place uint32) *shopClock {
	c := f.shops[place]
	if c == nil {
		id := f.p.texts.text(place)
		c = newShopClock(f.now, f.p.places.Zone(id))
		c.id = known(id)
		for _, up := range f.p.places.Path(id) {
			if p := f.p.places.Get(up); p.Kind == crm.Region {
				c.region = known(up)
				break
			}
		}
		if p := f.p.places.Get(id); p != nil {
			c.opened = p.Opened
		}
		c.feasts = feastsAt(f.feasts, c.today)
		f.shops[place] = c
	}
	return c
}

// feastsAt says how far each feast is from a day, by name.
func feastsAt(feasts map[string][]string, today int) []Feast {
	if len(feasts) == 0 {
		return nil
	}
	out := make([]Feast, 0, len(feasts))
	for _, name := range slices.Sorted(maps.Keys(feasts)) {
		f := Feast{Name: name}
		for _, text := range feasts[name] {
			day, err := time.Parse(time.DateOnly, text)
			if err != nil {
				continue // New has refused it
			}
			n := dayNumber(day, time.UTC) - today
			if n >= 0 && (!f.DaysTo.OK || n < f.DaysTo.V) {
				f.DaysTo = rules.Some(n)
			}
			if n <= 0 && (!f.DaysSince.OK || -n < f.DaysSince.V) {
				f.DaysSince = rules.Some(-n)
			}
		}
		out = append(out, f)
	}
	return out
}

// known is a text that is null where it is empty.
func known(s string) rules.Maybe[string] { return rules.Maybe[string]{V: s, OK: s != ""} }

func newShopClock(now time.Time, loc *time.Location) *shopClock {
	local := now.In(loc)
	_, offset := local.Zone()
	c := &shopClock{loc: loc, today: dayNumber(now, loc), hour: local.Hour(), offset: int64(offset), from: math.MinInt64, to: math.MaxInt64}
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
func (c *shopClock) ago(micros int64) int {
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

// instant is a time of a record as rules read it.
func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// fill computes f.facts of a person as they were at the filler's time, without
// what must be loaded.
func (f *filler) fill(x *person) {
	o := f.facts
	t := &f.p.texts
	text := func(n uint32) rules.Maybe[string] { return known(t.text(n)) }
	purchases, lines, visits, answers := o.Purchases[:0], o.Lines[:0], o.Visits[:0], o.Answers[:0]
	home := f.shop(x.place)
	_, sms, phone := x.reach(crm.Phone)
	_, mail, email := x.reach(crm.Email)
	*o = Facts{
		Extensible: o.Extensible, Sent: o.Sent[:0],
		Kind: t.text(x.kind), City: text(x.city), District: text(x.district), Gender: text(x.gender), Locale: text(x.locale),
		Sources: len(x.profiles), Phone: phone, Email: email, SMSConsent: sms, EmailConsent: mail,
		Place: home.id, Region: home.region, PlaceOpened: home.opened, Hour: home.hour, Feasts: home.feasts,
	}
	if x.since != 0 {
		o.Since = instant(x.since)
	}
	for _, k := range x.tickets {
		switch {
		case k.opened > f.at:
		case k.solved == 0 || k.solved > f.at:
			o.OpenTickets++
		default:
			if at := instant(k.solved); at.After(o.LastSolved) {
				o.LastSolved, o.DaysSinceSolve = at, rules.Some(home.ago(k.solved))
			}
		}
	}
	o.Purchases, o.Lines = purchases, lines
	f.orders(x)
	for i := range x.visits {
		r := &x.visits[i]
		if r.at > f.at {
			continue
		}
		c := f.shop(r.place)
		row := Visit{At: instant(r.at), DaysAgo: c.ago(r.at), Service: t.text(r.service), Serial: known(r.serial), Place: c.id, Latest: true, index: i}
		if len(x.visits) <= manyRows {
			for j := range visits {
				if visits[j].Service == row.Service && visits[j].Serial == row.Serial {
					visits[j].Latest = false
				}
			}
		}
		visits = append(visits, row)
		o.ServiceVisits++
		o.LastVisit, o.DaysSinceService, o.LastService = row.At, rules.Some(row.DaysAgo), known(row.Service)
	}
	if len(x.visits) > manyRows {
		onlyLatest(visits)
	}
	for i := range x.answers {
		r := &x.answers[i]
		if r.at > f.at {
			continue
		}
		row := Answer{At: instant(r.at), DaysAgo: home.ago(r.at), Survey: t.text(r.survey), Score: int(r.score), Bad: r.bad, index: i}
		answers = append(answers, row)
		o.LastScore, o.LastBad, o.LastAnswer, o.DaysSinceAnswer = rules.Some(row.Score), row.Bad, row.At, rules.Some(row.DaysAgo)
	}
	if x.clicked != 0 && x.clicked <= f.at {
		o.LastClick, o.DaysSinceClick = instant(x.clicked), rules.Some(home.ago(x.clicked))
	}
	o.DaysToBirthday, o.Age = birthday(x.birth, home.today)
	if o.DaysToBirthday.OK {
		o.Born = time.Date(int(x.birth/10000), time.Month(x.birth/100%100), int(x.birth%100), 12, 0, 0, 0, home.loc)
	}
	f.names = f.names[:0]
	x.tagsAt(f.at, func(name uint32) { f.names = append(f.names, name) })
	for _, n := range f.names {
		f.vocab.Add(&o.Tags, t.text(n))
	}
	if f.seg != nil {
		f.seg.fill(x, &o.Segments, f.vocab)
	}
	o.Visits, o.Answers = visits, answers
}

// orders fills what is made of orders and returns.
func (f *filler) orders(x *person) {
	o, t := f.facts, &f.p.texts
	total, year, priced := int64(0), int64(0), true
	next := 0 // of x.lines
	for i := range x.orders {
		r := &x.orders[i]
		first := next
		for next < len(x.lines) && x.lines[next].order == uint32(i) {
			next++
		}
		if r.at > f.at {
			continue
		}
		c := f.shop(r.place)
		row := Purchase{
			At: instant(r.at), DaysAgo: c.ago(r.at), Channel: known(t.text(r.channel)), Place: c.id, Region: c.region,
			Category: known(t.text(r.category)), Brand: known(t.text(r.brand)),
			Amount: rules.Maybe[int64]{V: r.amount, OK: r.flags&flagUnpriced == 0}, Gift: r.flags&flagGift != 0, Return: r.flags&flagReturn != 0,
			Cancelled: r.flags&flagCancelled != 0, Returned: r.flags&(flagReturned|flagTakenBack) != 0, index: i,
		}
		if r.delivered != 0 && r.delivered <= f.at {
			row.Delivered, row.DeliveredAt, row.DeliveredAgo = true, instant(r.delivered), rules.Some(c.ago(r.delivered))
		}
		o.Purchases = append(o.Purchases, row)
		for j := first; j < next; j++ {
			l := &x.lines[j]
			o.Lines = append(o.Lines, Line{At: row.At, DaysAgo: row.DaysAgo, SKU: t.text(l.sku), Category: known(t.text(l.category)), Brand: known(t.text(l.brand)),
				Serial: known(l.serial), Quantity: int(l.quantity), Amount: rules.Maybe[int64]{V: l.amount, OK: !l.unpriced}, Channel: row.Channel, Place: row.Place,
				Gift: row.Gift || l.gift, Return: row.Return, Cancelled: row.Cancelled, Returned: row.Returned, Delivered: row.Delivered, index: i})
		}
		switch {
		case row.Cancelled:
			continue
		case row.Return:
			o.Returns++
		case !row.Returned:
			o.Orders++
			o.LastPurchase, o.DaysSincePurchase, o.LastChannel = row.At, rules.Some(row.DaysAgo), row.Channel
			if !o.DaysSinceFirst.OK {
				o.FirstPurchase, o.DaysSinceFirst = row.At, o.DaysSincePurchase
			}
		}
		priced = priced && row.Amount.OK
		total += r.amount
		if row.DaysAgo < 365 {
			year += r.amount
		}
	}
	o.TotalSpend, o.Spend12m = rules.Maybe[int64]{V: total, OK: priced}, rules.Maybe[int64]{V: year, OK: priced}
	if !priced {
		o.TotalSpend.V, o.Spend12m.V = 0, 0
	}
}

// onlyLatest clears Latest of every visit that a later one of the same service
// to the same product follows.
func onlyLatest(visits []Visit) {
	type product struct {
		service string
		serial  rules.Maybe[string]
	}
	seen := make(map[product]bool, len(visits))
	for i := len(visits) - 1; i >= 0; i-- {
		p := product{visits[i].Service, visits[i].Serial}
		visits[i].Latest = !seen[p]
		seen[p] = true
	}
}

// birthday returns days to the next birthday and the age; 29 February is kept
// on 28 February in common years.
func birthday(birth int32, today int) (days, age rules.Maybe[int]) {
	y, m, d := int(birth/10000), int(birth/100%100), int(birth%100)
	if birth == 0 || y == 0 {
		return days, age
	}
	now := time.Unix(int64(today)*86400, 0).UTC()
	years := now.Year() - y
	if m == 0 || d == 0 {
		return days, rules.Some(years)
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
		years--
	}
	return rules.Some(int(next.Sub(now) / (24 * time.Hour))), rules.Some(years)
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
