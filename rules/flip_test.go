package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
)

func explainOne(t testing.TB, text string, f *facts) *rules.Explanation {
	t.Helper()
	set, err := factsSchema(t).Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
	require.NoError(t, err, text)
	x, err := set.Explain("r", f, evening)
	require.NoError(t, err)
	return x
}

func TestFlips(t *testing.T) {
	for _, c := range []struct {
		when string
		f    facts
		want []string
	}{
		{`N >= 5 and Flag`, facts{N: 3, Flag: true}, []string{"N 3 -> 5"}},
		{`N >= 5 and Flag`, facts{N: 3}, []string{"N 3 -> 5, Flag false -> true"}},
		{`N >= 5 or Flag`, facts{N: 3}, []string{"N 3 -> 5", "Flag false -> true"}},
		{`N >= 5 and Flag`, facts{N: 9, Flag: true}, []string{"N 9 -> 4", "Flag true -> false"}},
		// One number that several parts ask for changes in all of them.
		{`N > 5 and N < 8 and N != 6`, facts{N: 3}, []string{"N 3 -> 7"}},
		{`N > 5 and N < 6`, facts{N: 3}, nil},
		{`N == 5 or N == 9`, facts{N: 8}, []string{"N 8 -> 9"}},
		{`S == "a" and not Flag`, facts{S: "b"}, []string{`S "b" -> "a"`}},
		{`S in ["a", "b"]`, facts{S: "b"}, []string{`S "b" -> ≠ "a", "b"`}},
		{`"vip" in Tags and "red" not in Labels`, facts{}, []string{`"vip" in Tags false -> true`}},
		{`"vip" not in Labels`, facts{Labels: []string{"vip"}}, []string{`"vip" in Labels true -> false`}},
		{`count(Orders, .Gift) >= 2 and F > 2.5`, facts{F: 2.5, Orders: []order{{Gift: true}, {}}}, []string{"count(Orders, .Gift) 1 -> 2, F 2.5 -> 2.51"}},
		{`daysSince(Born) >= 10`, facts{Born: evening.Now().AddDate(0, 0, -3)}, []string{"daysSince(Born) 3 -> 10"}},
		{`Born < date("2000-01-01")`, facts{Born: evening.Now()}, []string{"Born 2025-03-01T20:00:00Z -> 1999-12-31"}},
		{`Ratio > 1`, facts{}, []string{"Ratio null -> 1.01"}},
		{`N + Small > 3 and N == 1`, facts{N: 1}, []string{"N + Small > 3 false -> true"}},
		{`fold(City) == "ankara"`, facts{City: "Bolu"}, []string{`fold(City) "Bolu" -> "ankara"`}},
		{`len(Orders) == 0 ? Flag : N > 1`, facts{}, []string{"len(Orders) == 0 ? Flag : N > 1 false -> true"}},
	} {
		var got []string
		for _, f := range explainOne(t, c.when, &c.f).Flips() {
			var parts []string
			for _, ch := range f.Changes {
				parts = append(parts, fmt.Sprintf("%s %s -> %s", ch.Text, ch.Value, ch.To))
			}
			got = append(got, strings.Join(parts, ", "))
		}
		require.Equal(t, c.want, got, c.when)
	}
	x := explainOne(t, `N >= 5 and Flag`, &facts{N: 3})
	require.Equal(t, "It would fire if:\n  N were 5 instead of 3 and Flag were true instead of false\n", x.FlipText("en"))
	require.Equal(t, "Şöyle olsaydı çalışırdı:\n  N 5 olsaydı (şimdi 3) ve Flag doğru olsaydı (şimdi yanlış)\n", x.FlipText("tr"))
	x = explainOne(t, `Ratio >= 5`, &facts{})
	require.Equal(t, "Şöyle olsaydı çalışırdı:\n  Ratio 5 olsaydı (şimdi boş)\n", x.FlipText("tr"))
}

