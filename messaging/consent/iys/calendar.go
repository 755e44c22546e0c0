package iys

import (
	"slices"
	"time"

	"github.com/vefacrm/vefa/messaging/holiday"
)

// Calendar knows business days in Turkey: Monday to Friday, without the public holidays of
// law 2429. The zero value knows the feasts from 2015 to 2032.
type Calendar struct {
	// Closed are further days on which nobody works, as 2025-12-31: those that were declared,
	// and the feasts of years after 2032.
	Closed []string
}

// hours returns until which hour people work on a day: 24, 13 or 0.
func (c Calendar) hours(day time.Time) int {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday || slices.Contains(c.Closed, day.Format(time.DateOnly)) {
		return 0
	}
	return holiday.Turkey().Until(day)
}

// Covers reports whether the calendar knows the feasts of a time's year.
func (c Calendar) Covers(t time.Time) bool {
	return holiday.Turkey().Covers(t.In(zone).Year())
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
