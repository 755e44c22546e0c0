package dbtest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/crm/storetest"
)

// Case A7: 2,500 valid records of every kind, with lengths at every border, are
// all accepted, and the record is the same on three stores.
func TestValidRecords(t *testing.T) {
	var b crm.Batch
	for seed := range 2500 {
		r := storetest.ValidRecord(uint64(seed))
		b.Profiles, b.Facts = append(b.Profiles, r.Profiles...), append(b.Facts, r.Facts...)
	}
	load := func(t *testing.T, store crm.Store) [32]byte {
		svc := crm.New(store, crm.Config{Now: func() time.Time { return day }})
		rep, err := svc.Import(deadline(t), b)
		require.NoError(t, err)
		require.Empty(t, rep.Rejected)
		require.Equal(t, 2500, rep.Profiles+rep.Facts)
		rep, err = svc.Import(deadline(t), b)
		require.NoError(t, err)
		require.Equal(t, crm.ImportReport{Repeated: 2500}, rep)
		var d [32]byte
		require.NoError(t, store.View(deadline(t), func(r crm.Reader) (err error) {
			d, err = crm.Digest(context.Background(), r, day)
			return err
		}))
		return d
	}
	want := load(t, memstore.New())
	for name, open := range map[string]func(testing.TB) database{"sqlite": openSQLite, "postgres": openPostgres, "copying": openCopying, "mysql": openMySQL} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			migrate(t, d)
			require.Equal(t, want, load(t, d.store()))
		})
	}
}
