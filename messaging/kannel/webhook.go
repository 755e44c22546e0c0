package kannel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

type state struct {
	delivery messaging.Delivery
	reason   string
}

// states are the bits of dlr-mask; a report has one of them.
var states = map[string]state{
	"1":  {messaging.Delivered, ""},
	"2":  {messaging.Undelivered, "not delivered"},
	"4":  {messaging.Enroute, "buffered"},
	"8":  {messaging.Enroute, ""},
	"16": {messaging.Rejected, "the SMSC refused it"},
}

// feedback reads the parameters of a call.
func feedback(q url.Values) (messaging.Feedback, error) {
	var f messaging.Feedback
	if q.Has("status") {
		s, known := states[q.Get("status")]
		if !known || q.Get("id") == "" {
			return f, fmt.Errorf("kannel: id and status of a report %w", gateway.ErrBody)
		}
		r := messaging.Report{ID: crm.EffectID(crm.Clip(q.Get("id"), 64)), State: s.delivery, Reason: s.reason, At: when(q.Get("at"))}
		if s.delivery != messaging.Delivered {
			r.Code = code(q.Get("answer"))
		}
		f.Reports = []messaging.Report{r}
		return f, nil
	}
	text, ok := decode(q.Get("text"), q.Get("coding"), q.Get("charset"))
	if !q.Has("text") || q.Get("from") == "" || !ok {
		return f, fmt.Errorf("kannel: from and text of a message %w", gateway.ErrBody)
	}
	id := q.Get("in")
	if id == "" { // an old gateway: what came names it
		sum := sha256.Sum256([]byte(q.Get("from") + "\n" + q.Get("to") + "\n" + q.Get("at") + "\n" + text))
		id = hex.EncodeToString(sum[:12])
	}
	f.Inbound = []messaging.Inbound{{ID: crm.Clip(id, 64), From: crm.Address{Channel: crm.Phone, Value: gateway.From(q.Get("from"))},
		To: crm.Address{Channel: crm.Phone, Value: q.Get("to")}, Text: text, At: when(q.Get("at"))}}
	return f, nil
}

// code returns what is short and has no text of a person: err:… of a receipt, or the name
// of a status.
func code(answer string) string {
	if i := strings.Index(answer, "err:"); i >= 0 {
		answer = answer[i+4:]
	} else if strings.HasPrefix(answer, "NACK/") {
		answer = answer[5:]
	} else {
		return ""
	}
	end := strings.IndexAny(answer, "/ ")
	if end < 0 {
		end = len(answer)
	}
	return crm.Clip(answer[:end], 20)
}

// decode reads the octets of a text: big-endian UTF-16 where it is so said, and else UTF-8
// or Latin-1.
func decode(octets, coding, charset string) (string, bool) {
	switch c := strings.ToUpper(charset); {
	case c == "UTF-16BE" || c == "" && coding == "2":
		if len(octets)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(octets)/2)
		for i := range units {
			units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
		}
		return string(utf16.Decode(units)), true
	case utf8.ValidString(octets):
		return octets, true
	}
	runes := make([]rune, len(octets))
	for i := range runes {
		runes[i] = rune(octets[i])
	}
	return string(runes), true
}

// when reads seconds since 1970.
func when(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > 1<<35 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// Webhook answers delivery reports and inbound messages, both below Config.WebhookURL. 200
// with an empty body, of which Kannel makes no reply, says that take returned nil.
func (s *Sender) Webhook(take func(context.Context, messaging.Feedback) error) http.Handler {
	return gateway.Hook([]string{http.MethodGet}, http.StatusOK, s.cfg.Guard.Admits, func(r *http.Request, _ []byte) error {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return fmt.Errorf("kannel: the query %w", gateway.ErrBody)
		}
		f, err := feedback(q)
		if err != nil {
			return err
		}
		return take(r.Context(), f)
	})
}
