package vefa

import (
	"context"
	"iter"
	"runtime"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// sheet is some customers that were read together.
type sheet struct {
	p        *population
	persons  []*person
	profiles int // that were looked through
}

// found is what a page of customers is read by: the customers whose home profiles are in it.
type found struct {
	ids   []crm.CustomerID
	known map[crm.ProfileKey]*crm.Profile // what was read of profiles on the way
}

// eachPage reads the customers of some parts, page by page, with facts of the given kinds: calls do for
// each page from several goroutines, and then with what that returned, in the order of the
// pages, from its own. A few pages are in memory at once. What is committed meanwhile may
// be missed. Pages belong to what into returns: one population of everybody, or a new one
// for each.
func eachPage[T any](ctx context.Context, e *Engine, at *stretch, kinds []crm.FactKind, into func() *population, do func(context.Context, sheet) (T, error), then func(T) error) error {
	return ordered(ctx, threads(), func(ctx context.Context, yield func(found) bool) error { return e.findCustomers(ctx, at, yield) },
		func(ctx context.Context, _ int, f found) (out T, err error) {
			pg := sheet{p: into(), profiles: len(f.known)}
			err = e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
				pg.persons, err = pg.p.read(ctx, r, f.ids, kinds, f.known)
				return err
			})
			if err != nil {
				return out, err
			}
			return do(ctx, pg)
		}, then)
}

// findCustomers looks through the profiles of some parts, in the order of the parts. Where it
// is to stop it comes to the end of the part that it is in.
func (e *Engine) findCustomers(ctx context.Context, at *stretch, yield func(found) bool) error {
	var after crm.ProfileKey
	at.end = at.Hi
	for {
		if at.stop != nil && after != (crm.ProfileKey{}) && at.stop() {
			at.end = min(at.end, after.Part()+1)
		}
		var f found
		var keys []crm.ProfileKey
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			got, err := r.ScanProfiles(ctx, crm.PartRange{Lo: at.Lo, Hi: at.end}, after, 2*loadBatch)
			if err != nil || len(got) == 0 {
				return err
			}
			f = found{known: make(map[crm.ProfileKey]*crm.Profile, len(got))}
			keys = make([]crm.ProfileKey, len(got))
			for i, x := range got {
				keys[i] = x.ProfileKey
				f.known[x.ProfileKey] = x
			}
			homes, err := r.HomeIDs(ctx, keys...)
			for i, x := range got {
				if err == nil && homes[i] == x.Customer {
					f.ids = append(f.ids, x.Customer)
				}
			}
			return err
		})
		if err != nil || len(keys) == 0 || !yield(f) {
			return err
		}
		after = keys[len(keys)-1]
	}
}

// everybody calls do for all customers, with at least the facts of the given kinds, from
// several goroutines, and then with what that returned, in order.
func everybody[T any](ctx context.Context, e *Engine, kinds []crm.FactKind, do func(sheet) T, then func(T)) error {
	if e.pop != nil {
		then(do(sheet{e.pop, e.pop.sorted(), len(e.pop.homeOf)}))
		return ctx.Err()
	}
	return eachPage(ctx, e, wholly(everyPart()[0]), kinds, func() *population { return e.newPopulation(false) },
		func(_ context.Context, pg sheet) (T, error) { return do(pg), nil },
		func(got T) error { then(got); return nil })
}

// those returns a population that has the customers of some profiles: everybody, where
// they are kept, or as the transaction reads them.
func (e *Engine) those(ctx context.Context, r crm.Reader, profiles iter.Seq[crm.ProfileKey]) (*population, error) {
	if e.pop != nil {
		return e.pop, nil
	}
	return e.theirs(e.places)(ctx, r, profiles)
}

// theirs reads the customers of profiles from the record, also beside a verb that holds the lock.
func (e *Engine) theirs(places *crm.Places) reading {
	return func(ctx context.Context, r crm.Reader, profiles iter.Seq[crm.ProfileKey]) (*population, error) {
		var keys []crm.ProfileKey
		for k := range profiles {
			if !k.IsZero() {
				keys = append(keys, k)
			}
		}
		slices.SortFunc(keys, crm.ProfileKey.Compare)
		ids, err := r.CustomersOf(ctx, slices.Compact(keys)...)
		if err != nil {
			return nil, err
		}
		return e.few(ctx, r, places, ids, e.rules.Active(), kinds)
	}
}

func threads() int { return runtime.GOMAXPROCS(0) }
