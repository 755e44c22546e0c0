package bitset

// CountIn returns for each expression how many of the ids of a set it selects. The ids are
// walked once, and an expression that others have as an operand is evaluated once.
func CountIn(within *Set, exprs ...*Expr) []int {
	out := make([]int, len(exprs))
	var c combiner
	for _, key := range within.keys {
		all := within.chunk(key)
		for i, e := range exprs {
			out[i] += c.countIn(all, e.chunk(key))
		}
	}
	return out
}

// Step is what one of several exclusions takes away.
type Step struct {
	Alone   int // of the base, taken by itself
	Only    int // of the base, what no other step takes
	Removed int // of what the steps before it left
	Left    int // after it
}

// Steps returns how many ids base selects, and what each expression takes away from them,
// in this order.
func Steps(base *Expr, less ...*Expr) (size int, out []Step) {
	single := AllOf([]*Expr{AnyOf(less...)}, nil) // what exactly one step takes
	if len(less) > 1 {
		single.exc = []*Expr{AtLeastOf(2, less...)}
	}
	var alone, sole, rest combiner
	out = make([]Step, len(less))
	for _, key := range base.keys() {
		b := base.chunk(key)
		size += int(b.n)
		one := sole.intersect(b, single.chunk(key))
		left, leftN := b, int(b.n)
		for i, e := range less {
			x := e.chunk(key)
			out[i].Alone += alone.countIn(b, x)
			out[i].Only += alone.countIn(one, x)
			next := left
			if x.n > 0 && leftN > 0 {
				next = rest.subtract(left, x)
				if next.n == unknownLen {
					next.n = next.bits.count()
				}
			}
			out[i].Removed += leftN - int(next.n)
			left, leftN = next, int(next.n)
			out[i].Left += leftN
		}
	}
	return size, out
}
