package vefa

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/vefacrm/vefa/crm"
)

// errGathered is the error of those whose batch ended in the panic of another's call.
var errGathered = errors.New("vefa: another answer of the same transaction could not be stored")

// together does what several callers ask for at one moment together: while one batch is
// written, those who come wait, and one of them takes all for the next. A database that
// writes to a disk at each commit then does so once for all. It owns no goroutine.
type together[T any] struct {
	mu      sync.Mutex
	busy    bool
	waiting []*waiter[T]
}

// waiter is one of them.
type waiter[T any] struct {
	what  T
	ctx   context.Context
	done  chan error    // the end of it
	leads chan struct{} // it is to take the next batch
}

// maxGathered bounds a batch: what came later waits for the next one.
const maxGathered = 128

// do returns when what was asked for was done by all, which is called with one or more. An error of
// several about what one of them says is that of none: each is then done again by itself, and gets its
// own. Any other is about the store, and is everybody's.
func (g *together[T]) do(ctx context.Context, what T, all func(context.Context, []T) error) error {
	w := &waiter[T]{what, ctx, make(chan error, 1), make(chan struct{}, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	leads := !g.busy
	g.busy = true
	g.mu.Unlock()
	if !leads {
		select {
		case err := <-w.done:
			return err
		case <-w.leads:
		case <-ctx.Done():
			return g.leave(w)
		}
	}
	batch := g.take(w)
	defer g.next() // also after a panic: the others' own calls go on
	g.run(batch, all)
	return <-w.done
}

// take removes the batch of its leader from those who wait.
func (g *together[T]) take(leader *waiter[T]) []*waiter[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := []*waiter[T]{leader}
	rest := g.waiting[:0:0]
	for _, w := range g.waiting {
		switch {
		case w == leader:
		case len(batch) < maxGathered:
			batch = append(batch, w)
		default:
			rest = append(rest, w)
		}
	}
	g.waiting = rest
	return batch
}

// next lets the longest waiting lead.
func (g *together[T]) next() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.busy = false
		return
	}
	g.waiting[0].leads <- struct{}{}
}

// leave gives up: what is being written may be written nevertheless.
func (g *together[T]) leave(w *waiter[T]) error {
	g.mu.Lock()
	for i, o := range g.waiting {
		if o == w {
			g.waiting = append(g.waiting[:i:i], g.waiting[i+1:]...)
			break
		}
	}
	g.mu.Unlock()
	select {
	case <-w.leads: // it was to be the next
		g.next()
	default:
	}
	return context.Cause(w.ctx)
}

// run does a batch and tells everybody. Its context is the leader's, and ends when those of all
// have.
func (g *together[T]) run(batch []*waiter[T], all func(context.Context, []T) error) {
	told := 0
	defer func() {
		for _, w := range batch[told:] { // after a panic
			w.done <- errGathered
		}
	}()
	if len(batch) == 1 {
		err := all(batch[0].ctx, []T{batch[0].what})
		told++
		batch[0].done <- err
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(batch[0].ctx))
	defer cancel()
	var left atomic.Int64
	left.Store(int64(len(batch)))
	whats := make([]T, len(batch))
	for i, w := range batch {
		whats[i] = w.what
		stop := context.AfterFunc(w.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})
		defer stop()
	}
	err := all(ctx, whats)
	for i, w := range batch {
		own := err
		if errors.Is(err, crm.ErrInvalid) || errors.Is(err, crm.ErrNotFound) {
			own = all(w.ctx, whats[i:i+1])
		}
		told++
		w.done <- own
	}
}
