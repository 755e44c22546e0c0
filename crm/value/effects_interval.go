package value

import (
	"fmt"
	"math"
	"slices"
)

// PredictAll returns what the function PredictAll does, for customers with covariates and the fit that the model is of.
// For one customer Predict takes the model that Of returns.
func (m ParetoNBDEffects) PredictAll(fit Fit, c *Covariates, t, level float64) (Interval, error) {
	return c.predictAll(m.Effects, m.Base.params(), fit, t, level, func(base []float64, e Effects, z []float64) (Model, error) {
		return ParetoNBDEffects{ParetoNBD{base[0], base[1], base[2], base[3]}, e}.Of(z)
	})
}

// PredictAll returns what the function PredictAll does, for customers with covariates and the fit that the model is of.
// For one customer Predict takes the model that Of returns.
func (m BGNBDEffects) PredictAll(fit Fit, c *Covariates, t, level float64) (Interval, error) {
	return c.predictAll(m.Effects, m.Base.params(), fit, t, level, func(base []float64, e Effects, z []float64) (Model, error) {
		return BGNBDEffects{BGNBD{base[0], base[1], base[2], base[3]}, e}.Of(z)
	})
}

// predictAll adds up the groups; of returns the model of one.
func (c *Covariates) predictAll(e Effects, base []float64, fit Fit, t, level float64, of func(base []float64, e Effects, z []float64) (Model, error)) (Interval, error) {
	if err := checkInterval(t, level); err != nil {
		return Interval{}, err
	}
	k := len(c.names)
	if !slices.Equal(e.Names, c.names) || len(e.Buying) != k || len(e.Leaving) != k {
		return Interval{}, fmt.Errorf("%w: the model has the covariates %q, the customers %q", ErrData, e.Names, c.names)
	}
	if n := len(fit.Covariance); n != 0 && n != len(base)+2*k {
		return Interval{}, fmt.Errorf("%w: the fit is of another model", ErrData)
	}
	total := func(base []float64, e Effects, variance bool) (mean, spread float64, err error) {
		for _, g := range c.groups {
			m, err := of(base, e, g.z)
			if err != nil {
				return 0, 0, err
			}
			a, b := g.s.total(m, t, variance)
			mean, spread = mean+a, spread+b
		}
		return mean, spread, nil
	}
	mean, spread, err := total(base, e, true)
	if err != nil {
		return Interval{}, err
	}
	spread += fit.uncertainty(func(i int, by float64) float64 {
		b, buying, leaving := slices.Clone(base), slices.Clone(e.Buying), slices.Clone(e.Leaving)
		switch j := i - len(b); {
		case j < 0:
			b[i] *= math.Exp(by)
		// A coefficient moves by as much of a standard deviation of its covariate; per its own unit it is that times as much.
		case j < k:
			buying[j] += by / c.spread[j]
		default:
			leaving[j-k] += by / c.spread[j-k]
		}
		sum, _, _ := total(b, Effects{e.Names, buying, leaving}, false) // the covariates are those of before
		if j := i - len(b); j >= 0 {
			sum *= c.spread[j%k]
		}
		return sum
	})
	return Interval{Expected: mean}.normal(spread, level), nil
}
