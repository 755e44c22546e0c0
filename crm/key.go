package crm

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parts is the fixed number of parts that every key space is cut into. Batch
// work, claims and feeds go part by part, so that the same program runs on one
// file and on a sharded database.
const Parts = 1024

// Part is the number of a part, from 0 to Parts-1. It leads every key.
type Part uint16

// PartRange is a half-open range of parts [Lo, Hi). The zero value means all
// parts.
type PartRange struct{ Lo, Hi Part }

// AllParts is the range of all parts.
func AllParts() PartRange { return PartRange{0, Parts} }

// Bounds returns the range with the zero value spelt out.
func (r PartRange) Bounds() PartRange {
	if r == (PartRange{}) {
		return AllParts()
	}
	return r
}

// Contains reports whether p lies in the range.
func (r PartRange) Contains(p Part) bool {
	r = r.Bounds()
	return p >= r.Lo && p < r.Hi
}

// PartOf returns the first 10 bits of SHA-256(a, 0, b).
func PartOf(a, b string) Part {
	part, _ := PartHash(a, b)
	return part
}

// PartHash returns the first 10 bits of SHA-256(a, 0, b) and the second 64, as a
// signed number that every database can hold, for stores that index texts by it.
func PartHash(a, b string) (Part, int64) {
	var buf [160]byte
	x := append(buf[:0], a...)
	x = append(x, 0)
	x = append(x, b...)
	sum := sha256.Sum256(x)
	return Part(sum[0])<<2 | Part(sum[1])>>6, int64(binary.BigEndian.Uint64(sum[8:]))
}

// MaxKeyLen is the largest number of bytes in any text that is part of a key.
const MaxKeyLen = 512

// checkKeyText refuses text that no store could use as a key: empty (unless
// allowed), longer than MaxKeyLen, not UTF-8 or with a control character.
func checkKeyText(field, s string, empty bool) error {
	if plainText(s) && s != "" {
		return nil
	}
	switch {
	case s == "" && !empty:
		return fieldError(field, "must not be empty")
	case len(s) > MaxKeyLen:
		return fieldError(field, fmt.Sprintf("has %d bytes, at most %d are allowed", len(s), MaxKeyLen))
	case !utf8.ValidString(s):
		return fieldError(field, "is not valid UTF-8")
	case strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) >= 0:
		return fieldError(field, "contains a control character")
	}
	return nil
}

