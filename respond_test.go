package vefa_test

import (
	"encoding/json"
	"fmt"
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

const chat crm.Channel = "whatsapp"

// counter is a shop that is written to by phone, by WhatsApp and by mail.
type counter struct {
	*nighttest.Retailer
	t     *testing.T
	store crm.Store
	sent  map[crm.Channel]*messaging.MemorySender
	now   time.Time
}

func newCounter(t *testing.T, change func(*vefa.Config)) *counter {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	c := &counter{t: t, store: store, sent: map[crm.Channel]*messaging.MemorySender{}, now: nighttest.Start}
	c.Retailer = nighttest.New(t, store, clock, func(cfg *vefa.Config) {
		cfg.Logger, cfg.Rules, cfg.Campaigns = slog.New(slog.DiscardHandler), nil, nil
		cfg.Channels = []messaging.Channel{{Name: chat, To: crm.Phone, Slots: []messaging.Slot{{Name: "text", Max: 100}}},
			{Name: crm.Email, Slots: []messaging.Slot{{Name: "subject", Form: messaging.LineForm}, {Name: "text"}}}}
		by := messaging.ByChannel{}
		for _, ch := range []crm.Channel{crm.Phone, chat, crm.Email} {
			c.sent[ch] = messaging.NewMemorySender(nil)
			by[ch] = c.sent[ch]
		}
		cfg.Sender = by
		if change != nil {
			change(cfg)
		}
	})
	_, err := c.Engine.Service().Import(t.Context(), nighttest.People(4))
	require.NoError(t, err)
	return c
}

// writes lets somebody write, and returns where that is kept.
func (c *counter) writes(from crm.Address, via crm.Channel, id, text string) (crm.FactRef, vefa.FeedbackReport) {
	c.t.Helper()
	c.Clock.Advance(time.Minute)
	rep, err := c.Engine.Feedback(c.t.Context(), messaging.Feedback{Inbound: []messaging.Inbound{{ID: id, From: from, To: crm.Address{Channel: via, Value: "shop"}, Text: text, At: c.Clock.Now()}}})
	require.NoError(c.t, err)
	var ref crm.FactRef
	require.NoError(c.t, c.store.View(c.t.Context(), func(r crm.Reader) error {
		for f, err := range crm.FactsOf(c.t.Context(), r, []crm.Subject{crm.OfAddress(from)}, crm.KindInteraction) {
			require.NoError(c.t, err)
			if f.Data.(*crm.Interaction).Ref == id {
				ref = f.Ref()
			}
		}
		return nil
	}))
	require.NotZero(c.t, ref)
	return ref, rep
}

func (c *counter) ticket(i int, id string, tk crm.Ticket) crm.FactRef {
	ref, err := c.Engine.Service().OpenTicket(c.t.Context(), nighttest.Key(i), "desk", id, tk)
	require.NoError(c.t, err)
	return ref
}

func (c *counter) deliver() crm.WorkStats {
	c.t.Helper()
	s, err := c.Engine.Deliver(c.t.Context())
	require.NoError(c.t, err)
	return s
}

func (c *counter) clean() {
	c.t.Helper()
	rep, err := vefa.Audit(c.t.Context(), c.store, nighttest.Brand)
	require.NoError(c.t, err)
	require.True(c.t, rep.Clean(), "%+v", rep)
}

// D02: the customer does not have to change channel. Each answer goes by the channel and to the
// address that the customer wrote from, in its thread, whatever else the customer has.
func TestRespondsByTheChannelOfOrigin(t *testing.T) {
	c := newCounter(t, nil)
	ctx := t.Context()
	mail := crm.Address{Channel: crm.Email, Value: "ada@mail.example"}
	stranger := crm.Address{Channel: crm.Email, Value: "who@else.example"}

	first, _ := c.writes(nighttest.Phone(0), crm.Phone, "s1", "Merhaba")
	byMail, _ := c.writes(mail, crm.Email, "m1@mail.example", "The strap broke")
	byChat, _ := c.writes(nighttest.Phone(0), chat, "w1", "still broken")
	ticket := c.ticket(0, "1", crm.Ticket{Title: "Strap", Related: []crm.FactRef{first, byMail, byChat}})
	c.ticket(0, "2", crm.Ticket{Title: "another matter, open as well"})

	said := vefa.Response{ID: "r1", Ticket: ticket, Actor: "ayse", Text: "It is {on} its way."}
	f, err := c.Engine.Respond(ctx, said)
	require.NoError(t, err)
	again, err := c.Engine.Respond(ctx, said)
	require.NoError(t, err)
	require.Equal(t, f.ID, again.ID)
	other := said
	other.Text = "something else"
	_, err = c.Engine.Respond(ctx, other)
	require.ErrorIs(t, err, crm.ErrExists)
	_, err = c.Engine.Respond(ctx, vefa.Response{ID: "r2", To: byMail, Actor: "ayse", Text: "Dear Ada", Parts: map[string]string{"subject": "Re: strap"}})
	require.NoError(t, err)
	unknown, _ := c.writes(stranger, crm.Email, "m2@else.example", "Are you open?")
	_, err = c.Engine.Respond(ctx, vefa.Response{ID: "r3", To: unknown, Actor: "ayse", Text: "Yes", Parts: map[string]string{"subject": "Re: open"}})
	require.NoError(t, err)

	require.Equal(t, 3, c.deliver().Done)
	got := c.sent[chat].Messages()
	require.Len(t, got, 1)
	require.Equal(t, "It is {on} its way.", got[0].Text)
	require.Equal(t, nighttest.Phone(0), got[0].To)
	require.Equal(t, map[string]string{messaging.MetaAuto: messaging.ByPerson, messaging.MetaInReplyTo: "w1"}, got[0].Meta)
	require.Empty(t, c.sent[crm.Phone].Messages())
	mails := c.sent[crm.Email].Messages()
	require.Len(t, mails, 2)
	for _, m := range mails {
		want := map[crm.Address]string{mail: "m1@mail.example", stranger: "m2@else.example"}[m.To]
		require.Equal(t, want, m.Meta[messaging.MetaInReplyTo])
		require.Equal(t, vefa.Transactional, m.Class)
	}
	facts, err := c.Engine.Service().Facts(ctx, c.customer(0), crm.KindTicket)
	require.NoError(t, err)
	for _, f := range facts {
		if f.Key == ticket.Key {
			log := f.Data.(*crm.Ticket).Log
			require.Len(t, log, 1)
			require.Equal(t, "answered by whatsapp", log[0].Note)
		}
	}
	require.Zero(t, c.deliver().Due)
	c.clean()
}

func (c *counter) customer(i int) crm.CustomerID {
	who, err := c.Engine.Service().CustomerOf(c.t.Context(), nighttest.Key(i))
	require.NoError(c.t, err)
	return who.ID
}

// What cannot be answered says why, and nothing is planned.
func TestRespondRefuses(t *testing.T) {
	c := newCounter(t, nil)
	ctx := t.Context()
	in, _ := c.writes(nighttest.Phone(1), chat, "w1", "Hello")
	silent := c.ticket(1, "1", crm.Ticket{Title: "nobody wrote"})
	ok := vefa.Response{ID: "x", To: in, Actor: "ayse", Text: "Hi"}
	with := func(change func(*vefa.Response)) vefa.Response {
		r := ok
		change(&r)
		return r
	}
	for name, c2 := range map[string]struct {
		r    vefa.Response
		want error
	}{
		"no id":                           {with(func(r *vefa.Response) { r.ID = "" }), crm.ErrInvalid},
		"no actor":                        {with(func(r *vefa.Response) { r.Actor = " " }), crm.ErrInvalid},
		"about nothing":                   {with(func(r *vefa.Response) { r.To = crm.FactRef{} }), crm.ErrInvalid},
		"no text":                         {with(func(r *vefa.Response) { r.Text = "" }), crm.ErrInvalid},
		"too long":                        {with(func(r *vefa.Response) { r.Text = fmt.Sprintf("%0101d", 1) }), crm.ErrInvalid},
		"a part that the channel has not": {with(func(r *vefa.Response) { r.Parts = map[string]string{"subject": "x"} }), crm.ErrInvalid},
		"no message":                      {with(func(r *vefa.Response) { r.To.Key.ID = "none" }), crm.ErrNotFound},
		"no ticket":                       {with(func(r *vefa.Response) { r.Ticket = silent; r.Ticket.Key.ID = "none" }), crm.ErrNotFound},
		"nobody wrote":                    {with(func(r *vefa.Response) { r.Ticket, r.To = silent, crm.FactRef{} }), vefa.ErrNoOrigin},
	} {
		_, err := c.Engine.Respond(ctx, c2.r)
		require.ErrorIs(t, err, c2.want, name)
	}
	require.Zero(t, c.deliver().Due)

	// The address is suppressed after the answer was planned; lifted, the next one goes.
	_, err := c.Engine.Respond(ctx, ok)
	require.NoError(t, err)
	require.NoError(t, c.Engine.Service().Suppress(ctx, nighttest.Phone(1), crm.Suppression{Reason: "legal", Actor: "desk"}))
	s := c.deliver()
	require.Equal(t, 1, s.Withheld)
	c.Clock.Advance(time.Minute)
	require.NoError(t, c.Engine.Service().Suppress(ctx, nighttest.Phone(1), crm.Suppression{Reason: "legal", Off: true, Actor: "desk"}))
	_, err = c.Engine.Respond(ctx, with(func(r *vefa.Response) { r.ID = "y" }))
	require.NoError(t, err)
	require.Equal(t, 1, c.deliver().Done)
	c.clean()
}

// A ticket about a bad answer is answered as the invitation went out.
func TestRespondsToAnAnswerAsItsInvitationWent(t *testing.T) {
	c := newCounter(t, nil)
	ctx := t.Context()
	var invited crm.EffectID
	require.NoError(t, c.Engine.Service().Update(ctx, func(tx crm.Tx) error {
		f := &crm.Effect{Kind: crm.EffectMessage, Cause: "rule/x", Subject: crm.OfProfile(nighttest.Key(2)), Due: c.now, State: crm.Done, To: nighttest.Phone(2), Via: chat,
			SentAt: c.now, Created: c.now, Changed: c.now, Data: json.RawMessage(`{"name":"survey/visit","class":"transactional"}`), Guards: []crm.GuardRead{{Record: vefa.GuardAddress, Version: 1}}}
		f.ID = c.Engine.IDs().ID(f.Cause, f.Subject, f.About, "")
		invited = f.ID
		_, err := tx.PutEffects(ctx, f)
		return err
	}))
	answer := crm.FactKey{Kind: crm.KindAnswer, Source: "web", ID: "a"}
	require.NoError(t, c.Engine.Service().Record(ctx, &crm.Fact{Key: answer, Subject: crm.OfProfile(nighttest.Key(2)), At: c.now, Version: 1, Data: &crm.Answer{Survey: "visit", Effect: invited, Metric: "nps", Score: 2}}))
	ticket := c.ticket(2, "1", crm.Ticket{Title: "2 of 10", Cause: answer})
	_, err := c.Engine.Respond(ctx, vefa.Response{ID: "1", Ticket: ticket, Actor: "ayse", Text: "We are sorry"})
	require.NoError(t, err)
	require.Equal(t, 1, c.deliver().Done)
	require.Equal(t, nighttest.Phone(2), c.sent[chat].Messages()[0].To)
	c.clean()
}

// Customers who write are answered by a program once in a while, by the channel that the message came
// by; not programs, ourselves, those who want nothing more, nor those with an open ticket.
func TestAutoReplies(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) {
		cfg.AutoReplies = []vefa.AutoReply{{Content: messaging.Content{Channel: chat, Text: "We answer by tomorrow."}, Every: 24 * time.Hour, Own: []string{nighttest.Phone(3).Value}},
			{Content: messaging.Content{Channel: crm.Email, Text: "We answer by tomorrow.", Parts: map[string]string{"subject": "Your mail"}}}}
	})
	answered := func(i int, via crm.Channel, id, text string) int {
		_, rep := c.writes(nighttest.Phone(i), via, id, text)
		return rep.Answered
	}
	require.Equal(t, 1, answered(0, chat, "1", "Hello"))
	require.Equal(t, 0, answered(0, chat, "2", "Hello?"), "answered lately")
	require.Equal(t, 0, answered(0, crm.Phone, "3", "Hello?"), "no answer on that channel")
	require.Equal(t, 0, answered(1, chat, "4", "DUR"), "an opt-out")
	require.Equal(t, 0, answered(3, chat, "5", "Hello"), "our own")
	mail := crm.Address{Channel: crm.Email, Value: "ada@mail.example"}
	in := messaging.Inbound{ID: "m1@mail.example", From: mail, To: crm.Address{Channel: crm.Email, Value: "info@shop.example"}, Text: "Hello", At: c.Clock.Now()}
	program := in
	program.ID, program.Automatic = "m0@mail.example", true
	for range 2 { // told twice
		rep, err := c.Engine.Feedback(t.Context(), messaging.Feedback{Inbound: []messaging.Inbound{program, in}})
		require.NoError(t, err)
		require.Equal(t, 1, rep.Answered)
	}
	require.Equal(t, 2, c.deliver().Done)
	require.Equal(t, "We answer by tomorrow.", c.sent[chat].Messages()[0].Text)
	require.Equal(t, map[string]string{messaging.MetaAuto: messaging.AutoReplied, messaging.MetaInReplyTo: "m1@mail.example"}, c.sent[crm.Email].Messages()[0].Meta)
	require.Equal(t, "Your mail", c.sent[crm.Email].Messages()[0].Parts["subject"])

	c.Clock.Advance(24 * time.Hour)
	require.Equal(t, 1, answered(0, chat, "1", "Hello"), "the provider's counter began anew")
	c.ticket(0, "1", crm.Ticket{Title: "opened before it left"})
	require.Equal(t, 1, answered(2, chat, "7", "Hello"))
	_, err := c.Engine.Feedback(t.Context(), messaging.Feedback{Inbound: []messaging.Inbound{{ID: "8", From: nighttest.Phone(2), Text: "STOP", At: c.Clock.Now()}}})
	require.NoError(t, err)
	s := c.deliver()
	require.Equal(t, 2, s.Withheld)
	require.Zero(t, s.Done)
	got := map[string]bool{}
	for _, f := range effectsOf(t, c.store, "reply/auto") {
		if f.State == crm.Withheld {
			got[firstRefusal(f)] = true
		}
	}
	require.Equal(t, map[string]bool{messaging.GuardTicket: true, messaging.GuardConsent: true}, got)
	c.clean()
}

