package verimor_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/sms"
	"github.com/vefacrm/vefa/messaging/verimor"
	"github.com/vefacrm/vefa/messaging/webhook"
)

// clock goes on by a step at each look, so that limits per minute do not stop a test.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	step time.Duration
}

func newClock(step time.Duration) *clock {
	return &clock{now: time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC), step: step}
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

const secret = "gizli_yol_0123456789"

type world struct {
	sim    *providertest.Verimor
	sender *verimor.Sender
	clock  *clock
	cfg    verimor.Config
	mu     sync.Mutex
	got    messaging.Feedback
	fail   error
}

func (w *world) take(_ context.Context, f messaging.Feedback) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return w.fail
	}
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

// open returns a sender against a fresh simulator.
func open(t *testing.T, step time.Duration, change func(*verimor.Config)) *world {
	t.Helper()
	w := &world{clock: newClock(step)}
	w.sim = providertest.NewVerimor(providertest.Config{Seed: 7, Now: w.clock.Now})
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.cfg = verimor.Config{Username: w.sim.Username, Password: w.sim.Password, Header: "VEFA", URL: server.URL, Now: w.clock.Now,
		Guard: webhook.Guard{Secret: crm.NewSecret([]byte(secret))}}
	if change != nil {
		change(&w.cfg)
	}
	var err error
	w.sender, err = verimor.New(w.cfg)
	require.NoError(t, err)
	w.sim.PushTo(w.sender.Webhook(w.take), "/sms/"+secret)
	return w
}

func TestContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		w := open(t, 4*time.Second, nil)
		return messagingtest.Fixture{Sender: w.sender, Arrived: w.sim.Arrived, Hang: func(*testing.T) { w.sim.SetFaults(providertest.Faults{Slow: 1}) }, Secrets: []string{string(w.sim.Password.Reveal()), secret},
			Deliver: func(*testing.T) messaging.Feedback { w.sim.Deliver(); return w.taken() },
			Reply:   func(_ *testing.T, from crm.Address, text string) { w.sim.Reply(from.Value[1:], "", text) }}
	})
}

// TestWire holds the request as the guide has it: one batch, grouped by what a request can say once.
func TestWire(t *testing.T) {
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(b)
		require.Equal(t, "/v2/send.json", r.URL.Path)
		require.Empty(t, r.URL.RawQuery, "nothing in the address")
		bodies = append(bodies, string(b))
		_, _ = w.Write([]byte("20212\n"))
	}))
	defer server.Close()
	s, err := verimor.New(verimor.Config{Username: "908501234567", Password: crm.NewSecret([]byte("şifre")), Header: "BASLIGIM", URL: server.URL, ValidFor: 90 * time.Minute})
	require.NoError(t, err)
	phone := func(v string) crm.Address { return crm.Address{Channel: crm.Phone, Value: v} }
	merchant := map[string]string{messaging.MetaRecipient: consent.Merchant}
	got, err := s.Send(t.Context(), []messaging.Message{
		{ID: "a1", To: phone("+905311234567"), Text: "deneme", Class: consent.Commercial},
		{ID: "a2", To: phone("0090 531 123 45 68"), Text: "Şişli", Class: consent.Commercial, Meta: merchant},
		{ID: "a3", To: phone("+905311234569"), Text: "kod 1", Class: consent.Transactional},
		{ID: "a4", To: phone("+4915112345678"), Text: "hallo", Class: consent.Transactional},
		{ID: "a5", To: phone("+4915112345678"), Text: "Şişli", Class: consent.Transactional},
		{ID: "a6", To: phone("+905311234560"), Text: "iki", Class: consent.Commercial},
		{ID: "a7", To: phone("0531 123 45 67"), Text: "x"},
		{ID: "a8", To: phone("+905311234567"), From: "ONIKIHARFLIK", Text: "x"},
	})
	require.NoError(t, err)
	const head = `{"username":"908501234567","password":"şifre","source_addr":"BASLIGIM","valid_for":"01:30","custom_id":`
	require.Equal(t, []string{
		head + `"467f4826e5a21ff062b1ae9736b623a706ea52f4","datacoding":"0","is_commercial":true,"iys_recipient_type":"BIREYSEL","messages":[{"msg":"deneme","dest":"905311234567","id":"a1"},{"msg":"iki","dest":"905311234560","id":"a6"}]}`,
		head + `"a2","datacoding":"1","is_commercial":true,"iys_recipient_type":"TACIR","messages":[{"msg":"Şişli","dest":"905311234568","id":"a2"}]}`,
		head + `"a3","datacoding":"0","is_commercial":false,"messages":[{"msg":"kod 1","dest":"905311234569","id":"a3"}]}`,
		head + `"a4","is_commercial":false,"messages":[{"msg":"hallo","dest":"004915112345678","id":"a4"}]}`,
		head + `"a5","datacoding":"2","is_commercial":false,"messages":[{"msg":"Şişli","dest":"004915112345678","id":"a5"}]}`,
	}, bodies)
	require.Equal(t, crm.Receipt{ID: "a6", Status: crm.Accepted, Provider: "20212/a6"}, got[5])
	require.Equal(t, crm.Receipt{ID: "a7", Status: crm.Declined, Reason: "not a telephone number with its country code"}, got[6])
	require.Equal(t, crm.Receipt{ID: "a8", Status: crm.Declined, Reason: "the sender's name has more than 11 characters"}, got[7])
}

