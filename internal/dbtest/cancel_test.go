package dbtest

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// TestCancelledInside ends the context while a transaction is under way. Whatever the
// driver then says to those who work in it, the store says that the context has ended.
func TestCancelledInside(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		store := d.store()
		require.NoError(t, crm.New(store, crm.Config{}).PutProfile(deadline(t), person(1)))
		// until reads with a context that does not end, until the transaction is gone and
		// the error says nothing of the context that did.
		until := func(ctx context.Context, r crm.Reader) error {
			for {
				_, err := r.Documents(context.WithoutCancel(ctx), "any", "one")
				if err != nil && !errors.Is(err, context.Canceled) {
					return err
				}
			}
		}
		for name, run := range map[string]func(ctx context.Context, cancel func()) error{
			"view": func(ctx context.Context, cancel func()) error {
				return store.View(ctx, func(r crm.Reader) error { cancel(); return until(ctx, r) })
			},
			"update": func(ctx context.Context, cancel func()) error {
				return store.Update(ctx, func(tx crm.Tx) error { cancel(); return until(ctx, tx) })
			},
			"joined view": func(ctx context.Context, cancel func()) error {
				tx, err := d.db.BeginTx(ctx, nil)
				require.NoError(t, err)
				return store.Join(tx).View(ctx, func(r crm.Reader) error { cancel(); return until(ctx, r) })
			},
			"joined update": func(ctx context.Context, cancel func()) error {
				tx, err := d.db.BeginTx(ctx, nil)
				require.NoError(t, err)
				return store.Join(tx).Update(ctx, func(tx crm.Tx) error { cancel(); return until(ctx, tx) })
			},
		} {
			t.Run(name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(deadline(t))
				defer cancel()
				require.ErrorIs(t, run(ctx, cancel), context.Canceled)
			})
		}
		require.NoError(t, crm.New(store, crm.Config{}).PutProfile(deadline(t), person(2)), "the store goes on")
	})
}
