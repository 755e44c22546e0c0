package rules_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vefacrm/vefa/rules"
	"github.com/vefacrm/vefa/rules/population"
)

type sale struct {
	Amount int64 `rule:",scale=2"`
	Pieces int
}

type account struct {
	Balance int64  `rule:",scale=2"`
	Rate    int32  `rule:",scale=4"`
	Limit   *int64 `rule:",scale=2"`
	N       int
	F       float64
	Sales   []sale `rule:",max=9"`
}

func TestDecimals(t *testing.T) {
	s, err := rules.NewSchema[account](rules.Options{})
	require.NoError(t, err)
	require.Equal(t, 2, s.Fields()[0].Scale)
	a := account{Balance: 125_050, Rate: 18_000, N: 3, F: 1250.5, Sales: []sale{{10, 1}, {20, 2}, {-5, 3}}}
	for text, want := range map[string]bool{
		`Balance == 1250.50`: true, `Balance == 1250.5`: true, `Balance > 1250.49 and Balance < 1250.51`: true, `Balance >= 1250`: true, `Balance > 1250.504`: false,
		`Balance > 1250.499999`: true, `1250.51 > Balance`: true, `Balance in [1, 1250.50]`: true, `Balance in [1, 1250.505]`: false, `Balance in 1250..1251`: true,
		`-Balance == -1250.5`: true, `-Balance < 0`: true, `Balance + 0.01 == 1250.51`: true, `Balance * 2 == 2501`: true, `Balance * 1.5 > 1875.7 and Balance * 1.5 < 1875.8`: true,
		`Balance / 2 == 625.25`: true, `Balance / N > 416.8`: true, `Balance > N`: true, `Balance < N * 1000`: true, `Balance == F`: true,
		`Rate == 1.8`: true, `Rate > 1.7999`: true, `Balance > Rate`: true, `Balance * Rate > 2250.8 and Balance * Rate < 2251`: true, `abs(-Balance) == 1250.5`: true,
		`min(Balance, 1000.25) == 1000.25`: true, `max(N, 2, Balance) == 1250.5`: true, `min(Balance, Rate, N) == 1.8`: true, `sum(Sales, .Amount) == 0.25`: true,
		`sum(filter(Sales, .Amount > 0.1), .Amount) == 0.20`: true, `sum(Sales, .Amount * .Pieces) == 0.35`: true, `any(Sales, .Amount == -0.05)`: true,
		`(Limit ?? 99.99) == 99.99`: true, `Limit == nil`: true, `Limit > 0.01`: false, `(N == 3 ? Balance : 0.01) == 1250.5`: true, `Balance == 92233720368547758.07`: false,
		`Balance < 99999999999999999999.0`: true, `Balance > spend`: true, `Balance > 2 * spend`: false, `spend < Balance`: true, `Balance + N == 1253.5`: true,
	} {
		set, err := s.Compile(&rules.Book{Parameters: []rules.Parameter{{Name: "spend", Expr: "1000.25"}}, Rules: []rules.Rule{{Name: "r", When: text, Then: tagX}}})
		require.NoError(t, err, text)
		got, err := set.Evening(nil, &a, evening)
		require.NoError(t, err)
		require.Equal(t, want, len(got) == 1, text)
		x, err := set.Explain("r", &a, evening)
		require.NoError(t, err)
		again, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: x.Cases[0].When.Text, Then: tagX}}})
		require.NoError(t, err, x.Cases[0].When.Text)
		got, err = again.Evening(nil, &a, evening)
		require.NoError(t, err)
		require.Equal(t, want, len(got) == 1, x.Cases[0].When.Text)
		pop, err := population.New(s, evening, slices.Values([]*account{&a}))
		require.NoError(t, err)
		m, err := pop.Evaluate(t.Context(), set, evening)
		require.NoError(t, err)
		n, _ := m.Count("r")
		require.Equal(t, want, n == 1, "columns: %s", text)
	}
	set, err := s.Compile(&rules.Book{
		Rules: []rules.Rule{{Name: "r", When: `Balance >= 2000 and sum(Sales, .Amount) < 0.2`, Then: tagX}},
		Tables: []rules.Table{{Rule: rules.Rule{Name: "t"}, Inputs: []rules.Column{{Expr: "Balance"}}, Outputs: []rules.Column{{Name: "v"}},
			Rows: []rules.TableRow{{When: []string{"< 1250.50"}, Then: []string{"low"}}, {When: []string{"1250.5..2000"}, Then: []string{"mid"}}, {When: []string{"> 2000.01"}, Then: []string{"high"}}}}},
	})
	require.NoError(t, err)
	x, err := set.Explain("r", &a, evening)
	require.NoError(t, err)
	require.Equal(t, "Rule r does not fire: Balance >= 2000.00 (Balance is 1250.50), sum(Sales, .Amount) < 0.20 (sum(Sales, .Amount) is 0.25).", firstLine(x.String()))
	require.Contains(t, x.FlipText("en"), "Balance were 2000.00 instead of 1250.50 and sum(Sales, .Amount) were 0.19 instead of 0.25")
	o, err := set.Decide("t", &a, -1, evening)
	require.NoError(t, err)
	require.Equal(t, "mid", o[0].Values["v"])
	require.Equal(t, "table t: gap: no row for: Balance is 2000.01", set.Lint(nil)[0].String())

	_, err = s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: "Balance % 2 == 0", Then: tagX}}})
	require.ErrorContains(t, err, "% needs two integers")
	_, err = rules.NewSchema[struct {
		A float64 `rule:",scale=2"`
	}](rules.Options{})
	require.ErrorContains(t, err, "scale belongs to integers")
	_, err = rules.Extend[added]([]rules.Field{{Name: "a", Kind: rules.Int, Scale: 12}}, rules.Options{})
	require.ErrorContains(t, err, "from 1 to 9")
}

