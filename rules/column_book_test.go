package rules_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

// TestBooksInColumns holds tables, parameters, dates and groups in the columnar
// back end against rules one by one.
func TestBooksInColumns(t *testing.T) {
	schema := factsSchema(t)
	book, err := rules.ReadYAML("t.yaml", []byte(tableYAML+`
groups: {g: first}
rules:
  - {name: birthday, on: {date: Born, yearly: true, before: 7d}, when: Flag, then: [{message: m}]}
  - {name: since, each: Orders, on: {date: row.At, after: 3d}, then: [{message: m}]}
  - {name: g1, group: g, salience: 2, when: N >= many, then: [{tag: a}]}
  - {name: g2, group: g, when: N >= few, then: [{tag: b}]}
`))
	require.NoError(t, err)
	set, err := schema.Compile(book)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(3, 4))
	people := make([]*facts, 3000)
	for i := range people {
		f := &facts{N: r.IntN(10), Flag: r.IntN(2) == 0, City: word([]string{"İstanbul", "Ankara", "Bolu"}[r.IntN(3)]),
			Born: time.Date(1980+r.IntN(20), 3, 1+r.IntN(20), 0, 0, 0, 0, time.UTC)}
		if r.IntN(2) == 0 {
			f.Score = ptr(r.IntN(5))
		}
		if r.IntN(3) == 0 {
			f.Tags = schema.Tags().Set([]string{"gold", "red"}[r.IntN(2)])
		}
		for range r.IntN(3) {
			f.Orders = append(f.Orders, order{At: evening.Now().AddDate(0, 0, -r.IntN(6))})
		}
		people[i] = f
	}
	want := map[string]int{}
	for _, f := range people {
		got, err := set.Evening(nil, f, evening)
		require.NoError(t, err)
		seen := map[string]bool{}
		for _, g := range got {
			if !seen[g.Rule.Name] {
				seen[g.Rule.Name] = true
				want[g.Rule.Name]++
			}
		}
	}
	require.Len(t, want, 8, "%v", want)
	pop, err := population.New(schema, evening, slices.Values(people))
	require.NoError(t, err)
	none, err := schema.Compile(&rules.Book{})
	require.NoError(t, err)
	changes, err := pop.Compare(t.Context(), none, set, evening, 0)
	require.NoError(t, err)
	got := map[string]int{}
	for _, c := range changes {
		if c.Gain > 0 {
			got[c.Rule] = c.Gain
		}
	}
	require.Equal(t, want, got)
	p, err := pop.Preview(t.Context(), set, rules.Rule{Name: "new", When: "N >= many", Then: tagX}, evening, 3)
	require.NoError(t, err)
	require.Equal(t, want["g1"], p.Subjects)
}
