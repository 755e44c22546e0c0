package survey

import (
	"math"
	"strings"
	"time"
)

// function is one that expressions call.
type function struct {
	run func(e *evaluation, args []any, nodes []exprNode) any
}

// functionNames lists the functions of SurveyJS, which are told apart by case.
func functionNames() []string {
	return []string{"sum", "min", "max", "count", "avg", "round", "trunc", "iif", "getDate", "age", "dateDiff", "dateAdd", "currentDate", "today", "getYear", "currentYear", "diffDays", "year", "month", "day", "weekday", "substring", "isContainerReady", "isDisplayMode", "displayValue", "propertyValue", "getComment", "sumInArray", "minInArray", "maxInArray", "countInArray", "avgInArray"}
}

// functionNamed finds a function, or nil. It is a switch and no table, because the functions
// over rows compile expressions themselves.
func functionNamed(name string) *function {
	var fn func(e *evaluation, args []any) any
	switch name {
	case "sum":
		fn = fnSum
	case "min":
		fn = fnMin
	case "max":
		fn = fnMax
	case "count":
		fn = fnCount
	case "avg":
		fn = fnAvg
	case "round":
		fn = fnRound
	case "trunc":
		fn = fnTrunc
	case "iif":
		fn = fnIif
	case "getDate":
		fn = fnGetDate
	case "age":
		fn = fnAge
	case "dateDiff":
		fn = fnDateDiff
	case "dateAdd":
		fn = fnDateAdd
	case "currentDate":
		fn = fnCurrentDate
	case "today":
		fn = fnToday
	case "getYear":
		fn = fnGetYear
	case "currentYear":
		fn = fnCurrentYear
	case "diffDays":
		fn = fnDiffDays
	case "year":
		fn = fnYear
	case "month":
		fn = fnMonth
	case "day":
		fn = fnDay
	case "weekday":
		fn = fnWeekday
	case "substring":
		fn = fnSubstring
	case "isContainerReady":
		fn = fnContainerReady
	case "isDisplayMode":
		fn = fnDisplayMode
	case "displayValue":
		fn = fnDisplayValue
	case "propertyValue":
		fn = fnPropertyValue
	case "getComment":
		fn = fnGetComment
	case "sumInArray":
		return &function{fnSumInArray}
	case "minInArray":
		return &function{fnMinInArray}
	case "maxInArray":
		return &function{fnMaxInArray}
	case "countInArray":
		return &function{fnCountInArray}
	case "avgInArray":
		return &function{fnAvgInArray}
	default:
		return nil
	}
	return &function{func(e *evaluation, args []any, _ []exprNode) any { return fn(e, args) }}
}

// flattened are the values of the arguments and of the lists among them; a text that is a number
// is one, and what is missing is left out.
func flattened(args []any) []any {
	var out []any
	for _, a := range args {
		switch t := plain(a).(type) {
		case nil:
		case []any:
			out = append(out, flattened(t)...)
		case string:
			if f, ok := numberText(t); ok {
				out = append(out, f)
			} else {
				out = append(out, t)
			}
		default:
			out = append(out, t)
		}
	}
	return out
}

func fnSum(_ *evaluation, args []any) any {
	var res any = 0.0
	for _, v := range flattened(args) {
		res = corrected(res, v, plus(res, v))
	}
	return res
}

func fnAvg(e *evaluation, args []any) any {
	n := len(flattened(args))
	if n == 0 {
		return 0.0
	}
	return toNumber(fnSum(e, args)) / float64(n)
}

func fnCount(_ *evaluation, args []any) any { return float64(len(flattened(args))) }

func fnMin(_ *evaluation, args []any) any {
	return extreme(args, func(best, v any) bool { return lessPlain(v, best) })
}

func fnMax(_ *evaluation, args []any) any {
	return extreme(args, func(best, v any) bool { return lessPlain(best, v) })
}

// extreme keeps the value that no later one is better than.
func extreme(args []any, better func(best, v any) bool) any {
	var best any
	for i, v := range flattened(args) {
		if i == 0 || better(best, v) {
			best = v
		}
	}
	return best
}

func fnRound(_ *evaluation, args []any) any {
	arr := flattened(args)
	num, precision, ok := numberAndPrecision(arr, 0)
	if !ok {
		return math.NaN()
	}
	p := powJS(10, precision)
	return roundJS(num*p*(1+0x1p-52)) / p
}

// numberAndPrecision reads the arguments of round and trunc.
func numberAndPrecision(arr []any, def float64) (num, precision float64, ok bool) {
	if len(arr) == 0 || math.IsNaN(getNumber(arr[0])) {
		return 0, 0, false
	}
	precision = def
	if len(arr) > 1 && truthy(arr[1]) {
		if precision = getNumber(arr[1]); math.IsNaN(precision) {
			return 0, 0, false
		}
	}
	return toNumber(arr[0]), precision, true
}

// fnTrunc cuts the number as it is written, which is what SurveyJS does.
func fnTrunc(_ *evaluation, args []any) any {
	num, precision, ok := numberAndPrecision(flattened(args), -1)
	if !ok {
		return math.NaN()
	}
	s := formatNumber(num)
	i := 0
	if strings.HasPrefix(s, "-") {
		i = 1
	}
	i += digits(s[i:])
	// A precision that is written with an exponent is no quantifier of the pattern that SurveyJS cuts with.
	if precision >= 0 && precision < 1e21 && precision == math.Trunc(precision) && i < len(s) {
		i++
		i += min(digits(s[i:]), int(min(precision, 400)))
	}
	return textToNumber(s[:i])
}

func fnIif(_ *evaluation, args []any) any {
	switch {
	case len(args) < 2:
		return nil
	case truthy(args[0]):
		return args[1]
	case len(args) > 2:
		return args[2]
	}
	return nil
}