// plainText reports whether a text is short and of printable ASCII, as nearly
// all keys are.
func plainText(s string) bool {
	if len(s) > MaxKeyLen {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}

// ProfileKey names a source record: the system that it came from and that
// system's own id.
type ProfileKey struct {
	Source string `json:"source"`
	ID     string `json:"id"`
}

// Part returns the part of the profile.
func (k ProfileKey) Part() Part { return PartOf(k.Source, k.ID) }

// IsZero reports whether the key is empty.
func (k ProfileKey) IsZero() bool { return k == ProfileKey{} }

// Compare orders keys by source, then id.
func (k ProfileKey) Compare(o ProfileKey) int {
	if c := strings.Compare(k.Source, o.Source); c != 0 {
		return c
	}
	return strings.Compare(k.ID, o.ID)
}

// String writes source/id. A slash or a percent sign in the source's name is
// escaped, so that no two keys are written alike.
func (k ProfileKey) String() string { return escapeSource(k.Source) + "/" + k.ID }

// escapeSource keeps keys apart that would be written alike; unescapeSource is its inverse.
func escapeSource(s string) string {
	if !strings.ContainsAny(s, "/%") {
		return s
	}
	return strings.NewReplacer("%", "%25", "/", "%2F").Replace(s)
}

func unescapeSource(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	return strings.NewReplacer("%25", "%", "%2F", "/").Replace(s)
}

// Validate reports every fault of the key.
func (k ProfileKey) Validate() error {
	return errors.Join(checkKeyText("source", k.Source, false), checkKeyText("id", k.ID, false))
}

// CustomerID names a customer. It is made once, when a profile is first seen,
// and stays valid for ever: after a merge it is an alias.
type CustomerID string

// Part returns the part that the customer's member list is kept in.
func (id CustomerID) Part() Part { return PartOf("customer", string(id)) }

// Channel is a way to reach somebody.
type Channel string

// The channels that the library itself knows. A host may use others.
const (
	Phone Channel = "phone" // value in E.164, such as +905321234567; SMS and calls
	Email Channel = "email" // value in small letters
	Post  Channel = "post"
)

// Address is one point of contact in the world. Consent, suppression and
// silence belong to it, not to a person. A Service keeps values in one normal
// form (Config.Normalise); stores compare them byte for byte.
type Address struct {
	Channel Channel `json:"channel"`
	Value   string  `json:"value"`
}

// Part returns the part of the address.
func (a Address) Part() Part { return PartOf(string(a.Channel), a.Value) }

// IsZero reports whether the address is empty.
func (a Address) IsZero() bool { return a == Address{} }

// Compare orders addresses by channel, then value.
func (a Address) Compare(o Address) int {
	if c := strings.Compare(string(a.Channel), string(o.Channel)); c != 0 {
		return c
	}
	return strings.Compare(a.Value, o.Value)
}

// String writes channel:value. A colon or a percent sign in the channel's name
// is escaped, so that no two addresses are written alike.
func (a Address) String() string {
	ch := string(a.Channel)
	if strings.ContainsAny(ch, ":%") {
		ch = strings.NewReplacer("%", "%25", ":", "%3A").Replace(ch)
	}
	return ch + ":" + a.Value
}

// Validate reports every fault of the address.
func (a Address) Validate() error {
	return errors.Join(checkKeyText("channel", string(a.Channel), false), checkKeyText("value", a.Value, false))
}

// Subject is what a fact or an effect hangs on: the profile or the address
// that it came with or, of a fact, a record. Exactly one of the three is set.
type Subject struct {
	Profile ProfileKey `json:"profile,omitzero"`
	Address Address    `json:"address,omitzero"`
	// Record is the FactKey.String of a fact that exists once in the world (see
	// Kind.Unique), such as an order; OfRecord makes it. What hangs on a record
	// belongs to whom the record belongs to, also after it moved.
	Record string `json:"record,omitempty"`
}

// OfProfile returns the subject that is a profile.
func OfProfile(k ProfileKey) Subject { return Subject{Profile: k} }

// OfAddress returns the subject that is an address.
func OfAddress(a Address) Subject { return Subject{Address: a} }

// OfRecord returns the subject that is a record.
func OfRecord(k FactKey) Subject { return Subject{Record: k.String()} }

// recordKey returns the key of the record, or the zero key where the subject is none.
func (s Subject) recordKey() FactKey { return parseFactKey(s.Record) }

// Part returns the part of the profile, of the address or of the record's key.
func (s Subject) Part() Part {
	if s.Record != "" {
		return s.recordKey().Part()
	}
	if s.Profile.IsZero() {
		return s.Address.Part()
	}
	return s.Profile.Part()
}

// kind returns the kind of the subject.
func (s Subject) kind() SubjectKinds {
	if s.Record != "" {
		return OnRecord
	}
	if s.Profile.IsZero() {
		return OnAddress
	}
	return OnProfile
}

// Flat returns the subject as three texts, for keys: "p", "a" or "r", then source
// and id, channel and value, or the two parts of the record's key before and after
// its second slash.
func (s Subject) Flat() (kind, a, b string) {
	if s.Record != "" {
		_, rest, _ := strings.Cut(s.Record, "/")
		_, id, _ := strings.Cut(rest, "/")
		n := max(0, len(s.Record)-len(id)-1)
		return "r", s.Record[:n], id
	}
	if s.Profile.IsZero() {
		return "a", string(s.Address.Channel), s.Address.Value
	}
	return "p", s.Profile.Source, s.Profile.ID
}

// SubjectOf is the inverse of Flat.
func SubjectOf(kind, a, b string) Subject {
	switch kind {
	case "a":
		return OfAddress(Address{Channel(a), b})
	case "r":
		return Subject{Record: a + "/" + b}
	}
	return OfProfile(ProfileKey{a, b})
}

// Compare orders subjects by their flat form.
func (s Subject) Compare(o Subject) int {
	k1, a1, b1 := s.Flat()
	k2, a2, b2 := o.Flat()
	if c := strings.Compare(k1, k2); c != 0 {
		return c
	}
	if c := strings.Compare(a1, a2); c != 0 {
		return c
	}
	return strings.Compare(b1, b2)
}

// String writes the text of the profile's key or of the address, or "record:" and the record's
// key, for people to read.
func (s Subject) String() string {
	if s.Record != "" {
		return "record:" + s.Record
	}
	if s.Profile.IsZero() {
		return s.Address.String()
	}
	return s.Profile.String()
}

// Validate reports every fault of the subject.
func (s Subject) Validate() error {
	switch {
	case s == (Subject{}):
		return fieldError("subject", "must name a profile, an address or a record")
	case !s.Profile.IsZero() && !s.Address.IsZero():
		return fieldError("subject", "must not name both a profile and an address")
	case s.Record != "":
		k := s.recordKey()
		switch _, a, _ := s.Flat(); {
		case !s.Profile.IsZero() || !s.Address.IsZero():
			return fieldError("subject", "must not name both a record and a profile or an address")
		case OfRecord(k) != s:
			return fieldError("subject", "has a record that is no key of a fact")
		case len(a) > MaxKeyLen:
			return fieldError("subject", fmt.Sprintf("has a record whose kind and source have %d bytes, at most %d are allowed", len(a), MaxKeyLen))
		}
		return k.validate()
	case s.Profile.IsZero():
		return s.Address.Validate()
	}
	return s.Profile.Validate()
}
