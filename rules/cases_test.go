package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

type caseFacts struct {
	N    int
	F    float64
	City string
}

func compileCase(t *testing.T, limits rules.Limits, when string) (*rules.Set[caseFacts], error) {
	t.Helper()
	schema, err := rules.NewSchema[caseFacts](rules.Options{Limits: limits})
	require.NoError(t, err)
	return schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: when, Then: []rules.Action{{Kind: "tag", Name: "t"}}}}})
}

// TestFlipsOfNegativeNumbers names values, not comparisons. Case D3.
func TestFlipsOfNegativeNumbers(t *testing.T) {
	for when, want := range map[string][]string{
		"N >= 0 or N == -1": {"N were -1 instead of -5", "N were 0 instead of -5"},
		"F == -1.5":         {"F were -1.5 instead of -5"},
		"N in [-7, -3]":     {"N were -3 instead of -5", "N were -7 instead of -5"},
	} {
		set, err := compileCase(t, rules.Limits{}, when)
		require.NoError(t, err)
		x, err := set.Explain("r", &caseFacts{N: -5, F: -5}, rules.NewMoment(time.Unix(0, 0), time.UTC))
		require.NoError(t, err)
		text := x.FlipText("en")
		require.NotContains(t, text, "true instead of false", when)
		found := false
		for _, w := range want {
			found = found || strings.Contains(text, w)
		}
		require.True(t, found, "%s: %s", when, text)
	}
}

// TestFoldLeavesNothing refuses a constant that every text would contain. Case D6.
func TestFoldLeavesNothing(t *testing.T) {
	for _, when := range []string{`fold(City) contains "-"`, `fold(City) == "´"`, `fold(City) in ["x", "-"]`, `"." != fold(City)`, `fold(City) startsWith " "`} {
		_, err := compileCase(t, rules.Limits{}, when)
		require.ErrorContains(t, err, "fold leaves nothing of", when)
	}
	for _, when := range []string{`City contains "-"`, `fold(City) contains "x-"`, `fold(City) == ""`} {
		_, err := compileCase(t, rules.Limits{}, when)
		require.NoError(t, err, when)
	}
}

// TestLongChainsCompile: a chain of 30,000 alternatives is compiled in less than the
// time that a quadratic simplifier takes for a tenth of it. Case D10.
func TestLongChainsCompile(t *testing.T) {
	const n = 30_000
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(" or ")
		}
		fmt.Fprintf(&b, "N == %d", 2*i)
	}
	start := time.Now()
	set, err := compileCase(t, rules.Limits{Source: 1 << 20, Nodes: 1 << 20, Cost: 1 << 40}, b.String())
	require.NoError(t, err)
	require.Less(t, time.Since(start), 20*time.Second)
	for _, c := range []struct {
		n    int
		want bool
	}{{0, true}, {1, false}, {2 * (n - 1), true}, {2 * n, false}} {
		fired, err := set.Evening(nil, &caseFacts{N: c.n}, rules.NewMoment(time.Unix(0, 0), time.UTC))
		require.NoError(t, err)
		require.Equal(t, c.want, len(fired) == 1, c.n)
	}
}

// TestTagsInOneForm names a tag whose accent is typed in two ways at every place of a
// rule that has one. Case D11.
func TestTagsInOneForm(t *testing.T) {
	const one, two = "caf\u00e9", "cafe\u0301"
	type f struct {
		Tags rules.TagSet
		List []string
	}
	schema, err := rules.NewSchema[f](rules.Options{})
	require.NoError(t, err)
	b, err := rules.ReadYAML("r.yaml", []byte(strings.ReplaceAll(`
rules:
  - {name: set, tags: ["TWO"], when: '"TWO" in Tags', then: [{tag: "TWO"}]}
  - {name: list, when: '"TWO" in List', then: [{untag: "ONE"}]}
  - {name: prefix, when: 'any(Tags, # startsWith "TWO")', then: [{tag: x}]}
  - {name: added, on: {tag_added: "TWO"}, when: "true", then: [{tag: y}]}
  - {name: entered, on: {segment_entered: "TWO"}, when: "true", then: [{tag: z}]}
tables:
  - {name: t, inputs: [Tags], outputs: [n], rows: [["TWO", 1], ["ONE", 2]]}
`, "TWO", two)))
	require.NoError(t, err)
	for i := range b.Rules {
		if b.Rules[i].Name == "list" {
			b.Rules[i].Then[0].Name = one
		}
	}
	b.Tables[0].Rows[1].When[0] = one
	_, err = schema.Compile(b)
	require.ErrorContains(t, err, "rows row1 and row2 match together")
	b.Tables[0].Hit = rules.HitFirst
	set, err := schema.Compile(b)
	require.NoError(t, err)
	facts := f{Tags: schema.Tags().Set(one), List: []string{one}}
	other := f{Tags: schema.Tags().Set(two)}
	require.Equal(t, facts.Tags, other.Tags)
	fired, err := set.Evening(nil, &facts, evening)
	require.NoError(t, err)
	require.Equal(t, []string{"list/-1", "prefix/-1", "set/-1"}, names(fired))
	for _, name := range []string{one, two} {
		got, err := set.On(nil, rules.Trigger{Kind: rules.OnTagAdded, Tag: name}, &facts, evening, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"added/-1"}, names(got))
		got, err = set.On(nil, rules.Trigger{Kind: rules.OnSegmentEntered, Segment: name}, &facts, evening, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"entered/-1"}, names(got))
	}
	require.Equal(t, []string{one}, set.Rule("set").Tags)
	require.Equal(t, one, set.Rule("set").Then[0].Name)
	for _, x := range set.Lint([]string{two, "x", "y", "z"}) {
		require.NotEqual(t, "unknown tag", x.Kind, x)
	}
}
