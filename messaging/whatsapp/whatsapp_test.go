package whatsapp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/whatsapp"
)

var verifyToken = crm.NewSecret([]byte("shown once when it is set up"))

type world struct {
	sim    *providertest.WhatsApp
	sender *whatsapp.Sender
	hook   http.Handler
	clock  *crmtest.Clock
	mu     sync.Mutex
	got    messaging.Feedback
	wrote  map[string]time.Time
	fail   error
}

func (w *world) take(_ context.Context, f messaging.Feedback) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail == nil {
		w.got.Reports, w.got.Inbound = append(w.got.Reports, f.Reports...), append(w.got.Inbound, f.Inbound...)
		for _, m := range f.Inbound {
			w.wrote[m.From.Value] = w.clock.Now()
		}
	}
	return w.fail
}

func (w *world) taken() messaging.Feedback {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.got
	w.got = messaging.Feedback{}
	return f
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{clock: &crmtest.Clock{}, wrote: map[string]time.Time{}}
	w.clock.Set(time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC))
	w.sim = providertest.NewWhatsApp(providertest.Config{Seed: 7, Now: w.clock.Now})
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	var err error
	w.sender, err = whatsapp.New(whatsapp.Config{PhoneNumberID: w.sim.Username, Token: w.sim.Password, AppSecret: w.sim.AppSecret, VerifyToken: verifyToken, URL: server.URL, Now: w.clock.Now,
		LastInbound: func(_ context.Context, a crm.Address) (time.Time, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.wrote[a.Value], w.fail
		}})
	require.NoError(t, err)
	w.hook = w.sender.Webhook(w.take)
	w.sim.PushTo(w.hook, "/whatsapp")
	return w
}

func message(i int) messaging.Message {
	m := messagingtest.Message(i)
	m.Via, m.Parts = whatsapp.Name, map[string]string{whatsapp.Template: "order", "1": "Ayşe"}
	return m
}

func TestContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		w := open(t)
		return messagingtest.Fixture{Sender: w.sender, Message: message, Arrived: w.sim.Arrived, Secrets: []string{string(w.sim.Password.Reveal())},
			Deliver: func(*testing.T) messaging.Feedback { w.sim.Deliver(); return w.taken() },
			Reply:   func(_ *testing.T, from crm.Address, text string) { w.sim.Reply(from.Value[1:], text, "") }}
	})
}

// TestWindow: a text of one's own goes within 24 hours of the customer's message, and the
// template outside, with its parameters in order.
func TestWindow(t *testing.T) {
	w := open(t)
	w.sim.Templates["long/tr"] = 11
	send := func(change func(*messaging.Message)) crm.Receipt {
		m := message(1)
		change(&m)
		out, err := w.sender.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err)
		return out[0]
	}
	text := func(m *messaging.Message) { m.Parts = nil }
	both := func(*messaging.Message) {}
	require.Equal(t, crm.Receipt{ID: message(1).ID, Status: crm.Declined, Reason: "the customer has not written within 24 hours, and there is no template"}, send(text))
	first := send(both)
	require.Equal(t, crm.Accepted, first.Status, first.Reason)
	require.Equal(t, "template", w.sim.Arrivals()[0].Fields["type"])

	w.sim.Reply("905320000001", "Merhaba", first.Provider)
	w.sim.Deliver()
	in := w.taken().Inbound
	require.Len(t, in, 1)
	require.Equal(t, first.Provider, in[0].Answers)
	require.Equal(t, crm.Address{Channel: crm.Phone, Value: "+905320000001"}, in[0].From)
	require.Equal(t, crm.Accepted, send(text).Status)
	require.Equal(t, crm.Accepted, send(both).Status)
	require.Equal(t, "text", w.sim.Arrivals()[2].Fields["type"])
	w.clock.Advance(whatsapp.Window)
	require.Equal(t, crm.Declined, send(text).Status)
	require.Equal(t, crm.Accepted, send(both).Status)
	require.Equal(t, "template", w.sim.Arrivals()[3].Fields["type"])

	r := send(func(m *messaging.Message) {
		m.Parts = map[string]string{whatsapp.Template: "long"}
		for i := range 11 {
			m.Parts[fmt.Sprint(i+1)] = fmt.Sprint("p", i+1)
		}
	})
	require.Equal(t, crm.Accepted, r.Status, r.Reason)
	require.Equal(t, "p1|p2|p3|p4|p5|p6|p7|p8|p9|p10|p11", w.sim.Arrivals()[4].Text, "10 after 9")
	for name, parts := range map[string]map[string]string{
		"a gap":             {whatsapp.Template: "order", "2": "x"},
		"names and numbers": {whatsapp.Template: "order", "1": "x", "name": "y"},
		"a line":            {whatsapp.Template: "order", "1": "x\ny"},
		"another name":      {whatsapp.Template: "Order\n", "1": "x"},
		"another language":  {whatsapp.Template: "order", "1": "x", whatsapp.Language: "turkish"},
	} {
		require.Equal(t, crm.Declined, send(func(m *messaging.Message) { m.Parts = parts }).Status, name)
	}
	w.fail = errors.New("the store")
	require.Equal(t, crm.Throttled, send(both).Status)
}

