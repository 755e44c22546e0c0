package providertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// Verimor simulates the SMS API of Verimor, version 2, after its user guide of 2025-09-19:
// 240 requests to send and 20 questions a minute, 100 messages an answer, a text that a
// number had that day is dropped, one bad message refuses its whole request.
type Verimor struct {
	base
	// Headers are the names that the account may send with.
	Headers []string
	// Refused are numbers, as they are sent, and the status that their messages end with,
	// such as NOT_ALLOWED_BY_IYS.
	Refused map[string]string

	all       []*verimorMessage
	campaigns map[string][]*verimorMessage // by id
	custom    map[string][]string          // ids by custom id
	said      map[string]bool
	inbound   []verimorInbound
}

type verimorMessage struct {
	*Arrival
	n        int64
	campaign string
	custom   string
	gsm      string
	done     string
}

type verimorInbound struct {
	MessageID   int64  `json:"message_id"`
	Type        string `json:"type,omitempty"`
	CreatedAt   string `json:"created_at"`
	Network     string `json:"network"`
	Source      string `json:"source_addr"`
	Destination string `json:"destination_addr"`
	Keyword     string `json:"keyword"`
	Content     string `json:"content"`
	ReceivedAt  string `json:"received_at"`
}

// NewVerimor returns an account with the headers VEFA and BASLIGIM.
func NewVerimor(cfg Config) *Verimor {
	return &Verimor{base: newBase(cfg), Headers: []string{"VEFA", "BASLIGIM"}, Refused: map[string]string{},
		campaigns: map[string][]*verimorMessage{}, custom: map[string][]string{}, said: map[string]bool{}}
}

// ServeHTTP answers requests of the account.
func (v *Verimor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/v2/send.json":
		v.send(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/v2/status":
		v.status(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/v2/inbound_messages":
		v.list(w, r)
	default:
		http.NotFound(w, r)
	}
}

type verimorSend struct {
	Username      string `json:"username"`
	Password      string `json:"password"`
	SourceAddr    string `json:"source_addr"`
	ValidFor      string `json:"valid_for"`
	SendAt        string `json:"send_at"`
	CustomID      string `json:"custom_id"`
	Datacoding    string `json:"datacoding"`
	IsCommercial  bool   `json:"is_commercial"`
	RecipientType string `json:"iys_recipient_type"`
	Messages      []struct {
		Msg  string `json:"msg"`
		Dest string `json:"dest"`
		ID   string `json:"id"`
	} `json:"messages"`
}

var (
	verimorPeriod = regexp.MustCompile(`^([0-9]{1,2}):([0-5][0-9])$`)
	verimorHome   = regexp.MustCompile(`^905[0-9]{9}$`)
	verimorAbroad = regexp.MustCompile(`^(00|\+)[1-9][0-9]{7,14}$`)
)

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text)
}

