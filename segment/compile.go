package segment

import (
	"slices"
	"time"

	"github.com/vefacrm/vefa/segment/bitset"
)

// compiler turns expressions into evaluator nodes over one state and moment. A
// nested segment becomes one shared node however often it is mentioned.
type compiler struct {
	st     *state
	at     time.Time
	pop    *bitset.Expr
	leaves map[*bitset.Set]*bitset.Expr
	nested map[string]*bitset.Expr
	preds  map[string]*bitset.Expr
	reds   []redTag         // in effect at that moment, by name; see audience
	asked  bool             // reds is filled in
	clock  func() time.Time // not nil: for single customers, at the living clock
}

// newCompiler returns a compiler without a clock: predicates are asked about the whole
// population, each once, when they are first met.
func newCompiler(st *state, at time.Time) *compiler {
	c := &compiler{st: st, at: at, leaves: make(map[*bitset.Set]*bitset.Expr)}
	c.pop = c.leaf(st.pop)
	return c
}

// leaf returns the one node of a set.
func (c *compiler) leaf(s *bitset.Set) *bitset.Expr {
	n, ok := c.leaves[s]
	if !ok {
		n = bitset.Leaf(s)
		c.leaves[s] = n
	}
	return n
}

// audience compiles population ∩ expression \ red tags.
func (c *compiler) audience(d *defined) (*bitset.Expr, error) {
	root := conjunction{inc: []*bitset.Expr{c.pop}}
	if err := c.include(&root, d.Expr); err != nil {
		return nil, err
	}
	if !c.asked {
		c.reds, c.asked = c.st.reds(c.at), true
	}
	for _, r := range c.reds {
		if _, ignored := slices.BinarySearch(d.IgnoreRed, c.st.names[r.at]); ignored {
			continue
		}
		root.exc = append(root.exc, c.leaf(c.st.tags[r.at]))
	}
	return root.node(), nil
}

// conjunction is what a customer must be in, and what in none of.
type conjunction struct{ inc, exc []*bitset.Expr }

// node is the one fused node of the conjunction; nested ands were taken apart by include,
// so that no intermediate set is built.
func (n *conjunction) node() *bitset.Expr { return bitset.AllOf(n.inc, n.exc) }

// include adds e as a condition of the conjunction n, without a node of its own
// where e is a conjunction itself.
func (c *compiler) include(n *conjunction, e Expr) error {
	switch e.op {
	case isAll:
		for _, a := range e.args {
			if err := c.include(n, a); err != nil {
				return err
			}
		}
		return nil
	case isExcept:
		if err := c.include(n, e.args[0]); err != nil {
			return err
		}
		return c.exclude(n, e.args[1:])
	case isNot:
		return c.exclude(n, e.args)
	}
	k, err := c.expr(e)
	n.inc = append(n.inc, k)
	return err
}

// exclude adds operands of which none may hold. They need not be within the population:
// what includes is.
func (c *compiler) exclude(n *conjunction, args []Expr) error {
	for _, a := range args {
		k, err := c.expr(a)
		if err != nil {
			return err
		}
		n.exc = append(n.exc, k)
	}
	return nil
}

// expr compiles an expression that stands by itself, as an operand of or, xor and at
// least.
func (c *compiler) expr(e Expr) (*bitset.Expr, error) {
	switch e.op {
	case isTag:
		return c.leaf(c.st.tag(e.name)), nil
	case isLeaf:
		return c.outside(e.name)
	case isSegment:
		return c.segment(e.name)
	case isAll, isExcept, isNot:
		var n conjunction
		if err := c.include(&n, e); err != nil {
			return nil, err
		}
		if len(n.inc) == 0 {
			n.inc = []*bitset.Expr{c.pop}
		}
		return n.node(), nil
	}
	args := make([]*bitset.Expr, len(e.args))
	for i, a := range e.args {
		var err error
		if args[i], err = c.expr(a); err != nil {
			return nil, err
		}
	}
	switch e.op {
	case isXor:
		return bitset.OddOf(args...), nil
	case isAtLeast:
		return bitset.AtLeastOf(e.k, args...), nil
	}
	return bitset.AnyOf(args...), nil
}

// segment compiles what a nested segment selects, without the red tags, which act once on
// the audience; see the package comment.
func (c *compiler) segment(name string) (*bitset.Expr, error) {
	if n, ok := c.nested[name]; ok {
		return n, nil
	}
	d, err := c.st.definition(name)
	if err != nil {
		return nil, err
	}
	n, err := c.expr(d.Expr)
	if err != nil {
		return nil, err
	}
	if c.nested == nil {
		c.nested = make(map[string]*bitset.Expr)
	}
	c.nested[name] = n
	return n, nil
}

// outside compiles a leaf that was supplied: a set as it is; a predicate as the set of
// those for whom it holds or, with a clock, as a test that is asked customer by customer.
func (c *compiler) outside(name string) (*bitset.Expr, error) {
	o, ok := c.st.leaves[name]
	if !ok {
		return nil, &UnknownError{Kind: "leaf", Name: name}
	}
	if o.pred == nil {
		return c.leaf(o.set), nil
	}
	if n, ok := c.preds[name]; ok {
		return n, nil
	}
	var n *bitset.Expr
	if c.clock != nil {
		n = bitset.Test(func(id uint32) bool {
			customer, ok := c.st.ids.Name(id)
			return ok && o.pred(customer, c.clock())
		})
	} else {
		n = bitset.Leaf(c.ask(o.pred))
	}
	if c.preds == nil {
		c.preds = make(map[string]*bitset.Expr)
	}
	c.preds[name] = n
	return n, nil
}

// ask puts the predicate to the whole live population.
func (c *compiler) ask(pred func(string, time.Time) bool) *bitset.Set {
	s := new(bitset.Set)
	for id, customer := range c.st.ids.namesOf(c.st.pop) {
		if customer != "" && pred(customer, c.at) {
			s.Add(id)
		}
	}
	return s
}
