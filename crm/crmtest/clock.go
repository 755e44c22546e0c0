package crmtest

import (
	"sync/atomic"
	"time"
)

// Clock is a clock that goes on by itself, a microsecond each time it is read.
type Clock struct{ micros atomic.Int64 }

// Now returns the time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Add(1)).UTC() }

// Set moves the clock.
func (c *Clock) Set(t time.Time) { c.micros.Store(t.UnixMicro()) }

// Advance moves the clock on by d and returns the time. A negative d moves it
// back.
func (c *Clock) Advance(d time.Duration) time.Time {
	return time.UnixMicro(c.micros.Add(d.Microseconds())).UTC()
}