func (v *Verimor) send(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 10<<20+1))
	if err != nil {
		return
	}
	if len(body) > 10<<20 {
		plain(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	v.mu.Lock()
	code, answer, fate, early := v.take(body)
	v.mu.Unlock()
	if early {
		v.flush(exactly200, 3)
	}
	if !spoil(w, r, fate) {
		plain(w, code, answer)
	}
}

func (v *Verimor) take(body []byte) (code int, answer, fate string, early bool) {
	var q verimorSend
	if err := json.Unmarshal(body, &q); err != nil {
		return 400, "INVALID_JSON", "", false
	}
	if q.Username != v.Username || q.Password != string(v.Password.Reveal()) {
		return 401, "Geçersiz kullanıcı adı/şifre", "", false
	}
	key := q.CustomID
	if v.limited("send", 240, time.Minute) || v.draw("throttle", v.faults.Throttle, key) {
		return 429, "Too Many Requests", "", false
	}
	if fault := v.check(q); fault != "" {
		return 400, fault, "", false
	}
	if v.draw("drop", v.faults.Drop, key) {
		return 0, "", "lost", false
	}
	campaign := strconv.FormatInt(v.next(), 10)
	day := v.cfg.Now().In(turkey).Format("2006-01-02")
	for _, m := range q.Messages {
		dests, ids := strings.Split(m.Dest, ","), strings.Split(m.ID, ",")
		for i, dest := range dests {
			id := ""
			if len(ids) == len(dests) {
				id = ids[i]
			}
			n := v.next()
			a := &Arrival{ID: crm.EffectID(id), Provider: strconv.FormatInt(n, 10), Job: campaign, To: dest, From: q.SourceAddr, Text: m.Msg, State: "SENDING",
				Fields: map[string]string{"datacoding": q.Datacoding, "valid_for": q.ValidFor, "is_commercial": fmt.Sprint(q.IsCommercial), "iys_recipient_type": q.RecipientType}}
			x := &verimorMessage{Arrival: a, n: n, campaign: campaign, custom: q.CustomID}
			same := day + "\x00" + q.SourceAddr + "\x00" + dest + "\x00" + m.Msg
			switch {
			case v.said[same]:
				a.State = "DOUBLE_SEND_ERROR"
			case v.Refused[dest] != "":
				a.State = v.Refused[dest]
			}
			v.said[same] = true
			v.arrivals, v.all = append(v.arrivals, a), append(v.all, x)
			v.campaigns[campaign] = append(v.campaigns[campaign], x)
			if v.draw("early", v.faults.Early, id) {
				early = true
				v.end(x)
			}
		}
	}
	if q.CustomID != "" {
		v.custom[q.CustomID] = append(v.custom[q.CustomID], campaign)
	}
	return 200, campaign, v.fate(key), early
}

var turkey = time.FixedZone("Europe/Istanbul", 3*60*60)

// check returns the word with which a request is refused.
func (v *Verimor) check(q verimorSend) string {
	if q.SourceAddr != "" && !slices.Contains(v.Headers, q.SourceAddr) {
		return "INVALID_SOURCE_ADDRESS"
	}
	if q.ValidFor != "" {
		m := verimorPeriod.FindStringSubmatch(q.ValidFor)
		if m == nil {
			return "INVALID_PERIOD"
		}
		h, _ := strconv.Atoi(m[1])
		minutes, _ := strconv.Atoi(m[2])
		if total := h*60 + minutes; total < 1 || total > 48*60 {
			return "INVALID_PERIOD"
		}
	}
	if q.Datacoding != "" && q.Datacoding != "0" && q.Datacoding != "1" && q.Datacoding != "2" {
		return "INVALID_DATACODING"
	}
	if q.IsCommercial && q.RecipientType != "BIREYSEL" && q.RecipientType != "TACIR" {
		return "INVALID_IYS_RECIPIENT_TYPE"
	}
	if len(q.Messages) > 50_000 {
		return "MESSAGE_COUNT_LIMIT_EXCEEDED"
	}
	for _, m := range q.Messages {
		if m.Msg == "" {
			return "MISSING_MESSAGE"
		}
		if !utf8.ValidString(m.Msg) {
			return "INVALID_UTF8"
		}
		if verimorSize(m.Msg, q.Datacoding) > 7 {
			return "MESSAGE_TOO_LONG"
		}
		if strings.Contains(m.Msg, "YASAK") {
			return "FORBIDDEN_MESSAGE"
		}
		if m.Dest == "" {
			return "MISSING_DESTINATION_ADDRESS"
		}
		for _, d := range strings.Split(m.Dest, ",") {
			switch {
			case verimorHome.MatchString(d):
			case !verimorAbroad.MatchString(d):
				return "INVALID_DESTINATION_ADDRESS"
			case q.Datacoding == "1":
				return "INVALID_DATACODING"
			}
		}
	}
	return ""
}

// verimorSize is the number of segments by the guide's table: ^{}\[]~|€ count twice.
func verimorSize(text, datacoding string) int {
	if datacoding == "" {
		datacoding = "0"
		if strings.ContainsAny(text, "ŞşĞğçıİ") {
			datacoding = "1"
		}
	}
	limits := map[string][]int{
		"0": {160, 306, 459, 612, 765, 918, 1071},
		"1": {155, 298, 447, 596, 745, 894, 1043},
		"2": {70, 134, 201, 268, 335, 402, 469},
	}[datacoding]
	n := utf8.RuneCountInString(text)
	if datacoding == "2" {
		n = len(utf16.Encode([]rune(text)))
	} else {
		for _, r := range text {
			if strings.ContainsRune(`^{}\[]~|€`, r) {
				n++
			}
		}
	}
	for i, most := range limits {
		if n <= most {
			return i + 1
		}
	}
	return len(limits) + 1
}

// end brings a message to its end and queues its report. The lock is held.
func (v *Verimor) end(x *verimorMessage) {
	if x.done != "" {
		return
	}
	if x.State == "SENDING" {
		x.State, x.gsm = "DELIVERED", "0"
		if v.draw("fail", v.faults.Fail, string(x.ID)) {
			k := hash(v.cfg.Seed, "how", string(x.ID)) % 3
			x.State = []string{"NOT_DELIVERED", "NOT_DELIVERED", "EXPIRED"}[k]
			x.gsm = []string{"1", "6", "2048"}[k]
		}
	}
	x.done = v.cfg.Now().In(turkey).Format("2006-01-02 15:04:05")
	body, _ := json.Marshal([]any{x.row(true)})
	v.queue(x.Provider, push{method: http.MethodPost, url: v.path, header: http.Header{"Content-Type": {"application/json"}}, body: body})
}

// row is a message as pushes and answers have it.
func (x *verimorMessage) row(pushed bool) map[string]any {
	n, _ := strconv.Atoi(x.campaign)
	out := map[string]any{"campaign_id": n, "campaign_custom_id": x.custom, "message_id": x.Provider, "message_custom_id": string(x.ID),
		"dest": x.To, "size": verimorSize(x.Text, x.Fields["datacoding"]), "international_multiplier": 1, "credits": 1, "status": x.State, "gsm_error": x.gsm, "sent_at": nil, "done_at": nil}
	if x.done != "" {
		out["done_at"] = x.done
	}
	if x.State == "DELIVERED" {
		out["sent_at"] = x.done
	}
	if pushed {
		out["type"] = "outbound"
	}
	return out
}

func (v *Verimor) admitted(w http.ResponseWriter, r *http.Request, kind string) bool {
	q := r.URL.Query()
	switch {
	case q.Get("username") != v.Username || q.Get("password") != string(v.Password.Reveal()):
		plain(w, 401, "Geçersiz kullanıcı adı/şifre")
	case v.limited(kind, 20, time.Minute):
		plain(w, 429, "Too Many Requests")
	default:
		return true
	}
	return false
}

func (v *Verimor) status(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.admitted(w, r, "status") {
		return
	}
	q := r.URL.Query()
	ids := v.custom[q.Get("custom_id")]
	if id := q.Get("id"); id != "" {
		ids = []string{id}
	}
	after, _ := strconv.ParseInt(q.Get("greater_than"), 10, 64)
	known := false
	rows := []any{}
	for _, id := range ids {
		for _, x := range v.campaigns[id] {
			known = true
			if x.n > after && len(rows) < 100 {
				rows = append(rows, x.row(false))
			}
		}
	}
	if !known {
		plain(w, 404, "Bu idye sahip kampanya bulunamadı")
		return
	}
	_ = json.NewEncoder(w).Encode(rows)
}

func (v *Verimor) list(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.admitted(w, r, "inbound") {
		return
	}
	after, _ := strconv.ParseInt(r.URL.Query().Get("greater_than"), 10, 64)
	rows := []verimorInbound{}
	for _, m := range v.inbound {
		if m.MessageID > after && len(rows) < 100 {
			m.Type = ""
			rows = append(rows, m)
		}
	}
	_ = json.NewEncoder(w).Encode(rows)
}

// Reply makes a customer write to the account's number, or with a keyword to the short
// number 4609.
func (v *Verimor) Reply(from, keyword, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := v.cfg.Now().In(turkey)
	to := v.Username
	if keyword != "" {
		to, text = "4609", keyword+" "+text
	}
	m := verimorInbound{MessageID: v.next(), Type: "inbound", Network: "TURKCELL", Source: from, Destination: to, Keyword: keyword, Content: text,
		CreatedAt: at.Format("2006-01-02T15:04:05.000-07:00"), ReceivedAt: at.Format("2006-01-02T15:04:05.000-07:00")}
	v.inbound = append(v.inbound, m)
	m.CreatedAt, m.ReceivedAt = at.Format("2006-01-02 15:04:05"), at.Format("2006-01-02 15:04:05")
	body, _ := json.Marshal([]verimorInbound{m})
	v.queue(fmt.Sprint(m.MessageID), push{method: http.MethodPost, url: v.path, header: http.Header{"Content-Type": {"application/json"}}, body: body})
}

// Deliver brings every message to its end and makes the pushes that are due: those that fail come
// again five minutes later, three times. It returns how many are still to be made.
func (v *Verimor) Deliver() int {
	v.mu.Lock()
	for _, x := range v.all {
		v.end(x)
	}
	v.mu.Unlock()
	return v.flush(exactly200, 3)
}
