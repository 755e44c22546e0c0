package rollup

import (
	"slices"

	"github.com/vefacrm/vefa/internal/suppress"
	"github.com/vefacrm/vefa/survey"
)

// Audience is who gets figures. The zero value sees the whole tree.
type Audience struct {
	// Name says who it is; each Figure has it.
	Name string
	// Under is the path of the node that it sees, with all that is below; empty: the root.
	Under []string
	// Depth is how many levels below that it sees; 0: all.
	Depth int
	// Least is how many answers a figure needs to be shown; 0 means 5, and 1 or less than 0 shows
	// all. Audiences that tell each other what they see learn no more than the one of the
	// smallest Least.
	Least int64
}

// Figure is what one node of the tree counts.
type Figure struct {
	// Path names the node from the widest level on; empty for the root.
	Path []string `json:"path"`
	// Level is that of the node, of Definition.Levels; empty for the root.
	Level string `json:"level,omitempty"`
	// Audience is whose figure it is, and Definition what was counted.
	Audience   string     `json:"audience,omitempty"`
	Definition Definition `json:"definition"`
	// Suppressed hides the figure, because few answered or because another's could be had from
	// it. Tally and Result are then zero.
	Suppressed bool          `json:"suppressed,omitempty"`
	Tally      survey.Tally  `json:"tally,omitzero"`
	Result     survey.Result `json:"result,omitzero"`
}

// Figures returns what an audience may see, each node before what is below it, in the order of
// their names. Nothing is listed below a figure that is suppressed. It is empty where there is
// no node Under.
//
// Which figures are suppressed is decided over the whole tree and not over what the audience
// sees, so that a regional manager and a store's manager cannot put theirs together.
func (t *Tree) Figures(a Audience) []Figure {
	least := a.Least
	if least == 0 {
		least = 5
	}
	n, hidden := &t.root, least > 1 && t.root.tally.N() < least
	under, err := t.full(a.Under)
	if err != nil {
		return nil
	}
	under = under[:len(a.Under)]
	for _, name := range under {
		children, small := n.row(least)
		i, ok := slices.BinarySearch(children, name)
		if !ok {
			return nil
		}
		hidden = hidden || small[i]
		n = n.below[name]
	}
	v := view{def: t.Definition(), audience: a.Name, least: least, depth: a.Depth}
	if v.depth <= 0 {
		v.depth = len(t.def.Levels)
	}
	v.list(n, under, hidden, v.depth)
	return v.out
}

// row returns the names of the children in their order, and which of them are hidden.
func (n *node) row(least int64) ([]string, []bool) {
	names := n.names()
	counts := make([]int64, len(names))
	for i, name := range names {
		counts[i] = n.below[name].tally.N()
	}
	return names, suppress.Small(counts, least)
}

// view lists the figures of one audience.
type view struct {
	def      Definition
	audience string
	least    int64
	depth    int
	out      []Figure
}

func (v *view) list(n *node, path []string, hidden bool, depth int) {
	f := Figure{Path: slices.Clone(path), Audience: v.audience, Definition: v.def, Suppressed: hidden}
	if len(path) > 0 {
		f.Level = v.def.Levels[len(path)-1]
	}
	if !hidden {
		f.Tally, f.Result = n.tally, n.tally.Result()
	}
	v.out = append(v.out, f)
	if hidden || depth == 0 {
		return
	}
	names, small := n.row(v.least)
	for i, name := range names {
		v.list(n.below[name], append(slices.Clone(path), name), small[i], depth-1)
	}
}
