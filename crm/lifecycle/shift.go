package lifecycle

import (
	"fmt"
	"math"
	"slices"
)

// Shift is a moment from which on a count has another level.
type Shift struct {
	At     int     `json:"at"`     // the first period of the new level
	Before float64 `json:"before"` // the mean per period before it, since the shift before
	After  float64 `json:"after"`  // and from it on, until the next
	// P is the probability of a change as large somewhere in counts that have one level, all
	// places looked at. Confidence is 1−P.
	P          float64 `json:"p"`
	Confidence float64 `json:"confidence"`
	// Until is up to which period it may be believed without being seen again: as many after the last
	// count of the new level as it was seen for, at most a year's worth of periods as the caller has it.
	Until int `json:"until"`
}

// maxPeriods bounds a series.
const maxPeriods = 10_000

// Shifts returns when the level of counts changed, in the order of time: purchases of a category per month, visits
// per week. Each has a P of at most alpha, such as 0.01; a level lasts at least two periods. year is
// how many periods a year has. Counts are 0 or more. By binary segmentation (Scott and Knott
// 1974) with the exact conditional test of two Poisson means, multiplied by the number of
// places looked at. The error is an ErrData and names the period.
func Shifts(counts []int, year int, alpha float64) ([]Shift, error) {
	switch {
	case len(counts) > maxPeriods:
		return nil, fmt.Errorf("%w: there are %d counts, at most %d are looked at", ErrData, len(counts), maxPeriods)
	case year < 1:
		return nil, fmt.Errorf("%w: year is %d, not 1 period or more", ErrData, year)
	case !(alpha > 0 && alpha < 1):
		return nil, fmt.Errorf("%w: alpha is %v, not between 0 and 1", ErrData, alpha)
	}
	sums := make([]int, len(counts)+1)
	for i, n := range counts {
		if n < 0 || n > 1<<40 {
			return nil, fmt.Errorf("%w: period %d is %d", ErrData, i, n)
		}
		sums[i+1] = sums[i] + n
	}
	var at []int
	ps := map[int]float64{}
	var split func(from, to int)
	split = func(from, to int) {
		best, least := 0, math.Inf(1)
		for i := from + 2; i <= to-2; i++ {
			if p := poissonP(sums[i]-sums[from], i-from, sums[to]-sums[i], to-i); p < least {
				least, best = p, i
			}
		}
		if p := least * float64(max(0, to-from-3)); best > 0 && p <= alpha {
			at, ps[best] = append(at, best), p
			split(from, best)
			split(best, to)
		}
	}
	split(0, len(counts))
	slices.Sort(at)
	mean := func(from, to int) float64 { return float64(sums[to]-sums[from]) / float64(to-from) }
	out := make([]Shift, len(at))
	for i, x := range at {
		from, to := 0, len(counts)
		if i > 0 {
			from = at[i-1]
		}
		if i+1 < len(at) {
			to = at[i+1]
		}
		out[i] = Shift{At: x, Before: mean(from, x), After: mean(x, to), P: ps[x], Confidence: 1 - ps[x], Until: to - 1 + min(to-x, year)}
	}
	return out, nil
}

// poissonP returns the two-sided probability that counts of two spans differ as much by chance
// (Przyborowski and Wilenski 1940): given their sum, the one is binomial.
func poissonP(a, n, b, m int) float64 {
	total := a + b
	if total == 0 {
		return 1
	}
	p := float64(n) / float64(n+m)
	if mean := float64(total) * p; float64(a) > mean {
		return min(1, 2*binomialTail(a, total, p))
	}
	return min(1, 2*binomialTail(b, total, 1-p))
}

// binomialTail returns the probability of k or more of n, where k is not below the mean.
func binomialTail(k, n int, p float64) float64 {
	ln := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	term := math.Exp(ln(n) - ln(k) - ln(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	var sum float64
	for j := k; j <= n; j++ {
		sum += term
		if term < 1e-17*sum {
			break
		}
		term *= float64(n-j) / float64(j+1) * p / (1 - p)
	}
	return min(1, sum)
}
