package cube

import (
	"fmt"
	"math"
	"math/big"
	"slices"
)

// Sold is what was sold of one thing in a period: in which groups it is, from the outermost on,
// such as employee, kind of customer and product, how often, and for how much.
type Sold struct {
	Key    []string
	Pieces int64 // 0 or more; what came back is taken off before
	Amount int64 // minor units
}

// Part is what one cause brought to a change.
type Part struct {
	Name   string `json:"name"`
	Amount int64  `json:"amount"` // minor units; below 0 where it took away
}

// Decompose says what the change of the sum of amounts between two periods is made of: how much was sold
// ("volume"), what it was made up of in each of the groups, whose names are levels ("mix of
// employee": more was sold by those with dearer sales), and what a piece cost ("price"). The
// parts add up to the change exactly, to the kuruş.
//
// Each is the Shapley value (Shapley 1953) of the cause: what it changes on average over all orders in which the causes
// could have come. The mix of a group is of what is in it; where something was sold in one
// period only its price and mix in the other are taken as the same, so that it counts as mix.
// Keys must have as many texts as levels, at most 6 of these, and come once in a period;
// otherwise, where amounts have nothing sold, and where sums are beyond 2^53, from where on not each whole number
// is one of the machine's, the error is an ErrData.
func Decompose(levels []string, before, after []Sold) ([]Part, error) {
	if len(levels) > 6 {
		return nil, fmt.Errorf("%w: %d levels", ErrData, len(levels))
	}
	root := &node{}
	var pieces, amounts [2]float64 // without their signs
	for period, all := range [][]Sold{before, after} {
		for i, s := range all {
			at := fmt.Sprintf("%s %d", []string{"before", "after"}[period], i)
			if len(s.Key) != len(levels) {
				return nil, fmt.Errorf("%w: %s: a key of %d for %d levels", ErrData, at, len(s.Key), len(levels))
			}
			if s.Pieces < 0 || s.Pieces == 0 && s.Amount != 0 {
				return nil, fmt.Errorf("%w: %s: %d pieces for %d", ErrData, at, s.Pieces, s.Amount)
			}
			pieces[period] += float64(s.Pieces)
			if amounts[period] += math.Abs(float64(s.Amount)); pieces[period] > mostSold || amounts[period] > mostSold {
				return nil, fmt.Errorf("%w: %s: with %d pieces for %d the sum is beyond 2^53", ErrData, at, s.Pieces, s.Amount)
			}
			n := root
			for _, k := range s.Key {
				n = n.child(k)
			}
			if n.there[period] {
				return nil, fmt.Errorf("%w: %s: the key %q is there twice", ErrData, at, s.Key)
			}
			n.there[period], n.pieces[period], n.amount[period] = true, s.Pieces, s.Amount
		}
	}
	root.sum()
	names := []string{"volume"}
	for _, l := range levels {
		names = append(names, "mix of "+l)
	}
	names = append(names, "price")
	whole := uint(1)<<len(names) - 1
	beyond := false // so many pieces at the other period's price
	values := Shapley(len(names), func(after uint) int64 {
		switch after { // as they were, to the kuruş
		case 0:
			return root.amount[0]
		case whole:
			return root.amount[1]
		}
		v := math.Round(float64(root.pieces[after&1]) * root.each(after, 1))
		if math.Abs(v) > mostSold {
			beyond = true
			return 0
		}
		return int64(v)
	})
	if beyond {
		return nil, fmt.Errorf("%w: what was sold in one period is beyond 2^53 at prices of the other", ErrData)
	}
	out := make([]Part, len(names))
	for i, name := range names {
		out[i] = Part{name, values[i]}
	}
	return out, nil
}

// mostSold bounds what is decomposed.
const mostSold = 1 << 53

// node is a group and what is in it, in both periods.
type node struct {
	key      string
	children []*node // sorted by key
	pieces   [2]int64
	amount   [2]int64
	there    [2]bool
}

func (n *node) child(key string) *node {
	i, ok := slices.BinarySearchFunc(n.children, key, func(c *node, key string) int { return compareText(c.key, key) })
	if !ok {
		n.children = slices.Insert(n.children, i, &node{key: key})
	}
	return n.children[i]
}

// sum fills in what groups have together.
func (n *node) sum() {
	for _, c := range n.children {
		c.sum()
		for p := range 2 {
			n.pieces[p] += c.pieces[p]
			n.amount[p] += c.amount[p]
		}
	}
}

// period returns in which period to look for what is known in one of them only.
func (n *node) period(want uint) uint {
	if n.pieces[want] == 0 {
		return 1 - want
	}
	return want
}

// each returns what a piece in the group brings where the causes whose bits are set are as
// after: bit 0 is volume, and that of the shares within this group is level.
func (n *node) each(after uint, level int) float64 {
	if len(n.children) == 0 {
		p := n.period(after >> level & 1)
		if n.pieces[p] == 0 {
			return 0
		}
		return float64(n.amount[p]) / float64(n.pieces[p])
	}
	p := n.period(after >> level & 1)
	if n.pieces[p] == 0 {
		return 0
	}
	var sum float64
	for _, c := range n.children {
		if c.pieces[p] > 0 {
			sum += float64(c.pieces[p]) / float64(n.pieces[p]) * c.each(after, level+1)
		}
	}
	return sum
}

// Shapley divides the difference between two states among n causes, at most 16: value is the value where the
// causes whose bits are set have come, within 2^62 of 0. The parts are whole and add up to the difference
// exactly: what rounding leaves goes to the causes that lost most by it, of equal ones to the first.
func Shapley(n int, value func(come uint) int64) []int64 {
	if n <= 0 || n > 16 {
		return nil
	}
	fact := make([]*big.Int, n+1)
	fact[0] = big.NewInt(1)
	for i := 1; i <= n; i++ {
		fact[i] = new(big.Int).Mul(fact[i-1], big.NewInt(int64(i)))
	}
	// Each value once; its weight for a cause depends on how many have come.
	parts := make([]*big.Int, n)
	for i := range parts {
		parts[i] = new(big.Int)
	}
	var first, last int64
	for come := range uint(1) << n {
		v := value(come)
		if come == 0 {
			first = v
		}
		last = v
		size := 0
		for i := range n {
			size += int(come >> i & 1)
		}
		for i := range n {
			term := big.NewInt(v)
			if come>>i&1 == 1 { // with it: (size−1)!(n−size)!
				term.Mul(term, fact[size-1]).Mul(term, fact[n-size])
				parts[i].Add(parts[i], term)
			} else { // without: size!(n−size−1)!
				term.Mul(term, fact[size]).Mul(term, fact[n-size-1])
				parts[i].Sub(parts[i], term)
			}
		}
	}
	out := make([]int64, n)
	rest := make([]*big.Int, n)
	left := last - first
	for i, p := range parts {
		q, r := new(big.Int).DivMod(p, fact[n], new(big.Int)) // rounded down
		out[i], rest[i] = q.Int64(), r
		left -= out[i]
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return rest[b].Cmp(rest[a]) })
	for i := range left { // below n
		out[order[i]]++
	}
	return out
}
