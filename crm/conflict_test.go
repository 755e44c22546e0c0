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
