package messaging_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/messaging"
)

type panicking struct{ messaging.Sender }

func (panicking) Send(context.Context, []messaging.Message) ([]crm.Receipt, error) {
	panic("sender")
}

// TestPanicsOfTheHost: a panic of what the host gave to an outbox never leaves
// it, and says of the effects what an error of it would.
func TestPanicsOfTheHost(t *testing.T) {
	now := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	to := crm.Address{Channel: crm.Phone, Value: "+905320000001"}
	for name, c := range map[string]struct {
		change func(*messaging.Outbox)
		state  crm.EffectState
		fails  bool
	}{
		"sender": {func(o *messaging.Outbox) { o.Sender = panicking{o.Sender} }, crm.Unknown, false},
		"guard": {func(o *messaging.Outbox) {
			o.Guard = func(context.Context, crm.Tx, []*crm.Effect) ([]messaging.Verdict, error) { panic(errors.New("guard")) }
		}, crm.Planned, true},
		"render": {func(o *messaging.Outbox) {
			o.Render = func(context.Context, crm.Tx, *crm.Effect) (messaging.Message, error) { panic("render") }
		}, crm.Failed, false},
	} {
		t.Run(name, func(t *testing.T) {
			store := memstore.NewAt(func() time.Time { return now })
			e := &crm.Effect{ID: crmtest.EffectID("x", crm.OfAddress(to), crm.FactKey{}, ""), Kind: crm.EffectMessage, Cause: "x", Subject: crm.OfAddress(to),
				State: crm.Planned, Due: now, Created: now, Changed: now, Data: []byte("{}")}
			require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
				_, err := tx.PutEffects(t.Context(), e)
				return err
			}))
			o := &messaging.Outbox{Store: store, Sender: messaging.NewMemorySender(nil), Now: func() time.Time { return now },
				Guard: func(_ context.Context, _ crm.Tx, effects []*crm.Effect) ([]messaging.Verdict, error) {
					out := make([]messaging.Verdict, len(effects))
					for i := range out {
						out[i].Outcome = messaging.Send
					}
					return out, nil
				},
				Render: func(context.Context, crm.Tx, *crm.Effect) (messaging.Message, error) {
					return messaging.Message{To: to, Text: "hello"}, nil
				}}
			c.change(o)
			_, err := o.RunOnce(t.Context())
			if c.fails {
				require.ErrorAs(t, err, new(*crm.PanicError))
			}
			require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
				found, err := r.Effects(t.Context(), e.ID)
				if err == nil {
					require.Equal(t, c.state, found[0].State)
				}
				return err
			}))
		})
	}
}
