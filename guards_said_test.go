package vefa_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// plan plans a message of the configuration to a person.
func (c *counter) plan(i int, name, occurrence string, change func(*crm.Effect, *vefa.MessageData)) *crm.Effect {
	c.t.Helper()
	d := vefa.MessageData{Name: name, Profile: nighttest.Key(i), Class: vefa.Transactional}
	now := c.Clock.Now()
	f := &crm.Effect{Kind: crm.EffectMessage, Cause: "host/" + name, Subject: crm.OfProfile(nighttest.Key(i)), Occurrence: occurrence, Due: now, State: crm.Planned, Created: now, Changed: now}
	if change != nil {
		change(f, &d)
	}
	var err error
	f.Data, err = json.Marshal(d)
	require.NoError(c.t, err)
	f.ID = c.Engine.IDs().ID(f.Cause, f.Subject, f.About, f.Occurrence)
	require.NoError(c.t, c.Engine.Service().Update(c.t.Context(), func(tx crm.Tx) error {
		_, err := tx.PutEffects(c.t.Context(), f)
		return err
	}))
	return f
}

// fate returns the state of an effect and the guard that stopped it.
func (c *counter) fate(f *crm.Effect) (crm.EffectState, string) {
	c.t.Helper()
	var out *crm.Effect
	require.NoError(c.t, c.store.View(c.t.Context(), func(r crm.Reader) error {
		all, err := r.Effects(c.t.Context(), f.ID)
		out = all[0]
		return err
	}))
	if out.State == crm.Done {
		return out.State, ""
	}
	return out.State, firstRefusal(out)
}

func (c *counter) merge(a, b int) {
	_, err := c.Engine.Service().Regroup(c.t.Context(), crm.Grouping{Profiles: []crm.ProfileKey{nighttest.Key(a), nighttest.Key(b)}, Kind: crm.LinkManual, Actor: "desk"})
	require.NoError(c.t, err)
}

func said(name, text string) messaging.Campaign {
	return messaging.Campaign{Name: name, Class: vefa.Transactional, Text: text, URL: "https://shop.example/x"}
}

// A person is told the same once within the time, in one transaction or in two, at whatever
// address; not for ever, and other things at once.
func TestUnrepeated(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) {
		cfg.Messages = []messaging.Campaign{said("a", "Bring your watch: {link}"), said("b", "Bring your watch: {link} "), said("c", "Your watch is ready: {link}")}
		cfg.Guards = []vefa.Guard{vefa.Unrepeated(24 * time.Hour)}
	})
	c.merge(0, 1)
	link := func(n uint64) func(*crm.Effect, *vefa.MessageData) {
		return func(_ *crm.Effect, d *vefa.MessageData) { d.Link = n }
	}
	first := []*crm.Effect{c.plan(0, "message/a", "1", link(1)), c.plan(1, "message/b", "1", link(2))} // two numbers of one person
	other, ready := c.plan(2, "message/a", "1", link(3)), c.plan(0, "message/c", "1", link(4))
	c.deliver()
	done := 0
	for _, f := range first {
		state, guard := c.fate(f)
		if state == crm.Done {
			done++
			continue
		}
		require.Equal(t, vefa.GuardContent, guard)
	}
	require.Equal(t, 1, done)
	for _, f := range []*crm.Effect{other, ready} {
		state, _ := c.fate(f)
		require.Equal(t, crm.Done, state)
	}
	c.Clock.Advance(23 * time.Hour)
	again := c.plan(1, "message/a", "2", link(5))
	c.deliver()
	_, guard := c.fate(again)
	require.Equal(t, vefa.GuardContent, guard)
	c.Clock.Advance(2 * time.Hour)
	later := c.plan(1, "message/a", "3", link(6))
	c.deliver()
	state, _ := c.fate(later)
	require.Equal(t, crm.Done, state)
	c.clean()
}

// A reminder does not follow the receipt of the same order, an offer the better one.
func TestContradicting(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) {
		cfg.Messages = []messaging.Campaign{said("paid", "Thank you {link}"), said("remind", "Please pay {link}"), said("best", "20% {link}"), said("good", "10% {link}")}
		cfg.Guards = []vefa.Guard{vefa.Contradicting(vefa.Contradiction{First: "message/paid", Then: "message/remind"},
			vefa.Contradiction{First: "message/best", Then: "message/good", Within: 48 * time.Hour})}
	})
	about := func(id string) func(*crm.Effect, *vefa.MessageData) {
		return func(f *crm.Effect, _ *vefa.MessageData) {
			f.About = crm.FactKey{Kind: crm.KindOrder, Source: "pos", ID: id}
		}
	}
	c.plan(0, "message/paid", "", about("o1"))
	c.plan(1, "message/best", "", nil)
	c.deliver()
	c.Clock.Advance(time.Hour)
	same, another, before := c.plan(0, "message/remind", "", about("o1")), c.plan(0, "message/remind", "", about("o2")), c.plan(2, "message/remind", "", about("o3"))
	poorer := c.plan(1, "message/good", "1", nil)
	c.deliver()
	for f, want := range map[*crm.Effect]string{same: vefa.GuardContrary, another: "", before: "", poorer: vefa.GuardContrary} {
		_, guard := c.fate(f)
		require.Equal(t, want, guard, f.About.ID)
	}
	c.Clock.Advance(48 * time.Hour)
	later := c.plan(1, "message/good", "2", nil)
	c.deliver()
	state, _ := c.fate(later)
	require.Equal(t, crm.Done, state)
	c.clean()
}

