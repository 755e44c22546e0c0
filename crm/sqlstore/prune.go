package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Cursors implements crm.Reader.
func (r *reader) Cursors(ctx context.Context) ([]crm.Cursor, error) {
	var out []crm.Cursor
	err := r.query(ctx, opAll, tabCursors, 1, nil, func(rows resultRow) error {
		var c crm.Cursor
		var part int64
		err := rows.Scan(&part, &c.Consumer, &c.At)
		out = append(out, c)
		return err
	})
	return out, err
}

// DropCursors implements crm.Tx.
func (t *tx) DropCursors(ctx context.Context, consumers ...string) error {
	rows := newRows(2, len(consumers))
	for _, c := range consumers {
		rows.add(int64(crm.PartOf("cursor", c)), seek(c))
	}
	_, err := t.exec(ctx, opDelete, tabCursors, rows)
	return err
}

// DeleteDocuments implements crm.Tx.
func (t *tx) DeleteDocuments(ctx context.Context, kind string, ids ...string) error {
	rows := newRows(3, len(ids))
	for _, id := range ids {
		rows.add(documentPart(kind), seek(kind), seek(id))
	}
	_, err := t.exec(ctx, opDelete, tabDocuments, rows)
	return err
}

// PruneChanges implements crm.Tx.
func (t *tx) PruneChanges(ctx context.Context, upTo crm.Position, before time.Time, limit int) (int, error) {
	at, err := upTo.Parts()
	if err != nil {
		return 0, err
	}
	parts := newRows(1, 0)
	for p, n := range at {
		if n > 0 {
			parts.add(int64(p))
		}
	}
	left := uint64(page(limit))
	ranges := newRows(3, 0)
	err = t.each(ctx, opFirst, tabChanges, parts, func(rows resultRow) error {
		var part int64
		var first sql.NullInt64
		if err := rows.Scan(&part, &first); err != nil {
			return err
		}
		if last := at[part]; first.Valid && uint64(first.Int64) <= last && left > 0 {
			n := min(last-uint64(first.Int64)+1, left)
			ranges.add(part, first.Int64-1, first.Int64-1+int64(n))
			left -= n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	// Of each part up to the first change that is not old enough.
	var cut [crm.Parts]uint64
	var young [crm.Parts]bool
	err = t.each(ctx, opOf, tabChanges, ranges, func(rows resultRow) error {
		var c crm.Change
		var part, seq, micro int64
		var kind, a, b string
		if err := rows.Scan(&part, &seq, &c.Kind, &kind, &a, &b, &c.Fact.Kind, &c.Fact.Source, &c.Fact.ID, &micro); err != nil {
			return err
		}
		if young[part] = young[part] || !fromMicros(micro).Before(before); !young[part] {
			cut[part] = uint64(seq)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	old := newRows(3, 0)
	for i := 0; i < len(ranges.vals); i += ranges.width {
		if part := ranges.vals[i].n; cut[part] > 0 {
			old.add(part, ranges.vals[i+1].n, int64(cut[part]))
		}
	}
	n, err := t.exec(ctx, opPrune, tabChanges, old)
	if err != nil {
		return 0, t.doom(err)
	}
	return n, nil
}
