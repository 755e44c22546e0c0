package dedup

import (
	"math/bits"
)

// mostDense is the number of records up to which a component is clustered on a
// matrix of fixed size; nearly all are. Larger ones, and those with decisions, are clustered
// on one that grows (see wide), or on maps (see large) where few are alike, with the same result.
const mostDense = 24

// dense is the state of a small component: clusters by their least member.
type dense struct {
	sums    [mostDense][mostDense]float64 // of weights between two clusters, where near
	near    [mostDense]uint32             // clusters with a pair above the threshold
	members [mostDense]uint32             // sets of members
	list    [mostDense][]uint32
	room    [mostDense]uint32
}

// small is the method of large for a component that fits.
func (c *clusterer) small() [][]uint32 {
	n := len(c.members)
	d := &c.dense
	for i := range n {
		d.near[i], d.members[i] = 0, 1<<i
	}
	for _, e := range c.edges {
		w := clamp(float64(e.weight))
		d.sums[e.a][e.b], d.sums[e.b][e.a] = w, w
		d.near[e.a] |= 1 << e.b
		d.near[e.b] |= 1 << e.a
	}
	for {
		best, x, y := float64(threshold), -1, -1
		for a := range n {
			for q := d.near[a] >> (a + 1) << (a + 1); q != 0; q &= q - 1 {
				b := bits.TrailingZeros32(q)
				v := c.value(d.sums[a][b], bits.OnesCount32(d.members[a])*bits.OnesCount32(d.members[b]))
				if v > best {
					best, x, y = v, a, b
				}
			}
		}
		if x < 0 {
			break
		}
		c.join(x, y)
	}
	out := d.list[:0]
	at := 0
	for a := range n {
		if d.members[a] == 0 {
			continue
		}
		from := at
		for q := d.members[a]; q != 0; q &= q - 1 {
			d.room[at] = uint32(bits.TrailingZeros32(q))
			at++
		}
		out = append(out, d.room[from:at])
	}
	return out
}

// join merges cluster b into a, a < b.
func (c *clusterer) join(a, b int) {
	d := &c.dense
	d.near[a] &^= 1 << b
	d.near[b] &^= 1 << a
	for q := d.near[a] | d.near[b]; q != 0; q &= q - 1 {
		k := bits.TrailingZeros32(q)
		part := func(a int) float64 {
			if d.near[a]>>k&1 != 0 {
				return d.sums[a][k]
			}
			return c.apart(d.members[a], d.members[k])
		}
		sum := part(a) + part(b)
		d.sums[a][k], d.sums[k][a] = sum, sum
		d.near[k] = d.near[k]&^(1<<b) | 1<<a
	}
	d.near[a] |= d.near[b]
	d.near[b] = 0
	d.members[a] |= d.members[b]
	d.members[b] = 0
}

// apart is the sum of weights of all pairs of two sets of members.
func (c *clusterer) apart(a, b uint32) float64 {
	if a&-a > b&-b {
		a, b = b, a
	}
	sum := 0.0
	for p := a; p != 0; p &= p - 1 {
		for q := b; q != 0; q &= q - 1 {
			x, y := bits.TrailingZeros32(p), bits.TrailingZeros32(q)
			sum += c.score(c.members[min(x, y)], c.members[max(x, y)])
		}
	}
	return sum
}
