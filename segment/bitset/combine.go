package bitset

import (
	"math/bits"
	"slices"
)

// combiner intersects and subtracts containers in scratch space of its own: a
// bitmap, and two arrays that take turns, because the left operand usually lives
// in one of them. The right operand must not live in it.
type combiner struct {
	bits *bitmap
	arrs [2][]uint16
}

// intersect returns a ∩ b. The result lives in s's scratch space or is a.
func (s *combiner) intersect(a, b container) container {
	if b.kind == kindArray && a.kind != kindArray {
		a, b = b, a
	}
	switch {
	case a.kind == kindArray:
		return s.filter(a, b, true)
	case a.kind == kindRun && b.kind == kindRun:
		return s.runsAnd(a, b)
	case a.kind == kindRun:
		return s.maskRuns(b, a)
	case b.kind == kindRun:
		return s.maskRuns(a, b)
	}
	dst, x, y := s.buffer(), a.bits, b.bits
	for i := 0; i < bitmapLen; i += 4 {
		dst[i] = x[i] & y[i]
		dst[i+1] = x[i+1] & y[i+1]
		dst[i+2] = x[i+2] & y[i+2]
		dst[i+3] = x[i+3] & y[i+3]
	}
	return container{kind: kindBitmap, bits: dst, n: unknownLen}
}

// subtract returns a \ b. The result lives in s's scratch space or is a.
func (s *combiner) subtract(a, b container) container {
	switch {
	case a.kind == kindArray:
		return s.filter(a, b, false)
	case a.kind == kindRun && b.kind == kindRun:
		return s.runsAndNot(a, b)
	}
	dst := s.buffer()
	if a.kind == kindBitmap && b.kind == kindBitmap {
		x, y := a.bits, b.bits
		for i := 0; i < bitmapLen; i += 4 {
			dst[i] = x[i] &^ y[i]
			dst[i+1] = x[i+1] &^ y[i+1]
			dst[i+2] = x[i+2] &^ y[i+2]
			dst[i+3] = x[i+3] &^ y[i+3]
		}
		return container{kind: kindBitmap, bits: dst, n: unknownLen}
	}
	if a.kind == kindRun {
		*dst = bitmap{}
		a.orInto(dst)
	} else if a.bits != dst {
		*dst = *a.bits
	}
	switch b.kind {
	case kindBitmap:
		for i := range dst {
			dst[i] &^= b.bits[i]
		}
	case kindRun:
		for i := 0; i+1 < len(b.arr); i += 2 {
			dst.clearRange(b.arr[i], b.arr[i+1])
		}
	default:
		for _, v := range b.arr {
			dst[v>>6] &^= 1 << (v & 63)
		}
	}
	return container{kind: kindBitmap, bits: dst, n: unknownLen}
}

// buffer is the bitmap that results are built in; it is made when one is first needed.
func (s *combiner) buffer() *bitmap {
	if s.bits == nil {
		s.bits = new(bitmap)
	}
	return s.bits
}

// spare returns the scratch array that does not hold a or b, and its index.
func (s *combiner) spare(a, b container) (buf []uint16, at int) {
	for at = range s.arrs {
		if !sameArray(s.arrs[at], a.arr) && !sameArray(s.arrs[at], b.arr) {
			return s.arrs[at][:0], at
		}
	}
	return nil, 0 // both in use cannot happen: b never lives in s's scratch
}

// sameArray reports whether two slices share their memory, which a result must not write
// into.
func sameArray(x, y []uint16) bool {
	return cap(x) > 0 && cap(y) > 0 && &x[:1][0] == &y[:1][0]
}

