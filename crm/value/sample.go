package value

import (
	"fmt"
	"iter"
	"math"
	"slices"
)

// Sample is customers, alike ones together: what models are fitted to. It is immutable.
type Sample struct {
	cells []cell // sorted
	n     float64
	age   float64 // the mean
	// repeats is the number of all repeats.
	repeats float64
	above   []above
	// times are what cells have as Last and Age: each once where there are few, as where days are counted, else in any order.
	times []moment
}

// cell is customers with the same purchases.
type cell struct {
	Purchases
	n         float64
	last, age uint32 // the places of Last and Age in Sample.times
}

// moment is a time that cells have, and of those that have it as their age how many customers they are and how often these
// came back.
type moment struct{ at, customers, repeats float64 }

// above are runs of j for which the same number of customers has Repeats > j.
type above struct {
	from, to int // to is excluded
	n        float64
}

// sum adds up the cells, which are sorted.
func (s *Sample) sum() (*Sample, error) {
	if len(s.cells) == 0 {
		return nil, fmt.Errorf("%w: no customers", ErrData)
	}
	for i := range s.cells {
		c := &s.cells[i]
		s.n += c.n
		s.age += c.n * c.Age
		s.repeats += c.n * float64(c.Repeats)
		m := &s.times[c.age]
		m.customers += c.n
		m.repeats += c.n * float64(c.Repeats)
	}
	s.age /= s.n
	// From the one who bought most down.
	more, last := 0.0, len(s.cells)-1
	for i := last; i >= 0 && s.cells[i].Repeats > 0; {
		x := s.cells[i].Repeats
		for ; i >= 0 && s.cells[i].Repeats == x; i-- {
			more += s.cells[i].n
		}
		from := 0
		if i >= 0 {
			from = s.cells[i].Repeats
		}
		s.above = append(s.above, above{from, x, more})
	}
	slices.Reverse(s.above)
	return s, nil
}

// Customers returns how many customers the sample has, and Cells how many different ones.
func (s *Sample) Customers() int { return int(s.n) }

// Cells returns how many different histories the sample has.
func (s *Sample) Cells() int { return len(s.cells) }

// All returns the histories in ascending order with the number of customers that have each.
func (s *Sample) All() iter.Seq2[Purchases, int] {
	return func(yield func(Purchases, int) bool) {
		for _, c := range s.cells {
			if !yield(c.Purchases, int(c.n)) {
				return
			}
		}
	}
}

// unit returns the time that parameters are searched around: the mean age, or 1 where all are of
// today.
func (s *Sample) unit() float64 {
	if s.age == 0 {
		return 1
	}
	return s.age
}

// large is from how many cells on a fit begins with a part of them.
const large = 20_000

// part returns every so many of the cells, about large of them, or nil of few.
func (s *Sample) part() *Sample {
	if len(s.cells) < 2*large {
		return nil
	}
	every := len(s.cells) / large
	out := &Sample{cells: make([]cell, 0, large+1)}
	place := map[uint32]uint32{} // of a time of s among those of out
	at := func(of uint32) uint32 {
		to, ok := place[of]
		if !ok {
			to = uint32(len(out.times))
			place[of] = to
			out.times = append(out.times, moment{at: s.times[of].at})
		}
		return to
	}
	for i := every / 2; i < len(s.cells); i += every {
		c := s.cells[i]
		c.last, c.age = at(c.last), at(c.age)
		out.cells = append(out.cells, c)
	}
	out, err := out.sum()
	if err != nil {
		return nil
	}
	return out
}

// buying returns ln Γ(r+x)/(Γ(r)·α^x) of all customers, which does not depend on when they left, with
// the derivatives by r and α, the first two parameters.
func (s *Sample) buying(r, alpha float64, d *derivatives) (ll float64) {
	ll = -s.repeats * math.Log(alpha)
	d.first[1], d.second[1][1] = -s.repeats/alpha, s.repeats/(alpha*alpha)
	for _, run := range s.above {
		logs, inverses, squares := sumPowers(r, run.from, run.to)
		ll += run.n * logs
		d.first[0] += run.n * inverses
		d.second[0][0] -= run.n * squares
	}
	return ll
}
