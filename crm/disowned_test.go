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

// "Not me" is taken back on every profile that disowned the address: the customer is found and
// reached by it again, what silences the customer silences it, and both decisions are on record. An
// address that its source gave up meanwhile does not come back.
func TestNotMeIsTakenBack(t *testing.T) {
	s, c := newService(t)
	ctx := t.Context()
	a, b, other := pos("1"), pos("2"), pos("3")
	require.NoError(t, s.PutProfile(ctx, person(a, "Ali", "Kaya", t0, phone(1), phone(2))))
	require.NoError(t, s.PutProfile(ctx, person(b, "Ali", "Kaya", t0, phone(1))))
	require.NoError(t, s.PutProfile(ctx, person(other, "Can", "Kaya", t0, phone(1))))
	_, err := s.Merge(ctx, "desk", crm.Evidence{}, a, b)
	require.NoError(t, err)
	n, err := s.TakeBackNotMe(ctx, a, phone(1), "desk")
	require.NoError(t, err)
	require.Zero(t, n, "nothing was said")
	_, err = s.NotMe(ctx, a, phone(1), "recipient")
	require.NoError(t, err)
	ticket, err := s.OpenTicket(ctx, b, "desk", "1", crm.Ticket{Title: "x"})
	require.NoError(t, err)
	require.Empty(t, state(t, s, phone(1)).Holds)
	version := state(t, s, phone(1)).Version
	c.step()
	require.NoError(t, s.PutProfile(ctx, person(b, "Ali", "Kaya", c.t)), "the source gives the address up")

	_, err = s.TakeBackNotMe(ctx, a, phone(1), "")
	require.ErrorIs(t, err, crm.ErrInvalid)
	n, err = s.TakeBackNotMe(ctx, b, crm.Address{Channel: crm.Phone, Value: phone(1).Value}, "ayse")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Greater(t, state(t, s, phone(1)).Version, version, "whoever read the address before must read it again")
	require.Equal(t, []crm.FactRef{ticket}, state(t, s, phone(1)).Holds)
	cust, err := s.CustomerOf(ctx, b)
	require.NoError(t, err)
	require.Equal(t, []crm.Address{phone(1), phone(2)}, cust.Reachable(crm.Phone))
	require.NoError(t, s.Store().View(ctx, func(r crm.Reader) error {
		refs, err := r.Refs(ctx, crm.RefContact, 9, crm.RefKey(phone(1).String()))
		require.Len(t, refs[0], 2, "of the first and of the other customer")
		return err
	}))
	log, err := s.Links(ctx, a)
	require.NoError(t, err)
	last := log[len(log)-1]
	require.Equal(t, crm.Link{Profile: a, Customer: cust.ID, Kind: crm.LinkNotMe, Address: phone(1), Actor: "ayse", At: c.t, Seq: last.Seq, Off: true}, last)
	n, err = s.TakeBackNotMe(ctx, b, phone(1), "ayse")
	require.NoError(t, err)
	require.Zero(t, n, "it is taken back already")
	n, err = s.NotMe(ctx, a, phone(1), "recipient")
	require.NoError(t, err)
	require.Equal(t, 1, n, "it may be said again")
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
