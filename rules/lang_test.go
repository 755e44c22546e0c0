package rules_test

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/rules"
)

type line struct {
	SKU   string
	Price int64
}

type order struct {
	DaysAgo  int
	Channel  string
	Amount   int64
	Gift     bool
	Returned bool
	Note     *string
	Score    *int
	At       time.Time
	Lines    []line `rule:",max=8"`
}

type word string

type facts struct {
	N       int
	Small   int8
	U       uint16
	I32     int32
	Big     int64
	F       float64
	F32     float32
	Flag    bool
	S       string
	City    word
	Born    time.Time
	Last    *time.Time
	Score   *int
	Ratio   *float64
	Nick    *string
	Maybe   *bool
	Tags    rules.TagSet
	Labels  []string
	Orders  []order `rule:"Orders,max=20" doc:"newest first"`
	Visits  []order `rule:"visits,max=20"`
	skipped int
	Ignored map[string]int
	Hidden  string `rule:"-"`
}

func ptr[T any](v T) *T { return &v }

func factsSchema(t testing.TB) *rules.Schema[facts] {
	t.Helper()
	s, err := rules.NewSchema[facts](rules.Options{})
	require.NoError(t, err)
	return s
}

func sample(s *rules.Schema[facts]) *facts {
	many := make([]string, 70)
	for i := range many {
		many[i] = fmt.Sprintf("t%d", i)
	}
	f := &facts{
		N: 7, Small: -3, U: 60000, I32: -70000, Big: math.MaxInt64, F: 2.5, F32: 0.5, Flag: true,
		S: "Şişli Saat", City: "İSTANBUL", Born: time.Date(1988, 2, 29, 22, 30, 0, 0, time.UTC),
		Labels: []string{"vip", "red"}, Score: ptr(3),
		Orders: []order{
			{DaysAgo: 1, Channel: "store", Amount: 900, Lines: []line{{"A", 400}, {"B", 500}}},
			{DaysAgo: 40, Channel: "web", Amount: 100, Gift: true, Note: ptr("ok"), Score: ptr(5)},
			{DaysAgo: 400, Channel: "web", Amount: 50, Returned: true},
		},
		skipped: 1,
	}
	for _, tag := range append(many, "battery") {
		s.Tags().Add(&f.Tags, tag)
	}
	return f
}

// holds compiles one expression and evaluates it.
func holds(t testing.TB, s *rules.Schema[facts], f *facts, m *rules.Moment, text string) bool {
	t.Helper()
	set, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
	require.NoError(t, err, text)
	got, err := set.Evening(nil, f, m)
	require.NoError(t, err)
	return len(got) > 0
}

var tagX = []rules.Action{{Kind: "tag", Name: "x"}}

