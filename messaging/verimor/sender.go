package verimor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
	"github.com/vefacrm/vefa/messaging/sms"
	"github.com/vefacrm/vefa/messaging/webhook"
)

// ErrConfig is the kind of every error of New.
var ErrConfig = errors.New("verimor: configuration")

// Config configures a Sender. Username and Password must be set.
type Config struct {
	Username string     // the account's telephone number of 12 digits
	Password crm.Secret // of the API, as crm.NewSecret has it
	Header   string     // the sender's name of messages without one; "" means the account's first
	URL      string     // "" means https://sms.verimor.com.tr
	// Client is used for its transport and Timeout; nil means one of its own.
	Client *http.Client
	// Batch is how many messages Send takes at a time, at most 50,000; 0 means 1,000. With
	// 1 each message can be asked about by its own id, also after a restart.
	Batch int
	// ValidFor is how long a message is tried, a minute to 48 hours; 0 means Verimor's 24 hours.
	ValidFor time.Duration
	// Timeout bounds a request; 0 means 30 seconds.
	Timeout time.Duration
	// Settle is how long after its end a request may still turn up at Verimor; 0 means 10
	// minutes. Before that, a message that is not found is uncertain and not absent.
	Settle time.Duration
	// Guard is who may push to Webhook.
	Guard webhook.Guard
	// Unconfirmed takes what is pushed without asking Verimor whether it is so.
	Unconfirmed bool
	Now         func() time.Time // of limits and cursors; nil means time.Now
}

// The limits of the account, as the guide states them.
const (
	mostMessages  = 50_000
	mostBody      = 10 << 20
	sendsAMinute  = 240
	asksAMinute   = 20
	keepJobs      = 72 * time.Hour // the longest validity and a day
	keepUncertain = 10_000
)

// Sender is a messaging.Sender, BatchLimiter, Reconciler and Poller. It is safe for
// concurrent use.
type Sender struct {
	cfg    Config
	client *gateway.Client
	sends  *gateway.Limit
	asks   *gateway.Limit
	jobs   gateway.Jobs
	start  time.Time

	mu       sync.Mutex
	requests map[crm.EffectID]request // those that got no answer
	found    map[string]found         // what was learnt of them, by custom id
	told     map[int64]item           // what answers told of messages that do not change any more
}

type request struct {
	custom string
	ended  time.Time
}

