package cohort

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Bought is a purchase in a store, with the category that was bought.
type Bought struct {
	Customer uint32
	What     uint32
	At       int64 // seconds since 1970
	Amount   int64 // minor units; those of all, without their signs, add up to 2^63-1 at most
}

// ResearchOptions say when a visit counts for a purchase.
type ResearchOptions struct {
	Window time.Duration // how long before a purchase a visit counts; above 0
	// Same counts only visits to what was bought.
	Same bool
	// From and Until are from when until when visits are known, in seconds since 1970; both 0: from the first to the
	// last of them. Purchases whose window is not within are left out.
	From, Until int64
}

// Research is how many purchases in stores came after research online.
type Research struct {
	Purchases int `json:"purchases"` // whose window before is known
	// Researched are those with a visit in the window before, and Amount and ResearchedAmount what they were worth.
	Researched       int   `json:"researched"`
	Amount           int64 `json:"amount"`
	ResearchedAmount int64 `json:"researched_amount"`
	// Hours is how long before the purchase the last visit was, in the middle; NaN where none was researched.
	Hours float64 `json:"-"`
	// Compared are the purchases whose window after is known, too: Before of them have a visit in the window
	// before, and After in one of the same length after. Visits that had nothing to do with purchases would be
	// in both as often.
	Compared int `json:"compared"`
	Before   int `json:"before"`
	After    int `json:"after"`
}

// Share returns the share of purchases that were researched, with the interval of Wilson at 95 %.
func (r Research) Share() (share, low, high float64) { return wilson(r.Researched, r.Purchases) }

// Attribute returns how many purchases were researched online before (ROPO): a visit of the same customer at most
// Window before, not at the same moment. A visit counts for all purchases that it comes before. It says what came
// first, not what was the cause; Before and After say how much of it customers who visit often
// would show anyway. With visits in stores and purchases online it is the reverse. The error is an ErrData.
func Attribute(visits []Event, bought []Bought, o ResearchOptions) (Research, error) {
	r := Research{}
	if o.Window < time.Second {
		return r, fmt.Errorf("%w: a window of %v", ErrData, o.Window)
	}
	sorted, err := eventsBy(visits)
	if err != nil {
		return r, err
	}
	from, until := o.From, o.Until
	if from == 0 && until == 0 {
		from, until = sorted[0].At, sorted[0].At
		for _, v := range sorted {
			from, until = min(from, v.At), max(until, v.At)
		}
	}
	type key struct{ customer, what uint32 }
	times := map[key][]int64{}
	for _, v := range sorted {
		k := key{v.Customer, v.What}
		if !o.Same {
			k.what = 0
		}
		times[k] = append(times[k], v.At) // in order of time below
	}
	for _, t := range times {
		slices.Sort(t)
	}
	window := int64(o.Window / time.Second)
	var hours []float64
	all := uint64(0) // of the amounts, without their signs, so that no sum overflows
	for i, b := range bought {
		if all += uint64(max(b.Amount, -b.Amount)); b.At < -1<<40 || b.At > 1<<40 || all > math.MaxInt64 {
			return Research{}, fmt.Errorf("%w: purchase %d: a time of %d, an amount of %d", ErrData, i, b.At, b.Amount)
		}
		if b.At-window < from || b.At > until {
			continue
		}
		k := key{b.Customer, b.What}
		if !o.Same {
			k.what = 0
		}
		t := times[k]
		next, there := slices.BinarySearch(t, b.At)
		last := next - 1
		for there && next < len(t) && t[next] == b.At {
			next++
		}
		before := last >= 0 && b.At-t[last] <= window
		r.Purchases++
		r.Amount += b.Amount
		if before {
			r.Researched++
			r.ResearchedAmount += b.Amount
			hours = append(hours, float64(b.At-t[last])/3600)
		}
		if b.At+window <= until {
			r.Compared++
			if before {
				r.Before++
			}
			if next < len(t) && t[next]-b.At <= window {
				r.After++
			}
		}
	}
	r.Hours = quantile(hours, .5)
	return r, nil
}
