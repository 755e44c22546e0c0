package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migration is one step of the schema. Steps only go forward; a version of the
// library works with the newest step that it knows and with the one before.
type Migration struct {
	Owner      string // "" of the library's own, else Steps.Owner; each counts its versions
	Version    int
	Name       string   // "001_record"
	Statements []string // in order, without semicolons
}

// Steps are the migrations of a package outside the library. They only go forward;
// what was applied must not change.
type Steps struct {
	// Owner names the package in the database: small letters, digits and _, at most
	// 48. Each may be given once.
	Owner string
	// Files has 001_name.sql, 002_name.sql, … in its root. They are written as
	// migrations/001_record.sql is: {p} and {i} before a name that they make,
	// {key} as the type of a text that is part of a key, or {short} if it has at most
	// 64 bytes, {end} behind a table; {fact} for the columns that the table of a kind
	// has besides its own, and {fact_key} for its key.
	Files fs.FS
}

// In the files {p} stands for the schema and prefix of the host's choice, {i} for
// the prefix of index names, {key} for a text that is compared byte for byte, {short}
// for one that is always short, and {end} for what the dialect wants after a table.

// Migrations returns all steps for a dialect and configuration, for hosts that
// run them with a tool of their own.
func Migrations(d Dialect, cfg Config) ([]Migration, error) {
	cfg, err := cfg.resolve(d)
	if err != nil {
		return nil, err
	}
	g := newGrammar(d, cfg)
	own, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, g.wrap("read", "migrations", err)
	}
	var out []Migration
	for _, s := range append([]Steps{{"", own}}, cfg.Migrations...) {
		steps, err := g.steps(cfg, s)
		if err != nil {
			return nil, g.wrap("read", "migrations of "+s.Owner, err)
		}
		out = append(out, steps...)
	}
	return out, nil
}

