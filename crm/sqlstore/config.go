package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Config says where in the host's database the record lives. The zero value
// works. A Store and Migrate must be given the same Schema and Prefix.
type Config struct {
	// Schema is the PostgreSQL schema that holds the tables, or the MySQL database;
	// Migrate makes it if it is missing. Empty means "vefa" on PostgreSQL and the
	// connection's database on MySQL. SQLite has no schemas and ignores it. Letters,
	// digits and _, at most 48.
	Schema string
	// Prefix stands in front of every table and index name. Empty means
	// "vefa_" on SQLite and MySQL and nothing on PostgreSQL. Letters, digits and _,
	// at most 24; "-" means no prefix anywhere.
	Prefix string
	// Tenant is written into every row and asked for by every statement, so
	// that several retailers may share the tables. Empty is a tenant like any
	// other. Letters, digits, _ and -, at most 64.
	Tenant string
	// Copy, if set, runs a COPY … FROM STDIN statement on PostgreSQL, with the
	// rows as its input, in the transaction that conn is in. It makes imports
	// faster; nothing depends on it. It is called on a goroutine that ends with
	// it, before the transaction does. The package comment shows it for pgx.
	Copy func(ctx context.Context, conn *sql.Conn, statement string, rows io.Reader) error
	// Kinds describes kinds of facts besides the library's own. A Store and Migrate
	// must be given the same.
	Kinds []crm.Kind
	// Migrations make the tables of Kinds, owner by owner behind the library's own.
	Migrations []Steps
	// Retry says how often an Update is run again where the database asks for it
	// (serialization failure, deadlock, lock time-out, locked file), and Migrate.
	// The zero value gives up after about five seconds, with crm.ErrBusy.
	Retry crm.Retry
	// Now is the clock that stamps changes and migrations; nil means time.Now. On
	// SQLite it is the clock of leases, too: the file has no other. On a server
	// those go by the server's.
	Now func() time.Time

	kinds *crm.Kinds
}

// resolve spells out the defaults.
func (c Config) resolve(d Dialect) (Config, error) {
	speaks := d.speaker(nil)
	if speaks == nil {
		return c, configError("dialect", fmt.Sprintf("%d is not known", d))
	}
	if err := speaks.defaults(&c); err != nil {
		return c, err
	}
	if c.Prefix == "-" {
		c.Prefix = ""
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	var err error
	if c.kinds, err = crm.NewKinds(c.Kinds...); err != nil {
		return c, err
	}
	owners := map[string]bool{}
	for i, s := range c.Migrations {
		if s.Owner == "" || !isName(s.Owner, 48, false) || strings.ToLower(s.Owner) != s.Owner || owners[s.Owner] || s.Files == nil {
			return c, configError(fmt.Sprintf("migrations[%d]", i), "must have files, and an owner of its own of small letters, digits and _, at most 48 of them")
		}
		owners[s.Owner] = true
	}
	names := map[string]bool{"schema_versions": true, "owner_versions": true}
	for _, t := range schema(c.kinds) {
		if names[t.name] {
			return c, configError("kinds", fmt.Sprintf("want a table named %q, which there is already", t.name))
		}
		names[t.name] = true
	}
	if c.Prefix != "" && !isName(c.Prefix, 24, false) {
		return c, configError("prefix", "may have letters, digits and _ only, and at most 24 of them")
	}
	if c.Tenant != "" && !isName(c.Tenant, 64, true) {
		return c, configError("tenant", "may have letters, digits, _ and - only, and at most 64 of them")
	}
	return c, nil
}

func checkSchema(name string) error {
	if !isName(name, 48, false) {
		return configError("schema", "may have letters, digits and _ only, and at most 48 of them")
	}
	return nil
}

func configError(field, msg string) error {
	return &crm.Error{Op: "configure", Entity: "sqlstore", Kind: crm.ErrInvalid, Err: &crm.FieldError{Field: field, Msg: msg}}
}

// isName reports whether s, quoted, can stand in a statement's text.
func isName(s string, longest int, dash bool) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', dash && c == '-':
		default:
			return false
		}
	}
	return true
}