func fnSubstring(_ *evaluation, args []any) any {
	if len(args) < 2 {
		return ""
	}
	s, ok := args[0].(string)
	start := getNumber(args[1])
	if !ok || s == "" || math.IsNaN(start) {
		return ""
	}
	units := utf16Units(s)
	clamp := func(f float64) int {
		if math.IsNaN(f) {
			return 0
		}
		return int(min(max(f, 0), float64(len(units))))
	}
	a, b := clamp(toNumber(args[1])), len(units)
	if len(args) > 2 && !math.IsNaN(getNumber(args[2])) {
		b = clamp(toNumber(args[2]))
	}
	return fromUnits(units[min(a, b):max(a, b)])
}

// The functions of dates. Without a clock nothing has a date of today.

func (e *evaluation) date(v any) jsDate {
	if !truthy(v) {
		return e.now()
	}
	return dateOf(v, e.location())
}

func arg(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return nil
}

func fnGetDate(e *evaluation, args []any) any {
	if !truthy(arg(args, 0)) {
		return nil
	}
	return e.date(args[0])
}

func fnCurrentDate(e *evaluation, _ []any) any { return e.now() }

func fnToday(e *evaluation, args []any) any {
	d := e.now().day()
	if len(args) == 1 && d.valid() {
		d.t = d.t.AddDate(0, 0, int(clampDays(toNumber(args[0]))))
	}
	return d
}

// clampDays keeps a number of days, months or years within what a calendar holds.
func clampDays(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return min(max(math.Trunc(f), -4e6), 4e6)
}

// yearOf and its kin are a part of a date, NaN of an invalid one.
func partOf(d jsDate, part func(time.Time) int) any {
	if !d.valid() {
		return math.NaN()
	}
	return float64(part(d.t))
}

func fnGetYear(e *evaluation, args []any) any {
	if len(args) != 1 || !truthy(args[0]) {
		return nil
	}
	return partOf(e.date(args[0]), time.Time.Year)
}

func fnCurrentYear(e *evaluation, _ []any) any { return partOf(e.now(), time.Time.Year) }

func fnYear(e *evaluation, args []any) any { return partOf(e.date(arg(args, 0)), time.Time.Year) }
func fnDay(e *evaluation, args []any) any  { return partOf(e.date(arg(args, 0)), time.Time.Day) }
func fnMonth(e *evaluation, args []any) any {
	return partOf(e.date(arg(args, 0)), func(t time.Time) int { return int(t.Month()) })
}
func fnWeekday(e *evaluation, args []any) any {
	return partOf(e.date(arg(args, 0)), func(t time.Time) int { return int(t.Weekday()) })
}

func fnDiffDays(e *evaluation, args []any) any {
	if len(args) != 2 || !truthy(args[0]) || !truthy(args[1]) {
		return 0.0
	}
	return diffDays(e.date(args[0]), e.date(args[1]))
}

// diffDays counts the days between two dates, whatever their times.
func diffDays(a, b jsDate) any {
	if !a.valid() || !b.valid() {
		return math.NaN()
	}
	utc := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return math.Abs(float64(utc(b.t).Unix()-utc(a.t).Unix())) / 86400
}

func fnAge(e *evaluation, args []any) any {
	if !truthy(arg(args, 0)) {
		return nil
	}
	unit := arg(args, 1)
	if !truthy(unit) {
		unit = "years"
	}
	return e.between(args[0], nil, unit)
}

func fnDateDiff(e *evaluation, args []any) any {
	if !truthy(arg(args, 0)) || !truthy(arg(args, 1)) {
		return nil
	}
	unit := arg(args, 2)
	if !truthy(unit) {
		unit = "days"
	}
	per := map[any]float64{"hours": 3600e3, "minutes": 60e3, "seconds": 1e3}
	if s, ok := unit.(string); ok {
		if ms := per[s]; ms > 0 {
			a, b := e.date(args[0]), e.date(args[1])
			return math.Ceil(math.Abs(toNumber(b)-toNumber(a)) / ms)
		}
	}
	return e.between(args[0], args[1], unit)
}

// between counts whole months or years, or days.
func (e *evaluation) between(from, to, unit any) any {
	if unit == "days" {
		return fnDiffDays(e, []any{from, to})
	}
	a, b := e.date(from), e.date(to)
	months := math.NaN()
	if a.valid() && b.valid() {
		months = float64((b.t.Year()-a.t.Year())*12 + int(b.t.Month()) - int(a.t.Month()))
		if b.t.Day() < a.t.Day() {
			months--
		}
	}
	if unit == "months" {
		return months
	}
	if math.IsNaN(months) {
		return 0.0
	}
	return math.Trunc(months / 12)
}

func fnDateAdd(e *evaluation, args []any) any {
	if !truthy(arg(args, 0)) || !truthy(arg(args, 1)) {
		return nil
	}
	d := e.date(args[0])
	if !d.valid() {
		return d
	}
	n, isNumber := args[1].(float64)
	if !isNumber {
		return jsDate{} // JavaScript appends to the number, which is beyond every date or none
	}
	i := int(clampDays(n))
	unit := arg(args, 2)
	if !truthy(unit) {
		unit = "days"
	}
	switch unit {
	case "days":
		d.t = d.t.AddDate(0, 0, i)
	case "months":
		d.t = d.t.AddDate(0, i, 0)
	case "years":
		d.t = d.t.AddDate(i, 0, 0)
	case "hours":
		d.t = d.t.Add(time.Duration(i) * time.Hour)
	case "minutes":
		d.t = d.t.Add(time.Duration(i) * time.Minute)
	case "seconds":
		d.t = d.t.Add(time.Duration(i) * time.Second)
	}
	return d
}
