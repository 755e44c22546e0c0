package providertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// WhatsApp simulates the WhatsApp Cloud API: one message a request, by a template that is
// approved with so many parameters or, within 24 hours of the customer's last message, as
// text (131047 otherwise, as the message's status as well as at once); statuses and
// messages are pushed to the webhook, signed with AppSecret, until it answers 200. Username
// is the id of the business's number and Password its token. Arrival.ID is
// biz_opaque_callback_data, Arrival.Fields have type, template and language.
type WhatsApp struct {
	base
	AppSecret crm.Secret
	// Templates are the approved ones, by name and language as in "order/tr", and how many
	// parameters they have.
	Templates map[string]int
	// Refused are numbers (digits) and the error code that their messages are refused with.
	Refused map[string]int

	wrote map[string]time.Time // when a customer wrote last
	read  map[string]bool
}

// NewWhatsApp returns an account with the template "order" in "tr", of one parameter.
func NewWhatsApp(cfg Config) *WhatsApp {
	w := &WhatsApp{base: newBase(cfg), Templates: map[string]int{"order/tr": 1}, Refused: map[string]int{}, wrote: map[string]time.Time{}, read: map[string]bool{}}
	w.Username = "106540352242922"
	w.AppSecret = crm.NewSecret([]byte(fmt.Sprintf("app-%016x%016x", hash(cfg.Seed, "app1"), hash(cfg.Seed, "app2"))))
	return w
}

func whatsAppFault(w http.ResponseWriter, status, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": "(#" + strconv.Itoa(code) + ") refused", "type": "OAuthException", "code": code, "fbtrace_id": "x"}})
}

type whatsAppRequest struct {
	Product string `json:"messaging_product"`
	To      string `json:"to"`
	Type    string `json:"type"`
	Back    string `json:"biz_opaque_callback_data"`
	Text    struct {
		Body string `json:"body"`
	} `json:"text"`
	Template struct {
		Name     string `json:"name"`
		Language struct {
			Code string `json:"code"`
		} `json:"language"`
		Components []struct {
			Type       string `json:"type"`
			Parameters []struct {
				Type string `json:"type"`
				Text string `json:"text"`
			} `json:"parameters"`
		} `json:"components"`
	} `json:"template"`
}

// ServeHTTP answers requests of the account.
func (x *WhatsApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+string(x.Password.Reveal()) {
		whatsAppFault(w, http.StatusUnauthorized, 190)
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/"+x.Username+"/messages" {
		whatsAppFault(w, http.StatusBadRequest, 100)
		return
	}
	var q whatsAppRequest
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&q) != nil || q.Product != "whatsapp" {
		whatsAppFault(w, http.StatusBadRequest, 100)
		return
	}
	x.mu.Lock()
	status, code, text := x.check(q)
	if code != 0 {
		x.mu.Unlock()
		whatsAppFault(w, status, code)
		return
	}
	a := &Arrival{ID: crm.EffectID(q.Back), Provider: fmt.Sprintf("wamid.%016x", hash(x.cfg.Seed, "wamid", fmt.Sprint(x.next()))), To: q.To, Text: text, State: "accepted",
		Fields: map[string]string{"type": q.Type, "template": q.Template.Name, "language": q.Template.Language.Code}}
	a.Job = a.Provider
	x.arrivals = append(x.arrivals, a)
	fate := x.fate(q.To + text)
	if x.draw("early", x.faults.Early, q.To+text) {
		x.end(a)
	}
	x.mu.Unlock()
	if spoil(w, r, fate) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"messaging_product": "whatsapp", "contacts": []any{map[string]string{"input": q.To, "wa_id": q.To}}, "messages": []any{map[string]string{"id": a.Provider}}})
}

