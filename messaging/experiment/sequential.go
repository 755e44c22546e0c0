package experiment

import (
	"errors"
	"fmt"
	"math"

	"github.com/vefacrm/vefa/internal/pvalue"
)

// Sequence is an answer that holds at every look together: who looks at it again and
// again, and stops when he likes, is wrong no more often than the confidence says. A fixed
// test that is looked at after every 25 people calls 44 of 100 equal campaigns different.
type Sequence struct {
	Difference float64  `json:"difference"`
	Interval   Interval `json:"interval"` // of the difference
	// P is the smallest level at which the interval leaves 0 out: it may be compared with
	// alpha at any look.
	P      float64 `json:"p"`
	Result Result  `json:"result"`
}

// Anytime evaluates a campaign so that it may be looked at as often as one likes. Planned is
// how many units both arms are meant to have in the end, at which the interval is narrowest
// for what it promises; 0 means 20,000. Choose it before the first look and keep it: an
// interval that is tuned to what was seen promises nothing.
//
// It is the asymptotic confidence sequence of Waudby-Smith and others (Annals of Statistics
// 52, 2024), with standard error se of the difference after t units:
// d ± se √(2(tρ²+1)/(tρ²) ln(√(tρ²+1)/α)), ρ² = (-2 ln α + ln(1 - 2 ln α))/planned. Being
// asymptotic, it says nothing before each arm has 5 who converted and 5 who did not: then
// the interval is from -1 to 1.
func Anytime(c Counts, planned int64, confidence float64) (Sequence, error) {
	if err := c.validate(); err != nil {
		return Sequence{}, err
	}
	s := sequence{t: c.Assigned + c.HeldOut, planned: planned, confidence: confidence}
	out := Sequence{Interval: Interval{-1, 1}, P: 1, Result: Unmeasured}
	if err := s.check(); err != nil {
		return Sequence{}, err
	}
	if c.Assigned == 0 || c.HeldOut == 0 {
		return out, nil
	}
	p1, p0 := float64(c.Converted)/float64(c.Assigned), float64(c.HeldOutConverted)/float64(c.HeldOut)
	out.Difference, out.Result = p1-p0, Inconclusive
	if min(c.Converted, c.Assigned-c.Converted, c.HeldOutConverted, c.HeldOut-c.HeldOutConverted) < 5 {
		return out, nil
	}
	se := math.Sqrt(p1*(1-p1)/float64(c.Assigned) + p0*(1-p0)/float64(c.HeldOut))
	out = s.around(out.Difference, se)
	out.Interval = Interval{max(-1, out.Interval.Lo), min(1, out.Interval.Hi)}
	return out, nil
}

// AnytimeSpend is Anytime for what units spend. It says nothing before each arm has 100
// units, and is then from minus to plus infinity.
func AnytimeSpend(treated, heldOut Spend, planned int64, confidence float64) (Sequence, error) {
	s := sequence{t: treated.N + heldOut.N, planned: planned, confidence: confidence}
	if err := s.check(); err != nil {
		return Sequence{}, err
	}
	out := Sequence{Interval: Interval{math.Inf(-1), math.Inf(1)}, P: 1, Result: Unmeasured}
	if treated.N == 0 || heldOut.N == 0 {
		return out, nil
	}
	out.Difference, out.Result = treated.mean()-heldOut.mean(), Inconclusive
	if treated.N < 100 || heldOut.N < 100 {
		return out, nil
	}
	return s.around(out.Difference, math.Sqrt(treated.variance()/float64(treated.N)+heldOut.variance()/float64(heldOut.N))), nil
}

// sequence is what an interval of a sequence goes by.
type sequence struct {
	t, planned int64
	confidence float64
}

func (s *sequence) check() error {
	if s.planned == 0 {
		s.planned = 20_000
	}
	if s.confidence == 0 {
		s.confidence = 0.95
	}
	var faults []error
	if s.planned < 0 {
		faults = append(faults, fmt.Errorf("%w: %d units are planned", ErrInput, s.planned))
	}
	if !(s.confidence > 0 && s.confidence < 1) {
		faults = append(faults, fmt.Errorf("%w: confidence %v is not between 0 and 1", ErrInput, s.confidence))
	}
	return errors.Join(faults...)
}

func (s *sequence) around(d, se float64) Sequence {
	alpha := 1 - s.confidence
	rho2 := (-2*math.Log(alpha) + math.Log(1-2*math.Log(alpha))) / float64(s.planned)
	tr := float64(s.t) * rho2
	half := se * math.Sqrt(2*(tr+1)/tr*math.Log(math.Sqrt(tr+1)/alpha))
	out := Sequence{Difference: d, Interval: Interval{d - half, d + half}, P: 1, Result: Inconclusive}
	if se > 0 {
		out.P = min(1, math.Sqrt(tr+1)*math.Exp(-d*d/(se*se)*tr/(2*(tr+1))))
	} else if d != 0 {
		out.P = 0
	}
	switch {
	case out.Interval.Lo > 0:
		out.Result = Better
	case out.Interval.Hi < 0:
		out.Result = Worse
	}
	return out
}

// Holm adjusts p values of several comparisons, such as of the variants of a campaign with
// its holdout: each may then be compared with alpha, and the chance to call any difference
// that is none stays below it. They come back in the order given. A value that is no
// probability is ErrInput. S. Holm, Scandinavian Journal of Statistics 6 (1979).
func Holm(p ...float64) ([]float64, error) {
	for i, x := range p {
		if !(x >= 0 && x <= 1) {
			return nil, fmt.Errorf("%w: p value %d is %v", ErrInput, i, x)
		}
	}
	return pvalue.Holm(p), nil
}
