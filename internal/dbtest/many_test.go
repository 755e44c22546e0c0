package dbtest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
	consents "github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/consent/preference"
	"github.com/vefacrm/vefa/messaging/link"
	"github.com/vefacrm/vefa/messaging/webhook"
	"github.com/vefacrm/vefa/rules"
)

// TestClicksJudgedByMany: four engines judge the same clicks again on one PostgreSQL.
func TestClicksJudgedByMany(t *testing.T) {
	nighttest.JudgedByMany(t, migrated(t, openPostgres(t)), 4, 100)
}

// TestBudgetRaisedBesideMany: four engines on one PostgreSQL deliver while a budget is raised.
func TestBudgetRaisedBesideMany(t *testing.T) {
	nighttest.RaisedBeside(t, migrated(t, openPostgres(t)), 4, 160)
}

// TestPreferencesOfMany: eight servers give out the tokens of one address, and its holder, mail
// programs and a scanner press all buttons at once. An address has one page, each request one
// token; what is confirmed is granted once, what is refused is refused once, and the chains of
// the ledger hold.
func TestPreferencesOfMany(t *testing.T) {
	const addresses, rounds = 3, 4
	ctx := deadline(t)
	d := withConsents(openPostgres(t))
	migrate(t, d)
	choices := []preference.Choice{
		{Name: "news", Key: crm.ConsentKey{Brand: "vefa", Purpose: "news"}, Channel: crm.Email, Label: map[string]string{"tr": "Yenilikler", "en": "News"}},
		{Name: "all", Key: crm.ConsentKey{Brand: "vefa"}, Channel: crm.Email, Label: map[string]string{"tr": "Hepsi", "en": "All"}}}
	codec, err := link.NewCodec(link.Key{Secret: consentKey})
	require.NoError(t, err)
	pages, ledgers := make([]*preference.Pages, nighttest.Writers), make([]*consents.Ledger, nighttest.Writers)
	for w := range pages {
		svc := crm.New(d.store(), crm.Config{Kinds: []crm.Kind{consents.Kind()}})
		ledgers[w], err = consents.New(svc, consents.Config{Key: consentKey})
		require.NoError(t, err)
		// Numbers that collide: of each server the same ones.
		n := uint64(0)
		pages[w], err = preference.New(preference.Config{Service: svc, Ledger: ledgers[w], Tokens: codec, Choices: choices, Number: func() uint64 { n++; return n % 2 }})
		require.NoError(t, err)
	}
	address := func(i int) crm.Address {
		return crm.Address{Channel: crm.Email, Value: fmt.Sprintf("p%d@example.com", i)}
	}
	post := func(w int, token, form string) error {
		r := httptest.NewRequest(http.MethodPost, "/p/"+token, strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		pages[w].ServeHTTP(rec, r)
		if rec.Code >= 400 {
			return fmt.Errorf("%s: %d", form, rec.Code)
		}
		return nil
	}
	first := make([][addresses]string, nighttest.Writers)
	asked := make([][]string, nighttest.Writers)
	nighttest.AtOnce(t, func(w int) (err error) {
		for i := range addresses {
			if first[w][i], err = pages[w].Token(ctx, address(i)); err != nil {
				return err
			}
		}
		for n := range rounds {
			token, err := pages[w].Ask(ctx, address(n%addresses), preference.Request{Choice: "news", Actor: "till"})
			if err != nil {
				return err
			}
			asked[w] = append(asked[w], token)
		}
		return nil
	})
	seen := map[string]bool{}
	for w := range asked {
		require.Equal(t, first[0], first[w], "an address has one page")
		for _, token := range asked[w] {
			require.False(t, seen[token], "two requests have one token")
			seen[token] = true
		}
	}
	require.Len(t, seen, nighttest.Writers*rounds)
	// Everybody confirms everything.
	nighttest.AtOnce(t, func(w int) error {
		for i := range asked {
			for _, token := range asked[(w+i)%len(asked)] {
				if err := post(w, token, url.Values{"do": {"confirm"}}.Encode()); err != nil {
					return err
				}
			}
		}
		return nil
	})
	count := func(i int, purpose string, status crm.ConsentStatus) (n int) {
		h, err := ledgers[0].Histories(ctx, address(i))
		require.NoError(t, err)
		for _, c := range h {
			for _, e := range c.Entries {
				if e.Purpose == purpose && e.Status == status {
					n++
				}
			}
		}
		return n
	}
	total := 0
	for i := range addresses {
		total += count(i, "news", crm.Granted)
	}
	require.Equal(t, nighttest.Writers*rounds, total, "each request is confirmed once")
	// Everybody leaves, by every button.
	nighttest.AtOnce(t, func(w int) error {
		for i := range addresses {
			form := url.Values{"do": {"leave"}}.Encode()
			if w%2 == 0 {
				form = "List-Unsubscribe=One-Click"
			}
			if err := post(w, first[w][i], form); err != nil {
				return err
			}
			rec := httptest.NewRecorder()
			pages[w].ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/p/"+first[w][i]+"?do=save&was-news=0&on-news=1", nil))
			if rec.Code != http.StatusOK {
				return fmt.Errorf("%d", rec.Code)
			}
		}
		return nil
	})
	for i := range addresses {
		require.Equal(t, 1, count(i, "news", crm.Refused))
		require.Equal(t, 1, count(i, "", crm.Refused))
	}
	// An old confirmation that comes again overrules no refusal.
	nighttest.AtOnce(t, func(w int) error { return post(w, asked[w][0], url.Values{"do": {"confirm"}}.Encode()) })
	for i := range addresses {
		state, err := ledgers[0].State(ctx, address(i), day.AddDate(50, 0, 0), day.AddDate(50, 0, 0))
		require.NoError(t, err)
		for _, c := range state.Consents {
			require.Equal(t, crm.Refused, c.Status)
		}
	}
	rep, err := ledgers[0].Verify(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, rep.Breaks)
	require.EqualValues(t, addresses, rep.Chains)
	require.EqualValues(t, total+2*addresses, rep.Entries)
}

// TestNotifiedByMany: four engines on one PostgreSQL tell a team by webhooks, through a team that
// loses every second answer: each of what rules fired for is done once, and none is lost.
func TestNotifiedByMany(t *testing.T) {
	const people = 60
	store, clock := migrated(t, openPostgres(t)), &crmtest.Clock{}
	clock.Set(nighttest.Start)
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
	shops := make([]*nighttest.Retailer, 4)
	for i := range shops {
		sender, err := webhook.NewSender(webhook.SenderConfig{Now: clock.Now, Endpoints: map[string]webhook.Endpoint{"care": {URL: server.URL, Secrets: []crm.Secret{secret}}}})
		require.NoError(t, err)
		shops[i] = nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Logger, c.Rules, c.Campaigns, c.Surveys, c.TrainAt, c.Batch = slog.New(slog.DiscardHandler), []*rules.Book{book}, nil, nil, -1, 5
			c.Effects, c.Steps = []vefa.Effect{vefa.Notify(sender, webhook.Name)}, vefa.DefaultSteps()[:7]
		})
	}
	_, err = shops[0].Engine.Night(deadline(t), vefa.Night{Source: nighttest.Once(nighttest.People(people))})
	require.NoError(t, err)
	require.Empty(t, did)
	for range 6 {
		nighttest.AtOnce(t, func(w int) error { _, err := shops[w%4].Engine.Deliver(deadline(t)); return err })
		clock.Advance(24 * time.Hour)
	}
	require.Len(t, did, people)
	about := map[string]int{}
	for _, who := range did {
		about[who]++
	}
	require.Len(t, about, people, "each customer once")
	states := map[crm.EffectState]int{}
	for _, f := range effectsOf(t, store) {
		states[f.State]++
	}
	require.Equal(t, map[crm.EffectState]int{crm.Done: people}, states)
}