// New checks the configuration; it opens nothing.
func New(cfg Config) (*Sender, error) {
	var faults []error
	bad := func(field, what string) { faults = append(faults, fmt.Errorf("%w: %s %s", ErrConfig, field, what)) }
	if cfg.Username == "" {
		bad("Username", "must be set")
	}
	if cfg.Password.IsZero() {
		bad("Password", "must be set")
	}
	if fault := gateway.Header(cfg.Header, true); fault != "" {
		bad("Header", "cannot be used: "+fault)
	}
	if cfg.URL == "" {
		cfg.URL = "https://sms.verimor.com.tr"
	}
	client, err := gateway.NewClient(cfg.URL, cfg.Client, cfg.Timeout, 0)
	if err != nil {
		bad("URL", err.Error())
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 1000
	}
	if cfg.Batch > mostMessages {
		bad("Batch", "is more than 50,000")
	}
	if cfg.ValidFor != 0 && (cfg.ValidFor < time.Minute || cfg.ValidFor > 48*time.Hour) {
		bad("ValidFor", "is not within a minute and 48 hours")
	}
	if cfg.Settle <= 0 {
		cfg.Settle = 10 * time.Minute
	}
	if !cfg.Guard.Secret.IsZero() {
		if err := cfg.Guard.Check(); err != nil {
			faults = append(faults, fmt.Errorf("%w: %w", ErrConfig, err))
		}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return &Sender{cfg: cfg, client: client, sends: gateway.NewLimit(sendsAMinute, time.Minute),
		asks: gateway.NewLimit(asksAMinute, time.Minute), start: cfg.Now(), requests: map[crm.EffectID]request{}, found: map[string]found{}}, nil
}

// Profile is how Verimor encodes and bills within Turkey: datacoding 0, 1 and 2, where a
// Turkish letter of datacoding 1 counts as one character. The table of the guide does not
// have what operators append: set Suffix where a contract bills it.
func Profile() sms.Profile {
	return sms.Profile{Name: "verimor", Encodings: []sms.Encoding{sms.GSM7, sms.TurkishLocking, sms.UCS2}, MaxSegments: 7}
}

// Abroad is Profile for numbers outside Turkey, where datacoding 1 is forbidden.
func Abroad() sms.Profile {
	return sms.Profile{Name: "verimor-abroad", Encodings: []sms.Encoding{sms.GSM7, sms.UCS2}, MaxSegments: 7}
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

// header is what the messages of one request share.
type header struct {
	from, datacoding, recipient string
}

// wireMessage is a message of a request.
type wireMessage struct {
	Text string `json:"msg"`
	To   string `json:"dest"`
	ID   string `json:"id"`
	at   int
}

type wireRequest struct {
	Username   string        `json:"username"`
	Password   string        `json:"password"`
	From       string        `json:"source_addr,omitempty"`
	ValidFor   string        `json:"valid_for,omitempty"`
	Custom     string        `json:"custom_id"`
	Datacoding string        `json:"datacoding,omitempty"`
	Commercial bool          `json:"is_commercial"`
	Recipient  string        `json:"iys_recipient_type,omitempty"`
	Messages   []wireMessage `json:"messages"`
}

// Send implements messaging.Sender. It returns no error: what happened stands in the
// receipts. The Provider of a receipt is the campaign, a slash and the message's id.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	var heads []header
	groups := map[header][]wireMessage{}
	for i, m := range batch {
		h, w, fault := s.write(m)
		if fault != "" {
			out[i] = crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: fault}
			continue
		}
		w.at = i
		if _, known := groups[h]; !known {
			heads = append(heads, h)
		}
		groups[h] = append(groups[h], w)
	}
	for _, h := range heads {
		group := groups[h]
		gateway.Halve(0, len(group), func(lo, hi int) bool {
			part := group[lo:hi]
			r, one := s.post(ctx, h, part)
			for _, w := range part {
				r := r
				if r.ID = batch[w.at].ID; r.Status == crm.Accepted {
					r.Provider += "/" + w.ID
				}
				out[w.at] = r
			}
			return one
		})
	}
	return out, nil
}

// write puts a message into Verimor's form.
func (s *Sender) write(m messaging.Message) (h header, w wireMessage, fault string) {
	digits, fault := gateway.Number(m.To)
	if fault != "" {
		return h, w, fault
	}
	if fault := gateway.Text(m.Text); fault != "" {
		return h, w, fault
	}
	if m.From == "" {
		m.From = s.cfg.Header
	}
	if fault := gateway.Header(m.From, true); fault != "" {
		return h, w, fault
	}
	if m.ID == "" || strings.ContainsAny(string(m.ID), ", /") {
		return h, w, "the id cannot be written"
	}
	profile, to := Profile(), digits
	if !gateway.Turkish(digits) {
		profile, to = Abroad(), "00"+digits
	}
	plan, err := profile.Plan(m.Text)
	if err != nil {
		return h, w, "the text has more than 7 segments"
	}
	h.from = m.From
	switch {
	case plan.Encoding == sms.UCS2:
		h.datacoding = "2"
	case plan.Encoding == sms.TurkishLocking:
		h.datacoding = "1"
	case gateway.Turkish(digits):
		h.datacoding = "0"
	} // abroad the guide wants none
	if m.Class != consent.Transactional {
		h.recipient = "BIREYSEL"
		if m.Meta[messaging.MetaRecipient] == consent.Merchant {
			h.recipient = "TACIR"
		}
	}
	return h, wireMessage{Text: m.Text, To: to, ID: string(m.ID)}, ""
}

// post makes one request. It says whether one of its messages spoilt it.
func (s *Sender) post(ctx context.Context, h header, part []wireMessage) (r crm.Receipt, one bool) {
	custom := customID(part)
	body, err := json.Marshal(wireRequest{Username: s.cfg.Username, Password: string(s.cfg.Password.Reveal()), From: h.from,
		ValidFor: validFor(s.cfg.ValidFor), Custom: custom, Datacoding: h.datacoding, Commercial: h.recipient != "", Recipient: h.recipient, Messages: part})
	if err != nil {
		return crm.Receipt{Status: crm.Declined, Reason: "cannot be written as JSON"}, true
	}
	if len(body) > mostBody {
		return crm.Receipt{Status: crm.Declined, Reason: "the message is too large"}, true
	}
	if wait := s.sends.Take(s.cfg.Now()); wait > 0 {
		return crm.Receipt{Status: crm.Throttled, Unreached: true, After: wait, Reason: "240 requests a minute are used up"}, false
	}
	a := s.client.Do(ctx, http.MethodPost, "/v2/send.json", body, func(r *http.Request) error {
		r.Header.Set("Content-Type", "application/json")
		return nil
	})
	r, one = sent(a)
	switch r.Status {
	case crm.Accepted:
		s.jobs.Add(r.Provider, s.cfg.Now(), len(part))
	case crm.Uncertain:
		s.remember(custom, part)
	}
	return r, one
}

