package cohort

import "math"

// z95 cuts off a fortieth of a normal distribution at either end.
const z95 = 1.959963984540054

// GiniInterval returns the interval of Gini at 95 %, were the customers a sample of many: from the influence of each on
// the index (Hampel 1974; for Gini's, Monti, Statistica 51 (1991)), cut at 0 and 1. With fewer than two customers it is
// from 0 to 1. Amounts with few very large ones make it too narrow.
func (c *Concentration) GiniInterval() (low, high float64) {
	n := float64(len(c.amounts))
	mean, gini := float64(c.Total())/n, c.Gini()
	var squares float64
	for i, v := range c.amounts {
		// The mean distance of v to all, from the sums below and above it.
		y := float64(v)
		distance := (y*float64(2*i+2) - y*n - 2*float64(c.upTo[i+1]) + float64(c.Total())) / n
		f := (distance - gini*(mean+y)) / mean
		squares += f * f
	}
	return around(gini, squares, n)
}

// TopInterval returns the interval at 95 % of the share that Top returns, were the customers a sample of many: from the
// influence of each on it (Cowell and Victoria-Feser, Journal of Economic Inequality 1 (2003)), cut at 0 and
// 1. With fewer than two customers, and of none or all of them, it is from 0 to 1.
func (c *Concentration) TopInterval(p float64) (low, high float64) {
	n := float64(len(c.amounts))
	k, share := c.Top(p)
	if k == 0 || k == len(c.amounts) {
		return 0, 1
	}
	mean, part := float64(c.Total())/n, float64(k)/n
	cut := float64(c.amounts[len(c.amounts)-k])
	var squares float64
	for i, v := range c.amounts {
		y := float64(v)
		f := part*cut - share*mean
		if i >= len(c.amounts)-k {
			f += y - cut
		}
		f = (f - share*(y-mean)) / mean
		squares += f * f
	}
	return around(share, squares, n)
}

// around returns the interval of a value whose influences have such a sum of squares.
func around(value, squares, n float64) (low, high float64) {
	if n < 2 {
		return 0, 1
	}
	half := z95 * math.Sqrt(squares/(n-1)/n)
	return max(0, value-half), min(1, value+half)
}
