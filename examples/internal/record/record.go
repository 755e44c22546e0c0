// Package record opens the record that -db of the example programs names: in memory, or in a
// database, whose tables it makes.
package record

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/memstore"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// Open opens what -db names, and returns it with the name of what it is: memory, SQLite,
// PostgreSQL or MySQL. An empty name is a SQLite file in a temporary directory. The function that
// it returns closes everything again. A name that means nothing is an error that says what does.
func Open(ctx context.Context, name string) (crm.Store, string, func(), error) {
	kind, where, _ := strings.Cut(name, ":")
	switch kind {
	case "memory":
		return memstore.New(), "memory", func() {}, nil
	case "", "sqlite":
		if where != "" {
			return openSQLite(ctx, where, "normal", func() {})
		}
		dir, err := os.MkdirTemp("", "vefa-example-")
		if err != nil {
			return nil, "", nil, err
		}
		// Nobody needs this file after a power cut.
		return openSQLite(ctx, filepath.Join(dir, "record.db"), "off", func() { _ = os.RemoveAll(dir) })
	case "postgres", "postgresql":
		if strings.HasPrefix(where, "//") {
			where = name // a URL, as other programs of PostgreSQL take it
		}
		db, err := sql.Open("pgx", where)
		if err != nil {
			return nil, "", nil, fmt.Errorf("-db: %w", err)
		}
		return migrated(ctx, db, sqlstore.Postgres, sqlstore.Config{Copy: copyFrom}, "PostgreSQL", func() {})
	case "mysql", "mariadb":
		cfg, err := mysql.ParseDSN(where)
		if err != nil {
			return nil, "", nil, fmt.Errorf("-db: %w; a DSN is USER:PASSWORD@unix(/run/mysqld/mysqld.sock)/DATABASE or USER:PASSWORD@tcp(HOST)/DATABASE", err)
		}
		cfg.InterpolateParams = true // one round trip for a statement
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, "", nil, fmt.Errorf("-db: %w", err)
		}
		db := sql.OpenDB(connector)
		db.SetMaxIdleConns(8)
		return migrated(ctx, db, sqlstore.MySQL, sqlstore.Config{}, "MySQL", func() {})
	}
	hint := ""
	if kind == "file" || kind == name {
		hint = "; for a SQLite file write sqlite:" + strings.TrimPrefix(name, "file:")
	}
	return nil, "", nil, fmt.Errorf("-db: %q is none of memory, sqlite:PATH, postgres:DSN (such as postgres:host=/run/postgresql dbname=shop), postgres://USER@HOST/DATABASE, mysql:DSN (such as mysql:me@tcp(localhost)/shop)%s", name, hint)
}

func openSQLite(ctx context.Context, path, synchronous string, cleanup func()) (crm.Store, string, func(), error) {
	name := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path) // of a URI
	db, err := sql.Open("sqlite", "file:"+name+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=wal_autocheckpoint(10000)&_pragma=cache_size(-65536)&_pragma=synchronous("+synchronous+")")
	if err != nil {
		cleanup()
		return nil, "", nil, fmt.Errorf("-db: %w", err)
	}
	db.SetMaxOpenConns(4)
	return migrated(ctx, db, sqlstore.SQLite, sqlstore.Config{}, "SQLite", cleanup)
}

// copyFrom lends the store PostgreSQL's COPY, which only the driver has.
func copyFrom(ctx context.Context, conn *sql.Conn, statement string, rows io.Reader) error {
	return conn.Raw(func(c any) error {
		_, err := c.(*stdlib.Conn).Conn().PgConn().CopyFrom(ctx, rows, statement)
		return err
	})
}

func migrated(ctx context.Context, db *sql.DB, d sqlstore.Dialect, cfg sqlstore.Config, what string, cleanup func()) (crm.Store, string, func(), error) {
	shut := func() {
		_ = db.Close()
		cleanup()
	}
	if err := sqlstore.Migrate(ctx, db, d, cfg); err != nil {
		shut()
		return nil, "", nil, fmt.Errorf("-db: %w", err)
	}
	return sqlstore.New(db, d, cfg), what, shut, nil
}
