package rules

import (
	"math/bits"
	"slices"
	"sync"
)

// Vocabulary gives each tag a small number, so that a TagSet can hold numbers
// and a rule can test one bit. It only grows, belongs to a Schema and may be
// used from many goroutines. The numbers are of this process only: store names.
type Vocabulary struct {
	mu    sync.RWMutex
	ids   map[string]uint32
	names []string
}

// NewVocabulary returns a vocabulary that knows the given tags. Name the tags
// that rules test most first: the first 64 are held without allocation.
func NewVocabulary(tags ...string) *Vocabulary {
	v := &Vocabulary{ids: make(map[string]uint32, len(tags))}
	for _, t := range tags {
		v.id(t)
	}
	return v
}

// id returns the number of a tag, giving it one if it is new.
func (v *Vocabulary) id(tag string) uint32 {
	v.mu.RLock()
	id, ok := v.ids[tag]
	v.mu.RUnlock()
	if ok {
		return id
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if id, ok := v.ids[tag]; ok {
		return id
	}
	id = uint32(len(v.names))
	v.ids[tag] = id
	v.names = append(v.names, tag)
	return id
}

func (v *Vocabulary) name(id uint32) string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if int(id) < len(v.names) {
		return v.names[id]
	}
	return ""
}

// Set returns the set of the given tags.
func (v *Vocabulary) Set(tags ...string) TagSet {
	var s TagSet
	for _, t := range tags {
		v.Add(&s, t)
	}
	return s
}

// Add adds a tag to a set.
func (v *Vocabulary) Add(s *TagSet, tag string) {
	s.put(v.id(tag))
}

// Remove takes a tag out of a set.
func (v *Vocabulary) Remove(s *TagSet, tag string) {
	s.take(v.id(tag))
}

// Has reports whether a tag is in a set.
func (v *Vocabulary) Has(s TagSet, tag string) bool {
	v.mu.RLock()
	id, ok := v.ids[tag]
	v.mu.RUnlock()
	return ok && s.has(id)
}

// Names returns the tags of a set, sorted by name.
func (v *Vocabulary) Names(s TagSet) []string {
	var names []string
	for low := s.low; low != 0; low &= low - 1 {
		names = append(names, v.name(uint32(bits.TrailingZeros64(low))))
	}
	for _, id := range s.more {
		names = append(names, v.name(id))
	}
	slices.Sort(names)
	return names
}

// TagSet is a set of tags as numbers of a Vocabulary: one word for the first
// 64 tags that the vocabulary met (those that rules test, if the rules are
// compiled first) and a sorted list for the rest. The zero value is empty. As a
// field of a facts struct it makes `"vip" in Tags` one bit test; a []string
// works as well and costs a string comparison per tag.
//
// Copies share the list: change a set only through Vocabulary.Add and Remove,
// and Clone it first if a copy is in use.
type TagSet struct {
	low  uint64
	more []uint32
}

// Len returns the number of tags.
func (s TagSet) Len() int { return bits.OnesCount64(s.low) + len(s.more) }

// Clone returns a copy that shares nothing.
func (s TagSet) Clone() TagSet { return TagSet{s.low, slices.Clone(s.more)} }

// Equal reports whether both sets hold the same tags of the same vocabulary.
func (s TagSet) Equal(o TagSet) bool { return s.low == o.low && slices.Equal(s.more, o.more) }

func (s TagSet) has(id uint32) bool {
	if id < 64 {
		return s.low&(1<<id) != 0
	}
	return s.hasMore(id)
}

func (s TagSet) hasMore(id uint32) bool {
	for _, x := range s.more {
		if x >= id {
			return x == id
		}
	}
	return false
}

// each calls fn with the number of every tag, in order.
func (s *TagSet) each(fn func(uint32)) {
	for low := s.low; low != 0; low &= low - 1 {
		fn(uint32(bits.TrailingZeros64(low)))
	}
	for _, id := range s.more {
		fn(id)
	}
}

func (s *TagSet) put(id uint32) {
	if id < 64 {
		s.low |= 1 << id
	} else if i, found := slices.BinarySearch(s.more, id); !found {
		s.more = slices.Insert(s.more, i, id)
	}
}

func (s *TagSet) take(id uint32) {
	if id < 64 {
		s.low &^= 1 << id
	} else if i, found := slices.BinarySearch(s.more, id); found {
		s.more = slices.Delete(s.more, i, i+1)
	}
}
