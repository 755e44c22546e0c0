package survey

import (
	"strings"
	"time"
)

// jsDate is a moment as today() and its kin give it: JavaScript's Date. The zero moment is
// JavaScript's invalid date.
type jsDate struct{ t time.Time }

// valid tells a moment from what JavaScript calls an invalid date.
func (d jsDate) valid() bool { return !d.t.IsZero() }

// text is how an answer holds the date: its day.
func (d jsDate) text() string {
	if !d.valid() {
		return "NaN-NaN-NaN"
	}
	return d.t.Format("2006-01-02")
}

// ofText is how JavaScript writes a Date.
func (d jsDate) ofText() string {
	if !d.valid() {
		return "Invalid Date"
	}
	return d.t.Format("Mon Jan 02 2006 15:04:05 GMT-0700") + " (Coordinated Universal Time)"
}

// dateOf reads a date as SurveyJS does from an answer. A day without a time is that day at
// midnight where the survey runs.
func dateOf(v any, loc *time.Location) jsDate {
	switch t := v.(type) {
	case jsDate:
		return t
	case float64:
		if t > 8.64e15 || t < -8.64e15 || t != t {
			return jsDate{}
		}
		return jsDate{time.UnixMilli(int64(t)).In(loc)}
	case bool:
		return jsDate{time.UnixMilli(int64(toNumber(t))).In(loc)}
	case string:
		return parseDate(t, loc)
	case []any:
		return parseDate(toText(t), loc)
	}
	return jsDate{}
}

// dateLayouts are the ways of writing a date that are read, the local ones last: ISO 8601, and
// what engines agree upon beside it.
var dateLayouts = []struct {
	layout string
	utc    bool
}{
	{"2006-01-02T15:04:05.999999999Z07:00", false}, {"2006-01-02T15:04Z07:00", false},
	{"2006-01-02T15:04:05.999999999", false}, {"2006-01-02T15:04", false},
	{"2006-01-02 15:04:05", false}, {"2006-01-02 15:04", false}, {"2006-01-02", false},
	{"2006-01", true}, {"2006", true}, {"1/2/2006", false}, {"01/02/2006", false},
	{"Jan 2, 2006", false}, {"January 2, 2006", false}, {"2 Jan 2006", false}, {"2 January 2006", false},
}

// parseDate reads a text, or gives the invalid date.
func parseDate(s string, loc *time.Location) jsDate {
	s = strings.TrimSpace(s)
	if len(s) > 40 {
		return jsDate{}
	}
	for _, l := range dateLayouts {
		zone := loc
		if l.utc {
			zone = time.UTC
		}
		if t, err := time.ParseInLocation(l.layout, s, zone); err == nil {
			return jsDate{t.In(loc)}
		}
	}
	return legacyDate(s, loc)
}

// legacyDate reads what V8 takes for a date beside the forms that are one: a month alone, a
// month and a day, a short year. Of years it says 2001 where there is none.
func legacyDate(s string, loc *time.Location) jsDate {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,./-", r) })
	if len(parts) == 0 || len(parts) > 2 || strings.Trim(s, "0123456789 ,./-") != "" || !isDigit(s[0]) {
		return jsDate{}
	}
	n := make([]int, len(parts))
	for i, p := range parts {
		if len(p) > 2 {
			return jsDate{}
		}
		n[i] = int(parseIntJS(p))
	}
	year, month, day := 2001, n[0], 1
	switch {
	case len(n) == 2:
		day = n[1]
	case month >= 50:
		year, month = 1900+month, 1
	case month >= 32:
		year, month = 2000+month, 1
	}
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return jsDate{}
	}
	return jsDate{time.Date(year, time.Month(month), day, 0, 0, 0, 0, loc)}
}

// day is midnight of the date's day.
func (d jsDate) day() jsDate {
	if !d.valid() {
		return d
	}
	y, m, day := d.t.Date()
	return jsDate{time.Date(y, m, day, 0, 0, 0, 0, d.t.Location())}
}

// forDates makes a date of a text that is compared with one, and drops from the date what the
// text does not say.
func (e *evaluation) forDates(a, b any) (any, any) {
	x, xDate := a.(jsDate)
	y, yDate := b.(jsDate)
	xs, xText := a.(string)
	ys, yText := b.(string)
	switch {
	case xDate && yText:
		x = x.shortened(len(ys))
		return x, e.other(ys, x)
	case yDate && xText:
		return e.other(xs, y), jsDate{y.t.Truncate(time.Second)}
	}
	return a, b
}

// other reads the text that a date is compared with: without its time where the date has none. An
// empty text is now.
func (e *evaluation) other(s string, d jsDate) jsDate {
	loc := time.UTC
	if d.valid() {
		loc = d.t.Location()
	}
	o := dateOf(s, loc)
	if s == "" {
		o = e.now()
	}
	if d.valid() && (d.t.Hour() > 0 || d.t.Minute() > 0 || d.t.Second() > 0) {
		return o
	}
	return o.day()
}

// shortened drops what a text of n characters does not say: seconds, minutes, hours.
func (d jsDate) shortened(n int) jsDate {
	if !d.valid() {
		return d
	}
	y, mo, day := d.t.Date()
	h, mi, sec, ns := d.t.Hour(), d.t.Minute(), d.t.Second(), d.t.Nanosecond()
	if n < 17 {
		sec, ns = 0, 0
	}
	if n < 14 {
		mi = 0
	}
	if n < 11 {
		h = 0
	}
	return jsDate{time.Date(y, mo, day, h, mi, sec, ns/1e9*1e9, d.t.Location())}
}

// now is the moment of the evaluation; the invalid date where none was given.
func (e *evaluation) now() jsDate {
	if e.session != nil {
		return jsDate{e.session.opts.Now}
	}
	return jsDate{e.env.Now}
}

// location is the zone in which days begin.
func (e *evaluation) location() *time.Location {
	if d := e.now(); d.valid() {
		return d.t.Location()
	}
	return time.UTC
}
