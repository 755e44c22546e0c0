package rules_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
)

// requireIndexed checks that rules which are run together, by the index, fire
// as each does alone, by its closures.
func requireIndexed[F any](t require.TestingT, set *rules.Set[F], f *F) {
	var want []string
	for _, r := range set.Rules() {
		one, err := set.Manual(nil, r.Name, f, evening)
		require.NoError(t, err)
		want = append(want, names(one)...)
	}
	got, err := set.On(nil, rules.Trigger{Kind: rules.OnEvent, Event: "e"}, f, evening, nil)
	require.NoError(t, err)
	require.Equal(t, want, names(got))
}

func TestIndexIsTheSameAsClosures(t *testing.T) {
	schema, err := rules.NewSchema[plain](rules.Options{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{t: t}
		var book rules.Book
		for i := range rapid.SampledFrom([]int{24, 40, 130}).Draw(t, "rules") {
			text := w.boolean(1)
			for range w.pick(4) {
				text += " and " + w.boolean(1)
			}
			r := rules.Rule{Name: fmt.Sprintf("%03d", i), When: text, Then: tagX, On: rules.Trigger{Event: "e"}}
			if w.pick(5) == 0 {
				r.Each, r.When = "Items", r.When+" and row.A > 0"
			}
			book.Rules = append(book.Rules, r)
		}
		set, err := schema.Compile(&book)
		if err != nil {
			t.Skip("too expensive")
		}
		for range 5 {
			f := drawPlain(t)
			requireIndexed(t, set, &f)
		}
	})
}

// TestIndexKnowsTheLanguage runs everything of TestLanguage together: nulls,
// times, tags as texts and as numbers.
func TestIndexKnowsTheLanguage(t *testing.T) {
	s := factsSchema(t)
	set, err := s.Compile(bookOf(languageTexts(), rules.Trigger{Event: "e"}))
	require.NoError(t, err)
	f := sample(s)
	requireIndexed(t, set, f)
	requireIndexed(t, set, &facts{})
}

func TestIndexOfTheSpecification(t *testing.T) {
	set := setOf[customer](t, manyRules(500), rules.Trigger{Event: "e"})
	other := setOf[tagged](t, manyRules(500), rules.Trigger{Event: "e"})
	people := drawn(300)
	tags := tag(people, other.Schema().Tags())
	dst := make([]rules.Firing, 0, 500)
	for i := range people {
		requireIndexed(t, set, &people[i])
		requireIndexed(t, other, &tags[i])
	}
	if !raced {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			dst, _ = set.On(dst[:0], rules.Trigger{Kind: rules.OnEvent, Event: "e"}, &people[7], evening, nil)
		}))
	}
}

// TestIndexOfFloats goes along the edges of what floats can be.
func TestIndexOfFloats(t *testing.T) {
	type f struct{ X float64 }
	schema, err := rules.NewSchema[f](rules.Options{})
	require.NoError(t, err)
	var texts []string
	for _, c := range []string{"0.0", "-1.5", "1e300", "5e-324", "-5e-324"} {
		for _, o := range []string{"==", "!=", "<", "<=", ">", ">="} {
			texts = append(texts, "X "+o+" "+c, c+" "+o+" X")
		}
	}
	set, err := schema.Compile(bookOf(texts, rules.Trigger{Event: "e"}))
	require.NoError(t, err)
	var all []f
	for _, x := range []float64{0, math.Copysign(0, -1), -1.5, 1e300, 5e-324, -5e-324, math.Inf(1), math.Inf(-1), math.NaN(), -math.NaN(), math.MaxFloat64, 1} {
		all = append(all, f{x})
		requireIndexed(t, set, &f{x})
	}
	inColumns, err := schema.Compile(bookOf(texts, rules.Trigger{}))
	require.NoError(t, err)
	requireSame(t, inColumns, load(t, inColumns, all), all, evening)
}
