package rfm

import (
	"math/bits"
	"slices"
)

// ascending returns the places of values in ascending order, equal values in the
// order in which they stand: a radix sort, with passes only for digits in use.
func ascending(values []int64) []int32 {
	low, high := slices.Min(values), slices.Max(values)
	order, next := make([]int32, len(values)), make([]int32, len(values))
	for i := range order {
		order[i] = int32(i)
	}
	const digit = 11
	for shift := 0; uint64(high-low)>>shift != 0; shift += digit {
		var start [1<<digit + 1]int32
		for _, v := range values {
			start[uint64(v-low)>>shift&(1<<digit-1)+1]++
		}
		for i := 1; i < len(start); i++ {
			start[i] += start[i-1]
		}
		for _, i := range order {
			d := uint64(values[i]-low) >> shift & (1<<digit - 1)
			next[start[d]] = i
			start[d]++
		}
		order, next = next, order
	}
	return order
}

// orderStatistics returns, for ascending ranks from 0, the values that would
// stand there if values were sorted. One pass counts values by their leading
// bits, a second one gathers the buckets that hold a rank; only those are sorted.
func orderStatistics(values []int64, ranks []int) []int64 {
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	const lead = 14 // so many leading bits tell buckets apart: their counts stay in the cache
	shift := max(0, bits.Len64(uint64(high-low))-lead)
	count := make([]int32, 1<<lead)
	for _, v := range values {
		count[uint64(v-low)>>shift&(1<<lead-1)]++
	}
	wanted := make([]bool, len(count))
	skipped := make([]int, len(ranks)) // values below the rank that are not gathered
	below, gathered, at := 0, 0, 0
	for b := 0; b < len(count) && at < len(ranks); b++ {
		for at < len(ranks) && ranks[at] < below+int(count[b]) {
			wanted[b] = true
			skipped[at] = below - gathered
			at++
		}
		below += int(count[b])
		if wanted[b] {
			gathered += int(count[b])
		}
	}
	out := make([]int64, len(ranks))
	if shift == 0 { // a bucket is a value
		at, below = 0, 0
		for b := 0; at < len(ranks); b++ {
			for below += int(count[b]); at < len(ranks) && ranks[at] < below; at++ {
				out[at] = low + int64(b)
			}
		}
		return out
	}
	some := make([]int64, 0, gathered)
	for _, v := range values {
		if wanted[uint64(v-low)>>shift&(1<<lead-1)] {
			some = append(some, v)
		}
	}
	slices.Sort(some)
	for i, r := range ranks {
		out[i] = some[r-skipped[i]]
	}
	return out
}
