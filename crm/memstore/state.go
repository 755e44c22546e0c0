package memstore

import (
	"context"

	"github.com/vefacrm/vefa/crm"
)

// appendState appends the key of a state: part, subject, kind.
func appendState(b []byte, k crm.StateKey) []byte {
	return append(appendSubject(b, k.Subject), k.Kind...)
}

// stateOf decodes an entry of the tree of states.
func stateOf(key, val string) *crm.State {
	d := decoder{s: val}
	s := &crm.State{Rev: d.int(), Data: []byte(d.s)}
	s.Subject, s.Kind = cutSubject(key[2:])
	return s
}

// States returns one entry per key.
func (r *reader) States(ctx context.Context, keys ...crm.StateKey) ([]*crm.State, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]*crm.State, len(keys))
	var key []byte
	return out, each(ctx, len(keys), func(i int) error {
		if !storableSubject(keys[i].Subject) {
			return nil
		}
		key = appendState(key[:0], keys[i])
		if val, ok := r.st.states.get(key); ok {
			out[i] = stateOf(string(key), val)
		}
		return nil
	})
}

// ScanStates returns a page of the states of a kind.
func (r *reader) ScanStates(ctx context.Context, parts crm.PartRange, kind string, after crm.Subject, limit int) ([]*crm.State, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	from := appendPart(nil, parts.Bounds().Lo)
	if after != (crm.Subject{}) && after.Part() >= parts.Bounds().Lo {
		from = append(appendState(nil, crm.StateKey{Kind: kind, Subject: after}), 0)
	}
	var out []*crm.State
	c, n := cursor{t: &r.st.states}, 0
	for c.seek(from); c.ok && len(out) < pageLimit(limit) && partOf(c.key) < parts.Bounds().Hi; c.step() {
		if s := stateOf(string(c.key), c.val); s.Kind == kind {
			out = append(out, s)
		}
		if n++; n%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return out, nil
}

// PutStates inserts or replaces states.
func (t *tx) PutStates(ctx context.Context, states ...*crm.State) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	seen := make(map[crm.StateKey]bool, len(states))
	for _, s := range states {
		if err := s.Validate(); err != nil {
			return refuse("put", "state", s.String(), err)
		}
		rev := int64(0)
		t.key = appendState(t.key[:0], s.StateKey)
		if val, ok := t.st.states.get(t.key); ok {
			d := decoder{s: val}
			rev = d.int()
		}
		if rev != s.Rev || seen[s.StateKey] {
			return conflict("put", "state", s.String())
		}
		seen[s.StateKey] = true
	}
	for _, s := range states {
		s.Rev++
		e := t.encode()
		e.int(s.Rev)
		e.b = append(e.b, s.Data...)
		t.key = appendState(t.key[:0], s.StateKey)
		t.keep(&t.st.states, t.key)
	}
	return nil
}

// DeleteStates removes states.
func (t *tx) DeleteStates(ctx context.Context, keys ...crm.StateKey) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	return each(ctx, len(keys), func(i int) error {
		t.key = appendState(t.key[:0], keys[i])
		t.st.states.remove(&t.writer, t.key)
		return nil
	})
}
