package memstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// effect writes all of an effect but its id, which is its key. Times lose what is finer than a
// microsecond here.
func (e *encoder) effect(v *crm.Effect) {
	e.int(v.Rev)
	e.word(string(v.Kind))
	e.word(v.Cause)
	e.int(v.Version)
	e.subject(v.Subject)
	e.factKey(v.About)
	e.text(v.Occurrence)
	e.time(crm.Micros(v.Due))
	e.word(string(v.State))
	e.address(v.To)
	e.uint(uint64(len(v.Reasons)))
	for _, r := range v.Reasons {
		e.word(r.Guard)
		e.bool(r.Pass)
		e.word(r.Note)
	}
	e.uint(uint64(len(v.Guards)))
	for _, g := range v.Guards {
		e.word(g.Record)
		e.int(g.Version)
	}
	e.time(crm.Micros(v.Created))
	e.time(crm.Micros(v.Changed))
	e.time(crm.Micros(v.SentAt))
	e.time(crm.Micros(v.Lease))
	e.int(int64(v.Attempts))
	e.text(v.Provider)
	e.word(string(v.Via))
	e.raw(v.Data)
}

// effect is the inverse of the encoder's, field by field in the same order.
func (d *decoder) effect(v *crm.Effect) {
	v.Rev = d.int()
	v.Kind = crm.EffectKind(d.word())
	v.Cause = d.word()
	v.Version = d.int()
	v.Subject = d.subject()
	v.About = d.factKey()
	v.Occurrence = d.text()
	v.Due = d.time()
	v.State = crm.EffectState(d.word())
	v.To = d.address()
	v.Reasons = list(d, func() crm.Reason { return crm.Reason{Guard: d.word(), Pass: d.bool(), Note: d.word()} })
	v.Guards = list(d, func() crm.GuardRead { return crm.GuardRead{Record: d.word(), Version: d.int()} })
	v.Created = d.time()
	v.Changed = d.time()
	v.SentAt = d.time()
	v.Lease = d.time()
	v.Attempts = int(d.int())
	v.Provider = d.text()
	v.Via = crm.Channel(d.word())
	v.Data = d.raw()
}

// effectOf decodes an entry of the tree of effects.
func (r *reader) effectOf(key []byte, val string) (*crm.Effect, error) {
	v := &crm.Effect{ID: effectID(key)}
	d := r.decoder(val)
	d.effect(v)
	return v, d.end("effect")
}

// The due index holds the effects that wait, under one byte for the state, the
// kind, a zero byte, due time, part and id; the value is the lease.

// waiting returns the byte under which the due index keeps a state, and whether effects in it
// wait at all.
func waiting(s crm.EffectState) (byte, bool) {
	switch s {
	case crm.Planned:
		return 'p', true
	case crm.Sent:
		return 's', true
	case crm.Unknown:
		return 'u', true
	}
	return 0, false
}

// micros writes a time so that bytes sort like times do.
func appendMicros(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro())^1<<63)
}

// appendDueKind appends what the entries of one state and kind begin with.
func appendDueKind(b []byte, state byte, kind crm.EffectKind) []byte {
	return append(append(append(b, state), kind...), 0)
}

// appendDue appends the key of an entry of the due index.
func appendDue(b []byte, state byte, kind crm.EffectKind, due time.Time, id []byte) []byte {
	b = appendMicros(appendDueKind(b, state, kind), due)
	return append(b, id...) // which begins with the part
}

// Effects returns one entry per id.
func (r *reader) Effects(ctx context.Context, ids ...crm.EffectID) ([]*crm.Effect, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]*crm.Effect, len(ids))
	var buf []byte
	return out, each(ctx, len(ids), func(i int) (err error) {
		key, ok := appendEffect(buf[:0], ids[i])
		if !ok {
			return nil
		}
		if val, ok := r.st.effects.get(key); ok {
			out[i], err = r.effectOf(key, val)
		}
		buf = key
		return err
	})
}

