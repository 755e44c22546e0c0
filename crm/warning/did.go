package warning

import (
	"fmt"
	"math"
	"slices"
)

// Change is what a place had before something was changed, and after, per period.
type Change struct{ Before, After float64 }

// Effect is what a change did.
type Effect struct {
	Effect float64 `json:"effect"` // per period and place; a share where asked for
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	// P is the probability of an effect as large if nothing was done: how many of all ways to
	// choose as many places show as large a difference, where these are at most 20,000, else by
	// Welch's test.
	P        float64 `json:"p"`
	Treated  int     `json:"treated"`
	Controls int     `json:"controls"`
}

// maxWays is up to how many choices P looks at each.
const maxWays = 20_000

// DifferenceInDifferences returns how much more the places that something was done at changed than
// those that it was not: what season and market did to all is in both. The interval is that of Welch at 95 %; with one place
// treated its variance is taken from the controls. As a share, with relative, changes are of logarithms, so that
// places of different sizes count alike: 0.1 is a growth by 10 % beside the others. There must be one
// treated place and two controls at least; the error is an ErrData and names the place.
//
// It is the effect only if the places would have gone the same way without it: compare their
// changes before it, too.
func DifferenceInDifferences(treated, controls []Change, relative bool) (Effect, error) {
	if len(treated) < 1 || len(controls) < 2 {
		return Effect{}, fmt.Errorf("%w: %d treated places and %d controls, not 1 and 2 or more", ErrData, len(treated), len(controls))
	}
	var all []float64
	for i, c := range append(slices.Clone(treated), controls...) {
		d := c.After - c.Before
		if relative {
			d = math.Log(c.After / c.Before)
			if c.After <= 0 || c.Before <= 0 {
				d = math.NaN()
			}
		}
		if math.IsNaN(d) || math.IsInf(d, 0) {
			kind := "treated place"
			if i >= len(treated) {
				kind, i = "control", i-len(treated)
			}
			must := "must be finite"
			if relative {
				must = "must be above 0, because changes are shares"
			}
			return Effect{}, fmt.Errorf("%w: %s %d: Before is %v and After %v; both %s", ErrData, kind, i, c.Before, c.After, must)
		}
		all = append(all, d)
	}
	n, m := len(treated), len(controls)
	mt, vt := meanVariance(all[:n])
	mc, vc := meanVariance(all[n:])
	if n == 1 {
		vt = vc
	}
	a, b := vt/float64(n), vc/float64(m)
	se := math.Sqrt(a + b)
	df := float64(m - 1)
	if n > 1 && a+b > 0 {
		df = (a + b) * (a + b) / (a*a/float64(n-1) + b*b/float64(m-1))
	}
	e := Effect{Effect: mt - mc, Treated: n, Controls: m}
	half := studentQuantile(df) * se
	e.Low, e.High = e.Effect-half, e.Effect+half
	if ways := choose(n+m, n); ways <= maxWays {
		e.P = permutations(all, n, e.Effect)
	} else {
		e.P = 2 * studentTail(math.Abs(e.Effect)/se, df)
	}
	if relative {
		e.Effect, e.Low, e.High = math.Expm1(e.Effect), math.Expm1(e.Low), math.Expm1(e.High)
	}
	return e, nil
}

func meanVariance(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	if len(v) < 2 {
		return mean, 0
	}
	for _, x := range v {
		variance += (x - mean) * (x - mean)
	}
	return mean, variance / float64(len(v)-1)
}

func choose(n, k int) float64 {
	out := 1.0
	for i := range min(k, n-k) {
		out *= float64(n-i) / float64(i+1)
	}
	return math.Round(out)
}

// permutations returns in which share of all choices of n the means differ by as much.
func permutations(all []float64, n int, effect float64) float64 {
	var total float64
	for _, v := range all {
		total += v
	}
	as, ways := 0, 0
	m := float64(len(all) - n)
	slack := 1e-12 * (1 + math.Abs(effect))
	var walk func(from, left int, sum float64)
	walk = func(from, left int, sum float64) {
		if left == 0 {
			ways++
			if math.Abs(sum/float64(n)-(total-sum)/m) >= math.Abs(effect)-slack {
				as++
			}
			return
		}
		for i := from; i <= len(all)-left; i++ {
			walk(i+1, left-1, sum+all[i])
		}
	}
	walk(0, n, 0)
	return float64(as) / float64(ways)
}

// studentTail returns the probability of more than t >= 0 in Student's distribution, by the
// continued fraction of the incomplete beta function (Press et al., Numerical Recipes, betacf).
func studentTail(t, df float64) float64 {
	switch {
	case math.IsNaN(t): // no difference, and no variance
		return 0.5
	case math.IsInf(t, 1):
		return 0
	}
	x := df / (df + t*t)
	a, b := df/2, 0.5
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab - la - lb + a*math.Log(x) + b*math.Log1p(-x))
	if x < (a+1)/(a+b+2) {
		return front * betaFraction(a, b, x) / a / 2
	}
	return (1 - front*betaFraction(b, a, 1-x)/b) / 2
}

func betaFraction(a, b, x float64) float64 {
	const tiny = 1e-300
	c, d := 1.0, 1-(a+b)*x/(a+1)
	if math.Abs(d) < tiny {
		d = tiny
	}
	d = 1 / d
	h := d
	for m := 1.0; m < 500; m++ {
		for _, num := range []float64{m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m)), -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))} {
			if d = 1 + num*d; math.Abs(d) < tiny {
				d = tiny
			}
			if c = 1 + num/c; math.Abs(c) < tiny {
				c = tiny
			}
			d = 1 / d
			h *= d * c
		}
		if math.Abs(d*c-1) < 1e-15 {
			break
		}
	}
	return h
}

// studentQuantile returns the value that 2.5 % are above.
func studentQuantile(df float64) float64 {
	low, high := 0.0, 2.0
	for studentTail(high, df) > 0.025 {
		low, high = high, 2*high
	}
	for range 60 {
		if mid := (low + high) / 2; studentTail(mid, df) > 0.025 {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}