// TestFlipsAreTrue changes the facts as flips say and looks whether the rule
// turns round; and no flip of one change is left out.
func TestFlipsAreTrue(t *testing.T) {
	schema := factsSchema(t)
	leaf := rapid.SampledFrom([]string{`N > 2`, `N == 4`, `N != 3`, `N in [1, 6]`, `Small < 2`, `Small >= 0`, `Flag`, `S == "a"`, `S != "b"`, `S in ["a", "b"]`, `"red" in Tags`, `"red" not in Tags`})
	var expr func(t *rapid.T, depth int) string
	expr = func(t *rapid.T, depth int) string {
		if depth == 0 {
			return leaf.Draw(t, "leaf")
		}
		switch rapid.IntRange(0, 3).Draw(t, "op") {
		case 0:
			return "(" + expr(t, depth-1) + " and " + expr(t, depth-1) + ")"
		case 1:
			return "(" + expr(t, depth-1) + " or " + expr(t, depth-1) + ")"
		case 2:
			return "not (" + expr(t, depth-1) + ")"
		}
		return leaf.Draw(t, "leaf")
	}
	rapid.Check(t, func(t *rapid.T) {
		text := expr(t, 3)
		set, err := schema.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
		require.NoError(t, err)
		f := facts{N: rapid.IntRange(0, 7).Draw(t, "N"), Small: int8(rapid.IntRange(-1, 3).Draw(t, "Small")), Flag: rapid.Bool().Draw(t, "Flag"),
			S: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "S")}
		red := rapid.Bool().Draw(t, "red")
		if red {
			f.Tags = schema.Tags().Set("red")
		}
		x, err := set.Explain("r", &f, evening)
		require.NoError(t, err)
		change := func(g *facts, ch rules.Value) {
			switch ch.Text {
			case "N":
				_, err := fmt.Sscan(ch.To, &g.N)
				require.NoError(t, err)
			case "Small":
				_, err := fmt.Sscan(ch.To, &g.Small)
				require.NoError(t, err)
			case "Flag":
				g.Flag = ch.To == "true"
			case "S":
				if g.S = strings.Trim(ch.To, `"`); strings.HasPrefix(ch.To, "≠") {
					g.S = "zzz"
				}
			case `"red" in Tags`:
				g.Tags = rules.TagSet{}
				if ch.To == "true" {
					g.Tags = schema.Tags().Set("red")
				}
			default:
				require.Fail(t, "unknown "+ch.Text)
			}
		}
		fires := func(g *facts) bool {
			got, err := set.Evening(nil, g, evening)
			require.NoError(t, err)
			return len(got) > 0
		}
		require.Equal(t, x.Fires, fires(&f))
		alone := map[string]bool{}
		for _, fl := range x.Flips() {
			g := f
			for _, ch := range fl.Changes {
				change(&g, ch)
			}
			require.NotEqual(t, x.Fires, fires(&g), "%s: %v", text, fl)
			if len(fl.Changes) == 1 {
				alone[fl.Changes[0].Text] = true
			}
		}
		for n := -1; n <= 8; n++ {
			g := f
			if g.N = n; fires(&g) != x.Fires {
				require.True(t, alone["N"], "%s: N %d -> %d", text, f.N, n)
			}
			g = f
			if g.Small = int8(n); fires(&g) != x.Fires {
				require.True(t, alone["Small"], text)
			}
		}
		g := f
		if g.Flag = !g.Flag; fires(&g) != x.Fires {
			require.True(t, alone["Flag"], text)
		}
		for _, s := range []string{"a", "b", "c"} {
			g = f
			if g.S = s; fires(&g) != x.Fires {
				require.True(t, alone["S"], text)
			}
		}
	})
}

func TestExplainGuards(t *testing.T) {
	set, err := compileYAML(t, `
conditions: {gone: N > 3}
rules:
  - {name: a, when: Flag, guard: F > 1, cancel_on: [gone, '"red" in Tags'], then: [{message: m, after: 1d}]}
`)
	require.NoError(t, err)
	x, err := set.Explain("a", &facts{Flag: true, N: 5}, evening)
	require.NoError(t, err)
	require.True(t, x.Fires)
	require.False(t, x.Cases[0].Guard.Pass)
	require.True(t, x.Cases[0].CancelOn[0].Pass)
	require.Equal(t, `Rule a fires.
  yes Flag (true)
  guard, when due:
    no  F > 1.0 (F is 0)
  cancelled if gone:
    yes N > 3 (N is 5)
  cancelled if "red" in Tags:
    no  "red" in Tags
`, x.String())
	require.Equal(t, "zamanı geldiğinde aranan koşul:", strings.TrimSpace(strings.Split(x.Text("tr"), "\n")[2]))
}

func BenchmarkFlips(b *testing.B) {
	set, err := factsSchema(b).Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", Then: tagX,
		When: `((S in ["gold", "platinum"] && N >= 4) || F >= 30000) && Small == 0 && I32 > 90 && (Flag || U > 0) && "staff" not in Tags`}}})
	require.NoError(b, err)
	f := &facts{S: "gold", N: 3, F: 100, I32: 91, Flag: true, Born: time.Now()}
	b.ReportAllocs()
	b.Run("Explain", func(b *testing.B) {
		for b.Loop() {
			if _, err := set.Explain("r", f, evening); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "µs/explanation")
	})
	b.Run("Flips", func(b *testing.B) {
		for b.Loop() {
			x, err := set.Explain("r", f, evening)
			if err != nil || len(x.Flips()) == 0 {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "µs/explanation")
	})
}
