package netgsm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// text is a JSON string or number, because codes and ids come as either; null is "".
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*t = ""
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*t = text(n)
	return nil
}

// row is a message of a report.
type row struct {
	Job       text `json:"jobid"`
	Number    text `json:"number"`
	Status    text `json:"status"`
	Delivered text `json:"deliveredDate"`
	Error     text `json:"errorCode"`
}

type state struct {
	delivery messaging.Delivery
	bounce   bool
	reason   string
}

var states = map[text]state{
	"0":  {delivery: messaging.Enroute},
	"1":  {delivery: messaging.Delivered},
	"2":  {delivery: messaging.Expired, reason: "not reached while it was valid"},
	"3":  {delivery: messaging.Undelivered, reason: "the number is wrong or restricted"},
	"4":  {delivery: messaging.Undelivered, reason: "could not be sent to the operator"},
	"11": {delivery: messaging.Rejected, reason: "the operator refused it"},
	"12": {delivery: messaging.Undelivered, reason: "an error while sending"},
	"13": {delivery: messaging.Rejected, reason: "the same was sent before"},
	"14": {delivery: messaging.Rejected, reason: "the account has no credit"},
	"15": {delivery: messaging.Rejected, reason: "the number is on a black list"},
	"16": {delivery: messaging.Rejected, reason: "the consent registry refused it"},
	"17": {delivery: messaging.Rejected, reason: "the consent registry failed"},
}

// report reads a row. Status 3 is a wrong number or a restricted one, so that it is no
// bounce. A status that is not known leaves the message on its way.
func (r row) report() (messaging.Report, bool) {
	number := gateway.From(string(r.Number))
	if !job(string(r.Job)) || !strings.HasPrefix(number, "+905") || len(number) != 13 {
		return messaging.Report{}, false
	}
	s, known := states[r.Status]
	if !known {
		s = state{delivery: messaging.Enroute, reason: "a status that is not known"}
	}
	out := messaging.Report{Provider: messageID(string(r.Job), number[3:]), State: s.delivery, Bounce: s.bounce, Reason: s.reason}
	if s.delivery != messaging.Enroute {
		out.At = when(string(r.Delivered))
	}
	if s.delivery != messaging.Delivered && r.Status != "0" {
		out.Code = crm.Clip(string(r.Status), 10)
		if r.Error != "" && r.Error != "0" {
			out.Code += "/" + crm.Clip(string(r.Error), 10)
		}
	}
	return out, true
}

