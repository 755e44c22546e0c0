package smppsender

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/smpp"
	"github.com/vefacrm/vefa/messaging/sms"
)

// Long is how a message of several parts is sent.
type Long uint8

// The ways to send long messages.
const (
	UDH8    Long = iota // a user data header with a reference of 8 bits
	UDH16               // the same with 16 bits
	SAR                 // the parameters sar_*; the SMSC makes the headers
	Payload             // one message_payload, which the SMSC cuts
)

// Config configures a Sender. Client must be set as smpp.NewClient wants it, without a
// Handler, which is the Sender's.
type Config struct {
	Client smpp.ClientConfig
	// Sessions is how many of them are kept up, each with a window of its own; 0 means
	// one, at most 16.
	Sessions int
	// Apart binds transmitters, and one receiver beside them, for an SMSC that has no
	// transceivers.
	Apart bool
	// Profile says which encodings the route takes and how long a message may be. Its Wide
	// is set by Long.
	Profile sms.Profile
	Long    Long
	// Packed sends septets packed into octets, as they go over the air; most SMSCs want
	// one septet in each octet. It is also how inbound messages are read.
	Packed bool
	// Coding7 and Coding16 are the data_coding of the 7-bit encodings and of UCS-2; 0
	// means 0x00 and 0x08. With Coding7 of 0xF1 the SMSC is told a message class.
	Coding7, Coding16 byte
	// ServiceType and Validity are fields of submit_sm, as smpp.Message has them.
	ServiceType, Validity string
	// NoReceipts asks for no receipts.
	NoReceipts bool
	// Source makes the sender's address; nil means smpp.ParseAddress.
	Source func(from string) (smpp.Address, error)
	// Class says what a status means that the provider uses in a way of its own; nil means
	// smpp.Status.Class.
	Class func(smpp.Status) smpp.Class
	// Form says how the provider writes receipts and ids.
	Form smpp.ReceiptForm
	// Batch is how many messages Send takes; 0 means 500.
	Batch int
	// Timeout bounds how long Send waits for a session, for places in the window and for
	// parts that were refused for now; 0 means a minute. Answers are waited for as long
	// as the session does.
	Timeout time.Duration
	// PartWait is how long the parts of an inbound message are waited for; 0 means 10
	// minutes. The parts that are there are in memory alone.
	PartWait time.Duration
	// Submitted is told of each part that the provider took, with its id, before Send
	// returns (after that if the context ended); may be nil. It is called by the goroutine
	// that reads and so must be quick.
	Submitted func(Part)
	// Report is given each delivery receipt. After an error the provider sends the same
	// again. Nil acknowledges and forgets them. It may be called by several goroutines
	// at once, and again for a receipt that comes again.
	Report func(context.Context, Report) error
	// Inbound is given each message of a subscriber, likewise.
	Inbound func(context.Context, Inbound) error
	// Remember is for how many parts a report can be told to which message it belongs;
	// 0 means 10,000.
	Remember int
	// Now is the clock for the waiting for parts; nil means time.Now.
	Now func() time.Time
}

// ErrConfig: a configuration that cannot work.
var ErrConfig = errors.New("smppsender: configuration")

// Part is a part of a message at the provider.
type Part struct {
	Effect crm.EffectID
	Number int    // from 1
	Of     int    // 1 for a short message
	ID     string // the provider's, in the form of Config.Form; "" if it gave none
}

// Report says what became of a part.
type Report struct {
	smpp.Receipt
	// Part is zero but for its ID where it is not known: if the report came before the
	// answer to the message, after a restart, or long after.
	Part Part
}

// Answer returns the report as an answer for crm.Worker.Receive, false if it settles
// nothing. It names the effect where that is known, and the provider's id of the part
// otherwise, which is that of the effect for the first part alone.
func (r Report) Answer() (crm.Receipt, bool) {
	out := crm.Receipt{ID: r.Part.Effect, Provider: crm.Clip(r.ID, 200)}
	switch {
	case r.State == smpp.Delivered:
		out.Status = crm.Accepted
	case r.State.Final():
		out.Status, out.Reason = crm.Declined, crm.Clip(r.State.String()+" "+r.Error, 200)
	default:
		return crm.Receipt{}, false
	}
	return out, r.ID != "" && !r.Intermediate
}

// Inbound is a message of a subscriber.
type Inbound struct {
	From, To string   // +905320000000 of an international number, otherwise as it came
	Text     string   // "" if Coding is of binary data or the text malformed
	Coding   byte     // data_coding
	Raw      [][]byte // the octets of each part, headers included
	Missing  int      // parts that did not come in time
}

func (c Config) withDefaults() (Config, error) {
	bad := func(format string, args ...any) (Config, error) {
		return c, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
	}
	switch {
	case c.Client.Session.Handler != nil:
		return bad("Client.Session.Handler is the Sender's")
	case c.Client.Session.Mode == smpp.BindReceiver:
		return bad("a receiver cannot send")
	case c.Sessions < 0 || c.Sessions > 16:
		return bad("%d Sessions, at most 16", c.Sessions)
	case c.Long > Payload:
		return bad("Long is %d", c.Long)
	case c.Timeout < 0 || c.PartWait < 0 || c.Batch < 0 || c.Remember < 0:
		return bad("a time or number is negative")
	}
	c.Sessions = max(c.Sessions, 1)
	if c.Apart {
		c.Client.Session.Mode = smpp.BindTransmitter
	}
	c.Profile.Wide = c.Long == UDH16
	if c.Coding16 == 0 {
		c.Coding16 = 8
	}
	if c.Source == nil {
		c.Source = smpp.ParseAddress
	}
	if c.Class == nil {
		c.Class = smpp.Status.Class
	}
	if c.Batch == 0 {
		c.Batch = 500
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	if c.PartWait == 0 {
		c.PartWait = 10 * time.Minute
	}
	if c.Remember == 0 {
		c.Remember = 10_000
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if _, err := (smpp.PDU{Command: smpp.SubmitSM, Body: &smpp.Message{ServiceType: c.ServiceType, Validity: c.Validity}}).Append(nil); err != nil {
		return bad("%w", err)
	}
	return c, nil
}
