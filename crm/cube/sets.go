package cube

import (
	"math/bits"
	"slices"
)

// ones counts the bits from one to another, which is left out.
func ones(words []uint64, from, to uint64) (n int64) {
	for from < to {
		w, off := from/64, from%64
		width := min(64-off, to-from)
		v := words[w] >> off
		if width < 64 {
			v &= 1<<width - 1
		}
		n += int64(bits.OnesCount64(v))
		from += width
	}
	return n
}

// RollUp returns the sets of dimensions of a table with subtotals, as SQL's ROLLUP: all, without
// the last, and so on to none. Each is a Query.By.
func RollUp(by ...string) [][]string {
	var out [][]string
	for n := len(by); n >= 0; n-- {
		out = append(out, slices.Clone(by[:n]))
	}
	return out
}

// Sets returns all sets of some of the dimensions, as SQL's CUBE, the whole first and none last;
// of more than 12 it returns nil.
func Sets(by ...string) [][]string {
	if len(by) > 12 {
		return nil
	}
	var out [][]string
	for mask := 1<<len(by) - 1; mask >= 0; mask-- {
		set := []string{}
		for i, name := range by {
			if mask>>(len(by)-1-i)&1 == 1 {
				set = append(set, name)
			}
		}
		out = append(out, set)
	}
	return out
}
