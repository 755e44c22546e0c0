package survey

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// normal converts an answer to the form the question asks for. It does not
// know whether the question shows. An answer of several parts has a fault for each that is
// wrong.
func (q *Question) normal(v any, limits Limits) (any, Faults) {
	v = plain(v)
	if v == nil {
		return nil, nil
	}
	switch {
	case q.Type == "expression":
		return normalValue(v, 0), nil
	case q.Type == "matrix":
		return q.matrixAnswer(v)
	case q.repeats():
		return q.nestedAnswer(v, limits)
	case q.Upload != nil:
		return q.uploaded(v, limits)
	case q.Type == "slider":
		return q.slid(v)
	case q.Multiple:
		return q.several(v, limits)
	}
	v, f := q.single(v, limits)
	if f != nil {
		return nil, Faults{*f}
	}
	return v, nil
}

// single is normal of a question with one value.
func (q *Question) single(v any, limits Limits) (any, *Fault) {
	switch v.(type) {
	case []any, map[string]any:
		return nil, q.wrong(wrongType, "")
	}
	if len(q.Choices) > 0 || q.Type == "rating" || q.takesChoices() {
		return q.chosen(v, limits)
	}
	if _, ok := v.(bool); ok {
		return nil, q.wrong(wrongType, "")
	}
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return nil, q.wrong(badFormat, "")
	}
	return q.written(toText(v), limits.AnswerRunes)
}

// wrong makes the one fault of an answer.
func (q *Question) wrong(code string, limit string) *Fault {
	return &Fault{Question: q.Name, Code: code, Limit: limit}
}

// chosen finds the choice whose text in a form the answer is, so that "5" of a browser and 5 of
// a program are the same choice. Where choices come from another question or from the
// respondent, any value may be one.
func (q *Question) chosen(v any, limits Limits) (any, *Fault) {
	key := choiceKey(v)
	if s, ok := v.(string); ok {
		if key = strings.TrimSpace(s); key == "" {
			return nil, nil
		}
	}
	for _, c := range q.Choices {
		if choiceKey(c.Value) == key && c.Special != SelectAllItem {
			return c.Value, nil
		}
	}
	for _, c := range q.Choices { // authors leave blanks in values
		if c.Special != SelectAllItem && strings.TrimSpace(choiceKey(c.Value)) == key {
			return c.Value, nil
		}
	}
	if q.rules.from != "" || q.rules.custom || q.rules.otherAsComment == "false" && q.has(OtherItem) {
		if s, ok := v.(string); ok {
			return q.written(s, limits.AnswerRunes)
		}
		return v, nil
	}
	return nil, q.wrong(notOffered, "")
}

