package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// Config configures a Sender. Addr, From and VERP must be set, and Unsubscribe if commercial
// messages are sent.
type Config struct {
	// Addr is the server, as in "smtp.example.com:587".
	Addr string
	// Username and Password are set together or not at all. They are told over an encrypted
	// connection only, unless the server takes them in a form that hides them (SCRAM).
	Username string
	Password crm.Secret
	// Implicit says that the connection is encrypted from its first byte, as on port 465;
	// otherwise it becomes so by STARTTLS, without which nothing is sent but to a loopback
	// address.
	Implicit bool
	// TLS is used for its certificates and roots; nil means those of the system. Versions
	// below 1.2 are never spoken.
	TLS *tls.Config
	// Hello is the host's own name, told to the server; "" means the domain of VERP.
	Hello string
	// From is the mailbox that messages come from: an address, with a name if wanted, as in
	// "Shop <news@shop.example>". A Message.From with an address replaces it, one without is
	// another name of it.
	From string
	// ReplyTo is where answers go, in the form of From; "" means to From.
	ReplyTo string
	VERP    *VERP
	// Unsubscribe returns the https address at which one click, a POST of
	// "List-Unsubscribe=One-Click", takes the recipient of a commercial message off. It
	// must tell nothing about him: use a signed link. An error puts the message off.
	Unsubscribe func(context.Context, messaging.Message) (string, error)
	// UnsubscribeMail is an address at which any mail does the same, as Reader.Unsubscribe
	// has it; it may be empty.
	UnsubscribeMail string
	// FeedbackID returns the Feedback-ID of a message, at most four texts with colons
	// between them, by which Gmail counts complaints; nil or "" means none.
	FeedbackID func(messaging.Message) string
	// Feedback is told of recipients that the server refuses at once because there is no
	// such address, such as vefa.Engine.Feedback, so that nothing is sent to them any more;
	// nil means that the Reason of their receipts alone says so. Its error puts the message
	// off.
	Feedback func(context.Context, messaging.Feedback) error
	// DKIM signs messages; nil means that the server does.
	DKIM *DKIM
	// Batch is how many messages Send takes at a time; 0 means 100.
	Batch int
	// Timeout bounds the connection and each message; 0 means 60 seconds.
	Timeout time.Duration
	Now     func() time.Time // of the Date of messages without a time; nil means time.Now
}

// Sender is a messaging.Sender and a messaging.BatchLimiter. It is safe for concurrent use.
type Sender struct {
	cfg      Config
	host     string
	port     int
	from     mail.Address
	replyTo  *mail.Address
	loopback bool
}

// New checks the configuration; it opens nothing. The error names every fault, each an
// ErrConfig.
func New(cfg Config) (*Sender, error) {
	var faults []error
	bad := func(field, what string) { faults = append(faults, fmt.Errorf("%w: %s %s", ErrConfig, field, what)) }
	s := &Sender{}
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err == nil {
		s.port, err = strconv.Atoi(port)
	}
	if err != nil || host == "" || s.port < 1 || s.port > 65535 {
		bad("Addr", "is not a host and a port")
	}
	s.host, s.loopback = host, loopback(host)
	if (cfg.Username == "") != cfg.Password.IsZero() {
		bad("Username", "and Password are set together or not at all")
	}
	if cfg.VERP == nil {
		bad("VERP", "must be set")
	}
	from, err := mailbox(cfg.From)
	if err != nil {
		bad("From", err.Error())
	}
	if from != nil {
		s.from = *from
	}
	if cfg.ReplyTo != "" {
		if s.replyTo, err = mailbox(cfg.ReplyTo); err != nil {
			bad("ReplyTo", err.Error())
		}
	}
	if cfg.UnsubscribeMail != "" {
		if what := fault(cfg.UnsubscribeMail); what != "" || !ascii(cfg.UnsubscribeMail) {
			bad("UnsubscribeMail", "is not an address: "+what)
		}
	}
	if cfg.Hello == "" && cfg.VERP != nil {
		cfg.Hello = cfg.VERP.domain
	}
	if (cfg.Hello != "" || cfg.VERP != nil) && !domainForm.MatchString(strings.ToLower(cfg.Hello)) && cfg.Hello != "localhost" {
		bad("Hello", "is not the name of a host")
	}
	if d := cfg.DKIM; d != nil {
		if d.algorithm() == "" || !domainForm.MatchString(d.Domain) || !prefixForm.MatchString(d.Selector) {
			bad("DKIM", "needs an RSA or Ed25519 key, a domain and a selector")
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 100
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.TLS != nil {
		cfg.TLS = cfg.TLS.Clone()
	} else {
		cfg.TLS = &tls.Config{}
	}
	if cfg.TLS.ServerName == "" {
		cfg.TLS.ServerName = host
	}
	cfg.TLS.MinVersion = max(cfg.TLS.MinVersion, tls.VersionTLS12)
	s.cfg = cfg
	return s, nil
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// mailbox reads an address with or without a name, both of which can stand in a header.
func mailbox(s string) (*mail.Address, error) {
	if !printable(s) {
		return nil, fmt.Errorf("has characters that a header cannot have")
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return nil, fmt.Errorf("is not an address, nor a name and an address in angle brackets")
	}
	if what := fault(a.Address); what != "" {
		return nil, fmt.Errorf("is not an address: %s", what)
	}
	if !ascii(a.Address) {
		return nil, fmt.Errorf("has an address outside ASCII")
	}
	return a, nil
}

func ascii(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return c >= 0x80 })
}
