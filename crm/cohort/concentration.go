package cohort

import (
	"fmt"
	"math"
	"slices"
)

// Concentration is how unequally customers share in a sum.
type Concentration struct {
	amounts []int64 // ascending
	upTo    []int64 // the sum of so many of the smallest
}

// Concentrate returns it of what each customer brought, in any order. What is below 0, more came
// back than was bought, counts as what it is. The sum must be above 0 and below 2^62; the error is
// an ErrData.
func Concentrate(amounts []int64) (*Concentration, error) {
	c := &Concentration{amounts: slices.Clone(amounts), upTo: make([]int64, len(amounts)+1)}
	slices.Sort(c.amounts)
	for i, v := range c.amounts {
		sum := c.upTo[i] + v
		if sum > 1<<62 || sum < -1<<62 || v > 1<<62 || v < -1<<62 {
			return nil, fmt.Errorf("%w: the sum of the amounts is too large", ErrData)
		}
		c.upTo[i+1] = sum
	}
	if c.Total() <= 0 {
		return nil, fmt.Errorf("%w: the sum of %d amounts is %d", ErrData, len(amounts), c.Total())
	}
	return c, nil
}

// Total returns the sum, and N how many share in it.
func (c *Concentration) Total() int64 { return c.upTo[len(c.amounts)] }

// N returns how many share in the sum.
func (c *Concentration) N() int { return len(c.amounts) }

// Top returns how many are the part p of all, from 0 to 1 and rounded up, and which share of the sum the
// largest of so many bring: "20 % of customers bring 80 % of revenue".
func (c *Concentration) Top(p float64) (n int, share float64) {
	if !(p > 0) { // NaN, too
		return 0, 0
	}
	n = int(math.Ceil(min(p, 1)*float64(len(c.amounts)) - 1e-9))
	return n, float64(c.Total()-c.upTo[len(c.amounts)-n]) / float64(c.Total())
}

// For returns how many of the largest are needed for a share of the sum, 0 to 1.
func (c *Concentration) For(share float64) int {
	want := min(max(share, 0), 1) * float64(c.Total())
	for n := range len(c.amounts) {
		if float64(c.Total()-c.upTo[len(c.amounts)-n]) >= want {
			return n
		}
	}
	return len(c.amounts)
}

// Gini returns the index of Gini 1912, Σ(2i−n−1)·yᵢ/(n·Σy) over amounts in ascending order: 0 where all bring the
// same, near 1 where one brings all, and above 1 only where amounts are below 0.
func (c *Concentration) Gini() float64 {
	n := float64(len(c.amounts))
	var sum float64
	for i, v := range c.amounts {
		sum += (2*float64(i+1) - n - 1) * float64(v)
	}
	return sum / (n * float64(c.Total()))
}

// Lorenz returns the points of Lorenz's curve at so many equal steps: at i the share of the sum that the
// smallest i of steps of all bring. The first is 0, the last 1. Steps below 1 are 1.
func (c *Concentration) Lorenz(steps int) []float64 {
	steps = max(steps, 1)
	out := make([]float64, steps+1)
	for i := range out {
		out[i] = float64(c.upTo[len(c.amounts)*i/steps]) / float64(c.Total())
	}
	return out
}
