package dbtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// An import takes an order without an anchor for a new one. Where it is there after all
// the newer version stays, whichever it is.
func TestOrdersWithoutAnchors(t *testing.T) {
	onEach(t, func(t *testing.T, d database) { withoutAnchors(t, d, d.store()) })
}

// A store that never tries again does not take it for a new one.
func TestOrdersWithoutAnchorsAtTheOnlyAttempt(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		cfg := d.cfg
		cfg.Retry.Attempts = 1
		withoutAnchors(t, d, sqlstore.New(d.db, d.dialect, cfg))
	})
}

func withoutAnchors(t *testing.T, d database, store *sqlstore.Store) {
	svc := crm.New(store, crm.Config{Now: func() time.Time { return day }})
	older, newer := order(0, 0), order(0, 1)
	newer.Version += 2
	_, err := svc.Import(deadline(t), crm.Batch{Profiles: []*crm.Profile{person(0)}})
	require.NoError(t, err)
	require.NoError(t, store.Update(deadline(t), func(tx crm.Tx) error {
		_, err := tx.PutFacts(deadline(t), older, newer)
		return err
	}))
	again, stale, fresh := *older, *newer, order(0, 2)
	again.Version++
	again.Place = "store-1"
	stale.Version--
	stale.Place = "store-1"
	rep, err := svc.Import(deadline(t), crm.Batch{Facts: []*crm.Fact{&again, &stale, fresh}})
	require.NoError(t, err)
	require.Equal(t, 2, rep.Facts)
	require.Equal(t, 1, rep.Older)
	require.NoError(t, store.View(deadline(t), func(r crm.Reader) error {
		facts, err := r.Facts(deadline(t), older.Ref(), newer.Ref(), fresh.Ref())
		require.NoError(t, err)
		require.Equal(t, []string{"store-1", newer.Place, fresh.Place}, []string{facts[0].Place, facts[1].Place, facts[2].Place})
		at, err := r.Anchors(deadline(t), older.Key, newer.Key, fresh.Key)
		require.Equal(t, []crm.Subject{older.Subject, newer.Subject, fresh.Subject}, at)
		return err
	}))
	// In a transaction of the host's nothing is run again either.
	last := order(0, 3)
	require.NoError(t, store.Update(deadline(t), func(tx crm.Tx) error {
		_, err := tx.PutFacts(deadline(t), last)
		return err
	}))
	host, err := d.db.BeginTx(deadline(t), nil)
	require.NoError(t, err)
	defer host.Rollback()
	last.Version++
	last.Place = "store-1"
	rep, err = svc.On(store.Join(host)).Import(deadline(t), crm.Batch{Facts: []*crm.Fact{last}})
	require.NoError(t, err)
	require.Equal(t, 1, rep.Facts)
	require.NoError(t, host.Commit())
}
