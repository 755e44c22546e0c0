package survey

import (
	"errors"
	"math"
)

// Trend is the change of a metric from period to period.
type Trend struct {
	// N counts the answers of all periods, Periods those with an answer.
	N       int64
	Periods int
	// Slope is the change per period, in the unit of Result.Value, by least squares weighted
	// with the inverse variance of each period's value.
	Slope    float64
	Interval Interval // at 95 % confidence
	P        float64  // of no change; 1 where fewer than two periods have an answer
	// Start is the value of the line at the first period, in the unit of Result.Value; 0, and
	// nothing said, where fewer than two periods have an answer.
	Start float64
	// Steady says whether the periods lie as near to the line as chance allows: the p value
	// of the chi-square of what is left. A small one says that the metric moved in another
	// way than along a line, and that the interval is too narrow.
	Steady float64
}

// NewTrend fits a line to the tallies of periods of the same length, in their order; a period
// without an answer is left out and keeps its place. The error is ErrMixedMetrics.
func NewTrend(periods []Tally) (Trend, error) {
	out := Trend{P: 1, Steady: 1, Interval: Interval{math.Inf(-1), math.Inf(1)}}
	var all Tally
	var sw, sx, sy, sxx, sxy float64
	var errs []error
	for i, t := range periods {
		if err := all.Merge(t); err != nil {
			errs = append(errs, err)
			continue
		}
		if t.N() == 0 {
			continue
		}
		y, se := t.adjusted()
		w, x := 1/(se*se), float64(i)
		sw, sx, sy, sxx, sxy = sw+w, sx+w*x, sy+w*y, sxx+w*x*x, sxy+w*x*y
		out.Periods++
	}
	if out.N = all.N(); out.Periods < 2 || len(errs) > 0 {
		return out, errors.Join(errs...)
	}
	det := sw*sxx - sx*sx
	out.Slope = (sw*sxy - sx*sy) / det
	se := math.Sqrt(sw / det)
	out.Interval = Interval{out.Slope - z95*se, out.Slope + z95*se}
	out.P = math.Erfc(math.Abs(out.Slope) / se / math.Sqrt2)
	out.Start = (sy - out.Slope*sx) / sw
	left := 0.0
	for i, t := range periods {
		if t.N() > 0 {
			y, se := t.adjusted()
			r := (y - out.Start - out.Slope*float64(i)) / se
			left += r * r
		}
	}
	if out.Periods > 2 {
		out.Steady = upperChi(left, float64(out.Periods-2))
	}
	return out, nil
}

// upperChi is P(X > x) of the chi-square distribution: the upper incomplete gamma function
// with k/2 and x/2, by its series below and its continued fraction above (Abramowitz and
// Stegun 6.5.29, 6.5.31).
func upperChi(x, k float64) float64 {
	a, x := k/2, x/2
	if x <= 0 {
		return 1
	}
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 {
		sum, term := 1/a, 1/a
		for n := 1.0; n < 1000; n++ {
			term *= x / (a + n)
			sum += term
			if term < sum*1e-16 {
				break
			}
		}
		return 1 - front*sum
	}
	const tiny = 1e-300
	b, c := x+1-a, 1/tiny
	d := 1 / b
	h := d
	for n := 1.0; n < 1000; n++ {
		an := -n * (n - a)
		b += 2
		d = 1 / (an*d + b)
		c = b + an/c
		h *= d * c
		if math.Abs(d*c-1) < 1e-15 {
			break
		}
	}
	return front * h
}
