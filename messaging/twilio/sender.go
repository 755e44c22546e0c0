package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
	"github.com/vefacrm/vefa/messaging/sms"
)

// ErrConfig is the kind of every error of New.
var ErrConfig = errors.New("twilio: configuration")

// Config configures a Sender. AccountSID and AuthToken must be set, and From unless every
// message has a sender of its own.
type Config struct {
	AccountSID string // "AC" and 32 hexadecimal digits
	// AuthToken is the account's primary token, with which Twilio signs callbacks; the secondary
	// one signs nothing.
	AuthToken crm.Secret
	// KeySID and KeySecret are an API key, where requests are made with one instead of
	// the token.
	KeySID    string
	KeySecret crm.Secret
	// From is the sender of messages without one: a number (+…), a name of at most 11
	// characters, or the SID of a messaging service (MG…).
	From string
	URL  string // "" means https://api.twilio.com
	// WebhookURL is the address of Webhook as Twilio calls it, without a query; https, or http to
	// a loopback address. Empty means that no callbacks are asked for.
	WebhookURL string
	// Client is used for its transport and Timeout; nil means one of its own.
	Client *http.Client
	// Batch is how many messages Send takes at a time, one request each; 0 means 50.
	Batch int
	// ValidFor is how long a message may wait at Twilio, in whole seconds up to 10 hours; 0 means
	// Twilio's 10 hours.
	ValidFor time.Duration
	// Timeout bounds a request; 0 means 30 seconds.
	Timeout time.Duration
	// Overlap is how far before what it knows Poll lists again; 0 means 10 minutes.
	Overlap time.Duration
	Now     func() time.Time // of cursors; nil means time.Now
}

// Sender is a messaging.Sender, BatchLimiter and Poller. It is safe for concurrent use.
type Sender struct {
	cfg    Config
	client *gateway.Client
	path   string
}

var (
	accountSID = regexp.MustCompile(`^AC[0-9a-f]{32}$`)
	serviceSID = regexp.MustCompile(`^MG[0-9a-f]{32}$`)
	messageSID = regexp.MustCompile(`^(SM|MM)[0-9a-f]{32}$`)
	number     = regexp.MustCompile(`^\+[1-9][0-9]{2,14}$`)
)

// New checks the configuration; it opens nothing.
func New(cfg Config) (*Sender, error) {
	var faults []error
	bad := func(field, what string) { faults = append(faults, fmt.Errorf("%w: %s %s", ErrConfig, field, what)) }
	if !accountSID.MatchString(cfg.AccountSID) {
		bad("AccountSID", "is not AC and 32 hexadecimal digits")
	}
	if cfg.AuthToken.IsZero() {
		bad("AuthToken", "must be set")
	}
	if (cfg.KeySID == "") != cfg.KeySecret.IsZero() || strings.Contains(cfg.KeySID, ":") {
		bad("KeySID", "and KeySecret are set together or not at all")
	}
	if fault := from(cfg.From); cfg.From != "" && fault != "" {
		bad("From", "cannot be used: "+fault)
	}
	if cfg.URL == "" {
		cfg.URL = "https://api.twilio.com"
	}
	client, err := gateway.NewClient(cfg.URL, cfg.Client, cfg.Timeout, 0)
	if err != nil {
		bad("URL", err.Error())
	}
	if cfg.WebhookURL != "" {
		if err := gateway.CheckURL(cfg.WebhookURL); err != nil || strings.ContainsAny(cfg.WebhookURL, "?#") {
			bad("WebhookURL", "is not an absolute https URL without a query")
		}
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 50
	}
	if cfg.ValidFor != 0 && (cfg.ValidFor < time.Second || cfg.ValidFor > 10*time.Hour) {
		bad("ValidFor", "is not within a second and 10 hours")
	}
	if cfg.Overlap <= 0 {
		cfg.Overlap = 10 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return &Sender{cfg, client, "/2010-04-01/Accounts/" + cfg.AccountSID + "/Messages"}, nil
}

// Profile is how Twilio encodes and bills: GSM-7 or UCS-2, at most 10 segments. It has no
// Turkish tables.
func Profile() sms.Profile {
	return sms.Profile{Name: "twilio", Encodings: []sms.Encoding{sms.GSM7, sms.UCS2}, MaxSegments: 10}
}

// from says why a sender cannot be used.
func from(s string) string {
	switch {
	case s == "":
		return "there is no sender's name"
	case number.MatchString(s), serviceSID.MatchString(s):
		return ""
	}
	return gateway.Header(s, false)
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

// Send implements messaging.Sender. It returns no error: what happened stands in the
// receipts. The Provider of a receipt is the message's SID.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	for i, m := range batch {
		form, fault := s.write(m)
		if fault != "" {
			out[i] = crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: fault}
			continue
		}
		out[i] = sent(s.client.Do(ctx, http.MethodPost, s.path+".json", []byte(form.Encode()), func(r *http.Request) error {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			s.authorize(r)
			return nil
		}))
		out[i].ID = m.ID
	}
	return out, nil
}

