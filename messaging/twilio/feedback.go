package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

type state struct {
	delivery messaging.Delivery
	bounce   bool
	reason   string
}

var states = map[string]state{
	"accepted":    {delivery: messaging.Enroute},
	"scheduled":   {delivery: messaging.Enroute},
	"queued":      {delivery: messaging.Enroute},
	"sending":     {delivery: messaging.Enroute},
	"sent":        {delivery: messaging.Enroute},
	"delivered":   {delivery: messaging.Delivered},
	"read":        {delivery: messaging.Read},
	"undelivered": {delivery: messaging.Undelivered},
	"failed":      {delivery: messaging.Undelivered},
	"canceled":    {delivery: messaging.Rejected, reason: "cancelled"},
}

// errorCodes say more than "undelivered" and "failed".
var errorCodes = map[string]state{
	"21610": {delivery: messaging.Rejected, reason: "the recipient answered STOP"},
	"30001": {delivery: messaging.Rejected, reason: "the queue was full"},
	"30002": {delivery: messaging.Rejected, reason: "the account was suspended"},
	"30003": {delivery: messaging.Undelivered, reason: "the device could not be reached"},
	"30004": {delivery: messaging.Rejected, reason: "blocked"},
	"30005": {delivery: messaging.Undelivered, bounce: true, reason: "unknown or inactive number"},
	"30006": {delivery: messaging.Undelivered, bounce: true, reason: "a landline, or a carrier that is not reached"},
	"30007": {delivery: messaging.Rejected, reason: "filtered by the carrier"},
	"30008": {delivery: messaging.Undelivered, reason: "unknown error"},
	"30034": {delivery: messaging.Rejected, reason: "the sender is not registered"},
	"30036": {delivery: messaging.Expired, reason: "not reached while it was valid"},
	"30450": {delivery: messaging.Rejected, reason: "blocked as pumping"},
	"30610": {delivery: messaging.Rejected, reason: "blocked by the compliance toolkit"},
}

// report reads a status. One that is not known leaves the message on its way.
func report(id, sid, status, code string, at time.Time) messaging.Report {
	s, known := states[status]
	if !known {
		s = state{delivery: messaging.Enroute, reason: "a status that is not known"}
	}
	r := messaging.Report{ID: crm.EffectID(id), Provider: sid, State: s.delivery, Reason: s.reason, At: at}
	if status == "undelivered" || status == "failed" {
		if code != "" && code != "0" {
			r.Code = crm.Clip(code, 10)
		}
		if e, ok := errorCodes[code]; ok {
			r.State, r.Bounce, r.Reason = e.delivery, e.bounce, e.reason
		}
	}
	return r
}

// address reads a number, or an address of another channel, as in "whatsapp:+90…".
func address(s string) crm.Address {
	if channel, value, ok := strings.Cut(s, ":"); ok && channel != "" && value != "" {
		return crm.Address{Channel: crm.Channel(channel), Value: value}
	}
	return crm.Address{Channel: crm.Phone, Value: s}
}

// callback reads the parameters of a callback. What is neither of a message on its way nor of one that
// came in gives nothing.
func callback(id string, form url.Values) (messaging.Feedback, error) {
	var f messaging.Feedback
	sid, status := form.Get("MessageSid"), form.Get("MessageStatus")
	if sid == "" {
		sid = form.Get("SmsSid")
	}
	if status == "" {
		status = form.Get("SmsStatus")
	}
	if !messageSID.MatchString(sid) {
		return f, fmt.Errorf("twilio: MessageSid %w", gateway.ErrBody)
	}
	switch {
	case status == "received" || status == "receiving":
		m := messaging.Inbound{ID: sid, From: address(form.Get("From")), To: address(form.Get("To")),
			Text: strings.ToValidUTF8(form.Get("Body"), "\ufffd"), Answers: crm.Clip(form.Get("OriginalRepliedMessageSid"), 64)}
		if m.Validate() != nil {
			return f, fmt.Errorf("twilio: From %w", gateway.ErrBody)
		}
		f.Inbound = []messaging.Inbound{m}
	case status != "":
		f.Reports = []messaging.Report{report(crm.Clip(id, 64), sid, status, form.Get("ErrorCode"), time.Time{})}
	}
	return f, nil
}

// Webhook answers status callbacks and inbound messages, both at Config.WebhookURL. What
// Twilio did not sign is refused with 403; 204 says that take returned nil, and 503 that it
// did not.
func (s *Sender) Webhook(take func(context.Context, messaging.Feedback) error) http.Handler {
	signed := func(r *http.Request) bool { return r.Header.Get("X-Twilio-Signature") != "" && s.cfg.WebhookURL != "" }
	return gateway.Hook([]string{http.MethodPost}, http.StatusNoContent, signed, func(r *http.Request, body []byte) error {
		if err := Verify(s.cfg.AuthToken, s.cfg.WebhookURL, r, body); err != nil {
			return err
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return fmt.Errorf("twilio: the form %w", gateway.ErrBody)
		}
		f, err := callback(r.URL.Query().Get("id"), form)
		if err != nil || len(f.Reports)+len(f.Inbound) == 0 {
			return err
		}
		return take(r.Context(), f)
	})
}

