package segment

import (
	"math/bits"
	"slices"
)

// The evaluator walks the 65,536-id chunks once. For each chunk an expression
// is computed from the containers of its leaves in scratch space of at most a
// few kilobytes; no intermediate Set exists. A chunk ends as soon as one
// included operand is empty there, the smallest operand drives, and excluded
// operands clear bits in place.

type opcode uint8

const (
	opSet     opcode = iota // a leaf
	opAnd                   // in all of inc, in none of exc
	opOr                    // in any of inc
	opXor                   // in an odd number of inc
	opAtLeast               // in k or more of inc
	opPred                  // for whom an outside predicate holds; single customers only
)

// node is one operation of a compiled expression with its scratch space; it
// belongs to one goroutine.
type node struct {
	op       opcode
	set      *Set
	inc, exc []*node
	k        int

	key   int32 // chunk for which val holds; -1 before the first
	val   container
	count int // members seen by counting evaluation

	inputs []container
	bits   *bitmap
	arrs   [2][]uint16
	planes []bitmap

	pred  func(customer string) bool // opPred
	name  func(id uint32) string     // opPred
	stamp uint64                     // question for which holds is the answer
	holds bool
}

func leaf(s *Set) *node { return &node{op: opSet, set: s, key: -1} }

func op(code opcode, inc, exc []*node) *node {
	return &node{op: code, inc: inc, exc: exc, key: -1}
}

// chunk returns the value of the expression on one chunk. The result must not
// be changed and holds until the node is asked for another chunk.
func (n *node) chunk(key uint16) container {
	if n.op == opSet {
		return n.set.chunk(key)
	}
	if n.key == int32(key) {
		return n.val
	}
	switch n.op {
	case opAnd:
		n.val = n.and(key)
	case opAtLeast:
		n.val = n.atLeast(key)
	default:
		n.val = n.merge(key)
	}
	n.key = int32(key)
	return n.val
}

// and computes inc[0] ∩ inc[1] … \ exc[0] \ exc[1] … on one chunk.
func (n *node) and(key uint16) container {
	in := n.inputs[:0]
	for _, k := range n.inc {
		c := k.chunk(key)
		if c.n == 0 {
			return container{}
		}
		if c.n == chunkSize {
			continue
		}
		at := len(in)
		for at > 0 && in[at-1].n > c.n {
			at--
		}
		in = slices.Insert(in, at, c)
	}
	n.inputs = in
	acc := fullChunk()
	if len(in) > 0 {
		acc = in[0]
		for _, c := range in[1:] {
			if acc = n.intersect(acc, c); acc.n == 0 {
				return acc
			}
		}
	}
	for _, k := range n.exc {
		c := k.chunk(key)
		if c.n == 0 {
			continue
		}
		if c.n == chunkSize {
			return container{}
		}
		if acc = n.subtract(acc, c); acc.n == 0 {
			return acc
		}
	}
	if acc.n == unknownLen {
		acc.n = acc.bits.count()
	}
	return acc
}

func fullChunk() container {
	return container{kind: kindRun, arr: []uint16{0, chunkSize - 1}, n: chunkSize}
}

// intersect returns a ∩ b. The result lives in n's scratch space or is a.
func (n *node) intersect(a, b container) container {
	if b.kind == kindArray && a.kind != kindArray {
		a, b = b, a
	}
	switch {
	case a.kind == kindArray:
		return n.filter(a, b, true)
	case a.kind == kindRun && b.kind == kindRun:
		return n.runsAnd(a, b)
	case a.kind == kindRun:
		return n.maskRuns(b, a)
	case b.kind == kindRun:
		return n.maskRuns(a, b)
	}
	dst, x, y := n.buffer(), a.bits, b.bits
	for i := 0; i < bitmapLen; i += 4 {
		dst[i] = x[i] & y[i]
		dst[i+1] = x[i+1] & y[i+1]
		dst[i+2] = x[i+2] & y[i+2]
		dst[i+3] = x[i+3] & y[i+3]
	}
	return container{kind: kindBitmap, bits: dst, n: unknownLen}
}

// subtract returns a \ b. The result lives in n's scratch space or is a.
func (n *node) subtract(a, b container) container {
	switch {
	case a.kind == kindArray:
		return n.filter(a, b, false)
	case a.kind == kindRun && b.kind == kindRun:
		return n.runsAndNot(a, b)
	}
	dst := n.buffer()
	if a.kind == kindBitmap && b.kind == kindBitmap {
		x, y := a.bits, b.bits
		for i := 0; i < bitmapLen; i += 4 {
			dst[i] = x[i] &^ y[i]
			dst[i+1] = x[i+1] &^ y[i+1]
			dst[i+2] = x[i+2] &^ y[i+2]
			dst[i+3] = x[i+3] &^ y[i+3]
		}
		return container{kind: kindBitmap, bits: dst, n: unknownLen}
	}
	if a.kind == kindRun {
		*dst = bitmap{}
		a.orInto(dst)
	} else if a.bits != dst {
		*dst = *a.bits
	}
	switch b.kind {
	case kindBitmap:
		for i := range dst {
			dst[i] &^= b.bits[i]
		}
	case kindRun:
		for i := 0; i+1 < len(b.arr); i += 2 {
			dst.clearRange(b.arr[i], b.arr[i+1])
		}
	default:
		for _, v := range b.arr {
			dst[v>>6] &^= 1 << (v & 63)
		}
	}
	return container{kind: kindBitmap, bits: dst, n: unknownLen}
}

