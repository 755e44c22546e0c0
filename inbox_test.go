package vefa_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// tickets returns every ticket of the record.
func (c *counter) tickets() (out []*crm.Fact) {
	require.NoError(c.t, c.store.View(c.t.Context(), func(r crm.Reader) error {
		for f, err := range crm.FactsOfKind(c.t.Context(), r, crm.AllParts(), crm.KindTicket) {
			if err != nil {
				return err
			}
			out = append(out, f)
		}
		return nil
	}))
	return out
}

// What a customer wrote in lines reaches the desk in lines, with nothing else that is no text, and
// no longer than is kept.
func TestInboundLines(t *testing.T) {
	c := newCounter(t, nil)
	long := strings.Repeat("ş", 4999)
	for i, of := range [][2]string{
		{"Order 17\nOrder 18\n\nBoth are late", "Order 17\nOrder 18\n\nBoth are late"},
		{"a\r\nb\rc\u2028d\x00e\tf\u202eg\n", "a\nb\nc\nd e f g\n"},
		{long + "\nşz", long + "\n"},
		{long + "z\nş", long + "z"},
		{long + "zşş\nş", long + "z"},
	} {
		ref, _ := c.writes(nighttest.Phone(0), crm.Phone, fmt.Sprint(i), of[0])
		require.NoError(t, c.store.View(t.Context(), func(r crm.Reader) error {
			f, err := r.Facts(t.Context(), ref)
			require.Equal(t, of[1], f[0].Data.(*crm.Interaction).Text)
			return err
		}))
	}
}

