package survey

import (
	"errors"
	"fmt"
	"math"
)

// ErrMixedMetrics is returned when counts of different metrics meet.
var ErrMixedMetrics = errors.New("different metrics do not add up")

// Tally counts the answers of one metric. It holds whole numbers only, so
// that adding and merging give the same result in every order and grouping:
// stores add up to regions, and regions to countries, exactly. The zero Tally
// takes the metric of the first score; a Tally is a value and can be copied.
type Tally struct {
	Metric     Metric    `json:"metric"`
	Counts     [11]int64 `json:"counts"`     // answers by value, 0 to 10
	Unanswered int64     `json:"unanswered"` // asked, left open
	OutOfScale int64     `json:"outOfScale"` // answers that are no step of the scale
}

// N is the number of answers that count.
func (t Tally) N() int64 {
	var n int64
	for _, c := range t.Counts {
		n += c
	}
	return n
}

// Add counts a score. The error is ErrMixedMetrics.
func (t *Tally) Add(s Score) error {
	if err := t.accept(s.Metric); err != nil {
		return err
	}
	switch {
	case !s.Answered:
		t.Unanswered++
	case s.Metric.Class(s.Value) == "":
		t.OutOfScale++
	default:
		t.Counts[s.Value]++
	}
	return nil
}

// Merge adds the counts of another tally. The error is ErrMixedMetrics.
func (t *Tally) Merge(o Tally) error {
	if o.Metric == "" {
		return nil
	}
	if err := t.accept(o.Metric); err != nil {
		return err
	}
	for i, c := range o.Counts {
		t.Counts[i] += c
	}
	t.Unanswered += o.Unanswered
	t.OutOfScale += o.OutOfScale
	return nil
}

// accept takes the metric of the first count and refuses any other.
func (t *Tally) accept(m Metric) error {
	if t.Metric == "" {
		t.Metric = m
	}
	if t.Metric != m {
		return fmt.Errorf("%w: %s and %s", ErrMixedMetrics, t.Metric, m)
	}
	return nil
}

// classes counts the answers by class: good, middle and bad, such as
// promoters, passives and detractors.
func (t Tally) classes() (good, middle, bad int64) {
	for v, c := range t.Counts {
		switch t.Metric.Class(v) {
		case promoter, satisfied, easy:
			good += c
		case passive, neutral, middling:
			middle += c
		case detractor, dissatisfied, hard:
			bad += c
		}
	}
	return good, middle, bad
}

// Interval is a confidence interval, both ends included.
type Interval struct{ Low, High float64 }

// Result is a metric with its interval. Never show Value without N.
type Result struct {
	Metric Metric
	// N counts the answers; Unanswered were asked and left open, OutOfScale answered beside the
	// scale. Only N is in the figures.
	N          int64
	Unanswered int64
	OutOfScale int64
	// Value is, for NPS, promoters less detractors in points, -100 to 100; for
	// CSAT the satisfied (4 and 5) in percent, 0 to 100; for CES the mean
	// answer, 1 to 7. It is 0, and says nothing, when N is 0.
	Value    float64
	Interval Interval // in the unit of Value; the whole scale when N is 0
	// Good is the share of the good class in percent with its Wilson interval:
	// promoters, satisfied (the same as Value) or easy (5 and above).
	Good         float64
	GoodInterval Interval
}

// z95 is the two-sided 95 % point of the normal distribution.
const z95 = 1.959963984540054

// Result computes the metric at 95 % confidence: NPS with the adjusted Wald
// interval, CSAT with the Wilson interval, CES with the t interval of its mean.
func (t Tally) Result() Result {
	good, middle, bad := t.classes()
	n := good + middle + bad
	r := Result{Metric: t.Metric, N: n, Unanswered: t.Unanswered, OutOfScale: t.OutOfScale}
	share := wilson(good, n, z95)
	r.GoodInterval = Interval{100 * share.Low, 100 * share.High}
	if n > 0 {
		r.Good = 100 * float64(good) / float64(n)
	}
	switch t.Metric {
	case NPS:
		if n > 0 {
			r.Value = 100 * float64(good-bad) / float64(n)
		}
		i := adjustedWald(good, middle, bad, z95)
		r.Interval = Interval{100 * i.Low, 100 * i.High}
	case CSAT:
		r.Value, r.Interval = r.Good, r.GoodInterval
	case CES:
		r.Value, r.Interval = t.mean()
	}
	return r
}

// mean is the mean answer with its 95 % t interval, clamped to the scale.
func (t Tally) mean() (float64, Interval) {
	lo, hi, _ := t.Metric.scale()
	scale := Interval{float64(lo), float64(hi)}
	var n, sum, squares int64
	for v, c := range t.Counts {
		n += c
		sum += c * int64(v)
		squares += c * int64(v) * int64(v)
	}
	if n == 0 {
		return 0, scale
	}
	mean := float64(sum) / float64(n)
	if n == 1 {
		return mean, scale
	}
	// n·Σv² - (Σv)² is whole and exact, so no cancellation occurs. Equal
	// answers on a scale of whole numbers still say nothing about fractions
	// of a step: the variance is never taken below that of rounding, 1/12.
	variance := float64(n*squares-sum*sum) / (float64(n) * float64(n-1))
	half := tQuantile975(n-1) * math.Sqrt(max(variance, 1.0/12)/float64(n))
	return mean, Interval{max(mean-half, scale.Low), min(mean+half, scale.High)}
}
