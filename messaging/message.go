package messaging

import (
	"context"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
)

// Class says what a message is to the law; see package consent.
type Class = consent.Class

// The classes of messages.
const (
	Commercial    = consent.Commercial
	Transactional = consent.Transactional
)

// Message is one message to one address.
type Message struct {
	ID    crm.EffectID      // the effect that it carries out; the idempotency key
	To    crm.Address       // where it goes
	From  string            // the sender's name or number, as the provider knows it
	Text  string            // what is sent, links included; UTF-8
	Class Class             // commercial or transactional
	Cause string            // the effect's cause, such as "campaign/spring"
	At    time.Time         // when it was claimed; the Outbox sets it
	Meta  map[string]string // what one provider needs besides, such as a consent type
}

// Status is a provider's answer about one message.
type Status = crm.Status

// The answers of a provider.
const (
	// Accepted: the provider has it and will deliver it.
	Accepted = crm.Accepted
	// Rejected: the provider will never deliver it.
	Rejected = crm.Declined
	// Throttled: the provider has not taken it; the same message may come again
	// later.
	Throttled = crm.Throttled
	// Unknown: nobody can tell whether the provider has it. It must not be
	// sent again to a provider that does not recognise repeated ids.
	Unknown = crm.Uncertain
)

// Receipt is the answer about one message.
type Receipt = crm.Receipt

// Sender hands messages to a provider.
//
// Send returns one receipt per message in the order of the batch. An error
// means that nothing is known about any message of the batch: each counts as
// Unknown. A sender that knows better says so in receipts. Send is called
// from several goroutines at once.
type Sender interface {
	Send(ctx context.Context, batch []Message) ([]Receipt, error)
}

// BatchLimiter is a Sender that takes at most MaxBatch messages at a time.
type BatchLimiter interface {
	MaxBatch() int
}

// Idempotent is a Sender whose provider recognises a message id that it has
// seen, for as long as an outbox may repeat it. Only to such senders does an
// Outbox send a message again whose fate is unknown.
type Idempotent interface {
	Idempotent() bool
}

// Reconciler is a Sender whose provider can be asked what became of messages.
//
// Reconcile returns one receipt per id in their order. Throttled stands for a
// message that the provider certainly never received: it may be sent.
type Reconciler interface {
	Reconcile(ctx context.Context, ids []crm.EffectID) ([]Receipt, error)
}

func isIdempotent(s Sender) bool {
	i, ok := s.(Idempotent)
	return ok && i.Idempotent()
}
