package providertest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/vefacrm/vefa/crm"
)

// Kannel simulates the smsbox of Kannel 1.4: POST with X-Kannel headers, delivery reports
// by GET of the address that a message named, for a long message perhaps one for each
// part, never repeated. Arrival.ID is the parameter id of that address.
type Kannel struct {
	base
	all []*kannelMessage
}

type kannelMessage struct {
	*Arrival
	dlr  string
	mask int
}

// NewKannel returns a gateway with one sendsms-user.
func NewKannel(cfg Config) *Kannel {
	k := &Kannel{base: newBase(cfg)}
	k.Username = "vefa"
	return k
}

// ServeHTTP answers requests of the user.
func (k *Kannel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/cgi-bin/sendsms" {
		plain(w, http.StatusNotFound, "Unknown request.")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
		plain(w, http.StatusUnsupportedMediaType, "Unsupported content-type, rejected")
		return
	}
	h := r.Header.Get
	if h("X-Kannel-Username") != k.Username || h("X-Kannel-Password") != string(k.Password.Reveal()) {
		plain(w, http.StatusForbidden, "Authorization failed for sendsms")
		return
	}
	to, from := h("X-Kannel-To"), h("X-Kannel-From")
	if to == "" || from == "" {
		plain(w, http.StatusBadRequest, "Missing receiver and/or sender number, rejected")
		return
	}
	key := to + string(body)
	k.mu.Lock()
	if k.draw("throttle", k.faults.Throttle, key) {
		k.mu.Unlock()
		plain(w, http.StatusServiceUnavailable, "Temporal failure, try again later.")
		return
	}
	if k.draw("drop", k.faults.Drop, key) {
		k.mu.Unlock()
		spoil(w, r, "lost")
	}
	m := &kannelMessage{Arrival: &Arrival{To: to, From: from, Text: string(body), State: "0", Fields: map[string]string{}}, dlr: h("X-Kannel-DLR-Url")}
	m.mask, _ = strconv.Atoi(h("X-Kannel-DLR-Mask"))
	for _, name := range []string{"Coding", "Validity", "SMSC", "DLR-Mask"} {
		m.Fields[name] = h("X-Kannel-" + name)
	}
	if u, err := url.Parse(strings.ReplaceAll(m.expand(0), "%%", "%")); err == nil {
		m.ID = crm.EffectID(u.Query().Get("id"))
	}
	n := k.next()
	m.Provider = strconv.FormatInt(n, 10)
	k.arrivals, k.all = append(k.arrivals, m.Arrival), append(k.all, m)
	fate, early := k.fate(key), k.draw("early", k.faults.Early, key)
	if early {
		k.end(m)
	}
	k.mu.Unlock()
	if early {
		k.flush(any2xx, 0)
	}
	if !spoil(w, r, fate) {
		plain(w, http.StatusAccepted, "0: Accepted for delivery")
	}
}

// expand puts values for the escapes of a report's address.
func (m *kannelMessage) expand(status int) string {
	out := strings.Builder{}
	for i := 0; i < len(m.dlr); i++ {
		if m.dlr[i] != '%' || i+1 == len(m.dlr) {
			out.WriteByte(m.dlr[i])
			continue
		}
		switch i++; m.dlr[i] {
		case 'd':
			out.WriteString(strconv.Itoa(status))
		case 'T':
			out.WriteString("1741000000")
		case 'A':
			answer := "ACK/"
			switch status {
			case 1:
				answer = "id:1 sub:001 dlvrd:001 submit date:2503031200 done date:2503031201 stat:DELIVRD err:000 text:gizli"
			case 2:
				answer = "id:1 sub:001 dlvrd:000 submit date:2503031200 done date:2503031201 stat:UNDELIV err:001 text:gizli"
			case 16:
				answer = "NACK/0x0000000b/Invalid Destination Address"
			}
			out.WriteString(url.QueryEscape(answer))
		case '%':
			out.WriteByte('%')
		default:
			out.WriteString("%" + string(m.dlr[i]))
		}
	}
	return out.String()
}

// end brings a message to its end and queues its reports. The lock is held.
func (k *Kannel) end(m *kannelMessage) {
	if m.State != "0" {
		return
	}
	key := m.To + m.Text
	states := []int{8, 1}
	if k.draw("fail", k.faults.Fail, key) {
		states = [][]int{{8, 2}, {16}}[hash(k.cfg.Seed, "how", key)%2]
	}
	parts := 1
	if k.draw("parts", k.faults.Parts, key) {
		parts = 2
	}
	for _, s := range states {
		m.State = strconv.Itoa(s)
		if m.dlr == "" || m.mask&s == 0 {
			continue
		}
		for p := range parts {
			k.queue(fmt.Sprint(m.Provider, s, p), push{method: http.MethodGet, url: m.expand(s)})
		}
	}
}

// Reply makes a customer write: a service calls the address that PushTo named, with the
// escapes of a get-url.
func (k *Kannel) Reply(from, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	octets, coding, charset := text, "0", "UTF-8"
	for _, r := range text {
		if r > 0xFF {
			coding, charset = "2", "UTF-16BE"
		}
	}
	if coding == "2" {
		var b []byte
		for _, u := range utf16.Encode([]rune(text)) {
			b = append(b, byte(u>>8), byte(u))
		}
		octets = string(b)
	}
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", hash(k.cfg.Seed, "id")>>32, k.next())
	address := strings.NewReplacer("%I", id, "%p", url.QueryEscape(from), "%P", "4609", "%b", url.QueryEscape(octets), "%C", charset, "%c", coding, "%T", "1741000000").Replace(k.path)
	k.queue(id, push{method: http.MethodGet, url: address})
}

// Deliver brings every message to its end and makes the calls, once.
func (k *Kannel) Deliver() {
	k.mu.Lock()
	for _, m := range k.all {
		k.end(m)
	}
	k.mu.Unlock()
	k.flush(any2xx, 0)
}
