package netgsm_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/netgsm"
	"github.com/vefacrm/vefa/messaging/providertest"
)

// clock goes on by a step at each look, so that limits per minute do not stop a test.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	step time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(c.step)
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type world struct {
	sim    *providertest.Netgsm
	sender *netgsm.Sender
	clock  *clock
	cfg    netgsm.Config
}

func open(t *testing.T, step time.Duration, change func(*netgsm.Config)) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC), step: step}}
	w.sim = providertest.NewNetgsm(providertest.Config{Seed: 7, Now: w.clock.Now})
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.cfg = netgsm.Config{Username: w.sim.Username, Password: w.sim.Password, Header: "VEFA", URL: server.URL, Now: w.clock.Now}
	if change != nil {
		change(&w.cfg)
	}
	var err error
	w.sender, err = netgsm.New(w.cfg)
	require.NoError(t, err)
	return w
}

// sent are the messages of the suite by their ids.
var sent = sync.OnceValue(func() map[crm.EffectID]messaging.Message {
	out := map[crm.EffectID]messaging.Message{}
	for i := range 1100 {
		m := messagingtest.Message(i)
		out[m.ID] = m
	}
	return out
})

// arrived counts messages by number and text, because Netgsm knows no id of the host's.
func (w *world) arrived(id crm.EffectID) int {
	n, m := 0, sent()[id]
	for _, a := range w.sim.Arrivals() {
		if "+90"+a.To == m.To.Value && a.Text == m.Text {
			n++
		}
	}
	return n
}

func TestContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		w := open(t, 7*time.Second, nil)
		return messagingtest.Fixture{Sender: w.sender, Arrived: w.arrived, Hang: func(*testing.T) { w.sim.SetFaults(providertest.Faults{Slow: 1}) }, Secrets: []string{string(w.sim.Password.Reveal())},
			Deliver: func(*testing.T) messaging.Feedback { w.sim.Deliver(); return messaging.Feedback{} },
			Reply:   func(_ *testing.T, from crm.Address, text string) { w.sim.Reply(from.Value[3:], text) }}
	})
}

