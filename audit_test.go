package vefa_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

// sent is a retailer whose campaign has gone out to ten people, and the
// effects of the first two.
func sent(t *testing.T) (*nighttest.Retailer, crm.Store, []*crm.Effect) {
	t.Helper()
	store, clock := memstore.New(), &crmtest.Clock{}
	clock.Set(nighttest.Start)
	shop := nighttest.New(t, store, clock, nil)
	_, err := shop.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(10))})
	require.NoError(t, err)
	var out []*crm.Effect
	require.NoError(t, store.View(t.Context(), func(r crm.Reader) error {
		for f, err := range crm.AllEffects(t.Context(), r, crm.AllParts()) {
			if err != nil {
				return err
			}
			if !f.SentAt.IsZero() {
				out = append(out, f.Clone())
			}
		}
		return nil
	}))
	require.GreaterOrEqual(t, len(out), 2)
	return shop, store, out
}

func audit(t *testing.T, store crm.Store) vefa.AuditReport {
	t.Helper()
	rep, err := vefa.Audit(t.Context(), store, nighttest.Brand)
	require.NoError(t, err)
	return rep
}

func update(t *testing.T, store crm.Store, fn func(crm.Tx) error) {
	t.Helper()
	require.NoError(t, store.Update(t.Context(), fn))
}