// language is expressions about the sample and whether they hold.
var language = map[string]bool{
	`N == 7`: true, `N != 7`: false, `N < 8 and N > 6`: true, `7 <= N`: true, `6 > N`: false, `N in 1..7`: true, `N in 8..9`: false,
	`N in [1, 7]`: true, `N not in [1, 7]`: false, `N in [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15]`: false, `N in [7.0, 1]`: true,
	`1 < N < 8`: true, `Small == -3`: true, `U > 59999`: true, `I32 == -70000`: true, `I32 in [-70000]`: true,
	`Big + 1 == Big`: true, `Big * 2 > 0`: true, `-Big - 5 < 0`: true, `N / 2 == 3.5`: true, `N % 4 == 3`: true, `abs(Small) == 3`: true,
	`min(N, 3) == 3`: true, `max(N, 3, 2.5) == 7`: true, `F >= 2.5`: true, `F * 2 == 5`: true, `F32 < F`: true, `-F < 0`: true, `N > F`: true,
	`Flag`: true, `not Flag`: false, `Flag == true`: true, `Flag == false`: false, `Flag != (N == 7)`: false, `!Flag or N == 7`: true,
	`S contains "Saat"`: true, `S startsWith "Ş"`: true, `S endsWith "x"`: false, `not (S startsWith "x")`: true, `S not contains "Saat"`: false,
	`S < "Z"`: false, `S == "Şişli Saat"`: true, `City != "x"`: true, `len(S) == 10`: true,
	`fold(City) == "istanbul"`: true, `fold(City) == "ISTANBUL"`: true, `"Istanbul" == fold(City)`: true, `fold(S) contains "ŞİŞLİ"`: true,
	`fold(City) in ["ankara", "İstanbul"]`: true, `fold(S) startsWith "sis"`: true, `fold(S) endsWith "saat"`: true, `fold(City) != "izmir"`: true,
	`"battery" in Tags`: true, `"t0" in Tags and "t69" in Tags`: true, `"none" in Tags`: false, `"none" not in Tags`: true, `"vip" in Labels`: true,
	`"gold" in Labels`: false, `len(Tags) == 71`: true, `len(Labels) == 2`: true, `len(Orders) == 3`: true,
	`any(Orders, .Channel == "web" && .Amount > 60)`: true, `all(Orders, .Amount > 60)`: false, `none(Orders, .Amount > 1000)`: true,
	`one(Orders, .Gift)`: true, `count(Orders, .Channel == "web") == 2`: true, `sum(Orders, .Amount) == 1050`: true,
	`sum(filter(Orders, .Channel == "web"), .Amount) == 150`: true, `len(filter(Orders, not .Returned)) == 2`: true,
	`any(filter(Orders, .Channel == "web"), .Returned)`: true, `all(filter(Orders, .Channel == "web"), .Amount <= 100)`: true,
	`count(filter(filter(Orders, .Channel == "web"), .Gift), .Amount == 100) == 1`: true, `none(filter(Orders, .Gift), .Amount > 100)`: true,
	`any(Orders, any(.Lines, .Price == 500))`: true, `any(Orders, sum(.Lines, .Price) == .Amount)`: true, `any(Orders, len(.Lines) == 2)`: true,
	`any(visits, true)`: false, `all(visits, false)`: true, `sum(visits, .Amount) == 0`: true, `any(Orders, N == 7 and .DaysAgo == 1)`: true,
	`Flag ? N == 7 : false`: true, `(Flag ? N : 0) == 7`: true, `(Flag ? "a" : S) == "a"`: true, `(Flag ? 1.5 : N) == 1.5`: true,
	// null
	`Score == 3`: true, `Score != nil`: true, `Ratio == nil`: true, `Ratio == 1.0`: false, `Ratio != 1.0`: false, `not (Ratio == 1.0)`: true,
	`Ratio + 1 > 0`: false, `(Ratio ?? 0.5) == 0.5`: true, `(Score ?? 9) == 3`: true, `Nick == "x"`: false, `(Nick ?? "x") == "x"`: true,
	`Nick in ["x"]`: false, `Nick not in ["x"]`: true, `Nick contains ""`: false, `Maybe`: false, `not Maybe`: true, `Maybe == nil`: true,
	`N / (N - 7) > 0`: false, `N / (N - 7) <= 0`: false, `N % (N - 7) == 0`: false, `Last == nil`: true, `daysSince(Last) >= 0`: false,
	`any(Orders, .Score > 4)`: true, `sum(Orders, .Score) == 5`: true, `count(Orders, .Note == nil) == 2`: true, `abs(Score) == 3`: true,
	`(Flag ? Score : N) == 3`: true, `min(Score, N) == 3`: true, `min(Ratio, F) == 2.5`: false,
	// time: born on 1 March local time, because it was 22:30 UTC
	`daysToAnniversary(Born) == 0`: true, `year(Born) == 1988 and month(Born) == 3 and monthDay(Born) == 1`: true,
	`Born == date("1988-03-01")`: true, `Born < date("1990-01-01")`: true, `Born >= date("1988-03-02")`: false, `weekday(today()) == 6`: true,
	`today() == date("2025-03-01")`: true, `daysSince(Born) == 13514`: true, `daysUntil(date("2025-03-08")) == 7`: true, `Born <= Born`: true,
	`daysSince(date("2024-02-29")) == 366`: true, `daysToAnniversary(date("2000-02-29")) == 364`: true,
}

func languageTexts() []string { return slices.Sorted(maps.Keys(language)) }