// TestDecimalsAreExact compares decimals with what fractions say.
func TestDecimalsAreExact(t *testing.T) {
	s, err := rules.NewSchema[account](rules.Options{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		a := account{Balance: rapid.Int64Range(-1<<53, 1<<53).Draw(t, "balance")}
		if rapid.Bool().Draw(t, "small") {
			a.Balance %= 1000
		}
		digits := rapid.IntRange(0, 2).Draw(t, "digits")
		n := a.Balance + rapid.Int64Range(-2, 2).Draw(t, "near")
		literal := new(big.Rat).SetFrac64(n, 100)
		text := literal.FloatString(digits) // rounded where digits are left out
		literal.SetString(text)
		o := rapid.SampledFrom([]string{"==", "!=", "<", "<=", ">", ">="}).Draw(t, "op")
		set, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: fmt.Sprintf("Balance %s %s", o, text), Then: tagX}}})
		require.NoError(t, err)
		got, err := set.Evening(nil, &a, evening)
		require.NoError(t, err)
		c := new(big.Rat).SetFrac64(a.Balance, 100).Cmp(literal)
		want := map[string]bool{"==": c == 0, "!=": c != 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[o]
		require.Equal(t, want, len(got) == 1, "%d %s %s", a.Balance, o, text)
	})
	for _, when := range []string{"Balance == 70368744177669.680", "Balance == 70_368_744_177_669.68", "-Balance == -70368744177669.68", "Balance in [1, 70368744177669.68]", "Balance > 70368744177669.67", "Balance < 70368744177669.69", "Balance > .5", "Balance > 1e3"} {
		set, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: when, Then: tagX}}})
		require.NoError(t, err, when)
		got, err := set.Evening(nil, &account{Balance: 7036874417766968}, evening)
		require.NoError(t, err)
		require.Len(t, got, 1, when)
	}
	set, err := s.Compile(&rules.Book{Rules: []rules.Rule{{Name: "r", When: "Balance * 3 > 0 and Balance + Balance > 0", Then: tagX}}})
	require.NoError(t, err)
	got, err := set.Evening(nil, &account{Balance: math.MaxInt64}, evening)
	require.NoError(t, err)
	require.Len(t, got, 1, "integers stop at their ends")
}
