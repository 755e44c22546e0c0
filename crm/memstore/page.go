package memstore

import (
	"encoding/binary"
	"strings"
)

// A page holds neighbouring entries of a tree in order, each as
//
//	shared, rest, size  uvarints
//	rest bytes          the key without what it shares with the key before
//	size bytes          the value
//
// Pages are immutable, exactly as long as they need to be and free of
// pointers, so that millions of records cost the collector next to nothing.
type page string

// head decodes the three numbers before the entry at off; body is where its
// key starts.
func (p page) head(off int) (shared, rest, size, body int) {
	if off+2 < len(p) && p[off]|p[off+1]|p[off+2] < 0x80 {
		return int(p[off]), int(p[off+1]), int(p[off+2]), off + 3
	}
	shared, off = p.uvarint(off)
	rest, off = p.uvarint(off)
	size, off = p.uvarint(off)
	return shared, rest, size, off
}

// uvarint is binary.Uvarint on a string, which would otherwise have to be copied.
func (p page) uvarint(off int) (n, next int) {
	for shift := 0; ; shift += 7 {
		c := p[off]
		off++
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			return n, off
		}
	}
}

// find returns the offset of the first entry whose key is not below key, how
// many bytes key shares with the key before that, and whether it is the key.
//
// It never puts a key together: knowing how much of the wanted key the entry
// before had, what an entry shares with that one mostly decides already.
func (p page) find(key []byte) (off, match int, exact bool) {
	for off < len(p) {
		shared, rest, size, body := p.head(off)
		if shared < match {
			return off, match, false
		}
		if shared == match {
			tail, want := string(p[body:body+rest]), key[match:]
			l := common(tail, want)
			switch {
			case l == len(tail) && l == len(want):
				return off, match, true
			case l == len(want) || (l < len(tail) && tail[l] > want[l]):
				return off, match, false
			}
			match += l
		}
		off = body + rest + size
	}
	return off, match, false
}

// get returns the value of a key.
func (p page) get(key []byte) (string, bool) {
	off, _, exact := p.find(key)
	if !exact {
		return "", false
	}
	_, rest, size, body := p.head(off)
	return string(p[body+rest : body+rest+size]), true
}

// put returns the page with the key's value set, and whether the key is new.
func (p page) put(key, val []byte) (page, bool) {
	off, match, exact := p.find(key)
	var b strings.Builder
	if exact {
		shared, rest, size, body := p.head(off)
		b.Grow(len(p) + len(val) - size + 9)
		b.WriteString(string(p[:off]))
		writeHead(&b, shared, rest, len(val))
		b.WriteString(string(p[body : body+rest]))
		b.Write(val)
		b.WriteString(string(p[body+rest+size:]))
		return page(b.String()), false
	}
	room := headLen(match, len(key)-match, len(val)) + len(key) - match + len(val)
	if off == len(p) {
		b.Grow(len(p) + room)
		b.WriteString(string(p))
		writeHead(&b, match, len(key)-match, len(val))
		b.Write(key[match:])
		b.Write(val)
		return page(b.String()), true
	}
	// The entry after the new one shares at least as much with the new key as
	// it did with the one before: they are in order.
	shared, rest, size, body := p.head(off)
	l := common(string(p[body:body+rest]), key[shared:])
	b.Grow(len(p) + room + headLen(shared+l, rest-l, size) - (body - off) - l)
	b.WriteString(string(p[:off]))
	writeHead(&b, match, len(key)-match, len(val))
	b.Write(key[match:])
	b.Write(val)
	writeHead(&b, shared+l, rest-l, size)
	b.WriteString(string(p[body+l:]))
	return page(b.String()), true
}

// leaf is a page that came off another one, with the bound between the two.
type leaf struct {
	low  string
	page page
}

// putAll returns the page with the entries, which are sorted, set, the pages
// that had to be split off, and how many keys are new.
func (p page) putAll(w *writer, entries []entry) (self page, more []leaf, added int) {
	if len(entries) == 1 {
		self, isNew := p.put(entries[0].key, entries[0].val)
		if isNew {
			added = 1
		}
		if len(self) > maxPage {
			if l, r, low := self.split(); r != "" {
				return l, []leaf{{low, r}}, added
			}
		}
		return self, nil, added
	}
	buf := w.buf[:0]
	from := 0         // what of p has not been written yet
	var before []byte // the new key just written, if it was
	for _, e := range entries {
		off, match, exact := p.find(e.key)
		if off > from {
			buf = p.appendAfter(buf, before, from, off)
			before, from = nil, off
		}
		if before != nil { // and nothing between the two
			match = common(string(before), e.key)
		}
		if exact {
			_, rest, size, body := p.head(off)
			from = body + rest + size
		} else {
			added++
		}
		buf = appendHead(buf, match, len(e.key)-match, len(e.val))
		buf = append(append(buf, e.key[match:]...), e.val...)
		before = e.key
	}
	buf = p.appendAfter(buf, before, from, len(p))
	self, more = cut(buf)
	if w.buf = buf; cap(buf) > maxScratch {
		w.buf = nil
	}
	return self, more, added
}

