package interleave

import (
	"context"
	"errors"

	"github.com/vefacrm/vefa/crm"
)

// Store is a crm.Store for a first writer, in the middle of whose transaction a
// second one has its say. It is for one Run.
//
// The second writer runs before a call of the first one's transaction, as long as
// that has written nothing. Where it would have to wait for a lock that the first
// one has, it runs when the first one has ended.
type Store struct {
	crm.Store
	// Apart gives the second writer transactions of its own, which commit in the
	// middle of the first one's. The store must let writers run at once. Otherwise
	// both are in one transaction: what the second one writes is there for the
	// first one from that call on, as if it had been committed, on any store.
	Apart bool
	// At is the call before which the second one runs, from 1; 0 means never.
	At int
	// Locking counts only calls that lock and the first that writes.
	Locking bool
	// Claims counts only calls of transactions that look for what is due, from
	// then on.
	Claims bool

	second func(crm.Store) error
	err    error // of the second
	state  state
	met    bool // there was a call number At
	faults []string
}

// state says what became of the second writer.
type state int

const (
	waits   state = iota // it has not run
	inside               // it ran in the first one's transaction, which is not committed
	done                 // what it did is committed
	blocked              // it would wait for the first one
)

// Result is what two writers were told.
type Result struct {
	First, Second error
	// Reached says that there was a call number At, and Inside that the second
	// one ran before it; else it ran after the first one.
	Reached, Inside bool
	// Faults are the changes that the first one made without a lock, and locks
	// that it took out of order.
	Faults []string
}

var (
	errBlocked = errors.New("interleave: would wait for the first writer")
	errSpoilt  = errors.New("interleave: the second writer wrote before it had its locks")
)

// Run runs the first writer with the second one in its middle.
func (s *Store) Run(first, second func(crm.Store) error) Result {
	s.second = second
	r := Result{First: first(s)}
	r.Reached, r.Inside = s.met, s.state == done
	if s.state != done {
		s.err = second(s.Store)
	}
	r.Second, r.Faults = s.err, s.faults
	return r
}

// Update implements crm.Store.
func (s *Store) Update(ctx context.Context, fn func(crm.Tx) error) error {
	err := s.Store.Update(ctx, func(tx crm.Tx) error {
		t := &firstTx{Tx: tx, s: s, locks: newLocks()}
		if s.state == inside { // that transaction was rolled back; the second one was there before this one
			if err := s.within(t); err != nil {
				return err
			}
		}
		if err := fn(t); err != nil {
			return err
		}
		return t.locked(ctx, "a ticket taken", t.left...)
	})
	if err == nil && s.state == inside {
		s.state = done
	}
	return err
}

// meet runs the second writer in the middle of the first one's transaction.
func (s *Store) meet(t *firstTx) error {
	s.met = true
	if !s.Apart {
		return s.within(t)
	}
	s.err = s.second(&apart{s.Store, t.locks})
	if s.state = done; errors.Is(s.err, errBlocked) {
		s.state = blocked
	}
	return nil
}

func (s *Store) within(t *firstTx) error {
	j := &joined{tx: &secondTx{Tx: t.Tx, held: t.locks}}
	s.err = s.second(j)
	switch {
	case !errors.Is(s.err, errBlocked):
		s.state = inside
	case j.tx.wrote:
		return errSpoilt
	default:
		s.state = blocked
	}
	return nil
}

// joined is the store of a second writer in the first one's transaction.
type joined struct{ tx *secondTx }

func (j *joined) View(_ context.Context, fn func(crm.Reader) error) error { return fn(j.tx.Tx) }
func (j *joined) Update(_ context.Context, fn func(crm.Tx) error) error   { return fn(j.tx) }
func (j *joined) Joined()                                                 {}

// apart is the store of a second writer with transactions of its own.
type apart struct {
	crm.Store
	held *locks
}

func (a *apart) Update(ctx context.Context, fn func(crm.Tx) error) error {
	return a.Store.Update(ctx, func(tx crm.Tx) error { return fn(&secondTx{Tx: tx, held: a.held}) })
}

// secondTx is the second writer's transaction: it waits for nothing.
type secondTx struct {
	crm.Tx
	held  *locks
	wrote bool
}

func (t *secondTx) LockCustomers(ctx context.Context, ids ...crm.CustomerID) error {
	if some(t.held.customers, ids) {
		return errBlocked
	}
	return t.Tx.LockCustomers(ctx, ids...)
}

func (t *secondTx) LockAddresses(ctx context.Context, addrs ...crm.Address) ([]*crm.AddressState, error) {
	if some(t.held.addresses, addrs) {
		return nil, errBlocked
	}
	return t.Tx.LockAddresses(ctx, addrs...)
}

func (t *secondTx) LockAnchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	if some(t.held.anchors, keys) {
		return nil, errBlocked
	}
	return t.Tx.LockAnchors(ctx, keys...)
}

func (t *secondTx) PutProfiles(ctx context.Context, p ...*crm.Profile) error {
	t.wrote = true
	return t.Tx.PutProfiles(ctx, p...)
}

func (t *secondTx) AppendLinks(ctx context.Context, l ...*crm.Link) error {
	t.wrote = true
	return t.Tx.AppendLinks(ctx, l...)
}

func (t *secondTx) PutFacts(ctx context.Context, f ...*crm.Fact) ([]crm.Put, error) {
	t.wrote = true
	return t.Tx.PutFacts(ctx, f...)
}

func (t *secondTx) DeleteFacts(ctx context.Context, refs ...crm.FactRef) error {
	t.wrote = true
	return t.Tx.DeleteFacts(ctx, refs...)
}

func (t *secondTx) PutAnchors(ctx context.Context, a ...crm.FactRef) error {
	t.wrote = true
	return t.Tx.PutAnchors(ctx, a...)
}

func (t *secondTx) PutAddresses(ctx context.Context, s ...*crm.AddressState) error {
	t.wrote = true
	return t.Tx.PutAddresses(ctx, s...)
}

func (t *secondTx) UpdateEffects(ctx context.Context, e ...*crm.Effect) error {
	t.wrote = true
	return t.Tx.UpdateEffects(ctx, e...)
}

// locks are what a transaction has locked.
type locks struct {
	customers map[crm.CustomerID]bool
	addresses map[crm.Address]bool
	anchors   map[crm.FactKey]bool
}

func newLocks() *locks {
	return &locks{map[crm.CustomerID]bool{}, map[crm.Address]bool{}, map[crm.FactKey]bool{}}
}

func some[K comparable](held map[K]bool, keys []K) bool {
	for _, k := range keys {
		if held[k] {
			return true
		}
	}
	return false
}

func every[K comparable](held map[K]bool, keys []K) bool {
	for _, k := range keys {
		if !held[k] {
			return false
		}
	}
	return true
}

func note[K comparable](held map[K]bool, keys []K) {
	for _, k := range keys {
		held[k] = true
	}
}
