package sqlstore

import (
	"context"
	"database/sql"

	"github.com/vefacrm/vefa/crm"
)

// HostTx is a transaction of the host's: *sql.Tx is one, and what wraps it; *sql.Conn
// is one between the host's BEGIN and COMMIT.
type HostTx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Join returns a store whose View and Update run inside the host's transaction,
// which the host alone commits or rolls back: what both write becomes visible
// together. Use it as service.On(store.Join(tx)), for as long as tx lasts and
// by one goroutine at a time. Nothing is retried: an error that asks for it, such
// as a serialization failure, is crm.ErrBusy and wraps the driver's. After an
// Update that failed, roll tx back. On SQLite the host's transaction must be able
// to write, see the package comment.
//
// A *sql.DB is refused with crm.ErrInvalid. So is, by Update, a *sql.Conn on which
// no transaction was begun; MySQL itself, unlike MariaDB, does not tell of that.
// See JoinPgx for a pgx.Tx.
func (s *Store) Join(tx HostTx) crm.Store {
	j := &joined{s: s}
	const give = "give Join the transaction that BeginTx returned, or a *sql.Conn on which one was begun"
	switch v := tx.(type) {
	case nil:
		j.err = configError("tx", "is nil; "+give)
		return j
	case *sql.Tx:
		j.tx = v
		if v == nil {
			j.err = configError("tx", "is nil; "+give)
		}
	case *sql.Conn:
		if v == nil {
			j.err = configError("tx", "is nil; "+give)
		}
	case interface{ SetMaxOpenConns(int) }:
		j.err = configError("tx", "is a pool, each of whose statements may run on another connection; "+give)
	}
	_, ends := tx.(interface{ Rollback() error })
	j.on, j.check = sqlRunner{tx}, !ends
	return j
}

// JoinPgx is Join for a transaction of pgx's own: tx is a pgx.Tx, for instance of a
// pgxpool.Pool, and the types follow from it. The store is on the dialect Postgres
// and the same database, for instance by stdlib.OpenDBFromPool. JoinPgx never calls
// Commit or Rollback; they tell a transaction from a pool.
func JoinPgx[
	Tag interface{ RowsAffected() int64 },
	Rows interface {
		Next() bool
		Scan(dest ...any) error
		Err() error
		Close()
	},
](s *Store, tx interface {
	Exec(ctx context.Context, sql string, args ...any) (Tag, error)
	Query(ctx context.Context, sql string, args ...any) (Rows, error)
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}) crm.Store {
	j := &joined{s: s}
	switch {
	case tx == nil:
		j.err = configError("tx", "is nil; give JoinPgx the transaction that Begin returned")
		return j
	case s.err == nil && !s.g.copies:
		j.err = configError("tx", "is pgx's and the store's dialect "+s.g.name)
	}
	j.on = calls{
		execs: func(ctx context.Context, text string, args []any) (int64, error) {
			tag, err := tx.Exec(ctx, text, args...)
			if err != nil {
				return 0, err
			}
			return tag.RowsAffected(), nil
		},
		queries: func(ctx context.Context, text string, args []any, scan func(resultRow) error) error {
			rows, err := tx.Query(ctx, text, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				if err := scan(rows); err != nil {
					return err
				}
			}
			rows.Close() // Err is complete only then
			return rows.Err()
		},
	}
	return j
}

// joined is a transaction of the host's as a store.
type joined struct {
	s     *Store
	on    runner
	tx    *sql.Tx // if it is one
	check bool    // whether it is in a transaction at all
	err   error   // what is wrong with it
}

func (j *joined) session() (*session, error) {
	if err := j.s.usable(); err != nil {
		return nil, err
	}
	if j.err != nil {
		return nil, j.err
	}
	out := j.s.joins(j.on)
	out.tx = j.tx
	return out, nil
}

// Joined implements crm.Joined.
func (j *joined) Joined() {}

func (j *joined) Tenant() string { return j.s.Tenant() }

func (j *joined) View(ctx context.Context, fn func(crm.Reader) error) error {
	in, err := j.session()
	if err != nil {
		return err
	}
	return ended(ctx, fn(&reader{session: in}))
}

func (j *joined) Update(ctx context.Context, fn func(crm.Tx) error) (err error) {
	in, err := j.session()
	if err != nil {
		return err
	}
	t := newTx(in)
	done := false
	defer func() {
		if !done {
			t.undo()
		}
		err = ended(ctx, err)
	}()
	if j.check {
		begun, err := j.s.g.d.begun(ctx, j.on)
		if err != nil {
			return j.s.g.wrap("begin", "", err)
		}
		if !begun {
			return configError("tx", "is a connection on which no transaction was begun: each statement would commit by itself")
		}
	}
	if err := t.lockWrites(ctx); err != nil {
		return err
	}
	if err := fn(t); err != nil {
		return err
	}
	if t.broken != nil {
		return t.broken
	}
	if err := t.finish(ctx); err != nil {
		return err
	}
	done = true
	return nil
}

// runner runs statements in a transaction.
type runner interface {
	exec(ctx context.Context, text string, args []any) (int64, error)
	query(ctx context.Context, text string, args []any, scan func(resultRow) error) error
}

// sqlRunner is a runner of database/sql.
type sqlRunner struct{ tx HostTx }

func (r sqlRunner) exec(ctx context.Context, text string, args []any) (int64, error) {
	res, err := r.tx.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (r sqlRunner) query(ctx context.Context, text string, args []any, scan func(resultRow) error) error {
	rows, err := r.tx.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

// scanAll scans rows and closes them.
func scanAll(rows *sql.Rows, scan func(resultRow) error) (err error) {
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// calls is a runner of two functions.
type calls struct {
	execs   func(ctx context.Context, text string, args []any) (int64, error)
	queries func(ctx context.Context, text string, args []any, scan func(resultRow) error) error
}

func (c calls) exec(ctx context.Context, text string, args []any) (int64, error) {
	return c.execs(ctx, text, args)
}

func (c calls) query(ctx context.Context, text string, args []any, scan func(resultRow) error) error {
	return c.queries(ctx, text, args, scan)
}