// New names every fault of the automatic replies.
// Our own number is ours however the configuration writes it: we do not answer ourselves.
func TestAutoReplyOwnNumber(t *testing.T) {
	own := nighttest.Phone(3).Value // +90532...
	for _, written := range []string{own, "0" + own[3:], own[1:], "0090 " + own[3:6] + " " + own[6:], " " + own} {
		c := newCounter(t, func(cfg *vefa.Config) {
			cfg.AutoReplies = []vefa.AutoReply{{Content: messaging.Content{Channel: chat, Text: "We answer by tomorrow."}, Own: []string{"@shop.example", written}}}
		})
		_, rep := c.writes(nighttest.Phone(3), chat, "x1", "Hello")
		require.Zero(t, rep.Answered, "it answers itself: %q is %q", written, own)
		_, rep = c.writes(nighttest.Phone(2), chat, "x2", "Hello")
		require.Equal(t, 1, rep.Answered)
	}
}

func TestNewRefusesAutoReplies(t *testing.T) {
	var cfg vefa.Config
	newCounter(t, func(c *vefa.Config) { cfg = *c })
	cfg.AutoReplies = []vefa.AutoReply{{}, {Content: messaging.Content{Channel: crm.Email, Text: "x"}}, {Content: messaging.Content{Channel: chat, Text: "Hi {given}"}},
		{Content: messaging.Content{Channel: "post", Text: "x"}, Every: -1}}
	_, err := vefa.New(cfg)
	for _, want := range []string{`AutoReplies[0]: channel ""`, "AutoReplies[1]: ", "subject is empty", "AutoReplies[2]: ", `no sender for channel "post"`, "every -1ns is negative"} {
		require.ErrorContains(t, err, want)
	}
}

