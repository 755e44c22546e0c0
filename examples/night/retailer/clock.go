package retailer

import (
	"sync/atomic"
	"time"
)

// Clock is the simulated time.
type Clock struct{ micros atomic.Int64 }

// Now returns the time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

// Set sets it.
func (c *Clock) Set(t time.Time) { c.micros.Store(t.UnixMicro()) }
