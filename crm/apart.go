package crm

import "context"

// KeepApart records that the customers of two profiles are two persons: the "no" to a question
// about two who are apart. Nobody moves. The decisions that it returns, one about each profile of
// both customers, remember every pair, as those of [Service.Split] do: linkage makes no two of them
// one, whatever else either is merged with and whichever row comes later. It holds until [Service.Undo]
// takes it back, or a person merges the two.
//
// Where it was said of the two profiles before there is nothing to decide, and no link. It fails
// with ErrStale if they are one customer by now, which [Service.Split] is for, with ErrInvalid for a
// profile and itself, and without an actor.
func (s *Service) KeepApart(ctx context.Context, actor string, ev Evidence, a, b ProfileKey) ([]Link, error) {
	const op = "keep apart"
	if actor == "" {
		return nil, noActor(op)
	}
	if a == b {
		return nil, invalid(op, "profile", a.String(), fieldError("profiles", "must be two"))
	}
	return s.decide(ctx, func(w *writer) ([]*Link, error) {
		named, err := w.lockKnown(op, []ProfileKey{a, b})
		if err != nil {
			return nil, err
		}
		if named[0].Customer == named[1].Customer {
			return nil, &Error{Op: op, Entity: "profile", ID: b.String(), Kind: ErrStale, Err: fieldError("profiles", "are one customer")}
		}
		logs, err := w.tx.Links(w.ctx, a, b)
		if err != nil || apart(logs[0], logs[1]) {
			return nil, err
		}
		members, err := w.tx.Members(w.ctx, named[0].Customer, named[1].Customer)
		if err != nil {
			return nil, err
		}
		var links []*Link
		id := w.s.cfg.NewID()
		for i, side := range members {
			ev := ev
			if ev.With.IsZero() {
				ev.With = named[1-i].ProfileKey
			}
			for _, k := range side {
				links = append(links, &Link{Profile: k, Customer: named[i].Customer, Kind: LinkApart, Actor: actor, At: w.now, Evidence: ev, Stays: true,
					Op: id, OpLen: len(members[0]) + len(members[1])})
			}
		}
		return sortedLinks(links), w.tx.AppendLinks(w.ctx, links...)
	})
}

// KeptApart returns, in order, the operations of [Service.KeepApart] that a profile's log tells
// of and that were not taken back. Two profiles are kept apart by one that both logs tell of, with
// different customers.
func KeptApart(log []Link) (in []Link) {
	for _, l := range log {
		if l.Kind == LinkApart && !undone(log, l.Op, nil) {
			in = append(in, l)
		}
	}
	return in
}

// apart reports whether two profiles are kept apart.
func apart(a, b []Link) bool {
	for _, x := range KeptApart(a) {
		for _, y := range KeptApart(b) {
			if x.Op == y.Op && x.Customer != y.Customer {
				return true
			}
		}
	}
	return false
}

// keeps reports whether a decision of a log is about who is kept apart and moves nobody: such a
// one, or one that takes such a one back.
func keeps(log []Link, l Link) bool {
	if l.Kind == LinkUndo {
		for _, before := range log {
			if before.Op == l.Undoes && before.Seq < l.Seq {
				return keeps(log, before)
			}
		}
	}
	return l.Kind == LinkApart
}

// takeBack takes back that profiles are kept apart, or that this was taken back: they stay
// where they are by now.
func (w *writer) takeBack(actor string, o *operation) ([]*Link, error) {
	keys := make([]ProfileKey, len(o.decisions))
	for i, d := range o.decisions {
		keys[i] = d.Profile
	}
	profiles, err := w.lockKnown("undo", keys)
	if err != nil {
		return nil, err
	}
	var links []*Link
	id := w.s.cfg.NewID()
	for _, p := range profiles {
		links = append(links, &Link{Profile: p.ProfileKey, Customer: p.Customer, Kind: LinkUndo, Actor: actor, At: w.now, Evidence: Evidence{Note: "undone"},
			Stays: true, Op: id, OpLen: len(profiles), Undoes: o.op})
	}
	return sortedLinks(links), w.tx.AppendLinks(w.ctx, links...)
}
