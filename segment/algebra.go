package segment

// Select is the algebra of an audience on plain sets: members of every set in
// Include and of no set in Exclude. It is evaluated in one pass without
// intermediate sets. With an empty Include it has no members.
type Select struct {
	Include []*Set
	Exclude []*Set
}

func (q Select) compile() *node {
	return op(opAnd, leaves(q.Include), leaves(q.Exclude))
}

func leaves(sets []*Set) []*node {
	out := make([]*node, len(sets))
	store := make([]node, len(sets))
	for i, s := range sets {
		store[i] = node{op: opSet, set: s, key: -1}
		out[i] = &store[i]
	}
	return out
}

// Count returns the number of members without building a set.
func (q Select) Count() int { return q.compile().total() }

// Set returns the members as a set of its own.
func (q Select) Set() *Set { return q.compile().collect() }

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

// AtLeast returns the ids that are in k or more of the sets. For k < 1 it
// returns the ids that are in any.
func AtLeast(k int, sets ...*Set) *Set {
	if k <= 1 {
		return Union(sets...)
	}
	n := op(opAtLeast, leaves(sets), nil)
	n.k = k
	return n.collect()
}
