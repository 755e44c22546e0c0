package rules_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

// each yields pointers to the elements of a slice.
func each[T any](list []T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range list {
			if !yield(&list[i]) {
				return
			}
		}
	}
}

// daysLater returns facts as they are some days later.
func daysLater[F any](s *rules.Schema[F], f F, days int) F {
	out, err := s.Age(&f, days)
	if err != nil {
		panic(err)
	}
	return *out
}

// requireSame checks that Evaluate gives for everybody what Evening gives one
// by one.
func requireSame[F any](t require.TestingT, set *rules.Set[F], pop *population.Population[F], facts []F, m *rules.Moment) {
	matches, err := pop.Evaluate(context.Background(), set, m)
	require.NoError(t, err)
	got := map[int][]rules.Firing{}
	for i, f := range matches.All() {
		got[i] = slices.Clone(f)
	}
	counts, firings, total := map[string]int{}, map[string]int{}, 0
	fires := map[string]map[int]bool{}
	for _, r := range set.Rules() {
		fires[r.Name] = map[int]bool{}
		for i := range matches.Subjects(r.Name) {
			fires[r.Name][i] = true
		}
	}
	for i := range facts {
		want, err := set.Evening(nil, &facts[i], m)
		require.NoError(t, err)
		require.Equal(t, len(want), len(got[i]), "subject %d: %v, one by one %v", i, names(got[i]), names(want))
		seen := map[string]bool{}
		for k := range want {
			require.Same(t, want[k].Rule, got[i][k].Rule)
			require.Equal(t, want[k].Row, got[i][k].Row)
			name := want[k].Rule.Name
			require.True(t, fires[name][i])
			if !seen[name] {
				counts[name]++
			}
			seen[name] = true
			firings[name]++
			total++
		}
	}
	require.Equal(t, total, allFirings(set, matches))
	for _, r := range set.Rules() {
		subjects, fired := matches.Count(r.Name)
		require.Equal(t, counts[r.Name], subjects, r.Name)
		require.Equal(t, firings[r.Name], fired, r.Name)
		n := 0
		for range matches.Subjects(r.Name) {
			n++
		}
		require.Equal(t, counts[r.Name], n)
	}
}

func names(f []rules.Firing) (out []string) {
	for _, x := range f {
		out = append(out, fmt.Sprintf("%s/%d", x.Rule.Name, x.Row))
	}
	return out
}

func load[F any](t testing.TB, set *rules.Set[F], facts []F) *population.Population[F] {
	t.Helper()
	pop, err := population.New(set.Schema(), evening, each(facts))
	require.NoError(t, err)
	return pop
}

func TestColumnsGiveTheTwentyRules(t *testing.T) {
	people := drawn(20_000)
	set := twentyRules[customer](t)
	requireSame(t, set, load(t, set, people), people, evening)
	other := twentyRules[tagged](t)
	tags := tag(people, other.Schema().Tags())
	requireSame(t, other, load(t, other, tags), tags, evening)
}

// TestColumnsKeepFacts checks that Facts gives back what was loaded.
func TestColumnsKeepFacts(t *testing.T) {
	people := drawn(300)
	set := twentyRules[customer](t)
	pop := load(t, set, people)
	for i := range people {
		kept, ok := pop.Facts(i, evening)
		require.True(t, ok)
		want := people[i]
		want.Tags = slices.Sorted(slices.Values(want.Tags))
		if len(want.Purchases) == 0 {
			want.Purchases = kept.Purchases
		}
		require.Equal(t, want, *kept)
	}
	s := factsSchema(t)
	f := sample(s)
	all, err := population.New(s, evening, each([]facts{{}, *f}))
	require.NoError(t, err)
	got, ok := all.Facts(1, evening)
	require.True(t, ok)
	want := *f
	want.Born = want.Born.In(time.UTC)
	got.skipped = want.skipped
	require.True(t, got.Tags.Equal(want.Tags))
	got.Tags = want.Tags
	require.ElementsMatch(t, want.Labels, got.Labels)
	got.Labels = want.Labels
	require.Equal(t, fmt.Sprintf("%+v", want.Orders[0].Lines), fmt.Sprintf("%+v", got.Orders[0].Lines))
	_, ok = all.Facts(2, evening)
	require.False(t, ok)
}

