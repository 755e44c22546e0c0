package crm

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/vefacrm/vefa/internal/keyring"
)

// ErrWeakSecret is what Secret.Check reports.
var ErrWeakSecret = keyring.ErrWeak

// redacted is how every secret is written.
const redacted = "[redacted]"

// Secret is a key that does not print: fmt, log/slog, encoding/json and what
// else asks a value for its text write "[redacted]". The bytes are kept in a
// function, because printers that reflect on unexported fields do not ask. The
// zero value is no secret.
type Secret struct{ open func() []byte }

// NewSecret returns a secret with a copy of the bytes. Check says whether they
// are fit for use; NewSecret accepts all.
func NewSecret(b []byte) Secret {
	if len(b) == 0 {
		return Secret{}
	}
	b = bytes.Clone(b)
	return Secret{func() []byte { return b }}
}

// ParseSecret returns the secret that a text of hexadecimal digits or of base64
// (standard or URL alphabet, padded or not) stands for. A text that is both is
// hexadecimal. The error does not hold the text.
func ParseSecret(text string) (Secret, error) {
	if b, err := hex.DecodeString(text); err == nil && len(b) > 0 {
		return NewSecret(b), nil
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := e.Strict().DecodeString(text); err == nil && len(b) > 0 {
			return NewSecret(b), nil
		}
	}
	return Secret{}, &Error{Op: "parse", Entity: "secret", Kind: ErrInvalid, Err: fieldError("secret", "is neither hexadecimal nor base64")}
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.open == nil }

// Reveal returns a copy of the bytes, for a key that this package does not
// derive. Keep it out of structs that are printed.
func (s Secret) Reveal() []byte {
	if s.open == nil {
		return nil
	}
	return bytes.Clone(s.open())
}

// equal reports whether two secrets are the same, in a time that does not
// depend on where they differ.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare(s.Reveal(), o.Reveal()) == 1
}

// Check reports a secret that cannot have been drawn at random, as an error
// that is ErrWeakSecret: shorter than 32 bytes, repeating itself, counting, or
// of fewer than eight different bytes. Nil is no proof of strength: draw 32
// bytes from crypto/rand.
func (s Secret) Check() error {
	if s.open == nil {
		return fmt.Errorf("%w: there is none", ErrWeakSecret)
	}
	return keyring.Weak(s.open())
}

// Derive returns the secret of a tenant and a purpose, 32 bytes of
// HKDF-SHA256. Two pairs of tenant and purpose never share one, and none tells
// anything of another. The zero Secret gives the zero Secret.
func (s Secret) Derive(tenant, purpose string) Secret {
	if s.open == nil {
		return Secret{}
	}
	return NewSecret(keyring.Derive(s.open(), tenant, purpose))
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// Format writes "[redacted]" for every verb, %#v among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]": what was marshalled cannot be read again. The
// handlers of log/slog and encoding/json write what it returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText is ParseSecret, for configuration files.
func (s *Secret) UnmarshalText(text []byte) error {
	x, err := ParseSecret(string(text))
	if err == nil {
		*s = x
	}
	return err
}
