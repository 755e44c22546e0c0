package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrFull is what Record returns for a click that found no room in time.
var ErrFull = errors.New("link: the click log is full")

// LogConfig configures a Log. The zero value of every field but Sink works.
type LogConfig struct {
	// Sink writes a group of at most Group clicks and must be safe to repeat:
	// after an error the same clicks come again, at the head of a group. It owns
	// the slice only until it returns. It is never called twice at a time.
	Sink func(ctx context.Context, clicks []Click) error
	// Surplus writes how many requests came beyond PerLink; like Sink it is
	// repeated after an error and never called twice at a time. Counts are
	// totals: writing one again, or a newer one over an older, is right however
	// often it happens. Nil means that every click is kept.
	Surplus func(ctx context.Context, counts []Surplus) error
	// PerLink is how many clicks of one link in one hour are kept one by one;
	// those beyond are counted. 0 means 60, more than a person clicks; at most
	// so many per Log, so with several processes as many times that. It has no
	// effect without Surplus.
	PerLink int
	// Links is how many links are counted at a time; 0 means 131,072, which
	// takes some 15 MB. Where more are clicked within an hour, those that are
	// written are forgotten first, so that they may keep PerLink clicks again;
	// where none is written because Surplus fails, clicks of other links are
	// refused.
	Links int
	// Size is how many clicks may wait; 0 means 65,536. One takes up to 1 KB,
	// most of it the user agent.
	Size int
	// Group is how many clicks wake Run at once and go to Sink in one call; 0
	// means 1,024.
	Group int
	// Interval is how long a click waits at most while Run runs; 0 means 100 ms.
	Interval time.Duration
	// MaxWait is how long Record waits for room; 0 means 20 ms, negative not at
	// all.
	MaxWait time.Duration
	// Timeout bounds one call of Sink or Surplus by its context, so that
	// neither a Run that ends nor a redirect waits for a store that hangs; 0
	// means 30 seconds.
	Timeout time.Duration
	// OnError is told what Sink and Surplus returned, and after each Flush how
	// many clicks were refused since the last (an error that is ErrFull); nil
	// means that only Stats counts it.
	OnError func(error)
}

// Surplus counts the requests for one link in one hour that were not kept as
// clicks.
type Surplus struct {
	ID   uint64    // of the link
	Hour time.Time // its beginning, UTC
	// Serial is, with ID, Hour and the Log, the identity of the count. One hour
	// may have several, to be added up.
	Serial uint64
	Count  uint64 // so far; a later Surplus of the same identity has no less
}

// LogStats counts what a Log did.
type LogStats struct {
	Recorded uint64 // accepted to be kept
	Surplus  uint64 // accepted to be counted only
	Written  uint64 // given to Sink with success
	Overflow uint64 // refused with ErrFull: lost, and the only clicks that are
	Failures uint64 // errors of Sink and Surplus
	Waiting  int    // accepted to be kept and not written yet
}

