package value

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
)

// ErrData is what every error about input is.
var ErrData = errors.New("value: bad data")

// DataError says what is wrong with one customer. It is an ErrData.
type DataError struct {
	Row    int // from 0, in the order of the input
	Field  string
	Reason string
}

// Error returns the row, the field and the reason.
func (e *DataError) Error() string {
	return fmt.Sprintf("value: customer %d: %s %s", e.Row, e.Field, e.Reason)
}

// Is reports whether target is ErrData.
func (e *DataError) Is(target error) bool { return target == ErrData }

// Purchases is what the models need to know of a customer's purchases.
type Purchases struct {
	// Repeats is the number of purchases after the first (the papers' x, lifetimes' frequency),
	// 0 to 2^31-1. What is bought on one day is one purchase.
	Repeats int
	// Last is the time between the first and the last purchase (t_x, recency), from 0 to Age.
	// It is 0 where Repeats is.
	Last float64
	// Age is the time between the first purchase and now (T), 0 or from 1e-100 to 1e100.
	Age float64
}

// FromDays returns the purchases of a customer who bought on days, in any order, as of a day. Days are counted from
// any day that is the same for all; several purchases on one day are one, and days after now, which are not known
// then, are left out. length is how many days the unit of time has: 7 for weeks. The error is a
// *DataError of row 0 where he had not bought by then, or length is not above 0.
func FromDays(days []int, now int, length float64) (Purchases, error) {
	if !(length > 0) || math.IsInf(length, 0) {
		return Purchases{}, &DataError{Field: "length", Reason: fmt.Sprintf("is %v, not above 0", length)}
	}
	on := slices.DeleteFunc(slices.Clone(days), func(d int) bool { return d > now })
	slices.Sort(on)
	on = slices.Compact(on)
	if len(on) == 0 {
		return Purchases{}, &DataError{Field: "days", Reason: fmt.Sprintf("has none until day %d", now)}
	}
	return Purchases{Repeats: len(on) - 1, Last: float64(on[len(on)-1]-on[0]) / length, Age: float64(now-on[0]) / length}, nil
}

// maxRepeats is as much as a count of purchases can be. Beyond shortest and longest the square of a time, or of one over it, is no
// number of the machine any more, so that likelihoods have no curvature.
const maxRepeats, shortest, longest = math.MaxInt32, 1e-100, 1e100

// Validate reports the first field that is out of its range, as a *DataError of row 0.
func (p Purchases) Validate() error {
	if e := p.fault(); e != nil {
		return e
	}
	return nil
}

func (p Purchases) fault() *DataError {
	switch {
	case p.Repeats < 0 || p.Repeats > maxRepeats:
		return &DataError{Field: "Repeats", Reason: fmt.Sprintf("is %d, not from 0 to %d", p.Repeats, maxRepeats)}
	case p.Age != 0 && !(p.Age >= shortest && p.Age <= longest):
		return &DataError{Field: "Age", Reason: fmt.Sprintf("is %v, not 0 or from %v to %v", p.Age, shortest, longest)}
	case !(p.Last >= 0 && p.Last <= p.Age):
		return &DataError{Field: "Last", Reason: fmt.Sprintf("is %v, not from 0 to Age, which is %v", p.Last, p.Age)}
	case p.Repeats == 0 && p.Last != 0:
		return &DataError{Field: "Last", Reason: fmt.Sprintf("is %v without a repeated purchase", p.Last)}
	}
	return nil
}

func (p Purchases) compare(o Purchases) int {
	return cmp.Or(cmp.Compare(p.Repeats, o.Repeats), cmp.Compare(p.Last, o.Last), cmp.Compare(p.Age, o.Age))
}

// Sample is customers, alike ones together: what models are fitted to. It is immutable.
type Sample struct {
	cells []cell // sorted
	n     float64
	age   float64 // the mean
	// repeats is the number of all repeats.
	repeats float64
	above   []above
}

// cell is customers with the same purchases.
type cell struct {
	Purchases
	n float64
}

// above are runs of j for which the same number of customers has Repeats > j.
type above struct {
	from, to int // to is excluded
	n        float64
}

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

// CondenseCounted is Condense of customers that come with how many of them there are. It is quickest where they
// come in ascending order of Repeats, then Last, then Age.
func CondenseCounted(customers iter.Seq2[Purchases, int]) (*Sample, error) {
	s := &Sample{}
	var count map[[3]uint64]int // once they are out of order; bits are hashed faster than numbers
	bits := func(p Purchases) [3]uint64 {
		return [3]uint64{uint64(p.Repeats), math.Float64bits(p.Last), math.Float64bits(p.Age)}
	}
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
		if n == 0 {
			continue
		}
		p.Last, p.Age = p.Last+0, p.Age+0 // -0 is 0
		if count == nil {
			if k := len(s.cells); k == 0 || s.cells[k-1].compare(p) < 0 {
				s.cells = append(s.cells, cell{p, float64(n)})
				continue
			} else if s.cells[k-1].Purchases == p {
				s.cells[k-1].n += float64(n)
				continue
			}
			count = make(map[[3]uint64]int, len(s.cells))
			for _, c := range s.cells {
				count[bits(c.Purchases)] = int(c.n)
			}
		}
		count[bits(p)] += n
	}
	if count != nil {
		s.cells = make([]cell, 0, len(count))
		for b, n := range count {
			s.cells = append(s.cells, cell{Purchases{int(b[0]), math.Float64frombits(b[1]), math.Float64frombits(b[2])}, float64(n)})
		}
	}
	return s.sum()
}

// sum sorts the cells and adds them up.
func (s *Sample) sum() (*Sample, error) {
	if len(s.cells) == 0 {
		return nil, fmt.Errorf("%w: no customers", ErrData)
	}
	slices.SortFunc(s.cells, func(a, b cell) int { return a.compare(b.Purchases) })
	for _, c := range s.cells {
		s.n += c.n
		s.age += c.n * c.Age
		s.repeats += c.n * float64(c.Repeats)
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
	for i := every / 2; i < len(s.cells); i += every {
		out.cells = append(out.cells, s.cells[i])
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
		for j := run.from; j < run.to; j++ {
			rj := r + float64(j)
			ll += run.n * math.Log(rj)
			d.first[0] += run.n / rj
			d.second[0][0] -= run.n / (rj * rj)
		}
	}
	return ll
}
