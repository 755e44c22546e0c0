package rfm

import "fmt"

// CutPoints returns the cut points by which Cuts.Score scores each customer as c
// scores him among all of them, the same one several times where that is how values lie: recency in whole days, frequency in orders and monetary value in minor
// units, of a customer at the same place in each slice. The order of customers makes no difference. It
// fails with an *InvalidError for slices of different or no length, values out of range, "ntile", which splits
// equal values, and Nested.
func (c Config) CutPoints(days, orders, spent []int64) (Cuts, error) {
	if err := c.validate(); err != nil {
		return Cuts{}, err
	}
	switch {
	case c.Convention == fixed:
		return c.Cuts, nil
	case c.Convention == ntile || c.Nested:
		return Cuts{}, &InvalidError{Field: "convention", Msg: "has no cut points: nested scores and ntile depend on the other customers"}
	case len(days) == 0 || len(days) != len(orders) || len(days) != len(spent):
		return Cuts{}, &InvalidError{Field: "rows", Msg: fmt.Sprintf("are %d, %d and %d", len(days), len(orders), len(spent))}
	}
	if c.Bins == 0 {
		c.Bins = 5
	}
	if c.Unit == 0 {
		c.Unit = 100
	}
	for i := range days {
		if err := (&Row{Customer: "-", Recency: days[i], Frequency: orders[i], Monetary: spent[i]}).validate(); err != nil {
			return Cuts{}, err
		}
	}
	whole := func(d dimension, values []int64) []int64 {
		var out []int64
		for _, cut := range c.cutPoints(d, len(values), func(ranks []int) []int64 { return orderStatistics(values, ranks) }) {
			out = append(out, cut.above(c.reached()))
		}
		return out
	}
	return Cuts{Recency: whole(recency, days), Frequency: whole(frequency, orders), Monetary: whole(monetary, spent)}, nil
}

// Score scores one customer by the cut points.
func (c Cuts) Score(row Row) Score {
	score := func(value int64, cuts []int64) int {
		n := 1
		for _, cut := range cuts {
			if value >= cut {
				n++
			}
		}
		return n
	}
	return Score{Row: row, R: len(c.Recency) + 2 - score(row.Recency, c.Recency), F: score(row.Frequency, c.Frequency), M: score(row.Monetary, c.Monetary)}
}
