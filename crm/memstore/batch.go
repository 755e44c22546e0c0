package memstore

import (
	"bytes"
	"slices"
)

// batch gathers entries for one tree, to be written together.
type batch struct {
	buf   []byte
	spans []span
	out   []entry
}

// maxScratch is how much memory for gathering is kept for the next time.
const maxScratch = 1 << 22

// reset empties the batch and gives back memory that one large call made it take.
func (b *batch) reset() {
	if cap(b.buf) > maxScratch {
		*b = batch{}
	}
	b.buf, b.spans, b.out = b.buf[:0], b.spans[:0], b.out[:0]
}

// span is where a key and its value lie in the buffer; n is the number that
// its writer gave it.
type span struct{ key, val, end, n int }

// add takes over what key and val append to the buffer.
func (b *batch) add(n int, key, val func(buf []byte) []byte) {
	s := span{key: len(b.buf), n: n}
	b.buf = key(b.buf)
	s.val = len(b.buf)
	if val != nil {
		b.buf = val(b.buf)
	}
	s.end = len(b.buf)
	b.spans = append(b.spans, s)
}

// key and val return pieces of the buffer whose capacity ends with them, so that an append to
// one cannot write over the next.
func (b *batch) key(s span) []byte { return b.buf[s.key:s.val:s.val] }
func (b *batch) val(s span) []byte { return b.buf[s.val:s.end:s.end] }

// sort sorts by key; of one key by the order of adding.
func (b *batch) sort() {
	slices.SortFunc(b.spans, func(x, y span) int {
		if c := bytes.Compare(b.key(x), b.key(y)); c != 0 {
			return c
		}
		return x.key - y.key
	})
}

// entries returns the entries sorted; of several with one key the last.
func (b *batch) entries() []entry {
	b.sort()
	out := b.out[:0]
	for _, s := range b.spans {
		e := entry{b.key(s), b.val(s)}
		if n := len(out); n > 0 && bytes.Equal(out[n-1].key, e.key) {
			out[n-1] = e
			continue
		}
		out = append(out, e)
	}
	b.out = out
	return out
}