// when reads a date of a report or an inbox; zero for another form.
func when(s string) time.Time {
	for _, layout := range []string{"02.01.2006 15:04:05", "2006-01-02 15:04:05", "02012006150405"} {
		if t, err := time.ParseInLocation(layout, s, istanbul); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// letter is a message of the inbox.
type letter struct {
	Text     string `json:"message"`
	Sender   text   `json:"sender"`
	Receiver text   `json:"receiver"`
	At       text   `json:"datetime"`
}

var (
	errLimit  = errors.New("netgsm: 10 questions a minute are used up")
	errAnswer = errors.New("netgsm: an answer is not the documented JSON")
)

// errNone: there is nothing to list.
var errNone = errors.New("netgsm: nothing to list")

// listed reads the code of an answer; none is the one that says that there is nothing.
func listed(a gateway.Answer, question, none string, body any, code *text) error {
	if a.Torn || !a.OK() && a.Code != http.StatusNotAcceptable {
		return a.Err("netgsm", question)
	}
	if json.Unmarshal(a.Body, body) != nil {
		return errAnswer
	}
	switch *code {
	case "00", "0":
		return nil
	case text(none):
		return errNone
	case "80":
		return errLimit
	}
	return fmt.Errorf("netgsm: %s was refused: code %s", question, crm.Clip(string(*code), 10))
}

func parseReport(a gateway.Answer) ([]row, error) {
	var body struct {
		Code text  `json:"code"`
		Jobs []row `json:"jobs"`
	}
	err := listed(a, "the report", "60", &body, &body.Code)
	return body.Jobs, err
}

func parseInbox(a gateway.Answer) ([]letter, error) {
	var body struct {
		Code     text     `json:"code"`
		Messages []letter `json:"messages"`
	}
	err := listed(a, "the inbox", "40", &body, &body.Code)
	if err != nil {
		return nil, err
	}
	for i, l := range body.Messages {
		if l.Sender == "" {
			return nil, fmt.Errorf("%w: message %d of the inbox has no sender", errAnswer, i)
		}
	}
	return body.Messages, nil
}

// Track adds jobs of a process before this one to those that Poll asks about, by what
// Receipt.Provider had. Call it at the start with the messages of the last days whose
// reports are missing; sent is about when they were handed over. What is no such id is left aside.
func (s *Sender) Track(sent time.Time, provider ...string) {
	for _, p := range provider {
		if j, _, ok := strings.Cut(p, "-"); ok && job(j) {
			s.jobs.Add(j, sent, 0)
		}
	}
}

// Poll implements messaging.Poller: inbound messages since the cursor, and the messages of
// each job of the last 72 hours until all of them have come to an end. Reports of a job
// that is still open may come again. It asks as often as Netgsm allows, and for the rest
// at the next call; what failed is asked again then, and is an error only if nothing else was learnt.
func (s *Sender) Poll(ctx context.Context, cursor string) (messaging.Feedback, string, error) {
	var f messaging.Feedback
	c, err := gateway.ParseCursor(cursor)
	if err != nil {
		return f, cursor, fmt.Errorf("%w: netgsm: %q %w", messaging.ErrReport, crm.Clip(cursor, 40), err)
	}
	var faults []error
	if err := s.inbox(ctx, &c, &f); err != nil {
		faults = append(faults, err)
	}
	c.Jobs, err = gateway.Sweep(s.jobs.Merge(c.Jobs, s.cfg.Now(), keepJobs), together, func(some []gateway.Job) ([]gateway.Page, bool, error) {
		return s.sweep(ctx, some, &f)
	})
	if err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil && len(f.Reports)+len(f.Inbound) == 0 {
		return messaging.Feedback{}, cursor, err
	}
	return f, c.String(), nil
}

// inbox asks for what came from before the last question on, and leaves out what was told.
func (s *Sender) inbox(ctx context.Context, c *gateway.Cursor, f *messaging.Feedback) error {
	now := s.cfg.Now()
	from := now.Add(-oldest)
	if c.Inbox != "" {
		n, err := strconv.ParseInt(c.Inbox, 10, 64)
		if err != nil {
			return fmt.Errorf("%w: netgsm: the cursor's inbox %w", messaging.ErrReport, gateway.ErrCursor)
		}
		if t := time.Unix(n, 0).Add(-s.cfg.Overlap); t.After(from) {
			from = t
		}
	}
	if from.After(now) { // the clock went back
		from = now.Add(-s.cfg.Overlap)
	}
	const layout = "02012006150405"
	q := url.Values{"startdate": {from.In(istanbul).Format(layout)}, "stopdate": {now.Add(s.cfg.Overlap).In(istanbul).Format(layout)}}
	if s.cfg.App != "" {
		q.Set("appname", s.cfg.App)
	}
	letters, err := parseInbox(s.do(ctx, http.MethodGet, "/sms/rest/v2/inbox?"+q.Encode(), nil))
	if err != nil && !errors.Is(err, errNone) {
		return err
	}
	told := map[string]bool{}
	for _, id := range c.Seen {
		told[id] = true
	}
	again := now.Add(-s.cfg.Overlap)
	same := map[string]int{}
	var seen []string
	for _, l := range letters {
		m := l.message()
		same[m.ID]++
		if n := same[m.ID]; n > 1 {
			m.ID += "-" + strconv.Itoa(n)
		}
		if m.At.IsZero() || !m.At.Before(again.Truncate(time.Second)) {
			seen = append(seen, m.ID)
		}
		if !told[m.ID] {
			f.Inbound = append(f.Inbound, m)
		}
	}
	slices.Sort(seen)
	c.Inbox, c.Seen = strconv.FormatInt(now.Unix(), 10), seen
	return nil
}

// message reads a message of the inbox. One of the same second, sender, receiver and text
// gets the same ID here.
func (l letter) message() messaging.Inbound {
	sum := sha256.Sum256([]byte(string(l.Sender) + "\n" + string(l.Receiver) + "\n" + string(l.At) + "\n" + l.Text))
	return messaging.Inbound{ID: hex.EncodeToString(sum[:12]), From: crm.Address{Channel: crm.Phone, Value: gateway.From(string(l.Sender))},
		To: crm.Address{Channel: crm.Phone, Value: string(l.Receiver)}, Text: l.Text, At: when(string(l.At))}
}

// page is how many rows a report has at most.
const page = 100

// together returns how many of the first jobs have one page in all, so that jobs of a
// message each do not use up the questions.
func together(jobs []gateway.Job) int {
	n, sum := 0, 0
	for n < len(jobs) && jobs[n].At == "" && jobs[n].N > 0 && sum+jobs[n].N <= page {
		sum += jobs[n].N
		n++
	}
	return max(1, n)
}

// sweep asks for one page of some jobs.
func (s *Sender) sweep(ctx context.Context, jobs []gateway.Job, f *messaging.Feedback) ([]gateway.Page, bool, error) {
	if s.asks.Take(s.cfg.Now()) > 0 {
		return nil, false, nil
	}
	n, err := strconv.Atoi("0" + jobs[0].At)
	if err != nil {
		n = 0
	}
	const layout = "02.01.2006 15:04:05"
	ids, sent, at := make([]string, len(jobs)), jobs[0].Sent, map[string]int{}
	for i, j := range jobs {
		ids[i], at[j.ID] = j.ID, i
		sent = min(sent, j.Sent)
	}
	body, err := json.Marshal(map[string]any{"jobids": ids, "startdate": time.Unix(sent, 0).Add(-24 * time.Hour).In(istanbul).Format(layout),
		"stopdate": s.cfg.Now().Add(time.Hour).In(istanbul).Format(layout), "pagenumber": n, "pagesize": page})
	if err != nil {
		return nil, false, err
	}
	rows, err := parseReport(s.do(ctx, http.MethodPost, "/sms/rest/v2/report", body))
	switch {
	case errors.Is(err, errLimit):
		return nil, false, nil
	case err != nil && !errors.Is(err, errNone):
		return nil, false, err
	}
	pages, found := make([]gateway.Page, len(jobs)), make([]int, len(jobs))
	for _, r := range rows {
		i, asked := at[string(r.Job)]
		if !asked {
			continue
		}
		found[i]++
		if rep, ok := r.report(); ok {
			pages[i].Open = pages[i].Open || !rep.State.Final()
			f.Reports = append(f.Reports, rep)
		}
	}
	for i, j := range jobs {
		if found[i] == 0 && n == 0 || len(jobs) > 1 && found[i] < j.N {
			pages[i].Open = true // not yet there
		}
	}
	if len(jobs) == 1 && len(rows) >= page {
		pages[0].Next = strconv.Itoa(n + 1)
	}
	return pages, true, nil
}
