package crm

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/vefacrm/vefa/internal/fold"
)

// Normaliser returns the one form of an address under which it is found, held and
// consented to, or a FieldError that says why it is none. The form of a normal
// form is itself.
type Normaliser func(Address) (Address, error)

// NormalAddress is the Normaliser of a Service that is given none. A phone number
// must have its country code, after + or 00, and becomes E.164; blanks, hyphens,
// dots and brackets between its digits, which may be full-width, Arabic, Persian
// or Devanagari ones, go with characters that are not seen, and so does a zero in brackets, which is dialled within
// the country only (in Italy it is part of the number). A number without a country
// code is refused: in which country it is dialled is for the host to say. An e-mail address is kept as
// given, also what follows a + in it, in small ASCII letters; "mailto:" before it,
// the dot of a full host name after it and characters that are not seen go. Values
// of other channels stay as they are.
func NormalAddress(a Address) (Address, error) {
	switch a.Channel {
	case Phone:
		v, err := normalPhone(a.Value)
		return Address{Phone, v}, err
	case Email:
		v, err := normalEmail(a.Value)
		return Address{Email, v}, err
	}
	return a, a.Validate()
}

// normalPhone is NormalAddress for a number. Most are in form already, and then nothing is
// allocated.
func normalPhone(s string) (string, error) {
	if e164(s) {
		return s, nil
	}
	if len(s) > 64 {
		return "", fieldError("value", "is too long for a phone number")
	}
	var b []byte
	open := -1 // where what is in brackets begins
	for _, r := range strings.TrimSpace(strings.Map(seen, s)) {
		d, ok := fold.Digit(r)
		switch {
		case ok:
			b = append(b, d)
		case r == '+' && len(b) == 0:
			b = append(b, '+')
		case r == '(':
			open = len(b)
		case r == ')' && open > 0 && string(b[open:]) == "0" && trunkZero(b[:open]):
			b = b[:open]
		case r == '-' || r == '.' || r == ')' || unicode.Is(unicode.Zs, r) || unicode.Is(unicode.Pd, r):
		default:
			return "", fieldError("value", "is not a phone number")
		}
	}
	v := string(b)
	if rest, ok := strings.CutPrefix(v, "00"); ok {
		v = "+" + rest
	}
	switch {
	case e164(v):
		return v, nil
	case v != "" && v[0] != '+' && len(v) < 7:
		return "", fieldError("value", fmt.Sprintf("is too short for a phone number: %d digits", len(v)))
	case v != "" && v[0] != '+':
		return "", fieldError("value", "has no country code: give +CC…, or a Config.Normalise that knows the country")
	}
	return "", fieldError("value", "is not an E.164 number: + and 8 to 15 digits")
}

// trunkZero reports whether a zero in brackets after the beginning of a number is
// not part of it.
func trunkZero(b []byte) bool {
	code, ok := strings.CutPrefix(string(b), "+")
	if !ok {
		code, ok = strings.CutPrefix(string(b), "00")
	}
	return ok && code != "" && code != "39" && code != "378"
}

// e164 reports + and 8 to 15 digits of which the first is not 0, as ITU-T E.164 has them.
func e164(s string) bool {
	if len(s) < 9 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// seen drops characters of the kind that copying from a page brings along: soft
// hyphens, blanks without width, marks of direction and of byte order.
func seen(r rune) rune {
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

// normalEmail is NormalAddress for e-mail. Only ASCII letters are made small: of others, such
// as İ, the small one is not one letter.
func normalEmail(s string) (string, error) {
	s = strings.TrimSpace(strings.Map(seen, s))
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = strings.TrimSpace(s[7:])
	}
	s = strings.TrimSuffix(s, ".")
	user, host, ok := strings.Cut(s, "@")
	if !ok || user == "" || len(s) > 254 || !strings.Contains(strings.Trim(host, "."), ".") ||
		strings.HasSuffix(host, ".") || strings.ContainsAny(host, "@ <>,;:") || strings.ContainsAny(user, " <>,;:") {
		return "", fieldError("value", "is not an e-mail address")
	}
	if strings.IndexFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' }) >= 0 {
		s = strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			return r
		}, s)
	}
	return s, checkKeyText("value", s, false)
}

// Normal returns an address in the form in which the service keeps it, by
// Config.Normalise. Every verb of the service that takes an address does this
// itself; what reads or writes through a Tx must do it. What is no address is
// ErrInvalid.
func (s *Service) Normal(a Address) (Address, error) {
	n, err := s.normal(a)
	return n, invalid("normalise", "address", "", err)
}

func (s *Service) normal(a Address) (Address, error) {
	if err := a.Validate(); err != nil {
		return a, err
	}
	n, err := s.cfg.Normalise(a)
	if err != nil {
		return a, err
	}
	return n, n.Validate()
}
