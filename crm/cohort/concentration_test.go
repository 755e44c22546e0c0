package cohort

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestConcentrationIntervals: of samples of a distribution whose index and shares are known in closed form (log-normal with
// σ 0.8: Gini 2Φ(σ/√2)−1, the top tenth has 1−Φ(Φ⁻¹(0.9)−σ)), the intervals hold the truth in about 95 of 100.
func TestConcentrationIntervals(t *testing.T) {
	const sigma, runs, n = 0.8, 400, 500
	phi := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	gini, top := 2*phi(sigma/math.Sqrt2)-1, 1-phi(1.2815515655446004-sigma)
	r := rand.New(rand.NewPCG(5, 5))
	var held [2]int
	for range runs {
		amounts := make([]int64, n)
		for i := range amounts {
			amounts[i] = int64(10_000 * math.Exp(sigma*r.NormFloat64()))
		}
		c, err := Concentrate(amounts)
		require.NoError(t, err)
		low, high := c.GiniInterval()
		require.True(t, low < c.Gini() && c.Gini() < high)
		if low <= gini && gini <= high {
			held[0]++
		}
		_, share := c.Top(.1)
		low, high = c.TopInterval(.1)
		require.True(t, low < share && share < high)
		if low <= top && top <= high {
			held[1]++
		}
	}
	t.Log(held)
	for _, h := range held {
		require.InDelta(t, .94*runs, h, .035*runs)
	}
	for _, amounts := range [][]int64{{7}, {-1, 3}, {5, 5, 5}, {0, 0, 9}} {
		c, err := Concentrate(amounts)
		require.NoError(t, err)
		for _, p := range []float64{0, .1, .5, 1, math.NaN()} {
			low, high := c.TopInterval(p)
			require.True(t, low >= 0 && high <= 1 && low <= high, "%v %v", amounts, p)
		}
		low, high := c.GiniInterval()
		require.True(t, low >= 0 && high <= 1, "%v", amounts)
	}
	same, err := Concentrate([]int64{5, 5, 5})
	require.NoError(t, err)
	low, high := same.GiniInterval()
	require.Equal(t, []float64{0, 0}, []float64{low, high})
}
