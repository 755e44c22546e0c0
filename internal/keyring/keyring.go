// Package keyring holds what every keyed value of this module rests on: which
// secrets are too weak to be used, and how the key of one purpose is derived
// from a secret.
package keyring

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// MinSecret is the smallest number of bytes of a secret.
const MinSecret = 32

// minDistinct is how many different bytes a secret has at least. Even of 32
// random hexadecimal digits fewer are different only once in 10^7 draws.
const minDistinct = 8

// ErrWeak is what Weak reports.
var ErrWeak = errors.New("weak secret")

// Weak reports a secret that cannot have been drawn at random: one that is
// shorter than MinSecret, repeats itself, counts up or down, or has fewer than
// eight different bytes. A nil error is no proof of strength. The error never
// holds the secret.
func Weak(b []byte) error {
	if len(b) < MinSecret {
		return fmt.Errorf("%w: it has %d bytes, at least %d random ones are needed", ErrWeak, len(b), MinSecret)
	}
	for period := 1; period <= len(b)/2; period++ {
		if repeats(b, period) {
			return fmt.Errorf("%w: it repeats itself after %d bytes", ErrWeak, period)
		}
	}
	var seen [256]bool
	distinct, steady := 0, true
	for i, c := range b {
		if !seen[c] {
			seen[c] = true
			distinct++
		}
		steady = steady && (i == 0 || c-b[i-1] == b[1]-b[0])
	}
	if steady {
		return fmt.Errorf("%w: its bytes count up or down", ErrWeak)
	}
	if distinct < minDistinct {
		return fmt.Errorf("%w: it has %d different bytes only", ErrWeak, distinct)
	}
	return nil
}

func repeats(b []byte, period int) bool {
	for i := period; i < len(b); i++ {
		if b[i] != b[i-period] {
			return false
		}
	}
	return true
}

// Derive returns the 32-byte key of a tenant and a purpose: HKDF-SHA256 of the
// secret without salt, with info "vefa/keys/1", the length of the tenant as 8
// bytes, the tenant and the purpose. Two pairs of tenant and purpose never
// share a key, and no derived key tells anything of the secret or of another.
func Derive(secret []byte, tenant, purpose string) []byte {
	info := binary.BigEndian.AppendUint64([]byte("vefa/keys/1"), uint64(len(tenant)))
	info = append(append(info, tenant...), purpose...)
	key, err := hkdf.Key(sha256.New, secret, nil, string(info), sha256.Size)
	if err != nil {
		// Not reached: 32 bytes are below HKDF's limit, and secrets that FIPS
		// mode refuses are shorter than MinSecret. An error must not become a
		// known key.
		return nil
	}
	return key
}