// TestReports: read receipts come, in any order, and nothing of WhatsApp's is a bounce of the
// telephone number.
func TestReports(t *testing.T) {
	w := open(t)
	w.sim.Reads("905320000001")
	w.sim.Refused["905320000003"] = 131026
	w.sim.Refused["905320000004"] = 131056
	w.sim.Refused["905320000005"] = 132001
	out, err := w.sender.Send(t.Context(), []messaging.Message{message(1), message(3), message(4), message(5)})
	require.NoError(t, err)
	require.Equal(t, []crm.Status{crm.Accepted, crm.Declined, crm.Throttled, crm.Throttled}, []crm.Status{out[0].Status, out[1].Status, out[2].Status, out[3].Status})
	require.Equal(t, time.Minute, out[2].After)
	require.True(t, out[3].Unreached, "the template is at fault, not the message")
	w.fail = errors.New("the store")
	w.sim.Deliver()
	w.fail = nil
	require.Empty(t, w.taken().Reports)
	w.clock.Advance(5 * time.Minute)
	w.sim.Deliver()
	states := map[messaging.Delivery]bool{}
	for _, r := range w.taken().Reports {
		require.Equal(t, message(1).ID, r.ID)
		require.Equal(t, out[0].Provider, r.Provider)
		states[r.State] = true
	}
	require.Equal(t, map[messaging.Delivery]bool{messaging.Enroute: true, messaging.Delivered: true, messaging.Read: true}, states)

	w.sim.SetFaults(providertest.Faults{Fail: 1})
	_, err = w.sender.Send(t.Context(), []messaging.Message{message(2)})
	require.NoError(t, err)
	w.sim.Deliver()
	failed := false
	for _, r := range w.taken().Reports {
		failed = failed || r.State == messaging.Undelivered && r.Code == "131026"
		require.False(t, r.Bounce)
	}
	require.True(t, failed)

	w.sim.SetFaults(providertest.Faults{Lost: 1})
	lost, err := w.sender.Send(t.Context(), []messaging.Message{message(6)})
	require.NoError(t, err)
	require.Equal(t, crm.Uncertain, lost[0].Status)
	w.sim.SetFaults(providertest.Faults{})
	w.sim.Deliver()
	settled := false
	for _, r := range w.taken().Reports {
		settled = settled || r.ID == message(6).ID && r.State == messaging.Delivered
	}
	require.True(t, settled, "a status brings the host's id")
}

