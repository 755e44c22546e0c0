package crm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// PartyKind says what sort of party a profile describes.
type PartyKind string

// The kinds of parties. The empty kind means Person.
const (
	Person       PartyKind = "person"
	Organisation PartyKind = "organisation"
	Household    PartyKind = "household"
)

// Name is a party's name as its source gave it.
type Name struct {
	// Given, Family and Title are kept as the source writes them: nothing is folded or
	// capitalised.
	Given  string `json:"given,omitempty"`
	Family string `json:"family,omitempty"`
	Full   string `json:"full,omitempty"` // where the source does not split names, and of organisations
	Title  string `json:"title,omitempty"`
}

// String returns the name as one would write it.
func (n Name) String() string {
	if n.Full != "" && n.Given == "" && n.Family == "" {
		return n.Full
	}
	return strings.Join(strings.Fields(n.Given+" "+n.Family), " ")
}

// Contact is an address as one source knows it.
type Contact struct {
	Address
	// Verified says that the source has checked that the holder is reached there.
	Verified bool `json:"verified,omitempty"`
	// Masked marks a relay or placeholder: good for this order perhaps, never
	// for telling who somebody is.
	Masked bool `json:"masked,omitempty"`
}

// Postal is a place to live or to deliver to.
type Postal struct {
	Street   string `json:"street,omitempty"`
	District string `json:"district,omitempty"`
	City     string `json:"city,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Country  string `json:"country,omitempty"` // ISO 3166-1 alpha-2
}

// Profile is what one source says about one party. It is a fact: it is
// replaced only by a newer version from the same source, never edited here.
type Profile struct {
	ProfileKey
	// Kind is a person where it is empty.
	Kind  PartyKind `json:"kind,omitempty"`
	Name  Name      `json:"name,omitzero"`
	Birth string    `json:"birth,omitempty"` // ISO 8601 date; "1980" and "1980-05" are allowed
	// Gender is the source's own word; nothing in the library acts on it.
	Gender string `json:"gender,omitempty"`
	Locale string `json:"locale,omitempty"` // BCP 47, such as "tr"
	// Prefers are the channels by which the party wants to be written to, the dearest first;
	// empty: it has not said. At most 16.
	Prefers []Channel `json:"prefers,omitempty"`
	// Contacts are in the order in which they should be tried.
	Contacts []Contact `json:"contacts,omitempty"`
	Postal   Postal    `json:"postal,omitzero"`
	// Attributes are the source's own, for rules and segments of the host.
	Attributes map[string]string `json:"attributes,omitempty"`

	// Since is when the source first knew the party; the earliest ever
	// delivered counts. It decides which customer id survives a merge.
	Since time.Time `json:"since,omitzero"`
	// At is when this version was made in the source, SourceVersion the
	// source's own counter, if it has one. The larger (SourceVersion, At) wins;
	// deliveries may repeat and arrive in any order. With neither, what arrives
	// later is newer, and At becomes the larger of the service's clock and the
	// stored At plus a microsecond. At is before the last day of the year 9999,
	// so that there is a later one for that.
	At            time.Time `json:"at,omitzero"`
	SourceVersion int64     `json:"source_version,omitempty"`

	// Customer is where the link log places the profile. The kernel fills it in.
	Customer CustomerID `json:"-"`
	// Disowned are addresses whose holder said "not me". The kernel keeps them.
	Disowned []Address `json:"disowned,omitempty"`
	// Rev is the store's revision, 0 before the first Put.
	Rev int64 `json:"-"`
}

// String writes the key and the version, and nothing that is personal: it may stand in
// a log.
func (p *Profile) String() string {
	return fmt.Sprintf("profile %s, source version %d, revision %d", p.ProfileKey, p.SourceVersion, p.Rev)
}

// lastDay begins where no version of a profile may be from.
var lastDay = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Reachable returns the addresses of a channel that may be tried for this
// profile: neither masked nor disowned, in the source's order.
func (p *Profile) Reachable(ch Channel) []Address {
	var out []Address
	for _, c := range p.Contacts {
		if c.Channel == ch && !c.Masked && !slices.Contains(p.Disowned, c.Address) {
			out = append(out, c.Address)
		}
	}
	return out
}

// Clone returns a deep copy.
func (p *Profile) Clone() *Profile {
	q := *p
	q.Contacts = slices.Clone(p.Contacts)
	q.Prefers = slices.Clone(p.Prefers)
	q.Disowned = slices.Clone(p.Disowned)
	if p.Attributes != nil {
		q.Attributes = make(map[string]string, len(p.Attributes))
		for k, v := range p.Attributes {
			q.Attributes[k] = v
		}
	}
	return &q
}

// Validate reports every fault of the profile. One without a fault can be
// imported.
func (p *Profile) Validate() error {
	faults := []error{p.ProfileKey.Validate()}
	switch p.Kind {
	case "", Person, Organisation, Household:
	default:
		faults = append(faults, fieldError("kind", "is not person, organisation or household"))
	}
	if p.Birth != "" && !validBirth(p.Birth) {
		faults = append(faults, fieldError("birth", "is not a date: write YYYY-MM-DD (28.02.1990 is 1990-02-28), YYYY-MM or YYYY"))
	}
	faults = append(faults, checkTime("since", p.Since), checkTime("at", p.At))
	if !p.At.Before(lastDay) {
		faults = append(faults, fieldError("at", "is not before the last day of the year 9999"))
	}
	if len(p.Prefers) > 16 {
		faults = append(faults, fieldError("prefers", "has more than 16 channels"))
	}
	for i, ch := range p.Prefers {
		if err := checkKeyText("prefers", string(ch), false); err != nil || slices.Contains(p.Prefers[:i], ch) {
			faults = append(faults, fieldError("prefers", fmt.Sprintf("%q is no channel, or is there twice", Clip(string(ch), 40))))
		}
	}
	for i, c := range p.Contacts {
		if err := c.Address.Validate(); err != nil {
			faults = append(faults, within("contacts", i, err))
		}
	}
	return errors.Join(faults...)
}

func validBirth(s string) bool {
	for _, layout := range []string{"2006-01-02", "2006-01", "2006"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}
