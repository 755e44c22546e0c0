package main

import "strings"

// dateOrder is how a column writes dates of numbers: 12/11/1978 is in November for most of
// the world and in December for some.
type dateOrder struct {
	dayFirst, monthFirst int // rows that can be read one way only
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
	if !ok {
		return s
	}
	if d.monthFirst > d.dayFirst {
		a, b = b, a
	}
	return year + "-" + two(b) + "-" + two(a)
}

func two(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

// splitDate takes "12/11/1978", "12.11.1978" and "12-11-1978" apart.
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
