package segment

import "time"

// Flip is a tag or leaf that would have to be otherwise.
type Flip struct {
	Leaf Expr // OpTag or OpLeaf
	Hold bool // it would have to hold; false: it would have to cease to hold
}

// String returns the flip in words, such as "without tag staff".
func (f Flip) String() string {
	if f.Hold {
		return "with " + f.Leaf.label()
	}
	return "without " + f.Leaf.label()
}

// maxCases bounds the decision diagram of one definition.
const maxCases = 1 << 16

// Flips returns the fewest tags and leaves that would have to be otherwise for
// the customer to be in the segment, if out, or out, if in; red tags count like
// those of the definition. Of several ways it returns the one whose
// parts stand first in the definition. It is
// empty where nothing helps: by its definition everybody is in, or nobody.
//
// An unknown customer, or one who is not in the live population, is an
// *UnknownError, a definition too intricate for a certain answer a *LimitError.
func (v *View) Flips(name, customer string, at time.Time) ([]Flip, error) {
	def, err := v.definition(name)
	if err != nil {
		return nil, err
	}
	id, known := v.ids.Lookup(customer)
	if !known || !v.pop.Contains(id) {
		return nil, &UnknownError{Kind: "customer", Name: customer}
	}
	at = v.when(at)
	d := newDiagrams(&v.state, maxCases)
	root, err := d.build(def.Expr)
	if err != nil {
		return nil, err
	}
	for _, r := range v.redsFor(def, at) {
		red, err := d.build(Tag(v.names[r.at]))
		if err != nil {
			return nil, err
		}
		if root, err = d.choose(red, never, root); err != nil {
			return nil, err
		}
	}
	x := explainer{st: &v.state, at: at, id: id, known: true, customer: customer}
	holds := make([]bool, len(d.leaf))
	for i, leaf := range d.leaf {
		r, err := x.explain(leaf)
		if err != nil {
			return nil, err
		}
		holds[i] = r.Holds
	}
	return d.nearest(root, holds), nil
}

// nearest finds the way with the fewest flips from root to the other answer than
// the one that holds gives.
func (d *diagrams) nearest(root int32, holds []bool) []Flip {
	at := root
	for at > always {
		at = d.branch(at, d.nodes[at].at, holds[d.nodes[at].at])
	}
	const far = 1 << 30
	// Nodes refer to earlier ones only, so one pass in their order has the cost of all.
	cost := make([]int, len(d.nodes))
	cost[at] = far
	for n := always + 1; n <= root; n++ {
		variable := d.nodes[n].at
		keep := cost[d.branch(n, variable, holds[variable])]
		flip := cost[d.branch(n, variable, !holds[variable])] + 1
		cost[n] = min(keep, flip)
	}
	if cost[root] >= far {
		return nil
	}
	var out []Flip
	for n := root; n > always; {
		variable := d.nodes[n].at
		keep, flip := d.branch(n, variable, holds[variable]), d.branch(n, variable, !holds[variable])
		if cost[flip]+1 > cost[n] {
			n = keep
			continue
		}
		out = append(out, Flip{d.leaf[variable], !holds[variable]})
		n = flip
	}
	return out
}
