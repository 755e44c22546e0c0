package survey

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// normal converts an answer to the form the question asks for. It does not
// know whether the question shows.
func (q *Question) normal(v any, maxRunes int) (any, *Fault) {
	v = plain(v)
	if v == nil {
		return nil, nil
	}
	switch v.(type) {
	case []any, map[string]any:
		return nil, q.fault(wrongType, "")
	}
	if len(q.Choices) > 0 || q.Type == rating || q.Type == radiogroup {
		return q.chosen(v)
	}
	if _, ok := v.(bool); ok {
		return nil, q.fault(wrongType, "")
	}
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return nil, q.fault(badFormat, "")
	}
	return q.typed(toText(v), maxRunes)
}

// fault makes the one fault of an answer.
func (q *Question) fault(code string, limit string) *Fault {
	return &Fault{Question: q.Name, Code: code, Limit: limit}
}

// chosen finds the choice whose text in a form the answer is, so that "5" of a browser and 5 of
// a program are the same choice.
func (q *Question) chosen(v any) (any, *Fault) {
	key := choiceKey(v)
	if s, ok := v.(string); ok {
		if key = strings.TrimSpace(s); key == "" {
			return nil, nil
		}
	}
	for _, c := range q.Choices {
		if choiceKey(c.Value) == key {
			return c.Value, nil
		}
	}
	return nil, q.fault(notOffered, "")
}

// typed checks a text. The bytes are looked at first, so that a long one costs nothing.
func (q *Question) typed(s string, maxRunes int) (any, *Fault) {
	if len(s) > maxRunes*utf8.UTFMax {
		return nil, q.fault(tooLong, strconv.Itoa(maxRunes))
	}
	s = cleanText(s, q.Type == comment)
	if s == "" {
		return nil, nil
	}
	if q.MaxLength > 0 && utf16Len(s) > q.MaxLength {
		return nil, q.fault(tooLong, strconv.Itoa(q.MaxLength))
	}
	if utf8.RuneCountInString(s) > maxRunes {
		return nil, q.fault(tooLong, strconv.Itoa(maxRunes))
	}
	switch q.InputType {
	case "number":
		return q.numeric(s)
	case "date":
		return q.date(s)
	case "email":
		if !mailLike(s) {
			return nil, q.fault(badFormat, "")
		}
	case "url":
		if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Host == "" {
			return nil, q.fault(badFormat, "")
		}
	}
	return s, nil
}

// numeric reads a number as JavaScript would and holds it within the question's bounds. A bound
// that is no number is none.
func (q *Question) numeric(s string) (any, *Fault) {
	f := textToNumber(s)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, q.fault(badFormat, "")
	}
	if lo, err := strconv.ParseFloat(q.Min, 64); err == nil && f < lo {
		return nil, q.fault(outOfRange, q.Min)
	}
	if hi, err := strconv.ParseFloat(q.Max, 64); err == nil && f > hi {
		return nil, q.fault(outOfRange, q.Max)
	}
	return f, nil
}

// date accepts YYYY-MM-DD, which is what browsers send whatever they show.
func (q *Question) date(s string) (any, *Fault) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return nil, q.fault(badFormat, "")
	}
	// Dates of this form sort as texts.
	if _, err := time.Parse(time.DateOnly, q.Min); err == nil && s < q.Min {
		return nil, q.fault(outOfRange, q.Min)
	}
	if _, err := time.Parse(time.DateOnly, q.Max); err == nil && s > q.Max {
		return nil, q.fault(outOfRange, q.Max)
	}
	return s, nil
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
