package dbtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
	consents "github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/consent/preference"
	"github.com/vefacrm/vefa/messaging/link"
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

// TestNotifiedByMany: four engines on one PostgreSQL tell a team by webhooks.
func TestNotifiedByMany(t *testing.T) {
	nighttest.NotifiedByMany(t, migrated(t, openPostgres(t)), 4, 60)
}

// TestInboxOfMany: four engines on one PostgreSQL are told the same inbound messages at once.
func TestInboxOfMany(t *testing.T) { nighttest.InboxOfMany(t, migrated(t, openPostgres(t)), 4) }

// TestFollowUps: eight engines on one PostgreSQL take what respondents write after their answers.
func TestFollowUps(t *testing.T) { nighttest.FollowUps(t, migrated(t, openPostgres(t))) }
