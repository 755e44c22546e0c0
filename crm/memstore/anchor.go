package memstore

import (
	"context"

	"github.com/vefacrm/vefa/crm"
)

// Anchors returns where facts hang.
func (r *reader) Anchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]crm.Subject, len(keys))
	var key []byte
	err := each(ctx, len(keys), func(i int) error {
		if !storable(string(keys[i].Kind), keys[i].Source) {
			return nil
		}
		key = appendFactKey(key[:0], keys[i])
		if val, ok := r.st.anchors.get(key); ok {
			d := r.decoder(val)
			out[i] = d.subject()
			return d.end("anchor")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// LockAnchors is Anchors: no other update runs until this one ends.
func (t *tx) LockAnchors(ctx context.Context, keys ...crm.FactKey) ([]crm.Subject, error) {
	return t.Anchors(ctx, keys...)
}

// PutAnchors says where facts hang.
func (t *tx) PutAnchors(ctx context.Context, anchors ...crm.FactRef) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	seen := make(map[crm.FactKey]bool, len(anchors))
	for _, a := range anchors {
		if err := a.Validate(); err != nil {
			return refuse("put", "anchor", a.Key.String(), err)
		}
		if seen[a.Key] {
			return conflict("put", "anchor", a.Key.String())
		}
		seen[a.Key] = true
	}
	b := t.batch(0)
	err := each(ctx, len(anchors), func(i int) error {
		t.encode().subject(anchors[i].Subject)
		b.add(i, func(buf []byte) []byte { return appendFactKey(buf, anchors[i].Key) }, func(buf []byte) []byte { return append(buf, t.enc.b...) })
		return nil
	})
	if err == nil {
		t.st.words = t.store.words.list
		t.st.anchors.putAll(&t.writer, b.entries())
	}
	return err
}
