package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

func TestPreview(t *testing.T) {
	people := drawn(40_000)
	schema, err := rules.NewSchema[customer](rules.Options{})
	require.NoError(t, err)
	set, err := schema.Compile(&rules.Book{
		Conditions: []rules.Condition{{Name: "reachable", Expr: "SMSConsent || EmailConsent"}},
		Groups:     []rules.Group{{Name: "g", Mode: rules.First}},
		Rules:      []rules.Rule{{Name: "all", When: "reachable", Then: tagX}},
	})
	require.NoError(t, err)
	pop := load(t, set, people)
	edited := rules.Rule{Name: "all", When: `reachable && City == "Izmir"`, Then: tagX, Group: "g", Disabled: true, From: "2090-01-01"}
	p, err := pop.Preview(t.Context(), set, edited, evening, 10)
	require.NoError(t, err)
	want := 0
	holds := func(c *customer) bool { return (c.SMSConsent || c.EmailConsent) && c.City == "Izmir" }
	for i := range people {
		if holds(&people[i]) {
			want++
		}
	}
	require.Equal(t, want, p.Subjects)
	require.Equal(t, want, p.Firings)
	require.Equal(t, len(people), p.Population)
	require.Len(t, p.Sample, 10)
	last := -1
	for _, i := range p.Sample {
		require.True(t, holds(&people[i]))
		require.Greater(t, i, last)
		last = i
	}
	require.Greater(t, last, 30_000)
	require.Positive(t, p.Cost)

	p, err = pop.Preview(t.Context(), set, rules.Rule{Name: "e", Each: "Purchases", When: "row.Amount > 5000", Then: tagX}, evening, 0)
	require.NoError(t, err)
	require.Greater(t, p.Firings, p.Subjects)
	require.Empty(t, p.Sample)

	_, err = pop.Preview(t.Context(), set, rules.Rule{Name: "e", When: "reachible", Then: tagX}, evening, 0)
	require.ErrorContains(t, err, "unknown name reachible (did you mean reachable?)")
	require.Equal(t, "reachable", set.Rule("all").When)
}

func TestCompare(t *testing.T) {
	people := drawn(40_000)
	schema, err := rules.NewSchema[customer](rules.Options{})
	require.NoError(t, err)
	compile := func(list ...rules.Rule) *rules.Set[customer] {
		for i := range list {
			list[i].Then = tagX
		}
		set, err := schema.Compile(&rules.Book{Rules: list, Groups: []rules.Group{{Name: "g", Mode: rules.First}}})
		require.NoError(t, err)
		return set
	}
	old := compile(
		rules.Rule{Name: "same", When: "Orders > 3"}, rules.Rule{Name: "edited", When: "Orders in 2..5"},
		rules.Rule{Name: "gone", When: "R == 1"}, rules.Rule{Name: "group a", Group: "g", When: "F == 1"}, rules.Rule{Name: "group b", Group: "g", When: "F <= 2"},
		rules.Rule{Name: "event", When: "M == 1", On: rules.Trigger{Event: "x"}}, rules.Rule{Name: "spelled", When: "M == 1"})
	now := compile(
		rules.Rule{Name: "same", When: "Orders > 3"}, rules.Rule{Name: "edited", When: "Orders in 4..8"},
		rules.Rule{Name: "new", When: "R == 2"}, rules.Rule{Name: "group a", Group: "g", When: "F == 3"}, rules.Rule{Name: "group b", Group: "g", When: "F <= 2"},
		rules.Rule{Name: "event", When: "M == 1 and R == 1", On: rules.Trigger{Event: "x"}}, rules.Rule{Name: "spelled", When: "1 == M"})
	pop := load(t, old, people)
	changes, err := pop.Compare(t.Context(), old, now, evening, 5)
	require.NoError(t, err)
	count := func(fn func(c *customer) bool) (n int) {
		for i := range people {
			if fn(&people[i]) {
				n++
			}
		}
		return n
	}
	type row struct {
		name                      string
		before, after, gain, lose int
	}
	var got []row
	for _, c := range changes {
		got = append(got, row{c.Rule, c.Before, c.After, c.Gain, c.Lose})
		require.Len(t, c.Gained, min(c.Gain, 5))
		require.Len(t, c.Lost, min(c.Lose, 5))
		if c.Rule == "edited" {
			for k := range 5 {
				require.True(t, people[c.Gained[k]].Orders > 5)
				require.True(t, people[c.Lost[k]].Orders < 4)
			}
		}
	}
	f1, f2, f3 := count(func(c *customer) bool { return c.F == 1 }), count(func(c *customer) bool { return c.F == 2 }), count(func(c *customer) bool { return c.F == 3 })
	m1 := count(func(c *customer) bool { return c.M == 1 })
	m1r1 := count(func(c *customer) bool { return c.M == 1 && c.R == 1 })
	between := func(lo, hi int) int { return count(func(c *customer) bool { return c.Orders >= lo && c.Orders <= hi }) }
	r := func(n int) int { return count(func(c *customer) bool { return c.R == n }) }
	require.Equal(t, []row{
		{"edited", between(2, 5), between(4, 8), between(6, 8), between(2, 3)},
		{"event", m1, m1r1, 0, m1 - m1r1},
		{"gone", r(1), 0, 0, r(1)},
		{"group a", f1, f3, f3, f1},
		{"group b", f2, f1 + f2, f1, 0},
		{"new", 0, r(2), r(2), 0},
		{"spelled", m1, m1, 0, 0},
	}, got)
	_, err = pop.Compare(t.Context(), nil, now, evening, 5)
	require.Error(t, err)
}
