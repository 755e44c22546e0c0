package vefa

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
)

// Why says why a customer did or did not get something.
type Why struct {
	Customer crm.CustomerID
	Cause    string
	// Effects are the decisions on record: what was planned for the customer,
	// and for each the last decision with all its reasons.
	Effects []*crm.Effect
	// Text explains, in English, what no effect says: why a rule does not match
	// or why the customer is not in the campaign's audience.
	Text string
}

// String puts it in words, one reason per line.
func (w Why) String() string {
	var b strings.Builder
	for _, f := range w.Effects {
		fmt.Fprintf(&b, "%s: %s", f.Cause, f.State)
		if !f.SentAt.IsZero() {
			fmt.Fprintf(&b, " on %s", f.SentAt.Format("2006-01-02 15:04"))
		} else if f.State == crm.Planned {
			fmt.Fprintf(&b, " for %s", f.Due.Format("2006-01-02 15:04"))
		}
		b.WriteByte('\n')
		for _, r := range f.Reasons {
			mark := "no "
			if r.Pass {
				mark = "yes"
			}
			fmt.Fprintf(&b, "  %s %s %s\n", mark, r.Guard, r.Note)
		}
	}
	b.WriteString(w.Text)
	return b.String()
}

// Why explains a cause ("rule/…" or "campaign/…") for a customer, by any id
// that it ever had: from the decisions on record, and where there is none by
// asking the rule or the segment now. It reads this customer alone and waits for
// no night.
func (e *Engine) Why(ctx context.Context, id crm.CustomerID, cause string) (_ Why, err error) {
	w := Why{Customer: id, Cause: cause}
	defer crm.Recover("explain", &err)
	c, err := e.svc.Customer(ctx, id)
	if err != nil {
		return w, err
	}
	subjects := make([]crm.Subject, 0, len(c.Profiles)+len(c.Contacts))
	for _, k := range c.Profiles {
		subjects = append(subjects, crm.OfProfile(k))
	}
	for _, a := range c.Contacts {
		subjects = append(subjects, crm.OfAddress(a.Address))
	}
	err = e.cfg.Store.View(ctx, func(r crm.Reader) error {
		effects, err := r.EffectsOf(ctx, subjects...)
		for _, f := range effects {
			if f.Cause == cause {
				w.Effects = append(w.Effects, f)
			}
		}
		return err
	})
	if err != nil || len(w.Effects) > 0 {
		return w, err
	}
	pop, x, err := e.one(ctx, "explain", c)
	if err != nil {
		return w, err
	}
	now := e.svc.Now()
	if name, ok := strings.CutPrefix(cause, rules.CausePrefix); ok {
		set := e.rules.Active()
		fill, err := e.newFiller(pop, set, now, func() (*segment.Index, error) { return e.segmentsOf(ctx, pop, now) })
		if err != nil {
			return w, err
		}
		facts, err := fill.one(ctx, x)
		if err != nil {
			return w, err
		}
		ex, err := set.Explain(name, facts, rules.NewMoment(now, pop.zone(x)))
		if err != nil {
			return w, err
		}
		w.Text = ex.String() + ex.FlipText("en")
		return w, nil
	}
	for i := range e.cfg.Campaigns {
		if camp := &e.cfg.Campaigns[i]; camp.Cause() == cause {
			alone, err := e.segmentsOf(ctx, pop, now)
			if err != nil {
				return w, err
			}
			ex, err := alone.Explain(camp.Segment, segmentName(x.home), now)
			if err != nil {
				return w, err
			}
			w.Text = ex.String()
			return w, nil
		}
	}
	return w, fmt.Errorf("vefa: %w", &crm.Error{Op: "explain", Entity: "cause", ID: cause, Kind: crm.ErrNotFound, Err: errors.New("it is neither a rule nor a campaign of this configuration")})
}
