package segment

import (
	"iter"
	"time"

	"github.com/vefacrm/vefa/segment/bitset"
)

// The kinds of causes.
const (
	causeTagSet      = "tag set"
	causeTagCleared  = "tag cleared"
	causeTagReplaced = "tag replaced"
	causePolarity    = "polarity"
	causeLeaf        = "leaf"
	causePredicate   = "predicate"
	causeDefinition  = "definition"
	causeJoined      = "joined"
	causeLeft        = "left"
	causeLoad        = "load"
)

// Cause says why a membership changed.
type Cause struct {
	// Kind is "tag set", "tag cleared", "tag replaced" (by SetTag), "polarity" (decided, or
	// come into effect), "leaf" (SetLeaf, SetField or SetPredicate), "predicate" (time
	// passed, or Touch), "definition", "joined", "left" (the population) or "load".
	Kind    string
	Name    string // the tag, the leaf, the field or the segment that was defined; else empty
	Version int    // of the definition, from 1; 0 for other kinds
	By      string // TagChange.By
}

// MembershipChange says that a customer entered or left a tracked segment.
type MembershipChange struct {
	Seq      uint64 // 1, 2, 3 … in this index, without gaps
	Segment  string
	Customer string    // empty if it was forgotten since
	ID       uint32    // dense id
	Entered  bool      // false: left
	At       time.Time // when it took effect: of the write, or when a polarity did
	Cause    Cause
}

// ChangeSet says that customers entered or left a tracked segment, at one moment
// and for one cause.
type ChangeSet struct {
	Seq     uint64 // of the first customer; the others follow by dense id
	Segment string
	Entered bool // false: left
	// At is when it took effect: of the write, or when a polarity did.
	At    time.Time
	Cause Cause
	IDs   *bitset.Set // dense ids, at least one; not to be changed
}

// Changes is what one write did to the tracked segments, in order, each change
// exactly once. Changes of many customers are kept as sets, so that a tag that
// turns red for millions costs little until somebody asks for every one of them.
// The zero value holds no change.
type Changes struct {
	list []change
	ids  *customerIDs
}

// change is a ChangeSet that needs no set for a single customer.
type change struct {
	seq      uint64
	segment  string
	customer string // if ids is nil
	at       time.Time
	cause    Cause
	ids      *bitset.Set // nil: id alone
	id       uint32
	entered  bool
}

// len is the number of customers that the change is about.
func (c *change) len() int {
	if c.ids == nil {
		return 1
	}
	return c.ids.Len()
}

// has reports whether the change is one of the given customer, and its number.
func (c *change) has(id uint32) bool {
	if c.ids == nil {
		return c.id == id
	}
	return c.ids.Contains(id)
}

// Len returns the number of membership changes.
func (c Changes) Len() int {
	n := 0
	for i := range c.list {
		n += c.list[i].len()
	}
	return n
}

// All yields the changes customer by customer. A customer who was forgotten
// since the write has no name any more.
func (c Changes) All() iter.Seq[MembershipChange] {
	return func(yield func(MembershipChange) bool) {
		for i := range c.list {
			if !c.list[i].each(c.ids, yield) {
				return
			}
		}
	}
}

// each yields the change customer by customer. Numbers go up by dense id, as the write
// counted them.
func (c *change) each(ids *customerIDs, yield func(MembershipChange) bool) bool {
	m := MembershipChange{
		Seq: c.seq, Segment: c.segment, Customer: c.customer, ID: c.id, Entered: c.entered, At: c.at, Cause: c.cause,
	}
	if c.ids == nil {
		return yield(m)
	}
	for id, customer := range ids.namesOf(c.ids) {
		m.ID, m.Customer = id, customer
		if !yield(m) {
			return false
		}
		m.Seq++
	}
	return true
}

// Sets yields the changes as sets.
func (c Changes) Sets() iter.Seq[ChangeSet] {
	return func(yield func(ChangeSet) bool) {
		for i := range c.list {
			d := &c.list[i]
			s := ChangeSet{Seq: d.seq, Segment: d.segment, Entered: d.entered, At: d.at, Cause: d.cause, IDs: d.ids}
			if s.IDs == nil {
				s.IDs = bitset.Of(d.id)
			}
			if !yield(s) {
				return
			}
		}
	}
}
