package memstore

import (
	"bytes"
	"context"

	"github.com/vefacrm/vefa/crm"
)

// appendDocument appends the key of a document: kind, 0, id.
func appendDocument(b []byte, kind, id string) []byte {
	return append(appendText(b, kind), id...)
}

// documentOf decodes a value: a revision, and the rest is the document's JSON.
func documentOf(kind, id, val string) *crm.Document {
	d := decoder{s: val}
	return &crm.Document{Kind: kind, ID: id, Rev: d.int(), Data: []byte(d.s)}
}

// Documents returns one entry per id.
func (r *reader) Documents(ctx context.Context, kind string, ids ...string) ([]*crm.Document, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]*crm.Document, len(ids))
	var key []byte
	return out, each(ctx, len(ids), func(i int) error {
		key = appendDocument(key[:0], kind, ids[i])
		if val, ok := r.st.documents.get(key); ok {
			out[i] = documentOf(kind, ids[i], val)
		}
		return nil
	})
}

// ScanDocuments returns a page of the documents of a kind.
func (r *reader) ScanDocuments(ctx context.Context, kind, after string, limit int) ([]*crm.Document, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	if !storable(kind) {
		return nil, nil
	}
	limit = pageLimit(limit)
	prefix := appendDocument(nil, kind, "")
	from := prefix
	if after != "" {
		from = append(appendDocument(nil, kind, after), 0)
	}
	var out []*crm.Document
	c := cursor{t: &r.st.documents}
	for c.seek(from); c.ok && len(out) < limit && bytes.HasPrefix(c.key, prefix); c.step() {
		out = append(out, documentOf(kind, string(c.key[len(prefix):]), c.val))
	}
	return out, nil
}

// DeleteDocuments removes documents.
func (t *tx) DeleteDocuments(ctx context.Context, kind string, ids ...string) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	return each(ctx, len(ids), func(i int) error {
		t.key = appendDocument(t.key[:0], kind, ids[i])
		t.st.documents.remove(&t.writer, t.key)
		return nil
	})
}

// PutDocuments inserts or replaces documents.
func (t *tx) PutDocuments(ctx context.Context, docs ...*crm.Document) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	seen := make(map[[2]string]bool, len(docs))
	for _, d := range docs {
		if err := d.Validate(); err != nil {
			return refuse("put", "document", d.Kind+"/"+d.ID, err)
		}
		t.key = appendDocument(t.key[:0], d.Kind, d.ID)
		rev := int64(0)
		if val, ok := t.st.documents.get(t.key); ok {
			rev = documentOf("", "", val).Rev
		}
		if rev != d.Rev || seen[[2]string{d.Kind, d.ID}] {
			return conflict("put", "document", d.Kind+"/"+d.ID)
		}
		seen[[2]string{d.Kind, d.ID}] = true
	}
	for _, d := range docs {
		d.Rev++
		e := t.encode()
		e.int(d.Rev)
		e.b = append(e.b, d.Data...)
		t.key = appendDocument(t.key[:0], d.Kind, d.ID)
		t.keep(&t.st.documents, t.key)
	}
	return nil
}
