package vefa

import (
	"context"
	"errors"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/dedup"
	"github.com/vefacrm/vefa/dedup/people"
)

// Identified is who somebody may be.
type Identified struct {
	// Customer is whom tonight's linkage would take them for, if they were delivered now
	// and nothing else: by the same model, thresholds and decisions of people. Empty:
	// somebody new.
	Customer crm.CustomerID
	// Candidates are the profiles that they may be, the likeliest first, down to odds of one
	// in a hundred.
	Candidates []Candidate
}

// Candidate is a profile that somebody may be.
type Candidate struct {
	Profile     crm.ProfileKey
	Customer    crm.CustomerID
	Weight      float64  // log2 of the odds
	Probability float64  // the same as a probability
	Fields      []string // what agreed and how
}

// Identify answers who somebody at the till is, by what was asked of them; the key of p is not
// looked at, and nothing is stored. It knows everybody as linkage did when it last ended,
// waits for no night, and takes microseconds, but for the first question of a process and
// the first after a model was learnt: that reads everybody. An organisation is nobody.
// It fails where Config.TrainAt says that only people merge, with [errors.ErrUnsupported].
func (e *Engine) Identify(ctx context.Context, p *crm.Profile) (out Identified, err error) {
	if e.cfg.TrainAt < 0 {
		return out, &crm.Error{Op: "identify", Entity: "profile", Kind: errors.ErrUnsupported}
	}
	if !linkable(p) {
		return out, nil
	}
	x, err := e.everybody(ctx)
	if err != nil {
		return out, err
	}
	r := personRecord(p)
	found, err := x.Find(ctx, r)
	if err != nil || len(found) == 0 {
		return out, err
	}
	var keys []crm.ProfileKey
	for _, m := range found {
		keys = append(keys, keyOf(m.ID))
	}
	// What is no match at all joins nobody, and leaves no trace in the index.
	if found[0].Weight > 0 {
		with, err := x.Join(ctx, r)
		if err != nil {
			return out, err
		}
		if ok := len(with) > 0; ok {
			if x.assumed {
				ok, err = e.clearly(ctx, x, r, with)
			}
			if err != nil {
				return out, err
			}
			if ok {
				keys = append(keys, keyOf(with[0]))
			}
		}
	}
	var ids []crm.CustomerID
	err = e.cfg.Store.View(ctx, func(r crm.Reader) (err error) {
		ids, err = r.CustomersOf(ctx, keys...)
		return err
	})
	if err != nil {
		return out, err
	}
	for i, m := range found {
		out.Candidates = append(out.Candidates, Candidate{keys[i], ids[i], m.Weight, m.Probability, m.Fields})
	}
	if len(keys) > len(found) {
		out.Customer = ids[len(found)]
	}
	return out, nil
}

// everybody returns what linkage knew when it last ended, or makes it.
func (e *Engine) everybody(ctx context.Context) (*everyone, error) {
	if x := e.live.Load(); x != nil {
		return x, nil
	}
	select {
	case e.building <- struct{}{}:
		defer func() { <-e.building }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if x := e.live.Load(); x != nil {
		return x, nil
	}
	model, _, err := e.model(ctx)
	if err != nil {
		return nil, err
	}
	x := &everyone{}
	if model != nil {
		if x.Index, err = e.linker.NewIndex(model); errors.Is(err, dedup.ErrModel) {
			model = nil // of another version
		} else if err != nil {
			return nil, err
		}
	}
	if model == nil {
		x, _, _, err = e.linkFew(ctx, &remembered{})
	} else {
		var decisions []dedup.Decision
		var all []people.Record
		if decisions, err = e.decisions(ctx, nil, &remembered{}); err != nil {
			return nil, err
		}
		for p, err := range e.scanProfiles(ctx) {
			if err != nil {
				return nil, err
			}
			if linkable(p) {
				all = append(all, personRecord(p))
			}
		}
		_, err = x.Apply(ctx, all, nil, decisions...)
	}
	if err != nil {
		return nil, err
	}
	e.live.CompareAndSwap(nil, x)
	return x, nil
}

// clearly reports whether a record that would join others is no question, where nothing was
// learnt of errors.
func (e *Engine) clearly(ctx context.Context, x *everyone, r people.Record, with []string) (bool, error) {
	r.ID = ""
	of, home := map[string]*people.Record{"": &r}, map[string]crm.CustomerID{}
	err := e.cfg.Store.View(ctx, func(rd crm.Reader) error {
		keys := make([]crm.ProfileKey, len(with))
		for i, id := range with {
			keys[i] = keyOf(id)
		}
		found, err := rd.Profiles(ctx, keys...)
		for _, p := range found {
			if p != nil {
				rec := personRecord(p)
				of[rec.ID], home[rec.ID] = &rec, "one" // whom linkage has together
			}
		}
		return err
	})
	list := []string{""}
	for _, id := range with {
		if of[id] != nil {
			list = append(list, id)
		}
	}
	return len(questionable(list, of, home, x.crowded)) == 0, err
}
