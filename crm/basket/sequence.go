package basket

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Purchase is an item that a customer bought at a time, both numbered as in Line.
type Purchase struct {
	Customer uint32
	Item     uint32
	At       int64 // seconds since 1970
}

// Sequence is two items that customers buy one after the other.
type Sequence struct {
	First uint32 `json:"first"`
	Then  uint32 `json:"then"`
	// Customers is how many there are, Bought how many bought First, and Followed how many of these
	// bought Then afterwards, within the time. Reversed is how many bought First after Then, within
	// the time.
	Customers int `json:"customers"`
	Bought    int `json:"bought"`
	Followed  int `json:"followed"`
	Reversed  int `json:"reversed"`
	// P is the probability that of Followed and Reversed as many are Followed by chance, if neither
	// order were usual; Q is it adjusted for both orders of all two items of which Followed and Reversed
	// together are Options.Least, found or not.
	P float64 `json:"p"`
	Q float64 `json:"q"`
}

// Confidence returns the share of those who bought First who bought Then afterwards.
func (s Sequence) Confidence() float64 { return float64(s.Followed) / float64(s.Bought) }

// Followed returns which items customers buy after which, within a time that is above 0 and
// not at the same moment, each pair once per customer: the most usual order first, by Q, then by
// Confidence, First and Then. Of Options it heeds Least, as the least Followed, and FalseShare; a Lift, which
// sequences have none of, is refused. An error is an ErrData, also where more than 2^23 pairs are found.
func Followed(purchases []Purchase, within time.Duration, o Options) ([]Sequence, error) {
	return followed(purchases, within, o, mostPairs)
}

func followed(purchases []Purchase, within time.Duration, o Options, most int) ([]Sequence, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Lift != 0 {
		return nil, fmt.Errorf("%w: Options.Lift is %v: sequences have none", ErrData, o.Lift)
	}
	if within < time.Second {
		return nil, fmt.Errorf("%w: within is %v, not a second or more", ErrData, within)
	}
	for i, p := range purchases {
		if p.Customer >= maxNumber || p.Item >= maxNumber {
			return nil, fmt.Errorf("%w: purchase %d: customer %d and item %d are not both below %d", ErrData, i, p.Customer, p.Item, maxNumber)
		}
	}
	all := slices.Clone(purchases)
	slices.SortFunc(all, func(a, b Purchase) int {
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.At, b.At), cmp.Compare(a.Item, b.Item))
	})
	all = slices.Compact(all)
	type pair struct{ first, then uint32 }
	count, bought := map[pair]int{}, map[uint32]int{}
	customers, long := 0, int64(within/time.Second)
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Customer == all[0].Customer {
			n++
		}
		one := all[:n]
		all = all[n:]
		customers++
		seen, own := map[pair]bool{}, map[uint32]bool{}
		for i, p := range one {
			if !own[p.Item] {
				own[p.Item] = true
				bought[p.Item]++
			}
			for _, q := range one[i+1:] {
				if q.At > p.At+long {
					break
				}
				if k := (pair{p.Item, q.Item}); q.At > p.At && q.Item != p.Item && !seen[k] {
					seen[k] = true
					if count[k]++; len(count) > most {
						return nil, fmt.Errorf("%w: customers bought more than %d pairs of items one after the other; within must be shorter", ErrData, most)
					}
				}
			}
		}
	}
	least := o.least()
	var out []Sequence
	tests := 0
	for k, n := range count {
		reversed := count[pair{k.then, k.first}]
		if n+reversed >= least { // to count those alone of which n is would choose by what is tested
			if tests++; reversed == 0 { // the other order is not in count
				tests++
			}
		}
		if n >= least {
			out = append(out, Sequence{First: k.first, Then: k.then, Customers: customers, Bought: bought[k.first], Followed: n, Reversed: reversed})
		}
	}
	slices.SortFunc(out, func(a, b Sequence) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Then, b.Then))
	})
	ps := make([]float64, len(out))
	for i := range out {
		out[i].P = signTail(out[i].Followed, out[i].Followed+out[i].Reversed)
		ps[i] = out[i].P
	}
	kept := out[:0]
	for i, q := range discoveries(ps, tests) {
		if out[i].Q = q; o.FalseShare == 0 || q <= o.FalseShare {
			kept = append(kept, out[i])
		}
	}
	slices.SortStableFunc(kept, func(a, b Sequence) int {
		return cmp.Or(cmp.Compare(a.Q, b.Q), cmp.Compare(b.Confidence(), a.Confidence()))
	})
	return kept, nil
}

// signTail returns the probability of k or more heads among n fair coins.
func signTail(k, n int) float64 {
	if k <= 0 {
		return 1
	}
	if 2*k <= n { // the other tail is the smaller one
		return 1 - signTail(n-k+1, n)
	}
	ln := func(k int) float64 { v, _ := math.Lgamma(float64(k) + 1); return v }
	term := math.Exp(ln(n) - ln(k) - ln(n-k) - float64(n)*math.Ln2)
	sum := 0.0
	for j := k; j <= n; j++ {
		sum += term
		if term < 1e-17*sum {
			break
		}
		term *= float64(n-j) / float64(j+1)
	}
	return min(1, sum)
}
