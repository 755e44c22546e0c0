package crm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
)

// TestAnAfternoonAtADesk: one profile, a customer's facts by kind, what an address
// agreed to, and what people say about it. Case B16.
func TestAnAfternoonAtADesk(t *testing.T) {
	clock := &crmtest.Clock{}
	clock.Set(time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC))
	svc := crm.New(memstore.New(), crm.Config{Now: clock.Now})
	ctx := t.Context()
	a, b := crm.ProfileKey{Source: "pos", ID: "1"}, crm.ProfileKey{Source: "web", ID: "2"}
	phone := crm.Address{Channel: crm.Phone, Value: "+90 532 123 45 67"}
	order := func(k crm.ProfileKey, id string, day int) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: crm.KindOrder, Source: k.Source, ID: id}, Subject: crm.OfProfile(k), At: clock.Now().AddDate(0, 0, -day),
			Data: &crm.Order{Number: id, Total: crm.Money{Amount: 100, Currency: "TRY"}}}
	}
	_, err := svc.Import(ctx, crm.Batch{Profiles: []*crm.Profile{{ProfileKey: a, Name: crm.Name{Given: "Ada"}, Contacts: []crm.Contact{{Address: phone}}}, {ProfileKey: b}},
		Facts: []*crm.Fact{order(a, "1", 3), order(b, "2", 1), order(a, "3", 2)}})
	require.NoError(t, err)
	links, err := svc.Merge(ctx, "desk", crm.Evidence{}, a, b)
	require.NoError(t, err)
	require.NotEmpty(t, links)
	c, err := svc.CustomerOf(ctx, b)
	require.NoError(t, err)

	p, err := svc.Profile(ctx, a)
	require.NoError(t, err)
	require.Equal(t, "Ada", p.Name.Given)
	_, err = svc.Profile(ctx, crm.ProfileKey{Source: "pos", ID: "9"})
	require.ErrorIs(t, err, crm.ErrNotFound)

	state := func() *crm.AddressState {
		s, err := svc.Address(ctx, phone)
		require.NoError(t, err)
		return s
	}
	require.Empty(t, state().Consents)
	for _, status := range []crm.ConsentStatus{crm.Granted, crm.Refused, crm.Granted} {
		clock.Advance(time.Minute)
		require.NoError(t, svc.Consent(ctx, phone, crm.Consent{Status: status, Actor: "desk"}))
		got, ok := state().Consent(crm.ConsentKey{})
		require.True(t, ok)
		require.Equal(t, status, got.Status)
	}
	// A source whose clock is ahead does not outlast what is said now.
	ahead := crm.Address{Channel: crm.Phone, Value: "+905321234567"}
	require.NoError(t, svc.Record(ctx, &crm.Fact{Key: crm.FactKey{Kind: crm.KindConsent, Source: "web", ID: "ahead"}, Subject: crm.OfAddress(ahead), At: clock.Now().Add(time.Hour),
		Data: &crm.Consent{Status: crm.Granted}}))
	require.NoError(t, svc.Consent(ctx, phone, crm.Consent{Status: crm.Refused, Actor: "desk"}))
	got, _ := state().Consent(crm.ConsentKey{})
	require.Equal(t, crm.Refused, got.Status)
	require.NoError(t, svc.Suppress(ctx, phone, crm.Suppression{Reason: "deceased", Actor: "desk"}))
	require.Equal(t, []string{"deceased"}, state().Suppressed)
	clock.Advance(time.Minute)
	require.NoError(t, svc.Suppress(ctx, phone, crm.Suppression{Reason: "deceased", Off: true, Actor: "desk"}))
	require.Empty(t, state().Suppressed)
	require.NoError(t, svc.Note(ctx, b, crm.Note{Text: "likes straps", Actor: "desk"}))
	require.ErrorIs(t, svc.Note(ctx, crm.ProfileKey{Source: "pos", ID: "9"}, crm.Note{Text: "x"}), crm.ErrNotFound)
	require.ErrorIs(t, svc.Consent(ctx, crm.Address{Channel: crm.Phone, Value: "12"}, crm.Consent{Status: crm.Granted}), crm.ErrInvalid)
	_, err = svc.Address(ctx, crm.Address{Channel: crm.Phone, Value: "12"})
	require.ErrorContains(t, err, "too short for a phone number: 2 digits")

	orders, err := svc.Facts(ctx, c.ID, crm.KindOrder)
	require.NoError(t, err)
	var numbers []string
	for _, f := range orders {
		numbers = append(numbers, f.Data.(*crm.Order).Number)
	}
	require.Equal(t, []string{"2", "3", "1"}, numbers, "the newest first, of all records")
	all, err := svc.Facts(ctx, c.ID)
	require.NoError(t, err)
	require.Len(t, all, 3+5+2+1)
	_, err = svc.Facts(ctx, "nobody")
	require.ErrorIs(t, err, crm.ErrNotFound)
}
