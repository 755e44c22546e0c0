package sqlstore

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/vefacrm/vefa/crm"
)

// Refs implements crm.Reader.
func (r *reader) Refs(ctx context.Context, kind crm.RefKind, limit int, keys ...string) ([][]crm.Ref, error) {
	unique := slices.Clone(keys)
	slices.Sort(unique)
	unique = slices.Compact(unique)
	rows := r.s.rows(refsBy, len(unique))
	defer r.s.free(rows)
	for _, k := range unique {
		part, hash := crm.PartHash(string(kind), k)
		rows.add(int64(part), hash, seek(string(kind)), seek(k))
	}
	all, err := r.refs(ctx, rows, page(limit))
	if err != nil {
		return nil, err
	}
	found := make(map[string][]crm.Ref, len(unique))
	for _, ref := range all {
		found[ref.Key] = append(found[ref.Key], ref)
	}
	for k, refs := range found {
		slices.SortFunc(refs, crm.Ref.Compare)
		found[k] = refs[:min(len(refs), int(page(limit)))]
	}
	out := make([][]crm.Ref, len(keys))
	for i, k := range keys {
		out[i] = found[k]
	}
	return out, nil
}

// refsBy is how many columns entries are looked up by: part, hash, kind and key.
const refsBy = 4

// manyRefs is how many entries a statement without a limit for each key may give for several keys together before
// each key is asked for by itself.
const manyRefs = 4096

// refs reads the entries of keys, at least up to the limit for each.
func (r *reader) refs(ctx context.Context, keys *rowset, limit int64) ([]crm.Ref, error) {
	var out []crm.Ref
	scan := scanRef(&out)
	if r.s.g.perKey {
		err := r.each(ctx, opOf, tabRefs, keys, scan, limit)
		return out, err
	}
	for v := keys.vals; len(v) > 0; {
		n := r.s.g.d.most(min(len(v)/refsBy, 64))
		some, before := v[:refsBy*n], len(out)
		v = v[refsBy*n:]
		most := limit
		if n > 1 {
			most = manyRefs
		}
		if err := r.each(ctx, opOf, tabRefs, &rowset{width: refsBy, vals: some}, scan, most); err != nil {
			return nil, err
		}
		if n == 1 || len(out)-before < manyRefs {
			continue
		}
		for out = out[:before]; len(some) > 0; some = some[refsBy:] {
			if err := r.each(ctx, opOf, tabRefs, &rowset{width: refsBy, vals: some[:refsBy]}, scan, limit); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func scanRef(out *[]crm.Ref) func(resultRow) error {
	return func(rows resultRow) error {
		var ref crm.Ref
		var subject, a, b string
		err := rows.Scan(&ref.Kind, &ref.Key, &ref.Order, &subject, &a, &b, &ref.Target)
		ref.Subject = crm.SubjectOf(subject, a, b)
		*out = append(*out, ref)
		return err
	}
}

// ScanRefs implements crm.Reader.
func (r *reader) ScanRefs(ctx context.Context, q crm.RefQuery) ([]crm.Ref, error) {
	part, hash := crm.PartHash(string(q.Kind), q.Key)
	o, order, subject, a, b := opScan, int64(math.MinInt64), "", "", ""
	if q.Backward {
		o, order, subject = opBackward, math.MaxInt64, "~" // behind all subjects
	}
	if q.After != (crm.Ref{}) {
		order, subject = q.After.Order, ""
	}
	if q.After.Subject != (crm.Subject{}) {
		subject, a, b = q.After.Subject.Flat()
	}
	var out []crm.Ref
	err := r.query(ctx, o, tabRefs, 1, []any{int64(part), hash, seek(string(q.Kind)), seek(q.Key), order, subject, seek(a), seek(b), seek(q.After.Target), page(q.Limit)}, scanRef(&out))
	return out, err
}

// refRows turns entries into rows, sorted and each once.
func (t *tx) refRows(refs []crm.Ref) (*rowset, error) {
	type row struct {
		part crm.Part
		hash int64
		ref  *crm.Ref
	}
	list := make([]row, len(refs))
	for i := range refs {
		r := &refs[i]
		if err := check("put", "ref", string(r.Kind), r.Validate()); err != nil {
			return nil, err
		}
		part, hash := crm.PartHash(string(r.Kind), r.Key)
		list[i] = row{part, hash, r}
	}
	slices.SortFunc(list, func(x, y row) int {
		if x.part != y.part {
			return int(x.part) - int(y.part)
		}
		if c := cmp.Compare(x.hash, y.hash); c != 0 {
			return c
		}
		if c := x.ref.Compare(*y.ref); c != 0 {
			return c
		}
		if c := strings.Compare(x.ref.Key, y.ref.Key); c != 0 {
			return c
		}
		return strings.Compare(string(x.ref.Kind), string(y.ref.Kind))
	})
	rows := t.s.rows(9, len(list))
	for i, r := range list {
		if i > 0 && *r.ref == *list[i-1].ref {
			continue
		}
		kind, a, b := r.ref.Subject.Flat()
		rows.add(int64(r.part), r.hash, r.ref.Order, kind, a, b, r.ref.Target, string(r.ref.Kind), r.ref.Key)
	}
	return rows, nil
}

// PutRefs implements crm.Tx.
func (t *tx) PutRefs(ctx context.Context, refs ...crm.Ref) error {
	rows, err := t.refRows(refs)
	if err != nil {
		return err
	}
	defer t.s.free(rows)
	o := t.faster(opMerge, tabRefs)
	if t.hopeful(tabRefs, rows.len()) {
		o = opAdd
	}
	_, err = t.exec(ctx, o, tabRefs, rows)
	return err
}

// DeleteRefs implements crm.Tx.
func (t *tx) DeleteRefs(ctx context.Context, refs ...crm.Ref) error {
	rows, err := t.refRows(refs)
	if err != nil {
		return err
	}
	defer t.s.free(rows)
	_, err = t.exec(ctx, opDelete, tabRefs, rows)
	return err
}
