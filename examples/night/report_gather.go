package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
)

// dayCount is what happened on one date.
type dayCount struct {
	drawn, rules    outcome // messages of campaigns, and of rules
	orders, answers int
}

// outcome counts messages that were sent and that a guard withheld.
type outcome struct{ sent, withheld int }

// messageCount is what became of all messages of one name.
type messageCount struct {
	planned, withheld, heldOut, cancelled, failed, waiting, sent int
}

// gathered is what the report reads from the record beside the summary.
type gathered struct {
	nights   []vefa.NightReport
	days     map[string]*dayCount // by date at home
	messages map[string]*messageCount
	sources  map[string]int // profiles by source
	sizes    map[int]int    // customers by number of profiles
	sales    []sale         // orders and returns, in the order of the record
	tickets  []*crm.Fact
	open     map[crm.CustomerID]bool // it may be written to
	places   *crm.Places
	home     *time.Location
	replies  map[string][]reply // by survey
	sample   *crm.Customer      // nil where there is none
	events   []crm.Event        // of the sample
}

// gather reads the record once and then the sample customer.
func (s *simulation) gather(ctx context.Context) (*gathered, error) {
	g := &gathered{days: map[string]*dayCount{}, messages: map[string]*messageCount{}, sources: map[string]int{}, sizes: map[int]int{}, home: s.home, replies: map[string][]reply{}, open: map[crm.CustomerID]bool{}}
	pick := picker{owner: map[crm.ProfileKey]crm.CustomerID{}, seen: map[crm.CustomerID]*interest{}, sources: map[string]uint64{}}
	err := s.store.View(ctx, func(r crm.Reader) error {
		var err error
		if g.places, err = crm.LoadPlaces(ctx, r, s.home); err != nil {
			return err
		}
		for n, err := range vefa.Nights(ctx, r) {
			if err != nil {
				return err
			}
			g.nights = append(g.nights, n)
		}
		granted, err := permitted(ctx, r)
		if err != nil {
			return err
		}
		for p, err := range crm.Profiles(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			g.sources[p.Source]++
			pick.profile(p)
			for _, c := range p.Contacts {
				if !c.Masked && granted[c.Address] {
					g.open[p.Customer] = true
				}
			}
		}
		for f, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if err := s.tally(g, &pick, f); err != nil {
				return err
			}
		}
		first := s.at(0, eveningStep-1).AddDate(0, 0, -1)
		for _, kind := range []crm.FactKind{crm.KindOrder, crm.KindAnswer, crm.KindTicket, crm.KindClick} {
			for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), kind) {
				if err != nil {
					return err
				}
				switch d := f.Data.(type) {
				case *crm.Order:
					if d.Returns.IsZero() {
						g.day(s.home, f.At).orders++
					}
					if who, known := pick.owner[f.Subject.Profile]; known && d.Status != crm.OrderCancelled {
						g.sales = append(g.sales, sale{who: who, at: f.At, amount: d.Total, place: f.Place, back: d.IsReturn()})
					}
				case *crm.Answer:
					g.day(s.home, f.At).answers++
					g.reply(f, d)
				case *crm.Ticket:
					g.tickets = append(g.tickets, f)
				}
				pick.fact(f, f.At.After(first))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, x := range pick.seen {
		g.sizes[x.profiles]++
	}
	best := pick.best()
	if best.IsZero() {
		return g, nil
	}
	if g.sample, err = s.eng.Service().CustomerOf(ctx, best); err != nil {
		return nil, err
	}
	for e, err := range s.eng.Service().Timeline(ctx, g.sample.ID) {
		if err != nil {
			return nil, err
		}
		g.events = append(g.events, e)
	}
	return g, nil
}

// permitted are the addresses whose holder said yes last, to a message of any kind.
func permitted(ctx context.Context, r crm.Reader) (map[crm.Address]bool, error) {
	last, granted := map[crm.Address]time.Time{}, map[crm.Address]bool{}
	for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindConsent) {
		if err != nil {
			return nil, err
		}
		yes, a := f.Data.(*crm.Consent).Status == crm.Granted, f.Subject.Address
		switch at, known := last[a]; {
		case !known || f.At.After(at):
			last[a], granted[a] = f.At, yes
		case f.At.Equal(at):
			granted[a] = granted[a] && yes
		}
	}
	return granted, nil
}

// day returns the count of the date that an instant has at home.
func (g *gathered) day(home *time.Location, at time.Time) *dayCount {
	date := at.In(home).Format(time.DateOnly)
	d := g.days[date]
	if d == nil {
		d = &dayCount{}
		g.days[date] = d
	}
	return d
}

