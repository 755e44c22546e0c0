package segment

// Select is the algebra of an audience on plain sets: members of every set in
// Include and of no set in Exclude. It is evaluated in one pass without
// intermediate sets. With an empty Include it has no members.
type Select struct {
	Include []*Set
	Exclude []*Set
}

// Count returns the number of members without building a set.
func (q Select) Count() int {
	total := 0
	var s combiner
	q.each(func(key uint16, inc []*container) { total += s.count(inc, key, q.Exclude) })
	return total
}

// Set returns the members as a set of its own.
func (q Select) Set() *Set {
	out := new(Set)
	var s combiner
	q.each(func(key uint16, inc []*container) {
		acc := *inc[0]
		for _, c := range inc[1:] {
			if acc = s.intersect(acc, *c); acc.n == 0 {
				return
			}
		}
		for _, e := range q.Exclude {
			i, ok := e.find(key)
			if !ok {
				continue
			}
			if acc = s.subtract(acc, e.cs[i]); acc.n == 0 {
				return
			}
		}
		if acc.n == unknownLen {
			acc.n = acc.bits.count()
		}
		out.put(key, acc)
	})
	return out
}

// each visits the chunks in which every included set has members, with the
// included containers from small to large; full ones are left out if they can be.
func (q Select) each(visit func(key uint16, inc []*container)) {
	if len(q.Include) == 0 {
		return
	}
	driver := q.Include[0]
	for _, s := range q.Include[1:] {
		if len(s.keys) < len(driver.keys) {
			driver = s
		}
	}
	var space [8]*container
	all := space[:0]
chunks:
	for _, key := range driver.keys {
		all = all[:0]
		var full *container
		for _, s := range q.Include {
			i, ok := s.find(key)
			if !ok {
				continue chunks
			}
			c := &s.cs[i]
			if c.n == chunkSize {
				full = c
				continue
			}
			at := len(all)
			all = append(all, c)
			for ; at > 0 && all[at-1].n > c.n; at-- {
				all[at], all[at-1] = all[at-1], c
			}
		}
		if len(all) == 0 {
			all = append(all, full)
		}
		visit(key, all)
	}
}

// count returns the size of inc[0] ∩ inc[1] … without the excluded sets, on the
// chunk key. The last pass over bitmaps only counts.
func (s *combiner) count(inc []*container, key uint16, exclude []*Set) int {
	acc := *inc[0]
	if len(inc) == 2 && acc.kind == kindBitmap { // the larger one is a bitmap or runs
		if n, ok := s.countPair(inc, key, exclude); ok {
			return n
		}
	}
	for _, c := range inc[1:] {
		if acc = s.intersect(acc, *c); acc.n == 0 {
			return 0
		}
	}
	for at, e := range exclude {
		i, ok := e.find(key)
		if !ok {
			continue
		}
		c := &e.cs[i]
		if at == len(exclude)-1 && acc.kind == kindBitmap && c.kind == kindBitmap {
			return countAndNot(acc.bits, c.bits)
		}
		if acc = s.subtract(acc, *c); acc.n == 0 {
			return 0
		}
	}
	if acc.n == unknownLen {
		return int(acc.bits.count())
	}
	return int(acc.n)
}

// countPair counts two bitmaps without at most one bitmap and one array, which
// is the usual shape in a dense chunk, and stores nothing.
func (s *combiner) countPair(inc []*container, key uint16, exclude []*Set) (n int, ok bool) {
	if inc[1].kind != kindBitmap {
		return 0, false
	}
	a, b := inc[0].bits, inc[1].bits
	var not *bitmap
	var few []uint16
	for _, e := range exclude {
		i, found := e.find(key)
		if !found {
			continue
		}
		c := &e.cs[i]
		switch {
		case c.kind == kindBitmap && not == nil:
			not = c.bits
		case c.kind == kindArray && few == nil:
			few = c.arr
		default:
			return 0, false
		}
	}
	if not == nil {
		n = countAnd(a, b)
		for _, v := range few {
			n -= int(a[v>>6] & b[v>>6] >> (v & 63) & 1)
		}
		return n, true
	}
	n = countAndAndNot(a, b, not)
	for _, v := range few {
		n -= int(a[v>>6] & b[v>>6] &^ not[v>>6] >> (v & 63) & 1)
	}
	return n, true
}

func leaves(sets []*Set) []*node {
	out := make([]*node, len(sets))
	for i, s := range sets {
		out[i] = leaf(s)
	}
	return out
}

// Union returns the ids that are in any of the sets.
func Union(sets ...*Set) *Set { return op(opOr, leaves(sets), nil).collect() }

// Intersect returns the ids that are in all of the sets; none for no set.
func Intersect(sets ...*Set) *Set { return Select{Include: sets}.Set() }

// Except returns the ids of s that are in none of the others.
func Except(s *Set, others ...*Set) *Set {
	return Select{Include: []*Set{s}, Exclude: others}.Set()
}

// Xor returns the ids that are in an odd number of the sets.
func Xor(sets ...*Set) *Set { return op(opXor, leaves(sets), nil).collect() }

// Threshold returns the ids that are in k or more of the sets. For k < 1 it
// returns the ids that are in any.
func Threshold(k int, sets ...*Set) *Set {
	if k <= 1 {
		return Union(sets...)
	}
	n := op(opAtLeast, leaves(sets), nil)
	n.k = k
	return n.collect()
}
