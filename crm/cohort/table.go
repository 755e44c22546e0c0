package cohort

import (
	"fmt"
	"time"
)

// Table is who came back, by the period of the first purchase.
type Table struct {
	Unit Unit `json:"unit"`
	// Cohorts are in the order of time, one for each period; a period without new customers has
	// an empty one.
	Cohorts []Cohort `json:"cohorts"`
	// Flow is how activity and revenue of each period went over into the next.
	Flow []Flow `json:"flow"`
	// Customers are all who bought. Repeat is how many of them ordered a second time, and Orders all
	// orders.
	Customers int `json:"customers"`
	Repeat    int `json:"repeat"`
	Orders    int `json:"orders"`
}

// Cohort is the customers whose first purchase was in a period.
type Cohort struct {
	Begin time.Time `json:"begin"` // of the period, in Options.Zone
	Size  int       `json:"size"`
	// Cells are the periods from Begin on: Cells[0] is the period of the first purchase itself.
	// They end with the period of Options.Until.
	Cells []Cell `json:"cells"`
}

// Cell is what a cohort did in a period.
type Cell struct {
	Customers int   `json:"customers"` // who bought in it
	Orders    int   `json:"orders"`
	Amount    int64 `json:"amount"`            // minor units
	Partial   bool  `json:"partial,omitempty"` // the period is not over
}

// Share returns which share of so many customers bought, with the interval of Wilson at 95 %.
// Of 0 customers all three are 0.
func (c Cell) Share(of int) (share, low, high float64) { return wilson(c.Customers, of) }

// Flow is how a period went over into the next.
type Flow struct {
	Begin    time.Time `json:"begin"`    // of the later period
	Active   int       `json:"active"`   // customers who bought in the earlier one
	Retained int       `json:"retained"` // those of them who bought in the later one, too
	// Base is what Active spent in the earlier period, Next what they spent in the later, and Kept
	// the smaller of both for each, summed up; minor units.
	Base    int64 `json:"base"`
	Next    int64 `json:"next"`
	Kept    int64 `json:"kept"`
	Partial bool  `json:"partial,omitempty"` // the later period is not over
}

// Logo returns the share of customers that was retained, with the interval of Wilson at 95 %.
// With no active customers all three are 0.
func (f Flow) Logo() (share, low, high float64) { return wilson(f.Retained, f.Active) }

// Net returns net revenue retention, Next/Base: what customers of the earlier period spent in the
// later, new ones left out. It is 0 where Base is not above 0.
func (f Flow) Net() float64 { return ratio(f.Next, f.Base) }

// Gross returns gross revenue retention, Kept/Base: as Net, without what anybody spent more.
func (f Flow) Gross() float64 { return ratio(f.Kept, f.Base) }

func ratio(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// New returns the cohorts of sales. An error is an ErrData and names the sale by its place from 0.
func New(sales []Sale, o Options) (*Table, error) {
	if len(sales) == 0 {
		return nil, fmt.Errorf("%w: no sales", ErrData)
	}
	cal, err := newCalendar(sales, o)
	if err != nil {
		return nil, err
	}
	periods := len(cal.begins)
	t := &Table{Unit: o.Unit, Cohorts: make([]Cohort, periods), Flow: make([]Flow, periods-1)}
	for i := range t.Cohorts {
		c := &t.Cohorts[i]
		c.Begin, c.Cells = cal.begins[i], make([]Cell, periods-i)
		c.Cells[periods-i-1].Partial = !cal.whole
	}
	for i := range t.Flow {
		t.Flow[i].Begin, t.Flow[i].Partial = cal.begins[i+1], !cal.whole && i == len(t.Flow)-1
	}
	ends, order := byCustomer(sales)
	orders := newBits(sales)
	amount, active, touched := make([]int64, periods), make([]bool, periods), make([]int, 0, 16)
	ordered := make([]int, periods)
	from := 0
	for _, end := range ends {
		if from == end {
			continue
		}
		guess, n := 0, 0
		for _, i := range order[from:end] {
			s := &sales[i]
			guess = cal.of(s.At, guess)
			if !active[guess] {
				active[guess] = true
				touched = append(touched, guess)
			}
			amount[guess] += s.Amount
			if orders.add(s.Order) {
				ordered[guess]++
				n++
			}
		}
		from = end
		first := touched[0]
		for _, p := range touched {
			first = min(first, p)
		}
		c := &t.Cohorts[first]
		c.Size++
		t.Customers++
		t.Orders += n
		if n > 1 {
			t.Repeat++
		}
		for _, p := range touched {
			cell := &c.Cells[p-first]
			cell.Customers++
			cell.Orders += ordered[p]
			cell.Amount += amount[p]
			if p+1 < periods {
				f := &t.Flow[p]
				f.Active++
				f.Base += amount[p]
				if active[p+1] {
					f.Retained++
					f.Next += amount[p+1]
					f.Kept += min(amount[p], amount[p+1])
				}
			}
		}
		for _, p := range touched {
			amount[p], active[p], ordered[p] = 0, false, 0
		}
		touched = touched[:0]
	}
	return t, nil
}

// byCustomer returns the places of the sales, those of a customer together, and where those of
// each customer end.
func byCustomer(sales []Sale) (ends []int, order []int32) {
	customers := 0
	for i := range sales {
		customers = max(customers, int(sales[i].Customer)+1)
	}
	ends = make([]int, customers)
	for i := range sales {
		ends[sales[i].Customer]++
	}
	sum := 0
	for c, n := range ends {
		ends[c] = sum
		sum += n
	}
	order = make([]int32, len(sales))
	for i := range sales {
		c := sales[i].Customer
		order[ends[c]] = int32(i)
		ends[c]++
	}
	return ends, order
}

// bits is a set of numbers.
type bits []uint64

// newBits returns an empty set for the orders of sales.
func newBits(sales []Sale) bits {
	largest := uint32(0)
	for i := range sales {
		largest = max(largest, sales[i].Order)
	}
	return make(bits, largest/64+1)
}

// add puts in a number, and reports whether it is new.
func (b bits) add(n uint32) bool {
	w, bit := n/64, uint64(1)<<(n%64)
	if b[w]&bit != 0 {
		return false
	}
	b[w] |= bit
	return true
}
