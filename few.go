package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
)

// few reads customers as they are in a transaction, and no others: what is asked
// about one customer, or about those of a batch, waits for no night and does not
// depend on what this process has in memory. Ids that mean no customer are left
// out.
func (e *Engine) few(ctx context.Context, r crm.Reader, places *crm.Places, ids []crm.CustomerID, set *rules.Set[Facts], kinds []crm.FactKind) (*population, error) {
	p := newPopulation(&e.cfg, places)
	p.set, p.withLines = set, e.reads(set, "Lines")
	p.records = map[crm.ProfileKey]*crm.Profile{}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id crm.CustomerID) bool { return id == "" })
	slices.Sort(ids)
	persons, err := p.read(ctx, r, slices.Compact(ids), kinds, nil)
	if err != nil {
		return nil, err
	}
	for _, x := range persons {
		p.keep(x)
	}
	return p, nil
}

// buyers reads what customers bought, and when they came to a store, and nothing else of them:
// each stands under the first of its profiles.
func (e *Engine) buyers(ctx context.Context, r crm.Reader, places *crm.Places, ids []crm.CustomerID) (*population, error) {
	p := newPopulation(&e.cfg, places)
	slices.Sort(ids)
	members, err := r.Members(ctx, slices.DeleteFunc(slices.Compact(ids), func(id crm.CustomerID) bool { return id == "" })...)
	if err != nil {
		return nil, err
	}
	owner := map[crm.ProfileKey]place{}
	var subjects []crm.Subject
	var persons []*person
	for _, m := range members {
		if len(m) == 0 {
			continue
		}
		x := &person{profiles: m, home: m[0]}
		for i, k := range m {
			owner[k] = place{x, uint32(i)}
			subjects = append(subjects, crm.OfProfile(k))
		}
		persons = append(persons, x)
	}
	p.came = map[*person][]storeVisit{}
	for f, err := range crm.FactsOf(ctx, r, subjects, e.visitKinds()...) {
		if err != nil {
			return nil, err
		}
		of := owner[f.Subject.Profile]
		v, ok, err := e.storeVisit(places, f)
		if err != nil {
			return nil, fmt.Errorf("vefa: Config.StoreVisit: %w", err)
		}
		if ok {
			p.came[of.person] = append(p.came[of.person], v)
		}
		if f.Key.Kind == crm.KindOrder {
			p.add(of.person, of.index, f)
		}
	}
	for _, x := range persons {
		p.finish(x)
		p.keep(x)
	}
	return p, nil
}

// asked returns the kinds of facts that rules must be asked again with: those that
// only rules look at are left out where no rule does.
func (e *Engine) asked(set *rules.Set[Facts]) []crm.FactKind {
	if len(e.cfg.Fields) > 0 { // they may look at all facts
		return kinds
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(k crm.FactKind) bool {
		var by []string
		switch k {
		case crm.KindClick:
			by = []string{"LastClick", "DaysSinceClick"}
		case crm.KindAnswer:
			by = []string{"Answers", "LastScore", "LastBad", "LastAnswer", "DaysSinceAnswer"}
		case crm.KindTicket:
			by = []string{"OpenTickets", "LastSolved", "DaysSinceSolve"}
		default:
			return false
		}
		return !slices.ContainsFunc(by, func(field string) bool { return set.Reads(field) || e.conditions.reads(field) || e.shows(field) })
	})
}

// recordsOf returns the profiles of a person, of a population that keeps them.
func (p *population) recordsOf(x *person) []*crm.Profile {
	out := make([]*crm.Profile, len(x.profiles))
	for i, k := range x.profiles {
		out[i] = p.records[k]
	}
	return out
}

var errNoProfile = errors.New("it has no profile")

// one is few for one customer, in a transaction of its own. It is ErrNotFound if
// the customer has no profile any more.
func (e *Engine) one(ctx context.Context, op string, c *crm.Customer) (*population, *person, error) {
	var p *population
	err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
		places, err := crm.LoadPlaces(ctx, r, e.cfg.Home)
		if err != nil {
			return err
		}
		ids, err := r.CustomersOf(ctx, c.Profiles...)
		if err != nil {
			return err
		}
		p, err = e.few(ctx, r, places, ids, e.rules.Active(), kinds)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	for _, k := range c.Profiles {
		if x := p.of(k); x != nil {
			return p, x, nil
		}
	}
	return nil, nil, &crm.Error{Op: op, Entity: "customer", ID: string(c.ID), Kind: crm.ErrNotFound, Err: errNoProfile}
}
