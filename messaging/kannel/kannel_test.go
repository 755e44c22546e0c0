package kannel_test

import (
	"context"
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
	"github.com/vefacrm/vefa/messaging/kannel"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/webhook"
)

const (
	secret   = "gizli_yol_0123456789"
	external = "https://hooks.example.com/kannel"
)

type world struct {
	sim    *providertest.Kannel
	sender *kannel.Sender
	cfg    kannel.Config
	mu     sync.Mutex
	got    messaging.Feedback
}

func (w *world) take(_ context.Context, f messaging.Feedback) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got.Reports, w.got.Inbound = append(w.got.Reports, f.Reports...), append(w.got.Inbound, f.Inbound...)
	return nil
}

func (w *world) taken() messaging.Feedback {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.got
	w.got = messaging.Feedback{}
	return f
}

func open(t *testing.T, change func(*kannel.Config)) *world {
	t.Helper()
	w := &world{sim: providertest.NewKannel(providertest.Config{Seed: 7})}
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.cfg = kannel.Config{URL: server.URL, Username: w.sim.Username, Password: w.sim.Password, From: "VEFA", WebhookURL: external, Guard: webhook.Guard{Secret: crm.NewSecret([]byte(secret))}}
	if change != nil {
		change(&w.cfg)
	}
	var err error
	w.sender, err = kannel.New(w.cfg)
	require.NoError(t, err)
	w.sim.PushTo(w.sender.Webhook(w.take), w.sender.InboundURL())
	return w
}

func TestContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		w := open(t, nil)
		return messagingtest.Fixture{Sender: w.sender, Arrived: w.sim.Arrived, Hang: func(*testing.T) { w.sim.SetFaults(providertest.Faults{Slow: 1}) }, Secrets: []string{string(w.sim.Password.Reveal()), secret},
			Deliver: func(*testing.T) messaging.Feedback { w.sim.Deliver(); return w.taken() },
			Reply:   func(_ *testing.T, from crm.Address, text string) { w.sim.Reply(from.Value, text) }}
	})
}

// TestWire holds the request as the user guide has it.
func TestWire(t *testing.T) {
	var got []http.Header
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		require.Equal(t, "POST /cgi-bin/sendsms", r.Method+" "+r.URL.String())
		for _, k := range []string{"User-Agent", "Accept-Encoding", "Content-Length"} {
			r.Header.Del(k)
		}
		got, bodies = append(got, r.Header), append(bodies, string(b))
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, []string{"0: Accepted for delivery", "3: Queued for later delivery", "0: Accepted for delivery: 3f1c1b9e-0e0c-4a61-9f0c-b8d1e8ea8a55"}[len(got)-1])
	}))
	defer server.Close()
	s, err := kannel.New(kannel.Config{URL: server.URL, Username: "vefa", Password: crm.NewSecret([]byte("geheim")), From: "VEFA", SMSC: "turkcell", ValidFor: 90 * time.Minute,
		WebhookURL: external + "/", Guard: webhook.Guard{Secret: crm.NewSecret([]byte(secret))}})
	require.NoError(t, err)
	to := crm.Address{Channel: crm.Phone, Value: "+905311234567"}
	out, err := s.Send(t.Context(), []messaging.Message{{ID: "a1", To: to, Text: "deneme\niki"}, {ID: "a 2%", To: to, Text: "Şişli"}, {ID: "a3", To: to, From: "4609", Text: "x"}})
	require.NoError(t, err)
	want := http.Header{"Content-Type": {"text/plain; charset=UTF-8"}, "X-Kannel-Username": {"vefa"}, "X-Kannel-Password": {"geheim"}, "X-Kannel-From": {"VEFA"},
		"X-Kannel-To": {"+905311234567"}, "X-Kannel-Coding": {"0"}, "X-Kannel-Smsc": {"turkcell"}, "X-Kannel-Validity": {"90"}, "X-Kannel-Dlr-Mask": {"31"},
		"X-Kannel-Dlr-Url": {external + "/" + secret + "?id=a1&status=%d&at=%T&answer=%A"}}
	require.Equal(t, want, got[0])
	require.Equal(t, []string{"deneme\niki", "Şişli", "x"}, bodies)
	require.Equal(t, "2", got[1].Get("X-Kannel-Coding"))
	require.Equal(t, external+"/"+secret+"?id=a+2%%25&status=%d&at=%T&answer=%A", got[1].Get("X-Kannel-Dlr-Url"), "what is no escape of Kannel's is doubled")
	require.Equal(t, []crm.Receipt{{ID: "a1", Status: crm.Accepted}, {ID: "a 2%", Status: crm.Accepted}, {ID: "a3", Status: crm.Accepted, Provider: "3f1c1b9e-0e0c-4a61-9f0c-b8d1e8ea8a55"}}, out)
}

