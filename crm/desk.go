package crm

import (
	"context"
	"time"
)

// OpenTicket opens a ticket on a profile. All addresses of the customer fall
// silent in the same transaction. Opening it again changes nothing.
func (s *Service) OpenTicket(ctx context.Context, k ProfileKey, source, id string, t Ticket) (FactRef, error) {
	if t.State == "" {
		t.State = TicketOpen
	}
	if t.Opened.IsZero() {
		t.Opened = s.Now()
	}
	f := &Fact{Key: FactKey{KindTicket, source, id}, Subject: OfProfile(k), At: t.Opened, Version: 1, Data: &t}
	return f.Ref(), s.Record(ctx, f)
}

// SetTicket moves a ticket to a state and notes who did it and why. Solving
// it lifts the silence, unless another ticket keeps it.
func (s *Service) SetTicket(ctx context.Context, ref FactRef, state TicketState, actor, note string) error {
	return s.update(ctx, func(tx Tx) error {
		facts, err := tx.Facts(ctx, ref)
		if err != nil {
			return err
		}
		if facts[0] == nil {
			return &Error{Op: "set", Entity: "ticket", ID: ref.Key.String(), Kind: ErrNotFound}
		}
		f := *facts[0]
		t := *f.Data.(*Ticket)
		now := s.Now()
		if t.State == state {
			return nil
		}
		t.State, t.Solved = state, time.Time{}
		if state == TicketSolved {
			t.Solved = now
		}
		t.Log = append(append([]TicketLog(nil), t.Log...), TicketLog{At: now, Actor: actor, State: state, Note: note})
		f.Data = &t
		f.Version++
		return s.In(tx).Record(ctx, &f)
	})
}
