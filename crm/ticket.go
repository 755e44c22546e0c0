package crm

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// TicketState is the state of a ticket.
type TicketState string

// The states of a ticket. Open and pending tickets silence the customer.
const (
	TicketOpen    TicketState = "open"
	TicketPending TicketState = "pending" // waiting for the customer or a third party
	TicketSolved  TicketState = "solved"
)

// Ticket is a matter that somebody has to solve. While it is not solved nobody
// writes to any address of the customer, save to answer the matter itself.
type Ticket struct {
	Title    string      `json:"title"`
	State    TicketState `json:"state"`
	Reason   string      `json:"reason,omitempty"` // "survey", "complaint", "not-me", …
	Cause    FactKey     `json:"cause,omitzero"`   // the answer or order that it is about
	Assignee string      `json:"assignee,omitempty"`
	Opened   time.Time   `json:"opened"`
	Solved   time.Time   `json:"solved,omitzero"`
	Related  []FactRef   `json:"related,omitempty"`
	Log      []TicketLog `json:"log,omitempty"`
}

// TicketLog is one entry of a ticket's history.
type TicketLog struct {
	At    time.Time   `json:"at"`
	Actor string      `json:"actor"`
	State TicketState `json:"state"`
	Note  string      `json:"note,omitempty"`
	// Desk is set in entries that SetTicket wrote. A version of the ticket that
	// its source delivers later keeps them.
	Desk bool `json:"desk,omitempty"`
}

// Unsolved reports whether the ticket still silences the customer.
func (t *Ticket) Unsolved() bool { return t.State != TicketSolved }

// FactKind returns KindTicket.
func (*Ticket) FactKind() FactKind { return KindTicket }

func (t *Ticket) validate() error {
	var faults []error
	switch t.State {
	case TicketOpen, TicketPending, TicketSolved:
	default:
		faults = append(faults, fieldError("state", fmt.Sprintf("%q is not known", t.State)))
	}
	if t.Opened.IsZero() {
		faults = append(faults, fieldError("opened", "must be set"))
	}
	faults = append(faults, checkTime("opened", t.Opened), checkTime("solved", t.Solved))
	for i, l := range t.Log {
		if err := checkTime("at", l.At); err != nil {
			faults = append(faults, within("log", i, err))
		}
	}
	return errors.Join(faults...)
}

// keepDesk puts into tickets that replace older versions what was done about them
// at a desk: the source, which did not do it, does not know of it.
func (w *writer) keepDesk(facts []*Fact) error {
	var refs []FactRef
	var tickets []*Fact
	for _, f := range facts {
		if at, ok := w.anchors[f.Key]; ok && f.Key.Kind == KindTicket {
			refs, tickets = append(refs, FactRef{at, f.Key}), append(tickets, f)
		}
	}
	olds, err := w.tx.Facts(w.ctx, refs...)
	if err != nil {
		return err
	}
	for i, f := range tickets {
		if olds[i] == nil {
			continue
		}
		if won, err := newerFact(olds[i], f); err != nil {
			return err
		} else if won == olds[i] {
			continue
		}
		was, is := olds[i].Data.(*Ticket), f.Data.(*Ticket)
		if log := deskLog(was.Log, is.Log); len(log) > len(is.Log) {
			t := *is
			t.Log = log
			f.Data = &t
		}
	}
	return nil
}

// deskLog returns the new log with the desk's entries of the old one, by time.
func deskLog(was, is []TicketLog) []TicketLog {
	out := slices.Clone(is)
	for _, e := range was {
		same := func(x TicketLog) bool {
			return x.Desk && x.At.Equal(e.At) && x.Actor == e.Actor && x.State == e.State && x.Note == e.Note
		}
		count := func(log []TicketLog) (n int) {
			for _, x := range log {
				if same(x) {
					n++
				}
			}
			return n
		}
		if e.Desk && count(out) < count(was) {
			out = append(out, e)
		}
	}
	if len(out) > len(is) {
		slices.SortStableFunc(out, func(a, b TicketLog) int { return a.At.Compare(b.At) })
	}
	return out
}
