package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa"
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/crmtest"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/crm/sqlstore"
	"github.com/vefacrm/vefa/internal/nighttest"
)

func someone(i int) *crm.Profile {
	return &crm.Profile{ProfileKey: crm.ProfileKey{Source: "pos", ID: fmt.Sprint(i)}, Name: crm.Name{Given: "Ada"}}
}

// once is a Retry that does not wait.
var once = crm.Retry{Attempts: 2, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}

// TestNotReady: what a host forgot is told with the step that mends it.
// Case B18.
func TestNotReady(t *testing.T) {
	told := func(t *testing.T, store crm.Store, kind error, words string) {
		t.Helper()
		svc := crm.New(store, crm.Config{})
		err := svc.PutProfile(t.Context(), someone(1))
		require.ErrorIs(t, err, kind)
		require.ErrorContains(t, err, words)
		_, err = svc.Customer(t.Context(), "x")
		require.ErrorIs(t, err, kind)
		require.ErrorContains(t, err, words)
		if c, ok := store.(interface{ Check(context.Context) error }); ok {
			require.ErrorIs(t, c.Check(t.Context()), kind)
		}
	}
	for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.Postgres, sqlstore.MySQL} {
		told(t, sqlstore.New(nil, d, sqlstore.Config{}), crm.ErrInvalid, "sql.Open")
		require.ErrorContains(t, sqlstore.Migrate(t.Context(), nil, d, sqlstore.Config{}), "sql.Open")
	}
	told(t, (*sqlstore.Store)(nil), crm.ErrInvalid, "New")
	told(t, &sqlstore.Store{}, crm.ErrInvalid, "sql.Open")
	told(t, (*memstore.Store)(nil), crm.ErrInvalid, "New")
	told(t, &memstore.Store{}, crm.ErrInvalid, "New")
	t.Run("SQLite", func(t *testing.T) { told(t, openSQLite(t).store(), sqlstore.ErrNotMigrated, "run sqlstore.Migrate") })
	t.Run("PostgreSQL", func(t *testing.T) {
		told(t, openPostgres(t).store(), sqlstore.ErrNotMigrated, "run sqlstore.Migrate")
	})
	t.Run("MySQL", func(t *testing.T) { told(t, openMySQL(t).store(), sqlstore.ErrNotMigrated, "run sqlstore.Migrate") })
	for _, open := range openers {
		t.Run("ready", func(t *testing.T) {
			d := open(t)
			migrate(t, d)
			require.NoError(t, d.store().Check(t.Context()))
		})
	}
}

// TestAPlainDSN: a SQLite file that was opened without parameters is slow to
// share, but no transaction fails, and Check says what is missing. Case B18.
func TestAPlainDSN(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vefa.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	patient := crm.Retry{Attempts: 1000} // how slow the disk is must not decide
	d := database{"sqlite", sqlstore.SQLite, db, sqlstore.Config{Retry: patient}}
	migrate(t, d)
	store := d.store()
	err = store.Check(t.Context())
	require.ErrorIs(t, err, sqlstore.ErrDSN)
	for _, words := range []string{"busy_timeout(10000)", "journal_mode(wal)", "_txlock=immediate"} {
		require.ErrorContains(t, err, words)
	}
	svc := crm.New(store, crm.Config{Retry: patient})
	errs := make([]error, 100)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			if errs[i] = svc.PutProfile(t.Context(), someone(i)); errs[i] == nil {
				_, errs[i] = svc.CustomerOf(t.Context(), someone(i).ProfileKey)
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))

	// Another process has the file: the error names the parameters.
	other, err := sql.Open("sqlite", path+"?_txlock=exclusive")
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	tx, err := other.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	impatient := crm.New(sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{Retry: once}), crm.Config{})
	for _, err := range []error{impatient.PutProfile(t.Context(), someone(1)), errOf(impatient.CustomerOf(t.Context(), someone(1).ProfileKey))} {
		require.ErrorIs(t, err, crm.ErrBusy)
		require.ErrorContains(t, err, "busy_timeout")
	}
}

