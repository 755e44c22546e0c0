package dedup

import (
	"math"
	"math/bits"
	"slices"
)

// A component is clustered on a matrix if it has at most fewMatrix records, or if there is an
// edge for every perEdge entries of the matrix: that takes less room than maps of its edges,
// whose entries take some 100 bytes each, and no time for their upkeep.
const (
	fewMatrix = 256
	perEdge   = 32
	// mostKept is the number of entries of a matrix that is kept for the next component.
	mostKept = 1 << 20
)

// matrix is the state of a component of which many records are alike: clusters by their
// least member, in rows of n.
type matrix struct {
	n, words int
	sums     []float64 // of weights between two clusters, where near
	near     []uint64  // rows of bits: clusters with a pair above the threshold
	apart    []uint64  // rows of bits: clusters that are never merged
	// Of each row the best of the candidates with later clusters; no value is a row without.
	// Of a loose row the value is a bound, as its best was merged since and is worth less.
	value []float64
	with  []uint32
	loose []bool
	steps int // entries looked at and pairs scored
}

// fits reports whether a component is clustered on a matrix.
func (c *component) fits() bool {
	n := len(c.members)
	return n <= fewMatrix || n <= math.MaxInt32 && n*n <= perEdge*len(c.edges)
}

// wide is the method of large on a matrix. Best candidates are kept row by row (Anderberg
// 1973): a row is looked through again only when no other can be better.
func (c *clusterer) wide() [][]uint32 {
	n := len(c.members)
	m := &c.matrix
	m.reset(n)
	c.groups, c.count = make([][]uint32, n), make([]int, n)
	room := make([]uint32, n)
	for i := range n {
		room[i] = uint32(i)
		c.groups[i] = room[i : i+1 : i+1]
		c.count[i] = c.size(uint32(i))
	}
	for _, p := range c.cannot {
		m.keepApart(int(p[0]), int(p[1]))
	}
	for _, e := range c.edges {
		m.set(int(e.a), int(e.b), clamp(float64(e.weight))*float64(c.size(e.a)*c.size(e.b)))
	}
	c.musts(func(a, b uint32) bool { return m.forbidden(int(a), int(b)) }, func(a, b uint32) uint32 { return uint32(c.combine(int(a), int(b))) })
	if c.rivals != nil { // decisions join rivals, nothing else does
		c.keepRivals()
	}
	for a := range n {
		c.scan(a)
	}
	for {
		a := m.best()
		if a < 0 {
			break
		}
		if m.loose[a] {
			c.scan(a)
			continue
		}
		b := int(m.with[a])
		c.combine(a, b)
		m.value[b] = threshold
		c.scan(a)
		for w, word := range m.near[a*m.words : (a+1)*m.words] {
			for ; word != 0; word &= word - 1 {
				if d := w*64 + bits.TrailingZeros64(word); d < b {
					c.renew(d, a, b)
				}
			}
		}
	}
	if len(m.sums) > mostKept {
		*m = matrix{steps: m.steps}
	}
	return c.gathered()
}

// reset makes room for n clusters.
func (m *matrix) reset(n int) {
	m.n, m.words = n, (n+63)/64
	m.sums = slices.Grow(m.sums[:0], n*n)[:n*n] // read where near only
	for _, rows := range []*[]uint64{&m.near, &m.apart} {
		*rows = slices.Grow((*rows)[:0], n*m.words)[:n*m.words]
		clear(*rows)
	}
	m.value = slices.Grow(m.value[:0], n)[:n]
	m.with = slices.Grow(m.with[:0], n)[:n]
	m.loose = slices.Grow(m.loose[:0], n)[:n]
	clear(m.loose)
	m.steps = 0
}

// set notes the sum of weights between two clusters.
func (m *matrix) set(a, b int, sum float64) {
	m.sums[a*m.n+b], m.sums[b*m.n+a] = sum, sum
	m.near[a*m.words+b/64] |= 1 << (b % 64)
	m.near[b*m.words+a/64] |= 1 << (a % 64)
}

func (m *matrix) isNear(a, b int) bool { return m.near[a*m.words+b/64]>>(b%64)&1 != 0 }

// forget says that a cluster is not near another any more, as it is part of a third.
func (m *matrix) forget(a, b int) {
	m.near[a*m.words+b/64] &^= 1 << (b % 64)
	m.apart[a*m.words+b/64] &^= 1 << (b % 64)
}

