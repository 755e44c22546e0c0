package link

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/internal/token"
)

// Errors of a Codec. Match them with errors.Is.
var (
	// ErrMalformed: the text cannot be a token.
	ErrMalformed = token.ErrMalformed
	// ErrForged: the tag does not fit, or the token is of another purpose.
	ErrForged = token.ErrForged
	// ErrUnknownKey: the token's key was retired or never known.
	ErrUnknownKey = token.ErrUnknownKey
	// ErrRange: an id is 2^39 or larger, or a purpose is not usable.
	ErrRange = errors.New("link: out of range")
	// ErrKey: a key cannot be added, signed with or retired.
	ErrKey = token.ErrKey
)

const (
	tokenLen = 14        // characters
	maxID    = 1<<39 - 1 // what a token has room for
	// maxPurpose bounds the purpose, so that the tag's input fits a buffer.
	maxPurpose = 64
)

// Purposes that the library itself uses. A token of one purpose is forged for
// every other.
const (
	PurposeClick       = "click"
	PurposeUnsubscribe = "unsubscribe"
	PurposePreference  = "preference"
	PurposeSurvey      = "survey"
)

// Key is one secret. Its id stands in every token that was made with it.
type Key struct {
	ID     uint8      // 0 to 15
	Secret crm.Secret // at least MinSecret bytes, see crm.Secret.Check
}

// Codec makes and reads tokens. Keys rotate: Add a new one everywhere, then
// SignWith it, then Retire the old one when the last link made with it may die.
// A Codec is safe for concurrent use.
type Codec struct{ ring token.Ring[material] }

// material is what is derived from a key.
type material struct {
	id     uint8
	round  cipher.Block // the permutation's round function
	states sync.Pool
}

// state is what one Mint or Parse works with, pooled so that none allocates.
type state struct {
	mac   hash.Hash
	block [aes.BlockSize]byte
	buf   [32 + maxPurpose]byte
	sum   [sha256.Size]byte
}

// NewCodec returns a codec that knows the keys and signs with the first one.
func NewCodec(keys ...Key) (*Codec, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: at least one is needed", ErrKey)
	}
	c := &Codec{}
	var faults []error
	for _, k := range keys {
		faults = append(faults, c.Add(k))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return c, c.SignWith(keys[0].ID)
}

// Add makes a key known: tokens made with it elsewhere are accepted from now
// on. An id that is in use is refused.
func (c *Codec) Add(k Key) error {
	if err := k.Secret.Check(); err != nil {
		return fmt.Errorf("%w %d: %w", ErrKey, k.ID, err)
	}
	secret := k.Secret.Reveal()
	block, err := aes.NewCipher(derive(secret, "vefa/link/permute/1")[:16])
	if err != nil {
		return fmt.Errorf("%w %d: %w", ErrKey, k.ID, err)
	}
	tagKey := derive(secret, "vefa/link/tag/1")
	m := &material{id: k.ID, round: block}
	m.states.New = func() any { return &state{mac: hmac.New(sha256.New, tagKey)} }
	return c.ring.Add(int(k.ID), m)
}

func derive(secret []byte, label string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(label))
	return h.Sum(nil)
}

// SignWith makes new tokens with a known key from now on.
func (c *Codec) SignWith(id uint8) error { return c.ring.Sign(int(id)) }

// Retire forgets a key: every token made with it fails from now on. The key that signs,
// and one that is not known, cannot be retired: that is an ErrKey.
func (c *Codec) Retire(id uint8) error {
	if c.ring.Key(int(id)) == nil {
		return fmt.Errorf("%w: %d: %w", ErrKey, id, ErrUnknownKey)
	}
	return c.ring.Retire(int(id))
}

// Mint returns the token of an id below 2^39 for a purpose (1 to 64 bytes).
// The same id, purpose and key give the same token.
func (c *Codec) Mint(purpose string, id uint64) (string, error) {
	if id > maxID {
		return "", fmt.Errorf("%w: id %d", ErrRange, id)
	}
	if purpose == "" || len(purpose) > maxPurpose {
		return "", fmt.Errorf("%w: purpose of %d bytes", ErrRange, len(purpose))
	}
	_, m := c.ring.Signer()
	s := m.states.Get().(*state)
	hidden := m.permute(s, id)
	tag := m.tag(s, purpose, hidden)
	m.states.Put(s)
	// 83 bits from the top: tag (40), hidden id (39), key id (4).
	var text [tokenLen]byte
	token.Number{0, tag >> 21, tag<<43 | hidden<<4 | uint64(m.id)}.Put(text[:])
	return string(text[:]), nil
}

