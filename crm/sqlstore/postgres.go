package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// postgres speaks PostgreSQL's SQL. Rows are given as one array for each column, so
// that a statement's text does not depend on how many there are.
type postgres struct{ *grammar }

func (postgres) traits() traits {
	return traits{
		name: "postgres", quote: `"`, clock: "(date_part('epoch', clock_timestamp()) * 1000000)::bigint",
		fixed: true, perKey: true, skipLocked: " FOR UPDATE OF t SKIP LOCKED", chained: true, copies: true,
		viewLevel: sql.LevelRepeatableRead, updateLevel: sql.LevelReadCommitted,
	}
}

func (postgres) defaults(c *Config) error {
	if c.Schema == "" {
		c.Schema = "vefa"
	}
	return checkSchema(c.Schema)
}

// pgRows is how many rows one statement takes.
const pgRows = 2000

func (postgres) most(rows int) int { return min(rows, pgRows) }

func (postgres) args(width int, vals []cell) []any {
	out := make([]any, width, width+2)
	var b strings.Builder
	for c := range width {
		b.Reset()
		b.Grow(16 * len(vals) / width)
		b.WriteByte('{')
		for i := c; i < len(vals); i += width {
			if i > c {
				b.WriteByte(',')
			}
			appendElement(&b, vals[i])
		}
		b.WriteByte('}')
		out[c] = b.String()
	}
	return out
}

