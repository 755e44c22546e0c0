package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/vefacrm/vefa/crm"
)

// Hash is a SHA-256 value. It is written as 64 hexadecimal digits; the zero value stands
// for none.
type Hash [sha256.Size]byte

// HashText returns the hash of the text that somebody agreed to, byte for byte.
func HashText(text string) Hash { return sha256.Sum256([]byte(text)) }

// IsZero reports whether there is no hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns the hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns the hexadecimal digits, none for the zero value.
func (h Hash) MarshalText() ([]byte, error) {
	if h.IsZero() {
		return []byte{}, nil
	}
	return hex.AppendEncode(nil, h[:]), nil
}

// UnmarshalText is the inverse of MarshalText. Anything but 64 digits or none is crm.ErrInvalid.
func (h *Hash) UnmarshalText(text []byte) error {
	var out Hash
	if len(text) > 0 {
		if len(text) != 2*len(out) {
			return invalid("read", &crm.FieldError{Field: "hash", Msg: fmt.Sprintf("has %d characters, not %d", len(text), 2*len(out))})
		}
		if _, err := hex.Decode(out[:], text); err != nil {
			return invalid("read", &crm.FieldError{Field: "hash", Msg: "is not hexadecimal"})
		}
	}
	*h = out
	return nil
}

// Tag is the first half of a Hash, enough to tell things of one chain apart.
type Tag [16]byte

func (t Tag) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, t[:]), nil }

func (t *Tag) UnmarshalText(text []byte) error {
	if len(text) != 2*len(t) {
		return invalid("read", &crm.FieldError{Field: "tag", Msg: fmt.Sprintf("has %d characters, not %d", len(text), 2*len(t))})
	}
	if _, err := hex.Decode(t[:], text); err != nil {
		return invalid("read", &crm.FieldError{Field: "tag", Msg: "is not hexadecimal"})
	}
	return nil
}

func (t Tag) isZero() bool { return t == Tag{} }

// mac is HMAC-SHA256 over a purpose and parts, each with its length.
func mac(key []byte, purpose string, parts ...string) Hash {
	h := hmac.New(sha256.New, key)
	buf := appendText(nil, purpose)
	for _, p := range parts {
		buf = appendText(buf, p)
	}
	h.Write(buf)
	return Hash(h.Sum(nil))
}

// appendText writes a text with its length in four bytes, the highest first.
func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func invalid(op string, err error) error {
	return &crm.Error{Op: op, Entity: "consent", Kind: crm.ErrInvalid, Err: err}
}
