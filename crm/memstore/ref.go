package memstore

import (
	"bytes"
	"context"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// appendRef appends the key of an entry of an index, which has no value.
func appendRef(b []byte, r crm.Ref) []byte {
	b = appendOrder(appendText(appendText(b, string(r.Kind)), r.Key), r.Order)
	return append(appendFlat(b, r.Subject), r.Target...)
}

// appendOrder writes a number so that bytes sort like numbers do: one byte for 0,
// else how many bytes follow, above or below that of 0.
func appendOrder(b []byte, n int64) []byte {
	if n == 0 {
		return append(b, 0x80)
	}
	size, bits := byte(1), uint64(n)
	if n < 0 {
		bits = ^bits
	}
	for rest := bits >> 8; rest > 0; rest >>= 8 {
		size++
	}
	first := 0x80 + size
	if n < 0 {
		first, bits = 0x80-size, ^bits
	}
	b = append(b, first)
	for i := int(size) - 1; i >= 0; i-- {
		b = append(b, byte(bits>>(8*i)))
	}
	return b
}

// cutOrder is the inverse of appendOrder.
func cutOrder(s string) (n int64, rest string) {
	size := int(s[0]) - 0x80
	if size < 0 {
		size, n = -size, -1
	}
	for _, c := range []byte(s[1 : 1+size]) {
		n = n<<8 | int64(c)
	}
	return n, s[1+size:]
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
			if out[i] = append(out[i], cutRef(kind, keys[i], string(c.key[len(prefix):]))); len(out[i])%256 == 0 && ctx.Err() != nil {
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

// cutRef reads what follows kind and key.
func cutRef(kind crm.RefKind, key, s string) crm.Ref {
	ref := crm.Ref{Kind: kind, Key: key}
	ref.Order, s = cutOrder(s)
	ref.Subject, ref.Target = cutSubject(s)
	return ref
}

// ScanRefs returns a page of the entries under one key.
func (r *reader) ScanRefs(ctx context.Context, q crm.RefQuery) ([]crm.Ref, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	if !storable(string(q.Kind), q.Key) || !storableSubject(q.After.Subject) {
		return nil, nil
	}
	prefix := appendText(appendText(nil, string(q.Kind)), q.Key)
	from := prefix
	switch after := q.After; {
	case after == crm.Ref{}:
	case after.Subject == crm.Subject{}:
		from = appendOrder(slices.Clip(prefix), after.Order)
	default:
		after.Kind, after.Key = q.Kind, q.Key
		from = append(appendRef(nil, after), 0)
	}
	limit := pageLimit(q.Limit)
	var out []crm.Ref
	if q.Backward {
		if q.After == (crm.Ref{}) {
			from = append(slices.Clip(prefix), 0xff)
		} else if n := len(from) - 1; q.After.Subject != (crm.Subject{}) {
			from = from[:n] // the entry itself, not what follows it
		}
		r.st.refs.descend(from, func(key []byte, _ string) bool {
			if !bytes.HasPrefix(key, prefix) {
				return false
			}
			out = append(out, cutRef(q.Kind, q.Key, string(key[len(prefix):])))
			return len(out) < limit && (len(out)%256 != 0 || ctx.Err() == nil)
		})
		return out, ctx.Err()
	}
	c := cursor{t: &r.st.refs}
	for c.seek(from); c.ok && len(out) < limit && bytes.HasPrefix(c.key, prefix); c.step() {
		if out = append(out, cutRef(q.Kind, q.Key, string(c.key[len(prefix):]))); len(out)%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
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
	return r.Subject.Record == "" && plain(string(r.Kind)) && plain(r.Key) && plain(a) && plain(b) && (r.Target == "" || plain(r.Target)) &&
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
