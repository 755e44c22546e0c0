package people

import (
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/vefacrm/vefa/internal/fold"
)

// PhoneAddress is Phone for a number that is to be called or written to, not only
// compared: it must be one that its country gives out. Digits of other scripts are
// read, and what follows a slash, a comma, a semicolon, a # or letters after the
// number is an extension, which goes.
func PhoneAddress(raw, region string) (e164 string, ok bool) {
	if len(raw) > 64 {
		return "", false
	}
	head, tail := raw, ""
	digits := 0
	for i, r := range raw {
		if _, ok := fold.Digit(r); ok {
			digits++
		} else if digits >= 7 && (strings.ContainsRune("/,;#", r) || unicode.IsLetter(r)) {
			head, tail = raw[:i], raw[i:]
			break
		}
	}
	more := 0
	var b strings.Builder
	for _, r := range head {
		if d, ok := fold.Digit(r); ok {
			r = rune(d)
		} else if r == '\uff0b' {
			r = '+'
		}
		b.WriteRune(r)
	}
	for _, r := range tail {
		if _, ok := fold.Digit(r); ok {
			more++
		}
	}
	if more > 6 {
		return "", false // two numbers
	}
	e164, ok = Phone(b.String(), region)
	if !ok {
		return "", false
	}
	n, err := phonenumbers.Parse(e164, "")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", false
	}
	return e164, true
}