// tally takes one effect into the figures.
func (s *simulation) tally(g *gathered, pick *picker, f *crm.Effect) error {
	if f.Kind != crm.EffectMessage {
		return nil
	}
	name, err := vefa.MessageName(f)
	if err != nil {
		return err
	}
	who, err := vefa.About(f)
	if err != nil {
		return err
	}
	pick.message(who, f)
	m := g.messages[name]
	if m == nil {
		m = &messageCount{}
		g.messages[name] = m
	}
	m.planned++
	of := func(d *dayCount) *outcome {
		if strings.HasPrefix(name, "campaign/") {
			return &d.drawn
		}
		return &d.rules
	}
	switch f.State {
	case crm.Withheld:
		m.withheld++
		of(g.day(s.home, f.Changed)).withheld++
	case crm.HeldOut:
		m.heldOut++
	case crm.Cancelled:
		m.cancelled++
	case crm.Failed:
		m.failed++
	}
	switch {
	case !f.SentAt.IsZero():
		m.sent++
		of(g.day(s.home, f.SentAt)).sent++
	case f.State == crm.Planned:
		m.waiting++
	}
	return nil
}

// interest is what makes a customer worth telling about.
type interest struct {
	first                                       crm.ProfileKey // the smallest key: it decides ties
	profiles                                    int
	sources                                     uint64
	events, orders, asked, answered, bad        int
	tickets, withheld, silenced, clicks, judged int
}

// picker finds the customer whose story shows most. It looks at source keys
// and at nothing that a store makes up, so every store has the same one.
type picker struct {
	owner   map[crm.ProfileKey]crm.CustomerID
	seen    map[crm.CustomerID]*interest
	sources map[string]uint64 // a bit each
}

func (p *picker) profile(x *crm.Profile) {
	p.owner[x.ProfileKey] = x.Customer
	c := p.seen[x.Customer]
	if c == nil {
		c = &interest{first: x.ProfileKey}
		p.seen[x.Customer] = c
	}
	if x.ProfileKey.Compare(c.first) < 0 {
		c.first = x.ProfileKey
	}
	bit, known := p.sources[x.Source]
	if !known {
		bit = 1 << min(63, len(p.sources))
		p.sources[x.Source] = bit
	}
	c.profiles++
	c.sources |= bit
}

func (p *picker) of(k crm.ProfileKey) *interest { return p.seen[p.owner[k]] }

func (p *picker) message(k crm.ProfileKey, f *crm.Effect) {
	c := p.of(k)
	if c == nil {
		return
	}
	c.events++
	name, err := vefa.MessageName(f)
	survey := err == nil && strings.HasPrefix(name, "survey/")
	switch {
	case !f.SentAt.IsZero() && survey:
		c.asked++
	case f.State == crm.Withheld:
		c.withheld++
		for _, r := range f.Reasons {
			if !r.Pass && r.Guard == "open-ticket" {
				c.silenced++
			}
		}
	default:
		c.judged++
	}
}

// fact notes a fact; recent means that it happened in the evenings shown.
func (p *picker) fact(f *crm.Fact, recent bool) {
	c := p.of(f.Subject.Profile)
	if c == nil {
		return
	}
	c.events++
	if !recent {
		return
	}
	switch d := f.Data.(type) {
	case *crm.Order:
		c.orders++
	case *crm.Answer:
		c.answered++
		if d.Bad {
			c.bad++
		}
	case *crm.Ticket:
		c.tickets++
	case *crm.Click:
		c.clicks++
	}
}

// score weighs a story: several sources that became one, something bought, a
// survey with its answer and its ticket, a message that a guard held back.
func (c *interest) score() int {
	has := func(n, points int) int {
		if n > 0 {
			return points
		}
		return 0
	}
	n := 6*min(c.profiles, 3) + has(c.orders, 8) + has(c.asked, 8) + has(c.answered, 8) + has(c.bad, 4) + has(c.tickets, 6) +
		has(c.withheld, 8) + has(c.silenced, 6) + has(c.clicks, 3) + has(c.judged, 3)
	for s := c.sources; s != 0; s &= s - 1 {
		n += 2
	}
	// A story of more than a page is none.
	return n - 2*max(0, c.events-20)
}

// best returns the smallest key of the customer with the best story.
func (p *picker) best() crm.ProfileKey {
	var out *interest
	for _, c := range p.seen {
		if out == nil || cmp.Or(cmp.Compare(c.score(), out.score()), out.first.Compare(c.first)) > 0 {
			out = c
		}
	}
	if out == nil {
		return crm.ProfileKey{}
	}
	return out.first
}

// place names a place for people.
func (g *gathered) place(id string) string {
	if p := g.places.Get(id); p != nil && p.Name != "" {
		return p.Name
	}
	return id
}

// whyNot asks, for each campaign that planned nothing for the sample, why.
func (s *simulation) whyNot(ctx context.Context, g *gathered, campaigns []vefa.CampaignResult) ([]absence, error) {
	var out []absence
	for _, c := range campaigns {
		why, err := s.eng.Why(ctx, g.sample.ID, "campaign/"+c.Name, vefa.WhyQuery{Locale: s.say.Tag})
		if err != nil {
			return nil, fmt.Errorf("campaign %s: %w", c.Name, err)
		}
		if len(why.Effects) == 0 {
			out = append(out, absence{c.Name, why.Text})
		}
	}
	return out, nil
}

// absence is a campaign that a customer is not in, and why.
type absence struct{ Campaign, Text string }
