package crm

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EffectID is deterministic within one installation: the part of the subject
// and a keyed hash of cause, subject and occurrence. Planning the same thing
// again gives the same id. EffectIDs makes it.
type EffectID string

// Part returns the part that the effect is kept in.
func (id EffectID) Part() Part {
	if len(id) < 3 {
		return 0
	}
	n, err := strconv.ParseUint(string(id[:3]), 16, 16)
	if err != nil || n >= Parts {
		return 0
	}
	return Part(n)
}

// Validate reports whether id has the form that EffectIDs gives.
func (id EffectID) Validate() error {
	if len(id) != 31 || strings.Trim(string(id), "0123456789abcdef") != "" || id[:3] >= "400" {
		return fieldError("id", "is not an effect id")
	}
	return nil
}

// EffectKind names what is to be done.
type EffectKind string

// The kinds of effects that the library itself carries out.
const (
	EffectMessage EffectKind = "message" // a message, with a tracked link or a survey's
	EffectTag     EffectKind = "tag"     // a tag to set or to clear later
	EffectTicket  EffectKind = "ticket"  // a ticket to open
	EffectTask    EffectKind = "task"    // something for the host's own action
)

// EffectState is the state of an effect.
type EffectState string

// The states of an effect. Planned effects wait for their due time.
const (
	Planned   EffectState = "planned"
	Sent      EffectState = "sent"      // claimed; the provider's answer is awaited
	Done      EffectState = "done"      // delivered, tagged, opened
	Withheld  EffectState = "withheld"  // a guard said no; Reasons say which
	HeldOut   EffectState = "heldout"   // in the control group
	Cancelled EffectState = "cancelled" // its cause went away
	Failed    EffectState = "failed"    // the provider refused for good
	Unknown   EffectState = "unknown"   // the provider cannot tell; to be reconciled
)

// Final reports whether nothing more will happen to an effect in this state.
func (s EffectState) Final() bool {
	switch s {
	case Planned, Sent, Unknown:
		return false
	}
	return true
}

// Reason is one step of an explained decision.
type Reason struct {
	Guard string `json:"guard"` // "consent", "open-ticket", "excluded-tag", "holdout", …
	Pass  bool   `json:"pass,omitempty"`
	// Note is one line for people, without an address.
	Note string `json:"note,omitempty"`
}

// GuardRead is the version of a record that a guard's answer rests on.
type GuardRead struct {
	Record  string `json:"record"` // "address": of Effect.To, whose value is never written here; or a name of the guard's own
	Version int64  `json:"version"`
}

// Effect is something to be done in the world: a message, a tag, a ticket, in
// a second or in two years. It is written in the transaction of its cause and
// leaves at least once under its id.
type Effect struct {
	ID      EffectID
	Kind    EffectKind
	Cause   string // "rule/battery-reminder", "campaign/spring"
	Version int64  // of the rule or campaign; recorded, not part of the id
	Subject Subject
	About   FactKey // the order, visit or answer it is about; may be zero
	// Occurrence tells one repetition of the cause from the next, such as a day; empty where there
	// is but one. It is part of the id.
	Occurrence string
	// Due is the earliest moment to carry it out; a deferred effect gets a later one.
	Due time.Time
	// State says how far it has come.
	State    EffectState
	To       Address         // of a message: where it goes; set when it is claimed
	Via      Channel         // of a message: the channel that it goes by, where it is not that of To; set with it
	Reasons  []Reason        // how the last decision was reached
	Guards   []GuardRead     // what was read when it was claimed
	Created  time.Time       // when it was planned
	Changed  time.Time       // when the state was last changed
	SentAt   time.Time       // when it was claimed; zero if it never was
	Attempts int             // how often the other side said to come again later
	Lease    time.Time       // a claimed effect may be taken up again after this
	Provider string          // the provider's own id of it, by which its reports name it, or a blank between the ids of its parts; "" if it gave none
	Data     json.RawMessage // what the kind needs
	Rev      int64           // the store's revision, 0 before the first Put
}

// Clone returns a copy that shares nothing that is changed in place.
func (e *Effect) Clone() *Effect {
	c := *e
	c.Reasons = append([]Reason(nil), e.Reasons...)
	c.Guards = append([]GuardRead(nil), e.Guards...)
	return &c
}

// CompareDue orders effects by due time, then part, then id: the order in which
// EffectReader.DueEffects returns them.
func CompareDue(a, b *Effect) int {
	return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID.Part(), b.ID.Part()), strings.Compare(string(a.ID), string(b.ID)))
}

// ProviderRefs returns the entries by which an effect is found from the ids of its
// Provider. The Order of each is the place of the id, from 0.
func (e *Effect) ProviderRefs() []Ref {
	ids := strings.Fields(e.Provider)
	refs := make([]Ref, len(ids))
	for i, id := range ids {
		refs[i] = Ref{Kind: RefProvider, Key: ProviderKey(e.Kind, id), Subject: e.Subject, Target: string(e.ID), Order: int64(i)}
	}
	return refs
}

// ProviderKey returns the key under RefProvider of an effect of a kind that another side
// knows by an id. The kind is in it, because two sides may give one id.
func ProviderKey(kind EffectKind, id string) string {
	return RefKey(string(kind) + "/" + Clip(id, maxWord))
}

// bears reports whether every id that another side names something by is one of the
// effect's.
func (e *Effect) bears(ids string) bool {
	known := strings.Fields(e.Provider)
	return !slices.ContainsFunc(strings.Fields(clipProvider(ids)), func(id string) bool { return !slices.Contains(known, id) })
}

// clipProvider cuts what another side names an effect by: it may be of any length, and
// what does not fit is left out id by id, so that no id is stored that was never given.
func clipProvider(ids string) string {
	ids = strings.ToValidUTF8(ids, "")
	if len(ids) <= maxProvider {
		if strings.IndexByte(ids, ' ') < 0 {
			return Clip(ids, maxWord)
		}
		return ids
	}
	cut := strings.LastIndexByte(ids[:maxProvider+1], ' ')
	if cut < 0 {
		return Clip(ids, maxWord)
	}
	return ids[:cut]
}

// Validate reports every fault of the effect. Whether the id is the one that the
// installation gives can be told with its key only: see EffectIDs.Check.
func (e *Effect) Validate() error {
	faults := []error{e.ID.Validate(), e.Subject.Validate(), checkKeyText("kind", string(e.Kind), false),
		checkKeyText("cause", e.Cause, false), checkKeyText("occurrence", e.Occurrence, true), checkKeyText("provider", e.Provider, true), checkKeyText("via", string(e.Via), true)}
	if e.Subject.Record != "" {
		faults = append(faults, fieldError("subject", "must be a profile or an address"))
	}
	if e.ID.Part() != e.Subject.Part() {
		faults = append(faults, fieldError("id", "is not of the subject's part"))
	}
	switch e.State {
	case Planned, Sent, Done, Withheld, HeldOut, Cancelled, Failed, Unknown:
	default:
		faults = append(faults, fieldError("state", fmt.Sprintf("%q is not known", e.State)))
	}
	if e.Due.IsZero() {
		faults = append(faults, fieldError("due", "must be set"))
	}
	if len(e.Data) > 0 && !json.Valid(e.Data) {
		faults = append(faults, fieldError("data", "is not JSON"))
	}
	return errors.Join(faults...)
}
