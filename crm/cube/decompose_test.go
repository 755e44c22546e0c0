package cube

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestDecomposeByHand: of two products the dear one is sold more often, and both cost more.
func TestDecomposeByHand(t *testing.T) {
	before := []Sold{{[]string{"watch"}, 10, 10_000}, {[]string{"strap"}, 30, 3_000}}
	after := []Sold{{[]string{"watch"}, 20, 24_000}, {[]string{"strap"}, 30, 3_600}}
	parts, err := Decompose([]string{"product"}, before, after)
	require.NoError(t, err)
	require.Equal(t, []string{"volume", "mix of product", "price"}, []string{parts[0].Name, parts[1].Name, parts[2].Name})
	// The four pairs of volume, mix and price, by the definition.
	v := func(volume, mix, price int) float64 {
		pieces := []float64{40, 50}[volume]
		watches := []float64{10. / 40, 20. / 50}[mix]
		return pieces * (watches*[]float64{1000, 1200}[price] + (1-watches)*[]float64{100, 120}[price])
	}
	volume := (2*(v(1, 0, 0)-v(0, 0, 0)) + (v(1, 1, 0) - v(0, 1, 0)) + (v(1, 0, 1) - v(0, 0, 1)) + 2*(v(1, 1, 1)-v(0, 1, 1))) / 6
	price := (2*(v(0, 0, 1)-v(0, 0, 0)) + (v(1, 0, 1) - v(1, 0, 0)) + (v(0, 1, 1) - v(0, 1, 0)) + 2*(v(1, 1, 1)-v(1, 1, 0))) / 6
	require.InDelta(t, volume, parts[0].Amount, 1)
	require.InDelta(t, price, parts[2].Amount, 1)
	require.Equal(t, int64(27_600-13_000), parts[0].Amount+parts[1].Amount+parts[2].Amount)
	// Only what changed has a part.
	same, err := Decompose([]string{"product"}, before, before)
	require.NoError(t, err)
	require.Equal(t, []Part{{"volume", 0}, {"mix of product", 0}, {"price", 0}}, same)
	twice := []Sold{{[]string{"watch"}, 20, 20_000}, {[]string{"strap"}, 60, 6_000}}
	more, err := Decompose([]string{"product"}, before, twice)
	require.NoError(t, err)
	require.Equal(t, []Part{{"volume", 13_000}, {"mix of product", 0}, {"price", 0}}, more)
}

// TestDecomposeLeavesNothing: whatever the periods, the parts add up to the change to the kuruş, and
// the order of what was sold is nothing.
func TestDecomposeLeavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels := []string{"employee", "customer", "product"}[:rapid.IntRange(0, 3).Draw(t, "levels")]
		period := func(name string) (all []Sold, sum int64) {
			seen := map[string]bool{}
			for range rapid.IntRange(0, 12).Draw(t, name) {
				s := Sold{Key: []string{}, Pieces: rapid.Int64Range(1, 1000).Draw(t, "pieces"), Amount: rapid.Int64Range(-1e6, 1e12).Draw(t, "amount")}
				for range levels {
					s.Key = append(s.Key, fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "key")))
				}
				if k := fmt.Sprint(s.Key); !seen[k] {
					seen[k] = true
					all = append(all, s)
					sum += s.Amount
				}
			}
			return all, sum
		}
		before, was := period("before")
		after, is := period("after")
		parts, err := Decompose(levels, before, after)
		require.NoError(t, err)
		require.Len(t, parts, len(levels)+2)
		var sum int64
		for _, p := range parts {
			sum += p.Amount
		}
		require.Equal(t, is-was, sum)
		back, err := Decompose(levels, after, before)
		require.NoError(t, err)
		for i, p := range parts { // what came goes
			require.InDelta(t, -p.Amount, back[i].Amount, 2+1e-9*math.Abs(float64(p.Amount)))
		}
	})
}

// TestShapley: the value is that of the definition over all orders, causes that are alike have alike
// parts, and one that does nothing has none.
func TestShapley(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "n")
		values := rapid.SliceOfN(rapid.Int64Range(-1e6, 1e6), 1<<n, 1<<n).Draw(t, "values")
		got := Shapley(n, func(come uint) int64 { return values[come] })
		sums, orders := make([]float64, n), 0
		var walk func(come uint, gains []float64)
		walk = func(come uint, gains []float64) {
			if come == 1<<n-1 {
				orders++
				for i, g := range gains {
					sums[i] += g
				}
				return
			}
			for i := range n {
				if come>>i&1 == 0 {
					g := append([]float64(nil), gains...)
					g[i] = float64(values[come|1<<i] - values[come])
					walk(come|1<<i, g)
				}
			}
		}
		walk(0, make([]float64, n))
		var total int64
		for i, v := range got {
			require.InDelta(t, sums[i]/float64(orders), float64(v), 1)
			total += v
		}
		require.Equal(t, values[1<<n-1]-values[0], total)
	})
	require.Equal(t, []int64{34, 33, 33, 0}, Shapley(4, func(come uint) int64 {
		if come&7 == 7 {
			return 100
		}
		return 0
	}))
	require.Nil(t, Shapley(0, nil))
	require.Nil(t, Shapley(17, nil))
}

func TestBadSold(t *testing.T) {
	for want, bad := range map[string][]Sold{
		"after 0: a key of 1 for 2 levels":    {{[]string{"a"}, 1, 1}},
		"after 0: -1 pieces":                  {{[]string{"a", "b"}, -1, 1}},
		"after 0: 0 pieces for 5":             {{[]string{"a", "b"}, 0, 5}},
		`after 1: the key ["a" "b"] is there`: {{[]string{"a", "b"}, 1, 5}, {[]string{"a", "b"}, 1, 5}},
	} {
		_, err := Decompose([]string{"x", "y"}, nil, bad)
		require.ErrorIs(t, err, ErrData)
		require.ErrorContains(t, err, want)
	}
	_, err := Decompose(make([]string, 7), nil, nil)
	require.ErrorIs(t, err, ErrData)
}
