package vefa_test

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

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/survey"
	"github.com/vefacrm/vefa/survey/web"
	"github.com/vefacrm/vefa/survey/web/webtest"
)

// tablet is a device of a kiosk: what its service worker does, without a browser.
type tablet struct {
	h    http.Handler
	path string
	now  func() time.Time
}

func startedClock() *crmtest.Clock {
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	return clock
}

// ask fills the page in.
func (d tablet) ask(t require.TestingT, answers map[string]any) url.Values {
	rec := httptest.NewRecorder()
	d.h.ServeHTTP(rec, httptest.NewRequest("GET", d.path+"ask?lang=en", nil))
	require.Equal(t, 200, rec.Code, rec.Body.String())
	form, err := webtest.Fill(rec.Body.Bytes(), answers)
	require.NoError(t, err)
	form.Set("_at", fmt.Sprint(d.now().UnixMilli()))
	return form
}

// deliver sends one answer and returns the status.
func (d tablet) deliver(ctx context.Context, id string, form url.Values) int {
	body, err := json.Marshal(map[string]any{"now": d.now().UnixMilli(), "answers": []any{map[string]string{"id": id, "form": form.Encode()}}})
	if err != nil {
		return 0
	}
	r := httptest.NewRequestWithContext(ctx, "POST", d.path+"answers", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	d.h.ServeHTTP(rec, r)
	return rec.Code
}

func tabletID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// kioskOf puts a kiosk and returns its device.
func kioskOf(t testing.TB, shop *nighttest.Retailer, k vefa.Kiosk) tablet {
	t.Helper()
	require.NoError(t, shop.Engine.Service().PutPlaces(t.Context(), &crm.Place{ID: "moda", Kind: "store", Name: "Moda"}))
	link, err := shop.Engine.PutKiosk(t.Context(), k)
	require.NoError(t, err)
	path, ok := strings.CutPrefix(link, "https://s.example")
	require.True(t, ok)
	return tablet{shop.Engine.Handler(), path, shop.Clock.Now}
}

// S8, D04, D07: what a kiosk was answered is of its place and of nobody until somebody says whose it
// is; a bad answer has a ticket; linkage joins none of them; an answer about an order is marked
// when it is not of its time.
func TestKioskAnswers(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	clock := startedClock()
	shop := nighttest.New(t, store, clock, nil)
	_, err := shop.Engine.Service().Import(ctx, nighttest.People(4))
	require.NoError(t, err)
	d := kioskOf(t, shop, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit", AskCode: true})

	const n = 12
	for i := range n {
		form := d.ask(t, map[string]any{"nps": i % 11})
		if i == 9 {
			form.Set("_x", "o2") // of an hour ago
		}
		if i == 10 {
			form.Set("_x", "no order")
		}
		for range 2 {
			require.Equal(t, 200, d.deliver(ctx, tabletID(i), form))
		}
	}
	var answers, outside []*crm.Fact
	tickets := 0
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		for f, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindAnswer) {
			require.NoError(t, err)
			answers = append(answers, f)
			if f.Data.(*crm.Answer).Outside {
				outside = append(outside, f)
			}
			require.Equal(t, "moda", f.Place)
			require.Equal(t, crm.Channel("kiosk"), f.Subject.Address.Channel)
			require.Equal(t, "till 1", f.Data.(*crm.Answer).Link)
			require.WithinDuration(t, clock.Now(), f.At, time.Second)
		}
		for _, err := range crm.FactsOfKind(ctx, r, crm.AllParts(), crm.KindTicket) {
			require.NoError(t, err)
			tickets++
		}
		return nil
	}))
	require.Len(t, answers, n)
	require.Equal(t, 8, tickets, "0 to 6, and 0 again")
	require.Len(t, outside, 1)
	require.Equal(t, crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: "o2"}, outside[0].Data.(*crm.Answer).About)

	// They are nobody's: there are the four customers, and the kiosk that tickets are of.
	clock.Advance(24 * time.Hour)
	_, err = shop.Engine.Night(ctx, vefa.Night{})
	require.NoError(t, err)
	customers := 0
	for c, err := range shop.Engine.Service().Customers(ctx) {
		require.NoError(t, err)
		customers++
		facts, err := shop.Engine.Service().Facts(ctx, c.ID, crm.KindAnswer)
		require.NoError(t, err)
		require.Empty(t, facts)
	}
	require.Equal(t, 5, customers)
	res, err := shop.Engine.Results(ctx)
	require.NoError(t, err)
	require.Equal(t, int64(n), res.Surveys[0].N)
	rep, err := vefa.Audit(ctx, store, nighttest.Brand)
	require.NoError(t, err)
	require.Zero(t, rep.AnswersBadWithoutTicket)

	// Until somebody says whose it is, which can be taken back.
	svc := shop.Engine.Service()
	p, err := svc.Profile(ctx, nighttest.Key(2))
	require.NoError(t, err)
	own := p.Contacts
	for i, contacts := range [][]crm.Contact{append(own[:len(own):len(own)], crm.Contact{Address: outside[0].Subject.Address}), own} {
		p.Contacts, p.At = contacts, p.At.Add(time.Hour)
		require.NoError(t, svc.PutProfile(ctx, p))
		c, err := svc.CustomerOf(ctx, nighttest.Key(2))
		require.NoError(t, err)
		facts, err := svc.Facts(ctx, c.ID, crm.KindAnswer)
		require.NoError(t, err)
		require.Len(t, facts, 1-i)
	}
}