// several is normal of a list of choices. The choice for all stands for every ordinary one, and
// one that stands alone for itself.
func (q *Question) several(v any, limits Limits) (any, Faults) {
	list, ok := v.([]any)
	if !ok {
		if _, isMap := v.(map[string]any); isMap {
			return nil, Faults{*q.wrong(wrongType, "")}
		}
		list = []any{v}
	}
	if len(list) > limits.Choices {
		return nil, Faults{*q.wrong(tooMany, strconv.Itoa(limits.Choices))}
	}
	out := make([]any, 0, len(list))
	all := false
	for _, it := range list {
		it = plain(it)
		if m, isMap := it.(map[string]any); isMap && (q.rules.valueProperty != "" || m["value"] != nil) {
			it = choiceValue(m, q)
		}
		if s, isText := it.(string); isText && s == "all" && q.has(SelectAllItem) {
			all = true
			continue
		}
		x, f := q.single(it, limits)
		switch {
		case f != nil:
			return nil, Faults{*f}
		case x != nil && !slices.Contains(out, x):
			out = append(out, x)
		}
	}
	if all {
		for _, c := range q.Choices {
			if c.Special == "" && !c.Exclusive && !slices.Contains(out, c.Value) {
				out = append(out, c.Value)
			}
		}
	}
	if q.MaxSelected > 0 && len(out) > q.MaxSelected {
		return nil, Faults{*q.wrong(tooMany, strconv.Itoa(q.MaxSelected))}
	}
	if p := q.rules.valueProperty; p != "" {
		for i, x := range out {
			out[i] = map[string]any{p: x}
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// written checks a text. The bytes are looked at first, so that a long one costs nothing.
func (q *Question) written(s string, maxRunes int) (any, *Fault) {
	if len(s) > maxRunes*utf8.UTFMax {
		return nil, q.wrong(tooLong, strconv.Itoa(maxRunes))
	}
	s = cleanText(s, q.Type == "comment")
	if s == "" {
		return nil, nil
	}
	if q.MaxLength > 0 && utf16Len(s) > q.MaxLength {
		return nil, q.wrong(tooLong, strconv.Itoa(q.MaxLength))
	}
	if utf8.RuneCountInString(s) > maxRunes {
		return nil, q.wrong(tooLong, strconv.Itoa(maxRunes))
	}
	if q.Mask != nil {
		return q.Mask.read(q, s)
	}
	switch q.InputType {
	case "number", "range":
		return q.numeric(s)
	case "date", "datetime-local", "month", "week", "time":
		return q.date(s)
	case "email":
		if !mailLike(s) {
			return nil, q.wrong(badFormat, "")
		}
	case "url":
		if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Host == "" {
			return nil, q.wrong(badFormat, "")
		}
	}
	return s, nil
}

// numeric reads a number as JavaScript would and holds it within the question's bounds. A bound
// that is no number is none.
func (q *Question) numeric(s string) (any, *Fault) {
	f := textToNumber(s)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, q.wrong(badFormat, "")
	}
	return f, nil
}

// dateForms are the forms in which browsers send dates and times, whatever they show.
var dateForms = map[string][]string{
	"date":           {time.DateOnly},
	"datetime-local": {"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"},
	"month":          {"2006-01"},
	"time":           {"15:04", "15:04:05"},
}

// date accepts what browsers send.
func (q *Question) date(s string) (any, *Fault) {
	if q.InputType == "week" {
		var year, week int
		if n, err := fmt.Sscanf(s, "%4d-W%2d", &year, &week); n != 2 || err != nil || week < 1 || week > 53 || len(s) != 8 {
			return nil, q.wrong(badFormat, "")
		}
		return s, nil
	}
	for _, form := range dateForms[q.InputType] {
		if _, err := time.Parse(form, s); err == nil {
			return s, nil
		}
	}
	return nil, q.wrong(badFormat, "")
}

// slid reads a value of a slider, or the two ends of a range.
func (q *Question) slid(v any) (any, Faults) {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	if isList != q.Multiple || q.Multiple && len(list) != 2 {
		if isEmpty(v) {
			return nil, nil
		}
		return nil, Faults{*q.wrong(wrongType, "")}
	}
	out := make([]any, len(list))
	for i, it := range list {
		f := getNumber(plain(it))
		switch {
		case isEmpty(plain(it)) && !q.Multiple:
			return nil, nil
		case math.IsNaN(f):
			return nil, Faults{*q.wrong(badFormat, "")}
		case q.rules.minExpr == nil && f < textToNumber(q.Min):
			return nil, Faults{*q.wrong(outOfRange, q.Min)}
		case q.rules.maxExpr == nil && f > textToNumber(q.Max):
			return nil, Faults{*q.wrong(outOfRange, q.Max)}
		}
		out[i] = f
	}
	if !q.Multiple {
		return out[0], nil
	}
	lo, hi := out[0].(float64), out[1].(float64)
	switch ru := q.rules; {
	case lo > hi:
		return nil, Faults{*q.wrong(outOfRange, formatNumber(hi))}
	case ru.minRange > 0 && hi-lo < ru.minRange:
		return nil, Faults{*q.wrong(tooFew, formatNumber(ru.minRange))}
	case ru.maxRange > 0 && hi-lo > ru.maxRange:
		return nil, Faults{*q.wrong(tooMany, formatNumber(ru.maxRange))}
	}
	return out, nil
}

// remarkText reads the text beside an answer.
func remarkText(q *Question, v any, limits Limits) (string, *Fault) {
	s, ok := plain(v).(string)
	if !ok {
		if plain(v) == nil {
			return "", nil
		}
		return "", q.wrong(wrongType, "")
	}
	if utf8.RuneCountInString(s) > limits.AnswerRunes {
		return "", q.wrong(tooLong, strconv.Itoa(limits.AnswerRunes))
	}
	return cleanText(s, true), nil
}

// mailLike accepts something@something.something without spaces; whether the
// address exists only a message can tell.
func mailLike(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && strings.Count(s, "@") == 1 && !strings.ContainsAny(s, " \t\n\"(),:;<>[]\\") &&
		strings.IndexByte(s[at+1:], '.') > 0 && !strings.HasSuffix(s, ".")
}

// cleanText makes of what a browser sends the text that was meant: LF line
// ends, no control characters, no outer space, valid UTF-8.
func cleanText(s string, lines bool) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r':
			if lines {
				return '\n'
			}
			return ' '
		case r == '\t':
			return r
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}
