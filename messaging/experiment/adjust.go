package experiment

import (
	"fmt"
	"math"
)

// Before sums up what units of one arm spent within the window and, each, before the
// campaign. The zero value has no units.
type Before struct {
	now, before Spend
	products    wide // sum of the products of the two amounts
}

// Add takes in one unit: what it spent within the window, and in a period before it was
// assigned, which the campaign cannot have changed.
func (b *Before) Add(now, before int64) {
	b.now.Add(now)
	b.before.Add(before)
	b.products.add(now, before)
}

// together is the sum of products of differences from the two means.
func (b *Before) together() float64 {
	return central(b.now.N, b.products, b.now.Sum, b.before.Sum)
}

// Adjusted is what CompareAdjusted finds.
type Adjusted struct {
	Extra
	// Theta is how much of a difference before is expected to be there still, Reduction the
	// share of the variance that the adjustment takes away: 0 none, 0.75 halves the interval.
	Theta     float64
	Reduction float64
}

// CompareAdjusted is CompareSpend with what units spent before taken into account: those
// who always spend much are as many by chance in one arm as in the other, and what they
// spent before tells how many it were (CUPED; Deng and others, WSDM 2013). The difference
// stays that of the arms; the interval is narrower by √(1 - Reduction).
func CompareAdjusted(treated, heldOut Before, confidence float64) (Adjusted, error) {
	if treated.now.N < 2 || heldOut.now.N < 2 {
		return Adjusted{}, fmt.Errorf("%w: %d and %d units, each arm needs two", ErrInput, treated.now.N, heldOut.now.N)
	}
	if confidence == 0 {
		confidence = 0.95
	}
	z, err := quantile(confidence)
	if err != nil {
		return Adjusted{}, err
	}
	sxx, sxy := treated.before.m2()+heldOut.before.m2(), treated.together()+heldOut.together()
	out := Adjusted{}
	if sxx > 0 {
		out.Theta = sxy / sxx
	}
	all := float64(treated.before.Sum+heldOut.before.Sum) / float64(treated.before.N+heldOut.before.N)
	adjust := func(b *Before) sample {
		s := b.now.sample()
		s.mean -= out.Theta * (b.before.mean() - all)
		s.m2 = max(0, s.m2-2*out.Theta*b.together()+out.Theta*out.Theta*b.before.m2())
		return s
	}
	a, b := adjust(&treated), adjust(&heldOut)
	out.Extra = welch(a, b, z)
	if was := treated.now.m2() + heldOut.now.m2(); was > 0 {
		out.Reduction = 1 - (a.m2+b.m2)/was
	}
	return out, nil
}

// Pooled is what several campaigns changed together.
type Pooled struct {
	Difference float64  `json:"difference"` // weighted mean of the differences of the campaigns
	Interval   Interval `json:"interval"`
	// Conversions are those that the campaigns brought: each arm's assigned by the common
	// difference.
	Conversions float64 `json:"conversions"`
	// Unlike is the p value of the campaigns having one common difference: below 0.05 they
	// differ, and a mean of them says little of each.
	Unlike float64 `json:"unlike"`
	Result Result  `json:"result"`
}

// Pool puts the campaigns of a time together, each with the holdout of its own: where none
// has people enough for an answer, all together may have. Campaigns without either arm are
// left out; without any it is ErrInput. It is the Mantel-Haenszel risk difference with the
// variance of Sato (Biometrics 45, 1989), which holds for few large and for many small
// campaigns. A customer may be in several campaigns, assigned in each by itself.
func Pool(confidence float64, campaigns ...Counts) (Pooled, error) {
	if confidence == 0 {
		confidence = 0.95
	}
	z, err := quantile(confidence)
	if err != nil {
		return Pooled{}, err
	}
	var num, den, p, q, assigned float64
	var used []Counts
	for i, c := range campaigns {
		if err := c.validate(); err != nil {
			return Pooled{}, fmt.Errorf("campaign %d: %w", i, err)
		}
		assigned += float64(c.Assigned)
		if c.Assigned == 0 || c.HeldOut == 0 {
			continue
		}
		used = append(used, c)
		n1, n0, k1, k0 := float64(c.Assigned), float64(c.HeldOut), float64(c.Converted), float64(c.HeldOutConverted)
		n := n1 + n0
		num += (k1*n0 - k0*n1) / n
		den += n1 * n0 / n
		p += (n1*n1*k0 - n0*n0*k1 + n1*n0*(n0-n1)/2) / (n * n)
		q += (k1*(n0-k0) + k0*(n1-k1)) / (2 * n)
	}
	if len(used) == 0 {
		return Pooled{}, fmt.Errorf("%w: no campaign has both arms", ErrInput)
	}
	out := Pooled{Difference: num / den, Unlike: 1, Result: Inconclusive}
	half := z * math.Sqrt(max(0, out.Difference*p+q)/(den*den))
	out.Interval = Interval{max(-1, out.Difference-half), min(1, out.Difference+half)}
	out.Conversions = assigned * out.Difference
	switch {
	case out.Interval.Lo > 0:
		out.Result = Better
	case out.Interval.Hi < 0:
		out.Result = Worse
	}
	// Cochran's Q about the common difference, with Agresti and Caffo's variances: those of
	// the counts themselves are 0 where nobody or everybody converted.
	var chi2 float64
	for _, c := range used {
		d := float64(c.Converted)/float64(c.Assigned) - float64(c.HeldOutConverted)/float64(c.HeldOut)
		v := plusOne(c.Converted, c.Assigned) + plusOne(c.HeldOutConverted, c.HeldOut)
		chi2 += (d - out.Difference) * (d - out.Difference) / v
	}
	if len(used) > 1 {
		out.Unlike = chiSquareTail(chi2, len(used)-1)
	}
	return out, nil
}

