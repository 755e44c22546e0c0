package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migration is one step of the schema. Steps only go forward; a version of the
// library works with the newest step that it knows and with the one before.
type Migration struct {
	Version    int
	Name       string   // "001_record"
	Statements []string // in order, without semicolons
}

// In the files {p} stands for the schema and prefix of the host's choice, {i} for
// the prefix of index names, {key} for a text that is compared byte for byte and
// {end} for what the dialect wants after a table.

// Migrations returns all steps for a dialect and configuration, for hosts that
// run them with a tool of their own.
func Migrations(d Dialect, cfg Config) ([]Migration, error) {
	cfg, err := cfg.resolve(d)
	if err != nil {
		return nil, err
	}
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return nil, wrap("read", "migrations", err)
	}
	g := newGrammar(d, cfg)
	key, end := "text", " WITHOUT ROWID"
	if d == Postgres {
		key, end = `text COLLATE "C"`, ""
	}
	var out []Migration
	for _, f := range files { // sorted by name
		data, err := migrationFiles.ReadFile("migrations/" + f.Name())
		if err != nil {
			return nil, wrap("read", "migrations", err)
		}
		name := strings.TrimSuffix(f.Name(), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, wrap("read", "migrations", err)
		}
		m := Migration{Version: version, Name: name}
		for _, q := range splitStatements(string(data)) {
			q = replaceNames(q, "{p}", g.before)
			q = replaceNames(q, "{i}", `"`+cfg.Prefix)
			m.Statements = append(m.Statements, strings.NewReplacer("{key}", key, "{end}", end).Replace(q))
		}
		out = append(out, m)
	}
	return out, nil
}

// replaceNames replaces a mark before a name and closes the quote after it.
func replaceNames(q, mark, before string) string {
	var b strings.Builder
	for {
		head, tail, ok := strings.Cut(q, mark)
		b.WriteString(head)
		if !ok {
			return b.String()
		}
		n := strings.IndexFunc(tail, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
		if n < 0 {
			n = len(tail)
		}
		b.WriteString(before + tail[:n] + `"`)
		q = tail[n:]
	}
}

// splitStatements cuts a file at its semicolons; comments stay with what
// follows them. The files have no semicolon elsewhere.
func splitStatements(file string) []string {
	var out []string
	for q := range strings.SplitSeq(file, ";\n") {
		if q = strings.TrimSpace(q); q != "" {
			out = append(out, q)
		}
	}
	return out
}

// bookkeeping returns the statements that make the table of versions, whose row
// of version 0 is the lock that migrations take.
func (g *grammar) bookkeeping() []string {
	table := g.before + `schema_versions"`
	return []string{
		"CREATE TABLE IF NOT EXISTS " + table + " (version bigint NOT NULL PRIMARY KEY, name text NOT NULL, applied bigint NOT NULL)",
		"INSERT INTO " + table + " (version, name, applied) VALUES (0, 'lock', 0) ON CONFLICT (version) DO NOTHING",
	}
}

// WriteSQL writes all migrations as SQL text that can be run by psql or sqlite3
// on an empty database, bookkeeping included: a later Migrate knows of them.
func WriteSQL(w io.Writer, d Dialect, cfg Config) error {
	all, err := Migrations(d, cfg)
	if err != nil {
		return err
	}
	cfg, _ = cfg.resolve(d)
	g := newGrammar(d, cfg)
	b := new(strings.Builder)
	b.WriteString("BEGIN;\n")
	if d == Postgres {
		fmt.Fprintf(b, "CREATE SCHEMA IF NOT EXISTS \"%s\";\n", cfg.Schema)
	}
	for _, q := range g.bookkeeping() {
		b.WriteString(q + ";\n")
	}
	for _, m := range all {
		fmt.Fprintf(b, "\n-- %s\n\n", m.Name)
		for _, q := range m.Statements {
			b.WriteString(q + ";\n\n")
		}
		fmt.Fprintf(b, "INSERT INTO %sschema_versions\" (version, name, applied) VALUES (%d, '%s', 0);\n", g.before, m.Version, m.Name)
	}
	b.WriteString("COMMIT;\n")
	_, err = io.WriteString(w, b.String())
	return err
}

// Migrate brings the tables to the newest version: each step in a transaction
// of its own, under a lock row, so several processes may call it at once; one
// does the work and the others find it done. It takes the database and not a
// transaction: DDL has no place in the host's. Where nothing is to be done it
// only reads the version, which needs no right to make tables. A database of a
// newer version than the library knows is an error.
func Migrate(ctx context.Context, db *sql.DB, d Dialect, cfg Config) error {
	if db == nil {
		return errNoDB
	}
	all, err := Migrations(d, cfg)
	if err != nil {
		return err
	}
	have, newest, err := Version(ctx, db, d, cfg)
	switch {
	case err != nil && denied(err):
		return wrap("migrate", "schema", fmt.Errorf("the role may not read the version of the tables: sqlstore.Grants gives it what it needs: %w", err))
	case err != nil:
		return err
	case have == newest:
		return nil
	}
	err = migrate(ctx, db, d, cfg, all)
	if denied(err) {
		err = wrap("migrate", "schema", fmt.Errorf("the tables are at version %d of %d, and the role may not change them: run Migrate as their owner: %w", have, newest, err))
	}
	return err
}

// denied reports that the database refused a statement to the role.
func denied(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && state.SQLState() == "42501"
}

func migrate(ctx context.Context, db *sql.DB, d Dialect, cfg Config, all []Migration) error {
	cfg, _ = cfg.resolve(d)
	m := &migrator{db: db, g: newGrammar(d, cfg), cfg: cfg, all: all}
	if err := m.patiently(ctx, m.prepare); err != nil {
		return wrap("migrate", "schema", err)
	}
	for {
		var more bool
		err := m.patiently(ctx, func(ctx context.Context) (err error) {
			more, err = m.step(ctx)
			return err
		})
		if err != nil || !more {
			return wrap("migrate", "schema", err)
		}
	}
}

type migrator struct {
	db  *sql.DB
	g   *grammar
	cfg Config
	all []Migration
}

// patiently runs fn until the database does not ask for another try. Two
// processes that make the same table at once may also get "exists already".
func (m *migrator) patiently(ctx context.Context, fn func(context.Context) error) error {
	again := func(err error) bool { return retryable(err) || existsAlready(err) }
	return m.cfg.Retry.Do(ctx, again, func(int) error { return fn(ctx) })
}

func existsAlready(err error) bool {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return false
	}
	switch state.SQLState() {
	case "23505", "42P06", "42P07", "42710": // unique violation in the catalog, schema, table, object
		return true
	}
	return false
}

