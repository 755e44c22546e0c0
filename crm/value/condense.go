package value

import (
	"fmt"
	"iter"
	"math"
	"math/bits"
	"slices"
)

// Condense returns a sample of customers. The error is a *DataError with the number of the
// customer; an empty sample is an error, too.
func Condense(customers iter.Seq[Purchases]) (*Sample, error) {
	return CondenseCounted(func(yield func(Purchases, int) bool) {
		for p := range customers {
			if !yield(p, 1) {
				return
			}
		}
	})
}

// CondenseCounted is Condense of customers that come with how many of them there are. It is quickest where few
// different times are among them, as where days are counted. What it keeps grows with the different customers alone.
func CondenseCounted(customers iter.Seq2[Purchases, int]) (*Sample, error) {
	c := condenser{place: map[uint64]uint32{}}
	row, fault := 0, (*DataError)(nil)
	for p, n := range customers {
		if fault = p.fault(); fault == nil && n < 0 {
			fault = &DataError{Field: "count", Reason: fmt.Sprintf("is %d", n)}
		}
		if fault != nil {
			fault.Row = row
			return nil, fault
		}
		row++
		if n > 0 {
			p.Last, p.Age = p.Last+0, p.Age+0 // -0 is 0
			c.add(p, n)
		}
	}
	return c.sample().sum()
}

// condenser counts customers who are alike. While they have few different times these are numbered as they come, and a
// customer is one number, which is sorted by its digits; of others the times themselves are looked up.
type condenser struct {
	place map[uint64]uint32 // the numbers of times, by their bits
	times []float64
	come  []counted // those who came since done, in any order
	done  []counted // sorted, each history once
	spare []counted
	count map[[3]uint64]int // instead of all that, of many different times
}

// counted is how many have a history: Repeats in the upper 32 bits, the numbers of Last and Age in 16 each.
type counted struct {
	key uint64
	n   int
}

// mostTimes is up to how many different times are numbered, and firstCome up to how many customers wait to be sorted at
// first.
const mostTimes, firstCome = 1 << 16, 1 << 17

func (c *condenser) add(p Purchases, n int) {
	if c.count == nil {
		last, ok := c.number(p.Last)
		if ok {
			var age uint32
			if age, ok = c.number(p.Age); ok {
				if len(c.come) >= max(firstCome, 2*len(c.done)) {
					c.take()
				}
				c.come = append(c.come, counted{uint64(p.Repeats)<<32 | uint64(last)<<16 | uint64(age), n})
				return
			}
		}
		c.look()
	}
	c.count[[3]uint64{uint64(p.Repeats), math.Float64bits(p.Last), math.Float64bits(p.Age)}] += n
}

// number returns that of a time, unless there are too many.
func (c *condenser) number(t float64) (uint32, bool) {
	b := math.Float64bits(t)
	at, ok := c.place[b]
	if ok {
		return at, true
	}
	if len(c.times) == mostTimes {
		return 0, false
	}
	at = uint32(len(c.times))
	c.place[b], c.times = at, append(c.times, t)
	return at, true
}

// take puts those who have come to those who are done.
func (c *condenser) take() {
	if cap(c.spare) < len(c.come) {
		c.spare = make([]counted, cap(c.come))
	}
	sorted, spare := sortCounted(c.come, c.spare[:len(c.come)])
	sorted = compact(sorted)
	if len(c.done) == 0 {
		c.done, c.come, c.spare = slices.Clone(sorted), sorted[:0], spare[:0]
		return
	}
	both := make([]counted, 0, len(c.done)+len(sorted))
	a, b := c.done, sorted
	for len(a) > 0 && len(b) > 0 {
		if a[0].key < b[0].key {
			both, a = append(both, a[0]), a[1:]
		} else {
			both, b = append(both, b[0]), b[1:]
		}
	}
	c.done = compact(append(append(both, a...), b...))
	c.come, c.spare = sorted[:0], spare[:0]
}

