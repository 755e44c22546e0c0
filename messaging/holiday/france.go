package holiday

import "time"

// France returns the public holidays of article L3133-1 of the Code du travail, of which
// three follow Easter. Those of Alsace and Moselle and of overseas are not among them.
func France() Calendar {
	return Calendar{country: "FR", first: 1583, last: 9999, until: france}
}

func france(y int, m time.Month, d int) int {
	switch (date{m, d}) {
	case date{1, 1}, date{5, 1}, date{5, 8}, date{7, 14}, date{8, 15}, date{11, 1}, date{11, 11}, date{12, 25}:
		return 0
	}
	if y < 1583 {
		return 24
	}
	switch days(y, m, d) - easter(y) {
	case 1, 39, 50: // Easter Monday, Ascension, Whit Monday
		return 0
	}
	return 24
}

// easter returns Easter Sunday of a year of the Gregorian calendar, in days: the algorithm of
// Meeus, Jones and Butcher.
func easter(y int) int {
	a, b, c := y%19, y/100, y%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	month := (h + l - 7*m + 114) / 31
	day := (h+l-7*m+114)%31 + 1
	return days(y, time.Month(month), day)
}
