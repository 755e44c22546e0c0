package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
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
		_, err := d.db.ExecContext(ctx, "CREATE TABLE "+sales+" (number varchar(20) PRIMARY KEY)")
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

// oneAtATime is a transaction of the host's that notices when it is used by two
// at once, which a *sql.Tx does not bear.
type oneAtATime struct {
	crm.Store
	busy     atomic.Bool
	overlaps atomic.Int64
}

func (o *oneAtATime) Joined() {}

func (o *oneAtATime) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if !o.busy.CompareAndSwap(false, true) {
		o.overlaps.Add(1)
	}
	defer o.busy.Store(false)
	return o.Store.Update(ctx, fn)
}

// TestJoinedImportHasOneWorker: an import of several workers into the host's
// transaction takes one chunk after the other, and rolls back with it.
func TestJoinedImportHasOneWorker(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := deadline(t)
		store := d.store()
		var b crm.Batch
		for i := range 1000 {
			b.Profiles, b.Facts = append(b.Profiles, person(i)), append(b.Facts, order(i, 0))
		}
		load := func() *sql.Tx {
			tx, err := d.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			joined, is := store.Join(tx).(crm.Joined)
			require.True(t, is)
			one := &oneAtATime{Store: joined}
			rep, err := crm.New(one, crm.Config{Workers: 4, ChunkSize: 100}).Import(ctx, b)
			require.NoError(t, err)
			require.Zero(t, one.overlaps.Load())
			require.Empty(t, rep.Rejected)
			require.Equal(t, 1000, rep.Profiles)
			require.Equal(t, 1000, rep.Facts)
			return tx
		}
		orders := func() (n int) {
			require.NoError(t, store.View(ctx, func(r crm.Reader) error {
				facts, err := r.ScanFacts(ctx, crm.AllParts(), crm.KindOrder, crm.FactRef{}, 2000)
				n = len(facts)
				return err
			}))
			return n
		}
		require.NoError(t, load().Rollback())
		require.Zero(t, orders())
		require.NoError(t, load().Commit())
		require.Equal(t, 1000, orders())
	})
}
