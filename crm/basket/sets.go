package basket

import (
	"cmp"
	"fmt"
	"slices"
)

// Set is items that are bought together, in ascending order, and in how many baskets all are.
type Set struct {
	Items []uint32 `json:"items"`
	N     int      `json:"n"`
}

// maxSets bounds what Sets returns.
const maxSets = 5_000_000

// Sets returns all sets of 1 to most items, 1 to 10, that are in at least so many baskets together, by number of items
// and then by these: Eclat, Zaki, IEEE TKDE 12 (2000). The error is an ErrData, also where
// there are more than five million: ask for more baskets then.
func (b *Baskets) Sets(least, most int) ([]Set, error) {
	if least < 1 || most < 1 || most > 10 {
		return nil, fmt.Errorf("%w: sets of 1 to %d items in %d baskets", ErrData, most, least)
	}
	type grown struct {
		item uint32
		in   []uint32
	}
	var out []Set
	var grow func(prefix []uint32, from []grown) error
	grow = func(prefix []uint32, from []grown) error {
		for i, g := range from {
			items := append(prefix[:len(prefix):len(prefix)], g.item)
			if len(out) == maxSets {
				return fmt.Errorf("%w: more than %d sets are in %d baskets", ErrData, maxSets, least)
			}
			out = append(out, Set{items, len(g.in)})
			if len(items) == most {
				continue
			}
			var next []grown
			for _, h := range from[i+1:] {
				if both := intersect(g.in, h.in, least); both != nil {
					next = append(next, grown{h.item, both})
				}
			}
			if err := grow(items, next); err != nil {
				return err
			}
		}
		return nil
	}
	var single []grown
	for item := range uint32(len(b.of) - 1) {
		if b.Count(item) >= least {
			single = append(single, grown{item, b.with(item)})
		}
	}
	if err := grow(nil, single); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(x, y Set) int {
		return cmp.Or(cmp.Compare(len(x.Items), len(y.Items)), slices.Compare(x.Items, y.Items))
	})
	return out, nil
}

// intersect returns what is in both, nil where that is less than least.
func intersect(a, b []uint32, least int) (out []uint32) {
	if min(len(a), len(b)) < least {
		return nil
	}
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			out = append(out, a[0])
			a, b = a[1:], b[1:]
		}
		if len(out)+min(len(a), len(b)) < least {
			return nil
		}
	}
	return out
}
