package bitset

import (
	"math/bits"
	"slices"
	"sync"
)

// scratch is where one goroutine computes conjunctions, one chunk at a time:
// members of all included containers and of no excluded one. Bitmaps are combined
// in one fused pass that counts as it goes; arrays are filtered in place; runs
// stay runs while they meet runs only.
type scratch struct {
	words    *bitmap // where bitmaps are computed: the builder's next free one
	arr      [maxArray]uint16
	runs     combiner
	inc, exc []*container
	built    builder
}

var scratches = sync.Pool{New: func() any {
	s := new(scratch)
	s.words = &s.built.batch[0]
	return s
}}

// release gives the scratch back. It must not keep alive what it worked on.
func (s *scratch) release() {
	clear(s.inc[:cap(s.inc)])
	clear(s.exc[:cap(s.exc)])
	scratches.Put(s)
}

// chunk computes the conjunction of inc without exc. There is at least one in
// inc; none is empty, and none is full unless it is alone. The result lives in s
// or is inc[0] and must not be changed.
func (s *scratch) chunk(inc, exc []*container) container {
	base, bitmaps := smallest(inc)
	if base.kind == kindArray {
		return s.filter(base, inc, exc)
	}
	if bitmaps == 0 {
		return s.ofRuns(inc, exc)
	}
	if len(inc) == 1 && len(exc) == 0 {
		return *base
	}
	n := s.combine(inc, exc)
	return s.finish(inc, exc, n)
}

// count returns the size of what chunk would return.
func (s *scratch) count(inc, exc []*container) int {
	base, bitmaps := smallest(inc)
	if base.kind == kindArray {
		return len(s.filter(base, inc, exc).arr)
	}
	if bitmaps == 0 {
		return int(s.ofRuns(inc, exc).n)
	}
	if len(inc) == 1 && len(exc) == 0 {
		return int(base.n)
	}
	if bitmaps == 2 && len(inc) == 2 {
		if n, ok := countTwo(inc[0].bits, inc[1].bits, exc); ok {
			return n
		}
	}
	c := s.finish(inc, exc, s.combine(inc, exc))
	return int(c.n)
}

// smallest returns the container to begin with: the smallest array if there is
// one, else the smallest; and how many bitmaps there are.
func smallest(inc []*container) (base *container, bitmaps int) {
	for _, c := range inc {
		switch {
		case c.kind == kindBitmap:
			bitmaps++
		case c.kind == kindArray && (base == nil || base.kind != kindArray || c.n < base.n):
			base = c
		}
	}
	if base == nil {
		base = inc[0]
		for _, c := range inc[1:] {
			if c.n < base.n {
				base = c
			}
		}
	}
	return base, bitmaps
}

// filter keeps the members of an array that are in all of inc and none of exc.
func (s *scratch) filter(base *container, inc, exc []*container) container {
	vals := s.keep(base, inc)
	if len(vals) > 0 {
		vals = s.drop(vals, exc)
	}
	return arrayOf(vals)
}

// arrayOf makes a container of ascending members; it does not copy them.
func arrayOf(vals []uint16) container {
	return container{kind: kindArray, arr: vals, n: int32(len(vals))}
}

// keep returns the values of the array base that are in all of inc.
func (s *scratch) keep(base *container, inc []*container) []uint16 {
	vals, out := base.arr, s.arr[:]
	if len(vals) > len(out) {
		out = make([]uint16, len(vals)) // an array longer than ours are
	}
	for _, c := range inc {
		if c == base {
			continue
		}
		if vals = out[:c.filter(out, vals, true)]; len(vals) == 0 {
			break
		}
	}
	return vals
}

// drop returns the values that are in none of exc.
func (s *scratch) drop(vals []uint16, exc []*container) []uint16 {
	out := s.arr[:]
	if len(vals) > len(out) {
		out = make([]uint16, len(vals))
	}
	for _, c := range exc {
		if vals = out[:c.filter(out, vals, false)]; len(vals) == 0 {
			break
		}
	}
	return vals
}

// filter writes the values that are (want) or are not in c to out, which may be
// the same memory, and returns their number.
func (c *container) filter(out, vals []uint16, want bool) (j int) {
	switch c.kind {
	case kindBitmap:
		flip := uint64(0)
		if !want {
			flip = 1
		}
		b := c.bits
		out = out[:len(vals)]
		for _, v := range vals {
			out[j] = v
			j += int(b[v>>6]>>(v&63)&1 ^ flip)
		}
		return j
	case kindRun:
		runs := c.arr
		for _, v := range vals {
			for len(runs) > 1 && runs[1] < v {
				runs = runs[2:]
			}
			if (len(runs) > 1 && runs[0] <= v) == want {
				out[j] = v
				j++
			}
		}
		return j
	default:
		return filterArrays(out, vals, c.arr, want)
	}
}