// TestWire holds the requests as the documents have them.
func TestWire(t *testing.T) {
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		require.Equal(t, "Basic ODUwMTIzNDU2NzrFn2lmcmU=", r.Header.Get("Authorization"))
		bodies = append(bodies, r.Method+" "+r.URL.String()+" "+string(b))
		switch r.URL.Path {
		case "/sms/rest/v2/send":
			_, _ = io.WriteString(w, `{"code":"00","description":"queued","jobid":"17377215342605050417149344"}`)
		case "/sms/rest/v2/report":
			_, _ = io.WriteString(w, `{"code":"00","jobs":[{"jobid":"17377215342605050417149344","number":"905311234567","status":1,"operator":30,"msglen":1,"deliveredDate":"03.03.2025 12:01:00","errorCode":0}]}`)
		default:
			w.WriteHeader(http.StatusNotAcceptable)
			_, _ = io.WriteString(w, `{"code":"40","description":"no message"}`)
		}
	}))
	defer server.Close()
	now := time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)
	s, err := netgsm.New(netgsm.Config{Username: "8501234567", Password: crm.NewSecret([]byte("şifre")), Header: "BASLIGIM", URL: server.URL, ValidFor: 13 * time.Hour,
		App: "app", Partner: "p", Now: func() time.Time { return now }})
	require.NoError(t, err)
	phone := func(v string) crm.Address { return crm.Address{Channel: crm.Phone, Value: v} }
	got, err := s.Send(t.Context(), []messaging.Message{
		{ID: "a1", To: phone("+905311234567"), Text: "deneme", Class: consent.Commercial},
		{ID: "a2", To: phone("0090 531 123 45 68"), Text: "Şişli", Class: consent.Commercial, Meta: map[string]string{messaging.MetaRecipient: consent.Merchant}},
		{ID: "a3", To: phone("+905311234569"), Text: "kod 1", Class: consent.Transactional},
		{ID: "a4", To: phone("+905311234567"), Text: "iki", Class: consent.Commercial},
		{ID: "a5", To: phone("+905311234561"), Text: "üç", Class: consent.Commercial},
		{ID: "a6", To: phone("+4915112345678"), Text: "x"},
		{ID: "a7", To: phone("+902121234567"), Text: "x"},
	})
	require.NoError(t, err)
	const head, tail = `POST /sms/rest/v2/send {"msgheader":"BASLIGIM",`, `"partnercode":"p","appname":"app","startdate":"030320251200","stopdate":"040320250100",`
	require.Equal(t, []string{
		head + `"encoding":"TR","iysfilter":"12",` + tail + `"messages":[{"msg":"Şişli","no":"5311234568"}]}`,
		head + `"iysfilter":"0",` + tail + `"messages":[{"msg":"kod 1","no":"5311234569"}]}`,
		head + `"iysfilter":"11",` + tail + `"messages":[{"msg":"deneme","no":"5311234567"}]}`,
		head + `"iysfilter":"11",` + tail + `"messages":[{"msg":"iki","no":"5311234567"}]}`,
		head + `"encoding":"TR","iysfilter":"11",` + tail + `"messages":[{"msg":"üç","no":"5311234561"}]}`,
	}, []string{bodies[1], bodies[2], bodies[0], bodies[3], bodies[4]})
	require.Equal(t, crm.Receipt{ID: "a1", Status: crm.Accepted, Provider: "17377215342605050417149344-8d8700ef6cf9cd37"}, got[0])
	require.Equal(t, crm.Receipt{ID: "a6", Status: crm.Declined, Reason: "not a Turkish mobile number"}, got[5])
	require.Equal(t, crm.Declined, got[6].Status)

	f, _, err := s.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "GET /sms/rest/v2/inbox?appname=app&startdate=02022025120000&stopdate=03032025121000 ", bodies[5])
	require.Equal(t, `POST /sms/rest/v2/report {"jobids":["17377215342605050417149344"],"pagenumber":0,"pagesize":100,"startdate":"02.03.2025 12:00:00","stopdate":"03.03.2025 13:00:00"}`, bodies[6])
	require.Equal(t, []messaging.Report{{Provider: got[0].Provider, State: messaging.Delivered, At: time.Date(2025, 3, 3, 9, 1, 0, 0, time.UTC)}}, f.Reports)
}

// TestSameNumber: a number that is in a batch twice goes in two jobs, so that each report
// names one message.
func TestSameNumber(t *testing.T) {
	w := open(t, 7*time.Second, nil)
	b := []messaging.Message{messagingtest.Message(1), messagingtest.Message(2), messagingtest.Message(1), messagingtest.Message(1)}
	got, err := w.sender.Send(t.Context(), b)
	require.NoError(t, err)
	names := map[string]bool{}
	for _, r := range got {
		require.Equal(t, crm.Accepted, r.Status)
		require.NotContains(t, r.Provider, "532000000", "no number in an id")
		names[r.Provider] = true
	}
	require.Len(t, names, 4)
}

// TestTooManyJobs: the 21st job for a number within a minute (85) waits, and the rest of its
// batch goes.
func TestTooManyJobs(t *testing.T) {
	w := open(t, 0, nil)
	m := messagingtest.Message(1)
	for range 20 {
		got, err := w.sender.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err)
		require.Equal(t, crm.Accepted, got[0].Status)
	}
	got, err := w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(2), m, messagingtest.Message(3)})
	require.NoError(t, err)
	require.Equal(t, crm.Accepted, got[0].Status)
	require.Equal(t, crm.Receipt{ID: m.ID, Status: crm.Throttled, After: time.Minute, Reason: "85: more than 20 jobs for the number within a minute"}, got[1])
	require.Equal(t, crm.Accepted, got[2].Status)
	w.clock.advance(time.Minute)
	got, err = w.sender.Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	require.Equal(t, crm.Accepted, got[0].Status)
}

