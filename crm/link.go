package crm

import "time"

// LinkKind says why a link decision was taken.
type LinkKind string

// The kinds of link decisions.
const (
	LinkNew     LinkKind = "new"     // first sight: the profile is its own customer
	LinkMatched LinkKind = "matched" // record linkage found the person
	LinkManual  LinkKind = "manual"  // somebody decided
	LinkSplit   LinkKind = "split"   // taken out of a customer again, or what the others were left with
	LinkApart   LinkKind = "apart"   // stays, and is not to be one with those of another customer
	LinkUndo    LinkKind = "undo"    // put back to where it was before another decision
	LinkNotMe   LinkKind = "not-me"  // the holder of Address is not this person, or with Off may be; places nothing
)

// Evidence is why: the score of the match and the fields that agreed.
type Evidence struct {
	With   ProfileKey `json:"with,omitzero"`    // the profile that was compared
	Weight float64    `json:"weight,omitempty"` // match weight in bits (Fellegi-Sunter log2 odds)
	Fields []string   `json:"fields,omitempty"` // what agreed, in a fixed order
	// Steps are what Weight is made of, where it was kept: they add up to it, unless the
	// last is a veto.
	Steps []EvidenceStep `json:"steps,omitempty"`
	Note  string         `json:"note,omitempty"`
}

// EvidenceStep is what one comparison added to the weight of a match.
type EvidenceStep struct {
	What string  `json:"what"` // such as "phone equal", or "prior" for the odds of any two
	Bits float64 `json:"bits"`
}

// Link is one decision about who a profile is. Links are append-only: to take
// one back is another decision, so every merge is exactly reversible.
type Link struct {
	Profile  ProfileKey `json:"profile"`
	Customer CustomerID `json:"customer"` // where the profile belongs from now on
	Kind     LinkKind   `json:"kind"`
	Address  Address    `json:"address,omitzero"` // of a not-me decision
	Actor    string     `json:"actor,omitempty"`  // a person or a program, such as "dedup"
	// At is when it was decided, by the service's clock.
	At       time.Time `json:"at"`
	Evidence Evidence  `json:"evidence,omitzero"`
	Seq      int64     `json:"seq"` // 1, 2, … per profile; given by the store
	// Op names what the decision is part of: all decisions that one merge, split
	// or undo took have the same Op, and there are OpLen of them. A split decides
	// about every profile of the customers concerned, those that stay included,
	// so that its decisions say who was parted from whom; one that keeps two customers
	// apart decides about every profile of both. Empty in decisions that
	// stand alone: of kinds LinkNew and LinkNotMe.
	Op    string `json:"op,omitempty"`
	OpLen int    `json:"op_len,omitempty"`
	// Stays is set where the profile was with Customer before.
	Stays bool `json:"stays,omitempty"`
	// Off is set in a not-me decision that takes the earlier ones about Address back.
	Off bool `json:"off,omitempty"`
	// Undoes is the Op that a decision of kind LinkUndo takes back.
	Undoes string `json:"undoes,omitempty"`
}
