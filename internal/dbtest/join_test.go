package dbtest

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
)

// TestJoin: what the host and the library write in the host's transaction is
// there together or not at all.
func TestJoin(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := deadline(t)
		sales := qualified(d, "host_sales")
		_, err := d.db.ExecContext(ctx, "CREATE TABLE "+sales+" (number text PRIMARY KEY)")
		require.NoError(t, err)
		store := d.store()
		sell := func(i int) *sql.Tx {
			tx, err := d.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(ctx, "INSERT INTO "+sales+" VALUES ('S"+string(rune('0'+i))+"')")
			require.NoError(t, err)
			svc := crm.New(store.Join(tx), crm.Config{})
			require.NoError(t, svc.PutProfile(ctx, person(i)))
			require.NoError(t, svc.Record(ctx, order(i, 0), consent(i)))
			require.NoError(t, store.Join(tx).View(ctx, func(r crm.Reader) error {
				f, err := r.Facts(ctx, order(i, 0).Ref())
				require.NotNil(t, f[0], "the host's transaction sees the order before the commit")
				return err
			}))
			return tx
		}
		state := func() (hosts, orders, changes int) {
			require.NoError(t, d.db.QueryRowContext(ctx, "SELECT count(*) FROM "+sales).Scan(&hosts))
			require.NoError(t, store.View(ctx, func(r crm.Reader) error {
				facts, err := r.ScanFacts(ctx, crm.AllParts(), crm.KindOrder, crm.FactRef{}, 100)
				require.NoError(t, err)
				feed, _, err := r.Changes(ctx, "", 100)
				orders, changes = len(facts), len(feed)
				return err
			}))
			return hosts, orders, changes
		}

		require.NoError(t, sell(1).Rollback())
		hosts, orders, changes := state()
		require.Zero(t, hosts+orders+changes, "after the host's rollback")

		require.NoError(t, sell(2).Commit())
		hosts, orders, changes = state()
		require.Equal(t, 1, hosts)
		require.Equal(t, 1, orders)
		require.Positive(t, changes, "the feed tells of what was joined")

		// Twice in one transaction, and an error in between that leaves nothing.
		tx, err := d.db.BeginTx(ctx, nil)
		require.NoError(t, err)
		svc := crm.New(store.Join(tx), crm.Config{})
		require.NoError(t, svc.Record(ctx, order(3, 0)))
		require.NoError(t, svc.Record(ctx, order(3, 1)))
		mine := errors.New("mine")
		require.ErrorIs(t, store.Join(tx).Update(ctx, func(crm.Tx) error { return mine }), mine)
		require.NoError(t, tx.Commit())
		_, orders, _ = state()
		require.Equal(t, 3, orders)

		// The transaction is over.
		require.Error(t, crm.New(store.Join(tx), crm.Config{}).Record(ctx, order(4, 0)))
	})
}
