package ir

// YearDays is how many days a yearly count goes round in.
const YearDays = 365

// ModYear returns n in 0..364.
func ModYear(n int64) int64 {
	if n %= YearDays; n < 0 {
		n += YearDays
	}
	return n
}

// FloorDiv divides, rounding down.
func FloorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Civil returns the proleptic Gregorian date of a day number.
// Source: H. Hinnant, "chrono-compatible low-level date algorithms".
func Civil(n int64) (year, month, monthDay int64) {
	n += 719468
	era := FloorDiv(n, 146097)
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

// FromCivil is the inverse of civil.
func FromCivil(year, month, monthDay int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := FloorDiv(year, 400)
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + monthDay - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func isLeap(year int64) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// Anniversary returns how many days lie between today and the next anniversary
// of d, 0 on the day itself. Who was born on 29 February celebrates on 28
// February in other years.
func Anniversary(today, d int64) int64 {
	year, _, _ := Civil(today)
	_, month, monthDay := Civil(d)
	for {
		md := monthDay
		if month == 2 && md == 29 && !isLeap(year) {
			md = 28
		}
		if next := FromCivil(year, month, md); next >= today {
			return next - today
		}
		year++
	}
}

// Weekday returns 1 for Monday to 7 for Sunday.
func Weekday(d int64) int64 { return (d%7+7+3)%7 + 1 }
