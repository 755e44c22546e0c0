package vefa

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// few reads the customers of some profiles as they are in a transaction, and
// nobody else: what is asked about one customer, or about those of a batch, waits
// for no night and does not depend on what this process has in memory. Absent
// profiles are left out. Without kinds, all facts that persons are made of are
// read.
func (e *Engine) few(ctx context.Context, r crm.Reader, places *crm.Places, keys []crm.ProfileKey, only ...crm.FactKind) (*population, error) {
	p := newPopulation(&e.cfg, places)
	p.clicksFrom = never // it judges no clicks
	p.withLines = e.rules.Active().Reads("Lines")
	if len(only) == 0 {
		only = kinds
	}
	if len(keys) == 0 {
		return p, nil
	}
	keys = slices.Clone(keys)
	slices.SortFunc(keys, crm.ProfileKey.Compare)
	found, err := r.Profiles(ctx, slices.Compact(keys)...)
	if err != nil {
		return nil, err
	}
	ids := make([]crm.CustomerID, 0, len(found))
	for _, x := range found {
		if x != nil {
			ids = append(ids, x.Customer)
		}
	}
	slices.Sort(ids)
	persons, err := p.readIn(ctx, r, slices.Compact(ids), only)
	if err != nil {
		return nil, err
	}
	for _, x := range persons {
		p.keep(x)
	}
	return p, nil
}

// never is after everything that can be recorded.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

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
		p, err = e.few(ctx, r, places, c.Profiles)
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
