package bitset

import (
	"math/bits"
	"slices"
)

// The evaluator walks the 65,536-id chunks once. For each chunk an expression
// is computed from the containers of its leaves in scratch space of at most a
// few kilobytes; no intermediate Set exists. A chunk ends as soon as one
// included operand is empty there, the smallest operand drives, and excluded
// operands clear bits in place.

// opcode is the operation of an Expr.
type opcode uint8

const (
	opSet     opcode = iota // a leaf
	opAnd                   // in all of inc, in none of exc
	opOr                    // in any of inc
	opXor                   // in an odd number of inc
	opAtLeast               // in k or more of inc
	opPred                  // for whom an outside predicate holds; single customers only
)

// Expr is an expression over sets: a leaf, or an operation on other expressions. An
// operand may be shared. It has scratch space, so it belongs to one goroutine, and it
// keeps what it last computed: as long as it is asked for Count or Set, or is part of a
// Batch, CountIn or Steps, its sets must not change. Has reads sets as they are.
type Expr struct {
	op       opcode
	set      *Set
	inc, exc []*Expr
	k        int

	key int32 // chunk for which val holds; -1 before the first
	val container

	inputs []container
	combiner
	planes []bitmap

	pred  func(id uint32) bool // opPred
	stamp uint64               // question for which holds is the answer
	holds bool
}

// Leaf returns the expression that selects the ids of a set. The set is not copied.
func Leaf(s *Set) *Expr { return &Expr{op: opSet, set: s, key: -1} }

// AllOf selects the ids that are in all of inc and in none of exc; none if inc is empty.
func AllOf(inc, exc []*Expr) *Expr { return op(opAnd, inc, exc) }

// AnyOf selects the ids that are in one or more of the operands.
func AnyOf(args ...*Expr) *Expr { return op(opOr, args, nil) }

// OddOf selects the ids that are in an odd number of the operands.
func OddOf(args ...*Expr) *Expr { return op(opXor, args, nil) }

// AtLeastOf selects the ids that are in k or more of the operands.
func AtLeastOf(k int, args ...*Expr) *Expr {
	n := op(opAtLeast, args, nil)
	n.k = k
	return n
}

// Test returns an expression that asks a function for each id. Only Has can do that: for
// whole sets, which would ask for every id there is, it selects none.
func Test(holds func(id uint32) bool) *Expr { return &Expr{op: opPred, pred: holds, key: -1} }

// Leaf returns the set of a leaf, nil for every other expression.
func (n *Expr) Leaf() *Set { return n.set }

// Operands returns what AllOf was given, nothing for other expressions.
func (n *Expr) Operands() (inc, exc []*Expr) {
	if n.op != opAnd {
		return nil, nil
	}
	return n.inc, n.exc
}

// op makes a node that has not been evaluated on any chunk.
func op(code opcode, inc, exc []*Expr) *Expr {
	return &Expr{op: code, inc: inc, exc: exc, key: -1}
}

// chunk returns the value of the expression on one chunk. The result must not
// be changed and holds until the Expr is asked for another chunk.
func (n *Expr) chunk(key uint16) container {
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
func (n *Expr) and(key uint16) container {
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

// fullChunk is a chunk that holds every id, as one run.
func fullChunk() container {
	return container{kind: kindRun, arr: []uint16{0, chunkSize - 1}, n: chunkSize}
}

// merge computes the union or the symmetric difference of inc on one chunk.
func (n *Expr) merge(key uint16) container {
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

// settle counts a bitmap and makes it a container, the empty one if nothing is in it.
func (n *Expr) settle(dst *bitmap) container {
	size := dst.count()
	if size == 0 {
		return container{}
	}
	return container{kind: kindBitmap, bits: dst, n: size}
}

// atLeast counts, for all ids of the chunk at once, how many operands hold
// them: plane p of the counters is a bitmap of the bits of weight 2^p.
func (n *Expr) atLeast(key uint16) container {
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
func (n *Expr) keys() []uint16 {
	if n.op == opSet {
		return n.set.keys
	}
	if len(n.inc) == 0 {
		return nil
	}
	if n.op == opAnd {
		var least *Expr
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

// unionKeys merges two ascending lists of chunks; equal ones are not copied, as is usual
// for tags of one population.
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

// plain returns the expression as a Select, if all operands of the conjunction
// are leaves, which is the usual audience and has a shorter way.
func (n *Expr) plain() (q Select, ok bool) {
	if n.op != opAnd {
		return q, false
	}
	q.Include, q.Exclude = make([]*Set, 0, len(n.inc)), make([]*Set, 0, len(n.exc))
	for _, k := range n.inc {
		if k.op != opSet {
			return q, false
		}
		q.Include = append(q.Include, k.set)
	}
	for _, k := range n.exc {
		if k.op != opSet {
			return q, false
		}
		q.Exclude = append(q.Exclude, k.set)
	}
	return q, true
}

// Count returns how many ids the expression selects, without building their set.
func (n *Expr) Count() int {
	if q, ok := n.plain(); ok {
		return q.Count()
	}
	size := 0
	for _, key := range n.keys() {
		c := n.chunk(key)
		size += int(c.n)
	}
	return size
}

// Set returns the ids that the expression selects. The set belongs to the caller.
func (n *Expr) Set() *Set {
	if q, ok := n.plain(); ok {
		return q.Set()
	}
	s := new(Set)
	keys := n.keys()
	s.keys, s.cs = make([]uint16, 0, len(keys)), make([]container, 0, len(keys))
	for _, key := range keys {
		s.put(key, n.chunk(key))
	}
	return s
}

// Has reports whether the expression selects an id. The stamp is a number, other than 0,
// of the question: within one, an operand that is mentioned in many places is asked once,
// so that another id, or a set that changed, needs another stamp.
func (n *Expr) Has(id uint32, stamp uint64) bool {
	if n.stamp != stamp {
		n.stamp, n.holds = stamp, n.ask(id, stamp)
	}
	return n.holds
}

// ask answers for one id without evaluating a set, from left to right and only as far as
// needed; see Has for what is remembered.
func (n *Expr) ask(id uint32, stamp uint64) bool {
	switch n.op {
	case opSet:
		return n.set.Contains(id)
	case opPred:
		return n.pred(id)
	case opAnd:
		for _, k := range n.inc {
			if !k.Has(id, stamp) {
				return false
			}
		}
		for _, k := range n.exc {
			if k.Has(id, stamp) {
				return false
			}
		}
		return len(n.inc) > 0
	case opOr:
		for _, k := range n.inc {
			if k.Has(id, stamp) {
				return true
			}
		}
		return false
	}
	in := 0
	for _, k := range n.inc {
		if k.Has(id, stamp) {
			in++
		}
	}
	if n.op == opXor {
		return in%2 == 1
	}
	return in >= n.k
}
