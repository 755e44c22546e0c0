package sms

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// Decode returns the text of a whole message. Segments that carry a
// concatenation reference may come in any order, but none may miss, come twice
// or belong to another message. The error is ErrMalformed.
func Decode(segments []Segment) (string, error) {
	if len(segments) == 0 {
		return "", fmt.Errorf("%w: none", ErrMalformed)
	}
	texts := make([]string, len(segments))
	seen := make([]bool, len(segments))
	var first header
	for i, s := range segments {
		h, err := parseHeader(s.Header)
		if err != nil {
			return "", err
		}
		at := 0
		if i == 0 {
			first = h
		}
		if h.of > 0 || len(segments) > 1 {
			if h.of != len(segments) || h.number < 1 || h.number > h.of || h.ref != first.ref || h.wide != first.wide {
				return "", fmt.Errorf("%w: number %d of %d among %d", ErrMalformed, h.number, h.of, len(segments))
			}
			at = h.number - 1
		}
		if seen[at] {
			return "", fmt.Errorf("%w: number %d comes twice", ErrMalformed, at+1)
		}
		seen[at] = true
		if texts[at], err = s.text(h); err != nil {
			return "", err
		}
	}
	return strings.Join(texts, ""), nil
}

// header is what a user data header says.
type header struct {
	single, locking byte // national language, 0 for none
	ref             uint16
	wide            bool
	of, number      int
}

// parseHeader reads the information elements of concatenation and of national languages and
// skips others, as 3GPP TS 23.040 asks.
func parseHeader(h []byte) (header, error) {
	var out header
	if len(h) == 0 {
		return out, nil
	}
	if int(h[0]) != len(h)-1 {
		return out, fmt.Errorf("%w: header length", ErrMalformed)
	}
	for rest := h[1:]; len(rest) > 0; {
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			return out, fmt.Errorf("%w: information element", ErrMalformed)
		}
		v := rest[2 : 2+rest[1]]
		switch id := rest[0]; {
		case id == 0 && len(v) == 3:
			out.ref, out.of, out.number = uint16(v[0]), int(v[1]), int(v[2])
		case id == 8 && len(v) == 4:
			out.ref, out.of, out.number, out.wide = uint16(v[0])<<8|uint16(v[1]), int(v[2]), int(v[3]), true
		case id == 0x24 && len(v) == 1:
			out.single = v[0]
		case id == 0x25 && len(v) == 1:
			out.locking = v[0]
		}
		rest = rest[2+len(v):]
	}
	return out, nil
}

// text decodes one body. As TS 23.038 asks, an escape that the extension table
// does not know shows the base table's character, and a language without a
// table the default alphabet.
func (s Segment) text(h header) (string, error) {
	if s.Encoding > UCS2 {
		return "", ErrEncoding
	}
	if s.Encoding == UCS2 {
		if len(s.Body)%2 != 0 {
			return "", fmt.Errorf("%w: odd number of octets", ErrMalformed)
		}
		units := make([]uint16, len(s.Body)/2)
		for i := range units {
			units[i] = uint16(s.Body[2*i])<<8 | uint16(s.Body[2*i+1])
		}
		return string(utf16.Decode(units)), nil
	}
	const turkish = 1
	t := tables[GSM7]
	switch single, locking := h.single == turkish, h.locking == turkish; {
	case single && locking:
		t = tables[TurkishBoth]
	case locking:
		t = tables[TurkishLocking]
	case single:
		t = tables[TurkishSingle]
	}
	var b strings.Builder
	shift := false
	for _, v := range s.Body {
		switch {
		case v > 127:
			return "", fmt.Errorf("%w: septet %#02x", ErrMalformed, v)
		case shift && t.shifted[v] != 0:
			b.WriteRune(t.shifted[v])
			shift = false
		case v == escape:
			shift = true
		default:
			b.WriteRune(t.base[v])
			shift = false
		}
	}
	return b.String(), nil
}

// ParseUserData is the inverse of Segment.UserData. Seven says that the octets
// are packed septets and headed that they begin with a header; both come from
// the message's own fields (TP-DCS, TP-UDHI).
func ParseUserData(octets []byte, length int, seven, headed bool) (Segment, error) {
	var s Segment
	fail := func(what string) (Segment, error) { return Segment{}, fmt.Errorf("%w: %s", ErrMalformed, what) }
	if len(octets) > 140 {
		return fail("more than 140 octets")
	}
	if headed {
		if len(octets) == 0 || len(octets) < 1+int(octets[0]) {
			return fail("header length")
		}
		s.Header = append(s.Header, octets[:1+int(octets[0])]...)
	}
	h, err := parseHeader(s.Header)
	if err != nil {
		return Segment{}, err
	}
	if !seven {
		if length != len(octets) {
			return fail("length")
		}
		s.Encoding = UCS2
		s.Body = append(s.Body, octets[len(s.Header):]...)
		return s, nil
	}
	from := (len(s.Header)*8 + 6) / 7
	if length < from || (length*7+7)/8 > len(octets) {
		return fail("length")
	}
	for i := from; i < length; i++ {
		bit := i * 7
		v := octets[bit/8] >> (bit % 8)
		if bit%8 > 1 {
			v |= octets[bit/8+1] << (8 - bit%8)
		}
		s.Body = append(s.Body, v&0x7F)
	}
	switch {
	case h.single == 1 && h.locking == 1:
		s.Encoding = TurkishBoth
	case h.locking == 1:
		s.Encoding = TurkishLocking
	case h.single == 1:
		s.Encoding = TurkishSingle
	}
	return s, nil
}
