package dedup

import (
	"cmp"
	"math"
	"slices"
)

// Quality says how well the records of a cluster hang together. A cluster that owes its
// existence to one record has bridges and a low density, and is worth a look.
type Quality struct {
	Links   int     `json:"links"`   // pairs with positive weight that a rule picked
	Density float64 `json:"density"` // share of all pairs that are links
	Bridges int     `json:"bridges"` // links without which the cluster falls in two
	Weakest float64 `json:"weakest"` // bits of the weakest edge that holds it together
}

// Split returns the two groups into which a cluster falls when its weakest edge is
// cut, the smaller one first, and that edge. It reports false for a single record and
// for a cluster that decisions alone hold together.
func (c Cluster) Split() (smaller, larger []string, weakest Edge, ok bool) {
	cut := -1
	for i, e := range c.Edges {
		if !e.Decided && (cut < 0 || e.Weight <= c.Edges[cut].Weight) {
			cut = i
		}
	}
	if cut < 0 {
		return nil, nil, Edge{}, false
	}
	near := map[string][]string{}
	for i, e := range c.Edges {
		if i != cut {
			near[e.A], near[e.B] = append(near[e.A], e.B), append(near[e.B], e.A)
		}
	}
	weakest = c.Edges[cut]
	side := map[string]bool{weakest.A: true}
	for list := []string{weakest.A}; len(list) > 0; list = list[1:] {
		for _, id := range near[list[0]] {
			if !side[id] {
				side[id] = true
				list = append(list, id)
			}
		}
	}
	for _, id := range c.Members {
		if side[id] {
			smaller = append(smaller, id)
		} else {
			larger = append(larger, id)
		}
	}
	if cmp.Or(cmp.Compare(len(smaller), len(larger)), slices.Compare(smaller, larger)) > 0 {
		smaller, larger = larger, smaller
	}
	return smaller, larger, weakest, true
}

// measurer measures clusters; it keeps its room from one to the next.
type measurer struct {
	near                    [][]int
	ends                    []int
	seen, low, parent, next []int
}

// quality measures a group of three or more, in rising order, by the links inside it and the
// edges that were chosen to hold it together. Of a member there may be many records.
func (r *measurer) quality(group []uint32, links []edge, edges []Edge, many []int) *Quality {
	n := len(group)
	q := &Quality{}
	r.near = slices.Grow(r.near[:0], n)[:n]
	r.next = slices.Grow(r.next[:0], n)[:n]
	clear(r.next)
	local := func(m uint32) int { // the links are inside
		i, _ := slices.BinarySearch(group, m)
		return i
	}
	for _, e := range links {
		if math.IsInf(float64(e.weight), 1) { // a decision
			continue
		}
		q.Links++
		r.next[local(e.a)]++
		r.next[local(e.b)]++
	}
	r.ends = slices.Grow(r.ends[:0], 2*q.Links)[:2*q.Links]
	from := 0
	for i, n := range r.next {
		r.near[i] = r.ends[from : from : from+n]
		from += n
	}
	for _, e := range links {
		if !math.IsInf(float64(e.weight), 1) {
			a, b := local(e.a), local(e.b)
			r.near[a], r.near[b] = append(r.near[a], b), append(r.near[b], a)
		}
	}
	q.Density = round(float64(q.Links) / max(float64(n*(n-1)/2), 1))
	q.Bridges = r.bridges(many)
	q.Weakest = math.Inf(1)
	for _, e := range edges {
		if !e.Decided {
			q.Weakest = min(q.Weakest, e.Weight)
		}
	}
	if math.IsInf(q.Weakest, 1) {
		q.Weakest = 0
	}
	return q
}

// bridges counts the edges of a simple graph that are on no cycle (Tarjan 1974), without
// recursion, as a cluster may be large. A link to one of many is on a cycle with the
// links to the others.
func (r *measurer) bridges(many []int) (count int) {
	near, n := r.near, len(r.near)
	for _, list := range []*[]int{&r.seen, &r.low, &r.parent, &r.next} {
		*list = slices.Grow((*list)[:0], n)[:n]
		clear(*list)
	}
	seen, low, parent, next := r.seen, r.low, r.parent, r.next
	clock := 0
	for root := range n {
		if seen[root] > 0 {
			continue
		}
		clock++
		seen[root], low[root], parent[root] = clock, clock, -1
		for at := root; at >= 0; {
			if next[at] < len(near[at]) {
				to := near[at][next[at]]
				next[at]++
				switch {
				case seen[to] == 0:
					clock++
					seen[to], low[to], parent[to] = clock, clock, at
					at = to
				case to != parent[at]:
					low[at] = min(low[at], seen[to])
				}
				continue
			}
			up := parent[at]
			if up >= 0 {
				low[up] = min(low[up], low[at])
				if low[at] > seen[up] && (many == nil || many[at] == 1 && many[up] == 1) {
					count++
				}
			}
			at = up
		}
	}
	return count
}
