package columns

import (
	"strconv"
	"strings"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
)

// Order says which part of a date of numbers comes first: 12/11/1978 is in November for
// most of the world and in December for some.
type Order string

// The orders. The zero value is DayFirst.
const (
	DayFirst   Order = "dmy"
	MonthFirst Order = "mdy"
)

// dateVotes counts the dates of a column that can be read one way only.
type dateVotes struct{ dayFirst, monthFirst int }

func (v *dateVotes) look(s string) {
	if a, b, _, ok := splitDate(s); ok {
		switch {
		case a > 12 && b <= 12:
			v.dayFirst++
		case b > 12 && a <= 12:
			v.monthFirst++
		}
	}
}

// order returns what most of them say, "" where none says anything.
func (v dateVotes) order() Order {
	switch {
	case v.monthFirst > v.dayFirst:
		return MonthFirst
	case v.dayFirst > 0:
		return DayFirst
	}
	return ""
}

// iso returns a date as yyyy-mm-dd: dates of numbers in this order, dates whose month is a
// word ("Mar 1 1970", "19-Feb-91", "1 Ağustos 1970"), days that a spreadsheet counts from
// 1899-12-30 (25569), and yyyy-m-d. Everything else is returned as it is. A year of two
// digits is the last one up to the year given; where that is 0 such dates are left alone.
func (o Order) iso(s string, year int) string {
	if len(s) == 10 && s[4] == '-' && s[7] == '-' || len(s) > 40 {
		return s
	}
	a, b, y, ok := splitDate(s)
	switch {
	case ok && len(y) == 2 && (year == 0 || a > 31 || b > 31): // 78/11/12 begins with its year
		return s
	case ok:
		day, month := a, b
		if o == MonthFirst {
			day, month = b, a
		}
		if month > 12 && day <= 12 {
			day, month = month, day
		}
		return fullYear(y, year) + "-" + two(month) + "-" + two(day)
	}
	if iso, ok := yearFirst(s); ok {
		return iso
	}
	if iso, ok := serialDate(s); ok {
		return iso
	}
	return named(s, year)
}

// fullYear returns a year with its century.
func fullYear(s string, present int) string {
	if len(s) != 2 {
		return s
	}
	y := present - present%100 + number(s)
	if y > present {
		y -= 100
	}
	return strconv.Itoa(y)
}

// serialDate reads the days of Excel: from 1910 on, so that no year is taken for one, to 2064.
// What is cut off behind the point is the time of the day.
func serialDate(s string) (string, bool) {
	days, rest, _ := strings.Cut(s, ".")
	if len(days) != 4 && len(days) != 5 || !digits(days) || rest != "" && !digits(rest) || len(days) == 4 && rest == "" {
		return "", false
	}
	n := number(days)
	if n < 3654 || n > 60000 {
		return "", false
	}
	return time.Date(1899, 12, 30+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), true
}

// yearFirst reads "1953/12/13" and "1953-1-3", with a time behind or not.
func yearFirst(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, "T "); i > 0 {
		s = s[:i]
	}
	if len(s) < 8 || len(s) > 10 || !digits(s[:4]) || s[4] != '-' && s[4] != '/' && s[4] != '.' {
		return "", false
	}
	month, day, ok := strings.Cut(s[5:], s[4:5])
	if !ok || len(month) > 2 || len(day) > 2 || !digits(month) || !digits(day) {
		return "", false
	}
	return s[:4] + "-" + two(number(month)) + "-" + two(number(day)), true
}

// monthNames are the beginnings of the names of months, folded, in the languages of the
// vocabularies. Where a longer one is needed to tell two apart, both are listed.
var monthNames = [12]string{
	"jan oca ene янв", "feb sub fev янф фев", "mar mrz maa mrt мар", "apr nis avr abr апр", "may mai mei маи май мая",
	"jun haz juin июн", "jul tem juil июл", "aug agu ago aou авг", "sep eyl set сен", "oct eki okt окт", "nov kas ноя", "dec ara dez dic дек",
}

// monthOf returns the month that a word names, 0 for none.
func monthOf(word string) int {
	best, month := 0, 0
	for i, names := range monthNames {
		for n := range strings.FieldsSeq(names) {
			if len(n) > best && strings.HasPrefix(word, n) {
				best, month = len(n), i+1
			}
		}
	}
	return month
}

// named reads a date whose month is a word and returns everything else as it is.
func named(s string, year int) string {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,.-/", r) })
	for i := len(parts) - 1; i >= 0 && len(parts) > 3; i-- { // "3 de enero de 1970"
		if p := parts[i]; p == "de" || p == "del" || p == "г" {
			parts = append(parts[:i], parts[i+1:]...)
		}
	}
	if len(parts) != 3 {
		return s
	}
	for i, p := range parts[:2] {
		if digits(p) {
			continue
		}
		word, day, y := fold.Key(p), parts[1-i], parts[2]
		month := monthOf(word)
		if month == 0 || !digits(day) || len(day) > 2 || !digits(y) || len(y) != 4 && (len(y) != 2 || year == 0) {
			return s
		}
		return fullYear(y, year) + "-" + two(month) + "-" + two(number(day))
	}
	return s
}

func two(n int) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }

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
