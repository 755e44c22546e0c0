package twilio_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
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
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/twilio"
)

const external = "https://hooks.example.com/twilio"

// clock goes on by a second at each look.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Second)
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type world struct {
	sim    *providertest.Twilio
	sender *twilio.Sender
	clock  *clock
	cfg    twilio.Config
	mu     sync.Mutex
	got    messaging.Feedback
	fail   error
}

func (w *world) take(_ context.Context, f messaging.Feedback) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail == nil {
		w.got.Reports, w.got.Inbound = append(w.got.Reports, f.Reports...), append(w.got.Inbound, f.Inbound...)
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

func open(t *testing.T, change func(*twilio.Config)) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)}}
	w.sim = providertest.NewTwilio(providertest.Config{Seed: 7, Now: w.clock.Now})
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.cfg = twilio.Config{AccountSID: w.sim.Username, AuthToken: w.sim.Password, From: "VEFA", URL: server.URL, WebhookURL: external, Now: w.clock.Now}
	if change != nil {
		change(&w.cfg)
	}
	var err error
	w.sender, err = twilio.New(w.cfg)
	require.NoError(t, err)
	w.sim.PushTo(w.sender.Webhook(w.take), external)
	return w
}

func TestContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		w := open(t, nil)
		return messagingtest.Fixture{Sender: w.sender, Arrived: w.sim.Arrived, Hang: func(*testing.T) { w.sim.SetFaults(providertest.Faults{Slow: 1}) }, Secrets: []string{string(w.sim.Password.Reveal())},
			Deliver: func(*testing.T) messaging.Feedback { w.sim.Deliver(); return w.taken() },
			Reply:   func(_ *testing.T, from crm.Address, text string) { w.sim.Reply(from.Value, text) }}
	})
}

