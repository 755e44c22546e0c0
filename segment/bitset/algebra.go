package bitset

// Select is the algebra of an audience on plain sets: members of every set in
// Include and of no set in Exclude. It is evaluated in one pass without
// intermediate sets. With an empty Include it has no members.
type Select struct {
	Include []*Set
	Exclude []*Set
}

// Count returns the number of members without building a set.
func (q Select) Count() int {
	s := scratches.Get().(*scratch)
	total := 0
	for _, key := range q.keys() {
		if !s.include(q.Include, key) {
			continue
		}
		if base, _ := smallest(s.inc); base.kind == kindArray {
			if vals := s.keep(base, s.inc); len(vals) > 0 && s.exclude(q.Exclude, key) {
				total += len(s.drop(vals, s.exc))
			}
		} else if s.exclude(q.Exclude, key) {
			total += s.count(s.inc, s.exc)
		}
	}
	s.release()
	return total
}

// Set returns the members as a set of its own.
func (q Select) Set() *Set {
	s := scratches.Get().(*scratch)
	for _, key := range q.keys() {
		if !s.include(q.Include, key) {
			continue
		}
		if base, _ := smallest(s.inc); base.kind == kindArray {
			if vals := s.keep(base, s.inc); len(vals) > 0 && s.exclude(q.Exclude, key) {
				s.put(key, arrayOf(s.drop(vals, s.exc)))
			}
		} else if s.exclude(q.Exclude, key) {
			s.put(key, s.chunk(s.inc, s.exc))
		}
	}
	out := s.set()
	s.release()
	return out
}

// keys returns the chunks of the included set with the fewest.
func (q *Select) keys() []uint16 {
	if len(q.Include) == 0 {
		return nil
	}
	keys := q.Include[0].keys
	for _, s := range q.Include[1:] {
		if len(s.keys) < len(keys) {
			keys = s.keys
		}
	}
	return keys
}

// include gathers the included containers of one chunk and reports whether there
// may be members.
func (s *scratch) include(sets []*Set, key uint16) bool {
	inc := s.inc[:0]
	var full *container
	for _, set := range sets {
		c := set.at(key)
		if c == nil {
			return false
		}
		if c.n == chunkSize {
			full = c
			continue
		}
		inc = append(inc, c)
	}
	if len(inc) == 0 {
		inc = append(inc, full)
	}
	s.inc = inc
	return true
}

// exclude gathers the excluded containers of one chunk and reports whether they
// leave anybody.
func (s *scratch) exclude(sets []*Set, key uint16) bool {
	exc := s.exc[:0]
	for _, set := range sets {
		if c := set.at(key); c != nil {
			if c.n == chunkSize {
				return false
			}
			exc = append(exc, c)
		}
	}
	s.exc = exc
	return true
}

// leaves makes nodes of sets.
func leaves(sets []*Set) []*Expr {
	out := make([]*Expr, len(sets))
	for i, s := range sets {
		out[i] = Leaf(s)
	}
	return out
}

// Union returns the ids that are in any of the sets.
func Union(sets ...*Set) *Set { return op(opOr, leaves(sets), nil).Set() }

// Intersect returns the ids that are in all of the sets; none for no set.
func Intersect(sets ...*Set) *Set { return Select{Include: sets}.Set() }

// Except returns the ids of s that are in none of the others.
func Except(s *Set, others ...*Set) *Set {
	return Select{Include: []*Set{s}, Exclude: others}.Set()
}

// Xor returns the ids that are in an odd number of the sets.
func Xor(sets ...*Set) *Set { return op(opXor, leaves(sets), nil).Set() }

// AtLeast returns the ids that are in k or more of the sets. For k < 1 it
// returns the ids that are in any.
func AtLeast(k int, sets ...*Set) *Set {
	if k <= 1 {
		return Union(sets...)
	}
	n := op(opAtLeast, leaves(sets), nil)
	n.k = k
	return n.Set()
}