// steps reads the migrations of one owner.
func (g *grammar) steps(cfg Config, s Steps) ([]Migration, error) {
	files, err := fs.Glob(s.Files, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var fact strings.Builder
	for i, c := range g.tables[g.ofKind[crm.KindOrder]].cols[:factCols] {
		typ := map[colType]string{text: "{key}", small: "smallint", big: "bigint"}[c.typ]
		switch c.name {
		case "subject_kind":
			typ = "{short}"
		case "data":
			typ = "text"
		}
		fact.WriteString(c.name + " " + typ + " NOT NULL")
		if i == 0 {
			fact.WriteString(", tenant {short} NOT NULL")
		}
		if i < factCols-1 {
			fact.WriteString(", ")
		}
	}
	factKey := strings.Join(g.key(g.ofKind[crm.KindOrder]), ", ")
	words := strings.NewReplacer("{fact}", fact.String(), "{fact_key}", factKey)
	var out []Migration
	for i, file := range files {
		data, err := fs.ReadFile(s.Files, file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(file, ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, err
		}
		if version != i+1 {
			return nil, fmt.Errorf("%s: the %d. file must have the number %d", file, i+1, i+1)
		}
		m := Migration{Owner: s.Owner, Version: version, Name: name}
		for _, q := range splitStatements(string(data)) {
			q = g.replaceNames(q, "{p}", g.before)
			q = g.replaceNames(q, "{i}", g.quote+cfg.Prefix)
			m.Statements = append(m.Statements, g.d.ddl(words.Replace(q)))
		}
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is no file named like 001_name.sql")
	}
	return out, nil
}

// replaceNames replaces a mark before a name and closes the quote after it.
func (g *grammar) replaceNames(q, mark, before string) string {
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
		b.WriteString(before + tail[:n] + g.quote)
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
	table := g.named("schema_versions")
	return []string{
		g.d.ddl("CREATE TABLE IF NOT EXISTS " + table + " (version bigint NOT NULL PRIMARY KEY, name text NOT NULL, applied bigint NOT NULL)"),
		"INSERT INTO " + table + " (version, name, applied) SELECT 0, 'lock', 0 WHERE NOT EXISTS (SELECT 1 FROM " + table + " WHERE version = 0)",
		g.d.ddl("CREATE TABLE IF NOT EXISTS " + g.named("owner_versions") + " (owner {short} NOT NULL, version bigint NOT NULL, name text NOT NULL, applied bigint NOT NULL, PRIMARY KEY (owner, version))"),
	}
}

// applying returns the statement that notes a migration: $1 to $3, or $4, are
// version, name and time, and the owner.
func (g *grammar) applying(m Migration) (q string, args []any) {
	if m.Owner == "" {
		return "INSERT INTO " + g.named("schema_versions") + " (version, name, applied) VALUES ($1, $2, $3)", nil
	}
	return "INSERT INTO " + g.named("owner_versions") + " (version, name, applied, owner) VALUES ($1, $2, $3, $4)", []any{m.Owner}
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
	if _, _, create := g.d.space(cfg); create != "" {
		b.WriteString(create + ";\n")
	}
	for _, q := range g.bookkeeping() {
		b.WriteString(q + ";\n")
	}
	for _, m := range all {
		fmt.Fprintf(b, "\n-- %s\n\n", m.Name)
		for _, q := range m.Statements {
			b.WriteString(q + ";\n\n")
		}
		q, _ := g.applying(m)
		b.WriteString(strings.NewReplacer("$1", strconv.Itoa(m.Version), "$2", "'"+m.Name+"'", "$3", "0", "$4", "'"+m.Owner+"'").Replace(q) + ";\n")
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
	left := 0
	if err == nil && have == newest {
		left, err = pending(ctx, db, d, cfg, all)
	}
	resolved, _ := cfg.resolve(d)
	g := newGrammar(d, resolved)
	switch {
	case err != nil && g.d.fault(err) == denied:
		return g.wrap("migrate", "schema", fmt.Errorf("the role may not read the version of the tables: sqlstore.Grants gives it what it needs: %w", err))
	case err != nil:
		return err
	case have == newest && left == 0:
		return nil
	}
	err = migrate(ctx, db, g, resolved, all)
	if err != nil && g.d.fault(err) == denied {
		err = g.wrap("migrate", "schema", fmt.Errorf("the tables are at version %d of %d, and the role may not change them: run Migrate as their owner: %w", have, newest, err))
	}
	return err
}

func migrate(ctx context.Context, db *sql.DB, g *grammar, cfg Config, all []Migration) error {
	m := &migrator{db: db, g: g, cfg: cfg, all: all}
	if err := m.patiently(ctx, m.prepare); err != nil {
		return g.wrap("migrate", "schema", err)
	}
	for {
		var more bool
		err := m.patiently(ctx, func(ctx context.Context) (err error) {
			more, err = m.step(ctx)
			return err
		})
		if err != nil || !more {
			return g.wrap("migrate", "schema", err)
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
	again := func(err error) bool {
		f := m.g.d.fault(err)
		return m.g.retryable(err) || f == exists || f == taken
	}
	return m.cfg.Retry.Do(ctx, again, func(int) error { return fn(ctx) })
}

// prepare makes the schema and the table of versions.
func (m *migrator) prepare(ctx context.Context) error {
	if exists, args, create := m.g.d.space(m.cfg); create != "" {
		// Asked for first, so that a host whose role may not create schemas
		// can make it beforehand.
		var n int
		if err := m.db.QueryRowContext(ctx, exists, args...).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			if _, err := m.db.ExecContext(ctx, create); err != nil {
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

// exclusive is a step of a migration, which one process takes at a time.
type exclusive struct {
	querier
	done    func() error // commits it
	release func()       // ends it, done or not
}

// querier is a database, a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error)
}

// lockVersions begins a transaction that holds the lock row.
func (g *grammar) lockVersions(ctx context.Context, db *sql.DB) (*exclusive, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE "+g.named("schema_versions")+" SET applied = 0 WHERE version = 0"); err != nil {
		_ = tx.Rollback()
		return nil, err
	}
	return &exclusive{tx, tx.Commit, func() { _ = tx.Rollback() }}, nil // which does nothing after the commit
}

// step applies the next migration, if there is one. Where statements that change tables
// end the transaction, one that was killed in the middle is gone through again, and
// what exists already is what it had made.
func (m *migrator) step(ctx context.Context) (more bool, err error) {
	tx, err := m.g.d.alone(ctx, m.db, m.cfg)
	if err != nil {
		return false, err
	}
	defer tx.release()
	have, err := applied(ctx, tx, m.g)
	if err != nil {
		return false, err
	}
	if newest := newestOf(m.all, ""); have[""] > newest {
		return false, &crm.Error{Op: "migrate", Entity: "schema", Kind: crm.ErrInvalid, Err: fmt.Errorf("the database is at version %d, this library knows %d", have[""], newest)}
	}
	for _, next := range m.all {
		if next.Version <= have[next.Owner] {
			continue
		}
		for _, q := range next.Statements {
			_, err := tx.ExecContext(ctx, q)
			if err != nil && !(m.g.ddlCommits && m.g.d.fault(err) == exists) {
				return false, fmt.Errorf("%s: %w", next.Name, err)
			}
		}
		q, owner := m.g.applying(next)
		if _, err := tx.ExecContext(ctx, m.g.d.bind(q).text, append([]any{next.Version, next.Name, m.cfg.Now().UnixMicro()}, owner...)...); err != nil {
			return false, err
		}
		return true, tx.done()
	}
	return false, nil
}

// applied returns the newest version of each owner in the database.
func applied(ctx context.Context, db querier, g *grammar) (_ map[string]int, err error) {
	rows, err := db.QueryContext(ctx, "SELECT '', coalesce(max(version), 0) FROM "+g.named("schema_versions")+" UNION ALL SELECT owner, max(version) FROM "+g.named("owner_versions")+" GROUP BY owner")
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	out := map[string]int{}
	for rows.Next() {
		var owner string
		var version int
		if err := rows.Scan(&owner, &version); err != nil {
			return nil, err
		}
		out[owner] = version
	}
	return out, rows.Err()
}

// pending returns how many migrations a database that Migrate was called for has
// not got.
func pending(ctx context.Context, db querier, d Dialect, cfg Config, all []Migration) (n int, err error) {
	cfg, _ = cfg.resolve(d)
	g := newGrammar(d, cfg)
	have, err := applied(ctx, db, g)
	switch {
	case err != nil && g.d.fault(err) == missing: // of the time before owners
		return len(all), nil
	case err != nil:
		return 0, g.wrap("read", "schema", err)
	}
	for _, m := range all {
		if m.Version > have[m.Owner] {
			n++
		}
	}
	return n, nil
}

// newestOf returns the newest version of an owner.
func newestOf(all []Migration, owner string) (n int) {
	for _, m := range all {
		if m.Owner == owner {
			n = m.Version
		}
	}
	return n
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
	newest = newestOf(all, "")
	var tables int
	q, args := g.d.hasTable(cfg, cfg.Prefix+"schema_versions")
	err = db.QueryRowContext(ctx, q, args...).Scan(&tables)
	if err != nil && g.d.fault(err) == missing { // of what is there in every database
		return 0, newest, &crm.Error{Op: "read", Entity: "schema", Err: fmt.Errorf("the database that the DSN names is not there; create it first: %w", err)}
	}
	if err != nil || tables == 0 {
		return 0, newest, g.wrap("read", "schema", err)
	}
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM "+g.named("schema_versions")).Scan(&have)
	return have, newest, g.wrap("read", "schema", err)
}
