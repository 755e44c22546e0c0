package kannel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
	"github.com/vefacrm/vefa/messaging/sms"
	"github.com/vefacrm/vefa/messaging/webhook"
)

// ErrConfig is the kind of every error of New.
var ErrConfig = errors.New("kannel: configuration")

// Config configures a Sender. URL, Username and Password must be set, and From unless
// every message has a sender of its own.
type Config struct {
	// URL is where smsbox listens, without a path: https, or http to a loopback address.
	URL      string
	Username string     // of a sendsms-user
	Password crm.Secret // of it, as crm.NewSecret has it
	From     string     // the sender of messages without one: a number, or a name of at most 11 characters
	SMSC     string     // the smsc-id to send by; "" leaves it to Kannel
	// WebhookURL is the address below which Webhook is, as Kannel reaches it; https, or http to a
	// loopback address. Empty means that no reports are asked for.
	WebhookURL string
	// Guard is who may call Webhook. Its secret becomes the last element of the path.
	Guard webhook.Guard
	// Client is used for its transport and Timeout; nil means one of its own.
	Client *http.Client
	// Batch is how many messages Send takes at a time, one request each; 0 means 50.
	Batch int
	// ValidFor is how long the SMSC tries a message, in whole minutes; 0 leaves it to the SMSC.
	ValidFor time.Duration
	// Timeout bounds a request; 0 means 30 seconds.
	Timeout time.Duration
}

// Sender is a messaging.Sender and BatchLimiter. It is safe for concurrent use.
type Sender struct {
	cfg    Config
	client *gateway.Client
	hook   string
}

// New checks the configuration; it opens nothing.
func New(cfg Config) (*Sender, error) {
	var faults []error
	bad := func(field, what string) { faults = append(faults, fmt.Errorf("%w: %s %s", ErrConfig, field, what)) }
	if cfg.Username == "" || !header(cfg.Username) {
		bad("Username", "must be set to what a header can hold")
	}
	if cfg.Password.IsZero() || !header(string(cfg.Password.Reveal())) {
		bad("Password", "must be set to what a header can hold")
	}
	if !header(cfg.SMSC) {
		bad("SMSC", "is not what a header can hold")
	}
	if fault := from(cfg.From); cfg.From != "" && fault != "" {
		bad("From", "cannot be used: "+fault)
	}
	client, err := gateway.NewClient(cfg.URL, cfg.Client, cfg.Timeout, 1<<20)
	if err != nil {
		bad("URL", err.Error())
	}
	s := &Sender{cfg: cfg, client: client}
	if cfg.WebhookURL != "" {
		if err := gateway.CheckURL(cfg.WebhookURL); err != nil || strings.ContainsAny(cfg.WebhookURL, "?#%") {
			bad("WebhookURL", "is not an absolute https URL without a query")
		}
		if err := cfg.Guard.Check(); err != nil {
			faults = append(faults, fmt.Errorf("%w: %w", ErrConfig, err))
		}
		s.hook = strings.TrimSuffix(cfg.WebhookURL, "/") + "/" + string(cfg.Guard.Secret.Reveal())
	}
	if s.cfg.Batch <= 0 {
		s.cfg.Batch = 50
	}
	if cfg.ValidFor != 0 && cfg.ValidFor < time.Minute {
		bad("ValidFor", "is less than a minute")
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s, nil
}

// header reports whether a header can hold a text.
func header(s string) bool {
	return len(s) <= 4096 && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// from says why a sender cannot be used.
func from(s string) string {
	if _, fault := gateway.Number(crm.Address{Channel: crm.Phone, Value: s}); fault == "" {
		return ""
	}
	if s != "" && len(s) <= 15 && strings.Trim(s, "0123456789") == "" { // a short code
		return ""
	}
	return gateway.Header(s, false)
}

// Profile is how Kannel encodes: GSM-7, or UCS-2 for other letters. What is billed is the
// SMSC's affair.
func Profile() sms.Profile {
	return sms.Profile{Name: "kannel", Encodings: []sms.Encoding{sms.GSM7, sms.UCS2}, MaxSegments: 10}
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

// InboundURL returns the get-url of a sms-service whose messages are to come in; "" without
// Config.WebhookURL. It has the secret: keep it out of logs.
func (s *Sender) InboundURL() string {
	if s.hook == "" {
		return ""
	}
	return s.hook + "?in=%I&from=%p&to=%P&text=%b&charset=%C&coding=%c&at=%T"
}

// Send implements messaging.Sender. It returns no error: what happened stands in the
// receipts. The Provider of a receipt is empty unless the gateway tells its id.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	for i, m := range batch {
		h, fault := s.write(m)
		if fault != "" {
			out[i] = crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: fault}
			continue
		}
		out[i] = sent(s.client.Do(ctx, http.MethodPost, "/cgi-bin/sendsms", []byte(m.Text), func(r *http.Request) error {
			r.Header = h
			return nil
		}))
		out[i].ID = m.ID
	}
	return out, nil
}

