package value

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWorthGolden(t *testing.T) {
	m, p := goldenBG(t), goldenOf(t, "gamma_gamma").Params
	gg := GammaGamma{p["p"], p["q"], p["v"]}
	year := Terms{Periods: 12, Length: 4.345, Discount: .01}
	var sum float64
	for _, r := range rows(t, "golden/cdnow_per_customer.csv.gz") {
		c := Purchases{Repeats: int(number(t, r[1])), Last: number(t, r[2]), Age: number(t, r[3])}
		got := year.Worth(m, c, gg.Expect(Spending{c.Repeats, number(t, r[4])}))
		require.InEpsilon(t, number(t, r[11]), got, 1e-8, r[0])
		sum += got
	}
	var sums map[string]float64
	require.NoError(t, json.Unmarshal(golden(t)["sums"], &sums))
	require.InEpsilon(t, sums["clv12_bg_w_1pct"], sum, 1e-9)
}

func TestWorthCosts(t *testing.T) {
	m, c := paperBG, Purchases{3, 20, 30}
	plain := Terms{Periods: 4, Length: 13}
	worth := plain.Worth(m, c, 100)
	require.InEpsilon(t, 100*m.ExpectAfter(c, 52), worth, 1e-12)
	half := plain
	half.Costs, half.PerPurchase = .5, 10
	require.InEpsilon(t, .4*worth, half.Worth(m, c, 100), 1e-12)
	kept := plain
	kept.PerPeriod = 1000
	alive := 0.0
	for i := 1.0; i <= 4; i++ {
		alive += m.AliveAfter(c, 13*i)
	}
	require.InEpsilon(t, worth-1000*alive, kept.Worth(m, c, 100), 1e-12)
	require.Negative(t, kept.Worth(m, c, 100))
	for _, bad := range []Terms{{}, {Periods: 1}, {Periods: 1, Length: 1, Discount: -1}, {Periods: 1, Length: 1, Costs: 2}, {Periods: 1, Length: 1, PerPeriod: -1}, {Periods: 1, Length: math.Inf(1)}} {
		require.ErrorIs(t, bad.Validate(), ErrData)
		require.True(t, math.IsNaN(bad.Worth(m, c, 1)))
	}
}

// own is a model of another package, of which only the interface is known.
type own struct{ Model }

// TestForecast: the polynomials say what the models do, of any age and number, also for a model
// that the package does not know.
func TestForecast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		positive := func(name string) float64 { return math.Exp(rapid.Float64Range(-3, 4).Draw(t, name)) }
		var m Model
		switch r, alpha, a, b := positive("r"), positive("alpha"), positive("a"), positive("b"); rapid.IntRange(0, 3).Draw(t, "model") {
		case 0:
			m = BGNBD{r, alpha, a, b}
		case 1:
			m = MBGNBD{r, alpha, a, b}
		case 2:
			m = ParetoNBD{r, alpha, a, b}
		default:
			m = own{Model: BGNBD{r, alpha, a, b}}
		}
		terms := Terms{Periods: rapid.IntRange(1, 5).Draw(t, "periods"), Length: positive("length"), Discount: .01, Costs: .3, PerPurchase: .1}
		if rapid.Bool().Draw(t, "kept") {
			terms.PerPeriod = .01
		}
		f, err := NewForecast(m, terms)
		require.NoError(t, err)
		for range 3 {
			p := Purchases{Repeats: rapid.IntRange(0, 2000).Draw(t, "repeats"), Age: rapid.Float64Range(0, 200).Draw(t, "age")}
			if p.Age < shortest {
				p.Age = 0
			}
			if p.Repeats > 0 {
				p.Last = p.Age * rapid.Float64Range(0, 1).Draw(t, "last")
			}
			want := terms.Worth(m, p, 7)
			require.InDelta(t, want, f.Worth(p, 7), 1e-12*(math.Abs(want)+7*m.ExpectAfter(p, terms.Length*float64(terms.Periods))), "%v %v", m, p)
			alive, _ := f.Expect(p)
			require.Equal(t, m.Alive(p), alive)
		}
		bad, n := f.Expect(Purchases{Repeats: -1})
		require.True(t, math.IsNaN(bad) && math.IsNaN(n))
	})
}
