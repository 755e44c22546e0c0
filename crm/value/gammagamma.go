package value

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
)

// Spending is what a customer's purchases were worth.
type Spending struct {
	// Purchases is the number of purchases that Mean is of, 1 or more. The papers leave the first
	// one out, so that it is Purchases.Repeats.
	Purchases int
	// Mean is the mean value of a purchase, from 1e-100 to 1e100, in any unit, such as kuruş.
	Mean float64
}

func (s Spending) fault() *DataError {
	switch {
	case s.Purchases < 1 || s.Purchases > maxRepeats:
		return &DataError{Field: "Purchases", Reason: fmt.Sprintf("is %d, not from 1 to %d", s.Purchases, maxRepeats)}
	case !(s.Mean >= shortest && s.Mean <= longest):
		return &DataError{Field: "Mean", Reason: fmt.Sprintf("is %v, not from %v to %v", s.Mean, shortest, longest)}
	}
	return nil
}

// GammaGamma is the model of Fader and Hardie, "The Gamma-Gamma model of monetary value" (2013,
// brucehardie.com/notes/025): purchases of a customer are gamma distributed (P, and a scale of his own), the
// scales of customers are gamma distributed (Q, Gamma). What a purchase is worth does not depend on how
// often a customer buys. Gamma is in the unit of money; all three are above 0.
type GammaGamma struct {
	P     float64 `json:"p"`
	Q     float64 `json:"q"`
	Gamma float64 `json:"gamma"`
}

// FitGammaGamma estimates the model by maximum likelihood from customers with a purchase whose
// worth is known. The error about one of them is a *DataError with its number.
// With a *BoundaryError the model is usable.
func FitGammaGamma(ctx context.Context, customers iter.Seq[Spending]) (GammaGamma, Fit, error) {
	return FitGammaGammaCounted(ctx, func(yield func(Spending, int) bool) {
		for s := range customers {
			if !yield(s, 1) {
				return
			}
		}
	})
}

// FitGammaGammaCounted is FitGammaGamma of customers that come with how many of them there are.
func FitGammaGammaCounted(ctx context.Context, customers iter.Seq2[Spending, int]) (GammaGamma, Fit, error) {
	count := map[Spending]int{}
	row := 0
	for s, n := range customers {
		fault := s.fault()
		if fault == nil && n < 0 {
			fault = &DataError{Field: "count", Reason: fmt.Sprintf("is %d", n)}
		}
		if fault != nil {
			fault.Row = row
			return GammaGamma{}, Fit{}, fault
		}
		if n > 0 {
			count[s] += n
		}
		row++
	}
	if len(count) == 0 {
		return GammaGamma{}, Fit{}, fmt.Errorf("%w: no customers", ErrData)
	}
	cells := make([]spendingCell, 0, len(count))
	for s, n := range count {
		cells = append(cells, spendingCell{s, float64(n), float64(s.Purchases) * s.Mean, 0})
	}
	slices.SortFunc(cells, func(a, b spendingCell) int {
		return cmp.Or(cmp.Compare(a.Purchases, b.Purchases), cmp.Compare(a.Mean, b.Mean))
	})
	var mean, n float64
	for i := range cells {
		mean += cells[i].n * cells[i].Mean
		n += cells[i].n
		cells[i].log = math.Log(cells[i].total)
	}
	mean /= n
	p := problem{model: "Gamma-Gamma", names: []string{"p", "q", "gamma"}, start: []float64{2, 2, mean}, scale: []float64{1, 1, mean}, eval: gammaGamma(cells)}
	at, fit, err := p.maximise(ctx)
	fit.Customers = int(n)
	return GammaGamma{at[0], at[1], at[2]}, fit, err
}

// spendingCell is customers who spent alike.
type spendingCell struct {
	Spending
	n, total, log float64 // the logarithm of total
}

// gammaGamma returns the likelihood, of which x purchases worth m on average contribute
//
//	ln Γ(px+q) − ln Γ(px) − ln Γ(q) + q·ln γ + (px−1)·ln m + px·ln x − (px+q)·ln(γ+xm).
func gammaGamma(cells []spendingCell) likelihood {
	return func(at *[maxParams]float64, d *derivatives) float64 {
		p, q, gamma := at[0], at[1], at[2]
		logGamma, lnQ, psiQ, psi1Q := math.Log(gamma), lnGamma(q), digamma(q), trigamma(q)
		var ll, x, ratio, psi, psiP, psi1, psi1P float64
		for i := range cells {
			c := &cells[i]
			if v := float64(c.Purchases); v != x { // in ascending order
				x = v
				px := p * x
				ratio, psi, psiP, psi1, psi1P = lnGammaRatio(px, q), digamma(px+q), digamma(px), trigamma(px+q), trigamma(px)
			}
			w, pxq, sum := c.n, p*x+q, gamma+c.total
			logSum, is := math.Log(sum), 1/sum
			ll += w * (ratio - lnQ + q*logGamma + p*x*c.log - (c.log - math.Log(x)) - pxq*logSum)
			d.first[0] += w * x * (psi - psiP + c.log - logSum)
			d.first[1] += w * (psi - psiQ + logGamma - logSum)
			d.first[2] += w * (q/gamma - pxq*is)
			d.second[0][0] += w * x * x * (psi1 - psi1P)
			d.second[1][0] += w * x * psi1
			d.second[1][1] += w * (psi1 - psi1Q)
			d.second[2][0] -= w * x * is
			d.second[2][1] += w * (1/gamma - is)
			d.second[2][2] += w * (pxq*is*is - q/(gamma*gamma))
		}
		return ll
	}
}

// Expect returns what a purchase of a customer is worth on average, P·(γ+xm)/(Px+Q−1); of the zero
// Spending, of whom nothing is known, the mean of all. It is +Inf where the model's mean is infinite, which
// it is of a new customer with Q <= 1, and NaN of bad spending.
func (m GammaGamma) Expect(s Spending) float64 {
	x := float64(s.Purchases)
	if s != (Spending{}) && s.fault() != nil {
		return math.NaN()
	}
	if m.P*x+m.Q <= 1 {
		return math.Inf(1)
	}
	return m.P * (m.Gamma + x*s.Mean) / (m.P*x + m.Q - 1)
}
