package cohort

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Span is how long something took, such as the time from a first purchase to a second, or, where it
// has not happened, how long it has not.
type Span struct {
	Length float64 // 0 or more, in any unit
	Over   bool    // it happened at Length; else it was still going on then
}

// Step is a moment at which something happened.
type Step struct {
	At     float64 `json:"at"`
	Events int     `json:"events"`  // how often it happened at At
	AtRisk int     `json:"at_risk"` // to how many it could have
	// Survival is the share to which it has not happened until At, with At; Low and High are its
	// interval.
	Survival float64 `json:"survival"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// Curve is the estimate of Kaplan and Meier 1958.
type Curve struct {
	Steps    []Step  `json:"steps"` // in ascending order of At
	N        int     `json:"n"`
	Events   int     `json:"events"`
	Level    float64 `json:"level"`    // of the intervals
	Observed float64 `json:"observed"` // the longest Span: nothing is known after it
}

func checkSpans(spans []Span) error {
	for i, s := range spans {
		if !(s.Length >= 0) || math.IsInf(s.Length, 0) {
			return fmt.Errorf("%w: span %d is %v long", ErrData, i, s.Length)
		}
	}
	if len(spans) == 0 {
		return fmt.Errorf("%w: no spans", ErrData)
	}
	return nil
}

// sorted returns the spans in ascending order; at one length what happened comes first.
func sorted(spans []Span) []Span {
	out := slices.Clone(spans)
	slices.SortFunc(out, func(a, b Span) int {
		if c := cmp.Compare(a.Length, b.Length); c != 0 || a.Over == b.Over {
			return c
		}
		if a.Over {
			return -1
		}
		return 1
	})
	return out
}

// Survive returns the curve of spans, with intervals of the level, such as 0.95, in the
// complementary log-log form (Kalbfleisch and Prentice 1980), which stays between 0 and 1. Where none is left,
// and before anything happened, the interval is the value itself. The error is an ErrData.
func Survive(spans []Span, level float64) (*Curve, error) {
	if err := checkSpans(spans); err != nil {
		return nil, err
	}
	if !(level > 0 && level < 1) {
		return nil, fmt.Errorf("%w: level is %v, not between 0 and 1", ErrData, level)
	}
	all := sorted(spans)
	z := math.Sqrt2 * math.Erfinv(level)
	c := &Curve{N: len(all), Level: level, Observed: all[len(all)-1].Length}
	survival, greenwood := 1.0, 0.0
	for i := 0; i < len(all); {
		at, events, left := all[i].Length, 0, len(all)-i
		for ; i < len(all) && all[i].Length == at; i++ {
			if all[i].Over {
				events++
			}
		}
		if events == 0 {
			continue
		}
		c.Events += events
		survival *= float64(left-events) / float64(left)
		s := Step{At: at, Events: events, AtRisk: left, Survival: survival, Low: survival, High: survival}
		if events < left {
			greenwood += float64(events) / (float64(left) * float64(left-events))
			half := z * math.Sqrt(greenwood) / math.Log(survival) // below 0
			s.Low, s.High = math.Pow(survival, math.Exp(-half)), math.Pow(survival, math.Exp(half))
		}
		c.Steps = append(c.Steps, s)
	}
	return c, nil
}

// At returns the share to which it has not happened until t, with t, and its interval. It is 1 before
// the first step. After Curve.Observed nothing is known: all three are NaN.
func (c *Curve) At(t float64) (survival, low, high float64) {
	if t > c.Observed || math.IsNaN(t) {
		return math.NaN(), math.NaN(), math.NaN()
	}
	i, found := slices.BinarySearchFunc(c.Steps, t, func(s Step, t float64) int { return cmp.Compare(s.At, t) })
	if found {
		i++
	}
	if i == 0 {
		return 1, 1, 1
	}
	s := c.Steps[i-1]
	return s.Survival, s.Low, s.High
}

// Median returns the time at which it has happened to half; ok is false where it has to fewer.
func (c *Curve) Median() (t float64, ok bool) {
	for _, s := range c.Steps {
		if s.Survival <= 0.5 {
			return s.At, true
		}
	}
	return 0, false
}

// LogRank compares groups of spans by the test of Mantel 1966: p is the probability of curves that lie as far
// apart if all groups are alike, from χ² with one degree of freedom less than groups. Where nothing
// happened p is 1. The error is an ErrData.
func LogRank(groups ...[]Span) (chi2, p float64, err error) {
	if len(groups) < 2 || len(groups) > 64 {
		return 0, 0, fmt.Errorf("%w: %d groups, not 2 to 64", ErrData, len(groups))
	}
	type tagged struct {
		Span
		group int
	}
	var all []tagged
	for g, spans := range groups {
		if err := checkSpans(spans); err != nil {
			return 0, 0, fmt.Errorf("group %d: %w", g, err)
		}
		for _, s := range spans {
			all = append(all, tagged{s, g})
		}
	}
	slices.SortFunc(all, func(a, b tagged) int { return cmp.Compare(a.Length, b.Length) })
	k := len(groups)
	atRisk := make([]float64, k)
	for g, spans := range groups {
		atRisk[g] = float64(len(spans))
	}
	// The last group follows from the others.
	excess, cov := make([]float64, k-1), make([][]float64, k-1)
	for i := range cov {
		cov[i] = make([]float64, k-1)
	}
	for i := 0; i < len(all); {
		at, n := all[i].Length, float64(len(all)-i)
		events, leaving := make([]float64, k), make([]float64, k)
		d := 0.0
		for ; i < len(all) && all[i].Length == at; i++ {
			leaving[all[i].group]++
			if all[i].Over {
				events[all[i].group]++
				d++
			}
		}
		if d > 0 {
			var v float64
			if n > 1 {
				v = d * (n - d) / (n * n * (n - 1))
			}
			for a := range excess {
				excess[a] += events[a] - d*atRisk[a]/n
				for b := range excess {
					if a == b {
						cov[a][b] += v * atRisk[a] * (n - atRisk[a])
					} else {
						cov[a][b] -= v * atRisk[a] * atRisk[b]
					}
				}
			}
		}
		for g := range atRisk {
			atRisk[g] -= leaving[g]
		}
	}
	chi2, rank := quadratic(cov, excess)
	if rank == 0 {
		return 0, 1, nil
	}
	return chi2, chiSquareTail(chi2, rank), nil
}

// quadratic returns xᵀ·a⁻¹·x of a positive semidefinite matrix, and its rank, by elimination; directions
// in which there is no variance are left out.
func quadratic(a [][]float64, x []float64) (v float64, rank int) {
	n := len(x)
	for i := range n {
		best := i
		for j := i + 1; j < n; j++ {
			if a[j][j] > a[best][best] {
				best = j
			}
		}
		if !(a[best][best] > 1e-12) {
			break
		}
		a[i], a[best] = a[best], a[i]
		x[i], x[best] = x[best], x[i]
		for r := range n {
			a[r][i], a[r][best] = a[r][best], a[r][i]
		}
		v += x[i] * x[i] / a[i][i]
		rank++
		for r := i + 1; r < n; r++ {
			f := a[r][i] / a[i][i]
			for c := i; c < n; c++ {
				a[r][c] -= f * a[i][c]
			}
			x[r] -= f * x[i]
		}
	}
	return v, rank
}

// chiSquareTail returns the probability of more than x, by the recurrence over two degrees of freedom
// (Abramowitz and Stegun 26.4.4 and 26.4.5).
func chiSquareTail(x float64, df int) float64 {
	if x <= 0 {
		return 1
	}
	half := x / 2
	var sum, term float64
	k := df % 2
	if k == 1 {
		sum = math.Erfc(math.Sqrt(half))
		term = math.Exp(-half) * math.Sqrt(half) * 2 / math.Sqrt(math.Pi) // of df 3
		for i := 3; i <= df; i += 2 {
			sum += term
			term *= half / (float64(i) / 2)
		}
		return min(1, sum)
	}
	term = math.Exp(-half)
	for i := 2; i <= df; i += 2 {
		sum += term
		term *= half / (float64(i) / 2)
	}
	return min(1, sum)
}

// wilson returns a share with the interval of Wilson 1927 at 95 %.
func wilson(k, n int) (share, low, high float64) {
	if n <= 0 {
		return 0, 0, 0
	}
	const z = z95
	p, m := float64(k)/float64(n), float64(n)
	mid := p + z*z/(2*m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return p, max(0, (mid-half)/(1+z*z/m)), min(1, (mid+half)/(1+z*z/m))
}
