package rollup

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/survey"
)

// ErrPath is the kind of errors about where an answer belongs, ErrWindow says that it was given
// at another time than the definition counts. Neither is counted.
var (
	ErrPath   = errors.New("survey/rollup: path")
	ErrWindow = errors.New("survey/rollup: outside the window")
)

// Tree counts answers along a hierarchy. Make one with New. It is not safe for concurrent use;
// give each goroutine its own and Merge them.
type Tree struct {
	def  Definition
	root node
}

// node counts the answers of all that is below it.
type node struct {
	tally survey.Tally
	below map[string]*node
}

// New returns an empty tree. The error is that of Definition.Validate.
func New(def Definition) (*Tree, error) {
	if def.Formula == "" {
		def.Formula = Formula(def.Metric)
	}
	def.Levels = slices.Clone(def.Levels)
	return &Tree{def: def}, def.Validate()
}

// Definition returns what the tree counts, with its formula.
func (t *Tree) Definition() Definition {
	def := t.def
	def.Levels = slices.Clone(def.Levels)
	return def
}

// Add counts an answer that was given at a time under a path of names, one for each level from the
// widest on. Names that are not known are left out at the end: such answers are counted under
// the name "" of each level below. The error is ErrPath, ErrWindow or survey.ErrMixedMetrics.
func (t *Tree) Add(at time.Time, s survey.Score, path ...string) error {
	full, err := t.full(path)
	if err != nil {
		return err
	}
	if at.Before(t.def.From) || !t.def.Until.IsZero() && !at.Before(t.def.Until) {
		return fmt.Errorf("%w: %s", ErrWindow, at.Format(time.RFC3339))
	}
	var one survey.Tally
	if err := one.Add(s); err != nil {
		return err
	}
	return t.count(one, full)
}

// full returns the path with "" for the levels that are not known.
func (t *Tree) full(path []string) ([]string, error) {
	if len(path) > len(t.def.Levels) {
		return nil, fmt.Errorf("%w: %q has %d names for %d levels", ErrPath, strings.Join(path, " > "), len(path), len(t.def.Levels))
	}
	out := make([]string, len(t.def.Levels))
	copy(out, path)
	for i := 1; i < len(out); i++ {
		if out[i] != "" && out[i-1] == "" {
			return nil, fmt.Errorf("%w: %q names a %s and no %s", ErrPath, strings.Join(path, " > "), t.def.Levels[i], t.def.Levels[i-1])
		}
	}
	return out, nil
}

// count adds a tally to each node of a full path.
func (t *Tree) count(one survey.Tally, full []string) error {
	if one.Metric != "" && one.Metric != t.def.Metric {
		return fmt.Errorf("%w: %s and %s", survey.ErrMixedMetrics, t.def.Metric, one.Metric)
	}
	n := &t.root
	_ = n.tally.Merge(one) // of one metric
	for _, name := range full {
		if n.below == nil {
			n.below = map[string]*node{}
		}
		if n.below[name] == nil {
			n.below[name] = &node{}
		}
		n = n.below[name]
		_ = n.tally.Merge(one)
	}
	return nil
}

// Merge adds what another tree counted. The error is ErrDefinition where it counts something else.
func (t *Tree) Merge(o *Tree) error {
	if !t.def.equal(o.def) {
		return fmt.Errorf("%w: %s %s is not %s %s", ErrDefinition, o.def.Name, o.def.Version, t.def.Name, t.def.Version)
	}
	t.root.merge(&o.root)
	return nil
}

func (n *node) merge(o *node) {
	_ = n.tally.Merge(o.tally)
	for name, x := range o.below {
		if n.below == nil {
			n.below = map[string]*node{}
		}
		if n.below[name] == nil {
			n.below[name] = &node{}
		}
		n.below[name].merge(x)
	}
}

// names returns those of the children in their order.
func (n *node) names() []string { return slices.Sorted(maps.Keys(n.below)) }
