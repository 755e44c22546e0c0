package providertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Netgsm simulates the SMS API of Netgsm, version 2, after netgsm-sms-js of 2025-12-30:
// more than 20 jobs for a number within a minute are refused (85), reports may be asked for 10
// times a minute, and the inbox without dates lists each message once and never again.
// Arrival.ID stays empty, because Netgsm is told none.
type Netgsm struct {
	base
	// Headers are the names that the account may send with.
	Headers []string
	// Refused are numbers of ten digits and the status that their messages end with, such
	// as 15 or 16.
	Refused map[string]int
	// Lag is how long a job is not yet in reports.
	Lag time.Duration

	jobs   map[string][]*Arrival
	tasks  map[string][]time.Time
	inbox  []*netgsmLetter
	status map[*Arrival]int
	done   map[*Arrival]time.Time
	sent   map[string]time.Time // by job
}

type netgsmLetter struct {
	Message  string `json:"message"`
	Sender   string `json:"sender"`
	Receiver string `json:"receiver"`
	Datetime string `json:"datetime"`
	at       time.Time
	listed   bool
}

// NewNetgsm returns an account with the header VEFA.
func NewNetgsm(cfg Config) *Netgsm {
	n := &Netgsm{base: newBase(cfg), Headers: []string{"VEFA"}, Refused: map[string]int{}, jobs: map[string][]*Arrival{}, tasks: map[string][]time.Time{},
		status: map[*Arrival]int{}, done: map[*Arrival]time.Time{}, sent: map[string]time.Time{}}
	n.Username = "8501234567"
	return n
}

