package memstore

import (
	"bytes"
	"context"

	"github.com/vefacrm/vefa/crm"
)

func appendRef(b []byte, r crm.Ref) []byte {
	b = appendText(appendText(b, string(r.Kind)), r.Key)
	return append(appendFlat(b, r.Subject), r.Target...)
}

// Refs looks keys up in an index.
func (r *reader) Refs(ctx context.Context, kind crm.RefKind, limit int, keys ...string) ([][]crm.Ref, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	limit = pageLimit(limit)
	out := make([][]crm.Ref, len(keys))
	c := cursor{t: &r.st.refs}
	var prefix []byte
	err := each(ctx, len(keys), func(i int) error {
		if !storable(string(kind), keys[i]) {
			return nil
		}
		prefix = appendText(appendText(prefix[:0], string(kind)), keys[i])
		for c.seek(prefix); c.ok && len(out[i]) < limit && bytes.HasPrefix(c.key, prefix); c.step() {
			ref := crm.Ref{Kind: kind, Key: keys[i]}
			ref.Subject, ref.Target = cutSubject(string(c.key[len(prefix):]))
			if out[i] = append(out[i], ref); len(out[i])%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// PutRefs adds entries.
func (t *tx) PutRefs(ctx context.Context, refs ...crm.Ref) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	for i := range refs {
		if plainRef(&refs[i]) {
			continue
		}
		if err := refs[i].Validate(); err != nil {
			return refuse("put", "ref", string(refs[i].Kind), err)
		}
	}
	b := t.batch(0)
	err := each(ctx, len(refs), func(i int) error {
		b.add(i, func(buf []byte) []byte { return appendRef(buf, refs[i]) }, nil)
		return nil
	})
	if err == nil {
		t.st.refs.putAll(&t.writer, b.entries())
	}
	return err
}

// plainRef is a quick look that finds most entries to be valid; the others are
// for Validate to judge.
func plainRef(r *crm.Ref) bool {
	kind, a, b := r.Subject.Flat()
	return plain(string(r.Kind)) && plain(r.Key) && plain(a) && plain(b) && (r.Target == "" || plain(r.Target)) &&
		(kind == "a") == r.Subject.Profile.IsZero() && (kind == "p") == r.Subject.Address.IsZero()
}

// plain reports whether a text is not empty, short, and ASCII without control
// characters.
func plain(s string) bool {
	if s == "" || len(s) > crm.MaxKeyLen {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// DeleteRefs removes entries.
func (t *tx) DeleteRefs(ctx context.Context, refs ...crm.Ref) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	return each(ctx, len(refs), func(i int) error {
		t.key = appendRef(t.key[:0], refs[i])
		t.st.refs.remove(&t.writer, t.key)
		return nil
	})
}
