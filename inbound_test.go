package vefa_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// tells lets a provider tell inbound messages.
func (c *counter) tells(in ...messaging.Inbound) vefa.FeedbackReport {
	c.t.Helper()
	rep, err := c.Engine.Feedback(c.t.Context(), messaging.Feedback{Inbound: in})
	require.NoError(c.t, err)
	return rep
}

// wrote returns the inbound messages of some people.
func (c *counter) wrote(people ...int) (out []*crm.Fact) {
	c.t.Helper()
	var from []crm.Subject
	for _, i := range people {
		from = append(from, crm.OfAddress(nighttest.Phone(i)))
	}
	require.NoError(c.t, c.store.View(c.t.Context(), func(r crm.Reader) error {
		for f, err := range crm.FactsOf(c.t.Context(), r, from, crm.KindInteraction) {
			if err != nil {
				return err
			}
			out = append(out, f)
		}
		return nil
	}))
	return out
}

// B17, D02: Twilio tells one message twice, its webhook without a time and its Poll with one, in
// either order: it is one message, in one ticket, answered once, also after that was solved.
func TestInboundWithAndWithoutTime(t *testing.T) {
	for _, inbox := range []*vefa.Inbox{nil, {}} {
		for _, pushedFirst := range []bool{true, false} {
			c := newCounter(t, func(cfg *vefa.Config) {
				cfg.Inbox = inbox
				cfg.AutoReplies = []vefa.AutoReply{{Content: messaging.Content{Channel: chat, Text: "We answer soon."}, Every: time.Hour}}
			})
			pushed := messaging.Inbound{ID: "SM0123456789abcdef0123456789abcdef", From: nighttest.Phone(0), To: crm.Address{Channel: chat, Value: "shop"}, Text: "The strap broke"}
			polled := pushed
			polled.At = c.Clock.Now()
			order := []messaging.Inbound{pushed, polled, pushed, polled}
			if !pushedFirst {
				order = []messaging.Inbound{polled, pushed, polled, pushed}
			}
			c.Clock.Advance(2 * time.Second)
			rep := c.tells(order[0])
			require.Equal(t, 1, rep.Answered)
			if inbox != nil {
				require.Equal(t, 1, rep.Opened)
				require.NoError(t, c.Engine.Service().SetTicket(t.Context(), c.tickets()[0].Ref(), crm.TicketSolved, "ayse", "done"))
			}
			c.deliver()
			for _, in := range order[1:] {
				c.Clock.Advance(2 * time.Hour)
				rep = c.tells(in)
				require.Zero(t, rep.Opened+rep.Appended)
				c.deliver()
			}
			require.Len(t, c.wrote(0), 1)
			require.Len(t, c.sent[chat].Messages(), 1, "answered once")
			require.LessOrEqual(t, len(c.tickets()), 1)

			// Counters that begin anew each day, or a sender that says something else, are others.
			next := polled
			next.At = c.Clock.Advance(24 * time.Hour)
			other := pushed
			other.Text = "And the clasp"
			c.tells(next, next)
			require.Len(t, c.wrote(0), 2)
			if c.tells(other); !pushedFirst { // else it has the id of the one that was pushed
				require.Len(t, c.wrote(0), 3)
			}
			c.clean()
		}
	}
}

// Told again by a provider that names no time an opt-out is no later one: a consent that was
// granted since stays.
func TestOptOutToldAgainWithoutTime(t *testing.T) {
	c := newCounter(t, nil)
	stop := messaging.Inbound{ID: "SM1", From: nighttest.Phone(0), Text: "STOP"}
	c.tells(stop)
	again := nighttest.Consent(0, "again", crm.Granted, c.Clock.Advance(time.Hour))
	_, err := c.Engine.Service().Import(t.Context(), crm.Batch{Facts: []*crm.Fact{again}})
	require.NoError(t, err)
	c.Clock.Advance(time.Hour)
	c.tells(stop)
	require.NoError(t, c.store.View(t.Context(), func(r crm.Reader) error {
		at, err := r.Addresses(t.Context(), nighttest.Phone(0))
		require.NoError(t, err)
		is, _ := at[0].Consent(nighttest.Brand)
		require.Equal(t, crm.Granted, is.Status)
		return nil
	}))
}

// Two who write are two, whatever ids their channels give, or they themselves: a Message-ID and a
// Date are their own words. Each message is kept and in the ticket of who wrote it by that channel.
func TestInboundOfOneID(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) { cfg.Inbox = &vefa.Inbox{} })
	at := c.Clock.Now()
	in := func(i int, via crm.Channel, text string) messaging.Inbound {
		return messaging.Inbound{ID: "1", From: nighttest.Phone(i), To: crm.Address{Channel: via, Value: "shop"}, Text: text, At: at}
	}
	for range 2 {
		for _, m := range []messaging.Inbound{in(0, crm.Phone, "The strap broke"), in(1, crm.Phone, "Where is my order?"), in(0, chat, "And by chat")} {
			c.tells(m)
		}
	}
	whose, texts := map[crm.ProfileKey]int{}, map[string]int{}
	for _, f := range c.tickets() {
		require.Len(t, f.Data.(*crm.Ticket).Related, 1)
		whose[f.Subject.Profile]++
		require.NotContains(t, f.Key.ID, nighttest.Phone(0).Value[3:])
	}
	require.Equal(t, map[crm.ProfileKey]int{nighttest.Key(0): 2, nighttest.Key(1): 1}, whose)
	for _, f := range c.wrote(0, 1) {
		texts[f.Data.(*crm.Interaction).Text]++
	}
	require.Equal(t, map[string]int{"The strap broke": 1, "Where is my order?": 1, "And by chat": 1}, texts)
}

// What was kept when keys were made of the id and the time alone is found, with its ticket; what
// found no ticket then, because another's had its key, gets one when it is told again.
func TestInboundOfOldKeys(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) { cfg.Inbox = &vefa.Inbox{} })
	at := c.Clock.Now()
	for _, id := range []string{"1", "2"} { // with a time, and without
		m := messaging.Inbound{ID: id, To: crm.Address{Channel: chat, Value: "shop"}, Text: "Merhaba"}
		key := crm.FactKey{Kind: crm.KindInteraction, Source: "inbound", ID: id}
		if id == "1" {
			m.At, key.ID = at, id+"@"+strconv.FormatInt(at.UnixMicro(), 10)
		}
		var facts []*crm.Fact
		for i := range 2 {
			facts = append(facts, &crm.Fact{Key: key, Subject: crm.OfAddress(nighttest.Phone(i)), At: at, Version: 1, Data: &crm.Interaction{Channel: string(chat), Direction: "in", Text: m.Text, Ref: m.ID}})
		}
		rep, err := c.Engine.Service().Import(t.Context(), crm.Batch{Facts: facts})
		require.NoError(t, err)
		require.Empty(t, rep.Rejected)
		_, err = c.Engine.Service().OpenTicket(t.Context(), nighttest.Key(0), "inbound", key.ID, crm.Ticket{Title: "old", Cause: key, Related: []crm.FactRef{facts[0].Ref()}})
		require.NoError(t, err)
		before := len(c.tickets())
		opened := 0
		for range 2 {
			for i := range 2 {
				m.From = nighttest.Phone(i)
				rep := c.tells(m)
				opened += rep.Opened + rep.Appended
			}
		}
		require.Equal(t, 1, opened)
		require.LessOrEqual(t, len(c.tickets()), before+1)
	}
	require.Len(t, c.wrote(0, 1), 4)
	c.clean()
}
