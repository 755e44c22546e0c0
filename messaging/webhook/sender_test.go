package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
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
	"github.com/vefacrm/vefa/messaging/webhook"
)

var key = text("a secret of a team 0123456789")

// team is a receiver: it verifies what comes and does each id once.
type team struct {
	mu     sync.Mutex
	got    map[string]int // by id
	seen   []map[string]any
	hang   bool
	answer int
	calls  int
	server *httptest.Server
}

func newTeam(t *testing.T, now func() time.Time, secrets ...crm.Secret) *team {
	t.Helper()
	x := &team{got: map[string]int{}}
	v, err := webhook.New(webhook.Config{Form: webhook.Standard(), Secrets: secrets, Now: now})
	require.NoError(t, err)
	take := v.Handler(func(_ context.Context, d webhook.Delivery) error {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.got[d.ID] > 0 {
			return nil
		}
		x.got[d.ID]++
		var body map[string]any
		if err := json.Unmarshal(d.Body, &body); err != nil {
			return err
		}
		if body["id"] != d.ID {
			return fmt.Errorf("the body is of %v", body["id"])
		}
		x.seen = append(x.seen, body)
		return nil
	})
	x.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.mu.Lock()
		x.calls++
		hang, answer := x.hang, x.answer
		x.mu.Unlock()
		if answer != 0 {
			w.WriteHeader(answer)
			return
		}
		if hang {
			rec := httptest.NewRecorder()
			take.ServeHTTP(rec, r)
			<-r.Context().Done()
			return
		}
		take.ServeHTTP(w, r)
	}))
	t.Cleanup(x.server.Close)
	return x
}

func open(t *testing.T, cfg webhook.SenderConfig) *webhook.Sender {
	t.Helper()
	s, err := webhook.NewSender(cfg)
	require.NoError(t, err)
	return s
}

func TestSenderContract(t *testing.T) {
	messagingtest.Run(t, func(t *testing.T) messagingtest.Fixture {
		x := newTeam(t, nil, key)
		all := map[string]webhook.Endpoint{}
		for i := range 1100 { // of each message an endpoint, as the suite wants addresses
			all[fmt.Sprint("team-", i)] = webhook.Endpoint{URL: x.server.URL + "/hook/s3cr3tpath", Secrets: []crm.Secret{key}}
		}
		return messagingtest.Fixture{Sender: open(t, webhook.SenderConfig{Endpoints: all}), Secrets: []string{"s3cr3tpath", string(key.Reveal())},
			Message: func(i int) messaging.Message {
				m := messagingtest.Message(i)
				m.To, m.Via = crm.Address{Channel: webhook.Name, Value: fmt.Sprint("team-", i)}, webhook.Name
				return m
			},
			Hang: func(*testing.T) { x.mu.Lock(); x.hang = true; x.mu.Unlock() },
			Arrived: func(id crm.EffectID) int {
				x.mu.Lock()
				defer x.mu.Unlock()
				return x.got[string(id)]
			}}
	})
}

// The signature is that of the documentation of Standard Webhooks.
func TestSignsAsTheStandard(t *testing.T) {
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		webhook.Sign([]crm.Secret{parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)))
}

func staff(i int, to string) messaging.Message {
	m := messagingtest.Message(i)
	m.To, m.Via, m.Cause, m.Text = crm.Address{Channel: webhook.Name, Value: to}, webhook.Name, "rule/red", "A customer is unhappy"
	m.Parts = map[string]string{"about": "ticket/desk/1"}
	return m
}

// D11. What a team gets, while the secret changes and the sender's clock is at another time; and
// what each answer means.
func TestTellsATeam(t *testing.T) {
	at := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	old, next := text("the old secret 0123456789"), text("the next secret 0123456789")
	x := newTeam(t, now, next)
	s := open(t, webhook.SenderConfig{Now: now, Endpoints: map[string]webhook.Endpoint{
		"care": {URL: x.server.URL, Secrets: []crm.Secret{old, next}}, "wrong": {URL: x.server.URL, Secrets: []crm.Secret{key}}}})
	require.Equal(t, []string{"care", "wrong"}, s.Names())
	send := func(m messaging.Message) crm.Receipt {
		out, err := s.Send(t.Context(), []messaging.Message{m})
		require.NoError(t, err)
		return out[0]
	}
	m := staff(1, "care")
	require.Equal(t, crm.Accepted, send(m).Status)
	require.Equal(t, map[string]any{"id": string(m.ID), "to": "care", "type": "rule/red", "at": "2025-03-03T12:00:00Z", "text": m.Text, "parts": map[string]any{"about": "ticket/desk/1"}}, x.seen[0])
	require.True(t, send(staff(2, "wrong")).Unreached, "401: somebody must put the secret right")
	require.Equal(t, crm.Declined, send(staff(3, "nobody")).Status)
	require.Equal(t, crm.Declined, send(staff(3, "http://169.254.169.254/latest")).Status, "a name, not an address of the network")
	for answer, want := range map[int]crm.Receipt{200: {Status: crm.Accepted}, 410: {Status: crm.Declined}, 429: {Status: crm.Throttled}, 500: {Status: crm.Uncertain}, 307: {Status: crm.Throttled, Unreached: true}, 400: {Status: crm.Declined}} {
		x.answer = answer
		got := send(staff(4, "care"))
		require.Equal(t, want.Status, got.Status, "%d", answer)
		require.Equal(t, want.Unreached, got.Unreached, "%d", answer)
	}

	// Of a batch, the others are not kept back by an endpoint that is down.
	x.answer, x.calls = 0, 0
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s = open(t, webhook.SenderConfig{Now: now, Endpoints: map[string]webhook.Endpoint{
		"care": {URL: x.server.URL, Secrets: []crm.Secret{next}}, "down": {URL: gone.URL, Secrets: []crm.Secret{key}}}})
	out, err := s.Send(t.Context(), []messaging.Message{staff(5, "down"), staff(6, "care"), staff(7, "down"), staff(8, "care")})
	require.NoError(t, err)
	for i, want := range []crm.Status{crm.Throttled, crm.Accepted, crm.Throttled, crm.Accepted} {
		require.Equal(t, want, out[i].Status)
	}
	require.Equal(t, 2, x.calls)
}

