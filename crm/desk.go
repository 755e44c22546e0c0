package crm

import (
	"context"
	"errors"
	"slices"
	"time"
)

// OpenTicket opens a ticket on a profile. All addresses of the customer fall
// silent in the same transaction. Opening it again, also with another title,
// changes nothing: SetTicket does. A profile that is not there is ErrNotFound.
func (s *Service) OpenTicket(ctx context.Context, k ProfileKey, source, id string, t Ticket) (FactRef, error) {
	if t.State == "" {
		t.State = TicketOpen
	}
	if t.Opened.IsZero() {
		t.Opened = s.Now()
	}
	f := &Fact{Key: FactKey{KindTicket, source, id}, Subject: OfProfile(k), At: t.Opened, Version: 1, Data: &t}
	ref := f.Ref()
	err := s.update(ctx, func(tx Tx) error {
		ref = f.Ref()
		at, err := tx.Anchors(ctx, f.Key)
		if err != nil {
			return err
		}
		if at[0] != (Subject{}) {
			ref.Subject = at[0]
			return nil
		}
		return sooner(s.In(tx).Record(ctx, f))
	})
	return ref, err
}

// sooner turns ErrExists of a ticket that was just read, and was not so new, into
// a conflict: another writer was faster, the verb looks again.
func sooner(err error) error {
	if errors.Is(err, ErrExists) {
		return &Error{Op: "record", Entity: "ticket", Kind: ErrConflict}
	}
	return err
}

// SetTicket moves a ticket to a state and notes who did it and why: a call that
// returned nil is in the ticket's log, also where the ticket was in that state
// already. Solving it lifts the silence, unless another ticket keeps it. The
// ticket is found where it hangs now, if that is elsewhere than ref says.
func (s *Service) SetTicket(ctx context.Context, ref FactRef, state TicketState, actor, note string) error {
	return s.update(ctx, func(tx Tx) error {
		at, err := tx.LockAnchors(ctx, ref.Key) // no other writer changes the ticket from here on
		if err != nil {
			return err
		}
		facts, err := tx.Facts(ctx, FactRef{at[0], ref.Key})
		if err != nil {
			return err
		}
		if facts[0] == nil {
			return &Error{Op: "set", Entity: "ticket", ID: ref.Key.String(), Kind: ErrNotFound}
		}
		f := *facts[0]
		t := *f.Data.(*Ticket)
		now := s.Now()
		if said := t.said(); said.After(now) {
			now = said
		}
		for _, e := range t.Log {
			if e.At.After(now) {
				now = e.At // a clock that went back takes nothing from this call
			}
		}
		switch {
		case state != TicketSolved:
			t.Solved = time.Time{}
		case t.Unsolved():
			t.Solved = now
		}
		t.State = state
		t.Log = append(slices.Clone(t.Log), TicketLog{At: now, Actor: actor, State: state, Note: note, Desk: true})
		f.Data = &t
		if err := tx.DeleteFacts(ctx, f.Ref()); err != nil { // its version is the source's
			return err
		}
		return s.In(tx).Record(ctx, &f)
	})
}
