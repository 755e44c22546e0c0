// Package planes holds sets of rows as bits, and columns of integers as one
// bit set for each digit.
package planes

import (
	"math/bits"
)

// Planes holds integers bit by bit: the lowest bit of all values in the first
// run of words, the next bit in the second, and so on, less the smallest
// value. A comparison with a constant is then one load and one operation per
// bit for 64 values at once, whatever the type was (bit-sliced index: P. O'Neil
// and D. Quass, "Improved query performance with variant indexes", 1997).
type Planes struct {
	Base  int64    // the smallest value
	Top   uint64   // the largest less the smallest
	words int      // per plane
	p     []uint64 // planes, lowest first
}

// Verdict says what is known of a bitmap without looking at it.
type Verdict uint8

const (
	Some Verdict = iota // look at the words
	None                // no bit is set
	All                 // every bit is set
)

// EncodePlanes returns the planes of values.
func EncodePlanes(values []int64) Planes {
	if len(values) == 0 {
		return Planes{}
	}
	lo, hi := values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	p := Planes{Base: lo, Top: uint64(hi) - uint64(lo), words: WordsOf(len(values))}
	p.p = make([]uint64, bits.Len64(p.Top)*p.words)
	for i, v := range values {
		w, bit := i>>6, uint64(1)<<(i&63)
		for u := uint64(v) - uint64(lo); u != 0; u &= u - 1 {
			p.p[bits.TrailingZeros64(u)*p.words+w] |= bit
		}
	}
	return p
}

// WordsOf returns how many words hold n bits.
func WordsOf(n int) int { return (n + 63) >> 6 }

func (p *Planes) plane(b int) []uint64 { return p.p[b*p.words : (b+1)*p.words : (b+1)*p.words] }

// Get returns the value of one row.
func (p *Planes) Get(i int) int64 {
	w, s, u := i>>6, i&63, uint64(0)
	for b, at := 0, w; at < len(p.p); b, at = b+1, at+p.words {
		u |= p.p[at] >> s & 1 << b
	}
	return int64(u + uint64(p.Base))
}

// Decode writes all values to dst, whose length is the number of rows.
func (p *Planes) Decode(dst []int64) {
	for i := range dst {
		dst[i] = p.Base
	}
	for b := 0; b*p.words < len(p.p); b++ {
		for w, word := range p.plane(b) {
			for ; word != 0; word &= word - 1 {
				dst[w<<6|bits.TrailingZeros64(word)] += 1 << b
			}
		}
	}
}

// Between sets the bits of out for which lo <= value <= hi. tmp is scratch of
// the same length. Bits behind the last row mean nothing.
func (p *Planes) Between(out, tmp []uint64, lo, hi int64) Verdict {
	most := int64(uint64(p.Base) + p.Top)
	if lo > hi || hi < p.Base || lo > most || p.words == 0 {
		return None
	}
	a, b := uint64(0), p.Top
	if lo > p.Base {
		a = uint64(lo) - uint64(p.Base)
	}
	if hi < most {
		b = uint64(hi) - uint64(p.Base)
	}
	switch {
	case a == 0 && b == p.Top:
		return All
	case a == b:
		p.equal(out, a)
	case b == p.Top:
		p.atLeast(out, a)
	case a == 0:
		p.atLeast(out, b+1)
		for i := range out {
			out[i] = ^out[i]
		}
	default:
		p.atLeast(out, a)
		p.atLeast(tmp, b+1)
		AndNot(out, out, tmp)
	}
	return Some
}

