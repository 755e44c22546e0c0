package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// mysql speaks the SQL that MariaDB and MySQL have in common. Rows are given as one
// JSON array, so that a statement's text does not depend on how many there are.
type mysql struct{ *grammar }

func (mysql) traits() traits {
	return traits{
		name: "mysql", quote: "`", clock: "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))",
		fixed: true, skipLocked: " FOR UPDATE SKIP LOCKED", mute: true, locksAsRead: true, maxBytes: 4 << 20, ddlCommits: true,
		dsn:       "open it with a database's name and ?interpolateParams=true&maxAllowedPacket=0&transaction_isolation='READ-COMMITTED' behind it (github.com/go-sql-driver/mysql; before MariaDB 11.1 the variable is tx_isolation)",
		viewLevel: sql.LevelRepeatableRead, updateLevel: sql.LevelReadCommitted,
	}
}

func (mysql) defaults(c *Config) error {
	if c.Prefix == "" {
		c.Prefix = "vefa_"
	}
	if c.Schema == "" {
		return nil
	}
	return checkSchema(c.Schema)
}

// most is bounded by traits.maxBytes, too.
func (mysql) most(rows int) int { return min(rows, 2000) }

func (mysql) args(width int, vals []cell) []any {
	var b strings.Builder
	b.Grow(32 * len(vals))
	for i, v := range vals {
		switch {
		case i == 0:
			b.WriteString("[[")
		case i%width == 0:
			b.WriteString("],[")
		default:
			b.WriteByte(',')
		}
		appendJSON(&b, v)
	}
	b.WriteString("]]")
	return append(make([]any, 0, 3), b.String())
}

// appendJSON writes one element of a JSON array.
func appendJSON(b *strings.Builder, c cell) {
	switch c.kind {
	case num:
		var buf [20]byte
		b.Write(strconv.AppendInt(buf[:0], c.n, 10))
	case str:
		b.WriteByte('"')
		start := 0
		for i := range len(c.s) {
			switch x := c.s[i]; {
			case x == '"', x == '\\':
				b.WriteString(c.s[start:i])
				b.WriteByte('\\')
				start = i
			case x < ' ':
				b.WriteString(c.s[start:i])
				fmt.Fprintf(b, `\u%04x`, x)
				start = i + 1
			}
		}
		b.WriteString(c.s[start:])
		b.WriteByte('"')
	default:
		b.WriteString("null")
	}
}

func (d mysql) rows(types []colType, _ int) (with, from string) {
	return "", d.source(types, len(types))
}

// source is v with texts that are compared with keys in its first columns and others
// behind them.
func (mysql) source(types []colType, keys int) string {
	cols := make([]string, len(types))
	for i, t := range types {
		typ := "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
		switch {
		case t == small:
			typ = "smallint"
		case t == big:
			typ = "bigint"
		case i < keys:
			typ = "varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
		}
		cols[i] = columnOf(i) + " " + typ + " PATH '$[" + strconv.Itoa(i) + "]'"
	}
	return "JSON_TABLE($1, '$[*]' COLUMNS (i FOR ORDINALITY, " + strings.Join(cols, ", ") + ")) AS v"
}

func (mysql) rowParams(int, int) int { return 1 }

func (mysql) bind(q string) statement { return questionMarks(q) }

func (d mysql) insert(id tableID, _ int, u upsert) string {
	t := &d.tables[id]
	set := "part = part" // InnoDB looks, and changes nothing
	if u.set != "" {
		set = excludedColumn.ReplaceAllString(tableColumn.ReplaceAllString(u.set, "$1"), "VALUES($1)")
	}
	return d.plain(t) + " ON DUPLICATE KEY UPDATE " + set
}

func (d mysql) plain(t *table) string {
	names := t.names()
	return "INSERT INTO " + d.named(t.name) + " (part, tenant, " + list("", names[1:]) + ") SELECT v.c1, " + tenantMark + ", v." +
		strings.Join(strings.Split(columns(len(names)), ",")[1:], ", v.") + " FROM " + d.source(t.typesOf(names), t.keys)
}

func (d mysql) add(id tableID, n int, mayBeThere bool) string {
	if mayBeThere {
		return d.insert(id, n, upsert{})
	}
	return d.plain(&d.tables[id])
}

