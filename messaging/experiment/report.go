package experiment

import (
	"errors"
	"fmt"
)

// Counts is what is known about an experiment. The denominator of everything
// causal is the units assigned, whether or not their message arrived.
type Counts struct {
	Assigned         int64 `json:"assigned"`          // to treatment
	Delivered        int64 `json:"delivered"`         // of them, reached
	Clicked          int64 `json:"clicked"`           // of them, people who clicked
	Converted        int64 `json:"converted"`         // of the assigned
	ClickedConverted int64 `json:"clicked_converted"` // of those who clicked
	HeldOut          int64 `json:"held_out"`          // assigned to holdout
	HeldOutConverted int64 `json:"held_out_converted"`
}

func (c Counts) validate() error {
	var faults []error
	within := func(name string, k, n int64) {
		if k < 0 || k > n {
			faults = append(faults, fmt.Errorf("%w: %s is %d of %d", ErrInput, name, k, n))
		}
	}
	if c.Assigned < 0 || c.HeldOut < 0 {
		faults = append(faults, fmt.Errorf("%w: assigned %d, held out %d", ErrInput, c.Assigned, c.HeldOut))
	}
	within("delivered", c.Delivered, c.Assigned)
	within("clicked", c.Clicked, c.Assigned)
	within("converted", c.Converted, c.Assigned)
	within("clicked and converted", c.ClickedConverted, min(c.Clicked, c.Converted))
	within("held out and converted", c.HeldOutConverted, c.HeldOut)
	return errors.Join(faults...)
}

// Rate is a share with its Wilson interval. N 0 means that there is none.
type Rate struct {
	// K of N converted: Share is K/N, 0 where N is, with its Wilson score interval.
	K        int64    `json:"k"`
	N        int64    `json:"n"`
	Share    float64  `json:"share"`
	Interval Interval `json:"interval"`
}

// Incremental is what the messages changed: the difference between treatment
// and holdout, by intention to treat.
type Incremental struct {
	Difference  float64  `json:"difference"`  // p1 - p0
	Interval    Interval `json:"interval"`    // Newcombe
	Conversions float64  `json:"conversions"` // assigned × difference
	// Lift is p1/p0 - 1 with its Katz interval; HasLift is false where either
	// group has no conversion.
	HasLift      bool     `json:"has_lift"`
	Lift         float64  `json:"lift"`
	LiftInterval Interval `json:"lift_interval"`
	Z            float64  `json:"z"`
	P            float64  `json:"p"` // two-sided, for one look at a size fixed before
}

// Result names what may be said about an experiment.
type Result string

// The results of an experiment.
const (
	Unmeasured   Result = "unmeasured"   // nobody held out, or nobody assigned
	Broken       Result = "broken"       // the split does not fit the share (SRM): no winner is named
	Inconclusive Result = "inconclusive" // the interval of the difference holds 0
	Better       Result = "better"       // all of the interval lies above 0
	Worse        Result = "worse"        // all of it lies below 0
)

// Report puts the figures together that must be read together.
type Report struct {
	Counts       Counts  `json:"counts"`
	Confidence   float64 `json:"confidence"`
	Total        Rate    `json:"total"`         // converted of assigned
	PerDelivered Rate    `json:"per_delivered"` // converted of delivered, at most all of them
	// Clickers is descriptive: whoever clicks was likelier to buy anyway.
	Clickers    Rate        `json:"clickers"`
	HeldOut     Rate        `json:"held_out"`
	Incremental Incremental `json:"incremental"`
	SRM         float64     `json:"srm"` // p value of the split, 1 where nothing was held out
	Result      Result      `json:"result"`
}

// Evaluate computes the report of an experiment that holds out a share (0 to
// 1), at a confidence level (0 means 0.95). The window of conversions starts at
// assignment, for both groups.
func Evaluate(c Counts, share, confidence float64) (Report, error) {
	if confidence == 0 {
		confidence = 0.95
	}
	z, err := quantile(confidence)
	if err = errors.Join(err, c.validate()); err != nil {
		return Report{}, err
	}
	r := Report{Counts: c, Confidence: confidence, SRM: 1, Result: Unmeasured}
	r.Total = rate(c.Converted, c.Assigned, z)
	r.PerDelivered = rate(min(c.Converted, c.Delivered), c.Delivered, z)
	r.Clickers = rate(c.ClickedConverted, c.Clicked, z)
	r.HeldOut = rate(c.HeldOutConverted, c.HeldOut, z)
	if share > 0 && share < 1 {
		if _, r.SRM, err = mismatch([]int64{c.Assigned, c.HeldOut}, []float64{1 - share, share}); err != nil {
			return Report{}, err
		}
	}
	if c.Assigned == 0 || c.HeldOut == 0 {
		return r, nil
	}
	in := &r.Incremental
	in.Difference = r.Total.Share - r.HeldOut.Share
	in.Conversions = float64(c.Assigned) * in.Difference
	if in.Interval, err = newcombe(c.Converted, c.Assigned, c.HeldOutConverted, c.HeldOut, confidence); err != nil {
		return Report{}, err
	}
	if in.Z, in.P, err = twoProportions(c.Converted, c.Assigned, c.HeldOutConverted, c.HeldOut); err != nil {
		return Report{}, err
	}
	if c.Converted > 0 && c.HeldOutConverted > 0 {
		ratio, i, err := katz(c.Converted, c.Assigned, c.HeldOutConverted, c.HeldOut, confidence)
		if err != nil {
			return Report{}, err
		}
		in.HasLift, in.Lift, in.LiftInterval = true, ratio-1, Interval{i.Lo - 1, i.Hi - 1}
	}
	switch {
	case r.SRM < mismatchAlarm:
		r.Result = Broken
	case in.Interval.Lo > 0:
		r.Result = Better
	case in.Interval.Hi < 0:
		r.Result = Worse
	default:
		r.Result = Inconclusive
	}
	return r, nil
}

// rate is a share of counts that were checked before.
func rate(k, n int64, z float64) Rate {
	if n <= 0 {
		return Rate{K: k, N: n}
	}
	return Rate{k, n, float64(k) / float64(n), wilson(k, n, z)}
}
