package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// reader implements crm.Reader.
type reader struct {
	*session
	// absent, if set, notes facts that this transaction looked for in vain.
	absent map[crm.FactRef]struct{}
	// strangers, if set, notes profiles in the same way.
	strangers map[crm.ProfileKey]struct{}
	// settle, if set, writes what a transaction still holds back of the
	// profiles, before they are read.
	settle func(context.Context) error
}

// tx implements crm.Tx.
type tx struct {
	reader
	now     time.Time
	changes []crm.Change
	fresh   freshProfiles
	locked  map[crm.Address]int64 // the versions of addresses that are locked
	unheld  map[crm.Address]bool  // of those, the ones that have no row yet
	// anchored says of facts whose anchors are locked whether they have one
	anchored map[crm.FactKey]anchorState
	given    []givenNumber // what the store wrote into the caller's values
	// broken is why the transaction cannot be committed any more, whatever the
	// function makes of the error that it was given.
	broken   error
	again    bool   // run again after somebody, perhaps itself, was in the way
	consumer string // a cursor that must be made first
}

var (
	_ crm.Reader = (*reader)(nil)
	_ crm.Tx     = (*tx)(nil)
)

func newTx(s *session) *tx {
	t := &tx{now: crm.Micros(s.s.cfg.Now()), locked: map[crm.Address]int64{}, unheld: map[crm.Address]bool{}}
	t.session = s
	t.settle, t.absent, t.strangers = t.settleProfiles, map[crm.FactRef]struct{}{}, map[crm.ProfileKey]struct{}{}
	return t
}

// givenNumber is a Rev or Seq that the store set and how it was before, so that
// a function that is run again finds its values as they were.
type givenNumber struct {
	at  *int64
	was int64
}

func (t *tx) give(at *int64, n int64) {
	t.given = append(t.given, givenNumber{at, *at})
	*at = n
}

// Now implements crm.Reader.
func (r *reader) Now(ctx context.Context) (time.Time, error) {
	if r.s.g.clock == "" {
		return crm.Micros(r.s.cfg.Now()), ctx.Err()
	}
	var n int64
	err := r.query(ctx, opNow, tabCursors, 0, nil, func(rows resultRow) error { return rows.Scan(&n) })
	return fromMicros(n), err
}

func (t *tx) undo() {
	for i := len(t.given) - 1; i >= 0; i-- {
		*t.given[i].at = t.given[i].was
	}
	t.given = nil
}

// doom makes sure that nothing of the transaction is kept.
func (t *tx) doom(err error) error {
	if t.broken == nil {
		t.broken = err
	}
	return err
}

// lockWrites makes a transaction the one writer before it reads, in case the host's
// DSN for SQLite has no _txlock=immediate: one that reads first and then writes
// fails, whatever the busy time-out, when somebody else wrote between.
func (t *tx) lockWrites(ctx context.Context) error {
	if !t.s.g.oneWriter {
		return nil
	}
	_, err := t.execText(ctx, t.s.sql(opWriteLock, tabCursors, 1), nil)
	return t.s.g.wrap("begin", "", err)
}

// finish writes what the transaction holds back, the numbers of the change feed
// last: from then on others that write to the same parts wait.
func (t *tx) finish(ctx context.Context) error {
	if err := t.settleProfiles(ctx); err != nil {
		return err
	}
	if err := t.holdAddresses(ctx); err != nil {
		return err
	}
	return t.flushChanges(ctx)
}

// addConsumer makes the row of a cursor in a transaction of its own, so that two
// consumers that start together do not wait for each other's whole batch.
func (s *Store) addConsumer(ctx context.Context, dbtx *sql.Tx, t *tx) error {
	if err := dbtx.Rollback(); err != nil {
		return s.g.wrap("rollback", "", err)
	}
	own, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.g.wrap("begin", "", err)
	}
	if _, err := s.session(own, false).exec(ctx, opInsert, tabCursors, cursorRow(t.consumer, "")); err != nil {
		_ = own.Rollback()
		return err
	}
	if err := own.Commit(); err != nil {
		return s.g.wrap("commit", "", err)
	}
	return errAgain
}
