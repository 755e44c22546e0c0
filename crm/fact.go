package crm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// FactKind names a kind of fact.
type FactKind string

// The kinds of facts that the library itself knows. A host may add its own and
// give their data as Custom.
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

// Validate reports every fault of the key.
func (k FactKey) Validate() error {
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
	return errors.Join(r.Subject.Validate(), r.Key.Validate())
}

// IsZero reports whether the ref is empty.
func (r FactRef) IsZero() bool { return r == FactRef{} }

// MaxVersion is the highest Version that a source may give a fact. Above it there
// is room for deliveries without versions, which become newer than what is stored.
const MaxVersion int64 = math.MaxInt64 - 1<<20

// Fact is something that happened. It hangs on the profile or the address that
// it came with, so that it follows when profiles are merged or split.
type Fact struct {
	Key     FactKey
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

// FactData is the typed content of a fact.
type FactData interface {
	FactKind() FactKind
	validate() error
}

// Custom is the content of a host's own kind of fact.
type Custom struct {
	Kind FactKind
	JSON json.RawMessage
}

// FactKind returns the host's kind.
func (c *Custom) FactKind() FactKind { return c.Kind }

func (c *Custom) validate() error {
	var faults []error
	if c.Kind.builtIn() {
		faults = append(faults, fieldError("data", fmt.Sprintf("must have the type that kind %q has", c.Kind)))
	}
	if !json.Valid(c.JSON) {
		faults = append(faults, fieldError("data", "is not JSON"))
	}
	return errors.Join(faults...)
}

// ownType tells the types that stores can give back from a host's that embeds
// one of them.
func ownType(d FactData) bool {
	switch d.(type) {
	case *Order, *Visit, *Ticket, *Answer, *Click, *Interaction, *Note, *TagChange, *Consent, *Suppression, *Hold, *Custom:
		return true
	}
	return false
}

// builtIn reports whether the library has a type of its own for the kind.
func (k FactKind) builtIn() bool {
	switch k {
	case KindOrder, KindVisit, KindTicket, KindAnswer, KindClick, KindInteraction, KindNote, KindTag, KindConsent, KindSuppression, KindHold:
		return true
	}
	return false
}

// EncodeFactData returns the content as JSON, the form in which stores keep it.
func EncodeFactData(d FactData) ([]byte, error) {
	if c, ok := d.(*Custom); ok {
		return c.JSON, nil
	}
	return json.Marshal(d)
}

// DecodeFactData is the inverse of EncodeFactData.
func DecodeFactData(kind FactKind, data []byte) (FactData, error) {
	var d FactData
	switch kind {
	case KindOrder:
		d = new(Order)
	case KindVisit:
		d = new(Visit)
	case KindTicket:
		d = new(Ticket)
	case KindAnswer:
		d = new(Answer)
	case KindClick:
		d = new(Click)
	case KindInteraction:
		d = new(Interaction)
	case KindNote:
		d = new(Note)
	case KindTag:
		d = new(TagChange)
	case KindConsent:
		d = new(Consent)
	case KindSuppression:
		d = new(Suppression)
	case KindHold:
		d = new(Hold)
	default:
		return &Custom{kind, append(json.RawMessage(nil), data...)}, nil
	}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, &Error{Op: "decode", Entity: string(kind), Kind: ErrInvalid, Err: err}
	}
	return d, nil
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

// Validate reports every fault of the fact. A fact without one can be imported.
func (f *Fact) Validate() error {
	faults := append(make([]error, 0, 8), // stays on the stack
		f.Subject.Validate(),
		checkKeyText("kind", string(f.Key.Kind), false),
		checkKeyText("source", f.Key.Source, false),
		checkKeyText("id", f.Key.ID, false),
		checkKeyText("place", f.Place, true),
	)
	if Micros(f.At).IsZero() {
		faults = append(faults, fieldError("at", "must be set"))
	}
	faults = append(faults, checkTime("at", f.At))
	if f.Version > MaxVersion {
		faults = append(faults, fieldError("version", fmt.Sprintf("is above %d", MaxVersion)))
	}
	switch {
	case f.Data == nil:
		faults = append(faults, fieldError("data", "must be set"))
	case !ownType(f.Data):
		faults = append(faults, fieldError("data", fmt.Sprintf("is a %T, not a type of this package", f.Data)))
	case reflect.ValueOf(f.Data).IsNil():
		faults = append(faults, fieldError("data", "must be set"))
	case f.Data.FactKind() != f.Key.Kind:
		faults = append(faults, fieldError("data", fmt.Sprintf("is of kind %q, the key says %q", f.Data.FactKind(), f.Key.Kind)))
	default:
		faults = append(faults, f.Data.validate())
		switch about := f.Subject.Profile.IsZero(); f.Key.Kind {
		case KindConsent, KindSuppression, KindHold:
			if !about {
				faults = append(faults, fieldError("subject", "must be an address"))
			}
		case KindTag, KindOrder, KindVisit, KindTicket:
			if about {
				faults = append(faults, fieldError("subject", "must be a profile"))
			}
		}
	}
	return errors.Join(faults...)
}

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
