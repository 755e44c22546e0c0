package segment

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vefacrm/vefa/segment/bitset"
)

// The kinds of findings, in the order in which they are reported.
const (
	findingEmpty      = "empty"
	findingUniversal  = "universal"
	findingEqual      = "equal"
	findingSubset     = "subset"
	findingRedundant  = "redundant"
	findingUncarried  = "uncarried"
	findingIdleRed    = "idle red"
	findingUnused     = "unused segment"
	findingUnusedTag  = "unused tag"
	findingUnusedLeaf = "unused leaf"
)

var findingKinds = []string{findingEmpty, findingUniversal, findingEqual, findingSubset, findingRedundant,
	findingUncarried, findingIdleRed, findingUnused, findingUnusedTag, findingUnusedLeaf}

// Finding is something that is probably not meant.
type Finding struct {
	// Kind is one of "empty" (Segment has no members), "universal" (it has everybody),
	// "equal" (it has the members of Other), "subset" (all its members are in Other, and
	// no definition says so), "redundant" (operand Other changes nothing), "uncarried"
	// (no customer carries tag Other), "idle red" (the ignored red of tag Other never was),
	// "unused segment", "unused tag" and "unused leaf".
	Kind    string
	Segment string // empty for an unused tag or leaf
	Other   string // another segment, or an operand, tag or leaf; see Kind
	// Proven says that it follows from the definitions, whatever the data; it is
	// false for what merely happens to hold at the moment.
	Proven bool
}

// String returns the finding as a sentence.
func (f Finding) String() string {
	proof := "at present, "
	if f.Proven {
		proof = "by definition, "
	}
	switch f.Kind {
	case findingEmpty:
		return fmt.Sprintf("segment %s: %snobody is in it", f.Segment, proof)
	case findingUniversal:
		return fmt.Sprintf("segment %s: %severybody is in it", f.Segment, proof)
	case findingEqual:
		return fmt.Sprintf("segment %s: %sit is equal to segment %s", f.Segment, proof, f.Other)
	case findingSubset:
		return fmt.Sprintf("segment %s: %sall of it is in segment %s", f.Segment, proof, f.Other)
	case findingRedundant:
		return fmt.Sprintf("segment %s: leaving out %q changes nothing", f.Segment, f.Other)
	case findingUncarried:
		return fmt.Sprintf("segment %s: nobody carries tag %s", f.Segment, f.Other)
	case findingIdleRed:
		return fmt.Sprintf("segment %s: ignores the red of tag %s, which was never red", f.Segment, f.Other)
	case findingUnused:
		return fmt.Sprintf("segment %s: nothing draws or mentions it", f.Segment)
	case findingUnusedTag:
		return fmt.Sprintf("tag %s: no segment mentions it", f.Other)
	case findingUnusedLeaf:
		return fmt.Sprintf("leaf %s: no segment mentions it", f.Other)
	}
	return f.Kind
}

// LintOptions configure Lint. The zero value works.
type LintOptions struct {
	// Drawn are the segments that campaigns, reports and the like draw from. If
	// it is nil nothing is known about that and no segment is called unused.
	Drawn []string
	// Cases bounds the work of a proof, in nodes of its decision diagrams;
	// default 65,536. Definitions that need more are unproven.
	Cases int
}

// Lint looks for segments that are empty, universal, equal to or within one
// another, for operands that change nothing, and for what nobody uses. It
// proves by algebra what it can, then looks at the members after red tags. It
// is for people who tidy up: with thousands of segments it takes seconds; ctx
// ends it early. An unknown segment among those drawn is an *UnknownError. Findings are by
// kind, segment and other; unproven are the segments too intricate to prove anything
// about, by name.
func (v *View) Lint(ctx context.Context, at time.Time, opt LintOptions) (found []Finding, unproven []string, err error) {
	l := &linter{v: v, at: v.when(at), names: slices.Sorted(maps.Keys(v.defs)), known: make(map[Finding]bool)}
	if opt.Cases <= 0 {
		opt.Cases = maxCases
	}
	for _, step := range []func() error{
		func() error { return l.uses(opt.Drawn) },
		func() error { return l.prove(ctx, opt.Cases) },
		func() error { return l.members(ctx) },
	} {
		if err := step(); err != nil {
			return nil, nil, err
		}
	}
	slices.SortFunc(l.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(findingKinds, a.Kind), slices.Index(findingKinds, b.Kind)), cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Other, b.Other))
	})
	return l.found, l.unproven, nil
}

