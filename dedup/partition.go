package dedup

import (
	"context"
	"math"
	"slices"
)

// components are the records of a table by what connects them. Only those of two
// records or more are held; all others are clusters by themselves.
type components struct {
	rows    uint32   // of the table
	of      []uint32 // by row: component + 1, 0 for a record alone
	members []uint32 // component k is members[bounds[k]:bounds[k+1]], in rising order
	bounds  []uint32
	edges   []edge // of component k: edges[from[k]:from[k+1]], in order; ends as places in it
	from    []uint32
	must    map[uint32][][2]uint32 // by component
	cannot  map[uint32][][2]uint32
}

// newComponents splits n records by the edges between them; edges are in order.
func newComponents(n int, edges []edge, must, cannot [][2]uint32) *components {
	parent := make([]uint32, n)
	for i := range parent {
		parent[i] = uint32(i)
	}
	root := func(i uint32) uint32 {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	join := func(a, b uint32) { // the least member is the root
		if a, b = root(a), root(b); a != b {
			parent[max(a, b)] = min(a, b)
		}
	}
	for _, e := range edges {
		join(e.a, e.b)
	}
	for _, p := range must {
		join(p[0], p[1])
	}
	c := &components{rows: uint32(n), of: make([]uint32, n)}
	sizes := []uint32{} // roots come before their other members
	for i := range parent {
		if r := root(uint32(i)); r != uint32(i) {
			if c.of[r] == 0 {
				sizes = append(sizes, 1)
				c.of[r] = uint32(len(sizes))
			}
			c.of[i] = c.of[r]
			sizes[c.of[r]-1]++
		}
	}
	c.bounds = make([]uint32, len(sizes)+1)
	for k, size := range sizes {
		c.bounds[k+1] = c.bounds[k] + size
		sizes[k] = c.bounds[k]
	}
	c.members = make([]uint32, c.bounds[len(sizes)])
	local := parent // its work is done
	for i, k := range c.of {
		if k > 0 {
			at := &sizes[k-1]
			c.members[*at] = uint32(i)
			local[i] = *at - c.bounds[k-1]
			*at++
		}
	}
	c.from = make([]uint32, len(sizes)+1)
	for _, e := range edges {
		c.from[c.of[e.a]]++
	}
	for k := range sizes {
		c.from[k+1] += c.from[k]
		sizes[k] = c.from[k]
	}
	c.edges = make([]edge, len(edges))
	for _, e := range edges {
		at := &sizes[c.of[e.a]-1]
		c.edges[*at] = edge{local[e.a], local[e.b], e.weight}
		*at++
	}
	group := func(pairs [][2]uint32) map[uint32][][2]uint32 {
		var out map[uint32][][2]uint32
		for _, p := range pairs {
			k := c.of[p[0]]
			if k == 0 || c.of[p[1]] != k {
				continue
			}
			if out == nil {
				out = map[uint32][][2]uint32{}
			}
			out[k-1] = append(out[k-1], [2]uint32{local[p[0]], local[p[1]]})
		}
		return out
	}
	c.must, c.cannot = group(must), group(cannot)
	return c
}

// component is the k-th component: its records, the edges between them, and the decisions
// about them.
func (c *components) component(k uint32) component {
	return component{members: c.members[c.bounds[k]:c.bounds[k+1]], edges: c.edges[c.from[k]:c.from[k+1]],
		must: c.must[k], cannot: c.cannot[k]}
}

// partition clusters every component and returns all clusters in the order of their
// first members.
func (c *components) partition(ctx context.Context, t *table, s *scorer, threads int, step func(int64)) ([]Cluster, []Decision, error) {
	const chunkSize = 512
	count := len(c.bounds) - 1
	chunks := (count + chunkSize - 1) / chunkSize
	found, conflicts := make([][]Cluster, chunks), make([][]Decision, chunks)
	fields := &fieldNames{p: t.plan}
	first := make([]uint32, c.rows) // by row: cluster of its chunk + 1, where it is the first member
	workers, err := parallel(ctx, threads, chunks, func(k int, w *worker) error {
		if w.resolver == nil {
			w.resolver = newResolver(t, s, fields, chunkSize)
		}
		found[k] = make([]Cluster, 0, chunkSize+chunkSize/8) // most components are one
		for q := k * chunkSize; q < min((k+1)*chunkSize, count); q++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			part, before := c.component(uint32(q)), len(found[k])
			var overruled []Decision
			found[k], overruled = w.resolver.resolve(part, found[k])
			for i, group := range w.resolver.groups {
				first[part.members[group[0]]] = uint32(before + i + 1)
			}
			conflicts[k] = append(conflicts[k], overruled...)
		}
		step(chunkSize)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	total, alone := 0, 0
	for _, f := range found {
		total += len(f)
	}
	for _, k := range c.of {
		if k == 0 {
			alone++
		}
	}
	out, names := make([]Cluster, 0, total+alone+t.copied()), make([]string, 0, alone)
	singles := newResolver(t, s, fields, 1)
	for i, k := range c.of {
		switch {
		case k == 0 && len(t.copies[uint32(i)]) > 0:
			out = append(out, singles.single(uint32(i)))
		case k == 0:
			names = append(names, t.id(uint32(i)))
			out = append(out, Cluster{Members: names[len(names)-1:]})
			out[len(out)-1].Members = slices.Clip(out[len(out)-1].Members)
		case first[i] > 0:
			out = append(out, found[(k-1)/chunkSize][first[i]-1])
		}
	}
	for _, w := range workers {
		if w.resolver != nil {
			singles.alone = append(singles.alone, w.resolver.alone...)
		}
	}
	return merge(out, singles.alone), slices.Concat(conflicts...), nil
}

// resolver clusters components and gathers the evidence; it is for one goroutine.
type resolver struct {
	clusterer
	measurer
	t      *table
	s      *scorer
	x      *comparer
	fields *fieldNames
	groups [][]uint32 // of the last component
	rows   []uint32   // scratch: of a group
	alone  []string   // copies that are clusters by themselves, of all components
	names  []string   // room for members and edges to come
	links  []Edge
	room   int // clusters to make room for at a time
}

// newResolver returns what clusters one component after the other; it makes memory for so
// many clusters at a time as room says. It is for one goroutine.
func newResolver(t *table, s *scorer, fields *fieldNames, room int) *resolver {
	r := &resolver{t: t, s: s, x: newComparer(t), fields: fields, room: room}
	if t.promises != nil {
		r.rivals = t.rivals
	}
	r.prior = s.prior[classMatch] - s.prior[classChance]
	r.score = func(a, b uint32) float64 { return s.share(r.x, r.x.compare(t.row(a), t.row(b))) }
	return r
}

// take cuts n elements off the room that is left.
func take[T any](left *[]T, n, room int) []T {
	if len(*left) < n {
		*left = make([]T, max(n, room))
	}
	out := (*left)[:n:n]
	*left = (*left)[n:]
	return out
}

// resolve appends the clusters of a component to out and returns the decisions that are
// overruled.
func (r *resolver) resolve(part component, out []Cluster) ([]Cluster, []Decision) {
	t := r.t
	r.component, r.conflicts = part, nil
	r.many = nil
	if len(t.copies) > 0 {
		for m, i := range part.members {
			if n := len(t.copies[i]); n > 0 {
				if r.many == nil {
					r.many = slices.Repeat([]int{1}, len(part.members))
				}
				r.many[m] = n + 1
			}
		}
	}
	r.groups = r.cluster()
	for _, group := range r.groups {
		k := Cluster{Members: take(&r.names, len(group), 2*r.room)}
		for i, m := range group {
			k.Members[i] = t.id(part.members[m])
		}
		if edges := r.tree(group); len(edges) > 0 {
			k.Edges = take(&r.links, len(edges), r.room)
			for i, e := range edges {
				a, b := part.members[e.a], part.members[e.b]
				p := r.x.compare(t.row(a), t.row(b))
				w := r.s.weight(r.x, p)
				k.Edges[i] = Edge{A: t.id(a), B: t.id(b), Weight: round(w), Probability: round(Probability(w)),
					Fields: r.fields.of(p), Decided: math.IsInf(float64(e.weight), 1)}
			}
		}
		var many []int
		if len(t.copies) > 0 {
			r.rows = r.rows[:0]
			for _, m := range group {
				r.rows = append(r.rows, part.members[m])
			}
			many = r.copied(&k, r.rows)
		}
		if len(k.Members) > 2 {
			k.Quality = r.qualityOf(&k, group, many)
		}
		out = append(out, k)
	}
	var conflicts []Decision
	for _, p := range r.conflicts {
		conflicts = append(conflicts, Decision{A: t.id(part.members[p[0]]), B: t.id(part.members[p[1]]), Same: true})
	}
	return out, conflicts
}

// round keeps four decimals: evidence is read by people and stored.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
