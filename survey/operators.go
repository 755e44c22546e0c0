package survey

import (
	"math"
	"strings"
)

// operand fills in an empty operand of arithmetic, and of and/or, by the type of the other one.
func operand(v, other any) any {
	if !isEmpty(v) {
		return v
	}
	if _, ok := other.(float64); ok {
		return 0.0
	}
	if _, ok := v.(string); ok {
		return v
	}
	switch other.(type) {
	case string:
		return ""
	case []any:
		return []any{}
	}
	return 0.0
}

// The comparisons are those of SurveyJS: equality ignores the order of lists, and <= is "equal
// or less", so that it holds of equal lists, which have no order.
func opEqual(e *evaluation, a, b any) any {
	a, b = e.forDates(a, b)
	return equality{ignoreOrder: true, turkish: e.turkish, undefined: true}.equal(a, b)
}
func opNotEqual(e *evaluation, a, b any) any { return opEqual(e, a, b) != true }
func opLess(e *evaluation, a, b any) any     { return e.less(a, b) }
func opGreater(e *evaluation, a, b any) any {
	a, b = e.forDates(a, b)
	return lessPlain(b, a)
}
func opLessEq(e *evaluation, a, b any) any { return opEqual(e, a, b) == true || e.less(a, b) }
func opGreaterEq(e *evaluation, a, b any) any {
	return opEqual(e, a, b) == true || opGreater(e, a, b) == true
}

// less is false when either side is unanswered.
func (e *evaluation) less(a, b any) bool {
	a, b = e.forDates(a, b)
	return lessPlain(a, b)
}

// lessPlain is JavaScript's <, but false where a side is missing.
func lessPlain(a, b any) bool {
	if a == nil || b == nil {
		return false
	}
	at, aText := asText(a)
	bt, bText := asText(b)
	if aText && bText {
		return compareText(at, bt) < 0
	}
	return toNumber(a) < toNumber(b) // false for NaN
}

// asText gives the text under which JavaScript compares a value with
// another text.
func asText(v any) (string, bool) {
	switch v.(type) {
	case string, []any, map[string]any:
		return toText(v), true
	}
	return "", false
}

// opPlus adds numbers and appends texts; of lists it makes one.
func opPlus(_ *evaluation, a, b any) any {
	if math.IsNaN(getNumber(a)) || math.IsNaN(getNumber(b)) {
		x, xList := a.([]any)
		y, yList := b.([]any)
		switch {
		case xList && yList && len(x)+len(y) > maxMade:
			return a
		case xList && yList:
			return append(append(make([]any, 0, len(x)+len(y)), x...), y...)
		case xList:
			if v, ok := plusList(x, b, true); ok {
				return v
			}
		case yList:
			if v, ok := plusList(y, a, false); ok {
				return v
			}
		}
		return plus(a, b)
	}
	if _, ok := a.(string); ok {
		return plus(a, b)
	}
	if _, ok := b.(string); ok {
		return plus(a, b)
	}
	return corrected(a, b, plus(a, b))
}

// plusList adds to a list: a text is appended to its elements, a number to the sum of those
// that are numbers.
func plusList(list []any, v any, listFirst bool) (any, bool) {
	switch t := v.(type) {
	case string:
		parts := make([]string, len(list))
		for i, it := range list {
			parts[i] = toText(it)
		}
		s := strings.Join(parts, ", ")
		if listFirst {
			return s + t, true
		}
		return t + s, true
	case float64:
		res := 0.0
		for _, it := range list {
			if f, ok := it.(float64); ok {
				res = toNumber(corrected(res, f, res+f))
			}
		}
		return corrected(res, t, res+t), true
	}
	return nil, false
}

// plus is JavaScript's +.
func plus(a, b any) any {
	if primitive(a) && primitive(b) {
		_, aText := a.(string)
		_, bText := b.(string)
		if !aText && !bText {
			return toNumber(a) + toNumber(b)
		}
	}
	x, y := textJS(a), textJS(b)
	if len(x)+len(y) > maxMade { // values that append to each other would grow without end
		return strings.ToValidUTF8((x + y)[:maxMade], "")
	}
	return x + y
}

// maxMade bounds the texts that expressions make, in bytes.
const maxMade = 32 << 10

// primitive tells values that are no lists, objects or dates.
func primitive(v any) bool {
	switch v.(type) {
	case []any, map[string]any, jsDate:
		return false
	}
	return true
}

// textJS is JavaScript's String() where null has a name.
func textJS(v any) string {
	if v == nil {
		return "null"
	}
	return toText(v)
}

func opMinus(_ *evaluation, a, b any) any { return corrected(a, b, toNumber(a)-toNumber(b)) }

