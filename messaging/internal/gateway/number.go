package gateway

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vefacrm/vefa/crm"
)

// Number returns a telephone number as E.164 digits without the plus. The reason says why
// an address is none.
func Number(a crm.Address) (digits, reason string) {
	if a.Channel != crm.Phone {
		return "", "the channel is not served"
	}
	n, err := crm.NormalAddress(a)
	if err != nil {
		return "", "not a telephone number with its country code"
	}
	return n.Value[1:], ""
}

// Turkish reports whether digits, as Number returns them, are of a Turkish mobile
// telephone: 90, then ten digits of which the first is 5.
func Turkish(digits string) bool { return len(digits) == 12 && strings.HasPrefix(digits, "905") }

// From returns a number of a customer as a Turkish provider writes it, 5XXXXXXXXX,
// 05XXXXXXXXX, 905XXXXXXXXX or 0049…, with its country code; of any other form, such as a
// name, the text itself.
func From(s string) string {
	d := strings.TrimPrefix(strings.TrimSpace(s), "+")
	if d == "" || strings.Trim(d, "0123456789") != "" {
		return s
	}
	switch {
	case len(d) == 10 && d[0] == '5':
		return "+90" + d
	case len(d) == 11 && strings.HasPrefix(d, "05"):
		return "+9" + d
	case strings.HasPrefix(d, "00") && len(d) >= 10:
		return "+" + d[2:]
	case len(d) == 12 && strings.HasPrefix(d, "90"), s != d && len(d) >= 8:
		return "+" + d
	}
	return s
}

// Text says why a text cannot be sent as it is; "" if it can.
func Text(s string) string {
	switch {
	case s == "":
		return "the text is empty"
	case !utf8.ValidString(s):
		return "the text is not UTF-8"
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }):
		return "the text has control characters"
	}
	return ""
}

// Header says why a sender's name of at most 11 characters cannot be used; "" if it can, and for
// the empty name if empty is allowed.
func Header(s string, empty bool) string {
	switch {
	case s == "" && empty:
		return ""
	case s == "":
		return "there is no sender's name"
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.TrimSpace(s) != s:
		return "the sender's name cannot be written"
	case utf8.RuneCountInString(s) > 11:
		return "the sender's name has more than 11 characters"
	}
	return ""
}
