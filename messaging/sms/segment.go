package sms

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reference is the number that the segments of one message share. Use another
// for each message to the same number.
type Reference struct {
	Number uint16 // only its low 8 bits if not Wide
	Wide   bool   // 16 bits
}

// Segment is one short message.
type Segment struct {
	Encoding Encoding
	Header   []byte // the user data header with its length octet; nil if there is none
	// Body holds septets, one per octet, or for UCS2 big-endian octets: what
	// SMPP takes after the header.
	Body []byte
}

// UserData returns the segment as it goes over the air: header, then the body,
// for 7-bit encodings packed from the next septet boundary on (3GPP TS 23.040
// 9.2.3.24). The length is in septets for 7-bit encodings, header included, and
// in octets for UCS2. There are at most 140 octets.
func (s Segment) UserData() (octets []byte, length int) {
	if s.Encoding == UCS2 {
		octets = append(append(octets, s.Header...), s.Body...)
		return octets, len(octets)
	}
	septets := (len(s.Header)*8 + 6) / 7
	length = septets + len(s.Body)
	octets = make([]byte, max(len(s.Header), (length*7+7)/8))
	copy(octets, s.Header)
	for i, v := range s.Body {
		bit := (septets + i) * 7
		octets[bit/8] |= v << (bit % 8)
		if bit%8 > 1 {
			octets[bit/8+1] |= v >> (8 - bit%8)
		}
	}
	return octets, length
}

// Encode returns the segments of text, the fewest that the encoding allows. No
// escape pair, no surrogate pair, and where it costs no further segment no
// combined character and no web address is split between two of them. The error
// is ErrText, a *CharacterError, or ErrTooLong beyond 255 segments.
func Encode(text string, e Encoding, ref Reference) ([]Segment, error) {
	count, err := e.count(text, ref.Wide)
	if err != nil {
		return nil, err
	}
	if count.Segments > 255 {
		return nil, fmt.Errorf("%w: %d, at most 255 can be numbered", ErrTooLong, count.Segments)
	}
	parts := []string{text}
	if count.Segments > 1 {
		parts = e.cut(text, ref.Wide, count.Segments)
	}
	out := make([]Segment, len(parts))
	for i, p := range parts {
		out[i] = Segment{Encoding: e, Header: e.segmentHeader(ref, i+1, len(parts)), Body: e.body(p)}
	}
	return out, nil
}

// segmentHeader writes the user data header of one segment: concatenation with an 8 or a 16 bit
// reference, and the national tables.
func (e Encoding) segmentHeader(ref Reference, number, of int) []byte {
	h := []byte{0}
	if of > 1 && ref.Wide {
		h = append(h, 8, 4, byte(ref.Number>>8), byte(ref.Number), byte(of), byte(number))
	} else if of > 1 {
		h = append(h, 0, 3, byte(ref.Number), byte(of), byte(number))
	}
	h = append(h, e.header()...)
	if len(h) == 1 {
		return nil
	}
	h[0] = byte(len(h) - 1)
	return h
}

// body writes the text of one segment.
func (e Encoding) body(text string) []byte {
	var b []byte
	for _, r := range text {
		switch {
		case e != UCS2:
			c := tables[e].code(r)
			if c.cost == 2 {
				b = append(b, escape)
			}
			b = append(b, c.septet)
		case r >= 0x10000:
			r -= 0x10000
			hi, lo := 0xD800|r>>10, 0xDC00|r&0x3FF
			b = append(b, byte(hi>>8), byte(hi), byte(lo>>8), byte(lo))
		default:
			b = append(b, byte(r>>8), byte(r))
		}
	}
	return b
}

// cut splits text into n parts: first keeping combined characters and web
// addresses whole, then only the former, then nothing but codes.
func (e Encoding) cut(text string, wide bool, n int) []string {
	for _, keep := range []func(string, int) bool{insideWhole, insideCluster} {
		if parts := e.greedy(text, wide, keep); len(parts) == n {
			return parts
		}
	}
	return e.greedy(text, wide, nil)
}

// greedy fills each part as far as it goes, breaking only where keep (asked for
// a byte offset) does not object; a stretch without such a place is broken
// anywhere.
func (e Encoding) greedy(text string, wide bool, keep func(string, int) bool) []string {
	limit := e.capacity(true, wide)
	var parts []string
	start, used := 0, 0      // of the current part
	good, after := 0, 0      // the last place to break, and the units before it
	for i, r := range text { // text is valid
		if keep == nil || i == start || !keep(text, i) {
			good, after = i, used
		}
		cost := e.cost(r)
		if used+cost > limit {
			if good == start {
				good, after = i, used
			}
			parts = append(parts, text[start:good])
			start, used = good, used-after
			after = 0
		}
		used += cost
	}
	return append(parts, text[start:])
}

// insideCluster reports that a break before byte i would part a character from
// its marks, two joined characters, or the halves of a flag.
func insideCluster(text string, i int) bool {
	r, _ := utf8.DecodeRuneInString(text[i:])
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	const joiner = 0x200D
	switch {
	case unicode.Is(unicode.M, r), r == joiner, before == joiner, r >= 0x1F3FB && r <= 0x1F3FF, before == '\r' && r == '\n':
		return true
	case regional(r):
		n := 0
		for end := i; end > 0; n++ {
			b, size := utf8.DecodeLastRuneInString(text[:end])
			if !regional(b) {
				break
			}
			end -= size
		}
		return n%2 == 1
	}
	return false
}

// regional reports the letters of which flags are made of two; cut apart they are two letters.
func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// insideWhole is insideCluster, and reports breaks within a web address too.
func insideWhole(text string, i int) bool {
	if insideCluster(text, i) {
		return true
	}
	const longest = 2048
	from := strings.LastIndexAny(text[max(0, i-longest):i], " \n\r\t") + 1 + max(0, i-longest)
	if from == i || text[i] == ' ' || text[i] == '\n' {
		return false
	}
	return strings.HasPrefix(text[from:], "https://") || strings.HasPrefix(text[from:], "http://")
}
