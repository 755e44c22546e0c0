package warning

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Uptake is what an employee or a store sold of a new product, beside all else that it sold in the same time.
type Uptake struct {
	ID   string // of the caller's
	New  float64
	Else float64 // above 0
}

// Drag is how far one is behind the others with a new product.
type Drag struct {
	ID string `json:"id"`
	// Share is New over Else, Others the median of that among all others, and N how many these are.
	Share  float64 `json:"share"`
	Others float64 `json:"others"`
	N      int     `json:"n"`
	// Missing is what he would have sold more of it with the share of the others: below 0 where he sold more than that. The
	// bounds are those of where one more of the others would be in 95 of 100 cases, by their own shares.
	Missing float64 `json:"missing"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	// Behind says that Low is above 0: fewer than one in forty of the others do so badly.
	Behind bool `json:"behind"`
}

// minOthers is with how many others at least a range of 95 % may be told from ranks: 39 values cut the line into 40 pieces.
const minOthers = 39

// NewProductDrag returns how far each is behind with a new product, who misses most first, then by ID. It compares shares of what
// each sells, so that a small store is not behind a large one. There must be forty; the error is an ErrData that
// names the row.
func NewProductDrag(all []Uptake) ([]Drag, error) {
	if len(all) <= minOthers {
		return nil, fmt.Errorf("%w: %d are compared, not %d or more", ErrData, len(all), minOthers+1)
	}
	shares := make([]float64, len(all))
	for i, u := range all {
		switch {
		case !(u.New >= 0) || math.IsInf(u.New, 0):
			return nil, fmt.Errorf("%w: row %d: New is %v, not 0 or more", ErrData, i, u.New)
		case !(u.Else > 0) || math.IsInf(u.Else, 0) || math.IsInf(u.New/u.Else, 0):
			return nil, fmt.Errorf("%w: row %d: Else is %v, not above 0", ErrData, i, u.Else)
		}
		shares[i] = u.New / u.Else
	}
	sorted := slices.Clone(shares)
	slices.Sort(sorted)
	out := make([]Drag, len(all))
	others := make([]float64, 0, len(all))
	for i, u := range all {
		own, _ := slices.BinarySearch(sorted, shares[i])
		others = append(append(others[:0], sorted[:own]...), sorted[own+1:]...)
		n := len(others)
		k := int(0.025 * float64(n+1)) // another one is below the k-th in k of n+1 cases
		d := Drag{ID: u.ID, Share: shares[i], Others: (others[(n-1)/2] + others[n/2]) / 2, N: n}
		miss := func(share float64) float64 { return (share - d.Share) * u.Else }
		d.Missing, d.Low, d.High = miss(d.Others), miss(others[k-1]), miss(others[n-k])
		d.Behind = d.Low > 0
		out[i] = d
	}
	slices.SortStableFunc(out, func(a, b Drag) int {
		return cmp.Or(cmp.Compare(b.Missing, a.Missing), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Share, b.Share))
	})
	return out, nil
}
