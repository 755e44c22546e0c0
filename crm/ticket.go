package crm

import (
	"errors"
	"fmt"
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
