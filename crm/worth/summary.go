package worth

import (
	"github.com/vefacrm/vefa/crm"
	"github.com/vefacrm/vefa/crm/value"
)

// summary is what the models know of a customer's purchases. Days are counted from 1970-01-01; amounts are in
// minor units of the home currency.
type summary struct {
	first, last int32 // days
	repeats     int32 // days with a purchase after the first
	orders      int32 // sales
	total       int64 // of all amounts, returns taken off
	spent       int64 // on days after the first, what came back and is not known to belong to a sale taken off
	priced      bool  // every amount is known, and their sums are numbers
}

// summarise folds purchases, which come oldest first; it has no orders where nothing counts.
func summarise(purchases []crm.Purchase) (s summary) {
	s.priced = true
	var back int64 // what came back, against what was sold of it
	for i := range purchases {
		p := &purchases[i]
		if p.Cancelled {
			continue
		}
		s.priced = s.priced && p.Priced
		s.add(&s.total, p.Amount)
		if !p.Sale() {
			s.add(&back, p.Amount)
			continue
		}
		day := int32(p.Day)
		switch s.orders++; {
		case s.orders == 1:
			s.first, s.last = day, day
		case day > s.last: // a shop further west may be a day behind
			s.repeats++
			s.last = day
		}
		if s.repeats > 0 {
			s.add(&s.spent, p.Amount)
		}
	}
	s.add(&s.spent, min(0, back))
	return s
}

// add adds an amount to a sum. One that is beyond what a number of 64 bits holds is not known from then on, and stays
// as it is.
func (s *summary) add(to *int64, amount int64) {
	sum := *to + amount
	if (sum > *to) != (amount > 0) && amount != 0 {
		s.priced = false
		return
	}
	*to = sum
}

// weeks turns days into the models' unit.
func weeks(days int) float64 { return float64(days) / week }

// purchases returns the history as of a day, which is not before the last purchase.
func (s *summary) purchases(today int) value.Purchases {
	return value.Purchases{Repeats: int(s.repeats), Last: weeks(int(s.last - s.first)), Age: weeks(today - int(s.first))}
}

// spending returns what repeated purchases were worth on average, and whether that is known. Of who bought on
// one day alone it is the zero Spending, of whom nothing is known.
func (s *summary) spending() (value.Spending, bool) {
	switch {
	case !s.priced:
		return value.Spending{}, false
	case s.repeats == 0:
		return value.Spending{}, true
	case s.spent <= 0:
		return value.Spending{}, false
	}
	return value.Spending{Purchases: int(s.repeats), Mean: float64(s.spent) / float64(s.repeats)}, true
}