// A host's message keeps what its sender needs besides.
func TestMetaReachesTheSender(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) {
		cfg.Messages = []messaging.Campaign{{Name: "code", Class: vefa.Transactional, Text: "1234"}}
	})
	meta := map[string]string{messaging.MetaInReplyTo: "m1@mail.example", messaging.MetaRecipient: "merchant"}
	data, err := json.Marshal(vefa.MessageData{Name: "message/code", Class: vefa.Transactional, Profile: nighttest.Key(0), Meta: meta})
	require.NoError(t, err)
	require.NoError(t, c.Engine.Service().Update(t.Context(), func(tx crm.Tx) error {
		f := &crm.Effect{Kind: crm.EffectMessage, Cause: "host/code", Subject: crm.OfProfile(nighttest.Key(0)), Due: c.now, State: crm.Planned, Created: c.now, Changed: c.now, Data: data}
		f.ID = c.Engine.IDs().ID(f.Cause, f.Subject, f.About, "")
		_, err := tx.PutEffects(t.Context(), f)
		return err
	}))
	require.Equal(t, 1, c.deliver().Done)
	require.Equal(t, meta, c.sent[crm.Phone].Messages()[0].Meta)
}

// "Wrong number" about an answer is about no message: it went to whoever wrote.
func TestNotMeToAnAnswer(t *testing.T) {
	c := newCounter(t, nil)
	in, _ := c.writes(crm.Address{Channel: crm.Phone, Value: "+905559999999"}, crm.Phone, "1", "Hello")
	_, err := c.Engine.Respond(t.Context(), vefa.Response{ID: "1", To: in, Actor: "ayse", Text: "Hi"})
	require.NoError(t, err)
	require.Equal(t, 1, c.deliver().Done)
	c.writes(crm.Address{Channel: crm.Phone, Value: "+905559999999"}, crm.Phone, "2", "yanlış numara")
	_, err = c.Engine.Respond(t.Context(), vefa.Response{ID: "2", To: in, Actor: "ayse", Text: "Sorry"})
	require.NoError(t, err)
	require.Equal(t, 1, c.deliver().Withheld)
}
