package invite

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// ErrCode is wrapped by the errors of ParseCode.
var ErrCode = errors.New("survey/invite: no code")

// codeLetters are the 32 of Crockford: no I, L, O and U, which are read as others or make
// words.
const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// codeLength is that of a code, 60 bits.
const codeLength = 12

// NewCode draws a code for a link that people type: 12 capitals and digits, 60 bits from
// crypto/rand. It says nothing by itself; the host keeps what it stands for. With a million
// codes in use one of 1.2 trillion guesses finds one: limit the rate of tries. In a QR code
// it takes the space of capitals.
func NewCode() string {
	var b [codeLength]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = codeLetters[b[i]%32]
	}
	return string(b[:])
}

// FormatCode writes a code as people read it out and type it, in groups of four:
// "K7Q2-9F3M-X2TD".
func FormatCode(code string) string {
	var b strings.Builder
	for i := range len(code) {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(code[i])
	}
	return b.String()
}

// ParseCode reads a code that somebody typed: small letters, blanks and dashes anywhere, O
// for 0, I and L for 1, also with a Turkish keyboard's İ and ı. It fails with ErrCode, which
// does not hold the text.
func ParseCode(s string) (string, error) {
	b := make([]byte, 0, codeLength)
	for _, r := range s {
		switch {
		case r == ' ' || r == '-' || r == '\t' || r == '\u00a0' || r == '‐' || r == '–':
			continue
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		case r == 'ı' || r == 'İ':
			r = 'I'
		}
		switch r {
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if r > 'Z' || strings.IndexByte(codeLetters, byte(r)) < 0 {
			return "", fmt.Errorf("%w: a character is none of a code's", ErrCode)
		}
		if len(b) == codeLength {
			return "", fmt.Errorf("%w: it has more than %d characters", ErrCode, codeLength)
		}
		b = append(b, byte(r))
	}
	if len(b) < codeLength {
		return "", fmt.Errorf("%w: it has %d of %d characters", ErrCode, len(b), codeLength)
	}
	return string(b), nil
}