// check returns the text that arrives, or why none does. The lock is held.
func (x *WhatsApp) check(q whatsAppRequest) (status, code int, text string) {
	to := strings.TrimPrefix(q.To, "+")
	switch {
	case x.draw("throttle", x.faults.Throttle, q.To):
		return 429, 130429, ""
	case len(to) < 7 || len(to) > 15 || strings.Trim(to, "0123456789") != "":
		return 400, 131009, ""
	case x.Refused[to] != 0:
		return 400, x.Refused[to], ""
	case q.Type == "text":
		if q.Text.Body == "" || len([]rune(q.Text.Body)) > 4096 {
			return 400, 131009, ""
		}
		if last, ok := x.wrote[to]; !ok || x.cfg.Now().Sub(last) >= 24*time.Hour {
			return 400, 131047, ""
		}
		return 0, 0, q.Text.Body
	case q.Type == "template":
		want, ok := x.Templates[q.Template.Name+"/"+q.Template.Language.Code]
		if !ok {
			return 404, 132001, ""
		}
		var given []string
		for _, c := range q.Template.Components {
			for _, p := range c.Parameters {
				if p.Type != "text" || strings.ContainsAny(p.Text, "\n\t") || strings.Contains(p.Text, "     ") {
					return 400, 132012, ""
				}
				given = append(given, p.Text)
			}
		}
		if len(given) != want {
			return 400, 132000, ""
		}
		return 0, 0, strings.Join(given, "|")
	}
	return 400, 131051, ""
}

// end brings a message to its end and queues its statuses. The lock is held.
func (x *WhatsApp) end(a *Arrival) {
	if a.State != "accepted" {
		return
	}
	x.status(a, "sent", 0)
	if x.draw("fail", x.faults.Fail, a.To+a.Text) {
		a.State = "failed"
		x.status(a, "failed", 131026)
		return
	}
	a.State = "delivered"
	x.status(a, "delivered", 0)
	if x.read[a.To] {
		a.State = "read"
		x.status(a, "read", 0)
	}
}

func (x *WhatsApp) status(a *Arrival, status string, code int) {
	s := map[string]any{"id": a.Provider, "status": status, "timestamp": strconv.FormatInt(x.cfg.Now().Unix(), 10), "recipient_id": a.To}
	if a.ID != "" {
		s["biz_opaque_callback_data"] = string(a.ID)
	}
	if code != 0 {
		s["errors"] = []any{map[string]any{"code": code, "title": "refused"}}
	}
	x.post(a.Provider+status, map[string]any{"statuses": []any{s}})
}

// post queues a signed notice.
func (x *WhatsApp) post(key string, value map[string]any) {
	value["messaging_product"] = "whatsapp"
	value["metadata"] = map[string]string{"display_phone_number": "908501234567", "phone_number_id": x.Username}
	body, err := json.Marshal(map[string]any{"object": "whatsapp_business_account", "entry": []any{map[string]any{"id": "1", "changes": []any{map[string]any{"field": "messages", "value": value}}}}})
	if err != nil {
		panic(err) // of maps and texts, which are JSON
	}
	mac := hmac.New(sha256.New, x.AppSecret.Reveal())
	mac.Write(body)
	x.queue(key, push{method: http.MethodPost, url: x.path, body: body,
		header: http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}})
}

// Reply makes a customer write, in answer to a message if one is named. The number is digits.
func (x *WhatsApp) Reply(from, text, answers string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.cfg.Now()
	x.wrote[from] = now
	id := fmt.Sprintf("wamid.%016x", hash(x.cfg.Seed, "wamid", fmt.Sprint(x.next())))
	m := map[string]any{"id": id, "from": from, "timestamp": strconv.FormatInt(now.Unix(), 10), "type": "text", "text": map[string]string{"body": text}}
	if answers != "" {
		m["context"] = map[string]string{"id": answers}
	}
	x.post(id, map[string]any{"messages": []any{m}})
}

// Reads makes a number read what it gets.
func (x *WhatsApp) Reads(number string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read[number] = true
}

// Deliver brings every message to its end and pushes what there is to tell; what fails
// comes again five minutes later, seven times.
func (x *WhatsApp) Deliver() {
	x.mu.Lock()
	for _, a := range slices.Clone(x.arrivals) {
		x.end(a)
	}
	x.mu.Unlock()
	x.flush(exactly200, 7)
}