// Eight writers deliver the same answers: each is in the record once.
func TestKioskWriters(t *testing.T) {
	store := memstore.New()
	shop := nighttest.New(t, store, startedClock(), nil)
	d := kioskOf(t, shop, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit"})
	good, bad := d.ask(t, map[string]any{"nps": 3}), d.ask(t, map[string]any{"nps": 3})
	bad.Set("_def", "gone")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 20 {
				form := good
				if i%5 == 4 {
					form = bad
				}
				for d.deliver(t.Context(), tabletID(i), form) != 200 {
				}
			}
		})
	}
	all.Wait()
	counts := map[crm.FactKind]int{}
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for _, kind := range []crm.FactKind{crm.KindAnswer, crm.KindTicket} {
			for _, err := range crm.FactsOfKind(t.Context(), r, crm.AllParts(), kind) {
				require.NoError(t, err)
				counts[kind]++
			}
		}
		return nil
	}))
	require.Equal(t, map[crm.FactKind]int{crm.KindAnswer: 16, crm.KindTicket: 16}, counts)
	refused := map[string]bool{}
	for a, err := range shop.Engine.RefusedAnswers(t.Context()) {
		require.NoError(t, err)
		require.False(t, refused[a.ID])
		refused[a.ID] = true
		require.Equal(t, "till 1", a.Kiosk)
		require.Contains(t, a.Reason, "not known any more")
		require.Equal(t, []string{"3"}, a.Form["q.nps"])
		require.False(t, a.Received.IsZero())
	}
	require.Len(t, refused, 4)
}

// A kiosk is changed by who has seen it, asks what can be asked, keeps its address through other
// signing keys, and delivers nothing once it is withdrawn.
func TestPutKiosk(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	clock := startedClock()
	old := survey.Recommendation()
	shop := nighttest.New(t, store, clock, nil)
	d := kioskOf(t, shop, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit"})
	form := d.ask(t, map[string]any{"nps": 9})
	for _, bad := range []vefa.Kiosk{{Place: "moda", Survey: "visit"}, {Name: "x", Place: "nowhere", Survey: "visit"}, {Name: "x", Place: "moda", Survey: "nothing"},
		{Name: "x", Place: "moda", Survey: "visit", Dwell: -1}} {
		_, err := shop.Engine.PutKiosk(ctx, bad)
		require.ErrorIs(t, err, crm.ErrInvalid, "%+v", bad)
	}
	_, err := shop.Engine.PutKiosk(ctx, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit", AskCode: true})
	require.ErrorIs(t, err, crm.ErrConflict)
	list, err := shop.Engine.Kiosks(ctx)
	require.NoError(t, err)
	require.Len(t, list, 1)
	k := list[0]
	k.Revoked = true
	link, err := shop.Engine.PutKiosk(ctx, k)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(link, d.path))
	require.Equal(t, http.StatusGone, d.deliver(ctx, tabletID(1), form))
	k.Revoked = false // as it was read before
	_, err = shop.Engine.PutKiosk(ctx, k)
	require.ErrorIs(t, err, crm.ErrConflict)
	list, err = shop.Engine.Kiosks(ctx)
	require.NoError(t, err)
	k = list[0]
	k.Revoked = false
	_, err = shop.Engine.PutKiosk(ctx, k)
	require.NoError(t, err)

	// 40 days later, with other signing keys and another definition.
	clock.Advance(40 * 24 * time.Hour)
	changed, err := survey.Parse([]byte(`{"x-retail": {"name": "recommendation", "version": "9"}, "elements": [{"type": "rating", "name": "stars"}]}`), survey.Limits{})
	require.NoError(t, err)
	next := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Keys.Sign = []vefa.Key{{ID: 3, Secret: crm.NewSecret([]byte("another key of thirty-two bytes, and more"))}}
		c.Surveys[0].Definition, c.Surveys[0].Earlier = changed, []*survey.Definition{old}
	})
	late := tablet{next.Engine.Handler(), d.path, clock.Now}
	require.Equal(t, 200, late.deliver(ctx, tabletID(1), form))
	for _, err := range next.Engine.RefusedAnswers(ctx) {
		require.NoError(t, err)
		t.Fatal("refused")
	}
	res, err := next.Engine.Results(ctx)
	require.NoError(t, err)
	require.Equal(t, int64(1), res.Surveys[0].N)

	ranking, err := survey.Parse([]byte(`{"elements": [{"type": "ranking", "name": "r", "choices": [1, 2]}]}`), survey.Limits{})
	require.NoError(t, err)
	unasked := nighttest.New(t, store, clock, func(c *vefa.Config) { c.Surveys[0].Definition = ranking })
	_, err = unasked.Engine.PutKiosk(ctx, vefa.Kiosk{Name: "till 2", Place: "moda", Survey: "visit"})
	require.ErrorIs(t, err, crm.ErrInvalid)
	var finding survey.Finding
	require.True(t, errors.As(err, &finding))
	require.Empty(t, web.KioskFindings(old))
}
