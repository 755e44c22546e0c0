package segment

import (
	"fmt"
	"strings"
	"time"

	"github.com/vefacrm/vefa/segment/bitset"
)

// TreeCount is one node of a definition with its exact count.
type TreeCount struct {
	op    operation
	Label string // the operation or the leaf, in words
	Count int    // live customers whom the node alone selects
	// Children are the operands in their order; empty for a tag, a leaf and what is not
	// repeated.
	Children []TreeCount
	Shown    bool // a nested segment whose tree was shown further up and is not repeated
}

// Preview holds the exact counts of a segment.
type Preview struct {
	Population int       // live customers
	Tree       TreeCount // of the expression, before polarity
	Members    int       // after red tags
}

// Preview counts every node of a segment's expression in one pass over the
// population. Use it with View.With while somebody edits.
func (v *View) Preview(name string, at time.Time) (Preview, error) {
	d, err := v.definition(name)
	if err != nil {
		return Preview{}, err
	}
	c := newCompiler(&v.state, v.when(at))
	b := treeBuilder{c: c, known: make(map[*bitset.Expr]bool), shown: make(map[string]bool)}
	tree, err := b.build(d.Expr)
	if err != nil {
		return Preview{}, err
	}
	// The audience is what the tree's root selects without the red tags.
	var reds []*bitset.Expr
	for _, r := range v.redsFor(d, c.at) {
		reds = append(reds, c.leaf(v.tags[r.at]))
	}
	root := tree.node
	if len(reds) > 0 {
		root = bitset.AllOf([]*bitset.Expr{c.pop, root}, reds)
		b.nodes = append(b.nodes, root)
	}
	of := make(map[*bitset.Expr]int, len(b.nodes))
	for i, n := range bitset.CountIn(v.pop, b.nodes...) {
		of[b.nodes[i]] = n
	}
	return Preview{Population: v.pop.Len(), Members: of[root], Tree: tree.counted(of)}, nil
}

// treeBuilder compiles an expression with one node per operation, so that each
// can be counted.
type treeBuilder struct {
	c     *compiler
	nodes []*bitset.Expr // each once, however often the tree mentions it
	known map[*bitset.Expr]bool
	shown map[string]bool
	refs  map[string]*bitset.Expr
}

// treeNode is a node of the tree that is shown, with the compiled node that is counted for
// it.
type treeNode struct {
	expr  Expr
	node  *bitset.Expr
	kids  []*treeNode
	shown bool
}

// build compiles every operation by itself. A nested segment is built once, later mentions
// refer to it.
func (b *treeBuilder) build(e Expr) (*treeNode, error) {
	t := &treeNode{expr: e}
	var kids []*bitset.Expr
	switch {
	case e.op == isSegment && b.shown[e.name]:
		t.node, t.shown = b.refs[e.name], true
		return t, nil
	case e.op == isSegment:
		d, err := b.c.st.definition(e.name)
		if err != nil {
			return nil, err
		}
		kid, err := b.build(d.Expr)
		if err != nil {
			return nil, err
		}
		b.shown[e.name] = true
		if b.refs == nil {
			b.refs = make(map[string]*bitset.Expr)
		}
		b.refs[e.name] = kid.node
		t.kids, t.node = []*treeNode{kid}, kid.node
		return t, nil
	case e.op == isTag || e.op == isLeaf:
		n, err := b.c.expr(e)
		if err != nil {
			return nil, err
		}
		t.node = n
	default:
		for _, a := range e.args {
			kid, err := b.build(a)
			if err != nil {
				return nil, err
			}
			t.kids = append(t.kids, kid)
			kids = append(kids, kid.node)
		}
		t.node = b.operation(e, kids)
	}
	if !b.known[t.node] {
		b.known[t.node] = true
		b.nodes = append(b.nodes, t.node)
	}
	return t, nil
}

// operation compiles one operation within the population, without the fusing of
// compiler.include: a part that is fused into its parent has no count.
func (b *treeBuilder) operation(e Expr, kids []*bitset.Expr) *bitset.Expr {
	switch e.op {
	case isAll:
		return bitset.AllOf(append([]*bitset.Expr{b.c.pop}, kids...), nil)
	case isNot:
		return bitset.AllOf([]*bitset.Expr{b.c.pop}, kids)
	case isExcept:
		return bitset.AllOf(kids[:1], kids[1:])
	case isXor:
		return bitset.OddOf(kids...)
	case isAtLeast:
		return bitset.AtLeastOf(e.k, kids...)
	default:
		return bitset.AnyOf(kids...)
	}
}

