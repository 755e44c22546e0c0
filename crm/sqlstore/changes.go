package sqlstore

import (
	"context"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// changed notes an entry for the change feed.
func (t *tx) changed(kind crm.ChangeKind, part crm.Part, subject crm.Subject, fact crm.FactKey) {
	t.changes = append(t.changes, crm.Change{Part: part, Kind: kind, Subject: subject, Fact: fact, At: t.now})
}

// flushChanges numbers the entries and writes them. The counters of the parts
// are taken in the order of the parts and held to the commit, so within a part
// numbers are committed in their order and without a gap: a reader that has
// seen number n has seen all before it.
func (t *tx) flushChanges(ctx context.Context) error {
	changes := t.changes
	if len(changes) == 0 {
		return nil
	}
	t.changes = nil
	var number [crm.Parts]int64 // how many, then the next one
	for i := range changes {
		number[changes[i].Part]++
	}
	bump := newRows(2, 0)
	for p, n := range number {
		if n > 0 {
			bump.add(int64(p), n)
		}
	}
	err := t.each(ctx, opBump, tabPartSeq, bump, func(rows resultRow) error {
		var part, n int64
		if err := rows.Scan(&part, &n); err != nil {
			return err
		}
		number[part] = n - number[part] + 1
		return nil
	})
	if err != nil {
		return t.doom(err)
	}
	order := make([]int32, len(changes))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(i, j int32) int { return int(changes[i].Part) - int(changes[j].Part) })
	rows := t.s.rows(10, len(changes))
	defer t.s.free(rows)
	for _, i := range order {
		c := &changes[i]
		kind, a, b := c.Subject.Flat()
		rows.add(int64(c.Part), number[c.Part], string(c.Kind), kind, a, b, string(c.Fact.Kind), c.Fact.Source, c.Fact.ID, micros(c.At))
		number[c.Part]++
	}
	if _, err := t.exec(ctx, t.faster(opAdd, tabChanges), tabChanges, rows); err != nil {
		return t.doom(err)
	}
	return nil
}

// heads reads the last number of each part.
func (r *reader) heads(ctx context.Context) (*crm.PartPositions, error) {
	out := new(crm.PartPositions)
	err := r.query(ctx, opAll, tabPartSeq, 1, nil, func(rows resultRow) error {
		var part, n int64
		if err := rows.Scan(&part, &n); err != nil {
			return err
		}
		out[part] = uint64(n)
		return nil
	})
	return out, err
}

// Head implements crm.Reader.
func (r *reader) Head(ctx context.Context) (crm.Position, error) {
	heads, err := r.heads(ctx)
	if err != nil {
		return "", err
	}
	return heads.Position(), nil
}

// Changes implements crm.Reader. Numbers have no gaps, so the heads tell
// which rows to fetch.
func (r *reader) Changes(ctx context.Context, after crm.Position, limit int) ([]crm.Change, crm.Position, error) {
	at, err := after.Parts()
	if err != nil {
		return nil, after, err
	}
	heads, err := r.heads(ctx)
	if err != nil {
		return nil, after, err
	}
	left := uint64(page(limit))
	asked := 0
	rows := newRows(3, 0)
	for p, head := range heads {
		if head <= at[p] || left == 0 {
			continue
		}
		n := min(head-at[p], left)
		rows.add(int64(p), int64(at[p]), int64(at[p]+n))
		at[p] += n
		left -= n
		asked += int(n)
	}
	var out []crm.Change
	err = r.each(ctx, opOf, tabChanges, rows, func(rows resultRow) error {
		var c crm.Change
		var part, seq, micro int64
		var kind, a, b string
		if err := rows.Scan(&part, &seq, &c.Kind, &kind, &a, &b, &c.Fact.Kind, &c.Fact.Source, &c.Fact.ID, &micro); err != nil {
			return err
		}
		c.Part, c.Seq, c.Subject, c.At = crm.Part(part), uint64(seq), crm.SubjectOf(kind, a, b), fromMicros(micro)
		out = append(out, c)
		return nil
	})
	if err != nil {
		return nil, after, err
	}
	if len(out) != asked {
		return nil, after, &crm.Error{Op: "read", Entity: "changes", Kind: crm.ErrPruned}
	}
	return out, at.Position(), nil
}

// Cursor implements crm.Tx.
func (t *tx) Cursor(ctx context.Context, consumer string) (crm.Position, error) {
	if err := check("read", "cursor", consumer, (crm.ProfileKey{Source: "cursor", ID: consumer}).Validate()); err != nil {
		return "", err
	}
	part := int64(crm.PartOf("cursor", consumer))
	for {
		var position string
		var held bool
		err := t.query(ctx, opLockCursor, tabCursors, 1, []any{part, consumer}, func(rows resultRow) error {
			held = true
			return rows.Scan(&position)
		})
		if err != nil || held {
			return crm.Position(position), err
		}
		busy := &crm.Error{Op: "read", Entity: "cursor", ID: consumer, Kind: crm.ErrBusy}
		there := false
		row := newRows(2, 1)
		row.add(part, consumer)
		err = t.each(ctx, opGet, tabCursors, row, func(rows resultRow) error {
			there = true
			return rows.Scan(&position)
		})
		switch {
		case err != nil:
			return "", err
		case there:
			return "", busy
		case t.own && !t.s.g.oneWriter:
			t.consumer = consumer
			return "", errAgain
		}
		n, err := t.exec(ctx, opInsert, tabCursors, cursorRow(consumer, ""))
		if err != nil {
			return "", err
		}
		if n == 1 {
			return "", nil
		}
	}
}

// SetCursor implements crm.Tx.
func (t *tx) SetCursor(ctx context.Context, consumer string, to crm.Position) error {
	if err := check("write", "cursor", consumer, (crm.ProfileKey{Source: "cursor", ID: consumer}).Validate()); err != nil {
		return err
	}
	if _, err := to.Parts(); err != nil {
		return err
	}
	_, err := t.exec(ctx, opNewer, tabCursors, cursorRow(consumer, to))
	return err
}

func cursorRow(consumer string, at crm.Position) *rowset {
	row := newRows(3, 1)
	row.add(int64(crm.PartOf("cursor", consumer)), consumer, string(at))
	return row
}
