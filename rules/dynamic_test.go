package rules_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

// added are facts with no fields but those that Extend adds.
type added struct{ rules.Extensible }

func TestRecords(t *testing.T) {
	s, err := rules.Extend[added]([]rules.Field{
		{Name: "city", Kind: rules.String, Doc: `with a "quote"`}, {Name: "n", Kind: rules.Int}, {Name: "score", Kind: rules.Int, Nullable: true},
		{Name: "f", Kind: rules.Float, Nullable: true}, {Name: "ok", Kind: rules.Bool}, {Name: "at", Kind: rules.Time}, {Name: "tags", Kind: rules.Tags},
		{Name: "orders", Kind: rules.Rows, Max: 3, Fields: []rules.Field{{Name: "amount", Kind: rules.Int}, {Name: "note", Kind: rules.String, Nullable: true},
			{Name: "lines", Kind: rules.Rows, Fields: []rules.Field{{Name: "sku", Kind: rules.String}}}}},
	}, rules.Options{})
	require.NoError(t, err)
	require.Equal(t, `with a "quote"`, s.Fields()[0].Doc)
	set, err := s.Compile(&rules.Book{Chain: true, Rules: []rules.Rule{
		{Name: "all", When: `city == "Bolu" and n == 3 and score == nil and f > 1 and ok and daysSince(at) == 0 and "vip" in tags and sum(orders, .amount) == 6 and any(orders, any(.lines, .sku == "w"))`, Then: tagX},
		{Name: "row", Each: "orders", When: `row.note == "x"`, Then: []rules.Action{{Kind: "tag", Name: "z"}}},
		{Name: "then", When: `"z" in tags`, Then: tagX},
	}})
	require.NoError(t, err)
	r := s.New()
	for k, v := range map[string]any{"city": "Bolu", "n": 3, "score": nil, "f": 1.5, "ok": true, "at": evening.Now(), "tags": []string{"vip"},
		"orders": []map[string]any{{"amount": 2}, {"amount": int64(4), "note": "x", "lines": []map[string]any{{"sku": "w"}}}}} {
		require.NoError(t, s.Set(r, k, v), k)
	}
	runtime.GC()
	got, err := set.Evening(nil, r, evening)
	require.Equal(t, []string{"all", "row"}, fired(t, got, err))
	require.Equal(t, 1, got[1].Row)
	got, err = set.Chain(nil, r, evening, nil)
	require.Equal(t, []string{"all", "row", "then"}, fired(t, got, err))
	got, err = set.Evening(nil, s.New(), evening)
	require.Empty(t, fired(t, got, err))

	pop, err := population.New(s.Schema, evening, slices.Values([]*added{s.New(), r}))
	require.NoError(t, err)
	matches, err := pop.Evaluate(t.Context(), set, evening)
	require.NoError(t, err)
	require.Equal(t, []int{1}, slices.Collect(matches.Subjects("all")))
	require.Equal(t, []int{1}, slices.Collect(matches.Subjects("row")))
	for field, v := range map[string]any{"cty": 1, "n": "x", "city": 3, "ok": nil, "tags": "x", "orders": []string{"x"}, "at": "2020-01-01", "f": struct{}{}} {
		require.Error(t, s.Set(r, field, v), field)
	}
	require.ErrorContains(t, s.Set(r, "cty", 1), "did you mean city?")
	require.ErrorContains(t, s.Set(r, "orders", []map[string]any{{}, {"amunt": 3}}), "did you mean amount?) (row 2 of orders)")
	var be *rules.BoundsError
	require.ErrorAs(t, s.Set(r, "orders", make([]map[string]any, 4)), &be)

	for _, bad := range [][]rules.Field{
		nil, {{Name: "a b", Kind: rules.Int}}, {{Name: "any", Kind: rules.Int}}, {{Name: "a"}}, {{Name: "a", Kind: rules.Int}, {Name: "a", Kind: rules.Int}},
		{{Name: "a", Kind: rules.Rows, Fields: []rules.Field{{Name: "b", Kind: rules.Rows, Fields: []rules.Field{{Name: "c", Kind: rules.Rows, Fields: []rules.Field{{Name: "d", Kind: rules.Int}}}}}}}},
		{{Name: "a", Kind: rules.Int, Max: 3}},
	} {
		_, err := rules.Extend[added](bad, rules.Options{})
		require.Error(t, err, fmt.Sprint(bad))
	}
}