// counted is the tree with the count of every node.
func (t *treeNode) counted(of map[*bitset.Expr]int) TreeCount {
	out := TreeCount{op: t.expr.op, Label: t.expr.label(), Count: of[t.node], Shown: t.shown}
	for _, k := range t.kids {
		out.Children = append(out.Children, k.counted(of))
	}
	return out
}

// label names one node without its operands.
func (e Expr) label() string {
	switch e.op {
	case isTag, isLeaf, isSegment:
		return e.op.String() + " " + e.name
	case isAll:
		if len(e.args) == 0 {
			return "everyone"
		}
		return "all of"
	case isAny:
		if len(e.args) == 0 {
			return "nobody"
		}
		return "any of"
	case isAtLeast:
		return fmt.Sprintf("at least %d of", e.k)
	case isExcept:
		return "in the first and in none of the others"
	case isXor:
		return "an odd number of"
	default:
		return e.op.String()
	}
}

// maxIndent keeps the text of a very deep tree from growing with its square.
const maxIndent = 30

// String returns the tree, one node per line with its count.
func (p Preview) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d\n", p.Members, p.Population)
	p.Tree.write(&b, 1)
	return b.String()
}

// write writes a node and those below it, one to a line.
func (t TreeCount) write(b *strings.Builder, depth int) {
	fmt.Fprintf(b, "%s%s: %d", strings.Repeat("  ", min(depth, maxIndent)), t.Label, t.Count)
	if t.Shown {
		b.WriteString(" (see above)")
	}
	b.WriteByte('\n')
	for _, k := range t.Children {
		k.write(b, depth+1)
	}
}

// Waterfall shows how exclusions bring a segment down to its members.
type Waterfall struct {
	Base    int         // live customers before any exclusion
	Steps   []Exclusion // of the definition in its order, then red tags by name
	Members int         // what is left
}

// Exclusion is one step of a Waterfall.
type Exclusion struct {
	Label   string       // the excluded expression
	Red     PolarityRule // the rule, if a red tag excludes; otherwise zero
	Alone   int          // how many of the base it excludes by itself
	Only    int          // how many of the base no other step excludes: lifting it would let them in
	Removed int          // how many of those left by the steps before it removes
	Left    int          // how many are left after it
}

// Waterfall splits a segment into what it includes and its exclusions: operands
// of except, negated conditions, and red tags.
func (v *View) Waterfall(name string, at time.Time) (Waterfall, error) {
	d, err := v.definition(name)
	if err != nil {
		return Waterfall{}, err
	}
	c := newCompiler(&v.state, v.when(at))
	root, err := c.audience(d)
	if err != nil {
		return Waterfall{}, err
	}
	var w Waterfall
	for _, e := range exclusions(d.Expr, nil) {
		w.Steps = append(w.Steps, Exclusion{Label: e.String()})
	}
	for _, r := range v.redsFor(d, v.when(at)) {
		w.Steps = append(w.Steps, Exclusion{Label: "tag " + v.names[r.at] + " is red", Red: r.rule})
	}
	inc, exc := root.Operands()
	base, steps := bitset.Steps(bitset.AllOf(inc, nil), exc...)
	w.Base, w.Members = base, base
	for i, x := range steps {
		w.Steps[i].Alone, w.Steps[i].Only, w.Steps[i].Removed, w.Steps[i].Left = x.Alone, x.Only, x.Removed, x.Left
		w.Members = x.Left
	}
	return w, nil
}

// exclusions lists what compiler.include makes exclusions of a conjunction, in
// the same order.
func exclusions(e Expr, out []Expr) []Expr {
	switch e.op {
	case isAll:
		for _, a := range e.args {
			out = exclusions(a, out)
		}
	case isExcept:
		out = append(exclusions(e.args[0], out), e.args[1:]...)
	case isNot:
		out = append(out, e.args[0])
	}
	return out
}

// String returns the waterfall, one step per line.
func (w Waterfall) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d before exclusions\n", w.Base)
	for _, s := range w.Steps {
		fmt.Fprintf(&b, "  -%d %s (alone %d, only %d), %d left\n", s.Removed, s.Label, s.Alone, s.Only, s.Left)
	}
	fmt.Fprintf(&b, "%d members\n", w.Members)
	return b.String()
}
