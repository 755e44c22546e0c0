package messaging

import (
	"context"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
)

// Message is one message to one address.
type Message struct {
	ID    crm.EffectID      // the effect that it carries out; the idempotency key
	To    crm.Address       // where it goes
	From  string            // the sender's name or number, as the provider knows it
	Via   crm.Channel       // the channel that it goes by; empty: that of To
	Text  string            // what is sent, links included; UTF-8
	Parts map[string]string // further texts, by the names of the channel's slots, such as "subject"
	Class consent.Class     // of an Outbox never empty
	Cause string            // the effect's cause, such as "campaign/spring"
	At    time.Time         // when it was claimed; the Outbox sets it
	Meta  map[string]string // what one provider needs besides, such as a consent type
}

// MetaRecipient is the key of Message.Meta that says whom a commercial message addresses,
// in the words of crm.ConsentKey.Recipient: consent.Merchant, or a consumer. Turkish
// providers ask the consent registry by it.
const MetaRecipient = "recipient"

// Sender hands messages to a provider.
//
// Send returns one receipt per message in the order of the batch: crm.Accepted if the
// provider has it, crm.Declined if it will never deliver it, crm.Throttled if it has not
// taken it and may be given it again, crm.Uncertain if nothing tells. An error means that
// nothing is known about any message of the batch: each counts as crm.Uncertain. A sender
// that knows better says so in receipts. Send is called from several goroutines at once.
type Sender interface {
	Send(ctx context.Context, batch []Message) ([]crm.Receipt, error)
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
// Reconcile returns one receipt per id in their order. crm.Throttled stands for a
// message that the provider certainly never received: it may be sent.
type Reconciler interface {
	Reconcile(ctx context.Context, ids []crm.EffectID) ([]crm.Receipt, error)
}

func isIdempotent(s Sender) bool {
	i, ok := s.(Idempotent)
	return ok && i.Idempotent()
}
