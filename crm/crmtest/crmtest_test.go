package crmtest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
)

func TestCustomers(t *testing.T) {
	o := crmtest.Options{Orders: 3, Twice: 0.2, Batch: 100}
	count := func() (p, f int) {
		s := crm.New(memstore.New(), crm.Config{})
		for b := range crmtest.Customers(500, o) {
			rep, err := s.Import(t.Context(), b)
			require.NoError(t, err)
			require.Empty(t, rep.Rejected)
			p, f = p+rep.Profiles, f+rep.Facts
		}
		return p, f
	}
	p, f := count()
	require.Equal(t, 500*4, f)
	require.InDelta(t, 600, p, 40)
	p2, f2 := count()
	require.Equal(t, []int{p, f}, []int{p2, f2})
	_, err := crm.NewPlaces(nil, crmtest.Places()...)
	require.NoError(t, err)
}

func Example() {
	ctx := context.Background()
	svc := crm.New(memstore.New(), crm.Config{})
	var total crm.ImportReport
	for b := range crmtest.Customers(100, crmtest.Options{Orders: 2}) {
		rep, err := svc.Import(ctx, b)
		if err != nil {
			fmt.Println(err)
			return
		}
		total.Add(rep)
	}
	fmt.Println(total.Profiles, total.Facts, len(total.Rejected))
	// Output: 100 300 0
}
