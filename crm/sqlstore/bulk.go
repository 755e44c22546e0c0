package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/vefacrm/vefa/crm"
)

// Ways to add rows that are faster than opInsert and opNewer, which may meet them. They
// bet that the rows are not there: one that is there after all ends the transaction,
// which Update runs again with more care, so they are for transactions of the store's
// own. BenchmarkBulk of internal/dbtest justifies each; of the time of opInsert or
// opNewer on PostgreSQL 15 it takes
//
//	                   orders  refs
//	opAdd                0.92  0.70
//	opMerge                 -  0.80
//	a look, then COPY    0.47     -
//	COPY                 0.32  0.38
//
// and on MariaDB 10.11 opAdd 0.70 and 0.68, opMerge 0.65.

// faster returns opAdd or opMerge where the database has it, else opInsert. opAdd is a
// plain INSERT, opMerge one that joins what is there first. In the host's transaction,
// which an error must not end, it is always opInsert.
func (s *session) faster(o op, tab tableID) op {
	if s.own && s.s.sql(o, tab, 1).text != "" {
		return o
	}
	return opInsert
}

// hopeful reports whether n rows may be added without a look whether they are
// there. Most rows of an import are new, and to look for them costs as much as
// to write them, so it is done only for a while after one was there.
func (t *tx) hopeful(tab tableID, n int) bool {
	if t.conn == nil || n < manyRows || t.again {
		return false
	}
	careful := &t.s.careful[tab]
	if careful.Load() <= 0 {
		return true
	}
	careful.Add(-1)
	return false
}

// carefulCalls is for how many calls rows of a table are looked for, after one
// was there, which ended the transaction.
const carefulCalls = 64

// divide tells the facts that are not there from those that may be. Where COPY is lent
// it hopes, or looks for many at once: a look and COPY take half the time of opNewer, a
// look and opAdd would take more.
func (t *tx) divide(ctx context.Context, list []factRow) (fresh, known []factRow, err error) {
	if t.hopeful(list[0].tab, len(list)) {
		for _, r := range list {
			delete(t.absent, *r.ref)
			t.newlyAnchored(r.ref.Key)
		}
		return list, nil, nil
	}
	for _, r := range list {
		if t.wasAbsent(*r.ref) || t.newlyAnchored(r.ref.Key) {
			fresh = append(fresh, r)
		} else {
			known = append(known, r)
		}
	}
	if t.conn == nil || len(known) < manyRows {
		return fresh, known, nil
	}
	tab := list[0].tab
	rows := newRows(t.s.g.tables[tab].keys, len(known))
	for _, r := range known {
		rows.add(factKey(tab, r.part, *r.ref)...)
	}
	there := map[crm.FactRef]bool{}
	err = t.each(ctx, opPeek, tab, rows, func(rows resultRow) error {
		ref, _, err := t.s.g.scanFactKey(tab, rows)
		there[ref] = true
		return err
	})
	ask := known
	known = nil
	for _, r := range ask {
		if there[*r.ref] {
			known = append(known, r)
		} else {
			fresh = append(fresh, r)
		}
	}
	slices.SortFunc(fresh, factRow.compare)
	return fresh, known, err
}

// wasAbsent reports, once, whether the transaction looked for the fact in vain.
func (t *tx) wasAbsent(ref crm.FactRef) bool {
	_, ok := t.absent[ref]
	if ok {
		delete(t.absent, ref)
	}
	return ok
}

// newlyAnchored reports, once, whether the transaction made the anchor of the fact,
// which until then hung nowhere. A transaction that is run again does not rely on it,
// nor does the host's.
func (t *tx) newlyAnchored(key crm.FactKey) bool {
	if t.anchored[key] != anchorMade || t.again || !t.own {
		return false
	}
	t.anchored[key] = anchorThere
	return true
}

// manyRows is from how many rows on Config.Copy is worth its round trips.
const manyRows = 64

// wait waits for the COPY that runs and returns its error, or that of an earlier
// one.
func (s *session) wait() error {
	if s.copying != nil {
		s.failed = <-s.copying
		s.copying = nil
	}
	return s.failed
}

// copyRows begins to write new rows by Config.Copy.
func (s *session) copyRows(ctx context.Context, tab tableID, rows *rowset) error {
	buf, _ := s.s.copies.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = appendCopy((*buf)[:0], s.s.g.tables[tab].cols, s.s.cfg.Tenant, rows.vals)
	if err := s.wait(); err != nil {
		return err
	}
	done := make(chan error, 1)
	s.copying = done
	go func() {
		err := s.s.g.raced(opAdd, s.s.copy(ctx, s.conn, s.s.sql(opCopy, tab, 1).text, *buf))
		if errors.Is(err, errAgain) {
			s.s.careful[tab].Store(carefulCalls)
		}
		s.s.copies.Put(buf)
		done <- s.s.g.wrap("copy", s.s.g.tables[tab].name, err)
	}()
	return nil
}

// copy calls the host's function on a goroutine, where a panic would end the
// process.
func (s *Store) copy(ctx context.Context, conn *sql.Conn, statement string, rows []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sqlstore: Config.Copy panicked: %v", p)
		}
	}()
	return s.cfg.Copy(ctx, conn, statement, bytes.NewReader(rows))
}

// appendCopy writes rows in PostgreSQL's binary COPY format (the manual's chapter
// on COPY, "Binary Format"): a header, per row the number of fields and per field
// its length and bytes, a trailer. The tenant is the first field.
func appendCopy(b []byte, cols []column, tenant string, vals []cell) []byte {
	b = append(b, "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	for i, v := range vals {
		c := i % len(cols)
		if c == 0 {
			b = binary.BigEndian.AppendUint16(b, uint16(1+len(cols)))
			b = binary.BigEndian.AppendUint32(b, uint32(len(tenant)))
			b = append(b, tenant...)
		}
		switch v.kind {
		case num:
			if cols[c].typ == small {
				b = binary.BigEndian.AppendUint32(b, 2)
				b = binary.BigEndian.AppendUint16(b, uint16(v.n))
			} else {
				b = binary.BigEndian.AppendUint32(b, 8)
				b = binary.BigEndian.AppendUint64(b, uint64(v.n))
			}
		case str:
			b = binary.BigEndian.AppendUint32(b, uint32(len(v.s)))
			b = append(b, v.s...)
		default:
			b = binary.BigEndian.AppendUint32(b, math.MaxUint32)
		}
	}
	return binary.BigEndian.AppendUint16(b, math.MaxUint16)
}
