package survey

import (
	"cmp"
	"fmt"
	"math"

	"github.com/vefacrm/vefa/internal/pvalue"
)

// Difference says how far apart two results are.
type Difference struct {
	Metric Metric
	// N and Than are the answers of both.
	N, Than int64
	// Value is the result of the first less that of the second, in the unit of Result.Value;
	// 0 when one of them has no answer.
	Value float64
	// Interval is that of the difference at 95 % confidence; the whole of what is possible
	// when one of them has no answer.
	Interval Interval
	// P is the two-sided p value of no difference; 1 when one of them has no answer.
	P float64
}

// Less returns how far t is from o, two groups of different respondents: this month and the
// last one, one store and the others. NPS is compared by adjusted Wald (Rocks 2016), CSAT by
// the hybrid score interval of Newcombe (1998, method 10) with the p value of the pooled z
// test, CES by Welch's t test. The error is ErrMixedMetrics.
//
// Who compares many groups should look at Adjust, else one in twenty differs by chance.
func (t Tally) Less(o Tally) (Difference, error) {
	if t.Metric != "" && o.Metric != "" && t.Metric != o.Metric {
		return Difference{}, fmt.Errorf("%w: %s and %s", ErrMixedMetrics, t.Metric, o.Metric)
	}
	a, b := t.Result(), o.Result()
	d := Difference{Metric: cmp.Or(t.Metric, o.Metric), N: a.N, Than: b.N, P: 1}
	lo, hi, _ := d.Metric.scale()
	whole := 100.0
	switch d.Metric {
	case NPS:
		whole = 200
	case CES:
		whole = float64(hi - lo)
	}
	if a.N == 0 || b.N == 0 {
		d.Interval = Interval{-whole, whole}
		return d, nil
	}
	d.Value = a.Value - b.Value
	switch d.Metric {
	case CSAT:
		d.Interval = Interval{
			d.Value - math.Hypot(a.Value-a.Interval.Low, b.Interval.High-b.Value),
			d.Value + math.Hypot(a.Interval.High-a.Value, b.Value-b.Interval.Low),
		}
		d.P = pooled(t, o)
	case CES:
		va, vb := t.spread(), o.spread()
		se := math.Sqrt(va + vb)
		df := (va + vb) * (va + vb) / (va*va/float64(max(a.N-1, 1)) + vb*vb/float64(max(b.N-1, 1)))
		if a.N == 1 || b.N == 1 {
			df = 1
		}
		half := tQuantile975(max(int64(df), 1)) * se
		d.Interval, d.P = Interval{d.Value - half, d.Value + half}, min(1, 2*upperT(math.Abs(d.Value)/se, df))
	default:
		ya, sa := t.adjusted()
		yb, sb := o.adjusted()
		se := math.Hypot(sa, sb)
		d.Interval = Interval{min(ya-yb-z95*se, d.Value), max(ya-yb+z95*se, d.Value)}
		d.P = math.Erfc(math.Abs(ya-yb) / se / math.Sqrt2)
	}
	d.Interval = Interval{max(d.Interval.Low, -whole), min(d.Interval.High, whole)}
	return d, nil
}

// pooled is the p value of equal shares of satisfied respondents.
func pooled(t, o Tally) float64 {
	ga, ma, ba := t.classes()
	gb, mb, bb := o.classes()
	na, nb := float64(ga+ma+ba), float64(gb+mb+bb)
	p := float64(ga+gb) / (na + nb)
	se := math.Sqrt(p * (1 - p) * (1/na + 1/nb))
	if se == 0 {
		return 1
	}
	return math.Erfc(math.Abs(float64(ga)/na-float64(gb)/nb) / se / math.Sqrt2)
}

// spread is the variance of the mean answer, never below that of rounding to whole steps.
func (t Tally) spread() float64 {
	var n, sum, squares int64
	for v, c := range t.Counts {
		n += c
		sum += c * int64(v)
		squares += c * int64(v) * int64(v)
	}
	variance := 0.0
	if n > 1 {
		variance = float64(n*squares-sum*sum) / (float64(n) * float64(n-1))
	} else {
		lo, hi, _ := t.Metric.scale()
		variance = float64((hi-lo)*(hi-lo)) / 4 // as far as answers can be apart
	}
	return max(variance, 1.0/12) / float64(n)
}

// adjusted is the value and its standard error, in the unit of Result.Value, with a few
// answers added so that the error of a handful of equal answers is not 0: for NPS three
// (Rocks 2016), for CSAT four (Agresti and Coull 1998).
func (t Tally) adjusted() (value, se float64) {
	good, middle, bad := t.classes()
	n := float64(good + middle + bad)
	switch t.Metric {
	case CES:
		mean, _ := t.mean()
		return mean, math.Sqrt(t.spread())
	case CSAT:
		p := (float64(good) + 2) / (n + 4)
		return 100 * p, 100 * math.Sqrt(p*(1-p)/(n+4))
	}
	p, d := (float64(good)+0.75)/(n+3), (float64(bad)+0.75)/(n+3)
	return 100 * (p - d), 100 * math.Sqrt((p+d-(p-d)*(p-d))/(n+3))
}

// Adjust returns the p values adjusted so that of those at or below a bound the expected
// share of false ones is at most the bound (Benjamini and Hochberg 1995): what a ranking of
// many stores needs. They are in the order of p. Versus has the stricter ones of Holm.
func Adjust(p []float64) []float64 { return pvalue.Discoveries(p) }
