package segment

import (
	"slices"
	"time"
)

// compiler turns expressions into evaluator nodes over one state and moment. A
// nested segment becomes one shared node however often it is mentioned.
type compiler struct {
	st     *state
	at     time.Time
	pop    *node
	leaves map[*Set]*node
	nested map[string]*node
	preds  map[string]*node
	reds   []redTag         // in effect at that moment, by name; see audience
	asked  bool             // reds is filled in
	clock  func() time.Time // not nil: for single customers, at the living clock
}

func newCompiler(st *state, at time.Time) *compiler {
	c := &compiler{st: st, at: at, leaves: make(map[*Set]*node)}
	c.pop = c.leaf(st.pop)
	return c
}

// leaf returns the one node of a set.
func (c *compiler) leaf(s *Set) *node {
	n, ok := c.leaves[s]
	if !ok {
		n = leaf(s)
		c.leaves[s] = n
	}
	return n
}

// audience compiles population ∩ expression \ red tags.
func (c *compiler) audience(d *defined) (*node, error) {
	root := op(opAnd, []*node{c.pop}, nil)
	if err := c.include(root, d.Expr); err != nil {
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
	return root, nil
}

// include adds e as a condition of the conjunction n, without a node of its own
// where e is a conjunction itself.
func (c *compiler) include(n *node, e Expr) error {
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

func (c *compiler) exclude(n *node, args []Expr) error {
	for _, a := range args {
		k, err := c.expr(a)
		if err != nil {
			return err
		}
		n.exc = append(n.exc, k)
	}
	return nil
}

func (c *compiler) expr(e Expr) (*node, error) {
	switch e.op {
	case isTag:
		return c.leaf(c.st.tag(e.name)), nil
	case isLeaf:
		return c.outside(e.name)
	case isSegment:
		return c.segment(e.name)
	case isAll, isExcept, isNot:
		n := op(opAnd, nil, nil)
		if err := c.include(n, e); err != nil {
			return nil, err
		}
		if len(n.inc) == 0 {
			n.inc = []*node{c.pop}
		}
		return n, nil
	}
	n := op(opOr, nil, nil)
	switch e.op {
	case isXor:
		n.op = opXor
	case isAtLeast:
		n.op, n.k = opAtLeast, e.k
	}
	for _, a := range e.args {
		k, err := c.expr(a)
		if err != nil {
			return nil, err
		}
		n.inc = append(n.inc, k)
	}
	return n, nil
}

func (c *compiler) segment(name string) (*node, error) {
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
		c.nested = make(map[string]*node)
	}
	c.nested[name] = n
	return n, nil
}

func (c *compiler) outside(name string) (*node, error) {
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
	var n *node
	if c.clock != nil {
		n = &node{op: opPred, key: -1,
			pred: func(customer string) bool { return customer != "" && o.pred(customer, c.clock()) },
			name: func(id uint32) string { customer, _ := c.st.ids.Name(id); return customer },
		}
	} else {
		n = leaf(c.ask(o.pred))
	}
	if c.preds == nil {
		c.preds = make(map[string]*node)
	}
	c.preds[name] = n
	return n, nil
}

// ask puts the predicate to the whole live population.
func (c *compiler) ask(pred func(string, time.Time) bool) *Set {
	s := new(Set)
	for id, customer := range c.st.ids.namesOf(c.st.pop) {
		if customer != "" && pred(customer, c.at) {
			s.Add(id)
		}
	}
	return s
}
