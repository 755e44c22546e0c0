package bitset

import (
	"iter"
	"slices"
	"sync/atomic"
)

// Set is a compressed set of dense ids (0 … 4,294,967,295). Per chunk of 65,536
// ids it keeps an array, a bitmap or runs, whichever is small.
//
// The zero value is an empty set. Any number of goroutines may read a Set and
// Clone it at the same time; changing it needs exclusion, as with a map. Do not
// copy a Set by value; use Clone.
type Set struct {
	keys []uint16 // high halves of the ids, ascending
	cs   []container
	own  atomic.Pointer[owner]
}

// Of returns a set of the given ids, in any order, repeated or not.
func Of(ids ...uint32) *Set {
	s := new(Set)
	for _, id := range ids {
		s.Add(id)
	}
	return s
}

// find returns the place of key, or the place where it belongs.
func (s *Set) find(key uint16) (int, bool) {
	// Ids are dense, so the usual set has every chunk from 0 on.
	if int(key) < len(s.keys) && s.keys[key] == key {
		return int(key), true
	}
	return slices.BinarySearch(s.keys, key)
}

// at returns the members with the high half key, nil if there are none; they
// must not be changed.
func (s *Set) at(key uint16) *container {
	if int(key) < len(s.keys) && s.keys[key] == key {
		return &s.cs[key]
	}
	return s.search(key)
}

// search returns the container of a chunk, nil if the set has nothing there.
func (s *Set) search(key uint16) *container {
	if i, ok := slices.BinarySearch(s.keys, key); ok {
		return &s.cs[i]
	}
	return nil
}

// chunk returns the members with the high half key; the result must not be changed.
func (s *Set) chunk(key uint16) container {
	if i, ok := s.find(key); ok {
		return s.cs[i]
	}
	return container{}
}

// token is what marks containers that the set alone has and may change in place; a clone
// makes both sets take another.
func (s *Set) token() *owner {
	o := s.own.Load()
	if o == nil {
		o = new(owner)
		s.own.Store(o)
	}
	return o
}

// Add inserts id and reports whether it was absent.
func (s *Set) Add(id uint32) bool {
	key, v := uint16(id>>16), uint16(id)
	i, ok := s.find(key)
	if !ok {
		s.keys = slices.Insert(s.keys, i, key)
		s.cs = slices.Insert(s.cs, i, container{owner: s.token(), arr: []uint16{v}, n: 1})
		return true
	}
	c := &s.cs[i]
	if o := s.token(); c.owner != o {
		if c.has(v) {
			return false
		}
		c.own(o)
	}
	return c.add(v)
}

// AddRange inserts first … last, both included. It does nothing if first > last.
func (s *Set) AddRange(first, last uint32) {
	if first > last {
		return
	}
	for key := first >> 16; key <= last>>16; key++ {
		lo, hi := uint16(0), uint16(chunkSize-1)
		if key == first>>16 {
			lo = uint16(first)
		}
		if key == last>>16 {
			hi = uint16(last)
		}
		run := container{owner: s.token(), kind: kindRun, arr: []uint16{lo, hi}, n: int32(hi) - int32(lo) + 1}
		i, ok := s.find(uint16(key))
		if !ok {
			s.keys = slices.Insert(s.keys, i, uint16(key))
			s.cs = slices.Insert(s.cs, i, run)
			continue
		}
		b := new(bitmap)
		s.cs[i].orInto(b)
		b.setRange(lo, hi)
		merged := container{owner: s.token(), kind: kindBitmap, bits: b, n: b.count()}
		merged.shrink()
		s.cs[i] = merged
	}
}

// Remove deletes id and reports whether it was present.
func (s *Set) Remove(id uint32) bool {
	i, ok := s.find(uint16(id >> 16))
	if !ok {
		return false
	}
	c, v := &s.cs[i], uint16(id)
	if o := s.token(); c.owner != o {
		if !c.has(v) {
			return false
		}
		c.own(o)
	}
	gone := c.remove(v)
	if c.n == 0 {
		s.keys = slices.Delete(s.keys, i, i+1)
		s.cs = slices.Delete(s.cs, i, i+1)
	}
	return gone
}

// Contains reports whether id is a member.
func (s *Set) Contains(id uint32) bool {
	c := s.at(uint16(id >> 16))
	return c != nil && c.has(uint16(id))
}

// Len returns the number of members.
func (s *Set) Len() int {
	n := 0
	for i := range s.cs {
		n += int(s.cs[i].n)
	}
	return n
}

// Rank returns the number of members that are not greater than id.
func (s *Set) Rank(id uint32) int {
	key, n := uint16(id>>16), 0
	for i := range s.cs {
		switch {
		case s.keys[i] < key:
			n += int(s.cs[i].n)
		case s.keys[i] == key:
			n += s.cs[i].rank(uint16(id))
		}
	}
	return n
}

// IsEmpty reports whether the set has no member.
func (s *Set) IsEmpty() bool { return len(s.cs) == 0 }

// All yields the members in ascending order. The set must not change meanwhile.
func (s *Set) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for i := range s.cs {
			base := uint32(s.keys[i]) << 16
			if !s.cs[i].each(func(v uint16) bool { return yield(base | uint32(v)) }) {
				return
			}
		}
	}
}

// Clone returns a set with the same members. It shares the chunks: the first
// change to a chunk, on either side, copies that chunk only (8 KB at most).
func (s *Set) Clone() *Set {
	s.own.Store(nil) // from now on the receiver owns nothing either
	return &Set{keys: slices.Clone(s.keys), cs: slices.Clone(s.cs)}
}

// Equal reports whether both sets have the same members.
func (s *Set) Equal(t *Set) bool {
	if !slices.Equal(s.keys, t.keys) {
		return false
	}
	for i := range s.cs {
		if !s.cs[i].equal(&t.cs[i]) {
			return false
		}
	}
	return true
}

// Compact puts every chunk in its smallest form and returns spare memory. Call
// it after a bulk load; it changes no member.
func (s *Set) Compact() {
	o := s.token()
	for i := range s.cs {
		s.cs[i].own(o)
		s.cs[i].shrink()
	}
	s.keys, s.cs = slices.Clip(s.keys), slices.Clip(s.cs)
}

// Bytes returns the approximate heap size of the set in bytes. Chunks shared
// with clones are counted in each.
func (s *Set) Bytes() int {
	n := 2*cap(s.keys) + 48*cap(s.cs)
	for i := range s.cs {
		n += 2 * cap(s.cs[i].arr)
		if s.cs[i].kind == kindBitmap {
			n += 8 * bitmapLen
		}
	}
	return n
}

// Within reports whether all ids of s are in t.
func (s *Set) Within(t *Set) bool {
	var c combiner
	for i, key := range s.keys {
		j, ok := t.find(key)
		if !ok || s.cs[i].n > t.cs[j].n || c.countIn(t.cs[j], s.cs[i]) != int(s.cs[i].n) {
			return false
		}
	}
	return true
}

// put appends a chunk that the evaluator computed; keys arrive in ascending
// order. The payload is copied, because c may live in scratch space.
func (s *Set) put(key uint16, c container) {
	if c.n == 0 {
		return
	}
	o := s.token()
	switch {
	case c.kind == kindBitmap && c.n <= maxArray:
		c.toArray()
	case c.kind == kindBitmap:
		b := *c.bits
		c.bits = &b
	default:
		c.arr = slices.Clone(c.arr)
	}
	if c.kind == kindArray && c.n > maxArray {
		c.toBitmap()
	}
	c.owner = o
	s.keys = append(s.keys, key)
	s.cs = append(s.cs, c)
}