// TestTable holds the table that the guide publishes, at each of its edges.
func TestTable(t *testing.T) {
	for letter, limits := range map[string][]int{
		"a": {160, 306, 459, 612, 765, 918, 1071},
		"ş": {155, 298, 447, 596, 745, 894, 1043},
		"Ж": {70, 134, 201, 268, 335, 402, 469},
	} {
		for i, n := range limits {
			p, err := verimor.Profile().Plan(strings.Repeat(letter, n))
			require.NoError(t, err)
			require.Equal(t, i+1, p.Segments, "%d %s", n, letter)
			p, err = verimor.Profile().Plan(strings.Repeat(letter, n+1))
			require.Equal(t, i+2, p.Segments, "%d %s", n+1, letter)
			require.Equal(t, i == 6, errors.Is(err, sms.ErrTooLong))
		}
	}
	for _, r := range `^{}\[]~|€` {
		p, err := verimor.Profile().Plan(string(r))
		require.NoError(t, err)
		require.Equal(t, 2, p.Units, "%c counts twice", r)
	}
	for _, r := range "ŞşĞğçıİ" {
		p, err := verimor.Profile().Plan(string(r))
		require.NoError(t, err)
		require.Equal(t, sms.TurkishLocking, p.Encoding, "%c", r)
	}
	for _, r := range "ÖöÜüÇ" {
		p, err := verimor.Profile().Plan(string(r))
		require.NoError(t, err)
		require.Equal(t, sms.GSM7, p.Encoding, "%c", r)
	}
}

// TestBadMessage: Verimor refuses a whole request for one bad message, and the others go
// all the same.
func TestBadMessage(t *testing.T) {
	w := open(t, 0, nil)
	b := make([]messaging.Message, 33)
	for i := range b {
		b[i] = messagingtest.Message(i)
	}
	b[7].Text, b[30].Text = "şu YASAK bir kelime", "şu da YASAK" // of the datacoding of the others
	got, err := w.sender.Send(t.Context(), b)
	require.NoError(t, err)
	campaigns := map[string]int{}
	for i, r := range got {
		campaign, _, _ := strings.Cut(r.Provider, "/")
		campaigns[campaign]++
		if i == 7 || i == 30 {
			require.Equal(t, crm.Declined, r.Status)
			require.Equal(t, "FORBIDDEN_MESSAGE: the text has forbidden words", r.Reason)
			require.Zero(t, w.sim.Arrived(b[i].ID))
			continue
		}
		require.Equal(t, crm.Accepted, r.Status, "%d: %s", i, r.Reason)
		require.Equal(t, 1, w.sim.Arrived(b[i].ID), "%d", i)
	}
	require.Less(t, len(campaigns), 15, "by halves, not one by one")
}

