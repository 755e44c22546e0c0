package basket

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Spent is what a customer spent on a brand at a time.
type Spent struct {
	Brand  string
	At     time.Time
	Amount int64 // minor units; what came back is below 0
}

// Affinity is how much a customer is a brand's.
type Affinity struct {
	Brand string `json:"brand"`
	// Share is the part of all that he spent, older purchases counting less; from 0 to 1. What
	// came back is taken off; a brand of which more came back than was bought has 0.
	Share float64 `json:"share"`
	// Amount is what was spent on it, without weights, and Last when something was last bought.
	Amount int64     `json:"amount"`
	Last   time.Time `json:"last"`
}

// Affinities returns a customer's brands as of a day, the nearest first, then by name: each amount
// counts half as much after halfLife, which is above 0, and so on. What is later than now is left
// out. The error is an ErrData about halfLife.
func Affinities(spent []Spent, now time.Time, halfLife time.Duration) ([]Affinity, error) {
	if halfLife <= 0 {
		return nil, fmt.Errorf("%w: a half-life of %v", ErrData, halfLife)
	}
	all := slices.Clone(spent)
	slices.SortFunc(all, func(a, b Spent) int {
		return cmp.Or(cmp.Compare(a.Brand, b.Brand), a.At.Compare(b.At), cmp.Compare(a.Amount, b.Amount))
	})
	var out []Affinity
	var weights []float64
	for _, s := range all {
		if s.At.After(now) {
			continue
		}
		if len(out) == 0 || out[len(out)-1].Brand != s.Brand {
			out, weights = append(out, Affinity{Brand: s.Brand}), append(weights, 0)
		}
		a := &out[len(out)-1]
		a.Amount += s.Amount
		if s.Amount > 0 {
			a.Last = s.At
		}
		weights[len(weights)-1] += float64(s.Amount) * math.Exp2(-float64(now.Sub(s.At))/float64(halfLife))
	}
	var whole float64
	for _, w := range weights {
		whole += max(0, w)
	}
	for i := range out {
		if whole > 0 {
			out[i].Share = max(0, weights[i]) / whole
		}
	}
	slices.SortStableFunc(out, func(a, b Affinity) int { return cmp.Compare(b.Share, a.Share) })
	return out, nil
}