// TestWire holds the request as the documents have it.
func TestWire(t *testing.T) {
	sid := "AC" + strings.Repeat("0a", 16)
	service := "MG" + strings.Repeat("1b", 16)
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		got = append(got, r.Method+" "+r.URL.String()+" "+user+" "+password+" "+r.Header.Get("Content-Type"), string(b))
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"SM`+strings.Repeat("2c", 16)+`","status":"queued","error_code":null}`)
	}))
	defer server.Close()
	s, err := twilio.New(twilio.Config{AccountSID: sid, AuthToken: crm.NewSecret([]byte("token")), KeySID: "SK1", KeySecret: crm.NewSecret([]byte("key")), From: service, URL: server.URL,
		WebhookURL: external, ValidFor: time.Hour})
	require.NoError(t, err)
	out, err := s.Send(t.Context(), []messaging.Message{
		{ID: "a1", To: crm.Address{Channel: crm.Phone, Value: "0049 151 12345678"}, Text: "Grüße & mehr"},
		{ID: "a2", To: crm.Address{Channel: crm.Phone, Value: "+4915112345678"}, From: "+15005550006", Text: "x"},
		{ID: "a3", To: crm.Address{Channel: crm.Phone, Value: "+4915112345678"}, Text: strings.Repeat("x", 1601)},
	})
	require.NoError(t, err)
	const head = " SK1 key application/x-www-form-urlencoded"
	require.Equal(t, []string{
		"POST /2010-04-01/Accounts/" + sid + "/Messages.json" + head,
		"Body=Gr%C3%BC%C3%9Fe+%26+mehr&MessagingServiceSid=" + service + "&StatusCallback=https%3A%2F%2Fhooks.example.com%2Ftwilio%3Fid%3Da1&To=%2B4915112345678&ValidityPeriod=3600",
		"POST /2010-04-01/Accounts/" + sid + "/Messages.json" + head,
		"Body=x&From=%2B15005550006&StatusCallback=https%3A%2F%2Fhooks.example.com%2Ftwilio%3Fid%3Da2&To=%2B4915112345678&ValidityPeriod=3600",
	}, got)
	require.Equal(t, crm.Receipt{ID: "a1", Status: crm.Accepted, Provider: "SM" + strings.Repeat("2c", 16)}, out[0])
	require.Equal(t, crm.Receipt{ID: "a3", Status: crm.Declined, Reason: "the text has more than 1600 characters"}, out[2])
}

// request makes a callback with a signature.
func request(target, signature, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("X-Twilio-Signature", signature)
	return r
}

// TestSignature holds the public vector of Twilio's documents and what may stand beside it.
func TestSignature(t *testing.T) {
	token := crm.NewSecret([]byte("12345"))
	const golden, url, query = "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", "https://mycompany.com/myapp.php", "?foo=1&bar=2"
	const body = "CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030&To=%2B18005551212"
	verify := func(external, target, signature, body string) error {
		return twilio.Verify(token, external, request(target, signature, body), []byte(body))
	}
	require.NoError(t, verify(url, "/inner/path"+query, golden, body), "whatever a proxy made of the path")
	require.NoError(t, verify("https://mycompany.com:443/myapp.php", "/"+query, golden, body), "signed without the port")
	for name, c := range map[string][4]string{
		"another path":      {"https://mycompany.com/other.php", "/" + query, golden, body},
		"http":              {"http://mycompany.com/myapp.php", "/" + query, golden, body},
		"another query":     {url, "/?foo=1&bar=3", golden, body},
		"another parameter": {url, "/" + query, golden, strings.Replace(body, "1234&", "1235&", 1)},
		"one more":          {url, "/" + query, golden, body + "&X=1"},
		"no signature":      {url, "/" + query, "", body},
		"not base64":        {url, "/" + query, "????", body},
	} {
		require.ErrorIs(t, verify(c[0], c[1], c[2], c[3]), twilio.ErrSignature, name)
	}
	require.ErrorIs(t, twilio.Verify(crm.NewSecret([]byte("12346")), url, request("/"+query, golden, body), []byte(body)), twilio.ErrSignature)
	require.ErrorIs(t, twilio.Verify(crm.Secret{}, url, request("/"+query, golden, body), []byte(body)), twilio.ErrSignature)

	mac := func(text string) string {
		h := hmac.New(sha1.New, []byte("12345"))
		h.Write([]byte(text))
		return base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	require.NoError(t, verify(url, "/"+query, mac("https://mycompany.com:443/myapp.php"+query+"A1"), "A=1"), "signed with the port")
	require.NoError(t, verify(url, "/", mac(url+"A1A2B3"), "B=3&A=2&A=1&A=2"), "each different value of a repeated parameter once, sorted")
	require.Error(t, verify(url, "/", mac(url+"A1B3"), "B=3&A=2&A=1"), "not the first value alone")

	const data = `[{"type":"com.twilio.messaging.message.delivered"}]`
	sum := sha256.Sum256([]byte(data))
	hashed := "?bodySHA256=" + hex.EncodeToString(sum[:])
	require.NoError(t, verify(url, "/"+hashed, mac(url+hashed), data))
	require.Error(t, verify(url, "/"+hashed, mac(url+hashed), data+" "))
	require.Error(t, verify(url, "/?bodySHA256=", mac(url+"?bodySHA256="), data))
}

// TestWebhook: what is not signed is refused, and success only said after take.
func TestWebhook(t *testing.T) {
	w := open(t, nil)
	h := w.sender.Webhook(w.take)
	for name, c := range map[string]struct {
		r    *http.Request
		code int
	}{
		"get":      {httptest.NewRequest(http.MethodGet, external, nil), 405},
		"unsigned": {httptest.NewRequest(http.MethodPost, external, strings.NewReader("MessageSid=SM1")), 404},
		"forged":   {request(external, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", "MessageSid=SM1"), 403},
		"too long": {request(external, "x", strings.Repeat("x", 1<<20+1)), 413},
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, c.r)
		require.Equal(t, c.code, rec.Code, name)
	}
	m := messagingtest.Message(1)
	got, err := w.sender.Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	w.fail = errors.New("the store is down")
	w.sim.Deliver()
	require.Empty(t, w.taken().Reports)
	f, _, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, f.Reports, 1, "what no callback brought is listed")
	require.Equal(t, got[0].Provider, f.Reports[0].Provider)
	require.Equal(t, messaging.Delivered, f.Reports[0].State)
}

// TestLostAnswers: Twilio cannot be asked, and the callback names the host's id.
func TestLostAnswers(t *testing.T) {
	for name, faults := range map[string]providertest.Faults{"lost": {Lost: 1}, "error": {Error: 1}, "slow": {Slow: 1}, "early": {Early: 1, Lost: 1}} {
		w := open(t, func(c *twilio.Config) { c.Timeout = 300 * time.Millisecond })
		w.sim.SetFaults(faults)
		m := messagingtest.Message(1)
		got, err := w.sender.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err)
		require.Equal(t, crm.Uncertain, got[0].Status, name)
		w.sim.Deliver()
		f := w.taken()
		require.Len(t, f.Reports, 2, name)
		for _, r := range f.Reports {
			require.Equal(t, m.ID, r.ID)
			require.NotEmpty(t, r.Provider)
		}
	}
}

// TestCodes: what a code means for a message.
func TestCodes(t *testing.T) {
	w := open(t, nil)
	m := messagingtest.Message(1)
	w.sim.Reply(m.To.Value, "stop")
	w.sim.Deliver()
	require.Equal(t, "stop", w.taken().Inbound[0].Text)
	got, err := w.sender.Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	require.Equal(t, crm.Receipt{ID: m.ID, Status: crm.Declined, Reason: "21610: the recipient answered STOP"}, got[0])

	m = messagingtest.Message(2)
	m.From = "BASKA"
	got, err = w.sender.Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	require.True(t, got[0].Unreached, "the sender can be registered")

	w.sim.SetFaults(providertest.Faults{Throttle: 1})
	got, err = w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(2)})
	require.NoError(t, err)
	require.Equal(t, crm.Receipt{ID: m.ID, Status: crm.Throttled, After: time.Second, Reason: "20429: too many requests"}, got[0])
	w.sim.SetFaults(providertest.Faults{})

	for code, want := range map[int]messaging.Report{
		30003: {State: messaging.Undelivered, Code: "30003", Reason: "the device could not be reached"},
		30005: {State: messaging.Undelivered, Code: "30005", Reason: "unknown or inactive number", Bounce: true},
		30036: {State: messaging.Expired, Code: "30036", Reason: "not reached while it was valid"},
		30450: {State: messaging.Rejected, Code: "30450", Reason: "blocked as pumping"},
		39999: {State: messaging.Undelivered, Code: "39999"},
	} {
		m := messagingtest.Message(code)
		w.sim.Refused[m.To.Value] = code
		got, err := w.sender.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err)
		w.sim.Deliver()
		want.ID, want.Provider = m.ID, got[0].Provider
		require.Contains(t, w.taken().Reports, want)
	}
}

// TestPoll: pages are followed, callbacks that come in any order and twice agree with the
// list, and a kept cursor tells nothing again.
func TestPoll(t *testing.T) {
	w := open(t, func(c *twilio.Config) { c.Batch = 2000 })
	w.sim.SetFaults(providertest.Faults{Twice: 0.3, Never: 0.3, Fail: 0.3})
	b := make([]messaging.Message, 1200)
	for i := range b {
		b[i] = messagingtest.Message(i)
	}
	_, err := w.sender.Send(t.Context(), b)
	require.NoError(t, err)
	w.sim.Deliver()
	f, cursor, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, f.Reports, len(b))
	listed := map[string]messaging.Delivery{}
	for _, r := range f.Reports {
		listed[r.Provider] = r.State
	}
	pushed := w.taken().Reports
	require.Greater(t, len(pushed), len(b))
	for _, r := range pushed {
		require.True(t, r.State == messaging.Enroute || r.State == listed[r.Provider])
	}
	f, _, err = w.sender.Poll(t.Context(), cursor)
	require.NoError(t, err)
	require.Empty(t, f.Reports)
}

// TestPollLate: a message that was on its way when others had come to their end is told at its
// own, hours later.
func TestPollLate(t *testing.T) {
	w := open(t, nil)
	w.sim.SetFaults(providertest.Faults{Never: 1})
	send := func(i int) string {
		got, err := w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(i)})
		require.NoError(t, err)
		return got[0].Provider
	}
	slow := send(1)
	w.sim.Carry()
	cursor := ""
	for range 3 {
		f, next, err := w.sender.Poll(t.Context(), cursor)
		require.NoError(t, err)
		require.Len(t, f.Reports, 1)
		require.Equal(t, messaging.Enroute, f.Reports[0].State)
		cursor = next
		w.clock.advance(3 * time.Hour)
	}
	w.sim.Deliver()
	f, cursor, err := w.sender.Poll(t.Context(), cursor)
	require.NoError(t, err)
	require.Len(t, f.Reports, 1)
	require.Equal(t, slow, f.Reports[0].Provider)
	require.Equal(t, messaging.Delivered, f.Reports[0].State)
	f, _, err = w.sender.Poll(t.Context(), cursor)
	require.NoError(t, err)
	require.Empty(t, f.Reports)
}

// TestPollElsewhere: a list that goes on at another address is not followed with the
// account's token.
func TestPollElsewhere(t *testing.T) {
	sid := "AC" + strings.Repeat("0a", 16)
	asked := 0
	next := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = io.WriteString(w, `{"messages":[],"next_page_uri":"`+next+`"}`)
	}))
	defer server.Close()
	s, err := twilio.New(twilio.Config{AccountSID: sid, AuthToken: crm.NewSecret([]byte("geheim")), URL: server.URL})
	require.NoError(t, err)
	for _, next = range []string{"@evil.example/x", "https://evil.example/x", "/2010-04-01/Accounts/AC/Messages.json?Page=1", ".evil.example/"} {
		asked = 0
		_, cursor, err := s.Poll(t.Context(), "")
		require.EqualError(t, err, "twilio: the next page of the list is elsewhere")
		require.Empty(t, cursor)
		require.Equal(t, 1, asked)
	}
}

// TestTable holds how many characters of a kind one and two segments have.
func TestTable(t *testing.T) {
	for letter, limits := range map[string][2]int{"a": {160, 306}, "ş": {70, 134}, "€": {80, 152}} {
		for i, n := range limits {
			p, err := twilio.Profile().Plan(strings.Repeat(letter, n))
			require.NoError(t, err)
			require.Equal(t, i+1, p.Segments, "%d %s", n, letter)
			p, err = twilio.Profile().Plan(strings.Repeat(letter, n+1))
			require.NoError(t, err)
			require.Equal(t, i+2, p.Segments, "%d %s", n+1, letter)
		}
	}
}

func TestConfig(t *testing.T) {
	good := twilio.Config{AccountSID: "AC" + strings.Repeat("0", 32), AuthToken: crm.NewSecret([]byte("x"))}
	_, err := twilio.New(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*twilio.Config){
		"sid":      func(c *twilio.Config) { c.AccountSID = "AC../../x" },
		"token":    func(c *twilio.Config) { c.AuthToken = crm.Secret{} },
		"key":      func(c *twilio.Config) { c.KeySID = "SK1" },
		"http":     func(c *twilio.Config) { c.URL = "http://api.twilio.com" },
		"webhook":  func(c *twilio.Config) { c.WebhookURL = "https://x/?a=b" },
		"validity": func(c *twilio.Config) { c.ValidFor = 11 * time.Hour },
		"from":     func(c *twilio.Config) { c.From = "ONIKIHARFLIK" },
	} {
		c := good
		change(&c)
		_, err := twilio.New(c)
		require.ErrorIs(t, err, twilio.ErrConfig, name)
	}
	_, all := twilio.New(twilio.Config{KeySID: "SK1", From: "ONIKIHARFLIK", URL: "http://x.example", WebhookURL: "x", ValidFor: 1})
	for _, field := range []string{"AccountSID", "AuthToken", "KeySID", "From", "URL", "WebhookURL", "ValidFor"} {
		require.ErrorContains(t, all, " "+field, "all at once")
	}
}
