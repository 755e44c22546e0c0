package link

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrFull is what Record returns for a click that found no room in time.
var ErrFull = errors.New("link: the click log is full")

// LogConfig configures a Log. The zero value of every field but Sink works.
type LogConfig struct {
	// Sink writes a group of clicks and must be safe to repeat: after an error
	// the same clicks come again, at the head of a group. It owns the slice
	// only until it returns. It is never called twice at a time.
	Sink func(ctx context.Context, clicks []Click) error
	// Size is how many clicks may wait; 0 means 65,536.
	Size int
	// Group is how many clicks wake Run at once; 0 means 1,024.
	Group int
	// Interval is how long a click waits at most while Run runs; 0 means 100 ms.
	Interval time.Duration
	// MaxWait is how long Record waits for room; 0 means 20 ms, negative not at
	// all.
	MaxWait time.Duration
	// OnError hears what Sink returned; nil means that only Stats counts it.
	OnError func(error)
}

// LogStats counts what a Log did.
type LogStats struct {
	Recorded uint64 // accepted
	Written  uint64 // given to Sink with success
	Overflow uint64 // refused with ErrFull: lost, and the only clicks that are
	Failures uint64 // errors of Sink
	Waiting  int    // accepted and not written yet
}

// Log gathers clicks in memory and writes them in groups. It is asynchronous:
// a killed process loses what waited, at most one Interval of clicks while Sink
// keeps up. Full, it first makes Record wait (back-pressure) and after MaxWait
// refuses the click and counts it, so that a redirect never hangs on a database
// that is down. Nothing is dropped without being counted.
//
// A Log owns no goroutine: the caller runs Run.
type Log struct {
	cfg LogConfig

	mu      sync.Mutex
	waiting []Click
	spare   []Click
	stats   LogStats
	writing int           // clicks of waiting's past that are with Sink
	room    chan struct{} // closed and replaced when room is made; nil while nobody waits

	wake chan struct{} // one token: a group is complete
	turn chan struct{} // held while Sink runs
}

// NewLog returns a log. It is an error not to give a Sink.
func NewLog(cfg LogConfig) (*Log, error) {
	if cfg.Sink == nil {
		return nil, errors.New("link: LogConfig.Sink must be set")
	}
	if cfg.Size <= 0 {
		cfg.Size = 65536
	}
	if cfg.Group <= 0 {
		cfg.Group = 1024
	}
	cfg.Group = min(cfg.Group, cfg.Size)
	if cfg.Interval <= 0 {
		cfg.Interval = 100 * time.Millisecond
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 20 * time.Millisecond
	}
	return &Log{cfg: cfg, wake: make(chan struct{}, 1), turn: make(chan struct{}, 1)}, nil
}

// Record accepts a click, or returns ErrFull or the context's error.
func (l *Log) Record(ctx context.Context, c Click) error {
	l.mu.Lock()
	if len(l.waiting)+l.writing >= l.cfg.Size {
		l.mu.Unlock()
		return l.recordSlowly(ctx, c)
	}
	l.add(c)
	return nil
}

// add appends under the lock and releases it.
func (l *Log) add(c Click) {
	l.waiting = append(l.waiting, c)
	l.stats.Recorded++
	full := len(l.waiting) == l.cfg.Group
	l.mu.Unlock()
	if full {
		l.nudge()
	}
}

func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// recordSlowly waits for room.
func (l *Log) recordSlowly(ctx context.Context, c Click) error {
	var late <-chan time.Time
	if l.cfg.MaxWait > 0 {
		timer := time.NewTimer(l.cfg.MaxWait)
		defer timer.Stop()
		late = timer.C
	}
	for {
		l.mu.Lock()
		if len(l.waiting)+l.writing < l.cfg.Size {
			l.add(c)
			return nil
		}
		if late == nil {
			l.stats.Overflow++
			l.mu.Unlock()
			return ErrFull
		}
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
		l.mu.Unlock()
		l.nudge()
		select {
		case <-room:
			continue
		case <-late:
		case <-ctx.Done():
		}
		l.mu.Lock()
		l.stats.Overflow++
		l.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		return ErrFull
	}
}

// Run writes groups until the context ends, then once more what still waits,
// and returns that write's error. It is to be called once.
func (l *Log) Run(ctx context.Context) error {
	tick := time.NewTicker(l.cfg.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return l.Flush(context.WithoutCancel(ctx))
		case <-tick.C:
		case <-l.wake:
		}
		// A failed group stays at the head; the next tick tries it again.
		_ = l.Flush(ctx)
	}
}

// Flush writes everything that was recorded before the call. Where Sink fails,
// the clicks stay for the next time and its error is returned.
func (l *Log) Flush(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	l.mu.Lock()
	group := l.waiting
	l.waiting, l.spare = l.spare[:0], nil
	l.writing = len(group)
	l.mu.Unlock()
	if len(group) == 0 {
		l.settle(group, 0)
		return nil
	}
	done := false
	defer func() {
		if !done { // Sink panicked: keep the clicks
			l.restore(group)
		}
	}()
	err := l.cfg.Sink(ctx, group)
	done = true
	if err == nil {
		l.settle(group, len(group))
		return nil
	}
	l.restore(group)
	if l.cfg.OnError != nil {
		l.cfg.OnError(err)
	}
	return err
}

// settle takes a written group's slice back and makes room.
func (l *Log) settle(group []Click, written int) {
	clear(group)
	l.mu.Lock()
	l.spare = group[:0]
	l.stats.Written += uint64(written)
	l.writing = 0
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
	l.mu.Unlock()
}

// restore puts a group that was not written before what came since.
func (l *Log) restore(group []Click) {
	l.mu.Lock()
	l.waiting = append(group, l.waiting...)
	l.writing = 0
	l.stats.Failures++
	l.mu.Unlock()
}

// Stats returns what was counted so far.
func (l *Log) Stats() LogStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Waiting = len(l.waiting) + l.writing
	return s
}
