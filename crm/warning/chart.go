package warning

import (
	"errors"
	"fmt"
	"math"
)

// ErrData is what every error about input is.
var ErrData = errors.New("warning: bad data")

// states is into how many a chart is cut to compute how long it runs.
const states = 80

// CUSUM is the one-sided chart of cumulated sums: S = max(0, S + x − K), and an alarm where S is above H. x
// is how far a period is off, in standard deviations. Page, Biometrika 41 (1954).
type CUSUM struct {
	K float64 // what is let pass in each period: half of the shift to be found
	H float64
}

// NewCUSUM returns the chart that finds a shift of so many standard deviations and, where there is
// none, runs for so many periods on average until a false alarm: H by the Markov chain of Brook and
// Evans, Biometrika 59 (1972), for normal values. shift is above 0, at most 10; run from 2 to
// 1e6. The error is an ErrData.
func NewCUSUM(shift, run float64) (CUSUM, error) {
	if !(shift > 0 && shift <= 10) {
		return CUSUM{}, fmt.Errorf("%w: shift is %v, not above 0 and at most 10", ErrData, shift)
	}
	if err := checkRun(run); err != nil {
		return CUSUM{}, err
	}
	c := CUSUM{K: shift / 2}
	low, high := 0.0, 1.0
	for c.H = high; c.Run(0) < run; c.H = high {
		low, high = high, 2*high
	}
	for range 50 {
		if c.H = (low + high) / 2; c.Run(0) < run {
			low = c.H
		} else {
			high = c.H
		}
	}
	c.H = high
	return c, nil
}

// Run returns after how many periods on average there is an alarm if values are normal around
// mean with a standard deviation of 1, from a sum of 0 on.
func (c CUSUM) Run(mean float64) float64 {
	if c.H <= 0 {
		return 1 / normalTail(c.K-mean)
	}
	// State 0 is a sum of 0, the others are bands of the same width around their middles.
	width := 2 * c.H / (2*states - 1)
	return averageRun(states, 0, func(from, to int) float64 {
		s := float64(from) * width
		upper := normalCDF(float64(to)*width + width/2 - s + c.K - mean)
		if to == 0 {
			return upper
		}
		return upper - normalCDF(float64(to)*width-width/2-s+c.K-mean)
	})
}

// EWMA is the chart of exponentially weighted means: Z = (1−Lambda)·Z + Lambda·x, and an alarm
// where Z is further than L·√(Lambda/(2−Lambda)) from 0, on either side. Roberts, Technometrics 1 (1959).
type EWMA struct {
	Lambda float64
	L      float64
}

// NewEWMA returns the chart with such a weight, above 0 and at most 1, that runs for so many
// periods on average until a false alarm (Lucas and Saccucci, Technometrics 32 (1990), by a Markov chain).
// run is from 2 to 1e6. The error is an ErrData.
func NewEWMA(lambda, run float64) (EWMA, error) {
	if !(lambda > 0 && lambda <= 1) {
		return EWMA{}, fmt.Errorf("%w: lambda is %v, not above 0 and at most 1", ErrData, lambda)
	}
	if err := checkRun(run); err != nil {
		return EWMA{}, err
	}
	e := EWMA{Lambda: lambda}
	low, high := 0.0, 1.0
	for e.L = high; e.Run(0) < run; e.L = high {
		low, high = high, 2*high
	}
	for range 50 {
		if e.L = (low + high) / 2; e.Run(0) < run {
			low = e.L
		} else {
			high = e.L
		}
	}
	e.L = high
	return e, nil
}

// Limit returns how far from 0 the mean may be.
func (e EWMA) Limit() float64 { return e.L * math.Sqrt(e.Lambda/(2-e.Lambda)) }

// Means returns the weighted mean after each value, from 0 on; values are in standard deviations from what is
// expected. NaN changes nothing and has NaN.
func (e EWMA) Means(values []float64) []float64 {
	out := make([]float64, len(values))
	z := 0.0
	for i, v := range values {
		out[i] = v
		if !math.IsNaN(v) {
			z = (1-e.Lambda)*z + e.Lambda*v
			out[i] = z
		}
	}
	return out
}

// Run returns after how many periods on average there is an alarm if values are normal around mean
// with a standard deviation of 1, from a weighted mean of 0 on.
func (e EWMA) Run(mean float64) float64 {
	const n = 2*states + 1
	limit := e.Limit()
	width := 2 * limit / n
	return averageRun(n, states, func(from, to int) float64 {
		z, middle := -limit+(float64(from)+0.5)*width, -limit+(float64(to)+0.5)*width
		at := func(edge float64) float64 { return normalCDF((edge-(1-e.Lambda)*z)/e.Lambda - mean) }
		return at(middle+width/2) - at(middle-width/2)
	})
}

// averageRun solves (I−Q)·run = 1 for the run from a state on, where Q moves between states that
// are no alarm.
func averageRun(n, from int, move func(from, to int) float64) float64 {
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n+1)
		for j := range n {
			a[i][j] = -move(i, j)
		}
		a[i][i]++
		a[i][n] = 1
	}
	// Rows sum up to less than 1, so that no pivot is 0.
	for i := range n {
		for r := i + 1; r < n; r++ {
			f := a[r][i] / a[i][i]
			if f == 0 {
				continue
			}
			for c := i; c <= n; c++ {
				a[r][c] -= f * a[i][c]
			}
		}
	}
	for i := n - 1; i >= 0; i-- {
		for c := i + 1; c < n; c++ {
			a[i][n] -= a[i][c] * a[c][n]
		}
		a[i][n] /= a[i][i]
	}
	return a[from][n]
}

func normalCDF(x float64) float64  { return math.Erfc(-x/math.Sqrt2) / 2 }
func normalTail(x float64) float64 { return math.Erfc(x/math.Sqrt2) / 2 }

func checkRun(run float64) error {
	if !(run >= 2 && run <= 1e6) {
		return fmt.Errorf("%w: run is %v, not from 2 to 1e6 periods", ErrData, run)
	}
	return nil
}