// B17, D02: what customers write reaches the desk: one conversation is one ticket, each message is
// in it once however often the provider tells it, and the answer goes back the same way.
func TestInbox(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) {
		cfg.Inbox = &vefa.Inbox{Assignee: "care", Priority: 4, Skip: func(m messaging.Inbound) bool { return strings.HasPrefix(m.Text, "ORDER ") }}
		cfg.AutoReplies = []vefa.AutoReply{{Content: messaging.Content{Channel: chat, Text: "We read this."}}}
	})
	ctx := t.Context()
	first, rep := c.writes(nighttest.Phone(0), chat, "w1", "The strap broke")
	require.Equal(t, 1, rep.Opened)
	require.Equal(t, 1, rep.Answered)
	all := c.tickets()
	require.Len(t, all, 1)
	tk := all[0].Data.(*crm.Ticket)
	require.Equal(t, nighttest.Key(0), all[0].Subject.Profile)
	require.Equal(t, crm.Ticket{Title: "A message by whatsapp", State: crm.TicketOpen, Reason: "inbound", Cause: first.Key, Related: []crm.FactRef{first}, Assignee: "care", Priority: 4, Opened: tk.Opened}, *tk)
	require.Equal(t, 1, c.deliver().Done, "the program's answer is not silenced by the ticket that it is about")
	require.Len(t, c.sent[chat].Messages(), 1)

	_, err := c.Engine.Service().ChangeTicket(ctx, all[0].Ref(), crm.TicketChange{Actor: "ayse", State: crm.TicketPending})
	require.NoError(t, err)
	second, rep := c.writes(nighttest.Phone(0), chat, "w2", "Are you there?")
	require.Equal(t, 1, rep.Appended)
	other, rep := c.writes(nighttest.Phone(0), crm.Phone, "s1", "by another channel")
	require.Equal(t, 1, rep.Opened)
	told := func(ref crm.FactRef, id, text string) messaging.Inbound {
		var at time.Time
		require.NoError(t, c.store.View(ctx, func(r crm.Reader) error {
			f, err := r.Facts(ctx, ref)
			at = f[0].At
			return err
		}))
		return messaging.Inbound{ID: id, From: nighttest.Phone(0), To: crm.Address{Channel: chat, Value: "shop"}, Text: text, At: at}
	}
	both := []messaging.Inbound{told(first, "w1", "The strap broke"), told(second, "w2", "Are you there?")}
	for range 3 { // the provider tells all of it again, and in one batch
		again, err := c.Engine.Feedback(ctx, messaging.Feedback{Inbound: both})
		require.NoError(t, err)
		require.Zero(t, again.Opened+again.Appended)
	}
	all = c.tickets()
	require.Len(t, all, 2)
	for _, f := range all {
		if tk := f.Data.(*crm.Ticket); tk.Cause == first.Key {
			require.Equal(t, []crm.FactRef{first, second}, tk.Related)
			require.Equal(t, crm.TicketOpen, tk.State, "what it waited for may have come")
			_, err = c.Engine.Respond(ctx, vefa.Response{ID: "r1", Ticket: f.Ref(), Actor: "ayse", Text: "Yes"})
			require.NoError(t, err)
			require.NoError(t, c.Engine.Service().SetTicket(ctx, f.Ref(), crm.TicketSolved, "ayse", "done"))
		} else {
			require.Equal(t, []crm.FactRef{other}, tk.Related)
		}
	}
	require.Equal(t, 1, c.deliver().Done)
	require.Equal(t, "w2", c.sent[chat].Messages()[1].Meta[messaging.MetaInReplyTo])
	_, err = c.Engine.Feedback(ctx, messaging.Feedback{Inbound: both})
	require.NoError(t, err)
	require.Len(t, c.tickets(), 2, "told again after it was solved")
	_, rep = c.writes(nighttest.Phone(0), chat, "w3", "It broke again")
	require.Equal(t, 1, rep.Opened)

	// A desk's own ticket goes on where the customer answers.
	mail := crm.Address{Channel: crm.Email, Value: "ada@mail.example"}
	_, err = c.Engine.Service().Import(ctx, crm.Batch{Profiles: []*crm.Profile{{ProfileKey: crm.ProfileKey{Source: "web", ID: "7"}, Contacts: []crm.Contact{{Address: mail}}, At: nighttest.Start}}})
	require.NoError(t, err)
	byMail, rep := c.writes(mail, crm.Email, "m1@mail.example", "ORDER 12345")
	require.Zero(t, rep.Opened, "the host takes orders")
	desk, err := c.Engine.Service().OpenTicket(ctx, crm.ProfileKey{Source: "web", ID: "7"}, "desk", "1", crm.Ticket{Title: "An order", Related: []crm.FactRef{byMail}})
	require.NoError(t, err)
	next, rep := c.writes(mail, crm.Email, "m2@mail.example", "and one more")
	require.Equal(t, 1, rep.Appended)
	// The source delivers its ticket again, and knows nothing of that.
	_, err = c.Engine.Service().Import(ctx, crm.Batch{Facts: []*crm.Fact{{Key: desk.Key, Subject: desk.Subject, At: nighttest.Start, Version: 5,
		Data: &crm.Ticket{Title: "An order, in time", State: crm.TicketOpen, Opened: nighttest.Start, Related: []crm.FactRef{byMail}}}}})
	require.NoError(t, err)
	for _, f := range c.tickets() {
		if f.Key == desk.Key {
			require.Equal(t, "An order, in time", f.Data.(*crm.Ticket).Title)
			require.Equal(t, []crm.FactRef{byMail, next}, f.Data.(*crm.Ticket).Related)
		}
	}

	// Opt-outs and what programs write are no matter for a desk; what might be an opt-out is.
	n := len(c.tickets())
	for text, want := range map[string]int{"STOP": 0, "bu mesajlardan sikayet ederim": 1} {
		_, rep = c.writes(nighttest.Phone(1), crm.Phone, text, text)
		require.Equal(t, want, rep.Opened, text)
	}
	_, err = c.Engine.Feedback(ctx, messaging.Feedback{Inbound: []messaging.Inbound{{ID: "a1", From: nighttest.Phone(2), Text: "I am away", At: c.Clock.Now(), Automatic: true}}})
	require.NoError(t, err)
	require.Len(t, c.tickets(), n+1)

	// Of somebody whom nobody knows.
	stranger := crm.Address{Channel: crm.Email, Value: "who@else.example"}
	c.writes(stranger, crm.Email, "x1@else.example", "Are you open on Sunday?")
	_, rep = c.writes(stranger, crm.Email, "x2@else.example", "Hello?")
	require.Equal(t, 1, rep.Appended)
	require.Len(t, c.tickets(), n+2)
	for _, f := range c.tickets() {
		require.NotContains(t, f.Subject.Profile.ID, "else.example")
	}
	c.clean()
	_, err = vefa.New(vefa.Config{Inbox: &vefa.Inbox{Priority: 10}})
	require.ErrorContains(t, err, "Inbox.Priority")
}

