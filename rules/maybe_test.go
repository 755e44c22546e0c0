package rules_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

// The same facts with nulls as pointers and as Maybes.
type pointers struct {
	N      int
	Score  *int
	Days   *int   `rule:",days=since"`
	Birth  *int   `rule:",days=yearly"`
	Spend  *int64 `rule:",scale=2"`
	Ratio  *float64
	City   *string
	Bad    *bool
	Visits []pointerRow `rule:",max=4"`
	Offers []plainRow   `rule:",max=4"`
}

type pointerRow struct {
	Ago   int
	Score *int
	Shop  *string
}

type maybes struct {
	N      int
	Score  rules.Maybe[int]
	Days   rules.Maybe[int]   `rule:",days=since"`
	Birth  rules.Maybe[int]   `rule:",days=yearly"`
	Spend  rules.Maybe[int64] `rule:",scale=2"`
	Ratio  rules.Maybe[float64]
	City   rules.Maybe[string]
	Bad    rules.Maybe[bool]
	Visits []maybeRow `rule:",max=4"`
	Offers []plainRow `rule:",max=4"`
}

type maybeRow struct {
	Ago   int
	Score rules.Maybe[int]
	Shop  rules.Maybe[string]
}

type plainRow struct{ Ago int }

func pointerTo[T bool | int | int32 | int64 | float64 | string](m rules.Maybe[T]) *T {
	if !m.OK {
		return nil
	}
	return &m.V
}

func (f *maybes) pointers() pointers {
	p := pointers{N: f.N, Score: pointerTo(f.Score), Days: pointerTo(f.Days), Birth: pointerTo(f.Birth), Spend: pointerTo(f.Spend),
		Ratio: pointerTo(f.Ratio), City: pointerTo(f.City), Bad: pointerTo(f.Bad), Offers: f.Offers}
	for _, r := range f.Visits {
		p.Visits = append(p.Visits, pointerRow{r.Ago, pointerTo(r.Score), pointerTo(r.Shop)})
	}
	return p
}

func drawMaybe[T bool | int | int32 | int64 | float64 | string](t *rapid.T, name string, of *rapid.Generator[T]) rules.Maybe[T] {
	if rapid.Bool().Draw(t, name+"?") {
		return rules.Some(of.Draw(t, name))
	}
	return rules.Maybe[T]{}
}

func drawMaybes(t *rapid.T) maybes {
	n := rapid.IntRange(-2, 6)
	f := maybes{N: n.Draw(t, "N"), Score: drawMaybe(t, "Score", n), Days: drawMaybe(t, "Days", n), Birth: drawMaybe(t, "Birth", rapid.IntRange(0, 3)),
		Spend: drawMaybe(t, "Spend", rapid.Int64Range(-2, 500)), Ratio: drawMaybe(t, "Ratio", rapid.SampledFrom([]float64{-1, 0, 0.5})),
		City: drawMaybe(t, "City", rapid.SampledFrom(words)), Bad: drawMaybe(t, "Bad", rapid.Bool())}
	for range rapid.IntRange(0, 3).Draw(t, "visits") {
		f.Visits = append(f.Visits, maybeRow{n.Draw(t, "Ago"), drawMaybe(t, "RowScore", n), drawMaybe(t, "Shop", rapid.SampledFrom(words))})
	}
	for range rapid.IntRange(0, 3).Draw(t, "offers") {
		f.Offers = append(f.Offers, plainRow{n.Draw(t, "Ago")})
	}
	return f
}

