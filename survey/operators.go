package survey

import "strings"

// operand fills in an empty operand of and/or by the type of the other one,
// as SurveyJS does before arithmetic.
func operand(v, other any) any {
	if !isEmpty(v) {
		return v
	}
	switch other.(type) {
	case float64:
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

// opOr and opAnd give an operand and not a truth value, as JavaScript does: "{a} or 5" may be
// 5.
func opOr(a, b any) any {
	a = operand(a, b)
	b = operand(b, a)
	if truthy(a) {
		return a
	}
	return b
}

func opAnd(a, b any) any {
	a = operand(a, b)
	b = operand(b, a)
	if truthy(a) {
		return b
	}
	return a
}

// The comparisons are those of SurveyJS: equality ignores the order of lists, and <= is "equal
// or less", so that it holds of equal lists, which have no order.
func opEqual(a, b any) any     { return equalValues(a, b, true) }
func opNotEqual(a, b any) any  { return !equalValues(a, b, true) }
func opLess(a, b any) any      { return less(a, b) }
func opGreater(a, b any) any   { return less(b, a) }
func opLessEq(a, b any) any    { return equalValues(a, b, true) || less(a, b) }
func opGreaterEq(a, b any) any { return equalValues(a, b, true) || less(b, a) }

// less is false when either side is unanswered.
func less(a, b any) bool {
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

// opContains is contains; with nothing on the left it does not hold.
func opContains(a, b any) any { return contains(a, b, true) }

// opNotContains holds of a missing left side if there is something that it could have
// contained.
func opNotContains(a, b any) any {
	if !truthy(a) && !isEmpty(b) {
		return true
	}
	return contains(a, b, false)
}

// contains looks for a text in a text, or for each of the right values in the
// list on the left; want false turns it into notcontains, which is false all
// the same for a missing left side.
func contains(left, right any, want bool) bool {
	switch t := left.(type) {
	case nil:
		return false
	case string:
		if t == "" {
			return false
		}
	case []any:
		return listContains(t, right, want)
	}
	if !truthy(right) {
		return false
	}
	found := strings.Contains(lowerJS(toText(left)), lowerJS(toText(right)))
	return found == want
}

// listContains says whether all that is wanted is in a list, and with want false whether
// something is not.
func listContains(list []any, right any, want bool) bool {
	if len(list) == 0 {
		return !want
	}
	wanted, ok := right.([]any)
	if !ok {
		wanted = []any{right}
	}
	for _, w := range wanted {
		found := false
		for _, v := range list {
			if equalValues(plain(v), plain(w), true) {
				found = true
				break
			}
		}
		if !found {
			return !want
		}
	}
	return want
}

// opAnyOf, opNoneOf and opAllOf take lists on the right; of a single value there they are
// contains.
func opAnyOf(a, b any) any  { return anyOf(a, b) }
func opNoneOf(a, b any) any { return !anyOf(a, b) }

// anyOf holds of two empty sides, and of an empty right side, as in SurveyJS.
func anyOf(a, b any) bool {
	switch {
	case isEmpty(a):
		return isEmpty(b)
	case isEmpty(b):
		return true
	}
	if _, ok := a.([]any); !ok {
		return contains(b, a, true)
	}
	list, ok := b.([]any)
	if !ok {
		return contains(a, b, true)
	}
	for _, v := range list {
		if contains(a, plain(v), true) {
			return true
		}
	}
	return false
}

func opAllOf(a, b any) any {
	if !truthy(a) && !isEmpty(b) {
		return false
	}
	list, ok := b.([]any)
	if !ok {
		return contains(a, b, true)
	}
	for _, v := range list {
		if !contains(a, plain(v), true) {
			return false
		}
	}
	return true
}