// A provider tells the same messages through eight connections at once, to two engines.
func TestInboxOfMany(t *testing.T) { nighttest.InboxOfMany(t, memstore.New(), 2) }

// A store that fails anywhere keeps neither a message without its ticket nor a ticket without its
// message, and told again it is as if nothing had failed.
func TestInboxFails(t *testing.T) {
	var mu sync.Mutex
	for n := 1; ; n++ {
		fail, count := 0, 0
		c := newCounter(t, func(cfg *vefa.Config) {
			cfg.Inbox = &vefa.Inbox{Skip: func(messaging.Inbound) bool { mu.Lock(); defer mu.Unlock(); count++; return false }}
			cfg.Store = &failing{Store: cfg.Store, at: &fail}
		})
		at := c.Clock.Now().Add(time.Minute)
		in := messaging.Feedback{Inbound: []messaging.Inbound{{ID: "s1", From: nighttest.Phone(0), Text: "Merhaba", At: at}}}
		fail = n
		_, err := c.Engine.Feedback(t.Context(), in)
		reached := fail <= 0
		fail = 0
		if reached {
			require.Error(t, err)
		}
		kept := 0
		require.NoError(t, c.store.View(t.Context(), func(r crm.Reader) error {
			for _, err := range crm.FactsOf(t.Context(), r, []crm.Subject{crm.OfAddress(nighttest.Phone(0))}, crm.KindInteraction) {
				require.NoError(t, err)
				kept++
			}
			return nil
		}))
		require.Len(t, c.tickets(), kept, "failed at update %d", n)
		_, err = c.Engine.Feedback(t.Context(), in)
		require.NoError(t, err)
		require.Len(t, c.tickets(), 1)
		if !reached {
			require.Greater(t, n, 1, "%d", count)
			return
		}
		require.Less(t, n, 100, fmt.Sprint(err))
	}
}

// failing is a store of which one update fails at its end.
type failing struct {
	crm.Store
	at *int
}

func (s *failing) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return s.Store.Update(ctx, func(tx crm.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if *s.at--; *s.at == 0 {
			return errors.New("the store fails")
		}
		return nil
	})
}

// What may be an opt-out stops every message but the answer of the person who has read it; an
// opt-out stops that one, too.
func TestAnUnclearReplyIsAnswered(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) { cfg.Inbox = &vefa.Inbox{} })
	_, rep := c.writes(nighttest.Phone(0), chat, "q", "Siparişimi iptal edin")
	require.Equal(t, 1, rep.Opened)
	ticket := c.tickets()[0].Ref()
	_, err := c.Engine.Respond(t.Context(), vefa.Response{ID: "a1", Ticket: ticket, Actor: "ayse", Text: "It is cancelled."})
	require.NoError(t, err)
	require.Equal(t, 1, c.deliver().Done)
	require.Len(t, c.sent[chat].Messages(), 1)

	c.clean()
	require.NoError(t, c.Engine.Service().Suppress(t.Context(), nighttest.Phone(0), crm.Suppression{Reason: "not-me", Actor: "desk"}))
	_, err = c.Engine.Respond(t.Context(), vefa.Response{ID: "a2", Ticket: ticket, Actor: "ayse", Text: "Anything else?"})
	require.NoError(t, err)
	require.Equal(t, 1, c.deliver().Withheld, "another suppression stops it")
	require.Len(t, c.sent[chat].Messages(), 1)
}

