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
	c    ir.Clock
	keys [PerVersion + 1]string // by Once
}

// NewMoment returns the moment of an instant in a zone, usually the zone of
// the place whose evening it is; nil means UTC.
func NewMoment(now time.Time, zone *time.Location) *Moment {
	m := &Moment{c: *ir.NewClock(now, zone)}
	local := m.c.Now.In(m.c.Zone)
	year, week := local.ISOWeek()
	m.keys = [PerVersion + 1]string{
		PerDay:   local.Format("2006-01-02"),
		PerWeek:  fmt.Sprintf("%04d-W%02d", year, week),
		PerMonth: local.Format("2006-01"),
		PerYear:  local.Format("2006"),
	}
	return m
}

// ErrZone says that a moment is of another zone than the population.
var ErrZone = errors.New("rules: the moment is of another zone than the population")

// Now returns the instant, in UTC.
func (m *Moment) Now() time.Time { return m.c.Now }

// Zone returns the zone in which days are counted.
func (m *Moment) Zone() *time.Location { return m.c.Zone }

// Date returns today's date in the zone, such as 2025-03-01.
func (m *Moment) Date() string { return m.keys[PerDay] }

// Clock returns the moment as the packages below rules read it.
func (m *Moment) Clock() *ir.Clock { return &m.c }

// Period returns the period that a Once counts by: the date, the week, the month
// or the year; "" for one that does not go by the calendar.
func (m *Moment) Period(o Once) string { return m.keys[o] }
