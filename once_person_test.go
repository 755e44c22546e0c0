package vefa_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// Case A6: a phone that a whole village uses gets one thing once, however many
// records bear it and whenever they come.
func TestSharedPhoneOnce(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	sender := messaging.NewMemorySender(nil)
	clock.Set(nighttest.Start.Add(-time.Hour))
	eng := welcome(t, store, clock, sender, "Orders > 0")
	for evening := range 3 {
		b := nighttest.People(90)
		b.Profiles = b.Profiles[60-30*evening:] // new ones come first in every order
		b.Facts = b.Facts[2*(60-30*evening):]
		for _, p := range b.Profiles {
			p.Contacts[0].Address = nighttest.Phone(0)
		}
		b.Facts = append(b.Facts, nighttest.Consent(0, "c0", crm.Granted, nighttest.Start.Add(-time.Hour)))
		clock.Set(nighttest.Start.AddDate(0, 0, evening))
		_, err := eng.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
		require.NoError(t, err)
		require.Len(t, sender.Messages(), 1, "evening %d", evening)
	}
	clean(t, store)
}

func clean(t *testing.T, store crm.Store) {
	t.Helper()
	rep, err := vefa.Audit(t.Context(), store, nighttest.Brand)
	require.NoError(t, err)
	require.True(t, rep.Clean(), "%+v", rep)
}

// A campaign that is drawn on two evenings reaches a person once, though the
// phone that it went to is not theirs any more.
func TestReplacedPhoneOnce(t *testing.T) {
	for name, between := range map[string]func(t *testing.T, svc *crm.Service){
		"replaced":   func(*testing.T, *crm.Service) {},
		"and merged": func(t *testing.T, svc *crm.Service) { merge(t, svc, 0, 1) },
		"and split after a merger": func(t *testing.T, svc *crm.Service) {
			merge(t, svc, 0, 1)
			_, err := svc.Split(t.Context(), "desk", crm.Evidence{}, nighttest.Key(0))
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, clock := memstore.New(), &crmtest.Clock{}
			clock.Set(nighttest.Start)
			shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
				c.Rules, c.Surveys = nil, nil
				c.Campaigns[0].On = []string{"2025-03-03", "2025-03-04"}
			})
			_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(2))})
			require.NoError(t, err)
			require.Len(t, shop.Sender.Messages(), 2)

			clock.Set(nighttest.Start.Add(time.Hour))
			b := nighttest.People(2)
			for i, p := range b.Profiles {
				p.Contacts[0].Address, p.At = nighttest.Phone(100+i), clock.Now()
				b.Facts = append(b.Facts, nighttest.Consent(100+i, fmt.Sprint("n", i), crm.Granted, clock.Now()))
			}
			_, err = shop.Engine.Service().Import(t.Context(), b)
			require.NoError(t, err)
			between(t, shop.Engine.Service())
			clock.Set(nighttest.Start.AddDate(0, 0, 1))
			rep, err := shop.Engine.Night(t.Context(), vefa.Night{})
			require.NoError(t, err)
			require.Positive(t, rep.Campaigns.Planned, "drawn on the new address")
			require.Len(t, shop.Sender.Messages(), 2)
			clean(t, store)
		})
	}
}

func merge(t *testing.T, svc *crm.Service, a, b int) {
	t.Helper()
	_, err := svc.Merge(t.Context(), "desk", crm.Evidence{}, nighttest.Key(a), nighttest.Key(b))
	require.NoError(t, err)
}

// Case A19: a reply that is delivered twice says the same both times, though the
// profile that said no is not found by its address any more.
func TestReplyTwice(t *testing.T) {
	w := newTown(t)
	for range 3 {
		_, err := w.Engine.Reply(t.Context(), nighttest.Phone(1), "in-2", "yanlış numara", w.Clock.Now())
		require.NoError(t, err)
	}
	require.Len(t, w.facts(t, crm.KindTicket), 1)
	require.Len(t, w.facts(t, "incident"), 1)
}