// TestWebhook: what is not signed or not ours is refused.
func TestWebhook(t *testing.T) {
	w := open(t)
	get := func(q url.Values) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		w.hook.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/whatsapp?"+q.Encode(), nil))
		return rec
	}
	ok := url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {string(verifyToken.Reveal())}, "hub.challenge": {"1158201444"}}
	require.Equal(t, "1158201444", get(ok).Body.String())
	ok.Set("hub.challenge", "<script>")
	require.Equal(t, http.StatusForbidden, get(ok).Code)
	require.Equal(t, http.StatusForbidden, get(url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {"x"}, "hub.challenge": {"1"}}).Code)
	require.Equal(t, http.StatusForbidden, get(url.Values{"hub.mode": {"subscribe"}, "hub.challenge": {"1"}}).Code)
	for signature, want := range map[string]int{"": http.StatusNotFound, "sha256=" + strings.Repeat("0", 64): http.StatusForbidden, "x": http.StatusForbidden} {
		r := httptest.NewRequest(http.MethodPost, "/whatsapp", strings.NewReader(`{}`))
		if signature != "" {
			r.Header.Set("X-Hub-Signature-256", signature)
		}
		rec := httptest.NewRecorder()
		w.hook.ServeHTTP(rec, r)
		require.Equal(t, want, rec.Code, signature)
	}
	none, err := whatsapp.New(whatsapp.Config{PhoneNumberID: "12345", Token: verifyToken})
	require.NoError(t, err)
	rec := httptest.NewRecorder()
	none.Webhook(w.take).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/whatsapp?hub.mode=subscribe&hub.challenge=1", nil))
	require.NotEqual(t, http.StatusOK, rec.Code, "without secrets nothing is taken")
}

func TestConfig(t *testing.T) {
	for name, change := range map[string]func(*whatsapp.Config){
		"PhoneNumberID": func(c *whatsapp.Config) { c.PhoneNumberID = "../x" },
		"Token":         func(c *whatsapp.Config) { c.Token = crm.Secret{} },
		"URL":           func(c *whatsapp.Config) { c.URL = "http://graph.example" },
		"Language":      func(c *whatsapp.Config) { c.Language = "turkish" },
		"AppSecret":     func(c *whatsapp.Config) { c.AppSecret = verifyToken },
		"VerifyToken":   func(c *whatsapp.Config) { c.AppSecret, c.VerifyToken = verifyToken, crm.NewSecret([]byte("short")) },
	} {
		cfg := whatsapp.Config{PhoneNumberID: "12345", Token: verifyToken}
		change(&cfg)
		_, err := whatsapp.New(cfg)
		require.ErrorIs(t, err, whatsapp.ErrConfig, name)
	}
	_, all := whatsapp.New(whatsapp.Config{URL: "http://x.example", Language: "turkish", AppSecret: verifyToken})
	for _, field := range []string{"PhoneNumberID", "Token", "URL", "Language", "AppSecret"} {
		require.ErrorContains(t, all, " "+field, "all at once")
	}
	require.NoError(t, whatsapp.Channel().Validate())
	c := messaging.Campaign{Fields: []messaging.Field{{Name: "name", Max: 20}}, Contents: []messaging.Content{{Channel: whatsapp.Name, Parts: map[string]string{whatsapp.Template: "order", "1": "{name}"}}}}
	script, err := c.Script(whatsapp.Channel())
	require.NoError(t, err)
	m, err := script.Render(whatsapp.Name, messaging.Values{"name": "Ayşe"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{whatsapp.Template: "order", "1": "Ayşe"}, m.Parts)
}

// FuzzFeedback reads any signed body: what is told is in form.
func FuzzFeedback(f *testing.F) {
	f.Add([]byte(`{"entry":[{"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"12345"},"statuses":[{"id":"wamid.a","status":"read","timestamp":"1"}],"messages":[{"id":"wamid.b","from":"905320000001","timestamp":"1","type":"text","text":{"body":"x"},"context":{"id":"wamid.a"}}]}}]}]}`))
	secret := crm.NewSecret([]byte("an app's secret of Meta"))
	s, err := whatsapp.New(whatsapp.Config{PhoneNumberID: "12345", Token: secret, AppSecret: secret, VerifyToken: verifyToken})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := s.Decode(body)
		if err != nil {
			return
		}
		require.True(t, json.Valid(body))
		for _, r := range got.Reports {
			require.NoError(t, r.Validate())
			require.False(t, r.Bounce)
		}
		for _, m := range got.Inbound {
			require.NoError(t, m.Validate())
		}
	})
}
