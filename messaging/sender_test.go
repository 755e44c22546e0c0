package messaging_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/messagingtest"
)

func TestMemorySenderConforms(t *testing.T) {
	messagingtest.Run(t, func(*testing.T) messagingtest.Fixture {
		s := messaging.NewMemorySender(nil)
		return messagingtest.Fixture{Sender: s, Arrived: func(id crm.EffectID) int {
			n := 0
			for _, m := range s.Messages() {
				if m.ID == id {
					n++
				}
			}
			return n
		}}
	})
}

// provider is a simulated HTTP provider that speaks the documented format.
type provider struct {
	mu      sync.Mutex
	arrived map[crm.EffectID]int
	headers []http.Header
	before  func(http.ResponseWriter, *http.Request) bool // true: answered
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.headers = append(p.headers, r.Header.Clone())
	if p.before != nil && p.before(w, r) {
		return
	}
	var body struct {
		Messages []struct {
			ID      crm.EffectID
			To      string
			Channel string
		}
		IDs []crm.EffectID
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	type receipt map[string]any
	receipts := []receipt{}
	for _, m := range body.Messages {
		if m.Channel != "phone" {
			receipts = append(receipts, receipt{"id": m.ID, "status": "rejected", "reason": "channel"})
			continue
		}
		if p.arrived[m.ID] == 0 {
			p.arrived[m.ID]++
		}
		receipts = append(receipts, receipt{"id": m.ID, "status": "accepted", "provider_id": "p" + m.ID[:4]})
	}
	for _, id := range body.IDs {
		status := "absent"
		if p.arrived[id] > 0 {
			status = "accepted"
		}
		receipts = append(receipts, receipt{"id": id, "status": status})
	}
	for i, j := 0, len(receipts)-1; i < j; i, j = i+1, j-1 { // in any order
		receipts[i], receipts[j] = receipts[j], receipts[i]
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"receipts": receipts})
}

// seen returns the headers of the requests so far.
func (p *provider) seen() []http.Header {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]http.Header(nil), p.headers...)
}

func newProvider(t testing.TB, change func(*messaging.HTTPConfig)) (*provider, *messaging.HTTPSender) {
	t.Helper()
	p := &provider{arrived: map[crm.EffectID]int{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	cfg := messaging.HTTPConfig{URL: server.URL + "/send", StatusURL: server.URL + "/status", Repeats: true, Client: server.Client(),
		Authorize: func(r *http.Request) error { r.Header.Set("Authorization", "Bearer key"); return nil }}
	if change != nil {
		change(&cfg)
	}
	s, err := messaging.NewHTTPSender(cfg)
	require.NoError(t, err)
	return p, s
}

func TestHTTPSenderConforms(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		p, s := newProvider(t, nil)
		return messagingtest.Fixture{Sender: s, Arrived: func(id crm.EffectID) int {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.arrived[id]
		}}
	})
}

func TestHTTPSenderHeadersAndLimits(t *testing.T) {
	p, s := newProvider(t, func(c *messaging.HTTPConfig) { c.MaxRequest = 700 })
	batch := []messaging.Message{messagingtest.Message(1), messagingtest.Message(2), messagingtest.Message(3), messagingtest.Message(4)}
	batch[3].Text = strings.Repeat("a", 800)
	receipts, err := s.Send(t.Context(), batch)
	require.NoError(t, err)
	for i, want := range []crm.Status{crm.Accepted, crm.Accepted, crm.Accepted, crm.Declined} {
		assert.Equal(t, want, receipts[i].Status, receipts[i].Reason)
		assert.Equal(t, batch[i].ID, receipts[i].ID)
	}
	require.NotEmpty(t, p.seen())
	assert.Greater(t, len(p.seen()), 1, "too large a request is cut in two")
	keys := map[string]bool{}
	for _, h := range p.seen() {
		assert.Equal(t, "Bearer key", h.Get("Authorization"))
		assert.Equal(t, "application/json", h.Get("Content-Type"))
		assert.Len(t, h.Get("Idempotency-Key"), 64)
		keys[h.Get("Idempotency-Key")] = true
	}
	assert.Len(t, keys, len(p.seen()))
	p, s = newProvider(t, func(c *messaging.HTTPConfig) { c.Repeats = false })
	_, err = s.Send(t.Context(), batch[:1])
	require.NoError(t, err)
	assert.Empty(t, p.seen()[0].Get("Idempotency-Key"), "net/http would repeat the request")
	assert.False(t, s.Idempotent())
}