func (m *matrix) keepApart(a, b int) {
	m.apart[a*m.words+b/64] |= 1 << (b % 64)
	m.apart[b*m.words+a/64] |= 1 << (a % 64)
}

func (m *matrix) forbidden(a, b int) bool { return m.apart[a*m.words+b/64]>>(b%64)&1 != 0 }

// best is the row of the best candidate, the first of equal ones, or -1.
func (m *matrix) best() int {
	at, most := -1, float64(threshold)
	for a, v := range m.value {
		if v > most {
			at, most = a, v
		}
	}
	m.steps += m.n
	return at
}

// keepRivals keeps apart the groups with rivals in them.
func (c *clusterer) keepRivals() {
	for a, x := range c.groups {
		for b, y := range c.groups[:a] {
			if x != nil && y != nil && c.clash(uint32(a), uint32(b)) {
				c.matrix.keepApart(a, b)
			}
		}
	}
}

// scan finds the best candidate of a row.
func (c *clusterer) scan(a int) {
	m := &c.matrix
	best, with := float64(threshold), uint32(0)
	for w := (a + 1) / 64; w < m.words; w++ {
		word := m.near[a*m.words+w] &^ m.apart[a*m.words+w]
		if w == (a+1)/64 {
			word = word >> ((a + 1) % 64) << ((a + 1) % 64)
		}
		for ; word != 0; word &= word - 1 {
			b := w*64 + bits.TrailingZeros64(word)
			m.steps++
			if v := c.value(m.sums[a*m.n+b], c.count[a]*c.count[b]); v > best {
				best, with = v, uint32(b)
			}
		}
	}
	m.value[a], m.with[a], m.loose[a] = best, with, false
}

// renew looks at what d and a are to each other since b is part of a; d is before b.
func (c *clusterer) renew(d, a, b int) {
	m := &c.matrix
	m.steps++
	if m.value[d] > threshold && (int(m.with[d]) == b || int(m.with[d]) == a) {
		m.loose[d] = true
	}
	if a < d || m.forbidden(a, d) { // it is in the row of a, or in none
		return
	}
	v := c.value(m.sums[d*m.n+a], c.count[d]*c.count[a])
	switch {
	case v > m.value[d]:
		m.value[d], m.with[d], m.loose[d] = v, uint32(a), false
	case v == m.value[d] && v > threshold && !m.loose[d] && a < int(m.with[d]):
		m.with[d] = uint32(a)
	}
}

// combine joins b into a, or a into b if that is the smaller number, and returns what is
// left. It adds weights in the order in which merge does.
func (c *clusterer) combine(a, b int) int {
	m := &c.matrix
	if b < a {
		a, b = b, a
	}
	m.forget(a, b)
	m.forget(b, a)
	for w := range m.words {
		for word := m.apart[b*m.words+w]; word != 0; word &= word - 1 {
			d := w*64 + bits.TrailingZeros64(word)
			m.apart[d*m.words+b/64] &^= 1 << (b % 64)
			m.keepApart(a, d)
		}
		m.apart[b*m.words+w] = 0
		for word := m.near[a*m.words+w] | m.near[b*m.words+w]; word != 0; word &= word - 1 {
			d := w*64 + bits.TrailingZeros64(word)
			m.steps++
			x, y := m.isNear(a, d), m.isNear(b, d)
			m.near[d*m.words+b/64] &^= 1 << (b % 64)
			sum := 0.0
			switch {
			case m.forbidden(a, d): // never read: what must not be merged will not be later
			case x && y:
				sum = m.sums[a*m.n+d] + m.sums[b*m.n+d]
			case x:
				sum = m.sums[a*m.n+d] + c.between(uint32(b), uint32(d))
				m.steps += len(c.groups[b]) * len(c.groups[d])
			default:
				sum = m.sums[b*m.n+d] + c.between(uint32(a), uint32(d))
				m.steps += len(c.groups[a]) * len(c.groups[d])
			}
			m.set(a, d, sum)
		}
		m.near[b*m.words+w] = 0
	}
	c.count[a] += c.count[b]
	c.groups[a] = append(c.groups[a], c.groups[b]...)
	c.groups[b] = nil
	return a
}