// E23: what is private does not go to a number that two customers have, nor to one that linkage was
// not sure about; anything else does.
func TestConfident(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) {
		cfg.Messages = []messaging.Campaign{said("bill", "Your bill {link}"), said("open", "We are open {link}")}
		cfg.Guards = []vefa.Guard{vefa.Confident(vefa.Confidence{Private: []string{"message/bill"}})}
	})
	ctx := t.Context()
	svc := c.Engine.Service()
	put := func(source, id string, a crm.Address) crm.ProfileKey {
		k := crm.ProfileKey{Source: source, ID: id}
		p := &crm.Profile{ProfileKey: k, Name: crm.Name{Given: "Ada"}, At: c.now}
		if !a.IsZero() {
			p.Contacts = []crm.Contact{{Address: a}}
		}
		require.NoError(t, svc.PutProfile(ctx, p))
		return k
	}
	shared := put("web", "1", nighttest.Phone(1)) // somebody else gives the number of person 1
	bare := func(id string, weight float64, kind crm.LinkKind, with int) crm.ProfileKey {
		k := put("web", id, crm.Address{})
		_, err := svc.Regroup(ctx, crm.Grouping{Profiles: []crm.ProfileKey{nighttest.Key(with), k}, Kind: kind, Actor: "test",
			Evidence: crm.Evidence{Weight: weight}})
		require.NoError(t, err)
		return k
	}
	weak, strong := bare("2", 3, crm.LinkMatched, 2), bare("3", 12, crm.LinkMatched, 3)
	to := func(k crm.ProfileKey) func(*crm.Effect, *vefa.MessageData) {
		return func(f *crm.Effect, d *vefa.MessageData) { f.Subject, d.Profile = crm.OfProfile(k), k }
	}
	for _, x := range []struct {
		name string
		f    *crm.Effect
		want string
	}{
		{"its own", c.plan(0, "message/bill", "", nil), ""},
		{"shared", c.plan(1, "message/bill", "", nil), vefa.GuardConfidence},
		{"shared, by the other", c.plan(0, "message/bill", "other", to(shared)), vefa.GuardConfidence},
		{"shared, not private", c.plan(1, "message/open", "", nil), ""},
		{"the record that has the number", c.plan(2, "message/bill", "", nil), ""},
		{"another record, linked weakly", c.plan(2, "message/bill", "weak", to(weak)), vefa.GuardConfidence},
		{"another record, linked strongly", c.plan(3, "message/bill", "strong", to(strong)), ""},
	} {
		c.deliver()
		_, guard := c.fate(x.f)
		require.Equal(t, x.want, guard, x.name)
	}
	// The other says that the number is not his: it is person 1's alone again.
	_, err := svc.NotMe(ctx, shared, nighttest.Phone(1), "recipient")
	require.NoError(t, err)
	f := c.plan(1, "message/bill", "after", nil)
	c.deliver()
	_, guard := c.fate(f)
	t.Log("after not me:", guard)
	require.NotEqual(t, vefa.GuardConfidence, guard)
}

