package segment

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment/bitset"
)

// linted is what Lint returns.
type linted struct {
	Findings []Finding
	Unproven []string
}

func lint(v *View, ctx context.Context, at time.Time, opt LintOptions) (got linted, err error) {
	got.Findings, got.Unproven, err = v.Lint(ctx, at, opt)
	return got, err
}

func (l linted) String() string {
	var b strings.Builder
	for _, f := range l.Findings {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

func TestLint(t *testing.T) {
	idx := shop(t)
	_, err := idx.SetField(day0, "city", func(yield func(string, string) bool) {
		_ = yield("ayşe", "Bursa") && yield("burak", "İzmir")
	})
	require.NoError(t, err)
	_, err = idx.SetLeaf(day0, "lonely", bitset.Of(1))
	require.NoError(t, err)
	_, err = idx.SetField(day0, "tier", func(yield func(string, string) bool) { yield("ayşe", "gold") })
	require.NoError(t, err)
	_, err = idx.SetTag(day0, "dusty", bitset.Of())
	require.NoError(t, err)
	define(t, idx, `
		segment none      = vip and not vip
		segment nil-now   = staff and service-only
		segment all-of-us = vip or not vip
		segment mail-2    = not (staff or not newsletter)
		segment few       = newsletter and service-only
		segment idle      = vip and (newsletter or vip) except staff except (staff and newsletter) ignoring red vip
		segment lost      = leaf("city:Bursa") or ghost
		segment everyone-at-all = everyone`)
	got, err := lint(idx.View(), context.Background(), day0, LintOptions{Drawn: []string{"both", "idle", "few"}})
	require.NoError(t, err)
	require.Equal(t, strings.TrimLeft(`
segment nil-now: at present, nobody is in it
segment none: by definition, nobody is in it
segment all-of-us: by definition, everybody is in it
segment lost: at present, it is equal to segment both
segment mail-2: by definition, it is equal to segment mail
segment both: by definition, all of it is in segment idle
segment few: at present, all of it is in segment mail
segment few: by definition, all of it is in segment service
segment idle: leaving out "except staff and newsletter" changes nothing
segment idle: leaving out "newsletter or vip" changes nothing
segment lost: nobody carries tag ghost
segment idle: ignores the red of tag vip, which was never red
segment service: ignores the red of tag service-only, which was never red
segment all-of-us: nothing draws or mentions it
segment everyone-at-all: nothing draws or mentions it
segment lost: nothing draws or mentions it
segment mail-2: nothing draws or mentions it
segment nil-now: nothing draws or mentions it
segment none: nothing draws or mentions it
segment service: nothing draws or mentions it
tag dusty: no segment mentions it
leaf lonely: no segment mentions it
leaf tier:…: no segment mentions it
`, "\n"), got.String())
	var unknown *UnknownError
	_, err = lint(idx.View(), context.Background(), day0, LintOptions{Drawn: []string{"nope"}})
	require.ErrorAs(t, err, &unknown)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = lint(idx.View(), gone, day0, LintOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

// In a population that has one customer for every combination of tags, what
// holds for the members holds by definition, and the other way round.
func TestLintProvesAllThatIsTrue(t *testing.T) {
	tags := []string{"a", "b", "c", "d", "and", "two words", "ışık"}
	rapid.Check(t, func(t *rapid.T) {
		idx := NewIndex(Options{})
		_, err := idx.Load(day0, func(yield func(string, []string) bool) {
			for mask := range 1 << len(tags) {
				var carried []string
				for i, tag := range tags {
					if mask>>i&1 != 0 {
						carried = append(carried, tag)
					}
				}
				if !yield(fmt.Sprint("c", mask), carried) {
					return
				}
			}
		})
		require.NoError(t, err)
		var names []string
		for i := range 4 {
			e := withoutLeaves(genExpr(3, names).Draw(t, "expr"))
			_, err := idx.Define(day0, Definition{Name: fmt.Sprint("s", i), Expr: e})
			require.NoError(t, err)
			names = append(names, fmt.Sprint("s", i))
		}
		v := idx.View()
		got, err := lint(v, context.Background(), day0, LintOptions{})
		require.NoError(t, err)
		require.Empty(t, got.Unproven)
		size := map[string]int{}
		for _, name := range names {
			n, err := v.count(name, day0)
			require.NoError(t, err)
			size[name] = n
			require.Equal(t, n == 0, slices.Contains(got.Findings, Finding{Kind: findingEmpty, Segment: name, Proven: true}))
			def, _, err := v.Definition(name)
			require.NoError(t, err)
			require.Equal(t, n == 1<<len(tags) && !def.Expr.equal(All()),
				slices.Contains(got.Findings, Finding{Kind: findingUniversal, Segment: name, Proven: true}))
		}
		for _, f := range got.Findings {
			if f.Kind <= findingRedundant {
				require.True(t, f.Proven, "%v", f)
			}
			if f.Kind == findingEqual || f.Kind == findingSubset {
				both, err := v.Compare(day0, f.Segment, f.Other)
				require.NoError(t, err)
				require.Equal(t, size[f.Segment], both.Common[0][1], "%v", f)
			}
		}
		for i, a := range names {
			for _, b := range names[:i] {
				same, err := v.Compare(day0, a, b)
				require.NoError(t, err)
				equal := same.Common[0][1] == size[a] && size[a] == size[b] && size[a] > 0 && size[a] < 1<<len(tags)
				found := slices.ContainsFunc(got.Findings, func(f Finding) bool {
					return f.Kind == findingEqual && f.Segment == a
				})
				require.True(t, !equal || found, "%s equals %s", a, b)
			}
		}
	})
}

// Segments that treat red tags differently are not the same by definition, even
// while nothing is red.
func TestLintMindsRed(t *testing.T) {
	idx := shop(t)
	define(t, idx, `
		segment a = newsletter and vip
		segment b = vip and newsletter ignoring red staff
		segment c = vip and newsletter ignoring red staff
		segment d = vip ignoring red staff, x
		segment e = vip or staff`)
	got, err := lint(idx.View(), context.Background(), day0, LintOptions{})
	require.NoError(t, err)
	for _, want := range []Finding{
		{Kind: findingEqual, Segment: "b", Other: "a"},
		{Kind: findingEqual, Segment: "c", Other: "b", Proven: true},
		{Kind: findingSubset, Segment: "a", Other: "d", Proven: true},
		{Kind: findingSubset, Segment: "d", Other: "e"}, // who ignores more may be in
	} {
		require.Contains(t, got.Findings, want)
	}
	for _, f := range got.Findings {
		require.False(t, f.Proven && f.Kind == findingEqual && f.Other != "b", "%v", f)
	}
}

// withoutLeaves makes tags of leaves, whose members the test does not choose.
func withoutLeaves(e Expr) Expr {
	if e.op == isLeaf {
		return Tag("a")
	}
	e.args = slices.Clone(e.args)
	for i := range e.args {
		e.args[i] = withoutLeaves(e.args[i])
	}
	return e
}

// intricate has pairs far apart in the order of variables: 2^20 cases.
func intricate() Expr {
	var left, pairs []Expr
	for i := range 20 {
		left = append(left, Tag(fmt.Sprint("l", i)))
	}
	for i := range 20 {
		pairs = append(pairs, Odd(left[i], Tag(fmt.Sprint("r", i))))
	}
	return All(Any(left...), All(pairs...))
}

// A definition whose diagram explodes is said to be unproven; those after it are not.
func TestLintGivesUp(t *testing.T) {
	idx := NewIndex(Options{})
	_, err := idx.Join(day0, "x")
	require.NoError(t, err)
	_, err = idx.Define(day0,
		Definition{Name: "bad", Expr: intricate()},
		Definition{Name: "good", Expr: Not(Any(Tag("a"), Not(Tag("a"))))})
	require.NoError(t, err)
	got, err := lint(idx.View(), context.Background(), day0, LintOptions{Cases: 10_000})
	require.NoError(t, err)
	require.Equal(t, []string{"bad"}, got.Unproven)
	require.Contains(t, got.Findings, Finding{Kind: findingEmpty, Segment: "good", Proven: true})
}

// Long lists are no trouble: their diagrams are as long as they are.
func TestLintOfLongLists(t *testing.T) {
	var tags []Expr
	for i := range 3000 {
		tags = append(tags, Tag(fmt.Sprint("t", i)))
	}
	idx := NewIndex(Options{})
	_, err := idx.Join(day0, "x")
	require.NoError(t, err)
	_, err = idx.Define(day0,
		Definition{Name: "any", Expr: Any(tags...)},
		Definition{Name: "few", Expr: AtLeast(3, tags...)},
		Definition{Name: "none", Expr: Without(All(tags...), tags[2999])},
		Definition{Name: "twice", Expr: Any(append(tags[:2999:2999], tags[7])...)})
	require.NoError(t, err)
	got, err := lint(idx.View(), context.Background(), day0, LintOptions{})
	require.NoError(t, err)
	require.Empty(t, got.Unproven)
	require.Contains(t, got.Findings, Finding{Kind: findingEmpty, Segment: "none", Proven: true})
	require.Contains(t, got.Findings, Finding{Kind: findingRedundant, Segment: "twice", Other: "t7", Proven: true})
}

func FuzzLint(f *testing.F) {
	f.Add("segment a = x and not x segment b = segment(a) or y except y ignoring red y")
	f.Add("segment a = at least 2 of (x, y, x xor y) segment b = not segment(a)")
	f.Fuzz(func(t *testing.T, text string) {
		defs, err := ParseDefinitions(text, Limits{Nodes: 200, Depth: 20})
		if err != nil {
			return
		}
		idx := NewIndex(Options{})
		if _, err := idx.Load(day0, func(yield func(string, []string) bool) {
			_ = yield("1", []string{"x"}) && yield("2", []string{"y"}) && yield("3", nil)
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := idx.Define(day0, defs...); err != nil {
			return
		}
		if _, err := lint(idx.View(), context.Background(), day0, LintOptions{Cases: 1000}); err != nil {
			t.Fatal(err)
		}
	})
}
