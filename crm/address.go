package crm

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ConsentStatus is what the holder of an address said.
type ConsentStatus string

// The states of consent. Absence of any entry means that nothing was granted.
const (
	Granted ConsentStatus = "granted"
	Refused ConsentStatus = "refused"
)

// ConsentKey says what a consent is for, besides the address: whose brand and
// whether the holder is addressed as a consumer or as a merchant.
type ConsentKey struct {
	Brand     string `json:"brand,omitempty"`     // empty: the host's only brand
	Recipient string `json:"recipient,omitempty"` // "" or "consumer", "merchant"
	Purpose   string `json:"purpose,omitempty"`   // empty: marketing
}

// Consent is one entry of the append-only ledger. It belongs to the fact's
// subject, an address. The entry with the latest time counts; at the same time
// a refusal does.
type Consent struct {
	ConsentKey
	Status ConsentStatus `json:"status"`
	Via    string        `json:"via,omitempty"`   // how it was given, such as HS_WEB
	Proof  string        `json:"proof,omitempty"` // hash of the text shown, id of the recording, …
	// Actor is who recorded it: a person, a program, the holder.
	Actor string `json:"actor,omitempty"`
	// Guard is the address's version that this entry made. The kernel sets it.
	Guard int64 `json:"guard,omitempty"`
}

// Validate reports every fault of the consent.
func (c *Consent) Validate() error {
	var err error
	if c.Status != Granted && c.Status != Refused {
		err = fieldError("status", fmt.Sprintf("%q is not granted or refused", c.Status))
	}
	return errors.Join(err, checkKeyText("brand", c.Brand, true), checkKeyText("recipient", c.Recipient, true), checkKeyText("purpose", c.Purpose, true))
}

// Suppression stops every message to an address, whatever was consented to:
// a hard bounce, "not me", a legal request. Off lifts it.
type Suppression struct {
	// Reason must be set; of one address each reason stands for itself and is lifted by itself.
	Reason string `json:"reason"`
	Off    bool   `json:"off,omitempty"`
	Actor  string `json:"actor,omitempty"`
	Guard  int64  `json:"guard,omitempty"` // as in Consent
}

// Validate reports every fault of the suppression.
func (s *Suppression) Validate() error { return checkKeyText("reason", s.Reason, false) }

// Hold is the silence that an unsolved ticket lays on an address, from version
// Placed of the address until version Lifted (0: still held). The kernel
// writes it; an audit can tell from it what held when a message was claimed.
type Hold struct {
	Ticket FactRef `json:"ticket"`
	// Placed and Lifted are versions of AddressState, not times.
	Placed int64 `json:"placed"`
	Lifted int64 `json:"lifted,omitempty"`
}

// Validate reports every fault of the hold.
func (h *Hold) Validate() error {
	if h.Placed <= 0 || (h.Lifted != 0 && h.Lifted <= h.Placed) {
		return fieldError("placed", "is not before lifted")
	}
	return nil
}

// consentKind describes Consent.
func consentKind() Kind {
	return Kind{
		Name: KindConsent, New: func() FactData { return new(Consent) }, Subject: OnAddress, ledger: true, folded: true,
		Table: "consents",
		Columns: []Column{
			ColumnOf("brand", func(c *Consent) string { return c.Brand }),
			ColumnOf("recipient", func(c *Consent) string { return c.Recipient }),
			ColumnOf("purpose", func(c *Consent) string { return c.Purpose }),
			ColumnOf("status", func(c *Consent) string { return string(c.Status) }),
		},
		Example: func() FactData {
			return &Consent{ConsentKey: ConsentKey{"b", "merchant", "survey"}, Status: Refused, Via: "HS_WEB", Proof: "sha256:00", Actor: "web", Guard: 9}
		},
	}
}

// suppressionKind describes Suppression.
func suppressionKind() Kind {
	return Kind{
		Name: KindSuppression, New: func() FactData { return new(Suppression) }, Subject: OnAddress, ledger: true, folded: true,
		Example: func() FactData { return &Suppression{Reason: "hard bounce", Off: true, Actor: "gateway", Guard: 3} },
	}
}

// holdKind describes Hold, which a timeline shows as the ticket that it is of.
func holdKind() Kind {
	return Kind{
		Name: KindHold, New: func() FactData { return new(Hold) }, Subject: OnAddress, kernel: true, folded: true,
		Moment: func(*Fact) (time.Time, bool) { return time.Time{}, false },
		Example: func() FactData {
			return &Hold{Ticket: FactRef{OfProfile(ProfileKey{"web", "1"}), FactKey{KindTicket, "desk", "1"}}, Placed: 4, Lifted: 8}
		},
	}
}

// AddressState is what may be sent to an address now: a fold over the facts
// about it and over the unsolved tickets of whoever uses it. Each write that
// can change an answer makes a new Version, under the address's lock.
type AddressState struct {
	Address Address
	// Version is 0 before the first write and rises by 1; audits compare claims with it.
	Version    int64
	Consents   []ConsentState // sorted by key
	Suppressed []string       // reasons in force, sorted
	Holds      []FactRef      // unsolved tickets, sorted
}

// ConsentState is the current state of one consent of an address.
type ConsentState struct {
	ConsentKey
	Status ConsentStatus `json:"status"`
	At     time.Time     `json:"at"`
}

// Consent returns the state for a key; ok is false where nothing was ever said.
func (s *AddressState) Consent(k ConsentKey) (c ConsentState, ok bool) {
	for _, c := range s.Consents {
		if c.ConsentKey == k {
			return c, true
		}
	}
	return ConsentState{}, false
}

// Clone returns a deep copy.
func (s *AddressState) Clone() *AddressState {
	c := *s
	c.Consents, c.Suppressed, c.Holds = slices.Clone(s.Consents), slices.Clone(s.Suppressed), slices.Clone(s.Holds)
	return &c
}

// foldConsent applies one ledger entry and reports whether the state changed.
func (s *AddressState) foldConsent(c *Consent, at time.Time) bool {
	next := ConsentState{c.ConsentKey, c.Status, Micros(at)}
	i, found := slices.BinarySearchFunc(s.Consents, c.ConsentKey, func(a ConsentState, k ConsentKey) int { return compareConsentKeys(a.ConsentKey, k) })
	if !found {
		s.Consents = slices.Insert(s.Consents, i, next)
		return true
	}
	old := s.Consents[i]
	if next.At.Before(old.At) || (next.At.Equal(old.At) && (old.Status == Refused || next.Status == old.Status)) {
		return false
	}
	s.Consents[i] = next
	return true
}

func compareConsentKeys(a, b ConsentKey) int {
	return cmp.Or(strings.Compare(a.Brand, b.Brand), strings.Compare(a.Recipient, b.Recipient), strings.Compare(a.Purpose, b.Purpose))
}

// Validate reports every fault of the state.
func (s *AddressState) Validate() error {
	return errors.Join(s.Address.Validate())
}
