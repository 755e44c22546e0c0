package dbtest

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
	"github.com/vefacrm/vefa/internal/nighttest"
	"github.com/vefacrm/vefa/messaging"
)

// TestEightSayOnce: eight workers send messages of eight causes that all say the same to the
// same people, each of whom has two records with a number each: a person is told once.
func TestEightSayOnce(t *testing.T) {
	const people = 15
	for _, open := range []func(testing.TB) database{openPostgres, openMySQL} {
		ctx := deadline(t)
		store := migrated(t, open(t))
		clock := &crmtest.Clock{}
		clock.Set(nighttest.Start)
		sender := messaging.NewMemorySender(nil)
		var engines []*vefa.Engine
		for range nighttest.Writers {
			engines = append(engines, nighttest.New(t, store, clock, func(c *vefa.Config) {
				c.Logger, c.Rules, c.Campaigns, c.Sender, c.Batch = slog.New(slog.DiscardHandler), nil, nil, sender, 7
				c.Messages = []messaging.Campaign{{Name: "a", Class: vefa.Transactional, Text: "Bring your watch"}}
				c.Guards = []vefa.Guard{vefa.Unrepeated(time.Hour)}
			}).Engine)
		}
		svc := engines[0].Service()
		_, err := svc.Import(ctx, nighttest.People(2*people))
		require.NoError(t, err)
		for i := range people {
			_, err := svc.Regroup(ctx, crm.Grouping{Profiles: []crm.ProfileKey{nighttest.Key(2 * i), nighttest.Key(2*i + 1)}, Kind: crm.LinkManual, Actor: "desk"})
			require.NoError(t, err)
		}
		require.NoError(t, svc.Update(ctx, func(tx crm.Tx) error {
			for i := range 2 * people {
				for n := range nighttest.Writers {
					data, err := json.Marshal(vefa.MessageData{Name: "message/a", Class: vefa.Transactional, Profile: nighttest.Key(i)})
					if err != nil {
						return err
					}
					f := &crm.Effect{Kind: crm.EffectMessage, Cause: fmt.Sprint("host/", n), Subject: crm.OfProfile(nighttest.Key(i)), Due: nighttest.Start, State: crm.Planned,
						Created: nighttest.Start, Changed: nighttest.Start, Data: data}
					f.ID = engines[0].IDs().ID(f.Cause, f.Subject, f.About, "")
					if _, err := tx.PutEffects(ctx, f); err != nil {
						return err
					}
				}
			}
			return nil
		}))
		nighttest.AtOnce(t, func(w int) error {
			_, err := engines[w].Deliver(ctx)
			return err
		})
		told := map[string]int{}
		for _, m := range sender.Messages() {
			n := 0
			_, err := fmt.Sscanf(m.To.Value, "+9053%d", &n)
			require.NoError(t, err)
			told[fmt.Sprint(n/2)]++
		}
		require.Len(t, told, people)
		for who, n := range told {
			require.Equal(t, 1, n, "person %s", who)
		}
		audit, err := vefa.Audit(ctx, store, nighttest.Brand)
		require.NoError(t, err)
		require.True(t, audit.Clean(), "%+v", audit)
		require.Equal(t, people, audit.Sent)
	}
}
