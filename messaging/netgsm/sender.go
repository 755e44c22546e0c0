package netgsm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
	"github.com/vefacrm/vefa/messaging/sms"
)

// ErrConfig is the kind of every error of New.
var ErrConfig = errors.New("netgsm: configuration")

// Config configures a Sender. Username and Password must be set, and Header unless every
// message has a sender's name of its own.
type Config struct {
	Username string
	Password crm.Secret // of the API, as crm.NewSecret has it
	Header   string     // the sender's name of messages without one, at most 11 characters
	URL      string     // "" means https://api.netgsm.com.tr
	// Client is used for its transport and Timeout; nil means one of its own.
	Client *http.Client
	// Batch is how many messages Send takes at a time; 0 means 500.
	Batch int
	// ValidFor is how long a message is tried, an hour to 21 hours; 0 leaves it to Netgsm,
	// which tries for 21 hours.
	ValidFor time.Duration
	// Timeout bounds a request; 0 means 30 seconds.
	Timeout time.Duration
	// Overlap is how far before the last question Poll asks for inbound messages again; 0
	// means 10 minutes. It must be longer than Netgsm takes to list a message.
	Overlap      time.Duration
	App, Partner string           // appname and partnercode, where Netgsm gave some
	Now          func() time.Time // of limits, dates and cursors; nil means time.Now
}

const (
	asksAMinute = 10             // reports; as documented
	keepJobs    = 72 * time.Hour // the longest validity and two days
	oldest      = 29 * 24 * time.Hour
)

// istanbul is where Netgsm's dates are; Turkey has had no other time since 2016.
var istanbul = time.FixedZone("+03", 3*3600)

// Sender is a messaging.Sender, BatchLimiter and Poller. It is safe for concurrent use.
type Sender struct {
	cfg    Config
	client *gateway.Client
	asks   *gateway.Limit
	jobs   gateway.Jobs
}

// New checks the configuration; it opens nothing.
func New(cfg Config) (*Sender, error) {
	var faults []error
	bad := func(field, what string) { faults = append(faults, fmt.Errorf("%w: %s %s", ErrConfig, field, what)) }
	if cfg.Username == "" || strings.Contains(cfg.Username, ":") {
		bad("Username", "must be set, without a colon")
	}
	if cfg.Password.IsZero() {
		bad("Password", "must be set")
	}
	if fault := gateway.Header(cfg.Header, true); fault != "" {
		bad("Header", "cannot be used: "+fault)
	}
	if cfg.URL == "" {
		cfg.URL = "https://api.netgsm.com.tr"
	}
	client, err := gateway.NewClient(cfg.URL, cfg.Client, cfg.Timeout, 0)
	if err != nil {
		bad("URL", err.Error())
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 500
	}
	if cfg.ValidFor != 0 && (cfg.ValidFor < time.Hour || cfg.ValidFor > 21*time.Hour) {
		bad("ValidFor", "is not within an hour and 21 hours")
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if cfg.Overlap <= 0 {
		cfg.Overlap = 10 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Sender{cfg: cfg, client: client, asks: gateway.NewLimit(asksAMinute, time.Minute)}, nil
}

// Profile is how Netgsm encodes: plain, with Turkish letters (encoding TR), or else UCS-2.
// Netgsm says that length and price depend on the encoding and publishes no table, so a
// Turkish letter counts as two, the more of what Turkish providers bill.
func Profile() sms.Profile {
	return sms.Profile{Name: "netgsm", Encodings: []sms.Encoding{sms.GSM7, sms.TurkishSingle, sms.UCS2}, MaxSegments: 7}
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

// header is what the messages of one request share. Turn keeps messages to one number
// apart.
type header struct {
	from, encoding, filter string
	turn                   int
}

type wireMessage struct {
	Text string `json:"msg"`
	To   string `json:"no"`
	at   int
}

type wireRequest struct {
	Header   string        `json:"msgheader"`
	Encoding string        `json:"encoding,omitempty"`
	Filter   string        `json:"iysfilter"`
	Partner  string        `json:"partnercode,omitempty"`
	App      string        `json:"appname,omitempty"`
	Start    string        `json:"startdate,omitempty"`
	Stop     string        `json:"stopdate,omitempty"`
	Messages []wireMessage `json:"messages"`
}

// Send implements messaging.Sender. It returns no error: what happened stands in the
// receipts. The Provider of a receipt is the job, a hyphen and a digest of the number.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	var heads []header
	groups := map[header][]wireMessage{}
	turns := map[string]int{}
	for i, m := range batch {
		h, w, fault := s.write(m)
		if fault != "" {
			out[i] = crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: fault}
			continue
		}
		w.at, h.turn = i, turns[w.To]
		turns[w.To]++
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
					r.Provider = messageID(r.Provider, w.To)
				}
				out[w.at] = r
			}
			return one
		})
	}
	return out, nil
}

