package main

import (
	"strconv"
	"strings"
)

// dateOrder is how a column writes dates of numbers: 12/11/1978 is in November for most of
// the world and in December for some.
type dateOrder struct {
	dayFirst, monthFirst int // rows that can be read one way only
	year                 int // nobody is born after it: a year of two digits is the last one up to it; 0: such dates are not read
}

// look learns from one value.
func (d *dateOrder) look(s string) {
	if a, b, _, ok := splitDate(s); ok {
		switch {
		case a > 12 && b <= 12:
			d.dayFirst++
		case b > 12 && a <= 12:
			d.monthFirst++
		}
	}
}

// iso returns a date of numbers as yyyy-mm-dd and everything else as it is.
func (d dateOrder) iso(s string) string {
	a, b, year, ok := splitDate(s)
	switch {
	case !ok:
		return d.named(s)
	case len(year) == 2 && d.year == 0:
		return s
	}
	if d.monthFirst > d.dayFirst {
		a, b = b, a
	}
	return d.full(year) + "-" + two(b) + "-" + two(a)
}

// full returns a year with its century.
func (d dateOrder) full(year string) string {
	if len(year) != 2 {
		return year
	}
	y := d.year - d.year%100 + number(year)
	if y > d.year {
		y -= 100
	}
	return strconv.Itoa(y)
}

// months are the beginnings of their names, folded, in English, Turkish and German.
var months = map[string]int{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
	"oca": 1, "sub": 2, "nis": 4, "haz": 6, "tem": 7, "agu": 8, "eyl": 9, "eki": 10, "kas": 11, "ara": 12,
	"mrz": 3, "mai": 5, "okt": 10, "dez": 12,
}

// named reads a date whose month is a word, "Mar 1 1970", "19-Feb-91" or "1 Mart 1970", and
// returns everything else as it is.
func (d dateOrder) named(s string) string {
	if len(s) > 40 {
		return s
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,.-/", r) })
	if len(parts) != 3 {
		return s
	}
	for i, p := range parts[:2] {
		word := headerKey(p)
		if len(word) < 3 || digits(word) {
			continue
		}
		month, day, year := months[word[:3]], parts[1-i], parts[2]
		if month == 0 || !digits(day) || len(day) > 2 || !digits(year) || len(year) != 4 && (len(year) != 2 || d.year == 0) {
			return s
		}
		return d.full(year) + "-" + two(month) + "-" + two(number(day))
	}
	return s
}

func two(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

// splitDate takes "12/11/1978", "12.11.1978", "12-11-1978" and "12/11/78" apart.
func splitDate(s string) (a, b int, year string, ok bool) {
	s = strings.TrimSpace(s)
	i := strings.IndexAny(s, "/.-")
	if i != 1 && i != 2 {
		return 0, 0, "", false
	}
	j := strings.IndexByte(s[i+1:], s[i])
	if j != 1 && j != 2 {
		return 0, 0, "", false
	}
	first, second, year := s[:i], s[i+1:i+1+j], s[i+j+2:]
	if len(year) == 2 && s[i] != '-' && digits(year) && digits(first) && digits(second) { // 78-11-12 begins with its year
		return number(first), number(second), year, true
	}
	if len(year) < 4 || len(year) > 4 && year[4] != ' ' && year[4] != 'T' || !digits(first) || !digits(second) || !digits(year[:4]) {
		return 0, 0, "", false
	}
	return number(first), number(second), year[:4], true
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func number(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = 10*n + int(s[i]-'0')
	}
	return n
}