// TestColumnsKnowTheLanguage evaluates everything of TestLanguage by columns.
func TestColumnsKnowTheLanguage(t *testing.T) {
	s := factsSchema(t)
	f := sample(s)
	m := rules.NewMoment(time.Date(2025, 3, 1, 18, 0, 0, 0, time.UTC), nil)
	people := []facts{*f, {}, *f}
	pop, err := population.New(s, m, each(people))
	require.NoError(t, err)
	var book rules.Book
	for i, text := range languageTexts() {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprint(i, " ", text), When: text, Then: tagX})
	}
	for i, text := range []string{"row.Amount > 60", "row.Amount > 60 and Flag", "Flag", "any(row.Lines, .Price > 1)", "row.Amount > N", `row.Channel == "web" or N == 7`, "any(row.Lines, .Price > row.Amount)"} {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprint("each", i), Each: "Orders", When: text, Then: tagX})
	}
	set, err := s.Compile(&book)
	require.NoError(t, err)
	requireSame(t, set, pop, people, m)
}

// TestColumnsAreTheSameAsClosures compares random expressions over random
// facts, in sets of rules with groups, and after random changes.
func TestColumnsAreTheSameAsClosures(t *testing.T) {
	schema, err := rules.NewSchema[plain](rules.Options{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{t: t}
		book := rules.Book{Groups: []rules.Group{{Name: "g", Mode: rules.First}, {Name: "x", Mode: rules.Exclusive}}}
		for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
			r := rules.Rule{Name: fmt.Sprint(i), When: w.boolean(rapid.IntRange(1, 3).Draw(t, "depth")), Then: tagX}
			r.Group = rapid.SampledFrom([]string{"", "", "g", "x"}).Draw(t, "group")
			r.Salience = rapid.IntRange(0, 2).Draw(t, "salience")
			if rapid.Bool().Draw(t, "each") {
				r.Each = "Items"
				r.When = "(" + r.When + ") " + w.one("and", "or") + " " + w.one("row.A > 1", "row.Ok", `row.Kind == "a"`, "row.A == I", "row.Cost > X", "any(More, .A == row.A)")
			}
			book.Rules = append(book.Rules, r)
		}
		set, err := schema.Compile(&book)
		if err != nil {
			t.Skip("too expensive")
		}
		people := rapid.SliceOfN(rapid.Custom(drawPlain), 1, 70).Draw(t, "people")
		pop, err := population.New(schema, evening, each(people))
		require.NoError(t, err)
		requireSame(t, set, pop, people, evening)
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			f := drawPlain(t)
			if rapid.Bool().Draw(t, "new") {
				i, err := pop.Add(&f, evening)
				require.NoError(t, err)
				require.Equal(t, len(people), i)
				people = append(people, f)
			} else {
				i := rapid.IntRange(0, len(people)-1).Draw(t, "who")
				require.NoError(t, pop.Put(i, &f, evening))
				people[i] = f
			}
		}
		requireSame(t, set, pop, people, evening)
	})
}

// TestColumnsAfterManyChanges goes over the point where blocks are encoded anew.
func TestColumnsAfterManyChanges(t *testing.T) {
	people := drawn(20_000)
	fresh := people[16_000:]
	people = slices.Clone(people[:16_000])
	set := twentyRules[customer](t)
	pop := load(t, set, people)
	r := rand.New(rand.NewPCG(1, 1))
	for k := range fresh {
		if k%4 == 0 {
			_, err := pop.Add(&fresh[k], evening)
			require.NoError(t, err)
			people = append(people, fresh[k])
			continue
		}
		i := r.IntN(len(people))
		require.NoError(t, pop.Put(i, &fresh[k], evening))
		people[i] = fresh[k]
	}
	requireSame(t, set, pop, people, evening)
	require.NoError(t, pop.Remove(3))
	require.NoError(t, pop.Remove(len(people)-1))
	m, err := pop.Evaluate(t.Context(), set, evening)
	require.NoError(t, err)
	for i := range m.All() {
		require.NotEqual(t, 3, i)
		require.NotEqual(t, len(people)-1, i)
	}
	require.Error(t, pop.Put(len(people), &fresh[0], evening))
	require.Error(t, pop.Remove(-1))
}

// aged is facts that change with the days in every way there is.
type aged struct {
	Since  int   `rule:",days=since"`
	Until  *int  `rule:",days=until"`
	Year   int   `rule:",days=yearly"`
	Small  int16 `rule:",days=since"`
	Plain  int
	At     time.Time
	Visits []agedRow `rule:",max=4"`
}

