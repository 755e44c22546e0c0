package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // registers "mysql"
	"github.com/jackc/pgx/v5/stdlib"   // registers "pgx"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // registers "sqlite"

	"github.com/vefacrm/vefa/crm/sqlstore"
)

// database is one database to test on, with the configuration of a store in it.
type database struct {
	name    string
	dialect sqlstore.Dialect
	db      *sql.DB
	cfg     sqlstore.Config
}

func (d database) store() *sqlstore.Store { return sqlstore.New(d.db, d.dialect, d.cfg) }

// sqliteDSN is what the package comment of sqlstore asks hosts for.
func sqliteDSN(path string) string {
	return "file:" + path + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)"
}

// durableDSN is sqliteDSN for what is on the disk once it was committed.
func durableDSN(path string) string {
	return strings.Replace(sqliteDSN(path), "synchronous(normal)", "synchronous(full)", 1)
}

// openDurable opens a file with durableDSN, by as many connections as there are readers: to open one takes
// longer than to read.
func openDurable(t testing.TB, path string) database {
	t.Helper()
	db, err := sql.Open("sqlite", durableDSN(path))
	require.NoError(t, err)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return database{"sqlite", sqlstore.SQLite, db, sqlstore.Config{}}
}

// openSQLite opens an empty file.
func openSQLite(t testing.TB) database {
	t.Helper()
	db, err := sql.Open("sqlite", sqliteDSN(filepath.Join(t.TempDir(), "vefa.db")))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return database{"sqlite", sqlstore.SQLite, db, sqlstore.Config{}}
}

// postgresDSN returns the test server's DSN, or skips.
func postgresDSN(t testing.TB) string { return serverDSN(t, "VEFA_TEST_POSTGRES", "PostgreSQL") }

// mysqlDSN is postgresDSN for MariaDB or MySQL. It has what the package comment of
// sqlstore asks for.
func mysqlDSN(t testing.TB) string { return serverDSN(t, "VEFA_TEST_MYSQL", "MySQL") }

func serverDSN(t testing.TB, variable, name string) string {
	t.Helper()
	dsn := os.Getenv(variable)
	if dsn == "" {
		msg := variable + " is not set: nothing was tested on " + name
		if os.Getenv("VEFA_REQUIRE_ALL") == "1" {
			t.Fatal(msg)
		}
		t.Skip(msg)
	}
	return dsn
}

// server is the connection to the test server; tests share it, because some
// open a hundred stores.
var server = sync.OnceValues(func() (*sql.DB, error) { return sql.Open("pgx", os.Getenv("VEFA_TEST_POSTGRES")) })

// mysqlServer is the same of MariaDB or MySQL.
var mysqlServer = sync.OnceValues(func() (*sql.DB, error) {
	db, err := sql.Open("mysql", os.Getenv("VEFA_TEST_MYSQL"))
	if err == nil {
		db.SetMaxIdleConns(16)
	}
	return db, err
})

var schemas atomic.Int64

// newSchema names one that does not exist yet.
func newSchema() string {
	return fmt.Sprintf("t%d_%d_%d", os.Getpid(), time.Now().UnixNano()%1e9, schemas.Add(1))
}

// openMySQL names a database that does not exist yet.
func openMySQL(t testing.TB) database {
	t.Helper()
	mysqlDSN(t)
	db, err := mysqlServer()
	require.NoError(t, err)
	schema := newSchema()
	t.Cleanup(func() {
		_, err := db.ExecContext(context.Background(), "DROP DATABASE IF EXISTS `"+schema+"`")
		require.NoError(t, err)
	})
	return database{"mysql", sqlstore.MySQL, db, sqlstore.Config{Schema: schema}}
}

// openPostgres names a schema that does not exist yet.
func openPostgres(t testing.TB) database {
	t.Helper()
	postgresDSN(t)
	db, err := server()
	require.NoError(t, err)
	schema := newSchema()
	t.Cleanup(func() {
		_, err := db.ExecContext(context.Background(), `DROP SCHEMA IF EXISTS "`+schema+`" CASCADE`)
		require.NoError(t, err)
	})
	return database{"postgres", sqlstore.Postgres, db, sqlstore.Config{Schema: schema}}
}

// openCopying is openPostgres with the bulk path of the driver lent.
func openCopying(t testing.TB) database {
	t.Helper()
	d := openPostgres(t)
	d.cfg.Copy = copyFrom
	return d
}

// copyFrom is what the package comment of sqlstore shows for pgx.
func copyFrom(ctx context.Context, conn *sql.Conn, statement string, rows io.Reader) error {
	return conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().PgConn().CopyFrom(ctx, rows, statement)
		return err
	})
}

// openers are the databases that every test runs on.
var openers = map[string]func(testing.TB) database{"sqlite": openSQLite, "postgres": openPostgres, "mysql": openMySQL}

// onEach runs a test on a migrated database of each kind.
func onEach(t *testing.T, fn func(t *testing.T, d database)) {
	t.Helper()
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			migrate(t, d)
			fn(t, d)
		})
	}
}

func migrate(t testing.TB, d database) {
	t.Helper()
	require.NoError(t, sqlstore.Migrate(deadline(t), d.db, d.dialect, d.cfg))
}

// deadline is a context that ends before the test's patience does: a wrong
// store tends to hang, not to fail.
func deadline(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// tables lists the tables of the configuration.
func tables(t testing.TB, d database) []string {
	t.Helper()
	q := "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'vefa%' ORDER BY name"
	switch d.dialect {
	case sqlstore.MySQL:
		q = "SELECT table_name FROM information_schema.tables WHERE table_schema = '" + d.cfg.Schema + "' ORDER BY 1"
	case sqlstore.Postgres:
		q = "SELECT tablename FROM pg_tables WHERE schemaname = '" + strings.ToLower(d.cfg.Schema) + "' ORDER BY 1"
	}
	rows, err := d.db.QueryContext(deadline(t), q)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var out []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		out = append(out, name)
	}
	require.NoError(t, rows.Err())
	return out
}
