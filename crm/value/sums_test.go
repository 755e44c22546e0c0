package value

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// kahan adds up without the loss of small terms.
type kahan struct{ sum, lost float64 }

func (k *kahan) add(v float64) {
	y := v - k.lost
	t := k.sum + y
	k.lost = (t - k.sum) - y
	k.sum = t
}

// TestSums: sums over many integers are those of their terms.
func TestSums(t *testing.T) {
	worst := 0.0
	rapid.Check(t, func(t *rapid.T) {
		positive := func(name string) float64 { return math.Exp(rapid.Float64Range(-12, 12).Draw(t, name)) }
		r, a, b := positive("r"), positive("a"), positive("b")
		to := rapid.SampledFrom([]int{0, 1, 63, exactly, exactly + few, exactly + few + 1, 5000, 60_000}).Draw(t, "to")
		from := rapid.IntRange(0, to).Draw(t, "from")
		var want, whole [8]kahan
		for j := range to {
			y, p, q := r+float64(j), b+float64(j), a+b+float64(j)
			for i, v := range [8]float64{math.Log(y), 1 / y, 1 / (y * y), math.Log1p(a / p), 1 / q, a / p / q, 1 / (q * q), a / p / q * (1/p + 1/q)} {
				whole[i].add(math.Abs(v))
				if j >= from {
					want[i].add(v)
				}
			}
		}
		logs, inverses, squares := sumPowers(r, from, to)
		s := sumShares(a, b, from, to)
		for i, v := range [8]float64{logs, inverses, squares, s.logs, s.inverses, s.differences, s.squares, s.differences2} {
			off := math.Abs(v-want[i].sum) / max(whole[i].sum, math.SmallestNonzeroFloat64)
			require.LessOrEqual(t, off, 1e-13, "sum %d from %d to %d with r %v, a %v, b %v: %v, not %v", i, from, to, r, a, b, v, want[i].sum)
			worst = max(worst, off)
		}
	})
	t.Logf("off by %.2g at most", worst)
}