// TestFates: what may have been taken is uncertain, what was refused is not.
func TestFates(t *testing.T) {
	for name, c := range map[string]struct {
		faults  providertest.Faults
		status  crm.Status
		arrived int
	}{
		"throttle": {providertest.Faults{Throttle: 1}, crm.Throttled, 0},
		"error":    {providertest.Faults{Error: 1}, crm.Uncertain, 1},
		"lost":     {providertest.Faults{Lost: 1}, crm.Uncertain, 1},
		"slow":     {providertest.Faults{Slow: 1}, crm.Uncertain, 1},
	} {
		w := open(t, time.Second, func(c *netgsm.Config) { c.Timeout = 300 * time.Millisecond })
		w.sim.SetFaults(c.faults)
		m := messagingtest.Message(1)
		got, err := w.sender.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err)
		require.Equal(t, c.status, got[0].Status, name)
		require.Equal(t, c.arrived, w.arrived(m.ID), name)
	}
	w := open(t, time.Second, nil)
	m := messagingtest.Message(1)
	m.From = "BASKA"
	got, err := w.sender.Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	require.True(t, got[0].Unreached, "the header can be registered")
	m = messagingtest.Message(1)
	m.Text = "YASAK"
	got, err = w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(2), m})
	require.NoError(t, err)
	require.Equal(t, crm.Accepted, got[0].Status)
	require.Equal(t, crm.Declined, got[1].Status)
}

// TestInbox: what is asked for by dates is told once by a kept cursor and again by one that
// was not, two alike within a second are two, and nothing is lost that is listed late.
func TestInbox(t *testing.T) {
	w := open(t, 0, nil)
	w.sim.Reply("5331234567", "RET")
	w.sim.Reply("5331234567", "RET")
	lost, _, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, lost.Inbound, 2)
	require.NotEqual(t, lost.Inbound[0].ID, lost.Inbound[1].ID)
	f, cursor, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, lost, f, "the cursor was not kept")
	ids := map[string]bool{f.Inbound[0].ID: true, f.Inbound[1].ID: true}
	w.sim.Reply("5331234567", "RET") // a third within the same second
	for i := range 40 {
		f, cursor, err = w.sender.Poll(t.Context(), cursor)
		require.NoError(t, err)
		require.Len(t, f.Inbound, 1, "%d", i)
		require.False(t, ids[f.Inbound[0].ID])
		ids[f.Inbound[0].ID] = true
		w.sim.Reply("5331234568", fmt.Sprint(i))
		w.clock.advance(61 * time.Second)
	}
	require.Less(t, len(cursor), 1000, "only what the overlap has is kept")
	require.Equal(t, crm.Address{Channel: crm.Phone, Value: "+905331234568"}, f.Inbound[0].From)
}

// TestInboxLate: what is listed with a time before the last question is told, within the
// overlap.
func TestInboxLate(t *testing.T) {
	w := open(t, 0, nil)
	_, cursor, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	w.sim.ReplyAt(w.clock.Now().Add(-9*time.Minute), "5331234567", "RET")
	w.clock.advance(time.Minute)
	f, cursor, err := w.sender.Poll(t.Context(), cursor)
	require.NoError(t, err)
	require.Len(t, f.Inbound, 1)
	for range 3 {
		w.clock.advance(time.Minute)
		f, cursor, err = w.sender.Poll(t.Context(), cursor)
		require.NoError(t, err)
		require.Empty(t, f.Inbound)
	}
}

