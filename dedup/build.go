package dedup

import (
	"context"
	"iter"
	"runtime"
)

// build reads records into a table ordered by id, so that nothing after it
// depends on the order of the input. Records that are apart are not folded with equal ones.
func build(ctx context.Context, t *table, records iter.Seq[Record], threads int, apart func(id string) bool) (*table, error) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	read := t.read
	if threads > 1 {
		read = t.readAhead
	}
	if err := read(ctx, records); err != nil {
		return nil, err
	}
	for f := range t.dicts {
		t.dicts[f].slots = nil // no values may come any more
	}
	if err := t.sort(); err != nil {
		return nil, err
	}
	t.fold(apart)
	t.count()
	t.blank()
	t.derive()
	return t, ctx.Err()
}

// readSize is the number of records between two looks at the context, and of those that
// are handed over at a time.
const readSize = 2048

// read adds all records.
func (t *table) read(ctx context.Context, records iter.Seq[Record]) error {
	row := 0
	for r := range records {
		row++
		if row%readSize == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if err := t.add(r, row); err != nil {
			return err
		}
	}
	return nil
}

// packet is a few records on their way: all ids and values in one string, record by
// record, each with its end.
type packet struct {
	text string
	ends []uint32
	bad  error // what follows
}

// readAhead adds all records on a goroutine of its own, while the caller's goroutine
// makes the next ones.
func (t *table) readAhead(ctx context.Context, records iter.Seq[Record]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	packets, done := make(chan packet, 2), make(chan struct{})
	go func() { // ends when packets is closed
		defer close(done)
		row := 0
		values := make([]string, len(t.dicts))
		for p := range packets {
			if ctx.Err() != nil {
				continue
			}
			from := uint32(0)
			next := func() string {
				s := p.text[from:p.ends[0]]
				from, p.ends = p.ends[0], p.ends[1:]
				return s
			}
			for len(p.ends) > 0 {
				row++
				id, source := next(), next()
				for f := range values {
					values[f] = next()
				}
				if err := t.add(Record{ID: id, Source: source, Values: values}, row); err != nil {
					cancel(err)
					break
				}
			}
			if p.bad != nil {
				cancel(p.bad)
			}
		}
	}()
	t.pack(ctx, records, packets)
	<-done
	return context.Cause(ctx)
}

// pack hands the records over until there are no more, one is of the wrong width or the
// context ends; then it closes the channel, even if the caller's iterator panics.
func (t *table) pack(ctx context.Context, records iter.Seq[Record], packets chan<- packet) {
	defer close(packets)
	var text []byte
	var ends []uint32
	row, size := 0, readSize*(len(t.dicts)+2)
	flush := func(bad error) {
		packets <- packet{string(text), ends, bad}
		text, ends = text[:0], make([]uint32, 0, size)
	}
	for r := range records {
		row++
		if len(r.Values) != len(t.dicts) || len(r.ID) > mostID {
			err := checkID(r.ID)
			if err == nil {
				err = errValues
			}
			flush(&RecordError{ID: r.ID, Row: row, Err: err})
			return
		}
		text = append(text, r.ID...)
		ends = append(ends, uint32(len(text)))
		if t.promises != nil {
			text = append(text, r.Source...)
		}
		ends = append(ends, uint32(len(text)))
		for _, v := range r.Values {
			text = append(text, shorten(v)...)
			ends = append(ends, uint32(len(text)))
		}
		if len(ends) >= size || len(text) > 1<<22 {
			flush(nil)
			if ctx.Err() != nil {
				return
			}
		}
	}
	flush(nil)
}
