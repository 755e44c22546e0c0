package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// waiting is what the index of waiting effects is sorted by.
func waiting(s crm.EffectState) any {
	switch s {
	case crm.Planned:
		return int64(1)
	case crm.Sent:
		return int64(2)
	case crm.Unknown:
		return int64(3)
	}
	return nil
}

// Effects implements crm.EffectReader.
func (r *reader) Effects(ctx context.Context, ids ...crm.EffectID) ([]*crm.Effect, error) {
	rows := newRows(2, len(ids))
	for _, id := range ids {
		rows.add(int64(id.Part()), seek(string(id)))
	}
	found := make(map[crm.EffectID]*crm.Effect, len(ids))
	err := r.each(ctx, opGet, tabEffects, rows, func(rows resultRow) error {
		e, err := scanEffect(rows)
		if err == nil {
			found[e.ID] = e
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]*crm.Effect, len(ids))
	for i, id := range ids {
		out[i] = found[id]
	}
	return out, nil
}

func scanEffect(rows resultRow) (*crm.Effect, error) {
	e := new(crm.Effect)
	var subject, a, b string
	var due, created, changed, sent, lease, attempts int64
	var reasons, guards sql.RawBytes
	var data []byte
	err := rows.Scan(&e.ID, &e.Kind, &e.Cause, &e.Version, &subject, &a, &b, &e.About.Kind, &e.About.Source, &e.About.ID, &e.Occurrence,
		&due, &e.State, &e.To.Channel, &e.To.Value, &created, &changed, &sent, &attempts, &lease, &e.Rev, &reasons, &guards, &data, &e.Provider, &e.Via)
	if err != nil {
		return nil, err
	}
	e.Subject, e.Attempts = crm.SubjectOf(subject, a, b), int(attempts)
	e.Due, e.Created, e.Changed, e.SentAt, e.Lease = fromMicros(due), fromMicros(created), fromMicros(changed), fromMicros(sent), fromMicros(lease)
	if len(reasons) > 0 {
		if err := decode(reasons, &e.Reasons); err != nil {
			return nil, undecoded("effect", string(e.ID), err)
		}
	}
	if len(guards) > 0 {
		if err := decode(guards, &e.Guards); err != nil {
			return nil, undecoded("effect", string(e.ID), err)
		}
	}
	if len(data) > 0 {
		e.Data = json.RawMessage(data)
	}
	return e, nil
}

// EffectsOf implements crm.EffectReader.
func (r *reader) EffectsOf(ctx context.Context, subjects ...crm.Subject) ([]*crm.Effect, error) {
	subjects = slices.Clone(subjects)
	slices.SortFunc(subjects, compareSubjects)
	subjects = slices.Compact(subjects)
	rows := newRows(4, len(subjects))
	for _, s := range subjects {
		kind, a, b := s.Flat()
		rows.add(int64(s.Part()), kind, seek(a), seek(b))
	}
	var out []*crm.Effect
	err := r.each(ctx, opOf, tabEffects, rows, func(rows resultRow) error {
		e, err := scanEffect(rows)
		out = append(out, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b *crm.Effect) int {
		if c := a.Subject.Compare(b.Subject); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return out, nil
}

// DueEffects implements crm.EffectReader.
func (r *reader) DueEffects(ctx context.Context, q crm.DueQuery) ([]*crm.Effect, error) {
	what := waiting(q.State)
	if what == nil {
		return nil, nil
	}
	o := opLapsed
	if q.State == crm.Planned {
		o = opDue
	}
	parts, limit := q.Parts.Bounds(), page(q.Limit)
	args := []any{what, micros(q.Before), int64(parts.Lo), int64(parts.Hi), limit}
	var out []*crm.Effect
	read := func(of int, args []any) error {
		return r.query(ctx, o, tabEffects, of, args, func(rows resultRow) error {
			e, err := scanEffect(rows)
			out = append(out, e)
			return err
		})
	}
	if len(q.Kinds) == 0 {
		err := read(0, args)
		return out, err
	}
	kinds := slices.Clone(q.Kinds)
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	for _, k := range kinds {
		if err := read(1, append(args[:5:5], seek(string(k)))); err != nil {
			return nil, err
		}
	}
	if len(kinds) > 1 {
		slices.SortFunc(out, crm.CompareDue)
		out = out[:min(len(out), int(limit))]
	}
	return out, nil
}

// ScanEffects implements crm.EffectReader.
func (r *reader) ScanEffects(ctx context.Context, parts crm.PartRange, after crm.EffectID, limit int) ([]*crm.Effect, error) {
	parts = parts.Bounds()
	args := []any{int64(parts.Lo), ""}
	if p := after.Part(); after != "" && p >= parts.Lo {
		args = []any{int64(p), seek(string(after))}
	}
	var out []*crm.Effect
	err := r.query(ctx, opScan, tabEffects, 1, append(args, int64(parts.Hi), page(limit)), func(rows resultRow) error {
		e, err := scanEffect(rows)
		out = append(out, e)
		return err
	})
	return out, err
}

// effectCells is how many cells addEffect adds, subjectCell the first of those of the subject.
const (
	effectCells  = 28
	subjectCell  = 5
	subjectCells = 3
)

// addEffect adds an effect as its table has it.
func addEffect(op string, rows *rowset, e *crm.Effect, rev int64) error {
	kind, a, b := e.Subject.Flat()
	if err := checkEffect(op, e); err != nil {
		return err
	}
	var reasons, guards string
	var err error
	if len(e.Reasons) > 0 {
		if reasons, err = encode("effect", string(e.ID), e.Reasons); err != nil {
			return err
		}
	}
	if len(e.Guards) > 0 {
		if guards, err = encode("effect", string(e.ID), e.Guards); err != nil {
			return err
		}
	}
	rows.add(int64(e.ID.Part()), string(e.ID), string(e.Kind), e.Cause, e.Version, kind, a, b,
		clean(string(e.About.Kind)), clean(e.About.Source), clean(e.About.ID), e.Occurrence, micros(e.Due), string(e.State), waiting(e.State),
		clean(string(e.To.Channel)), clean(e.To.Value), micros(e.Created), micros(e.Changed), micros(e.SentAt), int64(e.Attempts), micros(e.Lease),
		rev, reasons, guards, jsonText(e.Data), e.Provider, clean(string(e.Via)))
	return nil
}

func sortedEffects(effects []*crm.Effect) []*crm.Effect {
	sorted := slices.Clone(effects)
	slices.SortStableFunc(sorted, func(a, b *crm.Effect) int {
		return compareParts(a.ID.Part(), b.ID.Part(), string(a.ID), string(b.ID))
	})
	return sorted
}

// PutEffects implements crm.EffectWriter.
func (t *tx) PutEffects(ctx context.Context, effects ...*crm.Effect) ([]bool, error) {
	sorted := sortedEffects(effects)
	rows := newRows(effectCells, len(sorted))
	for i, e := range sorted {
		if i > 0 && sorted[i-1].ID == e.ID {
			continue // the first of several counts
		}
		if err := addEffect("put", rows, e, 1); err != nil {
			return nil, err
		}
	}
	made := make(map[crm.EffectID]bool, len(sorted))
	err := t.each(ctx, t.faster(opMerge, tabEffects), tabEffects, rows, func(rows resultRow) error {
		var part int64
		var id crm.EffectID
		err := rows.Scan(&part, &id)
		made[id] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	created := make([]bool, len(effects))
	for i, e := range effects {
		if made[e.ID] {
			delete(made, e.ID)
			created[i] = true
			t.give(&e.Rev, 1)
		}
	}
	return created, nil
}

// UpdateEffects implements crm.EffectWriter.
func (t *tx) UpdateEffects(ctx context.Context, effects ...*crm.Effect) error {
	sorted := sortedEffects(effects)
	rows, keys := newRows(effectCells, len(sorted)), newRows(2, len(sorted))
	given := make(map[crm.EffectID]*crm.Effect, len(sorted))
	for i, e := range sorted {
		if i > 0 && sorted[i-1].ID == e.ID {
			return conflict("update", "effect", string(e.ID))
		}
		if err := addEffect("update", rows, e, e.Rev+1); err != nil {
			return err
		}
		keys.add(int64(e.ID.Part()), string(e.ID))
		given[e.ID] = e
	}
	var stale error
	seen, stays := 0, true
	err := t.each(ctx, opState, tabEffects, keys, func(rows resultRow) error {
		var id crm.EffectID
		var rev int64
		var kind, a, b string
		err := rows.Scan(&id, &rev, &kind, &a, &b)
		if e := given[id]; e == nil || e.Rev != rev {
			stale = conflict("update", "effect", string(id))
		} else {
			stays = stays && e.Subject == crm.SubjectOf(kind, a, b)
		}
		seen++
		return err
	})
	if err != nil {
		return err
	}
	if stale == nil && seen != len(sorted) {
		stale = conflict("update", "effect", string(sorted[0].ID))
	}
	if stale != nil {
		return stale
	}
	o := opUpdate
	if stays {
		// A column that is written costs SQLite a new entry in its index, also where it
		// stays as it is.
		o, rows = opProceed, withoutSubject(rows)
	}
	if _, err := t.exec(ctx, o, tabEffects, rows); err != nil {
		return t.doom(err)
	}
	for _, e := range effects {
		t.give(&e.Rev, e.Rev+1)
	}
	return nil
}

// withoutSubject takes the cells of the subject out of rows of addEffect.
func withoutSubject(rows *rowset) *rowset {
	out := newRows(rows.width-subjectCells, rows.len())
	for v := rows.vals; len(v) > 0; v = v[rows.width:] {
		out.vals = append(append(out.vals, v[:subjectCell]...), v[subjectCell+subjectCells:rows.width]...)
	}
	return out
}
