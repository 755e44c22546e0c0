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

// ErrDSN is wrapped by the error of Check about a database that was opened without
// what concurrent use needs. The error says what that is.
var ErrDSN = errors.New("see the package comment of sqlstore for the DSN")

// opened returns the error of faults in how the database was opened, if there are any.
func (g *grammar) opened(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return &crm.Error{Op: "check", Entity: g.name, Kind: crm.ErrInvalid, Err: fmt.Errorf("%s: %s; %w", strings.Join(faults, "; "), g.dsn, ErrDSN)}
}

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
// are those of this version (else ErrNotMigrated), and it was opened as the package
// comment asks for: a SQLite file in WAL mode with a busy time-out, MySQL with a
// database and READ COMMITTED (else ErrDSN). It writes nothing and takes a
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
	return ended(ctx, s.g.d.check(ctx, s.db))
}