// TestWords holds what each word of the guide means for the messages of its request.
func TestWords(t *testing.T) {
	word := ""
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(word))
	}))
	defer server.Close()
	later := crm.Receipt{Status: crm.Throttled, Unreached: true}
	for _, c := range []struct {
		words    string
		want     crm.Receipt
		requests int
	}{
		{"INVALID_SOURCE_ADDRESS INSUFFICIENT_CREDITS MISSING_IYS_BRAND_CODE AHS_AUTHORIZATION_ERROR NO_AHS_BRAND_ERROR COMMERCIAL_SENDING_ERROR_UNDER_150K " +
			"INVALID_IYS_RECIPIENT_TYPE INVALID_PERIOD INVALID_DELIVERY_TIME INVALID_DATACODING INVALID_JSON", later, 1},
		{"MISSING_MESSAGE MESSAGE_TOO_LONG MISSING_DESTINATION_ADDRESS INVALID_DESTINATION_ADDRESS INVALID_UTF8 MUKERRER_RAPORLAMA FORBIDDEN_MESSAGE UNKNOWN_WORD", crm.Receipt{Status: crm.Declined}, 3},
		{"MESSAGE_COUNT_LIMIT_EXCEEDED", crm.Receipt{Status: crm.Throttled}, 3},
	} {
		for _, word = range strings.Fields(c.words) {
			s, err := verimor.New(verimor.Config{Username: "90", Password: crm.NewSecret([]byte("x")), URL: server.URL})
			require.NoError(t, err)
			requests = 0
			got, err := s.Send(t.Context(), []messaging.Message{messagingtest.Message(1), messagingtest.Message(2)})
			require.NoError(t, err)
			for _, r := range got {
				require.Equal(t, c.want, crm.Receipt{Status: r.Status, Unreached: r.Unreached}, word)
				require.True(t, word == "UNKNOWN_WORD" || strings.HasPrefix(r.Reason, word), r.Reason)
			}
			require.Equal(t, c.requests, requests, word)
		}
	}
}

// TestAccount: what is wrong with the account leaves the messages for later.
func TestAccount(t *testing.T) {
	w := open(t, 0, nil)
	m := messagingtest.Message(1)
	m.From = "BASKA"
	got, err := w.sender.Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	require.Equal(t, crm.Receipt{ID: m.ID, Status: crm.Throttled, Unreached: true, After: 10 * time.Minute, Reason: "INVALID_SOURCE_ADDRESS: the header is not registered"}, got[0])
	w.sim.Password = crm.NewSecret([]byte("yeni"))
	got, err = w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(1)})
	require.NoError(t, err)
	require.Equal(t, crm.Throttled, got[0].Status)
	require.True(t, got[0].Unreached)
}

// TestRate: of 241 requests in a minute the last waits for the next minute, and no request
// is made for it.
func TestRate(t *testing.T) {
	w := open(t, 0, nil)
	for i := range 240 {
		got, err := w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(i)})
		require.NoError(t, err)
		require.Equal(t, crm.Accepted, got[0].Status)
	}
	w.clock.advance(20 * time.Second)
	m := []messaging.Message{messagingtest.Message(240)}
	got, err := w.sender.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, crm.Receipt{ID: m[0].ID, Status: crm.Throttled, Unreached: true, After: 40 * time.Second, Reason: "240 requests a minute are used up"}, got[0])
	w.clock.advance(40 * time.Second)
	got, err = w.sender.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, crm.Accepted, got[0].Status)
}

// TestLostAnswers: what Verimor took without an answer is uncertain, and found by asking;
// what never arrived is absent only when it cannot turn up any more.
func TestLostAnswers(t *testing.T) {
	for name, faults := range map[string]providertest.Faults{"lost": {Lost: 1}, "error": {Error: 1}, "slow": {Slow: 1}} {
		t.Run(name, func(t *testing.T) {
			w := open(t, 4*time.Second, func(c *verimor.Config) { c.Timeout = 300 * time.Millisecond })
			w.sim.SetFaults(faults)
			b := []messaging.Message{messagingtest.Message(1), messagingtest.Message(2), messagingtest.Message(3)}
			got, err := w.sender.Send(t.Context(), b)
			require.NoError(t, err)
			ids := []crm.EffectID{}
			for _, r := range got {
				require.Equal(t, crm.Uncertain, r.Status, r.Reason)
				ids = append(ids, r.ID)
			}
			found, err := w.sender.Reconcile(t.Context(), ids)
			require.NoError(t, err)
			for i, r := range found {
				require.Equal(t, crm.Accepted, r.Status, r.Reason)
				require.True(t, strings.HasSuffix(r.Provider, "/"+string(ids[i])))
				require.Equal(t, 1, w.sim.Arrived(ids[i]))
			}
			w.sim.Deliver()
			f, _, err := w.sender.Poll(t.Context(), "")
			require.NoError(t, err)
			require.Len(t, f.Reports, 3, "their campaign is polled, too")
		})
	}
}

