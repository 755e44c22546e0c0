package experiment

import (
	"fmt"
	"math"
)

// Question is what an experiment is to find out.
type Question struct {
	Base    float64 // conversion without the message, as a share
	Lift    float64 // relative lift that must not be missed: 0.2 for a fifth more
	Holdout float64 // share that is held out
	Power   float64 // chance to see such a lift; 0 means 0.8
	Alpha   float64 // two-sided error; 0 means 0.05
}

// Size is how many units a Question takes.
type Size struct {
	// Control and Treatment are people per arm, Total both.
	Control   int64 `json:"control"`
	Treatment int64 `json:"treatment"`
	Total     int64 `json:"total"`
}

// HoldoutSize returns the groups that answer the question, to the nearest unit.
// The effect size is Cohen's h = 2 asin √p1 - 2 asin √p0 (Statistical Power
// Analysis, ch. 6); the control group is the n0 at which
// Φ(s-z) + Φ(-s-z), s = |h| √(n0/(1+n0/n1)), is the power. Values equal those
// of statsmodels' NormalIndPower.
func HoldoutSize(q Question) (Size, error) {
	if q.Power == 0 {
		q.Power = 0.8
	}
	if q.Alpha == 0 {
		q.Alpha = 0.05
	}
	p1 := q.Base * (1 + q.Lift)
	inside := func(x float64) bool { return x > 0 && x < 1 }
	if !inside(q.Base) || !inside(p1) || q.Lift == 0 || !inside(q.Holdout) || !inside(q.Power) || !inside(q.Alpha) || q.Power <= q.Alpha {
		return Size{}, fmt.Errorf("%w: no holdout can be sized for %+v", ErrInput, q)
	}
	z := math.Sqrt2 * math.Erfinv(1-q.Alpha)
	h := math.Abs(2*math.Asin(math.Sqrt(p1)) - 2*math.Asin(math.Sqrt(q.Base)))
	// Power grows with s, from alpha at 0; 40 is beyond any power a float64 holds.
	lo, hi := 0.0, 40.0
	for range 100 {
		if s := (lo + hi) / 2; normal(s-z)+normal(-s-z) < q.Power {
			lo = s
		} else {
			hi = s
		}
	}
	n0 := hi * hi / (h * h) * (1 + q.Holdout/(1-q.Holdout))
	if !(n0/q.Holdout < 1e15) {
		return Size{}, fmt.Errorf("%w: the lift is too small to be seen at all", ErrInput)
	}
	total, control := int64(math.Round(n0/q.Holdout)), max(1, int64(math.Round(n0)))
	return Size{Control: control, Treatment: total - control, Total: total}, nil
}

// normal is the distribution function of the standard normal.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
