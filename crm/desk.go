package crm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// OpenTicket opens a ticket on a profile. All addresses of the customer fall
// silent in the same transaction. Opening it again, also with another title,
// changes nothing: ChangeTicket does. A profile that is not there is ErrNotFound.
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
		if at[0] != (Subject{}) && at[0] != OfRecord(f.Key) {
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

// TicketChange is what is done at a desk about a ticket. What is nil or empty
// stays as it is.
type TicketChange struct {
	Actor    string      // who does it; must be set
	Note     string      // why
	State    TicketState // the new state
	Assignee *string     // who has to solve it; "" takes it from everyone
	Priority *int        // from 0 to 9
	Level    *int        // of escalation, from 0 to 9
	Related  []FactRef   // further facts that belong to the matter, such as what the customer wrote since
	// Seen is Ticket.Mark of the ticket that the change was decided on. If it has
	// changed since, nothing is done and the error is ErrStale: look again, decide
	// again. Empty: whatever others did meanwhile.
	Seen string
}

// Mark names a ticket as it is: it is another one after every change, also of its log
// alone. It is short and may travel through a form, for TicketChange.Seen.
func (t *Ticket) Mark() string {
	data, err := json.Marshal(t)
	if err != nil { // a time that JSON cannot write; no stored ticket has one
		data = []byte(err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// ChangeTicket changes a ticket, notes in its log who did what and why, and returns it
// as it is then. A call that returned nil is in the log, also where it changed nothing
// else; what others change at once is never lost. Solving a ticket lifts its holds,
// unless another ticket keeps it. The ticket is found where it hangs now, if that is
// elsewhere than ref says; one that is not there is ErrNotFound, and a change without
// an Actor ErrInvalid.
func (s *Service) ChangeTicket(ctx context.Context, ref FactRef, c TicketChange) (*Ticket, error) {
	if strings.TrimSpace(c.Actor) == "" {
		return nil, invalid("change", "ticket", ref.Key.String(), fieldError("actor", "must not be empty: the log says who did what"))
	}
	var out *Ticket
	err := s.update(ctx, func(tx Tx) error {
		at, err := tx.LockAnchors(ctx, ref.Key) // no other writer changes the ticket from here on
		if err != nil {
			return err
		}
		facts, err := tx.Facts(ctx, FactRef{at[0], ref.Key})
		if err != nil {
			return err
		}
		if facts[0] == nil {
			return &Error{Op: "change", Entity: "ticket", ID: ref.Key.String(), Kind: ErrNotFound}
		}
		f := *facts[0]
		was := f.Data.(*Ticket)
		if c.Seen != "" && c.Seen != was.Mark() {
			return &Error{Op: "change", Entity: "ticket", ID: ref.Key.String(), Kind: ErrStale}
		}
		f.Data = was.changed(c, s.Now())
		if err := tx.DeleteRefs(ctx, s.kinds.index(nil, facts[0], nil)...); err != nil {
			return err
		}
		if err := tx.DeleteFacts(ctx, f.Ref()); err != nil { // its version is the source's
			return err
		}
		if err := s.In(tx).Record(ctx, &f); err != nil {
			return err
		}
		if facts, err = tx.Facts(ctx, f.Ref()); err == nil { // as it is kept, for its Mark
			out = facts[0].Data.(*Ticket)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SetTicket is ChangeTicket of the state alone.
func (s *Service) SetTicket(ctx context.Context, ref FactRef, state TicketState, actor, note string) error {
	if state == "" {
		return invalid("set", "ticket", ref.Key.String(), fieldError("state", "must not be empty"))
	}
	_, err := s.ChangeTicket(ctx, ref, TicketChange{State: state, Actor: actor, Note: note})
	return err
}

// changed returns the ticket after a change at a desk.
func (t *Ticket) changed(c TicketChange, now time.Time) *Ticket {
	out := *t
	if said := t.said(); said.After(now) {
		now = said
	}
	for _, e := range t.Log {
		if e.At.After(now) {
			now = e.At // a clock that went back takes nothing from this call
		}
	}
	if c.State == "" {
		c.State = t.State
	}
	switch {
	case c.State != TicketSolved:
		out.Solved = time.Time{}
	case t.Unsolved():
		out.Solved = now
	}
	out.State = c.State
	e := TicketLog{At: now, Actor: c.Actor, State: c.State, Note: c.Note, Desk: true,
		Assignee: copied(c.Assignee), Priority: copied(c.Priority), Level: copied(c.Level), Related: slices.Clone(c.Related)}
	e.set(&out)
	out.relate(e.Related)
	out.Log = append(slices.Clone(t.Log), e)
	return &out
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
