package gateway

import (
	"sync"
	"time"
)

// Limit allows so many requests in any stretch of a length, exactly. It never waits: it
// says how long to. The zero value allows none.
type Limit struct {
	mu    sync.Mutex
	times []time.Time // a ring of those allowed last
	next  int
	per   time.Duration
}

// NewLimit allows n requests in any stretch of per.
func NewLimit(n int, per time.Duration) *Limit {
	return &Limit{times: make([]time.Time, n), per: per}
}

// Take returns 0 and counts a request, or how long none is allowed.
func (l *Limit) Take(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.times) == 0 {
		return l.per
	}
	oldest := &l.times[l.next]
	if !oldest.IsZero() {
		if wait := l.per - now.Sub(*oldest); wait > 0 {
			return wait
		}
	}
	*oldest = now
	l.next = (l.next + 1) % len(l.times)
	return 0
}