func (n *node) buffer() *bitmap {
	if n.bits == nil {
		n.bits = new(bitmap)
	}
	return n.bits
}

// spare returns the scratch array that does not hold a or b, and its index.
func (n *node) spare(a, b container) (buf []uint16, at int) {
	for at = range n.arrs {
		if !sameArray(n.arrs[at], a.arr) && !sameArray(n.arrs[at], b.arr) {
			return n.arrs[at][:0], at
		}
	}
	return nil, 0 // both in use cannot happen: b never lives in n's scratch
}

func sameArray(x, y []uint16) bool {
	return cap(x) > 0 && cap(y) > 0 && &x[:1][0] == &y[:1][0]
}

// filter keeps the values of the array a that are (want) or are not in b.
func (n *node) filter(a, b container, want bool) container {
	out, at := n.spare(a, b)
	out = slices.Grow(out, len(a.arr))[:len(a.arr)]
	j := 0
	switch b.kind {
	case kindBitmap:
		flip := uint64(0)
		if !want {
			flip = 1
		}
		for _, v := range a.arr {
			out[j] = v
			j += int(b.bits[v>>6]>>(v&63)&1 ^ flip)
		}
	case kindRun:
		i := 0
		for _, v := range a.arr {
			for i < len(b.arr) && b.arr[i+1] < v {
				i += 2
			}
			if (i < len(b.arr) && b.arr[i] <= v) == want {
				out[j] = v
				j++
			}
		}
	default:
		j = filterArrays(out, a.arr, b.arr, want)
	}
	n.arrs[at] = out[:j]
	return container{kind: kindArray, arr: out[:j], n: int32(j)}
}

// filterArrays writes the values of a that are (want) or are not in b to out.
func filterArrays(out, a, b []uint16, want bool) (j int) {
	if len(b) > 32*len(a) { // a few probes beat a walk
		for _, v := range a {
			i := searchArray(b, v)
			b = b[i:]
			if (len(b) > 0 && b[0] == v) == want {
				out[j] = v
				j++
			}
		}
		return j
	}
	if want && len(a) > 32*len(b) {
		for _, v := range b {
			i := searchArray(a, v)
			a = a[i:]
			if len(a) > 0 && a[0] == v {
				out[j] = v
				j++
			}
		}
		return j
	}
	i := 0
	for _, v := range a {
		for i < len(b) && b[i] < v {
			i++
		}
		if (i < len(b) && b[i] == v) == want {
			out[j] = v
			j++
		}
	}
	return j
}

// maskRuns keeps the members of the bitmap a that lie in the runs of r.
func (n *node) maskRuns(a, r container) container {
	dst := n.buffer()
	if a.bits != dst {
		*dst = *a.bits
	}
	next := 0 // first id not yet decided
	for i := 0; i+1 < len(r.arr); i += 2 {
		if first := int(r.arr[i]); first > next {
			dst.clearRange(uint16(next), uint16(first-1))
		}
		next = int(r.arr[i+1]) + 1
	}
	if next < chunkSize {
		dst.clearRange(uint16(next), chunkSize-1)
	}
	return container{kind: kindBitmap, bits: dst, n: unknownLen}
}

func (n *node) runsAnd(a, b container) container {
	out, at := n.spare(a, b)
	size := int32(0)
	x, y := a.arr, b.arr
	for len(x) > 1 && len(y) > 1 {
		first, last := max(x[0], y[0]), min(x[1], y[1])
		if first <= last {
			out = append(out, first, last)
			size += int32(last) - int32(first) + 1
		}
		if x[1] < y[1] {
			x = x[2:]
		} else {
			y = y[2:]
		}
	}
	n.arrs[at] = out
	return container{kind: kindRun, arr: out, n: size}
}

func (n *node) runsAndNot(a, b container) container {
	out, at := n.spare(a, b)
	size := int32(0)
	y := b.arr
	emit := func(first, last int) {
		if first <= last {
			out = append(out, uint16(first), uint16(last))
			size += int32(last - first + 1)
		}
	}
	for x := a.arr; len(x) > 1; x = x[2:] {
		first, last := int(x[0]), int(x[1])
		for len(y) > 1 && int(y[1]) < first {
			y = y[2:]
		}
		for i := 0; i+1 < len(y) && int(y[i]) <= last; i += 2 {
			emit(first, int(y[i])-1)
			first = int(y[i+1]) + 1
		}
		emit(first, last)
	}
	n.arrs[at] = out
	return container{kind: kindRun, arr: out, n: size}
}

