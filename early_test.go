package vefa_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// E07: whatever the clocks of shop, courier and server say, and whatever is corrected when, neither the
// invitation nor a reminder leaves before the goods were handed over, by the record of that moment and by
// the clock of the server.
func TestNeverAskedBeforeDelivery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store, clock := memstore.New(), new(crmtest.Clock)
		now := nighttest.Start
		clock.Set(now)
		shop := nighttest.New(t, store, clock, func(c *vefa.Config) {
			c.Campaigns, c.TrainAt = nil, -1
			c.Surveys[0].Reminders = []vefa.Reminder{{After: day}, {After: day}}
			c.AnswerWithin = 60 * day
		})
		svc := shop.Engine.Service()
		_, err := svc.Import(t.Context(), nighttest.People(1))
		require.NoError(t, err)
		order := &crm.Order{Number: "x", Channel: "web", Status: crm.OrderPlaced, Total: crm.Money{Amount: 1, Currency: "TRY"}}
		placed, version := now.Add(-time.Hour), int64(0)
		record := func() {
			version++
			o := *order
			require.NoError(t, svc.Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: "web", ID: "x"}, Subject: crm.OfProfile(nighttest.Key(0)), At: placed, Version: version, Data: &o}))
		}
		record()
		sent := 0
		for i := range rapid.IntRange(5, 20).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0: // the courier's clock is up to two days off
				order.Status, order.Delivered = crm.OrderDelivered, now.Add(time.Duration(rapid.IntRange(-48, 48).Draw(t, "hours"))*time.Hour)
				if order.Delivered.Before(placed) {
					order.Delivered = placed
				}
				record()
			case 1: // it was scanned by mistake
				order.Status, order.Delivered = crm.OrderShipped, time.Time{}
				record()
			case 2: // the server's clock jumps, also back
				now = now.Add(time.Duration(rapid.IntRange(-12, 60).Draw(t, "jump")) * time.Hour)
			}
			clock.Set(now)
			if rapid.Bool().Draw(t, "evening") {
				c, err := svc.Profile(t.Context(), nighttest.Key(0))
				require.NoError(t, err)
				planInvitation(t, shop.Engine, now, fmt.Sprint(i), c)
			}
			_, err := shop.Engine.Deliver(t.Context())
			require.NoError(t, err)
			if n := len(shop.Sender.Messages()); n > sent {
				require.Equal(t, crm.OrderDelivered, order.Status, "asked about goods that are not there")
				require.False(t, order.Delivered.After(clock.Now()), "delivered %s, asked %s", order.Delivered, clock.Now())
				sent = n
			}
		}
		rep, err := vefa.Audit(t.Context(), store, nighttest.Brand)
		require.NoError(t, err)
		require.Zero(t, rep.EffectsRepeated, "%+v", rep)
	})
}

// planInvitation plans a question about the order x, as rules do.
func planInvitation(t *rapid.T, e *vefa.Engine, now time.Time, occurrence string, p *crm.Profile) {
	f := &crm.Effect{Kind: crm.EffectMessage, Cause: "host/visit", Subject: crm.OfProfile(p.ProfileKey), About: crm.FactKey{Kind: crm.KindOrder, Source: "web", ID: "x"},
		Occurrence: occurrence, Due: now, State: crm.Planned, Created: now, Changed: now}
	f.ID = e.IDs().ID(f.Cause, f.Subject, f.About, f.Occurrence)
	n := uint64(now.Unix()%1e6)*100 + uint64(len(occurrence)) + uint64(occurrence[0])
	var err error
	f.Data, err = json.Marshal(vefa.MessageData{Name: "survey/visit", Survey: "visit", Link: n})
	require.NoError(t, err)
	require.NoError(t, e.Service().Update(t.Context(), func(tx crm.Tx) error {
		if _, err := tx.PutEffects(t.Context(), f); err != nil {
			return err
		}
		return tx.PutRefs(t.Context(), crm.Ref{Kind: "link", Key: strconv.FormatUint(n, 16), Subject: f.Subject, Target: string(f.ID)})
	}))
}