func (s *Sender) authorize(r *http.Request) {
	if s.cfg.KeySID != "" {
		r.SetBasicAuth(s.cfg.KeySID, string(s.cfg.KeySecret.Reveal()))
		return
	}
	r.SetBasicAuth(s.cfg.AccountSID, string(s.cfg.AuthToken.Reveal()))
}

// write puts a message into Twilio's form.
func (s *Sender) write(m messaging.Message) (form url.Values, fault string) {
	digits, fault := gateway.Number(m.To)
	if fault != "" {
		return nil, fault
	}
	if fault := gateway.Text(m.Text); fault != "" {
		return nil, fault
	}
	if utf8.RuneCountInString(m.Text) > 1600 {
		return nil, "the text has more than 1600 characters"
	}
	if m.From == "" {
		m.From = s.cfg.From
	}
	if fault := from(m.From); fault != "" {
		return nil, fault
	}
	form = url.Values{"To": {"+" + digits}, "Body": {m.Text}}
	if serviceSID.MatchString(m.From) {
		form.Set("MessagingServiceSid", m.From)
	} else {
		form.Set("From", m.From)
	}
	if s.cfg.ValidFor > 0 {
		form.Set("ValidityPeriod", strconv.Itoa(int(s.cfg.ValidFor/time.Second)))
	}
	if s.cfg.WebhookURL != "" {
		form.Set("StatusCallback", s.cfg.WebhookURL+"?"+url.Values{"id": {string(m.ID)}}.Encode())
	}
	return form, ""
}

// sent reads the answer to a request.
func sent(a gateway.Answer) crm.Receipt {
	var body struct {
		SID  string      `json:"sid"`
		Code json.Number `json:"code"`
	}
	err := json.Unmarshal(a.Body, &body)
	switch {
	case a.OK() && err == nil && messageSID.MatchString(body.SID):
		return crm.Receipt{Status: crm.Accepted, Provider: body.SID}
	case a.OK():
		return crm.Receipt{Status: crm.Uncertain, Reason: "HTTP " + strconv.Itoa(a.Code) + " that is not the documented JSON"}
	case err == nil && !a.Torn && a.Code >= 400 && a.Code < 500:
		if f, ok := faults[body.Code.String()]; ok {
			r := f.Receipt(body.Code.String())
			if r.Status == crm.Throttled {
				r.After = max(r.After, gateway.RetryAfter(a.Header.Get("Retry-After")))
			}
			return r
		}
		r := a.Receipt()
		if code := body.Code.String(); code != "" {
			r.Reason += ", code " + crm.Clip(code, 10)
		}
		return r
	}
	return a.Receipt()
}

// faults are the codes with which a message is refused at once. What is wrong with the
// account or the sender is no fault of the message.
var faults = map[string]gateway.Fault{
	"20003": {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "wrong credentials"},
	"20005": {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the account is not active"},
	"20429": {Status: crm.Throttled, After: time.Second, Reason: "too many requests"},
	"21211": {Status: crm.Declined, Reason: "no such number"},
	"21212": {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the sender is not valid"},
	"21265": {Status: crm.Declined, Reason: "the number is a short code"},
	"21408": {Status: crm.Declined, Reason: "the account may not send to the region"},
	"21602": {Status: crm.Declined, Reason: "no text"},
	"21603": {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "no sender"},
	"21604": {Status: crm.Declined, Reason: "no number"},
	"21606": {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the sender is not the account's"},
	"21608": {Status: crm.Declined, Reason: "a trial account sends to verified numbers only"},
	"21610": {Status: crm.Declined, Reason: "the recipient answered STOP"},
	"21611": {Status: crm.Throttled, After: time.Minute, Reason: "the sender's queue is full"},
	"21612": {Status: crm.Declined, Reason: "the sender cannot reach the number"},
	"21614": {Status: crm.Declined, Reason: "not a mobile number"},
	"21617": {Status: crm.Declined, Reason: "the text has more than 1600 characters"},
	"21659": {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the sender is not the account's"},
	"21703": {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the messaging service has no sender"},
	"21705": {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the messaging service is not valid"},
	"30450": {Status: crm.Throttled, After: 30 * time.Minute, Reason: "blocked as pumping"},
}
