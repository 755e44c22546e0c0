package crm

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Feed delivers the change feed to a handler. It loses nothing and repeats
// nothing; within a part the order is that of the commits.
type Feed struct {
	Store    Store
	Consumer string // names the position; consumers are independent
	// Handler handles changes in one transaction with the consumer's position, so that
	// what it writes through tx happens exactly once. An error rolls the batch back; it
	// will be delivered again.
	Handler func(ctx context.Context, tx Tx, changes []Change) error
	Batch   int // changes per transaction; defaults to 500
	// Poll is how long Run waits when there is nothing new. Defaults to one
	// second.
	Poll time.Duration
	// Logger gets a warning for each time that Run waits because the store or
	// the handler was busy. Defaults to slog.Default.
	Logger *slog.Logger
}

// longestBackoff bounds how long Run waits between attempts on a busy store,
// unless Poll is longer.
const longestBackoff = time.Minute

// RunOnce handles one batch and returns how many changes it had. 0 means that
// there is nothing new, or that another worker holds the position. Every other
// failure is an error, also one of kind ErrBusy: a locked store or a handler
// that met one has handled nothing.
func (f *Feed) RunOnce(ctx context.Context) (int, error) {
	batch := f.Batch
	if batch <= 0 {
		batch = 500
	}
	if f.Store == nil || f.Handler == nil {
		return 0, invalid("configure", "feed", f.Consumer, fieldError("store or handler", "is nil; a Feed needs both"))
	}
	var n int
	var held bool // by another worker
	err := f.Store.Update(ctx, func(tx Tx) error {
		n = 0
		at, err := tx.Cursor(ctx, f.Consumer)
		if held = cursorHeld(err); err != nil {
			return err
		}
		changes, next, err := tx.Changes(ctx, at, batch)
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := f.handle(ctx, tx, changes); err != nil {
			return err
		}
		n = len(changes)
		return tx.SetCursor(ctx, f.Consumer, next)
	})
	if held {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

// handle calls the handler. A panic of it rolls the batch back, as an error does.
func (f *Feed) handle(ctx context.Context, tx Tx, changes []Change) (err error) {
	defer Recover("handle", &err)
	return f.Handler(ctx, tx, changes)
}

// cursorHeld tells a position that another worker holds, which is ErrBusy
// without a cause, from a store that is locked and fails with the same kind.
func cursorHeld(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == ErrBusy && e.Err == nil
}

// Run handles changes until ctx is done, then returns nil. It blocks and owns
// no goroutine. An error of the handler or of the store ends it, save ErrBusy:
// that passes, so Run logs it, waits Poll, twice as long after each further
// one up to a minute, and tries again.
func (f *Feed) Run(ctx context.Context) error {
	poll := f.Poll
	if poll <= 0 {
		poll = time.Second
	}
	log := f.Logger
	if log == nil {
		log = slog.Default()
	}
	timer := time.NewTimer(poll)
	defer timer.Stop()
	wait := poll
	for {
		n, err := f.RunOnce(ctx)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case errors.Is(err, ErrBusy):
			log.WarnContext(ctx, "crm: the feed is busy and waits", "consumer", f.Consumer, "wait", wait, "err", err)
			timer.Reset(wait)
			wait = min(2*wait, max(poll, longestBackoff))
		case err != nil:
			return err
		case n > 0:
			wait = poll
			continue
		default:
			wait = poll
			timer.Reset(poll)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
	}
}