// row is a message of a list.
type row struct {
	SID       string      `json:"sid"`
	Direction string      `json:"direction"`
	Status    string      `json:"status"`
	Code      json.Number `json:"error_code"`
	From      string      `json:"from"`
	To        string      `json:"to"`
	Body      string      `json:"body"`
	Sent      string      `json:"date_sent"`
	Updated   string      `json:"date_updated"`
}

type list struct {
	Messages []row  `json:"messages"`
	Next     string `json:"next_page_uri"`
}

func parseList(data []byte) (list, error) {
	var l list
	if json.Unmarshal(data, &l) != nil || l.Messages == nil {
		return l, errors.New("twilio: the list of messages is not the documented JSON")
	}
	l.Messages = slices.DeleteFunc(l.Messages, func(r row) bool { return !messageSID.MatchString(r.SID) })
	return l, nil
}

func when(s string) time.Time {
	t, err := time.Parse(time.RFC1123Z, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

const (
	oldest   = 48 * time.Hour // the longest validity and more
	mostList = 200            // pages of a poll
	mostSeen = 5000           // messages that a cursor remembers
)

// Poll implements messaging.Poller: all that was sent or came in since the oldest message
// that was still on its way, but of 48 hours at most. A message that was told at its end is
// not told again by a cursor that was kept, of the last 5,000.
func (s *Sender) Poll(ctx context.Context, cursor string) (messaging.Feedback, string, error) {
	var f messaging.Feedback
	c, err := gateway.ParseCursor(cursor)
	if err != nil {
		return f, cursor, fmt.Errorf("%w: twilio: %q %w", messaging.ErrReport, crm.Clip(cursor, 40), err)
	}
	now := s.cfg.Now()
	since := now.Add(-oldest)
	if c.Inbox != "" {
		n, err := strconv.ParseInt(c.Inbox, 10, 64)
		if err != nil {
			return f, cursor, fmt.Errorf("%w: twilio: the cursor's time %w", messaging.ErrReport, gateway.ErrCursor)
		}
		if t := time.Unix(n, 0); t.After(since) {
			since = t
		}
	}
	told := map[string]bool{}
	for _, id := range c.Seen {
		told[id] = true
	}
	next := now // the oldest that is still on its way
	ends := map[string]time.Time{}
	path := s.path + ".json?" + url.Values{"PageSize": {"1000"}, "DateSent>": {since.UTC().Format("2006-01-02T15:04:05Z")}}.Encode()
	for range mostList {
		a := s.client.Do(ctx, http.MethodGet, path, nil, func(r *http.Request) error { s.authorize(r); return nil })
		if !a.OK() {
			return messaging.Feedback{}, cursor, a.Err("twilio", "the list of messages")
		}
		l, err := parseList(a.Body)
		if err != nil {
			return messaging.Feedback{}, cursor, err
		}
		for _, m := range l.Messages {
			at := when(m.Sent)
			if m.Direction == "inbound" {
				in := messaging.Inbound{ID: m.SID, From: address(m.From), To: address(m.To), Text: m.Body, At: at}
				if ends[m.SID] = at; !told[m.SID] && in.Validate() == nil {
					f.Inbound = append(f.Inbound, in)
				}
				continue
			}
			r := report("", m.SID, m.Status, m.Code.String(), when(m.Updated))
			if !r.State.Final() {
				if !at.IsZero() && at.Before(next) {
					next = at
				}
				r.At = time.Time{}
			} else {
				ends[m.SID] = at
			}
			if !told[m.SID] {
				f.Reports = append(f.Reports, r)
			}
		}
		if l.Next == "" {
			return f, s.cursor(next.Add(-s.cfg.Overlap), ends), nil
		}
		if path = l.Next; !strings.HasPrefix(path, s.path+".json?") {
			return messaging.Feedback{}, cursor, errors.New("twilio: the next page of the list is elsewhere")
		}
	}
	return messaging.Feedback{}, cursor, fmt.Errorf("twilio: the list of messages has more than %d pages", mostList)
}

// cursor keeps what was told of the time that will be listed again.
func (s *Sender) cursor(since time.Time, ends map[string]time.Time) string {
	c := gateway.Cursor{Inbox: strconv.FormatInt(since.Unix(), 10)}
	for id, at := range ends {
		if at.IsZero() || !at.Before(since.Truncate(time.Second)) {
			c.Seen = append(c.Seen, id)
		}
	}
	slices.SortFunc(c.Seen, func(a, b string) int {
		if d := ends[b].Compare(ends[a]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	c.Seen = c.Seen[:min(len(c.Seen), mostSeen)]
	return c.String()
}
