package segment

import "slices"

// diagrams holds reduced ordered binary decision diagrams (Bryant 1986): each
// distinct truth function over tags, leaves and nested segments has exactly one
// node, so that equality is comparing two numbers. Every customer's tags are
// free, so what holds for the functions holds for every population.
type diagrams struct {
	st    *state
	limit int
	order map[string]int32 // variable by the kind and name of its leaf
	leaf  []Expr           // by variable
	nodes []diagram
	find  map[diagram]int32
	memo  map[[3]int32]int32 // if-then-else
	defs  map[string]int32
}

// diagram decides on one variable between two nodes.
type diagram struct{ at, low, high int32 }

const (
	never  int32 = 0
	always int32 = 1
)

func newDiagrams(st *state, limit int) *diagrams {
	d := &diagrams{st: st, limit: limit, order: make(map[string]int32), find: make(map[diagram]int32),
		memo: make(map[[3]int32]int32), defs: make(map[string]int32)}
	last := int32(1<<31 - 1)
	d.nodes = []diagram{{at: last}, {at: last}}
	return d
}

// tooBig stops what would cost too much.
func (d *diagrams) tooBig() error { return &LimitError{What: "cases", Limit: int64(d.limit)} }

// build returns the node of an expression; a *LimitError if it is too intricate.
func (d *diagrams) build(e Expr) (int32, error) {
	switch e.op {
	case isTag, isLeaf:
		return d.variable(e)
	case isSegment:
		if n, ok := d.defs[e.name]; ok {
			return n, nil
		}
		def, err := d.st.definition(e.name)
		if err != nil {
			return never, err
		}
		n, err := d.build(def.Expr)
		if err == nil {
			d.defs[e.name] = n
		}
		return n, err
	}
	args := make([]int32, len(e.args))
	for i, a := range e.args {
		var err error
		if args[i], err = d.build(a); err != nil {
			return never, err
		}
	}
	return d.combine(e, args)
}

// combine returns the node of an operation on operands that are built. The last
// operand comes first: variables are numbered in the order of the text, so that
// long lists of tags grow at their top and cost a step each.
func (d *diagrams) combine(e Expr, args []int32) (n int32, err error) {
	switch e.op {
	case isAll:
		return d.fold(args, always, func(a, rest int32) (int32, error) { return d.choose(a, rest, never) })
	case isAny:
		return d.fold(args, never, d.or)
	case isExcept:
		excluded, err := d.fold(args[1:], never, d.or)
		if err != nil {
			return never, err
		}
		return d.choose(excluded, never, args[0])
	case isXor:
		return d.fold(args, never, func(a, rest int32) (int32, error) {
			not, err := d.choose(rest, never, always)
			if err != nil {
				return never, err
			}
			return d.choose(a, not, rest)
		})
	case isNot:
		return d.choose(args[0], never, always)
	default:
		return d.atLeast(e.k, args)
	}
}

// or is the disjunction: always where a holds, else b.
func (d *diagrams) or(a, b int32) (int32, error) { return d.choose(a, always, b) }

func (d *diagrams) fold(args []int32, n int32, step func(a, rest int32) (int32, error)) (int32, error) {
	for _, a := range slices.Backward(args) {
		var err error
		if n, err = step(a, n); err != nil {
			return never, err
		}
	}
	return n, nil
}

// atLeast keeps, operand by operand, the nodes of "k more are needed".
func (d *diagrams) atLeast(k int, args []int32) (int32, error) {
	need := make([]int32, k+1)
	need[0] = always
	for _, a := range slices.Backward(args) {
		for j := k; j > 0; j-- {
			var err error
			if need[j], err = d.choose(a, need[j-1], need[j]); err != nil {
				return never, err
			}
		}
	}
	return need[k], nil
}

func (d *diagrams) variable(e Expr) (int32, error) {
	key := e.op.String() + " " + e.name
	at, ok := d.order[key]
	if !ok {
		at = int32(len(d.order))
		d.order[key] = at
		d.leaf = append(d.leaf, e)
	}
	return d.node(diagram{at, never, always})
}

func (d *diagrams) node(n diagram) (int32, error) {
	if n.low == n.high {
		return n.low, nil
	}
	if at, ok := d.find[n]; ok {
		return at, nil
	}
	if len(d.nodes) >= d.limit {
		return never, d.tooBig()
	}
	at := int32(len(d.nodes))
	d.nodes = append(d.nodes, n)
	d.find[n] = at
	return at, nil
}

// choose returns the node of "g where f holds, else h". Its recursion is as
// deep as there are variables.
func (d *diagrams) choose(f, g, h int32) (int32, error) {
	switch {
	case f == always:
		return g, nil
	case f == never:
		return h, nil
	case g == h:
		return g, nil
	case g == always && h == never:
		return f, nil
	}
	key := [3]int32{f, g, h}
	if n, ok := d.memo[key]; ok {
		return n, nil
	}
	if len(d.memo) >= 8*d.limit {
		return never, d.tooBig()
	}
	at := min(d.nodes[f].at, d.nodes[g].at, d.nodes[h].at)
	low, err := d.choose(d.branch(f, at, false), d.branch(g, at, false), d.branch(h, at, false))
	if err != nil {
		return never, err
	}
	high, err := d.choose(d.branch(f, at, true), d.branch(g, at, true), d.branch(h, at, true))
	if err != nil {
		return never, err
	}
	n, err := d.node(diagram{at, low, high})
	if err == nil {
		d.memo[key] = n
	}
	return n, err
}

func (d *diagrams) branch(n, at int32, high bool) int32 {
	switch {
	case d.nodes[n].at != at:
		return n
	case high:
		return d.nodes[n].high
	}
	return d.nodes[n].low
}

// within reports whether a implies b.
func (d *diagrams) within(a, b int32) (bool, error) {
	n, err := d.choose(a, b, always)
	return n == always, err
}
