package value

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// lives returns customers and what each buys in the time after their age.
func lives(r *rand.Rand, n int, m BGNBD, longest, after float64) (all []Purchases, then []int) {
	for range n {
		p, next := Purchases{Age: longest * (0.5 + r.Float64()/2)}, 0
		rate := gammaDraw(r, m.R) / m.Alpha
		a, b := gammaDraw(r, m.A), gammaDraw(r, m.B)
		chance := a / (a + b)
		for at := r.ExpFloat64() / rate; at < p.Age+after; at += r.ExpFloat64() / rate {
			if at < p.Age {
				p.Repeats++
				p.Last = at
			} else {
				next++
			}
			if r.Float64() < chance {
				break
			}
		}
		all, then = append(all, p), append(then, next)
	}
	return all, then
}

// TestIntervalsCover simulates shops, fits each and looks how often the intervals of 90 % hold what
// comes: of all customers together 88 to 92 % at full size, VEFA_LONG=1; of each at least 90 %, and not by
// more than whole numbers make of it.
func TestIntervalsCover(t *testing.T) {
	shops := 60
	if os.Getenv("VEFA_LONG") == "1" {
		shops = 4000
	}
	r := rand.New(rand.NewPCG(3, 4))
	truth := BGNBD{.6, 5, .8, 2.5}
	within, each, ones, random := 0, 0, 0, 0.0
	for range shops {
		all, then := lives(r, 400, truth, 40, 20)
		s := condensed(t, all)
		m, fit, err := FitBGNBD(t.Context(), s)
		if bound := (*BoundaryError)(nil); !errors.As(err, &bound) { // which one in thousands has
			require.NoError(t, err)
		}
		got, err := PredictAll(m, fit, s, 20, .9)
		require.NoError(t, err)
		sum := 0
		for _, n := range then {
			sum += n
		}
		if float64(sum) >= got.Low && float64(sum) <= got.High {
			within++
		}
		for i := 0; i < len(all); i += 40 {
			one, err := Predict(m, all[i], 20, .9)
			require.NoError(t, err)
			ones++
			if n := float64(then[i]); n >= one.Low && n <= one.High {
				each++
			}
			// The probability of what came or less, where it lies within the step drawn at random, is uniform if the
			// distribution is right.
			below := 0.0
			for n := range then[i] {
				below += m.ProbabilityAfter(all[i], n, 20)
			}
			if u := below + r.Float64()*m.ProbabilityAfter(all[i], then[i], 20); u > .05 && u < .95 {
				random++
			}
		}
	}
	share := float64(within) / float64(shops)
	t.Logf("of %d shops %.2f %% within; of %d customers %.2f %%, and %.2f %% by the distribution itself", shops, 100*share, ones, 100*float64(each)/float64(ones), 100*random/float64(ones))
	slack := 0.02 + 3*math.Sqrt(.09/float64(shops)) // 2 points, and chance
	require.InDelta(t, .9, share, slack)
	require.InDelta(t, .9, random/float64(ones), 0.01+3*math.Sqrt(.09/float64(ones)))
	require.GreaterOrEqual(t, float64(each)/float64(ones), .89)
}

func TestPredictRefuses(t *testing.T) {
	for _, bad := range []struct{ t, level float64 }{{-1, .9}, {math.NaN(), .9}, {1, 0}, {1, 1}, {1, math.NaN()}} {
		_, err := Predict(paperBG, Purchases{}, bad.t, bad.level)
		require.ErrorIs(t, err, ErrData)
		_, err = PredictAll(paperBG, Fit{}, condensed(t, []Purchases{{}}), bad.t, bad.level)
		require.ErrorIs(t, err, ErrData)
	}
	_, err := Predict(paperBG, Purchases{Repeats: -1}, 1, .9)
	require.ErrorIs(t, err, ErrData)
}
