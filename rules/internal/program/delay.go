package program

import (
	"fmt"
	"time"

	"github.com/vefacrm/vefa/rules/internal/ir"
)

// delay is how long an action waits: calendar years, months and days in the
// zone, then exact time.
type delay struct {
	Months, Days int
	Exact        time.Duration
}

const maxDelayDays = 50 * 366

// ParseDelay reads 90min, 12h, 1d, 2w, 6mo, 2y, or several in a row such as
// 1d12h.
func ParseDelay(s string) (delay, error) {
	var d delay
	rest := s
	for rest != "" {
		n, digits := 0, 0
		for digits < len(rest) && digits < 6 && rest[digits] >= '0' && rest[digits] <= '9' {
			n = n*10 + int(rest[digits]-'0')
			digits++
		}
		unit := digits
		for unit < len(rest) && rest[unit] >= 'a' && rest[unit] <= 'z' {
			unit++
		}
		if digits == 0 {
			return delay{}, fmt.Errorf("%q is no delay: write 90min, 12h, 1d, 2w, 6mo or 2y", s)
		}
		switch rest[digits:unit] {
		case "y":
			d.Months += 12 * n
		case "mo":
			d.Months += n
		case "w":
			d.Days += 7 * n
		case "d":
			d.Days += n
		case "h":
			d.Exact += time.Duration(n) * time.Hour
		case "min":
			d.Exact += time.Duration(n) * time.Minute
		default:
			return delay{}, fmt.Errorf("%q is no delay: write 90min, 12h, 1d, 2w, 6mo or 2y", s)
		}
		rest = rest[unit:]
		if d.Months/12*366+d.Days+int(d.Exact/(24*time.Hour)) > maxDelayDays {
			return delay{}, fmt.Errorf("%q is more than 50 years", s)
		}
	}
	return d, nil
}

// ParseClock reads a time of day, 00:00 to 23:59, as minutes; "" is -1.
func ParseClock(s string) (int, error) {
	if s == "" {
		return -1, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		return -1, fmt.Errorf("%q is no time of day: write 10:00", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// Due returns when an action with this delay and clock (minutes of the day, or
// -1) that is planned at the moment is to be done. Years and months end on the
// last day of a shorter month: a year after 29 February is 28 February. With a
// clock it is never before the moment itself: today at 10:00, planned in the
// evening, is tomorrow at 10:00.
func (d delay) Due(m *ir.Clock, clock int) time.Time {
	local := m.Now.In(m.Zone)
	year, month, monthDay := ir.Civil(m.Today)
	month += int64(d.Months) - 1
	year += ir.FloorDiv(month, 12)
	month = month - ir.FloorDiv(month, 12)*12 + 1
	monthDay = min(monthDay, daysIn(year, month))
	n := ir.FromCivil(year, month, monthDay) + int64(d.Days)
	if clock < 0 {
		if d.Months == 0 && d.Days == 0 {
			return m.Now.Add(d.Exact)
		}
		sec := local.Hour()*3600 + local.Minute()*60 + local.Second()
		t := wallTime(n, sec, m.Zone).Add(time.Duration(local.Nanosecond()))
		return t.Add(d.Exact).UTC()
	}
	t := wallTime(n, clock*60, m.Zone).Add(d.Exact)
	if t.Before(m.Now) {
		t = wallTime(n+1, clock*60, m.Zone).Add(d.Exact)
	}
	return t.UTC()
}

func daysIn(year, month int64) int64 {
	if month == 12 {
		return 31
	}
	return ir.FromCivil(year, month+1, 1) - ir.FromCivil(year, month, 1)
}

// wallTime returns the instant at which clocks in the zone show the given
// second of the given day. If they show it twice it is the first time; if they
// skip it, it is the instant at which they are put forward.
func wallTime(n int64, sec int, zone *time.Location) time.Time {
	wall := n*86400 + int64(sec)
	offset := func(at int64) int64 {
		_, off := time.Unix(at, 0).In(zone).Zone()
		return int64(off)
	}
	// Zones are at most 26 hours apart from UTC and one another.
	before, after := offset(wall-26*3600), offset(wall+26*3600)
	first := wall - max(before, after)
	for _, off := range []int64{max(before, after), min(before, after)} {
		if offset(wall-off) == off {
			return time.Unix(wall-off, 0).UTC()
		}
	}
	if _, end := time.Unix(first, 0).In(zone).ZoneBounds(); !end.IsZero() {
		return end.UTC()
	}
	return time.Unix(first, 0).UTC()
}
