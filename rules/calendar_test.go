package rules_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
)

// from reads facts from memory.
func from[F any](people []F) func(context.Context, []int, []*F) error {
	return func(_ context.Context, subjects []int, facts []*F) error {
		for k, i := range subjects {
			facts[k] = &people[i]
		}
		return nil
	}
}

// TestCalendarIsAFullPass keeps a calendar over random histories and compares
// it, evening by evening, with asking every rule for everybody.
func TestCalendarIsAFullPass(t *testing.T) {
	schema, err := rules.NewSchema[aged](rules.Options{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		book := rules.Book{Groups: []rules.Group{{Name: "g", Mode: rules.First}}}
		wild := map[string]bool{"any(Visits, .Ago == Since)": true, "Since + 1 == Small": true, "daysSince(At) > Plain": true, "sum(Visits, .Ago) == 5": true}
		for i := range rapid.SampledFrom([]int{2, 5, 30}).Draw(t, "rules") {
			text := rapid.SampledFrom(agedTexts).Draw(t, "text")
			if wild[text] && rapid.IntRange(0, 3).Draw(t, "wild") > 0 { // mostly rules that have flips
				text = "Since <= 3 and Plain > 0"
			}
			r := rules.Rule{Name: string(rune('a' + i)), When: text, Then: tagX}
			r.Group = rapid.SampledFrom([]string{"", "", "g"}).Draw(t, "group")
			r.From = rapid.SampledFrom([]string{"", "", "2025-03-04"}).Draw(t, "from")
			r.To = rapid.SampledFrom([]string{"", "", "2025-03-09"}).Draw(t, "to")
			if rapid.IntRange(0, 4).Draw(t, "each") == 0 {
				r.Each, r.When = "Visits", "row.Ago == 3 and Since > 1 or row.Ends in 1..2"
			}
			book.Rules = append(book.Rules, r)
		}
		set, err := schema.Compile(&book)
		require.NoError(t, err)
		people := rapid.SliceOfN(rapid.Custom(drawAged), 1, 30).Draw(t, "people")
		m := evening
		c, err := rules.NewCalendar(set, m, each(people))
		require.NoError(t, err)
		for range rapid.IntRange(1, 12).Draw(t, "evenings") {
			step := rapid.SampledFrom([]int{1, 1, 1, 0, 2, 9, 364}).Draw(t, "step")
			m = rules.NewMoment(m.Now().AddDate(0, 0, step), nil)
			for i := range people {
				people[i] = schema.Age(people[i], step)
			}
			changed := map[int]bool{}
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				i := rapid.IntRange(0, len(people)).Draw(t, "who")
				f := drawAged(t)
				if i == len(people) {
					people = append(people, f)
				} else {
					people[i] = f
				}
				changed[i] = true
				require.NoError(t, c.Changed(i))
			}
			last, visited := -1, map[int][]rules.Firing{}
			stats, err := c.Evening(t.Context(), m, func(_ context.Context, subjects []int, facts []*aged) error {
				for k, i := range subjects {
					require.Greater(t, i, last)
					last = i
					delete(changed, i)
					facts[k] = &people[i]
				}
				return nil
			}, func(i int, f *aged, firings []rules.Firing) error {
				visited[i] = slices.Clone(firings)
				return nil
			})
			require.NoError(t, err)
			require.Empty(t, changed)
			require.GreaterOrEqual(t, stats.Due, stats.Changed)
			counts := map[string]int{}
			for i := range people {
				want, err := set.Evening(nil, &people[i], m)
				require.NoError(t, err)
				fires := map[string]bool{}
				for _, x := range want {
					if !fires[x.Rule.Name] {
						counts[x.Rule.Name]++
					}
					fires[x.Rule.Name] = true
				}
				for _, r := range set.Rules() {
					require.Equal(t, fires[r.Name], c.Has(r.Name, i), "%s of subject %d on %s: %+v", r.When, i, m.Date(), people[i])
				}
				for _, x := range visited[i] {
					require.Contains(t, want, x)
				}
			}
			for _, r := range set.Rules() {
				require.Equal(t, counts[r.Name], c.Count(r.Name))
			}
		}
	})
}

// TestCalendarReadsTheDueOnly checks on the population of the specification
// that an evening reads few and that nobody else has changed.
func TestCalendarReadsTheDueOnly(t *testing.T) {
	people := population(20_000)
	set := twentyRules[customer](t)
	c, err := rules.NewCalendar(set, evening, each(people))
	require.NoError(t, err)
	require.Empty(t, c.Daily())
	m := evening
	for range 5 {
		m = rules.NewMoment(m.Now().AddDate(0, 0, 1), nil)
		for i := range people {
			people[i] = set.Schema().Age(people[i], 1)
		}
		stats, err := c.Evening(t.Context(), m, from(people), nil)
		require.NoError(t, err)
		require.Less(t, stats.Due, len(people)*7/100)
		require.Positive(t, stats.Entered)
		require.Positive(t, stats.Left)
		for i := range people {
			firings, err := set.Evening(nil, &people[i], m)
			require.NoError(t, err)
			fires := map[string]bool{}
			for _, x := range firings {
				fires[x.Rule.Name] = true
			}
			for _, r := range set.Rules() {
				require.Equal(t, fires[r.Name], c.Has(r.Name, i))
			}
		}
	}
}

func TestCalendarFaults(t *testing.T) {
	set := agedSet(t)
	_, err := rules.NewCalendar(set, evening, each([]aged{{}, {Visits: make([]agedRow, 5)}}))
	var be *rules.BoundsError
	require.ErrorAs(t, err, &be)
	require.ErrorContains(t, err, "subject 1: ")
	c, err := rules.NewCalendar(set, evening, each(make([]aged, 3)))
	require.NoError(t, err)
	require.Equal(t, []string{"19", "22", "23", "25"}, c.Daily()) // sum(Visits, .Ago) and the like
	require.Error(t, c.Changed(4))
	require.NoError(t, c.Changed(1))
	gone := errors.New("gone")
	read := func(context.Context, []int, []*aged) error { return gone }
	_, err = c.Evening(t.Context(), evening, read, nil)
	require.ErrorIs(t, err, gone)
	require.ErrorContains(t, err, "subjects 1 to 1: ")
	_, err = c.Evening(t.Context(), evening, func(context.Context, []int, []*aged) error { return nil }, nil)
	require.ErrorContains(t, err, "subject 1: no facts were read")
	f := aged{Since: 2}
	stats, err := c.Evening(t.Context(), evening, from([]aged{{}, f}), nil)
	require.NoError(t, err)
	require.Equal(t, 1, stats.Changed) // asked again
	require.True(t, c.Has("00", 1))
	_, err = c.Evening(t.Context(), rules.NewMoment(evening.Now().AddDate(0, 0, -1), nil), read, nil)
	require.ErrorContains(t, err, "has been")
}
