package memstore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Store keeps the record in memory. It is safe for use by many goroutines:
// views run on snapshots and wait for nobody, updates run one after the other.
// An Update within an Update of the same store waits for itself, until its
// context ends; a View within an Update sees the state before it.
type Store struct {
	state  atomic.Pointer[state]
	writer chan struct{} // holds one token while nobody writes
	now    func() time.Time
	kinds  *crm.Kinds
	err    error // of the kinds given
	// Guarded by the token:
	words   words
	owner   uint64
	batches [3]batch // scratch
}

var _ crm.Store = (*Store)(nil)

// New returns an empty store whose clock is time.Now. It knows the library's own
// kinds of facts and those given, whose faults every View and Update returns.
func New(kinds ...crm.Kind) *Store { return NewAt(time.Now, kinds...) }

// NewAt is New with a clock of the caller's, which leases go by.
func NewAt(now func() time.Time, kinds ...crm.Kind) *Store {
	s := &Store{now: now, writer: make(chan struct{}, 1), words: words{ids: map[string]uint32{}}}
	s.kinds, s.err = crm.NewKinds(kinds...)
	s.state.Store(new(state))
	s.writer <- struct{}{}
	return s
}

// state is everything in the store at one moment. To copy it is to take a
// snapshot.
type state struct {
	profiles  tree // part, source, id → profile
	customers tree // customer, 0 → its home; customer, 1, source, id: a member
	links     tree // part, source, id, 0, seq → link
	anchors   tree // kind, source, id of a fact → subject
	facts     tree // part, subject, kind, source, id → fact
	refs      tree // kind, key, order, subject, target
	addresses tree // part, channel, value → state
	effects   tree // part, hash → effect
	onSubject tree // part, subject, effect's key
	due       tree // state, part, due, effect's key → kind, lease
	documents tree // kind, id → document
	states    tree // part, subject, kind → state
	cursors   tree // consumer → position
	counters  tree // part, kind, id → counter
	// part, kind, counter, id → reservation
	reservations tree
	lapses       tree // part, kind, counter, when, id: a reservation that expires
	feed         feed
	words        []string
}

// View runs fn on the state as it is now. Writers go on meanwhile.
func (s *Store) View(ctx context.Context, fn func(crm.Reader) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	r := &reader{st: s.state.Load(), now: s.now, kinds: s.kinds}
	defer r.over.Store(true)
	return fn(r)
}

// Update runs fn and keeps what it wrote if it returns nil and ctx has not
// ended. It waits for its turn no longer than ctx allows.
func (s *Store) Update(ctx context.Context, fn func(crm.Tx) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	select {
	case <-s.writer:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.writer <- struct{}{} }()

	next := *s.state.Load()
	s.owner++
	tx := &tx{reader: reader{st: &next, now: s.now, kinds: s.kinds}, store: s, writer: writer{owner: s.owner}}
	tx.enc.words = &s.words
	defer tx.over.Store(true)
	if err := fn(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	next.words = s.words.list
	s.state.Store(&next)
	return nil
}

// usable tells what keeps a store from working at all.
func (s *Store) usable(ctx context.Context) error {
	switch {
	case s == nil || s.writer == nil:
		return errNotMade
	case s.err != nil:
		return s.err
	}
	return ctx.Err()
}

// reader reads one state.
type reader struct {
	st    *state
	now   func() time.Time
	kinds *crm.Kinds
	over  atomic.Bool // the function that it was given to has returned
}

// Kinds returns the kinds that the store was given.
func (r *reader) Kinds() *crm.Kinds { return r.kinds }

// Now returns the time of the store's clock.
func (r *reader) Now(ctx context.Context) (time.Time, error) {
	if err := r.usable(ctx); err != nil {
		return time.Time{}, err
	}
	return crm.Micros(r.now()), nil
}

// tx is a reader of its own, not yet published state, and writes to it.
type tx struct {
	reader
	writer
	store *Store
	enc   encoder
	key   []byte // scratch
}

var _ crm.Tx = (*tx)(nil)

// errNotMade is the answer of the zero Store.
var errNotMade = &crm.Error{Op: "configure", Entity: "memstore", Kind: crm.ErrInvalid, Err: errors.New("the store was not made by New")}

// errOver is the answer to a use of a Reader or Tx after its function has returned, where the
// state it reads may be another one's.
var errOver = errors.New("the transaction is over")

// usable is asked by every method first.
func (r *reader) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.over.Load() {
		return &crm.Error{Op: "use", Entity: "transaction", Kind: crm.ErrInvalid, Err: errOver}
	}
	return nil
}

// each calls f for 0 to n-1 and looks at the context now and then.
func each(ctx context.Context, n int, f func(i int) error) error {
	for i := range n {
		if i%256 == 255 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// pageLimit spells out a limit.
func pageLimit(n int) int {
	if n <= 0 {
		return 1000
	}
	return n
}

// room is how much to reserve for a page of results.
func room(limit int) int { return min(limit, 1024) }

// refuse wraps the faults of one record.
func refuse(op, entity, id string, err error) error {
	return &crm.Error{Op: op, Entity: entity, ID: id, Kind: crm.ErrInvalid, Err: err}
}

// conflict says that a revision or version is not the stored one.
func conflict(op, entity, id string) error {
	return &crm.Error{Op: op, Entity: entity, ID: id, Kind: crm.ErrConflict}
}

// decoder returns a decoder of a copy of a stored value.
func (r *reader) decoder(val string) decoder {
	return decoder{s: string([]byte(val)), words: r.words()}
}

// words returns the list as it was when the snapshot was taken.
func (r *reader) words() []string { return r.st.words }

// keep writes the encoder's bytes as the value of a key.
func (t *tx) keep(in *tree, key []byte) bool {
	t.st.words = t.store.words.list
	return in.put(&t.writer, key, t.enc.b)
}

// batch returns one of the empty batches; a verb needs at most three.
func (t *tx) batch(i int) *batch {
	b := &t.store.batches[i]
	b.reset()
	return b
}

// encode starts a new value.
func (t *tx) encode() *encoder {
	t.enc.b, t.enc.odd = t.enc.b[:0], false
	return &t.enc
}
