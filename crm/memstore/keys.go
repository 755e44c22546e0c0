package memstore

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// Keys of trees sort like the records do: texts end with a zero byte, which no
// stored text contains, and numbers are big-endian.

// appendPart appends a part so that parts sort as numbers.
func appendPart(b []byte, p crm.Part) []byte { return binary.BigEndian.AppendUint16(b, uint16(p)) }

func partOf(key []byte) crm.Part { return crm.Part(binary.BigEndian.Uint16(key)) }

// appendText appends a text and the zero byte that ends it.
func appendText(b []byte, s string) []byte { return append(append(b, s...), 0) }

// cutText is the inverse of appendText; without a zero byte the text is all there is.
func cutText(s string) (text, rest string) {
	i := strings.IndexByte(s, 0)
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// storable reports whether a text may be part of a key. A query with a text
// that is not finds nothing.
func storable(texts ...string) bool {
	for _, s := range texts {
		if strings.IndexByte(s, 0) >= 0 {
			return false
		}
	}
	return true
}

// appendProfile appends the key of a profile: part, source, 0, id.
func appendProfile(b []byte, k crm.ProfileKey) []byte {
	return append(appendText(appendPart(b, k.Part()), k.Source), k.ID...)
}

// cutProfile reads a profile's key behind its part.
func cutProfile(s string) crm.ProfileKey {
	source, id := cutText(s)
	return crm.ProfileKey{Source: source, ID: id}
}

// appendAddress appends the key of an address: part, channel, 0, value.
func appendAddress(b []byte, a crm.Address) []byte {
	return append(appendText(appendPart(b, a.Part()), string(a.Channel)), a.Value...)
}

// appendFlat appends a subject without its part.
func appendFlat(b []byte, s crm.Subject) []byte {
	kind, x, y := s.Flat()
	b = append(b, kind...)
	return appendText(appendText(b, x), y)
}

// appendSubject appends a subject behind its part.
func appendSubject(b []byte, s crm.Subject) []byte { return appendFlat(appendPart(b, s.Part()), s) }

// cutSubject is the inverse of appendFlat.
func cutSubject(s string) (subject crm.Subject, rest string) {
	kind, s := s[:1], s[1:]
	x, s := cutText(s)
	y, s := cutText(s)
	return crm.SubjectOf(kind, x, y), s
}

// storableSubject is storable for the texts of a subject.
func storableSubject(s crm.Subject) bool {
	_, a, b := s.Flat()
	return storable(a, b)
}

// appendFactKey appends kind, 0, source, 0, id; the id ends with the key.
func appendFactKey(b []byte, k crm.FactKey) []byte {
	return append(appendText(appendText(b, string(k.Kind)), k.Source), k.ID...)
}

// appendCustomer writes a UUID in its usual form as 16 bytes and any other id
// as text; both forms end by themselves.
func appendCustomer(b []byte, id crm.CustomerID) []byte {
	var raw [16]byte
	if parseUUID(&raw, string(id)) {
		return append(append(b, 1), raw[:]...)
	}
	return appendText(append(b, 2), string(id))
}

// cutCustomer is the inverse of appendCustomer.
func cutCustomer(s string) (id crm.CustomerID, rest string) {
	if s == "" {
		return "", ""
	}
	if s[0] == 1 && len(s) >= 17 {
		return crm.CustomerID(formatUUID(s[1:17])), s[17:]
	}
	text, rest := cutText(s[1:])
	return crm.CustomerID(text), rest
}

// parseUUID reads the form of google/uuid. It is strict: what would not be written back the
// same is kept as text.
func parseUUID(to *[16]byte, s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	var digits [32]byte
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f': // capitals would not come back
			digits[n] = c
			n++
		default:
			return false
		}
	}
	_, err := hex.Decode(to[:], digits[:])
	return err == nil && n == 32
}

// formatUUID writes 16 bytes in the form that parseUUID reads.
func formatUUID(raw string) string {
	const digits = "0123456789abcdef"
	var b [36]byte
	n := 0
	for i := range len(raw) {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b[n] = '-'
			n++
		}
		b[n], b[n+1] = digits[raw[i]>>4], digits[raw[i]&15]
		n += 2
	}
	return string(b[:])
}

// effectKeyLen is the length of an effect's key: two bytes of the part, 14 of the hash.
const effectKeyLen = 16

// appendEffect writes an effect's id as its part and 14 bytes; ok is false for
// a text that is no effect's id.
func appendEffect(b []byte, id crm.EffectID) (key []byte, ok bool) {
	if id.Validate() != nil {
		return b, false
	}
	var raw [14]byte
	if _, err := hex.Decode(raw[:], []byte(id[3:])); err != nil {
		return b, false
	}
	return append(appendPart(b, id.Part()), raw[:]...), true
}

// effectID is the inverse of appendEffect.
func effectID(key []byte) crm.EffectID {
	const digits = "0123456789abcdef"
	var b [31]byte
	p := partOf(key)
	b[0], b[1], b[2] = digits[p>>8], digits[p>>4&15], digits[p&15]
	hex.Encode(b[3:], key[2:effectKeyLen])
	return crm.EffectID(b[:])
}
