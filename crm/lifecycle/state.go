package lifecycle

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// State is where a customer is.
type State string

// The states. Each customer is in one.
const (
	// Prospect has bought nothing yet.
	Prospect State = "prospect"
	// New has bought on one day, and his next purchase is not due.
	New State = "new"
	// Active has acted again within the window, and is within his own rhythm.
	Active State = "active"
	// Waiting is neither: his next purchase is not overdue, but he has not acted often enough lately to
	// be called active.
	Waiting State = "waiting"
	// Passive is overdue, and the relation is open: he is a member, has a contract or consents to be written to.
	Passive State = "passive"
	// Captive is passive and held by a lock-in, such as a warranty or the only supplier.
	Captive State = "captive"
	// Gone is overdue, and nothing is open.
	Gone State = "gone"
)

// States returns all states, in the order of the constants.
func States() []State { return []State{Prospect, New, Active, Waiting, Passive, Captive, Gone} }

// Customer is what is known of a customer. Days are counted from any day that the caller chooses; those
// after the day that is asked about are left out.
type Customer struct {
	Purchases []int // days
	Contacts  []int // days of visits, calls, answers and other acts that are no purchase
	Open      bool  // a member, under contract, or consenting
	LockedIn  bool  // by a warranty, the only supplier, a contract that runs
	// Alive is the probability that he still buys, such as value.MBGNBD.Alive says, from 0 to 1; nil where it is not
	// known. Definition.Alive asks for it.
	Alive *float64
}

// Definition says what the states mean. The zero value but for Version works.
type Definition struct {
	Version string // is part of every answer; not empty
	// Window is how many days back acts count as recent; 0 means 365.
	Window int
	// Acts is how many purchases within the window make an active customer; 0 means 2. With
	// Contacts, contacts count as purchases do.
	Acts     int
	Contacts bool
	// Overdue is after how many times the gap that is expected of a customer he is overdue; 0 means 2.
	Overdue float64
	// Alive is below which probability of still buying he is overdue, too, whatever his gaps; less than 1. 0 does not ask.
	Alive float64
	// Prior is the gap that is expected of customers of whom little is known; both of its fields are
	// above 0. The zero Prior is a gap of Window with a weight of 1.
	Prior Prior
}

// Why says how a state came about.
type Why struct {
	Version string  `json:"version"`
	State   State   `json:"state"`
	Acts    int     `json:"acts"`    // within the window
	Since   int     `json:"since"`   // days since the last purchase
	Gap     float64 `json:"gap"`     // expected between purchases, in days
	Overdue float64 `json:"overdue"` // Since over Gap; beyond Definition.Overdue he is overdue
	// Alive is Customer.Alive where the definition asks for it.
	Alive *float64 `json:"alive,omitempty"`
}

func (d Definition) withDefaults() (Definition, error) {
	d.Window, d.Acts, d.Overdue = cmp.Or(d.Window, 365), cmp.Or(d.Acts, 2), cmp.Or(d.Overdue, 2)
	if d.Prior == (Prior{}) {
		d.Prior = Prior{Gap: float64(d.Window), Weight: 1}
	}
	switch {
	case d.Version == "":
		return d, fmt.Errorf("%w: Definition.Version is empty", ErrData)
	case d.Window < 1:
		return d, fmt.Errorf("%w: Definition.Window is %d, not 1 day or more", ErrData, d.Window)
	case d.Acts < 1:
		return d, fmt.Errorf("%w: Definition.Acts is %d, not 1 or more", ErrData, d.Acts)
	case !(d.Overdue > 0) || math.IsInf(d.Overdue, 0):
		return d, fmt.Errorf("%w: Definition.Overdue is %v, not above 0", ErrData, d.Overdue)
	case !(d.Alive >= 0 && d.Alive < 1):
		return d, fmt.Errorf("%w: Definition.Alive is %v, not from 0 to less than 1", ErrData, d.Alive)
	case !(d.Prior.Gap > 0) || math.IsInf(d.Prior.Gap, 0):
		return d, fmt.Errorf("%w: Definition.Prior.Gap is %v, not above 0", ErrData, d.Prior.Gap)
	case !(d.Prior.Weight > 0) || math.IsInf(d.Prior.Weight, 0):
		// With no weight nothing would be expected of a customer with one purchase, who were gone at once.
		return d, fmt.Errorf("%w: Definition.Prior.Weight is %v, not above 0: it says how many gaps of a customer's own Prior.Gap counts as", ErrData, d.Prior.Weight)
	}
	return d, nil
}

