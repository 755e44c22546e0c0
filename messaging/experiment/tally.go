package experiment

import (
	"fmt"
	"math/bits"
	"time"
)

// Tally counts an experiment from its log: who was assigned to which arm, who clicked, who
// bought, in one pass and bounded memory (16 bytes a unit, 24 more one that bought, and the
// slack of the tables). Assign every unit before its clicks and purchases are told; these may
// come in any order, late ones too, so that a log that is read again gives the same figures to
// the bit.
//
// A unit is a number that the caller gives it, such as a 64-bit hash of the customer's id:
// two units of one number count as one.
type Tally struct {
	window int64     // microseconds
	units  []tallied // a power of two
	n      int       // of them used
	spent  []spending
	buyers int // of spent used
}

// tallied is 16 bytes, so that a unit is in one line of the cache, whatever its slot: what a
// report takes is the time of getting there.
type tallied struct {
	unit uint64
	what int64 // when it was assigned, in microseconds, above the flags; 0: nobody
}

// spending is what a unit spent, in a table of its own: most units spend nothing.
type spending struct {
	unit   uint64
	amount int64
	used   bool
}

const (
	tallyUsed = 1 << iota
	tallyTreated
	tallyDelivered
	tallyClicked
	tallyBought

	tallyBits = 5
	// Instants beyond are as if they were this one: some 9,000 years away from 1970.
	tallyMost = 1<<(63-tallyBits) - 1
)

func (u *tallied) at() int64 { return u.what >> tallyBits }

func bounded(at int64) int64 { return min(max(at, -tallyMost), tallyMost) }

// NewTally returns a tally of an experiment whose purchases count from assignment until the
// window is over, with room for so many units; more make it larger. A window that is not
// positive is ErrInput.
func NewTally(window time.Duration, units int) (*Tally, error) {
	if window <= 0 {
		return nil, fmt.Errorf("%w: the window of purchases is %s", ErrInput, window)
	}
	return &Tally{window: window.Microseconds(), units: make([]tallied, room(max(16, units))), spent: make([]spending, room(16))}, nil
}

// room is the size of a table that is at most seven eighths full with n.
func room(n int) int { return 1 << bits.Len(uint(n+n/7)) }

// place is where a unit would be in a table of a size. Callers may count their units from 0,
// which this spreads.
func place(unit, mask uint64) uint64 {
	hi, lo := bits.Mul64(unit^0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9)
	return (hi ^ lo) & mask
}

// slot returns where a unit is, or where it would go.
func (t *Tally) slot(unit uint64) *tallied {
	mask := uint64(len(t.units) - 1)
	for i := place(unit, mask); ; i = (i + 1) & mask {
		if u := &t.units[i]; u.unit == unit || u.what == 0 {
			return u
		}
	}
}

// find returns a unit that was assigned, or nil.
func (t *Tally) find(unit uint64) *tallied {
	if u := t.slot(unit); u.what != 0 {
		return u
	}
	return nil
}

// account returns where what a unit spent is counted.
func (t *Tally) account(unit uint64) *spending {
	mask := uint64(len(t.spent) - 1)
	for i := place(unit, mask); ; i = (i + 1) & mask {
		if s := &t.spent[i]; s.unit == unit || !s.used {
			return s
		}
	}
}

// grow doubles the table of units.
func (t *Tally) grow() {
	old := t.units
	t.units = make([]tallied, 2*len(old))
	for _, u := range old {
		if u.what != 0 {
			*t.slot(u.unit) = u
		}
	}
}

// Assign notes that a unit was assigned to an arm at an instant, in microseconds since 1970,
// and whether its message was delivered. The earliest of several assignments counts, with
// the delivery of any.
func (t *Tally) Assign(unit uint64, at int64, treated, delivered bool) {
	at = bounded(at)
	u := t.slot(unit)
	if u.what == 0 {
		if t.n++; t.n > len(t.units)-len(t.units)/8 {
			t.grow()
			u = t.slot(unit)
		}
		u.unit, u.what = unit, at<<tallyBits|tallyUsed
		if treated {
			u.what |= tallyTreated
		}
	} else if at < u.at() {
		u.what = at<<tallyBits | u.what&(1<<tallyBits-1)
	}
	if delivered {
		u.what |= tallyDelivered
	}
}

// Click notes that a person, and no machine, clicked a link of the campaign.
func (t *Tally) Click(unit uint64, at int64) {
	if u := t.find(unit); u != nil && bounded(at) >= u.at() {
		u.what |= tallyClicked
	}
}

// Purchase notes an amount in minor units, negative where something came back. Outside of
// the unit's window it counts for nothing.
func (t *Tally) Purchase(unit uint64, at, amount int64) {
	at = bounded(at)
	u := t.find(unit)
	if u == nil || at < u.at() || at-t.window >= u.at() {
		return
	}
	if amount > 0 {
		u.what |= tallyBought
	}
	s := t.account(unit)
	if !s.used {
		if t.buyers++; t.buyers > len(t.spent)-len(t.spent)/4 {
			old := t.spent
			t.spent = make([]spending, 4*len(old))
			for _, o := range old {
				if o.used {
					*t.account(o.unit) = o
				}
			}
			s = t.account(unit)
		}
		s.unit, s.used = unit, true
	}
	s.amount += amount
}

// Sum returns the counts of the experiment and what the units of either arm spent.
func (t *Tally) Sum() (c Counts, treated, heldOut Spend) {
	// A count of each set of flags, so that no branch depends on a unit.
	var sets [1 << tallyBits]int64
	for i := range t.units {
		sets[t.units[i].what&(1<<tallyBits-1)]++
	}
	for flags, n := range sets {
		if flags&tallyUsed == 0 {
			continue
		}
		bought, clicked := flags&tallyBought != 0, flags&tallyClicked != 0
		if flags&tallyTreated == 0 {
			c.HeldOut += n
			if bought {
				c.HeldOutConverted += n
			}
			continue
		}
		c.Assigned += n
		if flags&tallyDelivered != 0 {
			c.Delivered += n
		}
		if clicked {
			c.Clicked += n
		}
		if bought {
			c.Converted += n
			if clicked {
				c.ClickedConverted += n
			}
		}
	}
	for i := range t.spent {
		s := &t.spent[i]
		if !s.used {
			continue
		}
		if t.slot(s.unit).what&tallyTreated != 0 {
			treated.Add(s.amount)
		} else {
			heldOut.Add(s.amount)
		}
	}
	treated.N, heldOut.N = c.Assigned, c.HeldOut // the others spent nothing
	return c, treated, heldOut
}
