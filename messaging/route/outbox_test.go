package route_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/messagingtest"
	"github.com/vefacrm/vefa/messaging/netgsm"
	"github.com/vefacrm/vefa/messaging/providertest"
	"github.com/vefacrm/vefa/messaging/route"
	"github.com/vefacrm/vefa/messaging/verimor"
)

// TestOutbox: eight workers of an outbox send by a router whose first provider throttles,
// takes without an answer and loses requests. All of it is settled by asking, every message
// arrives once, and none stays open.
func TestOutbox(t *testing.T) {
	const n = 240
	clock := newClock()
	v, g := providertest.NewVerimor(providertest.Config{Seed: 5, Now: clock.Now}), providertest.NewNetgsm(providertest.Config{Seed: 5, Now: clock.Now})
	vs, gs := httptest.NewServer(v), httptest.NewServer(g)
	defer vs.Close()
	defer gs.Close()
	first, err := verimor.New(verimor.Config{URL: vs.URL, Username: v.Username, Password: v.Password, Header: "VEFA", Now: clock.Now, Batch: 8})
	require.NoError(t, err)
	second, err := netgsm.New(netgsm.Config{URL: gs.URL, Username: g.Username, Password: g.Password, Header: "VEFA", Now: clock.Now})
	require.NoError(t, err)
	v.SetFaults(providertest.Faults{Throttle: 0.3, Lost: 0.2, Error: 0.2, Drop: 0.2})
	prices := map[string]int64{"+90": 1}
	x := router(t, route.Config{Now: clock.Now, Failures: 1000, Routes: []route.Route{
		{Name: "verimor", Sender: first, Country: "+90", Profile: verimor.Profile(), Prices: prices},
		{Name: "netgsm", Sender: second, Country: "+90", Profile: netgsm.Profile(), Prices: prices}}})

	store := memstore.NewAt(clock.Now)
	text := map[crm.EffectID]messaging.Message{}
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
		for i := range n {
			m := messagingtest.Message(i)
			text[m.ID] = m
			if _, err := tx.PutEffects(t.Context(), &crm.Effect{ID: m.ID, Kind: crm.EffectMessage, Cause: m.Cause, Subject: crm.OfAddress(m.To),
				Due: clock.Now(), State: crm.Planned, Created: clock.Now(), Changed: clock.Now()}); err != nil {
				return err
			}
		}
		return nil
	}))
	outbox := &messaging.Outbox{Store: store, Sender: x, Now: clock.Now, LeaseNow: clock.Now, Batch: 40, Logger: slog.New(slog.DiscardHandler),
		Render: func(_ context.Context, _ crm.Tx, e *crm.Effect) (messaging.Message, error) { return text[e.ID], nil },
		Guard: func(_ context.Context, _ crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
			out := make([]messaging.Verdict, len(effects))
			for i := range out {
				out[i].Outcome = messaging.Send
			}
			return out, nil
		}}
	states := func() map[crm.EffectState]int {
		out := map[crm.EffectState]int{}
		require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
			all, err := r.ScanEffects(t.Context(), crm.PartRange{}, "", 10*n)
			for _, e := range all {
				out[e.State]++
			}
			return err
		}))
		return out
	}
	unknown := 0
	for range 60 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 4 {
					if _, err := outbox.RunOnce(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		got := states()
		unknown += got[crm.Unknown] + got[crm.Sent]
		if got[crm.Done] == n {
			break
		}
		clock.advance(6 * time.Minute)
	}
	require.Equal(t, map[crm.EffectState]int{crm.Done: n}, states())
	arrived := map[string]int{}
	for _, a := range append(v.Arrivals(), g.Arrivals()...) {
		arrived[a.Text]++
	}
	for _, m := range text {
		require.Equal(t, 1, arrived[m.Text], m.ID)
	}
	require.Greater(t, len(v.Arrivals()), n/4)
	require.Greater(t, len(g.Arrivals()), n/10)
	require.NotZero(t, unknown, "answers were lost")
}
