package rfm

import (
	"cmp"
	"fmt"
	"slices"
)

// The values of Config.Convention.
const (
	rPackage = "r"
	ntile    = "ntile"
	qcut     = "qcut"
	fixed    = "fixed"
)

// Config says how to score. The zero value is the R package's convention with
// quintiles.
type Config struct {
	// Convention says how values become scores. The default:
	//
	//   - "r", that of the R package rfm: cut points are the type-7 quantiles (Hyndman and
	//     Fan 1996) plus one day, order or unit of currency, a value scores by the cut
	//     points that it reaches, equal values score equally.
	//   - "ntile" makes groups of equal size, as ntile(n) of SQL. Equal values are split
	//     between groups, by customer id.
	//   - "qcut" is pandas.qcut with duplicates="drop", as pymc-marketing uses it with Bins
	//     4: intervals closed above at the type-7 quantiles; where ties make quantiles
	//     equal there are fewer groups and the highest score is lower.
	//   - "fixed" uses the cut points of Cuts as they are.
	Convention string
	Bins       int   // groups of a dimension, 2 to 9; default 5. Fixed has as many as its cuts make.
	Unit       int64 // minor units of a unit of currency, 1 to 1,000,000, which "r" adds to monetary cut points; default 100
	// Nested scores frequency within each recency score, and monetary value within
	// each pair of the two, instead of each by itself. Not with "fixed", nor in a Live.
	Nested bool
	Cuts   Cuts // for "fixed"; else not looked at
}

// Cuts are ascending cut points; a value scores one more for each it reaches,
// recency one less. Recency in days, Monetary in minor units.
type Cuts struct {
	// Each has at most eight cut points, for nine scores; they must ascend.
	Recency, Frequency, Monetary []int64
}

// Score is a row with its scores, from 1; higher is better.
type Score struct {
	Row
	R, F, M int // recency, frequency, monetary value
}

// cell returns the scores as a three-digit number, e.g. 543.
func (s Score) cell() int { return 100*s.R + 10*s.F + s.M }

// Leaf returns the scores as a leaf name for package segment, e.g. "rfm:5-4-3".
func (s Score) Leaf() string { return fmt.Sprintf("rfm:%d-%d-%d", s.R, s.F, s.M) }

// Cut is a cut point as an exact fraction Num/Den.
type Cut struct{ Num, Den int64 }

// above returns the least whole number that is greater than the cut point, or
// equal to it where equal is enough. Den is positive.
func (c Cut) above(equal bool) int64 {
	n := c.Num / c.Den
	if rest := c.Num % c.Den; rest < 0 {
		n-- // division rounds towards zero
	} else if rest == 0 && equal {
		return n
	}
	return n + 1
}

// float returns the cut point as a number for display.
func (c Cut) float() float64 { return float64(c.Num) / float64(c.Den) }

// Result holds the scores by customer and the cut points that made them. Cut
// points are empty for "ntile" and with Nested.
type Result struct {
	Scores                       []Score
	Recency, Frequency, Monetary []Cut
}

// Score scores the rows, which may come in any order; each customer once. Faults
// are *InvalidError.
func (c Config) Score(rows []Row) (Result, error) {
	if err := c.validate(); err != nil {
		return Result{}, err
	}
	if c.Bins == 0 {
		c.Bins = 5
	}
	if c.Unit == 0 {
		c.Unit = 100
	}
	t, err := newTable(rows)
	if err != nil || len(rows) == 0 {
		return Result{Scores: []Score{}}, err
	}
	var out Result
	out.Recency = c.column(t.values[recency.column], t.scores[recency.column], recency)
	if !c.Nested {
		out.Frequency = c.column(t.values[frequency.column], t.scores[frequency.column], frequency)
		out.Monetary = c.column(t.values[monetary.column], t.scores[monetary.column], monetary)
	} else {
		out.Recency = nil
		for _, within := range t.split(nil, recency) {
			c.part(t, within, frequency)
			for _, cell := range t.split(within, frequency) {
				c.part(t, cell, monetary)
			}
		}
	}
	out.Scores = t.finish()
	return out, nil
}