// appendElement writes one element of an array literal.
func appendElement(b *strings.Builder, c cell) {
	switch c.kind {
	case num:
		var buf [20]byte
		b.Write(strconv.AppendInt(buf[:0], c.n, 10))
	case str:
		v := c.s
		b.WriteByte('"')
		for {
			i := strings.IndexAny(v, `"\`)
			if i < 0 {
				break
			}
			b.WriteString(v[:i])
			b.WriteByte('\\')
			b.WriteByte(v[i])
			v = v[i+1:]
		}
		b.WriteString(v)
		b.WriteByte('"')
	default:
		b.WriteString("NULL")
	}
}

func (postgres) rows(types []colType, _ int) (with, from string) {
	arrays := make([]string, len(types))
	for i, t := range types {
		cast := "::text[]"
		switch t {
		case small:
			cast = "::smallint[]"
		case big:
			cast = "::bigint[]"
		}
		arrays[i] = param(i+1) + "::text" + cast
	}
	return "", "unnest(" + strings.Join(arrays, ",") + ") AS v(" + columns(len(types)) + ")"
}

func (postgres) rowParams(width, _ int) int { return width }

func (postgres) bind(q string) statement {
	most, tenant := params(q)
	return statement{text: strings.ReplaceAll(q, tenantMark, param(most+1)), tenant: tenant}
}

func (d postgres) insert(id tableID, n int, u upsert) string {
	t := &d.tables[id]
	names := t.names()
	_, from := d.rows(t.typesOf(names), n)
	c := strings.Split(columns(len(names)), ",")
	return "INSERT INTO " + d.table(id) + " AS t (part, tenant, " + list("", names[1:]) + ") SELECT c1, " + tenantMark + ", " + strings.Join(c[1:], ", ") + " FROM " + from +
		onConflict(strings.Join(d.key(id), ", "), u)
}

// add does without ON CONFLICT, which makes PostgreSQL do every row twice. A row that
// another transaction adds at the same moment is an error.
func (d postgres) add(id tableID, n int, mayBeThere bool) string {
	t := &d.tables[id]
	names := t.names()
	_, from := d.rows(t.typesOf(names), n)
	c := strings.Split(columns(len(names)), ",")
	q := "INSERT INTO " + d.table(id) + " AS t (part, tenant, " + list("", names[1:]) + ") SELECT v.c1, " + tenantMark + ", " + list("v.", c[1:]) + " FROM " + from
	if mayBeThere {
		q += " LEFT JOIN LATERAL (SELECT 1 AS there FROM " + d.table(id) + " AS t WHERE " + d.match(t.keyNames()) + " LIMIT 1) AS x ON true WHERE x.there IS NULL"
	}
	return q
}

func (postgres) decide(tableID, []string, upsert) string { return "" }

// update is an insert that always meets its row, because that one surely goes by the
// key (see seek).
func (d postgres) update(id tableID, n int, set []string) string {
	t := &d.tables[id]
	given := append(t.keyNames(), set...)
	_, from := d.rows(t.typesOf(given), n)
	var cells, change []string
	for _, c := range t.cols {
		switch i := slices.Index(given, c.name); {
		case i >= 0:
			cells = append(cells, columnOf(i))
		case c.typ == text:
			cells = append(cells, "''")
		default:
			cells = append(cells, "0")
		}
	}
	for _, s := range set {
		change = append(change, s+" = excluded."+s)
	}
	return "INSERT INTO " + d.table(id) + " AS t (part, tenant, " + list("", t.names()[1:]) + ") SELECT c1, " + tenantMark + ", " +
		strings.Join(cells[1:], ", ") + " FROM " + from + onConflict(strings.Join(d.key(id), ", "), upsert{set: strings.Join(change, ", ")})
}

func (d postgres) remove(id tableID, types []colType, n int, fits string, _ []string) string {
	_, from := d.rows(types, n)
	return "DELETE FROM " + d.table(id) + " AS t USING " + from + " WHERE " + fits
}

func (d postgres) seek(source string, id tableID, _ string, out []string, fits, tail string) string {
	all := union(out, d.tables[id].keyNames())
	return "SELECT " + list("t.", out) + " FROM " + source + " CROSS JOIN LATERAL (SELECT " + list("t.", all) + " FROM " + d.table(id) +
		" AS t WHERE " + fits + " LIMIT ALL) AS t" + tail
}

func (d postgres) forUpdate(id tableID) string {
	return " ORDER BY " + list("t.", d.tables[id].keyNames()) + " FOR UPDATE OF t"
}

func (postgres) indexedBy(string) string { return "" }

func (postgres) beyond(columns []string, sign string, values []string) string {
	return compareRows(columns, sign, values)
}

func (postgres) aside(column string) string { return column }

func (postgres) bound(n int) string { return param(n) }

func (postgres) fault(err error) fault {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return noFault
	}
	switch s := state.SQLState(); {
	case s == "40001", s == "40P01", s == "55P03": // serialization failure, deadlock, lock not available
		return again
	case s == "23505":
		return taken
	case s == "42P06", s == "42P07", s == "42710": // schema, table, object
		return exists
	case s == "42P01", s == "3F000", s == "42703": // table, schema, column
		return missing
	case s == "42501":
		return denied
	case strings.HasPrefix(s, "22"), strings.HasPrefix(s, "23"), strings.HasPrefix(s, "54"):
		return refused
	}
	return noFault
}

// begun makes a savepoint, which there is only inside a transaction.
func (postgres) begun(ctx context.Context, on runner) (bool, error) {
	_, err := on.exec(ctx, "SAVEPOINT vefa", nil)
	if state := (interface{ SQLState() string })(nil); errors.As(err, &state) && state.SQLState() == "25P01" {
		return false, nil
	}
	if err == nil {
		_, err = on.exec(ctx, "RELEASE SAVEPOINT vefa", nil)
	}
	return true, err
}

func (postgres) check(context.Context, *sql.DB) error { return nil }

func (postgres) hasTable(cfg Config, name string) (string, []any) {
	return "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = $2", []any{cfg.Schema, name}
}

func (postgres) space(cfg Config) (string, []any, string) {
	return "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = $1", []any{cfg.Schema}, `CREATE SCHEMA IF NOT EXISTS "` + cfg.Schema + `"`
}

func (d postgres) alone(ctx context.Context, db *sql.DB, _ Config) (*exclusive, error) {
	return d.lockVersions(ctx, db)
}

func (postgres) ddl(q string) string {
	const key = `text COLLATE "C"`
	return strings.NewReplacer("{key}", key, "{short}", key, "{end}", "").Replace(q)
}
