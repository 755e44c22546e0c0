package holiday

import "time"

// The first days of the two feasts, which follow the moon. Ramazan Bayramı has three days,
// Kurban Bayramı four; from 13:00 on the day before, nobody works. Source: the dates that
// Diyanet İşleri Başkanlığı publishes.
const (
	firstYear, lastYear = 2015, 2032
	halfDayEnds         = 13
)

// date is a day of a year.
type date struct {
	month time.Month
	day   int
}

var feasts = [...]struct{ ramazan, kurban date }{
	{date{7, 17}, date{9, 24}}, {date{7, 5}, date{9, 12}}, {date{6, 25}, date{9, 1}}, {date{6, 15}, date{8, 21}}, {date{6, 4}, date{8, 11}}, {date{5, 24}, date{7, 31}},
	{date{5, 13}, date{7, 20}}, {date{5, 2}, date{7, 9}}, {date{4, 21}, date{6, 28}}, {date{4, 10}, date{6, 16}}, {date{3, 30}, date{6, 6}}, {date{3, 20}, date{5, 27}},
	{date{3, 9}, date{5, 16}}, {date{2, 26}, date{5, 5}}, {date{2, 14}, date{4, 24}}, {date{2, 4}, date{4, 13}}, {date{1, 24}, date{4, 2}}, {date{1, 14}, date{3, 22}},
}

// Turkey returns the public holidays of law 2429, with the feasts from 2015 to 2032.
func Turkey() Calendar {
	return Calendar{country: "TR", first: firstYear, last: lastYear, until: turkey}
}

func turkey(y int, m time.Month, d int) int {
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
		first date
		days  int
	}{{feasts[y-firstYear].ramazan, 3}, {feasts[y-firstYear].kurban, 4}} {
		switch after := days(y, m, d) - days(y, f.first.month, f.first.day); {
		case after >= 0 && after < f.days:
			return 0
		case after == -1:
			until = halfDayEnds
		}
	}
	return until
}
