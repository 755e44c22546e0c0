package rules_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

// TestHints: what users write gets its hint, at its place. Case D9.
func TestHints(t *testing.T) {
	schema := factsSchema(t)
	for text, want := range map[string]string{
		`City = "x"`: "write == to compare", `N > 3 ve N < 4`: "and is written and", `N > 3 veya N < 4`: "or is written or", `N between 2 and 5`: "in 2..5", `F > 10%`: "10 % is 0.1", `F > 10% and Flag`: "10 % is 0.1",
		`vip in Tags`: `write "vip" in Tags`, `Tags == "vip"`: `"vip" in Tags`, `Tags contains "vip"`: `startsWith`, `mean(Orders, .Amount) > 1`: "avg(Rows, .Field)", `upper(S) == "X"`: "fold", `S matches "x.*"`: "contains, startsWith",
		`N <> 3`: "!=", `Score == null`: "nil", `S == “web”`: "straight quotes", `N > 3 AND Flag`: "small letters", `F > 1250 TL`: "stands alone", `now() == 3`: "today()", `Score is nil`: "== nil", `S like "x"`: "contains",
		`N > 3 & Flag`: "and", `exists(Orders)`: "any(Rows", `last(Orders) == 3`: "name a field", `last(Orders, 0).Amount > 1`: "a number from 1", `last(Orders).Nothing > 1`: "unknown field Nothing", `avg(Orders, .Channel) > 1`: "needs numbers",
		`avg(N, .X) > 1`: "rows are needed", `any(Tags, # contains "x")`: "startsWith", `count(Tags, # startsWith "x") > 1`: "startsWith", `max(map(Orders, .Amount)) > 1`: "max(Rows, .Field)", `any(Orders, # == 3)`: "name a field",
		`last(Orders).Lines == 1`: "cannot give", `avg(Orders) > 1`: "expected",
	} {
		_, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
		require.Error(t, err, text)
		require.ErrorContains(t, err, want, text)
	}
}

// overTexts are values over rows and what they are for the sample.
var overTexts = map[string]bool{
	`max(Orders, .Amount) == 900`: true, `min(Orders, .Amount) == 50`: true, `avg(Orders, .Amount) == 350.0`: true, `avg(Orders, .Amount) == 350`: true, `max(filter(Orders, .Channel == "web"), .Amount) == 100`: true,
	`avg(filter(Orders, .Gift), .Amount) > 99.5`: true, `max(Orders, .Score) == 5`: true, `avg(Orders, .Score) == 5.0`: true, `max(Visits2, .Amount) == nil`: false, `max(visits, .Amount) == nil`: true, `avg(visits, .Amount) == nil`: true,
	`avg(visits, .Amount) < 3`: false, `last(Orders).Amount == 50`: true, `last(Orders, 2).Channel == "web"`: true, `first(Orders).Channel == "store"`: true, `last(Orders, 3).Amount == 900`: true, `last(Orders, 4).Amount == nil`: true,
	`first(filter(Orders, .Channel == "web")).Amount == 100`: true, `last(filter(Orders, .Channel == "web"), 2).Note == "ok"`: true, `last(Orders).Returned`: true, `first(Orders).Gift`: false, `not first(Orders).Gift`: true,
	`(last(visits).Amount ?? 7) == 7`: true, `last(Orders).DaysAgo - first(Orders).DaysAgo == 399`: true, `any(Orders, max(.Lines, .Price) == 500)`: true, `any(Orders, .Amount > avg(Orders, .Amount))`: true,
	`max(N, 9) == 9`: true, `max(Orders, .DaysAgo) > min(Orders, .DaysAgo)`: true, `"max(Orders, .Amount)" == S`: false, `any(Tags, # startsWith "t6")`: true, `any(Tags, # startsWith "zz")`: false, `none(Tags, # startsWith "zz")`: true,
	`any(Labels, # startsWith "vi")`: true, `N in Small..U`: true, `N in Small..6`: false, `N in 1..last(Orders).Amount`: true, `fold(first(Orders).Channel) == "store"`: true, `first(Orders).Channel in ["store"]`: true, `len(first(Orders).Channel) == 5`: true,
}

func TestValuesOverRows(t *testing.T) {
	s := factsSchema(t)
	f := sample(s)
	for text, want := range overTexts {
		set, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
		if text == `max(Visits2, .Amount) == nil` {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err, text)
		got, err := set.Evening(nil, f, evening)
		require.NoError(t, err)
		require.Equal(t, want, len(got) > 0, text)
		x, err := set.Explain("r", f, evening)
		require.NoError(t, err)
		require.Equal(t, want, x.Fires, text)
		_ = x.String() + x.FlipText("en")
	}
}

// valueTexts are over the facts with nulls, for columns and the like.
var valueTexts = []string{
	`max(Visits, .Score) > 3`, `min(Visits, .Score) <= 2`, `avg(Visits, .Score) >= 2.5`, `avg(filter(Visits, .Ago > 1), .Score) < 3.0`, `max(Visits, .Ago) == nil`, `last(Visits).Score == 3`, `last(Visits, 2).Shop == "web"`,
	`first(filter(Visits, .Score != nil)).Score == Score`, `(last(Visits).Score ?? 9) > 4`, `any(Offers, .Ago < max(Visits, .Score))`, `Score in N..Days`, `last(Visits).Shop in ["a", "web"]`, `max(Visits, .Score) - min(Visits, .Score) >= 2`,
	`fold(last(Visits).Shop) == "cay"`, `sum(Visits, .Ago) > avg(Visits, .Ago)`, `first(Visits).Score == nil`, `not (max(Visits, .Score) > 3)`, `avg(Visits, .Score + 1) != 3.0`,
}

// TestValuesOverRowsEverywhere: closures, index, columns and the spelling of a
// term that is read again say the same.
func TestValuesOverRowsEverywhere(t *testing.T) {
	set := nullSet[maybes](t, valueTexts)
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.SliceOfN(rapid.Custom(drawMaybes), 1, 30).Draw(t, "people")
		pop, err := population.New(set.Schema(), evening, each(people))
		require.NoError(t, err)
		requireSame(t, set, pop, people, evening)
		f := &people[0]
		got, err := set.Evening(nil, f, evening)
		require.NoError(t, err)
		fired := map[string]bool{}
		for _, g := range got {
			fired[g.Rule.Name] = true
		}
		for k, text := range valueTexts {
			name := fmt.Sprintf("%02d", k)
			x, err := set.Explain(name, f, evening)
			require.NoError(t, err)
			require.Equal(t, fired[name], x.Fires, text)
			if x.Cases[0].When.Op != rules.StepLeaf {
				continue
			}
			again, err := set.Schema().Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: x.Cases[0].When.Text, Then: tagX}}})
			require.NoError(t, err, x.Cases[0].When.Text)
			one, err := again.Evening(nil, f, evening)
			require.NoError(t, err)
			require.Equal(t, fired[name], len(one) > 0, x.Cases[0].When.Text)
		}
	})
}