// State returns where a customer is on a day. The error is an ErrData about the definition, or about Customer.Alive.
func (d Definition) State(c Customer, day int) (Why, error) {
	d, err := d.withDefaults()
	if err != nil {
		return Why{}, err
	}
	if c.Alive != nil && !(*c.Alive >= 0 && *c.Alive <= 1) {
		return Why{}, fmt.Errorf("%w: Customer.Alive is %v, not from 0 to 1", ErrData, *c.Alive)
	}
	until := func(days []int) []int {
		return slices.DeleteFunc(slices.Clone(days), func(x int) bool { return x > day })
	}
	bought := until(c.Purchases)
	slices.Sort(bought)
	bought = slices.Compact(bought)
	w := Why{Version: d.Version, State: Prospect}
	if len(bought) == 0 {
		return w, nil
	}
	acts := bought
	if d.Contacts {
		acts = append(slices.Clone(bought), until(c.Contacts)...)
	}
	for _, x := range acts {
		if x > day-d.Window {
			w.Acts++
		}
	}
	w.Since = day - bought[len(bought)-1]
	if w.Gap, err = Rhythm(bought, d.Prior); err != nil {
		return Why{}, err
	}
	w.Overdue = float64(w.Since) / w.Gap
	late := w.Overdue > d.Overdue
	if d.Alive > 0 && c.Alive != nil {
		w.Alive = c.Alive
		late = late || *c.Alive < d.Alive
	}
	switch {
	case late && c.LockedIn && c.Open:
		w.State = Captive
	case late && c.Open:
		w.State = Passive
	case late:
		w.State = Gone
	case w.Acts >= d.Acts:
		w.State = Active
	case len(bought) == 1:
		w.State = New
	default:
		w.State = Waiting
	}
	return w, nil
}

// Share is the share of customers in a state, beside a target.
type Share struct {
	Version string  `json:"version"`
	State   State   `json:"state"`
	N       int     `json:"n"` // customers who bought
	In      int     `json:"in"`
	Share   float64 `json:"share"`
	Low     float64 `json:"low"` // Wilson 1927, 95 %
	High    float64 `json:"high"`
	Target  float64 `json:"target"`
	// Met says that Low is at least the target, and Missed that High is below it; with neither the
	// customers are too few to tell.
	Met    bool `json:"met"`
	Missed bool `json:"missed"`
}

// Rate returns the loyalty rate, the share of the active among those who have bought, beside a target from 0 to
// 1. States of different versions, and none at all, are an ErrData.
func Rate(states []Why, target float64) (Share, error) {
	s := Share{State: Active, Target: target}
	if !(target >= 0 && target <= 1) {
		return s, fmt.Errorf("%w: target is %v, not from 0 to 1", ErrData, target)
	}
	for i, w := range states {
		if i == 0 {
			s.Version = w.Version
		}
		if w.Version != s.Version {
			return s, fmt.Errorf("%w: customer %d: a state of version %q among those of %q", ErrData, i, w.Version, s.Version)
		}
		if w.State == Prospect {
			continue
		}
		s.N++
		if w.State == Active {
			s.In++
		}
	}
	if s.N == 0 {
		return s, fmt.Errorf("%w: nobody has bought", ErrData)
	}
	const z = 1.959963984540054
	n := float64(s.N)
	s.Share = float64(s.In) / n
	mid, half := s.Share+z*z/(2*n), z*math.Sqrt(s.Share*(1-s.Share)/n+z*z/(4*n*n))
	s.Low, s.High = max(0, (mid-half)/(1+z*z/n)), min(1, (mid+half)/(1+z*z/n))
	s.Met, s.Missed = s.Low >= target, s.High < target
	return s, nil
}