func TestLanguage(t *testing.T) {
	s := factsSchema(t)
	f := sample(s)
	zone, err := time.LoadLocation("Europe/Istanbul")
	require.NoError(t, err)
	m := rules.NewMoment(time.Date(2025, 3, 1, 18, 0, 0, 0, time.UTC), zone)
	for text, want := range language {
		require.Equal(t, want, holds(t, s, f, m, text), text)
	}
}

func TestCompileFaults(t *testing.T) {
	s := factsSchema(t)
	for text, want := range map[string]string{
		`Tgas == 1`:                     `1:1: r: when: unknown name Tgas (did you mean Tags?)`,
		`N == 1 and "x" in Tgs`:         `1:19: r: when: unknown name Tgs (did you mean Tags?)`,
		`any(Orders, .Chanel == "web")`: `1:14: r: when: unknown field Chanel (did you mean Channel?)`,
		`any(Orders, Channel == "web")`: `unknown name Channel (did you mean .Channel, the row's field?)`,
		`N == "a"`:                      `1:3: r: when: == cannot compare int with string`,
		`N`:                             `must be true or false, not a value of kind int`,
		`N + "a" == "b"`:                `texts cannot be joined in a rule`,
		`Orders[0].Amount > 1`:          `indexes are not part of the rule language`,
		`Orders.Amount > 1`:             `Orders has many rows: use any(Orders, .Amount …)`,
		`row.Amount > 1`:                `row is known only in a rule with each`,
		`N in []`:                       `the list is empty`,
		`N in ["a"]`:                    `the list holds a value of kind string, int is looked for`,
		`S in Tags`:                     `a tag must be a constant text`,
		`fold(S)`:                       `fold(…) must be compared`,
		`fold(S) == City`:               `fold(…) can be compared with a constant text only`,
		`N == nil`:                      `this can never be nil`,
		`(N ?? 1) == 1`:                 `the value before ?? can never be nil`,
		`Born > "2020-01-01"`:           `1:6: r: when: > cannot compare time with string: write date("2025-01-31")`,
		`date("2020-13-01") == today()`: `"2020-13-01" is no date`,
		`Born - today() > 3`:            `days are counted by daysSince(…)`,
		`lenn(Orders) > 1`:              `the function lenn is not part of the rule language (did you mean len?)`,
		`len(Orders, 1) > 1`:            `len has 2 arguments: use len(Rows), len(Tags) or len(text)`,
		`count(Orders) > 1`:             `count has 1 arguments`,
		`N == 1 &&`:                     `1:`,
		`N == 1)`:                       `unexpected token`,
		`N / 0 > 1`:                     `division by zero`,
		`let x = 1; x == 1`:             `let is not part of the rule language`,
		`Flag; Flag`:                    `; is not part of the rule language`,
		`{"a": 1} == nil`:               `maps are not part of the rule language`,
		`S[1:2] == "a"`:                 `slices are not part of the rule language`,
		`S matches "(a+)+b"`:            `the operator matches is not part of the rule language`,
		`2 ** 3 == N`:                   `the operator ** is not part`,
		`Flag > Flag`:                   `> cannot compare true and false`,
		`$env == nil`:                   `unknown name $env`,
		`Hidden == ""`:                  `unknown name Hidden`,
		`filter(Orders, .Gift) == nil`:  `filter can stand only within`,
		`any(Tags, # == "x")`:           `rows are needed here, not a value of kind tags`,
		`any(Orders, #index == 1)`:      `#index is not part of the rule language`,
		`any(Orders, any(visits, any(.Lines, true)))`: `loops may be nested 2 deep`,
		``:       `must not be empty`,
		"a\xffb": `is not valid UTF-8`,
	} {
		_, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
		require.Error(t, err, text)
		require.Contains(t, err.Error(), want, text)
	}
}

func TestAllFaultsOfAnExpression(t *testing.T) {
	_, err := factsSchema(t).Compile(&rules.Book{Rules: []rules.Rule{{
		Name: "r", When: "Nn == 1\n  and Cty == 2 and Flg", Then: tagX,
	}}})
	require.EqualError(t, err, `rules: 3 faults
1:1: r: when: unknown name Nn (did you mean N?)
 | Nn == 1
 | ^
2:7: r: when: unknown name Cty (did you mean City?)
 |   and Cty == 2 and Flg
 |       ^
2:20: r: when: unknown name Flg (did you mean Flag?)
 |   and Cty == 2 and Flg
 |                    ^`)
}

