package route_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"regexp"
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
	"github.com/vefacrm/vefa/messaging/route"
	"github.com/vefacrm/vefa/messaging/sms"
	"github.com/vefacrm/vefa/messaging/verimor"
)

// clock stands until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// provider answers as it is told and counts what it was handed.
type provider struct {
	mu     sync.Mutex
	answer func(n int, m messaging.Message) crm.Receipt
	calls  int
	got    map[crm.EffectID]int
}

func (p *provider) Send(_ context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.got == nil {
		p.got = map[crm.EffectID]int{}
	}
	p.calls++
	out := make([]crm.Receipt, len(batch))
	for i, m := range batch {
		p.got[m.ID]++
		out[i] = crm.Receipt{Status: crm.Accepted, Provider: "p"}
		if p.answer != nil {
			out[i] = p.answer(p.calls, m)
		}
		out[i].ID = m.ID
	}
	return out, nil
}

func fixed(r crm.Receipt) func(int, messaging.Message) crm.Receipt {
	return func(int, messaging.Message) crm.Receipt { return r }
}

func message(to, text string) messaging.Message {
	return messaging.Message{ID: crm.EffectID("id-" + to), To: crm.Address{Channel: crm.Phone, Value: to}, From: "VEFA", Text: text, Class: consent.Commercial}
}

func router(t *testing.T, cfg route.Config) *route.Router {
	t.Helper()
	x, err := route.New(cfg)
	require.NoError(t, err)
	return x
}

func one(t *testing.T, x *route.Router, m messaging.Message) crm.Receipt {
	t.Helper()
	got, err := x.Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, m.ID, got[0].ID)
	return got[0]
}

// TestPlan: the cheapest whole message wins, not the cheapest segment, and the longest
// beginning of a number has the price.
func TestPlan(t *testing.T) {
	x := router(t, route.Config{Routes: []route.Route{
		{Name: "abroad", Sender: &provider{}, Prices: map[string]int64{"": 100, "+49": 70, "+4915": 60}},
		{Name: "home", Sender: &provider{}, Country: "+90", Profile: sms.Profile{Encodings: []sms.Encoding{sms.GSM7, sms.TurkishLocking, sms.UCS2}}, Prices: map[string]int64{"+90": 120}},
		{Name: "same", Sender: &provider{}, Prices: map[string]int64{"+1": 100}},
	}})
	for _, c := range []struct {
		to, text string
		want     []route.Choice
		refused  int
	}{
		{"+4930123456", "hallo", []route.Choice{{Route: "abroad", Segments: 1, Cost: 70}}, 2},
		{"+4915123456", "hallo", []route.Choice{{Route: "abroad", Segments: 1, Cost: 60}}, 2},
		{"0090 532 1234567", "plain", []route.Choice{{Route: "abroad", Segments: 1, Cost: 100}, {Route: "home", Segments: 1, Cost: 120}}, 1},
		{"+905321234567", strings.Repeat("ş", 100), []route.Choice{{Route: "home", Segments: 1, Cost: 120}, {Route: "abroad", Segments: 2, Cost: 200}}, 1},
		{"+12125550100", "hi", []route.Choice{{Route: "abroad", Segments: 1, Cost: 100}, {Route: "same", Segments: 1, Cost: 100}}, 1},
	} {
		p, err := x.Plan(message(c.to, c.text))
		require.NoError(t, err)
		require.Len(t, p.Refused, c.refused)
		require.Len(t, p.Choices, len(c.want), c.to)
		for i, w := range c.want {
			require.Equal(t, w, route.Choice{Route: p.Choices[i].Route, Segments: p.Choices[i].Segments, Cost: p.Choices[i].Cost}, c.to)
		}
	}
	for _, to := range []string{"05321234567", "x", ""} {
		_, err := x.Plan(message(to, "x"))
		require.ErrorIs(t, err, route.ErrNone)
		require.Equal(t, crm.Declined, one(t, x, message(to, "x")).Status)
	}
}