// A redirect is not followed: the endpoint's host alone is written to.
func TestFollowsNoRedirect(t *testing.T) {
	called := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer other.Close()
	from := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusPermanentRedirect))
	defer from.Close()
	s := open(t, webhook.SenderConfig{Endpoints: map[string]webhook.Endpoint{"care": {URL: from.URL, Secrets: []crm.Secret{key}}}})
	out, err := s.Send(t.Context(), []messaging.Message{staff(1, "care")})
	require.NoError(t, err)
	require.True(t, out[0].Unreached)
	require.False(t, called)
}

// NewSender names every fault, and no URL.
func TestNewSenderRefuses(t *testing.T) {
	_, err := webhook.NewSender(webhook.SenderConfig{})
	require.ErrorIs(t, err, webhook.ErrConfig)
	_, err = webhook.NewSender(webhook.SenderConfig{Timeout: -1, Endpoints: map[string]webhook.Endpoint{
		"a b": {URL: "https://a.example/x", Secrets: []crm.Secret{key}}, "plain": {URL: "http://shop.example/s3cr3t", Secrets: []crm.Secret{key}},
		"none": {URL: "https://a.example"}, "weak": {URL: "https://a.example", Secrets: []crm.Secret{text("short")}}}})
	for _, want := range []string{`Endpoints["a b"]`, `Endpoints["plain"].URL is not`, `Endpoints["none"].Secrets has 0`, `Endpoints["weak"].Secrets[0] has 5 bytes`, "Timeout"} {
		require.ErrorContains(t, err, want)
	}
	require.False(t, strings.Contains(err.Error(), "s3cr3t"))
	require.NoError(t, webhook.Channel().Validate())
	require.NotEmpty(t, webhook.Channel().Address("https://x"))
}

// TestSenderOfMany: eight goroutines share a sender and send the same messages again and again,
// as processes do that take over from one another, to two teams that lose answers, throttle and
// verify each signature while their secrets are changed. Each team does each id once, and each
// message is accepted at last.
func TestSenderOfMany(t *testing.T) {
	const writers, messages = 8, 120
	old, next := text("the old secret 0123456789"), text("the next secret 0123456789")
	teams := map[string]*team{"care": newTeam(t, nil, old), "shop": newTeam(t, nil, next)}
	endpoints := map[string]webhook.Endpoint{}
	var mu sync.Mutex
	tries := map[string]int{} // by id
	for name, x := range teams {
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id := r.Header.Get("Webhook-Id")
			mu.Lock()
			tries[id]++
			n, mood := tries[id], int(id[len(id)-1])%4
			mu.Unlock()
			switch {
			case mood == 0 && n <= 2: // taken, and the answer is lost
				x.server.Config.Handler.ServeHTTP(httptest.NewRecorder(), r)
				w.WriteHeader(http.StatusBadGateway)
			case mood == 1 && n <= 2:
				w.WriteHeader(http.StatusTooManyRequests)
			default:
				x.server.Config.Handler.ServeHTTP(w, r)
			}
		}))
		defer front.Close()
		endpoints[name] = webhook.Endpoint{URL: front.URL, Secrets: []crm.Secret{old, next}}
	}
	s := open(t, webhook.SenderConfig{Endpoints: endpoints})
	accepted := make([]map[crm.EffectID]int, writers)
	errs := make(chan error, writers)
	for w := range writers {
		accepted[w] = map[crm.EffectID]int{}
		go func() {
			errs <- func() error {
				for round := 0; len(accepted[w]) < messages; round++ {
					if round == 20 {
						return fmt.Errorf("%d of %d are accepted", len(accepted[w]), messages)
					}
					var batch []messaging.Message
					for i := range messages {
						m := staff((i+w*15)%messages, []string{"care", "shop"}[(i+w*15)%2])
						if accepted[w][m.ID] == 0 {
							batch = append(batch, m)
						}
					}
					out, err := s.Send(t.Context(), batch)
					if err != nil {
						return err
					}
					for i, r := range out {
						switch {
						case r.ID != batch[i].ID:
							return fmt.Errorf("receipt %d is of another message", i)
						case r.Status == crm.Accepted:
							accepted[w][r.ID]++
						case r.Status == crm.Declined:
							return fmt.Errorf("declined: %s", r.Reason)
						}
					}
				}
				return nil
			}()
		}()
	}
	for range writers {
		require.NoError(t, <-errs)
	}
	done := 0
	for name, x := range teams {
		for id, n := range x.got {
			require.Equal(t, 1, n, "%s of %s", id, name)
			done++
		}
		for _, body := range x.seen {
			require.Equal(t, name, body["to"])
		}
	}
	require.Equal(t, messages, done)
}
