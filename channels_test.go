package vefa_test

import (
	"log/slog"
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

const push crm.Channel = "push"

// A campaign goes to addresses of its own channel and of no other: whom it has none
// of gets nothing, whatever else there is; of several it takes one with consent.
func TestCampaignsGoToAddressesOfTheirChannel(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	tokens := messaging.NewMemorySender(nil)
	var router messaging.ByChannel
	w := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Logger = slog.New(slog.DiscardHandler)
		router = messaging.ByChannel{crm.Phone: c.Sender, push: tokens}
		c.Sender = router
		on := c.Campaigns[0]
		on.Name, on.Channel = "app", push
		c.Campaigns = append(c.Campaigns, on)
	})
	b := nighttest.People(3)
	token := func(v string) crm.Address { return crm.Address{Channel: push, Value: v} }
	agrees := func(a crm.Address) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "app", ID: a.Value}, Subject: crm.OfAddress(a), At: nighttest.Start.Add(-time.Hour), Version: 1,
			Data: &crm.Consent{ConsentKey: nighttest.Brand, Status: crm.Granted}}
	}
	// The first has two tokens and has agreed on the second, the next one with its
	// number for a value, the last no token.
	b.Profiles[0].Contacts = append(b.Profiles[0].Contacts, crm.Contact{Address: token("old")}, crm.Contact{Address: token("new")})
	b.Profiles[1].Contacts = append(b.Profiles[1].Contacts, crm.Contact{Address: token(nighttest.Phone(1).Value)})
	b.Facts = append(b.Facts, agrees(token("new")), agrees(token(nighttest.Phone(1).Value)))
	rep, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	require.Equal(t, 5, rep.Delivered.Done)
	var to []crm.Address
	for _, m := range tokens.Messages() {
		to = append(to, m.To)
	}
	require.ElementsMatch(t, []crm.Address{token("new"), token(nighttest.Phone(1).Value)}, to)
	require.Len(t, w.Sender.Messages(), 3, "the other campaign goes to phones")
	for _, m := range w.Sender.Messages() {
		require.Equal(t, crm.Phone, m.To.Channel)
	}
	who, err := w.Engine.Service().CustomerOf(t.Context(), nighttest.Key(2))
	require.NoError(t, err)
	why, err := w.Engine.Why(t.Context(), who.ID, "campaign/app", vefa.WhyQuery{})
	require.NoError(t, err)
	require.Contains(t, why.String(), "no address that could be tried")
}

// What was planned for an address of another channel does not go out when the
// channel of its message has changed.
func TestAMessageDoesNotChangeItsChannel(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	sender := messaging.NewMemorySender(nil)
	open := func(ch crm.Channel) *vefa.Engine {
		return nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Logger, c.Sender = slog.New(slog.DiscardHandler), sender
			c.Campaigns[0].Channel, c.Campaigns[0].Start = ch, nighttest.Start.Add(48*time.Hour)
		}).Engine
	}
	_, err := open(crm.Phone).Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(2))})
	require.NoError(t, err)
	clock.Advance(49 * time.Hour)
	s, err := open(crm.Email).Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, s.Failed)
	for _, f := range effectsOf(t, store, "campaign/spring") {
		require.Equal(t, crm.Failed, f.State)
		require.Contains(t, f.Reasons[0].Note, "would go to an address of channel phone")
	}
	for _, m := range sender.Messages() {
		require.NotEqual(t, "campaign/spring", m.Cause)
	}
}
