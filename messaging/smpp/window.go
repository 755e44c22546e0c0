package smpp

import (
	"context"
	"fmt"
	"time"
)

// window holds the requests that wait for an answer. The session's lock guards it.
type window struct {
	slots   []slot // a request is at its number modulo their count, a power of two
	last    uint32 // the sequence number that was given last
	used    int    // slots that count
	max     int    // the window that was configured
	limit   int    // what throttling leaves of it
	grown   int    // successes since limit was raised
	cut     uint64 // how many octets were queued when limit was lowered
	hold    time.Duration
	held    bool
	closed  bool      // nothing more is to be sent
	waiting []*waiter // first come, first served
	idle    []*waiter // to be used again
}

// slot is one request.
type slot struct {
	sequence uint32 // 0 if the slot is free
	command  Command
	counts   bool   // in the window; enquire_link and unbind do not
	tick     uint32 // when it was queued
	start    uint64 // how many octets were queued before it
	done     func(PDU, error)
}

// waiter is a request that waits for a slot.
type waiter struct {
	ready   chan struct{} // of one element
	granted bool
}

func newWindow(n int) window {
	size := 64
	for size < 4*(n+8) {
		size *= 2
	}
	return window{slots: make([]slot, size), max: n, limit: n}
}

// free reports that a request need not wait.
func (w *window) free() bool { return !w.held && !w.closed && w.used < w.limit }

// next returns the next sequence number whose slot is free. There always is one, as
// there are four times as many slots as requests.
func (w *window) next() uint32 {
	for {
		w.last++
		if w.last > 0x7FFFFFFF {
			w.last = 1
		}
		if w.at(w.last).sequence == 0 {
			return w.last
		}
	}
}

func (w *window) at(sequence uint32) *slot { return &w.slots[sequence&uint32(len(w.slots)-1)] }

// take frees the slot of a response. It returns false if nothing waits for it.
func (w *window) take(sequence uint32) (slot, bool) {
	p := w.at(sequence)
	if sequence == 0 || p.sequence != sequence {
		return slot{}, false
	}
	out := *p
	*p = slot{}
	if out.counts {
		w.used--
	}
	return out, true
}

// grant gives free places to those who wait.
func (w *window) grant() {
	for len(w.waiting) > 0 && w.free() {
		first := w.waiting[0]
		copy(w.waiting, w.waiting[1:])
		w.waiting[len(w.waiting)-1] = nil
		w.waiting = w.waiting[:len(w.waiting)-1]
		w.used++
		first.granted = true
		first.ready <- struct{}{}
	}
}

// judge learns from the answer to a request in the window: additive increase,
// multiplicative decrease. It returns how long to hold everything back, 0 for not.
// Answers to what was sent before the last decrease say nothing new.
func (w *window) judge(s slot, status Status, queued uint64) time.Duration {
	switch status {
	case Throttled, QueueFull:
		if s.start < w.cut {
			return 0
		}
		w.cut, w.grown = queued, 0
		if w.limit > 1 {
			w.limit /= 2
			return 0
		}
		return w.hold
	case OK:
		if w.limit == w.max {
			return 0
		}
		if w.grown++; w.grown >= w.limit {
			w.limit, w.grown = w.limit+1, 0
		}
	}
	return 0
}

// acquire waits for a place in the window. It is called with the lock and returns
// with it.
func (s *Session) acquire(ctx context.Context) error {
	if s.err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, s.err)
	}
	if s.ending {
		return fmt.Errorf("%w: %w", ErrNotSent, ErrClosed)
	}
	if len(s.window.waiting) == 0 && s.window.free() {
		s.window.used++
		return nil
	}
	var w *waiter
	if n := len(s.window.idle); n > 0 {
		w, s.window.idle = s.window.idle[n-1], s.window.idle[:n-1]
		w.granted = false
	} else {
		w = &waiter{ready: make(chan struct{}, 1)}
	}
	s.window.waiting = append(s.window.waiting, w)
	s.mu.Unlock()
	var err error
	select {
	case <-w.ready:
		s.mu.Lock()
		s.window.idle = append(s.window.idle, w)
		if s.err == nil {
			return nil
		}
		s.window.used--
		return fmt.Errorf("%w: %w", ErrNotSent, s.err)
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.ctx.Done():
		err = ErrClosed
	}
	s.mu.Lock()
	if s.err != nil {
		err = s.err
	}
	if w.granted { // at the same moment
		s.window.used--
		s.window.grant()
		s.settled()
	} else {
		for i, other := range s.window.waiting {
			if other == w {
				s.window.waiting = append(s.window.waiting[:i], s.window.waiting[i+1:]...)
				break
			}
		}
	}
	return fmt.Errorf("%w: %w", ErrNotSent, err)
}