// TestTurkishLinks: a web address does not go to Turkey from abroad, neither when it is
// planned nor when it is sent.
func TestTurkishLinks(t *testing.T) {
	abroad, home := &provider{}, &provider{}
	routes := []route.Route{{Name: "abroad", Sender: abroad, Country: "+1", Prices: map[string]int64{"": 1}}, {Name: "home", Sender: home, Country: "+90", Prices: map[string]int64{"+90": 100}}}
	only := router(t, route.Config{Routes: routes[:1]})
	with := message("+905321234567", "Randevu: https://s.tc/0123 RET 4609")
	_, err := only.Plan(with)
	require.ErrorIs(t, err, route.ErrNone)
	require.ErrorIs(t, err, messaging.ErrUnrenderable, "an Outbox.Render may return it")
	require.EqualError(t, err, "route: no route may carry the message: messaging: the effect cannot be turned into a message: abroad: operators in Turkey drop messages from abroad that have a web address")
	r := one(t, only, with)
	require.Equal(t, crm.Declined, r.Status)
	require.Contains(t, r.Reason, "drop messages from abroad")
	require.Zero(t, abroad.calls)
	require.Equal(t, crm.Accepted, one(t, only, message("+905321234567", "Randevunuz yarin")).Status)
	require.Equal(t, crm.Accepted, one(t, only, message("+4915112345678", "https://s.tc/0123")).Status, "another country")

	both := router(t, route.Config{Routes: routes})
	require.Equal(t, crm.Accepted, one(t, both, with).Status)
	require.Equal(t, 1, home.calls, "dearer, and allowed")
	p, err := both.Plan(with)
	require.NoError(t, err)
	require.Equal(t, []route.Refusal{{Route: "abroad", Reason: "operators in Turkey drop messages from abroad that have a web address"}}, p.Refused)

	home.answer = fixed(crm.Receipt{Status: crm.Throttled, Unreached: true})
	calls := abroad.calls
	require.Equal(t, crm.Throttled, one(t, both, with).Status, "rather later than lost")
	require.Equal(t, calls, abroad.calls)

	free := router(t, route.Config{Routes: routes[:1], Rules: []route.Rule{}})
	require.Equal(t, crm.Accepted, one(t, free, with).Status, "a host that has other rules")
}

// TestChannel: a campaign whose route abroad may not carry its link is refused for a Turkish
// recipient when the message is measured, and its worst case is known without one.
func TestChannel(t *testing.T) {
	x := router(t, route.Config{Routes: []route.Route{{Name: "abroad", Sender: &provider{}, Country: "+1", Prices: map[string]int64{"": 1}}}})
	c := messaging.Campaign{Name: "spring", From: "VEFA", Text: "Randevu: {link}", Fields: []messaging.Field{{Name: "link", Type: messaging.LinkField, Max: 40}}, URL: "https://vefa.com.tr/", Unmeasured: "test"}
	require.NoError(t, c.Validate(x.Channel()))
	s, err := c.Script(x.Channel())
	require.NoError(t, err)
	worst, err := s.Worst(crm.Phone)
	require.NoError(t, err)
	require.Equal(t, "segment", worst.Unit)
	m := message("+4915112345678", "Randevu: https://s.tc/0123 "+strings.Repeat("ş", 60))
	size, err := s.Measure(&m)
	require.NoError(t, err)
	require.Equal(t, messaging.Size{Units: 2, Unit: "segment", Note: "by abroad"}, size)
	m.To.Value = "+905321234567"
	_, err = s.Measure(&m)
	require.ErrorIs(t, err, route.ErrNone)
}

func TestHasLink(t *testing.T) {
	for text, want := range map[string]bool{
		"https://vefa.com.tr/x": true, "HTTP://A.B": true, "www.vefa": true, "vefa.com.tr": true, "Bkz. s.tc/abc": true, "s.tc": true, "(vefa.com)": true,
		"vefa.xn--p1ai": true, "вефа.рф/a": true, "1.2.3.4/x": true, "vefa．com": true, "ｗｗｗ．vefa．com": true, "ve\u200bfa.c\u200bom": true, "info@vefa.com": true, "bitly:s.tc?": true,
		"Randevunuz yarın 12.30'da.": false, "T.C. kimlik": false, "1.500,00 TL": false, "Sn. Ayşe, bekleriz.": false, "v2.0": false, "A.Ş. duyurur": false, "": false,
		"Hazır.Teşekkürler": false, "03.04.2026 tarihinde": false, "%50...Son gün": false, "5.5": false, "ve/veya": false,
	} {
		require.Equal(t, want, route.HasLink(text), text)
	}
}

