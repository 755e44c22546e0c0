package segment

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/vefacrm/vefa/segment/bitset"
)

// View is the state of an Index at one moment, frozen. All answers of one View
// agree with each other. Questions take the time at which polarity and
// predicates are meant; the zero time means the moment of the view's last write.
// It is safe for concurrent use.
type View struct {
	state
	clock time.Time
}

// when is the time that is meant: the zero time is that of the last write.
func (v *View) when(at time.Time) time.Time {
	if at.IsZero() {
		return v.clock
	}
	return at.UTC()
}

// With returns the view with draft definitions added or replaced, so that they
// can be counted, explained and compared before they are registered. Faults are
// those of Index.Define.
func (v *View) With(drafts ...Definition) (*View, error) {
	defs, err := v.define(drafts, false)
	if err != nil {
		return nil, err
	}
	w := *v
	w.defs = defs
	return &w, nil
}

// Audience returns the dense ids of the customers who are in the segment:
// members of the live population whom its expression selects and no red tag
// excludes. The set belongs to the caller.
func (v *View) Audience(name string, at time.Time) (*bitset.Set, error) {
	root, err := v.compile(name, at)
	if err != nil {
		return nil, err
	}
	return root.Set(), nil
}

// compile compiles the audience of a segment at a time, red tags taken out.
func (v *View) compile(name string, at time.Time) (*bitset.Expr, error) {
	d, err := v.definition(name)
	if err != nil {
		return nil, err
	}
	return newCompiler(&v.state, v.when(at)).audience(d)
}

// Members yields the customers of the segment in the order in which the index
// first met them. An unknown segment is an *UnknownError.
func (v *View) Members(name string, at time.Time) (iter.Seq[string], error) {
	s, err := v.Audience(name, at)
	if err != nil {
		return nil, err
	}
	return v.Customers(s), nil
}

// Customers yields the customers of a set in ascending dense id, without those
// forgotten since.
func (v *View) Customers(s *bitset.Set) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, customer := range v.ids.namesOf(s) {
			if customer != "" && !yield(customer) {
				return
			}
		}
	}
}

// Contains reports whether the customer is in the segment.
func (v *View) Contains(name, customer string, at time.Time) (bool, error) {
	d, err := v.definition(name)
	if err != nil {
		return false, err
	}
	id, ok := v.ids.Lookup(customer)
	if !ok {
		return false, nil
	}
	c := newCompiler(&v.state, v.when(at))
	c.clock = func() time.Time { return c.at }
	root, err := c.audience(d)
	return err == nil && root.Has(id, 1), err
}

// Population returns the live population.
func (v *View) Population() *bitset.Set { return v.pop.Clone() }

// Tag returns the carriers of a tag, in the live population or not.
func (v *View) Tag(name string) *bitset.Set { return v.tag(name).Clone() }

// Tags yields the known tags, sorted.
func (v *View) Tags() iter.Seq[string] { return slices.Values(slices.Sorted(maps.Keys(v.ord))) }

// TagsOf returns the tags of a customer, sorted; nil for an unknown one.
func (v *View) TagsOf(customer string) []string {
	id, ok := v.ids.Lookup(customer)
	if !ok {
		return nil
	}
	var tags []string
	for at, s := range v.tags {
		if s.Contains(id) {
			tags = append(tags, v.names[at])
		}
	}
	slices.Sort(tags)
	return tags
}

// Polarity returns the rule that gives the tag its polarity at the given time;
// the zero rule, which is neutral, if none does.
func (v *View) Polarity(tag string, at time.Time) PolarityRule {
	i, ok := v.place(tag)
	if !ok {
		return PolarityRule{Tag: tag}
	}
	rule, ok := polarityAt(v.polarity[i], v.when(at))
	if !ok {
		rule.Tag = tag
	}
	return rule
}

// polarityRules returns all rules of a tag in the order in which they were decided.
func (v *View) polarityRules(tag string) []PolarityRule {
	if i, ok := v.place(tag); ok {
		return slices.Clone(v.polarity[i])
	}
	return nil
}

// Definition returns a registered definition and its version, from 1.
func (v *View) Definition(name string) (Definition, int, error) {
	d, err := v.definition(name)
	if err != nil {
		return Definition{}, 0, err
	}
	return d.Definition, d.version, nil
}

// Definitions yields the registered definitions by name.
func (v *View) Definitions() iter.Seq[Definition] {
	return func(yield func(Definition) bool) {
		for _, name := range slices.Sorted(maps.Keys(v.defs)) {
			if !yield(v.defs[name].Definition) {
				return
			}
		}
	}
}

// User is a segment that depends on something.
type User struct {
	// Segment is the name of the segment that depends on it.
	Segment string
	Direct  bool // its own definition mentions it; otherwise a nested one does
}

// Users lists the segments whose definition depends on any of the tags, leaves and
// segments, by name. Being excluded by a red tag is no dependence: red concerns every
// audience.
func (v *View) Users(of References) []User {
	of = of.composed()
	return v.users(func(d *defined) bool {
		return overlap(d.refs.Tags, of.Tags) || overlap(d.refs.Leaves, of.Leaves) || overlap(d.refs.Segments, of.Segments)
	})
}

// overlap reports whether two lists have a name in common; both are short.
func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// users walks the definitions once, depth first: what a segment uses indirectly is known
// when those below it are. Cycles were refused by Define.
func (v *View) users(direct func(*defined) bool) []User {
	uses := make(map[string]bool, len(v.defs))
	var visit func(name string) bool
	visit = func(name string) bool {
		if found, ok := uses[name]; ok {
			return found
		}
		d := v.defs[name]
		found := direct(d)
		for _, ref := range d.refs.Segments {
			found = visit(ref) || found
		}
		uses[name] = found
		return found
	}
	var out []User
	for _, name := range slices.Sorted(maps.Keys(v.defs)) {
		if visit(name) {
			out = append(out, User{Segment: name, Direct: direct(v.defs[name])})
		}
	}
	return out
}