type agedRow struct {
	Ago  int    `rule:",days=since"`
	Ends *int32 `rule:",days=until"`
	N    int
}

func drawAged(t *rapid.T) aged {
	d := rapid.IntRange(-4, 6)
	f := aged{Since: d.Draw(t, "Since"), Small: int16(d.Draw(t, "Small")), Plain: d.Draw(t, "Plain"),
		Year: rapid.SampledFrom([]int{0, 1, 2, 363, 364, -1, 365, 400}).Draw(t, "Year")}
	if rapid.Bool().Draw(t, "until") {
		f.Until = new(d.Draw(t, "Until"))
	}
	if rapid.Bool().Draw(t, "time") {
		f.At = evening.Now().Add(time.Duration(rapid.IntRange(-24*400, 24*10).Draw(t, "At")) * time.Hour)
	}
	for range rapid.IntRange(0, 3).Draw(t, "visits") {
		r := agedRow{Ago: d.Draw(t, "Ago"), N: d.Draw(t, "N")}
		if rapid.Bool().Draw(t, "ends") {
			r.Ends = new(int32(d.Draw(t, "Ends")))
		}
		f.Visits = append(f.Visits, r)
	}
	return f
}

var agedTexts = []string{
	"Since == 2", "Since <= 3 and Plain > 0", "Until == 1", "Until >= 0", "Until == nil", "Year == 0", "Year in [1, 364]", "Year == 365 or Year < 0", "Small != 2",
	"daysSince(At) in 1..3", "daysUntil(At) == 2", "daysToAnniversary(At) <= 2", "At == nil", "At < date(\"2025-02-27\")", "month(At) == 3", "monthDay(At) in 1..2", "month(At) != 2",
	"any(Visits, .Ago == 2)", "count(Visits, .Ago > 1 and .N > 0) >= 1", "sum(Visits, .Ago) == 5", "all(Visits, .Ends > 0)", "any(Visits, .Ends == nil)",
	"any(Visits, .Ago == Since)", "Since + 1 == Small", "today() == date(\"2025-03-03\") and Plain > 1", "daysSince(At) > Plain", "one(Visits, .N == 1)", "none(Visits, .Ago < 0)",
	"len(Visits) == 2", "Since == 3 or Until == 3", "not (Since == 3) and Plain == 1", "any(Visits, Plain > 2)", "any(Visits, Since > 1 and .N == 1)", "year(At) == 2024",
}

func agedSet(t testing.TB) *rules.Set[aged] {
	schema, err := rules.NewSchema[aged](rules.Options{})
	require.NoError(t, err)
	var book rules.Book
	for i, text := range agedTexts {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprintf("%02d", i), When: text, Then: tagX})
	}
	book.Rules = append(book.Rules, rules.Rule{Name: "each", Each: "Visits", When: "row.Ago == 3 and Since > 1", Then: tagX})
	set, err := schema.Compile(&book)
	require.NoError(t, err)
	return set
}

// TestColumnsAge evaluates on later days, and earlier ones, what was loaded once.
func TestColumnsAge(t *testing.T) {
	set := agedSet(t)
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.SliceOfN(rapid.Custom(drawAged), 1, 40).Draw(t, "people")
		pop, err := population.New(set.Schema(), evening, each(people))
		require.NoError(t, err)
		for _, days := range []int{0, 1, 2, -3, rapid.IntRange(-500, 500).Draw(t, "days")} {
			m := rules.NewMoment(evening.Now().AddDate(0, 0, days), nil)
			later := make([]aged, len(people))
			for i := range people {
				later[i] = daysLater(set.Schema(), people[i], days)
			}
			requireSame(t, set, pop, later, m)
			if days == 2 { // changes that are as of that day
				f := drawAged(t)
				require.NoError(t, pop.Put(0, &f, m))
				people[0] = daysLater(set.Schema(), f, -days)
			}
		}
	})
}

