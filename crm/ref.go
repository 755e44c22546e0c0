package crm

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"
)

// RefKind names an index by which records are looked up. A host's own kinds of facts may
// have more (Kind.Index); the names below and vefa's "link" and "sent" are taken.
type RefKind string

// The indexes that the kernel keeps.
const (
	RefContact RefKind = "contact" // RefKey of Address.String → profile
	RefOrder   RefKind = "order"   // order number → order
	RefSerial  RefKind = "serial"  // serial number → order or visit
	RefPartial RefKind = "partial" // last three digits of an order number and folded surname → order
	refWaiting RefKind = "waiting" // kind of a record that is not there → fact that hangs on it
	refTicket  RefKind = "ticket"  // tickets that are not solved, see Service.OpenTickets

	RefProvider RefKind = "provider" // kind of effect and Effect.Provider → effect; kept by Worker
)

// RefKey returns a text that is made of several, such as FactKey.String, in the
// form in which it can be the key or the target of a Ref: as it is, or where it
// has MaxKeyLen bytes or more as MaxKeyLen bytes of its beginning and its hash.
func RefKey(text string) string {
	if len(text) < MaxKeyLen {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	const tail = 2*sha256.Size + 1
	n := MaxKeyLen - tail
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	// Always of the same length, which no text has that is kept as it is.
	return text[:n] + strings.Repeat("~", MaxKeyLen-tail-n) + "~" + hex.EncodeToString(sum[:])
}

// Ref is one entry of an index: under a key, a subject and a target there, such
// as a FactKey's or an EffectID's text. Several subjects may share a key. An entry
// with another Order is another entry.
type Ref struct {
	Kind    RefKind
	Key     string
	Subject Subject
	Target  string
	Order   int64 // of the entries under a key: the smallest comes first
}

// Compare orders the entries under one key as stores give them: by order, subject,
// target.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Order, o.Order), r.Subject.Compare(o.Subject), strings.Compare(r.Target, o.Target))
}

// RefQuery asks for a page of the entries under one key of an index: a queue, what
// is due, a ranking.
type RefQuery struct {
	Kind RefKind
	Key  string
	// After is the last entry of the page before; the zero Ref: from the start. One
	// with a Kind and no Subject stands before all entries of its Order.
	After Ref
	// Backward reads the other way: the last entry first, After is then the first of
	// the page before, and the zero Ref means from the end.
	Backward bool
	Limit    int // at most this many; 0 means 1,000
}

// Validate reports every fault of the entry.
func (r Ref) Validate() error {
	return errors.Join(checkKeyText("kind", string(r.Kind), false), checkKeyText("key", r.Key, false),
		r.Subject.Validate(), checkKeyText("target", r.Target, true))
}

// index appends the entries of a fact, given the names of the profiles that named
// returns for it.
func (s *Kinds) index(refs []Ref, f *Fact, names map[ProfileKey]Name) []Ref {
	k := s.Of(f.Key.Kind)
	if k == nil || (k.Index == nil && k.Names == nil) {
		return refs
	}
	target := RefKey(f.Key.String())
	if k.Index != nil {
		k.Index(f, func(kind RefKind, key string, order int64) {
			refs = append(refs, Ref{kind, key, f.Subject, target, order})
		})
	}
	if k.Names != nil {
		k.Names(f, func(number string, who ProfileKey) {
			if key := partialKey(number, names[who]); key != "" {
				refs = append(refs, Ref{RefPartial, key, f.Subject, target, 0})
			}
		})
	}
	return refs
}

// named returns the profiles by whose names facts are found.
func (s *Kinds) named(facts ...*Fact) []ProfileKey {
	var keys []ProfileKey
	add := func(_ string, who ProfileKey) { keys = append(keys, who) }
	for _, f := range facts {
		if k := s.Of(f.Key.Kind); k != nil && k.Names != nil {
			k.Names(f, add)
		}
	}
	return keys
}
