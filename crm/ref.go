package crm

import "errors"

// RefKind names an index by which records are looked up.
type RefKind string

// The indexes that the kernel keeps.
const (
	RefContact RefKind = "contact" // Address.String → profile
	RefOrder   RefKind = "order"   // order number → order
	RefSerial  RefKind = "serial"  // serial number → order or visit
	RefPartial RefKind = "partial" // last three digits of an order number and folded surname → order
	RefLink    RefKind = "link"    // a token's id → effect; kept by crm/engage
	RefSent    RefKind = "sent"    // a hash of a thing and of who got it → effect; kept by crm/engage
)

// Ref is one entry of an index: under a key, a subject and a target there, such
// as a FactKey's or an EffectID's text. Several subjects may share a key.
type Ref struct {
	Kind    RefKind
	Key     string
	Subject Subject
	Target  string
}

// Part returns the part that the entry is kept in.
func (r Ref) Part() Part { return PartOf(string(r.Kind), r.Key) }

// Validate reports every fault of the entry.
func (r Ref) Validate() error {
	return errors.Join(checkKeyText("kind", string(r.Kind), false), checkKeyText("key", r.Key, false),
		r.Subject.Validate(), checkKeyText("target", r.Target, true))
}
