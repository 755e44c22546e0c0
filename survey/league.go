package survey

import (
	"cmp"
	"math"
	"slices"
)

// Standing is the place of one group in a league. When Suppressed, only Key is set.
type Standing[K cmp.Ordered] struct {
	Key        K
	Suppressed bool
	Result     Result
	// Shrunk is the value drawn towards the mean of all by as much as it may be chance: the
	// best guess of what the group's next answers will give.
	Shrunk float64
	// Weight is how much of the group's own value is in Shrunk, 0 to 1. It is 0 where all
	// groups differ no more than chance makes them.
	Weight float64
	// Funnel is where 95 % of groups with as many answers would be, were they all like the
	// mean of all (Spiegelhalter 2005).
	Funnel Interval
	// P is the p value of the group being like all the others together, by a score test, and Q is P adjusted
	// for the number of groups (Benjamini and Hochberg 1995): of the groups with a Q of .05
	// and less one in twenty at most is expected to be like the others.
	P, Q float64
}

// League ranks groups, the worst first: by the upper end of the interval, so that no few
// answers put a group on top. Groups of fewer than least answers are suppressed as by
// Groups.Results, 0 means 5, and come last; they count for the mean of all, and not for the
// differences between groups.
//
// Shrunk is the estimate of an empirical Bayes model with the variance between groups of
// DerSimonian and Laird (1986). The values and errors that go in are those with a few
// answers added, see Tally.Less, because the plain error of ten equal answers is 0.
func League[K cmp.Ordered](g *Groups[K], least int64) []Standing[K] {
	total := g.Total()
	mean, _ := total.adjusted()
	variance := total.variance()
	results := g.Results(least)
	out := make([]Standing[K], 0, len(results))
	var values, errs []float64
	var shown []int
	for i, r := range results {
		s := Standing[K]{Key: r.Key, Suppressed: r.Suppressed, Result: r.Result}
		if !r.Suppressed && r.Result.N > 0 {
			t := *g.m[r.Key]
			value, se := t.adjusted()
			values, errs, shown = append(values, value), append(errs, se), append(shown, i)
			s.Funnel = total.Limits(r.Result.N, .95)
			s.P = alike(t, total.without(t), variance)
		}
		out = append(out, s)
	}
	between := betweenGroups(values, errs)
	ps := make([]float64, len(shown))
	for i, k := range shown {
		if between > 0 {
			out[k].Weight = between / (between + errs[i]*errs[i])
		}
		out[k].Shrunk = mean + out[k].Weight*(values[i]-mean)
		ps[i] = out[k].P
	}
	for i, q := range Adjust(ps) {
		out[shown[i]].Q = q
	}
	slices.SortStableFunc(out, func(a, b Standing[K]) int {
		hidden := func(s Standing[K]) int {
			if s.Suppressed {
				return 1
			}
			return 0
		}
		return cmp.Or(hidden(a)-hidden(b), cmp.Compare(a.Result.Interval.High, b.Result.Interval.High), cmp.Compare(a.Result.Value, b.Result.Value))
	})
	return out
}

// Limits returns where a share of all groups of n answers would be, were they all like t: the
// control limits of a funnel plot (Spiegelhalter 2005), in the unit of Result.Value. A share of
// .95 and one of .998 are usual. Of no answers, n below 1 or a share outside 0 to 1 it is the
// whole scale.
func (t Tally) Limits(n int64, share float64) Interval {
	lo, hi := t.Metric.bounds()
	if t.N() == 0 || n < 1 || !(share > 0 && share < 1) {
		return Interval{lo, hi}
	}
	half := math.Sqrt2 * math.Erfinv(share) * math.Sqrt(t.variance()/float64(n))
	centre := t.Result().Value
	return Interval{max(centre-half, lo), min(centre+half, hi)}
}

// alike is the p value of two groups being alike, both with the variance of all answers: a
// score test. Tally.Less takes the variance of each group, which is too small too often
// where the smallest of sixty p values counts.
func alike(t, others Tally, variance float64) float64 {
	a, b := t.Result(), others.Result()
	if a.N == 0 || b.N == 0 || variance == 0 {
		return 1
	}
	se := math.Sqrt(variance * (1/float64(a.N) + 1/float64(b.N)))
	return math.Erfc(math.Abs(a.Value-b.Value) / se / math.Sqrt2)
}

// variance is that of one answer, in the unit of Result.Value squared.
func (t Tally) variance() float64 {
	good, middle, bad := t.classes()
	n := float64(good + middle + bad)
	if n == 0 {
		return 0
	}
	p, d := float64(good)/n, float64(bad)/n
	switch t.Metric {
	case CES:
		return t.spread() * n
	case CSAT:
		return 1e4 * p * (1 - p)
	}
	return 1e4 * (p + d - (p-d)*(p-d))
}

// without returns the counts of all others.
func (t Tally) without(o Tally) Tally {
	for v, c := range o.Counts {
		t.Counts[v] -= c
	}
	t.Unanswered -= o.Unanswered
	t.OutOfScale -= o.OutOfScale
	return t
}

// bounds are the ends of the scale of Result.Value.
func (m Metric) bounds() (lo, hi float64) {
	switch m {
	case NPS:
		return -100, 100
	case CES:
		l, h, _ := m.scale()
		return float64(l), float64(h)
	}
	return 0, 100
}

// betweenGroups is the variance between groups beyond that of their errors, by the moment
// estimator of DerSimonian and Laird; 0 where chance explains all of it.
func betweenGroups(values, errs []float64) float64 {
	var sum, squares, weighted float64
	for i, v := range values {
		w := 1 / (errs[i] * errs[i])
		sum += w
		squares += w * w
		weighted += w * v
	}
	if len(values) < 2 {
		return 0
	}
	centre, q := weighted/sum, 0.0
	for i, v := range values {
		q += (v - centre) * (v - centre) / (errs[i] * errs[i])
	}
	return max(0, (q-float64(len(values)-1))/(sum-squares/sum))
}