// TestReconcileInPieces: a large request is read once, over as many minutes as the limit
// wants, however many pieces of it are asked about.
func TestReconcileInPieces(t *testing.T) {
	w := open(t, 0, func(c *verimor.Config) { c.Batch = 2500 })
	w.sim.SetFaults(providertest.Faults{Lost: 1})
	b := make([]messaging.Message, 2500)
	ids := make([]crm.EffectID, len(b))
	for i := range b {
		b[i] = messagingtest.Message(i)
		ids[i] = b[i].ID
	}
	_, err := w.sender.Send(t.Context(), b)
	require.NoError(t, err)
	accepted := func() (n int) {
		for lo := 0; lo < len(ids); lo += 100 {
			got, err := w.sender.Reconcile(t.Context(), ids[lo:lo+100])
			require.NoError(t, err)
			for _, r := range got {
				if r.Status == crm.Accepted {
					n++
				} else {
					require.Equal(t, crm.Uncertain, r.Status)
				}
			}
		}
		return n
	}
	require.Equal(t, 2000, accepted(), "20 questions")
	w.clock.advance(time.Minute)
	require.Equal(t, 2500, accepted())
	f, _, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, f.Reports, 1300, "of 20 questions 6 were for the rest and one for the inbox")
}

func TestNeverArrived(t *testing.T) {
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "", http.StatusBadGateway) }))
	defer broken.Close()
	w := open(t, 0, nil)
	inner := w.cfg.URL
	proxy := &switching{to: broken.URL}
	w.cfg.URL, w.cfg.Client = inner, &http.Client{Transport: proxy}
	s, err := verimor.New(w.cfg)
	require.NoError(t, err)
	b := []messaging.Message{messagingtest.Message(1), messagingtest.Message(2)}
	got, err := s.Send(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, crm.Uncertain, got[0].Status)
	proxy.to = inner
	ids := []crm.EffectID{b[0].ID, b[1].ID, "e0e0"}
	w.clock.advance(9 * time.Minute)
	got, err = s.Reconcile(t.Context(), ids)
	require.NoError(t, err)
	require.Equal(t, crm.Uncertain, got[0].Status, "it may still turn up")
	w.clock.advance(time.Minute)
	got, err = s.Reconcile(t.Context(), ids)
	require.NoError(t, err)
	require.Equal(t, crm.Throttled, got[0].Status)
	require.Equal(t, crm.Throttled, got[1].Status)
	require.Equal(t, crm.Uncertain, got[2].Status, "it may have gone with others")

	w.cfg.Batch = 1 // each alone: known by its own id in any process
	alone, err := verimor.New(w.cfg)
	require.NoError(t, err)
	w.clock.advance(10 * time.Minute)
	got, err = alone.Reconcile(t.Context(), ids)
	require.NoError(t, err)
	require.Equal(t, crm.Throttled, got[2].Status)
}

// switching sends every request to one server.
type switching struct{ to string }

func (s *switching) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = strings.TrimPrefix(s.to, "http://")
	return http.DefaultTransport.RoundTrip(r)
}

// TestDuplicateDrop: the same text to the same number on one day is dropped, which the
// report tells.
func TestDuplicateDrop(t *testing.T) {
	w := open(t, 4*time.Second, nil)
	a, b := messagingtest.Message(1), messagingtest.Message(2)
	b.To, b.Text = a.To, a.Text
	for _, m := range []messaging.Message{a, b} {
		got, err := w.sender.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err)
		require.Equal(t, crm.Accepted, got[0].Status)
	}
	w.sim.SetFaults(providertest.Faults{Never: 1})
	w.sim.Deliver()
	f, _, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, f.Reports, 2)
	require.Equal(t, messaging.Delivered, f.Reports[0].State)
	require.Equal(t, messaging.Rejected, f.Reports[1].State)
	require.Equal(t, b.ID, f.Reports[1].ID)
	require.Equal(t, "DOUBLE_SEND_ERROR", f.Reports[1].Code)
}

