package crm

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"
)

// EffectIDs makes the ids of effects under the id key of an installation. The
// key keeps a reader of an id from finding the phone number or the customer
// in it by trying all of them; it must never change, because the id is what
// keeps the same thing from being done twice. EffectIDs is safe for concurrent
// use.
type EffectIDs struct{ macs sync.Pool }

// effectMac is what one id is made with, pooled because an evening makes many.
type effectMac struct {
	h    hash.Hash
	text []byte
	sum  [sha256.Size]byte
}

// NewEffectIDs returns the ids of a key. It fails if the key is weak, see
// Secret.Check.
func NewEffectIDs(key Secret) (*EffectIDs, error) {
	if err := key.Check(); err != nil {
		return nil, &Error{Op: "make", Entity: "effect ids", Kind: ErrInvalid, Err: err}
	}
	secret := key.Reveal()
	x := &EffectIDs{}
	x.macs.New = func() any { return &effectMac{h: hmac.New(sha256.New, secret)} }
	return x, nil
}

// ID returns the id of the effect of a cause (rule or campaign) on a subject for
// one occurrence ("2025-03-01", an order's key, a step's name). About is the
// fact that the effect is about, if it is not the subject as a whole.
//
// It has 31 hexadecimal digits: three of the subject's part, which is known to
// everybody who knows the subject, and 28 of HMAC-SHA256 over the eight texts,
// each after its length.
func (x *EffectIDs) ID(cause string, subject Subject, about FactKey, occurrence string) EffectID {
	m := x.macs.Get().(*effectMac)
	kind, a, b := subject.Flat()
	m.text = m.text[:0]
	for _, s := range [...]string{cause, kind, a, b, string(about.Kind), about.Source, about.ID, occurrence} {
		m.text = binary.AppendUvarint(m.text, uint64(len(s)))
		m.text = append(m.text, s...)
	}
	m.h.Reset()
	m.h.Write(m.text)
	sum := m.h.Sum(m.sum[:0])
	const digits = "0123456789abcdef"
	part := subject.Part()
	var id [31]byte
	id[0], id[1], id[2] = digits[part>>8&15], digits[part>>4&15], digits[part&15]
	hex.Encode(id[3:], sum[:14])
	x.macs.Put(m)
	return EffectID(id[:])
}
