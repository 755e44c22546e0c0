package invite

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	"github.com/vefacrm/vefa/internal/keyring"
	"github.com/vefacrm/vefa/internal/token"
)

// What can be wrong with a token or a key, for errors.Is. None holds the token.
var (
	// ErrMalformed: the text is no token.
	ErrMalformed = token.ErrMalformed
	// ErrUnknownKey: the token's key was retired or never added.
	ErrUnknownKey = token.ErrUnknownKey
	// ErrForged: the token was not made with that key, or for another Domain.
	ErrForged = token.ErrForged
	// ErrKey: a key cannot be added, signed with or retired, or there is none to sign with.
	ErrKey = token.ErrKey
)

// MaxKeys is the number of keys that can be in use at once; their ids are 0 to
// MaxKeys-1. A retired key's id can be used again when none of its tokens is
// in circulation.
const MaxKeys = 7

// tokenSize is the number of characters of every token. 62^22 is 7.95 times 2^128:
// beside id and tag there is room for a key id of 0 to 6.
const tokenSize = 22

// Codec mints and parses tokens. It is safe for concurrent use. The zero value
// has no key: Parse refuses everything and Mint fails.
type Codec struct {
	// Domain sets tokens of one purpose apart from those of another made with
	// the same secret, such as "survey" and "unsubscribe". Set it before the
	// first use. It may be empty.
	Domain string

	ring token.Ring[[]byte] // secrets
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

// Add makes the tokens of a key acceptable. It does not sign with it: first let every
// process that parses tokens know the key. Adding the same secret again changes nothing.
// It fails with ErrKey for an id that is out of range or another secret's, and for a secret
// of less than 32 bytes, or one that repeats itself, counts or has few different bytes:
// draw them from crypto/rand.
func (c *Codec) Add(key int, secret []byte) error {
	if err := inRange(key); err != nil {
		return err
	}
	if err := keyring.Weak(secret); err != nil {
		return fmt.Errorf("%w: %d: %w", ErrKey, key, err)
	}
	if old := c.ring.Key(key); old != nil && hmac.Equal(*old, secret) {
		return nil
	}
	secret = slices.Clone(secret)
	return c.ring.Add(key, &secret)
}

// Sign makes Mint use a key that was added. It fails with ErrKey for another one.
func (c *Codec) Sign(key int) error { return c.ring.Sign(key) }

// Retire refuses the tokens of a key from now on. Retiring a key that is not in use changes
// nothing. It fails with ErrKey for the key that signs and for an id that is out of range.
func (c *Codec) Retire(key int) error {
	if err := inRange(key); err != nil {
		return err
	}
	return c.ring.Retire(key)
}

func inRange(key int) error {
	if key < 0 || key >= MaxKeys {
		return fmt.Errorf("%w: id %d is not in 0 to %d", ErrKey, key, MaxKeys-1)
	}
	return nil
}

// Mint makes the token of an invitation with the signing key. The same id and key give the
// same token. It fails with ErrKey where no key signs.
func (c *Codec) Mint(id uint64) (string, error) {
	key, secret := c.ring.Signer()
	if secret == nil {
		return "", fmt.Errorf("%w: there is none to sign with", ErrKey)
	}
	h := hmac.New(sha256.New, *secret)
	tag := c.mac(h, forTag, key, id)
	h.Reset()
	var text [tokenSize]byte
	token.Number{uint64(key), id ^ c.mac(h, forMask, key, tag), tag}.Put(text[:])
	return string(text[:]), nil
}

// Parse gives the invitation's id. It fails with ErrMalformed, ErrUnknownKey or ErrForged.
// The time that comparing takes does not depend on the tag.
func (c *Codec) Parse(text string) (uint64, error) {
	n, ok := token.Number{}, false
	if len(text) == tokenSize {
		n, ok = token.Parse(text)
	}
	if !ok || n[0] >= MaxKeys {
		return 0, ErrMalformed
	}
	secret := c.ring.Key(int(n[0]))
	if secret == nil {
		return 0, ErrUnknownKey
	}
	h := hmac.New(sha256.New, *secret)
	id := n[1] ^ c.mac(h, forMask, int(n[0]), n[2])
	h.Reset()
	var want, sent [8]byte
	binary.BigEndian.PutUint64(want[:], c.mac(h, forTag, int(n[0]), id))
	binary.BigEndian.PutUint64(sent[:], n[2])
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

// mac returns the first 8 bytes of HMAC-SHA256, by h, which is reset, over what it is for, domain, key
// id and n. Each variable part has its length or a fixed size, and no purpose is
// the beginning of the other, so no two inputs read the same.
func (c *Codec) mac(h hash.Hash, purpose string, key int, n uint64) uint64 {
	buf := make([]byte, 0, len(purpose)+len(c.Domain)+17)
	buf = append(buf, purpose...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(c.Domain)))
	buf = append(buf, c.Domain...)
	buf = append(buf, byte(key))
	buf = binary.BigEndian.AppendUint64(buf, n)
	h.Write(buf)
	var sum [sha256.Size]byte
	return binary.BigEndian.Uint64(h.Sum(sum[:0]))
}
