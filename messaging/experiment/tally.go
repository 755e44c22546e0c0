package experiment

import (
	"fmt"
	"math/bits"
	"time"
)

// Tally counts an experiment from its log: who was assigned to which arm, who clicked, who
// bought, in one pass and bounded memory (24 bytes a unit and the table's slack). Assign
// every unit before its clicks and purchases are told; these may come in any order, late
// ones too, so that a log that is read again gives the same figures to the bit.
//
// A unit is a number that the caller gives it, such as a 64-bit hash of the customer's id:
// two units of one number count as one.
type Tally struct {
	window int64 // microseconds
	keys   []uint64
	units  []tallied
	n      int
}

type tallied struct {
	at     int64 // when it was assigned, microseconds
	amount int64
	flags  uint8
}

const (
	tallyUsed = 1 << iota
	tallyTreated
	tallyDelivered
	tallyClicked
	tallyBought
)

// NewTally returns a tally of an experiment whose purchases count from assignment until the
// window is over, with room for so many units; more make it larger. A window that is not
// positive is ErrInput.
func NewTally(window time.Duration, units int) (*Tally, error) {
	if window <= 0 {
		return nil, fmt.Errorf("%w: the window of purchases is %s", ErrInput, window)
	}
	t := &Tally{window: window.Microseconds()}
	t.grow(max(16, units))
	return t, nil
}

// grow makes room for n units at most seven eighths full.
func (t *Tally) grow(n int) {
	size := 1 << bits.Len(uint(n+n/7))
	keys, units := t.keys, t.units
	t.keys, t.units = make([]uint64, size), make([]tallied, size)
	for i, u := range units {
		if u.flags&tallyUsed != 0 {
			at := t.slot(keys[i])
			t.keys[at], t.units[at] = keys[i], u
		}
	}
}

// slot returns where a unit is, or where it would go.
func (t *Tally) slot(unit uint64) int {
	mask := uint64(len(t.keys) - 1)
	// Callers may count their units from 0: spread them.
	hi, lo := bits.Mul64(unit^0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9)
	for i := (hi ^ lo) & mask; ; i = (i + 1) & mask {
		if t.units[i].flags&tallyUsed == 0 || t.keys[i] == unit {
			return int(i)
		}
	}
}

// Assign notes that a unit was assigned to an arm at an instant, in microseconds since 1970,
// and whether its message was delivered. The earliest of several assignments counts, with
// the delivery of any.
func (t *Tally) Assign(unit uint64, at int64, treated, delivered bool) {
	i := t.slot(unit)
	u := &t.units[i]
	if u.flags&tallyUsed == 0 {
		if t.n++; t.n > len(t.keys)-len(t.keys)/8 {
			t.grow(2 * t.n)
			i = t.slot(unit)
			u = &t.units[i]
		}
		t.keys[i] = unit
		u.at, u.flags = at, tallyUsed
		if treated {
			u.flags |= tallyTreated
		}
	} else if at < u.at {
		u.at = at
	}
	if delivered {
		u.flags |= tallyDelivered
	}
}

// Click notes that a person, and no machine, clicked a link of the campaign.
func (t *Tally) Click(unit uint64, at int64) {
	if u := &t.units[t.slot(unit)]; u.flags&tallyUsed != 0 && at >= u.at {
		u.flags |= tallyClicked
	}
}

// Purchase notes an amount in minor units, negative where something came back. Outside of
// the unit's window it counts for nothing.
func (t *Tally) Purchase(unit uint64, at, amount int64) {
	if u := &t.units[t.slot(unit)]; u.flags&tallyUsed != 0 && at >= u.at && at < u.at+t.window {
		u.amount += amount
		if amount > 0 {
			u.flags |= tallyBought
		}
	}
}

// Sum returns the counts of the experiment and what the units of either arm spent.
func (t *Tally) Sum() (c Counts, treated, heldOut Spend) {
	for i := range t.units {
		u := &t.units[i]
		if u.flags&tallyUsed == 0 {
			continue
		}
		bought := u.flags&tallyBought != 0
		if u.flags&tallyTreated == 0 {
			c.HeldOut++
			if bought {
				c.HeldOutConverted++
			}
			heldOut.Add(u.amount)
			continue
		}
		c.Assigned++
		treated.Add(u.amount)
		clicked := u.flags&tallyClicked != 0
		if u.flags&tallyDelivered != 0 {
			c.Delivered++
		}
		if clicked {
			c.Clicked++
		}
		if bought {
			c.Converted++
			if clicked {
				c.ClickedConverted++
			}
		}
	}
	return c, treated, heldOut
}
