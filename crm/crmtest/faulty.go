package crmtest

import (
	"context"
	"errors"
	"sync"

	"github.com/vefacrm/vefa/crm"
)

// Where says at which point of a transaction a Faulty store fails.
type Where uint8

// The places.
const (
	// Before: the transaction cannot begin, as on a locked file or with no
	// connection left. The function is not called.
	Before Where = iota + 1
	// Inside: a call within the transaction fails.
	Inside
	// After: the function has run and the commit fails; nothing is kept.
	After
	// Lost: the commit is done and its answer is lost. Of a view it is After.
	Lost
)

// String returns the name of the place.
func (w Where) String() string {
	return [...]string{"nowhere", "before", "inside", "after", "lost"}[min(w, Lost)]
}

// ErrFault is what a Faulty store fails with.
var ErrFault = errors.New("crmtest: the store fails as it was told to")

// Fault says what a Faulty store does.
type Fault struct {
	Where Where
	// N is which one fails: of the transactions, views among them, or of the
	// calls in them (Inside), from 1.
	N int
	// Stays is for a fault that stays until Heal: everything after the Nth
	// fails in the same way.
	Stays bool
	// Err is the error; nil means ErrFault.
	Err error
}

// Faulty is a Store in front of another one that fails when and where it is
// told to. Use it to see that your program meets a store that is locked, full
// or gone with an error and goes on when it is back.
type Faulty struct {
	store crm.Store

	mu    sync.Mutex
	fault Fault
	seen  int
	fired int
}

// NewFaulty returns a store that fails never, until Fail is called.
func NewFaulty(store crm.Store) *Faulty { return &Faulty{store: store} }

// Fail arms a fault and counts anew.
func (f *Faulty) Fail(fault Fault) {
	if fault.Err == nil {
		fault.Err = ErrFault
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.seen, f.fired = fault, 0, 0
}

// Heal ends the fault and returns how often the store has failed since Fail.
func (f *Faulty) Heal() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.fired
	f.fault, f.seen, f.fired = Fault{}, 0, 0
	return n
}

// due counts one transaction or call and returns the error that it meets.
func (f *Faulty) due(where ...Where) (Where, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range where {
		if f.fault.Where != w {
			continue
		}
		f.seen++
		if f.seen == f.fault.N || f.fault.Stays && f.seen > f.fault.N {
			f.fired++
			return w, f.fault.Err
		}
	}
	return 0, nil
}

// meet is asked by every call inside a transaction.
func (f *Faulty) meet() error {
	_, err := f.due(Inside)
	return err
}

// View implements crm.Store.
func (f *Faulty) View(ctx context.Context, fn func(crm.Reader) error) error {
	where, fault := f.due(Before, After, Lost)
	if where == Before {
		return fault
	}
	err := f.store.View(ctx, func(r crm.Reader) error { return fn(faultyReader{&faultyTx{in: crm.Unimplemented(r), store: f}}) })
	if err == nil {
		err = fault
	}
	return err
}

// Update implements crm.Store.
func (f *Faulty) Update(ctx context.Context, fn func(crm.Tx) error) error {
	where, fault := f.due(Before, After, Lost)
	if where == Before {
		return fault
	}
	err := f.store.Update(ctx, func(tx crm.Tx) error {
		if err := fn(&faultyTx{in: tx, store: f}); err != nil {
			return err
		}
		if where == After {
			return fault
		}
		return nil
	})
	if err == nil {
		err = fault
	}
	return err
}
