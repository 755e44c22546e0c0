package segment

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/internal/fold"
	"github.com/vefacrm/vefa/segment/bitset"
)

// state is what there is to know at one moment. Index holds the living one,
// each View a frozen one; both are read by the same code.
type state struct {
	ids      *customerIDs
	limits   Limits
	pop      *bitset.Set
	ord      map[string]int // tag name to its place in the slices below
	names    []string
	tags     []*bitset.Set
	polarity [][]PolarityRule // in order of decision
	leaves   map[string]outside
	defs     map[string]*defined
}

// outside is a leaf that the host supplies, as a set or as a predicate.
type outside struct {
	set  *bitset.Set
	pred func(customer string, at time.Time) bool
}

// defined is a registered definition with its version and direct references.
type defined struct {
	Definition
	version int
	refs    References
}

// References are names that definitions mention: what Definition.References returns, and
// what View.Users and Index.Remove are asked about.
type References struct {
	Tags     []string // without those of IgnoreRed
	Leaves   []string // supplied from outside: fields' values, predicates, sets
	Segments []string
}

// references collects the names that an expression mentions, each once and sorted.
func (e Expr) references() References {
	var r References
	e.refer(&r)
	for _, list := range []*[]string{&r.Tags, &r.Leaves, &r.Segments} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return r
}

// refer appends the names of an expression and its operands.
func (e Expr) refer(r *References) {
	switch e.op {
	case isTag:
		r.Tags = append(r.Tags, e.name)
	case isLeaf:
		r.Leaves = append(r.Leaves, e.name)
	case isSegment:
		r.Segments = append(r.Segments, e.name)
	}
	for _, a := range e.args {
		a.refer(r)
	}
}

// composed returns the names in the form in which they are kept.
func (r References) composed() References {
	return References{Tags: composed(r.Tags), Leaves: composed(r.Leaves), Segments: composed(r.Segments)}
}

// composed returns names in the form in which they are kept.
func composed(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = fold.Compose(name)
	}
	return out
}

// place returns the place of a known tag, in whatever form its name is written.
func (s *state) place(tag string) (int, bool) {
	at, ok := s.ord[tag]
	if !ok {
		at, ok = s.ord[fold.Compose(tag)]
	}
	return at, ok
}

// intern returns the place of a tag, making one for a new tag.
func (s *state) intern(tag string) int {
	if at, ok := s.place(tag); ok {
		return at
	}
	tag = fold.Compose(tag)
	at := len(s.tags)
	s.ord[tag] = at
	s.names = append(s.names, tag)
	s.tags = append(s.tags, new(bitset.Set))
	s.polarity = append(s.polarity, nil)
	return at
}

// tag returns the carriers of a tag, an empty set for one that is not known: a definition
// may speak of a tag before anybody carries it.
func (s *state) tag(name string) *bitset.Set {
	if at, ok := s.place(name); ok {
		return s.tags[at]
	}
	return new(bitset.Set)
}

// redTag is a red tag in effect, with the rule that made it so.
type redTag struct {
	at   int
	rule PolarityRule
}

// reds lists the tags that are red at t, by name.
func (s *state) reds(t time.Time) []redTag {
	var out []redTag
	for at, rules := range s.polarity {
		if rule, ok := polarityAt(rules, t); ok && rule.Polarity == Red {
			out = append(out, redTag{at, rule})
		}
	}
	slices.SortFunc(out, func(a, b redTag) int { return cmp.Compare(s.names[a.at], s.names[b.at]) })
	return out
}

// redsFor is reds without those that the definition ignores.
func (s *state) redsFor(d *defined, t time.Time) []redTag {
	return slices.DeleteFunc(s.reds(t), func(r redTag) bool {
		_, ignored := slices.BinarySearch(d.IgnoreRed, s.names[r.at])
		return ignored
	})
}

// definition returns a registered definition, else an *UnknownError.
func (s *state) definition(name string) (*defined, error) {
	if d, ok := s.defs[fold.Compose(name)]; ok {
		return d, nil
	}
	return nil, &UnknownError{Kind: "segment", Name: name}
}

// define returns the definitions with the new ones added, or the first fault.
func (s *state) define(defs []Definition, strict bool) (map[string]*defined, error) {
	out := maps.Clone(s.defs)
	for _, d := range defs {
		if err := d.validate(s.limits); err != nil {
			return nil, err
		}
		d.Name = fold.Compose(d.Name)
		next := &defined{Definition: d.sorted(), version: 1, refs: d.Expr.references()}
		if old, ok := out[d.Name]; ok {
			next.version = old.version + 1
			if old.equal(next.Definition) {
				continue
			}
		}
		out[d.Name] = next
	}
	if len(out) > s.limits.Segments {
		return nil, &LimitError{What: "segments", Limit: int64(s.limits.Segments)}
	}
	for _, d := range defs {
		if err := s.checkReferences(out[fold.Compose(d.Name)], out, strict); err != nil {
			return nil, err
		}
	}
	return out, checkNesting(out, s.limits.Depth)
}

// checkReferences looks a definition up in what would be registered with it, so that
// definitions may come in any order. Tags need not be known unless the index is strict.
func (s *state) checkReferences(d *defined, defs map[string]*defined, strict bool) error {
	for _, name := range d.refs.Segments {
		if _, ok := defs[name]; !ok {
			return &UnknownError{Kind: "segment", Name: name, In: d.Name}
		}
	}
	for _, name := range d.refs.Leaves {
		if _, ok := s.leaves[name]; !ok {
			return &UnknownError{Kind: "leaf", Name: name, In: d.Name}
		}
	}
	if strict {
		for _, name := range slices.Concat(d.refs.Tags, d.IgnoreRed) {
			if _, ok := s.ord[name]; !ok {
				return &UnknownError{Kind: "tag", Name: name, In: d.Name}
			}
		}
	}
	return nil
}

// checkNesting finds cycles and too deep nesting, in name order.
func checkNesting(defs map[string]*defined, limit int) error {
	level := make(map[string]int, len(defs)) // 0: not seen, -1: on the path
	var path []string
	var visit func(name string) error
	visit = func(name string) error {
		if level[name] > 0 {
			return nil
		}
		path = append(path, name)
		if level[name] < 0 {
			return &InvalidError{Field: "definitions", Msg: "form a cycle: " + strings.Join(path[slices.Index(path, name):], " -> ")}
		}
		level[name] = -1
		deepest := 0
		for _, ref := range defs[name].refs.Segments {
			if err := visit(ref); err != nil {
				return err
			}
			deepest = max(deepest, level[ref])
		}
		if deepest >= limit {
			return &LimitError{What: "depth", Limit: int64(limit)}
		}
		level[name] = deepest + 1
		path = path[:len(path)-1]
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		if err := visit(name); err != nil {
			return err
		}
	}
	return nil
}

// reach marks all segments that the given one refers to, itself included.
func (s *state) reach(name string, seen map[string]bool) {
	if seen[name] {
		return
	}
	seen[name] = true
	for _, ref := range s.defs[name].refs.Segments {
		s.reach(ref, seen)
	}
}
