package dedup

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

// threshold is the value that two clusters must exceed to be merged: zero bits, even odds.
const threshold = 0

// These are variables for a test that moves them, see TestConstants; nothing else does.
var (
	// leastWeight and mostWeight bound what one pair contributes to an average. The
	// errors of one bad record contradict all the others of its entity at once, so
	// contradictions are far from independent: one counts as odds of 1 in 32, about one
	// disagreement in a reliable field. Nor may one excellent pair decide for a cluster.
	leastWeight, mostWeight = -5.0, 20.0
	// vetoWeight is what a pair contributes that a veto forbids: odds of 1 in 256. Father and
	// son whose births are known are not joined by records of that name without a birth (E12).
	vetoWeight = -8.0
)

// edge is a scored pair, a < b.
type edge struct {
	a, b   uint32
	weight float32
}

// component is a set of records connected by pairs above the threshold, in the
// order of their ids, with those pairs; a and b of an edge index members.
type component struct {
	members []uint32
	edges   []edge
	must    [][2]uint32
	cannot  [][2]uint32
}

// clusterer merges the records of a component by average linkage. Unlike common
// practice it assumes nothing about pairs that blocking did not pick: they are
// compared when they are needed.
type clusterer struct {
	component
	dense     dense
	matrix    matrix
	prior     float64                   // log2 of the odds that two random records are one entity
	score     func(a, b uint32) float64 // what two members contribute to an average, bounded
	many      []int                     // records of each member; nil for one each
	rivals    func(a, b uint32) bool    // members of one source that has every entity once; nil for none
	groups    [][]uint32
	count     []int                // records of each group
	near      []map[uint32]float64 // sum of weights to clusters with a pair above the threshold
	banned    []map[uint32]bool
	queue     queue
	starts    []uint32    // where the edges of each member begin; none for few members
	inside    []edge      // of the cluster that tree saw last
	roots     []uint32    // scratch of tree: by member, what it hangs on; of the last cluster only
	spare     []edge      // scratch of tree
	chosen    []edge      // scratch of tree
	conflicts [][2]uint32 // must-links that a cannot-link forbids
}

// candidate is a pair of groups that may be merged, with the mean weight between them.
type candidate struct {
	value float64
	a, b  uint32
}

// queue is a heap of candidates, the best one first; equal ones come by their groups, so
// that clusters do not depend on the order of records.
type queue []candidate

func (q queue) Len() int { return len(q) }

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q queue) Less(i, j int) bool {
	return cmp.Or(-cmp.Compare(q[i].value, q[j].value), cmp.Compare(q[i].a, q[j].a), cmp.Compare(q[i].b, q[j].b)) < 0
}

func (q *queue) Push(x any) { *q = append(*q, x.(candidate)) }

func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// clamp bounds a weight, so that one certain pair does not outvote many that speak against
// a merger.
func clamp(w float64) float64 { return min(max(w, leastWeight), mostWeight) }

// cluster returns the clusters of a component as lists of member indexes in rising
// order, ordered by their first member.
func (c *clusterer) cluster() [][]uint32 {
	n := len(c.members)
	c.index(n)
	if n == 1 {
		return [][]uint32{{0}}
	}
	if n == 2 && len(c.must) == 0 && len(c.cannot) == 0 {
		if len(c.edges) == 1 && float64(c.edges[0].weight) > threshold {
			return [][]uint32{{0, 1}}
		}
		return [][]uint32{{0}, {1}}
	}
	if n <= mostDense && len(c.must) == 0 && len(c.cannot) == 0 && c.rivals == nil && c.many == nil {
		return c.small()
	}
	if c.fits() {
		return c.wide()
	}
	return c.large()
}

// index notes where the edges of each member begin, of a component that may fall into many
// clusters: each looks at its own only.
func (c *clusterer) index(n int) {
	c.starts = c.starts[:0]
	if n <= mostDense {
		return
	}
	c.starts = slices.Grow(c.starts, n+1)
	for i, e := range c.edges { // in order
		for len(c.starts) <= int(e.a) {
			c.starts = append(c.starts, uint32(i))
		}
	}
	for len(c.starts) <= n {
		c.starts = append(c.starts, uint32(len(c.edges)))
	}
}

