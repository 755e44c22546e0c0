package messaging

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// HTTPConfig configures an HTTPSender. Only URL must be set.
type HTTPConfig struct {
	// URL takes the POST; https, or http to a loopback address.
	URL string
	// StatusURL, if set, is asked what became of messages (Reconciler).
	StatusURL string
	// Client is used for its transport and Timeout; nil means one of its own.
	// Its cookie jar is left aside and redirects are never followed.
	Client *http.Client
	// Authorize adds credentials to each request, such as an Authorization
	// header; may be nil.
	Authorize func(*http.Request) error
	// Repeats says that the provider recognises message ids it has seen.
	Repeats bool
	// Batch is how many messages a request may have; 0 means 500.
	Batch int
	// Timeout bounds a request; 0 means 30 seconds.
	Timeout time.Duration
	// MaxRequest and MaxResponse bound the bodies in bytes; 0 means 10 MiB.
	MaxRequest, MaxResponse int64
}

// HTTPSender is a provider behind a JSON API. One request carries a batch:
//
//	POST URL
//	Content-Type: application/json
//	Idempotency-Key: <hex SHA-256 of the ids, each followed by a line feed; only if HTTPConfig.Repeats>
//	{"messages":[{"id":"…","channel":"phone","to":"+905…","from":"VEFA","text":"…","class":"commercial","meta":{…}}]}
//
//	200
//	{"receipts":[{"id":"…","status":"accepted","provider_id":"…","reason":"…","retry_after":30}]}
//
// A receipt's status is accepted, rejected, throttled or unknown; retry_after
// is in seconds; receipts may come in any order, and a message without one is
// uncertain. Of other answers,
//
//   - 429 means that nothing was taken (crm.Throttled, with the Retry-After of the
//     response);
//   - 401, 403, 404, 405 and 3xx, which is not followed, likewise, but somebody
//     must change something first and the messages are fine (Unreached);
//   - the remaining 4xx refuse the batch for good (crm.Declined);
//   - 408 and 5xx leave everything open (crm.Uncertain).
//
// A connection that fails before any byte of the request was written is
// crm.Throttled and Unreached, any later failure crm.Uncertain. Nothing is retried here, that is the
// Outbox's business; only net/http repeats a request by itself where nothing of
// it was written, or where Repeats makes that harmless. StatusURL takes POST {"ids":["…"]} and answers like URL; an
// id of status "absent" was never received.
type HTTPSender struct {
	cfg    HTTPConfig
	client *http.Client
}

