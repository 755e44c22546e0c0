package whatsapp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
	"github.com/vefacrm/vefa/messaging/webhook"
)

// Name is the channel of WhatsApp.
const Name crm.Channel = "whatsapp"

// The slots of a content beside its text. All other parts are the template's parameters.
const (
	Template = "template" // the name of an approved template
	Language = "language" // its language, as in "tr" or "en_US"
)

// Window is how long after a customer's message a text of one's own is taken.
const Window = 24 * time.Hour

const maxText = 4096 // characters of a text

// Channel returns the channel of WhatsApp, to the addresses of crm.Phone.
func Channel() messaging.Channel {
	return messaging.Channel{Name: Name, To: crm.Phone, Open: true, Slots: []messaging.Slot{
		{Name: Template, Form: messaging.LineForm, Max: 512},
		{Name: Language, Form: messaging.LineForm, Optional: true, Max: 10},
		{Name: "text", Optional: true, Max: 4 * maxText},
	}}
}

// ErrConfig is the kind of every error of New.
var ErrConfig = errors.New("whatsapp: configuration")

// Config configures a Sender. PhoneNumberID and Token must be set, and for Webhook
// AppSecret and VerifyToken.
type Config struct {
	PhoneNumberID string     // the digits by which Meta knows the business's number
	Token         crm.Secret // of the system user
	AppSecret     crm.Secret // with which Meta signs
	VerifyToken   crm.Secret // chosen by the host: Meta shows it once, when the webhook is set up
	URL           string     // "" means https://graph.facebook.com/v21.0
	// Language is that of templates without one; "" means "tr".
	Language string
	// LastInbound returns when the customer wrote last, zero for never, such as from
	// the record's interactions; nil means never.
	LastInbound func(context.Context, crm.Address) (time.Time, error)
	// Client is used for its transport and Timeout; nil means one of its own.
	Client *http.Client
	// Batch is how many messages Send takes at a time, one request each; 0 means 50.
	Batch   int
	Timeout time.Duration    // of a request; 0 means 30 seconds
	Now     func() time.Time // of the window; nil means time.Now
}

// Sender is a messaging.Sender and a messaging.BatchLimiter. It is safe for concurrent use.
type Sender struct {
	cfg    Config
	client *gateway.Client
	verify *webhook.Verifier
}

