package providertest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// Twilio simulates the Messages API of Twilio: one message a request, status callbacks to the
// address that the request named, signed with the account's token, never repeated; 21610 to who
// answered STOP. Username is the account's SID and Password its token. Arrival.ID is the
// parameter id of that address.
type Twilio struct {
	base
	// Senders are the numbers, names and messaging services of the account.
	Senders []string
	// Refused are numbers (+…) and the error code that their messages end with, such as 30005.
	Refused map[string]int

	all     []*twilioMessage
	stopped map[string]bool
}

type twilioMessage struct {
	sid, direction, status, from, to, body, callback string
	code                                             int
	created, sent, updated                           time.Time
	arrival                                          *Arrival
}

// NewTwilio returns an account with the sender VEFA.
func NewTwilio(cfg Config) *Twilio {
	t := &Twilio{base: newBase(cfg), Senders: []string{"VEFA"}, Refused: map[string]int{}, stopped: map[string]bool{}}
	t.Username = t.sid("AC", "account")
	t.Password = crm.NewSecret([]byte(t.sid("", "token")))
	return t
}

// sid makes an id of 32 hexadecimal digits.
func (t *Twilio) sid(prefix, of string) string {
	return fmt.Sprintf("%s%016x%016x", prefix, hash(t.cfg.Seed, "sid1", of), hash(t.cfg.Seed, "sid2", of))
}

func twilioFault(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": message, "more_info": fmt.Sprint("https://www.twilio.com/docs/errors/", code), "status": status})
}

// ServeHTTP answers requests of the account.
func (t *Twilio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if user != t.Username || password != string(t.Password.Reveal()) {
		twilioFault(w, 401, 20003, "Authenticate")
		return
	}
	if r.URL.Path != "/2010-04-01/Accounts/"+t.Username+"/Messages.json" {
		twilioFault(w, 404, 20404, "The requested resource was not found")
		return
	}
	switch r.Method {
	case http.MethodPost:
		t.send(w, r)
	case http.MethodGet:
		t.list(w, r)
	default:
		twilioFault(w, 405, 20004, "Method not allowed")
	}
}

var twilioNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func (t *Twilio) send(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		twilioFault(w, 400, 20001, "Bad request")
		return
	}
	q := r.PostForm
	t.mu.Lock()
	status, code, what := t.check(q)
	if status != 0 {
		t.mu.Unlock()
		twilioFault(w, status, code, what)
		return
	}
	if t.draw("drop", t.faults.Drop, q.Get("To")+q.Get("Body")) {
		t.mu.Unlock()
		spoil(w, r, "lost")
	}
	sender := q.Get("From")
	if sender == "" {
		sender = q.Get("MessagingServiceSid")
	}
	now := t.cfg.Now()
	m := &twilioMessage{sid: t.sid("SM", fmt.Sprint(t.next())), direction: "outbound-api", status: "queued", from: sender, to: q.Get("To"), body: q.Get("Body"),
		callback: q.Get("StatusCallback"), created: now, updated: now}
	id := ""
	if u, err := url.Parse(m.callback); err == nil {
		id = u.Query().Get("id")
	}
	m.arrival = &Arrival{ID: crm.EffectID(id), Provider: m.sid, Job: m.sid, To: m.to, From: sender, Text: m.body, State: "queued", Fields: map[string]string{"ValidityPeriod": q.Get("ValidityPeriod")}}
	t.arrivals, t.all = append(t.arrivals, m.arrival), append(t.all, m)
	fate := t.fate(m.to + m.body)
	early := t.draw("early", t.faults.Early, m.to+m.body)
	if early {
		t.end(m)
	}
	answer := m.row()
	t.mu.Unlock()
	if early {
		t.flush(any2xx, 0)
	}
	if spoil(w, r, fate) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(answer)
}

func (t *Twilio) check(q url.Values) (status, code int, what string) {
	to, body, sender := q.Get("To"), q.Get("Body"), q.Get("From")
	if sender == "" {
		sender = q.Get("MessagingServiceSid")
	}
	period, err := strconv.Atoi(q.Get("ValidityPeriod"))
	switch {
	case t.draw("throttle", t.faults.Throttle, to+body):
		return 429, 20429, "Too Many Requests"
	case to == "":
		return 400, 21604, "A 'To' phone number is required."
	case !twilioNumber.MatchString(to):
		return 400, 21211, "The 'To' number is not a valid phone number."
	case sender == "":
		return 400, 21603, "A 'From' phone number is required."
	case !slices.Contains(t.Senders, sender):
		return 400, 21212, "The 'From' number is not a valid phone number, shortcode, or alphanumeric sender ID."
	case body == "":
		return 400, 21602, "Message body is required."
	case utf8.RuneCountInString(body) > 1600:
		return 400, 21617, "The concatenated message body exceeds the 1600 character limit."
	case q.Get("ValidityPeriod") != "" && (err != nil || period < 1 || period > 36000):
		return 400, 20001, "Bad request"
	case t.stopped[to]:
		return 400, 21610, "Attempt to send to unsubscribed recipient"
	}
	return 0, 0, ""
}

