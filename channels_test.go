package vefa_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/rules"
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

// A message on a channel that nothing carries could never go out: New refuses it.
func TestNewRefusesAChannelWithoutSender(t *testing.T) {
	var cfg vefa.Config
	nighttest.New(t, memstore.New(), &crmtest.Clock{}, func(c *vefa.Config) { cfg = *c })
	cfg.Sender = messaging.ByChannel{push: messaging.NewMemorySender(nil)}
	_, err := vefa.New(cfg)
	require.ErrorContains(t, err, `message "campaign/spring" says something on channel "phone", for which Config.Sender has no sender`)
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

// A message that says something on several channels goes by one of them: what the customer
// prefers, then what the message names first, where nothing forbids that address; in the
// campaign, where the way is chosen when it is planned, and in a rule's message, where it is
// chosen when it leaves. What was chosen stays.
func TestContentsByChannel(t *testing.T) {
	mail := messaging.Channel{Name: crm.Email, Slots: []messaging.Slot{{Name: "subject", Form: messaging.LineForm}, {Name: "text"}}}
	chat := messaging.Channel{Name: "whatsapp", To: crm.Phone, Purpose: "chat"}
	contents := []messaging.Content{
		{Channel: crm.Email, Text: "Dear {given}: {link}", Parts: map[string]string{"subject": "For {given}"}},
		{Channel: "whatsapp", Text: "Hi {given} {link}"},
		{Channel: crm.Phone, Text: "{given}: {link}"},
	}
	said := messaging.Campaign{Contents: contents, URL: "https://shop.example/spring", Unmeasured: "a test", Fields: []messaging.Field{{Name: "given", Fallback: "you"}}}
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	senders := map[crm.Channel]*messaging.MemorySender{}
	build := func() *nighttest.Retailer {
		return nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Logger, c.Channels = slog.New(slog.DiscardHandler), []messaging.Channel{mail, chat}
			by := messaging.ByChannel{}
			for _, ch := range []crm.Channel{crm.Email, "whatsapp", crm.Phone} {
				senders[ch] = messaging.NewMemorySender(nil)
				by[ch] = senders[ch]
			}
			c.Sender = by
			spring, told := said, said
			spring.Name, told.Name = "spring", "told"
			c.Campaigns[0].Campaign = spring
			c.Messages = []messaging.Campaign{told}
			book, err := rules.ReadYAML("r.yaml", []byte("rules: [{name: told, when: Orders > 0, then: [{message: told, after: 1d}]}]"))
			require.NoError(t, err)
			c.Rules = []*rules.Book{book}
		})
	}
	w := build()
	b := nighttest.People(6)
	email := func(i int) crm.Address {
		return crm.Address{Channel: crm.Email, Value: nighttest.Key(i).ID + "@shop.example"}
	}
	agrees := func(id string, a crm.Address, purpose string, s crm.ConsentStatus) {
		key := nighttest.Brand
		key.Purpose = purpose
		b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "app", ID: id}, Subject: crm.OfAddress(a), At: nighttest.Start.Add(-time.Hour), Version: 1,
			Data: &crm.Consent{ConsentKey: key, Status: s}})
	}
	for i := 1; i < 6; i++ { // all but the first have an address for mail, too
		b.Profiles[i].Contacts = append(b.Profiles[i].Contacts, crm.Contact{Address: email(i)})
	}
	agrees("m1", email(1), "", crm.Granted) // 1: mail, which the message names first
	agrees("m2", email(2), "", crm.Granted) // 2: prefers text messages
	b.Profiles[2].Prefers = []crm.Channel{crm.Phone}
	agrees("m3", email(3), "", crm.Refused) // 3: refused mail, agreed to chats
	agrees("c3", nighttest.Phone(3), "chat", crm.Granted)
	agrees("m4", email(4), "", crm.Granted) // 4: prefers a channel that the message has not, and chats, without having agreed
	b.Profiles[4].Prefers = []crm.Channel{"fax", "whatsapp"}
	agrees("m5", email(5), "", crm.Granted) // 5: the mail bounced
	b.Facts = append(b.Facts, &crm.Fact{Key: crm.FactKey{Kind: crm.KindSuppression, Source: "app", ID: "b5"}, Subject: crm.OfAddress(email(5)), At: nighttest.Start.Add(-time.Hour), Version: 1,
		Data: &crm.Suppression{Reason: "hard bounce"}})
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(b)})
	require.NoError(t, err)
	want := map[crm.Channel][]crm.Address{
		crm.Email: {email(1), email(4)}, "whatsapp": {nighttest.Phone(3)}, crm.Phone: {nighttest.Phone(0), nighttest.Phone(2), nighttest.Phone(5)},
	}
	sentTo := func(cause string) map[crm.Channel][]crm.Address {
		out := map[crm.Channel][]crm.Address{}
		for ch, s := range senders {
			for _, m := range s.Messages() {
				if m.Cause != cause {
					continue
				}
				require.Equal(t, ch, m.Via)
				require.Contains(t, m.Text, "Ada")
				if ch == crm.Email {
					require.Equal(t, "For Ada", m.Parts["subject"])
				}
				out[ch] = append(out[ch], m.To)
			}
			slices.SortFunc(out[ch], crm.Address.Compare)
		}
		return out
	}
	require.Equal(t, want, sentTo("campaign/spring"))
	for _, f := range effectsOf(t, store, "campaign/spring") {
		require.Equal(t, f.To.Channel == crm.Phone && f.To == nighttest.Phone(3), f.Via == "whatsapp", "%v %v", f.To, f.Via)
	}

	clock.Advance(24 * time.Hour)
	w = build()
	_, err = w.Engine.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, sentTo("rule/told"))
	for _, f := range effectsOf(t, store, "rule/told") {
		require.Equal(t, f.To == nighttest.Phone(3), f.Via == "whatsapp", "%v %v", f.To, f.Via)
	}
}

// A message is measured as it goes out: one that its channel cannot carry fails alone, with
// the reason, and the others go.
func TestMessagesAreMeasuredWhenTheyLeave(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	picky := messaging.SMS()
	picky.Measure = func(_ *messaging.Content, m *messaging.Message) (messaging.Size, error) {
		if m.To == nighttest.Phone(1) {
			return messaging.Size{}, fmt.Errorf("%w: no route may carry it", messaging.ErrSize)
		}
		return messaging.Size{Units: 1, Unit: "segment"}, nil
	}
	w := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Logger, c.Rules, c.Channels = slog.New(slog.DiscardHandler), nil, []messaging.Channel{picky}
	})
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	require.Len(t, w.Sender.Messages(), 2)
	for _, f := range effectsOf(t, store, "campaign/spring") {
		require.Equal(t, f.Subject.Address == nighttest.Phone(1), f.State == crm.Failed)
		if f.State == crm.Failed {
			require.Contains(t, f.Reasons[0].Note, "no route may carry it")
		}
	}
}