var (
	digits    = regexp.MustCompile(`^[0-9]{5,20}$`)
	name      = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	language  = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2})?$`)
	messageID = regexp.MustCompile(`^wamid\.[A-Za-z0-9+/=_-]{1,240}$`)
)

// New checks the configuration; it opens nothing. The error is an ErrConfig.
func New(cfg Config) (*Sender, error) {
	var faults []error
	bad := func(field, what string) { faults = append(faults, fmt.Errorf("%w: %s %s", ErrConfig, field, what)) }
	if !digits.MatchString(cfg.PhoneNumberID) {
		bad("PhoneNumberID", "is not digits")
	}
	if cfg.Token.IsZero() {
		bad("Token", "must be set")
	}
	cfg.URL = cmp.Or(cfg.URL, "https://graph.facebook.com/v21.0")
	client, err := gateway.NewClient(cfg.URL, cfg.Client, cfg.Timeout, 1<<20)
	if err != nil {
		bad("URL", err.Error())
	}
	if cfg.Language = cmp.Or(cfg.Language, "tr"); !language.MatchString(cfg.Language) {
		bad("Language", "is not as in tr or en_US")
	}
	s := &Sender{client: client}
	if cfg.AppSecret.IsZero() != cfg.VerifyToken.IsZero() {
		bad("AppSecret", "and VerifyToken are set together or not at all")
	}
	if !cfg.AppSecret.IsZero() {
		if s.verify, err = webhook.New(webhook.Config{Form: webhook.GitHub(), Secrets: []crm.Secret{cfg.AppSecret}}); err != nil {
			bad("AppSecret", err.Error())
		}
		if len(cfg.VerifyToken.Reveal()) < 16 {
			bad("VerifyToken", "has less than 16 bytes")
		}
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 50
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s.cfg = cfg
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s, nil
}

// MaxBatch implements messaging.BatchLimiter.
func (s *Sender) MaxBatch() int { return s.cfg.Batch }

// Send implements messaging.Sender. It returns no error: what happened stands in the
// receipts. The Provider of a receipt is the message's id (wamid.…).
func (s *Sender) Send(ctx context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(batch))
	for i, m := range batch {
		body, r := s.write(ctx, m)
		if r.Status == "" {
			r = sent(s.client.Do(ctx, http.MethodPost, "/"+s.cfg.PhoneNumberID+"/messages", body, func(q *http.Request) error {
				q.Header.Set("Content-Type", "application/json")
				q.Header.Set("Authorization", "Bearer "+string(s.cfg.Token.Reveal()))
				return nil
			}))
		}
		r.ID = m.ID
		out[i] = r
	}
	return out, nil
}

type parameter struct {
	Type string `json:"type"`
	Name string `json:"parameter_name,omitempty"`
	Text string `json:"text"`
}

type request struct {
	Product  string         `json:"messaging_product"`
	Kind     string         `json:"recipient_type"`
	To       string         `json:"to"`
	Type     string         `json:"type"`
	Text     map[string]any `json:"text,omitempty"`
	Template map[string]any `json:"template,omitempty"`
	Back     string         `json:"biz_opaque_callback_data,omitempty"`
}

// write puts a message into WhatsApp's form; the receipt says why it cannot be.
func (s *Sender) write(ctx context.Context, m messaging.Message) ([]byte, crm.Receipt) {
	declined := func(why string) ([]byte, crm.Receipt) {
		return nil, crm.Receipt{Status: crm.Declined, Reason: why}
	}
	number, why := gateway.Number(m.To)
	if why != "" {
		return declined(why)
	}
	if cmp.Or(m.Via, Name) != Name {
		return declined("the channel is not served")
	}
	q := request{Product: "whatsapp", Kind: "individual", To: number, Back: crm.Clip(string(m.ID), 64)}
	template := m.Parts[Template]
	open := false
	if m.Text != "" && s.cfg.LastInbound != nil {
		last, err := s.last(ctx, crm.Address{Channel: crm.Phone, Value: "+" + number})
		if err != nil {
			return nil, crm.Receipt{Status: crm.Throttled, Unreached: true, Reason: "when the customer wrote last is not known"}
		}
		open = !last.IsZero() && s.cfg.Now().Sub(last) < Window
	}
	switch {
	case m.Text != "" && (open || template == ""):
		if why := gateway.Text(m.Text); why != "" {
			return declined(why)
		}
		if utf8.RuneCountInString(m.Text) > maxText {
			return declined("the text has more than 4096 characters")
		}
		if !open {
			return declined("the customer has not written within 24 hours, and there is no template")
		}
		q.Type, q.Text = "text", map[string]any{"body": m.Text, "preview_url": false}
	case !name.MatchString(template):
		return declined("there is no template of that name")
	default:
		lang := cmp.Or(m.Parts[Language], s.cfg.Language)
		if !language.MatchString(lang) {
			return declined("the language is not as in tr or en_US")
		}
		list, why := parameters(m.Parts)
		if why != "" {
			return declined(why)
		}
		q.Type, q.Template = "template", map[string]any{"name": template, "language": map[string]string{"code": lang}}
		if len(list) > 0 {
			q.Template["components"] = []any{map[string]any{"type": "body", "parameters": list}}
		}
	}
	body, err := json.Marshal(q)
	if err != nil {
		return declined("cannot be written as JSON")
	}
	return body, crm.Receipt{}
}

func (s *Sender) last(ctx context.Context, a crm.Address) (at time.Time, err error) {
	defer crm.Recover("last inbound", &err)
	return s.cfg.LastInbound(ctx, a)
}

// parameters returns the parts that are a template's parameters: those named 1, 2, … in
// order, or by their names. They are lines: WhatsApp takes no line feeds, tabs, or more
// than four blanks in a row.
func parameters(parts map[string]string) ([]parameter, string) {
	var names []string
	numbers := 0
	for k, v := range parts {
		if k == Template || k == Language {
			continue
		}
		if gateway.Text(v) != "" || strings.ContainsAny(v, "\r\n\t") || strings.Contains(v, "     ") || utf8.RuneCountInString(v) > 1024 {
			return nil, "a parameter is empty or cannot be written"
		}
		if n, err := strconv.Atoi(k); err == nil && n > 0 {
			numbers++
		}
		names = append(names, k)
	}
	if numbers != 0 && numbers != len(names) {
		return nil, "some parameters have numbers and some have names"
	}
	slices.SortFunc(names, func(a, b string) int {
		if numbers > 0 {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			return cmp.Compare(x, y)
		}
		return cmp.Compare(a, b)
	})
	out := make([]parameter, len(names))
	for i, k := range names {
		out[i] = parameter{Type: "text", Text: parts[k]}
		if numbers == 0 {
			out[i].Name = k
		} else if k != strconv.Itoa(i+1) {
			return nil, "the parameters' numbers are not 1, 2, …"
		}
	}
	return out, ""
}

// sent reads the answer to a request.
func sent(a gateway.Answer) crm.Receipt {
	var body struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	err := json.Unmarshal(a.Body, &body)
	switch {
	case a.OK() && err == nil && len(body.Messages) == 1 && messageID.MatchString(body.Messages[0].ID):
		return crm.Receipt{Status: crm.Accepted, Provider: body.Messages[0].ID}
	case a.OK():
		return crm.Receipt{Status: crm.Uncertain, Reason: "HTTP " + strconv.Itoa(a.Code) + " that is not the documented JSON"}
	case err == nil && !a.Torn && a.Code >= 400 && a.Code < 600:
		if f, ok := faults[body.Error.Code]; ok && (a.Code < 500 || f.Status == crm.Throttled && !f.Unreached) {
			r := f.Receipt(strconv.Itoa(body.Error.Code))
			if r.Status == crm.Throttled {
				r.After = max(r.After, gateway.RetryAfter(a.Header.Get("Retry-After")))
			}
			return r
		}
		r := a.Receipt()
		if body.Error.Code != 0 {
			r.Reason += ", code " + strconv.Itoa(body.Error.Code)
		}
		return r
	}
	return a.Receipt()
}

// faults are the codes with which a message is refused at once. What is wrong with the
// account or the template is no fault of the message.
var faults = map[int]gateway.Fault{
	3:      {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "no permission"},
	4:      {Status: crm.Throttled, After: time.Minute, Reason: "too many requests"},
	10:     {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "no permission"},
	100:    {Status: crm.Declined, Reason: "a parameter is wrong"},
	190:    {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the token has ended"},
	368:    {Status: crm.Throttled, Unreached: true, After: time.Hour, Reason: "the account is blocked"},
	80007:  {Status: crm.Throttled, After: time.Minute, Reason: "too many requests"},
	130429: {Status: crm.Throttled, After: time.Second, Reason: "too many messages"},
	130472: {Status: crm.Declined, Reason: "the number is part of an experiment of Meta's"},
	131008: {Status: crm.Declined, Reason: "a parameter is missing"},
	131009: {Status: crm.Declined, Reason: "a parameter is wrong"},
	131021: {Status: crm.Declined, Reason: "the business's own number"},
	131026: {Status: crm.Declined, Reason: "the number has no WhatsApp that can be written to"},
	131031: {Status: crm.Throttled, Unreached: true, After: time.Hour, Reason: "the account is locked"},
	131042: {Status: crm.Throttled, Unreached: true, After: time.Hour, Reason: "the account is not paid for"},
	131047: {Status: crm.Declined, Reason: "the customer has not written within 24 hours"},
	131048: {Status: crm.Throttled, After: time.Hour, Reason: "too many complaints"},
	131049: {Status: crm.Declined, Reason: "the customer gets enough from businesses"},
	131050: {Status: crm.Declined, Reason: "the customer stopped marketing messages"},
	131051: {Status: crm.Declined, Reason: "a type of message that is not supported"},
	131056: {Status: crm.Throttled, After: time.Minute, Reason: "too many messages to the number"},
	132000: {Status: crm.Declined, Reason: "the template has another number of parameters"},
	132001: {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "there is no such template in the language"},
	132005: {Status: crm.Declined, Reason: "the text with its parameters is too long"},
	132007: {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the template breaks a policy"},
	132012: {Status: crm.Declined, Reason: "a parameter has another form"},
	132015: {Status: crm.Throttled, Unreached: true, After: time.Hour, Reason: "the template is paused"},
	132016: {Status: crm.Throttled, Unreached: true, After: time.Hour, Reason: "the template is disabled"},
	133010: {Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "the business's number is not registered"},
}
