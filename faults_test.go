package vefa_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/campaigns"
	"github.com/vefacrm/vefa/survey/web"
)

// lab is a retailer after two evenings, on a store that fails when it is told to.
type lab struct {
	t      *testing.T
	under  crm.Store
	faulty *crmtest.Faulty
	now    time.Time
	shop   *nighttest.Retailer
	svc    *crm.Service
	pages  http.Handler
	// surveys are the invitations that are out, a ticket is open about person 0,
	// and person 1 and 2 are one customer since the decisions.
	surveys   []*crm.Effect
	campaign  *crm.Effect
	ticket    crm.FactRef
	decisions []crm.Link
	handled   int
	lost      []crm.Receipt // that never came
	// settle ends what a fault left to a lease.
	settle func(context.Context) (crm.WorkStats, error)
}

var labDays = []time.Time{nighttest.Start, nighttest.Start.AddDate(0, 0, 1)}

func newLab(t *testing.T) *lab {
	l := &lab{t: t, now: labDays[0]}
	l.under = memstore.NewAt(func() time.Time { return l.now })
	l.faulty = crmtest.NewFaulty(l.under)
	ids := 0
	l.shop = nighttest.New(t, l.faulty, &crmtest.Clock{}, func(c *vefa.Config) {
		c.Now = func() time.Time { return l.now }
		c.LeaseNow = c.Now
		c.NewID = func() string { ids++; return fmt.Sprintf("customer-%04d", ids) }
		c.RequestID = func(r *http.Request) string { return r.Header.Get("X-Request-Id") }
		c.Desk = &campaigns.Config{Untested: true}
		c.Campaigns = append(c.Campaigns, vefa.Campaign{Live: true, Campaign: messaging.Campaign{Name: "till", Text: "A strap", Unmeasured: "a test", Window: time.Hour,
			Choice: messaging.Choice{Same: 0.5}, Variants: []messaging.Variant{{Name: "ring", Text: "A ring"}}}})
		c.Inbox = &vefa.Inbox{}
		c.Retry.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	})
	l.settle = l.shop.Engine.Deliver
	l.svc, l.pages = l.shop.Engine.Service(), l.shop.Engine.Handler()
	for _, at := range labDays {
		l.now = at
		_, err := l.shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(4))})
		require.NoError(t, err)
	}
	l.now = l.now.Add(time.Hour)
	_, err := l.svc.OpenTicket(t.Context(), nighttest.Key(0), "desk", "t0", crm.Ticket{Title: "x"})
	require.NoError(t, err)
	l.ticket = crm.FactRef{Subject: crm.OfProfile(nighttest.Key(0)), Key: crm.FactKey{Kind: crm.KindTicket, Source: "desk", ID: "t0"}}
	l.merge()
	l.now = l.now.Add(time.Hour)
	require.NoError(t, l.under.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			switch name, err := vefa.MessageName(f); {
			case err != nil:
			case name == "survey/visit":
				l.surveys = append(l.surveys, f)
			case l.campaign == nil && f.Kind == crm.EffectMessage:
				l.campaign = f
			}
		}
		return nil
	}))
	require.Len(t, l.surveys, 4)
	require.NotNil(t, l.campaign)
	return l
}

func (l *lab) merge() {
	var err error
	l.decisions, err = l.svc.Regroup(l.t.Context(), crm.Grouping{Profiles: []crm.ProfileKey{nighttest.Key(1), nighttest.Key(2)}, Kind: crm.LinkManual, Actor: "desk"})
	require.NoError(l.t, err)
}

// customer is the id of person i's customer.
func (l *lab) customer(i int) crm.CustomerID {
	var id crm.CustomerID
	require.NoError(l.t, l.under.View(l.t.Context(), func(r crm.Reader) error {
		p, err := r.Profiles(l.t.Context(), nighttest.Key(i))
		if err == nil {
			id = p[0].Customer
		}
		return err
	}))
	return id
}

// digest is the record after what was left to a lease has been looked into.
func (l *lab) digest() [32]byte {
	l.now = labDays[1].AddDate(0, 0, 7)
	_, err := l.settle(l.t.Context())
	require.NoError(l.t, err)
	return digestOf(l.t, l.under)
}

func digestOf(t *testing.T, store crm.Store) (d [32]byte) {
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) {
		d, err = crm.Digest(t.Context(), r, nighttest.Start.AddDate(1, 0, 0))
		return err
	}))
	return d
}