// TestReports: reports come before the answer, twice, for each part and in any order, and
// each message is in its last state.
func TestReports(t *testing.T) {
	w := open(t, nil)
	w.sim.SetFaults(providertest.Faults{Early: 0.3, Twice: 0.3, Parts: 0.3, Fail: 0.4})
	b := make([]messaging.Message, 60)
	for i := range b {
		b[i] = messagingtest.Message(i)
	}
	_, err := w.sender.Send(t.Context(), b)
	require.NoError(t, err)
	require.NotEmpty(t, w.got.Reports, "before the answer")
	w.sim.Deliver()
	last, codes := map[crm.EffectID]messaging.Delivery{}, map[string]bool{}
	all := w.taken().Reports
	require.Greater(t, len(all), 2*len(b))
	for _, r := range all {
		require.NoError(t, r.Validate())
		require.NotContains(t, r.Reason+r.Code, "gizli", "no text of a receipt")
		codes[r.Code] = true
		if last[r.ID] == "" || r.State.After(last[r.ID]) {
			last[r.ID] = r.State
		}
	}
	for _, a := range w.sim.Arrivals() {
		require.Equal(t, map[string]messaging.Delivery{"1": messaging.Delivered, "2": messaging.Undelivered, "16": messaging.Rejected}[a.State], last[a.ID])
	}
	require.Equal(t, map[string]bool{"": true, "001": true, "0x0000000b": true}, codes)
}

// TestFates: what may have been taken is uncertain, and settled by its report.
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
		w := open(t, func(c *kannel.Config) { c.Timeout = 300 * time.Millisecond })
		w.sim.SetFaults(c.faults)
		m := messagingtest.Message(1)
		got, err := w.sender.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err)
		require.Equal(t, c.status, got[0].Status, name)
		require.Equal(t, c.arrived, w.sim.Arrived(m.ID), name)
		w.sim.Deliver()
		require.Len(t, w.taken().Reports, 2*c.arrived, name)
	}
	w := open(t, func(c *kannel.Config) { c.Password = crm.NewSecret([]byte("falsch")) })
	got, err := w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(1)})
	require.NoError(t, err)
	require.True(t, got[0].Unreached)
}

// TestWebhook: who does not know the path is not let in.
func TestWebhook(t *testing.T) {
	w := open(t, nil)
	for target, code := range map[string]int{
		"/kannel/?id=1&status=1":                                                    404,
		"/kannel/" + secret + "x?id=1&status=1":                                     404,
		"/kannel/" + secret + "?id=1&status=1":                                      200,
		"/kannel/" + secret + "?id=1&status=3":                                      400,
		"/kannel/" + secret + "?status=1":                                           400,
		"/kannel/" + secret:                                                         400,
		"/kannel/" + secret + "?text=RET":                                           400,
		"/kannel/" + secret + "?text=a;b&from=4915":                                 400,
		"/kannel/" + secret + "?text=RET&from=4915112":                              200,
		"/kannel/" + secret + "?text=%00&coding=2&from=%2B4915112&charset=UTF-16BE": 400,
	} {
		rec := httptest.NewRecorder()
		w.sender.Webhook(w.take).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, target, nil))
		require.Equal(t, code, rec.Code, target)
	}
	rec := httptest.NewRecorder()
	w.sender.Webhook(w.take).ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/kannel/"+secret, strings.NewReader("")))
	require.Equal(t, 405, rec.Code)
}

// TestTable holds how many characters of a kind one and two segments have.
func TestTable(t *testing.T) {
	for letter, limits := range map[string][2]int{"a": {160, 306}, "ş": {70, 134}} {
		for i, n := range limits {
			p, err := kannel.Profile().Plan(strings.Repeat(letter, n))
			require.NoError(t, err)
			require.Equal(t, i+1, p.Segments, "%d %s", n, letter)
			p, err = kannel.Profile().Plan(strings.Repeat(letter, n+1))
			require.NoError(t, err)
			require.Equal(t, i+2, p.Segments, "%d %s", n+1, letter)
		}
	}
}

func TestConfig(t *testing.T) {
	good := kannel.Config{URL: "http://127.0.0.1:13013", Username: "u", Password: crm.NewSecret([]byte("x"))}
	_, err := kannel.New(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*kannel.Config){
		"url":      func(c *kannel.Config) { c.URL = "" },
		"http":     func(c *kannel.Config) { c.URL = "http://sms.example.com:13013" },
		"username": func(c *kannel.Config) { c.Username = "a\r\nX: y" },
		"password": func(c *kannel.Config) { c.Password = crm.NewSecret([]byte("a\nb")) },
		"smsc":     func(c *kannel.Config) { c.SMSC = "a\nb" },
		"from":     func(c *kannel.Config) { c.From = "ONIKIHARFLIK" },
		"validity": func(c *kannel.Config) { c.ValidFor = time.Second },
		"guard":    func(c *kannel.Config) { c.WebhookURL = external },
		"webhook":  func(c *kannel.Config) { c.WebhookURL = "https://x/%d" },
	} {
		c := good
		change(&c)
		_, err := kannel.New(c)
		require.ErrorIs(t, err, kannel.ErrConfig, name)
	}
	_, all := kannel.New(kannel.Config{SMSC: "a\nb", From: "ONIKIHARFLIK", WebhookURL: "x", ValidFor: 1})
	for _, field := range []string{"Username", "Password", "SMSC", "From", "URL", "WebhookURL", "Guard", "ValidFor"} {
		require.ErrorContains(t, all, " "+field, "all at once")
	}
}
