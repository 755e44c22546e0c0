package vefa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/segment"
)

// Occurred says what an occasion led to.
type Occurred struct {
	Planned   int // effects that are new
	Repeated  int // that were there already
	Cancelled int // that waited, of rules with cancel_at
	// Offers are what the customer is offered, of rules with the action offer: nothing, where
	// he is held out, has an unsolved ticket or a tag that excludes him. The host shows them.
	Offers []Offered
}

// Occur tells the rules of an occasion about a customer, by any id that it ever
// had: an event that the host saw, a tag that was set or taken away, a segment
// that was entered or left. What is waiting and to be cancelled by it is
// cancelled, about the given fact alone if there is one; then the rules with
// this trigger plan. About an order, a visit or an answer, rules with Each over rows of
// that kind (Purchases and Lines of an order) look at its own rows alone, and at all
// without; so do those that evenings tell of facts. The next Night or Deliver does what is due.
//
// An event must be one of evenings or of Config.Events, a segment one of
// Config.Segments; what is not, and a trigger that is no occasion, is ErrInvalid.
//
// The occasion itself should be in the record before. Telling the same occasion
// twice plans nothing twice. Occur reads this customer alone and waits for no
// night.
func (e *Engine) Occur(ctx context.Context, id crm.CustomerID, t rules.Trigger, about crm.FactKey) (out Occurred, err error) {
	defer e.took("occur", time.Now(), &err)
	defer crm.Recover("occur", &err)
	if err := e.checkOccasion(t); err != nil {
		return out, err
	}
	for range longestTurn {
		var tried Occurred
		tried, err = e.occur(ctx, id, t, about)
		tried.Cancelled += out.Cancelled
		if out = tried; !errors.Is(err, errMoved) {
			return out, err
		}
	}
	return out, &crm.Error{Op: "occur", Entity: "customer", ID: string(id), Kind: crm.ErrConflict, Err: err}
}

// occur is Occur of the customer as he is read once.
func (e *Engine) occur(ctx context.Context, id crm.CustomerID, t rules.Trigger, about crm.FactKey) (out Occurred, err error) {
	c, err := e.svc.Customer(ctx, id)
	if err != nil {
		return out, err
	}
	pop, x, err := e.one(ctx, "occur", c)
	if err != nil {
		return out, err
	}
	now := e.svc.Now()
	w, err := e.newEvaluator(pop, t, now, e.segmentsAt(now, func() (*segment.Index, error) { return e.segmentsOf(ctx, pop, now) }))
	if err != nil {
		return out, err
	}
	if !about.IsZero() {
		w.about = []crm.FactKey{about}
	}
	members := make([]crm.Subject, len(x.profiles))
	for i, k := range x.profiles {
		members[i] = crm.OfProfile(k)
	}
	err = e.svc.Update(ctx, func(tx crm.Tx) error {
		cancelled, err := w.set.Cancel(ctx, tx, t, about, w.moment(x), members...)
		out.Cancelled = len(cancelled)
		return err
	})
	if err != nil {
		return out, err
	}
	in, err := w.persons(ctx, []*person{x})
	if err != nil || len(in) == 0 {
		return out, err
	}
	offers, err := e.newOffering(ctx, pop, x, members, in, now)
	if err != nil {
		return out, err
	}
	n, err := offers.write(ctx, x.id, in)
	out.Planned, out.Repeated = n.Planned, n.Repeated
	if err != nil {
		return out, err
	}
	out.Offers, err = offers.made(ctx, n)
	return out, err
}

// checkOccasion refuses what is no occasion, as rules that wait for it are refused.
func (e *Engine) checkOccasion(t rules.Trigger) error {
	refuse := func(field, format string, args ...any) error {
		return &crm.Error{Op: "occur", Entity: "trigger", ID: t.String(), Kind: crm.ErrInvalid, Err: &crm.FieldError{Field: field, Msg: fmt.Sprintf(format, args...)}}
	}
	switch t.Kind {
	case rules.OnEvent:
		if !slices.Contains(engineEvents, t.Event) && !slices.Contains(e.cfg.Events, t.Event) {
			return refuse("event", "%q is none of %v and not in Config.Events", t.Event, engineEvents)
		}
	case rules.OnTagAdded, rules.OnTagRemoved:
		if t.Tag == "" {
			return refuse("tag", "must be set")
		}
	case rules.OnSegmentEntered, rules.OnSegmentLeft:
		if !slices.ContainsFunc(e.defs, func(d segment.Definition) bool { return d.Name == t.Segment }) {
			return refuse("segment", "%q is not defined in Config.Segments", t.Segment)
		}
	default:
		return refuse("kind", "%q is no occasion: it must be %s, %s, %s, %s or %s", t.Kind, rules.OnEvent, rules.OnTagAdded, rules.OnTagRemoved, rules.OnSegmentEntered, rules.OnSegmentLeft)
	}
	return nil
}
