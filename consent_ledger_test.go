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
	"github.com/vefacrm/vefa/messaging/consent"
)

// A host that gives the engine the ledger's kind, and the feed its handler, has proof of what
// the engine reads by itself, such as the reply that opts out.
func TestLedgerOfAnEngine(t *testing.T) {
	clock := new(crmtest.Clock)
	clock.Set(nighttest.Start)
	store := memstore.New(consent.Kind())
	eng := nighttest.New(t, store, clock, func(c *vefa.Config) { c.Kinds = []crm.Kind{consent.Kind()} }).Engine
	ledger, err := consent.New(eng.Service(), consent.Config{Key: crm.NewSecret([]byte("a key of the tests, which all the world may know"))})
	require.NoError(t, err)
	feed := &crm.Feed{Store: store, Consumer: "consent-ledger", Handler: ledger.Handle}

	_, err = eng.Service().Import(t.Context(), nighttest.People(3))
	require.NoError(t, err)
	_, err = eng.Reply(t.Context(), nighttest.Phone(0), "in-1", "İptal", clock.Now())
	require.NoError(t, err)
	for n := 1; n > 0; {
		n, err = feed.RunOnce(t.Context())
		require.NoError(t, err)
	}
	h, err := ledger.Histories(t.Context(), nighttest.Phone(0))
	require.NoError(t, err)
	last := h[len(h)-1].Entries[len(h[len(h)-1].Entries)-1]
	require.Equal(t, crm.Refused, last.Status)
	require.Equal(t, "HS_MESAJ", last.Source)
	require.Equal(t, "reply in-1", last.Evidence.Note)
	record, err := eng.Service().Address(t.Context(), nighttest.Phone(0))
	require.NoError(t, err)
	require.Equal(t, record.Consents, consent.Fold(h, time.Time{}, time.Time{}))
	rep, err := ledger.Verify(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, rep.Breaks)
}

// Erased addresses had consent when they were written to; the audit that is given the ledger knows
// so, and still finds what left without it: before it was granted, after it was refused, and
// after the erasure.
func TestAuditAfterErase(t *testing.T) {
	clock := new(crmtest.Clock)
	clock.Set(nighttest.Start)
	store := memstore.New(consent.Kind())
	w := nighttest.New(t, store, clock, func(c *vefa.Config) { c.Kinds, c.Rules = []crm.Kind{consent.Kind()}, nil })
	svc := w.Engine.Service()
	ledger, err := consent.New(svc, consent.Config{Key: crm.NewSecret([]byte("a key of the tests, which all the world may know"))})
	require.NoError(t, err)
	_, err = w.Engine.Night(t.Context(), vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	require.NoError(t, err)
	require.Len(t, w.Sender.Messages(), 3)
	audit := func(ledgers ...vefa.Erasures) int {
		rep, err := vefa.Audit(t.Context(), store, nighttest.Brand, ledgers...)
		require.NoError(t, err)
		return rep.SentWithoutConsent
	}
	require.Zero(t, audit())
	version := func(i int) int64 {
		st, err := svc.Address(t.Context(), nighttest.Phone(i))
		require.NoError(t, err)
		return st.Version
	}
	sent := func(i int, id string, version int64) { // as no engine would
		clock.Advance(time.Minute)
		f := &crm.Effect{Kind: crm.EffectMessage, Cause: "campaign/bad", Occurrence: id, Subject: crm.OfAddress(nighttest.Phone(i)), To: nighttest.Phone(i), Due: clock.Now(), State: crm.Done,
			Created: clock.Now(), Changed: clock.Now(), SentAt: clock.Now(), Data: []byte(`{"name":"campaign/bad","class":"commercial","profile":{"source":"pos","id":"0"}}`),
			Guards: []crm.GuardRead{{Record: vefa.GuardAddress, Version: version}}}
		f.ID = w.Engine.IDs().ID(f.Cause, f.Subject, f.About, f.Occurrence)
		require.NoError(t, svc.Update(t.Context(), func(tx crm.Tx) error {
			_, err := tx.PutEffects(t.Context(), f)
			return err
		}))
	}
	sent(0, "before it was granted", 0)
	clock.Advance(time.Minute)
	require.NoError(t, svc.Consent(t.Context(), nighttest.Phone(1), crm.Consent{ConsentKey: nighttest.Brand, Status: crm.Refused, Actor: "desk"}))
	sent(1, "after it was refused", version(1))
	require.Equal(t, 2, audit(ledger))
	clock.Advance(time.Minute)
	for i := range 3 {
		_, err := ledger.Erase(t.Context(), nighttest.Phone(i))
		require.NoError(t, err)
	}
	require.Equal(t, 5, audit(), "without the ledger nothing proves what the others said")
	require.Equal(t, 2, audit(ledger))
	sent(2, "after the erasure", version(2))
	require.Equal(t, 3, audit(ledger))
	rep, err := ledger.Verify(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, rep.Breaks)
}
