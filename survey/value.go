package survey

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// This file holds the values of expressions: JavaScript's, as survey-core
// 3.1.1 uses them. nil stands for both null and undefined.

// plain maps the Go types that hosts put into answers to nil, bool, float64,
// string, []any and map[string]any.
func plain(v any) any {
	switch t := v.(type) {
	case nil, bool, float64, string, []any, map[string]any, jsDate:
		return v
	case int:
		return float64(t)
	case int64:
		return float64(t)
	case int32:
		return float64(t)
	case uint64:
		return float64(t)
	case float32:
		return float64(t)
	case json.Number:
		f, err := t.Float64()
		if err != nil {
			return string(t)
		}
		return f
	case []string:
		out := make([]any, len(t))
		for i, s := range t {
			out[i] = s
		}
		return out
	default:
		return nil
	}
}

// converted is what SurveyJS makes of a text read from a variable: "true" is
// a boolean, "6" is a number, "06" stays a text.
func converted(v any) any {
	s, ok := v.(string)
	if !ok || s == "" {
		return v
	}
	switch {
	case strings.EqualFold(s, "true"):
		return true
	case strings.EqualFold(s, "false"):
		return false
	}
	if isQuote(s[0]) && len(s) > 1 && isQuote(s[len(s)-1]) {
		return s[1 : len(s)-1]
	}
	f, ok := numberText(s)
	if !ok {
		return v
	}
	if s[0] == '0' && !strings.HasPrefix(s, "0x") && len(s) > 1 && s[1] != '.' && s[1] != ',' {
		return v
	}
	return f
}

// isQuote reports the quotes of the expression language.
func isQuote(c byte) bool { return c == '\'' || c == '"' }

// exprNumber reads a number literal: 0x and decimal digits (read as
// hexadecimal), digits.digits, or an integer without leading zeros.
func exprNumber(s string) (v float64, n int, ok bool) {
	if strings.HasPrefix(s, "0x") {
		if d := digits(s[2:]); d > 0 {
			u, err := strconv.ParseUint(s[2:2+d], 16, 64)
			if err == nil {
				return float64(u), 2 + d, true
			}
		}
	}
	start := 0
	if strings.HasPrefix(s, "-") {
		start = 1
	}
	d := digits(s[start:])
	if d == 0 {
		return 0, 0, false
	}
	end := start + d
	if end < len(s) && s[end] == '.' {
		if frac := digits(s[end+1:]); frac > 0 {
			end += 1 + frac
			f, err := strconv.ParseFloat(s[:end], 64)
			return f, end, err == nil
		}
	}
	if s[start] == '0' {
		end = start + 1
	}
	f, err := strconv.ParseFloat(s[:end], 64)
	return f, end, err == nil
}

