package crm_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

// contested is a store whose first transactions meet another writer.
type contested struct {
	crm.Store
	conflicts, runs int
}

func (c *contested) Update(ctx context.Context, fn func(crm.Tx) error) error {
	c.runs++
	return c.Store.Update(ctx, func(tx crm.Tx) error {
		if err := fn(tx); err != nil || c.runs > c.conflicts {
			return err
		}
		return &crm.Error{Op: "put", Entity: "document", Kind: crm.ErrConflict}
	})
}

// Case A8: a verb that meets other writers pauses and runs again, within a
// bound that is stated, and tells "busy, try again" when it is reached.
func TestRetry(t *testing.T) {
	for _, c := range []struct {
		name            string
		conflicts, runs int
		retry           crm.Retry
		kind            error
		least, most     time.Duration
	}{
		{"no conflict", 0, 1, crm.Retry{}, nil, 0, 0},
		{"five", 5, 6, crm.Retry{}, nil, 46 * time.Millisecond, 78 * time.Millisecond},
		{"for ever", 1000, 28, crm.Retry{}, crm.ErrBusy, 3900 * time.Millisecond, 6600 * time.Millisecond},
		{"three attempts", 1000, 3, crm.Retry{Attempts: 3}, crm.ErrBusy, 4 * time.Millisecond, 8 * time.Millisecond},
		{"never again", 1000, 1, crm.Retry{Attempts: 1}, crm.ErrBusy, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &contested{Store: memstore.New(), conflicts: c.conflicts}
				svc := crm.New(store, crm.Config{Retry: c.retry})
				start := time.Now()
				err := svc.PutProfile(t.Context(), &crm.Profile{ProfileKey: crm.ProfileKey{Source: "pos", ID: "1"}})
				waited := time.Since(start)
				require.Equal(t, c.runs, store.runs)
				require.GreaterOrEqual(t, waited, c.least)
				require.LessOrEqual(t, waited, c.most)
				require.NotErrorIs(t, err, crm.ErrConflict)
				if c.kind == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, c.kind)
					require.ErrorContains(t, err, "try again")
				}
			})
		})
	}
}

// TestRetryHonoursItsContext: a context that ends while a verb waits ends the
// waiting, and both reasons are told.
func TestRetryHonoursItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := &contested{Store: memstore.New(), conflicts: 1000}
	svc := crm.New(store, crm.Config{Retry: crm.Retry{Sleep: func(ctx context.Context, d time.Duration) error {
		if store.runs == 3 {
			cancel()
		}
		return ctx.Err()
	}}})
	err := svc.PutProfile(ctx, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "pos", ID: "1"}})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, crm.ErrBusy)
	require.Equal(t, 3, store.runs)
}

// TestNoRetryInTheCallersTransaction: what failed there is not rolled back, so
// nothing runs again.
func TestNoRetryInTheCallersTransaction(t *testing.T) {
	runs := 0
	err := memstore.New().Update(t.Context(), func(tx crm.Tx) error {
		return crm.New(memstore.New(), crm.Config{}).In(tx).Update(t.Context(), func(crm.Tx) error {
			runs++
			return crm.ErrConflict
		})
	})
	require.ErrorIs(t, err, crm.ErrConflict)
	require.Equal(t, 1, runs)
}

// Case B18: a Service without a store says so.
func TestNoStore(t *testing.T) {
	svc := crm.New(nil, crm.Config{})
	_, err := svc.Import(t.Context(), crm.Batch{Profiles: []*crm.Profile{{ProfileKey: crm.ProfileKey{Source: "pos", ID: "1"}}}})
	require.ErrorIs(t, err, crm.ErrInvalid)
	require.ErrorContains(t, err, "store")
	_, err = svc.Customer(t.Context(), "x")
	require.ErrorIs(t, err, crm.ErrInvalid)
	for _, err := range svc.Find(t.Context(), crm.Query{OrderNumber: "90"}) {
		require.ErrorIs(t, err, crm.ErrInvalid)
	}
}

// TestAPanicOfTheHost is rolled back and told as an error, with its value.
func TestAPanicOfTheHost(t *testing.T) {
	mine := errors.New("the clock stands still")
	store := memstore.New()
	svc := crm.New(store, crm.Config{NewID: func() string { panic(mine) }})
	err := svc.PutProfile(t.Context(), &crm.Profile{ProfileKey: crm.ProfileKey{Source: "pos", ID: "1"}})
	require.ErrorIs(t, err, mine)
	var p *crm.PanicError
	require.ErrorAs(t, err, &p)
	require.NotEmpty(t, p.Stack)
	for range crm.New(store, crm.Config{}).Customers(t.Context()) {
		t.Fatal("something was written")
	}
	require.PanicsWithValue(t, "mine", func() { _ = svc.Update(t.Context(), func(crm.Tx) error { panic("mine") }) }, "the caller's own")
}
