package experiment

import (
	"errors"
	"fmt"
	"math"
)

// ErrInput is the kind of every error of this package's functions about their
// arguments.
var ErrInput = errors.New("experiment: invalid input")

// Interval is a confidence interval.
type Interval struct {
	// Both ends belong to it, in the unit of the figure.
	Lo float64 `json:"lo"`
	Hi float64 `json:"hi"`
}

// quantile returns the two-sided normal quantile of a confidence level: 1.96 for 0.95.
func quantile(confidence float64) (float64, error) {
	if !(confidence > 0 && confidence < 1) {
		return 0, fmt.Errorf("%w: confidence %v is not between 0 and 1", ErrInput, confidence)
	}
	return math.Sqrt2 * math.Erfinv(confidence), nil
}

func checkShare(name string, k, n int64) error {
	if n <= 0 || k < 0 || k > n {
		return fmt.Errorf("%w: %s has %d of %d", ErrInput, name, k, n)
	}
	return nil
}

// wilson returns the score interval of k successes in n > 0 trials:
// centre (p+z²/2n)/(1+z²/n), half-width z√(p(1-p)/n+z²/4n²)/(1+z²/n).
// E. B. Wilson, JASA 22 (1927).
func wilson(k, n int64, z float64) Interval {
	m := float64(n)
	p := float64(k) / m
	d := 1 + z*z/m
	c := (p + z*z/(2*m)) / d
	w := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m)) / d
	i := Interval{math.Max(0, c-w), math.Min(1, c+w)}
	if k == 0 {
		i.Lo = 0
	}
	if k == n {
		i.Hi = 1
	}
	return i
}

// newcombe returns the interval of p1-p0 by his method 10, from the Wilson
// limits of both. R. G. Newcombe, Statistics in Medicine 17 (1998).
func newcombe(k1, n1, k0, n0 int64, confidence float64) (Interval, error) {
	z, err := quantile(confidence)
	if err = errors.Join(err, checkShare("treatment", k1, n1), checkShare("control", k0, n0)); err != nil {
		return Interval{}, err
	}
	p1, p0 := float64(k1)/float64(n1), float64(k0)/float64(n0)
	a, b := wilson(k1, n1, z), wilson(k0, n0, z)
	d := p1 - p0
	return Interval{d - math.Hypot(p1-a.Lo, b.Hi-p0), d + math.Hypot(a.Hi-p1, p0-b.Lo)}, nil
}

// katz returns the log interval of the ratio p1/p0:
// exp(ln(p1/p0) ± z√(1/k1-1/n1+1/k0-1/n0)). D. Katz and others, Biometrics 34
// (1978). Both counts of successes must be positive.
func katz(k1, n1, k0, n0 int64, confidence float64) (ratio float64, i Interval, err error) {
	z, err := quantile(confidence)
	if err = errors.Join(err, checkShare("treatment", k1, n1), checkShare("control", k0, n0)); err != nil {
		return 0, Interval{}, err
	}
	if k1 == 0 || k0 == 0 {
		return 0, Interval{}, fmt.Errorf("%w: the ratio of %d and %d successes has no log interval", ErrInput, k1, k0)
	}
	ratio = (float64(k1) / float64(n1)) / (float64(k0) / float64(n0))
	w := z * math.Sqrt(1/float64(k1)-1/float64(n1)+1/float64(k0)-1/float64(n0))
	l := math.Log(ratio)
	return ratio, Interval{math.Exp(l - w), math.Exp(l + w)}, nil
}

// twoProportions returns the pooled z statistic of p1-p0 and its two-sided p
// value. Where nobody or everybody converted there is no difference to test: z
// is 0 and p is 1.
func twoProportions(k1, n1, k0, n0 int64) (z, p float64, err error) {
	if err := errors.Join(checkShare("treatment", k1, n1), checkShare("control", k0, n0)); err != nil {
		return 0, 0, err
	}
	pool := float64(k1+k0) / float64(n1+n0)
	v := pool * (1 - pool) * (1/float64(n1) + 1/float64(n0))
	if v == 0 {
		return 0, 1, nil
	}
	z = (float64(k1)/float64(n1) - float64(k0)/float64(n0)) / math.Sqrt(v)
	return z, math.Erfc(math.Abs(z) / math.Sqrt2), nil
}

// mismatchAlarm is the p value below which the split of an experiment counts as
// broken.
const mismatchAlarm = 0.001

// mismatch tests assigned counts against the shares they were drawn with (sample
// ratio mismatch): Pearson's χ² with one degree of freedom less than there are
// arms, and its p value. The shares need not sum to 1.
func mismatch(counts []int64, shares []float64) (chi2, p float64, err error) {
	if len(counts) != len(shares) || len(counts) < 2 {
		return 0, 0, fmt.Errorf("%w: %d counts and %d shares", ErrInput, len(counts), len(shares))
	}
	var n, total float64
	for i, c := range counts {
		if c < 0 || !(shares[i] > 0) || math.IsInf(shares[i], 0) {
			return 0, 0, fmt.Errorf("%w: arm %d has count %d and share %v", ErrInput, i, c, shares[i])
		}
		n += float64(c)
		total += shares[i]
	}
	if n == 0 {
		return 0, 1, nil
	}
	for i, c := range counts {
		want := n * shares[i] / total
		chi2 += (float64(c) - want) * (float64(c) - want) / want
	}
	return chi2, chiSquareTail(chi2, len(counts)-1), nil
}

// chiSquareTail returns P(X >= x) for χ² with df degrees of freedom, by the
// finite sums for whole and half-whole gamma arguments (Abramowitz and Stegun
// 26.4.4 and 26.4.5).
func chiSquareTail(x float64, df int) float64 {
	if x <= 0 {
		return 1
	}
	if df%2 == 0 {
		term, sum := 1.0, 1.0
		for i := 1; i < df/2; i++ {
			term *= x / 2 / float64(i)
			sum += term
		}
		return math.Min(1, math.Exp(-x/2)*sum)
	}
	tail := math.Erfc(math.Sqrt(x / 2))
	term := math.Sqrt(2*x/math.Pi) * math.Exp(-x/2)
	for i := 1; i <= (df-1)/2; i++ {
		tail += term
		term *= x / float64(2*i+1)
	}
	return math.Min(1, tail)
}
