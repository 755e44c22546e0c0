package cohort

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Stage is a step of a funnel: how many came so far, and how long it took.
type Stage struct {
	What    uint32 `json:"what"`
	Reached int    `json:"reached"` // customers who came to this step at least
	// Open is how many of those who reached the step before, and not this one, still have time for it; 0 without a
	// limit of time.
	Open int `json:"open"`
	// Lost is how many of them have none left: Reached of the step before, less Reached and Open.
	Lost int `json:"lost"`
	// Hours are how long it took from the step before: a tenth, half and nine tenths took at most so long. They
	// are NaN of the first step, and of one that no customer reached.
	Hours [3]float64 `json:"-"`
}

// Share returns which share of those decided, not counting Open, went on from the step before to this one, with the interval
// of Wilson at 95 %. before is the step before; of the first step all three are 1, of a step without customers 0.
func (s Stage) Share(before *Stage) (share, low, high float64) {
	if before == nil {
		return 1, 1, 1
	}
	return wilson(s.Reached, s.Reached+s.Lost)
}

// FunnelOptions say who counts.
type FunnelOptions struct {
	Within time.Duration // the whole funnel must be done in this time from its first step on; 0: in any time
	// Until is until when events are known, in seconds since 1970; 0 is the time of the last event.
	Until int64
}

// Funnel returns how far customers came on a way of steps, 1 to 32, of which one may come again. A customer counts
// once, with the attempt that came furthest: the steps in their order, whatever he did in between; of attempts that
// came as far the one that was there first. What happened at one moment is taken in the order of the steps. Events
// later than Until are left out. The error is an ErrData.
func Funnel(events []Event, steps []uint32, o FunnelOptions) ([]Stage, error) {
	if len(steps) < 1 || len(steps) > 32 || o.Within < 0 {
		return nil, fmt.Errorf("%w: a funnel of %d steps within %v", ErrData, len(steps), o.Within)
	}
	sorted, err := eventsBy(events)
	if err != nil {
		return nil, err
	}
	f := funnel{steps: steps, until: o.Until, within: math.MaxInt64}
	if o.Within > 0 {
		f.within = int64(o.Within / time.Second)
	}
	if f.until == 0 {
		f.until = math.MinInt64
		for _, e := range sorted {
			f.until = max(f.until, e.At)
		}
	}
	slices.SortStableFunc(sorted, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.At, b.At), cmp.Compare(f.place(a.What), f.place(b.What)))
	})
	out := make([]Stage, len(steps))
	took := make([][]float64, len(steps))
	each(sorted, func(of []Event) {
		best, left := f.furthest(of)
		for k := range best {
			out[k].Reached++
			if k > 0 {
				took[k] = append(took[k], float64(best[k]-best[k-1])/3600)
			}
		}
		if k := len(best); k > 0 && k < len(steps) && left {
			out[k].Open++
		}
	})
	for k := range out {
		out[k].What = steps[k]
		for i, p := range []float64{.1, .5, .9} {
			out[k].Hours[i] = quantile(took[k], p)
		}
		if k > 0 {
			out[k].Lost = out[k-1].Reached - out[k].Reached - out[k].Open
		}
	}
	return out, nil
}

type funnel struct {
	steps         []uint32
	within, until int64
}

// place is where a step stands first.
func (f funnel) place(what uint32) int {
	if i := slices.Index(f.steps, what); i >= 0 {
		return i
	}
	return len(f.steps)
}

// furthest returns the times of the steps of the attempt that came furthest, and whether one that came as far has time
// left. Of two attempts at the same step the one that began later has more time, so that one of each
// length is enough.
func (f funnel) furthest(of []Event) (best []int64, left bool) {
	chains := make([][]int64, len(f.steps)) // the latest attempt that is at each step
	for _, e := range of {
		if e.At > f.until {
			break
		}
		for k := len(f.steps) - 1; k >= 0; k-- { // downwards, so that an event is one step of an attempt
			switch {
			case f.steps[k] != e.What:
				continue
			case k == 0:
				chains[0] = []int64{e.At}
			case chains[k-1] != nil && e.At-chains[k-1][0] <= f.within:
				chains[k] = append(slices.Clone(chains[k-1]), e.At)
			default:
				continue
			}
			if k >= len(best) {
				best = chains[k]
			}
		}
	}
	if k := len(best); k > 0 {
		left = f.within != math.MaxInt64 && f.until-chains[k-1][0] < f.within
	}
	return best, left
}

// quantile returns the value below which a part of values lies, by interpolation between neighbours; NaN of none. It sorts.
func quantile(v []float64, p float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	at := p * float64(len(v)-1)
	i := int(at)
	if i+1 == len(v) {
		return v[i]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}
