package rules

import (
	"fmt"
	"time"
)

// Moment is the instant and the zone for which rules are evaluated: what
// today() means, which day a time lies in, and the period that a `once` falls
// into. Nothing in this package looks at a clock: the same rules over the same
// facts at the same Moment always give the same answer. A Moment is immutable
// and may be shared.
type Moment struct {
	now    time.Time
	zone   *time.Location
	today  int64 // days since 1970-01-01, local
	offset int64 // seconds east of UTC
	from   int64 // unix seconds for which offset holds: [from, to)
	to     int64
	keys   [PerVersion + 1]string // by Once
}

// NewMoment returns the moment of an instant in a zone, usually the zone of
// the place whose evening it is; nil means UTC.
func NewMoment(now time.Time, zone *time.Location) *Moment {
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	m := &Moment{now: now.UTC(), zone: zone, from: -1 << 62, to: 1 << 62}
	_, off := local.Zone()
	m.offset = int64(off)
	start, end := local.ZoneBounds()
	if !start.IsZero() {
		m.from = start.Unix()
	}
	if !end.IsZero() {
		m.to = end.Unix()
	}
	m.today = m.dayOf(local)
	year, week := local.ISOWeek()
	m.keys = [PerVersion + 1]string{
		PerDay:   local.Format("2006-01-02"),
		PerWeek:  fmt.Sprintf("%04d-W%02d", year, week),
		PerMonth: local.Format("2006-01"),
		PerYear:  local.Format("2006"),
	}
	return m
}

// Now returns the instant, in UTC.
func (m *Moment) Now() time.Time { return m.now }

// Zone returns the zone in which days are counted.
func (m *Moment) Zone() *time.Location { return m.zone }

// Date returns today's date in the zone, such as 2025-03-01.
func (m *Moment) Date() string { return m.keys[PerDay] }

// dayOf returns the local day of t as days since 1970-01-01.
func (m *Moment) dayOf(t time.Time) int64 {
	sec := t.Unix()
	if sec >= m.from && sec < m.to {
		return floorDiv(sec+m.offset, 86400)
	}
	_, off := t.In(m.zone).Zone()
	return floorDiv(sec+int64(off), 86400)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// civil returns the proleptic Gregorian date of a day number.
// Source: H. Hinnant, "chrono-compatible low-level date algorithms".
func civil(n int64) (year, month, monthDay int64) {
	n += 719468
	era := floorDiv(n, 146097)
	doe := n - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	monthDay = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, monthDay
}

// fromCivil is the inverse of civil.
func fromCivil(year, month, monthDay int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + monthDay - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func isLeap(year int64) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// anniversary returns how many days lie between today and the next anniversary
// of d, 0 on the day itself. Who was born on 29 February celebrates on 28
// February in other years.
func anniversary(today, d int64) int64 {
	year, _, _ := civil(today)
	_, month, monthDay := civil(d)
	for {
		md := monthDay
		if month == 2 && md == 29 && !isLeap(year) {
			md = 28
		}
		if next := fromCivil(year, month, md); next >= today {
			return next - today
		}
		year++
	}
}

// weekday returns 1 for Monday to 7 for Sunday.
func weekday(d int64) int64 { return (d%7+7+3)%7 + 1 }
