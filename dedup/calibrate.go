package dedup

import (
	"context"
	"iter"
	"math"
)

// Calibration is a correction of weights that was learnt from labels: Shift + Slope times
// the weight, as logistic regression finds it (Platt 1999). A slope below 1 says that
// the fields are more alike than the model takes them to be. See [Linker.Calibrate].
type Calibration struct {
	// Slope is from 0.05; 1 corrects nothing.
	Slope float64 `json:"slope"`
	Shift float64 `json:"shift"` // bits
	// Labels is how many pairs it was learnt from.
	Labels int `json:"labels"`
}

// Without evidence the correction is none; these are how far it is expected to be from
// that, as standard deviations.
const (
	slopeSpread = 0.5
	shiftSpread = 1 // bits, a factor of two in the odds
)

// mistaken are the shares of answers that may be wrong, of which the likeliest is taken. A
// wrong answer about a pair of many bits would else take the weights of all others away.
var mistaken = [...]float64{0, 0.01, 0.02, 0.05, 0.1}

// calibrate fits the correction to weights of labelled pairs.
func calibrate(weights []float64, same []bool) *Calibration {
	var out *Calibration
	best := math.Inf(-1)
	for _, wrong := range mistaken {
		if c, fit := calibrated(weights, same, wrong); fit > best+1e-9 {
			out, best = c, fit
		}
	}
	return out
}

// calibrated is calibrate where so many answers are wrong, by Newton's method, an answer
// counting as likely to be right as the pair's weight lets it be (expectation-maximisation).
// It returns the log of the posterior density, too.
func calibrated(weights []float64, same []bool, wrong float64) (c *Calibration, fit float64) {
	slope, shift := 1.0, 0.0
	for range 200 {
		// gradient and Hessian of the log posterior
		ga, gb := (1-slope)/(slopeSpread*slopeSpread), -shift/(shiftSpread*shiftSpread)
		haa, hab, hbb := 1/(slopeSpread*slopeSpread), 0.0, 1/float64(shiftSpread*shiftSpread)
		fit = -((slope-1)*(slope-1)/(slopeSpread*slopeSpread) + shift*shift/(shiftSpread*shiftSpread)) / 2
		for i, w := range weights {
			w = min(max(w, -mostCalibrated), mostCalibrated)
			p := min(max(Probability(shift+slope*w), 1e-12), 1-1e-12)
			y, other := p*wrong, (1-p)*(1-wrong)
			if same[i] {
				y, other = p*(1-wrong), (1-p)*wrong
			}
			fit += math.Log(y + other)
			y /= y + other
			r, v := math.Ln2*(y-p), math.Ln2*math.Ln2*p*(1-p)
			ga, gb = ga+r*w, gb+r
			haa, hab, hbb = haa+v*w*w, hab+v*w, hbb+v
		}
		det := haa*hbb - hab*hab
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		if size := max(math.Abs(da)/slopeSpread, math.Abs(db)/shiftSpread); size > 1 {
			da, db = da/size, db/size
		}
		slope, shift = max(slope+da, 0.05), shift+db
		if math.Abs(da)+math.Abs(db) < 1e-9 {
			break
		}
	}
	return &Calibration{Slope: math.Round(slope*1e6) / 1e6, Shift: math.Round(shift*1e6) / 1e6, Labels: len(weights)}, fit
}

// mostCalibrated bounds a weight's leverage: beyond it a pair is certain anyway.
const mostCalibrated = 40

// Calibrate returns the model with a [Calibration] learnt from labelled pairs of the records.
// Which pairs were labelled may depend on their weights, as a sample of candidates near even
// odds does, but on nothing else: answers to a review, splits and complaints are about
// pairs whose clusters contradict them, which are wrong more often than their weights say,
// and a correction learnt from them takes the weights of all others away. Those teach
// [Linker.Train]. Labels about records that are not there are left out.
func (l *Linker) Calibrate(ctx context.Context, m *Model, records iter.Seq[Record], labels ...Decision) (*Model, error) {
	if err := m.check(l.plan); err != nil {
		return nil, err
	}
	t, err := build(ctx, l.table(), records, l.opt.Threads, named(labels))
	if err != nil {
		return nil, err
	}
	out := *m
	out.Calibration = nil
	x := &learner{p: l.plan, t: t, tree: independent()}
	x.told(labels)
	out.Calibration = x.calibration(&out)
	return &out, nil
}

// calibration fits the correction of a model to the labelled pairs.
func (l *learner) calibration(m *Model) *Calibration {
	s := newScorer(l.p, m)
	s.adopt(l.t)
	x := newComparer(l.t)
	var weights []float64
	var same []bool
	for _, q := range l.labels {
		p := x.compare(l.t.row(q.pair[0]), l.t.row(q.pair[1]))
		if s.vetoed(p) < 0 {
			weights, same = append(weights, s.odds(s.joint(x, p))), append(same, q.same)
		}
	}
	return calibrate(weights, same)
}
