// Package pvalue adjusts p values of several comparisons, for the engines that compare.
package pvalue

import (
	"cmp"
	"slices"
)

// Holm returns the p values adjusted so that the chance of even one false one at or below a
// bound is at most the bound, in the order of p. S. Holm, Scandinavian Journal of Statistics 6
// (1979). Values must be probabilities.
func Holm(p []float64) []float64 {
	out := make([]float64, len(p))
	most := 0.0
	for i, k := range byValue(p) {
		most = max(most, min(1, p[k]*float64(len(p)-i)))
		out[k] = most
	}
	return out
}

// Discoveries returns the p values adjusted so that of those at or below a bound the expected
// share of false ones is at most the bound, in the order of p. Benjamini and Hochberg, Journal of
// the Royal Statistical Society B 57 (1995). Values must be probabilities.
func Discoveries(p []float64) []float64 {
	order := byValue(p)
	out := make([]float64, len(p))
	least := 1.0
	for i := len(order) - 1; i >= 0; i-- {
		least = min(least, p[order[i]]*float64(len(p))/float64(i+1))
		out[order[i]] = least
	}
	return out
}

func byValue(p []float64) []int {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	return order
}
