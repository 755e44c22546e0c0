package webhook

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// Name is the channel of messages to staff and of its addresses, which are names of
// SenderConfig.Endpoints.
const Name crm.Channel = "webhook"

// maxText bounds the text of a message to staff, in bytes.
const maxText = 4000

// Channel returns the channel of messages to staff. A content has a text, and may have
// parts of one line of any name, which stand in the body beside it. It is for members of
// staff, not for customers: rules use it by vefa.Notify.
func Channel() messaging.Channel {
	return messaging.Channel{Name: Name, Open: true, Slots: []messaging.Slot{{Name: "text", Max: maxText}},
		Address: func(name string) string {
			if !isName(name) {
				return "not the name of an endpoint"
			}
			return ""
		}}
}

func isName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// Endpoint is where a team is told, such as a shop's own system.
type Endpoint struct {
	// URL takes the POST: https, or http to a loopback address. It is a secret where
	// whoever knows it may post, and is told in no receipt and no error.
	URL string
	// Secrets sign, at most four: the first is the one in use, the others are signed with,
	// too, while the receiver changes over. Each has at least 16 bytes.
	Secrets []crm.Secret
}

// SenderConfig configures a Sender. Endpoints must be set.
type SenderConfig struct {
	// Endpoints are all that can be written to, by name: a message names one and never has
	// an address of the network, so that no text from outside chooses where a request goes.
	Endpoints map[string]Endpoint
	// Client is used for its transport and Timeout; nil means one of its own. Its cookie jar
	// is left aside and redirects are never followed.
	Client *http.Client
	// Timeout bounds a request; 0 means 10 seconds.
	Timeout time.Duration
	// Now is the clock of the time that is signed; nil means time.Now.
	Now func() time.Time
}

// Sender is a messaging.Sender to members of staff. Each message is one POST, signed as
// Standard says, with the message's id as Webhook-Id:
//
//	{"id":"…","to":"care","type":"rule/unhappy","at":"2025-03-03T12:00:00Z","text":"…","parts":{"about":"ticket/desk/1"}}
//
// A receiver checks it with a Verifier and does nothing for an id that it has seen: a
// message whose answer was lost is sent again. 2xx means that it was taken, 410 that it
// never will be, and others as messaging.HTTPSender has them. It is safe for concurrent use.
type Sender struct {
	cfg    SenderConfig
	client *http.Client
}

// NewSender checks the configuration and returns a sender. It opens nothing. The error
// names every fault, each an ErrConfig, and no URL.
func NewSender(cfg SenderConfig) (*Sender, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
	if len(cfg.Endpoints) == 0 {
		fault("SenderConfig.Endpoints is empty")
	}
	cfg.Endpoints = maps.Clone(cfg.Endpoints)
	for _, name := range slices.Sorted(maps.Keys(cfg.Endpoints)) {
		e := cfg.Endpoints[name]
		if !isName(name) {
			fault("Endpoints[%q]: a name has 1 to 64 letters, digits, -, _ and .", name)
		}
		if err := gateway.CheckURL(e.URL); err != nil {
			fault("Endpoints[%q].URL %w", name, err)
		}
		if n := len(e.Secrets); n == 0 || n > 4 {
			fault("Endpoints[%q].Secrets has %d entries, not 1 to 4", name, n)
		}
		for i, s := range e.Secrets {
			if n := len(s.Reveal()); n < minSecret {
				fault("Endpoints[%q].Secrets[%d] has %d bytes, at least %d are needed", name, i, n, minSecret)
			}
		}
		e.Secrets = slices.Clone(e.Secrets)
		cfg.Endpoints[name] = e
	}
	if cfg.Timeout < 0 {
		fault("SenderConfig.Timeout is negative")
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Sender{cfg, gateway.Plain(cfg.Client)}, nil
}

// Names returns the names of the endpoints, sorted.
func (s *Sender) Names() []string { return slices.Sorted(maps.Keys(s.cfg.Endpoints)) }

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return 20 }

// Idempotent implements messaging.Idempotent: receivers know the id.
func (s *Sender) Idempotent() bool { return true }

// note is the body of a request.
type note struct {
	ID    crm.EffectID      `json:"id"`
	To    string            `json:"to"`
	Type  string            `json:"type,omitempty"`
	At    *time.Time        `json:"at,omitempty"`
	Text  string            `json:"text"`
	Parts map[string]string `json:"parts,omitempty"`
}

// Send implements messaging.Sender. It returns no error: what happened stands in the
// receipts. An endpoint that is not reached is not tried again for the rest of the batch.
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	down := map[string]crm.Receipt{}
	for i, m := range batch {
		r, known := down[m.To.Value]
		if !known {
			if r = s.one(ctx, m); r.Unreached {
				down[m.To.Value] = r
			}
		}
		r.ID = m.ID
		out[i] = r
	}
	return out, nil
}

// one sends one message.
func (s *Sender) one(ctx context.Context, m messaging.Message) crm.Receipt {
	declined := func(why string) crm.Receipt { return crm.Receipt{Status: crm.Declined, Reason: why} }
	if m.To.Channel != Name || cmp.Or(m.Via, Name) != Name {
		return declined("the channel is not served")
	}
	e, ok := s.cfg.Endpoints[m.To.Value]
	if !ok {
		return declined("there is no endpoint of that name")
	}
	if m.ID.Validate() != nil {
		return declined("the id is not an effect's")
	}
	if why := gateway.Text(m.Text); why != "" {
		return declined(why)
	}
	if len(m.Text) > maxText {
		return declined("the message is too large")
	}
	n := note{ID: m.ID, To: m.To.Value, Type: m.Cause, Text: m.Text, Parts: m.Parts}
	if !m.At.IsZero() {
		at := m.At.UTC()
		n.At = &at
	}
	body, err := json.Marshal(n)
	if err != nil {
		return declined("it cannot be written as JSON")
	}
	at := strconv.FormatInt(s.cfg.Now().Unix(), 10)
	a := gateway.Do(ctx, s.client, s.cfg.Timeout, 64<<10, http.MethodPost, e.URL, body, func(r *http.Request) error {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Webhook-Id", string(m.ID))
		r.Header.Set("Webhook-Timestamp", at)
		r.Header.Set("Webhook-Signature", sign(e.Secrets, string(m.ID), at, body))
		return nil
	})
	switch {
	case a.Code >= 200 && a.Code < 300:
		return crm.Receipt{Status: crm.Accepted}
	case a.Code == http.StatusGone:
		return declined("HTTP 410: the endpoint is gone")
	}
	return a.Receipt()
}

// sign returns the signatures of a delivery as Standard has them.
func sign(secrets []crm.Secret, id, at string, body []byte) string {
	out := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, secret.Reveal())
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		out[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(out, " ")
}
