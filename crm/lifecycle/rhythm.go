package lifecycle

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrData is what every error about input is.
var ErrData = errors.New("lifecycle: bad data")

// Prior is how long customers wait between two purchases, known from all of them.
type Prior struct {
	// Gap is the mean gap in days, above 0, and Weight how many gaps of a customer's own count as
	// much as it; 0 or more.
	Gap    float64
	Weight float64
}

// Rhythm returns the gap between purchases that is to be expected of a customer, in days: the mean of his
// own gaps and the prior, weighted. days are the days of his purchases, in any order, each once or
// more. It is 0 where neither is known. The error is an ErrData.
func Rhythm(days []int, p Prior) (float64, error) {
	if !(p.Gap >= 0) || !(p.Weight >= 0) || math.IsInf(p.Gap, 0) || math.IsInf(p.Weight, 0) || p.Weight > 0 && p.Gap == 0 {
		return 0, fmt.Errorf("%w: a prior of %v days with the weight of %v", ErrData, p.Gap, p.Weight)
	}
	own := gaps(days)
	sum := p.Gap * p.Weight
	for _, g := range own {
		sum += g
	}
	if n := float64(len(own)) + p.Weight; n > 0 {
		return sum / n, nil
	}
	return 0, nil
}

// gaps returns the days between purchases that follow each other.
func gaps(days []int) []float64 {
	d := slices.Clone(days)
	slices.Sort(d)
	d = slices.Compact(d)
	var out []float64
	for i := 1; i < len(d); i++ {
		out = append(out, float64(d[i])-float64(d[i-1])) // days may be as far apart as no int is
	}
	return out
}

// Regularity is how regularly a customer buys.
type Regularity struct {
	Gaps int     `json:"gaps"` // how many are known
	Mean float64 `json:"mean"` // in days
	// Shape is that of the gamma distribution of the gaps (Herniter 1971; Platzer and Reutterer 2016): 1 where
	// purchases come at random, more where they are regular, less where they come in bursts.
	Shape float64 `json:"shape"`
	// P is the probability of gaps as even if purchases come at random, whatever their mean: the lower tail of
	// Bartlett's test of exponential gaps (Bartlett 1937; Epstein, Technometrics 2 (1960)). Regular
	// says that P is at most 0.05.
	P       float64 `json:"p"`
	Regular bool    `json:"regular"`
}

// leastGaps is from how many gaps on a shape is estimated.
const leastGaps = 3

// Regular tests whether a customer buys regularly. days are the days of his purchases, in any
// order. With fewer than three gaps nothing can be said: Shape is 0 and P is 1.
func Regular(days []int) Regularity {
	g := gaps(days)
	r := Regularity{Gaps: len(g), P: 1}
	var logs float64
	for _, v := range g {
		r.Mean += v
		logs += math.Log(v)
	}
	if len(g) == 0 {
		return r
	}
	n := float64(len(g))
	r.Mean /= n
	if len(g) < leastGaps {
		return r
	}
	// The maximum of the likelihood: ln k − ψ(k) = ln mean − mean of logs. Days are whole, so that gaps are
	// never known better than to one: without it a shape would be infinite.
	s := math.Log(r.Mean) - logs/n
	s = max(s, 1/(12*r.Mean*r.Mean)/2)
	k := (3 - s + math.Sqrt((s-3)*(s-3)+24*s)) / (12 * s)
	for range 20 {
		step := (math.Log(k) - digamma(k) - s) / (1/k - trigamma(k))
		k = max(k/2, k-step)
		if math.Abs(step) < 1e-12*k {
			break
		}
	}
	r.Shape = k
	r.P = chiSquare(2*n*s/(1+(n+1)/(6*n)), len(g)-1)
	r.Regular = r.P <= 0.05
	return r
}

// chiSquare returns the probability of x or less, by the recurrence over two degrees of freedom
// (Abramowitz and Stegun 26.4.4 and 26.4.5).
func chiSquare(x float64, df int) float64 {
	half := x / 2
	above, term, from := 0.0, math.Exp(-half), 2
	if df%2 == 1 {
		above = math.Erfc(math.Sqrt(half))
		term, from = term*math.Sqrt(half)*2/math.Sqrt(math.Pi), 3
	}
	for i := from; i <= df; i += 2 {
		above += term
		term *= half / (float64(i) / 2)
	}
	return max(0, 1-above)
}

// digamma and trigamma are derivatives of ln Γ (Abramowitz and Stegun 6.3.18, 6.4.12).
func digamma(x float64) float64 {
	var below float64
	for ; x < 10; x++ {
		below -= 1 / x
	}
	i := 1 / (x * x)
	return below + math.Log(x) - 1/(2*x) - i*(1./12-i*(1./120-i*(1./252-i/240)))
}

func trigamma(x float64) float64 {
	var below float64
	for ; x < 10; x++ {
		below += 1 / (x * x)
	}
	i := 1 / (x * x)
	return below + 1/x + i/2 + i/x*(1./6-i*(1./30-i*(1./42-i/30)))
}
