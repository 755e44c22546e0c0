package survey

import (
	"math"
	"strconv"
	"strings"
)

// getNumber is the number that SurveyJS sees in a value, NaN for none. A text must be a number
// as a whole, may have a decimal comma, and no more than 15 digits and nothing else: as a
// float64 more would not come back.
func getNumber(v any) float64 {
	switch t := v.(type) {
	case float64:
		if math.IsInf(t, 0) {
			return math.NaN()
		}
		return t
	case string:
		return numberOfText(t)
	case []any: // what JavaScript makes of it as a text
		if len(t) != 1 {
			return math.NaN()
		}
		return numberOfText(toText(plain(t[0])))
	}
	return math.NaN()
}

func numberOfText(s string) float64 {
	if s == "" || !strings.ContainsAny(s, "0123456789") {
		return math.NaN()
	}
	s = trimJS(s)
	if strings.HasPrefix(s, "0x") {
		if len(s) > 32 {
			return math.NaN()
		}
		return parseIntJS(s)
	}
	if len(s) > 15 && strings.Trim(s, "0123456789") == "" {
		return math.NaN()
	}
	if strings.LastIndexByte(s, '-') <= 0 && strings.LastIndexByte(s, '+') <= 0 && strings.ContainsAny(s, "*^/%") {
		return math.NaN()
	}
	if strings.Count(s, ",") == 1 {
		s = strings.Replace(s, ",", ".", 1)
	}
	if f := textToNumber(s); math.IsNaN(f) || math.IsInf(f, 0) {
		return math.NaN()
	}
	return parseFloatJS(s)
}

// numberText is getNumber of a text with a report.
func numberText(s string) (float64, bool) {
	f := numberOfText(s)
	return f, !math.IsNaN(f)
}

// parseFloatJS is JavaScript's parseFloat: the longest number that a text begins with.
func parseFloatJS(s string) float64 {
	s = trimJS(s)
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	if strings.HasPrefix(s[i:], "Infinity") {
		return math.Inf(1 - 2*strings.Count(s[:i], "-"))
	}
	whole := digits(s[i:])
	i += whole
	frac := 0
	if i < len(s) && s[i] == '.' {
		if frac = digits(s[i+1:]); frac+whole > 0 {
			i += 1 + frac
		}
	}
	if whole+frac == 0 {
		return math.NaN()
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		if n := digits(s[j:]); n > 0 {
			i = j + n
		}
	}
	f, err := strconv.ParseFloat(s[:i], 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// parseIntJS is JavaScript's parseInt without a base.
func parseIntJS(s string) float64 {
	s = trimJS(s)
	sign := 1.0
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	base := 10.0
	if len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x' {
		base, s = 16, s[2:]
	}
	f, n := 0.0, 0
	for ; n < len(s); n++ {
		d := strings.IndexByte("0123456789abcdef", s[n]|0x20)
		if isDigit(s[n]) {
			d = int(s[n] - '0')
		}
		if d < 0 || float64(d) >= base {
			break
		}
		f = f*base + float64(d)
	}
	if n == 0 {
		return math.NaN()
	}
	return sign * f
}

// toFixed rounds to digits after the point as JavaScript's toFixed does: by the exact value of
// the number, halves away from zero.
func toFixed(f float64, digits int) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) >= 1e21 || digits > 100 {
		return f
	}
	out, err := strconv.ParseFloat(fixedText(f, digits), 64)
	if err != nil {
		return f
	}
	return out
}

// fixedText writes a number with digits after the point.
func fixedText(f float64, digits int) string {
	if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) >= 1e21 {
		return formatNumber(f)
	}
	abs := math.Abs(f)
	s := strconv.FormatFloat(abs, 'f', digits, 64)
	if digits <= 22 { // Go rounds halves to even; only what is exactly half differs
		p := math.Pow10(digits)
		y := abs * p
		if fl := math.Floor(y); y-fl == 0.5 && math.FMA(abs, p, -y) == 0 {
			s = strconv.FormatFloat((fl+1)/p, 'f', digits, 64)
		}
	}
	if f < 0 && strings.Trim(s, "0.") != "" {
		s = "-" + s
	}
	return s
}

// roundJS is JavaScript's Math.round: halves towards positive infinity.
func roundJS(f float64) float64 {
	fl := math.Floor(f)
	if f-fl >= 0.5 {
		fl++
	}
	return fl
}

// beginsAsZero tells the texts, such as 0b1, that are numbers to JavaScript and that parseInt and
// parseFloat, by which SurveyJS compares them, read as 0.
func beginsAsZero(s string) bool {
	s = lowerJS(trimJS(s))
	digits := ""
	switch {
	case strings.HasPrefix(s, "0b"):
		digits = "01"
	case strings.HasPrefix(s, "0o"):
		digits = "01234567"
	default:
		return false
	}
	return len(s) > 2 && strings.Trim(s[2:], digits) == ""
}
