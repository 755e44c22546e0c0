package route

import (
	"sync"
	"time"
)

// breaker leaves a route alone after failures in a row. After the pause one message tries
// it; the route is back when that succeeds, and left alone for longer when it does not.
type breaker struct {
	after int
	pause time.Duration

	mu     sync.Mutex
	row    int       // failures since the last success
	until  time.Time // left alone until then; zero if it is not
	trying bool      // a message tries it
	tries  int       // that failed
}

// allow returns how many of n messages may go now, and whether they are a try; if none, how
// long to wait.
func (b *breaker) allow(now time.Time, n int) (allowed int, try bool, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return n, false, 0
	case now.Before(b.until):
		return 0, false, b.until.Sub(now)
	case b.trying:
		return 0, false, time.Second
	}
	b.trying = true
	return min(n, 1), true, 0
}

// done takes note of what came of what allow let go.
func (b *breaker) done(now time.Time, try, failed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if try {
		b.trying = false
	}
	switch {
	case !failed:
		if try || b.until.IsZero() {
			b.row, b.tries, b.until = 0, 0, time.Time{}
		}
	case try:
		b.tries = min(b.tries+1, 5)
		b.until = now.Add(b.pause << b.tries)
	default:
		if b.row++; b.row >= b.after && b.until.IsZero() {
			b.until = now.Add(b.pause)
		}
	}
}

// release ends what allow let go without an outcome.
func (b *breaker) release(try bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if try {
		b.trying = false
	}
}
