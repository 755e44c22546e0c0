package segment_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/segment"
)

func TestLint(t *testing.T) {
	idx := shop(t)
	_, err := idx.SetField(day0, "city", func(yield func(string, string) bool) {
		_ = yield("ayşe", "Bursa") && yield("burak", "İzmir")
	})
	require.NoError(t, err)
	_, err = idx.SetLeaf(day0, "lonely", segment.SetOf(1))
	require.NoError(t, err)
	_, err = idx.SetField(day0, "tier", func(yield func(string, string) bool) { yield("ayşe", "gold") })
	require.NoError(t, err)
	require.NoError(t, idx.Declare("dusty"))
	define(t, idx, `
		segment none      = vip and not vip
		segment nil-now   = staff and service-only
		segment all-of-us = vip or not vip
		segment mail-2    = not (staff or not newsletter)
		segment few       = newsletter and service-only
		segment idle      = vip and (newsletter or vip) except staff except (staff and newsletter) ignoring red vip
		segment lost      = leaf("city:Bursa") or ghost
		segment everyone-at-all = everyone`)
	got, err := idx.View().Lint(context.Background(), day0, segment.LintOptions{Drawn: []string{"both", "idle", "few"}})
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
	var unknown *segment.UnknownError
	_, err = idx.View().Lint(context.Background(), day0, segment.LintOptions{Drawn: []string{"nope"}})
	require.ErrorAs(t, err, &unknown)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = idx.View().Lint(gone, day0, segment.LintOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

// In a population that has one customer for every combination of tags, what
// holds for the members holds by definition, and the other way round.
func TestLintProvesAllThatIsTrue(t *testing.T) {
	tags := []string{"a", "b", "c", "d", "and", "two words", "ışık"}
	rapid.Check(t, func(t *rapid.T) {
		idx := segment.NewIndex(segment.Options{})
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
			_, err := idx.Define(day0, segment.Definition{Name: fmt.Sprint("s", i), Expr: e})
			require.NoError(t, err)
			names = append(names, fmt.Sprint("s", i))
		}
		v := idx.View()
		got, err := v.Lint(context.Background(), day0, segment.LintOptions{})
		require.NoError(t, err)
		require.Empty(t, got.Unproven)
		size := map[string]int{}
		for _, name := range names {
			n, err := v.Count(name, day0)
			require.NoError(t, err)
			size[name] = n
			require.Equal(t, n == 0, slices.Contains(got.Findings, segment.Finding{Kind: segment.FindingEmpty, Segment: name, Proven: true}))
			def, _, err := v.Definition(name)
			require.NoError(t, err)
			require.Equal(t, n == 1<<len(tags) && !def.Expr.Equal(segment.Everyone()),
				slices.Contains(got.Findings, segment.Finding{Kind: segment.FindingUniversal, Segment: name, Proven: true}))
		}
		for _, f := range got.Findings {
			if f.Kind <= segment.FindingRedundant {
				require.True(t, f.Proven, "%v", f)
			}
			if f.Kind == segment.FindingEqual || f.Kind == segment.FindingSubset {
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
				found := slices.ContainsFunc(got.Findings, func(f segment.Finding) bool {
					return f.Kind == segment.FindingEqual && f.Segment == a
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
	got, err := idx.View().Lint(context.Background(), day0, segment.LintOptions{})
	require.NoError(t, err)
	for _, want := range []segment.Finding{
		{Kind: segment.FindingEqual, Segment: "b", Other: "a"},
		{Kind: segment.FindingEqual, Segment: "c", Other: "b", Proven: true},
		{Kind: segment.FindingSubset, Segment: "a", Other: "d", Proven: true},
		{Kind: segment.FindingSubset, Segment: "d", Other: "e"}, // who ignores more may be in
	} {
		require.Contains(t, got.Findings, want)
	}
	for _, f := range got.Findings {
		require.False(t, f.Proven && f.Kind == segment.FindingEqual && f.Other != "b", "%v", f)
	}
}

// withoutLeaves makes tags of leaves, whose members the test does not choose.
func withoutLeaves(e segment.Expr) segment.Expr {
	if e.Op == segment.OpLeaf {
		return segment.Tag("a")
	}
	e.Args = slices.Clone(e.Args)
	for i := range e.Args {
		e.Args[i] = withoutLeaves(e.Args[i])
	}
	return e
}

// intricate has pairs far apart in the order of variables: 2^20 cases.
func intricate() segment.Expr {
	var left, pairs []segment.Expr
	for i := range 20 {
		left = append(left, segment.Tag(fmt.Sprint("l", i)))
	}
	for i := range 20 {
		pairs = append(pairs, segment.Odd(left[i], segment.Tag(fmt.Sprint("r", i))))
	}
	return segment.All(segment.Any(left...), segment.All(pairs...))
}

// A definition whose diagram explodes is said to be unproven; those after it are not.
func TestLintGivesUp(t *testing.T) {
	idx := segment.NewIndex(segment.Options{})
	_, err := idx.Join(day0, "x")
	require.NoError(t, err)
	_, err = idx.Define(day0,
		segment.Definition{Name: "bad", Expr: intricate()},
		segment.Definition{Name: "good", Expr: segment.Not(segment.Any(segment.Tag("a"), segment.Not(segment.Tag("a"))))})
	require.NoError(t, err)
	got, err := idx.View().Lint(context.Background(), day0, segment.LintOptions{Cases: 10_000})
	require.NoError(t, err)
	require.Equal(t, []string{"bad"}, got.Unproven)
	require.Contains(t, got.Findings, segment.Finding{Kind: segment.FindingEmpty, Segment: "good", Proven: true})
	require.Contains(t, got.String(), "too intricate")
}

// Long lists are no trouble: their diagrams are as long as they are.
func TestLintOfLongLists(t *testing.T) {
	var tags []segment.Expr
	for i := range 3000 {
		tags = append(tags, segment.Tag(fmt.Sprint("t", i)))
	}
	idx := segment.NewIndex(segment.Options{})
	_, err := idx.Join(day0, "x")
	require.NoError(t, err)
	_, err = idx.Define(day0,
		segment.Definition{Name: "any", Expr: segment.Any(tags...)},
		segment.Definition{Name: "few", Expr: segment.AtLeast(3, tags...)},
		segment.Definition{Name: "none", Expr: segment.Without(segment.All(tags...), tags[2999])},
		segment.Definition{Name: "twice", Expr: segment.Any(append(tags[:2999:2999], tags[7])...)})
	require.NoError(t, err)
	got, err := idx.View().Lint(context.Background(), day0, segment.LintOptions{})
	require.NoError(t, err)
	require.Empty(t, got.Unproven)
	require.Contains(t, got.Findings, segment.Finding{Kind: segment.FindingEmpty, Segment: "none", Proven: true})
	require.Contains(t, got.Findings, segment.Finding{Kind: segment.FindingRedundant, Segment: "twice", Other: "t7", Proven: true})
}

func FuzzLint(f *testing.F) {
	f.Add("segment a = x and not x segment b = segment(a) or y except y ignoring red y")
	f.Add("segment a = at least 2 of (x, y, x xor y) segment b = not segment(a)")
	f.Fuzz(func(t *testing.T, text string) {
		defs, err := segment.ParseDefinitions(text, segment.Limits{Nodes: 200, Depth: 20})
		if err != nil {
			return
		}
		idx := segment.NewIndex(segment.Options{})
		if _, err := idx.Load(day0, func(yield func(string, []string) bool) {
			_ = yield("1", []string{"x"}) && yield("2", []string{"y"}) && yield("3", nil)
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := idx.Define(day0, defs...); err != nil {
			return
		}
		if _, err := idx.View().Lint(context.Background(), day0, segment.LintOptions{Cases: 1000}); err != nil {
			t.Fatal(err)
		}
	})
}
