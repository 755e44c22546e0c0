package crm

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
)

// Document is a small piece of the host's or an engine's own configuration or
// progress: a place, a tag's definition, a campaign, a rule set, a checkpoint,
// a report. There are few of them; they are not cut into parts.
type Document struct {
	// Kind says whose documents they are: choose one with a prefix of your own.
	Kind string
	ID   string
	// Data is the content as JSON.
	Data json.RawMessage
	Rev  int64 // the store's revision, 0 before the first Put
}

// NewDocument encodes v.
func NewDocument(kind, id string, v any) (*Document, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, &Error{Op: "encode", Entity: kind, ID: id, Kind: ErrInvalid, Err: err}
	}
	return &Document{Kind: kind, ID: id, Data: data}, nil
}

// Decode decodes the document into v.
func (d *Document) Decode(v any) error {
	if err := json.Unmarshal(d.Data, v); err != nil {
		return &Error{Op: "decode", Entity: d.Kind, ID: d.ID, Kind: ErrInvalid, Err: err}
	}
	return nil
}

// Validate reports every fault of the document.
func (d *Document) Validate() error {
	err := errors.Join(checkKeyText("kind", d.Kind, false), checkKeyText("id", d.ID, false))
	if !json.Valid(d.Data) {
		err = errors.Join(err, fieldError("data", "is not JSON"))
	}
	return err
}

// Documents iterates over all documents of a kind in the order of their ids.
func Documents(ctx context.Context, r Reader, kind string) iter.Seq2[*Document, error] {
	return func(yield func(*Document, error) bool) {
		for after := ""; ; {
			page, err := r.ScanDocuments(ctx, kind, after, pageSize)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, d := range page {
				if !yield(d, nil) {
					return
				}
				after = d.ID
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}
