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