// plusOne is the variance of a share with one success and one failure added.
func plusOne(k, n int64) float64 {
	p := (float64(k) + 1) / (float64(n) + 2)
	return p * (1 - p) / (float64(n) + 2)
}

// Compare compares what two campaigns changed: the difference of their differences, with
// the interval that follows from both by the method of variance estimates recovery (Zou and
// Donner, Statistics in Medicine 27, 2008). Both need both arms.
func Compare(a, b Counts, confidence float64) (Extra, error) {
	if confidence == 0 {
		confidence = 0.95
	}
	var d [2]float64
	var i [2]Interval
	for n, c := range []Counts{a, b} {
		var err error
		if err = c.validate(); err == nil {
			i[n], err = newcombe(c.Converted, c.Assigned, c.HeldOutConverted, c.HeldOut, confidence)
		}
		if err != nil {
			return Extra{}, fmt.Errorf("campaign %d: %w", n, err)
		}
		d[n] = float64(c.Converted)/float64(c.Assigned) - float64(c.HeldOutConverted)/float64(c.HeldOut)
	}
	e := Extra{Treated: d[0], HeldOut: d[1], Difference: d[0] - d[1]}
	e.Interval = Interval{e.Difference - math.Hypot(d[0]-i[0].Lo, i[1].Hi-d[1]), e.Difference + math.Hypot(i[0].Hi-d[0], d[1]-i[1].Lo)}
	return e, nil
}

// Return is what a campaign earned for what it cost.
type Return struct {
	// Revenue is what all who were assigned spent beyond what they would have spent anyway,
	// Margin the part of it that is earned, Profit the margin less the cost.
	Revenue float64 `json:"revenue"`
	Margin  float64 `json:"margin"`
	Profit  float64 `json:"profit"`
	// ROI is Profit/Cost, with HasROI false where it cost nothing.
	HasROI bool    `json:"has_roi"`
	ROI    float64 `json:"roi"`
	// The intervals of Revenue, Profit and ROI are those of the difference of the arms.
	RevenueInterval Interval `json:"revenue_interval"`
	ProfitInterval  Interval `json:"profit_interval"`
	ROIInterval     Interval `json:"roi_interval"`
}

// Earned returns what a campaign earned: extra is what treatment changed of what one unit
// spends, assigned how many units it had, margin the share of revenue that is earned (0 to
// 1), cost what all its messages cost, in the unit of the amounts.
func Earned(extra Extra, assigned int64, margin, cost float64) (Return, error) {
	if assigned < 0 || !(margin >= 0 && margin <= 1) || !(cost >= 0) || math.IsInf(cost, 0) {
		return Return{}, fmt.Errorf("%w: %d assigned, margin %v, cost %v", ErrInput, assigned, margin, cost)
	}
	n := float64(assigned)
	r := Return{Revenue: n * extra.Difference, HasROI: cost > 0}
	r.RevenueInterval = Interval{n * extra.Interval.Lo, n * extra.Interval.Hi}
	r.Margin = margin * r.Revenue
	r.Profit = r.Margin - cost
	r.ProfitInterval = Interval{margin*r.RevenueInterval.Lo - cost, margin*r.RevenueInterval.Hi - cost}
	if r.HasROI {
		r.ROI, r.ROIInterval = r.Profit/cost, Interval{r.ProfitInterval.Lo / cost, r.ProfitInterval.Hi / cost}
	}
	return r, nil
}
