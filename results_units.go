package vefa

import (
	"cmp"
	"context"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// units leaves of the offers of campaigns that are Live one for each customer, as customers are
// now, and other effects as they are: the first that was made to him, or kept from him by the
// holdout, else the first that was withheld. A customer whom a till asks about each day is one
// unit of the experiment from his first day on, and what he buys within its window is bought
// once; else those who come often, who buy more anyway, would count as often, and what they buy
// with each offer before.
func (e *Engine) units(ctx context.Context, byCause map[string][]*crm.Effect, data map[crm.EffectID]MessageData) error {
	var keys []crm.ProfileKey
	for _, list := range byCause {
		for _, f := range list {
			if f.Kind == EffectOffer {
				keys = append(keys, data[f.ID].Profile)
			}
		}
	}
	slices.SortFunc(keys, crm.ProfileKey.Compare)
	customers := map[crm.ProfileKey]crm.CustomerID{}
	for chunk := range slices.Chunk(slices.Compact(keys), loadBatch) {
		err := e.cfg.Store.View(ctx, func(r crm.Reader) error {
			ids, err := r.CustomersOf(ctx, chunk...)
			for i, id := range ids {
				customers[chunk[i]] = id
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	type unit struct {
		customer crm.CustomerID
		gone     crm.ProfileKey // of no customer any more
	}
	for cause, list := range byCause {
		first := map[unit]*crm.Effect{}
		of := func(f *crm.Effect) unit {
			k := data[f.ID].Profile
			if id := customers[k]; id != "" {
				return unit{customer: id}
			}
			return unit{gone: k}
		}
		for _, f := range list {
			if f.Kind == EffectOffer {
				if was := first[of(f)]; was == nil || earlier(f, was) < 0 {
					first[of(f)] = f
				}
			}
		}
		byCause[cause] = slices.DeleteFunc(list, func(f *crm.Effect) bool { return f.Kind == EffectOffer && first[of(f)] != f })
	}
	return nil
}

// earlier compares two offers of one customer: what was withheld comes last.
func earlier(a, b *crm.Effect) int {
	withheld := func(f *crm.Effect) int {
		if f.State == crm.Withheld {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(withheld(a), withheld(b)), a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
}
