package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// sqlite speaks SQLite's SQL. A statement's text holds its rows, so there are three
// sizes of each, and with them few texts to prepare.
type sqlite struct{ *grammar }

func (sqlite) traits() traits {
	return traits{
		name: "sqlite", quote: `"`, oneWriter: true, lateView: true, prepares: true,
		dsn: "open it with ?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal) behind the file's name (modernc.org/sqlite; other drivers name them otherwise)",
	}
}

func (sqlite) defaults(c *Config) error {
	c.Schema = ""
	if c.Prefix == "" {
		c.Prefix = "vefa_"
	}
	return nil
}

var sqliteRows = [...]int{64, 8, 1}

func (sqlite) most(rows int) int {
	for _, size := range sqliteRows {
		if rows >= size {
			return size
		}
	}
	return 0
}

// args shares with the row before what is short and the same in both, such as a source
// or a time: in an any each is an allocation of its own.
func (sqlite) args(width int, vals []cell) []any {
	out := make([]any, len(vals), len(vals)+2)
	for i := range vals {
		v := &vals[i]
		if i >= width && len(v.s) <= shortText && *v == vals[i-width] {
			out[i] = out[i-width]
			continue
		}
		switch v.kind {
		case str:
			out[i] = v.s
		case num:
			out[i] = v.n
		}
	}
	return out
}

// shortText is up to which length a comparison costs less than what it may spare.
const shortText = 16

func (sqlite) rows(types []colType, n int) (with, from string) {
	return "WITH v(" + columns(len(types)) + ") AS (VALUES " + values(len(types), n, "") + ") ", "v"
}

func (sqlite) rowParams(width, n int) int { return width * n }

// bind writes plain question marks: $N is bound by number by some drivers and by
// appearance by others.
func (sqlite) bind(q string) statement { return questionMarks(q) }

// questionMarks binds parameters by their place in the text.
func questionMarks(q string) statement {
	most, tenant := params(q)
	s := statement{tenant: tenant}
	var b strings.Builder
	b.Grow(len(q))
	plain := true
	rest := marks(q, func(before string, n int) {
		b.WriteString(before)
		b.WriteByte('?')
		if n == 0 {
			n = most + 1
		}
		plain = plain && n == len(s.order)+1
		s.order = append(s.order, n-1)
	})
	b.WriteString(rest)
	s.text = b.String()
	if plain {
		s.order = nil
	}
	return s
}

func (d sqlite) insert(id tableID, n int, u upsert) string {
	names := d.tables[id].names()
	verb := "INSERT INTO "
	if u.set == "" {
		// Nothing else can fail row by row, and FAIL spares SQLite the copy of
		// every page that ABORT needs to take the statement back.
		verb = "INSERT OR FAIL INTO "
	}
	return verb + d.table(id) + " AS t (part, tenant, " + list("", names[1:]) + ") VALUES " + values(len(names), n, tenantMark) +
		onConflict(strings.Join(d.key(id), ", "), u)
}

func (sqlite) add(tableID, int, bool) string { return "" }

func (sqlite) decide(tableID, []string, upsert) string { return "" }

func (d sqlite) update(id tableID, n int, set []string) string {
	t := &d.tables[id]
	keys := t.keyNames()
	with, from := d.rows(t.typesOf(append(keys[:len(keys):len(keys)], set...)), n)
	terms := make([]string, len(set))
	for i, s := range set {
		terms[i] = s + " = v." + columnOf(len(keys)+i)
	}
	return with + "UPDATE " + d.table(id) + " AS t SET " + strings.Join(terms, ", ") + " FROM " + from + " WHERE " + d.match(keys)
}

func (d sqlite) remove(id tableID, types []colType, n int, fits string, by []string) string {
	with, from := d.rows(types, n)
	which := "SELECT " + columns(len(types)) + " FROM v"
	if by == nil {
		by = d.tables[id].keyNames()
		which = "SELECT " + list("t.", by) + " FROM " + from + " CROSS JOIN " + d.table(id) + " AS t ON " + fits
	}
	return with + "DELETE FROM " + d.table(id) + " AS t WHERE t.tenant = " + tenantMark + " AND (" + list("t.", by) + ") IN (" + which + ")"
}

