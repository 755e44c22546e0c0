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

// Arm is one side of an experiment.
type Arm string

// The arms of an experiment with a held-out group.
const (
	Treatment Arm = "treatment"
	Holdout   Arm = "holdout"
)

// MinSalt is the smallest number of bytes in a salt.
const MinSalt = 16

// Assigner assigns units to arms. It is safe for concurrent use.
type Assigner struct {
	macs sync.Pool
}

// NewAssigner returns an assigner for a secret salt of at least MinSalt bytes.
// Whoever keeps the salt keeps every assignment ever made.
func NewAssigner(salt []byte) (*Assigner, error) {
	if len(salt) < MinSalt {
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

// Point returns where a unit lies on [0, 2^64) in an experiment: the first 8
// bytes of HMAC-SHA256(salt, length of experiment as 8 bytes ‖ experiment ‖
// unit), big-endian. The points of two experiments are independent.
func (a *Assigner) Point(experiment, unit string) uint64 {
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

// Assign returns Holdout for the given share of all units (0 to 1) and
// Treatment for the others. Raising the share moves units from Treatment to
// Holdout only, lowering it the other way only. A share that is not positive
// holds nobody out; one of 1 or more, everybody.
func (a *Assigner) Assign(experiment, unit string, share float64) Arm {
	if share >= 1 {
		return Holdout
	}
	if !(share > 0) {
		return Treatment
	}
	if a.Point(experiment, unit) < uint64(math.Ldexp(share, 64)) {
		return Holdout
	}
	return Treatment
}
