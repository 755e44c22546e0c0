package crm

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"
)

// Event is one entry of a customer's timeline. Exactly one of Fact, Effect and
// Link is set.
type Event struct {
	At     time.Time
	Fact   *Fact
	Effect *Effect
	Link   *Link
}

// Timeline iterates over all that is known to have happened to a customer, in
// every source and under every id, in the order of time: facts when they
// happened, effects when they were sent or last decided on, link decisions
// when they were taken. What was said about an address of the customer
// (consents) and what hangs on its records is part of it.
func (s *Service) Timeline(ctx context.Context, id CustomerID) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		var events []Event
		err := s.store.View(ctx, func(r Reader) (err error) {
			events, err = timeline(ctx, r, id)
			return err
		})
		if err != nil {
			yield(Event{}, err)
			return
		}
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func timeline(ctx context.Context, r Reader, id CustomerID) ([]Event, error) {
	id, err := resolve(ctx, r, id)
	if err != nil {
		return nil, err
	}
	profiles, err := membersOf(ctx, r, id)
	if err != nil {
		return nil, err
	}
	keys := make([]ProfileKey, len(profiles))
	for i, p := range profiles {
		keys[i] = p.ProfileKey
	}
	subjects := profileSubjects(keys)
	for _, a := range addressesOf(profiles) {
		subjects = append(subjects, OfAddress(a))
	}
	var events []Event
	seen := map[FactKey]bool{} // records
	for on := subjects; len(on) > 0; {
		var records []Subject
		for f, err := range FactsOf(ctx, r, on) {
			if err != nil {
				return nil, err
			}
			k := r.Kinds().Of(f.Key.Kind)
			at, shown := f.At, true
			if k != nil && k.Moment != nil {
				at, shown = k.Moment(f)
			}
			if shown {
				events = append(events, Event{At: at, Fact: f})
			}
			if k != nil && k.Unique && !seen[f.Key] {
				seen[f.Key] = true
				records = append(records, OfRecord(f.Key))
			}
		}
		on = records
	}
	effects, err := r.EffectsOf(ctx, subjects...)
	if err != nil {
		return nil, err
	}
	for _, e := range effects {
		at := e.Changed
		if !e.SentAt.IsZero() {
			at = e.SentAt
		} else if !e.State.Final() {
			at = e.Due
		}
		events = append(events, Event{At: at, Effect: e})
	}
	logs, err := r.Links(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, log := range logs {
		for i := range log {
			events = append(events, Event{At: log[i].At, Link: &log[i]})
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Or(a.At.Compare(b.At), a.order(b)) })
	return events, nil
}

// order breaks ties of time: links, then facts, then effects, each by key.
func (e Event) order(o Event) int {
	rank := func(e Event) int {
		switch {
		case e.Link != nil:
			return 0
		case e.Fact != nil:
			return 1
		}
		return 2
	}
	if c := cmp.Compare(rank(e), rank(o)); c != 0 {
		return c
	}
	switch {
	case e.Link != nil:
		return cmp.Or(e.Link.Profile.Compare(o.Link.Profile), cmp.Compare(e.Link.Seq, o.Link.Seq))
	case e.Fact != nil:
		return e.Fact.Ref().Compare(o.Fact.Ref())
	}
	return cmp.Compare(e.Effect.ID, o.Effect.ID)
}
