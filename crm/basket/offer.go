package basket

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
)

// Candidate is an item to offer.
type Candidate struct {
	Item  uint32  `json:"item"`
	Score float64 `json:"score"` // the larger the better; comparable within one answer
	// Because is the item owned that speaks most for it.
	Because uint32 `json:"because"`
}

// Neighbours is which items are bought by those who buy an item.
type Neighbours struct {
	near [][]Candidate // by item, the nearest first
}

// Neighbours returns, for each item, the nearest so many others, 1 or more: by the cosine of their baskets, NAB/√(NA·NB),
// shrunk where they were together a few times (NAB/(NAB+Least)). Pairs below Options.Least, and
// those of a Lift below Options.Lift, are no neighbours; a FalseShare, which neighbours have none of, is refused. The error is an ErrData about the options.
func (b *Baskets) Neighbours(o Options, most int) (*Neighbours, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.FalseShare != 0 {
		return nil, fmt.Errorf("%w: Options.FalseShare is %v: neighbours have none", ErrData, o.FalseShare)
	}
	least := o.least()
	items := len(b.of) - 1
	out := &Neighbours{near: make([][]Candidate, items)}
	counts, touched := make([]int32, items), []uint32(nil)
	for a := range uint32(items) {
		if b.Count(a) < least {
			continue
		}
		var near []Candidate
		touched = b.together(a, counts, touched, func(uint32) bool { return true }, func(other uint32, n int) {
			r := Rule{N: b.n, NA: b.Count(a), NB: b.Count(other), NAB: n}
			if n >= least && r.Lift() >= o.Lift {
				cosine := float64(n) / math.Sqrt(float64(r.NA)*float64(r.NB))
				near = append(near, Candidate{Item: other, Score: cosine * float64(n) / float64(n+least), Because: a})
			}
		})
		sortCandidates(near)
		out.near[a] = slices.Clone(near[:min(max(1, most), len(near))])
	}
	return out, nil
}

func sortCandidates(c []Candidate) {
	slices.SortFunc(c, func(x, y Candidate) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Item, y.Item))
	})
}

// Of returns the neighbours of an item, the nearest first.
func (n *Neighbours) Of(item uint32) []Candidate {
	if int(item) >= len(n.near) {
		return nil
	}
	return slices.Clone(n.near[item])
}

// Offer returns at most so many items for a customer who owns items, the best first: the sum over what is
// owned of how near it is. What is owned is never among them, nor what allowed does not let
// through, if it is given: another category for cross-selling, a higher price for up-selling.
func (n *Neighbours) Offer(owned []uint32, most int, allowed ...func(uint32) bool) []Candidate {
	own := map[uint32]bool{}
	for _, item := range owned {
		own[item] = true
	}
	best := map[uint32]Candidate{}
	sums := map[uint32]float64{}
	for _, item := range slices.Sorted(slices.Values(owned)) { // in one order, so that sums are the same
		if int(item) >= len(n.near) || !own[item] {
			continue
		}
		own[item] = false // once
		for _, c := range n.near[item] {
			if _, owns := own[c.Item]; owns || slices.ContainsFunc(allowed, func(f func(uint32) bool) bool { return !f(c.Item) }) {
				continue
			}
			sums[c.Item] += c.Score
			if was, ok := best[c.Item]; !ok || c.Score > was.Score {
				best[c.Item] = c
			}
		}
	}
	out := make([]Candidate, 0, len(best))
	for item, c := range best {
		c.Score = sums[item]
		out = append(out, c)
	}
	sortCandidates(out)
	return out[:min(max(0, most), len(out))]
}

// Hits is how often one of the offers was right.
type Hits struct {
	Asked   int `json:"asked"`   // customers with something owned and something bought later
	Hit     int `json:"hit"`     // of them, who bought one of the offers
	Popular int `json:"popular"` // who bought one of as many items that sell best, in place of these
}

// HitRate offers so many items to customers by what they owned, and counts who bought one of them
// later. What they owned and bought again counts nothing.
func (n *Neighbours) HitRate(b *Baskets, customers iter.Seq2[[]uint32, []uint32], most int) (h Hits) {
	popular := make([]uint32, len(b.of)-1)
	for i := range popular {
		popular[i] = uint32(i)
	}
	slices.SortFunc(popular, func(x, y uint32) int { return cmp.Or(cmp.Compare(b.Count(y), b.Count(x)), cmp.Compare(x, y)) })
	for owned, later := range customers {
		own, then := map[uint32]bool{}, map[uint32]bool{}
		for _, item := range owned {
			own[item] = true
		}
		for _, item := range later {
			if !own[item] {
				then[item] = true
			}
		}
		if len(own) == 0 || len(then) == 0 {
			continue
		}
		h.Asked++
		if slices.ContainsFunc(n.Offer(owned, most), func(c Candidate) bool { return then[c.Item] }) {
			h.Hit++
		}
		left := most
		for _, item := range popular {
			if left == 0 {
				break
			}
			if own[item] {
				continue
			}
			if left--; then[item] {
				h.Popular++
				break
			}
		}
	}
	return h
}
