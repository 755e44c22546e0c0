package vefa_test

import (
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
	"github.com/vefacrm/vefa/messaging/consent"
	"github.com/vefacrm/vefa/messaging/delivery"
	"github.com/vefacrm/vefa/messaging/experiment"
)

// What providers tell settles messages, keeps their fate, stops writing to addresses that do
// not exist, and keeps what customers write; told again, it changes nothing.
func TestFeedback(t *testing.T) {
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	lost := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		if m.To == nighttest.Phone(1) || m.To == nighttest.Phone(2) {
			return crm.Receipt{Status: crm.Uncertain, Reason: "the answer was lost"}
		}
		return crm.Receipt{Status: crm.Accepted, Provider: "P" + m.To.Value}
	})
	w := nighttest.New(t, store, clock, func(c *vefa.Config) {
		c.Logger, c.Rules = slog.New(slog.DiscardHandler), nil
		c.Sender = unasked{lost}
	})
	_, err := w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(6))})
	require.NoError(t, err)
	id := map[crm.Address]crm.EffectID{}
	state := func() map[crm.Address]crm.EffectState {
		out := map[crm.Address]crm.EffectState{}
		for _, f := range effectsOf(t, store, "campaign/spring") {
			id[f.To], out[f.To] = f.ID, f.State
		}
		return out
	}
	got := state()
	require.Equal(t, crm.Done, got[nighttest.Phone(0)])
	require.Equal(t, crm.Unknown, got[nighttest.Phone(1)])

	at := nighttest.Start.Add(time.Minute)
	told := messaging.Feedback{
		Reports: []messaging.Report{
			{Provider: "P" + nighttest.Phone(0).Value, State: messaging.Delivered, At: at},
			{ID: id[nighttest.Phone(1)], Provider: "late", State: messaging.Enroute, At: at},
			{ID: id[nighttest.Phone(2)], State: messaging.Rejected, At: at, Reason: "black list"},
			{Provider: "P" + nighttest.Phone(3).Value, State: messaging.Undelivered, Bounce: true, At: at, Code: "1"},
			{State: messaging.Delivered},
		},
		Inbound: []messaging.Inbound{
			{ID: "1", From: nighttest.Phone(4), Text: "İPTAL", At: at},
			{ID: "2", From: nighttest.Phone(5), Text: "When are you open on Sunday?", At: at},
			{ID: "3", From: nighttest.Phone(0), Text: "STOP: I am out of the office", Automatic: true, At: at},
			{ID: "4", From: crm.Address{Channel: crm.Phone, Value: "no number"}, Text: "STOP", At: at},
			{From: nighttest.Phone(0)},
		},
	}
	check := func() {
		got, err := w.Engine.Feedback(t.Context(), told)
		require.ErrorIs(t, err, messaging.ErrReport)
		for _, want := range []string{"report 4: ", "inbound message 3: ", "inbound message 4: "} {
			require.ErrorContains(t, err, want)
		}
		require.NotContains(t, err.Error(), nighttest.Phone(0).Value)
		require.Equal(t, map[consent.Intent]int{consent.OptOut: 1, "": 2}, got.Replies)
		require.Zero(t, got.Effects.Conflicts, "nobody was in anybody's way")
		require.Equal(t, 4, got.Known+got.Effects.Done+got.Effects.Failed)
		states := state()
		require.Equal(t, crm.Done, states[nighttest.Phone(1)], "it left: a report says so")
		require.Equal(t, crm.Failed, states[nighttest.Phone(2)])
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			effects, err := r.Effects(t.Context(), id[nighttest.Phone(0)], id[nighttest.Phone(1)], id[nighttest.Phone(2)], id[nighttest.Phone(3)], id[nighttest.Phone(4)])
			require.NoError(t, err)
			fates, err := delivery.Fates(t.Context(), r, effects...)
			require.NoError(t, err)
			for i, want := range []messaging.Delivery{messaging.Delivered, messaging.Enroute, messaging.Rejected, messaging.Undelivered} {
				require.Equal(t, want, fates[i].State())
			}
			require.Nil(t, fates[4])
			addrs, err := r.Addresses(t.Context(), nighttest.Phone(0), nighttest.Phone(3), nighttest.Phone(4))
			require.NoError(t, err)
			require.Empty(t, addrs[0].Suppressed, "a program wrote it")
			require.Equal(t, []string{delivery.Reason}, addrs[1].Suppressed)
			c, _ := addrs[2].Consent(nighttest.Brand)
			require.Equal(t, crm.Refused, c.Status)
			for i, want := range map[int]string{4: "opt-out", 5: "", 0: "automatic"} {
				n := 0
				for f, err := range crm.FactsOf(t.Context(), r, []crm.Subject{crm.OfAddress(nighttest.Phone(i))}, crm.KindInteraction) {
					require.NoError(t, err)
					require.Equal(t, want, f.Data.(*crm.Interaction).Topic)
					require.Equal(t, "phone", f.Data.(*crm.Interaction).Channel)
					n++
				}
				require.Equal(t, 1, n, "person %d", i)
			}
			return nil
		}))
	}
	check()
	digest := func() (d [32]byte) {
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) (err error) {
			d, err = crm.Digest(t.Context(), r, clock.Now())
			return err
		}))
		return d
	}
	before := digest()
	check()
	require.Equal(t, before, digest())
	res, err := w.Engine.Results(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[messaging.Delivery]int{messaging.Delivered: 1, messaging.Enroute: 1, messaging.Undelivered: 1, "": 2}, res.Campaigns[0].Deliveries)
	require.EqualValues(t, 4, res.Campaigns[0].Report.Counts.Delivered, "one was refused, one came back")
	require.Equal(t, experiment.Unmeasured, res.Campaigns[0].Anytime.Result)
}

