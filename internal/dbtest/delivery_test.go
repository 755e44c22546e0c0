package dbtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
	"github.com/vefacrm/vefa/messaging/delivery"
)

// TestEightReport: eight webhooks take the same reports, each in an order of its own, while a
// worker sends the messages that they are about: a report comes before the answer that says
// under which ids the provider took the message, or in the middle of it. The fate of each
// message is that of all its reports.
func TestEightReport(t *testing.T) {
	const messages = 60
	for _, open := range []func(testing.TB) database{openPostgres, openMySQL} {
		ctx := deadline(t)
		store := migrated(t, open(t))
		clock := &crmtest.Clock{}
		clock.Set(day)
		svc := crm.New(store, crm.Config{Now: clock.Now})
		log := &delivery.Log{Service: svc, Batch: 7}
		ids := make([]crm.EffectID, messages)
		num := map[crm.EffectID]int{}
		to := func(i int) crm.Address {
			return crm.Address{Channel: crm.Phone, Value: fmt.Sprintf("+90532%07d", i/2)} // two to each address
		}
		var want []*delivery.Fate
		var reports []messaging.Report
		require.NoError(t, svc.Update(ctx, func(tx crm.Tx) error {
			for i := range ids {
				e := &crm.Effect{Kind: crm.EffectMessage, Cause: "campaign/x", Subject: crm.OfAddress(to(i)), Occurrence: fmt.Sprint(i), Due: day, State: crm.Planned, Created: day, Changed: day}
				e.ID = crmtest.IDs().ID(e.Cause, e.Subject, crm.FactKey{}, e.Occurrence)
				ids[i], num[e.ID] = e.ID, i
				if _, err := tx.PutEffects(ctx, e); err != nil {
					return err
				}
			}
			return nil
		}))
		states := []messaging.Delivery{messaging.Expired, messaging.Undelivered, messaging.Delivered, messaging.Read}
		for i, id := range ids {
			f := &delivery.Fate{Effect: id, Cause: "campaign/x"}
			for part := range 2 {
				for k, s := range []messaging.Delivery{messaging.Enroute, states[(i+part)%4], states[i%4]} {
					r := messaging.Report{Provider: fmt.Sprintf("m%d.%d", i, part), State: s, At: day.Add(time.Duration(k+part) * time.Second), Bounce: i%10 == 1}
					reports = append(reports, r)
					r.Part, r.Parts = part+1, 2
					f.Add(r)
				}
			}
			want = append(want, f)
		}
		worker := &crm.Worker{Store: store, Now: clock.Now, LeaseNow: clock.Now, Batch: 9, Handlers: []crm.EffectHandler{{Kind: crm.EffectMessage,
			Check: func(_ context.Context, _ crm.Tx, claims []*crm.Claim) error {
				for _, c := range claims {
					c.Effect.To = c.Effect.Subject.Address
				}
				return nil
			},
			Do: func(_ context.Context, claims []*crm.Claim) ([]crm.Receipt, error) {
				out := make([]crm.Receipt, len(claims))
				for i, c := range claims {
					n := num[c.Effect.ID]
					out[i] = crm.Receipt{ID: c.Effect.ID, Status: crm.Accepted, Provider: fmt.Sprintf("m%d.0 m%d.1", n, n)}
				}
				return out, nil
			}}}}
		nighttest.AtOnce(t, func(w int) error {
			if w == 0 {
				_, err := worker.Drain(ctx)
				return err
			}
			mine := append([]messaging.Report(nil), reports...)
			rand.New(rand.NewPCG(uint64(w), 5)).Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			if _, err := log.Take(ctx, mine...); err != nil {
				return err
			}
			_, err := log.Settle(ctx)
			return err
		})
		_, err := log.Settle(ctx)
		require.NoError(t, err)
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			effects, err := r.Effects(ctx, ids...)
			require.NoError(t, err)
			got, err := delivery.Fates(ctx, r, effects...)
			require.NoError(t, err)
			require.Equal(t, want, got)
			left, err := r.ScanStates(ctx, crm.AllParts(), "delivery-early", crm.Subject{}, 10)
			require.Empty(t, left)
			for i := range ids {
				st, err := r.Addresses(ctx, to(i))
				require.NoError(t, err)
				require.Equal(t, i%10 == 1 || i%10 == 0, len(st[0].Suppressed) > 0, "address of %d", i)
			}
			return err
		}))
	}
}
