package messaging

import (
	"sync/atomic"
	"time"
)

// A claim is of some pieces, and a piece is handed to the sender in one call. A
// piece takes at most the share pieceOfLease of a lease at the pace that was
// measured, so that a claim takes at most a quarter.
const (
	piecesPerClaim = 4
	pieceOfLease   = 16
	firstPiece     = 4 // before anything was measured
)

// pace is how many messages an outbox hands to its sender at a time. It begins
// small, doubles while the sender is quick and shrinks at once when it is not.
// The zero value is ready.
type pace struct{ now atomic.Int64 }

func (p *pace) piece() int {
	if n := p.now.Load(); n > 0 {
		return int(n)
	}
	return firstPiece
}

// claims is how many effects to claim, at most the given number.
func (p *pace) claims(most int) int { return min(most, piecesPerClaim*p.piece()) }

// measure takes note of how long a call for n messages took.
func (p *pace) measure(n int, took, lease time.Duration, most int) {
	size := p.piece()
	next := 2 * size
	if took > 0 {
		// In seconds, because messages times nanoseconds may be too many for int64.
		next = int(min(float64(next), float64(n)*lease.Seconds()/pieceOfLease/took.Seconds()))
	}
	if next > size && 2*n <= size {
		next = size // too few to tell
	}
	p.now.Store(int64(max(1, min(next, most))))
}