func (s *Sender) remember(custom string, part []wireMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests)+len(part) > keepUncertain+mostMessages {
		clear(s.requests) // those stay uncertain
	}
	for _, w := range part {
		s.requests[crm.EffectID(w.ID)] = request{custom, s.cfg.Now()}
	}
}

// customID names a request by its messages, so that the same ones have the same name.
func customID(part []wireMessage) string {
	if len(part) == 1 {
		return part[0].ID
	}
	h := sha256.New()
	for _, w := range part {
		_, _ = h.Write([]byte(w.ID + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))[:40]
}

func validFor(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%02d:%02d", d/time.Hour, d%time.Hour/time.Minute)
}

// sent reads the answer to a request: the campaign's id alone, or a word with 400. The Provider
// of an accepted receipt is the campaign.
func sent(a gateway.Answer) (r crm.Receipt, one bool) {
	text := strings.TrimSpace(string(a.Body))
	switch {
	case a.OK() && text != "" && len(text) <= 20 && strings.Trim(text, "0123456789") == "":
		return crm.Receipt{Status: crm.Accepted, Provider: text}, false
	case a.OK():
		return crm.Receipt{Status: crm.Uncertain, Reason: "the answer is no campaign id"}, false
	case a.Code == http.StatusRequestEntityTooLarge:
		return crm.Receipt{Status: crm.Declined, Reason: "the message is too large"}, true
	case a.Code == http.StatusBadRequest:
		code, _, _ := strings.Cut(text, " ")
		if f, ok := faults[code]; ok {
			return f.Receipt(code), f.One
		}
		return crm.Receipt{Status: crm.Declined, Reason: "HTTP 400"}, true
	}
	return a.Receipt(), false
}

// faults are the words with which a request is refused. What is wrong with the account or
// with this package is no fault of the messages.
var faults = map[string]gateway.Fault{
	"INVALID_SOURCE_ADDRESS":              {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the header is not registered"},
	"INSUFFICIENT_CREDITS":                {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the account has no credit"},
	"MISSING_IYS_BRAND_CODE":              {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the header has no brand in the consent registry"},
	"AHS_AUTHORIZATION_ERROR":             {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the consent registry does not let Verimor act"},
	"NO_AHS_BRAND_ERROR":                  {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the consent registry has no brand"},
	"COMMERCIAL_SENDING_ERROR_UNDER_150K": {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute},
	"INVALID_IYS_RECIPIENT_TYPE":          {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute},
	"INVALID_PERIOD":                      {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute},
	"INVALID_DELIVERY_TIME":               {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute},
	"INVALID_DATACODING":                  {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute},
	"INVALID_JSON":                        {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute},
	"MESSAGE_COUNT_LIMIT_EXCEEDED":        {Status: crm.Throttled, One: true},
	"MISSING_MESSAGE":                     {Status: crm.Declined, One: true, Reason: "no text"},
	"MESSAGE_TOO_LONG":                    {Status: crm.Declined, One: true, Reason: "the text is too long"},
	"MISSING_DESTINATION_ADDRESS":         {Status: crm.Declined, One: true, Reason: "no number"},
	"INVALID_DESTINATION_ADDRESS":         {Status: crm.Declined, One: true, Reason: "no such number"},
	"INVALID_UTF8":                        {Status: crm.Declined, One: true, Reason: "not UTF-8"},
	"MUKERRER_RAPORLAMA":                  {Status: crm.Declined, One: true, Reason: "the same was sent within 24 hours"},
	"FORBIDDEN_MESSAGE":                   {Status: crm.Declined, One: true, Reason: "the text has forbidden words"},
}
