package sqlstore

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// documentPart keeps the documents of a kind together: there are few.
func documentPart(kind string) int64 { return int64(crm.PartOf("document", kind)) }

// Documents implements crm.Reader.
func (r *reader) Documents(ctx context.Context, kind string, ids ...string) ([]*crm.Document, error) {
	rows := newRows(3, len(ids))
	for _, id := range ids {
		rows.add(documentPart(kind), seek(kind), seek(id))
	}
	found := make(map[string]*crm.Document, len(ids))
	err := r.each(ctx, opGet, tabDocuments, rows, func(rows resultRow) error {
		d, err := scanDocument(rows)
		if err == nil {
			found[d.ID] = d
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]*crm.Document, len(ids))
	for i, id := range ids {
		out[i] = found[id]
	}
	return out, nil
}

func scanDocument(rows resultRow) (*crm.Document, error) {
	d := new(crm.Document)
	var data []byte
	err := rows.Scan(&d.Kind, &d.ID, &d.Rev, &data)
	d.Data = json.RawMessage(data)
	return d, err
}

// ScanDocuments implements crm.Reader.
func (r *reader) ScanDocuments(ctx context.Context, kind, after string, limit int) ([]*crm.Document, error) {
	var out []*crm.Document
	err := r.query(ctx, opScan, tabDocuments, 1, []any{documentPart(kind), seek(kind), seek(after), page(limit)}, func(rows resultRow) error {
		d, err := scanDocument(rows)
		out = append(out, d)
		return err
	})
	return out, err
}

// PutDocuments implements crm.Tx.
func (t *tx) PutDocuments(ctx context.Context, docs ...*crm.Document) error {
	type name struct{ kind, id string }
	revs := make(map[name]int64, len(docs))
	sorted := slices.Clone(docs)
	slices.SortFunc(sorted, func(a, b *crm.Document) int {
		return compareParts(crm.Part(documentPart(a.Kind)), crm.Part(documentPart(b.Kind)), a.Kind+"\x00"+a.ID, b.Kind+"\x00"+b.ID)
	})
	keys, made, kept := newRows(3, len(docs)), newRows(5, 0), newRows(5, 0)
	for _, d := range sorted {
		if err := check("put", "document", d.ID, d.Validate()); err != nil {
			return err
		}
		if _, twice := revs[name{d.Kind, d.ID}]; twice {
			return conflict("put", "document", d.ID)
		}
		revs[name{d.Kind, d.ID}] = d.Rev
		rows := kept
		if d.Rev == 0 {
			rows = made
		}
		keys.add(documentPart(d.Kind), d.Kind, d.ID)
		rows.add(documentPart(d.Kind), d.Kind, d.ID, d.Rev+1, jsonText(d.Data))
	}
	var stale error
	seen := 0
	err := t.each(ctx, opState, tabDocuments, keys, func(rows resultRow) error {
		var n name
		var rev int64
		err := rows.Scan(&n.kind, &n.id, &rev)
		if rev != revs[n] {
			stale = conflict("put", "document", n.id)
		}
		seen++
		return err
	})
	if err != nil {
		return err
	}
	if stale == nil && seen != kept.len() {
		stale = conflict("put", "document", sorted[0].ID)
	}
	if stale != nil {
		return stale
	}
	n, err := t.exec(ctx, opInsert, tabDocuments, made)
	switch {
	case err != nil:
		return t.doom(err)
	case n != made.len() && t.own:
		return t.doom(errAgain) // made by somebody else since
	case n != made.len():
		return t.doom(conflict("put", "document", sorted[0].ID))
	}
	if _, err := t.exec(ctx, opUpdate, tabDocuments, kept); err != nil {
		return t.doom(err)
	}
	for _, d := range docs {
		t.give(&d.Rev, d.Rev+1)
	}
	return nil
}
