package email_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/email"
)

// party is an installation that answers mail.
type party struct {
	address string
	reader  *email.Reader
	auto    *email.AutoReply
	sender  *email.Sender
	server  *server // that its mail goes to
	mails   int     // written
	read    int     // of the server of the other
}

func newParty(t *testing.T, address string, key byte, clock *crmtest.Clock) *party {
	t.Helper()
	_, domain, _ := strings.Cut(address, "@")
	v, err := email.NewVERP("bounce", domain, secret(key))
	require.NoError(t, err)
	p := &party{address: address, reader: &email.Reader{VERP: v}, server: serve(t, &server{}, false)}
	p.auto = &email.AutoReply{Service: crm.New(memstore.New(), crm.Config{Now: clock.Now}), Own: []string{"@" + domain}}
	p.sender, err = email.New(email.Config{Addr: p.server.addr, From: address, VERP: v})
	require.NoError(t, err)
	return p
}

// turn reads what other wrote and answers it where that is allowed.
func (p *party) turn(t *testing.T, other *party, strip bool) {
	t.Helper()
	all := other.server.got()
	for _, a := range all[other.read:] {
		other.read++
		text := "Return-Path: <" + a.from + ">\r\n" + a.data
		if strip { // by a gateway that knows better
			text = strings.ReplaceAll(text, "Auto-Submitted", "X-Was")
		}
		for _, in := range read(t, p.reader, text).Inbound {
			why, err := p.auto.Allow(t.Context(), in)
			require.NoError(t, err)
			if why != "" {
				continue
			}
			p.send(t, email.Answer(in, crmtest.EffectID("auto", crm.OfAddress(in.From), crm.FactKey{}, in.ID), "Aldık", "Teşekkürler"))
		}
	}
}

func (p *party) send(t *testing.T, m messaging.Message) {
	t.Helper()
	out, err := p.sender.Send(t.Context(), []messaging.Message{m})
	require.NoError(t, err)
	require.Equal(t, crm.Accepted, out[0].Status, out[0].Reason)
	p.mails++
}

// TestLoop is C08: two installations that answer every mail, one of which writes to the
// other, end after a mail each, whether their marks arrive or not.
func TestLoop(t *testing.T) {
	for _, strip := range []bool{false, true} {
		clock := at9()
		a, b := newParty(t, "info@a.example", 1, clock), newParty(t, "info@b.example", 2, clock)
		first := email.Answer(messaging.Inbound{From: crm.Address{Channel: crm.Email, Value: b.address}}, letter(1).ID, "Merhaba", "Soru")
		first.Meta = map[string]string{email.MetaAuto: email.ByPerson}
		a.send(t, first)
		for range 20 {
			b.turn(t, a, strip)
			a.turn(t, b, strip)
			clock.Advance(time.Hour)
		}
		require.Equal(t, 1, b.mails)
		want := 1 // that of the person
		if strip {
			want = 2 // and one answer to what looked like a person's
		}
		require.Equal(t, want, a.mails)
	}
}

func TestAllow(t *testing.T) {
	clock := at9()
	auto := &email.AutoReply{Service: crm.New(memstore.New(), crm.Config{Now: clock.Now}), Own: []string{"Info@shop.example", "@mail.shop.example"}, Every: 24 * time.Hour}
	in := func(from, id string) messaging.Inbound {
		return messaging.Inbound{ID: id, From: crm.Address{Channel: crm.Email, Value: from}, Text: "x"}
	}
	allow := func(m messaging.Inbound) string {
		why, err := auto.Allow(t.Context(), m)
		require.NoError(t, err)
		return why
	}
	require.Empty(t, allow(in("Ayse@a.example", "1@a.example")))
	require.Empty(t, allow(in("ayse@a.example", "1@a.example")), "the same mail again")
	require.Equal(t, email.AnsweredLately, allow(in("ayse@a.example", "2@a.example")))
	clock.Advance(23 * time.Hour)
	require.Equal(t, email.AnsweredLately, allow(in("ayse@a.example", "2@a.example")))
	clock.Advance(time.Hour)
	require.Empty(t, allow(in("ayse@a.example", "2@a.example")))
	require.Equal(t, email.OurOwn, allow(in("info@shop.example", "1@shop.example")))
	require.Equal(t, email.OurOwn, allow(in("x@mail.shop.example", "1@shop.example")))
	require.Empty(t, allow(in("x@shop.example", "1@shop.example")))
	require.Equal(t, email.NoAddress, allow(in("a b@c.example", "1@c.example")))
	require.Equal(t, email.NoAddress, allow(messaging.Inbound{ID: "1", From: crm.Address{Channel: crm.Phone, Value: "+905321234567"}}))
	automatic := in("y@a.example", "1@a.example")
	automatic.Automatic = true
	require.Equal(t, email.WrittenByProgram, allow(automatic))

	var wg sync.WaitGroup
	var mu sync.Mutex
	yes := 0
	for i := range 16 { // at once
		wg.Go(func() {
			why, err := auto.Allow(t.Context(), in("z@a.example", string(rune('a'+i))+"@a.example"))
			mu.Lock()
			defer mu.Unlock()
			if err == nil && why == "" {
				yes++
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, yes)
}

func at9() *crmtest.Clock {
	c := &crmtest.Clock{}
	c.Set(time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC))
	return c
}
