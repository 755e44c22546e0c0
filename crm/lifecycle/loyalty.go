package lifecycle

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Index is how far a customer resists competition, from 0 to 100.
type Index struct {
	Version string  `json:"version"`
	Value   float64 `json:"value"`
	// Parts are what it is made of, each from 0 to 1, with its weight among those that are known.
	Parts []IndexPart `json:"parts"`
}

// IndexPart is one of them.
type IndexPart struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Weight float64 `json:"weight"`
}

// Signs are what an Index is made of. A sign that is nil is not known, and the others count for more.
type Signs struct {
	// Repeat is the share of his periods in which he bought again, Regular one minus Regularity.P, Unprompted
	// the share of purchases without a promotion, Breadth the share of the categories on offer that he
	// bought, Wallet what he spends here of all that he spends; from 0 to 1 each.
	Repeat, Regular, Unprompted, Breadth, Wallet *float64
}

// Weights are how much each sign counts; 0 or more each, not all 0.
type Weights struct {
	Version                                      string
	Repeat, Regular, Unprompted, Breadth, Wallet float64
}

// Loyalty returns the index: the weighted mean of the signs that are known, times 100. It grows with each sign.
// Without any sign that counts, or with one out of range, the error is an ErrData.
func Loyalty(s Signs, w Weights) (Index, error) {
	if w.Version == "" {
		return Index{}, fmt.Errorf("%w: weights without a version", ErrData)
	}
	out := Index{Version: w.Version}
	var sum, whole float64
	for _, x := range []struct {
		name   string
		value  *float64
		weight float64
	}{{"repeat", s.Repeat, w.Repeat}, {"regular", s.Regular, w.Regular}, {"unprompted", s.Unprompted, w.Unprompted}, {"breadth", s.Breadth, w.Breadth}, {"wallet", s.Wallet, w.Wallet}} {
		if !(x.weight >= 0) || math.IsInf(x.weight, 0) {
			return Index{}, fmt.Errorf("%w: the weight of %s is %v", ErrData, x.name, x.weight)
		}
		if x.value == nil || x.weight == 0 {
			continue
		}
		if !(*x.value >= 0 && *x.value <= 1) {
			return Index{}, fmt.Errorf("%w: %s is %v, not from 0 to 1", ErrData, x.name, *x.value)
		}
		out.Parts = append(out.Parts, IndexPart{x.name, *x.value, x.weight})
		sum += *x.value * x.weight
		whole += x.weight
	}
	if whole == 0 {
		return Index{}, fmt.Errorf("%w: no sign is known that counts", ErrData)
	}
	for i := range out.Parts {
		out.Parts[i].Weight /= whole
	}
	slices.SortStableFunc(out.Parts, func(a, b IndexPart) int { return cmp.Compare(b.Weight, a.Weight) })
	out.Value = 100 * sum / whole
	return out, nil
}