// messageID names a message of a job without telling its number.
func messageID(job, number string) string {
	sum := sha256.Sum256([]byte(job + "\n" + number))
	return job + "-" + hex.EncodeToString(sum[:8])
}

// write puts a message into Netgsm's form.
func (s *Sender) write(m messaging.Message) (h header, w wireMessage, fault string) {
	digits, fault := gateway.Number(m.To)
	if fault != "" {
		return h, w, fault
	}
	if !gateway.Turkish(digits) {
		return h, w, "not a Turkish mobile number"
	}
	if fault := gateway.Text(m.Text); fault != "" {
		return h, w, fault
	}
	if m.From == "" {
		m.From = s.cfg.Header
	}
	if fault := gateway.Header(m.From, false); fault != "" {
		return h, w, fault
	}
	plan, err := Profile().Plan(m.Text)
	if err != nil {
		return h, w, "the text has more than 7 segments"
	}
	h.from, h.filter = m.From, "0"
	if plan.Encoding != sms.GSM7 {
		h.encoding = "TR"
	}
	if m.Class != consent.Transactional {
		h.filter = "11"
		if m.Meta[messaging.MetaRecipient] == consent.Merchant {
			h.filter = "12"
		}
	}
	return h, wireMessage{Text: m.Text, To: digits[2:]}, ""
}

// post makes one request. It says whether one of its messages spoilt it.
func (s *Sender) post(ctx context.Context, h header, part []wireMessage) (r crm.Receipt, one bool) {
	q := wireRequest{Header: h.from, Encoding: h.encoding, Filter: h.filter, Partner: s.cfg.Partner, App: s.cfg.App, Messages: part}
	if s.cfg.ValidFor > 0 {
		now := s.cfg.Now().In(istanbul)
		q.Start, q.Stop = now.Format("020120061504"), now.Add(s.cfg.ValidFor).Format("020120061504")
	}
	body, err := json.Marshal(q)
	if err != nil {
		return crm.Receipt{Status: crm.Declined, Reason: "cannot be written as JSON"}, true
	}
	r, one = sent(s.do(ctx, http.MethodPost, "/sms/rest/v2/send", body))
	if r.Status == crm.Accepted {
		s.jobs.Add(r.Provider, s.cfg.Now(), len(part))
	}
	return r, one
}

func (s *Sender) do(ctx context.Context, method, path string, body []byte) gateway.Answer {
	return s.client.Do(ctx, method, path, body, func(r *http.Request) error {
		if body != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		r.Header.Set("Accept", "application/json")
		r.SetBasicAuth(s.cfg.Username, string(s.cfg.Password.Reveal()))
		return nil
	})
}

// sent reads the answer to a request. The Provider of an accepted receipt is the job.
func sent(a gateway.Answer) (r crm.Receipt, one bool) {
	if a.Torn || !a.OK() && a.Code != http.StatusNotAcceptable {
		return a.Receipt(), false
	}
	var body struct {
		Code text `json:"code"`
		Job  text `json:"jobid"`
	}
	err := json.Unmarshal(a.Body, &body)
	f, known := faults[body.Code]
	switch {
	case err == nil && a.OK() && !known && job(string(body.Job)):
		return crm.Receipt{Status: crm.Accepted, Provider: string(body.Job)}, false
	case err == nil && known && body.Job == "":
		return f.Receipt(string(body.Code)), f.One
	case err == nil && !a.OK() && body.Code != "" && body.Job == "": // refused, nobody knows why
		return crm.Receipt{Status: crm.Throttled, After: 10 * time.Minute, Reason: crm.Clip("code "+string(body.Code), 40)}, false
	}
	return crm.Receipt{Status: crm.Uncertain, Reason: fmt.Sprintf("HTTP %d that is not the documented JSON", a.Code)}, false
}

// job reports digits, as job ids are.
func job(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "0123456789") == ""
}

// faults are the codes with which a request is refused. What is wrong with the account is
// no fault of the messages; of a system's error nobody knows whether they were taken.
var faults = map[text]gateway.Fault{
	"20":   {Status: crm.Declined, One: true, Reason: "the text is wrong or too long"},
	"30":   {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "wrong credentials or address of the host"},
	"40":   {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the header is not registered"},
	"50":   {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the account may not send by the consent registry"},
	"51":   {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the consent registry has no brand"},
	"70":   {Status: crm.Throttled, After: 10 * time.Minute, One: true, Reason: "a parameter is wrong"},
	"80":   {Status: crm.Throttled, After: time.Minute, Reason: "too many requests"},
	"85":   {Status: crm.Throttled, After: time.Minute, One: true, Reason: "more than 20 jobs for the number within a minute"},
	"100":  {Status: crm.Uncertain, Reason: "system error"},
	"101":  {Status: crm.Uncertain, Reason: "system error"},
	"5000": {Status: crm.Uncertain, Reason: "undefined error"},
}
