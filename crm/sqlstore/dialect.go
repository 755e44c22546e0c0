package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Dialect is a database's way of speaking SQL.
type Dialect uint8

// The dialects.
const (
	// SQLite needs version 3.35 or later. Open the file with
	// journal_mode=WAL, a busy_timeout and _txlock=immediate; see the package
	// comment for the DSN.
	SQLite Dialect = iota + 1
	// Postgres needs version 14 or later, or a database that speaks like it.
	Postgres
	// MySQL is MariaDB 10.6 or later, or a database that speaks like it; the package
	// comment has the DSN. What MySQL 8.0.21 lacks is not used, but the tests run on
	// MariaDB alone.
	MySQL
)

// speaker returns how the dialect speaks for a grammar, or nil if it is not known.
// It is where a dialect is registered.
func (d Dialect) speaker(g *grammar) dialect {
	switch d {
	case SQLite:
		return sqlite{g}
	case Postgres:
		return postgres{g}
	case MySQL:
		return mysql{g}
	}
	return nil
}

// String returns "sqlite", "postgres" or "mysql".
func (d Dialect) String() string {
	if s := d.speaker(nil); s != nil {
		return s.traits().name
	}
	return fmt.Sprintf("Dialect(%d)", uint8(d))
}

// traits are what the code outside of a dialect's file must know of a database. The
// zero value is a database that locks rows and has nothing in particular.
type traits struct {
	name  string
	quote string // stands around names
	dsn   string // how to open the database, where that matters
	// oneWriter: transactions that write come one after the other, so that none
	// locks rows, and the store makes them wait for their turn.
	oneWriter bool
	// clock is the server's time in microseconds; empty where the store's counts.
	clock string
	// lateView: a view begins with its first read, which may meet a lock.
	lateView bool
	// fixed: the text of a statement is the same for any number of rows.
	fixed bool
	// prepares: statements are worth preparing. Otherwise the driver keeps its own,
	// or must not have any behind a pooler.
	prepares bool
	// perKey: a look-up of many keys can be limited for each key.
	perKey bool
	// skipLocked follows a SELECT that locks what no other transaction holds.
	skipLocked string
	// chained: a statement can use what another changed in its WITH.
	chained bool
	// mute: statements do not tell which rows they wrote.
	mute bool
	// locksAsRead: rows are locked in the order in which they are read, not in that
	// of the answer.
	locksAsRead bool
	// maxBytes, if set, bounds the parameters of a statement that takes many rows.
	maxBytes int
	// ddlCommits: a statement that changes tables ends the transaction.
	ddlCommits bool
	// copies: Config.Copy is used.
	copies bool
	// viewLevel and updateLevel are the isolation of transactions.
	viewLevel, updateLevel sql.IsolationLevel
}

