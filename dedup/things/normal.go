package things

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/vefacrm/vefa/internal/fold"
)

// Fold returns the form in which texts are compared: lower case, Latin letters without
// diacritics (ç, ğ, ı, İ, ö, ş, ü too), letters and digits only, words separated by one
// blank. Letters of other scripts stay. Fold(Fold(s)) == Fold(s).
func Fold(s string) string { return fold.Key(s) }

// joinLetters writes initials as one word: "h & m" and "h m" are "hm", "i b m" is "ibm".
func joinLetters(s string) string {
	words := strings.Fields(s)
	out := words[:0]
	for i := 0; i < len(words); {
		j := i
		for j < len(words) && len([]rune(words[j])) == 1 && !isDigits(words[j]) {
			j++
		}
		if j-i < 2 {
			out = append(out, words[i])
			i++
			continue
		}
		out = append(out, strings.Join(words[i:j], ""))
		i = j
	}
	return strings.Join(out, " ")
}

func isDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if d, ok := fold.Digit(r); ok {
			return rune(d)
		}
		return -1
	}, s)
}

// parseYear returns the first number of four digits that is a year.
func parseYear(s string) string {
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(w) == 4 && (w[0] == '1' || w[0] == '2') {
			return w
		}
	}
	return ""
}

// parsePrice returns a price as a plain number, "" if there is none. Of a point and a comma
// the last one before one or two digits is the decimal sign; three digits behind the only
// one are thousands.
func parsePrice(s string) string {
	from := strings.IndexFunc(s, unicode.IsDigit)
	if from < 0 {
		return ""
	}
	s = s[from:]
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != ',' && r != '\'' && r != '\u00a0' })
	if end >= 0 {
		s = s[:end]
	}
	v, ok := parseNumber(strings.TrimRight(s, ".,"))
	if !ok || v <= 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// parseNumber reads a number with a decimal point or comma and marks of thousands.
func parseNumber(s string) (float64, bool) {
	if len(s) > 20 {
		return 0, false
	}
	last := strings.LastIndexAny(s, ".,")
	whole, part := s, ""
	if last >= 0 {
		behind := len(s) - last - 1
		other := strings.ContainsAny(s[:last], ".,")
		sameSign := other && strings.Count(s, s[last:last+1]) > 1
		if behind != 3 && !sameSign || other && !sameSign || s[:last] == "0" {
			whole, part = s[:last], s[last+1:]
		}
	}
	whole = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, whole)
	v, err := strconv.ParseFloat(whole+"."+part, 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// cutCodes appends the model codes of a text and returns the text without them. A code has
// letters and digits and at least four of both together, or is a number of six digits or
// more; in a column of codes everything of two characters is one.
func cutCodes(to []string, s string, column bool) (codes []string, rest string) {
	var kept []string
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;()[]|", r) }) {
		code := strings.ReplaceAll(Fold(w), " ", "")
		if !column && !isCode(code) || column && len(code) < 2 {
			kept = append(kept, w)
			continue
		}
		if !slices.Contains(to, code) && len(to) < mostCodes {
			to = append(to, code)
		}
	}
	return to, strings.Join(kept, " ")
}

// mostCodes is the number of codes of a record that are compared: each with each.
const mostCodes = 8

func isCode(s string) bool {
	letters, numbers := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			numbers++
		case unicode.IsLetter(r):
			letters++
		}
	}
	if letters == 0 {
		return numbers >= 6
	}
	if numbers == 0 || letters+numbers < 4 {
		return false
	}
	if _, _, ok := measure(s); ok {
		return false
	}
	return true
}