// link says in one expression what HasLink says.
var link = regexp.MustCompile(`(?i)[a-z0-9+-]://|(?:^|[^a-z0-9])www\.|[\p{L}\p{N}]\.(?:[a-z]{2,}(?:[^\p{L}\p{N}]|$)|xn--[^/]|\p{L}{2,}/)|` +
	`(?:^|[^0-9.])(?:` + octet + `\.){3}` + octet + `[/:]`)

const octet = `(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`

// TestHasLinkAgrees compares with the expression, over texts of what links are made of.
func TestHasLinkAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for _, pieces := range [][]string{
		{".", ".", "/", "://", ":", "www", "http", "a", "şı", "12", "255", "256", " ", "com", "xn--", "-", "0", "W", "٣", "\u200b", "!"},
		{".", ".", ".", ".", "/", ":", "1", "25", "256", "01", "a"},
	} {
		count := map[bool]int{}
		for range 25_000 {
			text := ""
			for range 1 + r.IntN(9) {
				text += pieces[r.IntN(len(pieces))]
			}
			want := link.MatchString(strings.ReplaceAll(text, "\u200b", ""))
			count[want]++
			if got := route.HasLink(text); got != want {
				t.Fatalf("%q: %v, not %v", text, got, want)
			}
		}
		require.Greater(t, min(count[true], count[false]), 10, count)
	}
}

// TestFailover: another route only for what the first certainly has not taken.
func TestFailover(t *testing.T) {
	for name, c := range map[string]struct {
		first  crm.Receipt
		want   crm.Status
		second int
	}{
		"throttled": {crm.Receipt{Status: crm.Throttled, After: time.Minute}, crm.Accepted, 1},
		"unreached": {crm.Receipt{Status: crm.Throttled, Unreached: true}, crm.Accepted, 1},
		"uncertain": {crm.Receipt{Status: crm.Uncertain}, crm.Uncertain, 0},
		"declined":  {crm.Receipt{Status: crm.Declined}, crm.Declined, 0},
		"accepted":  {crm.Receipt{Status: crm.Accepted}, crm.Accepted, 0},
		"nonsense":  {crm.Receipt{Status: "fine"}, crm.Uncertain, 0},
	} {
		a, b := &provider{answer: fixed(c.first)}, &provider{}
		x := router(t, route.Config{Routes: []route.Route{{Name: "a", Sender: a, Prices: map[string]int64{"": 1}}, {Name: "b", Sender: b, Prices: map[string]int64{"": 2}}}})
		require.Equal(t, c.want, one(t, x, message("+4915112345678", "x")).Status, name)
		require.Equal(t, 1, a.calls)
		require.Equal(t, c.second, b.calls, name)
		require.False(t, x.Idempotent())
	}
	a := &provider{answer: fixed(crm.Receipt{Status: crm.Throttled, Unreached: true, After: time.Hour, Reason: "A"})}
	b := &provider{answer: fixed(crm.Receipt{Status: crm.Throttled, After: time.Minute, Reason: "B"})}
	c := &provider{answer: fixed(crm.Receipt{Status: crm.Declined, Reason: "C"})}
	x := router(t, route.Config{Routes: []route.Route{{Name: "a", Sender: a, Prices: map[string]int64{"": 1}}, {Name: "b", Sender: b, Prices: map[string]int64{"": 2}}, {Name: "c", Sender: c, Prices: map[string]int64{"": 3}}}})
	m := message("+4915112345678", "x")
	require.Equal(t, crm.Receipt{ID: m.ID, Status: crm.Throttled, After: time.Minute, Reason: "A; B"}, one(t, x, m), "reached, and the sooner of both; a route that never will does not end it")
	for _, s := range []messaging.Sender{broken{err: errors.New("x")}, broken{panics: true}, broken{}} {
		b := &provider{}
		x := router(t, route.Config{Routes: []route.Route{{Name: "a", Sender: s, Prices: map[string]int64{"": 1}}, {Name: "b", Sender: b, Prices: map[string]int64{"": 2}}}})
		require.Equal(t, crm.Uncertain, one(t, x, m).Status)
		require.Zero(t, b.calls)
	}
}

