package whatsapp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/internal/gateway"
)

// Webhook answers Meta's requests: the one that sets it up, which shows VerifyToken, and
// statuses and messages, signed with AppSecret (X-Hub-Signature-256). What is not signed is
// refused with 403; 200 says that take returned nil, and 503 that it did not: Meta then comes
// again, for up to 7 days.
func (s *Sender) Webhook(take func(context.Context, messaging.Feedback) error) http.Handler {
	hook := gateway.Hook([]string{http.MethodPost}, http.StatusOK, func(r *http.Request) bool { return s.verify != nil && r.Header.Get("X-Hub-Signature-256") != "" }, func(r *http.Request, body []byte) error {
		if _, err := s.verify.Verify(r.Header, body); err != nil {
			return fmt.Errorf("whatsapp: a request %w", gateway.ErrForged)
		}
		f, err := s.feedback(body)
		if err != nil || len(f.Reports)+len(f.Inbound) == 0 {
			return err
		}
		return take(r.Context(), f)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || s.verify == nil {
			hook.ServeHTTP(w, r)
			return
		}
		q := r.URL.Query()
		given, want := sha256.Sum256([]byte(q.Get("hub.verify_token"))), sha256.Sum256(s.cfg.VerifyToken.Reveal())
		challenge := q.Get("hub.challenge")
		if subtle.ConstantTimeCompare(given[:], want[:]) != 1 || q.Get("hub.mode") != "subscribe" || len(challenge) > 100 || strings.Trim(challenge, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != "" {
			http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, challenge)
	})
}

type status struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	At     string `json:"timestamp"`
	Back   string `json:"biz_opaque_callback_data"`
	Errors []struct {
		Code int `json:"code"`
	} `json:"errors"`
}

type inbound struct {
	ID   string `json:"id"`
	From string `json:"from"`
	At   string `json:"timestamp"`
	Type string `json:"type"`
	Text struct {
		Body string `json:"body"`
	} `json:"text"`
	Button struct {
		Text string `json:"text"`
	} `json:"button"`
	Interactive struct {
		Button struct {
			Title string `json:"title"`
		} `json:"button_reply"`
		List struct {
			Title string `json:"title"`
		} `json:"list_reply"`
	} `json:"interactive"`
	Image, Video, Document struct { // by these names, whatever their case
		Caption string `json:"caption"`
	}
	Context struct {
		ID string `json:"id"`
	} `json:"context"`
}

type notice struct {
	Entry []struct {
		Changes []struct {
			Field string `json:"field"`
			Value struct {
				Metadata struct {
					Number string `json:"display_phone_number"`
					ID     string `json:"phone_number_id"`
				} `json:"metadata"`
				Messages []inbound `json:"messages"`
				Statuses []status  `json:"statuses"`
			} `json:"value"`
		} `json:"changes"`
	} `json:"entry"`
}

// feedback reads the body of a signed request. What is of another number of the account, and
// what has no id of the documented form, is left out.
func (s *Sender) feedback(body []byte) (f messaging.Feedback, err error) {
	var n notice
	if json.Unmarshal(body, &n) != nil {
		return f, fmt.Errorf("whatsapp: the notice %w", gateway.ErrBody)
	}
	for _, e := range n.Entry {
		for _, c := range e.Changes {
			v := c.Value
			if c.Field != "messages" || v.Metadata.ID != s.cfg.PhoneNumberID {
				continue
			}
			for _, x := range v.Statuses {
				if messageID.MatchString(x.ID) {
					f.Reports = append(f.Reports, x.report())
				}
			}
			for _, x := range v.Messages {
				if !messageID.MatchString(x.ID) || !digits.MatchString(x.From) || x.Type == "reaction" || x.Type == "system" {
					continue
				}
				in := messaging.Inbound{ID: x.ID, From: crm.Address{Channel: crm.Phone, Value: "+" + x.From}, To: crm.Address{Channel: Name, Value: crm.Clip(v.Metadata.Number, 40)}, Text: x.text(), At: when(x.At)}
				if messageID.MatchString(x.Context.ID) {
					in.Answers = x.Context.ID
				}
				f.Inbound = append(f.Inbound, in)
			}
		}
	}
	return f, nil
}

// text is what the customer wrote, or what he pressed.
func (x inbound) text() string {
	for _, s := range []string{x.Text.Body, x.Button.Text, x.Interactive.Button.Title, x.Interactive.List.Title, x.Image.Caption, x.Video.Caption, x.Document.Caption} {
		if s != "" {
			return strings.ToValidUTF8(s, "\ufffd")
		}
	}
	return ""
}

// report reads a status; one that is not known leaves the message on its way.
func (x status) report() messaging.Report {
	r := messaging.Report{Provider: x.ID, State: messaging.Enroute, At: when(x.At)}
	if id := crm.EffectID(x.Back); id.Validate() == nil {
		r.ID = id
	}
	switch x.Status {
	case "sent":
	case "delivered":
		r.State = messaging.Delivered
	case "read":
		r.State = messaging.Read
	case "failed":
		r.State = messaging.Undelivered
		if len(x.Errors) > 0 {
			r.Code = strconv.Itoa(x.Errors[0].Code)
			r.Reason = faults[x.Errors[0].Code].Reason
		}
	default:
		r.Reason = "a status that is not known"
	}
	return r
}

func when(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > 1<<37 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