// nullTexts are conditions that meet nulls. Those of the first line are Case D5.
var nullTexts = []string{
	`Score <= 6`, `Days <= 30`, `Days < 25`, `Birth == 0`, `Score != 3`, `not (Score <= 3)`, `Score in [0, 3]`, `Score not in [0, 3]`, `Score in 0..3`,
	`Score >= 0 or Days >= 0`, `Score == nil`, `Score != nil and N > 2`, `(Score ?? 10) > 6`, `Score + N > 3`, `abs(Score) == 2`, `min(Score, N) < 0`, `max(Score, Days) >= 4`,
	`Spend >= 1.5`, `Spend * 2 > 4.0`, `Ratio < 0.5`, `Ratio / N > 0.1`, `City == "web"`, `City != "web"`, `City in ["a", "web"]`, `fold(City) == "cay"`, `City startsWith "a"`, `len(City) > 1`,
	`City == nil`, `City < "b"`, `Bad`, `not Bad`, `Bad == false`, `Bad != true`, `Bad == nil`, `(N > 2 ? Score : Days) == 3`, `Score == Days`,
	`any(Visits, .Score <= 2)`, `all(Visits, .Score > 2)`, `none(Visits, .Score == nil)`, `count(Visits, .Score != 1) >= 1`, `sum(Visits, .Score) > 3`, `any(Visits, .Shop contains "a")`,
	`one(Visits, .Shop == nil and .Ago > Score)`, `sum(filter(Visits, .Shop != "a"), .Ago) > 2`, `any(Visits, .Score == Score)`,
}

func nullSet[F any](t require.TestingT, texts []string) *rules.Set[F] {
	schema, err := rules.NewSchema[F](rules.Options{})
	require.NoError(t, err)
	var book rules.Book
	for i, text := range texts {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprintf("%02d", i), When: text, Then: tagX})
	}
	// Case D1: a loop over other rows that reads the row of each.
	for i, text := range []string{`row.Score <= 6`, `any(Offers, .Ago == 2 and row.Shop contains "web")`, `row.Shop != "a" and Days <= 3`, `count(Offers, .Ago < row.Score) == 1`} {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprintf("each%d", i), Each: "Visits", When: text, Then: tagX})
	}
	set, err := schema.Compile(&book)
	require.NoError(t, err)
	return set
}

// TestNullsAreTheSameEverywhere: pointers and Maybes, closures, index, columns (on
// later days as well), preview, backtest, lint and explanation say the same about
// nulls. Cases D1, D5.
func TestNullsAreTheSameEverywhere(t *testing.T) {
	set, twin := nullSet[maybes](t, nullTexts), nullSet[pointers](t, nullTexts)
	require.Equal(t, twin.Lint(nil), set.Lint(nil))
	var small []*rules.Set[maybes] // too few rules for an index
	for chunk := range slices.Chunk(nullTexts, 10) {
		small = append(small, nullSet[maybes](t, chunk))
	}
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.SliceOfN(rapid.Custom(drawMaybes), 1, 30).Draw(t, "people")
		twins := make([]pointers, len(people))
		for i := range people {
			twins[i] = people[i].pointers()
		}
		pop, err := population.New(set.Schema(), evening, each(people))
		require.NoError(t, err)
		for _, days := range []int{0, 1, -2} {
			m := rules.NewMoment(evening.Now().AddDate(0, 0, days), nil)
			later := make([]maybes, len(people))
			for i := range people {
				later[i] = daysLater(set.Schema(), people[i], days)
				if days == 0 {
					require.Equal(t, people[i], later[i])
				}
				twins := daysLater(twin.Schema(), twins[i], days)
				want, err := twin.Evening(nil, &twins, m)
				require.NoError(t, err)
				got, err := set.Evening(nil, &later[i], m)
				require.NoError(t, err)
				require.Equal(t, names(want), names(got))
				kept, ok := pop.Facts(i, m)
				require.True(t, ok)
				require.Equal(t, later[i].pointers(), kept.pointers())
			}
			requireSame(t, set, pop, later, m)
		}
		i := rapid.IntRange(0, len(people)-1).Draw(t, "who")
		fired := map[string]bool{}
		got, err := set.Evening(nil, &people[i], evening)
		require.NoError(t, err)
		for _, f := range got {
			fired[f.Rule.Name] = true
		}
		for k, text := range nullTexts {
			one, err := small[k/10].Manual(nil, fmt.Sprintf("%02d", k%10), &people[i], evening)
			require.NoError(t, err)
			name := fmt.Sprintf("%02d", k)
			require.Equal(t, fired[name], len(one) > 0, text)
			x, err := set.Explain(name, &people[i], evening)
			require.NoError(t, err)
			require.Equal(t, fired[name], x.Fires, text)
			y, err := twin.Explain(name, &twins[i], evening)
			require.NoError(t, err)
			require.Equal(t, y.String()+y.FlipText("en"), x.String()+x.FlipText("en"))
		}
		k := rapid.IntRange(0, len(nullTexts)-1).Draw(t, "rule")
		n := 0
		for i := range people {
			if got, err := set.Manual(nil, fmt.Sprintf("%02d", k), &people[i], evening); err == nil && len(got) > 0 {
				n++
			}
		}
		preview, err := pop.Preview(t.Context(), set, rules.Rule{Name: "new", When: nullTexts[k], Then: tagX}, evening, 0)
		require.NoError(t, err)
		require.Equal(t, n, preview.Subjects)
	})
}