func (c Config) validate() error {
	switch {
	case !slices.Contains([]string{"", rPackage, ntile, qcut, fixed}, c.Convention):
		return &InvalidError{Field: "convention", Msg: "is unknown"}
	case c.Bins != 0 && (c.Bins < 2 || c.Bins > 9):
		return &InvalidError{Field: "bins", Msg: "must be from 2 to 9"}
	case c.Unit < 0 || c.Unit > 1_000_000:
		return &InvalidError{Field: "unit", Msg: "must be from 1 to 1,000,000"}
	case c.Convention == fixed && c.Nested:
		return &InvalidError{Field: "nested", Msg: "makes no difference with fixed cuts"}
	}
	for field, cuts := range map[string][]int64{
		"recency": c.Cuts.Recency, "frequency": c.Cuts.Frequency, "monetary": c.Cuts.Monetary,
	} {
		if c.Convention != fixed {
			break
		}
		if len(cuts) > 8 || !slices.IsSorted(cuts) || len(slices.Compact(slices.Clone(cuts))) != len(cuts) {
			return &InvalidError{Field: "cuts", Msg: field + " must be at most 8 ascending numbers"}
		}
	}
	return nil
}

// dimension is what is scored.
type dimension struct {
	column  int // in a table
	set     func(s *Score, score int)
	lowBest bool // the fewest days since the last order are best
	money   bool
	cuts    func(c Cuts) []int64
}

var (
	recency = dimension{
		column: 0, set: func(s *Score, n int) { s.R = n },
		lowBest: true, cuts: func(c Cuts) []int64 { return c.Recency },
	}
	frequency = dimension{
		column: 1, set: func(s *Score, n int) { s.F = n },
		cuts: func(c Cuts) []int64 { return c.Frequency },
	}
	monetary = dimension{
		column: 2, set: func(s *Score, n int) { s.M = n },
		money: true, cuts: func(c Cuts) []int64 { return c.Monetary },
	}
)

// table holds the rows by customer, column by column: scoring reads values many
// times, and rows are wide.
type table struct {
	rows   []Row
	values [3][]int64
	scores [3][]uint8
}

// newTable checks the rows and brings them into the order of customers.
func newTable(rows []Row) (*table, error) {
	inOrder := true
	for i := range rows {
		if err := rows[i].validate(); err != nil {
			return nil, err
		}
		inOrder = inOrder && (i == 0 || rows[i-1].Customer < rows[i].Customer)
	}
	if !inOrder {
		rows = slices.Clone(rows)
		slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Customer, b.Customer) })
		for i := 1; i < len(rows); i++ {
			if rows[i-1].Customer == rows[i].Customer {
				return nil, &InvalidError{Customer: rows[i].Customer, Field: "customer", Msg: "has two rows"}
			}
		}
	}
	t := &table{rows: rows}
	for d := range t.values {
		t.values[d], t.scores[d] = make([]int64, len(rows)), make([]uint8, len(rows))
	}
	r, f, m := t.values[recency.column], t.values[frequency.column], t.values[monetary.column]
	for i := range rows {
		row := &rows[i]
		r[i], f[i], m[i] = row.Recency, row.Frequency, row.Monetary
	}
	return t, nil
}

func (r *Row) validate() error {
	switch {
	case r.Customer == "":
		return &InvalidError{Field: "customer", Msg: "must not be empty"}
	case r.Recency < 0 || r.Recency > maxMoney:
		return &InvalidError{Customer: r.Customer, Field: "recency", Msg: "is out of range"}
	case r.Frequency < 0 || r.Frequency > maxMoney:
		return &InvalidError{Customer: r.Customer, Field: "frequency", Msg: "is out of range"}
	case r.Monetary < -maxMoney || r.Monetary > maxMoney:
		return &InvalidError{Customer: r.Customer, Field: "monetary", Msg: "is out of range"}
	}
	return nil
}

func (t *table) finish() []Score {
	scores := make([]Score, len(t.rows))
	r, f, m := t.scores[recency.column], t.scores[frequency.column], t.scores[monetary.column]
	for i := range scores {
		scores[i] = Score{Row: t.rows[i], R: int(r[i]), F: int(f[i]), M: int(m[i])}
	}
	return scores
}

// split groups the given places, or all, by a score, lowest first, each in
// customer order.
func (t *table) split(at []int32, by dimension) [][]int32 {
	groups := make([][]int32, 10)
	if at == nil {
		for i, n := range t.scores[by.column] {
			groups[n] = append(groups[n], int32(i))
		}
	}
	for _, i := range at {
		n := t.scores[by.column][i]
		groups[n] = append(groups[n], i)
	}
	return slices.DeleteFunc(groups, func(g []int32) bool { return len(g) == 0 })
}

