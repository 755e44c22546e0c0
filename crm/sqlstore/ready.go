package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// ErrNotMigrated is wrapped by the error of a call that meets a database without
// the tables, or with those of an older version.
var ErrNotMigrated = errors.New("the tables are missing or of an older version: run sqlstore.Migrate with the same Config first")

// ErrDSN is wrapped by the error of Check about a SQLite file that was opened
// without what concurrent use needs.
var ErrDSN = errors.New("open it with ?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal) behind the file's name (modernc.org/sqlite; other drivers name them otherwise)")

var errNoDB = configError("db", "is nil; give New the *sql.DB that sql.Open returned")

// usable tells what keeps a store from working at all.
func (s *Store) usable() error {
	switch {
	case s == nil:
		return configError("store", "is nil; make it with New")
	case s.err != nil:
		return s.err
	case s.db == nil:
		return errNoDB
	}
	return nil
}

// Check reports whether the store can be used: the database answers, the tables
// are those of this version (else ErrNotMigrated), and a SQLite file was opened
// in WAL mode with a busy time-out (else ErrDSN). It writes nothing and takes a
// few reads; call it when the host starts. A later version of the tables is an
// error, too.
func (s *Store) Check(ctx context.Context) error {
	if err := s.usable(); err != nil {
		return err
	}
	have, newest, err := Version(ctx, s.db, s.g.dialect, s.cfg)
	switch {
	case err != nil:
		return ended(ctx, err)
	case have < newest:
		return &crm.Error{Op: "check", Entity: "schema", Kind: crm.ErrInvalid, Err: fmt.Errorf("%w (it has version %d, this library needs %d)", ErrNotMigrated, have, newest)}
	case have > newest:
		return &crm.Error{Op: "check", Entity: "schema", Kind: crm.ErrInvalid, Err: fmt.Errorf("the database is at version %d, this library knows %d", have, newest)}
	}
	all, err := Migrations(s.g.dialect, s.cfg)
	if err != nil {
		return err
	}
	switch left, err := pending(ctx, s.db, s.g.dialect, s.cfg, all); {
	case err != nil:
		return ended(ctx, err)
	case left > 0:
		return &crm.Error{Op: "check", Entity: "schema", Kind: crm.ErrInvalid, Err: fmt.Errorf("%w (%d of Config.Migrations are left)", ErrNotMigrated, left)}
	}
	if s.g.dialect != SQLite {
		return nil
	}
	var mode string
	var patience int64
	if err := s.db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return ended(ctx, wrap("check", "journal_mode", err))
	}
	if err := s.db.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&patience); err != nil {
		return ended(ctx, wrap("check", "busy_timeout", err))
	}
	var faults []string
	if mode != "wal" && mode != "memory" {
		faults = append(faults, fmt.Sprintf("its journal_mode is %s, not wal: readers and writers exclude each other", mode))
	}
	if patience <= 0 {
		faults = append(faults, "it has no busy_timeout: a transaction that meets another fails at once")
	}
	if len(faults) == 0 {
		return nil
	}
	return &crm.Error{Op: "check", Entity: "sqlite", Kind: crm.ErrInvalid, Err: fmt.Errorf("%s: %w", strings.Join(faults, "; "), ErrDSN)}
}

// missing reports whether a statement failed because there is no such table,
// schema or column.
func missing(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		switch state.SQLState() {
		case "42P01", "3F000", "42703":
			return true
		}
		return false
	}
	// SQLite has one code for all that is wrong with a statement.
	var code interface{ Code() int }
	if errors.As(err, &code) && code.Code()&0xff == 1 {
		text := err.Error()
		return strings.Contains(text, "no such table") || strings.Contains(text, "no such column") || strings.Contains(text, "has no column")
	}
	return false
}

// locked reports whether SQLite refused because the file is locked by others.
func locked(err error) bool {
	var state interface{ SQLState() string }
	var code interface{ Code() int }
	return !errors.As(err, &state) && errors.As(err, &code) && (code.Code()&0xff == 5 || code.Code()&0xff == 6)
}
