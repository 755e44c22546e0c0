package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

func TestChain(t *testing.T) {
	text := `
chain: true
rules:
  - {name: a-last, when: '"c" in Tags and "b" not in Tags', then: [{tag: d}]}
  - {name: b-second, when: '"a" in Tags', salience: 9, then: [{untag: b}, {tag: c}]}
  - {name: c-first, when: Flag and "a" not in Tags, then: [{tag: a}]}
  - {name: d-later, when: Flag, then: [{tag: z, after: 1d}]}
  - {name: e-never, when: '"z" in Tags', then: [{tag: y}]}
`
	set, err := compileYAML(t, text)
	require.NoError(t, err)
	v := set.Schema().Tags()
	f := &facts{Flag: true, Tags: v.Set("b")}
	got, err := set.Chain(nil, f, evening, nil)
	require.Equal(t, []string{"c-first", "b-second", "a-last", "d-later"}, fired(t, got, err))
	require.Equal(t, []string{"b"}, v.Names(f.Tags), "the facts are only read")
	got, err = set.Evening(nil, f, evening)
	require.Equal(t, []string{"c-first", "d-later"}, fired(t, got, err), "without chaining tags are of yesterday")
	got, err = set.Chain(nil, f, evening, func(g rules.Firing) bool { return g.Rule.Name != "c-first" })
	require.Equal(t, []string{"c-first", "d-later"}, fired(t, got, err), "what is no news sets no tag")

	plain, err := compileYAML(t, "rules: [{name: a, when: Flag, then: [{tag: x}]}]")
	require.NoError(t, err)
	_, err = plain.Chain(nil, f, evening, nil)
	require.ErrorContains(t, err, "chain: true")

	_, err = compileYAML(t, `
chain: true
rules:
  - {name: a, when: '"c" not in Tags', then: [{tag: x}]}
  - {name: b, when: '"x" in Tags', then: [{tag: y}]}
  - {name: c, when: '"y" not in Tags', then: [{untag: c}]}
  - {name: d, when: '"q" in Tags', then: [{tag: c, after: 1d}]}
`)
	require.Equal(t, []string{`r.yaml:4:22: a: when: rules feed one another in a circle: a sets x -> b sets y -> c clears c -> a`}, faultLines(err))
}

func TestLintAcrossRules(t *testing.T) {
	for _, c := range []struct {
		rules string
		want  []string
	}{
		{`
  - {name: a, when: N > 5 and Flag, then: [{tag: x}]}
  - {name: b, when: N > 3, then: [{tag: x}]}`, []string{"a subsumed"}},
		{`
  - {name: a, when: 'S == "x" and F > 2.5', then: [{tag: x}]}
  - {name: b, when: 'S in ["x", "y"] and F >= 2.5 and S != "z"', then: [{tag: x}]}`, []string{"a subsumed"}},
		{`
  - {name: a, when: 'any(Orders, .Gift and .Amount > 9)', then: [{tag: x}]}
  - {name: b, when: 'any(Orders, .Amount > 5) or Flag', then: [{tag: x}]}`, []string{"a subsumed"}},
		{`
  - {name: a, when: 'count(Orders, .Gift and .Amount > 9) >= 3', then: [{tag: x}]}
  - {name: b, when: 'count(Orders, .Amount > 5) >= 2', then: [{tag: x}]}`, []string{"a subsumed"}},
		{`
  - {name: a, when: N > 5, then: [{tag: x}]}
  - {name: b, when: N > 3, then: [{tag: y}]}
  - {name: c, when: N > 3, each: Orders, then: [{tag: x}]}
  - {name: d, when: N > 3, from: 2025-05-01, then: [{tag: x}]}`, nil},
		{`
  - {name: a, when: F > 5 and F < 3, then: [{tag: x}]}
  - {name: b, when: 'S != "a" and S == "a"', then: [{tag: x}]}
  - {name: c, when: 'S == "a" and "x" in Tags and not ("x" in Tags or N > 3)', then: [{tag: y}]}`, []string{"a always false", "b always false", "c always false"}},
		{`
  - {name: a, when: N > 3, then: [{tag: x}]}
  - {name: b, when: N > 5, then: [{untag: x}]}`, []string{"b contradictory"}},
		{`
  - {name: a, when: N > 3, guard: N < 2, then: [{tag: x}]}
  - {name: b, when: N > 5, cancel_on: [N > 4], then: [{tag: y}]}`, []string{"a cancels itself", "b cancels itself"}},
		{`
  - {name: a, when: '"x" in Tags', then: [{tag: y, after: 1d}]}
  - {name: b, when: '"y" in Tags', then: [{untag: z}]}
  - {name: c, when: '"z" not in Tags', then: [{tag: x}]}
  - {name: d, when: '"d" not in Tags', then: [{tag: d}]}`, []string{"a tag cycle"}},
		{`
  - {name: a, on: {tag_added: x}, when: Flag, then: [{tag: y}]}
  - {name: b, on: {tag_added: y}, when: Flag, then: [{tag: x}]}`, []string{"a tag cycle"}},
		{`
  - {name: a, group: g, salience: 2, when: N > 3, then: [{tag: x}]}
  - {name: b, group: g, when: N > 4, then: [{tag: y}]}
  - {name: c, group: g, when: N > 2, then: [{tag: z}]}`, []string{"b dead"}},
		{`
  - {name: a, when: N > 3 and N < 9 and Flag, then: [{tag: x}]}
  - {name: b, when: N > 4 and N < 12, then: [{tag: x}]}
  - {name: c, when: Ratio != 1.0, then: [{tag: x}]}
  - {name: d, when: not (Ratio == 1.0), then: [{tag: x}]}`, nil},
	} {
		set, err := compileYAML(t, "groups: {g: first}\nrules:"+c.rules)
		require.NoError(t, err, c.rules)
		got := findings(set)
		require.Equal(t, c.want, got, c.rules)
	}
	set, err := compileYAML(t, `
rules:
  - {name: a, when: '"x" in Tags', then: [{tag: y, after: 1d}]}
  - {name: b, when: '"y" in Tags', then: [{untag: z}]}
  - {name: c, when: '"z" not in Tags', then: [{tag: x}]}`)
	require.NoError(t, err)
	require.Equal(t, "r.yaml:3:5: a: tag cycle: a sets y -> b clears z -> c sets x -> a", set.Lint(nil)[0].String())
}

