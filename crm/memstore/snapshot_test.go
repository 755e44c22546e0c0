package memstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
)

func put(ctx context.Context, s *memstore.Store, ids ...string) error {
	return s.Update(ctx, func(tx crm.Tx) error {
		for _, id := range ids {
			if err := tx.PutProfiles(ctx, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "till", ID: id}}); err != nil {
				return err
			}
		}
		return nil
	})
}

func count(ctx context.Context, r crm.Reader) (int, error) {
	ps, err := r.ScanProfiles(ctx, crm.AllParts(), crm.ProfileKey{}, 10_000)
	return len(ps), err
}

// TestViewKeepsNobodyWaiting writes from within a view, which goes on seeing
// what it saw.
func TestViewKeepsNobodyWaiting(t *testing.T) {
	ctx, store := t.Context(), memstore.New()
	require.NoError(t, put(ctx, store, "a", "b"))
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		for i := range 500 {
			require.NoError(t, put(ctx, store, fmt.Sprint(i)))
		}
		n, err := count(ctx, r)
		require.Equal(t, 2, n)
		return err
	}))
	require.NoError(t, store.View(ctx, func(r crm.Reader) error {
		n, err := count(ctx, r)
		require.Equal(t, 502, n)
		return err
	}))
}

// TestViewWithinUpdate sees the state before the update.
func TestViewWithinUpdate(t *testing.T) {
	ctx, store := t.Context(), memstore.New()
	require.NoError(t, put(ctx, store, "a"))
	require.NoError(t, store.Update(ctx, func(tx crm.Tx) error {
		if err := tx.PutProfiles(ctx, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "till", ID: "b"}}); err != nil {
			return err
		}
		return store.View(ctx, func(r crm.Reader) error {
			n, err := count(ctx, r)
			require.Equal(t, 1, n)
			return err
		})
	}))
}

// TestUpdateWithinUpdate waits for itself no longer than its context allows.
func TestUpdateWithinUpdate(t *testing.T) {
	ctx, store := t.Context(), memstore.New()
	require.NoError(t, store.Update(ctx, func(crm.Tx) error {
		inner, cancel := context.WithCancel(ctx)
		go cancel()
		require.ErrorIs(t, put(inner, store, "a"), context.Canceled)
		return nil
	}))
	require.NoError(t, put(ctx, store, "a"))
}

// TestOver holds that a reader or transaction is of no use after its function.
func TestOver(t *testing.T) {
	ctx, store := t.Context(), memstore.New()
	var r crm.Reader
	var tx crm.Tx
	require.NoError(t, store.View(ctx, func(x crm.Reader) error { r = x; return nil }))
	require.NoError(t, store.Update(ctx, func(x crm.Tx) error { tx = x; return nil }))
	_, err := count(ctx, r)
	require.ErrorIs(t, err, crm.ErrInvalid)
	require.ErrorIs(t, tx.PutProfiles(ctx, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "till", ID: "a"}}), crm.ErrInvalid)
}

// TestYearsOutOfRange are refused: they could not be kept as microseconds.
func TestYearsOutOfRange(t *testing.T) {
	ctx, store := t.Context(), memstore.New()
	far := time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC)
	require.ErrorIs(t, store.Update(ctx, func(tx crm.Tx) error {
		return tx.PutProfiles(ctx, &crm.Profile{ProfileKey: crm.ProfileKey{Source: "till", ID: "a"}, At: far})
	}), crm.ErrInvalid)
}