// decide is a left join, so that what is not there is told, too. A row that is there
// stays locked whatever the answer is.
func (d mysql) decide(id tableID, columns []string, u upsert) string {
	t := &d.tables[id]
	writes := "FALSE"
	if u.set != "" {
		writes = "COALESCE(" + excludedColumn.ReplaceAllStringFunc(u.cond, func(s string) string {
			for i, c := range columns {
				if c == strings.TrimPrefix(s, "excluded.") {
					return "v." + columnOf(i)
				}
			}
			return s
		}) + ", FALSE)"
	}
	return "SELECT v.i, t.part IS NOT NULL, " + writes + " FROM " + d.source(t.typesOf(columns), t.keys) +
		" LEFT JOIN " + d.table(id) + " AS t FORCE INDEX (PRIMARY) ON " + d.match(t.keyNames()) + " FOR UPDATE"
}

func (d mysql) update(id tableID, _ int, set []string) string {
	t := &d.tables[id]
	keys := t.keyNames()
	terms := make([]string, len(set))
	for i, s := range set {
		terms[i] = "t." + s + " = v." + columnOf(len(keys)+i)
	}
	from := d.source(t.typesOf(append(keys[:len(keys):len(keys)], set...)), t.keys)
	return "UPDATE " + from + " STRAIGHT_JOIN " + d.table(id) + " AS t FORCE INDEX (PRIMARY) ON " + d.match(keys) + " SET " + strings.Join(terms, ", ")
}

func (d mysql) remove(id tableID, types []colType, n int, fits string, _ []string) string {
	_, from := d.rows(types, n)
	return "DELETE t FROM " + from + " STRAIGHT_JOIN " + d.table(id) + " AS t FORCE INDEX (PRIMARY) ON " + fits
}

func (d mysql) seek(source string, id tableID, index string, out []string, fits, tail string) string {
	force := " FORCE INDEX (PRIMARY)"
	if index != "" {
		force = d.indexedBy(index)
	}
	return "SELECT " + list("t.", out) + " FROM " + source + " STRAIGHT_JOIN " + d.table(id) + " AS t" + force + " ON " + fits + tail
}

// forUpdate locks in the order in which rows are read, which is that of v.
func (mysql) forUpdate(tableID) string { return " FOR UPDATE" }

func (d mysql) indexedBy(index string) string {
	return " FORCE INDEX (" + d.quote + d.prefix + index + d.quote + ")"
}

// beyond spells the comparison out: a comparison of rows does not lead into an index.
func (mysql) beyond(columns []string, sign string, values []string) string {
	var terms []string
	var same string
	for i, c := range columns {
		if values[i] == tenantMark {
			continue // the same everywhere
		}
		terms = append(terms, "("+same+c+" "+sign+" "+values[i]+")")
		same += c + " = " + values[i] + " AND "
	}
	return "(" + strings.Join(terms, " OR ") + ")"
}

func (mysql) aside(column string) string { return column }

func (mysql) bound(n int) string { return param(n) }

// fault goes by the number that the server gave, which drivers keep in a field.
func (mysql) fault(err error) fault {
	switch mysqlNumber(err) {
	case 1205, 1213, 1020, 3572: // lock time-out, deadlock, changed since it was read, lock not available
		return again
	case 1062, 1586:
		return taken
	case 1049, 1054, 1146: // database, column, table
		return missing
	case 1007, 1050, 1060, 1061: // database, table, column, index
		return exists
	case 1046, 1193: // no database selected, unknown system variable
		return unopened
	case 1044, 1045, 1142, 1143, 1227, 1370:
		return denied
	case 1048, 1118, 1153, 1264, 1265, 1292, 1301, 1366, 1406, 1690, 4025: // null, row size, packet, range, truncated, value, packet, value, too long, range, CHECK
		return refused
	}
	// The driver's error has no number, and the server's not one of its own.
	if err != nil && (strings.Contains(err.Error(), "packet for query is too large") || strings.Contains(err.Error(), "'max_allowed_packet'")) {
		return refused
	}
	return noFault
}

// mysqlNumber returns the number of the error in the tree of err that has one.
func mysqlNumber(err error) uint64 {
	for err != nil {
		if v := reflect.Indirect(reflect.ValueOf(err)); v.Kind() == reflect.Struct {
			if f := v.FieldByName("Number"); f.IsValid() && f.Kind() == reflect.Uint16 {
				return f.Uint()
			}
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				if n := mysqlNumber(e); n != 0 {
					return n
				}
			}
			return 0
		}
		err = errors.Unwrap(err)
	}
	return 0
}