// compact makes one of neighbours with the same key.
func compact(all []counted) []counted {
	out := all[:0]
	for _, x := range all {
		if k := len(out) - 1; k >= 0 && out[k].key == x.key {
			out[k].n += x.n
		} else {
			out = append(out, x)
		}
	}
	return out
}

// sortCounted sorts by key: digit by digit from the lowest, of those in which keys differ. It uses spare, which is as long,
// and returns what is sorted and what is not used any more.
func sortCounted(all, spare []counted) (sorted, rest []counted) {
	const digit = 11
	var differ uint64
	ordered := true
	for i := 1; i < len(all); i++ {
		differ |= all[i].key ^ all[0].key
		ordered = ordered && all[i-1].key <= all[i].key
	}
	if ordered {
		return all, spare
	}
	for differ != 0 {
		shift := bits.TrailingZeros64(differ)
		var at [1 << digit]int
		for i := range all {
			at[all[i].key>>shift%(1<<digit)]++
		}
		sum := 0
		for i, n := range at {
			at[i] = sum
			sum += n
		}
		for _, x := range all {
			k := x.key >> shift % (1 << digit)
			spare[at[k]] = x
			at[k]++
		}
		all, spare = spare, all
		differ &^= (1<<digit - 1) << shift
	}
	return all, spare
}

// look goes on by looking up times.
func (c *condenser) look() {
	c.take()
	c.count = make(map[[3]uint64]int, 2*len(c.done))
	for _, x := range c.done {
		c.count[[3]uint64{x.key >> 32, math.Float64bits(c.times[x.key>>16%mostTimes]), math.Float64bits(c.times[x.key%mostTimes])}] += x.n
	}
	c.done, c.come, c.spare, c.times, c.place = nil, nil, nil, nil, nil
}

// sample returns the cells, sorted, with their times.
func (c *condenser) sample() *Sample {
	if c.count != nil {
		return sampleOf(c.count)
	}
	c.take()
	// By the order of times, not the one that they came in.
	order := make([]counted, len(c.times))
	for i, t := range c.times {
		order[i] = counted{math.Float64bits(t), i} // of numbers from 0 on the bits have the order of the numbers
	}
	order, _ = sortCounted(order, make([]counted, len(order)))
	rank, times := make([]uint64, len(order)), make([]moment, len(order))
	for to, x := range order {
		rank[x.n], times[to].at = uint64(to), math.Float64frombits(x.key)
	}
	for i := range c.done {
		k := &c.done[i].key
		*k = *k>>32<<32 | rank[*k>>16%mostTimes]<<16 | rank[*k%mostTimes]
	}
	done, _ := sortCounted(c.done, make([]counted, len(c.done)))
	s := &Sample{cells: make([]cell, len(done)), times: times}
	for i, x := range done {
		last, age := uint32(x.key>>16%mostTimes), uint32(x.key%mostTimes)
		s.cells[i] = cell{Purchases{int(x.key >> 32), times[last].at, times[age].at}, float64(x.n), last, age}
	}
	return s
}

// sampleOf returns the cells, sorted, where each has times of its own.
func sampleOf(count map[[3]uint64]int) *Sample {
	s := &Sample{cells: make([]cell, 0, len(count)), times: make([]moment, 1, 2*len(count)+1)}
	for b, n := range count {
		s.cells = append(s.cells, cell{Purchases: Purchases{int(b[0]), math.Float64frombits(b[1]), math.Float64frombits(b[2])}, n: float64(n)})
	}
	slices.SortFunc(s.cells, func(a, b cell) int { return a.compare(b.Purchases) })
	for i := range s.cells {
		c := &s.cells[i]
		if c.Last > 0 { // else the one that is there, 0
			c.last = uint32(len(s.times))
			s.times = append(s.times, moment{at: c.Last})
		}
		c.age = uint32(len(s.times))
		s.times = append(s.times, moment{at: c.Age})
	}
	return s
}
