package crm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// "Not me" is about one address: profiles of the customer that have it disown it,
// those that have another one keep theirs.
func TestNotMeIsAboutOneAddress(t *testing.T) {
	s, _ := newService(t)
	ctx := t.Context()
	both, other, same := pos("1"), pos("2"), pos("3")
	require.NoError(t, s.PutProfile(ctx, person(both, "Ali", "Kaya", t0, phone(1), phone(2))))
	require.NoError(t, s.PutProfile(ctx, person(other, "Ali", "Kaya", t0, phone(2))))
	require.NoError(t, s.PutProfile(ctx, person(same, "Ali", "Kaya", t0, phone(1))))
	_, err := s.Merge(ctx, "desk", crm.Evidence{}, both, other, same)
	require.NoError(t, err)
	n, err := s.NotMe(ctx, other, phone(1), "recipient")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	for k, want := range map[crm.ProfileKey][]crm.Address{both: {phone(1)}, other: nil, same: {phone(1)}} {
		c, err := s.CustomerOf(ctx, k)
		require.NoError(t, err)
		require.Len(t, c.Profiles, 3)
		require.NoError(t, s.Store().View(ctx, func(r crm.Reader) error {
			p, err := r.Profiles(ctx, k)
			require.Equal(t, want, p[0].Disowned, k)
			return err
		}))
	}
	n, err = s.NotMe(ctx, other, phone(1), "recipient")
	require.NoError(t, err)
	require.Zero(t, n, "it is disowned already")
}

// Holds follow from tickets alone: a host that delivers one is refused.
func TestHoldsAreNotDelivered(t *testing.T) {
	s, _ := newService(t)
	err := s.Record(t.Context(), &crm.Fact{Key: crm.FactKey{Kind: crm.KindHold, Source: "host", ID: "1"}, Subject: crm.OfAddress(phone(1)), At: t0, Version: 1,
		Data: &crm.Hold{Ticket: crm.FactRef{Subject: crm.OfProfile(pos("1")), Key: crm.FactKey{Kind: crm.KindTicket, Source: "cc", ID: "1"}}, Placed: 1}})
	require.ErrorIs(t, err, crm.ErrInvalid)
	var fault *crm.FieldError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "kind", fault.Field)
}
