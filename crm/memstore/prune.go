package memstore

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/vefacrm/vefa/crm"
)

// Cursors returns the positions of all consumers.
func (r *reader) Cursors(ctx context.Context) ([]crm.Cursor, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	var out []crm.Cursor
	c := cursor{t: &r.st.cursors}
	for c.seek(nil); c.ok; c.step() {
		out = append(out, crm.Cursor{Consumer: string(bytes.Clone(c.key)), At: crm.Position(c.val)})
	}
	return out, nil
}

// DropCursors forgets consumers.
func (t *tx) DropCursors(ctx context.Context, consumers ...string) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	for _, c := range consumers {
		t.st.cursors.remove(&t.writer, []byte(c))
	}
	return nil
}

// PruneChanges removes changes from the beginning of parts. What is within a
// block that is not gone as a whole is only passed over.
func (t *tx) PruneChanges(ctx context.Context, upTo crm.Position, before time.Time, limit int) (int, error) {
	if err := t.usable(ctx); err != nil {
		return 0, err
	}
	at, err := upTo.Parts()
	if err != nil {
		return 0, err
	}
	limit = pageLimit(limit)
	total := 0
	for p := crm.Part(0); p < crm.Parts && total < limit; p++ {
		log := t.st.feed.part(p)
		if log == nil || log.pruned >= min(at[p], log.n) {
			continue
		}
		room := int(min(min(at[p], log.n)-log.pruned, uint64(limit-total)))
		old := log.after(nil, p, log.pruned, room, t.words())
		n := slices.IndexFunc(old, func(c crm.Change) bool { return !c.At.Before(before) })
		if n < 0 {
			n = len(old)
		}
		if n > 0 {
			t.ownLog(p).drop(uint64(n))
			total += n
		}
	}
	return total, nil
}

// ownLog returns the log of a part for writing.
func (t *tx) ownLog(p crm.Part) *partLog {
	g := t.st.feed.groups[p/groupSize]
	switch {
	case g == nil:
		g = &group{owner: t.owner}
	case g.owner != t.owner:
		g = &group{owner: t.owner, parts: g.parts}
	}
	t.st.feed.groups[p/groupSize] = g
	return &g.parts[p%groupSize]
}

// drop forgets the next n changes from the beginning.
func (l *partLog) drop(n uint64) {
	l.pruned += n
	if l.pruned == l.n {
		l.blocks, l.tail = nil, nil
		return
	}
	// A block ends before the next one, the last before the tail.
	gone := 0
	for gone < len(l.blocks) {
		end := l.n + 1
		if gone+1 < len(l.blocks) {
			end = l.blocks[gone+1].first
		} else if len(l.tail) > 0 {
			end = l.first
		}
		if end > l.pruned+1 {
			break
		}
		gone++
	}
	if gone > 0 {
		l.blocks = slices.Clone(l.blocks[gone:])
	}
}