// dialect is what one database does in its own way. Each has a file of its own,
// which is all that there is of it.
type dialect interface {
	traits() traits
	// defaults completes a configuration and refuses what the database cannot have.
	defaults(cfg *Config) error

	// rows returns the source v of n rows of parameters: what to write before the
	// statement and what to name in FROM.
	rows(types []colType, n int) (with, from string)
	// rowParams is how many parameters rows takes.
	rowParams(width, n int) int
	// most returns how many of the rows the next statement takes.
	most(rows int) int
	// args turns rows into the parameters of rows.
	args(width int, vals []cell) []any
	// bind turns a text with the marks $1, $2, … and $T, which is the tenant, into
	// what drivers of the database bind alike.
	bind(q string) statement

	// insert adds n rows of all columns or does to those that are there as u says.
	insert(id tableID, n int, u upsert) string
	// add adds n rows and fails if one is there; mayBeThere leaves those out that
	// are. Empty if that is not better than insert.
	add(id tableID, n int, mayBeThere bool) string
	// decide asks, where the database is mute, of each row of v, whose columns are
	// given, for its number, whether it is there, and whether u would replace it.
	// Those that are there stay locked.
	decide(id tableID, columns []string, u upsert) string
	// update sets columns of rows whose key is in v and which are there. The set
	// columns follow the key columns in v.
	update(id tableID, n int, set []string) string
	// remove deletes the rows of t that fit to a row of v; by are the columns that are
	// compared with v, if that is all.
	remove(id tableID, types []colType, n int, fits string, by []string) string
	// seek selects from t, for each row of a source, what fits. Each row leads into
	// the index by itself: a join that the planner may turn around reads the whole
	// table as long as it believes that the table is small.
	seek(source string, id tableID, index string, out []string, fits, tail string) string
	// forUpdate locks the rows read, in the order of the key.
	forUpdate(id tableID) string
	// indexedBy names the index to use, where the planner does not find it.
	indexedBy(index string) string
	// beyond compares columns with values in their order; sign is < or >.
	beyond(columns []string, sign string, values []string) string
	// aside keeps a column that is a constant out of what the planner sorts by.
	aside(column string) string
	// bound is a parameter that bounds a range or a page.
	bound(n int) string

	// fault says what an error of a driver means. Drivers are told by what their
	// errors are like, because none is imported.
	fault(err error) fault
	// begun reports whether a connection of the host's is in a transaction; true where
	// the database does not tell.
	begun(ctx context.Context, on runner) (bool, error)
	// check reports what is wrong with how the database was opened.
	check(ctx context.Context, db *sql.DB) error

	// hasTable returns the query for how many tables have a name.
	hasTable(cfg Config, name string) (q string, args []any)
	// space returns the query for how many schemas of the configuration there are,
	// and the statement that makes it; empty where there are none.
	space(cfg Config) (exists string, args []any, create string)
	// alone begins a step of a migration, which one process takes at a time.
	alone(ctx context.Context, db *sql.DB, cfg Config) (*exclusive, error)
	// ddl turns a statement of a migration file into the database's.
	ddl(q string) string
}

// upsert says what an insert does to a row that is there.
type upsert struct {
	set  string // to which values, with t and excluded; empty leaves it as it is
	cond string // and when; empty means always
}

// onConflict is the clause of SQLite and PostgreSQL for rows that are there.
func onConflict(key string, u upsert) string {
	q := " ON CONFLICT (" + key + ") DO "
	switch {
	case u.set == "":
		return q + "NOTHING"
	case u.cond == "":
		return q + "UPDATE SET " + u.set
	}
	return q + "UPDATE SET " + u.set + " WHERE " + u.cond
}

// statement is a text as a driver gets it.
type statement struct {
	text   string
	tenant bool  // the tenant follows the parameters
	order  []int // which parameter each mark of the text is, from 0; the tenant comes after them; nil if they are in order
}

// bind returns the parameters as the text takes them.
func (s *statement) bind(args []any, tenant string) []any {
	if s.tenant {
		args = append(args, tenant)
	}
	if s.order == nil {
		return args
	}
	out := make([]any, len(s.order))
	for i, n := range s.order {
		out[i] = args[n]
	}
	return out
}

// marks calls fn with each mark of a text and what stands before it, and returns
// what stands behind the last. The number of $T is 0.
func marks(q string, fn func(before string, n int)) (rest string) {
	start := 0
	for i := 0; i < len(q); i++ {
		if q[i] != '$' {
			continue
		}
		j, n := i+1, 0
		for ; j < len(q) && q[j] >= '0' && q[j] <= '9'; j++ {
			n = n*10 + int(q[j]-'0')
		}
		if n == 0 && !strings.HasPrefix(q[i:], tenantMark) {
			continue // of a JSON path
		}
		if n == 0 {
			j++
		}
		fn(q[start:i], n)
		start, i = j, j-1
	}
	return q[start:]
}

// params returns how many parameters a text has besides the tenant, and whether it
// has that.
func params(q string) (most int, tenant bool) {
	marks(q, func(_ string, n int) {
		most = max(most, n)
		tenant = tenant || n == 0
	})
	return most, tenant
}

// tenantMark stands for the parameter that is Config.Tenant.
const tenantMark = "$T"

// args returns how many parameters a driver is given for a text.
func (s *statement) args(q string) int {
	if s.order != nil {
		return len(s.order)
	}
	n, tenant := params(q)
	if tenant {
		n++
	}
	return n
}
