package crm

import (
	"context"
	"errors"
	"time"
)

// Handler handles changes in one transaction with the consumer's position, so
// that what it writes through tx happens exactly once.
type Handler func(ctx context.Context, tx Tx, changes []Change) error

// Feed delivers the change feed to a handler. It loses nothing and repeats
// nothing; within a part the order is that of the commits.
type Feed struct {
	Store    Store
	Consumer string  // names the position; consumers are independent
	Handler  Handler // an error rolls the batch back; it will be delivered again
	Batch    int     // changes per transaction; defaults to 500
	// Poll is how long Run waits when there is nothing new. Defaults to one
	// second.
	Poll time.Duration
}

// RunOnce handles one batch and returns how many changes it had. 0 means that
// there is nothing new, or that another worker holds the position.
func (f *Feed) RunOnce(ctx context.Context) (int, error) {
	batch := f.Batch
	if batch <= 0 {
		batch = 500
	}
	var n int
	err := f.Store.Update(ctx, func(tx Tx) error {
		n = 0
		at, err := tx.Cursor(ctx, f.Consumer)
		if err != nil {
			return err
		}
		changes, next, err := tx.Changes(ctx, at, batch)
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := f.Handler(ctx, tx, changes); err != nil {
			return err
		}
		n = len(changes)
		return tx.SetCursor(ctx, f.Consumer, next)
	})
	if errors.Is(err, ErrBusy) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Run handles changes until ctx is done, then returns nil. It blocks and owns
// no goroutine. An error of the handler or of the store ends it.
func (f *Feed) Run(ctx context.Context) error {
	poll := f.Poll
	if poll <= 0 {
		poll = time.Second
	}
	timer := time.NewTimer(poll)
	defer timer.Stop()
	for {
		n, err := f.RunOnce(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		timer.Reset(poll)
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
	}
}