// prepare makes the schema and the table of versions.
func (m *migrator) prepare(ctx context.Context) error {
	if m.g.dialect == Postgres {
		// Asked for first, so that a host whose role may not create schemas
		// can make it beforehand.
		var n int
		if err := m.db.QueryRowContext(ctx, "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = $1", m.cfg.Schema).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			if _, err := m.db.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS "`+m.cfg.Schema+`"`); err != nil {
				return err
			}
		}
	}
	for _, q := range m.g.bookkeeping() {
		if _, err := m.db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// step applies the next migration, if there is one.
func (m *migrator) step(ctx context.Context) (more bool, err error) {
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	table := m.g.before + `schema_versions"`
	if _, err := tx.ExecContext(ctx, "UPDATE "+table+" SET applied = 0 WHERE version = 0"); err != nil {
		return false, err
	}
	var have int
	if err := tx.QueryRowContext(ctx, "SELECT max(version) FROM "+table).Scan(&have); err != nil {
		return false, err
	}
	if newest := m.all[len(m.all)-1].Version; have > newest {
		return false, &crm.Error{Op: "migrate", Entity: "schema", Kind: crm.ErrInvalid, Err: fmt.Errorf("the database is at version %d, this library knows %d", have, newest)}
	}
	for _, next := range m.all {
		if next.Version <= have {
			continue
		}
		for _, q := range next.Statements {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return false, fmt.Errorf("%s: %w", next.Name, err)
			}
		}
		q := m.g.finish("INSERT INTO " + table + " (version, name, applied) VALUES ($1, $2, $3)")
		if _, err := tx.ExecContext(ctx, q, next.Version, next.Name, m.cfg.Now().UnixMicro()); err != nil {
			return false, err
		}
		return true, tx.Commit()
	}
	return false, nil
}

// Version returns the schema version of the database, 0 where Migrate was never
// called, and the newest that this library knows.
func Version(ctx context.Context, db *sql.DB, d Dialect, cfg Config) (have, newest int, err error) {
	if db == nil {
		return 0, 0, errNoDB
	}
	all, err := Migrations(d, cfg)
	if err != nil {
		return 0, 0, err
	}
	cfg, _ = cfg.resolve(d)
	g := newGrammar(d, cfg)
	newest = all[len(all)-1].Version
	var tables int
	if d == Postgres {
		err = db.QueryRowContext(ctx, "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = $2", cfg.Schema, cfg.Prefix+"schema_versions").Scan(&tables)
	} else {
		err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", cfg.Prefix+"schema_versions").Scan(&tables)
	}
	if err != nil || tables == 0 {
		return 0, newest, wrap("read", "schema", err)
	}
	err = db.QueryRowContext(ctx, "SELECT max(version) FROM "+g.before+`schema_versions"`).Scan(&have)
	return have, newest, wrap("read", "schema", err)
}
