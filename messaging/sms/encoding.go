package sms

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Errors of this package. Match them with errors.Is.
var (
	// ErrText: the text is not UTF-8.
	ErrText = errors.New("sms: not UTF-8")
	// ErrTooLong: more segments would be needed than are allowed.
	ErrTooLong = errors.New("sms: too many segments")
	// ErrMalformed: octets that no encoder makes.
	ErrMalformed = errors.New("sms: malformed segment")
	// ErrEncoding: a number that is no Encoding.
	ErrEncoding = errors.New("sms: unknown encoding")
)

// Encoding is a way to put text into octets.
type Encoding uint8

// The encodings.
const (
	GSM7           Encoding = iota // default alphabet and extension
	TurkishSingle                  // with the Turkish single shift table
	TurkishLocking                 // with the Turkish locking shift table
	TurkishBoth                    // with both; nothing that TurkishLocking has not
	UCS2                           // UTF-16 code units, big-endian
)

// String names the encoding.
func (e Encoding) String() string {
	switch e {
	case GSM7:
		return "GSM-7"
	case TurkishSingle:
		return "GSM-7 Turkish single shift"
	case TurkishLocking:
		return "GSM-7 Turkish locking shift"
	case TurkishBoth:
		return "GSM-7 Turkish both shifts"
	case UCS2:
		return "UCS-2"
	}
	return fmt.Sprintf("Encoding(%d)", uint8(e))
}

// names are the short names of the encodings, for configuration files.
var names = [...]string{GSM7: "gsm7", TurkishSingle: "tr-single", TurkishLocking: "tr-locking", TurkishBoth: "tr-both", UCS2: "ucs2"}

// MarshalText writes a short name: gsm7, tr-single, tr-locking, tr-both, ucs2.
func (e Encoding) MarshalText() ([]byte, error) {
	if e > UCS2 {
		return nil, ErrEncoding
	}
	return []byte(names[e]), nil
}

// UnmarshalText reads what MarshalText writes.
func (e *Encoding) UnmarshalText(text []byte) error {
	for i, n := range names {
		if n == string(text) {
			*e = Encoding(i)
			return nil
		}
	}
	return fmt.Errorf("%w %q", ErrEncoding, text)
}

// header returns the national language information elements of an encoding.
func (e Encoding) header() []byte {
	switch e {
	case TurkishSingle:
		return []byte{0x24, 1, 1}
	case TurkishLocking:
		return []byte{0x25, 1, 1}
	case TurkishBoth:
		return []byte{0x24, 1, 1, 0x25, 1, 1}
	}
	return nil
}

// capacity returns how many units (septets, or UTF-16 units for UCS2) fit into
// the only segment of a message, or into each of several with a concatenation
// reference of 8 or 16 bits.
func (e Encoding) capacity(several, wide bool) int {
	octets := len(e.header())
	if several {
		octets += 5
		if wide {
			octets++
		}
	}
	if octets > 0 {
		octets++ // the header's length
	}
	if e == UCS2 {
		return (140 - octets) / 2
	}
	return (140 - octets) * 8 / 7
}

// cost returns the units that a rune takes, 0 if the encoding has no code.
func (e Encoding) cost(r rune) int {
	if e == UCS2 {
		if r >= 0x10000 {
			return 2
		}
		return 1
	}
	return int(tables[e].code(r).cost)
}

// size is what a text takes in one encoding.
type size struct {
	Units    int // septets or UTF-16 units, all segments together
	Segments int
}

// count returns what text takes with concatenation references of 8 or, if wide,
// 16 bits, without encoding it. The empty text takes one segment. The error is
// ErrText or a *CharacterError.
func (e Encoding) count(text string, wide bool) (size, error) {
	if e > UCS2 {
		return size{}, ErrEncoding
	}
	c := size{Segments: 1}
	limit := e.capacity(true, wide)
	used := 0 // of the current segment
	for i, n := 0, 0; i < len(text); n++ {
		r, width := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, width = utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && width == 1 {
				return size{}, fmt.Errorf("%w: byte %d", ErrText, i)
			}
		}
		cost := e.cost(r)
		if cost == 0 {
			return size{}, &CharacterError{Rune: r, Index: n, Encoding: e}
		}
		c.Units += cost
		if used += cost; used > limit {
			c.Segments++
			used = cost
		}
		i += width
	}
	if c.Units <= e.capacity(false, wide) {
		c.Segments = 1
	}
	return c, nil
}

// CharacterError names a character that an encoding has no code for.
type CharacterError struct {
	Rune     rune
	Index    int // of the character in the text, from 0
	Encoding Encoding
}

// Error names the character, its place and the encoding.
func (e *CharacterError) Error() string {
	return fmt.Sprintf("sms: %U at %d cannot be encoded in %s", e.Rune, e.Index, e.Encoding)
}