func TestBreaker(t *testing.T) {
	var b rules.Breaker
	past := rules.Populations{}
	for i := range 5 {
		tonight := map[string]int{"daily": 40 + i, "monthly": 0, "small": 1}
		if i == 2 {
			tonight["monthly"] = 3000
		}
		require.Empty(t, b.Check(past, tonight))
		past = b.Learn(past, tonight, nil)
	}
	tonight := map[string]int{"daily": 221, "monthly": 14_000, "small": 100, "new": 1_000_000}
	trips := b.Check(past, tonight)
	require.Equal(t, []rules.Trip{{Rule: "daily", Matched: 221, Usual: 44, Limit: 220}}, trips)
	next := b.Learn(past, tonight, trips)
	require.Equal(t, past["daily"], next["daily"], "what trips is not learnt")
	require.Equal(t, []int{1_000_000}, next["new"])
	require.Len(t, past["small"], 5, "the past is not changed")
	require.Empty(t, b.Check(b.Learn(past, tonight, nil), tonight), "what is accepted does not trip again")
	b.First = 500
	require.Len(t, b.Check(past, tonight), 2)
	b = rules.Breaker{Window: 3, Factor: 2, Least: 1, Warmup: 1}
	past = rules.Populations{"r": {9, 1, 1, 1}}
	past = b.Learn(past, map[string]int{"r": 2}, nil)
	require.Equal(t, []int{1, 1, 2}, past["r"])
	require.Empty(t, b.Check(past, map[string]int{"r": 4}))
	require.Len(t, b.Check(past, map[string]int{"r": 5}), 1)
}

func TestDiff(t *testing.T) {
	base := `
parameters: {p: 3}
conditions: {c: N > p}
rules:
  - {name: a, when: c and Flag, then: [{tag: x}]}
  - {name: b, when: N > 3 and N < 9, then: [{tag: x}]}
  - {name: c1, when: Flag, guard: c, then: [{tag: y}]}
  - {name: gone, when: Flag, then: [{tag: z}]}
  - {name: once, when: Flag and N == 1, then: [{message: m}]}
`
	before, err := compileYAML(t, base)
	require.NoError(t, err)
	require.Empty(t, rules.Diff(before, before))
	after, err := compileYAML(t, `
parameters: {p: 4}
conditions: {c: N > p}
rules:
  - {name: a, when: c and Flag, then: [{tag: x}]}
  - {name: b, when: 9 > N and 4 <= N, doc: the same, then: [{tag: x}]}
  - {name: c1, when: Flag, guard: c, then: [{tag: y}]}
  - {name: new, when: Flag, then: [{tag: z}]}
  - {name: once, when: Flag and N == 1, once: year, then: [{message: m}]}
`)
	require.NoError(t, err)
	var got []string
	for _, c := range rules.Diff(before, after) {
		got = append(got, c.String())
	}
	require.Equal(t, []string{
		"changed a\n  meaning: N > 3 && Flag -> N > 4 && Flag",
		"changed b (matches as before)\n  doc: none -> \"the same\"\n  when: \"N > 3 and N < 9\" -> \"9 > N and 4 <= N\"",
		"changed c1 (matches as before)\n  guards: N > 3 -> N > 4",
		"removed gone",
		"added new",
		"changed once (matches as before) (who had it may get it again)\n  once: \"customer\" -> \"year\"",
	}, got)
}

func TestSwapGoesBack(t *testing.T) {
	e := rules.NewEngine(factsSchema(t))
	load := func(when string) *rules.Set[facts] {
		require.NoError(t, e.Load(&rules.Book{Rules: []rules.Rule{{Name: "a", When: when, Then: tagX}}}))
		return e.Active()
	}
	first, second := load("N > 1"), load("N > 2")
	require.Equal(t, second, e.Swap(first))
	require.Equal(t, "N > 1", e.Active().Rule("a").When)
	require.Equal(t, first, e.Swap(nil))
	require.Equal(t, first, e.Active())
}