func (m *twilioMessage) row() map[string]any {
	date := func(at time.Time) any {
		if at.IsZero() {
			return nil
		}
		return at.UTC().Format(time.RFC1123Z)
	}
	out := map[string]any{"sid": m.sid, "direction": m.direction, "status": m.status, "from": m.from, "to": m.to, "body": m.body, "error_code": nil, "error_message": nil,
		"date_created": date(m.created), "date_sent": date(m.sent), "date_updated": date(m.updated), "num_segments": "1", "price": nil}
	if m.code != 0 {
		out["error_code"] = m.code
	}
	return out
}

// carry sends a message on and queues its callback. The lock is held.
func (t *Twilio) carry(m *twilioMessage) {
	if m.status != "queued" {
		return
	}
	m.status, m.sent, m.updated = "sent", t.cfg.Now(), t.cfg.Now()
	t.callback(m, "sent")
}

// end brings a message to its end and queues its callbacks. The lock is held.
func (t *Twilio) end(m *twilioMessage) {
	if t.carry(m); m.status != "sent" {
		return
	}
	m.status, m.updated = "delivered", t.cfg.Now()
	switch {
	case t.Refused[m.to] != 0:
		m.status, m.code = "undelivered", t.Refused[m.to]
	case t.draw("fail", t.faults.Fail, m.to+m.body):
		k := hash(t.cfg.Seed, "how", m.to+m.body) % 3
		m.status, m.code = "undelivered", []int{30003, 30005, 30007}[k]
	}
	m.arrival.State = m.status
	t.callback(m, m.status)
}

func (t *Twilio) callback(m *twilioMessage, status string) {
	if m.callback == "" {
		return
	}
	form := url.Values{"MessageSid": {m.sid}, "SmsSid": {m.sid}, "MessageStatus": {status}, "SmsStatus": {status}, "AccountSid": {t.Username}, "From": {m.from}, "To": {m.to}, "ApiVersion": {"2010-04-01"}}
	if m.code != 0 && status == m.status {
		form.Set("ErrorCode", strconv.Itoa(m.code))
	}
	t.post(m.sid+status, m.callback, form)
}

// post queues a signed request.
func (t *Twilio) post(key, address string, form url.Values) {
	names := []string{}
	for k := range form {
		names = append(names, k)
	}
	sort.Strings(names)
	text := address
	for _, k := range names {
		text += k + form.Get(k)
	}
	mac := hmac.New(sha1.New, t.Password.Reveal())
	mac.Write([]byte(text))
	t.queue(key, push{method: http.MethodPost, url: address, body: []byte(form.Encode()),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}, "X-Twilio-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}})
}

func (t *Twilio) list(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := r.URL.Query()
	since, err := time.Parse("2006-01-02T15:04:05Z", q.Get("DateSent>"))
	size, _ := strconv.Atoi(q.Get("PageSize"))
	if err != nil && q.Get("DateSent>") != "" || size < 1 || size > 1000 {
		twilioFault(w, 400, 20001, "Bad request")
		return
	}
	page, _ := strconv.Atoi(q.Get("Page"))
	var found []*twilioMessage
	for _, m := range t.all {
		if !m.sent.IsZero() && !m.sent.Truncate(time.Second).Before(since) {
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(a, b *twilioMessage) int { return b.sent.Compare(a.sent) })
	rows := []map[string]any{}
	from := min(page*size, len(found))
	for _, m := range found[from:min(from+size, len(found))] {
		rows = append(rows, m.row())
	}
	answer := map[string]any{"messages": rows, "page": page, "page_size": size, "next_page_uri": nil}
	if from+size < len(found) {
		q.Set("Page", strconv.Itoa(page+1))
		answer["next_page_uri"] = r.URL.Path + "?" + q.Encode()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// Reply makes a customer write to a sender of the account. After one of the words STOP,
// STOPALL, UNSUBSCRIBE, CANCEL, END and QUIT alone nothing goes to the number.
func (t *Twilio) Reply(from, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.cfg.Now()
	m := &twilioMessage{sid: t.sid("SM", fmt.Sprint(t.next())), direction: "inbound", status: "received", from: from, to: t.Senders[0], body: text, created: now, sent: now, updated: now}
	t.all = append(t.all, m)
	form := url.Values{"MessageSid": {m.sid}, "SmsSid": {m.sid}, "SmsStatus": {"received"}, "AccountSid": {t.Username}, "From": {from}, "To": {m.to}, "Body": {text}, "NumMedia": {"0"}}
	if slices.Contains([]string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}, strings.ToUpper(strings.TrimSpace(text))) {
		t.stopped[from] = true
		form.Set("OptOutType", "STOP")
	}
	if t.path != "" {
		t.post(m.sid, t.path, form)
	}
}

// Carry sends every message on, whose end Deliver brings, and makes the callbacks, once.
func (t *Twilio) Carry() {
	t.mu.Lock()
	for _, m := range t.all {
		t.carry(m)
	}
	t.mu.Unlock()
	t.flush(any2xx, 0)
}

// Deliver brings every message to its end and makes the callbacks, once.
func (t *Twilio) Deliver() {
	t.mu.Lock()
	for _, m := range t.all {
		t.end(m)
	}
	t.mu.Unlock()
	t.flush(any2xx, 0)
}
