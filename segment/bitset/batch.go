package bitset

// Batch evaluates many expressions together. It walks the ids once, chunk by chunk, and
// what several expressions mention is read, laid out and computed once per chunk. The
// zero value has no expression. It is for one goroutine.
type Batch struct {
	ord      map[*Expr]int32
	operands []operand
	queries  []batchQuery
	spare    []*bitmap
	scratch
}

// batchQuery is one root as a conjunction of operands.
type batchQuery struct{ inc, exc []int32 } // places in operands

// operand is what some queries mention, with its value on the present chunk.
type operand struct {
	expr *Expr
	uses int
	c    *container // nil: empty here
	val  container  // behind c, if expr is no leaf
	laid container  // c as a bitmap, if laid out on this chunk; else n is 0
}

const (
	layUses = 4   // mentioned this often, an array is worth laying out as a bitmap
	laySize = 24  // and if it has this many values
	layMost = 512 // bitmaps at a time, 4 MB
)

// Add takes an expression in. Its sets must not change until the batch is evaluated.
func (b *Batch) Add(root *Expr) {
	var q batchQuery
	if root.op == opAnd {
		q.inc, q.exc = b.places(root.inc), b.places(root.exc)
	} else {
		q.inc = b.places([]*Expr{root})
	}
	b.queries = append(b.queries, q)
}

// places returns the places of nodes among the operands; one that several queries mention
// has one place.
func (b *Batch) places(nodes []*Expr) []int32 {
	out := make([]int32, len(nodes))
	for i, n := range nodes {
		at, ok := b.ord[n]
		if !ok {
			at = int32(len(b.operands))
			if b.ord == nil {
				b.ord = make(map[*Expr]int32)
			}
			b.ord[n] = at
			b.operands = append(b.operands, operand{expr: n})
		}
		b.operands[at].uses++
		out[i] = at
	}
	return out
}

// Counts returns for each expression, in the order in which they were added, how many ids
// it has in those chunks of 65,536 ids in which within has any.
func (b *Batch) Counts(within *Set) []int {
	out := make([]int, len(b.queries))
	b.run(within.keys, func(i int, _ uint16, c container) { out[i] += int(c.n) })
	return out
}

// Sets returns for each expression the ids that Counts counts. The sets belong to the
// caller.
func (b *Batch) Sets(within *Set) []*Set {
	out := make([]*Set, len(b.queries))
	for i := range out {
		out[i] = new(Set)
	}
	b.run(within.keys, func(i int, key uint16, c container) { out[i].put(key, c) })
	return out
}

// run calls emit for every query and chunk with members, chunk by chunk. The
// container holds until emit returns.
func (b *Batch) run(keys []uint16, emit func(query int, key uint16, c container)) {
	b.words = &b.built.batch[0]
	for _, key := range keys {
		b.load(key)
		for i := range b.queries {
			if c := b.eval(&b.queries[i]); c.n > 0 {
				emit(i, key, c)
			}
		}
	}
}

// load finds the operands' containers of a chunk and computes those that are no leaves,
// each once for all queries.
func (b *Batch) load(key uint16) {
	for i := range b.operands {
		o := &b.operands[i]
		if o.laid.n > 0 {
			b.spare = append(b.spare, o.laid.bits)
			o.laid = container{}
		}
		o.c = nil
		if o.expr.op == opSet {
			o.c = o.expr.set.at(key)
		} else if o.val = o.expr.chunk(key); o.val.n > 0 {
			o.c = &o.val
		}
	}
}

// flat returns the operand as a bitmap if that is how it is best probed.
func (b *Batch) flat(o *operand) *container {
	if o.laid.n > 0 {
		return &o.laid
	}
	if o.c.kind != kindArray || o.uses < layUses || o.c.n < laySize || len(b.operands) > layMost {
		return o.c
	}
	var words *bitmap
	if n := len(b.spare); n > 0 {
		words, b.spare = b.spare[n-1], b.spare[:n-1]
		*words = bitmap{}
	} else {
		words = new(bitmap)
	}
	o.c.orInto(words)
	o.laid = container{kind: kindBitmap, bits: words, n: o.c.n}
	return &o.laid
}

// eval evaluates a query on the present chunk, from its smallest array if it has one: then
// nothing is looked at but its members.
func (b *Batch) eval(q *batchQuery) container {
	var base *operand // the smallest array
	var full *container
	for _, at := range q.inc {
		o := &b.operands[at]
		if o.c == nil {
			return container{}
		}
		if o.c.n == chunkSize {
			full = o.c
		} else if o.c.kind == kindArray && (base == nil || o.c.n < base.c.n) {
			base = o
		}
	}
	inc, exc := b.inc[:0], b.exc[:0]
	for _, at := range q.inc {
		if o := &b.operands[at]; o != base && o.c.n < chunkSize {
			inc = append(inc, b.flat(o))
		}
	}
	for _, at := range q.exc {
		o := &b.operands[at]
		if o.c == nil {
			continue
		}
		if o.c.n == chunkSize {
			return container{}
		}
		exc = append(exc, b.flat(o))
	}
	if base == nil && len(inc) == 0 {
		inc = append(inc, full)
	}
	b.inc, b.exc = inc, exc
	if base == nil {
		return b.chunk(inc, exc)
	}
	vals := b.keep(base.c, inc)
	if len(vals) > 0 {
		vals = b.drop(vals, exc)
	}
	return arrayOf(vals)
}
