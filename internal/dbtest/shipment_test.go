package dbtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/crm/sqlstore"
	"github.com/vefacrm/vefa/crm/storetest"
	"github.com/vefacrm/vefa/internal/dbtest/shipment"
	consents "github.com/vefacrm/vefa/messaging/consent"
)

// withShipments makes a configuration know the kinds from outside: that of a host and those
// of engines.
func withShipments(d database) database {
	d.cfg.Kinds = []crm.Kind{shipment.Kind(), consents.Kind()}
	d.cfg.Migrations = []sqlstore.Steps{shipment.Migrations(), {Owner: "consent", Files: consents.Schema()}}
	return d
}

// TestShipmentInMemory runs the suite with the kinds from outside; TestStore does so
// on databases.
func TestShipmentInMemory(t *testing.T) {
	kinds := []crm.Kind{shipment.Kind(), consents.Kind()}
	storetest.Options{NoConcurrentWriters: true, Kinds: kinds}.Run(t, func(*testing.T) crm.Store { return memstore.New(kinds...) })
}

// shipments are stores that know the kind.
func shipments(t *testing.T, fn func(t *testing.T, store crm.Store, d *database)) {
	t.Run("memory", func(t *testing.T) { fn(t, memstore.New(shipment.Kind()), nil) })
	onEach(t, func(t *testing.T, d database) { // on tables that were made without it
		d = withShipments(d)
		require.ErrorIs(t, d.store().Check(deadline(t)), sqlstore.ErrNotMigrated)
		for range 2 {
			migrate(t, d)
		}
		require.NoError(t, d.store().Check(deadline(t)))
		fn(t, d.store(), &d)
	})
}

// A kind from outside has a table, a look-up, a place in timeline and digest, and
// waits for its order.
func TestShipment(t *testing.T) {
	digests := map[[32]byte]bool{}
	shipments(t, func(t *testing.T, store crm.Store, d *database) {
		ctx := deadline(t)
		svc := crm.New(store, crm.Config{Now: func() time.Time { return day }, Kinds: []crm.Kind{shipment.Kind()}})
		b := batch(0, 2, 1)
		sold := order(1, 0)
		sent := func(version int64, tracking, carrier string, at time.Time) *crm.Fact {
			return &crm.Fact{Key: crm.FactKey{Kind: shipment.Name, Source: "kargo", ID: tracking}, Subject: crm.OfRecord(sold.Key), At: at, Version: version,
				Data: &shipment.Shipment{Tracking: "T-1", Carrier: carrier, Grams: 200, Delivered: at.AddDate(0, 0, 2)}}
		}
		rep, err := svc.Import(ctx, crm.Batch{Facts: []*crm.Fact{sent(1, "b", "Kargo", day), sent(1, "a", "Kargo", day.AddDate(0, 0, 1))}})
		require.NoError(t, err)
		require.Equal(t, crm.ImportReport{Facts: 2, Waiting: 2}, rep)
		find := func() (out []crm.Hit) {
			for h, err := range svc.Find(ctx, crm.Query{Index: shipment.RefTracking, Key: "T-1"}) {
				require.NoError(t, err)
				out = append(out, h)
			}
			return out
		}
		require.Equal(t, []crm.Hit{{Fact: sent(1, "b", "", day).Key}, {Fact: sent(1, "a", "", day).Key}}, find(), "also while they wait; the earlier one first")

		rep, err = svc.Import(ctx, b)
		require.NoError(t, err)
		require.Equal(t, 2, rep.Attached)
		hits := find()
		require.Len(t, hits, 2)
		require.Equal(t, sold.Subject.Profile, hits[0].Profile)
		require.NotEmpty(t, hits[0].Customer)

		// A newer version is found where it is now.
		require.NoError(t, svc.Record(ctx, sent(2, "b", "Posta", day.AddDate(0, 0, 5))))
		require.Equal(t, []crm.FactKey{sent(1, "a", "", day).Key, sent(1, "b", "", day).Key}, []crm.FactKey{find()[0].Fact, find()[1].Fact})
		var moments []time.Time
		for e, err := range svc.Timeline(ctx, hits[0].Customer) {
			require.NoError(t, err)
			if e.Fact != nil && e.Fact.Key.Kind == shipment.Name {
				moments = append(moments, e.At)
			}
		}
		require.Equal(t, []time.Time{day.AddDate(0, 0, 3), day.AddDate(0, 0, 7)}, moments, "when they were delivered")
		require.NoError(t, store.View(ctx, func(r crm.Reader) error {
			sum, err := crm.Digest(ctx, r, day)
			digests[sum] = true
			return err
		}))
		if d == nil {
			return
		}
		var carriers int
		require.NoError(t, d.db.QueryRowContext(ctx, "SELECT count(*) FROM "+qualified(*d, map[sqlstore.Dialect]string{sqlstore.SQLite: "vefa_", sqlstore.MySQL: "vefa_"}[d.dialect]+"shipments")+" WHERE carrier = 'Posta' AND grams = 200").Scan(&carriers))
		require.Equal(t, 1, carriers, "hosts query the kind's own table")
	})
	require.Len(t, digests, 1, "the same on all stores that ran")
}