// TestHTTPSenderKeepsNoCookies neither sends the cookies of the host's client
// nor stores those of the provider in it.
func TestHTTPSenderKeepsNoCookies(t *testing.T) { // Case H10
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	var at *url.URL
	p, s := newProvider(t, func(c *messaging.HTTPConfig) {
		at, err = url.Parse(c.URL)
		require.NoError(t, err)
		jar.SetCookies(at, []*http.Cookie{{Name: "session", Value: "of-the-host", Path: "/"}})
		client := *c.Client
		client.Jar = jar
		c.Client = &client
	})
	p.before = func(w http.ResponseWriter, _ *http.Request) bool {
		http.SetCookie(w, &http.Cookie{Name: "provider", Value: "x", Path: "/"})
		return false
	}
	for range 2 {
		_, err = s.Send(t.Context(), []messaging.Message{{ID: planned(1).ID, To: phone(1), Text: "a"}})
		require.NoError(t, err)
	}
	require.Len(t, p.seen(), 2)
	for _, h := range p.seen() {
		assert.Empty(t, h.Get("Cookie"))
	}
	assert.Len(t, jar.Cookies(at), 1, "the host's jar holds what it held")
}

func TestHTTPSenderAnswers(t *testing.T) {
	m := messagingtest.Message(1)
	status := func(code int, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	body := func(text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { _, _ = io.WriteString(w, text); return true }
	}
	one := func(fields string) string { return `{"receipts":[{"id":"` + string(m.ID) + `",` + fields + `}]}` }
	for _, c := range []struct {
		name   string
		before func(http.ResponseWriter, *http.Request) bool
		want   crm.Status
		after  time.Duration
	}{
		{"429", status(429, "Retry-After", "7"), crm.Throttled, 7 * time.Second},
		{"429 with a date", status(429, "Retry-After", "Mon, 03 Mar 2025 12:00:00 GMT"), crm.Throttled, 0},
		{"401", status(401), crm.Throttled, 0},
		{"403", status(403), crm.Throttled, 0},
		{"302", status(302, "Location", "https://evil.example.org/"), crm.Throttled, 0},
		{"400", status(400), crm.Declined, 0},
		{"422", status(422), crm.Declined, 0},
		{"408", status(408), crm.Uncertain, 0},
		{"500", status(500), crm.Uncertain, 0},
		{"503", status(503, "Retry-After", "9"), crm.Uncertain, 0},
		{"204", status(204), crm.Uncertain, 0},
		{"no JSON", body("<html>"), crm.Uncertain, 0},
		{"no receipts", body("{}"), crm.Uncertain, 0},
		{"not mentioned", body(`{"receipts":[]}`), crm.Uncertain, 0},
		{"somebody else's", body(`{"receipts":[{"id":"x","status":"accepted"}]}`), crm.Uncertain, 0},
		{"a strange status", body(one(`"status":"maybe"`)), crm.Uncertain, 0},
		{"throttled", body(one(`"status":"throttled","retry_after":2.5`)), crm.Throttled, 2500 * time.Millisecond},
		{"throttled for ever", body(one(`"status":"throttled","retry_after":1e300`)), crm.Throttled, 24 * time.Hour},
		{"rejected", body(one(`"status":"rejected","reason":"no\nsuch number"`)), crm.Declined, 0},
		{"a contradiction", body(`{"receipts":[{"id":"` + string(m.ID) + `","status":"accepted"},{"id":"` + string(m.ID) + `","status":"rejected"}]}`), crm.Uncertain, 0},
		{"too long a body", body(`{"receipts":[]` + strings.Repeat(" ", 5000) + `}`), crm.Uncertain, 0},
		{"connection lost", func(w http.ResponseWriter, _ *http.Request) bool {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
			return true
		}, crm.Uncertain, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s := newProvider(t, func(h *messaging.HTTPConfig) { h.MaxResponse, h.Repeats = 4096, false })
			p.before = c.before
			receipts, err := s.Send(t.Context(), []messaging.Message{m})
			require.NoError(t, err)
			require.Len(t, receipts, 1)
			assert.Equal(t, c.want, receipts[0].Status, receipts[0].Reason)
			assert.Equal(t, c.after, receipts[0].After)
			assert.Equal(t, slices.Contains([]string{"401", "403", "302"}, c.name), receipts[0].Unreached, "is it the provider's answer about the message?")
			assert.Equal(t, m.ID, receipts[0].ID)
			assert.NotContains(t, receipts[0].Provider+receipts[0].Reason, "\x00")
			assert.NotContains(t, receipts[0].Reason, "\n")
			assert.Len(t, p.seen(), 1, "nothing is retried here")
			answers, err := s.Reconcile(t.Context(), []crm.EffectID{m.ID})
			require.NoError(t, err)
			if c.name != "rejected" {
				assert.Equal(t, crm.Uncertain, answers[0].Status, "a question that was not answered tells nothing")
			}
			assert.NotContains(t, answers[0].Provider, "\x00")
		})
	}
}