// EffectsOf returns all effects on subjects.
func (r *reader) EffectsOf(ctx context.Context, subjects ...crm.Subject) ([]*crm.Effect, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	sorted := slices.Clone(subjects)
	slices.SortFunc(sorted, crm.Subject.Compare)
	sorted = slices.Compact(sorted)
	var out []*crm.Effect
	c := cursor{t: &r.st.onSubject}
	var prefix []byte
	return out, each(ctx, len(sorted), func(i int) error {
		if !storableSubject(sorted[i]) {
			return nil
		}
		prefix = appendSubject(prefix[:0], sorted[i])
		for c.seek(prefix); c.ok && bytes.HasPrefix(c.key, prefix); c.step() {
			id := c.key[len(prefix):]
			if val, ok := r.st.effects.get(id); ok {
				v, err := r.effectOf(id, val)
				if err != nil {
					return err
				}
				out = append(out, v)
			}
			if len(out)%256 == 255 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
}

// DueEffects returns effects that wait.
func (r *reader) DueEffects(ctx context.Context, q crm.DueQuery) ([]*crm.Effect, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	state, ok := waiting(q.State)
	if !ok {
		return nil, refuse("read", "due effects", "", errors.New("effects in this state do not wait"))
	}
	var out []*crm.Effect
	kinds := q.Kinds
	if len(kinds) == 0 {
		kinds = r.waitingKinds(state)
	} else {
		kinds = slices.Clone(kinds)
		slices.Sort(kinds)
		kinds = slices.Compact(kinds)
	}
	limit := pageLimit(q.Limit)
	for _, kind := range kinds {
		some, err := r.dueOf(ctx, state, kind, q, limit)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	slices.SortFunc(out, crm.CompareDue)
	return out[:min(limit, len(out))], nil
}

// waitingKinds returns the kinds of which something waits for a state.
func (r *reader) waitingKinds(state byte) (kinds []crm.EffectKind) {
	c := cursor{t: &r.st.due}
	c.seek([]byte{state})
	for c.ok && c.key[0] == state {
		kind, _, _ := bytes.Cut(c.key[1:], []byte{0})
		kinds = append(kinds, crm.EffectKind(kind))
		next := appendDueKind(nil, state, crm.EffectKind(kind))
		next[len(next)-1]++
		c.seek(next)
	}
	return kinds
}

// dueOf returns the first effects of one kind.
func (r *reader) dueOf(ctx context.Context, state byte, kind crm.EffectKind, q crm.DueQuery, limit int) (out []*crm.Effect, err error) {
	parts, before := q.Parts.Bounds(), appendMicros(nil, q.Before)
	prefix := appendDueKind(nil, state, kind)
	c := cursor{t: &r.st.due}
	c.seek(prefix)
	for n := 1; c.ok && len(out) < limit && bytes.HasPrefix(c.key, prefix); n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		rest := c.key[len(prefix):]
		if state == 'p' && bytes.Compare(rest[:8], before) >= 0 {
			break
		}
		id := rest[8:]
		if part := partOf(id); part >= parts.Lo && part < parts.Hi && (state == 'p' || c.val[:8] < string(before)) {
			if val, ok := r.st.effects.get(id); ok {
				v, err := r.effectOf(id, val)
				if err != nil {
					return nil, err
				}
				out = append(out, v)
			}
		}
		c.step()
	}
	return out, nil
}

// ScanEffects returns a page of effects.
func (r *reader) ScanEffects(ctx context.Context, parts crm.PartRange, after crm.EffectID, limit int) ([]*crm.Effect, error) {
	// Any text may be asked for. What looks like the start of an id leads to
	// the place, the rest is skipped.
	from := appendPart(nil, 0)
	if key, ok := appendEffect(nil, after); ok {
		from = append(key, 0)
	}
	var out []*crm.Effect
	err := r.scanParts(ctx, &r.st.effects, parts, from, limit, func(c *cursor) (bool, error) {
		if effectID(c.key) <= after {
			return false, nil
		}
		v, err := r.effectOf(c.key, c.val)
		out = append(out, v)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkEffect refuses what Effect.Validate does, and times that not every store can keep.
func checkEffect(v *crm.Effect) error {
	return errors.Join(v.Validate(), checkTimes(v.Due, v.Created, v.Changed, v.SentAt, v.Lease))
}

// PutEffects inserts effects that are new.
func (t *tx) PutEffects(ctx context.Context, effects ...*crm.Effect) ([]bool, error) {
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	for _, v := range effects {
		if err := checkEffect(v); err != nil {
			return nil, refuse("put", "effect", string(v.ID), err)
		}
	}
	created := make([]bool, len(effects))
	return created, each(ctx, len(effects), func(i int) error {
		v := effects[i]
		id, _ := appendEffect(nil, v.ID)
		if t.st.effects.has(id) {
			return nil
		}
		v.Rev, created[i] = 1, true
		t.putEffect(id, v)
		t.key = append(appendSubject(t.key[:0], v.Subject), id...)
		t.st.onSubject.put(&t.writer, t.key, nil)
		return nil
	})
}

// putEffect writes an effect and, where it waits, its entry in the due index.
func (t *tx) putEffect(id []byte, v *crm.Effect) {
	t.encode().effect(v)
	t.keep(&t.st.effects, id)
	if state, ok := waiting(v.State); ok {
		t.key = appendDue(t.key[:0], state, v.Kind, v.Due, id)
		e := t.encode()
		e.b = appendMicros(e.b, v.Lease)
		t.keep(&t.st.due, t.key)
	}
}

// UpdateEffects replaces effects.
func (t *tx) UpdateEffects(ctx context.Context, effects ...*crm.Effect) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	seen := make(map[crm.EffectID]bool, len(effects))
	old := make([]*crm.Effect, len(effects))
	err := each(ctx, len(effects), func(i int) (err error) {
		v := effects[i]
		if err := checkEffect(v); err != nil {
			return refuse("update", "effect", string(v.ID), err)
		}
		id, _ := appendEffect(t.key[:0], v.ID)
		t.key = id
		val, ok := t.st.effects.get(id)
		if ok {
			if old[i], err = t.effectOf(id, val); err != nil {
				return err
			}
		}
		if !ok || old[i].Rev != v.Rev || seen[v.ID] {
			return conflict("update", "effect", string(v.ID))
		}
		seen[v.ID] = true
		return nil
	})
	if err != nil {
		return err
	}
	for i, v := range effects {
		id, _ := appendEffect(nil, v.ID)
		if state, ok := waiting(old[i].State); ok {
			t.key = appendDue(t.key[:0], state, old[i].Kind, old[i].Due, id)
			t.st.due.remove(&t.writer, t.key)
		}
		if old[i].Subject != v.Subject {
			t.key = append(appendSubject(t.key[:0], old[i].Subject), id...)
			t.st.onSubject.remove(&t.writer, t.key)
			t.key = append(appendSubject(t.key[:0], v.Subject), id...)
			t.st.onSubject.put(&t.writer, t.key, nil)
		}
		v.Rev++
		t.putEffect(id, v)
	}
	return nil
}
