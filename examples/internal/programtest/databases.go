package programtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

// server returns the DSN of a test server, or skips.
func server(t testing.TB, variable, name string) string {
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

// EmptyMySQL makes a database on the test server that is dropped when the test ends, and returns what
// -db takes for it. Without a server it skips.
func EmptyMySQL(t testing.TB) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(server(t, "VEFA_TEST_MYSQL", "MySQL"))
	require.NoError(t, err)
	name := "vefa_" + strings.ToLower(rand.Text())
	Administer(t, "mysql", "CREATE DATABASE "+name)
	t.Cleanup(func() { Administer(t, "mysql", "DROP DATABASE "+name) })
	cfg.DBName = name
	return "mysql:" + cfg.FormatDSN()
}

// EmptyPostgres makes a database on the test server that is dropped when the test ends, and returns what
// -db takes for it. Without a server it skips.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	server := server(t, "VEFA_TEST_POSTGRES", "PostgreSQL")
	name := "vefa_" + strings.ToLower(rand.Text())
	Administer(t, "pgx", `CREATE DATABASE `+name)
	t.Cleanup(func() { Administer(t, "pgx", `DROP DATABASE `+name+` WITH (FORCE)`) })
	if u, err := url.Parse(server); err == nil && u.Scheme != "" {
		u.Path = "/" + name
		return "postgres:" + u.String()
	}
	return "postgres:" + server + " dbname=" + name // the last one counts
}

// Administer runs a statement on the test server of a driver, pgx or mysql.
func Administer(t testing.TB, driver, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open(driver, os.Getenv(map[string]string{"pgx": "VEFA_TEST_POSTGRES", "mysql": "VEFA_TEST_MYSQL"}[driver]))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	_, err = db.ExecContext(ctx, statement, args...)
	require.NoError(t, err, statement)
}
