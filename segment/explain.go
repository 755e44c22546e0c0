package segment

import (
	"fmt"
	"slices"
	"time"
)

// Explanation says why a customer is or is not in a segment. The reasons stand
// in a fixed order: known, live, the expression in the order of its definition,
// red tags by name.
type Explanation struct {
	// Segment is the name of the segment.
	Segment string
	Version int // of the definition
	// Customer is as asked for, known or not.
	Customer string
	At       time.Time // the moment that is explained
	In       bool      // Live, Tree holds, and no red tag but ignored ones
	Known    bool      // the index has met the customer and not forgotten it
	Live     bool      // the customer is in the live population
	Tree     Reason    // the expression
	// Red are the rules in effect of red tags that the customer carries, by tag. Those of
	// the tags in Ignored do not exclude: the segment ignores their red.
	Red     []PolarityRule
	Ignored []string // by name
}

// Reason is the answer of one node of the expression.
type Reason struct {
	op       operation
	Label    string   // the operation or the leaf, in words
	Holds    bool     // for the customer
	Decides  bool     // the answer of the whole expression hangs on this node
	Shown    bool     // a nested segment whose reasons were given further up and are not repeated
	Children []Reason // of the operands, in their order

	least int // of isAtLeast
}

// Explain says why the customer is or is not in the segment at the given time.
// An unknown segment is an *UnknownError; an unknown customer is explained.
func (v *View) Explain(name, customer string, at time.Time) (Explanation, error) {
	d, err := v.definition(name)
	if err != nil {
		return Explanation{}, err
	}
	at = v.when(at)
	e := Explanation{Segment: name, Version: d.version, Customer: customer, At: at}
	id, known := v.ids.Lookup(customer)
	e.Known = known
	e.Live = known && v.pop.Contains(id)
	x := explainer{st: &v.state, at: at, id: id, known: known, customer: customer, shown: make(map[string]bool)}
	if e.Tree, err = x.explain(d.Expr); err != nil {
		return Explanation{}, err
	}
	e.Tree.decide()
	e.In = e.Live && e.Tree.Holds
	for _, r := range v.reds(at) {
		if known && v.tags[r.at].Contains(id) {
			e.Red = append(e.Red, r.rule)
			if slices.Contains(d.IgnoreRed, r.rule.Tag) {
				e.Ignored = append(e.Ignored, r.rule.Tag)
			} else {
				e.In = false
			}
		}
	}
	return e, nil
}

// explainer evaluates an expression for one customer with every node kept, also those that
// decide nothing. The compiled form cannot serve for it: it joins and shares nodes.
type explainer struct {
	st       *state
	at       time.Time
	id       uint32
	known    bool
	customer string
	shown    map[string]bool // nested segments already explained, with their answer
	answers  map[string]bool
}

// explain returns the reason of an expression. It fails only for a leaf or segment that is
// not there.
func (x *explainer) explain(e Expr) (Reason, error) {
	r := Reason{op: e.op, Label: e.label()}
	switch e.op {
	case isTag:
		r.Holds = x.known && x.st.tag(e.name).Contains(x.id)
		return r, nil
	case isLeaf:
		o, ok := x.st.leaves[e.name]
		if !ok {
			return r, &UnknownError{Kind: "leaf", Name: e.name}
		}
		if o.pred != nil {
			r.Holds = x.known && x.st.pop.Contains(x.id) && o.pred(x.customer, x.at)
		} else {
			r.Holds = x.known && o.set.Contains(x.id)
		}
		return r, nil
	case isSegment:
		return x.nested(r, e.name)
	}
	held := 0
	for i, a := range e.args {
		kid, err := x.explain(a)
		if err != nil {
			return r, err
		}
		r.Children = append(r.Children, kid)
		if kid.Holds && (e.op != isExcept || i > 0) {
			held++
		}
	}
	switch e.op {
	case isAll:
		r.Holds = held == len(e.args)
	case isAny:
		r.Holds = held > 0
	case isAtLeast:
		r.Holds = held >= e.k
		r.least = e.k
		r.Label = fmt.Sprintf("at least %d of (holds for %d)", e.k, held)
	case isExcept:
		r.Holds = r.Children[0].Holds && held == 0
	case isXor:
		r.Holds = held%2 == 1
	case isNot:
		r.Holds = held == 0
	}
	return r, nil
}

// nested explains a segment the first time that it is met. Repeated at each mention, ten
// levels of "a and a" would be a thousand lines.
func (x *explainer) nested(r Reason, name string) (Reason, error) {
	if x.shown[name] {
		r.Holds, r.Shown = x.answers[name], true
		return r, nil
	}
	d, err := x.st.definition(name)
	if err != nil {
		return r, err
	}
	kid, err := x.explain(d.Expr)
	if err != nil {
		return r, err
	}
	if x.answers == nil {
		x.answers = make(map[string]bool)
	}
	x.shown[name], x.answers[name] = true, kid.Holds
	r.Holds, r.Children = kid.Holds, []Reason{kid}
	return r, nil
}

// decide marks the nodes on which the answer hangs: of a failed conjunction the
// failed operands, of a fulfilled alternative the fulfilled ones, and so on.
func (r *Reason) decide() {
	r.Decides = true
	for i := range r.Children {
		kid := &r.Children[i]
		var matters bool
		switch r.op {
		case isAll, isAny, isAtLeast, isSegment:
			matters = kid.Holds == r.Holds
		case isExcept:
			// Out: the base fails or an exclusion holds. In: all of it matters.
			matters = r.Holds || kid.Holds == (i > 0)
		default:
			matters = true
		}
		if matters {
			kid.decide()
		}
	}
}

// reasons returns the decisive reasons as sentences, in the fixed order: first
// what keeps the customer out, or, for a member, what lets the customer in.
func (e Explanation) reasons() []string {
	if !e.Known {
		return []string{"the customer is unknown"}
	}
	var out []string
	if !e.Live {
		out = append(out, "the customer is not in the live population")
	}
	if !e.Tree.Holds || e.In {
		out = e.Tree.leaves(out)
	}
	for _, r := range e.Red {
		if !slices.Contains(e.Ignored, r.Tag) {
			out = append(out, r.text(&english))
		}
	}
	return out
}

// leaves appends the decisive leaves below a reason as sentences, in the order of the
// definition.
func (r Reason) leaves(out []string) []string {
	if !r.Decides {
		return out
	}
	if len(r.Children) == 0 {
		if r.Holds {
			return append(out, r.Label+": yes")
		}
		return append(out, r.Label+": no")
	}
	for _, k := range r.Children {
		out = k.leaves(out)
	}
	return out
}
