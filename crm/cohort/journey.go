package cohort

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Journey is what a customer did in a row.
type Journey struct {
	Customer uint32   `json:"customer"`
	Begin    int64    `json:"begin"` // seconds since 1970
	End      int64    `json:"end"`   // of the last event
	Steps    []uint32 `json:"steps"` // what he did, in order; the same again right after itself is one
}

// Journeys returns the journeys of all customers, by customer and time: a new one begins where nothing happened for longer
// than a gap, which is above 0. What happened at one moment is taken in ascending order of What. The error is an
// ErrData.
func Journeys(events []Event, gap time.Duration) ([]Journey, error) {
	if gap <= 0 {
		return nil, fmt.Errorf("%w: a gap of %v", ErrData, gap)
	}
	sorted, err := eventsBy(events)
	if err != nil {
		return nil, err
	}
	var out []Journey
	for i, e := range sorted {
		if i == 0 || sorted[i-1].Customer != e.Customer || e.At-sorted[i-1].At > int64(gap/time.Second) {
			out = append(out, Journey{Customer: e.Customer, Begin: e.At, End: e.At, Steps: []uint32{e.What}})
			continue
		}
		j := &out[len(out)-1]
		j.End = e.At
		if j.Steps[len(j.Steps)-1] != e.What {
			j.Steps = append(j.Steps, e.What)
		}
	}
	return out, nil
}

// Path is a way that journeys went.
type Path struct {
	Steps []uint32 `json:"steps"`
	// More says that they went on; Steps are their first ones.
	More      bool `json:"more,omitempty"`
	N         int  `json:"n"`         // journeys that went it
	Of        int  `json:"of"`        // all journeys
	Customers int  `json:"customers"` // who went it at least once
}

// Share returns the share of all journeys that went it, with the interval of Wilson at 95 %.
func (p Path) Share() (share, low, high float64) { return wilson(p.N, p.Of) }

// Paths returns the most frequent paths of journeys, of equal ones the shorter, then by Steps: at most so many, of which the
// first steps, 1 or more, tell them apart. The error is an ErrData.
func Paths(journeys []Journey, most, steps int) ([]Path, error) {
	if most < 0 || steps < 1 {
		return nil, fmt.Errorf("%w: %d paths of %d steps", ErrData, most, steps)
	}
	sorted := make([]*Journey, len(journeys))
	for i := range journeys {
		sorted[i] = &journeys[i]
	}
	cut := func(j *Journey) ([]uint32, bool) {
		if len(j.Steps) > steps {
			return j.Steps[:steps], true
		}
		return j.Steps, false
	}
	order := func(a, b []uint32, aMore, bMore bool) int {
		if c := slices.Compare(a, b); c != 0 || aMore == bMore {
			return c
		}
		if aMore {
			return 1
		}
		return -1
	}
	slices.SortFunc(sorted, func(a, b *Journey) int {
		x, xMore := cut(a)
		y, yMore := cut(b)
		return cmp.Or(order(x, y, xMore, yMore), cmp.Compare(a.Customer, b.Customer))
	})
	var out []Path
	for i, j := range sorted {
		x, more := cut(j)
		same := i > 0
		if same {
			y, yMore := cut(sorted[i-1])
			same = order(x, y, more, yMore) == 0
		}
		if !same {
			out = append(out, Path{Steps: slices.Clone(x), More: more, Of: len(journeys)})
		}
		p := &out[len(out)-1]
		p.N++
		if !same || sorted[i-1].Customer != j.Customer {
			p.Customers++
		}
	}
	slices.SortStableFunc(out, func(a, b Path) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(len(a.Steps), len(b.Steps)), order(a.Steps, b.Steps, a.More, b.More))
	})
	return out[:min(len(out), most)], nil
}