// TestPushesMissed: after four tries Verimor pushes never again, and Poll brings it.
func TestPushesMissed(t *testing.T) {
	w := open(t, 0, nil)
	m := messagingtest.Message(1)
	_, err := w.sender.Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	w.sim.Reply("905330000001", "vefa", "RET")
	w.fail = errors.New("the store is down")
	for _, left := range []int{2, 2, 2, 0} {
		require.Equal(t, left, w.sim.Deliver())
		w.clock.advance(5 * time.Minute)
	}
	w.fail = nil
	require.Zero(t, w.sim.Deliver())
	require.Empty(t, w.taken().Reports)
	f, _, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, f.Reports, 1)
	require.Equal(t, messaging.Delivered, f.Reports[0].State)
	require.Equal(t, []messaging.Inbound{{ID: f.Inbound[0].ID, From: crm.Address{Channel: crm.Phone, Value: "+905330000001"}, To: crm.Address{Channel: crm.Phone, Value: "4609 vefa"},
		Text: "vefa RET", At: time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)}}, f.Inbound)
}

// TestBurstOfPushes: the reports of a large campaign are pushed one by one, with an opt-out
// among them; 20 questions a minute confirm nearly all of them, and the rest when it is pushed again.
func TestBurstOfPushes(t *testing.T) {
	w := open(t, 0, nil)
	b := make([]messaging.Message, 900)
	for i := range b {
		b[i] = messagingtest.Message(i)
		b[i].Text = "Merhaba"
	}
	_, err := w.sender.Send(t.Context(), b)
	require.NoError(t, err)
	w.sim.Reply("905330000001", "vefa", "RET")
	require.Less(t, w.sim.Deliver(), 100, "those that were not at their end when their neighbours were asked about")
	w.clock.advance(5 * time.Minute)
	require.Zero(t, w.sim.Deliver(), "all others when they are pushed again")
	seen, stop := map[crm.EffectID]bool{}, map[string]bool{}
	f := w.taken()
	for _, r := range f.Reports {
		require.Equal(t, messaging.Delivered, r.State)
		seen[r.ID] = true
	}
	for _, m := range f.Inbound {
		stop[m.Text] = true
	}
	require.Len(t, seen, len(b))
	require.True(t, stop["vefa RET"])
	require.Len(t, f.Reports, len(b))
}

// TestPollPages: a campaign of more than a page is read in pages, over several polls where
// the limit ends one, and asked about until all is at its end.
func TestPollPages(t *testing.T) {
	w := open(t, 0, nil)
	b := make([]messaging.Message, 350)
	for i := range b {
		b[i] = messagingtest.Message(i)
		b[i].Text = "Merhaba" // one datacoding, one campaign
	}
	got, err := w.sender.Send(t.Context(), b)
	require.NoError(t, err)
	cursor, seen := "", map[crm.EffectID]messaging.Delivery{}
	for range 5 { // nothing has come to its end
		f, next, err := w.sender.Poll(t.Context(), cursor)
		require.NoError(t, err)
		cursor = next
		for _, r := range f.Reports {
			require.Equal(t, messaging.Enroute, r.State)
		}
	}
	w.sim.Deliver()
	for range 10 {
		w.clock.advance(15 * time.Second)
		var f messaging.Feedback
		f, cursor, err = w.sender.Poll(t.Context(), cursor)
		require.NoError(t, err)
		for _, r := range f.Reports {
			seen[r.ID] = r.State
		}
	}
	for i, m := range b {
		require.Equal(t, crm.Accepted, got[i].Status)
		require.Equal(t, messaging.Delivered, seen[m.ID], "%d", i)
	}
	after, next, err := w.sender.Poll(t.Context(), cursor)
	require.NoError(t, err)
	require.Empty(t, after.Reports)
	require.NotContains(t, next, "jobs")
}

// TestPushesSettle: a campaign of which every message was pushed at its end is not asked
// about.
func TestPushesSettle(t *testing.T) {
	w := open(t, 4*time.Second, nil)
	for i := range 3 {
		b := []messaging.Message{messagingtest.Message(2 * i), messagingtest.Message(2*i + 1)}
		_, err := w.sender.Send(t.Context(), b)
		require.NoError(t, err)
	}
	w.sim.Deliver()
	require.Len(t, w.taken().Reports, 6)
	f, cursor, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, f.Reports)
	require.NotContains(t, cursor, "jobs")
}

