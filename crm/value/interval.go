package value

import (
	"fmt"
	"math"
)

// Interval is what is expected, and between which bounds it comes with a given probability.
type Interval struct {
	Expected float64 `json:"expected"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// checkInterval reports a horizon or level that is out of its range.
func checkInterval(t, level float64) error {
	if !(t >= 0) || math.IsInf(t, 0) {
		return fmt.Errorf("%w: a time of %v", ErrData, t)
	}
	if !(level > 0 && level < 1) {
		return fmt.Errorf("%w: a level of %v, not between 0 and 1", ErrData, level)
	}
	return nil
}

// Predict returns between which numbers of purchases a customer makes in the next t with at least
// the probability level, such as 0.9: as much is cut off at either end. Purchases are whole, so
// that the probability is often higher; that of parameters is not counted, which is small for
// one customer. The error is an ErrData.
func Predict(m Model, p Purchases, t, level float64) (Interval, error) {
	if err := checkInterval(t, level); err != nil {
		return Interval{}, err
	}
	if fault := p.fault(); fault != nil {
		return Interval{}, fault
	}
	out := Interval{Expected: m.ExpectAfter(p, t), Low: -1}
	tail := (1 - level) / 2
	var sum float64
	mean := out.Expected / m.Alive(p) // of who is alive
	for n := 0; n <= maxPurchases; n++ {
		before := sum
		sum += m.ProbabilityAfter(p, n, t)
		if out.Low < 0 && sum >= tail {
			out.Low = float64(n)
		}
		// Beyond the mean nothing is added any more where the level is as close to 1 as rounding is.
		if sum >= 1-tail || float64(n) > mean && sum == before {
			out.High = float64(n)
			return out, nil
		}
	}
	return out, fmt.Errorf("%w: more than %d purchases are expected", ErrData, maxPurchases)
}

// maxPurchases bounds the sums over a distribution.
const maxPurchases = 1_000_000

// PredictAll returns how many purchases all customers of a sample make together in the next t, and
// between which bounds with the probability level: the chance of each and the uncertainty of the
// parameters, by their covariance in the fit, both. It is for many customers: the sum is taken
// as normally distributed. The error is an ErrData.
func PredictAll(m Model, fit Fit, s *Sample, t, level float64) (Interval, error) {
	if err := checkInterval(t, level); err != nil {
		return Interval{}, err
	}
	total := func(m Model, variance bool) (mean, spread float64) { return s.total(m, t, variance) }
	mean, spread := total(m, true)
	out := Interval{Expected: mean}
	if p, ok := m.(parametric); ok && len(fit.Covariance) > 0 {
		at := p.params()
		if len(fit.Covariance) != len(at) {
			return Interval{}, fmt.Errorf("%w: the fit is of another model", ErrData)
		}
		spread += fit.uncertainty(func(i int, by float64) float64 {
			to := append([]float64(nil), at...)
			to[i] *= math.Exp(by)
			sum, _ := total(p.with(to), false)
			return sum
		})
	}
	return out.normal(spread, level), nil
}

// normal sets the bounds of a sum that is not negative, by its variance.
func (i Interval) normal(variance, level float64) Interval {
	half := math.Sqrt2 * math.Erfinv(level) * math.Sqrt(max(0, variance))
	i.Low, i.High = max(0, i.Expected-half), i.Expected+half
	return i
}

// total returns how many purchases all make together in the next t, and the variance of that.
func (s *Sample) total(m Model, t float64, variance bool) (mean, spread float64) {
	type future struct {
		repeats int
		age     float64
	}
	known := map[future]float64{}
	for _, c := range s.cells {
		expected := m.ExpectAfter(c.Purchases, t)
		mean += c.n * expected
		if !variance {
			continue
		}
		// What a customer does who is alive depends on when he bought last no more.
		k := future{c.Repeats, c.Age}
		square, ok := known[k]
		if !ok {
			square = squareOf(m, c.Purchases, t)
			known[k] = square
		}
		spread += c.n * max(0, m.Alive(c.Purchases)*square-expected*expected)
	}
	return mean, spread
}

// uncertainty returns the variance of a figure that the parameters of a fit have, by its slopes; moved returns the figure with
// what Covariance has of the i-th parameter increased.
func (f Fit) uncertainty(moved func(i int, by float64) float64) (variance float64) {
	// By five points: with two so close together that they would be as exact, what rounding does, which
	// is not the same on every machine, would be seen in the thirteenth digit.
	const h = 1e-2
	slope := make([]float64, len(f.Covariance))
	for i := range slope {
		slope[i] = (8*(moved(i, h)-moved(i, -h)) - (moved(i, 2*h) - moved(i, -2*h))) / (12 * h)
	}
	for i := range slope {
		for j := range slope {
			variance += slope[i] * slope[j] * f.Covariance[i][j]
		}
	}
	return variance
}

// parametric is implemented by all models of this package.
type parametric interface {
	params() []float64
	with([]float64) Model
}

func (m BGNBD) params() []float64          { return []float64{m.R, m.Alpha, m.A, m.B} }
func (m BGNBD) with(p []float64) Model     { return BGNBD{p[0], p[1], p[2], p[3]} }
func (m MBGNBD) params() []float64         { return []float64{m.R, m.Alpha, m.A, m.B} }
func (m MBGNBD) with(p []float64) Model    { return MBGNBD{p[0], p[1], p[2], p[3]} }
func (m ParetoNBD) params() []float64      { return []float64{m.R, m.Alpha, m.S, m.Beta} }
func (m ParetoNBD) with(p []float64) Model { return ParetoNBD{p[0], p[1], p[2], p[3]} }

// squareOf returns the mean of the square of the number of purchases of a customer who is alive.
func squareOf(m Model, p Purchases, t float64) (out float64) {
	alive := m.Alive(p)
	if alive == 0 {
		return 0
	}
	var sum float64
	for n := 0; n <= maxPurchases; n++ {
		q := m.ProbabilityAfter(p, n, t)
		if n == 0 {
			q -= 1 - alive
		}
		q /= alive
		sum += q
		out += q * float64(n) * float64(n)
		if sum > 1-1e-10 || n > 100 && q < 1e-14 {
			break
		}
	}
	return out
}
