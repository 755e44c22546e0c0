package vefa

import (
	"context"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// population are persons in memory: everybody of a record that fits, loaded once and
// then kept up by the change feed, so that an evening reads only what changed; or
// those of a page or of a question.
type population struct {
	places  *crm.Places
	consent crm.ConsentKey
	// survivorship is the record's own
	survivorship crm.Survivorship
	texts        texts
	currency     string // home: what amounts are counted in
	rate         func(m crm.Money, at time.Time) (crm.Money, bool)
	set          *rules.Set[Facts]               // of a population of few: the rules that it was read for
	records      map[crm.ProfileKey]*crm.Profile // of a population of few: what was read
	came         map[*person][]storeVisit        // where buyers read it
	withLines    bool                            // articles are kept: some rule reads them
	byHome       map[crm.ProfileKey]*person      // home profile → person
	homeOf       map[crm.ProfileKey]crm.ProfileKey
	order        []*person // sorted by home; nil until sorted again
	feed         *feed     // is told of clicks; nil: they are of no interest
}

// kinds are the facts that persons are made of.
var kinds = []crm.FactKind{crm.KindOrder, crm.KindVisit, crm.KindTicket, crm.KindAnswer, crm.KindClick, crm.KindTag}

func newPopulation(cfg *Config, places *crm.Places) *population {
	return &population{places: places, consent: cfg.Consent, survivorship: cfg.Survivorship, currency: cfg.Currency, rate: cfg.Rate,
		byHome: map[crm.ProfileKey]*person{}, homeOf: map[crm.ProfileKey]crm.ProfileKey{}}
}

// loadBatch is how many customers are read per transaction.
const loadBatch = 500

// keep takes in what was read of a person. One who was there keeps the place,
// in sorted too.
func (p *population) keep(x *person) *person {
	if was := p.byHome[x.home]; was != nil {
		*was = *x
		x = was
	} else {
		p.byHome[x.home] = x
		if p.order != nil {
			i, _ := slices.BinarySearchFunc(p.order, x.home, func(a *person, k crm.ProfileKey) int { return a.home.Compare(k) })
			p.order = slices.Insert(p.order, i, x)
		}
	}
	for _, k := range x.profiles {
		p.homeOf[k] = x.home
	}
	return x
}

// forget removes a person who is no longer one.
func (p *population) forget(home crm.ProfileKey) {
	delete(p.byHome, home)
	if i, found := slices.BinarySearchFunc(p.order, home, func(a *person, k crm.ProfileKey) int { return a.home.Compare(k) }); found {
		p.order = slices.Delete(p.order, i, i+1)
	}
}

// sorted returns everybody in the order of their home profiles.
func (p *population) sorted() []*person {
	if p.order == nil {
		p.order = make([]*person, 0, len(p.byHome))
		for _, x := range p.byHome {
			p.order = append(p.order, x)
		}
		slices.SortFunc(p.order, func(a, b *person) int { return a.home.Compare(b.home) })
	}
	return p.order
}

// of returns the person that a profile belongs to, or nil.
func (p *population) of(k crm.ProfileKey) *person {
	home, ok := p.homeOf[k]
	if !ok {
		return nil
	}
	return p.byHome[home]
}

// place is where a profile stands: a person and the index among the profiles.
type place struct {
	person *person
	index  uint32
}

// read builds the persons with the given current customer ids, with facts of the
// given kinds. The profiles of known were read in the same transaction already.
func (p *population) read(ctx context.Context, r crm.Reader, ids []crm.CustomerID, kinds []crm.FactKind, known map[crm.ProfileKey]*crm.Profile) ([]*person, error) {
	members, err := r.Members(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var keys, missing []crm.ProfileKey
	for _, m := range members {
		for _, k := range m {
			if keys = append(keys, k); known[k] == nil {
				missing = append(missing, k)
			}
		}
	}
	found, err := r.Profiles(ctx, missing...)
	if err != nil {
		return nil, err
	}
	profiles := make([]*crm.Profile, len(keys))
	for i, k := range keys {
		if profiles[i] = known[k]; profiles[i] == nil {
			profiles[i], found = found[0], found[1:]
		}
	}
	owner := make(map[crm.ProfileKey]place, len(keys))
	out := make([]*person, 0, len(members))
	var subjects []crm.Subject
	var addrs []crm.Address
	for _, m := range members {
		if len(m) == 0 {
			continue
		}
		x := p.describe(p.survivorship.Fold(profiles[:len(m)]))
		first := profiles[0]
		for i, q := range profiles[:len(m)] {
			if crm.CompareSeniority(q, first) < 0 {
				first = q
			}
			owner[q.ProfileKey] = place{x, uint32(i)}
			if p.records != nil {
				p.records[q.ProfileKey] = q
			}
			subjects = append(subjects, crm.OfProfile(q.ProfileKey))
		}
		x.profiles = p.ownKeys(m)
		x.home = x.profiles[slices.Index(m, first.ProfileKey)]
		profiles = profiles[len(m):]
		addrs = append(addrs, x.addresses()...)
		out = append(out, x)
	}
	for f, err := range crm.FactsOf(ctx, r, subjects, kinds...) {
		if err != nil {
			return nil, err
		}
		of := owner[f.Subject.Profile]
		p.add(of.person, of.index, f)
	}
	for _, x := range out {
		p.finish(x)
	}
	return out, p.consents(ctx, r, out, addrs)
}

func (p *population) consents(ctx context.Context, r crm.Reader, persons []*person, addrs []crm.Address) error {
	slices.SortFunc(addrs, crm.Address.Compare)
	addrs = slices.Compact(addrs)
	states, err := r.Addresses(ctx, addrs...)
	if err != nil {
		return err
	}
	granted := make(map[crm.Address]bool, len(states))
	for _, st := range states {
		c, ok := st.Consent(p.consent)
		granted[st.Address] = ok && c.Status == crm.Granted && len(st.Suppressed) == 0
	}
	for _, x := range persons {
		for i := range x.contacts {
			x.contacts[i].consent = granted[x.contacts[i].Address]
		}
	}
	return nil
}

// zone returns the zone whose evening it is for a person.
func (p *population) zone(x *person) *time.Location {
	return p.places.Zone(p.texts.text(x.place))
}