// allocated returns how many bytes do took from the heap, its garbage included: work that
// runs away shows in it on any machine, fast or slow.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAttacks holds the corpus of rules-and-segments.md, section 3, and more.
func TestAttacks(t *testing.T) {
	s := factsSchema(t)
	type wide struct {
		P []order `rule:",max=40"`
		S string  `rule:",max=1000"`
	}
	w, err := rules.NewSchema[wide](rules.Options{})
	require.NoError(t, err)
	deep := strings.Repeat("all(P, ", 5) + ".DaysAgo == 0" + strings.Repeat(")", 5)
	for _, text := range []string{
		`reduce(1..40, #acc + #acc, "x") == ""`,
		deep,
		`any(1..900, any(1..900, # == 0))`,
		`replace(replace(S,"a",S),"a",S) == ""`,
		`repeat("x", 1e8) == ""`, `all(1..1000000000, # > 0)`, `len(repeat("x", 100)) > 0`,
		`S matches "(a+)+b"`, `S + S + S == ""`, `len(S + S) > 1`, `map(P, .DaysAgo) == []`, `sortBy(P, .DaysAgo) == []`,
		`toJSON(P) == ""`, `flatten([P, P]) == []`, `concat(P, P) == []`, `groupBy(P, .Channel) == {}`, `now() > now()`,
		`P | filter(.Gift) | any(.Gift) and reduce(P, 1) == 1`, `split(S, "") == []`, `type(S) == "string"`, `let a = P; any(a, .Gift)`,
		`(1 .. 1000000000) == nil`, `1 in 1..P`, `$env.S == ""`, `get(P, 0) == nil`, `P[0].Gift`, `P?.Gift`, `S.Foo() == 1`,
		strings.Repeat("(", 100_000), strings.Repeat("!", 100_000) + "true", strings.Repeat("(", 2000) + "true", strings.Repeat("true and ", 10_001) + "true",
		strings.Repeat("[", 3000), strings.Repeat("any(P, ", 500), "\x00", "`", "\"", "'\\u{110000}' == S", strings.Repeat("true?true:", 400) + "1",
		"date(S) == today()", `"` + strings.Repeat("x", 5000) + `" == S`, "any(P, any(P, any(P, true)))", "1e999 > 1", "99999999999999999999 > 1", "#acc == 1", ".Gift", "::any(P, true) and now()",
	} {
		var err error
		used := allocated(func() {
			_, err = w.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
		})
		require.Error(t, err, "%.60s", text)
		var ce *rules.CompileError
		require.ErrorAs(t, err, &ce)
		require.Less(t, len(err.Error()), 20_000)
		require.Less(t, used, uint64(64<<20), "%.60s", text)
	}
	// Nested loops over what the schema declares are admitted by their cost.
	small := `any(Orders, any(visits, .DaysAgo == 3))`
	set, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: small, Then: tagX}}})
	require.NoError(t, err)
	require.Less(t, set.Cost("r"), int64(2000))
	type huge struct {
		A []order
		B []order
	}
	h, err := rules.NewSchema[huge](rules.Options{})
	require.NoError(t, err)
	_, err = h.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: `any(A, any(B, .Gift))`, Then: tagX}}})
	require.ErrorContains(t, err, "steps, at most 200000 are allowed")
}

