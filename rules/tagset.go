package rules

import (
	"github.com/vefacrm/vefa/rules/internal/ir"
)

// Vocabulary gives each tag a small number, so that a TagSet can hold numbers
// and a rule can test one bit. It only grows, belongs to a Schema and may be
// used from many goroutines. The numbers are of this process only: store names.
type Vocabulary struct{ names ir.TagNames }

// NewVocabulary returns a vocabulary that knows the given tags. Name the tags
// that rules test most first: the first 64 are held without allocation.
func NewVocabulary(tags ...string) *Vocabulary {
	v := &Vocabulary{}
	for _, t := range tags {
		v.names.Id(t)
	}
	return v
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
func (v *Vocabulary) Add(s *TagSet, tag string) { s.bits.Put(v.names.Id(tag)) }

// TagSet is a set of tags as numbers of a Vocabulary: one word for the first
// 64 tags that the vocabulary met (those that rules test, if the rules are
// compiled first) and a sorted list for the rest. The zero value is empty. As a
// field of a facts struct it makes `"vip" in Tags` one bit test; a []string
// works as well and costs a string comparison per tag.
//
// Copies share the list: Vocabulary.Add to one may be seen in the other.
type TagSet struct{ bits ir.TagBits }