// ofRuns computes a conjunction whose included containers are all runs.
func (s *scratch) ofRuns(inc, exc []*container) container {
	acc := *inc[0]
	for _, c := range inc[1:] {
		if acc = s.runs.runsAnd(acc, *c); acc.n == 0 {
			return acc
		}
	}
	flat := false
	for _, c := range exc {
		if c.kind != kindRun {
			flat = true
			continue
		}
		if acc = s.runs.runsAndNot(acc, *c); acc.n == 0 {
			return acc
		}
	}
	if !flat {
		return acc
	}
	*s.words = bitmap{}
	acc.orInto(s.words)
	n := int(acc.n)
	for _, c := range exc {
		if c.kind == kindBitmap {
			n = s.words.andNot(c.bits)
		}
	}
	for _, c := range exc {
		if c.kind == kindArray {
			n -= s.words.clearAll(c.arr)
		}
	}
	return s.settled(n)
}

// combine intersects the included bitmaps and subtracts the excluded ones in s.words.
func (s *scratch) combine(inc, exc []*container) (n int) {
	var in, ex [2]*bitmap // the first pass takes up to two of each
	i, e := 0, 0
	for _, c := range inc {
		if c.kind == kindBitmap && i < 2 {
			in[i] = c.bits
			i++
		}
	}
	for _, c := range exc {
		if c.kind == kindBitmap && e < 2 {
			ex[e] = c.bits
			e++
		}
	}
	switch {
	case i == 1 && e == 0:
		*s.words = *in[0]
		n = -1
	case i == 1 && e == 1:
		n = storeAndNot(s.words, in[0], ex[0])
	case i == 1:
		n = storeAndNotNot(s.words, in[0], ex[0], ex[1])
	case e == 0:
		n = storeAnd(s.words, in[0], in[1])
	case e == 1:
		n = storeAndAndNot(s.words, in[0], in[1], ex[0])
	default:
		n = storeAndAndNotNot(s.words, in[0], in[1], ex[0], ex[1])
	}
	i, e = 0, 0
	for _, c := range inc {
		if c.kind == kindBitmap {
			if i++; i > 2 {
				n = storeAnd(s.words, s.words, c.bits)
			}
		}
	}
	for _, c := range exc {
		if c.kind == kindBitmap {
			if e++; e > 2 {
				n = storeAndNot(s.words, s.words, c.bits)
			}
		}
	}
	if n < 0 {
		for _, c := range inc {
			if c.kind == kindBitmap {
				n = int(c.n)
			}
		}
	}
	return n
}

// finish applies to s.words, which has n members, what is no bitmap.
func (s *scratch) finish(inc, exc []*container, n int) container {
	masked := false
	for _, c := range inc {
		if c.kind == kindRun {
			s.words.mask(c.arr)
			masked = true
		}
	}
	if masked {
		n = int(s.words.count())
	}
	for _, c := range exc {
		switch c.kind {
		case kindArray:
			n -= s.words.clearAll(c.arr)
		case kindRun:
			for i := 0; i+1 < len(c.arr); i += 2 {
				n -= s.words.countRange(c.arr[i], c.arr[i+1])
				s.words.clearRange(c.arr[i], c.arr[i+1])
			}
		}
	}
	return s.settled(n)
}

// settled is the bitmap of the scratch as a container; it is good until the next
// evaluation.
func (s *scratch) settled(n int) container {
	if n == 0 {
		return container{}
	}
	return container{kind: kindBitmap, bits: s.words, n: int32(n)}
}

// countTwo counts a ∩ b without excluded containers, of which at most two are
// bitmaps and at most one is an array, and stores nothing.
func countTwo(a, b *bitmap, exc []*container) (n int, ok bool) {
	var not [2]*bitmap
	var few []uint16
	e := 0
	for _, c := range exc {
		switch {
		case c.kind == kindBitmap && e < 2:
			not[e] = c.bits
			e++
		case c.kind == kindArray && few == nil:
			few = c.arr
		default:
			return 0, false
		}
	}
	switch e {
	case 0:
		n = countAnd(a, b)
		for _, v := range few {
			n -= int(a[v>>6] & b[v>>6] >> (v & 63) & 1)
		}
	case 1:
		x := not[0]
		n = countAndAndNot(a, b, x)
		for _, v := range few {
			n -= int(a[v>>6] & b[v>>6] &^ x[v>>6] >> (v & 63) & 1)
		}
	default:
		x, y := not[0], not[1]
		n = countAndAndNotNot(a, b, x, y)
		for _, v := range few {
			n -= int(a[v>>6] & b[v>>6] &^ (x[v>>6] | y[v>>6]) >> (v & 63) & 1)
		}
	}
	return n, true
}

// mask clears what lies in none of the runs.
func (b *bitmap) mask(runs []uint16) {
	next := 0 // first id not yet decided
	for i := 0; i+1 < len(runs); i += 2 {
		if first := int(runs[i]); first > next {
			b.clearRange(uint16(next), uint16(first-1))
		}
		next = int(runs[i+1]) + 1
	}
	if next < chunkSize {
		b.clearRange(uint16(next), chunkSize-1)
	}
}