// verb is a call of a public verb.
type verb struct {
	name    string // type.Method, and what else tells it from others
	prepare func(*lab)
	call    func(context.Context, *lab) (any, error)
	// patient verbs end without an error when their context ends.
	patient bool
	// counts: each accepted call is on record, one whose answer was lost, too.
	counts bool
}

// run calls the verb and turns a panic into a failure of the test.
func (v verb) run(ctx context.Context, l *lab) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			l.t.Fatalf("%s: panic: %v\n%s", v.name, p, debug.Stack())
		}
	}()
	return v.call(ctx, l)
}

func (v verb) lab(t *testing.T) *lab {
	l := newLab(t)
	if v.prepare != nil {
		v.prepare(l)
	}
	return l
}

// TestEveryVerbMeetsAStoreThatFails: a store that fails at any point of any
// call, before, inside or after its function, for once or for as long as the
// call lasts, gives an error and no panic; when it is back, the same call
// succeeds and leaves the record as if nothing had been. Case A3.
func TestEveryVerbMeetsAStoreThatFails(t *testing.T) {
	for _, v := range verbs() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			calm := v.lab(t)
			answer, err := v.run(t.Context(), calm)
			require.NoError(t, err)
			want := calm.digest()
			met := 0
			for _, where := range []crmtest.Where{crmtest.Before, crmtest.Inside, crmtest.After, crmtest.Lost} {
				for _, stays := range []bool{false, true} {
					for n := 1; ; n++ {
						l := v.lab(t)
						l.faulty.Fail(crmtest.Fault{Where: where, N: n, Stays: stays})
						got, err := v.run(t.Context(), l)
						fired := l.faulty.Heal()
						at := fmt.Sprintf("%s %d, stays %v", where, n, stays)
						if fired > 0 && err != nil {
							require.ErrorIs(t, err, crmtest.ErrFault, at)
							got, err = v.run(t.Context(), l)
						}
						require.NoError(t, err, at)
						require.Equal(t, answer, got, at)
						if where != crmtest.Lost || !v.counts {
							require.Equal(t, want, l.digest(), at)
						}
						if fired == 0 {
							break
						}
						met++
						switch { // the beginning of a long one, then samples; .ci/run has more of them without the race detector
						case raced && n > 1:
							n += n
						case n > 60 || n > 8 && testing.Short():
							n += n / 4
						}
					}
				}
			}
			require.Positive(t, met, "the call does not use the store")
		})
	}
}

// TestEveryVerbHonoursItsContext: a call whose context has ended returns its
// error and writes nothing.
func TestEveryVerbHonoursItsContext(t *testing.T) {
	for _, v := range verbs() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			l := v.lab(t)
			before := digestOf(t, l.under)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := v.run(ctx, l)
			if v.patient {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, context.Canceled)
			}
			require.Equal(t, before, digestOf(t, l.under))
			require.Empty(t, l.faulty.Heal())
		})
	}
}

// TestEveryVerbIsListed: a new verb without a case fails here. Give it one in
// verbs, or name it below with what keeps it from the store.
func TestEveryVerbIsListed(t *testing.T) {
	without := []string{ // do not use the store by themselves
		"*crm.Service.In", "*crm.Service.On", "*crm.Service.Store", "*crm.Service.Now", "*crm.Service.Normal",
		"*vefa.Engine.Service", "*vefa.Engine.Rules", "*vefa.Engine.Handler", "*vefa.Engine.Clicks", "*vefa.Engine.Close", "*vefa.Engine.Links", "*vefa.Engine.IDs", "*vefa.Engine.Desk",
		"*messaging.Outbox.Handler",
	}
	var names []string
	for _, v := range verbs() {
		name, _, _ := strings.Cut(v.name, " ")
		names = append(names, name)
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[*crm.Service](), reflect.TypeFor[*crm.Feed](), reflect.TypeFor[crm.Retry](), reflect.TypeFor[*vefa.Engine](),
		reflect.TypeFor[*messaging.Outbox](), reflect.TypeFor[*crm.Worker](), reflect.TypeFor[web.Store](), reflect.TypeFor[web.NotMeStore](), reflect.TypeFor[web.NotMeUndoStore](), reflect.TypeFor[web.DraftStore](), reflect.TypeFor[web.FollowUpStore](),
	} {
		for i := range typ.NumMethod() {
			name := typ.String() + "." + typ.Method(i).Name
			require.True(t, slices.Contains(names, name) || slices.Contains(without, name), "%s has no case in verbs", name)
		}
	}
}
