package iys

import (
	"slices"
	"time"
)

// Calendar knows business days in Turkey: Monday to Friday, without the public holidays of
// law 2429. The zero value knows the feasts from 2015 to 2032.
type Calendar struct {
	// Closed are further days on which nobody works, as 2025-12-31: those that were declared,
	// and the feasts of years after 2032.
	Closed []string
}

// The first days of the two feasts, which follow the moon. Ramazan Bayramı has three days,
// Kurban Bayramı four; from 13:00 on the day before, nobody works. Source: the dates that
// Diyanet İşleri Başkanlığı publishes.
const (
	firstYear, lastYear = 2015, 2032
	halfDayEnds         = 13
)

var feasts = [...]struct{ ramazan, kurban string }{
	{"07-17", "09-24"}, {"07-05", "09-12"}, {"06-25", "09-01"}, {"06-15", "08-21"}, {"06-04", "08-11"}, {"05-24", "07-31"},
	{"05-13", "07-20"}, {"05-02", "07-09"}, {"04-21", "06-28"}, {"04-10", "06-16"}, {"03-30", "06-06"}, {"03-20", "05-27"},
	{"03-09", "05-16"}, {"02-26", "05-05"}, {"02-14", "04-24"}, {"02-04", "04-13"}, {"01-24", "04-02"}, {"01-14", "03-22"},
}

// hours returns until which hour people work on a day: 24, 13 or 0.
func (c Calendar) hours(day time.Time) int {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday || slices.Contains(c.Closed, day.Format(time.DateOnly)) {
		return 0
	}
	y, m, d := day.Date()
	until := 24
	switch {
	case m == time.January && d == 1, m == time.April && d == 23, m == time.May && (d == 1 || d == 19), m == time.August && d == 30, m == time.October && d == 29:
		return 0
	case m == time.July && d == 15 && y >= 2017: // law 6752 of October 2016
		return 0
	case m == time.October && d == 28:
		until = halfDayEnds
	}
	if y < firstYear || y > lastYear {
		return until
	}
	for _, f := range [...]struct {
		first string
		days  int
	}{{feasts[y-firstYear].ramazan, 3}, {feasts[y-firstYear].kurban, 4}} {
		first, err := time.ParseInLocation(time.DateOnly, day.Format("2006-")+f.first, day.Location())
		if err != nil {
			continue // the table is part of the program, and tested
		}
		switch days := int(time.Date(y, m, d, 12, 0, 0, 0, time.UTC).Sub(time.Date(first.Year(), first.Month(), first.Day(), 12, 0, 0, 0, time.UTC)).Hours()) / 24; {
		case days >= 0 && days < f.days:
			return 0
		case days == -1:
			until = halfDayEnds
		}
	}
	return until
}

// Covers reports whether the calendar knows the feasts of a time's year.
func (c Calendar) Covers(t time.Time) bool {
	y := t.In(zone).Year()
	return y >= firstYear && y <= lastYear
}

// pushDays is within how many business days a consent must be entered.
const pushDays = 3

// Deadline returns until when a consent of a time must be in the registry: the end of the
// third business day after its day, in Turkey, or 13:00 if that day is half a one. Of years
// whose feasts are not known it is too early, not too late.
func (c Calendar) Deadline(given time.Time) time.Time {
	y, m, d := given.In(zone).Date()
	for n := 0; ; {
		d++
		day := time.Date(y, m, d, 0, 0, 0, 0, zone)
		until := c.hours(day)
		if until > 0 {
			n++
		}
		if n == pushDays {
			return time.Date(y, m, d, until, 0, 0, 0, zone).UTC()
		}
	}
}
