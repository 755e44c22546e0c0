package invite

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// The errors of Parse, for errors.Is. They never hold the token.
var (
	ErrMalformed  = errors.New("invite: not a token")
	ErrUnknownKey = errors.New("invite: token of a key that is not in use")
	ErrForged     = errors.New("invite: token with a wrong tag")
)

// The errors of key handling, for errors.Is.
var (
	ErrNoKey     = errors.New("invite: no key to sign with")
	ErrKeyID     = errors.New("invite: key id out of range")
	ErrKeyExists = errors.New("invite: another key has this id")
	ErrWeakKey   = errors.New("invite: secret shorter than 16 bytes")
	ErrSigning   = errors.New("invite: the signing key cannot be retired")
)

// MaxKeys is the number of keys that can be in use at once; their ids are 0 to
// MaxKeys-1. A retired key's id can be used again when none of its tokens is
// in circulation.
const MaxKeys = 7

// MinSecret is the least length of a secret, in bytes. Use 32 random bytes.
const MinSecret = 16

// Codec mints and parses tokens. It is safe for concurrent use. The zero value
// has no key: Parse refuses everything and Mint fails.
type Codec struct {
	// Domain sets tokens of one purpose apart from those of another made with
	// the same secret, such as "survey" and "unsubscribe". Set it before the
	// first use. It may be empty.
	Domain string

	mu      sync.RWMutex
	keys    [MaxKeys][]byte
	signing int
	ready   bool // signing names a key
}

// New returns a codec that signs with key 0.
func New(domain string, secret []byte) (*Codec, error) {
	c := &Codec{Domain: domain}
	if err := c.Add(0, secret); err != nil {
		return nil, err
	}
	if err := c.Sign(0); err != nil {
		return nil, err
	}
	return c, nil
}

// Add makes the tokens of a key acceptable. It does not sign with it: first
// let every process that parses tokens know the key. Adding the same secret
// again changes nothing. Errors: ErrKeyID, ErrWeakKey, ErrKeyExists.
func (c *Codec) Add(key int, secret []byte) error {
	if err := inRange(key); err != nil {
		return err
	}
	if len(secret) < MinSecret {
		return fmt.Errorf("%w: key %d has %d", ErrWeakKey, key, len(secret))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.keys[key]; old != nil {
		if hmac.Equal(old, secret) {
			return nil
		}
		return fmt.Errorf("%w: %d", ErrKeyExists, key)
	}
	c.keys[key] = slices.Clone(secret)
	return nil
}

// Sign makes Mint use a key that was added. Errors: ErrKeyID, ErrUnknownKey.
func (c *Codec) Sign(key int) error {
	if err := inRange(key); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys[key] == nil {
		return fmt.Errorf("%w: %d", ErrUnknownKey, key)
	}
	c.signing, c.ready = key, true
	return nil
}

// Retire refuses the tokens of a key from now on. Retiring a key that is not
// in use changes nothing. Errors: ErrKeyID, ErrSigning.
func (c *Codec) Retire(key int) error {
	if err := inRange(key); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready && c.signing == key {
		return fmt.Errorf("%w: %d", ErrSigning, key)
	}
	c.keys[key] = nil
	return nil
}

func inRange(key int) error {
	if key < 0 || key >= MaxKeys {
		return fmt.Errorf("%w: %d is not in 0 to %d", ErrKeyID, key, MaxKeys-1)
	}
	return nil
}

// Mint makes the token of an invitation with the signing key. The same id and
// key give the same token. The error is ErrNoKey.
func (c *Codec) Mint(id uint64) (string, error) {
	c.mu.RLock()
	key, secret, ready := c.signing, c.keys[c.signing], c.ready
	c.mu.RUnlock()
	if !ready {
		return "", ErrNoKey
	}
	t := c.tag(key, secret, id)
	return encode(uint64(key), id, binary.BigEndian.Uint64(t[:])), nil
}

// Parse gives the invitation's id. Errors: ErrMalformed, ErrUnknownKey,
// ErrForged. The time that comparing takes does not depend on the tag.
func (c *Codec) Parse(token string) (uint64, error) {
	key, id, got, ok := decode(token)
	if !ok || key >= MaxKeys {
		return 0, ErrMalformed
	}
	c.mu.RLock()
	secret := c.keys[key]
	c.mu.RUnlock()
	if secret == nil {
		return 0, ErrUnknownKey
	}
	want := c.tag(int(key), secret, id)
	var sent [tagSize]byte
	binary.BigEndian.PutUint64(sent[:], got)
	if subtle.ConstantTimeCompare(want[:], sent[:]) != 1 {
		return 0, ErrForged
	}
	return id, nil
}

const (
	tagSize = 8
	version = "vefa/invite/1"
)

// tag authenticates version, domain, key id and invitation id. Each variable
// part has its length or a fixed size, so no two inputs read the same.
func (c *Codec) tag(key int, secret []byte, id uint64) [tagSize]byte {
	mac := hmac.New(sha256.New, secret)
	buf := make([]byte, 0, len(version)+len(c.Domain)+17)
	buf = append(buf, version...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(c.Domain)))
	buf = append(buf, c.Domain...)
	buf = append(buf, byte(key))
	buf = binary.BigEndian.AppendUint64(buf, id)
	mac.Write(buf)
	var sum [sha256.Size]byte
	return [tagSize]byte(mac.Sum(sum[:0])[:tagSize])
}
