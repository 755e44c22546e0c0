package experiment_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vefacrm/vefa/messaging/experiment"
)

// TestWelch holds the interval of two small samples to its definition.
func TestWelch(t *testing.T) {
	var a, b experiment.Spend
	for _, v := range []int64{20, 23, 18, 30, 27, 22, 25, 24} {
		a.Add(v)
	}
	for _, v := range []int64{15, 18, 20, 13, 17, 16, 19, 14, 12, 21} {
		b.Add(v)
	}
	e, err := experiment.CompareSpend(a, b, 0)
	require.NoError(t, err)
	require.InDelta(t, 23.625, e.Treated, 1e-9)
	require.InDelta(t, 16.5, e.HeldOut, 1e-9)
	require.InDelta(t, 7.125, e.Difference, 1e-9)
	// A standard error of 1.654044 on 13.220867 degrees of freedom, whose quantile is
	// 2.156706 by numeric integration of the density.
	require.InDelta(t, 7.125-3.567287, e.Interval.Lo, 0.001)
	require.InDelta(t, 7.125+3.567287, e.Interval.Hi, 0.001)
	for _, small := range []experiment.Spend{{}, {N: 1}} {
		_, err = experiment.CompareSpend(a, small, 0)
		require.ErrorIs(t, err, experiment.ErrInput)
	}
	_, err = experiment.CompareSpend(a, b, 2)
	require.ErrorIs(t, err, experiment.ErrInput)
	var none experiment.Spend
	none.Add(0)
	none.Add(0)
	e, err = experiment.CompareSpend(none, none, 0)
	require.NoError(t, err)
	require.Zero(t, e.Interval)
}

// TestSpendCovers: of 2,000 campaigns that change nothing and of 2,000 that bring 30 a
// unit, spending as shops see it (few buy, some of them much), the interval holds the
// truth in about 95 of 100.
func TestSpendCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, truth := range []float64{0, 30} {
		held := 0
		const runs = 2000
		for range runs {
			var arms [2]experiment.Spend
			for i := range arms {
				for range 400 {
					spent := 0.0
					if r.Float64() < 0.2 {
						spent = 500 * r.ExpFloat64()
					}
					if i == 0 && truth > 0 && r.Float64() < 0.1 {
						spent += 10 * truth
					}
					arms[i].Add(int64(spent + 0.5))
				}
			}
			e, err := experiment.CompareSpend(arms[0], arms[1], 0.95)
			require.NoError(t, err)
			if e.Interval.Lo <= truth && truth <= e.Interval.Hi {
				held++
			}
		}
		require.InDelta(t, 0.95, float64(held)/runs, 0.02, "truth %v", truth)
	}
}
