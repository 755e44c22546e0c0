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

	"github.com/vefacrm/vefa/internal/keyring"
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
	ErrWeakKey   = errors.New("invite: weak key")
	ErrSigning   = errors.New("invite: the signing key cannot be retired")
)

// MaxKeys is the number of keys that can be in use at once; their ids are 0 to
// MaxKeys-1. A retired key's id can be used again when none of its tokens is
// in circulation.
const MaxKeys = 7

// MinSecret is the least length of a secret, in bytes. Draw them from
// crypto/rand: what repeats itself, counts or has few different bytes is refused.
const MinSecret = keyring.MinSecret

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
	if err := keyring.Weak(secret); err != nil {
		return fmt.Errorf("%w %d: %w", ErrWeakKey, key, err)
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
	tag := c.mac(forTag, key, secret, id)
	return encode(uint64(key), id^c.mac(forMask, key, secret, tag), tag), nil
}

// Parse gives the invitation's id. Errors: ErrMalformed, ErrUnknownKey,
// ErrForged. The time that comparing takes does not depend on the tag.
func (c *Codec) Parse(token string) (uint64, error) {
	key, hidden, got, ok := decode(token)
	if !ok || key >= MaxKeys {
		return 0, ErrMalformed
	}
	c.mu.RLock()
	secret := c.keys[key]
	c.mu.RUnlock()
	if secret == nil {
		return 0, ErrUnknownKey
	}
	id := hidden ^ c.mac(forMask, int(key), secret, got)
	var want, sent [8]byte
	binary.BigEndian.PutUint64(want[:], c.mac(forTag, int(key), secret, id))
	binary.BigEndian.PutUint64(sent[:], got)
	if subtle.ConstantTimeCompare(want[:], sent[:]) != 1 {
		return 0, ErrForged
	}
	return id, nil
}

// What a MAC is for. The tag authenticates the invitation's id; the mask, a
// function of the tag, hides it.
const (
	forTag  = "vefa/invite/2/tag"
	forMask = "vefa/invite/2/mask"
)

// mac returns the first 8 bytes of HMAC-SHA256 over what it is for, domain, key
// id and n. Each variable part has its length or a fixed size, and no purpose is
// the beginning of the other, so no two inputs read the same.
func (c *Codec) mac(purpose string, key int, secret []byte, n uint64) uint64 {
	mac := hmac.New(sha256.New, secret)
	buf := make([]byte, 0, len(purpose)+len(c.Domain)+17)
	buf = append(buf, purpose...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(c.Domain)))
	buf = append(buf, c.Domain...)
	buf = append(buf, byte(key))
	buf = binary.BigEndian.AppendUint64(buf, n)
	mac.Write(buf)
	var sum [sha256.Size]byte
	return binary.BigEndian.Uint64(mac.Sum(sum[:0]))
}