// large clusters a component of any size and with any decisions, on maps.
func (c *clusterer) large() [][]uint32 {
	n := len(c.members)
	c.groups = make([][]uint32, n)
	c.near = make([]map[uint32]float64, n)
	c.count = make([]int, n)
	for i := range c.groups {
		c.count[i] = c.size(uint32(i))
		c.groups[i] = []uint32{uint32(i)}
		c.near[i] = map[uint32]float64{}
	}
	c.banned = make([]map[uint32]bool, n)
	for _, p := range c.cannot {
		c.ban(p[0], p[1])
	}
	for _, e := range c.edges {
		w := clamp(float64(e.weight)) * float64(c.size(e.a)*c.size(e.b))
		c.near[e.a][e.b], c.near[e.b][e.a] = w, w
	}
	c.musts(func(a, b uint32) bool { return c.banned[a][b] }, c.merge)
	c.queue = c.queue[:0]
	for a, near := range c.near {
		for b, sum := range near {
			if uint32(a) < b {
				c.push(uint32(a), b, sum)
			}
		}
	}
	heap.Init(&c.queue)
	for len(c.queue) > 0 {
		top := heap.Pop(&c.queue).(candidate)
		a, b := top.a, top.b
		sum, ok := c.near[a][b]
		if !ok || c.groups[a] == nil || c.groups[b] == nil || c.value(sum, c.count[a]*c.count[b]) != top.value || c.banned[a][b] || c.clash(a, b) {
			continue
		}
		a = c.merge(a, b)
		for d, sum := range c.near[a] {
			if c.push(min(a, d), max(a, d), sum) {
				heap.Fix(&c.queue, len(c.queue)-1)
			}
		}
	}
	return c.gathered()
}

// musts merges what decisions say is one, but for what others forbid.
func (c *clusterer) musts(forbidden func(a, b uint32) bool, merge func(a, b uint32) uint32) {
	if len(c.must) == 0 {
		return
	}
	at := make([]uint32, len(c.members)) // where a member is now
	for i := range at {
		at[i] = uint32(i)
	}
	for _, p := range c.must {
		a, b := at[p[0]], at[p[1]]
		if a == b {
			continue
		}
		if forbidden(a, b) {
			c.conflicts = append(c.conflicts, p)
			continue
		}
		a = merge(a, b)
		for _, i := range c.groups[a] {
			at[i] = a
		}
	}
}

// gathered returns the groups that are left.
func (c *clusterer) gathered() [][]uint32 {
	var out [][]uint32
	for _, g := range c.groups {
		if g != nil {
			slices.Sort(g)
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b []uint32) int { return cmp.Compare(a[0], b[0]) })
	return out
}

// size is the number of records of a member.
func (c *clusterer) size(m uint32) int {
	if c.many == nil {
		return 1
	}
	return c.many[m]
}

// value is by how much two groups, with such a sum of weights between their records, exceed
// even odds of being one, in bits. Of one pair it is the weight. Of n pairs it is their mean,
// as average linkage has it (Sokal and Michener 1958), and what they say more than one of
// them: they are no independent witnesses, as each record takes part in several, but they
// are no copies of one either. With evidence e = weight - prior for each, n pairs count
// as 1 + novelty (1 - 1/n) of them: merging is right where prior + count * mean(e) > 0, which
// is where the mean weight exceeds prior (1 - 1/count).
func (c *clusterer) value(sum float64, n int) float64 {
	pairs := float64(n)
	return sum/pairs - c.prior*(1-1/(1+novelty*(1-1/pairs)))
}

// novelty is what all further pairs between two groups say beside the first, in pairs:
// a fifth, as records of one entity repeat each other's errors and gaps. None (0) splits
// entities of many bad records; half of it or twice changes F1 by less than .015 (see
// TestConstants).
var novelty = 0.2

// push queues a pair of clusters that may merge; the caller restores the heap.
func (c *clusterer) push(a, b uint32, sum float64) bool {
	v := c.value(sum, c.count[a]*c.count[b])
	if v <= threshold || math.IsNaN(v) || c.banned[a][b] || c.clash(a, b) {
		return false
	}
	c.queue = append(c.queue, candidate{v, a, b})
	return true
}

