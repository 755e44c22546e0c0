package ir

import (
	"time"
)

// Clock is an instant and the zone in which its day is counted.
type Clock struct {
	Now    time.Time // UTC
	Zone   *time.Location
	Today  int64 // days since 1970-01-01, local
	offset int64 // seconds east of UTC
	from   int64 // unix seconds for which offset holds: [from, to)
	to     int64
}

// NewClock returns the clock of an instant in a zone; nil means UTC.
func NewClock(now time.Time, zone *time.Location) *Clock {
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	m := &Clock{Now: now.UTC(), Zone: zone, from: -1 << 62, to: 1 << 62}
	_, off := local.Zone()
	m.offset = int64(off)
	start, end := local.ZoneBounds()
	if !start.IsZero() {
		m.from = start.Unix()
	}
	if !end.IsZero() {
		m.to = end.Unix()
	}
	m.Today = m.DayOf(local)
	return m
}

// At returns the clock of another instant in the same zone.
func (m *Clock) At(now time.Time) *Clock { return NewClock(now, m.Zone) }

// DayOf returns the local day of t as days since 1970-01-01.
func (m *Clock) DayOf(t time.Time) int64 {
	sec := t.Unix()
	if sec >= m.from && sec < m.to {
		return FloorDiv(sec+m.offset, 86400)
	}
	_, off := t.In(m.Zone).Zone()
	return FloorDiv(sec+int64(off), 86400)
}