// opMul rounds to the digits that both factors have after the point together.
func opMul(_ *evaluation, a, b any) any {
	f := toNumber(a) * toNumber(b)
	if d := decimals(a) + decimals(b); d > 0 {
		return toFixed(f, d)
	}
	return f
}

// opDiv and opMod have no value for a divisor of nothing.
func opDiv(_ *evaluation, a, b any) any {
	if !truthy(b) {
		return nil
	}
	return toNumber(a) / toNumber(b)
}

func opMod(_ *evaluation, a, b any) any {
	if !truthy(b) {
		return nil
	}
	return math.Mod(toNumber(a), toNumber(b))
}

func opPower(_ *evaluation, a, b any) any { return powJS(toNumber(a), toNumber(b)) }

// corrected rounds a sum or difference to the digits after the point that its operands have, so
// that 0.1 + 0.2 is 0.3.
func corrected(a, b, res any) any {
	if d := max(decimals(a), decimals(b)); d > 0 {
		if f, ok := res.(float64); ok {
			return toFixed(f, d)
		}
	}
	return res
}

// decimals counts the characters after the first point of a number as it is written.
func decimals(v any) int {
	if math.IsNaN(getNumber(v)) {
		return 0
	}
	if f, ok := v.(float64); ok && f == math.Floor(f) {
		return 0
	}
	_, rest, _ := strings.Cut(toText(v), ".")
	rest, _, _ = strings.Cut(rest, ".")
	return len(rest)
}

// opContains is contains; with nothing on the left it does not hold.
func opContains(e *evaluation, a, b any) any { return contains(e, a, b, true) }

// opNotContains holds of a missing left side if there is something that it could have
// contained.
func opNotContains(e *evaluation, a, b any) any {
	if !truthy(a) && !isEmpty(b) {
		return true
	}
	return contains(e, a, b, false)
}

// contains looks for a text in a text, or for each of the right values in the
// list on the left; want false turns it into notcontains, which is false all
// the same for a missing left side.
func contains(e *evaluation, left, right any, want bool) bool {
	switch t := left.(type) {
	case nil:
		return false
	case string:
		if t == "" {
			return false
		}
	case float64:
		if math.IsNaN(t) {
			return false
		}
	case []any:
		return listContains(e, t, right, want)
	}
	if !truthy(right) {
		return false
	}
	found := strings.Contains(e.lower(toText(left)), e.lower(toText(right)))
	return found == want
}

// lower is the case folding of comparisons: JavaScript's, or Turkish.
func (e *evaluation) lower(s string) string {
	if e.turkish {
		return lowerTurkish(s)
	}
	return lowerJS(s)
}

// listContains says whether all that is wanted is in a list, and with want false whether
// something is not.
func listContains(e *evaluation, list []any, right any, want bool) bool {
	if len(list) == 0 {
		return !want
	}
	if wanted, ok := right.([]any); ok {
		for _, w := range wanted {
			if !has(e, list, plain(w)) {
				return !want
			}
		}
		return want
	}
	return has(e, list, right) == want
}

// has tells whether a list holds a value.
func has(e *evaluation, list []any, w any) bool {
	eq := equality{ignoreOrder: true, turkish: e.turkish, undefined: true}
	for _, v := range list {
		if x, ok := v.(string); ok { // texts in lists are most of what is looked for
			if y, ok := w.(string); ok && x == y {
				return true
			}
		}
		if eq.equal(plain(v), w) {
			return true
		}
	}
	return false
}

// opAnyOf, opNoneOf and opAllOf take lists on the right; of a single value there they are
// contains.
func opAnyOf(e *evaluation, a, b any) any  { return anyOf(e, a, b) }
func opNoneOf(e *evaluation, a, b any) any { return !anyOf(e, a, b) }

// anyOf holds of two empty sides, and of an empty right side, as in SurveyJS.
func anyOf(e *evaluation, a, b any) bool {
	switch {
	case isEmpty(a):
		return isEmpty(b)
	case isEmpty(b):
		return true
	}
	if _, ok := a.([]any); !ok {
		return contains(e, b, a, true)
	}
	list, ok := b.([]any)
	if !ok {
		return contains(e, a, b, true)
	}
	for _, v := range list {
		if contains(e, a, plain(v), true) {
			return true
		}
	}
	return false
}

func opAllOf(e *evaluation, a, b any) any {
	if !truthy(a) && !isEmpty(b) {
		return false
	}
	list, ok := b.([]any)
	if !ok {
		return contains(e, a, b, true)
	}
	for _, v := range list {
		if !contains(e, a, plain(v), true) {
			return false
		}
	}
	return true
}
