package survey

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// read takes a text as it was typed under a mask, with or without the mask's own characters, and
// gives the answer: what was typed, or all of it where the mask is to be saved, too.
func (m *Mask) read(q *Question, s string) (any, *Fault) {
	switch m.Type {
	case "numeric", "currency":
		return m.number(q, s)
	case "datetime":
		return m.moment(q, s)
	}
	plainText, masked, ok := m.pattern(s)
	switch {
	case !ok:
		return nil, q.wrong(badFormat, m.Pattern)
	case m.SaveMasked:
		return masked, nil
	}
	return plainText, nil
}

// place is a character of a pattern.
type place struct {
	r     rune
	fixed bool
}

// places reads a pattern: 9 a digit, a or # a letter, * either; a backslash takes the next as it is.
func (m *Mask) places() []place {
	var out []place
	escaped := false
	for _, r := range m.Pattern {
		switch {
		case escaped:
			out = append(out, place{r, true})
			escaped = false
		case r == '\\':
			escaped = true
		default:
			out = append(out, place{r, r != '9' && r != 'a' && r != '#' && r != '*'})
		}
	}
	return out
}

// pattern matches a text. Fixed characters may be there or not.
func (m *Mask) pattern(s string) (typed, masked string, ok bool) {
	var in, all strings.Builder
	rest := []rune(s)
	for _, p := range m.places() {
		if p.fixed {
			all.WriteRune(p.r)
			if len(rest) > 0 && rest[0] == p.r {
				rest = rest[1:]
			}
			continue
		}
		for len(rest) > 0 && !fits(p.r, rest[0]) && !unicode.IsLetter(rest[0]) && !unicode.IsDigit(rest[0]) {
			rest = rest[1:] // blanks and signs of another way of writing it
		}
		if len(rest) == 0 || !fits(p.r, rest[0]) {
			return "", "", false
		}
		in.WriteRune(rest[0])
		all.WriteRune(rest[0])
		rest = rest[1:]
	}
	return in.String(), all.String(), len(rest) == 0
}

func fits(class, r rune) bool {
	digit, letter := r >= '0' && r <= '9', unicode.IsLetter(r)
	switch class {
	case '9':
		return digit
	case 'a', '#':
		return letter
	}
	return digit || letter
}

// number reads a number with the separators of the mask.
func (m *Mask) number(q *Question, s string) (any, *Fault) {
	t := strings.TrimSuffix(strings.TrimPrefix(s, strings.TrimSpace(m.Prefix)), strings.TrimSpace(m.Suffix))
	t = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, t)
	if m.Thousands != "" {
		t = strings.ReplaceAll(t, m.Thousands, "")
	}
	if m.Decimal != "" {
		t = strings.Replace(t, m.Decimal, ".", 1)
	}
	f := textToNumber(t)
	_, frac, _ := strings.Cut(t, ".")
	lo, loErr := strconv.ParseFloat(m.Min, 64)
	hi, hiErr := strconv.ParseFloat(m.Max, 64)
	switch {
	case t == "" || math.IsNaN(f) || math.IsInf(f, 0) || len(frac) > max(m.Precision, 0):
		return nil, q.wrong(badFormat, "")
	case m.NoNegative && f < 0:
		return nil, q.wrong(outOfRange, "0")
	case loErr == nil && f < lo:
		return nil, q.wrong(outOfRange, m.Min)
	case hiErr == nil && f > hi:
		return nil, q.wrong(outOfRange, m.Max)
	case m.SaveMasked:
		return s, nil
	}
	return f, nil
}

// layout is a pattern such as dd/mm/yyyy HH:MM as Go writes it.
func (m *Mask) layout() string {
	return strings.NewReplacer("yyyy", "2006", "yy", "06", "mm", "01", "dd", "02", "HH", "15", "hh", "03", "MM", "04",
		"ss", "05", "tt", "pm", "TT", "PM", "m", "1", "d", "2", "H", "15", "h", "3", "M", "4", "s", "5").Replace(m.Pattern)
}

// moment reads a date or time as the pattern writes it, or as browsers send it.
func (m *Mask) moment(q *Question, s string) (any, *Fault) {
	t, err := time.Parse(m.layout(), s)
	if err != nil {
		d := dateOf(s, time.UTC)
		if !d.valid() {
			return nil, q.wrong(badFormat, m.Pattern)
		}
		t = d.t
	}
	for _, b := range []struct {
		bound string
		past  func(time.Time) bool
	}{{m.Min, t.Before}, {m.Max, t.After}} {
		if d := dateOf(b.bound, time.UTC); d.valid() && b.past(d.t) {
			return nil, q.wrong(outOfRange, b.bound)
		}
	}
	if m.SaveMasked {
		return t.Format(m.layout()), nil
	}
	hasDay, hasTime := strings.Contains(m.Pattern, "y"), strings.ContainsAny(m.Pattern, "HhM")
	switch {
	case hasDay && hasTime:
		return t.Format("2006-01-02T15:04"), nil
	case hasTime:
		return t.Format("15:04"), nil
	}
	return t.Format(time.DateOnly), nil
}
