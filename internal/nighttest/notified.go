package nighttest

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
	"github.com/vefacrm/vefa/messaging/webhook"
	"github.com/vefacrm/vefa/rules"
)

// NotifiedByMany has several engines tell a team by webhooks, which loses every second answer:
// each of what rules fired for is done once, and none is lost.
func NotifiedByMany(t *testing.T, store crm.Store, engines, people int) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	clock := &crmtest.Clock{}
	clock.Set(Start)
	secret := crm.NewSecret([]byte("a secret of a team 0123456789"))
	verifier, err := webhook.New(webhook.Config{Form: webhook.Standard(), Secrets: []crm.Secret{secret}, Now: clock.Now})
	require.NoError(t, err)
	var mu sync.Mutex
	calls, did := map[string]int{}, map[string]string{}
	take := verifier.Handler(func(_ context.Context, d webhook.Delivery) error {
		var body struct{ Parts map[string]string }
		if err := json.Unmarshal(d.Body, &body); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		calls[d.ID]++
		did[d.ID] = body.Parts["about"]
		return nil
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		take.ServeHTTP(rec, r)
		mu.Lock()
		lost := calls[r.Header.Get("Webhook-Id")] == 1 && len(calls)%2 == 0
		mu.Unlock()
		if lost || rec.Code >= 300 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	book, err := rules.ReadYAML("r.yaml", []byte("rules:\n  - {name: bought, when: Orders > 0, then: [{notify: care, with: {text: A customer bought}}]}\n"))
	require.NoError(t, err)
	shops := make([]*Retailer, engines)
	for i := range shops {
		sender, err := webhook.NewSender(webhook.SenderConfig{Now: clock.Now, Endpoints: map[string]webhook.Endpoint{"care": {URL: server.URL, Secrets: []crm.Secret{secret}}}})
		require.NoError(t, err)
		shops[i] = New(t, store, clock, func(c *vefa.Config) {
			c.Logger, c.Rules, c.Campaigns, c.Surveys, c.TrainAt, c.Batch = slog.New(slog.DiscardHandler), []*rules.Book{book}, nil, nil, -1, 5
			c.Effects, c.Steps = []vefa.Effect{vefa.Notify(sender, webhook.Name)}, vefa.DefaultSteps()[:7]
		})
	}
	_, err = shops[0].Engine.Night(ctx, vefa.Night{Source: Once(People(people))})
	require.NoError(t, err)
	require.Empty(t, did)
	for range 6 {
		AtOnce(t, func(w int) error { _, err := shops[w%engines].Engine.Deliver(ctx); return err })
		clock.Advance(24 * time.Hour)
	}
	require.Len(t, did, people)
	about := map[string]int{}
	for _, who := range did {
		about[who]++
	}
	require.Len(t, about, people, "each customer once")
	states := map[crm.EffectState]int{}
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		for f, err := range crm.AllEffects(ctx, r, crm.AllParts()) {
			if err != nil {
				return err
			}
			states[f.State]++
		}
		return nil
	}))
	require.Equal(t, map[crm.EffectState]int{crm.Done: people}, states)
}
