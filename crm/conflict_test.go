package crm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// Case B1: a policy that is not known is refused before anything is written.
func TestUnknownConflictPolicy(t *testing.T) {
	store := memstore.New()
	s := crm.New(store, crm.Config{Conflicts: "Reject"})
	p := person(pos("1"), "Ali", "Kaya", t0)
	_, err := s.Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{p}})
	require.ErrorIs(t, err, crm.ErrInvalid)
	require.ErrorContains(t, err, `conflicts "Reject" is not known`)
	require.ErrorIs(t, s.PutProfile(t.Context(), p), crm.ErrInvalid)
	require.ErrorIs(t, store.Update(t.Context(), func(tx crm.Tx) error { return s.In(tx).PutProfile(t.Context(), p) }), crm.ErrInvalid)
	_, err = s.CustomerOf(t.Context(), p.ProfileKey)
	require.ErrorIs(t, err, crm.ErrInvalid)
}

// Case B1: each policy keeps of two contents of one version the one that it says, and a
// fact that is new whatever the policy.
func TestConflictPolicy(t *testing.T) {
	for policy, want := range map[crm.ConflictPolicy]string{crm.ConflictReject: "first", crm.ConflictNewest: "second"} {
		s := crm.New(memstore.New(), crm.Config{Conflicts: policy})
		note := func(text string) *crm.Fact {
			return &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "till", ID: "1"}, Subject: crm.OfProfile(pos("1")), At: t0, Version: 1, Data: &crm.Note{Text: text}}
		}
		_, err := s.Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{person(pos("1"), "Ali", "Kaya", t0)}, Facts: []*crm.Fact{note("first")}})
		require.NoError(t, err)
		require.Equal(t, "first", storedOrder(t, s, note("").Ref()).Data.(*crm.Note).Text, policy)
		rep, err := s.Import(t.Context(), crm.Batch{Facts: []*crm.Fact{note("second")}})
		require.NoError(t, err)
		require.Equal(t, want, storedOrder(t, s, note("").Ref()).Data.(*crm.Note).Text, policy)
		require.Equal(t, policy == crm.ConflictReject, len(rep.Rejected) == 1, "%s: %v", policy, rep)
		require.Equal(t, policy == crm.ConflictNewest, len(rep.Conflicting) == 1, "%s: %v", policy, rep)
	}
}