// digits counts the digits that a text begins with.
func digits(s string) int {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

// truthy is what JavaScript takes for true; an empty list and an empty object are.
func truthy(v any) bool {
	switch t := v.(type) {
	case nil:
		return false
	case bool:
		return t
	case float64:
		return t != 0 && !math.IsNaN(t)
	case string:
		return t != ""
	default:
		return true
	}
}

// isEmpty is SurveyJS's notion of unanswered: 0 and false are answers.
func isEmpty(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case bool:
		return false
	case float64:
		return math.IsNaN(t)
	case string:
		return t == ""
	case []any:
		return len(t) == 0
	case map[string]any:
		for _, m := range t {
			if !isEmpty(plain(m)) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// toNumber is JavaScript's Number().
func toNumber(v any) float64 {
	switch t := v.(type) {
	case nil:
		return 0
	case bool:
		if t {
			return 1
		}
		return 0
	case float64:
		return t
	case []any:
		return toNumber(toText(t))
	case string:
		return textToNumber(trimJS(t))
	case jsDate:
		if !t.valid() {
			return math.NaN()
		}
		return float64(t.t.UnixMilli())
	default:
		return math.NaN()
	}
}

// textToNumber is JavaScript's Number of a text without outer blanks: empty is 0, and 0x, 0o
// and 0b are read.
func textToNumber(s string) float64 {
	switch s {
	case "":
		return 0
	case "Infinity", "+Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	if len(s) > 2 && s[0] == '0' {
		base := 0
		switch s[1] | 0x20 {
		case 'x':
			base = 16
		case 'o':
			base = 8
		case 'b':
			base = 2
		}
		if base > 0 {
			u, err := strconv.ParseUint(s[2:], base, 64)
			if err != nil {
				return math.NaN()
			}
			return float64(u)
		}
	}
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return math.NaN() // Go also reads inf, nan, hexadecimal floats and underscores
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// toText is JavaScript's String().
func toText(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case bool:
		return strconv.FormatBool(t)
	case float64:
		return formatNumber(t)
	case string:
		return t
	case []any:
		parts := make([]string, len(t))
		for i, it := range t {
			parts[i] = toText(plain(it))
		}
		return strings.Join(parts, ",")
	case jsDate:
		return t.ofText()
	default:
		return "[object Object]"
	}
}

// formatNumber writes a number as JavaScript does: with an exponent from 1e21 up and below
// 1e-6.
func formatNumber(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+") + "inity"
	case f == 0:
		return "0"
	}
	if a := math.Abs(f); a >= 1e21 || a < 1e-6 {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		mant, exp, _ := strings.Cut(s, "e")
		return mant + "e" + exp[:1] + strings.TrimLeft(exp[1:], "0")
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// trimJS trims what JavaScript's trim does, which is not what strings.TrimSpace does.
func trimJS(s string) string {
	if s == "" || isBlack(s[0]) && isBlack(s[len(s)-1]) {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool {
		return r == '\uFEFF' || unicode.IsSpace(r) && r != '\u0085'
	})
}

// isBlack tells characters of ASCII that are no blanks.
func isBlack(c byte) bool { return c > ' ' && c < 0x7F }

// lowerJS is JavaScript's toLowerCase: İ becomes i with a combining dot, so it
// equals neither i nor ı, and a capital sigma ends a word as ς.
func lowerJS(s string) string {
	if !strings.ContainsAny(s, "İΣ") {
		return strings.ToLower(s)
	}
	rs := []rune(s)
	var b strings.Builder
	for i, r := range rs {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && i > 0 && unicode.IsLetter(rs[i-1]) && (i+1 == len(rs) || !unicode.IsLetter(rs[i+1])):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// utf16Len is the length that JavaScript and HTML count: units of UTF-16.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// equality is how two values are compared.
type equality struct {
	ignoreOrder bool // of lists
	strict      bool // case and outer blanks of texts count
	typed       bool // a number is not equal to its text
	undefined   bool // the text "undefined" is the value of that name
	turkish     bool // İ and i, I and ı are the same letters
}

// equalValues compares as survey-core does: texts without case and outer
// space, a list without order when asked, a number with its text.
func equalValues(x, y any, ignoreOrder bool) bool {
	return equality{ignoreOrder: ignoreOrder}.equal(x, y)
}

// sameStored compares as survey-core does before it stores a value: case, blanks and whether it is
// a number count.
func sameStored(x, y any) bool { return equality{strict: true, typed: true}.equal(x, y) }

func (q equality) equal(x, y any) bool {
	xs, xText := x.(string)
	ys, yText := y.(string)
	if q.undefined && (xs == "undefined" || ys == "undefined") {
		return (xs == "undefined" || missing(x)) && (ys == "undefined" || missing(y))
	}
	switch {
	case x == nil && (y == nil || yText && ys == ""), y == nil && xText && xs == "":
		return true
	case xText && yText:
		if q.strict || xs == ys {
			return xs == ys
		}
		if q.turkish {
			return lowerTurkish(trimJS(xs)) == lowerTurkish(trimJS(ys))
		}
		return equalFold(trimJS(xs), trimJS(ys))
	}
	xf, xNum := x.(float64)
	yf, yNum := y.(float64)
	switch {
	case xNum && yNum:
		return xf == yf
	case isEmpty(x) != isEmpty(y), q.typed && (xNum || yNum):
		return false
	case xNum && xf == 0 && yText && beginsAsZero(ys), yNum && yf == 0 && xText && beginsAsZero(xs):
		return true
	}
	if b, ok := x.(bool); ok && yText {
		return strconv.FormatBool(b) == lowerJS(ys)
	}
	if b, ok := y.(bool); ok && xText {
		return strconv.FormatBool(b) == lowerJS(xs)
	}
	switch xt := x.(type) {
	case []any:
		if yt, ok := y.(map[string]any); ok { // JavaScript's lists are objects, too
			return q.objects(indexed(xt), yt)
		}
		yt, ok := y.([]any)
		return ok && q.lists(xt, yt)
	case map[string]any:
		if yt, ok := y.([]any); ok {
			return q.objects(xt, indexed(yt))
		}
		yt, ok := y.(map[string]any)
		return ok && q.objects(xt, yt)
	case jsDate:
		yt, ok := y.(jsDate)
		return ok && xt.valid() && xt.t.Equal(yt.t)
	}
	switch y.(type) {
	case []any, map[string]any, jsDate:
		return false
	}
	if x == nil || y == nil {
		return false
	}
	return toNumber(x) == toNumber(y)
}

// missing tells what equals the text undefined, which survey-core reads as
// the value of that name: nothing, and an empty list.
func missing(v any) bool {
	list, ok := v.([]any)
	return v == nil || v == "" || ok && len(list) == 0
}

// lists compares element by element, after sorting by text where the order does not matter.
func (q equality) lists(x, y []any) bool {
	if len(x) != len(y) {
		return false
	}
	if q.ignoreOrder {
		x, y = sortedAsText(x), sortedAsText(y)
	}
	q.undefined = false
	for i := range x {
		if !q.equal(plain(x[i]), plain(y[i])) {
			return false
		}
	}
	return true
}

// sortedAsText sorts a copy, or returns the list where it is in order.
func sortedAsText(v []any) []any {
	byText := func(a, b any) int { return compareText(toText(plain(a)), toText(plain(b))) }
	if slices.IsSortedFunc(v, byText) {
		return v
	}
	v = slices.Clone(v)
	slices.SortStableFunc(v, byText)
	return v
}

// indexed is a list as an object.
func indexed(list []any) map[string]any {
	out := make(map[string]any, len(list))
	for i, v := range list {
		out[strconv.Itoa(i)] = v
	}
	return out
}

// objects asks for the same members with equal values.
func (q equality) objects(x, y map[string]any) bool {
	if len(x) != len(y) {
		return false
	}
	q.undefined = false
	for k, v := range x {
		w, ok := y[k]
		if !ok || !q.equal(plain(v), plain(w)) {
			return false
		}
	}
	return true
}

// equalFold compares as lowerJS of both would, without making the texts where they are ASCII.
func equalFold(a, b string) bool {
	if isASCII(a) && isASCII(b) {
		return len(a) == len(b) && strings.EqualFold(a, b)
	}
	return lowerJS(a) == lowerJS(b)
}

// lowerTurkish is the lower case of Turkish: I is ı and İ is i.
func lowerTurkish(s string) string { return strings.ToLowerSpecial(unicode.TurkishCase, s) }

// compareText orders by UTF-16 code units, as JavaScript does.
func compareText(a, b string) int {
	if isASCII(a) && isASCII(b) {
		return cmp.Compare(a, b)
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

// isASCII tells texts whose bytes sort as their UTF-16 units do.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// utf16Units and fromUnits turn a text into what JavaScript counts and back; half of a pair of
// surrogates becomes the replacement character.
func utf16Units(s string) []uint16 { return utf16.Encode([]rune(s)) }

func fromUnits(u []uint16) string { return string(utf16.Decode(u)) }
