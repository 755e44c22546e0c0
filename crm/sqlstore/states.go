package sqlstore

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

var outState = []string{"subject_kind", "subject_a", "subject_b", "kind", "rev", "data"}

func scanState(rows resultRow) (*crm.State, error) {
	s := new(crm.State)
	var subject, a, b string
	var data []byte
	err := rows.Scan(&subject, &a, &b, &s.Kind, &s.Rev, &data)
	s.Subject, s.Data = crm.SubjectOf(subject, a, b), json.RawMessage(data)
	return s, err
}

// stateRows returns keys in the order of the table's key, each once.
func stateRows(keys []crm.StateKey) *rowset {
	rows := newRows(5, len(keys))
	for _, k := range sortedStates(keys) {
		kind, a, b := k.Subject.Flat()
		rows.add(int64(k.Part()), kind, seek(a), seek(b), seek(k.Kind))
	}
	return rows
}

func sortedStates(keys []crm.StateKey) []crm.StateKey {
	sorted := slices.Clone(keys)
	slices.SortFunc(sorted, func(a, b crm.StateKey) int {
		if c := compareSubjects(a.Subject, b.Subject); c != 0 {
			return c
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	return slices.Compact(sorted)
}

// States implements crm.Reader.
func (r *reader) States(ctx context.Context, keys ...crm.StateKey) ([]*crm.State, error) {
	return r.states(ctx, opGet, keys)
}

func (r *reader) states(ctx context.Context, o op, keys []crm.StateKey) ([]*crm.State, error) {
	found := make(map[crm.StateKey]*crm.State, len(keys))
	err := r.each(ctx, o, tabStates, stateRows(keys), func(rows resultRow) error {
		s, err := scanState(rows)
		found[s.StateKey] = s
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]*crm.State, len(keys))
	for i, k := range keys {
		out[i] = found[k]
	}
	return out, nil
}

// ScanStates implements crm.Reader.
func (r *reader) ScanStates(ctx context.Context, parts crm.PartRange, kind string, after crm.Subject, limit int) ([]*crm.State, error) {
	args := []any{int64(parts.Bounds().Lo), "", "", "", ""}
	if p := after.Part(); after != (crm.Subject{}) && p >= parts.Bounds().Lo {
		subject, a, b := after.Flat()
		args = []any{int64(p), subject, seek(a), seek(b), seek(kind)}
	}
	var out []*crm.State
	err := r.query(ctx, opScan, tabStates, 1, append(args, int64(parts.Bounds().Hi), page(limit), seek(kind)), func(rows resultRow) error {
		s, err := scanState(rows)
		out = append(out, s)
		return err
	})
	return out, err
}

// PutStates implements crm.Tx.
func (t *tx) PutStates(ctx context.Context, states ...*crm.State) error {
	by, keys := make(map[crm.StateKey]*crm.State, len(states)), make([]crm.StateKey, len(states))
	for i, s := range states {
		if err := check("put", "state", s.String(), s.Validate()); err != nil {
			return err
		}
		if by[s.StateKey] != nil {
			return conflict("put", "state", s.String())
		}
		by[s.StateKey], keys[i] = s, s.StateKey
	}
	stored, err := t.states(ctx, opState, keys)
	if err != nil {
		return err
	}
	for i, old := range stored {
		if old == nil && states[i].Rev != 0 || old != nil && states[i].Rev != old.Rev {
			return conflict("put", "state", keys[i].String())
		}
	}
	made, kept := newRows(7, len(states)), newRows(7, 0)
	for _, k := range sortedStates(keys) {
		rows := made
		if by[k].Rev > 0 {
			rows = kept
		}
		kind, a, b := k.Subject.Flat()
		rows.add(int64(k.Part()), kind, a, b, k.Kind, by[k].Rev+1, jsonText(by[k].Data))
	}
	n, err := t.exec(ctx, opInsert, tabStates, made)
	switch {
	case err != nil:
		return t.doom(err)
	case n != made.len() && t.own:
		return t.doom(errAgain) // made by another transaction since
	case n != made.len():
		return t.doom(conflict("put", "state", keys[0].String()))
	}
	if _, err := t.exec(ctx, opUpdate, tabStates, kept); err != nil {
		return t.doom(err)
	}
	for _, s := range states {
		t.give(&s.Rev, s.Rev+1)
	}
	return nil
}

// DeleteStates implements crm.Tx.
func (t *tx) DeleteStates(ctx context.Context, keys ...crm.StateKey) error {
	_, err := t.exec(ctx, opDelete, tabStates, stateRows(keys))
	return err
}

// stateText is text for the table of states.
func (g *grammar) stateText(o op, n int) string {
	t := &g.tables[tabStates]
	switch o {
	case opGet:
		return g.lookup(tabStates, n, t.keyNames(), outState, "")
	case opState:
		return g.lookup(tabStates, n, t.keyNames(), outState, g.d.forUpdate(tabStates))
	case opUpdate:
		return g.d.update(tabStates, n, t.names()[t.keys:])
	case opDelete:
		return g.remove(tabStates, n, t.keyNames())
	case opScan:
		return g.scan(tabStates, outState, " AND "+g.d.aside("t.kind")+" = "+param(t.keys+3))
	}
	return ""
}
