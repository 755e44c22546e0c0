package crm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Retry says how often a transaction that met another one is run again, and how
// long to wait between. It is the only place of the library that does: Service,
// messaging.Outbox and crm/sqlstore all use it. The zero value works.
type Retry struct {
	// Attempts is how often a transaction is run in all. Defaults to 28, which
	// is about five seconds of waiting. 1 means never again.
	Attempts int
	// Sleep waits for d, or returns the context's error when that ends first.
	// Defaults to a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// The wait before attempt n+1 is firstPause doubled n times, at most
// longestPause, and a quarter more or less, so that those who met once do not
// meet at every attempt.
const (
	firstPause   = 2 * time.Millisecond
	longestPause = 250 * time.Millisecond
	maxAttempts  = 28
)

// Update runs fn in a transaction of store and commits it. Where another
// transaction changed a record under it (ErrConflict), fn is run again from the
// start, so it must read what it decides on through its Tx. When the attempts
// are used up the error is ErrBusy: nothing was written, and the same call may
// succeed later. In a transaction that is the caller's (Service.In, or a Store
// that is Joined) nothing is run again.
func (r Retry) Update(ctx context.Context, store Store, fn func(Tx) error) error {
	if store == nil {
		store = noStore{}
	}
	if _, theirs := store.(Joined); theirs {
		return store.Update(ctx, fn)
	}
	return r.Do(ctx, isConflict, func(int) error { return store.Update(ctx, fn) })
}

func isConflict(err error) bool { return errors.Is(err, ErrConflict) }

// Joined is a Store whose Update runs in a transaction of the caller's: what
// failed in it was not rolled back, so nothing may be run again.
type Joined interface {
	Store
	// Joined does nothing; it marks the store.
	Joined()
}

// Do runs fn with the number of the attempt, from 0, until it succeeds or fails
// with an error that is not to be tried again. It returns ErrBusy with the last
// error in words when the attempts are used up or ctx ends while waiting; then
// the context's error is wrapped, too.
func (r Retry) Do(ctx context.Context, again func(error) bool, fn func(attempt int) error) error {
	attempts, sleep := r.Attempts, r.Sleep
	if attempts <= 0 {
		attempts = maxAttempts
	}
	if sleep == nil {
		sleep = wait
	}
	for n := 0; ; n++ {
		err := fn(n)
		if err == nil || !again(err) {
			return err
		}
		// The last error is told in words only: it must not be taken for an
		// answer about the caller's record, or for one to try again at once.
		if n+1 >= attempts {
			return &Error{Op: "update", Kind: ErrBusy, Err: fmt.Errorf("given up after %d attempts, try again later; the last: %w", attempts, told{err})}
		}
		if e := sleep(ctx, pause(n)); e != nil {
			return &Error{Op: "update", Kind: ErrBusy, Err: fmt.Errorf("%w; the last: %w", e, told{err})}
		}
	}
}

// told is an error that says what another said, and is not that one where it is
// ErrConflict.
type told struct{ error }

func (t told) Unwrap() error {
	if errors.Is(t.error, ErrConflict) {
		return nil
	}
	return t.error
}

// pause returns how long to wait after attempt n failed.
func pause(n int) time.Duration {
	d := longestPause
	if n < 7 {
		d = min(d, firstPause<<n)
	}
	return d*3/4 + rand.N(d/2)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// noStore is the Store of a Service that was given none.
type noStore struct{}

var errNoStore = &Error{Op: "configure", Entity: "service", Kind: ErrInvalid, Err: &FieldError{Field: "store", Msg: "is nil; give crm.New a Store, such as memstore.New()"}}

func (noStore) View(context.Context, func(Reader) error) error { return errNoStore }
func (noStore) Update(context.Context, func(Tx) error) error   { return errNoStore }