// Parse returns the id of a token of a purpose. The error is ErrMalformed,
// ErrUnknownKey or ErrForged, without the token: tokens are not for logs.
func (c *Codec) Parse(purpose, text string) (uint64, error) {
	v, err := c.verify(purpose, text)
	if err != nil {
		return 0, err
	}
	return v.id(), nil
}

// verified is a token whose tag fits.
type verified struct {
	m      *material
	hidden uint64
}

// number tells tokens of one purpose apart: it is the hidden id and that of the key.
func (v verified) number() uint64 { return v.hidden<<4 | uint64(v.m.id) }

// id is what the token says.
func (v verified) id() uint64 {
	s := v.m.states.Get().(*state)
	id := v.m.restore(s, v.hidden)
	v.m.states.Put(s)
	return id
}

// verify is Parse without the id, which takes as long as the rest.
func (c *Codec) verify(purpose, text string) (verified, error) {
	if len(text) != tokenLen || purpose == "" || len(purpose) > maxPurpose {
		return verified{}, ErrMalformed
	}
	n, ok := token.Parse(text)
	hi, lo := n[1], n[2]
	if !ok || hi >= 1<<19 { // more than 83 bits
		return verified{}, ErrMalformed
	}
	m := c.ring.Key(int(lo & 15))
	if m == nil {
		return verified{}, ErrUnknownKey
	}
	hidden := lo >> 4 & maxID
	s := m.states.Get().(*state)
	want := m.tag(s, purpose, hidden)
	m.states.Put(s)
	var a, b [8]byte
	binary.BigEndian.PutUint64(a[:], want)
	binary.BigEndian.PutUint64(b[:], hi<<21|lo>>43)
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return verified{}, ErrForged
	}
	return verified{m, hidden}, nil
}

// numbers are those of all tokens of an id.
func (c *Codec) numbers(id uint64) []uint64 {
	var out []uint64
	for k := range token.MaxKeys {
		if m := c.ring.Key(k); m != nil && id <= maxID {
			s := m.states.Get().(*state)
			out = append(out, verified{m, m.permute(s, id)}.number())
			m.states.Put(s)
		}
	}
	return out
}

// tag is the first 40 bits of HMAC-SHA256(label, key id, length of the purpose,
// purpose, hidden id).
func (m *material) tag(s *state, purpose string, hidden uint64) uint64 {
	b := append(s.buf[:0], "vefa/link/1"...)
	b = append(b, m.id, byte(len(purpose)))
	b = append(b, purpose...)
	b = binary.BigEndian.AppendUint64(b, hidden)
	s.mac.Reset()
	s.mac.Write(b)
	return binary.BigEndian.Uint64(s.mac.Sum(s.sum[:0])) >> 24
}

// The permutation is an alternating Feistel network over 20 and 19 bits with
// AES as round function. Eight rounds hide order and volume; nothing rests on
// it but that.
const (
	rounds   = 8
	highMask = 1<<20 - 1
	lowMask  = 1<<19 - 1
)

func (m *material) permute(s *state, id uint64) uint64 {
	high, low := uint32(id>>19), uint32(id)&lowMask
	for r := byte(0); r < rounds; r += 2 {
		high ^= m.mix(s, r, low) & highMask
		low ^= m.mix(s, r+1, high) & lowMask
	}
	return uint64(high)<<19 | uint64(low)
}

func (m *material) restore(s *state, hidden uint64) uint64 {
	high, low := uint32(hidden>>19), uint32(hidden)&lowMask
	for r := byte(rounds); r > 0; r -= 2 {
		low ^= m.mix(s, r-1, high) & lowMask
		high ^= m.mix(s, r-2, low) & highMask
	}
	return uint64(high)<<19 | uint64(low)
}

func (m *material) mix(s *state, round byte, half uint32) uint32 {
	s.block = [aes.BlockSize]byte{round}
	binary.BigEndian.PutUint32(s.block[1:], half)
	m.round.Encrypt(s.block[:], s.block[:])
	return binary.BigEndian.Uint32(s.block[:])
}