func TestConditionsCannotExplode(t *testing.T) {
	s := factsSchema(t)
	book := rules.Book{Conditions: []rules.Condition{{Name: "c0", Expr: "N == 1 or F > 2"}}}
	for i := 1; i < 60; i++ {
		book.Conditions = append(book.Conditions, rules.Condition{Name: fmt.Sprintf("c%d", i), Expr: fmt.Sprintf("c%d and not c%d", i-1, i-1)})
	}
	book.Rules = []rules.Rule{{Name: "r", When: "c59", Then: tagX}}
	_, err := s.Compile(&book)
	require.ErrorContains(t, err, "more than 1000 nodes")

	_, err = s.Compile(&rules.Book{
		Conditions: []rules.Condition{{Name: "a", Expr: "b or Flag"}, {Name: "b", Expr: "c"}, {Name: "c", Expr: "a"}},
		Rules:      []rules.Rule{{Name: "r", When: "a", Then: tagX}},
	})
	require.ErrorContains(t, err, "a -> b -> c -> a")

	_, err = s.Compile(&rules.Book{
		Conditions: []rules.Condition{{Name: "two", Expr: "any(Orders, any(.Lines, .Price > 1))"}},
		Rules:      []rules.Rule{{Name: "r", When: "any(visits, two)", Then: tagX}},
	})
	require.ErrorContains(t, err, "nested 2 deep, those of condition two included")
}

func TestBoundsAreHeld(t *testing.T) {
	s := factsSchema(t)
	set, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: "len(visits) >= 0 and any(Orders, any(.Lines, true))", Then: tagX}}})
	require.NoError(t, err)
	var be *rules.BoundsError
	_, err = set.Evening(nil, &facts{Orders: make([]order, 21)}, evening)
	require.ErrorAs(t, err, &be)
	require.Equal(t, rules.BoundsError{Field: "Orders", Len: 21, Max: 20}, *be)
	_, err = set.Evening(nil, &facts{Orders: []order{{Lines: make([]line, 9)}}}, evening)
	require.ErrorContains(t, err, "facts have 9 Lines, at most 8 are declared")
}

func TestNoAllocations(t *testing.T) {
	s := factsSchema(t)
	f := sample(s)
	var book rules.Book
	for i, text := range []string{
		`N == 7 and Flag`, `fold(City) == "istanbul"`, `any(Orders, .Channel == "store" and any(.Lines, .Price > 1))`, `sum(Orders, .Amount) > 1`,
		`"battery" in Tags and "vip" in Labels`, `daysSince(Born) > 1 and daysToAnniversary(Born) >= 0`, `Nick == "x" or Ratio > 1 or (Score ?? 2) == 3`,
		`N in [1,2,3,4,5,6,7,8,9,10,11,12,13,14]`, `S contains "Saat" and len(S) > 3`,
	} {
		book.Rules = append(book.Rules, rules.Rule{Name: fmt.Sprint("r", i), When: text, Then: tagX})
	}
	book.Rules = append(book.Rules, rules.Rule{Name: "each", Each: "Orders", When: `row.Amount > 60`, Then: tagX})
	set, err := s.Compile(&book)
	require.NoError(t, err)
	dst := make([]rules.Firing, 0, 32)
	require.Zero(t, testing.AllocsPerRun(100, func() { dst, _ = set.Evening(dst[:0], f, evening) }))
	var names []string
	for _, f := range dst {
		names = append(names, f.Rule.Name)
	}
	require.Equal(t, []string{"each", "each", "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"}, names)
}

func TestSchemaFaults(t *testing.T) {
	type bad struct {
		A  chan int `rule:"a"`
		B  string   `rule:"any"`
		C  int      `rule:"C,max=3"`
		D  string   `rule:"D,max=x"`
		E  string   `rule:"C"`
		F  string   `rule:"a b"`
		in int      `rule:"in"`
	}
	_, err := rules.NewSchema[bad](rules.Options{})
	for _, want := range []string{"field A: rules cannot read a chan int", "the name any is taken", "max is of no use for a int",
		`not "x"`, "the name C is used twice", `"a b" is no name`, "field in: is not exported"} {
		require.ErrorContains(t, err, want)
	}
	_ = bad{}.in
	_, err = rules.NewSchema[int](rules.Options{})
	require.ErrorContains(t, err, "facts must be a struct")
	_, err = rules.NewSchema[struct{ C chan int }](rules.Options{})
	require.ErrorContains(t, err, "has no field")

	fields := factsSchema(t).Fields()
	require.Equal(t, "Orders", fields[18].Name)
	require.Equal(t, rules.Rows, fields[18].Kind)
	require.Equal(t, "newest first", fields[18].Doc)
	require.Equal(t, 20, fields[18].Max)
	require.True(t, fields[12].Nullable)
}