// ServeHTTP answers requests of the account.
func (n *Netgsm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	n.mu.Lock()
	fate, answer := "", map[string]any{"code": "30", "description": "kullanici bilgisi bulunamadi", "jobs": nil}
	if user == n.Username && password == string(n.Password.Reveal()) {
		switch r.Method + " " + r.URL.Path {
		case "POST /sms/rest/v2/send":
			fate, answer = n.send(r)
		case "POST /sms/rest/v2/report":
			answer = n.report(r)
		case "GET /sms/rest/v2/inbox":
			answer = n.list(r)
		default:
			n.mu.Unlock()
			http.NotFound(w, r)
			return
		}
	}
	n.mu.Unlock()
	if spoil(w, r, fate) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if answer["code"] != "00" {
		w.WriteHeader(http.StatusNotAcceptable)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func netgsmFault(code, description string) map[string]any {
	return map[string]any{"code": code, "description": description, "jobs": nil}
}

var (
	netgsmNumber = regexp.MustCompile(`^5[0-9]{9}$`)
	netgsmDate   = regexp.MustCompile(`^[0-9]{12}$`)
)

func (n *Netgsm) send(r *http.Request) (fate string, answer map[string]any) {
	var q struct {
		Msgheader, Encoding, Iysfilter, Partnercode, Appname, Startdate, Stopdate string
		Messages                                                                  []struct{ Msg, No string }
	}
	if json.NewDecoder(r.Body).Decode(&q) != nil || len(q.Messages) == 0 {
		return "", netgsmFault("70", "hatali sorgulama")
	}
	key := q.Messages[0].No + q.Messages[0].Msg
	if n.draw("throttle", n.faults.Throttle, key) {
		return "", netgsmFault("80", "gonderim sinir asimi")
	}
	if n.draw("drop", n.faults.Drop, key) {
		return "lost", nil
	}
	if !slices.Contains(n.Headers, q.Msgheader) || utf8.RuneCountInString(q.Msgheader) > 11 {
		return "", netgsmFault("40", "mesaj basligi sistemde tanimli degil")
	}
	if q.Encoding != "" && q.Encoding != "TR" || !slices.Contains([]string{"", "0", "11", "12"}, q.Iysfilter) {
		return "", netgsmFault("70", "hatali sorgulama")
	}
	if q.Startdate != "" || q.Stopdate != "" {
		from, e1 := time.ParseInLocation("020120061504", q.Startdate, turkey)
		to, e2 := time.ParseInLocation("020120061504", q.Stopdate, turkey)
		if e1 != nil || e2 != nil || !netgsmDate.MatchString(q.Stopdate) || to.Sub(from) < time.Hour || to.Sub(from) > 21*time.Hour {
			return "", netgsmFault("70", "hatali sorgulama")
		}
	}
	now := n.cfg.Now()
	for _, m := range q.Messages {
		if !netgsmNumber.MatchString(m.No) {
			return "", netgsmFault("70", "hatali sorgulama")
		}
		if m.Msg == "" || utf8.RuneCountInString(m.Msg) > 917 || strings.Contains(m.Msg, "YASAK") {
			return "", netgsmFault("20", "mesaj metni hatasi")
		}
		n.tasks[m.No] = slices.DeleteFunc(n.tasks[m.No], func(t time.Time) bool { return now.Sub(t) >= time.Minute })
		if len(n.tasks[m.No]) >= 20 {
			return "", netgsmFault("85", "mukerrer gonderim sinir asimi")
		}
	}
	jobid := strconv.FormatInt(n.next(), 10)
	n.sent[jobid] = now
	for _, m := range q.Messages {
		n.tasks[m.No] = append(n.tasks[m.No], now)
		a := &Arrival{Provider: jobid + "/" + m.No, Job: jobid, To: m.No, From: q.Msgheader, Text: m.Msg, State: "0",
			Fields: map[string]string{"encoding": q.Encoding, "iysfilter": q.Iysfilter, "startdate": q.Startdate, "stopdate": q.Stopdate}}
		n.arrivals, n.jobs[jobid] = append(n.arrivals, a), append(n.jobs[jobid], a)
	}
	return n.fate(key), map[string]any{"code": "00", "description": "queued", "jobid": jobid}
}

func (n *Netgsm) report(r *http.Request) map[string]any {
	var q struct {
		Jobids               []string
		Startdate, Stopdate  string
		Pagenumber, Pagesize int
	}
	if n.limited("report", 10, time.Minute) {
		return netgsmFault("80", "limit asimi")
	}
	const layout = "02.01.2006 15:04:05"
	err := json.NewDecoder(r.Body).Decode(&q)
	_, e1 := time.ParseInLocation(layout, q.Startdate, turkey)
	_, e2 := time.ParseInLocation(layout, q.Stopdate, turkey)
	if err != nil || e1 != nil || e2 != nil || q.Pagesize < 1 || q.Pagesize > 100 || q.Pagenumber < 0 {
		return netgsmFault("70", "hatali sorgulama")
	}
	var rows []map[string]any
	for _, id := range q.Jobids {
		if n.cfg.Now().Sub(n.sent[id]) < n.Lag {
			continue
		}
		for _, a := range n.jobs[id] {
			row := map[string]any{"jobid": id, "number": "90" + a.To, "status": n.status[a], "operator": 30, "msglen": 1, "deliveredDate": "", "errorCode": 0, "referansID": ""}
			if t := n.done[a]; !t.IsZero() {
				row["deliveredDate"] = t.In(turkey).Format(layout)
			}
			rows = append(rows, row)
		}
	}
	from := min(q.Pagenumber*q.Pagesize, len(rows))
	rows = rows[from:min(from+q.Pagesize, len(rows))]
	if len(rows) == 0 {
		return netgsmFault("60", "kayit yok")
	}
	return map[string]any{"code": "00", "description": "success", "jobs": rows}
}

func (n *Netgsm) list(r *http.Request) map[string]any {
	q := r.URL.Query()
	var out []*netgsmLetter
	if q.Get("startdate") == "" && q.Get("stopdate") == "" {
		for _, l := range n.inbox { // the trap: once, whether the answer arrives or not
			if !l.listed {
				l.listed = true
				out = append(out, l)
			}
		}
	} else {
		const layout = "02012006150405"
		from, e1 := time.ParseInLocation(layout, q.Get("startdate"), turkey)
		to, e2 := time.ParseInLocation(layout, q.Get("stopdate"), turkey)
		if e1 != nil || e2 != nil || to.Sub(from) > 30*24*time.Hour {
			return netgsmFault("70", "hatali sorgulama")
		}
		for _, l := range n.inbox {
			if at := l.at.Truncate(time.Second); !at.Before(from) && !at.After(to) {
				out = append(out, l)
			}
		}
	}
	if len(out) == 0 {
		return netgsmFault("40", "mesaj yok")
	}
	return map[string]any{"code": "00", "description": "success", "messages": out}
}

// Reply makes a customer, a number of ten digits, write to the account's number.
func (n *Netgsm) Reply(from, text string) { n.ReplyAt(n.cfg.Now(), from, text) }

// ReplyAt is Reply for a message of a time that is listed only now.
func (n *Netgsm) ReplyAt(at time.Time, from, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inbox = append(n.inbox, &netgsmLetter{Message: text, Sender: from, Receiver: n.Username, Datetime: at.In(turkey).Format("02.01.2006 15:04:05"), at: at})
}

// Deliver brings every message to its end; Netgsm pushes nothing.
func (n *Netgsm) Deliver() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range n.arrivals {
		if n.status[a] != 0 {
			continue
		}
		n.status[a], n.done[a] = 1, n.cfg.Now()
		if s := n.Refused[a.To]; s != 0 {
			n.status[a] = s
		} else if n.draw("fail", n.faults.Fail, a.Provider) {
			n.status[a] = []int{2, 3, 4, 12}[hash(n.cfg.Seed, "how", a.Provider)%4]
		}
		a.State = fmt.Sprint(n.status[a])
	}
}
