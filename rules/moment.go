package rules

import (
	"errors"
	"fmt"
	"time"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Moment is the instant and the zone for which rules are evaluated: what
// today() means, which day a time lies in, and the period that a `once` falls
// into. Nothing in this package looks at a clock: the same rules over the same
// facts at the same Moment always give the same answer. A Moment is immutable
// and may be shared.
type Moment struct {
	c ir.Clock

	day, week, month, year string // in the zone, as Period gives them
}

// NewMoment returns the moment of an instant in a zone, usually the zone of
// the place whose evening it is; nil means UTC.
func NewMoment(now time.Time, zone *time.Location) *Moment {
	m := &Moment{c: *ir.NewClock(now, zone)}
	local := m.c.Now.In(m.c.Zone)
	year, week := local.ISOWeek()
	m.day, m.week = local.Format("2006-01-02"), fmt.Sprintf("%04d-W%02d", year, week)
	m.month, m.year = local.Format("2006-01"), local.Format("2006")
	return m
}

// ErrZone says that a moment is of another zone than the population.
var ErrZone = errors.New("rules: the moment is of another zone than the population")

// Now returns the instant, in UTC.
func (m *Moment) Now() time.Time { return m.c.Now }

// Date returns today's date in the zone, such as 2025-03-01.
func (m *Moment) Date() string { return m.day }

// Clock returns the moment as the packages below rules read it.
func (m *Moment) Clock() *ir.Clock { return &m.c }

// Period returns the period that a Rule.Once counts by: the date, the ISO week, the
// month or the year; "" for one that does not go by the calendar.
func (m *Moment) Period(once string) string {
	switch once {
	case oncePerDay:
		return m.day
	case oncePerWeek:
		return m.week
	case oncePerMonth:
		return m.month
	case oncePerYear:
		return m.year
	}
	return ""
}
