package smppsender

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/messaging"
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
	// Feedback is given each delivery report and each message of a subscriber, and what
	// answers say that come after Send has returned, as reports with the message's ID;
	// vefa.Engine.Feedback keeps them. After an error that is no messaging.ErrReport the
	// provider sends the same again. Nil acknowledges and forgets them. It may be called by
	// several goroutines at once, and again for what comes again.
	Feedback func(context.Context, messaging.Feedback) error
	// Bounce says of a failure that no such subscriber exists, by the provider's codes;
	// nil means never.
	Bounce func(smpp.Receipt) bool
	// Now is the clock for the waiting for parts and for the ids of inbound messages; nil
	// means time.Now.
	Now func() time.Time
}

// ErrConfig: a configuration that cannot work.
var ErrConfig = errors.New("smppsender: configuration")

// withDefaults checks what is not package smpp's and fills in what is 0. The error names every
// fault.
func (c Config) withDefaults() (Config, error) {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
		}
	}
	fault(c.Client.Session.Handler != nil, "Client.Session.Handler is the Sender's")
	fault(c.Client.Session.Mode == smpp.BindReceiver, "a receiver cannot send")
	fault(c.Sessions < 0 || c.Sessions > 16, "%d Sessions, at most 16", c.Sessions)
	fault(c.Long > Payload, "Long is %d", c.Long)
	fault(c.Timeout < 0, "Timeout is %s", c.Timeout)
	fault(c.PartWait < 0, "PartWait is %s", c.PartWait)
	fault(c.Batch < 0, "Batch is %d", c.Batch)
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
	if c.Now == nil {
		c.Now = time.Now
	}
	if _, err := (smpp.PDU{Command: smpp.SubmitSM, Body: &smpp.Message{ServiceType: c.ServiceType, Validity: c.Validity}}).Append(nil); err != nil {
		fault(true, "%w", err)
	}
	return c, errors.Join(faults...)
}
