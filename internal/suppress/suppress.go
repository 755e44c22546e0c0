// Package suppress says which cells of a row are hidden so that no figure of a few people is
// shown, or can be had by subtracting those that are shown from the row's total.
package suppress

import (
	"cmp"
	"slices"
)

// Small tells for each count of a row, whose sum is shown, whether it must be hidden: those below
// least, and, while only one with answers is hidden or those hidden have fewer than least
// together, the next smallest (complementary suppression). Of equal counts the first is hidden
// first. With a least of 1 or below nothing is. A larger least hides the same counts and more.
func Small(n []int64, least int64) []bool {
	out := make([]bool, len(n))
	if least <= 1 {
		return out
	}
	order := make([]int, len(n))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(n[a], n[b]) })
	var together int64
	count := 0 // hidden ones that have answers
	for _, i := range order {
		if n[i] >= least && (count == 0 || count > 1 && together >= least) {
			break
		}
		out[i] = true
		if n[i] > 0 {
			count++
			together += n[i]
		}
	}
	return out
}
