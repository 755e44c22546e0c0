package smpp

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Config configures a Session. Bind.SystemID must be set; the rest has defaults.
type Config struct {
	// Bind says who binds. Its Version 0 means 3.4.
	Bind Bind
	// Mode is BindTransmitter, BindReceiver or BindTransceiver; 0 means the last.
	Mode Command
	// Window is how many requests may be without an answer at a time; 0 means 10, at
	// most 10,000. What an account may have says its provider. Throttling makes it
	// smaller for a while.
	Window int
	// ResponseTimeout is how long an answer is waited for, up to an eighth more; 0
	// means 30 seconds. Its fate is ErrUnknown then.
	ResponseTimeout time.Duration
	// EnquireEvery is how long nothing need come before the other side is asked whether
	// it is there; 0 means 30 seconds, less than 0 never. Without an answer within
	// ResponseTimeout the session ends.
	EnquireEvery time.Duration
	// HoldFrom and HoldTo bound how long nothing is sent after a throttled request when
	// the window is down to 1 already: doubled from the one to the other, and halved by
	// each success. 0 means 50 milliseconds and 5 seconds.
	HoldFrom, HoldTo time.Duration
	// MaxPDU is the largest PDU in octets that is taken; 0 means DefaultMaxPDU.
	MaxPDU int
	// Handler is given what the SMSC sends by itself: deliver_sm, data_sm,
	// alert_notification and commands that are not known, one after another. What it
	// returns is the status of the answer, which goes out after it has returned: return
	// TemporaryAppError for what must come again. The context ends with the session.
	// Nil answers InvalidCommand. A panic of it ends the session.
	Handler func(context.Context, PDU) Status
	// Inbox is how many PDUs may wait for Handler; 0 means 256. One beyond that is
	// answered with QueueFull and comes again.
	Inbox int
}

// Errors of sessions and clients. Match them with errors.Is.
var (
	// ErrUnknown: the request was sent, or may have been, and its answer did not come.
	// It cannot be told whether it was carried out.
	ErrUnknown = errors.New("smpp: sent, and the answer was lost")
	// ErrNotSent: nothing of the request was sent. It may be tried again.
	ErrNotSent = errors.New("smpp: not sent")
	// ErrClosed: the session or client was closed on this side.
	ErrClosed = errors.New("smpp: closed")
	// ErrUnbound: the other side ended the session in order.
	ErrUnbound = errors.New("smpp: unbound by the other side")
	// ErrDead: the other side does not answer enquire_link, or takes no octets.
	ErrDead = errors.New("smpp: the other side is silent")
	// ErrConfig: a configuration that cannot work.
	ErrConfig = errors.New("smpp: configuration")
)

// withDefaults checks the configuration and fills in what is 0. The error names every fault.
func (c Config) withDefaults() (Config, error) {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
		}
	}
	if c.Mode == 0 {
		c.Mode = BindTransceiver
	}
	fault(!c.Mode.bind(), "Mode is %s", c.Mode)
	fault(c.Bind.SystemID == "", "Bind.SystemID is empty")
	if c.Bind.Version == 0 {
		c.Bind.Version = Version
	}
	if c.Mode.bind() {
		if _, err := (PDU{Command: c.Mode, Body: &c.Bind}).Append(nil); err != nil {
			fault(true, "Bind: %w", err)
		}
	}
	const most = 10_000
	fault(c.Window < 0 || c.Window > most, "a Window of %d, at most %d", c.Window, most)
	if c.Window == 0 {
		c.Window = 10
	}
	for _, d := range []struct {
		name    string
		v       *time.Duration
		without time.Duration
	}{{"ResponseTimeout", &c.ResponseTimeout, 30 * time.Second}, {"HoldFrom", &c.HoldFrom, 50 * time.Millisecond}, {"HoldTo", &c.HoldTo, 5 * time.Second}} {
		fault(*d.v < 0, "%s is %s", d.name, *d.v)
		if *d.v == 0 {
			*d.v = d.without
		}
	}
	if c.EnquireEvery == 0 {
		c.EnquireEvery = 30 * time.Second
	}
	fault(c.ResponseTimeout >= 0 && c.ResponseTimeout < 8*time.Millisecond, "a ResponseTimeout of %s, at least 8ms", c.ResponseTimeout)
	if c.Inbox <= 0 {
		c.Inbox = 256
	}
	if c.MaxPDU <= 0 {
		c.MaxPDU = DefaultMaxPDU
	}
	return c, errors.Join(faults...)
}