func (d sqlite) seek(source string, id tableID, index string, out []string, fits, tail string) string {
	return "SELECT " + list("t.", out) + " FROM " + source + " CROSS JOIN " + d.table(id) + " AS t" + d.indexedBy(index) + " ON " + fits + tail
}

func (sqlite) forUpdate(tableID) string { return "" }

// indexedBy is needed because SQLite knows nothing of the rows before ANALYZE.
func (d sqlite) indexedBy(index string) string {
	if index == "" {
		return ""
	}
	return " INDEXED BY " + d.before + index + `"`
}

func (sqlite) beyond(columns []string, sign string, values []string) string {
	return compareRows(columns, sign, values)
}

// compareRows is how the standard compares rows.
func compareRows(columns []string, sign string, values []string) string {
	return "(" + strings.Join(columns, ", ") + ") " + sign + " (" + strings.Join(values, ", ") + ")"
}

// aside is needed because SQLite would else sort what the key has in order.
func (sqlite) aside(column string) string { return "+" + column }

// bound keeps SQLite from planning the statement anew for each value that is bound,
// which costs more than running it.
func (sqlite) bound(n int) string { return "+" + param(n) }

func (sqlite) fault(err error) fault {
	var code interface{ Code() int }
	if !errors.As(err, &code) {
		return noFault
	}
	switch c := code.Code(); c & 0xff {
	case 1: // SQLite has one code for all that is wrong with a statement
		text := err.Error()
		if strings.Contains(text, "no such table") || strings.Contains(text, "no such column") || strings.Contains(text, "has no column") {
			return missing
		}
	case 5, 6: // SQLITE_BUSY, SQLITE_LOCKED
		return locked
	case 18, 20: // SQLITE_TOOBIG, SQLITE_MISMATCH
		return refused
	case 19: // SQLITE_CONSTRAINT
		if c == 1555 || c == 2067 { // ..._PRIMARYKEY, ..._UNIQUE
			return taken
		}
		return refused
	}
	return noFault
}

// begun begins a transaction, which there is only outside of another.
func (sqlite) begun(ctx context.Context, on runner) (bool, error) {
	_, err := on.exec(ctx, "BEGIN", nil)
	switch {
	case err == nil:
		// Also where ctx ends here: the connection goes back to the host's pool.
		_, err = on.exec(context.WithoutCancel(ctx), "ROLLBACK", nil)
		return false, err
	case strings.Contains(err.Error(), "within a transaction"):
		return true, nil
	}
	return false, err
}

// check reports a file that is not in WAL mode or has no busy time-out.
func (d sqlite) check(ctx context.Context, db *sql.DB) error {
	var mode string
	var patience int64
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return d.wrap("check", "journal_mode", err)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&patience); err != nil {
		return d.wrap("check", "busy_timeout", err)
	}
	var faults []string
	if mode != "wal" && mode != "memory" {
		faults = append(faults, fmt.Sprintf("its journal_mode is %s, not wal: readers and writers exclude each other", mode))
	}
	if patience <= 0 {
		faults = append(faults, "it has no busy_timeout: a transaction that meets another fails at once")
	}
	return d.opened(faults)
}

func (sqlite) hasTable(_ Config, name string) (string, []any) {
	return "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", []any{name}
}

func (sqlite) space(Config) (string, []any, string) { return "", nil, "" }

func (d sqlite) alone(ctx context.Context, db *sql.DB, _ Config) (*exclusive, error) {
	return d.lockVersions(ctx, db)
}

func (sqlite) ddl(q string) string {
	return strings.NewReplacer("{key}", "text", "{short}", "text", "{end}", " WITHOUT ROWID").Replace(q)
}
