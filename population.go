package vefa

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// population holds all persons in memory. It is loaded once and then kept up
// by the change feed, so that an evening reads only what changed.
type population struct {
	store   crm.Store
	places  *crm.Places
	consent crm.ConsentKey
	// survivorship is the record's own
	survivorship crm.Survivorship
	texts        texts
	currency     string // home: what amounts are counted in
	rate         func(m crm.Money, at time.Time) (crm.Money, bool)
	set          *rules.Set[Facts]               // of a population of few: the rules that it was read for
	records      map[crm.ProfileKey]*crm.Profile // of a population of few: what was read
	withLines    bool                            // articles are kept: some rule reads them
	byHome       map[crm.ProfileKey]*person      // home profile → person
	homeOf       map[crm.ProfileKey]crm.ProfileKey
	order        []*person // sorted by home; nil until sorted again
	at           crm.Position
	pending      news // what the feed told before at and is not taken in yet
	// clicks that the feed told of, or of those after clicksFrom the load, and that
	// no evening has forgotten
	clicks     map[crm.FactRef]bool
	clicksFrom time.Time
	clicksMu   sync.Mutex // while everybody is read
	threads    int
}

// kinds are the facts that persons are made of.
var kinds = []crm.FactKind{crm.KindOrder, crm.KindVisit, crm.KindTicket, crm.KindAnswer, crm.KindClick, crm.KindTag}

func newPopulation(cfg *Config, places *crm.Places) *population {
	return &population{store: cfg.Store, places: places, consent: cfg.Consent, survivorship: cfg.Survivorship, currency: cfg.Currency, rate: cfg.Rate,
		byHome: map[crm.ProfileKey]*person{}, homeOf: map[crm.ProfileKey]crm.ProfileKey{}, clicks: map[crm.FactRef]bool{},
		threads: runtime.GOMAXPROCS(0)}
}

// loadBatch is how many customers are read per transaction.
const loadBatch = 500

// load reads everybody. Changes committed meanwhile are met again by refresh.
func (p *population) load(ctx context.Context, progress func(n int)) error {
	err := p.store.View(ctx, func(r crm.Reader) (err error) {
		p.at, err = r.Head(ctx)
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan []crm.CustomerID, p.threads)
	done := make(chan []*person, p.threads)
	var wg sync.WaitGroup
	for range p.threads {
		wg.Go(func() {
			for ids := range work {
				got, err := p.read(ctx, ids)
				if err != nil {
					cancel(err)
					continue
				}
				done <- got
			}
		})
	}
	go func() {
		defer close(done)
		defer wg.Wait()
		defer close(work)
		var after crm.ProfileKey
		for ctx.Err() == nil {
			var page []*crm.Profile
			var ids []crm.CustomerID
			err := p.store.View(ctx, func(r crm.Reader) (err error) {
				if page, err = r.ScanProfiles(ctx, crm.AllParts(), after, 2*loadBatch); err != nil || len(page) == 0 {
					return err
				}
				keys := make([]crm.ProfileKey, len(page))
				for i, x := range page {
					keys[i] = x.ProfileKey
				}
				homes, err := r.HomeIDs(ctx, keys...)
				for i, x := range page {
					if err == nil && homes[i] == x.Customer {
						ids = append(ids, x.Customer)
					}
				}
				return err
			})
			if err != nil {
				cancel(err)
				return
			}
			if len(page) == 0 {
				return
			}
			after = page[len(page)-1].ProfileKey
			for chunk := range slices.Chunk(ids, loadBatch) {
				work <- chunk
			}
		}
	}()
	n := 0
	for got := range done {
		for _, x := range got {
			p.keep(x)
		}
		n += len(got)
		if progress != nil {
			progress(n)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

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

// read builds the persons with the given current customer ids.
func (p *population) read(ctx context.Context, ids []crm.CustomerID) (out []*person, err error) {
	err = p.store.View(ctx, func(r crm.Reader) error {
		out, err = p.readIn(ctx, r, ids, kinds)
		return err
	})
	return out, err
}

// readIn is read in a transaction that is under way, and of the given kinds of
// facts only.
func (p *population) readIn(ctx context.Context, r crm.Reader, ids []crm.CustomerID, kinds []crm.FactKind) ([]*person, error) {
	members, err := r.Members(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var keys []crm.ProfileKey
	for _, m := range members {
		keys = append(keys, m...)
	}
	profiles, err := r.Profiles(ctx, keys...)
	if err != nil {
		return nil, err
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
	// The first address with consent, or the first: a landline that a source lists
	// before a mobile number does not hide it.
	best := func(list []crm.Address) (int32, bool) {
		i := slices.IndexFunc(list, func(a crm.Address) bool { return granted[a] })
		return int32(max(i, 0)), i >= 0
	}
	for _, x := range persons {
		x.phone, x.sms = best(x.phones)
		x.mailbox, x.email = best(x.emails)
	}
	return nil
}

// zone returns the zone whose evening it is for a person.
func (p *population) zone(x *person) *time.Location {
	return p.places.Zone(p.texts.text(x.place))
}