// unasked is a sender whose provider cannot be asked and recognises no ids.
type unasked struct{ messaging.Sender }

// A report of one part settles no message: refused is one of which all parts were, in whatever
// order and batches they are told; if any part arrived the message left, and was paid for.
func TestReportsOfParts(t *testing.T) {
	type told struct {
		part  int
		state messaging.Delivery
	}
	for name, c := range map[string]struct {
		told []told
		want []crm.EffectState // after each
	}{
		"refused and delivered": {[]told{{1, messaging.Rejected}, {2, messaging.Delivered}}, []crm.EffectState{crm.Unknown, crm.Done}},
		"delivered and refused": {[]told{{2, messaging.Delivered}, {1, messaging.Rejected}}, []crm.EffectState{crm.Unknown, crm.Done}},
		"one twice":             {[]told{{1, messaging.Rejected}, {1, messaging.Rejected}}, []crm.EffectState{crm.Unknown, crm.Unknown}},
		"all refused":           {[]told{{2, messaging.Rejected}, {1, messaging.Rejected}}, []crm.EffectState{crm.Unknown, crm.Failed}},
		"all on their way":      {[]told{{2, messaging.Enroute}, {1, messaging.Enroute}}, []crm.EffectState{crm.Unknown, crm.Done}},
		"the whole":             {[]told{{1, messaging.Rejected}, {0, messaging.Delivered}}, []crm.EffectState{crm.Unknown, crm.Done}},
	} {
		for _, atOnce := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", atOnce), func(t *testing.T) {
				sender := &forgetful{messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
					return crm.Receipt{ID: m.ID, Status: crm.Uncertain}
				})}
				shop, store := desked(t, 1, func(cfg *vefa.Config) { cfg.Sender = sender })
				o := offer()
				o.Budget.Messages = 1
				scheduled(t, shop, "everybody", o, nighttest.Start)
				_, err := shop.Engine.DrawDue(t.Context())
				require.NoError(t, err)
				_, err = shop.Engine.Deliver(t.Context())
				require.NoError(t, err)
				all, _ := recorded(t, store, crm.EffectMessage)
				require.Equal(t, crm.Unknown, all[0].State)
				var reports []messaging.Report
				for _, r := range c.told {
					one := messaging.Report{ID: all[0].ID, Part: r.part, State: r.state}
					if r.part > 0 {
						one.Parts = 2
					}
					reports = append(reports, one)
				}
				is := func(n int, want crm.EffectState) {
					rep, err := shop.Engine.Feedback(t.Context(), messaging.Feedback{Reports: reports[:n]})
					require.NoError(t, err)
					require.Zero(t, rep.Effects.Unmatched)
					all, _ := recorded(t, store, crm.EffectMessage)
					require.Equal(t, want, all[0].State)
				}
				if !atOnce {
					is(1, c.want[0])
				}
				for range 2 { // told again
					is(2, c.want[1])
				}
				p, err := shop.Engine.Progress(t.Context(), "offer")
				require.NoError(t, err)
				paid := int64(1)
				if c.want[1] == crm.Failed {
					paid = 0
				}
				require.Equal(t, paid, p.Budget[0].Used+p.Budget[0].Reserved)
				clean(t, store)
			})
		}
	}
}