// clash reports whether two clusters have records of one source that has every entity once.
func (c *clusterer) clash(a, b uint32) bool {
	if c.rivals == nil {
		return false
	}
	for _, x := range c.groups[a] {
		for _, y := range c.groups[b] {
			if c.rivals(c.members[x], c.members[y]) {
				return true
			}
		}
	}
	return false
}

// ban keeps two groups apart for good.
func (c *clusterer) ban(a, b uint32) {
	for _, p := range [2][2]uint32{{a, b}, {b, a}} {
		if c.banned[p[0]] == nil {
			c.banned[p[0]] = map[uint32]bool{}
		}
		c.banned[p[0]][p[1]] = true
	}
}

// merge joins b into a, or a into b if that is the smaller number, and returns what is left.
func (c *clusterer) merge(a, b uint32) uint32 {
	if b < a {
		a, b = b, a
	}
	delete(c.near[a], b)
	delete(c.near[b], a)
	for d, sum := range c.near[a] {
		if other, ok := c.near[b][d]; ok {
			sum += other
			delete(c.near[b], d)
			delete(c.near[d], b)
		} else {
			sum += c.between(b, d)
		}
		c.near[a][d], c.near[d][a] = sum, sum
	}
	for d, sum := range c.near[b] {
		sum += c.between(a, d)
		c.near[a][d], c.near[d][a] = sum, sum
		delete(c.near[d], b)
	}
	for d := range c.banned[b] {
		delete(c.banned[d], b)
		c.ban(a, d)
	}
	c.groups[a] = append(c.groups[a], c.groups[b]...)
	c.count[a] += c.count[b]
	c.groups[b], c.near[b], c.banned[b] = nil, nil, nil
	return a
}

// between is the sum of weights of all pairs of two clusters.
func (c *clusterer) between(a, b uint32) float64 {
	if a > b {
		a, b = b, a
	}
	sum := 0.0
	for _, x := range c.groups[a] {
		for _, y := range c.groups[b] {
			sum += c.score(c.members[min(x, y)], c.members[max(x, y)]) * float64(c.size(x)*c.size(y))
		}
	}
	return sum
}

// tree returns the strongest edges that hold a cluster together, as many as it has
// members less one if positive edges reach them all. The list is good until the next call.
func (c *clusterer) tree(cluster []uint32) []edge {
	c.inside = nil
	if len(cluster) < 2 {
		return nil
	}
	if len(c.members) == 2 && len(c.must) == 0 {
		c.inside = c.edges
		return c.edges
	}
	const outside = ^uint32(0)
	if len(c.roots) < len(c.members) {
		c.roots = slices.Repeat([]uint32{outside}, max(len(c.members), mostDense))
	}
	in := c.roots
	for _, m := range cluster {
		in[m] = m
	}
	defer func() {
		for _, m := range cluster {
			in[m] = outside
		}
	}()
	root := func(m uint32) uint32 {
		for in[m] != m {
			in[m] = in[in[m]]
			m = in[m]
		}
		return m
	}
	inside, out := c.spare[:0], c.chosen[:0]
	if len(c.starts) == 0 {
		for _, e := range c.edges {
			if in[e.a] != outside && in[e.b] != outside {
				inside = append(inside, e)
			}
		}
	} else {
		for _, m := range cluster {
			for _, e := range c.edges[c.starts[m]:c.starts[m+1]] {
				if in[e.b] != outside {
					inside = append(inside, e)
				}
			}
		}
	}
	for _, p := range c.must { // decisions first: they hold whatever the weight
		if in[p[0]] != outside && in[p[1]] != outside {
			inside = append(inside, edge{min(p[0], p[1]), max(p[0], p[1]), float32(math.Inf(1))})
		}
	}
	slices.SortFunc(inside, func(a, b edge) int {
		return cmp.Or(-cmp.Compare(a.weight, b.weight), cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b))
	})
	c.inside, c.spare = inside, inside
	for _, e := range inside {
		if a, b := root(e.a), root(e.b); a != b {
			in[max(a, b)] = min(a, b)
			out = append(out, e)
		}
	}
	c.chosen = out
	return out
}
