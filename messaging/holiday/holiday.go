// Package holiday knows the public holidays of countries, those that move among them: on
// which people do not work, and on which a shop does not want to write to them.
package holiday

import "time"

// Calendar knows the public holidays of one country.
type Calendar struct {
	country     string
	first, last int // the years whose moving feasts are known
	until       func(y int, m time.Month, d int) int
}

// Of returns the calendar of a country, by its ISO 3166-1 code; false where none is known:
// FR and TR are.
func Of(country string) (Calendar, bool) {
	switch country {
	case "FR":
		return France(), true
	case "TR":
		return Turkey(), true
	}
	return Calendar{}, false
}

// Country returns the ISO 3166-1 code.
func (c Calendar) Country() string { return c.country }

// Covers reports whether the moving feasts of a year are known. Of other years Until knows
// the fixed holidays alone.
func (c Calendar) Covers(year int) bool { return year >= c.first && year <= c.last }

// Until returns until which hour a day of a date of the country is an ordinary one: 24, or
// 0 of a holiday, or the hour at which it begins. Weekends are no holidays.
func (c Calendar) Until(day time.Time) int {
	if c.until == nil {
		return 24
	}
	y, m, d := day.Date()
	return c.until(y, m, d)
}

// days counts days, so that dates can be told apart without a zone.
func days(y int, m time.Month, d int) int {
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