// TestNullOutcomes writes down what the table of the language says about nulls.
func TestNullOutcomes(t *testing.T) {
	schema, err := rules.NewSchema[maybes](rules.Options{})
	require.NoError(t, err)
	for text, want := range map[string]bool{
		`Score <= 6`: false, `Score > 6`: false, `Score == 6`: false, `Score != 6`: false, `not (Score <= 6)`: true, `Score == nil`: true,
		`Days <= 30`: false, `(Score ?? 3) <= 6`: true, `Score + 1 > 0`: false, `Score in [1]`: false, `Score not in [1]`: true, `Bad`: false, `not Bad`: true,
	} {
		set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
		require.NoError(t, err)
		got, err := set.Evening(nil, &maybes{}, evening)
		require.NoError(t, err)
		require.Equal(t, want, len(got) > 0, text)
		x, err := set.Explain("r", &maybes{}, evening)
		require.NoError(t, err)
		require.Equal(t, want, x.Fires)
	}
	set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: "Score <= 6", Then: tagX}}})
	require.NoError(t, err)
	x, err := set.Explain("r", &maybes{}, evening)
	require.NoError(t, err)
	require.Equal(t, "6", x.Flips()[0].Changes[0].To)
	require.Equal(t, "null", x.Flips()[0].Changes[0].Value)
}

// TestNullsInABacktest: days pass, and who has none of them is never due.
func TestNullsInABacktest(t *testing.T) {
	schema, err := rules.NewSchema[maybes](rules.Options{})
	require.NoError(t, err)
	set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: "Days <= 3", Then: tagX, Once: "day"}}})
	require.NoError(t, err)
	people := []maybes{{}, {Days: rules.Some(1)}}
	pop, err := population.New(schema, evening, each(people))
	require.NoError(t, err)
	var planned []int
	for night, err := range pop.Backtest(t.Context(), set, evening, 5, population.BacktestOptions[maybes]{}) {
		require.NoError(t, err)
		planned = append(planned, night.Rules[0].Planned)
	}
	require.Equal(t, []int{1, 1, 1, 0, 0}, planned)
}

func TestMaybe(t *testing.T) {
	require.Equal(t, rules.Maybe[int]{V: 3, OK: true}, rules.Some(3))
	schema, err := rules.NewSchema[maybes](rules.Options{})
	require.NoError(t, err)
	for _, f := range schema.Fields() {
		require.Equal(t, f.Name != "N" && f.Kind != rules.Rows, f.Nullable, f.Name)
	}
	_, err = rules.NewSchema[struct {
		X *rules.Maybe[int] `rule:"X"`
	}](rules.Options{})
	require.ErrorContains(t, err, "X")
}
