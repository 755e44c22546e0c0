package dbtest

import (
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// used checks that the record can be written and read.
func used(t *testing.T, d database) {
	t.Helper()
	ctx := deadline(t)
	svc := service(d.store())
	_, err := svc.Import(ctx, batch(0, 3, 1))
	require.NoError(t, err)
	require.NoError(t, d.store().View(ctx, func(r crm.Reader) error {
		p, err := r.Profiles(ctx, person(1).ProfileKey)
		require.NotNil(t, p[0])
		return err
	}))
}

func TestMigrateTwice(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			have, newest, err := sqlstore.Version(deadline(t), d.db, d.dialect, d.cfg)
			require.NoError(t, err)
			require.Zero(t, have)
			migrate(t, d)
			used(t, d)
			migrate(t, d)
			have, _, err = sqlstore.Version(deadline(t), d.db, d.dialect, d.cfg)
			require.NoError(t, err)
			require.Equal(t, newest, have)

			table := qualified(d, map[string]string{"sqlite": "vefa_", "mysql": "vefa_"}[name]+"schema_versions")
			_, err = d.db.ExecContext(deadline(t), "INSERT INTO "+table+" VALUES (999, 'from_the_future', 0)")
			require.NoError(t, err)
			err = sqlstore.Migrate(deadline(t), d.db, d.dialect, d.cfg)
			require.ErrorIs(t, err, crm.ErrInvalid)
			require.ErrorContains(t, err, "999")
		})
	}
}

func TestMigrateAtOnce(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			const n = 6
			errs := make(chan error, n)
			for range n {
				go func() { errs <- sqlstore.Migrate(deadline(t), d.db, d.dialect, d.cfg) }()
			}
			for range n {
				require.NoError(t, <-errs)
			}
			used(t, d)
		})
	}
}

// TestVersionWhileMigrating: another process has made the table of versions, and no row of
// it yet.
func TestVersionWhileMigrating(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			migrate(t, d)
			_, err := d.db.ExecContext(deadline(t), "DELETE FROM "+qualified(d, map[string]string{"sqlite": "vefa_", "mysql": "vefa_"}[name]+"schema_versions"))
			require.NoError(t, err)
			have, _, err := sqlstore.Version(deadline(t), d.db, d.dialect, d.cfg)
			require.NoError(t, err)
			require.Zero(t, have)
		})
	}
}

// TestPrintedSQL: the printed SQL makes what Migrate makes, and Migrate knows it.
func TestPrintedSQL(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			migrated, printed := open(t), open(t)
			migrate(t, migrated)
			var text strings.Builder
			require.NoError(t, sqlstore.WriteSQL(&text, printed.dialect, printed.cfg))
			ctx := deadline(t)
			conn, err := printed.db.Conn(ctx)
			require.NoError(t, err)
			for q := range strings.SplitSeq(text.String(), ";\n") {
				if strings.TrimSpace(q) != "" {
					_, err := conn.ExecContext(ctx, q)
					require.NoError(t, err, q)
				}
			}
			require.NoError(t, conn.Close())
			require.Equal(t, tables(t, migrated), tables(t, printed))
			require.Len(t, tables(t, printed), 24)
			migrate(t, printed)
			used(t, printed)
		})
	}
}

// TestNames: schema and prefix are the host's choice, and two records in one
// database do not meet.
func TestNames(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			a := open(t)
			b := a
			a.cfg.Prefix, b.cfg.Prefix = "vefa_Shop_", "vefa_order"
			migrate(t, a)
			migrate(t, b)
			used(t, a)
			require.NoError(t, b.store().View(deadline(t), func(r crm.Reader) error {
				p, err := r.ScanProfiles(deadline(t), crm.AllParts(), crm.ProfileKey{}, 10)
				require.Empty(t, p)
				return err
			}))
			used(t, b)
			for _, table := range tables(t, a) {
				require.True(t, strings.HasPrefix(table, "vefa_Shop_") || strings.HasPrefix(table, "vefa_order"), table)
			}
			// A third tenant in the same tables is a third record.
			c := b
			c.cfg.Tenant = "other"
			require.NoError(t, c.store().View(deadline(t), func(r crm.Reader) error {
				p, err := r.ScanProfiles(deadline(t), crm.AllParts(), crm.ProfileKey{}, 10)
				require.Empty(t, p)
				return err
			}))
			used(t, c)
		})
	}
}

// TestNotMigrated: a database without the tables is an error, not a panic.
func TestNotMigrated(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			_, err := service(d.store()).Import(deadline(t), batch(0, 1, 1))
			var e *crm.Error
			require.ErrorAs(t, err, &e)
		})
	}
}

// TestMigrateKilled ends the connection after one statement, after two, after three, …
// on the same database, where statements that make tables end transactions: each
// attempt goes on from where the last one was killed, and the lock is not left behind.
func TestMigrateKilled(t *testing.T) {
	d := withShipments(openMySQL(t))
	inner, err := d.db.Driver().(driver.DriverContext).OpenConnector(mysqlDSN(t))
	require.NoError(t, err)
	f := &fuse{Connector: inner}
	killed := d
	killed.db = sql.OpenDB(f)
	defer func() { require.NoError(t, killed.db.Close()) }()
	done, halfway := false, 0
	for n := int64(1); !done && n < 500; n++ {
		f.left.Store(n)
		err := sqlstore.Migrate(deadline(t), killed.db, d.dialect, d.cfg)
		if done = err == nil; done {
			break
		}
		require.ErrorIs(t, err, errGone, "after %d statements", n)
		if have := len(tables(t, d)); have > 2 && have < 20 {
			halfway++
		}
	}
	require.True(t, done)
	require.Greater(t, halfway, 10, "it was killed between the tables of a step")
	migrate(t, d)
	require.NoError(t, d.store().Check(deadline(t)))
	used(t, d)
}
