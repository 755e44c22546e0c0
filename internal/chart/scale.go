package chart

import (
	"errors"
	"fmt"
	"math"
)

// ErrNotFinite is the kind of every error about a value that is NaN or infinite where a picture
// needs a number.
var ErrNotFinite = errors.New("chart: not a finite number")

// Scale maps values onto pixels, with ticks at round values. Make one with NewScale.
type Scale struct {
	lo, hi, step float64
	from, to     float64
}

// NewScale returns a scale whose ends are round values around lo and hi, in either order: the
// lower one lies at pixel from, the upper one at pixel to, which is less than from where values
// grow upwards. It has at most most steps, never fewer than one; most below 1 means 4. Equal
// values get a scale around them. The error is ErrNotFinite.
func NewScale(lo, hi, from, to float64, most int) (Scale, error) {
	for _, v := range []float64{lo, hi, from, to} {
		// Beyond 1e15 a step would be less than the distance of two floats.
		if !(math.Abs(v) <= 1e15) {
			return Scale{}, fmt.Errorf("%w: %v", ErrNotFinite, v)
		}
	}
	if most < 1 {
		most = 4
	}
	lo, hi = min(lo, hi), max(lo, hi)
	if hi-lo < 1e-9*max(1, math.Abs(lo), math.Abs(hi)) {
		room := max(1, math.Abs(lo)/10)
		lo, hi = lo-room, hi+room
	}
	for power := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(most)))); ; power *= 10 {
		for _, f := range []float64{1, 2, 2.5, 5} {
			step := f * power
			a, b := math.Floor(lo/step+1e-9), math.Ceil(hi/step-1e-9)
			if b-a <= float64(max(most, 2)) { // two steps may be needed at any size: around a round value
				return Scale{a * step, b * step, step, from, to}, nil
			}
		}
	}
}

// At returns the pixel of a value, clamped to the ends of the scale; NaN for NaN, which every
// function of Drawing leaves out.
func (s Scale) At(v float64) float64 {
	if math.IsNaN(v) || s.hi == s.lo {
		return math.NaN()
	}
	v = min(max(v, s.lo), s.hi)
	return s.from + (v-s.lo)/(s.hi-s.lo)*(s.to-s.from)
}

// Ends returns the least and the largest value of the scale.
func (s Scale) Ends() (lo, hi float64) { return s.lo, s.hi }

// Ticks returns the round values from one end to the other.
func (s Scale) Ticks() []float64 {
	if s.step == 0 {
		return nil
	}
	n := int(math.Round((s.hi - s.lo) / s.step))
	out := make([]float64, 0, n+1)
	first := math.Round(s.lo / s.step)
	for i := range n + 1 {
		// A multiple of the step, not a sum: 0.1 added three times is not 0.3.
		v := (first + float64(i)) * s.step
		if v == 0 {
			v = 0 // no negative zero
		}
		out = append(out, v)
	}
	return out
}

// Decimals is how many digits behind the point the ticks need, 0 to 12.
func (s Scale) Decimals() int {
	for n := range 12 {
		if f := s.step * math.Pow10(n); f >= 1-1e-9 && math.Abs(f-math.Round(f)) < 1e-6 {
			return n
		}
	}
	return 12
}
