package sqlstore

import (
	"context"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// Anchors implements crm.Reader.
func (r *reader) Anchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	return r.anchors(ctx, opGet, keys)
}

func (r *reader) anchors(ctx context.Context, o op, keys []crm.FactKey) ([]crm.Subject, error) {
	sorted := sortedFactKeys(keys)
	rows := r.s.rows(4, len(sorted))
	defer r.s.free(rows)
	for _, k := range sorted {
		rows.add(int64(k.part), seek(k.key.ID), seek(string(k.key.Kind)), seek(k.key.Source))
	}
	found := map[crm.FactKey]crm.Subject{}
	err := r.each(ctx, o, tabAnchors, rows, func(rows resultRow) error {
		var k crm.FactKey
		var kind, a, b string
		err := rows.Scan(&k.ID, &k.Kind, &k.Source, &kind, &a, &b)
		found[k] = crm.SubjectOf(kind, a, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]crm.Subject, len(keys))
	if len(found) > 0 {
		for i, k := range keys {
			out[i] = found[k]
		}
	}
	return out, nil
}

type partFactKey struct {
	part crm.Part
	key  crm.FactKey
}

// sortedFactKeys returns the keys in the order of the table's key, each once.
func sortedFactKeys(keys []crm.FactKey) []partFactKey {
	list := make([]partFactKey, len(keys))
	for i, k := range keys {
		list[i] = partFactKey{k.Part(), k}
	}
	slices.SortFunc(list, func(a, b partFactKey) int {
		if c := compareParts(a.part, b.part, a.key.ID, b.key.ID); c != 0 {
			return c
		}
		return a.key.Compare(b.key)
	})
	return slices.Compact(list)
}

// LockAnchors implements crm.Tx. Rows are locked in the order of the
// key, so that two calls cannot wait for each other.
func (t *tx) LockAnchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	o := opState
	if t.s.g.oneWriter { // the transaction is the only writer
		o = opGet
	}
	out, err := t.anchors(ctx, o, keys)
	if err != nil {
		return nil, err
	}
	if t.anchored == nil {
		t.anchored = make(map[crm.FactKey]anchorState, len(keys))
	}
	for i, k := range keys {
		switch {
		case out[i] == crm.Subject{}:
			t.anchored[k] = anchorAbsent
		case t.anchored[k] != anchorMade:
			t.anchored[k] = anchorThere
		}
	}
	return out, nil
}

// anchorState is what a transaction knows of an anchor that it locked.
type anchorState uint8

const (
	anchorUnknown anchorState = iota // not locked
	anchorAbsent
	anchorMade // by this transaction
	anchorThere
)

// PutAnchors implements crm.Tx. Of two transactions that make the same
// anchor the second waits for the first at the key, fails and starts again.
func (t *tx) PutAnchors(ctx context.Context, anchors ...crm.FactRef) error {
	if len(anchors) == 0 {
		return nil
	}
	where := make(map[crm.FactKey]crm.Subject, len(anchors))
	keys := make([]crm.FactKey, len(anchors))
	var ask []crm.FactKey
	for i, a := range anchors {
		if err := check("put", "anchor", a.Key.String(), a.Validate()); err != nil {
			return err
		}
		if _, twice := where[a.Key]; twice {
			return conflict("put", "anchor", a.Key.String())
		}
		where[a.Key], keys[i] = a.Subject, a.Key
		if t.anchored[a.Key] == anchorUnknown {
			ask = append(ask, a.Key)
		}
	}
	if len(ask) > 0 {
		if _, err := t.LockAnchors(ctx, ask...); err != nil {
			return err
		}
	}
	made, kept := t.s.rows(7, len(anchors)), newRows(7, 0)
	defer t.s.free(made)
	for _, k := range sortedFactKeys(keys) {
		rows := kept
		if t.anchored[k.key] == anchorAbsent {
			rows, t.anchored[k.key] = made, anchorMade
		}
		kind, a, b := where[k.key].Flat()
		rows.add(int64(k.part), k.key.ID, string(k.key.Kind), k.key.Source, kind, a, b)
	}
	n, err := t.exec(ctx, t.faster(opAdd, tabAnchors), tabAnchors, made)
	if err == nil && n != made.len() { // in the host's transaction
		err = conflict("put", "anchor", keys[0].String())
	}
	if err == nil {
		_, err = t.exec(ctx, opUpdate, tabAnchors, kept)
	}
	if err != nil {
		return t.doom(err)
	}
	return nil
}