// NewHTTPSender checks the configuration; it opens nothing.
func NewHTTPSender(cfg HTTPConfig) (*HTTPSender, error) {
	var faults []error
	if err := gateway.CheckURL(cfg.URL); err != nil {
		faults = append(faults, fmt.Errorf("messaging: HTTPConfig.URL %w", err))
	}
	if err := gateway.CheckURL(cfg.StatusURL); err != nil && cfg.StatusURL != "" {
		faults = append(faults, fmt.Errorf("messaging: HTTPConfig.StatusURL %w", err))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 500
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.MaxRequest <= 0 {
		cfg.MaxRequest = 10 << 20
	}
	if cfg.MaxResponse <= 0 {
		cfg.MaxResponse = 10 << 20
	}
	return &HTTPSender{cfg, gateway.Plain(cfg.Client)}, nil
}

// MaxBatch implements BatchLimiter.
func (s *HTTPSender) MaxBatch() int { return s.cfg.Batch }

// Idempotent implements Idempotent: what HTTPConfig.Repeats says.
func (s *HTTPSender) Idempotent() bool { return s.cfg.Repeats }

type wireMessage struct {
	ID      crm.EffectID      `json:"id"`
	Channel crm.Channel       `json:"channel"`
	To      string            `json:"to"`
	From    string            `json:"from,omitempty"`
	Text    string            `json:"text"`
	Class   consent.Class     `json:"class"`
	Meta    map[string]string `json:"meta,omitempty"`
}

type wireReceipt struct {
	ID         crm.EffectID `json:"id"`
	Status     string       `json:"status"`
	ProviderID string       `json:"provider_id"`
	Reason     string       `json:"reason"`
	RetryAfter float64      `json:"retry_after"`
}

// Send implements Sender. It never returns an error: what happened stands in
// the receipts.
func (s *HTTPSender) Send(ctx context.Context, batch []Message) ([]crm.Receipt, error) {
	if len(batch) == 0 {
		return nil, nil
	}
	ids := make([]crm.EffectID, len(batch))
	wire := make([]wireMessage, len(batch))
	key := sha256.New()
	for i, m := range batch {
		ids[i] = m.ID
		wire[i] = wireMessage{m.ID, m.To.Channel, m.To.Value, m.From, m.Text, m.Class, m.Meta}
		io.WriteString(key, string(m.ID)+"\n")
	}
	body, err := json.Marshal(map[string]any{"messages": wire})
	if err != nil {
		return fill(ids, crm.Receipt{Status: crm.Declined, Reason: "cannot be written as JSON"}), nil
	}
	if int64(len(body)) > s.cfg.MaxRequest {
		return s.halves(ctx, batch, ids)
	}
	name := ""
	if s.cfg.Repeats {
		name = hex.EncodeToString(key.Sum(nil))
	}
	receipts := s.post(ctx, s.cfg.URL, name, body, ids)
	for i := range receipts {
		if receipts[i].Provider == whole {
			receipts[i].Provider = ""
		}
	}
	return receipts, nil
}

// halves sends a batch whose request would be too large in two.
func (s *HTTPSender) halves(ctx context.Context, batch []Message, ids []crm.EffectID) ([]crm.Receipt, error) {
	if len(batch) == 1 {
		return fill(ids, crm.Receipt{Status: crm.Declined, Reason: "the message is too large"}), nil
	}
	half := len(batch) / 2
	a, err := s.Send(ctx, batch[:half])
	if err != nil {
		return nil, err
	}
	b, err := s.Send(ctx, batch[half:])
	return append(a, b...), err
}

// Reconcile implements Reconciler. Without a StatusURL everything is uncertain.
func (s *HTTPSender) Reconcile(ctx context.Context, ids []crm.EffectID) ([]crm.Receipt, error) {
	if s.cfg.StatusURL == "" {
		return fill(ids, crm.Receipt{Status: crm.Uncertain, Reason: "the provider cannot be asked"}), nil
	}
	out := make([]crm.Receipt, 0, len(ids))
	for len(ids) > 0 {
		part := ids[:min(len(ids), s.cfg.Batch)]
		ids = ids[len(part):]
		body, err := json.Marshal(map[string]any{"ids": part})
		if err != nil {
			return nil, err
		}
		for _, r := range s.post(ctx, s.cfg.StatusURL, "", body, part) {
			switch {
			case r.Reason == absent:
				r.Status = crm.Throttled
			case r.Status == crm.Throttled, r.Status == crm.Declined && r.Provider == whole:
				r.Status, r.Unreached = crm.Uncertain, false // the question was not answered
			}
			if r.Provider == whole {
				r.Provider = ""
			}
			out = append(out, r)
		}
	}
	return out, nil
}

const (
	absent = "never received"
	// whole marks, until Send or Reconcile returns, a receipt that is an answer
	// to the request and not to the message.
	whole = "\x00"
)

// post makes one request and turns whatever happens into one receipt per id.
func (s *HTTPSender) post(ctx context.Context, to, key string, body []byte, ids []crm.EffectID) []crm.Receipt {
	all := func(r crm.Receipt) []crm.Receipt {
		r.Provider = whole
		return fill(ids, r)
	}
	a := gateway.Do(ctx, s.client, s.cfg.Timeout, s.cfg.MaxResponse, http.MethodPost, to, body, func(req *http.Request) error {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json")
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		if s.cfg.Authorize != nil {
			return s.cfg.Authorize(req)
		}
		return nil
	})
	if !a.OK() {
		return all(a.Receipt())
	}
	receipts, err := parseReceipts(a.Body, ids)
	if err != nil {
		return all(crm.Receipt{Status: crm.Uncertain, Reason: "HTTP " + strconv.Itoa(a.Code) + " that is not the documented JSON"})
	}
	return receipts
}

// parseReceipts reads the body of an answer about ids. Statuses that are not
// known, ids that come twice with different answers and ids that do not come at
// all are uncertain; ids that were not asked about are ignored.
func parseReceipts(data []byte, ids []crm.EffectID) ([]crm.Receipt, error) {
	var body struct {
		Receipts []wireReceipt `json:"receipts"`
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, err
	}
	if body.Receipts == nil {
		return nil, errors.New("messaging: no receipts")
	}
	at := make(map[crm.EffectID]int, len(ids))
	out := fill(ids, crm.Receipt{Status: crm.Uncertain, Reason: "the provider did not mention it"})
	seen := make([]bool, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	for _, w := range body.Receipts {
		i, ok := at[w.ID]
		if !ok {
			continue
		}
		r := crm.Receipt{ID: w.ID, Status: crm.Status(w.Status), Provider: short(w.ProviderID), Reason: short(w.Reason)}
		switch {
		case r.Status == crm.Accepted, r.Status == crm.Declined, r.Status == crm.Uncertain:
		case r.Status == crm.Throttled:
			r.After = seconds(w.RetryAfter)
		case w.Status == "absent":
			r.Status, r.Reason = crm.Uncertain, absent
		default:
			r.Status, r.Reason = crm.Uncertain, "the provider's status is not known"
		}
		if seen[i] && r != out[i] {
			r = crm.Receipt{ID: w.ID, Status: crm.Uncertain, Reason: "the provider contradicts itself"}
		}
		out[i], seen[i] = r, true
	}
	return out, nil
}

func fill(ids []crm.EffectID, r crm.Receipt) []crm.Receipt {
	out := make([]crm.Receipt, len(ids))
	for i, id := range ids {
		r.ID = id
		out[i] = r
	}
	return out
}

// short bounds a provider's text and keeps it printable.
func short(s string) string { return clip(s, 200) }

// clip returns at most limit bytes of a text of the host or a provider, printable.
func clip(s string, limit int) string {
	if len(s) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	return cleanText(s, limit)
}

// seconds bounds a provider's wish to a day.
func seconds(s float64) time.Duration {
	if !(s > 0) {
		return 0
	}
	return time.Duration(min(s, 86400) * float64(time.Second))
}