// linter collects findings of one view at one moment.
type linter struct {
	v        *View
	at       time.Time
	names    []string
	found    []Finding
	unproven []string
	proven   map[string]int32 // segments whose function is known
	known    map[Finding]bool // what is reported, without Proven
}

// report keeps a finding unless it was made before: what is proven is looked for first, so
// that the members do not tell it again as what merely happens to hold.
func (l *linter) report(f Finding) {
	key := f
	key.Proven = false
	if !l.known[key] {
		l.known[key] = true
		l.found = append(l.found, f)
	}
}

// prove looks at the definitions as truth functions.
func (l *linter) prove(ctx context.Context, cases int) error {
	d := newDiagrams(&l.v.state, cases)
	l.proven = make(map[string]int32)
	type meaning struct {
		node    int32
		ignores string
	}
	first := make(map[meaning]string)
	for _, name := range l.names {
		if err := ctx.Err(); err != nil {
			return err
		}
		def := l.v.defs[name]
		n, err := d.build(def.Expr)
		if err != nil { // those before it may have used up the room
			d = newDiagrams(&l.v.state, cases)
			clear(first)
			if n, err = d.build(def.Expr); err != nil {
				l.unproven = append(l.unproven, name)
				continue
			}
		}
		l.proven[name] = n
		m := meaning{n, strings.Join(def.IgnoreRed, "\x00")}
		switch {
		case n == never:
			l.report(Finding{findingEmpty, name, "", true})
		case n == always && !isEveryone(def.Expr):
			l.report(Finding{findingUniversal, name, "", true})
		case n == always:
		case first[m] != "":
			l.report(Finding{findingEqual, name, first[m], true})
		default:
			first[m] = name
		}
		if n == never || n == always {
			continue // every operand would be redundant
		}
		r := redundancy{d: d, want: n, left: 400}
		r.look(def.Expr, func(e Expr) Expr { return e })
		for _, text := range r.found {
			l.report(Finding{findingRedundant, name, text, true})
		}
	}
	return nil
}

// isEveryone reports whether an expression says openly that it means everybody, which then
// is no finding.
func isEveryone(e Expr) bool { return e.op == isAll && len(e.args) == 0 }

// redundancy finds operands without which a definition stays the same.
type redundancy struct {
	d     *diagrams
	want  int32
	left  int // tries
	found []string
}

// look tries to leave out each operand of e, the last first; whole puts a
// changed e back into the definition.
func (r *redundancy) look(e Expr, whole func(Expr) Expr) Expr {
	lowest := 0
	switch e.op {
	case isAll, isAny:
	case isExcept:
		lowest = 1
	default:
		lowest = len(e.args)
	}
	for i := len(e.args) - 1; i >= lowest && len(e.args) > 1; i-- {
		less := e
		less.args = slices.Delete(slices.Clone(e.args), i, i+1)
		if e.op == isExcept && len(less.args) == 1 {
			less = less.args[0]
		}
		if r.left--; r.left < 0 {
			return e
		}
		n, err := r.d.build(whole(less))
		if err != nil || n != r.want {
			continue
		}
		text := e.args[i].String()
		if e.op == isExcept {
			text = "except " + text
		}
		r.found = append(r.found, text)
		op := e.op
		if e = less; e.op != op {
			return e
		}
	}
	e.args = slices.Clone(e.args)
	for i := range e.args {
		e.args[i] = r.look(e.args[i], func(part Expr) Expr {
			with := e
			with.args = slices.Clone(e.args)
			with.args[i] = part
			return whole(with)
		})
	}
	return e
}

// members looks at who is in the segments now.
func (l *linter) members(ctx context.Context) error {
	sets, err := l.v.Audiences(l.at, l.names...)
	if err != nil {
		return err
	}
	everybody := l.v.pop.Len()
	alike := make(map[int][]int) // by size
	var some []int               // neither empty nor universal, one of each equal
	for i, s := range sets {
		switch n := s.Len(); {
		case n == 0:
			l.report(Finding{findingEmpty, l.names[i], "", false})
			continue
		case n == everybody:
			if !isEveryone(l.v.defs[l.names[i]].Expr) {
				l.report(Finding{findingUniversal, l.names[i], "", false})
			}
			continue
		}
		size := s.Len()
		same := slices.IndexFunc(alike[size], func(j int) bool { return sets[j].Equal(s) })
		if same >= 0 {
			l.report(Finding{findingEqual, l.names[i], l.names[alike[size][same]], false})
			continue
		}
		alike[size] = append(alike[size], i)
		some = append(some, i)
	}
	return l.subsets(ctx, sets, some)
}

