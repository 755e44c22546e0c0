package bitset

import (
	"math/bits"
	"slices"
)

// A container holds the members of one chunk of 65,536 consecutive ids in the
// cheapest of three forms. The forms are those of the Roaring format; the
// array threshold is lower, because intersecting two bitmaps beats merging two
// arrays from about two thousand values on.
type container struct {
	owner *owner   // the Set that may change the payload in place; see Set.Clone
	bits  *bitmap  // kindBitmap
	arr   []uint16 // kindArray: ascending values; kindRun: first, last, first, last, …
	n     int32    // members; unknownLen only inside the evaluator
	kind  kind
}

const (
	chunkSize  = 1 << 16
	bitmapLen  = chunkSize / 64
	maxArray   = 2048 // more values than this become a bitmap or runs
	maxRuns    = 256  // more runs than this become an array or a bitmap
	unknownLen = -1
)

// bitmap has a bit for each of the 65,536 ids of a chunk.
type bitmap [bitmapLen]uint64

// kind is how a container holds its ids: ascending in an array, as bits, or as first and
// last of runs (Lemire et al. 2016).
type kind uint8

const (
	kindArray kind = iota
	kindBitmap
	kindRun
)

// owner is a token; its address is its identity, so it must not be of size zero.
type owner struct{ _ byte }

func (b *bitmap) has(v uint16) bool { return b[v>>6]>>(v&63)&1 != 0 }

// count is the number of bits that are set.
func (b *bitmap) count() int32 {
	n := 0
	for i := 0; i < bitmapLen; i += 4 {
		n += bits.OnesCount64(b[i]) + bits.OnesCount64(b[i+1]) +
			bits.OnesCount64(b[i+2]) + bits.OnesCount64(b[i+3])
	}
	return int32(n)
}

// setRange sets first..last inclusive.
func (b *bitmap) setRange(first, last uint16) {
	lo, hi := int(first>>6), int(last>>6)
	from, to := ^uint64(0)<<(first&63), ^uint64(0)>>(63-last&63)
	if lo == hi {
		b[lo] |= from & to
		return
	}
	b[lo] |= from
	for i := lo + 1; i < hi; i++ {
		b[i] = ^uint64(0)
	}
	b[hi] |= to
}

// clearRange clears first..last inclusive.
func (b *bitmap) clearRange(first, last uint16) {
	lo, hi := int(first>>6), int(last>>6)
	from, to := ^uint64(0)<<(first&63), ^uint64(0)>>(63-last&63)
	if lo == hi {
		b[lo] &^= from & to
		return
	}
	b[lo] &^= from
	for i := lo + 1; i < hi; i++ {
		b[i] = 0
	}
	b[hi] &^= to
}

// flipRange inverts first..last inclusive.
func (b *bitmap) flipRange(first, last uint16) {
	lo, hi := int(first>>6), int(last>>6)
	from, to := ^uint64(0)<<(first&63), ^uint64(0)>>(63-last&63)
	if lo == hi {
		b[lo] ^= from & to
		return
	}
	b[lo] ^= from
	for i := lo + 1; i < hi; i++ {
		b[i] ^= ^uint64(0)
	}
	b[hi] ^= to
}

// runs counts the maximal runs of consecutive members.
func (c *container) runs() int {
	switch c.kind {
	case kindRun:
		return len(c.arr) / 2
	case kindArray:
		n := 0
		for i, v := range c.arr {
			if i == 0 || v != c.arr[i-1]+1 {
				n++
			}
		}
		return n
	default:
		n, carry := 0, uint64(0)
		for _, w := range c.bits {
			n += bits.OnesCount64(w &^ (w<<1 | carry))
			carry = w >> 63
		}
		return n
	}
}

