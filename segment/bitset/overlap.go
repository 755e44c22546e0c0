package bitset

import (
	"math/bits"
	"slices"
)

// Overlaps returns the sizes of all pairwise intersections: row i, column j holds
// |sets[i] ∩ sets[j]|, the diagonal the sizes of the sets. The same set may be
// given more than once.
//
// All pairs are counted chunk by chunk: each set's chunk is laid out as a bitmap
// once, which then stays in the first-level cache while every smaller one is held
// against it. No intersection is stored.
func Overlaps(sets ...*Set) [][]int {
	k := len(sets)
	flat := make([]int, k*k)
	rows := make([][]int, k)
	for i := range rows {
		rows[i] = flat[i*k : (i+1)*k : (i+1)*k]
	}
	type present struct {
		c  *container
		at int
	}
	here := make([]present, 0, k)
	var keys []uint16
	for _, s := range sets {
		keys = unionKeys(keys, s.keys)
	}
	var space bitmap
	for _, key := range keys {
		here = here[:0]
		for at, s := range sets {
			if i, ok := s.find(key); ok {
				here = append(here, present{&s.cs[i], at})
				rows[at][at] += int(s.cs[i].n)
			}
		}
		// Large ones first: laid out once each, and probed by what is smaller.
		slices.SortStableFunc(here, func(a, b present) int { return int(b.c.n - a.c.n) })
		for i, p := range here {
			rest := here[i+1:]
			if len(rest) == 0 {
				break
			}
			if p.c.n == chunkSize {
				for _, q := range rest {
					rows[p.at][q.at] += int(q.c.n)
				}
				continue
			}
			b := p.c.bits
			if p.c.kind != kindBitmap {
				space = bitmap{}
				p.c.orInto(&space)
				b = &space
			}
			row := rows[p.at]
			for _, q := range rest {
				row[q.at] += q.c.countIn(b)
			}
		}
	}
	for i := range k { // a pair was counted in the row of the larger chunk
		for j := range i {
			n := rows[i][j] + rows[j][i]
			rows[i][j], rows[j][i] = n, n
		}
	}
	return rows
}

// countIn returns how many members of c are in b.
func (c *container) countIn(b *bitmap) int {
	n := 0
	switch c.kind {
	case kindBitmap:
		return countAnd(b, c.bits)
	case kindRun:
		for i := 0; i+1 < len(c.arr); i += 2 {
			n += b.countRange(c.arr[i], c.arr[i+1])
		}
	default:
		arr := c.arr
		for ; len(arr) >= 4; arr = arr[4:] {
			v, w, x, y := arr[0], arr[1], arr[2], arr[3]
			n += int(b[v>>6]>>(v&63)&1 + b[w>>6]>>(w&63)&1 + b[x>>6]>>(x&63)&1 + b[y>>6]>>(y&63)&1)
		}
		for _, v := range arr {
			n += int(b[v>>6] >> (v & 63) & 1)
		}
	}
	return n
}

// countRange counts the members from first to last, both included.
func (b *bitmap) countRange(first, last uint16) int {
	lo, hi := int(first>>6), int(last>>6)
	from, to := ^uint64(0)<<(first&63), ^uint64(0)>>(63-last&63)
	if lo == hi {
		return bits.OnesCount64(b[lo] & from & to)
	}
	n := bits.OnesCount64(b[lo]&from) + bits.OnesCount64(b[hi]&to)
	for _, w := range b[lo+1 : hi] {
		n += bits.OnesCount64(w)
	}
	return n
}