func TestHTTPSenderWithoutAConnection(t *testing.T) {
	p := httptest.NewServer(http.NotFoundHandler())
	address := p.URL
	p.Close()
	s, err := messaging.NewHTTPSender(messaging.HTTPConfig{URL: address})
	require.NoError(t, err)
	receipts, err := s.Send(t.Context(), []messaging.Message{messagingtest.Message(1)})
	require.NoError(t, err)
	assert.Equal(t, crm.Throttled, receipts[0].Status, "nothing was written, so it may be sent later")
	assert.True(t, receipts[0].Unreached)
	answers, err := s.Reconcile(t.Context(), []crm.EffectID{"x"})
	require.NoError(t, err)
	assert.Equal(t, crm.Uncertain, answers[0].Status)
	refused := errors.New("no key")
	s, err = messaging.NewHTTPSender(messaging.HTTPConfig{URL: "https://sms.example.com", Authorize: func(*http.Request) error { return refused }})
	require.NoError(t, err)
	receipts, err = s.Send(t.Context(), []messaging.Message{messagingtest.Message(1)})
	require.NoError(t, err)
	assert.Equal(t, crm.Throttled, receipts[0].Status)
	assert.True(t, receipts[0].Unreached)
}

func TestHTTPConfig(t *testing.T) {
	for _, bad := range []messaging.HTTPConfig{{}, {URL: "http://sms.example.com"}, {URL: "ftp://x"}, {URL: "https://"}, {URL: "https://a.example", StatusURL: "/status"}} {
		_, err := messaging.NewHTTPSender(bad)
		assert.Error(t, err, bad.URL)
	}
}

func TestOutboxOverHTTP(t *testing.T) {
	p, s := newProvider(t, nil)
	fail := true
	p.before = func(w http.ResponseWriter, _ *http.Request) bool {
		if fail {
			w.WriteHeader(http.StatusBadGateway)
		}
		return fail
	}
	w := newWorld(t, 10, s)
	stats, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 10, stats.Unknown, "5xx is unknown, not failed")
	fail = false
	w.now = noon.Add(time.Hour)
	stats, err = w.outbox.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, crm.WorkStats{Due: 10, Done: 10, Resent: 10}, stats, "asked, found absent, sent")
}

func ExampleHTTPSender() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Messages []struct{ ID, Text string } }
		_ = json.NewDecoder(r.Body).Decode(&body)
		fmt.Println(body.Messages[0].Text)
		fmt.Fprintf(w, `{"receipts":[{"id":%q,"status":"accepted","provider_id":"77"}]}`, body.Messages[0].ID)
	}))
	defer server.Close()
	s, err := messaging.NewHTTPSender(messaging.HTTPConfig{URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	receipts, err := s.Send(context.Background(), []messaging.Message{{ID: "1", Text: "Merhaba"}})
	fmt.Println(receipts[0].Status, receipts[0].Provider, err)
	// Output:
	// Merhaba
	// accepted 77 <nil>
}