// searchRun returns the index of the first run whose last value is >= v.
func searchRun(arr []uint16, v uint16) int {
	lo, hi := 0, len(arr)/2
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if arr[2*mid+1] < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// searchArray returns the index of the first value >= v. Ids are spread over a
// chunk more or less evenly, so it looks about where v belongs, which touches one
// or two cache lines; wherever the values lie it is no worse than twice a binary
// search. The last steps have no branch that could be mispredicted.
func searchArray(arr []uint16, v uint16) int {
	lo, n := 0, len(arr)
	if n > 64 {
		at, step, hi := int(uint64(v)*uint64(n)>>16), 24, n
		if arr[at] < v {
			lo = at + 1
			for hi = lo + step; hi < n && arr[hi] < v; hi = lo + step {
				lo, step = hi+1, 2*step
			}
			hi = min(hi, n)
		} else {
			hi = at
			for lo = hi - step; lo > 0 && arr[lo] >= v; lo = hi - step {
				hi, step = lo, 2*step
			}
			lo = max(lo, 0)
		}
		n = hi - lo
	}
	for n > 1 {
		half := n >> 1
		lo += half & -less(arr[lo+half-1], v)
		n -= half
	}
	if n == 1 {
		lo += less(arr[lo], v)
	}
	return lo
}

// less is 1 if a < b, else 0, computed without a branch.
func less(a, b uint16) int { return int((uint32(a) - uint32(b)) >> 31) }

func (c *container) has(v uint16) bool {
	switch c.kind {
	case kindBitmap:
		return c.bits.has(v)
	case kindRun:
		i := searchRun(c.arr, v)
		return 2*i < len(c.arr) && c.arr[2*i] <= v
	default:
		i := searchArray(c.arr, v)
		return i < len(c.arr) && c.arr[i] == v
	}
}

// rank returns the number of members that are not greater than v.
func (c *container) rank(v uint16) int {
	switch c.kind {
	case kindBitmap:
		return c.bits.countRange(0, v)
	case kindRun:
		n := 0
		for i := 0; i+1 < len(c.arr) && c.arr[i] <= v; i += 2 {
			n += int(min(v, c.arr[i+1])) - int(c.arr[i]) + 1
		}
		return n
	default:
		i := searchArray(c.arr, v)
		if i < len(c.arr) && c.arr[i] == v {
			i++
		}
		return i
	}
}

// own makes the payload private to o, copying it if another set may see it.
func (c *container) own(o *owner) {
	if c.owner == o {
		return
	}
	if c.kind == kindBitmap {
		b := *c.bits
		c.bits = &b
	} else {
		arr := make([]uint16, len(c.arr), len(c.arr)+8)
		copy(arr, c.arr)
		c.arr = arr
	}
	c.owner = o
}

// add inserts v into an owned container and reports whether it was absent.
func (c *container) add(v uint16) bool {
	switch c.kind {
	case kindBitmap:
		w, m := &c.bits[v>>6], uint64(1)<<(v&63)
		if *w&m != 0 {
			return false
		}
		*w |= m
		c.n++
	case kindRun:
		return c.addRun(v)
	default:
		i := len(c.arr)
		if i > 0 && c.arr[i-1] >= v {
			i = searchArray(c.arr, v)
			if c.arr[i] == v {
				return false
			}
		}
		if len(c.arr) >= maxArray {
			if 2*c.runs() <= maxRuns {
				c.toRun()
			} else {
				c.toBitmap()
			}
			return c.add(v)
		}
		c.arr = slices.Insert(c.arr, i, v)
		c.n++
	}
	return true
}

// addRun adds an id to a container of runs; it may lengthen a run or join two.
func (c *container) addRun(v uint16) bool {
	i := searchRun(c.arr, v)
	at := 2 * i
	if at < len(c.arr) && c.arr[at] <= v {
		return false
	}
	left := i > 0 && c.arr[at-1]+1 == v && v != 0
	right := at < len(c.arr) && v+1 == c.arr[at] && v != chunkSize-1
	switch {
	case left && right:
		c.arr = slices.Delete(c.arr, at-1, at+1)
	case left:
		c.arr[at-1] = v
	case right:
		c.arr[at] = v
	default:
		c.arr = slices.Insert(c.arr, at, v, v)
	}
	c.n++
	c.limitRuns()
	return true
}

// remove deletes v from an owned container and reports whether it was present.
func (c *container) remove(v uint16) bool {
	switch c.kind {
	case kindBitmap:
		w, m := &c.bits[v>>6], uint64(1)<<(v&63)
		if *w&m == 0 {
			return false
		}
		*w &^= m
		c.n--
		// Hysteresis: a set that hovers about the threshold must not convert each time.
		if c.n <= maxArray/2 {
			c.toArray()
		}
	case kindRun:
		i := searchRun(c.arr, v)
		at := 2 * i
		if at >= len(c.arr) || c.arr[at] > v {
			return false
		}
		first, last := c.arr[at], c.arr[at+1]
		switch {
		case first == last:
			c.arr = slices.Delete(c.arr, at, at+2)
		case v == first:
			c.arr[at]++
		case v == last:
			c.arr[at+1]--
		default:
			c.arr = slices.Insert(c.arr, at+1, v-1, v+1)
		}
		c.n--
		c.limitRuns()
	default:
		i := searchArray(c.arr, v)
		if i == len(c.arr) || c.arr[i] != v {
			return false
		}
		c.arr = slices.Delete(c.arr, i, i+1)
		c.n--
	}
	return true
}

// limitRuns changes the kind of a container that has so many runs that another holds it in
// less.
func (c *container) limitRuns() {
	if len(c.arr) <= 2*maxRuns {
		return
	}
	if c.n <= maxArray {
		c.toArray()
	} else {
		c.toBitmap()
	}
}

func (c *container) toBitmap() {
	b := new(bitmap)
	c.orInto(b)
	c.kind, c.bits, c.arr = kindBitmap, b, nil
}

func (c *container) toArray() {
	arr := make([]uint16, 0, c.n)
	c.each(func(v uint16) bool { arr = append(arr, v); return true })
	c.kind, c.bits, c.arr = kindArray, nil, arr
}

func (c *container) toRun() {
	arr := make([]uint16, 0, 2*c.runs())
	c.eachRun(func(first, last uint16) { arr = append(arr, first, last) })
	c.kind, c.bits, c.arr = kindRun, nil, arr
}

// shrink picks the smallest form and drops spare capacity.
func (c *container) shrink() {
	run := 2 + 4*c.runs()
	flat := min(2*int(c.n), 8*bitmapLen)
	switch {
	case run < flat:
		if c.kind != kindRun {
			c.toRun()
		}
	case c.n <= maxArray:
		if c.kind != kindArray {
			c.toArray()
		}
	default:
		if c.kind != kindBitmap {
			c.toBitmap()
		}
	}
	c.arr = slices.Clip(c.arr)
}

// each calls yield for every member in ascending order until it returns false.
func (c *container) each(yield func(uint16) bool) bool {
	switch c.kind {
	case kindBitmap:
		for i, w := range c.bits {
			for ; w != 0; w &= w - 1 {
				if !yield(uint16(i<<6 | bits.TrailingZeros64(w))) {
					return false
				}
			}
		}
	case kindRun:
		for i := 0; i+1 < len(c.arr); i += 2 {
			for v := int(c.arr[i]); v <= int(c.arr[i+1]); v++ {
				if !yield(uint16(v)) {
					return false
				}
			}
		}
	default:
		for _, v := range c.arr {
			if !yield(v) {
				return false
			}
		}
	}
	return true
}

// eachRun calls f for every maximal run in ascending order.
func (c *container) eachRun(f func(first, last uint16)) {
	if c.kind == kindRun {
		for i := 0; i+1 < len(c.arr); i += 2 {
			f(c.arr[i], c.arr[i+1])
		}
		return
	}
	open := false
	var first, last uint16
	c.each(func(v uint16) bool {
		if open && v == last+1 {
			last = v
			return true
		}
		if open {
			f(first, last)
		}
		open, first, last = true, v, v
		return true
	})
	if open {
		f(first, last)
	}
}

// orInto sets the members in b.
func (c *container) orInto(b *bitmap) {
	switch c.kind {
	case kindBitmap:
		for i := range b {
			b[i] |= c.bits[i]
		}
	case kindRun:
		for i := 0; i+1 < len(c.arr); i += 2 {
			b.setRange(c.arr[i], c.arr[i+1])
		}
	default:
		for _, v := range c.arr {
			b[v>>6] |= 1 << (v & 63)
		}
	}
}

// xorInto inverts the members in b.
func (c *container) xorInto(b *bitmap) {
	switch c.kind {
	case kindBitmap:
		for i := range b {
			b[i] ^= c.bits[i]
		}
	case kindRun:
		for i := 0; i+1 < len(c.arr); i += 2 {
			b.flipRange(c.arr[i], c.arr[i+1])
		}
	default:
		for _, v := range c.arr {
			b[v>>6] ^= 1 << (v & 63)
		}
	}
}

// equal compares members, whatever the forms.
func (c *container) equal(d *container) bool {
	if c.n != d.n {
		return false
	}
	if c.kind == d.kind {
		if c.kind == kindBitmap {
			return c.bits == d.bits || *c.bits == *d.bits
		}
		return slices.Equal(c.arr, d.arr)
	}
	same := true
	c.each(func(v uint16) bool {
		same = d.has(v)
		return same
	})
	return same
}