// TestAuditFinds forges each thing that must never happen: the audit counts
// it, so its zeros mean something.
func TestAuditFinds(t *testing.T) {
	t.Run("clean", func(t *testing.T) {
		_, store, effects := sent(t)
		rep := audit(t, store)
		require.True(t, rep.Clean(), "%+v", rep)
		require.Equal(t, len(effects), rep.Sent)
	})
	t.Run("repeated", func(t *testing.T) {
		shop, store, effects := sent(t)
		twice := effects[0].Clone()
		twice.Subject = crm.OfProfile(nighttest.Key(3))
		twice.ID = shop.Engine.IDs().ID(twice.Cause, twice.Subject, twice.About, twice.Occurrence)
		twice.Rev = 0
		update(t, store, func(tx crm.Tx) error { _, err := tx.PutEffects(t.Context(), twice); return err })
		require.Equal(t, 1, audit(t, store).EffectsRepeated)
	})
	t.Run("taken twice", func(t *testing.T) { // case A2: one effect, handed over by two processes
		shop, store, effects := sent(t)
		_, err := shop.Engine.Receive(t.Context(), crm.Receipt{ID: effects[0].ID, Status: crm.Accepted, Provider: "another"})
		require.NoError(t, err)
		require.Equal(t, 1, audit(t, store).EffectsRepeated)
	})
	t.Run("a shared phone", func(t *testing.T) { // case A6: of two customers who never were one
		shop, store, effects := sent(t)
		twice := effects[0].Clone()
		twice.Subject = crm.OfProfile(nighttest.Key(7))
		twice.ID, twice.Rev, twice.SentAt = shop.Engine.IDs().ID(twice.Cause, twice.Subject, twice.About, twice.Occurrence), 0, twice.SentAt.AddDate(0, 0, 1)
		update(t, store, func(tx crm.Tx) error { _, err := tx.PutEffects(t.Context(), twice); return err })
		require.Equal(t, 1, audit(t, store).EffectsRepeated)
	})
	t.Run("repeated to another address", func(t *testing.T) {
		shop, store, effects := sent(t)
		who, err := vefa.About(effects[0])
		require.NoError(t, err)
		other, err := vefa.About(effects[1])
		require.NoError(t, err)
		shop.Clock.Set(shop.Clock.Now().Add(time.Hour))
		_, err = shop.Engine.Service().Merge(t.Context(), "staff", crm.Evidence{}, who, other)
		require.NoError(t, err)
		require.Zero(t, audit(t, store).EffectsRepeated, "they were two people then")
		// One of them got another message of the same campaign after the merge.
		twice := effects[1].Clone()
		twice.Subject = crm.OfProfile(other)
		twice.ID = shop.Engine.IDs().ID(twice.Cause, twice.Subject, twice.About, twice.Occurrence)
		twice.To = crm.Address{Channel: crm.Phone, Value: "+905551112233"}
		twice.Rev, twice.SentAt = 0, shop.Clock.Now().Add(time.Hour)
		update(t, store, func(tx crm.Tx) error { _, err := tx.PutEffects(t.Context(), twice); return err })
		require.Equal(t, 1, audit(t, store).EffectsRepeated)
	})
	t.Run("consent withdrawn before", func(t *testing.T) {
		shop, store, effects := sent(t)
		// A refusal that took effect at a version before the one the claim read.
		require.NoError(t, shop.Engine.Service().Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "x", ID: "x"},
			Subject: crm.OfAddress(effects[0].To), At: shop.Clock.Now(), Version: 1, Data: &crm.Consent{ConsentKey: nighttest.Brand, Status: crm.Refused}}))
		require.Zero(t, audit(t, store).SentWithoutConsent, "it came after the claim")
		late := effects[0].Clone()
		for i := range late.Guards {
			late.Guards[i].Version += 5
		}
		update(t, store, func(tx crm.Tx) error { return tx.UpdateEffects(t.Context(), late) })
		require.Equal(t, 1, audit(t, store).SentWithoutConsent)
	})
	t.Run("no version", func(t *testing.T) {
		_, store, effects := sent(t)
		blind := effects[0].Clone()
		blind.Guards = nil
		update(t, store, func(tx crm.Tx) error { return tx.UpdateEffects(t.Context(), blind) })
		require.Equal(t, 1, audit(t, store).SentWithoutConsent)
	})
	t.Run("open ticket", func(t *testing.T) {
		shop, store, effects := sent(t)
		who, err := vefa.About(effects[0])
		require.NoError(t, err)
		_, err = shop.Engine.Service().OpenTicket(t.Context(), who, "desk", "1", crm.Ticket{})
		require.NoError(t, err)
		require.Zero(t, audit(t, store).SentToOpenTicket, "it came after the claim")
		late := effects[0].Clone()
		for i := range late.Guards {
			late.Guards[i].Version += 5
		}
		update(t, store, func(tx crm.Tx) error { return tx.UpdateEffects(t.Context(), late) })
		require.Equal(t, 1, audit(t, store).SentToOpenTicket)
	})
	t.Run("unheld address", func(t *testing.T) {
		shop, store, _ := sent(t)
		_, err := shop.Engine.Service().OpenTicket(t.Context(), nighttest.Key(1), "desk", "1", crm.Ticket{})
		require.NoError(t, err)
		update(t, store, func(tx crm.Tx) error {
			st, err := tx.LockAddresses(t.Context(), nighttest.Phone(1))
			if err != nil {
				return err
			}
			open := st[0].Clone()
			open.Version++
			open.Holds = nil
			return tx.PutAddresses(t.Context(), open)
		})
		require.Equal(t, 1, audit(t, store).SentToOpenTicket)
		require.Equal(t, 1, audit(t, store).RecordContradicts)
	})
	t.Run("contradiction", func(t *testing.T) { // case A1: a profile that is where no decision put it
		_, store, _ := sent(t)
		update(t, store, func(tx crm.Tx) error {
			found, err := tx.Profiles(t.Context(), nighttest.Key(1), nighttest.Key(2))
			if err != nil {
				return err
			}
			return tx.AppendLinks(t.Context(), &crm.Link{Profile: nighttest.Key(2), Customer: found[0].Customer, Kind: crm.LinkManual, Op: "half", OpLen: 2})
		})
		rep := audit(t, store)
		require.Equal(t, 1, rep.RecordContradicts, "%v", rep.Findings)
		require.Contains(t, rep.Findings[len(rep.Findings)-1], "half")
		require.False(t, rep.Clean())
	})
	t.Run("excluded tag", func(t *testing.T) {
		shop, store, effects := sent(t)
		who, err := vefa.About(effects[0])
		require.NoError(t, err)
		before := shop.Clock.Now().Add(-2 * time.Hour)
		shop.Clock.Set(before)
		require.NoError(t, shop.Engine.Service().Tag(t.Context(), who, crm.TagChange{Tag: "staff"}))
		require.NoError(t, shop.Engine.SetPolarity(t.Context(), "staff", true, "test", "test"))
		require.Equal(t, 1, audit(t, store).SentToExcludedTag)
	})
	t.Run("survey before delivery", func(t *testing.T) {
		shop, store, _ := sent(t)
		shop.Clock.Set(nighttest.Start.AddDate(0, 0, 1))
		_, err := shop.Engine.Night(t.Context(), vefa.Night{})
		require.NoError(t, err)
		require.Zero(t, audit(t, store).SurveyBeforeDelivery)
		o := nighttest.Order(1, "o1", nighttest.Start.Add(-time.Hour))
		o.Version = 2
		o.Data.(*crm.Order).Status = crm.OrderShipped
		require.NoError(t, shop.Engine.Service().Record(t.Context(), o))
		require.Equal(t, 1, audit(t, store).SurveyBeforeDelivery)
	})
	t.Run("bad answer", func(t *testing.T) {
		shop, store, _ := sent(t)
		require.NoError(t, shop.Engine.Service().Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindAnswer, Source: "survey", ID: "x"},
			Subject: crm.OfProfile(nighttest.Key(1)), At: shop.Clock.Now(), Version: 1, Data: &crm.Answer{Survey: "visit", Metric: "nps", Score: 3}}))
		require.Equal(t, 1, audit(t, store).AnswersBadWithoutTicket)
	})
}
