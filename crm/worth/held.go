package worth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// errOther says that a part is as another version of the definitions counted it: everybody is to be counted anew.
var errOther = errors.New("worth: another version counted")

// held is a part as the record has it.
type held struct {
	part    crm.Part
	version mark
	rows    part
	rev     int64
	touched bool // it is to be written
}

// between returns the parts from lo to before hi.
func between(lo, hi crm.Part) []crm.Part {
	out := make([]crm.Part, 0, hi-lo)
	for p := lo; p < hi; p++ {
		out = append(out, p)
	}
	return out
}

// partsOf returns the parts of keys that are sorted by them.
func partsOf(keys []crm.ProfileKey) (out []crm.Part) {
	for _, k := range keys {
		if p := k.Part(); len(out) == 0 || out[len(out)-1] != p {
			out = append(out, p)
		}
	}
	return out
}

// load reads parts. What another version counted is errOther, unless they are counted anew: then nothing stays of what they
// held, and all that are there are to be written.
func (m *module) load(ctx context.Context, r crm.Reader, of []crm.Part, anew bool) ([]*held, error) {
	states, err := statesOf(ctx, r, of)
	if err != nil {
		return nil, err
	}
	return m.heldIn(states, of, anew)
}

// heldIn is load of states that were read.
func (m *module) heldIn(states []*crm.State, of []crm.Part, anew bool) ([]*held, error) {
	mine := markOf(m.version)
	out := make([]*held, len(of))
	for i, s := range states {
		h := &held{part: of[i], version: mine}
		out[i] = h
		if s == nil {
			continue
		}
		if h.rev = s.Rev; anew {
			h.touched = true
			continue
		}
		version, rows, err := readPart(s.Data)
		if err != nil {
			return nil, &crm.Error{Op: "read", Entity: partKind, ID: s.Subject.Record, Kind: crm.ErrInvalid, Err: err}
		}
		if version != mine {
			return nil, errOther
		}
		h.rows = rows
	}
	return out, nil
}

func statesOf(ctx context.Context, r crm.Reader, of []crm.Part) ([]*crm.State, error) {
	keys := make([]crm.StateKey, len(of))
	for i, p := range of {
		keys[i] = partKey(p)
	}
	return r.States(ctx, keys...)
}

// put writes the parts that are to be written.
func put(ctx context.Context, tx crm.Tx, parts []*held) error {
	var states []*crm.State
	for _, h := range parts {
		if !h.touched {
			continue
		}
		data, err := json.Marshal(h.rows.encode(h.version))
		if err != nil {
			return err
		}
		states = append(states, &crm.State{StateKey: partKey(h.part), Data: data, Rev: h.rev})
	}
	return tx.PutStates(ctx, states...)
}

// Forget removes what the module keeps of the customers who are known by profiles, at once: call it in the transaction in
// which a host erases the facts of a person, or after it. The step of a night would do it, as the change feed tells it of
// facts that are gone; until then the record has when the person first and last bought, how often and for how much, under
// a hash of his key. What was fitted stays: it is of all customers together, and the next fit is without him.
func Forget(ctx context.Context, tx crm.Tx, of ...crm.ProfileKey) error {
	keys := slices.Clone(of)
	sortByPart(keys)
	parts := partsOf(keys)
	states, err := statesOf(ctx, tx, parts)
	if err != nil {
		return err
	}
	var changed []*held
	for i, s := range states {
		if s == nil {
			continue
		}
		h := &held{part: parts[i], rev: s.Rev, touched: true}
		changed = append(changed, h)
		if h.version, h.rows, err = readPart(s.Data); err != nil {
			// What cannot be read may be of him: with no rows and no version, everybody is counted anew.
			h.version, h.rows = mark{}, nil
			continue
		}
		for _, k := range keys {
			if k.Part() == h.part {
				h.rows.forget(hashOf(k))
			}
		}
	}
	return put(ctx, tx, changed)
}

// Remove removes all that the module keeps in a record: of customers, of fits, and how far it has read the change
// feed, which Prune otherwise keeps for it. It is for a host that has taken the module out of its configuration;
// what is left without it harms nothing but takes room. Give it again, and it looks at everybody. A step that runs meanwhile
// may write some of it again.
func Remove(ctx context.Context, svc *crm.Service) error {
	for from := crm.Part(0); from < crm.Parts; from += readParts {
		var keys []crm.StateKey
		for _, p := range between(from, min(from+readParts, crm.Parts)) {
			keys = append(keys, partKey(p))
		}
		if err := svc.Update(ctx, func(tx crm.Tx) error { return tx.DeleteStates(ctx, keys...) }); err != nil {
			return fmt.Errorf("worth: remove: %w", err)
		}
	}
	return svc.Update(ctx, func(tx crm.Tx) error {
		if err := tx.DeleteDocuments(ctx, fitKind, fitID); err != nil {
			return err
		}
		return tx.DropCursors(ctx, cursor)
	})
}
