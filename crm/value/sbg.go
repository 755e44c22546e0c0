package value

import (
	"context"
	"fmt"
	"math"
)

// SBG is the shifted beta-geometric model of Fader and Hardie, "How to project customer retention",
// Journal of Interactive Marketing 21 (2007) 76-90: a customer with a contract leaves at each
// renewal with a probability that is beta distributed (Alpha, Beta). Both are above 0.
type SBG struct {
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
}

// maxRenewals bounds the number of periods.
const maxRenewals = 100_000

// FitSBG estimates the model by maximum likelihood from how many customers of one beginning were
// left after each renewal: left[0] is all of them, left[1] those after the first. Not growing, 0 or more. With a
// *BoundaryError the model is usable.
func FitSBG(ctx context.Context, left ...int) (SBG, Fit, error) {
	for i, n := range left {
		if n < 0 || i > 0 && n > left[i-1] {
			return SBG{}, Fit{}, &DataError{Row: i, Field: "left", Reason: fmt.Sprintf("is %d, not from 0 to those before", n)}
		}
	}
	if len(left) < 2 || left[0] == 0 || len(left) > maxRenewals {
		return SBG{}, Fit{}, fmt.Errorf("%w: the numbers of customers before and after 1 to %d renewals are needed", ErrData, maxRenewals)
	}
	end := len(left) - 1
	p := problem{model: "sBG", names: []string{"alpha", "beta"}, start: []float64{1, 2}, eval: func(at *[maxParams]float64, d *derivatives) (ll float64) {
		// Who leaves at renewal t+1 has B(α+1, β+t)/B(α, β), who is left B(α, β+end)/B(α, β).
		table := newBetaTable(at[0], at[1], 1, end)
		add := func(l logBeta, n int) {
			w := float64(n)
			ll += w * l.v
			d.first[0] += w * l.a
			d.first[1] += w * l.b
			d.second[0][0] += w * l.aa
			d.second[1][0] += w * l.ab
			d.second[1][1] += w * l.bb
		}
		for t := range end {
			add(table.at(1, t), left[t]-left[t+1])
		}
		add(table.at(0, end), left[end])
		return ll
	}}
	at, fit, err := p.maximise(ctx)
	fit.Customers = left[0]
	return SBG{at[0], at[1]}, fit, err
}

// Surviving returns the share of customers that is left after t renewals, 0 or more.
func (m SBG) Surviving(t int) float64 {
	if t < 0 {
		return math.NaN()
	}
	return math.Exp(lnGammaRatio(m.Beta, float64(t)) - lnGammaRatio(m.Alpha+m.Beta, float64(t)))
}

// Retention returns the share of those left after t renewals who renew once more, which grows
// with t because those leave first who are likely to.
func (m SBG) Retention(t int) float64 {
	if t < 0 {
		return math.NaN()
	}
	return (m.Beta + float64(t)) / (m.Alpha + m.Beta + float64(t))
}
