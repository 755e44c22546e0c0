package people

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Phone returns raw as an E.164 number ("+905321234567") and whether it is one.
// Numbers without a country code are read in region (ISO 3166, "" is "TR"). An
// extension, a note in letters ("dahili 12", "/12", "x12", "(eşi)") and what a
// spreadsheet leaves around a number (' before it, .0 behind it) go; digits of other
// scripts are read.
//
// What cannot be anybody's number is refused: too short or too long, masked with *, x
// or #, one digit only, as 0555 555 55 55 is nearly, or rounded by a spreadsheet
// (5.32E+09). So are two numbers, of which neither is meant more than the other; those of
// [Record.Phones] are both read.
func Phone(raw, region string) (e164 string, ok bool) {
	if e164, ok, known := fastPhone(raw, region); known {
		return e164, ok
	}
	return slowPhone(raw, region)
}

// fastPhone reads what can be read in tens of nanoseconds; known says whether that is so.
func fastPhone(raw, region string) (e164 string, ok, known bool) {
	if n := len(raw); n > 8 && raw[n-1] == '0' && decimals(raw) > 0 {
		return "", false, false
	}
	var digits [20]byte
	n, plus, foreign := 0, false, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c >= '0' && c <= '9':
			if n == len(digits) {
				return "", false, false // two numbers, perhaps
			}
			digits[n] = c
			n++
		case c == ' ' || c == '-' || c == '(' || c == ')' || c == '.' || c == '\t' || c == ':':
		case c == '+' && n == 0:
			plus = true
		case c == '/' && n < fullNumber:
		case (c == '\'' || c == '"' || c == '=') && n == 0:
		case c >= 0x80: // no-break blanks and the like
			foreign = true
		case c == '*':
			return "", false, true
		case c == 'x' || c == 'X' || c == '#':
			return "", false, n < fullNumber // masked, or an extension
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			if n > 0 {
				return "", false, false // an extension, perhaps
			}
		default:
			return "", false, n < 7
		}
	}
	d := digits[:n]
	if n < 7 {
		return "", false, !foreign
	}
	if constant(d) {
		return "", false, true
	}
	if region == "" || region == "TR" {
		if e, ok := turkish(d, plus); ok {
			return e, true, true
		}
	}
	if plus && d[0] == '9' && d[1] == '0' && d[2] != '0' {
		switch n - 2 { // what libphonenumber knows of Turkey
		case 7, 12, 13:
		case 10:
			return "+" + string(d), true, true
		default:
			return "", false, true
		}
	}
	return "", false, false
}

// fullNumber is the number of digits from which on a number with its area code is complete
// in nearly every country: what stands behind a slash after so many is an extension.
const fullNumber = 10

// turkish is the fast path for numbers of Turkey: an optional 0, 90, +90 or 0090
// before ten digits that start with an area or mobile code (2 to 5).
func turkish(d []byte, plus bool) (string, bool) {
	switch {
	case plus && len(d) == 12 && d[0] == '9' && d[1] == '0':
		d = d[2:]
	case plus:
		return "", false
	case len(d) == 14 && string(d[:4]) == "0090":
		d = d[4:]
	case len(d) == 13 && string(d[:3]) == "090":
		d = d[3:]
	case len(d) == 12 && d[0] == '9' && d[1] == '0':
		d = d[2:]
	case len(d) == 11 && d[0] == '0':
		d = d[1:]
	}
	if len(d) != 10 || d[0] < '2' || d[0] > '5' || constant(d) {
		return "", false
	}
	var out [13]byte
	copy(out[:], "+90")
	copy(out[3:], d)
	return string(out[:]), true
}

// constant reports whether nothing but one repeated digit follows a leading 0 or country code.
func constant(d []byte) bool {
	same := 1
	for i := len(d) - 1; i > 0 && d[i] == d[i-1]; i-- {
		same++
	}
	return same >= 9 || same >= len(d)-1
}

// memo remembers what the library said of a number: it takes twenty microseconds, and
// people who share a line are met one after the other.
type memo map[string]string

// mostRemembered bounds a memo.
const mostRemembered = 1 << 14

func (m memo) phone(raw, region string) string {
	if e, _, known := fastPhone(raw, region); known || len(raw) > 64 {
		return e
	}
	if e, ok := m[raw]; ok {
		return e
	}
	e, _ := slowPhone(raw, region)
	if len(m) >= mostRemembered {
		clear(m)
	}
	m[strings.Clone(raw)] = e
	return e
}

// mostDigits is the length of the longest number of ITU-T E.164. The library also
// takes longer ones, which machines of some countries have among themselves.
const mostDigits = 15

func slowPhone(raw, region string) (string, bool) {
	if len(raw) > 64 {
		return "", false
	}
	s, ok := bareNumber(raw)
	if !ok {
		return "", false
	}
	if s, ok = withoutExtension(s); !ok {
		return "", false
	}
	if e164, ok, known := fastPhone(s, region); known {
		return e164, ok
	}
	return libraryPhone(s, region)
}

// libraryPhone asks libphonenumber, which takes twenty microseconds.
func libraryPhone(s, region string) (string, bool) {
	if region == "" {
		region = "TR"
	}
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		s = "+" + rest
	}
	n, err := phonenumbers.Parse(s, region)
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", false
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if len(e164) > 1+mostDigits || constant([]byte(e164[1:])) {
		return "", false
	}
	// A leading zero that the library keeps on the first reading and drops on the
	// second ("+387001000000") would give one number two keys.
	if n, err = phonenumbers.Parse(e164, region); err != nil || !phonenumbers.IsPossibleNumber(n) || phonenumbers.Format(n, phonenumbers.E164) != e164 {
		return "", false
	}
	if again, ok, known := fastPhone(e164, region); known && (!ok || again != e164) {
		return "", false
	}
	return e164, true
}
