package crm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// FactKind names a kind of fact.
type FactKind string

// The kinds of facts that the library itself knows. A host may describe its own
// (see Kind), or give their content as Custom.
const (
	KindOrder       FactKind = "order"
	KindVisit       FactKind = "visit"
	KindTicket      FactKind = "ticket"
	KindAnswer      FactKind = "answer"
	KindClick       FactKind = "click"
	KindInteraction FactKind = "interaction"
	KindNote        FactKind = "note"
	KindTag         FactKind = "tag"
	KindConsent     FactKind = "consent"     // about an address
	KindSuppression FactKind = "suppression" // about an address
	KindHold        FactKind = "hold"        // about an address; written by the kernel
)

// kinded returns facts with the kind of their content where the key says none. What the
// caller gave stays as it is.
func (s *Service) kinded(facts []*Fact) []*Fact {
	if !slices.ContainsFunc(facts, (*Fact).unkinded) {
		return facts
	}
	out := slices.Clone(facts)
	for i, f := range out {
		if f.unkinded() {
			c := *f
			if k := s.kinds.OfData(f.Data); k != nil {
				c.Key.Kind = k.Name
			}
			out[i] = &c
		}
	}
	return out
}

func (f *Fact) unkinded() bool {
	if f == nil || f.Key.Kind != "" || f.Data == nil {
		return false
	}
	v := reflect.ValueOf(f.Data)
	return v.Kind() != reflect.Pointer || !v.IsNil()
}

// FactKey names a fact within its subject: its kind, the system it came from
// and that system's own id for it.
type FactKey struct {
	Kind   FactKind `json:"kind"`
	Source string   `json:"source"`
	ID     string   `json:"id"`
}

// Compare orders keys by kind, source, id.
func (k FactKey) Compare(o FactKey) int {
	if c := strings.Compare(string(k.Kind), string(o.Kind)); c != 0 {
		return c
	}
	if c := strings.Compare(k.Source, o.Source); c != 0 {
		return c
	}
	return strings.Compare(k.ID, o.ID)
}

// Part returns the part that the anchor of a fact is kept in.
func (k FactKey) Part() Part { return PartOf(string(k.Kind), k.ID) }

// validate reports every fault of the key.
func (k FactKey) validate() error {
	return errors.Join(checkKeyText("kind", string(k.Kind), false), checkKeyText("source", k.Source, false), checkKeyText("id", k.ID, false))
}

// IsZero reports whether the key is empty.
func (k FactKey) IsZero() bool { return k == FactKey{} }

// String writes kind/source/id, escaped as by ProfileKey.String.
func (k FactKey) String() string {
	return escapeSource(string(k.Kind)) + "/" + escapeSource(k.Source) + "/" + k.ID
}

// FactRef is the full address of a fact.
type FactRef struct {
	Subject Subject `json:"subject"`
	Key     FactKey `json:"key"`
}

// Compare orders refs by part, subject, key. Stores scan in this order.
func (r FactRef) Compare(o FactRef) int {
	if r.Subject == o.Subject {
		return r.Key.Compare(o.Key)
	}
	if a, b := r.Subject.Part(), o.Subject.Part(); a != b {
		return int(a) - int(b)
	}
	if c := r.Subject.Compare(o.Subject); c != 0 {
		return c
	}
	return r.Key.Compare(o.Key)
}

// compareText is an order without parts, cheaper where any order will do.
func (r FactRef) compareText(o FactRef) int {
	if c := r.Subject.Compare(o.Subject); c != 0 {
		return c
	}
	return r.Key.Compare(o.Key)
}

// Validate reports every fault of the ref.
func (r FactRef) Validate() error {
	return errors.Join(r.Subject.Validate(), r.Key.validate())
}

// IsZero reports whether the ref is empty.
func (r FactRef) IsZero() bool { return r == FactRef{} }

// MaxVersion is the highest Version that a source may give a fact. Above it there
// is room for deliveries without versions, which become newer than what is stored.
const MaxVersion int64 = math.MaxInt64 - 1<<20

// Fact is something that happened. It hangs on the profile or the address that
// it came with, so that it follows when profiles are merged or split.
type Fact struct {
	Key     FactKey // without a Kind, where it is delivered: that of Data
	Subject Subject
	At      time.Time // when it happened in the world
	Place   string    // where, a Place id; may be empty
	// Version orders the deliveries of one record: the source's counter, or its
	// time of change in microseconds. The highest wins, so that deliveries may
	// repeat and arrive in any order.
	//
	// 0 means that the source has no versions: the record becomes newer than what
	// is stored, with the service's clock in microseconds or, if that is not
	// larger, the stored version plus 1.
	//
	// Two contents with one version are decided by Config.Conflicts and listed in
	// ImportReport.Conflicting. Versions above MaxVersion are refused.
	Version int64
	// Recorded is when this version was accepted here.
	Recorded time.Time
	Data     FactData
}

// Ref returns the full address of the fact.
func (f *Fact) Ref() FactRef { return FactRef{f.Subject, f.Key} }

// FactData is the typed content of a fact. Its type belongs to one Kind, see
// Kind.New.
type FactData interface {
	// Validate reports every fault of the content.
	Validate() error
}

// Custom is the content of a fact whose kind has no description (see Kind).
type Custom struct{ JSON json.RawMessage }

// Validate reports content that is not JSON.
func (c *Custom) Validate() error {
	if !json.Valid(c.JSON) {
		return fieldError("data", "is not JSON")
	}
	return nil
}

// EncodeFactData returns the content as JSON, the form in which stores keep it.
// Kinds.Decode is the inverse.
func EncodeFactData(d FactData) ([]byte, error) {
	if c, ok := d.(*Custom); ok {
		return c.JSON, nil
	}
	return json.Marshal(d)
}

// ContentHash is FNV-1a over the parts of a content, as a signed number that
// every database can hold. It breaks ties between equal versions, so that the
// order of deliveries does not matter; it is no protection against anybody.
func ContentHash(parts ...[]byte) int64 {
	h := uint64(14695981039346656037)
	for _, p := range parts {
		for _, c := range p {
			h = (h ^ uint64(c)) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	return int64(h)
}

// FactHash is the ContentHash of a fact whose content is encoded as data.
func FactHash(f *Fact, data []byte) int64 {
	return ContentHash([]byte(f.Place), []byte(Micros(f.At).Format(time.RFC3339Nano)), data)
}

// Micros truncates to the resolution that every store keeps: microseconds, UTC.
func Micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// checkTime refuses times that no store keeps: outside of the years 1 to 9999.
func checkTime(field string, t time.Time) error {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return fieldError(field, "has a year that is not between 1 and 9999")
	}
	return nil
}

// Validate reports every fault of a fact of the library's own kinds, or of one
// without a description. Kinds.Validate knows a host's kinds, too.
func (f *Fact) Validate() error { return BuiltIn().Validate(f) }

// within prefixes the path of field faults with an index.
func within(field string, i int, err error) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, within(field, i, e))
		}
		return errors.Join(out...)
	}
	var fe *FieldError
	if errors.As(err, &fe) {
		return fieldError(fmt.Sprintf("%s[%d].%s", field, i, fe.Field), fe.Msg)
	}
	return fmt.Errorf("%s[%d]: %w", field, i, err)
}
