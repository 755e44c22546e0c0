package survey

import "strings"

// fitting turns a value that a default, a trigger or an expression gives into what the question
// holds, as the setters of SurveyJS do by type. It is false for a value that the type refuses:
// the answer then stays as it was.
func (s *Session) fitting(n *live, v any) (any, bool) {
	q := n.q
	if d, ok := v.(jsDate); ok {
		v = d.text()
		if q.InputType == "datetime-local" {
			v = nil
			if d.valid() {
				v = d.t.Format("2006-01-02T15:04")
			}
		}
	}
	if f, ok := v.(float64); ok && f != f {
		return v, true
	}
	list, isList := v.([]any)
	if isList && len(list) == 0 && (q.Type == "text" || q.Type == "comment") {
		return "", true // the joined list, which is another nothing than undefined
	}
	if isEmpty(v) {
		return nil, true
	}
	switch q.Type {
	case "text":
		switch {
		case (q.InputType == "number" || q.InputType == "range") && truthy(v):
			if f := getNumber(v); f == f {
				return f, true
			}
			return "", true // no number: SurveyJS has an empty text then
		case isList:
			return joinJS(list, ", "), true
		}
	case "comment":
		if isList {
			return joinJS(list, "\n"), true
		}
	case "checkbox", "tagbox", "ranking":
		if !isList && truthy(v) {
			return []any{v}, true
		}
	case "radiogroup", "dropdown", "buttongroup":
		if isList {
			return plain(list[0]), true
		}
	case "boolean":
		switch {
		case v == "true" && q.Choices[0].Value != "true":
			return true, true
		case v == "false" && q.Choices[1].Value != "false":
			return false, true
		}
	case "rating":
		for _, c := range q.Choices {
			if equalValues(c.Value, v, false) {
				return c.Value, true
			}
		}
		if f := toNumber(v); f == f {
			return f, true
		}
	}
	return v, q.holds(v)
}

// joinJS is Array.join of JavaScript.
func joinJS(list []any, sep string) string {
	parts := make([]string, len(list))
	for i, it := range list {
		parts[i] = toText(plain(it))
	}
	return strings.Join(parts, sep)
}

// holds tells whether a value has the form that the answers of the type have: an object for
// tables with rows of their author, a list for panels and rows that are added.
func (q *Question) holds(v any) bool {
	switch q.Type {
	case "matrix", "matrixdropdown", "multipletext":
		_, ok := v.(map[string]any)
		return ok
	case "matrixdynamic", "paneldynamic":
		_, ok := v.([]any)
		return ok
	}
	return true
}
