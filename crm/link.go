package crm

import "time"

// LinkKind says why a link decision was taken.
type LinkKind string

// The kinds of link decisions.
const (
	LinkNew     LinkKind = "new"     // first sight: the profile is its own customer
	LinkMatched LinkKind = "matched" // record linkage found the person
	LinkManual  LinkKind = "manual"  // somebody decided
	LinkSplit   LinkKind = "split"   // taken out of a customer again
	LinkNotMe   LinkKind = "not-me"  // the holder of Address is not this person; places nothing
)

// Evidence is why: the score of the match and the fields that agreed.
type Evidence struct {
	With   ProfileKey `json:"with,omitzero"`    // the profile that was compared
	Weight float64    `json:"weight,omitempty"` // match weight in bits (Fellegi-Sunter log2 odds)
	Fields []string   `json:"fields,omitempty"` // what agreed, in a fixed order
	Note   string     `json:"note,omitempty"`
}

// Link is one decision about who a profile is. Links are append-only: to take
// one back is another decision, so every merge is exactly reversible.
type Link struct {
	Profile  ProfileKey `json:"profile"`
	Customer CustomerID `json:"customer"` // where the profile belongs from now on
	Kind     LinkKind   `json:"kind"`
	Address  Address    `json:"address,omitzero"` // of a not-me decision
	Actor    string     `json:"actor,omitempty"`  // a person or a program, such as "dedup"
	At       time.Time  `json:"at"`
	Evidence Evidence   `json:"evidence,omitzero"`
	Seq      int64      `json:"seq"` // 1, 2, … per profile; given by the store
}
