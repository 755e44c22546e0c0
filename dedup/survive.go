package dedup

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"
)

// Claim is what one record of an entity says about one field, and where it comes from: a
// value with its provenance.
type Claim[V any] struct {
	// Value is what the record says; leave empty ones out.
	Value  V      `json:"value"`
	Record string `json:"record"` // id
	// Source is what Trusted goes by; may be empty.
	Source string    `json:"source,omitempty"`
	At     time.Time `json:"at,omitzero"` // when the source said so
}

// A Preference says which of two claims is to be believed, as [cmp.Compare] does: it is
// negative for a, positive for b and 0 if it cannot tell.
type Preference[V any] func(a, b Claim[V]) int

// Survivor returns the claim to show for a field of an entity, with its provenance: the
// one that the first preference puts before all others, ties being decided by the next
// preference and at last by the smallest record id. It reports false when there is no claim.
// The order of the claims does not matter. Leave out claims that are empty.
func Survivor[V any](claims []Claim[V], preferences ...Preference[V]) (Claim[V], bool) {
	if len(claims) == 0 {
		var none Claim[V]
		return none, false
	}
	return slices.MinFunc(claims, func(a, b Claim[V]) int {
		for _, prefer := range preferences {
			if c := prefer(a, b); c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Source, b.Source), a.At.Compare(b.At))
	}), true
}

// Latest prefers what was said last.
func Latest[V any]() Preference[V] {
	return func(a, b Claim[V]) int { return b.At.Compare(a.At) }
}

// Trusted prefers sources in the order given; others come last.
func Trusted[V any](sources ...string) Preference[V] {
	rank := func(s string) int {
		if i := slices.Index(sources, s); i >= 0 {
			return i
		}
		return len(sources)
	}
	return func(a, b Claim[V]) int { return cmp.Compare(rank(a.Source), rank(b.Source)) }
}

// MostCommon prefers the value that most of the claims make.
func MostCommon[V comparable](claims []Claim[V]) Preference[V] {
	count := map[V]int{}
	for _, c := range claims {
		count[c.Value]++
	}
	return func(a, b Claim[V]) int { return cmp.Compare(count[b.Value], count[a.Value]) }
}

// Longest prefers the text that says most: a name in full to an initial.
func Longest() Preference[string] {
	return func(a, b Claim[string]) int {
		return cmp.Compare(utf8.RuneCountInString(b.Value), utf8.RuneCountInString(a.Value))
	}
}
