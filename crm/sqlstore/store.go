package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/vefacrm/vefa/crm"
)

// Store is a crm.Store on the host's database. It is safe for concurrent use.
type Store struct {
	db  *sql.DB
	g   *grammar
	cfg Config
	err error // the configuration's fault

	mu    sync.Mutex
	texts map[textKey]*statement
	stmts map[string]*sql.Stmt // nil where it is wanted but not yet prepared
	want  []string

	// careful is for how many calls rows of a table are looked for before they
	// are added, see tx.hopeful.
	careful []atomic.Int64

	copies  sync.Pool // *[]byte, see copyRows
	rowsets sync.Pool // *rowset, see rows

	writer chan struct{} // where there is one writer, the others queue here, in turn
}

type textKey struct {
	statementID
	n int
}

var _ crm.Store = (*Store)(nil)

// New returns a store on the tables that Migrate made. It opens nothing, starts
// nothing and never closes db. A faulty configuration is reported by the first
// View or Update.
func New(db *sql.DB, d Dialect, cfg Config) *Store {
	s := &Store{db: db, texts: map[textKey]*statement{}, stmts: map[string]*sql.Stmt{}, writer: make(chan struct{}, 1)}
	if s.cfg, s.err = cfg.resolve(d); s.err == nil {
		s.g = newGrammar(d, s.cfg)
		s.careful = make([]atomic.Int64, len(s.g.tables))
	}
	if db == nil {
		s.err = errors.Join(s.err, errNoDB)
	}
	return s
}

// View runs fn in a transaction that sees one state of the record.
func (s *Store) View(ctx context.Context, fn func(crm.Reader) error) (err error) {
	if err := s.usable(); err != nil {
		return err
	}
	s.prepareWanted(ctx)
	opts := &sql.TxOptions{ReadOnly: true, Isolation: s.g.viewLevel}
	var tx *sql.Tx
	err = s.cfg.Retry.Do(ctx, s.g.retryable, func(int) (err error) {
		tx, err = s.db.BeginTx(ctx, opts)
		return err
	})
	if err != nil {
		return ended(ctx, s.g.hinted(s.g.wrap("view", "", err)))
	}
	view := s.session(tx, true)
	defer func() { _ = view.tx.Rollback() }() // nothing to keep; after a panic too
	if s.g.lateView {
		view.begin = func() (*sql.Tx, error) { return s.db.BeginTx(ctx, opts) }
	}
	return ended(ctx, fn(&reader{session: view}))
}

// Update runs fn in a transaction of its own and commits it. Where the database
// asks for it, fn is run again as Config.Retry says; then the error is ErrBusy.
func (s *Store) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if err := s.usable(); err != nil {
		return err
	}
	if s.g.oneWriter {
		select {
		case s.writer <- struct{}{}:
			defer func() { <-s.writer }()
		case <-ctx.Done():
			return s.g.wrap("update", "", ctx.Err())
		}
	}
	once := s.cfg.Retry.Attempts == 1 // what relies on another attempt is left out
	err := s.cfg.Retry.Do(ctx, s.g.retryable, func(n int) error { return s.attempt(ctx, fn, n > 0 || once) })
	return ended(ctx, s.g.hinted(err))
}

func (s *Store) attempt(ctx context.Context, fn func(crm.Tx) error, again bool) (err error) {
	s.prepareWanted(ctx)
	opts := &sql.TxOptions{Isolation: s.g.updateLevel}
	begin := s.db.BeginTx
	var conn *sql.Conn
	if s.cfg.Copy != nil && s.g.copies {
		if conn, err = s.db.Conn(ctx); err != nil {
			return s.g.wrap("begin", "", err)
		}
		defer func() { _ = conn.Close() }() // gives it back; the transaction has ended
		begin = conn.BeginTx
	}
	dbtx, err := begin(ctx, opts)
	if err != nil {
		return s.g.wrap("begin", "", err)
	}
	t := newTx(s.session(dbtx, true))
	t.conn, t.again = conn, again
	done := false
	defer func() {
		if !done { // fn failed or panics
			_ = t.wait() // it is about to be taken back
			t.undo()
			if e := dbtx.Rollback(); e != nil && !errors.Is(e, sql.ErrTxDone) && err != nil {
				err = fmt.Errorf("%w (and the rollback: %w)", err, e)
			}
		}
	}()
	if err := t.lockWrites(ctx); err != nil {
		return err
	}
	err = fn(t)
	failed := t.wait()
	if t.consumer != "" {
		return s.addConsumer(ctx, dbtx, t)
	}
	if t.broken != nil {
		return t.broken
	}
	if failed != nil {
		return failed // whatever fn made of it
	}
	if err != nil {
		return err
	}
	if err := t.finish(ctx); err != nil {
		return err
	}
	if err := t.wait(); err != nil {
		return err
	}
	if err := dbtx.Commit(); err != nil {
		return s.g.wrap("commit", "", err)
	}
	done = true
	return nil
}

// Tenant returns Config.Tenant. vefa derives the keys of a tenant for it.
func (s *Store) Tenant() string { return s.cfg.Tenant }

func (s *Store) session(tx *sql.Tx, own bool) *session {
	out := s.joins(sqlRunner{tx})
	out.tx, out.own = tx, own
	return out
}

// joins returns a session on what need not be a transaction of database/sql.
func (s *Store) joins(on runner) *session {
	return &session{s: s, on: on, stmts: map[string]*sql.Stmt{}, used: map[string]int{}}
}

// sql returns a statement for n rows, with an empty text if there is none. Statements
// are kept.
func (s *Store) sql(o op, tab tableID, n int) *statement {
	return s.sqlOf(statementID{op: o, tab: tab}, n)
}

func (s *Store) sqlOf(id statementID, n int) *statement {
	if s.g.fixed && id.op != opDue && id.op != opLapsed {
		n = 1 // the text is the same for all
	}
	k := textKey{id, n}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.texts[k]
	if !ok {
		st := s.g.d.bind(s.g.text(id, n))
		q = &st
		if len(s.texts) < 2048 {
			s.texts[k] = q
		}
	}
	return q
}

// maxPrepared bounds the statements that a store keeps prepared.
const maxPrepared = 256

// prepared returns the statement as the database handle keeps it, or nil after
// noting that it is wanted.
func (s *Store) prepared(q string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.stmts[q]
	if !ok && len(s.stmts) < maxPrepared {
		s.stmts[q] = nil
		s.want = append(s.want, q)
	}
	return st
}

// prepareWanted prepares what the last transactions asked for. It runs between
// transactions, because inside one it could wait for the connection that the
// transaction holds. The host's db.Close frees them.
func (s *Store) prepareWanted(ctx context.Context) {
	s.mu.Lock()
	want := s.want
	s.want = nil
	s.mu.Unlock()
	for _, q := range want {
		st, err := s.db.PrepareContext(ctx, q)
		s.mu.Lock()
		if err != nil {
			delete(s.stmts, q) // asked for again when it is used again
		} else {
			s.stmts[q] = st
		}
		s.mu.Unlock()
	}
}
