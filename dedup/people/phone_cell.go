package people

import (
	"strings"
	"unicode"

	"github.com/vefacrm/vefa/internal/fold"
)

// This file reads the cells in which a phone number is not alone: what spreadsheets and
// people put around it, extensions, and a second number.

// decimals returns the length of the end that a spreadsheet gives a number which it takes
// for an amount: ".0", ",00"; 0 if there is none.
func decimals(s string) int {
	n := len(s)
	for k := 2; k <= 3 && k < n && s[n-k+1] == '0'; k++ {
		if c := s[n-k]; c == '.' || c == ',' {
			for i := range n - k {
				if c := s[i]; (c < '0' || c > '9') && (i > 0 || c != '+' && c != '\'') {
					return 0 // dots between its groups
				}
			}
			return k
		}
	}
	return 0
}

// bareNumber returns a cell with plain digits and without what a spreadsheet adds; it
// fails for a number in scientific notation that has lost digits.
func bareNumber(raw string) (string, bool) {
	s := strings.Trim(strings.TrimSpace(raw), "'’`\"=")
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			s = strings.Map(plainPhoneRune, s)
			break
		}
	}
	s = s[:len(s)-decimals(s)]
	mantissa, exponent, found := strings.Cut(strings.ToUpper(s), "E+")
	if !found {
		return s, true
	}
	whole, fraction, _ := strings.Cut(strings.ReplaceAll(mantissa, ",", "."), ".")
	if len(whole) != 1 || !allDigits(whole) || !allDigits(exponent) || len(exponent) > 2 || fraction != "" && !allDigits(fraction) {
		return s, true // no such notation
	}
	places := 0
	for _, c := range exponent {
		places = 10*places + int(c-'0')
	}
	if len(fraction) != places { // rounded
		return "", false
	}
	return whole + fraction, true
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// plainPhoneRune gives digits of other scripts and signs of other shapes their ASCII form.
func plainPhoneRune(r rune) rune {
	if d, ok := fold.Digit(r); ok {
		return rune(d)
	}
	switch {
	case r == '\uff0b':
		return '+'
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Pd, r):
		return '-'
	}
	return r
}

// withoutExtension cuts what follows a complete number: an extension or a note. It fails
// for a masked number and for two numbers.
func withoutExtension(s string) (string, bool) {
	digits := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
			continue
		case strings.ContainsRune("/,;|&#\n", r) && digits >= fullNumber:
		case unicode.IsLetter(r) && digits >= 7:
		case r == '*':
			return "", false
		default:
			continue
		}
		tail := s[i:]
		if masked(tail) || countDigits(tail) > 6 {
			return "", false
		}
		return s[:i], true
	}
	return s, true
}

// masked reports whether a cell, or the end of one, hides digits: "0532 xxx 45 67". One x or
// # with a few digits behind it is an extension.
func masked(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '*':
			return true
		case 'x', 'X', '#':
			if i > 0 && isLetter(s[i-1]) { // "ext."
				continue
			}
			rest := strings.TrimLeft(s[i+1:], " .:")
			n := 0
			for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
				n++
			}
			if n == 0 || n > 6 {
				return true
			}
		}
	}
	return false
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }

func countDigits(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

// mostCell bounds the cells of contacts that are taken apart.
const mostCell = 512

// phonesIn appends the numbers of a cell that is no single number: "0532 123 45 67 / 0533
// 765 43 21", "0532 123 45 67 (eşi) 0533 765 43 21 (oğlu)". What is left over between them
// is an extension or a note.
func phonesIn(dst []string, raw, region string) []string {
	if len(raw) > mostCell || countDigits(raw) < 14 && !strings.ContainsAny(raw, "/,;|&\n") {
		return dst
	}
	s, ok := bareNumber(raw)
	if !ok {
		return dst
	}
	held := "" // the beginning of a number
	for piece := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune("/,;|&\n\r", r) }) {
		if masked(piece) {
			held = ""
			continue
		}
		for part := range strings.FieldsFuncSeq(piece, unicode.IsLetter) {
			dst, held = phonesOf(dst, held, part, region)
		}
		if strings.ContainsFunc(piece, unicode.IsLetter) {
			held = "" // letters end a number
		}
	}
	return dst
}

// phonesOf appends the numbers in text without letters, of which a beginning is held, and
// returns what may be the beginning of another one.
func phonesOf(dst []string, held, text, region string) ([]string, string) {
	for text != "" || held != "" {
		whole := strings.TrimSpace(held + " " + text)
		if countDigits(whole) < 8 { // no number that anybody would write with its area code
			if held == "" && len(dst) > 0 {
				return dst, "" // an extension
			}
			return dst, whole
		}
		if e, ok := Phone(whole, region); ok {
			return append(dst, e), ""
		}
		// Two of them, with blanks or a + between: the shortest beginning that is complete.
		found := false
		for i := 1; i < len(whole) && !found; i++ {
			if c := whole[i]; c != ' ' && c != '+' || countDigits(whole[:i]) < fullNumber {
				continue
			}
			if e, ok := Phone(whole[:i], region); ok {
				dst, held, text, found = append(dst, e), "", strings.TrimLeft(whole[i:], " -"), true
			}
		}
		if !found {
			return dst, ""
		}
		if text == "" {
			return dst, ""
		}
	}
	return dst, ""
}
