package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// errGone is what a driver says when the server went away.
var errGone = errors.New("connection reset by peer")

// fuse is a connector whose connections stop working after a number of
// statements.
type fuse struct {
	driver.Connector
	left atomic.Int64
}

func (f *fuse) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := f.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &fused{c, f}, nil
}

func (f *fuse) burn() error {
	if f.left.Add(-1) < 0 {
		return errGone
	}
	return nil
}

type fused struct {
	driver.Conn
	fuse *fuse
}

func (c *fused) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.fuse.burn(); err != nil {
		return nil, err
	}
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	return &fusedTx{tx, c.fuse}, err
}

func (c *fused) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.fuse.burn(); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, q, args)
}

func (c *fused) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.fuse.burn(); err != nil {
		return nil, err
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, q, args)
}

type fusedTx struct {
	driver.Tx
	fuse *fuse
}

func (t *fusedTx) Commit() error {
	if err := t.fuse.burn(); err != nil {
		_ = t.Rollback() // what the server does with a transaction that lost its client
		return err
	}
	return t.Tx.Commit()
}

// TestGone: whichever statement of an import is the last that the database
// answers, the import fails with a typed error and leaves nothing behind.
func TestGone(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := deadline(t)
		var inner driver.Connector
		switch d.dialect {
		case sqlstore.SQLite:
			d.cfg.Prefix = "vefa_gone_"
			inner = sqliteConnector{d.db.Driver(), sqliteDSN(filepath.Join(t.TempDir(), "gone.db"))}
		case sqlstore.MySQL:
			var err error
			inner, err = d.db.Driver().(driver.DriverContext).OpenConnector(mysqlDSN(t))
			require.NoError(t, err)
		default:
			var err error
			inner, err = d.db.Driver().(*stdlib.Driver).OpenConnector(postgresDSN(t))
			require.NoError(t, err)
		}
		f := &fuse{Connector: inner}
		f.left.Store(1 << 40)
		d.db = sql.OpenDB(f)
		defer func() { require.NoError(t, d.db.Close()) }()
		migrate(t, d)
		svc := service(d.store())
		survived := false
		for n := range int64(400) {
			f.left.Store(n)
			_, err := svc.Import(ctx, batch(0, 5, 2))
			f.left.Store(1 << 40)
			if survived = err == nil; survived {
				break
			}
			var e *crm.Error
			require.ErrorAs(t, err, &e, "statement %d", n)
			require.ErrorIs(t, err, errGone, "statement %d", n)
			require.NoError(t, d.store().View(ctx, func(r crm.Reader) error {
				p, err := r.ScanProfiles(ctx, crm.AllParts(), crm.ProfileKey{}, 10)
				require.Empty(t, p, "statement %d", n)
				require.NoError(t, err)
				feed, _, err := r.Changes(ctx, "", 10)
				require.Empty(t, feed, "statement %d", n)
				return err
			}))
		}
		require.True(t, survived)
		used(t, d)
	})
}

type sqliteConnector struct {
	drv driver.Driver
	dsn string
}

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) { return c.drv.Open(c.dsn) }
func (c sqliteConnector) Driver() driver.Driver                        { return c.drv }
