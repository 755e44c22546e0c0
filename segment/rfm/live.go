package rfm

import "time"

// Live keeps scores up to date order by order: Score answers at any moment what
// Config.Score would over Summarise of the same orders, without looking at all
// customers again. As days pass nothing needs to be done, because the days since
// the last order grow for everybody alike. It is not safe for concurrent use.
type Live struct {
	config Config
	in     *time.Location
	ledger ledger
	latest time.Time
	values [3]ordered // by recency, frequency, monetary; of customers that have a row
	cuts   [3][]Cut   // nil: to be computed again
}

// NewLive returns a Live without orders. Days are those of the location; nil:
// UTC. A faulty Config is an *InvalidError, and so is Nested: one order could
// then move half of all scores.
func NewLive(c Config, in *time.Location) (*Live, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Nested {
		return nil, &InvalidError{Field: "nested", Msg: "cannot be kept up to date order by order"}
	}
	if c.Bins == 0 {
		c.Bins = 5
	}
	if c.Unit == 0 {
		c.Unit = 100
	}
	if in == nil {
		in = time.UTC
	}
	return &Live{config: c, in: in}, nil
}

// Add takes one order in, in any sequence. A nameless customer, a
// zero time or an amount or sum beyond 10^17 minor units is an *InvalidError and leaves
// the scores as they were.
func (l *Live) Add(o Order) error {
	a := l.ledger.customers[o.Customer]
	before, had := l.entries(o.Customer, a)
	if err := l.ledger.add(o); err != nil {
		return err
	}
	if o.At.After(l.latest) {
		l.latest = o.At
	}
	if a == nil {
		a = l.ledger.customers[o.Customer]
		a.serial = uint64(len(l.ledger.customers))
	}
	after, has := l.entries(o.Customer, a)
	for d := range l.values {
		if had && has && before[d] == after[d] {
			continue
		}
		if had {
			l.values[d].remove(before[d])
		}
		if has {
			l.values[d].insert(after[d])
		}
		l.cuts[d] = nil
	}
	return nil
}

// entries returns the places of a customer in the three lists. Days are counted
// from a fixed one and so that the most recent come first, as recency does.
func (l *Live) entries(customer string, a *account) (e [3]entry, ok bool) {
	if a == nil || a.frequency == 0 {
		return e, false
	}
	for d, value := range [3]int64{-calendarDay(a.last, l.in), a.frequency, a.monetary} {
		if l.config.Convention == ntile {
			e[d] = byCustomer(value, customer)
		} else { // how equal values stand makes no difference
			e[d] = entry{value: value, tie: a.serial}
		}
	}
	return e, true
}

// Score scores one customer as of the calendar day of at, which must not be
// before that of the latest order: an *InvalidError otherwise. It is false for a
// customer without a row.
func (l *Live) Score(customer string, at time.Time) (Score, bool, error) {
	today := calendarDay(at, l.in)
	if l.latest.After(at) && calendarDay(l.latest, l.in) > today {
		return Score{}, false, &InvalidError{Field: "at", Msg: "is before the latest order"}
	}
	e, ok := l.entries(customer, l.ledger.customers[customer])
	if !ok {
		return Score{}, false, nil
	}
	s := Score{Row: Row{Customer: customer, Recency: today + e[0].value, Frequency: e[1].value, Monetary: e[2].value}}
	for d, dim := range []dimension{recency, frequency, monetary} {
		shift := int64(0)
		if dim.lowBest {
			shift = today
		}
		dim.set(&s, l.score(d, dim, e[d], shift))
	}
	return s, true, nil
}

// score scores an entry of one list, whose values are smaller than those of the
// rows by shift.
func (l *Live) score(d int, dim dimension, e entry, shift int64) int {
	c := l.config
	if c.Convention == ntile {
		tile := tileOf(l.values[d].rank(e), l.values[d].n, c.Bins)
		if dim.lowBest {
			return c.Bins + 1 - tile
		}
		return tile
	}
	if l.cuts[d] == nil {
		l.cuts[d] = c.cutPoints(dim, l.values[d].n, l.values[d].statistics)
	}
	score := 1
	for _, cut := range l.cuts[d] {
		moved := Cut{cut.Num + shift*cut.Den, cut.Den}
		if c.Convention == fixed { // these are days ago already
			moved = cut
		}
		if e.value+shift >= moved.above(c.reached()) {
			score++
		}
	}
	if dim.lowBest {
		score = len(l.cuts[d]) + 2 - score
	}
	return score
}

// tileOf returns the tile, from 1, of a rank, from 0, among n: the first n mod
// bins tiles have one more than the others.
func tileOf(rank, n, bins int) int {
	size, extra := n/bins, n%bins
	if large := extra * (size + 1); rank >= large {
		return extra + (rank-large)/size + 1
	}
	return rank/(size+1) + 1
}
