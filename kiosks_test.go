package vefa_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
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
)

func startedClock() *crmtest.Clock {
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	return clock
}

// S8, D04, D07: what a kiosk was answered is of its place and of no customer until a person says whose it
// is; a bad answer has a ticket; linkage joins none of them; an answer about an order is marked
// when it is not of its time.
func TestKioskAnswers(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	clock := startedClock()
	shop := nighttest.New(t, store, clock, nil)
	_, err := shop.Engine.Service().Import(ctx, nighttest.People(4))
	require.NoError(t, err)
	d := nighttest.KioskOf(t, shop, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit", AskCode: true})

	const n = 12
	for i := range n {
		form := d.Ask(t, map[string]any{"nps": i % 11})
		if i == 9 {
			form.Set("_x", "o2") // of an hour ago
		}
		if i == 10 {
			form.Set("_x", "no order")
		}
		for range 2 {
			require.Equal(t, 200, d.Deliver(ctx, nighttest.TabletID(i), form))
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

	// They are no customer's: there are the four customers, and the kiosk that tickets are of.
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

	// Until a person says whose it is, which can be taken back.
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

// Prune forgets that old answers of kiosks were delivered. One that comes again afterwards is in the record
// once and takes no room of a quota; what was refused stays.
func TestPrunedKiosks(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	clock := startedClock()
	shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Surveys[0].Quotas = []vefa.Quota{{Name: "all", Limit: 3, Keep: true}}
	})
	d := nighttest.KioskOf(t, shop, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit"})
	first := d.Ask(t, map[string]any{"nps": 10})
	require.Equal(t, 200, d.Deliver(ctx, nighttest.TabletID(1), first))
	require.Equal(t, 200, d.Deliver(ctx, nighttest.TabletID(2), url.Values{"_def": {"gone"}}))
	states := func() (n int) {
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			all, err := r.ScanStates(ctx, crm.AllParts(), "kiosk", crm.Subject{}, 100)
			n = len(all)
			return err
		}))
		return n
	}
	clock.Advance(20 * 24 * time.Hour)
	_, err := shop.Engine.Prune(ctx, clock.Now())
	require.NoError(t, err)
	require.Equal(t, 2, states(), "devices may be without a network for days")
	clock.Advance(11 * 24 * time.Hour)
	_, err = shop.Engine.Prune(ctx, clock.Now().AddDate(0, 0, -60))
	require.NoError(t, err)
	require.Equal(t, 2, states(), "it came after that instant")
	pruned, err := shop.Engine.Prune(ctx, clock.Now())
	require.NoError(t, err)
	require.Equal(t, 1, pruned.Documents)
	require.Equal(t, 1, states(), "that of the refused one")

	for i := range 2 {
		require.Equal(t, 200, d.Deliver(ctx, nighttest.TabletID(1), first))
		require.Equal(t, 200, d.Deliver(ctx, nighttest.TabletID(3+i), d.Ask(t, map[string]any{"nps": 9})))
	}
	all := 0
	for a, err := range shop.Engine.Answers(ctx, "visit") {
		require.NoError(t, err)
		require.Empty(t, a.OverQuota)
		all++
	}
	require.Equal(t, 3, all)
	refused := 0
	for _, err := range shop.Engine.RefusedAnswers(ctx) {
		require.NoError(t, err)
		refused++
	}
	require.Equal(t, 1, refused)
}

// What a kiosk delivers beyond Config.KioskFormsPerMinute waits on it.
func TestKioskFormsPerMinute(t *testing.T) {
	shop := nighttest.New(t, memstore.New(), startedClock(), func(c *vefa.Config) { c.KioskFormsPerMinute = 1 })
	d := nighttest.KioskOf(t, shop, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit"})
	form := d.Ask(t, map[string]any{"nps": 10})
	require.Equal(t, 200, d.Deliver(t.Context(), nighttest.TabletID(1), form))
	require.Equal(t, 429, d.Deliver(t.Context(), nighttest.TabletID(2), form))
	shop.Clock.Advance(time.Minute)
	require.Equal(t, 200, d.Deliver(t.Context(), nighttest.TabletID(2), form))

	_, err := vefa.New(vefa.Config{KioskFormsPerMinute: -1})
	require.ErrorContains(t, err, "KioskFormsPerMinute is -1")
}

// Eight writers deliver the same answers: each is in the record once.
func TestKioskWriters(t *testing.T) {
	nighttest.Kiosks(t, func(*testing.T) crm.Store { return memstore.New() })
}

// A kiosk is changed by who has seen it, asks what can be asked, keeps its address through other
// signing keys, and delivers nothing once it is withdrawn.
func TestPutKiosk(t *testing.T) {
	ctx := t.Context()
	store := memstore.New()
	clock := startedClock()
	old := survey.Recommendation()
	shop := nighttest.New(t, store, clock, nil)
	d := nighttest.KioskOf(t, shop, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit"})
	form := d.Ask(t, map[string]any{"nps": 9})
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
	require.True(t, strings.HasSuffix(link, d.Path))
	require.Equal(t, http.StatusGone, d.Deliver(ctx, nighttest.TabletID(1), form))
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
	late := nighttest.Tablet{Handler: next.Engine.Handler(), Path: d.Path, Now: clock.Now}
	require.Equal(t, 200, late.Deliver(ctx, nighttest.TabletID(1), form))
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

// A kiosk's answers count for the quotas of its survey: what comes when they are full is not
// stored, or is marked, and comes from the device no more.
func TestKioskQuotas(t *testing.T) {
	for _, keep := range []bool{false, true} {
		store := memstore.New()
		shop := nighttest.New(t, store, startedClock(), func(c *vefa.Config) {
			c.Surveys[0].Quotas = []vefa.Quota{{Name: "happy", When: "{nps} > 8", Limit: 2, Keep: keep}}
		})
		_, err := shop.Engine.Service().Import(t.Context(), nighttest.People(4))
		require.NoError(t, err)
		d := nighttest.KioskOf(t, shop, vefa.Kiosk{Name: "till 1", Place: "moda", Survey: "visit"})
		for i := range 8 {
			for range 2 {
				require.Equal(t, 200, d.Deliver(t.Context(), nighttest.TabletID(i), d.Ask(t, map[string]any{"nps": 5 + 5*(i%2)})))
			}
		}
		over, all := 0, 0
		for row, err := range shop.Engine.Answers(t.Context(), "visit") {
			require.NoError(t, err)
			all++
			if row.OverQuota != "" {
				over++
			}
			require.NotEmpty(t, row.Version)
		}
		if keep {
			require.Equal(t, []int{8, 2}, []int{all, over})
		} else {
			require.Equal(t, []int{6, 0}, []int{all, over})
		}
		for a, err := range shop.Engine.RefusedAnswers(t.Context()) {
			require.NoError(t, err)
			t.Errorf("%+v was refused", a)
		}
	}
}
