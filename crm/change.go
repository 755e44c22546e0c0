package crm

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// ChangeKind says what sort of record changed.
type ChangeKind string

// The kinds of changes.
const (
	ChangedProfile ChangeKind = "profile"
	ChangedLink    ChangeKind = "link"
	ChangedFact    ChangeKind = "fact"
)

// Change is one entry of the change feed: something about Subject changed.
// Within a part changes come in the order in which they were committed,
// numbered 1, 2, … without a gap. Readers look at the record itself, so an
// entry says where, not what.
type Change struct {
	Part Part
	// Seq numbers the changes of a part from 1, in commit order and without a gap.
	Seq     uint64
	Kind    ChangeKind
	Subject Subject
	Fact    FactKey // of a changed fact
	// At is roughly when, for people: a store's own clock or the time that the
	// record bears. Order is Seq's business.
	At time.Time
}

// Position is how far a consumer has read. It is opaque: it holds one number
// per part. The empty Position is the beginning.
type Position string

// PartPositions is a Position taken apart, for stores.
type PartPositions [Parts]uint64

// Position packs the numbers.
func (p *PartPositions) Position() Position {
	var buf []byte
	last := -1
	for i, n := range p {
		if n != 0 {
			buf = binary.AppendUvarint(buf, uint64(i-last))
			buf = binary.AppendUvarint(buf, n)
			last = i
		}
	}
	return Position(base64.RawURLEncoding.EncodeToString(buf))
}

// Parts takes the position apart. A text that no Position has is ErrInvalid.
func (p Position) Parts() (*PartPositions, error) {
	bad := &Error{Op: "read", Entity: "position", Kind: ErrInvalid}
	buf, err := base64.RawURLEncoding.DecodeString(string(p))
	if err != nil {
		return nil, bad
	}
	out := new(PartPositions)
	for i := -1; len(buf) > 0; {
		step, n := binary.Uvarint(buf)
		if n <= 0 || step == 0 || step > Parts {
			return nil, bad
		}
		buf = buf[n:]
		v, n := binary.Uvarint(buf)
		if n <= 0 || v == 0 {
			return nil, bad
		}
		buf = buf[n:]
		if i += int(step); i >= Parts {
			return nil, bad
		}
		out[i] = v
	}
	return out, nil
}