// broken says nothing of use.
type broken struct {
	err    error
	panics bool
}

func (b broken) Send(context.Context, []messaging.Message) ([]crm.Receipt, error) {
	if b.panics {
		panic("broken")
	}
	return nil, b.err
}

// TestBreaker: after five failures in a row a route is left alone, then one message tries
// it, and each failure of that doubles the pause.
func TestBreaker(t *testing.T) {
	clock, dead := newClock(), true
	a := &provider{answer: func(int, messaging.Message) crm.Receipt {
		if dead {
			return crm.Receipt{Status: crm.Throttled, Unreached: true}
		}
		return crm.Receipt{Status: crm.Accepted}
	}}
	b := &provider{}
	x := router(t, route.Config{Now: clock.Now, Routes: []route.Route{{Name: "a", Sender: a, Prices: map[string]int64{"": 1}}, {Name: "b", Sender: b, Prices: map[string]int64{"+49": 2}}}})
	send := func(n int) (accepted int) {
		batch := make([]messaging.Message, n)
		for i := range batch {
			batch[i] = message(fmt.Sprintf("+49151%08d", i), "x")
		}
		got, err := x.Send(t.Context(), batch)
		require.NoError(t, err)
		for _, r := range got {
			if r.Status == crm.Accepted {
				accepted++
			}
		}
		return accepted
	}
	for i := range 8 {
		require.Equal(t, 3, send(3), "b takes them")
		require.Equal(t, min(i+1, 5), a.calls)
	}
	require.Equal(t, []route.Health{{Route: "a", Failures: 5, Pause: 30 * time.Second}, {Route: "b"}}, x.Health())
	other := one(t, x, message("+12125550100", "x")) // which b does not serve
	require.Equal(t, crm.Receipt{ID: other.ID, Status: crm.Throttled, Unreached: true, After: 30 * time.Second, Reason: "a is left alone after failures"}, other)
	for _, pause := range []time.Duration{30, 60, 120, 240, 480, 960, 960} {
		clock.advance(pause*time.Second - time.Nanosecond)
		calls := a.calls
		send(3)
		require.Equal(t, calls, a.calls, "not yet")
		clock.advance(time.Nanosecond)
		before := len(a.got)
		require.Equal(t, 3, send(3))
		require.Equal(t, calls+1, a.calls, "one request")
		require.Equal(t, before, len(a.got), "of one message that it had seen")
	}
	dead = false
	clock.advance(960 * time.Second)
	calls := b.calls
	require.Equal(t, 3, send(3))
	require.Equal(t, calls, b.calls, "the try succeeded and the rest followed")
	require.Equal(t, []route.Health{{Route: "a"}, {Route: "b"}}, x.Health())

	a.answer = fixed(crm.Receipt{Status: crm.Throttled, Unreached: true, After: time.Second})
	for range 10 {
		require.Equal(t, 1, send(1))
	}
	require.Zero(t, x.Health()[0].Failures, "it says when to come again")
	a.answer = fixed(crm.Receipt{Status: crm.Throttled, Unreached: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		_, err := x.Send(ctx, []messaging.Message{message("+4915112345678", "x")})
		require.NoError(t, err)
	}
	require.Zero(t, x.Health()[0].Failures, "a caller that gave up says nothing of the route")
}

// sending is a sender as a function.
type sending func([]messaging.Message) []crm.Receipt

func (f sending) Send(_ context.Context, b []messaging.Message) ([]crm.Receipt, error) {
	return f(b), nil
}

// TestOneTry: while a message tries a route that was left alone, no other goes there.
func TestOneTry(t *testing.T) {
	clock, calls := newClock(), 0
	var x *route.Router
	a := sending(func(b []messaging.Message) []crm.Receipt {
		if calls++; calls == 2 {
			r := one(t, x, message("+4915100000002", "x"))
			require.Equal(t, crm.Throttled, r.Status)
			require.True(t, r.Unreached)
		}
		return []crm.Receipt{{ID: b[0].ID, Status: crm.Uncertain}}
	})
	x = router(t, route.Config{Now: clock.Now, Failures: 1, Routes: []route.Route{{Name: "a", Sender: a, Prices: map[string]int64{"": 1}}}})
	require.Equal(t, crm.Uncertain, one(t, x, message("+4915100000001", "x")).Status)
	clock.advance(30 * time.Second)
	require.Equal(t, crm.Uncertain, one(t, x, message("+4915100000003", "x")).Status)
	require.Equal(t, 2, calls)
}

// world is a router over two simulated Turkish providers.
func world(t *testing.T, cheap providertest.Faults) (*route.Router, *providertest.Verimor, *providertest.Netgsm) {
	t.Helper()
	v, n := providertest.NewVerimor(providertest.Config{Seed: 3}), providertest.NewNetgsm(providertest.Config{Seed: 3})
	vs, ns := httptest.NewServer(v), httptest.NewServer(n)
	t.Cleanup(vs.Close)
	t.Cleanup(ns.Close)
	a, err := verimor.New(verimor.Config{URL: vs.URL, Username: v.Username, Password: v.Password, Header: "VEFA", Timeout: 20 * time.Second})
	require.NoError(t, err)
	b, err := netgsm.New(netgsm.Config{URL: ns.URL, Username: n.Username, Password: n.Password, Header: "VEFA", Timeout: 20 * time.Second})
	require.NoError(t, err)
	v.SetFaults(cheap)
	return router(t, route.Config{Failures: 1000, Routes: []route.Route{
		{Name: "verimor", Sender: a, Country: "+90", Profile: verimor.Profile(), Prices: map[string]int64{"+90": 100}},
		{Name: "netgsm", Sender: b, Country: "+90", Profile: netgsm.Profile(), Prices: map[string]int64{"+90": 100}},
	}}), v, n
}

// TestNoSecondCopy: eight goroutines send by a provider that throttles and loses answers,
// and try again what they may. No message arrives twice anywhere, and what counts as taken
// arrived.
func TestNoSecondCopy(t *testing.T) {
	x, v, n := world(t, providertest.Faults{Throttle: 0.4, Lost: 0.3, Error: 0.3})
	const workers, each = 8, 25
	var mu sync.Mutex
	last := map[crm.EffectID]crm.Receipt{}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				batch := []messaging.Message{messagingtest.Message(w*each + i)}
				for range 5 {
					got, err := x.Send(t.Context(), batch)
					if err != nil || len(got) != 1 {
						t.Errorf("%d receipts, %v", len(got), err)
						return
					}
					mu.Lock()
					last[got[0].ID] = got[0]
					mu.Unlock()
					if got[0].Status != crm.Throttled {
						break
					}
				}
			}
		})
	}
	wg.Wait()
	texts := map[string]int{}
	for _, a := range v.Arrivals() {
		texts[a.Text]++
	}
	cheap := len(texts)
	for _, a := range n.Arrivals() {
		texts[a.Text]++
	}
	count := map[crm.Status]int{}
	for i := range workers * each {
		m := messagingtest.Message(i)
		r := last[m.ID]
		count[r.Status]++
		switch got := texts[m.Text]; {
		case got > 1:
			t.Errorf("message %d arrived %d times", i, got)
		case r.Status == crm.Accepted && got != 1:
			t.Errorf("message %d counts as taken and arrived %d times", i, got)
		case r.Status != crm.Accepted && r.Status != crm.Uncertain:
			t.Errorf("message %d is %s", i, r.Status)
		}
	}
	require.Greater(t, count[crm.Uncertain], 20, "answers were lost")
	require.Greater(t, cheap, 20, "the first route was used")
	require.Greater(t, len(n.Arrivals()), 20, "and the second one")

	var ids []crm.EffectID
	for id, r := range last {
		if r.Status == crm.Uncertain && len(ids) < 10 {
			ids = append(ids, id)
		}
	}
	got, err := x.Reconcile(t.Context(), ids)
	require.NoError(t, err)
	for _, r := range got {
		require.Equal(t, crm.Accepted, r.Status, "the route that it went by says so: %s", r.Reason)
	}
}