// begun asks a variable that MySQL itself lacks. Without autocommit the next statement
// begins a transaction.
func (mysql) begun(ctx context.Context, on runner) (in bool, err error) {
	err = on.query(ctx, "SELECT @@in_transaction = 1 OR @@autocommit = 0", nil, func(row resultRow) error { return row.Scan(&in) })
	if mysqlNumber(err) == 1193 { // unknown system variable
		return true, nil
	}
	return in, err
}

// check reports a server that is too old or lenient, and a connection that has no
// database or begins transactions of the host's so that they cannot be joined.
func (d mysql) check(ctx context.Context, db *sql.DB) (err error) {
	vars := map[string]string{}
	rows, err := db.QueryContext(ctx, "SHOW VARIABLES WHERE Variable_name IN ('sql_mode', 'tx_isolation', 'transaction_isolation', 'max_allowed_packet')")
	if err != nil {
		return d.wrap("check", "variables", err)
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return d.wrap("check", "variables", err)
		}
		vars[name] = value
	}
	if err := rows.Err(); err != nil {
		return d.wrap("check", "variables", err)
	}
	var database sql.NullString
	if err := db.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&database); err != nil {
		return d.wrap("check", "database", err)
	}
	var faults []string
	if !database.Valid {
		faults = append(faults, "the DSN names no database")
	}
	if !strings.Contains(vars["sql_mode"], "STRICT_TRANS_TABLES") && !strings.Contains(vars["sql_mode"], "STRICT_ALL_TABLES") {
		faults = append(faults, "sql_mode is not strict: values that do not fit would be changed")
	}
	if level := vars["transaction_isolation"] + vars["tx_isolation"]; !strings.HasPrefix(level, "READ-COMMITTED") {
		faults = append(faults, "transactions begin at "+level+", where one of yours that is joined does not see what others committed")
	}
	if n, err := strconv.Atoi(vars["max_allowed_packet"]); err != nil || n < 4*d.maxBytes {
		faults = append(faults, fmt.Sprintf("max_allowed_packet is %s, less than %d", vars["max_allowed_packet"], 4*d.maxBytes))
	}
	return d.opened(faults)
}

func (mysql) hasTable(cfg Config, name string) (string, []any) {
	return "SELECT count(*) FROM information_schema.tables WHERE table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND table_name = ?", []any{cfg.Schema, name}
}

func (mysql) space(cfg Config) (string, []any, string) {
	if cfg.Schema == "" {
		return "", nil, ""
	}
	return "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?", []any{cfg.Schema}, "CREATE DATABASE IF NOT EXISTS `" + cfg.Schema + "`"
}

// alone takes a lock of the server's: a row's would end with the first statement that
// makes a table.
func (d mysql) alone(ctx context.Context, db *sql.DB, cfg Config) (*exclusive, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	const name = "CONCAT('vefa-', SHA1(CONCAT(COALESCE(NULLIF(?, ''), DATABASE(), ''), '/', ?)))"
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+name+", 60)", cfg.Schema, cfg.Prefix).Scan(&got); err != nil || got.Int64 != 1 {
		_ = conn.Close()
		if err == nil {
			err = fmt.Errorf("another process has been migrating for a minute: %w", errAgain)
		}
		return nil, err
	}
	return &exclusive{querier: conn, done: func() error { return nil }, release: func() {
		// After a cancelled call, too: the connection goes back to the pool.
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "SELECT RELEASE_LOCK("+name+")", cfg.Schema, cfg.Prefix)
		if err != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // it ends with the connection
		}
		_ = conn.Close()
	}}, nil
}

var (
	textType     = regexp.MustCompile(`\btext\b`)
	partialIndex = regexp.MustCompile(`(?m)^(CREATE INDEX .*\)) WHERE .*$`)
)

// ddl keeps keys in bytes, which are compared with their trailing spaces, and rows with
// NULL in indexes that others have without. MySQL takes the default of a long text only
// as an expression.
func (mysql) ddl(q string) string {
	lines := strings.Split(q, "\n")
	for i, l := range lines {
		if !strings.HasPrefix(l, "--") {
			lines[i] = textType.ReplaceAllString(l, "longtext")
		}
	}
	q = strings.NewReplacer("{key}", "varbinary(512)", "{short}", "varbinary(64)", " DEFAULT ''", " DEFAULT ('')", "{end}", " ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin").Replace(strings.Join(lines, "\n"))
	return partialIndex.ReplaceAllString(q, "$1")
}
