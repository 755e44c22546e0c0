package experiment

import (
	"fmt"
	"math"
)

// Spend sums up what units of one arm spent, those who spent nothing included. The
// zero value has no customers. Its sums are exact: the same units give the same figures to
// the bit, in whatever order they come.
type Spend struct {
	N       int64 // units
	Sum     int64 // of their amounts
	squares wide  // sum of their squares
}

// Add takes in one unit.
func (s *Spend) Add(amount int64) {
	s.N++
	s.Sum += amount
	s.squares.add(amount, amount)
}

// mean is the mean of the amounts; it needs a unit.
func (s *Spend) mean() float64 { return float64(s.Sum) / float64(s.N) }

// m2 is the sum of squared differences from the mean.
func (s *Spend) m2() float64 { return central(s.N, s.squares, s.Sum, s.Sum) }

// variance is the sample variance of the amounts; it needs two units.
func (s *Spend) variance() float64 { return s.m2() / float64(s.N-1) }

// sample is what is compared of an arm.
type sample struct {
	n        int64
	mean, m2 float64
}

func (s *Spend) sample() sample { return sample{s.N, s.mean(), s.m2()} }

// Extra is what treatment changed of what units spend, by intention to treat.
type Extra struct {
	Treated    float64  // mean of a unit of treatment
	HeldOut    float64  // mean of a unit of the holdout
	Difference float64  // of the two
	Interval   Interval // of the difference: Welch's
}

// CompareSpend compares the two arms at a confidence level (0 means 0.95). Each needs
// two units, else it is ErrInput. Spending is skewed: with fewer than some hundreds in
// an arm the interval is a rough one.
func CompareSpend(treated, heldOut Spend, confidence float64) (Extra, error) {
	if confidence == 0 {
		confidence = 0.95
	}
	z, err := quantile(confidence)
	if err != nil {
		return Extra{}, err
	}
	if treated.N < 2 || heldOut.N < 2 {
		return Extra{}, fmt.Errorf("%w: %d and %d units, each arm needs two", ErrInput, treated.N, heldOut.N)
	}
	return welch(treated.sample(), heldOut.sample(), z), nil
}

// welch compares the means of two samples of at least two units each.
func welch(t, c sample, z float64) Extra {
	e := Extra{Treated: t.mean, HeldOut: c.mean, Difference: t.mean - c.mean}
	a := t.m2 / float64(t.n-1) / float64(t.n)
	b := c.m2 / float64(c.n-1) / float64(c.n)
	half := 0.0
	if a+b > 0 {
		df := (a + b) * (a + b) / (a*a/float64(t.n-1) + b*b/float64(c.n-1))
		half = student(z, df) * math.Sqrt(a+b)
	}
	e.Interval = Interval{e.Difference - half, e.Difference + half}
	return e
}

// student turns a normal quantile into that of Student's t (Abramowitz and Stegun,
// 26.7.5): within 1 % from 4 degrees of freedom on.
func student(z, df float64) float64 {
	z2 := z * z
	return z * (1 + (z2+1)/(4*df) + ((5*z2+16)*z2+3)/(96*df*df) + (((3*z2+19)*z2+17)*z2-15)/(384*df*df*df))
}
