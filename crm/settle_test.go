package crm_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
)

// Of a part with more unknown effects than are read at once none is left out, and one that
// is to be tried again is as it was when it was planned.
func TestUnknownEffectsOfOnePart(t *testing.T) {
	clock := &crmtest.Clock{}
	clock.Set(time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC))
	store := memstore.New()
	svc := crm.New(store, crm.Config{Now: clock.Now})
	k := crm.ProfileKey{Source: "pos", ID: "1"}
	require.NoError(t, svc.PutProfile(t.Context(), &crm.Profile{ProfileKey: k}))
	const n = 2300
	effects := make([]*crm.Effect, n)
	for i := range effects {
		effects[i] = &crm.Effect{ID: crm.EffectID(fmt.Sprintf("%03x%028x", k.Part(), i)), Kind: crm.EffectMessage, Cause: "rule/a", Subject: crm.OfProfile(k), State: crm.Unknown,
			Due: clock.Now().Add(-time.Duration(i) * time.Minute), Created: clock.Now(), Changed: clock.Now(), SentAt: clock.Now(), Guards: []crm.GuardRead{{Record: "address", Version: 3}}}
	}
	require.Equal(t, effects[0].ID.Part(), effects[n-1].ID.Part())
	require.NoError(t, store.Update(t.Context(), func(tx crm.Tx) error {
		_, err := tx.PutEffects(t.Context(), effects...)
		return err
	}))
	var found []crm.EffectID
	for e, err := range svc.UnknownEffects(t.Context()) {
		require.NoError(t, err)
		found = append(found, e.ID)
	}
	require.Len(t, found, n)
	require.IsIncreasing(t, found)
	got, err := svc.SettleEffect(t.Context(), found[0], crm.Settlement{State: crm.Planned, Actor: "desk"})
	require.NoError(t, err)
	require.Empty(t, got.Guards)
	require.Zero(t, got.SentAt)
	got, err = svc.SettleEffect(t.Context(), found[1], crm.Settlement{State: crm.Done, Actor: "desk"})
	require.NoError(t, err)
	require.NotEmpty(t, got.Guards)
}

// Of what is said of an address at one moment the stricter counts, whichever came first.
func TestSuppressedAndNotAtOnce(t *testing.T) {
	at := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	phone := crm.Address{Channel: crm.Phone, Value: "+905321234567"}
	for _, order := range [][]bool{{false, true}, {true, false}} {
		svc := crm.New(memstore.New(), crm.Config{})
		for i, off := range order {
			require.NoError(t, svc.Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindSuppression, Source: "desk", ID: fmt.Sprint(i)}, Subject: crm.OfAddress(phone), At: at, Version: 1,
				Data: &crm.Suppression{Reason: "moved", Off: off}}))
		}
		a, err := svc.Address(t.Context(), phone)
		require.NoError(t, err)
		require.Equal(t, []string{"moved"}, a.Suppressed, order)
	}
}