// equal sets the bits of the values that are c above the base.
func (p *Planes) equal(out []uint64, c uint64) {
	k := len(p.p) / p.words
	mask := func(b int) uint64 { return (c>>b)&1 - 1 } // ^0 if the bit must be clear
	b := 0
	switch {
	case k&1 == 1:
		x, mx := p.plane(0)[:len(out)], mask(0)
		for i := range out {
			out[i] = x[i] ^ mx
		}
		b = 1
	default:
		x, y, mx, my := p.plane(0)[:len(out)], p.plane(1)[:len(out)], mask(0), mask(1)
		for i := range out {
			out[i] = (x[i] ^ mx) & (y[i] ^ my)
		}
		b = 2
	}
	if (k-b)&2 != 0 {
		x, y, mx, my := p.plane(b)[:len(out)], p.plane(b + 1)[:len(out)], mask(b), mask(b+1)
		for i := range out {
			out[i] &= (x[i] ^ mx) & (y[i] ^ my)
		}
		b += 2
	}
	for ; b < k; b += 4 {
		x, y, z, v := p.plane(b)[:len(out)], p.plane(b + 1)[:len(out)], p.plane(b + 2)[:len(out)], p.plane(b + 3)[:len(out)]
		mx, my, mz, mv := mask(b), mask(b+1), mask(b+2), mask(b+3)
		for i := range out {
			out[i] &= (x[i] ^ mx) & (y[i] ^ my) & (z[i] ^ mz) & (v[i] ^ mv)
		}
	}
}

// atLeast sets the bits of the values that are at least c above the base; c is
// not 0. From the lowest bit of c that is set upwards, a set bit of c asks for
// that of the value, a clear one is content with it.
func (p *Planes) atLeast(out []uint64, c uint64) {
	k := len(p.p) / p.words
	b := bits.TrailingZeros64(c)
	if b >= k {
		clear(out)
		return
	}
	x := p.plane(b)[:len(out)]
	b++
	switch {
	case b == k:
		copy(out, x)
		return
	case (k-b)&1 == 1:
		y := p.plane(b)[:len(out)]
		if c>>b&1 != 0 {
			for i := range out {
				out[i] = x[i] & y[i]
			}
		} else {
			for i := range out {
				out[i] = x[i] | y[i]
			}
		}
		b++
	default:
		y, z := p.plane(b)[:len(out)], p.plane(b + 1)[:len(out)]
		switch c >> b & 3 {
		case 0:
			for i := range out {
				out[i] = x[i] | y[i] | z[i]
			}
		case 1:
			for i := range out {
				out[i] = x[i]&y[i] | z[i]
			}
		case 2:
			for i := range out {
				out[i] = (x[i] | y[i]) & z[i]
			}
		case 3:
			for i := range out {
				out[i] = x[i] & y[i] & z[i]
			}
		}
		b += 2
	}
	for ; b < k; b += 2 {
		y, z := p.plane(b)[:len(out)], p.plane(b + 1)[:len(out)]
		switch c >> b & 3 {
		case 0:
			for i := range out {
				out[i] |= y[i] | z[i]
			}
		case 1:
			for i := range out {
				out[i] = out[i]&y[i] | z[i]
			}
		case 2:
			for i := range out {
				out[i] = (out[i] | y[i]) & z[i]
			}
		case 3:
			for i := range out {
				out[i] &= y[i] & z[i]
			}
		}
	}
}

// and, andNot and or combine a and b in out, which may be one of them, and
// return a word that is 0 if out is empty.
func And(out, a, b []uint64) (any uint64) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		v := a[i] & b[i]
		out[i] = v
		any |= v
	}
	return any
}

// AndNot sets out to a and not b and returns 0 if nothing is left.
func AndNot(out, a, b []uint64) (any uint64) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		v := a[i] &^ b[i]
		out[i] = v
		any |= v
	}
	return any
}

// Or sets out to a or b.
func Or(out, a, b []uint64) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = a[i] | b[i]
	}
}

// BitAt reports whether bit i is set.
func BitAt(w []uint64, i int) bool { return w[i>>6]>>(i&63)&1 != 0 }

// SetBit sets bit i.
func SetBit(w []uint64, i int) { w[i>>6] |= 1 << (i & 63) }

// CountBits returns how many bits are set.
func CountBits(w []uint64) int {
	n := 0
	for _, v := range w {
		n += bits.OnesCount64(v)
	}
	return n
}

// Fill sets the first n bits and clears the rest.
func Fill(w []uint64, n int) {
	for i := range w {
		w[i] = ^uint64(0)
	}
	if len(w) > 0 && n&63 != 0 {
		w[len(w)-1] = 1<<(n&63) - 1
	}
}