// write makes the headers of a message.
func (s *Sender) write(m messaging.Message) (h http.Header, fault string) {
	digits, fault := gateway.Number(m.To)
	if fault != "" {
		return nil, fault
	}
	if fault := gateway.Text(m.Text); fault != "" {
		return nil, fault
	}
	plan, err := Profile().Plan(m.Text)
	if err != nil {
		return nil, "the text has more than 10 segments"
	}
	if m.From == "" {
		m.From = s.cfg.From
	}
	if fault := from(m.From); fault != "" {
		return nil, fault
	}
	coding := "0"
	if plan.Encoding == sms.UCS2 {
		coding = "2"
	}
	h = http.Header{}
	for k, v := range map[string]string{
		"Content-Type": "text/plain; charset=UTF-8", "X-Kannel-Username": s.cfg.Username, "X-Kannel-Password": string(s.cfg.Password.Reveal()),
		"X-Kannel-From": m.From, "X-Kannel-To": "+" + digits, "X-Kannel-Coding": coding, "X-Kannel-SMSC": s.cfg.SMSC} {
		if v != "" {
			h[k] = []string{v} // as Kannel writes them
		}
	}
	if s.cfg.ValidFor > 0 {
		h["X-Kannel-Validity"] = []string{strconv.Itoa(int(s.cfg.ValidFor / time.Minute))}
	}
	if s.hook != "" {
		h["X-Kannel-DLR-Mask"] = []string{"31"}
		h["X-Kannel-DLR-Url"] = []string{s.hook + "?id=" + strings.ReplaceAll(url.QueryEscape(string(m.ID)), "%", "%%") + "&status=%d&at=%T&answer=%A"}
	}
	return h, ""
}

// sent reads the answer to a request. Kannel says 202 and a line that begins with 0 or 3,
// after which newer ones give an id.
func sent(a gateway.Answer) crm.Receipt {
	text := strings.TrimSpace(string(a.Body))
	switch {
	case a.OK() && (strings.HasPrefix(text, "0: ") || strings.HasPrefix(text, "3: ") || text == "Sent."):
		r := crm.Receipt{Status: crm.Accepted}
		if id := text[strings.LastIndexByte(text, ' ')+1:]; len(id) == 36 && strings.Count(id, "-") == 4 && strings.Trim(id, "0123456789abcdef-") == "" {
			r.Provider = id
		}
		return r
	case a.OK():
		return crm.Receipt{Status: crm.Uncertain, Reason: "HTTP " + strconv.Itoa(a.Code) + " that says nothing known"}
	case a.Code == http.StatusServiceUnavailable && strings.HasPrefix(text, "Temporal failure"):
		return crm.Receipt{Status: crm.Throttled, After: time.Minute, Reason: "the gateway cannot route it now"}
	}
	return a.Receipt()
}
