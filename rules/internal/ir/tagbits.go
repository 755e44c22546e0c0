package ir

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/vefacrm/vefa/internal/fold"
)

// TagNames gives each tag a number. The zero value knows none.
type TagNames struct {
	mu    sync.RWMutex
	ids   map[string]uint32
	names []string
}

// Id returns the number of a tag, giving it one if it is new.
func (v *TagNames) Id(tag string) uint32 {
	if id, ok := v.Lookup(tag); ok {
		return id
	}
	tag = fold.Compose(tag)
	v.mu.Lock()
	defer v.mu.Unlock()
	if id, ok := v.ids[tag]; ok {
		return id
	}
	if v.ids == nil {
		v.ids = map[string]uint32{}
	}
	id := uint32(len(v.names))
	v.ids[tag] = id
	v.names = append(v.names, tag)
	return id
}

// Lookup returns the number of a tag that has one.
func (v *TagNames) Lookup(tag string) (uint32, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	id, ok := v.ids[tag]
	return id, ok
}

// Name returns the tag of a number, "" if none has it.
func (v *TagNames) Name(id uint32) string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if int(id) < len(v.names) {
		return v.names[id]
	}
	return ""
}

// Of returns the tags of a set, sorted by name.
func (v *TagNames) Of(s *TagBits) []string {
	var names []string
	s.Each(func(id uint32) { names = append(names, v.Name(id)) })
	slices.Sort(names)
	return names
}

// TagBits is a set of numbers of tags: one word for those below 64, a sorted
// list for the rest. It is what a rules.TagSet is in memory.
type TagBits struct {
	Low  uint64
	More []uint32
}

// Size returns how many tags there are.
func (s *TagBits) Size() int { return bits.OnesCount64(s.Low) + len(s.More) }

// Clone returns a copy that shares nothing.
func (s *TagBits) Clone() TagBits { return TagBits{s.Low, slices.Clone(s.More)} }

// Equal reports whether both sets hold the same numbers.
func (s *TagBits) Equal(o *TagBits) bool { return s.Low == o.Low && slices.Equal(s.More, o.More) }

// Has reports whether a number is in the set.
func (s *TagBits) Has(id uint32) bool {
	if id < 64 {
		return s.Low&(1<<id) != 0
	}
	return s.HasMore(id)
}

// HasMore is Has for numbers from 64.
func (s *TagBits) HasMore(id uint32) bool {
	for _, x := range s.More {
		if x >= id {
			return x == id
		}
	}
	return false
}

// Each calls fn with the number of every tag, in order.
func (s *TagBits) Each(fn func(uint32)) {
	for low := s.Low; low != 0; low &= low - 1 {
		fn(uint32(bits.TrailingZeros64(low)))
	}
	for _, id := range s.More {
		fn(id)
	}
}

// Put adds a number.
func (s *TagBits) Put(id uint32) {
	if id < 64 {
		s.Low |= 1 << id
	} else if i, found := slices.BinarySearch(s.More, id); !found {
		s.More = slices.Insert(s.More, i, id)
	}
}

// Take removes a number.
func (s *TagBits) Take(id uint32) {
	if id < 64 {
		s.Low &^= 1 << id
	} else if i, found := slices.BinarySearch(s.More, id); found {
		s.More = slices.Delete(s.More, i, i+1)
	}
}