// subsets reports for each segment the smallest ones that have all of it. That
// a nested segment contains what is cut out of it goes without saying.
func (l *linter) subsets(ctx context.Context, sets []*bitset.Set, some []int) error {
	slices.SortStableFunc(some, func(i, j int) int { return cmp.Compare(sets[i].Len(), sets[j].Len()) })
	for n, i := range some {
		if err := ctx.Err(); err != nil {
			return err
		}
		var above []int
		below := make(map[string]bool)
		l.v.reach(l.names[i], below)
		for _, j := range some[n+1:] {
			if sets[i].Len() == sets[j].Len() || !sets[i].Within(sets[j]) {
				continue
			}
			if slices.ContainsFunc(above, func(k int) bool { return sets[k].Within(sets[j]) }) {
				continue // follows from a smaller one
			}
			above = append(above, j)
			mentions := make(map[string]bool)
			l.v.reach(l.names[j], mentions)
			if below[l.names[j]] || mentions[l.names[i]] {
				continue
			}
			l.report(Finding{findingSubset, l.names[i], l.names[j], l.implies(l.names[i], l.names[j])})
		}
	}
	return nil
}

// implies reports whether the definitions alone make a part of b.
func (l *linter) implies(a, b string) bool {
	if _, ok := l.proven[a]; !ok {
		return false
	}
	if _, ok := l.proven[b]; !ok {
		return false
	}
	da, db := l.v.defs[a], l.v.defs[b]
	if slices.ContainsFunc(da.IgnoreRed, func(tag string) bool { return !slices.Contains(db.IgnoreRed, tag) }) {
		return false // who is in a in spite of a red tag may not be in b
	}
	d := newDiagrams(&l.v.state, 1<<14)
	x, err := d.build(da.Expr)
	if err != nil {
		return false
	}
	y, err := d.build(db.Expr)
	if err != nil {
		return false
	}
	yes, err := d.within(x, y)
	return yes && err == nil
}

// uses looks at who mentions what.
func (l *linter) uses(drawn []string) error {
	tags, leaves, segments := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, name := range drawn {
		if _, err := l.v.definition(name); err != nil {
			return err
		}
		segments[name] = true
	}
	for _, name := range l.names {
		def := l.v.defs[name]
		for _, tag := range def.refs.Tags {
			tags[tag], tags[fieldOf(tag)] = true, true
			if l.v.tag(tag).IsEmpty() {
				l.report(Finding{findingUncarried, name, tag, false})
			}
		}
		for _, tag := range def.IgnoreRed {
			tags[tag], tags[fieldOf(tag)] = true, true
			if !slices.ContainsFunc(l.v.polarityRules(tag), func(r PolarityRule) bool { return r.Polarity == Red }) {
				l.report(Finding{findingIdleRed, name, tag, false})
			}
		}
		for _, leaf := range def.refs.Leaves {
			leaves[leaf], leaves[fieldOf(leaf)] = true, true
		}
		for _, ref := range def.refs.Segments {
			segments[ref] = true
		}
	}
	for _, name := range l.names {
		if drawn != nil && !segments[name] {
			l.report(Finding{findingUnused, name, "", true})
		}
	}
	// One value of a field, or one tag of "city:Bursa" and its like, is as good as all.
	for tag, i := range l.v.ord {
		if field := fieldOf(tag); field != "" && !tags[field] {
			l.report(Finding{findingUnusedTag, "", field + ":…", true})
		} else if field == "" && !tags[tag] && len(l.v.polarity[i]) == 0 {
			l.report(Finding{findingUnusedTag, "", tag, true})
		}
	}
	for leaf := range l.v.leaves {
		if field := fieldOf(leaf); field != "" && !leaves[field] {
			l.report(Finding{findingUnusedLeaf, "", field + ":…", true})
		} else if field == "" && !leaves[leaf] {
			l.report(Finding{findingUnusedLeaf, "", leaf, true})
		}
	}
	return nil
}
