package experiment

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"math"
	"sync"
)

const minSalt = 16

// Assigner says which units an experiment holds out. It is safe for concurrent use.
type Assigner struct {
	macs sync.Pool
}

// NewAssigner returns an assigner for a secret salt of at least 16 bytes; a
// shorter one is an error.
// The salt alone decides every assignment: keep it as long as an experiment counts.
func NewAssigner(salt []byte) (*Assigner, error) {
	if len(salt) < minSalt {
		return nil, errors.New("experiment: the salt is shorter than 16 bytes")
	}
	key := append([]byte(nil), salt...)
	a := &Assigner{}
	a.macs.New = func() any { return &mac{h: hmac.New(sha256.New, key)} }
	return a, nil
}

type mac struct {
	h   hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

// point returns where a unit lies on [0, 2^64) in an experiment: the first 8
// bytes of HMAC-SHA256(salt, length of experiment as 8 bytes ‖ experiment ‖
// unit), big-endian. The points of two experiments are independent.
func (a *Assigner) point(experiment, unit string) uint64 {
	m := a.macs.Get().(*mac)
	m.h.Reset()
	m.buf = binary.BigEndian.AppendUint64(m.buf[:0], uint64(len(experiment)))
	m.buf = append(m.buf, experiment...)
	m.buf = append(m.buf, unit...)
	m.h.Write(m.buf)
	p := binary.BigEndian.Uint64(m.h.Sum(m.sum[:0]))
	a.macs.Put(m)
	return p
}

// HeldOut reports whether a unit is among the given share of all units (0 to 1)
// that an experiment holds out. Raising the share holds out further units,
// lowering it releases some of them; none changes places. A share that is not
// positive, or not a number, holds out none; one of 1 or more all.
func (a *Assigner) HeldOut(experiment, unit string, share float64) bool {
	return share >= 1 || share > 0 && a.point(experiment, unit) < uint64(math.Ldexp(share, 64))
}

// Seed returns the first of the numbers that a unit draws by in an experiment: the same on every
// machine, and independent of those of others and of HeldOut.
func (a *Assigner) Seed(experiment, unit string) uint64 { return a.point("seed/"+experiment, unit) }
