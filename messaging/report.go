package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Delivery is how far a message has come after the provider took it.
type Delivery string

// The states of a delivery, from the least certain to the last. Those of a message
// only ever go forward in this order, however its reports arrive: delivered is
// after failed, because a provider that gave a message up may still see it arrive,
// and the other way round cannot happen.
const (
	Enroute     Delivery = "enroute"     // on its way: buffered, accepted by the network
	Expired     Delivery = "expired"     // given up when its validity was over
	Undelivered Delivery = "undelivered" // given up: the address does not exist, is barred, full, refuses
	Rejected    Delivery = "rejected"    // never sent on: by the provider, a black list, the consent registry
	Delivered   Delivery = "delivered"   // on the device, in the mailbox
	Read        Delivery = "read"        // opened, where the channel tells
)

// rank orders deliveries; 0 is none of them.
func (d Delivery) rank() int {
	switch d {
	case Enroute:
		return 1
	case Expired:
		return 2
	case Undelivered:
		return 3
	case Rejected:
		return 4
	case Delivered:
		return 5
	case Read:
		return 6
	}
	return 0
}

// Valid reports whether d is one of the known states.
func (d Delivery) Valid() bool { return d.rank() > 0 }

// Final reports whether a message in this state is no longer on its way.
func (d Delivery) Final() bool { return d.rank() > 1 }

// After reports whether d comes after o, so that a message in o moves on to d.
func (d Delivery) After(o Delivery) bool { return d.rank() > o.rank() }

// Report is what a provider says about a message that it took: pushed to a
// webhook, in a session, or polled.
type Report struct {
	// ID is the message, where the provider gives back the id that it was given; empty
	// where Provider alone names it.
	ID crm.EffectID `json:",omitempty"`
	// Provider is the provider's own id of the message, as crm.Receipt.Provider had it.
	Provider string `json:",omitempty"`
	// Part counts from 1 the part of a long message that the report is about; 0 is the
	// message as a whole. Parts is how many there are; 0 if the provider does not say.
	Part, Parts int `json:",omitempty"`
	State       Delivery
	// Code is the provider's own code of an error, as it wrote it.
	Code string `json:",omitempty"`
	// Reason says in one line why, without text or address.
	Reason string `json:",omitempty"`
	// Bounce says that nothing will ever arrive at the address: no such subscriber, no
	// such mailbox. It is not set for what may pass, such as a full mailbox.
	Bounce bool `json:",omitempty"`
	// At is when it happened, by the provider's clock; zero if it does not say.
	At time.Time `json:",omitzero"`
}

// ErrReport is the kind of every error about a report or an inbound message.
var ErrReport = errors.New("messaging: report")

// Validate reports every fault, each an ErrReport.
func (r Report) Validate() error {
	var faults []error
	if r.ID == "" && r.Provider == "" {
		faults = append(faults, fmt.Errorf("%w: names no message: neither ID nor Provider is set", ErrReport))
	}
	if !r.State.Valid() {
		faults = append(faults, fmt.Errorf("%w: state %q is not known", ErrReport, r.State))
	}
	if r.Part < 0 || r.Parts < 0 || r.Parts > 0 && r.Part > r.Parts || r.Part > 255 || r.Parts > 255 {
		faults = append(faults, fmt.Errorf("%w: part %d of %d", ErrReport, r.Part, r.Parts))
	}
	return errors.Join(faults...)
}

// Inbound is a message from a customer.
type Inbound struct {
	// ID is the provider's own id of it, which tells a repeated delivery; never empty.
	// A provider that gives none gets one made of what came, as its package says.
	ID   string
	From crm.Address // as the provider wrote it, not yet in normal form
	To   crm.Address // the number, keyword or mailbox of the retailer that it was sent to
	Text string      // UTF-8, all parts put together
	// Answers is the provider's id of the message that it is a reply to, where the channel
	// tells; it may be empty.
	Answers string
	// Automatic says that a program wrote it, as RFC 3834 has it: nobody answers it.
	Automatic bool
	At        time.Time // by the provider's clock; zero if it does not say
}

// Validate reports every fault, each an ErrReport.
func (m Inbound) Validate() error {
	var faults []error
	if m.ID == "" {
		faults = append(faults, fmt.Errorf("%w: an inbound message has no ID", ErrReport))
	}
	if m.From.Value == "" || m.From.Channel == "" {
		faults = append(faults, fmt.Errorf("%w: an inbound message has no From", ErrReport))
	}
	return errors.Join(faults...)
}

// Feedback is what a provider told at once, in any order.
type Feedback struct {
	Reports []Report
	Inbound []Inbound
}

// Poller is a Sender whose provider is asked for reports and inbound messages.
//
// Poll returns what there is after a cursor, which is empty for the beginning, and the
// cursor after it. What it returned is asked for again until the caller has kept the
// new cursor, so that nothing is lost when a process ends in between: a provider that
// tells everything once only must be asked by time, with an overlap.
type Poller interface {
	Poll(ctx context.Context, cursor string) (Feedback, string, error)
}