// reconciler answers as it is told about each message.
type reconciler struct {
	provider
	says crm.Status
}

func (r *reconciler) Reconcile(_ context.Context, ids []crm.EffectID) ([]crm.Receipt, error) {
	out := make([]crm.Receipt, len(ids))
	for i, id := range ids {
		out[i] = crm.Receipt{ID: id, Status: r.says}
	}
	return out, nil
}

// TestReconcile: of a message that another process sent every route is asked, and one route
// that cannot be asked leaves it open.
func TestReconcile(t *testing.T) {
	for _, c := range []struct {
		a, b crm.Status
		want crm.Status
	}{
		{crm.Accepted, crm.Throttled, crm.Accepted},
		{crm.Throttled, crm.Accepted, crm.Accepted},
		{crm.Throttled, crm.Throttled, crm.Throttled},
		{crm.Throttled, crm.Uncertain, crm.Uncertain},
		{crm.Throttled, "", crm.Uncertain},
		{crm.Declined, crm.Throttled, crm.Declined},
	} {
		routes := []route.Route{{Name: "a", Sender: &reconciler{says: c.a}, Prices: map[string]int64{"": 1}}, {Name: "b", Sender: &reconciler{says: c.b}, Prices: map[string]int64{"": 2}}}
		if c.b == "" {
			routes[1].Sender = &provider{}
		}
		got, err := router(t, route.Config{Routes: routes}).Reconcile(t.Context(), []crm.EffectID{"x"})
		require.NoError(t, err)
		require.Equal(t, c.want, got[0].Status, "%s, %s", c.a, c.b)
		require.Equal(t, crm.EffectID("x"), got[0].ID)
	}
	a := &reconciler{says: crm.Throttled}
	a.answer = fixed(crm.Receipt{Status: crm.Uncertain})
	x := router(t, route.Config{Routes: []route.Route{{Name: "a", Sender: a, Prices: map[string]int64{"": 1}}, {Name: "b", Sender: &provider{}, Prices: map[string]int64{"": 2}}}})
	m := message("+4915112345678", "x")
	require.Equal(t, crm.Uncertain, one(t, x, m).Status)
	got, err := x.Reconcile(t.Context(), []crm.EffectID{m.ID})
	require.NoError(t, err)
	require.Equal(t, crm.Throttled, got[0].Status, "it went by a alone, which never had it")
}

func TestContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		x, v, n := world(t, providertest.Faults{})
		return messagingtest.Fixture{Sender: x, Hang: func(*testing.T) { v.SetFaults(providertest.Faults{Slow: 1}) }, Secrets: []string{string(v.Password.Reveal()), string(n.Password.Reveal())},
			Arrived: v.Arrived, Deliver: func(*testing.T) messaging.Feedback { v.Deliver(); n.Deliver(); return messaging.Feedback{} },
			Reply: func(_ *testing.T, from crm.Address, text string) { v.Reply(from.Value[1:], "", text) }}
	})
}

func TestConfig(t *testing.T) {
	p := &provider{}
	price := map[string]int64{"": 1}
	for name, routes := range map[string][]route.Route{
		"none": nil, "name": {{Sender: p, Prices: price}}, "twice": {{Name: "a", Sender: p, Prices: price}, {Name: "a", Sender: p, Prices: price}},
		"sender": {{Name: "a", Prices: price}}, "prices": {{Name: "a", Sender: p}}, "prefix": {{Name: "a", Sender: p, Prices: map[string]int64{"90": 1}}},
		"negative": {{Name: "a", Sender: p, Prices: map[string]int64{"": -1}}}, "country": {{Name: "a", Sender: p, Prices: price, Country: "TR"}},
	} {
		_, err := route.New(route.Config{Routes: routes})
		require.ErrorIs(t, err, route.ErrConfig, name)
	}
	_, err := route.New(route.Config{Routes: []route.Route{{}, {Name: "a", Country: "TR", Prices: map[string]int64{"90": 1, "": -1}}}})
	for _, want := range []string{"Routes[0] has no Name", "Routes[0] has no Sender", "Routes[0] has no Prices", "Routes[1] has no Sender", "Routes[1] has a Country", `price for "90"`, `price for ""`} {
		require.ErrorContains(t, err, want, "every fault is reported")
	}
}
