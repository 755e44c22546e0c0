package crm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// afterView is a store that calls a function after each view.
type afterView struct {
	crm.Store
	call func()
}

func (s *afterView) View(ctx context.Context, fn func(crm.Reader) error) error {
	defer s.call()
	return s.Store.View(ctx, fn)
}

// TestCustomerOfIsOneReading: a customer that was merged into another and parted
// again has the profile that it was asked for. Case A1.
func TestCustomerOfIsOneReading(t *testing.T) {
	store := memstore.New()
	desk := crm.New(store, crm.Config{})
	a, b := pos("a"), pos("b")
	require.NoError(t, desk.PutProfile(t.Context(), person(a, "A", "B", t0)))
	require.NoError(t, desk.PutProfile(t.Context(), person(b, "A", "B", t0.AddDate(0, 0, 1))))
	_, err := desk.Merge(t.Context(), "desk", crm.Evidence{}, a, b)
	require.NoError(t, err)
	svc := crm.New(&afterView{store, func() {
		_, err := desk.Split(t.Context(), "desk", crm.Evidence{}, b)
		require.NoError(t, err)
	}}, crm.Config{})
	c, err := svc.CustomerOf(t.Context(), b)
	require.NoError(t, err)
	require.Contains(t, c.Profiles, b)
}