// merge computes the union or the symmetric difference of inc on one chunk.
func (n *node) merge(key uint16) container {
	in := n.inputs[:0]
	for _, k := range n.inc {
		if c := k.chunk(key); c.n != 0 {
			in = append(in, c)
		}
	}
	n.inputs = in
	if len(in) == 0 {
		return container{}
	}
	if len(in) == 1 {
		return in[0]
	}
	dst := n.buffer()
	if in[0].kind == kindBitmap {
		*dst = *in[0].bits
	} else {
		*dst = bitmap{}
		in[0].orInto(dst)
	}
	for i := range in[1:] {
		if c := &in[1+i]; n.op == opOr {
			c.orInto(dst)
		} else {
			c.xorInto(dst)
		}
	}
	return n.settle(dst)
}

func (n *node) settle(dst *bitmap) container {
	size := dst.count()
	if size == 0 {
		return container{}
	}
	return container{kind: kindBitmap, bits: dst, n: size}
}

// atLeast counts, for all ids of the chunk at once, how many operands hold
// them: plane p of the counters is a bitmap of the bits of weight 2^p.
func (n *node) atLeast(key uint16) container {
	in := n.inputs[:0]
	for _, k := range n.inc {
		if c := k.chunk(key); c.n != 0 {
			in = append(in, c)
		}
	}
	n.inputs = in
	if len(in) < n.k {
		return container{}
	}
	width := bits.Len(uint(len(n.inc)))
	if len(n.planes) < width {
		n.planes = make([]bitmap, width)
	}
	for p := range n.planes {
		n.planes[p] = bitmap{}
	}
	dst := n.buffer()
	for i := range in {
		carry := in[i].bits
		if in[i].kind != kindBitmap {
			*dst = bitmap{}
			in[i].orInto(dst)
			carry = dst
		}
		for w, c := range carry {
			for p := 0; c != 0 && p < width; p++ {
				n.planes[p][w], c = n.planes[p][w]^c, n.planes[p][w]&c
			}
		}
	}
	for w := range dst {
		more, same := uint64(0), ^uint64(0)
		for p := width - 1; p >= 0; p-- {
			if n.k>>p&1 != 0 {
				same &= n.planes[p][w]
			} else {
				more |= same & n.planes[p][w]
				same &^= n.planes[p][w]
			}
		}
		dst[w] = more | same
	}
	return n.settle(dst)
}

// keys returns the chunks in which the expression may have members: of a
// conjunction those of its smallest leaf. It looks no deeper than it must, for
// shared nodes could be reached along exponentially many paths.
func (n *node) keys() []uint16 {
	if n.op == opSet {
		return n.set.keys
	}
	if len(n.inc) == 0 {
		return nil
	}
	if n.op == opAnd {
		var least *node
		for _, k := range n.inc {
			if k.op == opSet && (least == nil || len(k.set.keys) < len(least.set.keys)) {
				least = k
			}
		}
		if least != nil {
			return least.set.keys
		}
		return n.inc[0].keys()
	}
	out := n.inc[0].keys()
	for _, k := range n.inc[1:] {
		out = unionKeys(out, k.keys())
	}
	return out
}

func unionKeys(a, b []uint16) []uint16 {
	if slices.Equal(a, b) {
		return a
	}
	out := make([]uint16, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			out, a = append(out, a[0]), a[1:]
		case a[0] > b[0]:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// total counts the members of the expression.
func (n *node) total() int {
	size := 0
	for _, key := range n.keys() {
		c := n.chunk(key)
		size += int(c.n)
	}
	return size
}

// collect builds the Set of the expression.
func (n *node) collect() *Set {
	s := new(Set)
	keys := n.keys()
	s.keys, s.cs = make([]uint16, 0, len(keys)), make([]container, 0, len(keys))
	for _, key := range keys {
		s.put(key, n.chunk(key))
	}
	return s
}

// has answers for a single id; every question has its own stamp, so that a
// segment that is nested in many places is asked once.
func (n *node) has(id uint32, stamp uint64) bool {
	switch n.op {
	case opSet:
		return n.set.Contains(id)
	case opPred:
		return n.pred(n.name(id))
	}
	if n.stamp != stamp {
		n.stamp, n.holds = stamp, n.ask(id, stamp)
	}
	return n.holds
}

func (n *node) ask(id uint32, stamp uint64) bool {
	switch n.op {
	case opAnd:
		for _, k := range n.inc {
			if !k.has(id, stamp) {
				return false
			}
		}
		for _, k := range n.exc {
			if k.has(id, stamp) {
				return false
			}
		}
		return len(n.inc) > 0
	case opOr:
		for _, k := range n.inc {
			if k.has(id, stamp) {
				return true
			}
		}
		return false
	}
	in := 0
	for _, k := range n.inc {
		if k.has(id, stamp) {
			in++
		}
	}
	if n.op == opXor {
		return in%2 == 1
	}
	return in >= n.k
}