// Log gathers clicks in memory and writes them in groups. It is asynchronous:
// a killed process loses what waited, at most one Interval of clicks while Sink
// keeps up. Full, it first makes Record wait (back-pressure) and after MaxWait
// refuses the click and counts it, so that a redirect never hangs on a database
// that is down. Of one link it keeps LogConfig.PerLink clicks an hour and counts
// the others, so that one link cannot fill the store. Nothing is dropped without
// being counted.
//
// A Log owns no goroutine: the caller runs Run.
type Log struct {
	cfg LogConfig

	mu      sync.Mutex
	waiting []Click
	spare   []Click
	stats   LogStats
	told    uint64        // of stats.Overflow, what OnError knows
	writing int           // clicks of waiting's past that are with Sink
	room    chan struct{} // closed and replaced when room is made; nil where none waits
	tallies tallies

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
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.PerLink <= 0 {
		cfg.PerLink = 60
	}
	if cfg.Links <= 0 {
		cfg.Links = 1 << 17
	}
	l := &Log{cfg: cfg, wake: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	if cfg.Surplus != nil {
		l.tallies = tallies{of: map[linkHour]*tally{}, open: map[linkHour]*tally{}, keep: cfg.PerLink, limit: cfg.Links}
	}
	return l, nil
}

// Record accepts a click, to be kept or, beyond LogConfig.PerLink, to be
// counted; or it returns ErrFull or the context's error.
func (l *Log) Record(ctx context.Context, c Click) error {
	l.mu.Lock()
	if l.full() {
		l.mu.Unlock()
		return l.recordSlowly(ctx, c)
	}
	return l.add(c)
}

// counted takes a request of which nothing is kept, before a click is made of
// it. It reports false where the click is to be recorded.
func (l *Log) counted(id uint64, at time.Time) bool {
	if l.cfg.Surplus == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.tallies.surplus(linkHour{id, hourOf(at)}) {
		return false
	}
	l.stats.Surplus++
	return true
}

func (l *Log) full() bool { return len(l.waiting)+l.writing >= l.cfg.Size }

// add appends under the lock and releases it.
func (l *Log) add(c Click) error {
	if l.cfg.Surplus != nil {
		switch l.tallies.take(linkHour{c.ID, hourOf(c.At)}) {
		case taken:
			l.stats.Surplus++
			l.mu.Unlock()
			return nil
		case noRoom:
			l.stats.Overflow++
			l.mu.Unlock()
			return ErrFull
		}
	}
	l.waiting = append(l.waiting, c)
	l.stats.Recorded++
	full := len(l.waiting) == l.cfg.Group
	l.mu.Unlock()
	if full {
		l.nudge()
	}
	return nil
}

func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// recordSlowly waits for room.
func (l *Log) recordSlowly(ctx context.Context, c Click) error {
	if l.counted(c.ID, c.At) {
		return nil // needs no room
	}
	var late <-chan time.Time
	if l.cfg.MaxWait > 0 {
		timer := time.NewTimer(l.cfg.MaxWait)
		defer timer.Stop()
		late = timer.C
	}
	for {
		l.mu.Lock()
		if !l.full() {
			return l.add(c)
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
// and returns that write's error; a call of Sink that takes longer than
// LogConfig.Timeout ends that too. After an error it tries again, with pauses
// that grow to maxPause. It is to be called once.
func (l *Log) Run(ctx context.Context) error {
	tick := time.NewTicker(l.cfg.Interval)
	defer tick.Stop()
	for fails := 0; ; {
		select {
		case <-ctx.Done():
			return l.Flush(context.WithoutCancel(ctx))
		case <-tick.C:
		case <-l.wake:
		}
		if l.Flush(ctx) == nil {
			fails = 0
			continue
		}
		fails++ // a failed group stays at the head
		select {
		case <-ctx.Done():
		case <-time.After(min(l.cfg.Interval<<min(fails, 16), maxPause)):
		}
	}
}

// maxPause is how long Run leaves a store alone that keeps failing.
const maxPause = 5 * time.Second

// Flush writes everything that was recorded before the call, group by group.
// Where Sink fails or the context ends, the clicks that are not written stay for
// the next time and the error is returned.
func (l *Log) Flush(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	err := l.flushClicks(ctx)
	if err == nil && l.cfg.Surplus != nil {
		err = l.flushSurplus(ctx)
	}
	l.mu.Lock()
	refused := l.stats.Overflow - l.told
	l.told = l.stats.Overflow
	l.mu.Unlock()
	if refused > 0 && l.cfg.OnError != nil {
		l.cfg.OnError(fmt.Errorf("%w: %d clicks were refused", ErrFull, refused))
	}
	return err
}

func (l *Log) flushClicks(ctx context.Context) error {
	l.mu.Lock()
	group := l.waiting
	l.waiting, l.spare = l.spare[:0], nil
	l.writing = len(group)
	l.mu.Unlock()
	written := 0
	defer func() { l.settle(group, written) }() // also where Sink panics
	for i := range group {
		if group[i].RequestID == "" { // here, where no redirect waits for it; repeats keep it
			group[i].RequestID = randomKey()
		}
	}
	for part := range slices.Chunk(group, l.cfg.Group) {
		if err := l.call(ctx, func(ctx context.Context) error { return l.cfg.Sink(ctx, part) }); err != nil {
			return err
		}
		written += len(part)
		l.wrote(len(part))
	}
	return nil
}

// call gives Sink or Surplus its time and tells of its error.
func (l *Log) call(ctx context.Context, write func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	err := write(ctx)
	if err != nil {
		l.mu.Lock()
		l.stats.Failures++
		l.mu.Unlock()
		if l.cfg.OnError != nil {
			l.cfg.OnError(err)
		}
	}
	return err
}

// wrote makes room where n clicks were.
func (l *Log) wrote(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Written += uint64(n)
	l.writing -= n
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}

// settle takes a group's slice back and puts what was not written of it before
// what came since.
func (l *Log) settle(group []Click, written int) {
	clear(group[:written])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing = 0
	if written == len(group) {
		l.spare = group[:0]
		return
	}
	l.waiting = append(group[written:], l.waiting...)
}

func (l *Log) flushSurplus(ctx context.Context) error {
	l.mu.Lock()
	counts := l.tallies.due()
	l.mu.Unlock()
	for part := range slices.Chunk(counts, l.cfg.Group) {
		if err := l.call(ctx, func(ctx context.Context) error { return l.cfg.Surplus(ctx, part) }); err != nil {
			return err
		}
		l.mu.Lock()
		l.tallies.wrote(part)
		l.mu.Unlock()
	}
	l.mu.Lock()
	l.tallies.prune()
	l.mu.Unlock()
	return nil
}

// Stats returns what was counted so far.
func (l *Log) Stats() LogStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Waiting = len(l.waiting) + l.writing
	return s
}