// TestAPlainDSNOfMySQL: Check says what is missing in how a server was opened.
func TestAPlainDSNOfMySQL(t *testing.T) {
	d := openMySQL(t)
	migrate(t, d)
	cfg, err := mysql.ParseDSN(mysqlDSN(t))
	require.NoError(t, err)
	check := func(database, mode, isolation string) error {
		cfg := cfg.Clone()
		cfg.DBName, cfg.Params = database, map[string]string{"sql_mode": mode, "tx_isolation": isolation}
		connector, err := mysql.NewConnector(cfg)
		require.NoError(t, err)
		db := sql.OpenDB(connector)
		defer func() { require.NoError(t, db.Close()) }()
		return sqlstore.New(db, d.dialect, d.cfg).Check(t.Context())
	}
	require.NoError(t, check(cfg.DBName, "'STRICT_TRANS_TABLES'", "'READ-COMMITTED'"))
	for words, err := range map[string]error{
		"names no database":   check("", "'STRICT_ALL_TABLES'", "'READ-COMMITTED'"),
		"sql_mode":            check(cfg.DBName, "'NO_ENGINE_SUBSTITUTION'", "'READ-COMMITTED'"),
		"begin at REPEATABLE": check(cfg.DBName, "'STRICT_TRANS_TABLES'", "'REPEATABLE-READ'"),
	} {
		require.ErrorIs(t, err, sqlstore.ErrDSN)
		require.ErrorContains(t, err, words)
		require.ErrorContains(t, err, "transaction_isolation='READ-COMMITTED'")
	}
}

// TestTooLargeForMySQL: a record that the server would hang up on is refused as such.
func TestTooLargeForMySQL(t *testing.T) {
	d := openMySQL(t)
	migrate(t, d)
	cfg, err := mysql.ParseDSN(mysqlDSN(t))
	require.NoError(t, err)
	cfg.MaxAllowedPacket = 0
	connector, err := mysql.NewConnector(cfg)
	require.NoError(t, err)
	d.db = sql.OpenDB(connector)
	defer func() { require.NoError(t, d.db.Close()) }()
	note := func(n int) *crm.Fact {
		return &crm.Fact{Key: crm.FactKey{Kind: crm.KindNote, Source: "desk", ID: fmt.Sprint(n)}, Subject: consent(1).Subject, At: day, Data: &crm.Note{Text: strings.Repeat("x", n)}}
	}
	svc := service(d.store())
	for _, n := range []int{5 << 20, 9 << 20, 3 << 20} { // more than a statement of many rows may have
		require.NoError(t, svc.Record(deadline(t), note(n)))
	}
	require.ErrorIs(t, svc.Record(deadline(t), note(40<<20)), crm.ErrInvalid)
	require.NoError(t, svc.Record(deadline(t), note(1)), "the store goes on")
}

func errOf[T any](_ T, err error) error { return err }

// TestTheNightMeetsAStoreThatCannotBegin: a locked file, a file that may only be
// read and a database without a free connection give an error; when it is over,
// the same call does the evening. Case A3.
func TestTheNightMeetsAStoreThatCannotBegin(t *testing.T) {
	clock := &crmtest.Clock{}
	clock.Set(nighttest.Start)
	night := func(ctx context.Context, store crm.Store) (vefa.NightReport, error) {
		return nighttest.New(t, store, clock, nil).Engine.Night(ctx, vefa.Night{Source: nighttest.Once(nighttest.People(3))})
	}
	t.Run("locked", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "vefa.db")
		db, err := sql.Open("sqlite", path)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		migrate(t, database{"sqlite", sqlstore.SQLite, db, sqlstore.Config{}})
		other, err := sql.Open("sqlite", path+"?_txlock=exclusive")
		require.NoError(t, err)
		defer func() { require.NoError(t, other.Close()) }()
		tx, err := other.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = night(t.Context(), sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{Retry: once}))
		require.ErrorIs(t, err, crm.ErrBusy)
		require.NoError(t, tx.Rollback())
		rep, err := night(t.Context(), sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{Retry: once}))
		require.NoError(t, err)
		require.True(t, rep.Closed)
	})
	t.Run("read only", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "vefa.db")
		db, err := sql.Open("sqlite", path)
		require.NoError(t, err)
		migrate(t, database{"sqlite", sqlstore.SQLite, db, sqlstore.Config{}})
		require.NoError(t, db.Close())
		require.NoError(t, os.Chmod(path, 0o400))
		db, err = sql.Open("sqlite", "file:"+path+"?mode=ro")
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		_, err = night(t.Context(), sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{}))
		require.ErrorContains(t, err, "readonly")
	})
	for name, open := range openers {
		t.Run("no connection", func(t *testing.T) {
			d := open(t)
			migrate(t, d)
			if driver, shared := map[string]string{"postgres": "pgx", "mysql": "mysql"}[name]; shared { // the others use it, too
				db, err := sql.Open(driver, map[string]func(testing.TB) string{"postgres": postgresDSN, "mysql": mysqlDSN}[name](t))
				require.NoError(t, err)
				defer func() { require.NoError(t, db.Close()) }()
				d.db = db
			}
			d.db.SetMaxOpenConns(1)
			conn, err := d.db.Conn(t.Context())
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err = night(ctx, d.store())
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NoError(t, conn.Close())
			d.db.SetMaxOpenConns(8)
			rep, err := night(t.Context(), d.store())
			require.NoError(t, err)
			require.True(t, rep.Closed)
		})
	}
}
