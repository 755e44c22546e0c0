package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/sqlstore"
)

// coded and stated are what drivers' errors look like.
type coded int

func (c coded) Error() string { return "database is locked" }
func (c coded) Code() int     { return int(c) }

type stated string

func (s stated) Error() string    { return "could not serialize access" }
func (s stated) SQLState() string { return string(s) }

type numbered struct{ Number uint16 }

func (n *numbered) Error() string        { return fmt.Sprintf("Error %d", n.Number) }
func (n *numbered) Is(target error) bool { o, ok := target.(*numbered); return ok && *o == *n }

// stubborn is a driver whose first commits fail.
type stubborn struct {
	fails []error
	begun int
}

func (s *stubborn) Connect(context.Context) (driver.Conn, error) { return s, nil }
func (s *stubborn) Driver() driver.Driver                        { return nil }
func (s *stubborn) Prepare(string) (driver.Stmt, error)          { return nothing{}, nil }
func (s *stubborn) Close() error                                 { return nil }
func (s *stubborn) Begin() (driver.Tx, error)                    { s.begun++; return s, nil }
func (s *stubborn) Rollback() error                              { return nil }
func (s *stubborn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return s.Begin()
}
func (s *stubborn) Commit() error {
	if len(s.fails) == 0 {
		return nil
	}
	err := s.fails[0]
	s.fails = s.fails[1:]
	return err
}

type nothing struct{}

func (nothing) Close() error                               { return nil }
func (nothing) NumInput() int                              { return -1 }
func (nothing) Exec([]driver.Value) (driver.Result, error) { return driver.RowsAffected(1), nil }
func (nothing) Query([]driver.Value) (driver.Rows, error)  { return nil, driver.ErrSkip }

// TestRetries: what the database asks to be run again is run again, on the
// values as they were, and other errors are not.
func TestRetries(t *testing.T) {
	repeat := func(err error, n int) []error {
		var out []error
		for range n {
			out = append(out, err)
		}
		return out
	}
	for _, c := range []struct {
		name  string
		d     sqlstore.Dialect
		fails []error
		runs  int
		kind  error
	}{
		{"no error", sqlstore.Postgres, nil, 1, nil},
		{"serialization failure", sqlstore.Postgres, repeat(stated("40001"), 3), 4, nil},
		{"deadlock", sqlstore.Postgres, repeat(stated("40P01"), 1), 2, nil},
		{"busy", sqlstore.SQLite, repeat(coded(5), 5), 6, nil},
		{"busy snapshot", sqlstore.SQLite, repeat(coded(517), 2), 3, nil},
		{"for ever", sqlstore.SQLite, repeat(coded(5), 1000), 28, crm.ErrBusy},
		{"for ever, by how it is opened", sqlstore.SQLite, repeat(coded(5), 1000), 28, sqlstore.ErrDSN}, // B18
		{"disk full", sqlstore.SQLite, repeat(coded(13), 1), 1, coded(13)},
		{"deadlock", sqlstore.MySQL, repeat(&numbered{1213}, 3), 4, nil},
		{"lock time-out", sqlstore.MySQL, repeat(fmt.Errorf("wrapped: %w", &numbered{1205}), 1), 2, nil},
		{"key is taken", sqlstore.MySQL, repeat(&numbered{1062}, 1), 1, &numbered{1062}},
		{"a number of another", sqlstore.Postgres, repeat(&numbered{1213}, 1), 1, &numbered{1213}},
		{"unique violation", sqlstore.Postgres, repeat(stated("23505"), 1), 1, stated("23505")},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				drv := &stubborn{fails: c.fails}
				db := sql.OpenDB(drv)
				store := sqlstore.New(db, c.d, sqlstore.Config{})
				runs := 0
				err := store.Update(t.Context(), func(crm.Tx) error { runs++; return nil })
				require.Equal(t, c.runs, runs)
				if c.kind == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, c.kind)
					var e *crm.Error
					require.ErrorAs(t, err, &e)
				}
				require.NoError(t, db.Close())
				synctest.Wait()
			})
		})
	}
}

// TestRetryStops: a cancelled context ends the waiting.
func TestRetryStops(t *testing.T) {
	drv := &stubborn{fails: []error{coded(5), coded(5), coded(5), coded(5)}}
	db := sql.OpenDB(drv)
	defer func() { require.NoError(t, db.Close()) }()
	store := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	runs := 0
	err := store.Update(ctx, func(crm.Tx) error {
		if runs++; runs == 2 {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 2, runs)
}

// unopened is a driver that no connection of is had.
type unopened struct{ err error }

func (u unopened) Connect(context.Context) (driver.Conn, error) { return nil, u.err }
func (u unopened) Driver() driver.Driver                        { return nil }

// TestMySQLNotOpened: a DSN without a database, or with a variable that the server does not
// have, is answered with how it is written.
func TestMySQLNotOpened(t *testing.T) {
	for _, number := range []uint16{1046, 1193} {
		db := sql.OpenDB(unopened{&numbered{number}})
		defer db.Close()
		err := sqlstore.Migrate(t.Context(), db, sqlstore.MySQL, sqlstore.Config{})
		require.ErrorIs(t, err, sqlstore.ErrDSN)
		require.ErrorIs(t, err, &numbered{number})
		require.ErrorContains(t, err, "open it with a database's name")
		require.ErrorContains(t, err, "the variable is tx_isolation")
	}
	db := sql.OpenDB(unopened{&numbered{1049}})
	defer db.Close()
	err := sqlstore.Migrate(t.Context(), db, sqlstore.MySQL, sqlstore.Config{})
	require.ErrorContains(t, err, "the database that the DSN names is not there; create it first")
	require.NotErrorIs(t, err, sqlstore.ErrNotMigrated)
}

// TestWriteSQL: the printed migrations are complete and free of marks.
func TestWriteSQL(t *testing.T) {
	for _, d := range dialects {
		var b bytes.Buffer
		require.NoError(t, sqlstore.WriteSQL(&b, d, sqlstore.Config{Schema: "crm", Prefix: "x_"}))
		all, err := sqlstore.Migrations(d, sqlstore.Config{Schema: "crm", Prefix: "x_"})
		require.NoError(t, err)
		for i, m := range all {
			require.Equal(t, i+1, m.Version)
			for _, q := range m.Statements {
				require.Contains(t, b.String(), q)
				require.NotContains(t, q, "{")
			}
		}
		text := b.String()
		for _, bad := range []string{"TRIGGER", "EXTENSION", "FUNCTION", "plpgsql", "BIGSERIAL", "DROP"} {
			require.False(t, strings.Contains(strings.ToUpper(text), strings.ToUpper(bad)), bad)
		}
		require.Equal(t, d == sqlstore.Postgres, strings.Contains(text, `CREATE SCHEMA IF NOT EXISTS "crm"`))
		require.Equal(t, d == sqlstore.MySQL, strings.Contains(text, "CREATE DATABASE IF NOT EXISTS `crm`"))
	}
}