// appendAfter appends the entries of p from from to to, behind the key before,
// which is new; nil says that p's own entry before from stands there.
func (p page) appendAfter(buf, before []byte, from, to int) []byte {
	if before == nil || from == to {
		return append(buf, p[from:to]...)
	}
	shared, rest, size, body := p.head(from)
	l := common(string(p[body:body+rest]), before[shared:])
	buf = appendHead(buf, shared+l, rest-l, size)
	return append(buf, p[body+l:to]...)
}

// cut makes a page of a buffer, or several if it is too long.
func cut(b []byte) (self page, more []leaf) {
	p := page(b)
	if len(p) <= maxPage {
		return p, nil
	}
	target := len(p) / ((len(p) + maxPage*3/4 - 1) / (maxPage * 3 / 4))
	low, first := "", true
	var key, buf []byte
	flush := func(next string) {
		if first {
			self, first = page(buf), false
		} else {
			more = append(more, leaf{low, page(buf)})
		}
		low, buf = next, buf[:0]
	}
	for off := 0; off < len(p); {
		shared, rest, size, body := p.head(off)
		key = append(key[:shared], p[body:body+rest]...)
		next := body + rest + size
		if len(buf) > 0 && len(buf)+next-off > target {
			flush(string(key[:shared+1]))
			buf = appendHead(buf, 0, len(key), size)
			buf = append(append(buf, key...), p[body+rest:next]...)
		} else {
			buf = append(buf, p[off:next]...)
		}
		off = next
	}
	flush("")
	return self, more
}

// appendHead and writeHead write the numbers before an entry, headLen is how many bytes they
// take.
func appendHead(b []byte, ns ...int) []byte {
	for _, n := range ns {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// remove returns the page without the key, and whether it was there.
func (p page) remove(key []byte) (page, bool) {
	off, _, exact := p.find(key)
	if !exact {
		return p, false
	}
	shared, rest, size, body := p.head(off)
	next := body + rest + size
	var b strings.Builder
	if next == len(p) {
		b.WriteString(string(p[:off]))
		return page(b.String()), true
	}
	shared2, rest2, size2, body2 := p.head(next)
	b.Grow(len(p) - (next - off) + rest + 9)
	b.WriteString(string(p[:off]))
	if shared2 > shared { // the removed entry held a piece of the next one's key
		writeHead(&b, shared, rest2+shared2-shared, size2)
		b.WriteString(string(p[body : body+shared2-shared]))
	} else {
		writeHead(&b, shared2, rest2, size2)
	}
	b.WriteString(string(p[body2:]))
	return page(strings.Clone(b.String())), true
}

// split cuts a page of two or more entries into halves. Low is a bound between
// them: above every key on the left and not above any on the right. A page
// with a single entry comes back whole.
func (p page) split() (left, right page, low string) {
	var key []byte
	for off := 0; off < len(p); {
		shared, rest, size, body := p.head(off)
		key = append(key[:shared], p[body:body+rest]...)
		next := body + rest + size
		if off > 0 && (next > len(p)/2 || next == len(p)) {
			var b strings.Builder
			b.Grow(headLen(0, len(key), size) + len(key) + len(p) - (body + rest))
			writeHead(&b, 0, len(key), size)
			b.Write(key)
			b.WriteString(string(p[body+rest:]))
			return page(strings.Clone(string(p[:off]))), page(b.String()), string(key[:shared+1])
		}
		off = next
	}
	return p, "", ""
}

// join puts two neighbouring pages together.
func (p page) join(right page) page {
	if p == "" || right == "" {
		return p + right
	}
	var last []byte
	for off := 0; off < len(p); {
		shared, rest, size, body := p.head(off)
		last = append(last[:shared], p[body:body+rest]...)
		off = body + rest + size
	}
	_, rest, size, body := right.head(0)
	l := common(string(right[body:body+rest]), last)
	var b strings.Builder
	b.Grow(len(p) + len(right))
	b.WriteString(string(p))
	writeHead(&b, l, rest-l, size)
	b.WriteString(string(right[body+l:]))
	return page(b.String())
}

// common returns the length of the longest common prefix.
func common(a string, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func writeHead(b *strings.Builder, ns ...int) {
	for _, n := range ns {
		for ; n >= 0x80; n >>= 7 {
			b.WriteByte(byte(n) | 0x80)
		}
		b.WriteByte(byte(n))
	}
}

func headLen(ns ...int) int {
	total := 0
	for _, n := range ns {
		for total++; n >= 0x80; n >>= 7 {
			total++
		}
	}
	return total
}
