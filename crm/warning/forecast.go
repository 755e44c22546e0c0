package warning

import (
	"fmt"
	"math"
	"slices"
)

// Point is a period to come.
type Point struct {
	Value float64 `json:"value"`
	// Low and High hold what comes with the level that was asked for: as far as forecasts of the
	// same model from earlier periods of this series were off.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Accuracy is how well forecasts from earlier periods of a series did.
type Accuracy struct {
	// Scaled is the mean absolute error over that of repeating the value of one season before (MASE,
	// Hyndman and Koehler 2006): below 1 it is better than that.
	Scaled float64 `json:"scaled"`
	// Percent is the mean absolute error as a share of what came, over periods in which something did.
	Percent float64 `json:"percent"`
	Origins int     `json:"origins"` // from how many periods forecasts were made
}

// smoother is exponential smoothing with a damped additive trend and a season that multiplies (Hyndman
// and Athanasopoulos, Forecasting: Principles and Practice, 8.3).
type smoother struct {
	alpha, beta, gamma, phi float64
	level, trend            float64
	season                  []float64
	at                      int
}

// damping is phi: a trend loses a twentieth with each period.
const damping = 0.95

// newSmoother begins with the first seasons.
func newSmoother(values []float64, season int, alpha, beta, gamma float64) *smoother {
	s := &smoother{alpha: alpha, beta: beta, gamma: gamma, phi: damping, season: []float64{1}}
	n := min(len(values), max(8, 2*season))
	if season > 1 {
		s.season = indices(values[:n], season)
	}
	var known []float64
	for i, v := range values[:n] {
		if !math.IsNaN(v) {
			known = append(known, v/s.season[i%len(s.season)])
		}
	}
	s.level = median(known)
	return s
}

// ahead returns the forecast for h periods from now on, 1 for the next.
func (s *smoother) ahead(h int) float64 {
	trend, phi := 0.0, 1.0
	for range h {
		phi *= s.phi
		trend += phi
	}
	return max(0, (s.level+trend*s.trend)*s.season[(s.at+h-1)%len(s.season)])
}

// add goes on by a value; NaN changes nothing but the period.
func (s *smoother) add(v float64) {
	i := s.at % len(s.season)
	s.at++
	if math.IsNaN(v) {
		s.level += s.phi * s.trend
		s.trend *= s.phi
		return
	}
	was, index := s.level, s.season[i]
	s.level = s.alpha*v/index + (1-s.alpha)*(was+s.phi*s.trend)
	s.trend = s.beta*(s.level-was) + (1-s.beta)*s.phi*s.trend
	if len(s.season) > 1 && s.level > 0 {
		s.season[i] = max(0.01, s.gamma*v/s.level+(1-s.gamma)*index)
	}
}

// Forecast goes on with a series of values that are not negative, NaN where one is not known, for so many
// periods: by exponential smoothing with a trend that fades and a season of so many periods, 0 or 1 for none,
// whose weights are those that did best in the series itself. Intervals are of the level, such as
// 0.9. At least three seasons and 16 values must be there, and periods is
// at most as many as they are. The error is an ErrData.
func Forecast(values []float64, season, periods int, level float64) ([]Point, Accuracy, error) {
	season = max(1, season)
	switch {
	case len(values) < max(16, 3*season):
		return nil, Accuracy{}, fmt.Errorf("%w: there are %d values, %d must be there with a season of %d", ErrData, len(values), max(16, 3*season), season)
	case periods < 1 || periods > len(values):
		return nil, Accuracy{}, fmt.Errorf("%w: periods is %d, not from 1 to the %d that are known", ErrData, periods, len(values))
	case !(level > 0 && level < 1):
		return nil, Accuracy{}, fmt.Errorf("%w: level is %v, not between 0 and 1", ErrData, level)
	}
	for i, v := range values {
		if v < 0 || math.IsInf(v, 0) {
			return nil, Accuracy{}, fmt.Errorf("%w: period %d is %v", ErrData, i, v)
		}
	}
	// The weights with the smallest error of the next period, each tried.
	var best smoother
	least := math.Inf(1)
	gammas := []float64{0}
	if season > 1 {
		gammas = []float64{0.05, 0.2, 0.4}
	}
	for _, alpha := range []float64{0.05, 0.1, 0.2, 0.35, 0.55, 0.8} {
		for _, beta := range []float64{0, 0.03, 0.1, 0.3} {
			for _, gamma := range gammas {
				s := newSmoother(values, season, alpha, beta, gamma)
				var off float64
				for i, v := range values {
					if d := s.ahead(1) - v; i >= max(8, 2*season) && !math.IsNaN(d) {
						off += math.Abs(d)
					}
					s.add(v)
				}
				if off < least {
					least, best = off, smoother{alpha: alpha, beta: beta, gamma: gamma}
				}
			}
		}
	}
	// Forecasts from every period after the first seasons, and how far they were off.
	s := newSmoother(values, season, best.alpha, best.beta, best.gamma)
	ratios := make([][]float64, periods)
	var acc Accuracy
	var off, naive, came, offCame float64
	for i, v := range values {
		s.add(v)
		if i+1 < max(12, 2*season) || i+1 == len(values) {
			continue
		}
		acc.Origins++
		for h := 1; h <= periods && i+h < len(values); h++ {
			f, v := s.ahead(h), values[i+h]
			if math.IsNaN(v) {
				continue
			}
			if f > 0 {
				ratios[h-1] = append(ratios[h-1], v/f-1)
			}
			off += math.Abs(v - f)
			if before := values[i+h-season*((h-1)/season+1)]; !math.IsNaN(before) {
				naive += math.Abs(v - before)
			}
			if v > 0 {
				came += v
				offCame += math.Abs(v - f)
			}
		}
	}
	if naive > 0 {
		acc.Scaled = off / naive
	}
	if came > 0 {
		acc.Percent = offCame / came
	}
	out := make([]Point, periods)
	for h := range out {
		p := &out[h]
		p.Value = s.ahead(h + 1)
		spread := p.Value * quantile(ratios, h, level)
		p.Low, p.High = max(0, p.Value-spread), p.Value+spread
	}
	return out, acc, nil
}

// quantile returns by which share forecasts of so many periods were off at most in the share level of
// cases: of the horizon, with those beside it where it has few, never less than of a nearer one.
func quantile(errs [][]float64, h int, level float64) float64 {
	var widest float64
	for i := range h + 1 {
		var all []float64
		for j := max(0, i-1); j <= min(len(errs)-1, i+1); j++ {
			for _, e := range errs[j] {
				all = append(all, math.Abs(e))
			}
		}
		if len(all) == 0 {
			continue
		}
		slices.Sort(all)
		// Conformal (Vovk et al. 2005): of n errors the one at (n+1)·level.
		at := int(math.Ceil(float64(len(all)+1)*level)) - 1
		widest = max(widest, all[min(at, len(all)-1)])
	}
	return widest
}
