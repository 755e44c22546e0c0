package messaging_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/messaging"
)

// dying panics, and takes two messages at a time.
type dying struct{ calls int }

func (*dying) MaxBatch() int { return 2 }

func (d *dying) Send(_ context.Context, batch []messaging.Message) ([]crm.Receipt, error) {
	if d.calls++; len(batch) > 2 {
		return nil, nil
	}
	panic("no route")
}

// Each channel has its sender: one that fails takes no other with it, and each is
// asked about its own messages.
func TestByChannel(t *testing.T) {
	sms, mail, dead := messaging.NewMemorySender(nil), messaging.NewMemorySender(nil), &dying{}
	to := func(ch crm.Channel, v string) crm.Address { return crm.Address{Channel: ch, Value: v} }
	addrs := []crm.Address{phone(0), to(crm.Email, "a@b.example"), to("push", "x"), to("post", "y"), to("push", "z"), to("push", "+905320000000")}
	w := newWorld(t, 0, messaging.ByChannel{crm.Phone: sms, crm.Email: mail, "push": dead})
	w.outbox.Logger = slog.New(slog.DiscardHandler)
	ids := make([]crm.EffectID, len(addrs))
	require.NoError(t, w.store.Update(t.Context(), func(tx crm.Tx) error {
		for i, a := range addrs {
			s := crm.OfAddress(a)
			ids[i] = crmtest.EffectID("c", s, crm.FactKey{}, "")
			if _, err := tx.PutEffects(t.Context(), &crm.Effect{ID: ids[i], Kind: crm.EffectMessage, Cause: "c", Subject: s, Due: noon, State: crm.Planned, Created: noon, Changed: noon}); err != nil {
				return err
			}
		}
		return nil
	}))
	s, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	require.Equal(t, crm.WorkStats{Due: 6, Claimed: 6, Done: 2, Failed: 1, Unknown: 3}, s)
	require.Len(t, sms.Messages(), 1)
	require.Equal(t, phone(0), sms.Messages()[0].To, "and not the token that looks like a number")
	require.Len(t, mail.Messages(), 1)
	state := func(i int) *crm.Effect {
		var e *crm.Effect
		require.NoError(t, w.store.View(t.Context(), func(r crm.Reader) error {
			got, err := r.Effects(t.Context(), ids[i])
			e = got[0]
			return err
		}))
		return e
	}
	require.Contains(t, state(2).Reasons[len(state(2).Reasons)-1].Note, "panic: no route")
	require.Contains(t, state(3).Reasons[len(state(3).Reasons)-1].Note, "no sender for channel post")

	// The dead channel can be asked now, and has nothing: it goes out. The others are
	// left alone.
	push := messaging.NewMemorySender(nil)
	w.outbox.Sender = messaging.ByChannel{crm.Phone: sms, crm.Email: mail, "push": push}
	w.now = w.now.Add(48 * time.Hour)
	_, err = w.outbox.Drain(t.Context())
	require.NoError(t, err)
	require.Len(t, push.Messages(), 3)
	require.Equal(t, map[crm.EffectState]int{crm.Done: 5, crm.Failed: 1}, w.states(t))
	require.Zero(t, sms.Repeats()+mail.Repeats())
}

// Reports of a provider that knows its own ids alone find their messages; an id that
// two bear settles neither.
func TestReceiptsByTheProvidersID(t *testing.T) {
	n := 0
	sender := messaging.NewMemorySender(func(m messaging.Message) crm.Receipt {
		n++
		return crm.Receipt{Status: crm.Uncertain, Provider: []string{"a-1", "a-2", "same", "same"}[n-1]}
	})
	w := newWorld(t, 4, sender)
	_, err := w.outbox.Drain(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[crm.EffectState]int{crm.Unknown: 4}, w.states(t))
	s, err := w.outbox.Receive(t.Context(), crm.Receipt{Provider: "a-1", Status: crm.Accepted}, crm.Receipt{Provider: "a-2", Status: crm.Declined, Reason: "off"},
		crm.Receipt{Provider: "same", Status: crm.Accepted}, crm.Receipt{Provider: "other", Status: crm.Accepted}, crm.Receipt{Status: crm.Accepted})
	require.NoError(t, err)
	require.Equal(t, crm.WorkStats{Done: 1, Failed: 1, Unmatched: 3}, s, "one that two bear, one that none bears, none")
	require.Equal(t, map[crm.EffectState]int{crm.Done: 1, crm.Failed: 1, crm.Unknown: 2}, w.states(t))
	seen := map[string]crm.EffectState{}
	for i := range 4 {
		e := w.effect(t, i)
		seen[e.Provider] = e.State
		for _, r := range e.Reasons {
			require.NotContains(t, r.Note, "a-")
		}
	}
	require.Equal(t, map[string]crm.EffectState{"a-1": crm.Done, "a-2": crm.Failed, "same": crm.Unknown}, seen)
}