// TestRestart: a process that ends before a cursor was kept is told its campaigns by
// Track.
func TestRestart(t *testing.T) {
	w := open(t, 4*time.Second, nil)
	got, err := w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(1)})
	require.NoError(t, err)
	w.sim.Deliver()
	again, err := verimor.New(w.cfg)
	require.NoError(t, err)
	f, _, err := again.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, f.Reports)
	again.Track(w.clock.Now(), got[0].Provider, "nonsense", "../x/y")
	f, _, err = again.Poll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, f.Reports, 1)
	require.Equal(t, got[0].Provider, f.Reports[0].Provider)
}

// TestForgedPush: a push from outside is refused by its path, by its network and, from
// someone who knows the path, by asking Verimor.
func TestForgedPush(t *testing.T) {
	w := open(t, 4*time.Second, func(c *verimor.Config) { c.Guard.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	got, err := w.sender.Send(t.Context(), []messaging.Message{messagingtest.Message(1)})
	require.NoError(t, err)
	campaign, _, _ := strings.Cut(got[0].Provider, "/")
	n := w.sim.Arrivals()[0].Provider
	real := `[{"type":"outbound","campaign_id":` + campaign + `,"message_id":"` + n + `","message_custom_id":"` + string(got[0].ID) + `","status":"NOT_DELIVERED","gsm_error":"1"}]`
	for name, c := range map[string]struct {
		path, from, body string
		code             int
	}{
		"another path":       {"/sms/gizli_yol_0123456780", "192.0.2.1:99", "[]", 404},
		"no path":            {"/", "192.0.2.1:99", "[]", 404},
		"another network":    {"/sms/" + secret, "198.51.100.1:99", "[]", 404},
		"mapped":             {"/sms/" + secret, "[::ffff:192.0.2.7]:99", "[]", 200},
		"nothing":            {"/sms/" + secret, "192.0.2.1:99", "[]", 200},
		"not a list":         {"/sms/" + secret, "192.0.2.1:99", "{", 400},
		"unknown campaign":   {"/sms/" + secret, "192.0.2.1:99", strings.Replace(real, campaign, "99", 1), 403},
		"unknown message":    {"/sms/" + secret, "192.0.2.1:99", strings.Replace(real, n, "7777777", 1), 403},
		"unknown inbound":    {"/sms/" + secret, "192.0.2.1:99", `[{"type":"inbound","message_id":5,"source_addr":"905321234567","content":"RET"}]`, 403},
		"a state of its own": {"/sms/" + secret, "192.0.2.1:99", real, 200},
		"too long":           {"/sms/" + secret, "192.0.2.1:99", "[" + strings.Repeat(" ", 1<<20) + "]", 413},
	} {
		r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
		r.RemoteAddr = c.from
		rec := httptest.NewRecorder()
		w.sender.Webhook(w.take).ServeHTTP(rec, r)
		require.Equal(t, c.code, rec.Code, name)
	}
	f := w.taken()
	require.Empty(t, f.Inbound)
	require.Len(t, f.Reports, 1)
	require.Equal(t, messaging.Enroute, f.Reports[0].State, "as Verimor has it, not as it was pushed")
	require.False(t, f.Reports[0].Bounce)
}

// TestPushWire holds the guide's own pushes.
func TestPushWire(t *testing.T) {
	w := open(t, 0, func(c *verimor.Config) { c.Unconfirmed = true })
	const outbound = `{
  "type"                     : "outbound",
  "campaign_id"              : 20121,
  "campaign_custom_id"       : "123456789",
  "message_id"               : "13582302",
  "message_custom_id"        : "1234",
  "dest"                     : "905319876543",
  "size"                     : 1,
  "international_multiplier" : 1,
  "credits"                  : 1,
  "status"                   : "DELIVERED",
  "gsm_error"                : "0",
  "sent_at"                  : "2015-02-20 16:06:00",
  "done_at"                  : "2015-02-20 16:06:00"
 }`
	const inbound = `{
  "message_id"       : 1234,
  "type"             : "inbound",
  "created_at"       : "2017-01-01 09:00:00",
  "network"          : "TURKCELL",
  "source_addr"      : "905319876543",
  "destination_addr" : "908501234567",
  "keyword"          : "",
  "content"          : "verimor deneme",
  "received_at"      : "2017-01-01T10:00:00.000+03:00"
 }`
	failed := strings.NewReplacer("DELIVERED", "NOT_DELIVERED", `"0"`, `"6"`, `"2015-02-20 16:06:00"`, "null").Replace(outbound)
	rec := httptest.NewRecorder()
	w.sender.Webhook(w.take).ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/sms/"+secret, strings.NewReader("["+outbound+","+inbound+","+failed+"]")))
	require.Equal(t, 200, rec.Code, "Verimor wants 200 and no other")
	phone := func(v string) crm.Address { return crm.Address{Channel: crm.Phone, Value: v} }
	require.Equal(t, messaging.Feedback{
		Reports: []messaging.Report{
			{ID: "1234", Provider: "20121/1234", State: messaging.Delivered, At: time.Date(2015, 2, 20, 13, 6, 0, 0, time.UTC)},
			{ID: "1234", Provider: "20121/1234", State: messaging.Undelivered, Code: "NOT_DELIVERED/6", Reason: "absent subscriber"},
		},
		Inbound: []messaging.Inbound{{ID: "1234", From: phone("+905319876543"), To: phone("908501234567"), Text: "verimor deneme", At: time.Date(2017, 1, 1, 7, 0, 0, 0, time.UTC)}},
	}, w.taken())
}

// TestPushFaults: pushes that come twice, early and in any order leave each message in its
// last state.
func TestPushFaults(t *testing.T) {
	w := open(t, 4*time.Second, func(c *verimor.Config) { c.Unconfirmed = true })
	w.sim.SetFaults(providertest.Faults{Early: 0.3, Twice: 0.5, Fail: 0.4, Never: 0.2})
	b := make([]messaging.Message, 60)
	for i := range b {
		b[i] = messagingtest.Message(i)
	}
	_, err := w.sender.Send(t.Context(), b)
	require.NoError(t, err)
	early := len(w.taken().Reports)
	require.NotZero(t, early, "before Send returned")
	w.sim.Deliver()
	f := w.taken()
	require.Greater(t, len(f.Reports)+early, 60)
	polled, _, err := w.sender.Poll(t.Context(), "")
	require.NoError(t, err)
	last, bounced := map[crm.EffectID]messaging.Delivery{}, 0
	for _, r := range append(f.Reports, polled.Reports...) {
		require.NoError(t, r.Validate())
		if r.Bounce {
			bounced++
			require.Equal(t, "NOT_DELIVERED/1", r.Code)
		}
		if last[r.ID] == "" || r.State.After(last[r.ID]) {
			last[r.ID] = r.State
		}
	}
	require.NotZero(t, bounced)
	for _, a := range w.sim.Arrivals() {
		want := map[string]messaging.Delivery{"DELIVERED": messaging.Delivered, "NOT_DELIVERED": messaging.Undelivered, "EXPIRED": messaging.Expired}[a.State]
		require.Equal(t, want, last[a.ID])
	}
}

func TestConfig(t *testing.T) {
	good := verimor.Config{Username: "90", Password: crm.NewSecret([]byte("x"))}
	_, err := verimor.New(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*verimor.Config){
		"username": func(c *verimor.Config) { c.Username = "" },
		"password": func(c *verimor.Config) { c.Password = crm.Secret{} },
		"http":     func(c *verimor.Config) { c.URL = "http://sms.verimor.com.tr" },
		"batch":    func(c *verimor.Config) { c.Batch = 50_001 },
		"validity": func(c *verimor.Config) { c.ValidFor = 49 * time.Hour },
		"header":   func(c *verimor.Config) { c.Header = "ONIKIHARFLIK" },
		"guard":    func(c *verimor.Config) { c.Guard.Secret = crm.NewSecret([]byte("short")) },
	} {
		c := good
		change(&c)
		_, err := verimor.New(c)
		require.ErrorIs(t, err, verimor.ErrConfig, name)
	}
	_, all := verimor.New(verimor.Config{Header: "ONIKIHARFLIK", URL: "http://x.example", Batch: 50_001, ValidFor: 1})
	for _, field := range []string{"Username", "Password", "Header", "URL", "Batch", "ValidFor"} {
		require.ErrorContains(t, all, " "+field, "all at once")
	}
}