// A message leaves after the one that it follows, however that is put off; the answers to a
// conversation in the order in which they were given.
func TestOrder(t *testing.T) {
	busy := true
	slow := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		if busy && (m.Cause == "host/message/receipt" || m.Text == "first") {
			return crm.Receipt{Status: crm.Throttled, After: 10 * time.Minute}
		}
		return crm.Receipt{Status: crm.Accepted}
	})
	c := newCounter(t, func(cfg *vefa.Config) {
		cfg.Messages = []messaging.Campaign{said("receipt", "Received {link}"), said("rate", "Rate us {link}")}
		cfg.Sender = slow
	})
	receipt := c.plan(0, "message/receipt", "", nil)
	rate := c.plan(0, "message/rate", "", func(_ *crm.Effect, d *vefa.MessageData) { d.After = receipt.ID })
	lone := c.plan(1, "message/rate", "", func(_ *crm.Effect, d *vefa.MessageData) { d.After = "000000000000000000000000000000a" }) // is not there
	in, _ := c.writes(nighttest.Phone(2), crm.Phone, "1", "Hello")
	for _, text := range []string{"first", "second", "third"} {
		_, err := c.Engine.Respond(t.Context(), vefa.Response{ID: text, To: in, Actor: "ayse", Text: text})
		require.NoError(t, err)
		c.Clock.Advance(time.Second)
	}
	for range 20 {
		c.deliver()
		c.Clock.Advance(time.Minute)
		if c.Clock.Now().After(nighttest.Start.Add(6 * time.Minute)) {
			busy = false
		}
	}
	for range 5 {
		c.deliver()
		c.Clock.Advance(2 * time.Minute)
	}
	var order []string
	for _, m := range slow.Messages() {
		order = append(order, m.Cause+" "+m.Text)
	}
	require.Len(t, order, 6)
	at := func(f func(messaging.Message) bool) int {
		for i, m := range slow.Messages() {
			if f(m) {
				return i
			}
		}
		t.Fatal("it did not leave")
		return 0
	}
	by := func(id crm.EffectID) int { return at(func(m messaging.Message) bool { return m.ID == id }) }
	text := func(s string) int { return at(func(m messaging.Message) bool { return m.Text == s }) }
	require.Zero(t, by(lone.ID), "it waits for nothing that there is not")
	require.Less(t, by(receipt.ID), by(rate.ID))
	require.Less(t, text("first"), text("second"))
	require.Less(t, text("second"), text("third"))
	c.clean()
}

// A guard of the host's own, and what New says of those that cannot work.
func TestGuardsOfTheHost(t *testing.T) {
	var cfg vefa.Config
	c := newCounter(t, func(x *vefa.Config) {
		x.Messages = []messaging.Campaign{said("a", "Hello {link}")}
		x.Guards = []vefa.Guard{{Name: "night-shift", Ask: func(_ context.Context, s *vefa.Sending) (vefa.Objection, error) {
			if s.Message.To == nighttest.Phone(0) {
				return vefa.Objection{NotBefore: nighttest.Start.Add(time.Hour), Note: "later"}, nil
			}
			return vefa.Objection{}, nil
		}}}
		cfg = *x
	})
	waits, goes := c.plan(0, "message/a", "", nil), c.plan(1, "message/a", "", nil)
	s := c.deliver()
	require.Equal(t, 1, s.Deferred)
	state, guard := c.fate(waits)
	require.Equal(t, crm.Planned, state)
	require.Equal(t, "night-shift", guard)
	state, _ = c.fate(goes)
	require.Equal(t, crm.Done, state)
	cfg.Guards = []vefa.Guard{{}, vefa.Unrepeated(0), vefa.Contradicting(vefa.Contradiction{First: "message/a", Then: "message/a"}), vefa.Confident(vefa.Confidence{Private: []string{"message/none"}}), vefa.Contradicting()}
	_, err := vefa.New(cfg)
	for _, want := range []string{"Guards[0]", "Ask must be set", "Guards[1] \"same-content\"", "contradiction 0", `there is no message "message/none"`, "Guards[4] \"contradiction\": its name is empty or there twice", "there are no contradictions"} {
		require.ErrorContains(t, err, want)
	}
}

// The audit finds what the guards should have stopped.
func TestAuditFindsRepeatedContentAndOrder(t *testing.T) {
	c := newCounter(t, func(cfg *vefa.Config) { cfg.Messages = []messaging.Campaign{said("a", "Hello {link}")} })
	sent := func(i int, occurrence string, at time.Time, content int64, after crm.EffectID) *crm.Effect {
		return c.plan(i, "message/a", occurrence, func(f *crm.Effect, d *vefa.MessageData) {
			f.State, f.SentAt, f.To, d.After = crm.Done, at, nighttest.Phone(i), after
			f.Guards = []crm.GuardRead{{Record: vefa.GuardAddress, Version: 1}, {Record: "content", Version: content}, {Record: "content-within", Version: time.Hour.Microseconds()}}
		})
	}
	start := nighttest.Start.Add(time.Hour)
	sent(0, "1", start, 7, "")
	sent(0, "2", start.Add(59*time.Minute), 7, "")
	sent(0, "3", start.Add(2*time.Hour), 7, "")
	sent(1, "1", start, 7, "")
	sent(1, "2", start, 8, "")
	late := sent(2, "1", start.Add(time.Minute), 9, "")
	sent(2, "2", start, 10, late.ID)
	rep, err := vefa.Audit(t.Context(), c.store, nighttest.Brand)
	require.NoError(t, err)
	require.Equal(t, 1, rep.ContentRepeated, "%+v", rep)
	require.Equal(t, 1, rep.SentBeforeCause, "%+v", rep)
	require.False(t, rep.Clean())
}
