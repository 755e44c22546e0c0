package crm

import (
	"sync/atomic"
	"time"
)

// A claim is of some pieces, and a piece is handed to a handler in one call. A
// piece takes at most the share pieceOfLease of a lease at the pace that was
// measured, so that a claim takes at most a quarter.
const (
	piecesPerClaim = 4
	pieceOfLease   = 16
	firstPiece     = 4 // before anything was measured
)

// Pace is how many effects a handler is given at a time. It begins small, doubles
// while the handler is quick and shrinks at once when it is not. The zero value is
// ready; it may be used concurrently and must not be copied.
type Pace struct{ now atomic.Int64 }

func (p *Pace) piece() int {
	if n := p.now.Load(); n > 0 {
		return int(n)
	}
	return firstPiece
}

// claims is how many effects to claim, at most the given number.
func (p *Pace) claims(most int) int { return min(most, piecesPerClaim*p.piece()) }

// measure takes note of how long a call for n effects took.
func (p *Pace) measure(n int, took, lease time.Duration, most int) {
	size := p.piece()
	next := 2 * size
	if took > 0 {
		// In seconds, because effects times nanoseconds may be too many for int64.
		next = int(min(float64(next), float64(n)*lease.Seconds()/pieceOfLease/took.Seconds()))
	}
	if next > size && 2*n <= size {
		next = size // too few to tell
	}
	p.now.Store(int64(max(1, min(next, most))))
}