// clearAll removes vals and returns how many were members.
func (b *bitmap) clearAll(vals []uint16) (n int) {
	for _, v := range vals {
		w := b[v>>6]
		n += int(w >> (v & 63) & 1)
		b[v>>6] = w &^ (1 << (v & 63))
	}
	return n
}

func (b *bitmap) andNot(x *bitmap) int { return storeAndNot(b, b, x) }

// The fused passes write to dst, which may be an operand, and return the number
// of members.

// storeAnd and those below are one pass for the shapes that audiences have most, two
// includes and two excludes at most: each word is read, written and counted once, where
// operation after operation would do so several times.
func storeAnd(dst, a, b *bitmap) (n int) {
	for i := range dst {
		w := a[i] & b[i]
		dst[i] = w
		n += bits.OnesCount64(w)
	}
	return n
}

func storeAndNot(dst, a, x *bitmap) (n int) {
	for i := range dst {
		w := a[i] &^ x[i]
		dst[i] = w
		n += bits.OnesCount64(w)
	}
	return n
}

func storeAndNotNot(dst, a, x, y *bitmap) (n int) {
	for i := range dst {
		w := a[i] &^ (x[i] | y[i])
		dst[i] = w
		n += bits.OnesCount64(w)
	}
	return n
}

func storeAndAndNot(dst, a, b, x *bitmap) (n int) {
	for i := range dst {
		w := a[i] & b[i] &^ x[i]
		dst[i] = w
		n += bits.OnesCount64(w)
	}
	return n
}

func storeAndAndNotNot(dst, a, b, x, y *bitmap) (n int) {
	for i := range dst {
		w := a[i] & b[i] &^ (x[i] | y[i])
		dst[i] = w
		n += bits.OnesCount64(w)
	}
	return n
}

func countAndAndNotNot(a, b, x, y *bitmap) (n int) {
	for i := range a {
		n += bits.OnesCount64(a[i] & b[i] &^ (x[i] | y[i]))
	}
	return n
}

// batchLen is how many bitmaps of a result share an allocation. The allocator
// is much slower with single ones, and clears memory that will be overwritten
// unless it is allocated as a copy.
const batchLen = 8

// builder gathers the chunks of a result: bitmaps in batches, small payloads in
// one place, so that the finished set needs few allocations.
type builder struct {
	keys  []uint16
	cs    []container
	ends  []int // of the payload in vals; 0 for bitmaps
	vals  []uint16
	batch [batchLen]bitmap
	open  [batchLen]int // chunks whose bitmaps are in batch
	n     int
}

// put appends a computed chunk; keys arrive in ascending order.
func (s *scratch) put(key uint16, c container) {
	if c.n == 0 {
		return
	}
	b, end := &s.built, 0
	switch {
	case c.kind == kindArray && c.n > maxArray: // an operand from elsewhere
		*s.words = bitmap{}
		c.orInto(s.words)
		fallthrough
	case c.kind == kindBitmap && c.n > maxArray:
		if c.kind == kindBitmap && c.bits != s.words {
			*s.words = *c.bits
		}
		c.kind, c.bits = kindBitmap, nil
		b.open[b.n] = len(b.cs)
		b.n++
	case c.kind == kindBitmap:
		b.vals = c.bits.appendTo(b.vals, int(c.n))
		c.kind, c.bits, end = kindArray, nil, len(b.vals)
	default:
		b.vals = append(b.vals, c.arr...)
		end = len(b.vals)
	}
	c.owner, c.arr = nil, nil // nobody's: whoever changes the chunk copies it
	b.keys, b.cs, b.ends = append(b.keys, key), append(b.cs, c), append(b.ends, end)
	if b.n == batchLen {
		b.flush()
	}
	s.words = &b.batch[b.n]
}

// flush gives the bitmaps that were built in batches to their containers, in one
// allocation.
func (b *builder) flush() {
	done := append([]bitmap(nil), b.batch[:b.n]...)
	for i := range done {
		b.cs[b.open[i]].bits = &done[i]
	}
	b.n = 0
}

// set returns what was put and makes the builder ready for the next result.
func (s *scratch) set() *Set {
	b, out := &s.built, new(Set)
	if b.n > 0 {
		b.flush()
		s.words = &b.batch[0]
	}
	if len(b.keys) > 0 {
		out.keys, out.cs = slices.Clone(b.keys), slices.Clone(b.cs)
		vals, from := slices.Clone(b.vals), 0
		for i, end := range b.ends {
			if end > 0 {
				out.cs[i].arr, from = vals[from:end:end], end
			}
		}
		clear(b.cs)
	}
	b.keys, b.cs, b.ends, b.vals = b.keys[:0], b.cs[:0], b.ends[:0], b.vals[:0]
	return out
}

// appendTo appends the n members to vals.
func (b *bitmap) appendTo(vals []uint16, n int) []uint16 {
	at := len(vals)
	vals = slices.Grow(vals, n)[:at+n]
	out := vals[at:]
	j := 0
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			out[j] = uint16(i<<6 | bits.TrailingZeros64(w))
			j++
		}
	}
	return vals
}