// part scores one dimension of the rows at the given places, which are in
// customer order.
func (c Config) part(t *table, at []int32, d dimension) {
	values, scores := make([]int64, len(at)), make([]uint8, len(at))
	for i, place := range at {
		values[i] = t.values[d.column][place]
	}
	c.column(values, scores, d)
	for i, place := range at {
		t.scores[d.column][place] = scores[i]
	}
}

// column scores the values of one dimension, which are in customer order and at
// least one, and returns the cut points.
func (c Config) column(values []int64, scores []uint8, d dimension) []Cut {
	if c.Convention == ntile {
		c.ntile(values, scores, d)
		return nil
	}
	cuts := c.cutPoints(d, len(values), func(ranks []int) []int64 { return orderStatistics(values, ranks) })
	reach := make([]int64, len(cuts)) // the least whole value that scores for the cut
	for i, cut := range cuts {
		reach[i] = cut.above(c.reached())
	}
	classify(values, scores, reach)
	if d.lowBest {
		for i, score := range scores {
			scores[i] = uint8(len(cuts)+2) - score
		}
	}
	return cuts
}

// reached reports whether a value equal to a cut point scores for it.
func (c Config) reached() bool { return c.Convention != qcut }

// cutPoints returns the cut points of n values of a dimension, of which
// statistics returns those at ascending ranks.
func (c Config) cutPoints(d dimension, n int, statistics func(ranks []int) []int64) []Cut {
	switch c.Convention {
	case fixed:
		cuts := []Cut{}
		for _, n := range d.cuts(c.Cuts) {
			cuts = append(cuts, Cut{n, 1})
		}
		return cuts
	case qcut: // the outer edges bound nothing
		cuts := c.dropEqual(c.quantiles(n, statistics))
		return cuts[1:max(1, len(cuts)-1)]
	}
	step := int64(1)
	if d.money {
		step = c.Unit
	}
	cuts := c.quantiles(n, statistics)[1:c.Bins]
	for i := range cuts {
		cuts[i].Num += step * cuts[i].Den
	}
	return cuts
}

// quantiles returns the type-7 quantiles 0, 1/Bins … 1 of Hyndman & Fan (1996),
// exactly: x[h] + (x[h+1]-x[h])·fraction with h = (n-1)·j/Bins.
func (c Config) quantiles(n int, statistics func(ranks []int) []int64) []Cut {
	last, bins := int64(n-1), int64(c.Bins)
	var ranks []int
	for j := range bins + 1 {
		h := int(last * j / bins)
		ranks = append(ranks, h, min(h+1, n-1))
	}
	slices.Sort(ranks)
	ranks = slices.Compact(ranks)
	sorted := statistics(ranks)
	at := func(rank int64) int64 {
		i, _ := slices.BinarySearch(ranks, int(rank))
		return sorted[i]
	}
	out := make([]Cut, bins+1)
	for j := range bins + 1 {
		h, rest := last*j/bins, last*j%bins
		low := at(h)
		out[j] = Cut{low * bins, bins}
		if rest != 0 {
			out[j].Num += (at(h+1) - low) * rest
		}
	}
	return out
}

func (c Config) dropEqual(cuts []Cut) []Cut {
	return slices.CompactFunc(cuts, func(a, b Cut) bool { return a.Num == b.Num })
}

// classify scores values by how many of the bounds they reach, from 1.
func classify(values []int64, scores []uint8, reach []int64) {
	scores = scores[:len(values)]
	if len(reach) == 4 { // quintiles: worth having the bounds in registers
		a, b, c, d := reach[0], reach[1], reach[2], reach[3]
		for i, v := range values {
			scores[i] = 1 + reaches(v, a) + reaches(v, b) + reaches(v, c) + reaches(v, d)
		}
		return
	}
	for i, v := range values {
		score := uint8(1)
		for _, least := range reach {
			score += reaches(v, least)
		}
		scores[i] = score
	}
}

// reaches is 1 if v >= least, else 0, without a branch: which values reach a
// bound cannot be predicted.
func reaches(v, least int64) (n uint8) {
	if v >= least {
		n = 1
	}
	return n
}

func (c Config) ntile(values []int64, scores []uint8, d dimension) {
	size, extra := len(values)/c.Bins, len(values)%c.Bins
	tile, left := 0, 0
	for _, i := range ascending(values) {
		for left == 0 {
			tile++
			if left = size; tile <= extra {
				left++
			}
		}
		left--
		score := tile
		if d.lowBest {
			score = c.Bins + 1 - tile
		}
		scores[i] = uint8(score)
	}
}
