package smpp

import (
	"errors"
	"fmt"
	"strings"
)

// Types of number and numbering plans (SMPP 3.4 sections 5.2.5 and 5.2.6).
const (
	TONUnknown       byte = 0
	TONInternational byte = 1
	TONNational      byte = 2
	TONNetwork       byte = 3 // network specific; of short codes
	TONAlphanumeric  byte = 5
	NPIUnknown       byte = 0
	NPITelephone     byte = 1 // ISDN, E.163 and E.164
)

// Address is who sends a message or gets it.
type Address struct {
	TON, NPI byte
	Addr     string // at most 20 octets
}

// ErrAddress: a text that is no address.
var ErrAddress = errors.New("smpp: no address")

// ParseAddress tells from its form what kind of address a sender or recipient is:
//
//	+905320000000, 00905320000000    international, E.164: 1/1, written without + or 00
//	905320000000                     8 to 15 digits not beginning with 0: the same
//	08501234567                      7 or more digits beginning with 0: national, 2/1
//	4609                             up to 7 digits: a short code, 3/0
//	VEFA                             up to 11 printable ASCII characters: alphanumeric, 5/0
//
// Spaces, dashes and brackets in a number are left out. A provider that wants other
// types gets them by an Address of the host's own. The error is ErrAddress and does
// not show the text.
func ParseAddress(s string) (Address, error) {
	number := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -()", r) {
			return -1
		}
		return r
	}, s)
	digits, plus := strings.CutPrefix(number, "+")
	if !plus && len(digits) > 9 {
		digits, plus = strings.CutPrefix(digits, "00")
	}
	numeric := digits != "" && strings.Trim(digits, "0123456789") == ""
	switch {
	case numeric && (plus || len(digits) >= 8 && digits[0] != '0'):
		if len(digits) > 15 || digits[0] == '0' {
			return Address{}, fmt.Errorf("%w: an international number has up to 15 digits and no 0 in front", ErrAddress)
		}
		return Address{TONInternational, NPITelephone, digits}, nil
	case numeric && len(digits) >= 7 && digits[0] == '0':
		if len(digits) > 15 {
			return Address{}, fmt.Errorf("%w: a number has up to 15 digits", ErrAddress)
		}
		return Address{TONNational, NPITelephone, digits}, nil
	case numeric:
		return Address{TONNetwork, NPIUnknown, digits}, nil
	}
	if s == "" || len(s) > 11 || plus {
		return Address{}, fmt.Errorf("%w: a name has 1 to 11 characters", ErrAddress)
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return Address{}, fmt.Errorf("%w: a name has printable ASCII characters only", ErrAddress)
		}
	}
	return Address{TONAlphanumeric, NPIUnknown, s}, nil
}