// filter keeps the values of the array a that are (want) or are not in b.
func (s *combiner) filter(a, b container, want bool) container {
	out, at := s.spare(a, b)
	out = slices.Grow(out, len(a.arr))[:len(a.arr)]
	j := 0
	switch b.kind {
	case kindBitmap:
		flip := uint64(0)
		if !want {
			flip = 1
		}
		for _, v := range a.arr {
			out[j] = v
			j += int(b.bits[v>>6]>>(v&63)&1 ^ flip)
		}
	case kindRun:
		i := 0
		for _, v := range a.arr {
			for i < len(b.arr) && b.arr[i+1] < v {
				i += 2
			}
			if (i < len(b.arr) && b.arr[i] <= v) == want {
				out[j] = v
				j++
			}
		}
	default:
		j = filterArrays(out, a.arr, b.arr, want)
	}
	s.arrs[at] = out[:j]
	return container{kind: kindArray, arr: out[:j], n: int32(j)}
}

// filterArrays writes the values of a that are (want) or are not in b to out.
func filterArrays(out, a, b []uint16, want bool) (j int) {
	if len(b) > 32*len(a) { // a few probes beat a walk
		for _, v := range a {
			i := searchArray(b, v)
			b = b[i:]
			if (len(b) > 0 && b[0] == v) == want {
				out[j] = v
				j++
			}
		}
		return j
	}
	if want && len(a) > 32*len(b) {
		for _, v := range b {
			i := searchArray(a, v)
			a = a[i:]
			if len(a) > 0 && a[0] == v {
				out[j] = v
				j++
			}
		}
		return j
	}
	i := 0
	for _, v := range a {
		for i+4 <= len(b) && b[i+3] < v {
			i += 4
		}
		for i < len(b) && b[i] < v {
			i++
		}
		if (i < len(b) && b[i] == v) == want {
			out[j] = v
			j++
		}
	}
	return j
}

// maskRuns keeps the members of the bitmap a that lie in the runs of r.
func (s *combiner) maskRuns(a, r container) container {
	dst := s.buffer()
	if a.bits != dst {
		*dst = *a.bits
	}
	dst.mask(r.arr)
	return container{kind: kindBitmap, bits: dst, n: unknownLen}
}

// runsAnd intersects two containers of runs in one pass.
func (s *combiner) runsAnd(a, b container) container {
	out, at := s.spare(a, b)
	size := int32(0)
	x, y := a.arr, b.arr
	for len(x) > 1 && len(y) > 1 {
		first, last := max(x[0], y[0]), min(x[1], y[1])
		if first <= last {
			out = append(out, first, last)
			size += int32(last) - int32(first) + 1
		}
		if x[1] < y[1] {
			x = x[2:]
		} else {
			y = y[2:]
		}
	}
	s.arrs[at] = out
	return container{kind: kindRun, arr: out, n: size}
}

// runsAndNot takes runs out of runs in one pass.
func (s *combiner) runsAndNot(a, b container) container {
	out, at := s.spare(a, b)
	size, y := int32(0), b.arr
	for x := a.arr; len(x) > 1; x = x[2:] {
		first, last := int32(x[0]), int32(x[1])
		for len(y) > 1 && int32(y[1]) < first {
			y = y[2:]
		}
		for ; len(y) > 1 && int32(y[0]) <= last; y = y[2:] {
			if hole := int32(y[0]); hole > first {
				out = append(out, uint16(first), uint16(hole-1))
				size += hole - first
			}
			if first = int32(y[1]) + 1; first > last {
				break // the run may reach into the next one
			}
		}
		if first <= last {
			out = append(out, uint16(first), uint16(last))
			size += last - first + 1
		}
	}
	s.arrs[at] = out
	return container{kind: kindRun, arr: out, n: size}
}

// countIn returns |pop ∩ c|.
func (s *combiner) countIn(pop, c container) int {
	if c.n == 0 || pop.n == chunkSize {
		return int(c.n)
	}
	got := s.intersect(pop, c)
	if got.n == unknownLen {
		got.n = got.bits.count()
	}
	return int(got.n)
}

// countAnd returns |a ∩ b| without storing it.
func countAnd(a, b *bitmap) int {
	n := 0
	for i, w := range a {
		n += bits.OnesCount64(w & b[i])
	}
	return n
}

// countAndAndNot returns |a ∩ b \ c| without storing it.
func countAndAndNot(a, b, c *bitmap) int {
	n := 0
	for i, w := range a {
		n += bits.OnesCount64(w & b[i] &^ c[i])
	}
	return n
}