func TestPopulationRefuses(t *testing.T) {
	set := agedSet(t)
	_, err := population.New(set.Schema(), evening, each([]aged{{}, {Visits: make([]agedRow, 5)}}))
	var be *rules.BoundsError
	require.ErrorAs(t, err, &be)
	require.ErrorContains(t, err, "subject 1: ")
	_, err = population.New(set.Schema(), evening, each([]aged{{Since: 1 << 62}}))
	require.ErrorContains(t, err, "field Since: 4611686018427387904 is no number of days")
	pop, err := population.New(set.Schema(), evening, nil)
	require.NoError(t, err)
	_, err = pop.Evaluate(t.Context(), set, rules.NewMoment(evening.Now(), time.FixedZone("x", 3600)))
	require.ErrorIs(t, err, rules.ErrZone)
	_, err = pop.Add(&aged{Visits: make([]agedRow, 5)}, evening)
	require.ErrorAs(t, err, &be)
	_, there := pop.Facts(0, evening)
	require.False(t, there)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = pop.Add(&aged{}, evening)
	require.NoError(t, err)
	_, err = pop.Evaluate(ctx, set, evening)
	require.ErrorIs(t, err, context.Canceled)

	type bad struct {
		A string `rule:",days=since"`
		B int    `rule:",days=weekly"`
	}
	_, err = rules.NewSchema[bad](rules.Options{})
	require.ErrorContains(t, err, "days is of no use for a string")
	require.ErrorContains(t, err, `must be since, until or yearly, not "weekly"`)
}

// FuzzColumns: whatever text is a rule, columns and the index say of it what
// the closures say.
func FuzzColumns(f *testing.F) {
	for _, text := range languageTexts() {
		f.Add(text, int64(1))
	}
	f.Add(`any(Orders, .Amount > N and any(.Lines, .Price > 1) or not .Gift)`, int64(2))
	f.Add(`sum(filter(Orders, .Gift), .Score) in 1..9 or one(visits, .DaysAgo == Small)`, int64(3))
	f.Add(`(Flag ? Score ?? 1 : N) % 3 == 1 and (Nick ?? "a") in ["a", "b"]`, int64(4))
	schema := factsSchema(f)
	f.Fuzz(func(t *testing.T, text string, seed int64) {
		var book rules.Book
		for i := range 25 { // enough for an index
			book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprintf("%02d", i), When: text, Then: tagX})
			if i%2 == 1 {
				book.Rules[i].Each = "Orders"
			}
			if i%3 == 2 {
				book.Rules[i].Unless = "N == 7"
			}
		}
		set, err := schema.Compile(&book)
		if err != nil {
			return
		}
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		people := make([]facts, 5)
		for i := range people {
			people[i] = *sample(schema)
			people[i].N, people[i].Flag = r.IntN(9), r.IntN(2) == 0
			people[i].Small, people[i].F = int8(r.IntN(7)-3), float64(r.IntN(5))
			people[i].Orders = people[i].Orders[:r.IntN(len(people[i].Orders)+1)]
			if r.IntN(2) == 0 {
				people[i].Score, people[i].Nick = nil, new("b")
			}
		}
		pop, err := population.New(schema, evening, each(people))
		require.NoError(t, err)
		requireSame(t, set, pop, people, evening)
		for i := range people {
			var want []string
			for _, r := range set.Rules() {
				one, err := set.Manual(nil, r.Name, &people[i], evening)
				require.NoError(t, err)
				want = append(want, names(one)...)
			}
			got, err := set.Evening(nil, &people[i], evening)
			require.NoError(t, err)
			require.Equal(t, want, names(got))
		}
	})
}

// TestPopulationIsReadByMany evaluates, previews and looks facts up from many
// goroutines at once, for the race detector.
func TestPopulationIsReadByMany(t *testing.T) {
	people := drawn(2000)
	set := twentyRules[customer](t)
	pop := load(t, set, people)
	require.NoError(t, pop.Put(3, &people[4], evening))
	want, err := pop.Evaluate(t.Context(), set, evening)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			m, err := pop.Evaluate(t.Context(), set, evening)
			if err != nil || allFirings(set, m) != allFirings(set, want) {
				t.Errorf("%v: %d firings, not %d", err, allFirings(set, m), allFirings(set, want))
			}
			if _, err := pop.Preview(t.Context(), set, rules.Rule{Name: "p", When: `Email endsWith "com" and len(Tags) > 3`, Then: tagX}, evening, 3); err != nil {
				t.Error(err)
			}
			for range pop.Backtest(t.Context(), set, evening, 2, population.BacktestOptions[customer]{}) {
			}
			if f, ok := pop.Facts(3, evening); !ok || f.ID != people[4].ID {
				t.Error(f, ok)
			}
			if _, err := set.On(nil, rules.Trigger{Kind: rules.OnEvent, Event: "none"}, &people[0], evening, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