// A message from an address that several have is of the one whom the last message to it was about,
// and one of a conversation that several open tickets have goes into the latest.
func TestInboxChooses(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) {
		cfg.Inbox = &vefa.Inbox{}
		cfg.Messages = []messaging.Campaign{{Name: "code0", Class: vefa.Transactional, Text: "1234"}, {Name: "code1", Class: vefa.Transactional, Text: "5678"}}
	})
	shared := nighttest.Phone(50)
	b := nighttest.People(3)
	for _, p := range b.Profiles {
		p.At, p.Contacts = c.Clock.Now().Add(time.Second), []crm.Contact{{Address: shared}}
	}
	_, err := c.Engine.Service().Import(t.Context(), crm.Batch{Profiles: b.Profiles})
	require.NoError(t, err)
	for n, about := range []int{2, 1} { // the last is neither the first of them nor the last
		data, err := json.Marshal(vefa.MessageData{Name: fmt.Sprint("message/code", n), Class: vefa.Transactional, Profile: nighttest.Key(about)})
		require.NoError(t, err)
		now := c.Clock.Advance(time.Minute)
		require.NoError(t, c.Engine.Service().Update(t.Context(), func(tx crm.Tx) error {
			f := &crm.Effect{Kind: crm.EffectMessage, Cause: fmt.Sprint("host/code", n), Subject: crm.OfProfile(nighttest.Key(about)), Due: now, State: crm.Planned, Created: now, Changed: now, Data: data}
			f.ID = c.Engine.IDs().ID(f.Cause, f.Subject, f.About, "")
			_, err := tx.PutEffects(t.Context(), f)
			return err
		}))
		require.Equal(t, 1, c.deliver().Done)
		require.Equal(t, shared, c.sent[crm.Phone].Messages()[n].To)
	}
	first, rep := c.writes(shared, chat, "w1", "Merhaba")
	require.Equal(t, 1, rep.Opened)
	require.Equal(t, nighttest.Key(1), c.tickets()[0].Subject.Profile)

	now := c.Clock.Now()
	var latest crm.FactRef
	for id, after := range map[string]time.Duration{"1": 2 * time.Second, "2": 3 * time.Second, "3": time.Second} {
		ref, err := c.Engine.Service().OpenTicket(t.Context(), nighttest.Key(1), "desk", id, crm.Ticket{Title: "x", Opened: now.Add(after), Related: []crm.FactRef{first}})
		require.NoError(t, err)
		if id == "2" {
			latest = ref
		}
	}
	second, rep := c.writes(shared, chat, "w2", "Hello?")
	require.Equal(t, 1, rep.Appended)
	for _, f := range c.tickets() {
		require.Equal(t, f.Ref() == latest, slices.Contains(f.Data.(*crm.Ticket).Related, second), "%v", f.Ref())
	}
}

// A ticket has 200 messages at most; then the conversation goes on in another.
func TestInboxOfManyMessages(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) { cfg.Inbox = &vefa.Inbox{} })
	var before []*crm.Fact
	var refs []crm.FactRef
	for n := range 199 {
		f := &crm.Fact{Key: crm.FactKey{Kind: crm.KindInteraction, Source: "chat", ID: fmt.Sprint(n)}, Subject: crm.OfAddress(nighttest.Phone(0)), At: nighttest.Start, Version: 1,
			Data: &crm.Interaction{Channel: string(chat), Direction: "in", Text: "Merhaba"}}
		before, refs = append(before, f), append(refs, f.Ref())
	}
	_, err := c.Engine.Service().Import(t.Context(), crm.Batch{Facts: before})
	require.NoError(t, err)
	full, err := c.Engine.Service().OpenTicket(t.Context(), nighttest.Key(0), "desk", "1", crm.Ticket{Title: "x", Related: refs})
	require.NoError(t, err)
	for n, want := range [][2]int{{0, 1}, {1, 0}, {0, 1}} { // opened, appended
		_, rep := c.writes(nighttest.Phone(0), chat, fmt.Sprint("w", n), "Merhaba")
		require.Equal(t, want, [2]int{rep.Opened, rep.Appended}, "%d", n)
	}
	for _, f := range c.tickets() {
		require.Len(t, f.Data.(*crm.Ticket).Related, map[bool]int{true: 200, false: 2}[f.Ref() == full])
	}
}
