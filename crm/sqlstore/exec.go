package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
)

// rowset is rows of parameters, flat.
type rowset struct {
	width int
	vals  []cell
	err   error // a parameter of a type that is not expected
}

// cell is one parameter. In an any each would be an allocation of its own.
type cell struct {
	s    string
	n    int64
	kind cellKind
}

type cellKind uint8

const (
	null cellKind = iota
	str
	num
)

func newRows(width, n int) *rowset { return &rowset{width: width, vals: make([]cell, 0, width*n)} }

// rows returns an empty rowset from those that free gave back.
func (s *Store) rows(width, n int) *rowset {
	r, _ := s.rowsets.Get().(*rowset)
	if r == nil {
		r = new(rowset)
	}
	r.width, r.vals = width, slices.Grow(r.vals, width*n)
	return r
}

// free takes rows back that nobody uses any more.
func (s *Store) free(r *rowset) {
	clear(r.vals)
	r.vals, r.err = r.vals[:0], nil
	s.rowsets.Put(r)
}

// add adds parameters: string, int64 or nil. Another type would be lost in the
// database, so the statement fails that gets the rows.
func (r *rowset) add(vals ...any) {
	for _, v := range vals {
		switch v := v.(type) {
		case string:
			r.vals = append(r.vals, cell{s: v, kind: str})
		case int64:
			r.vals = append(r.vals, cell{n: v, kind: num})
		case nil:
			r.vals = append(r.vals, cell{})
		default:
			r.vals = append(r.vals, cell{})
			// Not %T of v, with which every parameter would escape to the heap.
			r.err = fmt.Errorf("a parameter has the type %v, not string or int64", reflect.TypeOf(v))
		}
	}
}

func (r *rowset) len() int {
	if r.width == 0 {
		return 0
	}
	return len(r.vals) / r.width
}

// session runs statements in one transaction.
type session struct {
	s   *Store
	on  runner
	tx  *sql.Tx // on is its; nil where the host joined another thing
	own bool    // the store began it
	// begin, if set, begins a view whose next read is its first one. Where that meets a
	// lock the view is begun again.
	begin func() (*sql.Tx, error)
	conn  *sql.Conn            // where Config.Copy writes, if it may
	stmts map[string]*sql.Stmt // prepared on the transaction's connection
	used  map[string]int

	// A COPY runs while the caller makes the next rows; whatever else uses the
	// connection waits for it first, see wait.
	copying chan error
	failed  error // of a COPY; it ended the transaction
}

// stmt returns the statement prepared, or nil to send it as it is.
func (s *session) stmt(ctx context.Context, q string) (*sql.Stmt, error) {
	if !s.s.g.prepares || s.tx == nil { // what is prepared ends with the transaction
		return nil, nil
	}
	if st := s.stmts[q]; st != nil {
		return st, nil
	}
	var st *sql.Stmt
	if s.own {
		if p := s.s.prepared(q); p != nil {
			st = s.tx.StmtContext(ctx, p)
		}
	}
	if st == nil {
		if s.used[q]++; s.used[q] < 2 {
			return nil, nil
		}
		var err error
		if st, err = s.tx.PrepareContext(ctx, q); err != nil {
			return nil, err
		}
	}
	s.stmts[q] = st
	return st, nil
}

func (s *session) queryText(ctx context.Context, q *statement, args []any, scan func(resultRow) error) error {
	begin := s.begin
	if begin == nil {
		return s.queryOnce(ctx, q, args, scan)
	}
	s.begin = nil
	met := false // a row: what was read is not read again
	return s.s.cfg.Retry.Do(ctx, func(err error) bool { return !met && s.s.g.retryable(err) }, func(n int) error {
		if n > 0 {
			_ = s.tx.Rollback()
			tx, err := begin()
			if err != nil {
				return err
			}
			s.tx, s.on = tx, sqlRunner{tx}
			clear(s.stmts)
		}
		err := s.queryOnce(ctx, q, args, func(row resultRow) error {
			met = true
			return scan(row)
		})
		if s.s.g.retryable(err) {
			err = s.s.g.wrap("view", "", err) // with what to do about it
		}
		return err
	})
}

func (s *session) queryOnce(ctx context.Context, q *statement, args []any, scan func(resultRow) error) error {
	if err := s.wait(); err != nil {
		return err
	}
	args = q.bind(args, s.s.cfg.Tenant)
	st, err := s.stmt(ctx, q.text)
	if err != nil {
		return err
	}
	if st == nil {
		return s.on.query(ctx, q.text, args, scan)
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

func (s *session) execText(ctx context.Context, q *statement, args []any) (int64, error) {
	if err := s.wait(); err != nil {
		return 0, err
	}
	args = q.bind(args, s.s.cfg.Tenant)
	st, err := s.stmt(ctx, q.text)
	if err != nil {
		return 0, err
	}
	if st == nil {
		return s.on.exec(ctx, q.text, args)
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query runs a statement that takes no rows.
func (s *session) query(ctx context.Context, o op, tab tableID, n int, args []any, scan func(resultRow) error) error {
	return s.s.g.wrap("read", s.s.g.tables[tab].name, s.queryText(ctx, s.s.sql(o, tab, n), args, scan))
}

// each runs a statement over rows, in as many pieces as it takes, and scans
// what it returns. The extra parameters follow the rows.
func (s *session) each(ctx context.Context, o op, tab tableID, rows *rowset, scan func(resultRow) error, extra ...any) error {
	if rows.err != nil {
		return s.s.g.wrap(opNames[o], s.s.g.tables[tab].name, rows.err)
	}
	if s.s.g.decided(o, tab) {
		_, err := s.decide(ctx, o, tab, rows, scan)
		return s.s.g.wrap(opNames[o], s.s.g.tables[tab].name, err)
	}
	if s.s.g.locksAsRead && o == opState {
		rows = rows.sorted()
	}
	for left := rows.vals; len(left) > 0; {
		n := s.s.g.chunk(rows.width, left)
		args := append(s.s.g.d.args(rows.width, left[:n*rows.width]), extra...)
		err := s.queryText(ctx, s.s.sql(o, tab, n), args, scan)
		if err == nil && s.s.g.mute {
			if then := s.s.sqlOf(statementID{o, tab, true}, n); then.text != "" {
				err = s.queryText(ctx, then, args, scan)
			}
		}
		if err != nil {
			return s.s.g.wrap(opNames[o], s.s.g.tables[tab].name, s.s.g.raced(o, err))
		}
		left = left[n*rows.width:]
	}
	return nil
}

// exec is each for statements that return nothing; it counts the rows touched.
func (s *session) exec(ctx context.Context, o op, tab tableID, rows *rowset) (int, error) {
	if rows.err != nil {
		return 0, s.s.g.wrap(opNames[o], s.s.g.tables[tab].name, rows.err)
	}
	if s.s.g.decided(o, tab) {
		n, err := s.decide(ctx, o, tab, rows, nil)
		return n, s.s.g.wrap(opNames[o], s.s.g.tables[tab].name, err)
	}
	if o == opAdd && s.conn != nil && rows.len() >= manyRows {
		return rows.len(), s.copyRows(ctx, tab, rows)
	}
	var total int64
	for left := rows.vals; len(left) > 0; {
		n := s.s.g.chunk(rows.width, left)
		k, err := s.execText(ctx, s.s.sql(o, tab, n), s.s.g.d.args(rows.width, left[:n*rows.width]))
		if err != nil {
			return int(total), s.s.g.wrap(opNames[o], s.s.g.tables[tab].name, s.s.g.raced(o, err))
		}
		total += k
		left = left[n*rows.width:]
	}
	return int(total), nil
}
