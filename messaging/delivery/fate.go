package delivery

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/messaging"
)

// Kind is the kind of the facts that are Fates. Stores need no description of it.
const Kind crm.FactKind = "delivery"

// source is the source of the facts' keys; their ids are those of the effects.
const source = "messaging"

// Told is what the reports about one message, or about one of its parts, say.
type Told struct {
	Part   int                `json:"part,omitempty"` // from 1; 0: the whole
	State  messaging.Delivery `json:"state"`
	At     time.Time          `json:"at,omitzero"` // the earliest that any report of State names
	Code   string             `json:"code,omitempty"`
	Reason string             `json:"reason,omitempty"`
	Bounce bool               `json:"bounce,omitempty"` // some report says that the address does not exist
}

// join returns what two reports about the same say together: the later state, and of one
// state the earliest time and the smallest code, so that their order does not matter.
func (t Told) join(o Told) Told {
	bounce := t.Bounce || o.Bounce
	switch {
	case o.State.After(t.State):
		t = o
	case o.State == t.State:
		if t.At.IsZero() || !o.At.IsZero() && o.At.Before(t.At) {
			t.At = o.At
		}
		if c := cmp.Or(empty(t.Code, o.Code), strings.Compare(o.Code, t.Code), empty(t.Reason, o.Reason), strings.Compare(o.Reason, t.Reason)); c < 0 {
			t.Code, t.Reason = o.Code, o.Reason
		}
	}
	t.Bounce = bounce
	return t
}

// empty orders a text that says something before one that does not: negative where o does
// and t does not.
func empty(t, o string) int {
	switch {
	case t == "" && o != "":
		return -1
	case t != "" && o == "":
		return 1
	}
	return 0
}

// Fate is what became of one message. The zero value is that of one without reports.
type Fate struct {
	// Effect is the message, Cause what it was sent for, such as "campaign/spring".
	Effect crm.EffectID `json:"effect"`
	Cause  string       `json:"cause,omitempty"`
	// Whole is what reports about the message as a whole say, Parts those about parts of
	// it, sorted; Count is how many parts it has, 0 where no report says so.
	Whole *Told  `json:"whole,omitempty"`
	Parts []Told `json:"parts,omitempty"`
	Count int    `json:"count,omitempty"`
}

// maxParts is the largest number of parts that a message can have.
const maxParts = 255

// Add adds a report and tells whether it says anything new. One that is not valid says
// nothing.
func (f *Fate) Add(r messaging.Report) bool {
	if !r.State.Valid() || r.Part < 0 || r.Part > maxParts || r.Parts < 0 || r.Parts > maxParts {
		return false
	}
	changed := false
	if r.Parts > f.Count {
		f.Count, changed = r.Parts, true
	}
	t := Told{Part: r.Part, State: r.State, At: crm.Micros(r.At), Code: crm.Clip(r.Code, 40), Reason: crm.Clip(r.Reason, 200), Bounce: r.Bounce}
	if r.At.IsZero() {
		t.At = time.Time{}
	}
	if r.Part == 0 {
		if f.Whole == nil {
			f.Whole = &t
			return true
		}
		joined := f.Whole.join(t)
		changed = changed || joined != *f.Whole
		f.Whole = &joined
		return changed
	}
	i, found := slices.BinarySearchFunc(f.Parts, r.Part, func(t Told, part int) int { return cmp.Compare(t.Part, part) })
	if !found {
		f.Parts = slices.Insert(f.Parts, i, t)
		return true
	}
	joined := f.Parts[i].join(t)
	changed = changed || joined != f.Parts[i]
	f.Parts[i] = joined
	return changed
}

// Sum returns what the reports add up to: the whole message is where its last part is, or
// further if a report about the whole says so. A part without a report is on its way, and
// while no report says how many parts there are, so is the message. ok is false where there
// is no report at all.
func (f *Fate) Sum() (t Told, ok bool) {
	if len(f.Parts) > 0 {
		ok = true
		if f.Count == 0 || len(f.Parts) < f.Count {
			t = Told{State: messaging.Enroute}
		} else {
			t = f.Parts[0]
			for _, p := range f.Parts[1:] {
				switch {
				case t.State.After(p.State):
					t = p
				case t.State == p.State && p.At.After(t.At): // there when the last of them is
					t = p
				}
			}
		}
		for _, p := range f.Parts {
			t.Bounce = t.Bounce || p.Bounce
		}
		t.Part = 0
	}
	if f.Whole == nil {
		return t, ok
	}
	if !ok {
		return *f.Whole, true
	}
	return t.join(*f.Whole), true
}

// State is the State of Sum, empty without a report.
func (f *Fate) State() messaging.Delivery {
	t, _ := f.Sum()
	return t.State
}

// fact returns the fact that keeps the fate of a message that went to an address.
func (f *Fate) fact(to crm.Address, version int64, now time.Time) (*crm.Fact, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	at := now
	if t, _ := f.Sum(); !t.At.IsZero() {
		at = t.At
	}
	return &crm.Fact{Key: key(f.Effect), Subject: crm.OfAddress(to), At: at, Version: version, Data: &crm.Custom{JSON: data}}, nil
}

func key(id crm.EffectID) crm.FactKey { return crm.FactKey{Kind: Kind, Source: source, ID: string(id)} }

// FateOf decodes a fact of Kind.
func FateOf(f *crm.Fact) (*Fate, error) {
	c, ok := f.Data.(*crm.Custom)
	if f.Key.Kind != Kind || !ok {
		return nil, &crm.Error{Op: "decode", Entity: "fact", ID: f.Key.String(), Kind: crm.ErrInvalid}
	}
	out := new(Fate)
	if err := json.Unmarshal(c.JSON, out); err != nil {
		return nil, &crm.Error{Op: "decode", Entity: "fact", ID: f.Key.String(), Kind: crm.ErrInvalid, Err: err}
	}
	return out, nil
}
