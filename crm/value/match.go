package value

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// past is a customer's purchases, in order, so that those until a day are found at once.
type past struct {
	History
	bys []int   // days with a purchase, ascending
	on  []int   // days on which something was paid or came back, ascending
	sum []int64 // of all until the day of on, with it
}

// pasts sorts customers by all that is known of them, so that no answer depends on the order they came in.
func pasts(of []History, o RecoveryOptions, complained bool) ([]*past, error) {
	out := make([]*past, len(of))
	for i, h := range of {
		p := &past{History: History{Bought: slices.Clone(h.Bought)}}
		fault := func(field, reason string, v ...any) error {
			return &DataError{Row: i, Field: field, Reason: fmt.Sprintf(reason, v...)}
		}
		if complained {
			switch p.Raised, p.Solved = h.Raised, h.Solved; {
			case h.Raised < -maxDay || h.Raised > o.Until:
				return nil, fault("Raised", "is %d, after Until, which is %d, or long ago", h.Raised, o.Until)
			case h.Solved < h.Raised || h.Solved > o.Until:
				return nil, fault("Solved", "is %d, not from Raised, %d, to Until, %d", h.Solved, h.Raised, o.Until)
			}
		}
		slices.SortFunc(p.Bought, func(a, b Bought) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Amount, b.Amount)) })
		var sum int64
		for _, b := range p.Bought {
			if b.Day < -maxDay || b.Day > maxDay || b.Amount < -maxAmount || b.Amount > maxAmount {
				field := "Bought"
				if !complained {
					field = "others"
				}
				return nil, fault(field, "has %d on day %d, which is out of range", b.Amount, b.Day)
			}
			sum += b.Amount
			if k := len(p.on); k > 0 && p.on[k-1] == b.Day {
				p.sum[k-1] = sum
			} else {
				p.on, p.sum = append(p.on, b.Day), append(p.sum, sum)
			}
			if k := len(p.bys); b.Amount > 0 && (k == 0 || p.bys[k-1] != b.Day) {
				p.bys = append(p.bys, b.Day)
			}
		}
		out[i] = p
	}
	slices.SortFunc(out, func(a, b *past) int {
		return cmp.Or(cmp.Compare(a.Raised, b.Raised), cmp.Compare(a.Solved, b.Solved),
			slices.CompareFunc(a.Bought, b.Bought, func(a, b Bought) int {
				return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Amount, b.Amount))
			}))
	})
	return out, nil
}

// count returns how many days are at most day.
func count(days []int, day int) int {
	n, _ := slices.BinarySearch(days, day+1)
	return n
}

// spent returns what was paid after one day until another, with it.
func (p *past) spent(after, until int) int64 {
	total := func(day int) int64 {
		if n := count(p.on, day); n > 0 {
			return p.sum[n-1]
		}
		return 0
	}
	return total(until) - total(after)
}

// around returns what was paid in the days before a complaint, with its own, and in as many after its solution.
func (p *past) around(raised, solved, days int) (before, after float64) {
	return float64(p.spent(raised-days, raised)), float64(p.spent(solved, solved+days))
}

// bought reports whether something was bought in the days after a day.
func (p *past) bought(after, days int) bool { return count(p.bys, after+days) > count(p.bys, after) }

// purchases returns the history as of a day, which is not before the first purchase.
func (p *past) purchases(day int, length float64) Purchases {
	n := count(p.bys, day)
	return Purchases{Repeats: n - 1, Last: float64(p.bys[n-1]-p.bys[0]) / length, Age: float64(day-p.bys[0]) / length}
}

// likeness is what customers are compared by, in logarithms.
type likeness [4]float64

// like returns it as of a day; ok is false where nothing was bought by then.
func (p *past) like(day, window int) (l likeness, ok bool) {
	n := count(p.bys, day)
	if n == 0 {
		return l, false
	}
	return likeness{
		math.Log(float64(n)),
		math.Log1p(float64(day - p.bys[n-1])),
		math.Log1p(float64(day - p.bys[0])),
		math.Log1p(float64(max(0, p.spent(day-window, day)))),
	}, true
}

// match finds those of controls that each of treated is compared with; nil where there are too few.
func match(treated, controls []*past, o RecoveryOptions) [][]*past {
	likes := make([]likeness, len(treated))
	var scale likeness
	var mean likeness
	for i, p := range treated {
		likes[i], _ = p.like(p.Raised, o.Window)
		for j, v := range likes[i] {
			mean[j] += v / float64(len(treated))
		}
	}
	for _, l := range likes {
		for j, v := range l {
			scale[j] += float64((v - mean[j]) * (v - mean[j]))
		}
	}
	for j := range scale {
		// Where all are alike, a tenth of a logarithm is a standard deviation: an eleventh purchase after ten.
		scale[j] = max(0.1, math.Sqrt(scale[j]/float64(max(1, len(treated)-1))))
	}
	type other struct {
		likeness
		ok, used bool
	}
	all := make([]other, len(controls))
	at, known := 0, false
	type near struct {
		distance float64
		i        int
	}
	out := make([][]*past, len(treated))
	var best []near
	for i, p := range treated { // in the order of Raised
		if !known || !o.Randomised && p.Raised != at {
			for j, c := range controls {
				day := p.Raised
				if o.Randomised {
					day = c.Raised
				}
				all[j].likeness, all[j].ok = c.like(day, o.Window)
			}
			at, known = p.Raised, true
		}
		best = best[:0]
		limit := 4 * o.Far * o.Far
		for j := range all {
			c := &all[j]
			if c.used || !c.ok {
				continue
			}
			var d float64
			for k, v := range c.likeness {
				off := (v - likes[i][k]) / scale[k]
				d += float64(off * off)
			}
			if d > limit || len(best) == o.Matches && d >= best[len(best)-1].distance {
				continue
			}
			if len(best) == o.Matches {
				best = best[:len(best)-1]
			}
			k, _ := slices.BinarySearchFunc(best, d, func(n near, d float64) int {
				if n.distance <= d { // of equal ones the first stays
					return -1
				}
				return 1
			})
			best = slices.Insert(best, k, near{d, j})
		}
		if len(best) < o.Matches {
			continue
		}
		for _, n := range best {
			all[n.i].used = true
			out[i] = append(out[i], controls[n.i])
		}
	}
	return out
}