// TestReportLate: a job that is not in reports yet is asked about again, alone or with
// others.
func TestReportLate(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		w := open(t, 0, nil)
		w.sim.Lag = time.Minute
		for i := range jobs {
			_, err := w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(i)})
			require.NoError(t, err)
		}
		w.sim.Deliver()
		f, cursor, err := w.sender.Poll(t.Context(), "")
		require.NoError(t, err)
		require.Empty(t, f.Reports)
		w.clock.advance(30 * time.Second)
		_, err = w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(9)})
		require.NoError(t, err)
		w.clock.advance(30 * time.Second)
		w.sim.Deliver()
		f, cursor, err = w.sender.Poll(t.Context(), cursor)
		require.NoError(t, err)
		require.Len(t, f.Reports, jobs, "and not the new one")
		w.clock.advance(30 * time.Second)
		f, cursor, err = w.sender.Poll(t.Context(), cursor)
		require.NoError(t, err)
		require.Len(t, f.Reports, 1)
		require.Contains(t, cursor, `"done":true`)
	}
}

// TestCodes holds what each code means for the messages of its request.
func TestCodes(t *testing.T) {
	says, requests := "", 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.WriteHeader(http.StatusNotAcceptable)
		_, _ = io.WriteString(w, says)
	}))
	defer server.Close()
	s, err := netgsm.New(netgsm.Config{Username: "850", Password: crm.NewSecret([]byte("x")), Header: "VEFA", URL: server.URL})
	require.NoError(t, err)
	for answer, want := range map[string]struct {
		status    crm.Status
		unreached bool
		requests  int
	}{
		`{"code":"20"}`: {crm.Declined, false, 3}, `{"code":"30"}`: {crm.Throttled, true, 1}, `{"code":"40"}`: {crm.Throttled, true, 1}, `{"code":50}`: {crm.Throttled, true, 1},
		`{"code":"51"}`: {crm.Throttled, true, 1}, `{"code":"70"}`: {crm.Throttled, false, 3}, `{"code":"80"}`: {crm.Throttled, false, 1}, `{"code":"85"}`: {crm.Throttled, false, 3},
		`{"code":"100"}`: {crm.Uncertain, false, 1}, `{"code":"101"}`: {crm.Uncertain, false, 1}, `{"code":"5000"}`: {crm.Uncertain, false, 1},
		`{"code":"77"}`: {crm.Throttled, false, 1}, `{"code":"20","jobid":"5"}`: {crm.Uncertain, false, 1}, `{}`: {crm.Uncertain, false, 1}, `<html>`: {crm.Uncertain, false, 1},
	} {
		says, requests = answer, 0
		got, err := s.Send(t.Context(), []messaging.Message{messagingtest.Message(1), messagingtest.Message(2)})
		require.NoError(t, err)
		for _, r := range got {
			require.Equal(t, want.status, r.Status, answer)
			require.Equal(t, want.unreached, r.Unreached, answer)
		}
		require.Equal(t, want.requests, requests, answer)
	}
}

// TestInboxTrap: the simulator lists each message once when it is asked without dates, as
// Netgsm does, and Poll is not harmed by somebody who does that.
func TestInboxTrap(t *testing.T) {
	w := open(t, 0, nil)
	w.sim.Reply("5331234567", "RET")
	for _, want := range []string{`"code":"00"`, `"code":"40"`} {
		r, err := http.NewRequest(http.MethodGet, w.cfg.URL+"/sms/rest/v2/inbox", nil)
		require.NoError(t, err)
		r.SetBasicAuth(w.sim.Username, string(w.sim.Password.Reveal()))
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.Contains(t, string(b), want)
	}
	f, _, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, f.Inbound, 1)
}

