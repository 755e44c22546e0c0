package vefa_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging/webhook"
	"github.com/vefacrm/vefa/rules"
)

// D11: the team of a shop is told of an unsolved ticket and of a red customer, whatever silences
// the customer, once for each although answers are lost.
func TestNotify(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	secret := crm.NewSecret([]byte("a secret of a team 0123456789"))
	verifier, err := webhook.New(webhook.Config{Form: webhook.Standard(), Secrets: []crm.Secret{secret}, Now: clock.Now})
	require.NoError(t, err)
	var mu sync.Mutex
	calls, got := map[string]int{}, map[string]string{}
	take := verifier.Handler(func(_ context.Context, d webhook.Delivery) error {
		var body struct {
			Text  string
			Parts map[string]string
		}
		if err := json.Unmarshal(d.Body, &body); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		calls[d.ID]++
		got[d.ID] = body.Text + " " + body.Parts["about"]
		return nil
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		take.ServeHTTP(httptest.NewRecorder(), r)
		mu.Lock()
		defer mu.Unlock()
		if calls[r.Header.Get("Webhook-Id")] == 1 {
			w.WriteHeader(http.StatusBadGateway) // taken, and the answer is lost
		}
	}))
	defer server.Close()
	sender, err := webhook.NewSender(webhook.SenderConfig{Now: clock.Now, Endpoints: map[string]webhook.Endpoint{"care": {URL: server.URL, Secrets: []crm.Secret{secret}}}})
	require.NoError(t, err)
	read := func(text string) []*rules.Book {
		book, err := rules.ReadYAML("r.yaml", []byte(text))
		require.NoError(t, err)
		return []*rules.Book{book}
	}
	var cfg vefa.Config
	w := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Logger, c.Campaigns, c.Effects = slog.New(slog.DiscardHandler), nil, []vefa.Effect{vefa.Notify(sender, webhook.Name)}
		c.Rules = read(`rules:
  - {name: unhappy, when: OpenTickets > 0, then: [{notify: care, with: {text: A customer is unhappy}}]}
  - {name: red, on: {tag_added: angry}, when: '"angry" in Tags', then: [{notify: care, with: {text: A customer is red}}]}
`)
		cfg = *c
	})
	b := nighttest.People(3)
	b.Facts = append(b.Facts,
		&crm.Fact{Key: crm.FactKey{Kind: crm.KindTicket, Source: "desk", ID: "1"}, Subject: crm.OfProfile(nighttest.Key(0)), At: nighttest.Start.Add(-time.Hour), Version: 1, Data: &crm.Ticket{Title: "x", State: crm.TicketOpen, Opened: nighttest.Start.Add(-time.Hour)}})
	_, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	require.NoError(t, w.Engine.Service().Tag(t.Context(), nighttest.Key(1), crm.TagChange{Tag: "angry", By: "desk"}))
	for range 4 { // evenings, each beyond the lease of what was lost
		clock.Advance(24 * time.Hour)
		_, err = w.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
	}
	mu.Lock()
	defer mu.Unlock()
	told := map[string]int{}
	for _, text := range got {
		told[text]++
	}
	require.Equal(t, map[string]int{"A customer is unhappy " + nighttest.Key(0).String(): 1, "A customer is red " + nighttest.Key(1).String(): 1}, told)
	for id, n := range calls {
		require.Equal(t, 2, n, id)
	}
	for _, cause := range []string{"rule/unhappy", "rule/red"} {
		for _, f := range effectsOf(t, store, cause) {
			require.Equal(t, crm.Done, f.State)
		}
	}

	cfg.Rules = read("rules: [{name: x, when: Orders > 0, then: [{notify: nobody, with: {text: x}}]}, {name: y, when: Orders > 0, then: [{notify: care}]}]")
	_, err = vefa.New(cfg)
	require.ErrorContains(t, err, `there is no "nobody" to notify, only care`)
	require.ErrorContains(t, err, "text")
}