// TestReports: jobs are read in pages of 100, ten a minute, until all is at its end.
func TestReports(t *testing.T) {
	w := open(t, 0, func(c *netgsm.Config) { c.Batch = 2000 })
	w.sim.SetFaults(providertest.Faults{Fail: 0.3})
	w.sim.Refused["5320000005"] = 16
	b := make([]messaging.Message, 1500)
	for i := range b {
		b[i] = messagingtest.Message(i)
	}
	got, err := w.sender.Send(t.Context(), b)
	require.NoError(t, err)
	w.sim.Deliver()
	cursor, states := "", map[string]messaging.Report{}
	for range 4 {
		var f messaging.Feedback
		f, cursor, err = w.sender.Poll(t.Context(), cursor)
		require.NoError(t, err)
		require.LessOrEqual(t, len(f.Reports), 1000, "ten questions")
		for _, r := range f.Reports {
			states[r.Provider] = r
		}
		w.clock.advance(time.Minute)
	}
	require.Len(t, states, len(b))
	want := map[string]messaging.Delivery{"1": messaging.Delivered, "2": messaging.Expired, "3": messaging.Undelivered, "4": messaging.Undelivered, "12": messaging.Undelivered, "16": messaging.Rejected}
	for i, a := range w.sim.Arrivals() {
		require.Equal(t, want[a.State], states[got[i].Provider].State, "%d: %s", i, a.State)
	}
	require.Equal(t, "16", states[got[5].Provider].Code)
	require.False(t, strings.Contains(cursor, "jobs"), "nothing is left to ask")

	again, err := netgsm.New(w.cfg)
	require.NoError(t, err)
	again.Track(w.clock.Now(), got[3].Provider, "../x-y", "")
	f, _, err := again.Poll(t.Context(), "")
	require.NoError(t, err)
	require.NotEmpty(t, f.Reports)
}

// TestManyJobs: jobs of one message each share questions, up to a page of messages.
func TestManyJobs(t *testing.T) {
	w := open(t, 0, nil)
	names := map[string]bool{}
	for i := range 250 {
		got, err := w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(i)})
		require.NoError(t, err)
		names[got[0].Provider] = true
	}
	f, cursor, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, f.Reports, 250, "three questions")
	w.sim.Deliver()
	f, cursor, err = w.sender.Poll(t.Context(), cursor)
	require.NoError(t, err)
	for _, r := range f.Reports {
		require.Equal(t, messaging.Delivered, r.State)
		require.True(t, names[r.Provider])
		delete(names, r.Provider)
	}
	require.Empty(t, names)
	f, cursor, err = w.sender.Poll(t.Context(), cursor)
	require.NoError(t, err)
	require.Empty(t, f.Reports)
	require.NotContains(t, cursor, "jobs")
}

// TestTable holds how many characters of a kind one and two segments have.
func TestTable(t *testing.T) {
	for letter, limits := range map[string][2]int{"a": {160, 306}, "ş": {77, 148}, "Ж": {70, 134}} {
		for i, n := range limits {
			p, err := netgsm.Profile().Plan(strings.Repeat(letter, n))
			require.NoError(t, err)
			require.Equal(t, i+1, p.Segments, "%d %s", n, letter)
			p, err = netgsm.Profile().Plan(strings.Repeat(letter, n+1))
			require.NoError(t, err)
			require.Equal(t, i+2, p.Segments, "%d %s", n+1, letter)
		}
	}
}

func TestConfig(t *testing.T) {
	good := netgsm.Config{Username: "850", Password: crm.NewSecret([]byte("x"))}
	_, err := netgsm.New(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*netgsm.Config){
		"username": func(c *netgsm.Config) { c.Username = "a:b" },
		"password": func(c *netgsm.Config) { c.Password = crm.Secret{} },
		"http":     func(c *netgsm.Config) { c.URL = "http://api.netgsm.com.tr" },
		"validity": func(c *netgsm.Config) { c.ValidFor = 22 * time.Hour },
		"header":   func(c *netgsm.Config) { c.Header = "ONIKIHARFLIK" },
	} {
		c := good
		change(&c)
		_, err := netgsm.New(c)
		require.ErrorIs(t, err, netgsm.ErrConfig, name)
	}
	_, err = netgsm.New(netgsm.Config{Username: "a:b", Header: "ONIKIHARFLIK", URL: "http://x.example", ValidFor: time.Second})
	for _, field := range []string{"Username", "Password", "Header", "URL", "ValidFor"} {
		require.ErrorContains(t, err, field, "all at once")
	}
}
